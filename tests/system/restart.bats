#!/usr/bin/env bats
# cuddy restart: which containers, how they are stopped, and that they are new afterwards.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

# Says "up" at each start, and its name for the signal that ended the run before.
listener='trap "echo got-term >>/log; exit 3" TERM; trap "echo got-usr1 >>/log; exit 4" USR1
	echo up >>/log; while :; do sleep 0.05; done'
ups() { [ "$(cuddy exec "$1" grep -c up /log)" = "$2" ]; }

@test "restart: stops with the container's signal and starts the same container with its files" {
	cuddy run -d --name c "$IMAGE" sh -c "$listener"
	wait_until 10 ups c 1
	id=$(cuddy inspect --format '{{.Id}}' c)
	pid=$(container_pid c)
	run -0 cuddy restart c
	[ "$output" = c ]
	wait_until 10 ups c 2
	[ "$(container_pid c)" != "$pid" ]
	[ "$(cuddy inspect --format '{{.Id}}' c)" = "$id" ]
	[ "$(cuddy exec c grep -c got-term /log)" = 1 ]
	run ! kill -0 "$pid"
}

@test "restart: --signal asks with another one, a bad one changes nothing" {
	cuddy run -d --name c "$IMAGE" sh -c "$listener"
	wait_until 10 ups c 1
	pid=$(container_pid c)
	run --separate-stderr cuddy restart -s NOSUCH c
	one_line_error 125 NOSUCH
	[ "$(container_pid c)" = "$pid" ]
	run -0 cuddy container restart --signal USR1 c
	wait_until 10 ups c 2
	[ "$(cuddy exec c grep -c got- /log)" = 1 ]
	[ "$(cuddy exec c grep -c got-usr1 /log)" = 1 ]
}

@test "restart: --time and --timeout limit the wait for a deaf one" {
	cuddy run -d --name deaf "$IMAGE" sh -c 'trap "" TERM; echo ready >>/log; while :; do sleep 0.1; done'
	wait_until 10 cuddy exec deaf grep -q ready /log
	for flag in "--time 1" "-t 0" "--timeout=0"; do
		pid=$(container_pid deaf)
		start=$SECONDS
		run -0 cuddy restart $flag deaf
		[ $((SECONDS - start)) -lt 8 ]
		[ "$(container_pid deaf)" != "$pid" ]
	done
}

@test "restart: what was created or has stopped is started" {
	cuddy create --name new "$IMAGE" sleep 1000
	cuddy run --name old "$IMAGE" true
	run -0 cuddy restart new old
	[ "$output" = $'new\nold' ]
	wait_running new
	cuddy wait old
}

@test "restart: --running takes those that run, --all every one, --filter those that match" {
	cuddy run -d --name on "$IMAGE" sleep 1000
	cuddy create --name off "$IMAGE" sleep 1000
	on=$(container_pid on)
	run -0 cuddy restart -t 0 --running
	[ "$output" = "$(cuddy inspect --format '{{.Id}}' on)" ]
	[ "$(container_pid on)" != "$on" ]
	status_is off created
	run -0 cuddy restart -t 0 -f name=off
	wait_running off
	on=$(container_pid on) off=$(container_pid off)
	run -0 cuddy restart -t 0 -a
	[ "${#lines[@]}" = 2 ]
	[ "$(container_pid on)" != "$on" ]
	[ "$(container_pid off)" != "$off" ]
}

@test "restart: --cidfile and --latest name one; kill, stop and rm --cidfile" {
	cuddy run -d --name a --cidfile "$WORK/cid" "$IMAGE" sleep 1000
	cuddy run -d --name b "$IMAGE" sleep 1000
	a=$(container_pid a) b=$(container_pid b)
	run -0 cuddy restart -t 0 --cidfile "$WORK/cid"
	[ "$(container_pid a)" != "$a" ]
	[ "$(container_pid b)" = "$b" ]
	a=$(container_pid a)
	run -0 cuddy restart -t 0 --latest
	[ "$(container_pid a)" = "$a" ]
	[ "$(container_pid b)" != "$b" ]
	# The others that take such a file.
	cuddy kill --cidfile "$WORK/cid"
	[ "$(cuddy wait a)" = 137 ]
	cuddy start a
	cuddy stop -t 0 --cidfile "$WORK/cid"
	status_is a exited
	cuddy rm --cidfile "$WORK/cid"
	[ "$(cuddy ps -a --format '{{.Names}} {{.State}}')" = 'b running' ]
}

@test "restart: a running --rm container is kept, and removed at its real end" {
	cuddy run -d --rm --name c -v /anonymous "$IMAGE" sh -c "$listener"
	wait_until 10 ups c 1
	pid=$(container_pid c)
	run -0 cuddy restart c
	[ "$output" = c ]
	wait_until 10 ups c 2
	[ "$(container_pid c)" != "$pid" ]
	[ "$(cuddy exec c grep -c got-term /log)" = 1 ]
	[ "$(cuddy inspect --format '{{.RestartCount}}' c)" = 0 ]
	cuddy stop -t 0 c
	for d in containers names volumes; do wait_until 10 empty_dir "$CUDDY_ROOT/$d"; done
}

@test "restart: choices that contradict, none at all, and one that does not exist" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	pid=$(container_pid c)
	for words in "" "-a c" "--running c" "-l c" "-a -l" "--running -l" "-f name=c c"; do
		run --separate-stderr cuddy restart $words
		one_line_error 125 restart
	done
	[ "$(container_pid c)" = "$pid" ]
	run --separate-stderr cuddy restart -t 0 nosuch c
	[ "$status" = 125 ]
	[ "$output" = c ]
	[[ "$stderr" == *nosuch* ]]
	[ "$(container_pid c)" != "$pid" ]
}
