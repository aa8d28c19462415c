#!/usr/bin/env bats
# attach, and the conditions of wait that no other file has.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

@test "attach: what is typed reaches the container, whose input outlives the visitor's; the two streams stay apart, the status is its" {
	cuddy run -d -i --name c --network none "$IMAGE" sh -c 'echo up; read a; echo "got $a"; echo "err $a" >&2; read b; echo "then $b"; exit 7'
	wait_log c up
	echo word | "$CUDDY" attach c >"$WORK/out" 2>"$WORK/err" 3>&- &
	p=$!
	wait_log c "err word"
	st=0
	echo more | timeout 20 "$CUDDY" attach c >"$WORK/second" 2>&1 || st=$?
	[ $st -eq 7 ]
	st=0
	wait $p || st=$?
	[ $st -eq 7 ]
	[ "$(xargs <"$WORK/out")" = "got word then more" ]
	[ "$(cat "$WORK/err")" = "err word" ]
	[ "$(cat "$WORK/second")" = "then more" ]
	[ "$(cuddy logs c 2>&1 | sort | xargs)" = 'err word got word then more up' ]
	cuddy rm c
}

@test "attach --no-stdin: it only looks; several at once see the same; what has no input open takes none" {
	cuddy run -d -i --name c --network none "$IMAGE" sh -c 'echo up; read a; echo "got $a"; exit 3'
	wait_log c up
	yes wrong | "$CUDDY" attach --no-stdin c >"$WORK/one" 2>&1 3>&- &
	p1=$!
	"$CUDDY" attach --no-stdin c >"$WORK/two" 2>&1 3>&- </dev/null &
	p2=$!
	wait_asleep $p2
	sleep 0.3
	status_is c running
	echo right | "$CUDDY" attach c >"$WORK/three" || true
	for p in $p1 $p2; do
		st=0
		wait $p || st=$?
		[ $st -eq 3 ]
	done
	cuddy rm c >/dev/null
	[ "$(cat "$WORK/one" "$WORK/two" "$WORK/three" | sort -u)" = "got right" ]
	cuddy run -d --name n --network none "$IMAGE" sh -c 'cat; echo end; while [ ! -e /go ]; do sleep 0.02; done; exit 4'
	wait_log n end
	echo nobody | "$CUDDY" attach n >"$WORK/out" 3>&- &
	p=$!
	cuddy exec n touch /go
	st=0
	wait $p || st=$?
	[ $st -eq 4 ]
	[ -z "$(cat "$WORK/out")" ]
	cuddy rm n
}

@test "attach: what does not run, or is not there, is one clear line" {
	cuddy create --name c --network none "$IMAGE" true
	run --separate-stderr timeout 20 "$CUDDY" attach c
	one_line_error 125 'c.*run'
	cuddy start -a c
	run --separate-stderr timeout 20 "$CUDDY" attach c
	one_line_error 125 'c.*run'
	run --separate-stderr cuddy attach nosuch
	one_line_error 125 nosuch
	run --separate-stderr cuddy attach
	one_line_error 125 name
	cuddy rm c
}

@test "attach: signals go to the container unless --sig-proxy=false; the client is then ended by its own" {
	cuddy run -d --name c --network none "$IMAGE" sh -c 'for s in HUP USR1 USR2; do trap "echo $s" $s; done; trap "echo TERM; exit 5" TERM; echo up; while :; do sleep 0.05; done'
	wait_log c up
	"$CUDDY" attach c >"$WORK/out" 3>&- </dev/null &
	p=$!
	wait_asleep $p
	for s in USR1 USR2 HUP; do
		kill -$s $p
		wait_log c $s
	done
	kill -TERM $p
	st=0
	wait $p || st=$?
	[ $st -eq 5 ]
	[ "$(xargs <"$WORK/out")" = 'USR1 USR2 HUP TERM' ]
	cuddy rm c
}

@test "wait: --condition stopping, stopped, unhealthy; an interval that is longer than the state lasts" {
	cuddy run -d --name c --network none "$IMAGE" sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done'
	wait_log c up
	"$CUDDY" wait --condition stopping -i 20ms c >"$WORK/out" 3>&- &
	w=$!
	wait_asleep $w
	"$CUDDY" stop -t 3 c >/dev/null 3>&- &
	s=$!
	wait $w
	[ "$(cat "$WORK/out")" = -1 ]
	kill -0 $s # it is still waiting for the end
	run -0 cuddy wait --condition stopped c
	[ "$output" = 137 ]
	wait $s
	run -0 timeout 20 "$CUDDY" wait --interval 10s c # what is so already is not waited for
	[ "$output" = 137 ]
	cuddy rm c
	cuddy run -d --name h --network none --health-cmd 'test ! -e /ill' --health-interval 50ms --health-retries 1 "$IMAGE" sleep 1000
	run -0 cuddy wait --condition healthy -i 20ms h
	[ "$output" = -1 ]
	"$CUDDY" wait --condition unhealthy,exited -i 20ms h >"$WORK/out" 3>&- &
	w=$!
	wait_asleep $w
	cuddy exec h touch /ill
	wait $w
	[ "$(cat "$WORK/out")" = -1 ]
	"$CUDDY" wait --condition healthy --condition exited -i 20ms h >"$WORK/out" 3>&- &
	w=$!
	wait_asleep $w
	cuddy stop -t 0 h
	wait $w
	[ "$(cat "$WORK/out")" = 137 ]
	cuddy rm h
}
