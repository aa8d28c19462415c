#!/usr/bin/env bats
# kill -9 of each process at each moment: the next command is right about what happened, nothing leaks, nothing is half there.
load helpers

# The monitor of a container whose cuddy may be dead: "cuddy-conmon monitor ID".
monitor_of() { # monitor_of NAME
	local id
	id=$(cuddy inspect --format '{{.Id}}' "$1") && pgrep -u "$(id -u)" -f "^cuddy-conmon monitor $id"
}
is_stopped() { [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$(monitor_of "$1" | head -n 1)/status")" = T ]; }

# What inspect says is what is.
agrees() { # agrees NAME
	local st pid
	st=$(cuddy inspect --format '{{.State.Status}}' "$1") || return 1
	pid=$(container_pid "$1")
	case $st in
	running | stopping) [ "$pid" -gt 0 ] && kill -0 "$pid" && cuddy exec "$1" true ;;
	exited | created) [ "$pid" -eq 0 ] && ! monitor_of "$1" ;;
	*) return 1 ;;
	esac
}

start_stopped() { # start_stopped POINT NAME ARG...: a run that stands still at a sync point; sets cli and monitor
	local point=$1 name=$2
	shift 2
	CUDDY_STOP_AT=$point "$CUDDY" run --name "$name" "$@" "$IMAGE" sleep 1000 >"$WORK/$name.out" 2>"$WORK/$name.err" </dev/null 3>&- &
	cli=$!
	wait_until 20 is_stopped "$name" || { cat "$WORK/$name.err"; return 1; }
	monitor=$(monitor_of "$name" | head -n 1)
	kill -0 $cli || fail "$point: it did not wait: $(cat "$WORK/$name.err" "$WORK/$name.out"; cuddy ps -a)"
}

kill9() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null || true
}
kill9_if_there() { kill9 "$1" 2>/dev/null || true; }

@test "crash: cuddy is killed at each sync point of run -d; the container then runs or never did, and can be removed" {
	for point in 0 1 2 3 4; do
		start_stopped $point c$point -d --network none
		kill9 $cli
		kill -CONT "$monitor"
		wait_until 10 agrees c$point
		run -0 cuddy rm -f -t 0 c$point
		expect_no_container_left
	done
}

@test "crash: cuddy is killed at each sync point of a foreground run --rm with a network" {
	require_tun
	for point in 0 1 2 3 4; do
		start_stopped $point c$point --rm
		kill9 $cli
		kill -CONT "$monitor"
		settled() { agrees c$point || ! cuddy inspect c$point; }
		wait_until 10 settled
		run cuddy rm -f -t 0 --ignore c$point
		[ "$status" -eq 0 ] || fail "point $point: $output"
		expect_no_container_left
	done
}

@test "crash: the monitor is killed at each sync point; cuddy says so in one line, and nothing runs" {
	for point in 0 1 2 3 4; do
		start_stopped $point c$point -d --network none
		kill -KILL "$monitor"
		st=0
		wait $cli || st=$?
		[ $st -eq 125 ] || [ $point -eq 4 ]
		[ $point -eq 4 ] || [ "$(wc -l <"$WORK/c$point.err")" -eq 1 ]
		wait_until 10 agrees c$point
		[ "$(cuddy inspect --format '{{.State.Status}}' c$point)" != running ]
		run -0 cuddy start c$point
		[ "$(cuddy inspect --format '{{.State.Status}}' c$point)" = running ]
		cuddy rm -f -t 0 c$point
		expect_no_container_left
	done
}

@test "crash: the monitor of a running container is killed: the container is dead, known to be, and starts again" {
	cuddy run -d --name c "$IMAGE" sh -c 'echo out; sleep 1000'
	wait_log c out
	init=$(container_pid c)
	kill -KILL "$(monitor_of c)"
	gone() { ! kill -0 "$init" 2>/dev/null; }
	wait_until 10 gone
	run -0 cuddy ps -a --format '{{.Names}} {{.State}}'
	[ "$output" = "c exited" ]
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' c)" != 0 ]
	[ -n "$(cuddy inspect --format '{{.State.Error}}' c)" ]
	run -0 cuddy logs c
	[ "$output" = out ]
	run -0 cuddy start c
	agrees c
	run -0 cuddy stop -t 0 c
}

@test "crash: a monitor killed under cuddy wait, stop and attach: each of them ends" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	"$CUDDY" wait c >"$WORK/wait" 2>&1 3>&- &
	w=$!
	"$CUDDY" attach c </dev/null >"$WORK/attach" 2>&1 3>&- &
	a=$!
	"$CUDDY" logs -f c >"$WORK/logs" 2>&1 3>&- &
	l=$!
	wait_until 5 test -e "$WORK/logs"
	kill -KILL "$(monitor_of c)"
	for p in $w $a $l; do
		ended() { ! kill -0 $p 2>/dev/null; }
		wait_until 10 ended
	done
	agrees c
}

@test "crash: pid 1 is killed from outside: 137, logs kept, --rm carried out" {
	cuddy run -d --name c "$IMAGE" sh -c 'echo out; sleep 1000'
	wait_log c out
	kill -KILL "$(container_pid c)"
	wait_exited c
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' c)" = 137 ]
	[ "$(cuddy logs c)" = out ]
	cuddy run -d --rm --name r "$IMAGE" sleep 1000
	kill -KILL "$(container_pid r)"
	gone() { ! cuddy inspect r; }
	wait_until 10 gone
}

@test "crash: slirp4netns is killed: the container is told about truthfully, stops and starts with a network again" {
	require_tun
	cuddy run -d --name c "$IMAGE" sleep 1000
	slirp=$(pgrep -P "$(monitor_of c)" slirp4netns)
	kill -KILL "$slirp"
	agrees c
	run -0 cuddy stop -t 0 c
	run -0 cuddy start c
	run -0 cuddy exec c sh -c 'ip -o addr show tap0'
	[[ "$output" == *10.0.2.100* ]]
}

@test "crash: the foreground cuddy of a running container is killed: the container goes on, its output is logged" {
	"$CUDDY" run --name c "$IMAGE" sh -c 'while [ ! -e /go ]; do sleep 0.05; done; echo after' >/dev/null 2>&1 3>&- &
	p=$!
	wait_until 20 status_is c running
	kill9 $p
	agrees c
	cuddy exec c touch /go
	wait_exited c
	[ "$(cuddy logs c)" = after ]
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' c)" = 0 ]
}

@test "crash: cuddy-transfer is killed in the middle of a load: one line, no half image, the next load is right" {
	cuddy rmi "$IMAGE" >/dev/null
	mkfifo "$WORK/pipe"
	"$CUDDY" load -q -i "$WORK/pipe" >"$WORK/out" 2>"$WORK/err" 3>&- &
	p=$!
	exec 8>"$WORK/pipe"
	head -c 1000000 "$(image_file busybox)" >&8
	transfer() { pgrep -P $p -f cuddy-transfer; }
	wait_until 10 transfer
	kill -KILL $(transfer)
	exec 8>&-
	st=0
	wait $p || st=$?
	[ $st -eq 125 ]
	[ "$(wc -l <"$WORK/err")" -eq 1 ]
	[ -z "$(cuddy images -q)" ]
	load_image busybox
	run -0 cuddy run --rm "$IMAGE" echo whole
}

@test "crash: cuddy is killed in the middle of a load: its helpers end, no half image, the next load is right" {
	cuddy rmi "$IMAGE" >/dev/null
	mkfifo "$WORK/pipe"
	"$CUDDY" load -q -i "$WORK/pipe" >"$WORK/out" 2>"$WORK/err" 3>&- &
	p=$!
	exec 8>"$WORK/pipe"
	head -c 1000000 "$(image_file busybox)" >&8
	transfer() { pgrep -P $p -f cuddy-transfer; }
	wait_until 10 transfer
	kill9 $p
	exec 8>&-
	wait_until 10 no_strays
	[ -z "$(cuddy images -q)" ]
	load_image busybox
	run -0 cuddy run --rm "$IMAGE" echo whole
}

@test "crash: after a reboot, when the runtime directory is gone, containers are known as exited and start" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	cuddy run --name d "$IMAGE" sh -c 'exit 3' || true
	kill -KILL "$(monitor_of c)"
	wait_until 10 no_strays
	rm -rf "$CUDDY_RUNROOT"
	run -0 cuddy ps -a --format '{{.Names}} {{.State}}' --sort names
	[ "${lines[0]}" = "c exited" ]
	[ "${lines[1]}" = "d exited" ]
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' d)" = 3 ]
	run -0 cuddy start c
	agrees c
}

@test "crash: whoever changes a container is killed at random moments: ps, inspect and the kernel say the same" {
	deaf() { cuddy run -d --name c --network none "$IMAGE" sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null; }
	same() { agrees "$1" && [ "$(cuddy ps -a --format '{{.State}} {{.Names}}')" = "$(cuddy inspect --format '{{.State.Status}} {{.Name}}' "$1")" ]; }
	for verb in 'stop -t -1' 'restart -t -1' 'kill -s USR2' 'update -e A=1' 'restart -t 0' 'exec -d' 'stop -t 0' start kill start 'rm -f -t 0'; do
		id=$(cuddy ps -aq)
		[ -n "$id" ] || { deaf; id=$(cuddy ps -aq); }
		args=($verb "$id")
		[[ "$verb" != exec* ]] || args+=(sleep 1000)
		"$CUDDY" "${args[@]}" >/dev/null 2>&1 3>&- &
		p=$!
		pause "0.0$((RANDOM % 60 + 10))"
		kill9_if_there $p
		settled() { [ -z "$(cuddy ps -aq)" ] || same "$id"; }
		wait_until 10 settled || fail "$verb: $(cuddy ps -a)"
	done
}

@test "crash: rm is killed at random moments: the container is there whole, or gone" {
	for i in {1..14}; do
		cuddy run --name c "$IMAGE" sh -c 'mkdir /many; i=0; while [ $i -lt 200 ]; do : >/many/$i; i=$((i+1)); done'
		"$CUDDY" rm c >/dev/null 2>&1 3>&- &
		p=$!
		sleep "0.00$((RANDOM % 10))"
		kill9_if_there $p
		if [ -n "$(cuddy ps -aq --filter name=c)" ]; then
			cuddy start -a c
			cuddy rm c >/dev/null
		fi
		[ -z "$(cuddy ps -aq)" ]
	done
}

@test "crash: create is killed at random moments: the name is free or the container is whole" {
	for i in {1..20}; do
		"$CUDDY" create --name c "$IMAGE" true >/dev/null 2>&1 3>&- &
		p=$!
		sleep "0.00$((RANDOM % 10))"
		kill9_if_there $p
		cuddy create --name c "$IMAGE" true >/dev/null 2>&1 || cuddy start -a c
		cuddy rm c >/dev/null
		[ -z "$(cuddy ps -aq)" ]
	done
}
