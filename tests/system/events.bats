#!/usr/bin/env bats
# cuddy events: the journal that whoever makes a change writes, read back and followed.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }
setup() { test_begin; rm -f "$CUDDY_RUNROOT"/events "$CUDDY_RUNROOT"/events.1; }

past() { cuddy events --stream=false "$@"; }
statuses() { past --filter type=container --format '{{.Status}}' "$@" | xargs; }
# seen_as NAME STATUS... - what somebody who looks finds, and then the journal has
seen_as() {
	cuddy ps -a >/dev/null
	[ "$(past --filter "container=$1" --format '{{.Status}}' | xargs)" = "${*:2}" ]
}
have() { [ "$(statuses)" = "$*" ]; }

@test "events: a container's life, with its name, image, labels and exit code" {
	cuddy run --rm --name c -l app=web "$IMAGE" sh -c 'exit 3' || true
	wait_until 20 have create init start attach died remove
	id=$(past --filter event=create --format '{{.ID}}')
	[ "${#id}" -eq 64 ]
	[ "$(past --filter event=died --format '{{.Name}} {{.ContainerExitCode}} {{.Attributes.app}} {{.Type}} {{.Image}}')" = "c 3 web container localhost/busybox:latest" ]
	[[ "$(past --filter event=start)" =~ ^20..-..-..\ ..:..:..\.[0-9]+\ .*\ container\ start\ $id\ \(image=localhost/busybox:latest,\ name=c,\ app=web\)$ ]]
	past --filter event=died --format json | python3 -c '
import json, sys
e = json.loads(sys.stdin.read())
assert e["Status"] == "died" and e["Name"] == "c" and e["ContainerExitCode"] == 3 and e["Attributes"] == {"app": "web"}, e
assert e["timeNano"] // 10**9 == e["time"] and e["ExitReason"] == "exited", e'
	[ "$(past --filter event=start --no-trunc=false --format '{{.ID}}')" = "${id:0:12}" ]
}

@test "events: every verb that changes a container leaves its own" {
	cuddy run -d --name c --health-cmd true --health-interval disable "$IMAGE" sleep 1000
	cuddy exec c sh -c 'exit 4' || true
	cuddy healthcheck run c
	cuddy kill -s URG c
	cuddy restart -t 0 c
	cuddy rename c d
	cuddy cp d:/etc/passwd "$WORK/p"
	cuddy export -o "$WORK/d.tar" d
	cuddy commit -q d localhost/made >/dev/null
	cuddy unshare "$CUDDY" mount d >/dev/null
	cuddy stop -t 0 d
	cuddy container cleanup d
	cuddy ps -a --sync >/dev/null
	cuddy rm d
	[ "$(statuses)" = "create init start exec exec_died health_status kill died stop cleanup init start restart rename copy export commit mount died stop cleanup cleanup sync remove" ]
	[ "$(past --filter event=commit --format json | jq -r .CommittedImage)" = "$(cuddy image inspect --format '{{.Id}}' localhost/made)" ]
	cuddy rmi localhost/made >/dev/null
	[ "$(past --filter event=exec_died --format '{{.ContainerExitCode}}')" = 4 ]
	[ "$(past --filter event=health_status --format '{{.HealthStatus}}')" = healthy ]
	[ "$(past --filter type=container --filter event=remove --format "{{.Name}}")" = d ]
}

@test "events: what the monitor does by itself is there, also when it was a crash that ended it" {
	cuddy run -d --name c --restart on-failure:1 "$IMAGE" sh -c 'exit 1'
	cuddy wait c
	wait_until 10 eval '[ "$(statuses)" = "create init start died restart init start died cleanup" ]'
	# No prefix of an id is a name here: --filter takes both.
	cuddy run -d --name down "$IMAGE" sleep 1000
	kill -KILL "$(conmon_pid down)"
	wait_exited down
	wait_until 20 seen_as down create init start died cleanup
	[ "$(past --filter container=down --filter event=died --format '{{.ContainerExitCode}} {{.ExitReason}}')" = "137 crash" ]
	cuddy rm down
	[ "$(past --filter container=down --format '{{.Status}}' | xargs)" = "create init start died cleanup remove" ]
}

@test "events: of a crash one only, whoever looks at once; it is recorded for good, and the next run is another" {
	cuddy run -d --name down "$IMAGE" sleep 1000
	cuddy run -d --rm --name gone -v /anon "$IMAGE" sleep 1000
	# shellcheck disable=SC2046
	kill -KILL $(conmon_pid down) $(conmon_pid gone)
	pids=()
	for _ in 1 2 3 4 5 6; do
		"$CUDDY" ps -a >/dev/null &
		pids+=($!)
		"$CUDDY" inspect down >/dev/null &
		pids+=($!)
	done
	for p in "${pids[@]}"; do wait "$p" || true; done
	wait_exited down
	wait_until 20 seen_as gone create init start died remove
	wait_until 20 seen_as down create init start died cleanup
	finished=$(cuddy inspect --format '{{.State.FinishedAt}}' down)
	[[ "$finished" == 20* ]]
	[[ "$(cuddy ps -a --filter name=down --format '{{.Status}}')" == "Exited (137) "*" ago" ]]
	[ "$(cuddy inspect --format '{{.State.FinishedAt}} {{.State.ExitReason}} {{.State.Error}}' down)" = "$finished crash the container's monitor was killed" ]
	cuddy start down
	[ "$(cuddy inspect --format '{{.State.Status}}' down)" = running ]
	cuddy stop -t 0 down
	[ "$(cuddy inspect --format '{{.State.ExitReason}}' down)" = user ]
	[ "$(past --filter container=down --format '{{.Status}}' | xargs)" = "create init start died cleanup init start died stop cleanup" ]
	cuddy rm down
}

@test "events: what was made or removed by somebody who was killed before he could say so is told once, by whoever reads" {
	killed() { CUDDY_CRASH_AT=$1 run "$CUDDY" "${@:2}"; [ "$status" -eq 137 ]; }
	killed stage-after-rename create --name c --network none "$IMAGE" true
	killed stage-before-rename create --name none --network none "$IMAGE" true
	killed container-trashed rm c
	killed stage-after-rename volume create v
	cuddy volume rm v
	[ "$(ls "$CUDDY_RUNROOT/pending" | wc -l)" -eq 4 ]
	[ "$(past --format '{{.Type}} {{.Status}} {{.Name}}')" = "volume remove v
container create c
container remove c
volume create v" ]
	[ "$(past | wc -l)" -eq 4 ]
	[ -z "$(ls "$CUDDY_RUNROOT/pending")" ]
	# So are secrets, networks and pods.
	echo x >"$WORK/s"
	for part in secret network pod; do
		operand=; [ $part != secret ] || operand=$WORK/s
		# shellcheck disable=SC2086
		killed record-saved $part create x $operand
		killed record-removed $part rm x
		# shellcheck disable=SC2086
		killed record-saved $part create x $operand
		[ "$(past --filter type=$part --format '{{.Status}} {{.Name}}' | xargs)" = "create x remove x create x" ] || fail "$part: $(past)"
		cuddy $part rm x >/dev/null
		[ "$(past --filter type=$part --format '{{.Status}}' | tail -n 1)" = remove ]
	done
	cuddy create --name z --network none "$IMAGE" true
	killed pod-marked pod create x
	[ "$(past --filter type=pod | wc -l)" -eq 4 ]
	killed record-saved artifact add localhost/art "$WORK/s"
	killed record-removed artifact rm localhost/art
	killed image-put commit -q z localhost/z
	[ "$(past --filter type=artifact --format '{{.Status}}' | xargs) $(past --filter event=commit --format '{{.Name}}')" = "create remove z" ]
	# So are images that were loaded and imported, by as many names as they have.
	cuddy tag localhost/z one two
	cuddy save -q -o "$WORK/i.tar" localhost/z
	cuddy rmi -f localhost/z one two >/dev/null
	killed_below() { CUDDY_CRASH_AT=$1 run -125 "$CUDDY" "${@:2}"; } # cuddy-transfer, that is
	killed_below image-put load -q -i "$WORK/i.tar"
	[ "$(past --filter event=loadfromarchive --format '{{.Name}}')" = localhost/z:latest ]
	tar -cf "$WORK/r.tar" -C "$WORK" s
	killed_below image-put import -q "$WORK/r.tar" localhost/imp
	[ "$(past --filter event=import --format '{{.Name}} {{.ID}}')" = "localhost/imp:latest $(cuddy image inspect --format '{{.Id}}' localhost/imp)" ]
	cuddy rmi -f localhost/z localhost/imp >/dev/null
	# A stream hears of it as soon as he is dead.
	"$CUDDY" events --until 1h --format '{{.Name}} {{.Status}}' >"$WORK/out" 3>&- &
	e=$!
	wait_asleep $e
	killed stage-after-rename create --name d --network none "$IMAGE" true
	shown() { [ "$(cat "$WORK/out")" = "d create" ]; }
	wait_until 10 shown
	kill $e
	cuddy rm d
	[ -z "$(ls "$CUDDY_RUNROOT/pending")" ]
}

@test "events: a monitor killed before its line, or after it and before the record: each is there once" {
	# Names that no id begins with: a filter takes those, too.
	cuddy run -d --name m --network none "$IMAGE" sleep 1000
	cuddy run -d --name n --network none "$IMAGE" sleep 1000
	sed -i '/"start"/{/"Name":"m"/d}' "$CUDDY_RUNROOT/events"
	sed -n '/"start"/{/"Name":"n"/{s/"start"/"died"/p}}' "$CUDDY_RUNROOT/events" >"$WORK/line"
	cat "$WORK/line" >>"$CUDDY_RUNROOT/events"
	# shellcheck disable=SC2046
	kill -KILL $(conmon_pid m) $(conmon_pid n)
	wait_exited m
	wait_exited n
	wait_until 20 seen_as m create init start died cleanup || fail "$(cat "$CUDDY_RUNROOT/events")"
	wait_until 20 seen_as n create init start died cleanup
	cuddy rm m n
}

@test "events: images and volumes" {
	cuddy tag "$IMAGE" one two
	cuddy untag two two
	cuddy rmi one
	cuddy volume create v
	cuddy run --rm -v /anonymous "$IMAGE" true
	cuddy volume rm v
	[ "$(past --filter type=image --format '{{.Status}} {{.Name}}')" = "tag localhost/one:latest
tag localhost/two:latest
untag localhost/two:latest
untag localhost/one:latest" ]
	# What moves images, and what could not be.
	printf 'FROM scratch\nLABEL a=b\n' | cuddy build -q -t localhost/built - >/dev/null
	built=$(cuddy image inspect --format '{{.Id}}' localhost/built)
	cuddy save -q -o "$WORK/built.tar" localhost/built
	cuddy rmi localhost/built >/dev/null
	cuddy load -q -i "$WORK/built.tar" >/dev/null
	cuddy push -q localhost/built "dir:$WORK/dir"
	cuddy pull -q "dir:$WORK/dir" >/dev/null
	run -125 cuddy pull -q 127.0.0.1:1/nothing:here
	cuddy export "$(cuddy create "$IMAGE" true)" | cuddy import -q - localhost/imported >/dev/null
	cuddy unshare sh -c '"$0" image mount localhost/imported >/dev/null && "$0" image umount localhost/imported >/dev/null' "$CUDDY"
	[ "$(past --filter type=image --format '{{.Status}} {{.Name}}' | tail -n +5)" = "build localhost/built:latest
save localhost/built:latest
remove localhost/built:latest
loadfromarchive localhost/built:latest
push dir:$WORK/dir
pull dir:$WORK/dir
pull-error 127.0.0.1:1/nothing:here
import localhost/imported:latest
mount 
unmount " ]
	[ "$(past --filter event=loadfromarchive --format '{{.ID}}')" = "$built" ]
	echo x >"$WORK/file"
	cuddy artifact add localhost/art "$WORK/file" >/dev/null
	cuddy artifact rm localhost/art >/dev/null
	[ "$(past --filter artifact=localhost/art:latest --format '{{.Type}} {{.Status}}' | xargs)" = "artifact create artifact remove" ]
	anonymous() { [ "$(past --filter type=volume --format '{{.Status}}' | xargs)" = "create create remove remove" ]; }
	wait_until 20 anonymous
	[ "$(past --filter volume=v --format '{{.Status}} {{.Name}}' | xargs)" = "create v remove v" ]
	cuddy volume create -l p=1 pr >/dev/null
	cuddy volume prune -a -f --filter label=p=1
	[ "$(past --filter volume=pr --format '{{.Status}}' | xargs)" = "create remove prune" ]
	cuddy network create n >/dev/null
	cuddy network rm n >/dev/null
	[ "$(past --filter network=n --filter scope=local --format '{{.Type}} {{.Status}}' | xargs)" = "network create network remove" ]
	for none in "network=n --filter scope=swarm" service=x daemon=x artifact=nosuch; do [ -z "$(past --filter $none)" ]; done
	id=$(echo x | cuddy secret create s -)
	cuddy secret rm s >/dev/null
	[ "$(past --filter secret=s --format '{{.Type}} {{.Status}} {{.ID}}' | xargs)" = "secret create $id secret remove $id" ]
}

@test "events: a stream shows what comes, from now on, and ends with --until" {
	cuddy create --name before "$IMAGE" true
	"$CUDDY" events --until 1h --format '{{.Name}} {{.Status}}' >"$WORK/out" 3>&- &
	e=$!
	wait_asleep $e
	cuddy create --name after "$IMAGE" true
	shown() { [ "$(cat "$WORK/out")" = "$1" ]; }
	wait_until 20 shown "after create"
	rm -f "$CUDDY_RUNROOT/events.1"
	mv "$CUDDY_RUNROOT/events" "$CUDDY_RUNROOT/events.1" # as a rotation does
	cuddy rm after
	wait_until 20 shown $'after create\nafter remove'
	kill $e
	run -0 cuddy events --until 100ms
	[ -z "$output" ]
	run -0 cuddy events --since 1h --until 0s --filter container=before --format '{{.Status}}'
	[ "$output" = create ]
	run -0 cuddy events --since 1h --stream=false --filter event=remove --format '{{.Name}}'
	[ "$output" = after ]
}

@test "events: the journal is bounded, and a torn line hides only itself" {
	cuddy create --name c "$IMAGE" true
	printf '{"Time":"2020-01-01T00:00:00Z","Type":"contai\n' >>"$CUDDY_RUNROOT/events"
	cuddy rename c d
	[ "$(statuses)" = "create rename" ]
	head -c 1100000 /dev/zero | tr '\0' '\n' >>"$CUDDY_RUNROOT/events"
	cuddy rename d e
	[ -e "$CUDDY_RUNROOT/events.1" ]
	[ "$(stat -c %s "$CUDDY_RUNROOT/events" 2>/dev/null || echo 0)" -lt 1000 ]
	cuddy rename e f
	[ "$(statuses)" = "create rename rename rename" ]
	head -c 1100000 /dev/zero | tr '\0' '\n' >>"$CUDDY_RUNROOT/events"
	cuddy rename f g
	cuddy rename g h
	[ "$(ls "$CUDDY_RUNROOT" | grep -c '^events')" -eq 2 ]
	[ "$(past --format '{{.Name}}' | xargs)" = "f g h" ]
}

@test "events: many writers at once, every line whole" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	for i in 1 2 3 4 5 6; do
		( for k in 1 2 3 4 5; do "$CUDDY" exec c true; done ) 3>&- &
		jobs="${jobs:-} $!"
	done
	wait $jobs
	[ "$(past --filter event=exec | wc -l)" -eq 30 ]
	[ "$(past --filter event=exec_died | wc -l)" -eq 30 ]
	python3 -c 'import json,sys; [json.loads(l) for l in open(sys.argv[1])]' "$CUDDY_RUNROOT/events"
}

@test "events: labels of any kind, as docker shows it, and bad words" {
	cuddy create --name c -l 'quote="a\b' -l $'esc=\e[31mred' "$IMAGE" true
	[ "$(past --filter event=create --format '{{index .Attributes "quote"}}')" = '"a\b' ]
	[ "$(past --filter 'label=quote="a\b' --format '{{.Name}}')" = c ]
	ln -s "$CUDDY" "$WORK/docker"
	"$WORK/docker" events --since 1h --until 0s --format '{{json .}}' | python3 -c '
import json, sys
e = json.loads(sys.stdin.read())
assert e["Action"] == "create" and e["Actor"]["Attributes"]["name"] == "c" and e["scope"] == "local", e'
	cuddy rm c
	[ "$("$WORK/docker" events --since 1h --until 0s --filter event=destroy --format '{{.Action}}')" = destroy ]
	for bad in "--filter colour=red" "--filter x" "--since soon" "--until never" "--format {{.Name"; do
		run --separate-stderr cuddy events --stream=false $bad
		[ "$status" -eq 125 ]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
}
