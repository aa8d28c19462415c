#!/usr/bin/env bats
# --sdnotify: what a service manager hears, and from whom.
load helpers

setup() {
	test_begin
	gcc -O1 -static -w -o "$WORK/say" "$FIXTURES/notifysay.c"
	chmod 0755 "$WORK/say"
	S=$WORK/manager
	listen "$S"
}

listen() { # ADDRESS - a manager who writes down what it hears to $WORK/heard
	"$FIXTURES/notify.py" "$1" "$WORK/heard" 3>&- &
	MANAGER=$!
	wait_until 20 test -s "$WORK/heard"
	export NOTIFY_SOCKET=$1
}

teardown() {
	kill $MANAGER
	unset NOTIFY_SOCKET
	test_end
}

heard() { [ "$(sed 1d "$WORK/heard" | cut -d' ' -f2- | grep -cxF -- "$1")" -eq "${2:-1}" ]; }
run_() { cuddy run -d --name c --network none -v "$WORK/say:/say" "$@"; }

@test "sdnotify container: the payload's words are passed on line by line, READY once, MAINPID is the monitor's" {
	WATCHDOG_USEC=5000000 run_ -u 1000 "$IMAGE" sh -c 'echo $NOTIFY_SOCKET $WATCHDOG_USEC $WATCHDOG_PID; /say "STATUS=warming up"; exec sleep 1000'
	wait_log c sent
	[ "$(cuddy logs c | head -1)" = "/run/notify/notify.sock 5000000" ]
	monitor=$(conmon_pid c)
	wait_until 20 heard "STATUS=warming up"
	heard "MAINPID=$monitor"
	[ "$(sed 1d "$WORK/heard" | cut -d' ' -f1 | sort -u)" = "$monitor" ]
	heard READY=1 0
	say() { cuddy exec -e NOTIFY_SOCKET=/run/notify/notify.sock c /say "$@"; }
	say 'READY=1\nMAINPID=1\nSTATUS=up\nFDSTORE=1' READY=1 'MAINPID=7' 'BARRIER=1' '' 'READY=12' 'STATUS=last'
	wait_until 20 heard "STATUS=last"
	heard "READY=1 STATUS=up"
	heard READY=1 0
	say 'RELOADING=1\nMONOTONIC_USEC=5' READY=1 READY=1 WATCHDOG=1
	wait_until 20 heard WATCHDOG=1
	heard "RELOADING=1 MONOTONIC_USEC=5"
	heard READY=1
	[ "$(grep -cE 'MAINPID=[17]$|FDSTORE|BARRIER|READY=12' "$WORK/heard")" -eq 0 ]
	# A flood and a message that is too long stop nothing.
	cuddy exec -e NOTIFY_SOCKET=/run/notify/notify.sock c sh -c 'for i in $(seq 50); do /say "$(printf %07000d 0)" "STATUS=$i" >/dev/null; done'
	say STATUS=done
	wait_until 20 heard STATUS=done
	run cuddy exec c /say READY=1
	[ "$output" = "nobody to tell" ]
	# Nothing of the manager's socket is in the container.
	run cuddy exec c sh -c "ls $S; grep -c manager /proc/net/unix"
	[[ "$output" == *"No such file"*0 ]]
}

@test "sdnotify conmon, healthy, ignore: the payload has no socket, the monitor says when it is ready" {
	kill $MANAGER; : >"$WORK/heard"
	listen "@cuddy-test-$BATS_ROOT_PID-$$"
	show='echo "[$NOTIFY_SOCKET]"; [ ! -e /run/notify ] && echo nothing; exec sleep 1000'
	ready() { heard "MAINPID=$(conmon_pid c) READY=1"; }
	run_ --sdnotify=conmon "$IMAGE" sh -c "$show"
	wait_until 20 ready
	wait_log c nothing
	[ "$(cuddy logs c | head -1)" = "[]" ]
	cuddy restart -t 0 c
	wait_until 20 ready
	cuddy rm -f -t 0 c

	run_ --sdnotify=healthy --health-cmd 'test -e /well' --health-interval 1s --health-retries 100 "$IMAGE" sh -c "$show"
	wait_until 20 heard "MAINPID=$(conmon_pid c)"
	heard READY=1 0
	cuddy exec c touch /well
	wait_until 20 heard READY=1
	[ "$(cuddy inspect --format '{{.State.Health.Status}}' c)" = healthy ]
	wait_log c nothing
	cuddy rm -f -t 0 c

	n=$(wc -l <"$WORK/heard")
	run_ --sdnotify ignore "$IMAGE" sh -c "$show"
	wait_log c nothing
	[ "$(wc -l <"$WORK/heard")" -eq "$n" ]
	run --separate-stderr cuddy run --rm --network none --sdnotify healthy "$IMAGE" true
	one_line_error 125 health
	run --separate-stderr cuddy run --rm --network none --sdnotify maybe "$IMAGE" true
	one_line_error 125 sdnotify
}

@test "sdnotify: a manager that is not there stops the start in one line, and ignore does without it" {
	export NOTIFY_SOCKET=$WORK/nobody
	run --separate-stderr cuddy run --rm --network none "$IMAGE" true
	one_line_error 125 NOTIFY_SOCKET
	run -0 cuddy run --rm --network none --sdnotify ignore "$IMAGE" true
	export NOTIFY_SOCKET=
	run -0 cuddy run --rm --network none "$IMAGE" true
	export NOTIFY_SOCKET=$S
	for i in 1 2 3; do
		run -0 cuddy run --rm --network none -v "$WORK/say:/say" "$IMAGE" /say READY=1
	done
	wait_until 20 heard READY=1 3
}
