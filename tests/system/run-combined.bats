#!/usr/bin/env bats
# Options of run and create that meet each other: the files that name a container and its replacement, who is
# started before whom, volumes of two others, the end of a time.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

@test "replace: with --cidfile, --pidfile and --conmon-pidfile: they name the new one; a file in the way leaves the old one alone" {
	old=$(cuddy run -d --name it --network none --cidfile "$WORK/cid" --pidfile "$WORK/pid" --conmon-pidfile "$WORK/mon" "$IMAGE" sleep 1000)
	[ "$(cat "$WORK/cid")" = "$old" ]
	pid=$(container_pid it)
	run --separate-stderr cuddy run -d --replace --name it --network none --cidfile "$WORK/cid" "$IMAGE" sleep 1000
	one_line_error 125 'cid'
	[ "$(cat "$WORK/cid")" = "$old" ]
	[ "$(container_pid it)" = "$pid" ]
	kill -0 "$pid"
	# As generated units do it: the id's file goes first, that of the number is written over.
	rm "$WORK/cid"
	new=$(cuddy run -d --replace --name it --network none --cidfile "$WORK/cid" --pidfile "$WORK/pid" --conmon-pidfile "$WORK/mon" "$IMAGE" sleep 1000)
	[ "$new" != "$old" ]
	[ "$(cat "$WORK/cid")" = "$new" ]
	[ "$(cat "$WORK/pid")" = "$(container_pid it)" ]
	[ "$(cat "$WORK/mon")" = "$(conmon_pid it)" ]
	run -1 kill -0 "$pid"
	# What fails after the old one is gone says so, and the name is free.
	run --separate-stderr cuddy run -d --replace --name it --network none --cidfile "$WORK/cid2" "$IMAGE" /nosuch
	[ "$status" -eq 127 ]
	cuddy create --replace --name it --network none --pidfile "$WORK/pid" "$IMAGE" sleep 1000 >/dev/null
	[ "$(cuddy ps -a --format '{{.Names}} {{.State}}')" = 'it created' ]
	# A wrong word leaves the old one alone.
	before=$(cuddy inspect --format '{{.Id}}' it)
	for bad in "-v relative:bad:x" "--memory x" "--requires nosuch" "--network nosuch" "--pidfile /nosuch/dir/p"; do
		# shellcheck disable=SC2086
		run --separate-stderr cuddy create --replace --name it $bad "$IMAGE" true
		[ "$status" -eq 125 ] || fail "$bad: $status"
		[ "$(cuddy inspect --format '{{.Id}}' it)" = "$before" ] || fail "$bad took the old one away"
	done
	cuddy rm it
}

# started NAME - the first process's start, in ticks since boot
started() { sed 's/.*) //' "/proc/$(container_pid "$1")/stat" | cut -d' ' -f20; }

@test "requires: what is named is up before what needs it, each link of the chain; a cidfile's id does as a name" {
	cuddy create --name db --network none "$IMAGE" sh -c 'sleep 0.1; exec sleep 1000'
	cuddy create --name app --network none --cidfile "$WORK/app" --requires db "$IMAGE" sleep 1000
	cuddy create --name cache --network none "$IMAGE" sleep 1000
	cuddy create --name web --network none --requires "$(cat "$WORK/app"),cache" "$IMAGE" sleep 1000
	cuddy start web
	[ "$(started db)" -le "$(started app)" ]
	[ "$(started app)" -le "$(started web)" ]
	[ "$(started cache)" -le "$(started web)" ]
	order=$(cuddy events --stream=false --filter event=start --format '{{.Name}}' | xargs)
	[[ "$order" == *db*app*web && "$order" == *cache*web ]]
	# A restart of it leaves those it needs as they are.
	at=$(container_pid db)
	cuddy restart -t 0 web
	[ "$(container_pid db)" = "$at" ]
	# One that cannot start: neither does who needs it.
	cuddy create --name broken --network none "$IMAGE" /nosuch
	cuddy create --name needs --network none --requires broken "$IMAGE" sleep 1000
	run --separate-stderr cuddy start needs
	[ "$status" -ne 0 ]
	[[ "$stderr" == *broken* || "$stderr" == */nosuch* ]]
	[ "$(cuddy inspect --format '{{.State.Pid}}' needs)" = 0 ]
	cuddy rm -f -t 0 web app db cache needs broken
}

@test "volumes-from: two others, one of them read-only; tmpfs, binds and anonymous ones as they have them" {
	mkdir "$WORK/b"
	cuddy create --name one --network none -v data:/data -v /anon -v "$WORK/b:/bind" "$IMAGE" true
	cuddy create --name two --network none -v more:/more:noexec -v data:/again "$IMAGE" true
	run -0 cuddy run --rm --network none --volumes-from one:ro --volumes-from two "$IMAGE" sh -c '
		for d in /data /anon /bind /more /again; do touch $d/x 2>/dev/null && echo $d; done; ls /data
		awk "\$5 == \"/more\" { print \$6 }" /proc/self/mountinfo'
	[ "$(head -n 3 <<<"$output" | xargs)" = '/more /again x' ] || fail "$output"
	[[ "${lines[3]}" == *noexec* ]]
	run -0 cuddy run --rm --network none --volumes-from two:ro,z --volumes-from one:rw "$IMAGE" sh -c '
		for d in /data /anon /bind /more /again; do touch $d/y 2>/dev/null && echo $d; done; true'
	[ "$(echo $output)" = '/data /anon /bind' ]
	[ -e "$WORK/b/y" ]
	cuddy create --name three --network none --volumes-from one --volumes-from two "$IMAGE" ls -d /data /more
	run -0 cuddy start -a three
	[ "$(echo $output)" = '/data /more' ]
	cuddy rm -v one two three
	cuddy volume rm data more
	[ -z "$(cuddy volume ls -q)" ]
}

@test "timeout: of the background too, against what ignores signals, anew with each start, and it takes all of it" {
	cuddy run -d --name c --network none --timeout 1 "$IMAGE" sh -c 'trap "" TERM INT HUP; echo run; setsid sh -c "while :; do sleep 0.05; done" & while :; do sleep 0.05; done'
	p=$(container_pid c)
	run -0 cuddy wait c
	[ "$output" = 137 ]
	run -1 kill -0 "$p"
	wait_until 20 no_strays
	[ "$(cuddy inspect --format '{{.State.Status}} {{.State.ExitCode}}' c)" = 'exited 137' ]
	at=${EPOCHREALTIME/./}
	run -137 cuddy start -a c
	[ $((${EPOCHREALTIME/./} - at)) -ge 900000 ]
	[ "$(cuddy logs c | grep -c run)" = 2 ]
	run -3 cuddy run --rm --network none --timeout 60 "$IMAGE" sh -c 'exit 3'
	run --separate-stderr cuddy run --rm --timeout=-1 "$IMAGE" true
	one_line_error 125 timeout
	cuddy rm c
}
