#!/usr/bin/env bats
# A monitor under abuse: what it serves goes on, what it says is true, nothing stays behind (teardown looks).
# CUDDY_TEST_LONG=1 takes the sizes that a release is looked at with: minutes, 500 containers.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

size() { if [ -n "${CUDDY_TEST_LONG:-}" ]; then echo "$2"; else echo "$1"; fi; } # size USUAL LONG
kill_if() { [ "$2" -gt 1 ] && kill "-$1" "$2" 2>/dev/null || true; } # kill_if SIGNAL PID: 0 is one that ended
numbered() { cuddy logs "$1" | cmp - <(seq "$2"; echo end); }

@test "abuse: attach clients that stand still, vanish or come and go do not hold the container" {
	cuddy run -d -i --name c --network none --log-opt max-size=-1 "$IMAGE" \
		sh -c 'while [ ! -e /go ]; do sleep 0.02; done; seq 200000; echo end'
	for n in 1 2 3 4; do
		"$CUDDY" attach --no-stdin c >"$WORK/$n" 2>"$WORK/$n.err" 3>&- &
		eval "p$n=$!"
		wait_asleep $!
	done
	kill -STOP $p1 $p2
	cuddy exec c touch /go
	kill -KILL $p3
	for n in 1 2 3 4 5; do # in the middle of the flood, and gone again
		timeout -s KILL 0.1 "$CUDDY" attach c </dev/null >/dev/null 2>&1 3>&- || true
	done
	[ "$(timeout 60 "$CUDDY" wait c)" = 0 ]
	numbered c 200000
	kill -KILL $p2
	kill -CONT $p1
	for p in $p1 $p2 $p3 $p4; do
		wait $p || true
	done
	[ "$(cuddy inspect --format '{{.State.Status}} {{.State.ExitCode}}' c)" = "exited 0" ]
}

@test "abuse: short lines, each written by itself, all of them, in little memory" {
	n=$(size 40000 600000)
	cuddy run -d --name c --network none --log-opt max-size=-1 "$IMAGE" \
		sh -c 'i=0; while [ $i -lt '"$n"' ]; do i=$((i+1)); echo $i; done; echo end; exec sleep 1000'
	ended() { [ "$(cuddy logs --tail 1 c)" = end ]; }
	export BATS_TEST_TIMEOUT=300
	wait_until 240 ended
	numbered c "$n"
	if [[ "${BUILD:-}" != *san-* ]]; then
		settled() { [ "$(awk '/^Private_Dirty/ { print $2 }' "/proc/$(conmon_pid c)/smaps_rollup")" -le 130 ]; }
		wait_until 20 settled
	fi
}

@test "abuse: many that idle take little memory, no time, and go at once" {
	n=$(size 30 500)
	seq "$n" | xargs -P 8 -I{} "$CUDDY" run -d --name c{} --network none "$IMAGE" sleep 100000 >"$WORK/ids"
	[ "$(cuddy ps -q | wc -l)" -eq "$n" ]
	cuddy inspect --format '{{.State.ConmonPid}}' $(cuddy ps -q) >"$WORK/monitors"
	[ "$(sort -u "$WORK/monitors" | wc -l)" -eq "$n" ]
	if [[ "${BUILD:-}" != *san-* ]]; then
		most=$(while read -r p; do awk '/^Private_(Dirty|Clean)/ { n += $2 } END { print n }' "/proc/$p/smaps_rollup"; done <"$WORK/monitors" | sort -n | tail -n 1)
		[ "$most" -le 256 ] || fail "$most kB of its own"
	fi
	# At rest a monitor is not woken: the sum of their context switches stands still.
	switches() { sed 's|.*|/proc/&/status|' "$WORK/monitors" | xargs awk '/ctxt_switches/ { n += $2 } END { print n }'; }
	at_rest() { local before; before=$(switches); sleep 2; [ "$(switches)" = "$before" ]; }
	wait_until 30 at_rest
	cuddy rm -f -t 0 -a >/dev/null
	[ -z "$(cuddy ps -aq)" ]
}

@test "abuse: a hundred execs at once, each with its own output and status, and none left in the container" {
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	seq 100 | xargs -P 100 -I{} sh -c 'out=$("$CUDDY" exec c sh -c "echo n{}; exit {}" 2>&1); st=$?
		[ "$out" = n{} ] && [ $st -eq {} ] || echo "{}: $st $out"' >"$WORK/bad" || true
	[ ! -s "$WORK/bad" ] || { head -n 20 "$WORK/bad"; false; }
	alone() { [ "$(cuddy top c pid | wc -l)" -eq 2 ]; }
	wait_until 20 alone
	[ "$(ls "/proc/$(conmon_pid c)/fd" | wc -l)" -le 24 ]
}

@test "abuse: a container that has no process ids left is looked at, stopped and removed as any other" {
	cuddy run -d --name c --network none --user 1000 --ulimit nproc=12 "$IMAGE" \
		sh -c '(while :; do sleep 100000 & done) 2>/dev/null; exec sleep 100000'
	full() { [ "$(cuddy top c pid 2>/dev/null | wc -l)" -ge 10 ]; }
	wait_until 20 full
	run cuddy exec c sh -c 'sleep 0 & sleep 0 & sleep 0 & wait'
	[ "$status" -ne 0 ]
	[[ "$output" == *"can't fork"* ]]
	run -0 cuddy exec --user 0 c true # another user's processes are not counted with them
	[ "$(cuddy inspect --format '{{.State.Status}}' c)" = running ]
	run -0 cuddy stop -t 0 c
	[ "$(cuddy inspect --format '{{.State.Status}} {{.State.ExitCode}}' c)" = "exited 137" ]
	cuddy start c
	wait_running c
	run -0 cuddy rm -f -t 0 c
}

@test "abuse: monitors and first processes killed at random while commands come" {
	for i in 1 2 3 4 5 6; do
		cuddy run -d --name c$i --network none "$IMAGE" sh -c 'while :; do echo x; sleep 0.01; done' >/dev/null
	done
	all=()
	for i in 1 2 3 4 5 6; do
		for verb in 'logs -f' 'wait' 'stop -t 1' 'restart -t 0'; do
			timeout 60 "$CUDDY" $verb c$i >/dev/null 2>&1 3>&- &
			all+=($!)
		done
		m=$(conmon_pid c$i) p=$(container_pid c$i)
		case $i in
		1 | 4) kill_if KILL "$m" ;;
		2 | 5) kill_if KILL "$p" ;;
		3) kill_if STOP "$m" && sleep 0.2 && kill_if KILL "$m" ;;
		esac
	done
	# Whatever was restarted meanwhile is followed and waited for until it is stopped again.
	over() { cuddy stop -t 0 -a >/dev/null 2>&1; ! kill -0 "${all[@]}" 2>/dev/null; }
	wait_until 90 over
	for p in "${all[@]}"; do
		st=0
		wait "$p" || st=$?
		[ $st -ne 124 ] || fail "a command hangs"
	done
	[ -z "$(cuddy ps -q)" ]
	[ "$(cuddy ps -aq --filter status=exited | wc -l)" -eq 6 ]
	cuddy rm -f -t 0 -a >/dev/null
}
