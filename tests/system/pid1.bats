#!/usr/bin/env bats
# The first process of a container and its duties: children that are nobody's, signals, and its end.
load helpers

setup_file() {
	file_begin busybox
	cuddy create --name made --network none "$IMAGE" sh -c 'trap "echo usr2; exit 5" USR2; trap "echo term; exit 6" TERM; echo ready; while :; do sleep 0.05; done'
	cuddy commit -q -c 'STOPSIGNAL USR2' made localhost/usr2
	cuddy rm made
}
teardown_file() { file_end; }

ended() { cuddy inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$1"; }
zombies() { cuddy exec "$1" sh -c 'cat /proc/[0-9]*/stat' | awk '$3 == "Z"' | wc -l; }

@test "pid1: orphans are reaped by --init, and by a first process that does so; else they stay until the end" {
	for n in 1 2 3; do
		init=--init=true
		first='sh -c "while :; do sleep 0.1; done"'
		[ $n = 1 ] || init=--init=false
		[ $n = 2 ] || first='exec sleep 1000'
		cuddy run -d --name c$n $init --network none "$IMAGE" sh -c "(sh -c 'sleep 0.3 & sleep 0.3 & sleep 0.3 &') ; $first"
	done
	none() { [ "$(zombies "$1")" -eq 0 ]; }
	gone() { [ "$(cuddy exec $1 sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "' | grep -c 'sleep 0.3')" -eq 0 ]; }
	three() { [ "$(zombies c3)" -eq 3 ]; }
	for n in 1 2 3; do
		wait_until 20 gone c$n
	done
	wait_until 20 none c1
	wait_until 20 none c2
	wait_until 20 three # sleep does not know them, as on any machine without an init
	cuddy exec c1 sh -c '(sleep 0.1 &)' # what an exec leaves is the container's too
	wait_until 20 none c1
	[ "$(cuddy exec c1 cat /proc/1/comm)" != sleep ]
	cuddy rm -f -t 0 -a >/dev/null
}

@test "pid1: stop asks with the image's STOPSIGNAL, the flag's over it, and that of stop over both" {
	cuddy run -d --name image --network none localhost/usr2
	cuddy run -d --name flag --network none --stop-signal TERM localhost/usr2
	cuddy run -d --name verb --network none --stop-signal KILL localhost/usr2
	for c in image flag verb; do
		wait_log $c ready
	done
	cuddy stop image flag
	cuddy stop -s SIGUSR2 verb
	[ "$(ended image)" = "exited 5" ]
	[ "$(ended flag)" = "exited 6" ]
	[ "$(ended verb)" = "exited 5" ]
	[ "$(cuddy logs image | tail -n 1)" = usr2 ]
	cuddy rm image flag verb
}

@test "pid1: a shell that waits for its child hands nothing on; exec, --init and a trap do" {
	on_term='trap "echo got; exit 9" TERM; echo ready; while :; do sleep 0.05; done'
	# The signal of a first process that does not handle it is dropped: only the grace time ends it.
	cuddy run -d --name wrapped --network none "$IMAGE" sh -c 'sh -c '"'$on_term'"'; true'
	cuddy run -d --name exec --network none "$IMAGE" sh -c 'exec sh -c '"'$on_term'"
	cuddy run -d --name init --network none --init "$IMAGE" sh -c "$on_term"
	cuddy run -d --name ignores --network none --init "$IMAGE" sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
	for c in wrapped exec init ignores; do
		wait_log $c ready
	done
	cuddy stop -t 1 wrapped exec init ignores
	[ "$(ended wrapped)" = "exited 137" ]
	[ "$(cuddy logs wrapped)" = ready ]
	[ "$(ended exec)" = "exited 9" ]
	[ "$(ended init)" = "exited 9" ]
	[ "$(ended ignores)" = "exited 137" ]
	cuddy rm wrapped exec init ignores
}

@test "pid1: signals reach it from kill and from the foreground cuddy, with --init as without" {
	for init in true false; do
		"$CUDDY" run --name c --init=$init --network none "$IMAGE" sh -c '
			for s in HUP USR1 WINCH; do trap "echo $s" $s; done; trap "echo TERM; exit 7" TERM; echo ready; while :; do sleep 0.05; done' >"$WORK/out" 3>&- &
		p=$!
		wait_log c ready
		said() { grep -q "^$1\$" "$WORK/out"; }
		cuddy kill -s HUP c
		wait_until 20 said HUP
		cuddy kill --signal WINCH c
		wait_until 20 said WINCH
		kill -USR1 $p
		wait_until 20 said USR1
		kill -TERM $p
		st=0
		wait $p || st=$?
		[ $st -eq 7 ]
		cuddy rm c
	done
}

# Not those that ash has for itself: of its children, and what stops it. 32 and 33 are the C library's.
every='1 2 3 4 5 6 7 8 10 11 12 13 14 15 16 18 20 21 22 23 24 25 26 27 28 29 30 31 34 35 36 50 63 64'
heard() { for s in $1; do grep -q "^s$s\$" "$2" || return 1; done; }
@test "pid1: every signal that can be heard is heard, once, from kill and from the foreground cuddy, with --init as without" {
	for init in true false; do
		: >"$WORK/out"
		# A shell has INT and QUIT ignored by what it puts into the background.
		env --default-signal "$CUDDY" run --name c --init=$init --network none "$IMAGE" sh -c '
			for s in $0; do trap "echo s$s" $s; done; trap "exit 9" 40; echo ready; while :; do sleep 0.05; done' "$every" >>"$WORK/out" 3>&- </dev/null &
		p=$!
		wait_log c ready
		for s in $every; do
			cuddy kill -s $s c
		done
		wait_until 20 heard "$every" "$WORK/out"
		[ -z "$(sort "$WORK/out" | uniq -d)" ]
		# Of its own are what a debugger and the shell's job control need, and faults.
		: >"$WORK/out"
		handed='1 2 3 10 12 14 15 16 24 25 26 27 29 30 34 35 36 50 63 64'
		for s in $handed; do
			kill -$s $p
		done
		wait_until 20 heard "$handed" "$WORK/out"
		[ "$(grep -c . "$WORK/out")" -eq "$(wc -w <<<"$handed")" ]
		kill -0 $p # HUP, too, is the container's: nobody here is at a terminal
		kill -40 $p
		st=0
		wait $p || st=$?
		[ $st -eq 9 ]
		cuddy rm c
	done
}

@test "pid1: what forks twice ends with the first process, whatever it ignores" {
	for init in true false; do
		cuddy run -d --name c --init=$init --network none "$IMAGE" sh -c '
			(trap "" TERM HUP INT; setsid sh -c "trap \"\" TERM HUP; while :; do sleep 0.05; done" &)
			while [ ! -e /go ]; do sleep 0.05; done; exit 3'
		daemon() { cuddy top c args | grep -q setsid || [ "$(cuddy top c pid | wc -l)" -ge 3 ]; }
		wait_until 20 daemon
		cuddy exec c touch /go
		[ "$(cuddy wait c)" = 3 ]
		wait_until 20 no_strays
		[ "$(ended c)" = "exited 3" ]
		cuddy rm c
	done
}

@test "pid1: with the host's pid namespace, too, nothing outlives the first process" {
	for how in '' --rm '--restart on-failure:2'; do
		cuddy run -d --name c $how --pid host --network none "$IMAGE" sh -c '
			for i in 1 2 3; do setsid sh -c "trap \"\" TERM; (sleep 12345 & sleep 12345); sleep 12345" & done; sleep 0.3; exit 1'
		wait_until 20 no_strays
		cuddy rm -f --ignore c
	done
	cuddy run -d --name c --pid host --network none "$IMAGE" sh -c 'sleep 12345 & sleep 12345 & wait'
	cuddy stop -t 0 c
	wait_until 20 no_strays
	cuddy rm c
}
