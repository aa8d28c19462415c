#!/usr/bin/env bats
# Flags of the container verbs that have no file of their own.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

names() { cuddy ps -a --sort names --format '{{.Names}}' "$@" | tr '\n' ' '; }
ns_number() { stat -L -c %i "/proc/$(container_pid "$1")/ns/$2"; }

@test "ps: --namespace, templates of namespaces, filters by command and port, --watch, contradictions" {
	cuddy run -d --name a --network none --label k=v --expose 53/udp "$IMAGE" sleep 1000
	cuddy create --name b --network host "$IMAGE" true
	run -0 cuddy ps --namespace --noheading
	[ "$(awk '{ print $2, $3, $4, $5, $6, $7, $8, $9, $10 }' <<<"$output")" = "a $(container_pid a) $(for k in cgroup ipc mnt net pid user uts; do ns_number a $k; done | tr '\n' ' ' | sed 's/ $//')" ]
	[ "$(cuddy ps --format '{{.PIDNS}} {{.Namespaces.User}}')" = "$(ns_number a pid) $(ns_number a user)" ]
	[ "$(cuddy ps --ns --format json | jq -r '.[0].Namespaces.Uts')" = "$(ns_number a uts)" ]
	[[ "$(cuddy ps --format '{{.CreatedAt}}')" =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}\ [0-9:]{8}\ [+-][0-9]{4}\ [A-Z+0-9-]+$ ]]
	[ "$(cuddy ps --format '{{.Label "k"}}')" = v ]
	[ "$(names --filter command=sleep)" = "a " ]
	[ "$(names --filter command=true)" = "b " ]
	[ "$(names --filter expose=53/udp)" = "a " ]
	[ -z "$(names --filter expose=53)$(names --filter publish=53/udp)" ]
	[ "$(names --external --sync)" = "a b " ]
	cuddy create --name r -p 9000-9002:90-92 -p 9003:93/udp -p 127.0.0.1:9004:94 -p 9005:95 -p 9006:98 -p 80-81 "$IMAGE" true
	[ "$(cuddy ps -a -f name=r --format '{{.Ports}}')" = "0.0.0.0:9000-9002->90-92/tcp, 0.0.0.0:9003->93/udp, 127.0.0.1:9004->94/tcp, \
0.0.0.0:9005->95/tcp, 0.0.0.0:9006->98/tcp, 0.0.0.0:0->80/tcp, 0.0.0.0:0->81/tcp" ]
	"$CUDDY" ps --watch 1 --format '{{.Names}}' >"$WORK/out" 3>&- &
	w=$!
	twice() { [ "$(grep -c '^a$' "$WORK/out")" -ge 2 ]; }
	wait_until 20 twice
	kill $w
	wait $w || true
	for bad in "--namespace --size" "--latest --last 2" "-q --format json" "--filter publish=x" "--filter nokey=1"; do
		run -125 --separate-stderr cuddy ps $bad
		one_line_error 125 '.'
	done
}

@test "rm --depend: what requires a container or lives in its namespaces goes first, and theirs" {
	cuddy run -d --name base --network none "$IMAGE" sleep 1000
	cuddy run -d --name net --network container:base "$IMAGE" sleep 1000
	cuddy create --name req --network none --requires net "$IMAGE" true
	cuddy create --name other --network none "$IMAGE" true
	run --separate-stderr cuddy rm --depend base # they run
	[ "$status" -ne 0 ]
	[ "$(names)" = "base net other " ] || [ "$(names)" = "base net other req " ]
	run -0 cuddy rm -f -t 0 --depend base
	[ "${lines[-1]}" = base ]
	[ "$(names)" = "other " ]
}

@test "update: health checks change at once, environment and ulimits at the next start" {
	cuddy run -d --name c --network none -e KEEP=1 -e DROP=1 "$IMAGE" sleep 1000
	health() { cuddy inspect --format '{{.State.Health.Status}}' c; }
	is() { [ "$(health)" = "$1" ]; }
	run -125 --separate-stderr cuddy update --health-interval 1s c
	one_line_error 125 'no check'
	run -125 --separate-stderr cuddy update --health-cmd true --health-on-failure dance c
	one_line_error 125 'dance'
	[ "$(cuddy inspect c | jq '.[0].Config.Healthcheck')" = null ]
	cuddy update --health-cmd 'test -e /good' --health-interval 100ms --health-retries 2 --health-timeout 7s --health-start-period 1ms c
	[ "$(cuddy inspect c | jq -c '.[0].Config.Healthcheck | [.Test[1], .Interval, .Retries, .Timeout, .StartPeriod]')" = '["test -e /good",100000000,2,7000000000,1000000]' ]
	wait_until 20 is unhealthy
	cuddy exec c touch /good
	wait_until 20 is healthy
	cuddy update --health-cmd false --health-retries 1 --health-on-failure stop c # the interval stays
	wait_exited c
	cuddy update --no-healthcheck -e NEW=2 --unsetenv DROP --ulimit nofile=77 c
	cuddy start c
	[ "$(cuddy inspect c | jq '.[0].Config.Healthcheck')" = null ]
	run -0 cuddy exec c sh -c 'echo $KEEP-$NEW-$DROP; ulimit -n'
	[ "$output" = "1-2-"$'\n'77 ]
	cuddy update --health-cmd 'test -e /booted' --health-startup-cmd 'echo >/booted' --health-startup-interval 20ms --health-interval 100ms c # one that had none gets one
	wait_until 20 is healthy
	# Taken away while one is under way: what comes of that is nobody's any more.
	cuddy update --health-cmd 'echo >/begun; until [ -e /go ]; do sleep 0.02; done; echo >/ended' c
	wait_until 20 cuddy exec c test -e /begun
	cuddy update --no-healthcheck c
	cuddy exec c touch /go
	wait_until 20 cuddy exec c test -e /ended
	sleep 0.3
	[ "$(cuddy ps --filter health=none -q | wc -l)" = 1 ]
	[ "$(cuddy events --stream=false --filter container=c --filter event=update | wc -l)" = 6 ]
	run -125 --separate-stderr cuddy update --ulimit nofile=x c
	one_line_error 125 'nofile=x'
}

@test "rename: events and the monitor know the new name" {
	cuddy run -d --name old --network none "$IMAGE" sleep 1000
	cuddy rename old new
	cuddy stop -t 0 new
	[ "$(cuddy events --stream=false --filter container=new --filter event=died --format '{{.Name}}')" = new ]
	[ "$(cuddy events --stream=false --filter event=rename --format '{{.Name}}')" = new ]
}

@test "exec: has the limits of the container's processes, within those of its caller" {
	cuddy run -d --name c --network none --ulimit nofile=77:88 --ulimit nproc=50000 "$IMAGE" sleep 1000
	run -0 cuddy exec c sh -c 'ulimit -n; ulimit -Hn; ulimit -c; ulimit -Hc'
	[ "$(echo $output)" = "77 88 0 0" ]
	cuddy create --name d --network none "$IMAGE" sleep 1000
	cuddy start d
	[ "$(cuddy exec d sh -c 'ulimit -n; ulimit -c')" = "$(cuddy run --rm --network none "$IMAGE" sh -c 'ulimit -n; ulimit -c')" ]
	cuddy run -d --name h --network none --ulimit host --ulimit nproc=50000 "$IMAGE" sleep 1000
	for r in -n -c -s -t; do
		[ "$(cuddy exec h sh -c "ulimit $r; ulimit -H $r")" = "$(sh -c "ulimit $r; ulimit -H $r")" ]
	done
	run -0 bash -c 'ulimit -n 60; "$0" exec c sh -c "ulimit -n; ulimit -Hn"' "$CUDDY" # lower than it was at the start
	[ "$(echo $output)" = "60 60" ]
	run -127 --separate-stderr cuddy exec -w /nosuch c true # as podman and docker say of a directory that is not there
	one_line_error 127 'working directory /nosuch'
}

@test "container cleanup: nothing to do after an end, --rm and --rmi take away; checkpoint says why not" {
	cuddy run --name a --network none "$IMAGE" true
	cuddy run -d --name b --network none "$IMAGE" sleep 1000
	run -0 cuddy container cleanup a
	[ "$output" = a ]
	run -125 --separate-stderr cuddy container cleanup b
	one_line_error 125 'it runs'
	run -125 --separate-stderr cuddy container cleanup --stopped-only --rm b
	one_line_error 125 'it runs'
	[ "$(cuddy exec b cat /proc/1/comm)" = sleep ]
	run -0 cuddy container cleanup --all --rm
	[ "$(names)" = "b " ]
	cuddy stop -t 0 b
	cuddy tag "$IMAGE" also
	run -0 cuddy container cleanup --rm --rmi -l
	[ -z "$(names)" ]
	cuddy image exists "$IMAGE" # it has two names: not the container's alone
	for what in 'container checkpoint -l --keep' 'container restore -i /x --name y' 'start --checkpoint c a'; do
		run -125 --separate-stderr cuddy $what
		one_line_error 125 'only root'
	done
	cuddy container restore --help | grep -q refused
}

@test "inspect: an object of any kind by name, or of the one that --type says" {
	echo x >"$WORK/f"
	cuddy create --name one "$IMAGE" true >/dev/null
	cuddy volume create two; cuddy network create three; cuddy pod create --name four; cuddy artifact add localhost/five:1 "$WORK/f"
	[ "$(cuddy inspect --format '{{.Name}}' one two four | xargs)" = 'one two four' ]
	[ "$(cuddy inspect --format '{{.name}}' three)" = three ]
	[[ "$(cuddy inspect --format '{{.Name}}' localhost/five:1)" == *five:1 ]]
	for kind in container:one volume:two network:three pod:four artifact:localhost/five:1 "image:$IMAGE"; do
		cuddy inspect --type "${kind%%:*}" "${kind#*:}" >/dev/null
		run -125 --separate-stderr cuddy inspect --type "${kind%%:*}" nothing
		[[ "$output" == '[]' && "$stderr" == "cuddy: inspect: "*nothing* ]]
	done
	run -125 --separate-stderr cuddy inspect --type pod one
	[[ "$stderr" == *"no such pod"* ]]
	cuddy pod rm -f four; cuddy network rm three; cuddy artifact rm localhost/five:1; cuddy volume rm two; cuddy rm one
}
