#!/usr/bin/env bats
# cuddy init: all of a container but its program, which waits for the start.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }
setup() { test_begin; }

state() { cuddy inspect --format '{{.State.Status}} {{.State.Running}}' "$1"; }
statuses() { cuddy events --stream=false --filter "container=$1" --format '{{.Status}}' | xargs; }

@test "init: namespaces, mounts and network are there, the program is not; start lets it go on in them" {
	mkdir "$WORK/d"
	cuddy create --name c -v "$WORK/d:/d" --hostname inside --timeout 600 "$IMAGE" sh -c 'touch /d/ran; echo hello; exec sleep 600' >/dev/null
	[ "$(cuddy init c)" = c ]
	[ "$(state c)" = "initialized false" ]
	pid=$(cuddy inspect --format '{{.State.Pid}}' c)
	for ns in user mnt pid net ipc uts; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
	grep -q ' /d ' "/proc/$pid/mountinfo"
	[ "$(nsenter -U -t "$pid" -u --preserve-credentials hostname)" = inside ]
	nets=$(readlink "/proc/$pid/ns/net")
	[ ! -e "$WORK/d/ran" ]
	[ -z "$(cuddy logs c)" ]
	[ -z "$(cuddy ps -q)" ]
	[ "$(cuddy ps -a --format '{{.Status}}')" = Initialized ]
	[ "$(cuddy ps -aq --no-trunc --filter status=initialized)" = "$(cuddy inspect --format '{{.Id}}' c)" ]
	cuddy wait --condition initialized c
	run --separate-stderr cuddy exec c true
	one_line_error 125 'does not run'
	run --separate-stderr cuddy pause c
	one_line_error 125 .
	run --separate-stderr cuddy init c
	one_line_error 125 'initialized already'
	cuddy init --all >/dev/null
	cuddy start c
	[ "$(state c)" = "running true" ]
	[ "$(cuddy inspect --format '{{.State.Pid}}' c)" = "$pid" ]
	[ "$(readlink "/proc/$pid/ns/net")" = "$nets" ]
	wait_log c hello
	[ -e "$WORK/d/ran" ]
	[ "$(cuddy exec c hostname)" = inside ]
	[ "$(statuses c)" = "create init start exec exec_died" ]
	cuddy start c # once more is nothing
	run --separate-stderr cuddy init c
	one_line_error 125 'already runs'
	cuddy restart -t 0 c # the next run waits for nobody
	[ "$(state c)" = "running true" ]
	cuddy rm -f -t 0 c >/dev/null
}

@test "init: stop, rm and a killed monitor end it; a health check, a terminal and start -a begin with the start" {
	cuddy create --name c --health-cmd true "$IMAGE" sleep 600 >/dev/null
	cuddy init c
	pid=$(cuddy inspect --format '{{.State.Pid}}' c)
	cuddy stop c # at once, whatever its grace
	[ ! -d "/proc/$pid" ]
	[ "$(state c)" = "exited false" ]
	cuddy init c
	[ "$(cuddy inspect --format '{{len .State.Health.Log}}' c)" = 0 ]
	kill -KILL "$(conmon_pid c)"
	wait_exited c
	cuddy init c
	cuddy start c
	cuddy wait --condition healthy c
	cuddy rm -f -t 0 c
	cuddy create --name c "$IMAGE" true >/dev/null
	cuddy init c
	cuddy rm c # without --force: nothing of it ever ran
	run -1 cuddy container exists c
	cuddy create --rm --name c "$IMAGE" sh -c 'read l; echo "got $l"; exit 7' >/dev/null
	cuddy init c
	run -7 cuddy start -a c </dev/null
	[ "$output" = "got " ]
	cuddy create --name c -i "$IMAGE" sh -c 'read l; echo "got $l"; exit 7' >/dev/null
	cuddy init c
	run -7 bash -c 'echo word | "$0" start -ai c' "$CUDDY"
	[ "$output" = "got word" ]
	cuddy rm c
	cuddy create --name c -t "$IMAGE" sh -c 'test -t 1 && echo terminal' >/dev/null
	cuddy init c
	cuddy start c
	wait_log c terminal
	wait_exited c
	cuddy rm c
	cuddy create --name c "$IMAGE" nosuch >/dev/null
	run -127 --separate-stderr cuddy init c
	one_line_error 127 'command not found'
	[ "$(state c)" = "created false" ]
	cuddy rm c
}
