#!/usr/bin/env bats
# cuddy logs: several containers, following, bounds in time and lines, any bytes, a full disk.
load helpers

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

quiet_run() { cuddy run --network none "$@"; }
id_of() { cuddy inspect --format '{{.Id}}' "$1"; }

@test "logs: of several containers each line begins with its container; the names, and colours, when asked" {
	quiet_run --name a "$IMAGE" sh -c 'echo a1; printf a2' >/dev/null
	quiet_run --name b "$IMAGE" sh -c 'echo b1; echo b2 >&2' >/dev/null 2>&1
	run -0 cuddy logs --names --color a
	[ "$output" = "a1"$'\n'"a2" ]
	local a b
	a=$(id_of a) b=$(id_of b)
	run -0 --separate-stderr cuddy logs a "${b:0:20}"
	[ "$output" = "${a:0:12} a1"$'\n'"${a:0:12} a2"$'\n'"${b:0:12} b1" ]
	[ "$stderr" = "${b:0:12} b2" ]
	run -0 cuddy logs -n --tail 1 a b
	[ "$output" = "a a2"$'\n'"b b2" ]
	cuddy logs -n --color b a >"$WORK/out" 2>/dev/null
	[ "$(head -n 1 "$WORK/out")" = $'\e[31mb\e[0m b1' ]
	[ "$(tail -n 1 "$WORK/out")" = $'\e[32ma\e[0m a2' ]
	run -0 cuddy logs -n -t a b
	[[ "${lines[0]}" =~ ^a\ 20[0-9-]+T[0-9:.]+Z\ a1$ ]]
	run -0 cuddy logs -l
	[ "$output" = "b1"$'\n'"b2" ]
	run -125 --separate-stderr cuddy logs a nope
	one_line_error 125 'nope'
	[ -z "$output" ]
	run -125 --separate-stderr cuddy logs
	one_line_error 125 'name'
	run -125 --separate-stderr cuddy logs --tail x a
	one_line_error 125 "tail 'x'"
	run -125 --separate-stderr cuddy logs --since x a
	one_line_error 125 "since 'x'"
}

@test "logs: -f of several containers prints whole lines of each as they come, until the last has ended" {
	local script='printf "%s: " $0; touch /half; while [ ! -e /go ]; do sleep 0.02; done; seq 1 300; echo end >&2'
	quiet_run -d --name a "$IMAGE" sh -c "$script" one
	quiet_run -d --name b "$IMAGE" sh -c "$script" two
	for c in a b; do
		wait_until 20 cuddy exec $c test -e /half
	done
	"$CUDDY" logs -f -n a b >"$WORK/out" 2>"$WORK/err" 3>&- &
	f=$!
	cuddy exec a touch /go
	cuddy wait a
	wait_until 20 grep -q '^a 300$' "$WORK/out"
	cuddy exec b touch /go
	wait $f
	for c in a b; do
		grep "^$c " "$WORK/out" | cut -d' ' -f2- >"$WORK/$c"
	done
	diff <(echo "one: 1"; seq 2 300) "$WORK/a"
	diff <(echo "two: 1"; seq 2 300) "$WORK/b"
	[ "$(wc -l <"$WORK/out")" -eq 600 ]
	[ "$(sort "$WORK/err")" = "a end"$'\n'"b end" ]
}

@test "logs: -f goes on over the restarts of a policy and over rotations; later runs are appended" {
	quiet_run -d --name c --restart on-failure:2 --log-opt max-size=8k --log-opt max-file=40 -v "$WORK:/w" "$IMAGE" sh -c '
		while [ ! -e /w/go ]; do sleep 0.02; done
		n=$(cat /w/n 2>/dev/null || echo 0); echo $((n + 1)) >/w/n; seq $((n * 500 + 1)) $((n * 500 + 500)); [ $n -ge 2 ]'
	"$CUDDY" logs -f c >"$WORK/out" 3>&- &
	f=$!
	touch "$WORK/go"
	wait $f
	diff <(seq 1500) "$WORK/out"
	[ "$(cuddy events --stream=false --filter container=c --filter event=log-rotation | wc -l)" -ge 1 ]
	cuddy start -a c >/dev/null
	cuddy logs c | diff <(seq 2000) -
	cuddy logs --tail 700 c | diff <(seq 1301 2000) -
}

@test "logs: --since and --until take a time, also while following" {
	quiet_run -d --name c "$IMAGE" sh -c 'echo one; while [ ! -e /go ]; do sleep 0.02; done; echo two; sleep 1000'
	wait_log c one
	local first second
	first=$(cuddy logs -t c | cut -d' ' -f1)
	cuddy exec c touch /go
	wait_log c two
	second=$(cuddy logs -t --tail 1 c | cut -d' ' -f1)
	[ "$(cuddy logs --since "$second" c)" = two ]
	[ "$(cuddy logs --until "$first" c)" = one ]
	[ "$(cuddy logs --since "$first" --until "$second" c)" = "one"$'\n'"two" ]
	[ "$(cuddy logs --since 1h c)" = "one"$'\n'"two" ]
	[ -z "$(cuddy logs --until 1h c)" ]
	[ "$(cuddy logs -f --until "$second" c)" = "one"$'\n'"two" ] # ends, although the container runs
	cuddy rm -f -t 0 c
}

@test "logs: any bytes, a line of a megabyte and one without an end come back as they were" {
	{
		head -c 300000 /dev/urandom
		printf '\n2026-01-01T00:00:00.000000000Z stderr F forged\n'
		head -c 1000000 /dev/zero | tr '\0' x
		printf '\nno end'
	} >"$WORK/in"
	for driver in k8s-file json-file; do
		quiet_run -i --name c --log-driver $driver --log-opt max-size=-1 "$IMAGE" cat <"$WORK/in" >/dev/null
		cuddy logs c >"$WORK/out" 2>"$WORK/err"
		cmp "$WORK/in" "$WORK/out"
		[ ! -s "$WORK/err" ]
		cuddy rm c
	done
}

# A small tmpfs below the log, in a mount namespace of the test's own.
@test "logs: a full disk costs lines, said where they are missing, and neither stalls nor kills; with room again the log goes on" {
	cat >"$WORK/in" <<-'SH'
		set -eu
		. "$TOP/tests/system/helpers.bash"
		mkdir "$WORK/small"
		mount -t tmpfs -o size=128k none "$WORK/small"
		head -c 60000 /dev/zero >"$WORK/small/filler"
		cuddy run -d --name c --network none --log-opt path="$WORK/small/log" --log-opt max-size=-1 "$IMAGE" sh -c '
			seq 1 20000; echo full; touch /full; while [ ! -e /go ]; do sleep 0.02; done; echo again; sleep 1000'
		wait_until 20 cuddy exec c test -e /full # all was written although it had no place
		cuddy exec c true
		[ "$(cuddy inspect --format '{{.State.Status}}' c)" = running ]
		rm "$WORK/small/filler"
		cuddy exec c touch /go
		wait_log c again
		cuddy logs c >"$WORK/out" 2>"$WORK/err"
		cuddy rm -f -t 0 c
	SH
	export BATS_TEST_DIRNAME BATS_VERSION
	cuddy unshare env WORK="$WORK" bash -c ". $WORK/in" 2>"$WORK/log" || { cat "$WORK/log"; false; }
	# What was lost may have held the end of a line, whose beginning is there.
	[[ "$(tail -n 1 "$WORK/out")" =~ ^[0-9]*again$ ]] || { tail -n 3 "$WORK/out"; cat "$WORK/err"; false; }
	[ "$(head -n 1 "$WORK/out")" = 1 ]
	[ "$(wc -l <"$WORK/out")" -lt 15000 ]
	# Once for each gap; a short piece may fit where a long one did not.
	[ "$(grep -c 'bytes of log were lost: no space' "$WORK/err")" -ge 1 ]
	[ "$(grep -c 'bytes of log were lost: no space' "$WORK/err")" -lt 10 ]
}

@test "logs: a driver or option that cannot work is refused before anything is made" {
	run -125 --separate-stderr cuddy create --log-driver syslog "$IMAGE"
	one_line_error 125 'syslog'
	run -125 --separate-stderr cuddy create --log-opt tag=x "$IMAGE"
	one_line_error 125 'journald'
	run -125 --separate-stderr cuddy create --log-driver journald --log-opt 'tag={{.Id' "$IMAGE"
	one_line_error 125 'tag='
	run -125 --separate-stderr cuddy create --log-opt color=red "$IMAGE"
	one_line_error 125 'color=red'
	[ -z "$(cuddy ps -aq)" ]
	if [ ! -e /run/systemd/journal/socket ]; then
		run -125 --separate-stderr cuddy run --name j --log-driver journald "$IMAGE" true
		one_line_error 125 'no journald'
	fi
	for opt in mode=non-blocking compress=true labels=a max-buffer-size=4m; do
		run -125 --separate-stderr cuddy create --log-driver json-file --log-opt $opt "$IMAGE"
		one_line_error 125 "$opt': not supported"
	done
	cuddy run --name l --network none --log-driver local --log-opt mode=blocking --log-opt compress=false "$IMAGE" echo kept
	[ "$(cuddy logs l)" = kept ]
	[ "$(cuddy inspect --format '{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Size}}' l)" = 'local 20971520B' ]
	cuddy create --name p --network none --log-opt path="$WORK/elsewhere" "$IMAGE" echo there
	[ "$(cuddy inspect --format '{{.HostConfig.LogConfig.Path}}' p)" = "$WORK/elsewhere" ]
	cuddy start -a p
	grep -q 'stdout F there$' "$WORK/elsewhere"
}
