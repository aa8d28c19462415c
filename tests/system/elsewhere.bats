#!/usr/bin/env bats
# The same user from elsewhere: after su, in a job of cron, in a session of ssh. There is no XDG_RUNTIME_DIR there, or
# another one, no terminal, next to no environment; it is one store all the same, and what runs is known to run.
load helpers

setup() {
	test_begin
	export HOME=$WORK/home
	mkdir -m 0700 "$HOME" "$WORK/session" "$WORK/other"
	unset CUDDY_ROOT CUDDY_RUNROOT
	session load -q -i "$(image_file busybox)" >/dev/null
}
teardown() {
	session rm -f -a -t 0 >/dev/null 2>&1
	export CUDDY_ROOT=$HOME/.local/share/cuddy CUDDY_RUNROOT=$WORK/session/cuddy
	test_end
}

session() { XDG_RUNTIME_DIR=$WORK/session "$CUDDY" "$@"; }
cron() { setsid -w env -i HOME="$HOME" LOGNAME="$(id -un)" SHELL=/bin/sh PATH=/usr/bin:/bin "$CUDDY" "$@" </dev/null; }
other() { XDG_RUNTIME_DIR=$WORK/other "$CUDDY" "$@"; }

@test "elsewhere: what a session started runs, is entered, not started twice, and stopped" {
	session run -d --name c --network none "$IMAGE" sleep 1000
	pid=$(session inspect --format '{{.State.Pid}}' c)
	for from in cron other session; do
		[ "$($from ps --format '{{.Names}} {{.State}}')" = "c running" ]
		$from start c # it runs already
		[ "$($from inspect --format '{{.State.Pid}}' c)" = "$pid" ]
		[ "$($from exec c echo "$from")" = "$from" ]
	done
	run cron rm c
	[ "$status" -ne 0 ]
	cron stop -t 0 c
	[ "$(session inspect --format '{{.State.Status}}' c)" = exited ]
	[ ! -d "/proc/$pid" ]
	cron run -d --name d --network none "$IMAGE" sleep 1000
	[ "$(session ps -q | wc -l)" -eq 1 ]
	session rm -f -t 0 c d
}

@test "elsewhere: the directory of a session that is over is left for the one there is" {
	session create --name c --network none "$IMAGE" true
	mv "$WORK/session" "$WORK/gone"
	mkdir "$WORK/session" # not private: another user may have put it there
	chmod 0777 "$WORK/session"
	[ "$(other info --format '{{.Store.RunRoot}}')" = "$WORK/other/cuddy" ]
	other start c
	rmdir "$WORK/session"
	mv "$WORK/gone" "$WORK/session"
	[ "$(session info --format '{{.Store.RunRoot}}')" = "$WORK/other/cuddy" ]
	other rm -f c
	rm -rf "$WORK/other"
	[ "$(session info --format '{{.Store.RunRoot}}')" = "$WORK/session/cuddy" ]
}

@test "elsewhere: a job of cron without terminal and environment does all that a session does" {
	cron run --rm --network none "$IMAGE" sh -c 'tty; id -u' >"$WORK/out" 2>&1 || true
	[ "$(tail -n 1 "$WORK/out")" = 0 ]
	printf 'FROM %s\nRUN echo built >/f\n' "$IMAGE" >"$WORK/Containerfile"
	cron build -q -t b "$WORK" >/dev/null
	[ "$(cron run --rm --network none b cat /f)" = built ]
	cron volume create v >/dev/null
	cron volume rm v >/dev/null
	cron ps -a >/dev/null
}
