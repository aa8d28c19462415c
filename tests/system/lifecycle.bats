#!/usr/bin/env bats
# create, start, stop, kill, wait, rm, ps, logs, exec, inspect: one container from birth to end.
load helpers

@test "create: makes, start runs, the same container again and again with its files kept" {
	run -0 cuddy create --name c "$IMAGE" sh -c 'echo run >>/log; wc -l </log'
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	[ "$(cuddy inspect --format '{{.State.Status}}' c)" = created ]
	for n in 1 2 3; do
		run -0 cuddy start -a c
		[ "$output" = "$n" ]
	done
}

@test "start: prints the name, starting a running one succeeds, an unknown one is one line" {
	cuddy create --name c "$IMAGE" sleep 1000
	run -0 cuddy start c
	[ "$output" = c ]
	pid=$(container_pid c)
	run -0 cuddy start c
	[ "$(container_pid c)" = "$pid" ]
	run --separate-stderr cuddy start nosuch
	one_line_error 125 'nosuch'
}

@test "stop: SIGTERM ends a command that listens, quickly, with its own status" {
	cuddy run -d --name c "$IMAGE" sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'
	wait_log c ready
	start=$SECONDS
	run -0 cuddy stop c
	[ "$output" = c ]
	[ $((SECONDS - start)) -lt 5 ]
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' c)" = 9 ]
}

@test "stop: SIGKILL follows --time when the command ignores SIGTERM" {
	cuddy run -d --name deaf "$IMAGE" sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	wait_log deaf ready
	cuddy run -d --name patient --network none --stop-timeout 1 "$IMAGE" sleep 1000 # not 10 s
	start=$SECONDS
	cuddy stop patient
	[ $((SECONDS - start)) -lt 7 ]
	# -1 waits for ever; meanwhile one can look, and once nobody waits any longer it runs as before.
	cuddy run -d --name endless --network none --stop-timeout -1 "$IMAGE" sleep 1000
	pid=$(container_pid endless)
	"$CUDDY" stop endless 3>&- &
	p=$!
	wait_status endless stopping
	[ "$(cuddy exec endless pidof sleep)" = 1 ]
	kill -KILL $p
	wait_running endless
	[ "$(cuddy ps -q --filter status=running --filter name=endless --no-trunc)" = "$(cuddy inspect --format '{{.Id}}' endless)" ]
	[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "sleep 1000 " ]
	cuddy kill endless
	run -0 cuddy stop --time 1 deaf
	[ "$output" = deaf ]
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' deaf)" = 137 ]
}

@test "stop: uses the stop signal given, and a stopped one is fine" {
	cuddy run -d --name c --stop-signal USR1 "$IMAGE" sh -c 'trap "exit 11" USR1; echo ready; while :; do sleep 0.05; done'
	wait_log c ready
	run -0 cuddy stop c
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' c)" = 11 ]
	run -0 cuddy stop c
}

@test "stop, kill: --latest is the newest one, and goes without names" {
	cuddy run -d --name a "$IMAGE" sleep 1000
	cuddy run -d --name b "$IMAGE" sleep 1000
	run --separate-stderr cuddy stop -l a
	one_line_error 125 latest
	run -0 cuddy kill --latest
	wait_exited b
	status_is a running
	cuddy rm b
	run -0 cuddy stop -t 0 -l
	status_is a exited
	cuddy rm a
	run --separate-stderr cuddy stop -l
	one_line_error 125 latest
}

@test "stop: --signal asks with another one" {
	cuddy run -d --name c "$IMAGE" sh -c 'trap "exit 12" USR2; echo ready; while :; do sleep 0.05; done'
	wait_log c ready
	run -125 --separate-stderr cuddy stop -s NOSUCH c
	one_line_error 125 NOSUCH
	run -0 cuddy stop -s USR2 c
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' c)" = 12 ]
}

@test "stop: an unknown name is one clear line, status 125, empty stdout; others are still stopped" {
	cuddy run -d --name known "$IMAGE" sleep 1000
	run --separate-stderr cuddy stop -t 0 nosuch known
	[ "$status" -eq 125 ]
	[ "$output" = known ]
	[[ "$stderr" == *"nosuch: no such container"* ]]
	[ "$(cuddy inspect --format '{{.State.Status}}' known)" = exited ]
	run -0 cuddy stop --ignore nosuch
}

@test "kill: sends the signal named, and SIGKILL by default" {
	cuddy run -d --name c "$IMAGE" sh -c 'trap "echo hup" HUP; echo ready; while :; do sleep 0.05; done'
	wait_log c ready
	run -0 cuddy kill -s HUP c
	wait_log c hup
	run -0 cuddy kill c
	wait_exited c
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' c)" = 137 ]
	run --separate-stderr cuddy kill c
	[ "$status" -eq 125 ]
	run --separate-stderr cuddy kill -s NOSUCH c
	[ "$status" -eq 125 ]
}

@test "wait: blocks until the end and prints the status, for several, and at once for an ended one" {
	cuddy run -d --name a "$IMAGE" sh -c 'while [ ! -e /go ]; do sleep 0.05; done; exit 4'
	cuddy run --name b "$IMAGE" true
	cuddy wait a b >"$WORK/out" &
	w=$!
	cuddy exec a touch /go
	wait $w
	[ "$(echo $(cat "$WORK/out"))" = "4 0" ]
}

@test "rm: refuses a running one without -f, and removes several at once" {
	cuddy run -d --name up "$IMAGE" sleep 1000
	run --separate-stderr cuddy rm up
	one_line_error 2 'up'
	status_is up running
	cuddy create --name x "$IMAGE"
	run -0 cuddy rm -f -t 0 up x
	[ "$(echo $output)" = "up x" ]
	[ -z "$(cuddy ps -aq)" ]
}

@test "rm: -v takes anonymous volumes along, named ones stay" {
	cuddy run --name c -v named:/n -v /anon "$IMAGE" true
	[ "$(ls "$CUDDY_ROOT/volumes" | wc -l)" -eq 2 ]
	cuddy rm -v c
	[ "$(ls "$CUDDY_ROOT/volumes")" = named ]
}

@test "ps: running ones, with -a all, and the columns a script reads" {
	cuddy run -d --name up -p 127.0.0.1:"$(free_port)":80 "$IMAGE" sleep 1000
	cuddy run --name down "$IMAGE" sh -c 'exit 5' || true
	run -0 cuddy ps --format '{{.Names}}'
	[ "$output" = up ]
	run -0 cuddy ps -a --format '{{.Names}} {{.State}} {{.Image}}' --sort names
	[ "${lines[0]}" = "down exited localhost/busybox:latest" ]
	[ "${lines[1]}" = "up running localhost/busybox:latest" ]
	run -0 cuddy ps
	[[ "${lines[0]}" == "CONTAINER ID"*IMAGE*COMMAND*CREATED*STATUS*PORTS*NAMES ]]
	[[ "${lines[1]}" == *"->80/tcp"* ]]
	run -0 cuddy ps -a --format json
	[ "$(jq length <<<"$output")" = 2 ]
	run -0 cuddy ps -a --filter status=exited --format '{{.Names}}'
	[ "$output" = down ]
	run -0 cuddy ps -a --filter name=up -q
	[ "${#lines[@]}" -eq 1 ]
}

@test "ps and inspect --size: what the writable layer holds, also where we may not look ourselves" {
	cuddy run -d --name c "$IMAGE" sh -c 'mkdir -m 0700 /x; chown 5:5 /x; head -c 100000 /dev/zero >/x/y; echo made; sleep 1000'
	wait_log c made
	run -0 cuddy inspect -s --format '{{.SizeRw}}' c
	[ "$output" = 100000 ]
	run -0 cuddy ps -s --format '{{.Size}}'
	[[ "$output" =~ ^100kB\ \(virtual\ [0-9.]+MB\)$ ]]
	run -0 bash -c '"$CUDDY" ps -s --format json | python3 -c "import json, sys; s = json.load(sys.stdin)[0][\"Size\"]; print(s[\"rwSize\"], s[\"rootFsSize\"] > 1000000)"'
	[ "$output" = "100000 True" ]
}

@test "logs: both streams, in order, --tail, --timestamps, --follow until the end" {
	cuddy run --name c "$IMAGE" sh -c 'echo 1; sleep 0.2; echo 2 >&2; sleep 0.2; echo 3'
	run -0 --separate-stderr cuddy logs c
	[ "$(echo $output)" = "1 3" ]
	[ "$stderr" = 2 ]
	run -0 --separate-stderr cuddy logs --tail 1 c
	[ "$output" = 3 ]
	run -0 --separate-stderr cuddy logs -t c
	[[ "${lines[0]}" =~ ^20[0-9-]+T[0-9:.]+.*\ 1$ ]]
	cuddy run -d --name f "$IMAGE" sh -c 'echo a; while [ ! -e /go ]; do sleep 0.05; done; echo b'
	cuddy logs -f f >"$WORK/out" &
	w=$!
	wait_until 20 grep -q a "$WORK/out"
	cuddy exec f touch /go
	wait $w
	[ "$(echo $(cat "$WORK/out"))" = "a b" ]
}

@test "logs: a line without an end is kept as it is" {
	cuddy run --name c "$IMAGE" sh -c 'printf "a\nb"' >/dev/null
	cuddy logs c >"$WORK/out"
	printf 'a\nb' | cmp - "$WORK/out"
}

@test "logs: a long line and binary bytes come back as they were" {
	cuddy run --name c "$IMAGE" sh -c 'head -c 200000 /dev/zero | tr "\0" x; echo; printf "\377\376\001\n"' >"$WORK/direct"
	cuddy logs c >"$WORK/logged"
	cmp "$WORK/direct" "$WORK/logged"
}

@test "exec: status, environment, user, directory, stdin, and 126, 127, 125" {
	cuddy run -d --name c -e A=image "$IMAGE" sleep 1000
	run -6 cuddy exec c sh -c 'exit 6'
	run -0 cuddy exec -e B=exec c sh -c 'echo $A $B'
	[ "$output" = "image exec" ]
	run -0 cuddy exec -u user -w /tmp c sh -c 'id -un; pwd'
	[ "$(echo $output)" = "user /tmp" ]
	run -0 cuddy exec -i c cat <<<'through'
	[ "$output" = through ]
	run -127 --separate-stderr cuddy exec c nosuchcommand
	one_line_error 127 nosuchcommand
	run --separate-stderr cuddy exec c /etc/passwd
	one_line_error 126 /etc/passwd
	run --separate-stderr cuddy exec nosuch true
	one_line_error 125 nosuch
	run -0 cuddy exec -d c touch /detached
	wait_until 10 cuddy exec c test -e /detached
}

@test "exec: into a container that does not run is refused" {
	cuddy create --name c "$IMAGE" true
	run --separate-stderr cuddy exec c true
	one_line_error 125 c
	cuddy start -a c
	run --separate-stderr cuddy exec c true
	one_line_error 125 c
}

@test "exec: has the container's namespaces, root and capabilities" {
	cuddy run -d --name c --cap-drop ALL --hostname inside "$IMAGE" sleep 1000
	run -0 cuddy exec c sh -c 'hostname; grep CapEff /proc/self/status; grep Seccomp: /proc/self/status'
	[[ "$output" == inside*0000000000000000*2 ]]
	for ns in pid net ipc uts mnt user; do
		[ "$(cuddy exec c readlink /proc/self/ns/$ns)" = "$(cuddy exec c readlink /proc/1/ns/$ns)" ]
	done
}

@test "inspect: json an other program reads, templates, ids, several, and unknown ones" {
	cuddy create --name c -e A=b "$IMAGE" true
	run -0 cuddy inspect c
	[ "$(jq -r '.[0].Name' <<<"$output")" = c ]
	jq -e '.[0].Config.Env | index("A=b")' <<<"$output"
	run -0 cuddy inspect --format '{{.Name}} {{json .State.Status}}' c
	[ "$output" = 'c "created"' ]
	run --separate-stderr cuddy inspect nosuch
	[ "$status" -eq 125 ]
	run --separate-stderr cuddy inspect --format '{{.NoSuchField}}' c
	[ "$status" -ne 0 ]
	run --separate-stderr cuddy inspect --format '{{.Name' c
	[ "$status" -eq 125 ]
}

@test "a container is named by name, id and unique prefix" {
	id=$(cuddy create --name c "$IMAGE" true)
	for n in c "$id" "${id:0:12}" "${id:0:3}"; do
		[ "$(cuddy inspect --format '{{.Id}}' "$n")" = "$id" ]
	done
}

@test "names are made up when not given, and differ" {
	cuddy create "$IMAGE" true
	cuddy create "$IMAGE" true
	run -0 cuddy ps -a --format '{{.Names}}'
	[ "${lines[0]}" != "${lines[1]}" ]
	[[ "${lines[0]}" =~ ^[a-z]+_[a-z]+[0-9]*$ ]]
}

@test "podman and docker as names of the program work, and so do the noun groups" {
	ln -s "$CUDDY" "$WORK/docker"
	run -0 cuddy container run --rm "$IMAGE" echo grouped
	[ "$output" = grouped ]
	cuddy container create --name c "$IMAGE" true
	[ "$(cuddy container ls -aq | wc -l)" -eq 1 ]
	[ "$(cuddy image ls -q | wc -l)" -eq 1 ]
	cuddy container rm c
}

@test "container exists: what a killed monitor left of a container of --rm is none" {
	cuddy run -d --rm --name gone "$IMAGE" sleep 1000
	cuddy container exists gone
	kill -KILL "$(conmon_pid gone)"
	wait_until 20 eval '! "$CUDDY" container exists gone'
	[ -z "$(ls "$CUDDY_ROOT/containers")" ]
	run -1 cuddy container exists gone
}
