#!/usr/bin/env bats
# cuddy pod: crashes of its parts, init containers, events, pruning.
load helpers
load pod

setup_file() { file_begin busybox; }
teardown_file() { file_end; }


@test "pod: kill -9 of each part leaves a state that is told as it is, and the next start or rm gets right" {
	id=$(cuddy pod create --name k --network none --share net,pid)
	for m in m1 m2; do cuddy run -d --pod k --name $m "$IMAGE" sleep 1000 >/dev/null; done
	kill -KILL "$(conmon_pid m1)"
	wait_exited m1
	pod_is k Degraded
	cuddy exec m2 true
	cuddy pod start k >/dev/null
	pod_is k Running
	kill -KILL "$(conmon_pid "$(infra k)")" # its pid 1 takes all that are in its pid namespace along
	wait_until 20 pod_is k Exited
	cuddy pod start k >/dev/null
	pod_is k Running
	[ "$(ns m1 net)" = "$(ns m2 net)" ]
	kill -KILL "$(container_pid "$(infra k)")"
	wait_until 20 pod_is k Exited
	# It alone: neither one that runs nor one that was never started; and not without a yes.
	cuddy pod create --name made --network none >/dev/null
	cuddy run -d --pod new:runs --network none "$IMAGE" sleep 1000 >/dev/null
	[ -z "$(cuddy pod prune <<<n)" ]
	cuddy pod exists k
	[ "$(cuddy pod prune <<<y)" = "$id" ]
	[ "$(cuddy pod ps --sort name --format '{{.Name}}' | xargs)" = 'made runs' ]
	[ -z "$(cuddy pod prune -f)" ]
	cuddy pod rm -f -t 0 made runs >/dev/null
	run -1 cuddy pod exists k
	expect_no_container_left
}

# Its lock is not the last thing that a process which ends lets go of.
held_by_none() { [ -z "$(pids_in net "$1"; pins_of "$1")" ]; }

@test "pod: what it shares is held by descriptors of its monitor alone, and is gone with them" {
	local holder net mon key m
	cuddy pod create --name q --network none >/dev/null
	cuddy pod start q >/dev/null
	holder=$(infra q)
	mon=$(conmon_pid "$holder")
	net=$(ns "$holder" net)
	[[ "$net" == net:* ]]
	pod_is q Running
	[ "$(container_pid "$holder")" = 0 ]
	[ -z "$(cat "/proc/$mon/task/"*/children)" ]
	for key in net ipc uts user; do [ -z "$(pids_in $key "$(ns "$holder" $key)")" ]; done
	[ "$(readlink "/proc/$mon/ns/net")" = "$(readlink /proc/self/ns/net)" ]
	# All that asks for them finds them.
	cuddy run -d --pod q --name m1 "$IMAGE" sleep 1000 >/dev/null
	m=$(container_pid m1)
	[ "$(pids_in net "$net")" = "$m" ]
	[ "$(pids_in ipc "$(ns "$holder" ipc)")" = "$m" ]
	key=$(cuddy inspect --format '{{.NetworkSettings.SandboxKey}}' "$holder")
	[ "$(readlink "$key")" = "$net" ]
	[ "$(cuddy run --rm --network "ns:$key" "$IMAGE" readlink /proc/self/ns/net)" = "$net" ]
	[ "$(cuddy run --rm --network "container:$holder" --ipc "container:$holder" "$IMAGE" readlink /proc/self/ns/net)" = "$net" ]
	[ "net:[$(cuddy ps --filter "id=$holder" --namespace --format '{{.NET}}')]" = "$net" ]
	[ "$(cuddy top "$holder" pid | wc -l)" -eq 1 ]
	[ "$(cuddy pod top q args | grep -c sleep)" -eq 1 ]
	run -125 --separate-stderr cuddy exec "$holder" true
	one_line_error 125 'neither programs nor a process'
	run -125 --separate-stderr cuddy run --rm --pid "container:$holder" "$IMAGE" true
	one_line_error 125 'does not share process ids'
	# A member lives on in them when the monitor is killed; the next start makes others.
	kill -KILL "$mon"
	wait_exited "$holder"
	pod_is q Degraded
	[ "$(cuddy exec m1 readlink /proc/self/ns/net)" = "$net" ]
	cuddy pod stop -t 0 q >/dev/null
	wait_until 10 held_by_none "$net"
	cuddy pod start q >/dev/null
	[ "$(ns m1 net)" = "$(ns "$holder" net)" ]
	# As somebody asks for the end of it.
	net=$(ns m1 net)
	cuddy stop -t 0 m1 >/dev/null
	[ -n "$(pins_of "$net")" ]
	cuddy kill -s USR1 "$holder" >/dev/null
	status_is "$holder" running
	cuddy pod stop q >/dev/null
	[ "$(cuddy inspect --format '{{.State.ExitCode}} {{.State.ExitReason}}' "$holder")" = '0 user' ]
	wait_until 10 held_by_none "$net"
	cuddy pod start q >/dev/null
	cuddy restart -t 0 "$holder" >/dev/null
	status_is "$holder" running
	cuddy pod kill q >/dev/null
	wait_until 20 pod_is q Exited
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' "$holder")" = 137 ]
	cuddy pod rm q >/dev/null
	expect_no_container_left
}

@test "pod: its network helper and its proxy come again when they are killed; ports come and go" {
	require_tun
	local a b holder old
	a=$(free_port)
	b=$(free_port)
	cuddy pod create --name h -p "127.0.0.1:$a:80" >/dev/null
	cuddy run -d --pod h --name web "$IMAGE" sh -c 'echo hi >/tmp/index.html; exec httpd -f -p 80 -h /tmp' >/dev/null
	holder=$(infra h)
	wait_until 20 curl -sf "http://127.0.0.1:$a/" -o /dev/null
	old=$(helpers_of "$holder")
	[ "$(wc -w <<<"$old")" -eq 2 ]
	kill -KILL $old
	come_again() { [ "$(helpers_of "$holder" | wc -w)" -eq 2 ] && [ "$(helpers_of "$holder")" != "$old" ]; }
	wait_until 20 come_again
	wait_until 20 curl -sf "http://127.0.0.1:$a/" -o /dev/null
	cuddy exec web ip addr show tap0 | grep -q 10.0.2.100
	cuddy update --publish-add "127.0.0.1:$b:80" "$holder" >/dev/null
	wait_until 20 curl -sf "http://127.0.0.1:$b/" -o /dev/null
	cuddy update --publish-rm "127.0.0.1:$a:80" "$holder" >/dev/null
	run ! curl -sf "http://127.0.0.1:$a/"
	cuddy pod rm -f -t 0 h >/dev/null
	# The first port of one that had none.
	cuddy pod create --name h >/dev/null
	cuddy run -d --pod h --name web "$IMAGE" sh -c 'echo hi >/tmp/index.html; exec httpd -f -p 80 -h /tmp' >/dev/null
	cuddy update --publish-add "127.0.0.1:$b:80" "$(infra h)" >/dev/null
	wait_until 20 curl -sf "http://127.0.0.1:$b/" -o /dev/null
	cuddy pod rm -f -t 0 h >/dev/null
}

@test "pod: files of a container are reached while its pod does not run; explain of one needs no pod that runs" {
	cuddy volume create -o type=tmpfs -o device=tmpfs memory >/dev/null
	cuddy pod create --name z --network none -v memory:/mem >/dev/null
	cuddy create --pod z --name m "$IMAGE" true >/dev/null
	echo hello >"$WORK/f"
	cuddy cp "$WORK/f" m:/f
	[ "$(cuddy cp m:/f - | tar -xO)" = hello ]
	[ "$(cuddy diff m)" = 'A /f' ]
	cuddy export m | tar -t | grep -qx f
	cuddy commit -q m localhost/z >/dev/null
	[ "$(cuddy run --rm --network none localhost/z cat /f)" = hello ]
	cuddy explain run --pod z "$IMAGE" true | grep -q .
	cuddy pod start z >/dev/null
	wait_exited m
	cuddy cp "$WORK/f" m:/again # it has ended, its pod has not
	kill -KILL "$(conmon_pid "$(infra z)")"
	wait_exited "$(infra z)"
	cuddy cp m:/again - | tar -xO
	cuddy pod rm -f -t 0 z >/dev/null
	cuddy rmi localhost/z >/dev/null
	cuddy volume rm memory >/dev/null
}

@test "pod: with the user namespace of its maker, too, memory is shared" {
	for share in net,ipc net,ipc,pid; do
		cuddy volume create -o type=tmpfs -o device=tmpfs memory >/dev/null
		cuddy pod create --name y --network none --userns host --share $share -v memory:/mem >/dev/null
		cuddy run -d --pod y --name m1 "$IMAGE" sh -c 'echo a >/mem/f; echo b >/dev/shm/f; exec sleep 1000' >/dev/null
		wait_until 20 cuddy exec m1 cat /dev/shm/f
		[ "$(cuddy run --rm --pod y "$IMAGE" cat /mem/f /dev/shm/f | xargs)" = 'a b' ]
		cuddy pod rm -f -t 0 y >/dev/null
		cuddy volume rm memory >/dev/null
	done
}

@test "pod: init containers run first, in order, once or always; one that fails stops the start" {
	cuddy pod create --name i --network none -v "$WORK:/w" >/dev/null
	cuddy create --pod i --init-ctr once --name once "$IMAGE" sh -c 'echo once >>/w/log' >/dev/null
	cuddy create --pod i --init-ctr always --name always "$IMAGE" sh -c 'echo always >>/w/log' >/dev/null
	cuddy create --pod i --name main "$IMAGE" sh -c 'echo main >>/w/log; sleep 1000' >/dev/null
	cuddy pod start i >/dev/null
	wait_until 20 grep -q main "$WORK/log"
	[ "$(xargs <"$WORK/log")" = 'once always main' ]
	pod_is i Running
	[ -z "$(cuddy ps -aq --filter name=once)" ]
	cuddy pod stop -t 0 i >/dev/null
	cuddy pod start i >/dev/null
	wait_until 20 sh -c "[ \$(grep -c main '$WORK/log') = 2 ]"
	[ "$(xargs <"$WORK/log")" = 'once always main always main' ]
	cuddy pod stop -t 0 i >/dev/null
	cuddy create --pod i --init-ctr once --name bad "$IMAGE" sh -c 'exit 7' >/dev/null
	run -125 --separate-stderr cuddy pod start i
	one_line_error 125 'init container bad exited with 7'
	status_is main exited
	run -125 --separate-stderr cuddy create --init-ctr once "$IMAGE" true
	one_line_error 125 'goes with --pod'
	cuddy pod rm -f -t 0 i >/dev/null
}

said_twice() { [ "$(cuddy logs "$1" | xargs)" = 'once once' ]; }

@test "pod: events, --requires of members, system prune, completion" {
	id=$(cuddy pod create --name ev --network none --restart on-failure:1) # not a name that an id begins with
	cuddy create --pod ev --name first "$IMAGE" sleep 1000 >/dev/null
	cuddy run -d --pod ev --name second --requires first "$IMAGE" sleep 1000 >/dev/null
	status_is first running
	[ "$(cuddy inspect --format '{{.HostConfig.RestartPolicy.Name}}' second)" = on-failure ]
	cuddy run -d --pod ev --name fails "$IMAGE" sh -c 'echo once; exit 1'
	wait_until 20 said_twice fails # the pod's policy is its containers'
	cuddy pod stop -t 0 ev >/dev/null
	cuddy pod create --infra=false --name left >/dev/null
	cuddy system prune -f | grep -q "^$id\$"
	[ "$(cuddy pod ps --format '{{.Name}}')" = left ]
	[ "$(cuddy events --stream=false --since 1h --filter type=pod --filter pod=ev --format '{{.Status}}' | xargs)" = 'create stop remove' ]
	cuddy __complete -- pod rm '' | grep -q '^left'
	cuddy pod rm -a >/dev/null
}

@test "pod: --exit-policy stop ends the pod with its last container, however that ends" {
	cuddy pod create --name x --network none --exit-policy stop >/dev/null
	cuddy create --pod x --init-ctr always --name init "$IMAGE" true >/dev/null
	for m in m1 m2; do cuddy create --pod x --name $m "$IMAGE" sh -c 'while [ ! -e /dev/shm/end ]; do sleep 0.1; done' >/dev/null; done
	cuddy create --pod x --name short "$IMAGE" true >/dev/null
	cuddy pod start x >/dev/null
	wait_exited short
	kill -KILL "$(conmon_pid m1)"
	wait_exited m1
	status_is "$(infra x)" running
	cuddy exec m2 touch /dev/shm/end
	wait_until 20 pod_is x Exited
	wait_until 20 no_strays
	# One that nobody has been in yet waits.
	cuddy pod create --name empty --network none --exit-policy stop >/dev/null
	cuddy pod start empty >/dev/null
	pod_is empty Running
	cuddy run --rm --pod empty "$IMAGE" true
	wait_until 20 pod_is empty Exited
	cuddy pod rm empty >/dev/null
	# All at once, and again.
	cuddy pod start x >/dev/null
	cuddy pod stop -t 0 x >/dev/null
	pod_is x Exited
	cuddy run --rm --pod x --name one "$IMAGE" true
	wait_exited "$(infra x)"
	cuddy pod rm x >/dev/null
}

@test "pod: it ends with the last of many, and takes whoever comes after the last but one" {
	cuddy pod create --name many --network none --exit-policy stop >/dev/null
	for i in $(seq 62); do cuddy create --pod many --name "n$i" "$IMAGE" sh -c 'until [ -e /dev/shm/end ]; do sleep 1; done' >/dev/null; done
	cuddy pod start many >/dev/null
	[ "$(cuddy pod ps --format '{{.Status}} {{.NumberOfContainers}}')" = 'Running 63' ]
	cuddy run -d --pod many --name last "$IMAGE" sleep 1000 >/dev/null
	cuddy exec n62 touch /dev/shm/end
	wait_until 30 sh -c "[ \"\$('$CUDDY' ps -q | wc -l)\" = 2 ]"
	status_is "$(infra many)" running
	cuddy kill last >/dev/null
	wait_until 20 pod_is many Exited
	cuddy pod rm many >/dev/null
}
