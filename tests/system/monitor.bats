#!/usr/bin/env bats
# What a container's monitor does when nobody is with it: logs that do not grow for ever, clean-up, little memory.
load helpers

log_files() { find "$CUDDY_ROOT"/containers/*/ -maxdepth 1 -name 'ctr.log*' "$@"; }
bytes_of_logs() { log_files -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'; }
lines() { seq -f "%08.0f the quick brown fox jumps over the lazy dog and goes on until the line is long" "$@"; } # 80 bytes

# Is $1 the numbered lines FROM..$2 without a hole?
unbroken() {
	awk -v last="$2" 'NR > 1 && $1 + 0 != n + 1 { exit 1 } { n = $1 + 0 } END { if (n != last) exit 1 }' "$1"
}

@test "monitor: a log is rotated at 10 MB and three files are kept, what is left is the end without a hole" {
	lines 600000 >"$WORK/in"
	cuddy run -i --name c "$IMAGE" cat <"$WORK/in" >"$WORK/out"
	cmp "$WORK/in" "$WORK/out"
	[ "$(log_files | wc -l)" -eq 3 ]
	[ "$(bytes_of_logs)" -le 32000000 ]
	[ "$(bytes_of_logs)" -ge 20000000 ]
	cuddy logs c >"$WORK/logged"
	unbroken "$WORK/logged" 600000
	[ "$(wc -l <"$WORK/logged")" -ge 120000 ]
	run -0 cuddy logs --tail 2 c
	[ "$output" = "$(lines 599999 600000)" ]
}

@test "monitor: --log-opt max-size and max-file bound a log, also of the json-file driver" {
	lines 20000 >"$WORK/in"
	for driver in k8s-file json-file; do
		cuddy run -i --name c --log-driver $driver --log-opt max-size=100k,max-file=4 "$IMAGE" cat \
			<"$WORK/in" >/dev/null
		[ "$(log_files | wc -l)" -eq 4 ]
		[ "$(bytes_of_logs)" -le 450000 ]
		cuddy logs c >"$WORK/logged"
		unbroken "$WORK/logged" 20000
		cuddy rm c
	done
}

@test "monitor: logs -f sees every line across rotations" {
	cuddy run -d --name c --log-opt max-size=200k --log-opt max-file=50 "$IMAGE" \
		sh -c 'i=0; while [ ! -e /go ]; do sleep 0.05; done; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i 0123456789012345678901234567890123456789; done'
	"$CUDDY" logs -f c >"$WORK/logged" 3>&- &
	f=$!
	cuddy exec c touch /go
	wait $f
	unbroken "$WORK/logged" 20000
	[ "$(wc -l <"$WORK/logged")" -eq 20000 ]
}

@test "monitor: log drivers none and passthrough keep nothing, and say so" {
	run -0 cuddy run --name n --log-driver none "$IMAGE" echo out
	[ "$output" = out ]
	run -125 --separate-stderr cuddy logs n
	one_line_error 125 'none'
	run -0 cuddy run --name p --log-driver passthrough "$IMAGE" echo out
	[ "$output" = out ]
	run -125 --separate-stderr cuddy logs p
	one_line_error 125 'passthrough'
	[ -z "$(log_files -size +0)" ]
}

@test "monitor: --rm of a detached container takes everything away without any other command" {
	cuddy run -d --rm --name c -v /anonymous "$IMAGE" sh -c 'echo x >/anonymous/x; mkdir -p /a/b; : >/a/b/c; while [ ! -e /go ]; do sleep 0.02; done'
	[ "$(ls "$CUDDY_ROOT/volumes" | wc -l)" -eq 1 ]
	cuddy exec c touch /go
	for d in containers names trash volumes; do
		wait_until 10 empty_dir "$CUDDY_ROOT/$d"
	done
	wait_until 10 no_runtime_dirs
	wait_until 10 no_strays
}

@test "monitor: --rm when cuddy is killed while it follows the container" {
	"$CUDDY" run --rm --name c "$IMAGE" sh -c 'while [ ! -e /go ]; do sleep 0.02; done' >/dev/null 2>&1 3>&- &
	p=$!
	wait_running c
	kill -KILL $p
	wait $p || true
	cuddy exec c touch /go
	for d in containers names trash; do
		wait_until 10 empty_dir "$CUDDY_ROOT/$d"
	done
}

@test "monitor: a --rm container that a crash left is gone for the next command, and its name is free" {
	cuddy run -d --rm --name c -v /anonymous "$IMAGE" sleep 1000
	kill -KILL "$(conmon_pid c)"
	wait_until 10 no_strays
	run -0 cuddy run --rm --name c "$IMAGE" echo again
	[ "$output" = again ]
	cuddy run -d --rm --name c "$IMAGE" sleep 1000
	kill -KILL "$(conmon_pid c)"
	wait_until 10 no_strays
	run -0 cuddy ps -aq
	[ -z "$output" ]
	empty_dir "$CUDDY_ROOT/volumes"
	cuddy run -d --rm --name c "$IMAGE" sleep 1000
	kill -KILL "$(conmon_pid c)"
	wait_until 10 no_strays
	rm -rf "$CUDDY_RUNROOT"                         # and the machine went down
	run -125 --separate-stderr cuddy inspect --type container c
	[ "$stderr" = "cuddy: inspect: c: no such container" ]
	cuddy run -d --rm --name c "$IMAGE" sleep 1000
	kill -KILL "$(conmon_pid c)"
	wait_until 10 no_strays
	rm -rf "$CUDDY_RUNROOT"                         # a list is the first to meet what a reboot left
	run -0 cuddy ps -aq
	[ -z "$output" ]
	empty_dir "$CUDDY_ROOT/containers"
}

@test "monitor: of a container that idles takes little memory of its own, also after much output" {
	[[ "${BUILD:-}" != *san-* ]] || skip "a sanitizer's memory is not the monitor's"
	cuddy run -d --name idle --network none "$IMAGE" sleep 1000
	cuddy run -d --name busy --network none "$IMAGE" sh -c 'head -c 50000000 /dev/zero; echo; echo done; exec sleep 1000'
	wait_until 20 sh -c '"$CUDDY" logs --tail 1 busy | grep -q done'
	private() { awk '/^Private_Dirty/ { print $2 }' "/proc/$(conmon_pid "$1")/smaps_rollup"; }
	[ "$(private idle)" -le 100 ] || fail "$(private idle) kB"
	settled() { [ "$(private busy)" -le 130 ]; }
	wait_until 10 settled || fail "$(private busy) kB"
}

@test "monitor: a container whose foreground reader stands still can be removed by force" {
	mkfifo "$WORK/pipe"
	"$CUDDY" run --name c "$IMAGE" sh -c 'head -c 1000000 /dev/zero' >"$WORK/pipe" 3>&- &
	p=$!
	exec 8<"$WORK/pipe"
	wait_running c
	run -0 cuddy rm -f -t 0 c
	exec 8<&-
	st=0
	wait $p || st=$?
	[ $st -ne 0 ]
	[ -z "$(cuddy ps -aq)" ]
}
