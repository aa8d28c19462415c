#!/usr/bin/env bats
# Descriptors that go along: --preserve-fds, --preserve-fd, the sockets of socket activation.
load helpers

run_() { cuddy run --rm --network none "$@"; }
list='for f in /proc/self/fd/*; do [ -e "$f" ] && printf "%s " "${f##*/}"; done'

@test "preserve-fds, preserve-fd: the named ones under their numbers, and no other" {
	echo three >"$WORK/3"; echo nine >"$WORK/9"; : >"$WORK/out"
	run -0 run_ --preserve-fds 2 --preserve-fd 9 "$IMAGE" sh -c "$list; cat <&3; cat <&9; echo said >&4" \
		3<"$WORK/3" 4>>"$WORK/out" 7<"$WORK/9" 9<"$WORK/9"
	[[ "$(echo $output)" =~ ^"0 1 "("10 ")?"2 3 4 9 three nine"$ ]] # 10 may be the shell's own
	[ "$(cat "$WORK/out")" = said ]
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	run -0 cuddy exec --preserve-fds 1 --preserve-fd 9,12 c sh -c "cat <&3; cat <&9; readlink /proc/self/fd/12; [ ! -e /proc/self/fd/7 ]" \
		3<"$WORK/3" 7<"$WORK/3" 9<"$WORK/9" 12</dev/null
	[ "$(echo $output)" = "three nine /dev/null" ]
	[ "$(ls -l /proc/$(container_pid c)/fd | wc -l)" -eq 4 ]
}

@test "preserve-fds: what is not open is refused, and nothing of cuddy's own stands in for it" {
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	for bad in '--preserve-fds 1' '--preserve-fd 8' '--preserve-fd 2' '--preserve-fd x' '--preserve-fd 4000000000' '--preserve-fds 1000'; do
		run --separate-stderr run_ $bad "$IMAGE" true 3<&- 8<&-
		one_line_error 125 preserve
		run --separate-stderr cuddy exec $bad c true 3<&- 8<&-
		one_line_error 125 preserve
	done
}

@test "preserve-fds: the payload is the only one that keeps a pipe open" {
	mkfifo "$WORK/fifo"
	cat "$WORK/fifo" >"$WORK/got" &
	reader=$!
	cuddy run -d --name c --network none --preserve-fds 1 "$IMAGE" sh -c 'echo one >&3; exec 3>&-; exec sleep 1000' 3>"$WORK/fifo"
	wait $reader
	[ "$(cat "$WORK/got")" = one ]
	status_is c running
}

@test "socket activation: LISTEN_FDS go along, LISTEN_PID is the payload's own number, of others' nothing" {
	activated() { # VERB ARGUMENT... - as a service manager would start cuddy: two sockets, its own pid
		python3 - "$CUDDY" "$@" <<-'EOT'
			import os, socket, sys
			a, b = socket.socketpair()
			os.dup2(a.fileno(), 3); os.dup2(b.fileno(), 4)
			os.set_inheritable(3, True); os.set_inheritable(4, True)
			os.environ.update(LISTEN_FDS="2", LISTEN_FDNAMES="web:admin", LISTEN_PID=str(os.getpid()))
			os.execv(sys.argv[1], sys.argv[1:])
		EOT
	}
	show='echo $$ $LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES; readlink /proc/$$/fd/3 | cut -d: -f1; readlink /proc/$$/fd/4 | cut -d: -f1; [ ! -e /proc/$$/fd/5 ] && echo 1'
	run -0 activated run --rm --network none "$IMAGE" sh -c "$show"
	[ "$(echo $output)" = "1 1 2 web:admin socket socket 1" ]
	run -0 activated run --rm --network none --init --env-host "$IMAGE" sh -c "$show"
	[ "$(echo $output | sed 's/^\([0-9]*\) \1 /same /')" = "same 2 web:admin socket socket 1" ]
	cuddy create --name c --network none "$IMAGE" sh -c "$show"
	run -0 activated start -a c
	[ "$(echo $output)" = "1 1 2 web:admin socket socket 1" ]
	export LISTEN_FDS=1 LISTEN_PID=1 NOTIFY_SOCKET=/run/nowhere
	run -0 run_ --sdnotify ignore --env-host "$IMAGE" sh -c 'env | grep -E "^(LISTEN|NOTIFY)"; [ ! -e /proc/$$/fd/3 ]' 3</dev/null
	[ -z "$output" ]
}
