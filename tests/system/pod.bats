#!/usr/bin/env bats
# cuddy pod: containers that share namespaces and come and go together.
load helpers
load pod

setup_file() { file_begin busybox; }
teardown_file() { file_end; }


@test "pod: what members share and what each has of its own, as /proc says outside and inside" {
	id=$(cuddy pod create --name p --label a=b --pod-id-file "$WORK/id")
	[[ "$id" =~ ^[0-9a-f]{64}$ ]]
	[ "$(cat "$WORK/id")" = "$id" ]
	pod_is p Created
	cuddy run -d --pod p --name m1 "$IMAGE" sleep 1000
	cuddy run -d --pod-id-file "$WORK/id" --name m2 "$IMAGE" sleep 1000
	pod_is p Running
	i=$(infra p)
	for k in ipc net uts user; do
		[ "$(ns m1 $k)" = "$(ns m2 $k)" ]
		[ "$(ns m1 $k)" = "$(ns "$i" $k)" ]
		[ "$(ns m1 $k)" != "$(readlink /proc/self/ns/$k)" ]
	done
	for k in pid mnt; do
		[ "$(ns m1 $k)" != "$(ns m2 $k)" ]
		[ "$(ns m1 $k)" != "$(ns "$i" $k)" ]
	done
	[ "$(cuddy exec m1 readlink /proc/self/ns/net)" = "$(ns m2 net)" ]
	# Who is not in it may have its network, with its files.
	[ "$(cuddy run --rm --network pod:p "$IMAGE" sh -c 'readlink /proc/self/ns/net; cat /etc/resolv.conf')" = "$(ns m1 net)
$(cuddy exec m1 cat /etc/resolv.conf)" ]
	for bad in "pod:nosuch|no such pod" "pod:p --dns 192.0.2.1|use --dns" "pod:p --add-host a:192.0.2.1|use --add-host" "pod:p -p 80|publish"; do
		# shellcheck disable=SC2086
		run --separate-stderr cuddy run --rm --network ${bad%|*} "$IMAGE" true
		one_line_error 125 "${bad#*|}"
	done
	i=$(infra p) # "run" has a variable of that name
	[ "$(cuddy exec m1 hostname)" = p ]
	[ "$(cuddy exec m1 sh -c 'echo $HOSTNAME')" = p ]
	cuddy exec m1 sh -c 'echo shared >/dev/shm/f'
	[ "$(cuddy exec m2 cat /dev/shm/f)" = shared ]
	cuddy exec -d m1 sh -c 'echo localhost | nc -l -p 7000'
	wait_until 20 cuddy exec m2 sh -c 'grep -q :1B58 /proc/net/tcp*'
	[ "$(cuddy exec m2 nc 127.0.0.1 7000)" = localhost ]
	# What the containers know of their pod.
	[ "$(cuddy inspect --format '{{.Pod}} {{.IsInfra}}' m1)" = "$id false" ]
	[ "$(cuddy ps --filter pod=p --format '{{.Names}} {{.PodName}} {{.IsInfra}}' | sort | xargs)" = "${id:0:12}-infra p true m1 p false m2 p false" ]
	[ "$(cuddy ps --filter "pod=${id:0:9}" --pod --no-trunc | grep -c "$id *p *$")" -eq 3 ]
	[ "$(cuddy pod ps --filter ctr-names=m1 --format '{{.Name}} {{.NumberOfContainers}} {{.Status}} {{.InfraID}}')" = "p 3 Running ${i:0:12}" ]
	[ -z "$(cuddy pod ps -q --filter name=nobody)" ]
	[ "$(cuddy pod ps -q --no-trunc --filter label=a=b)" = "$id" ]
	cuddy pod ps --ctr-names --ctr-ids --ctr-status | grep -q 'infra,m1,m2.*running,running,running'
	[ "$(cuddy pod ps --format json | python3 -c 'import json,sys; p = json.load(sys.stdin)[0]; print(p["Name"], p["InfraId"] == sys.argv[1], [c["Names"] for c in p["Containers"]][1:], p["Labels"])' "$i")" = "p True ['m1', 'm2'] {'a': 'b'}" ]
	[ "$(cuddy pod inspect p | python3 -c 'import json,sys; p = json.load(sys.stdin)[0]; print(p["SharedNamespaces"], p["NumContainers"], p["InfraContainerID"] == sys.argv[1], p["Labels"], [c["State"] for c in p["Containers"]])' "$i")" = "['ipc', 'net', 'uts'] 3 True {'a': 'b'} ['running', 'running', 'running']" ]
	# What they say and what runs in them.
	cuddy run -d --pod p --name m3 "$IMAGE" sh -c 'echo from m3; exec sleep 1003' >/dev/null
	wait_log m3 'from m3'
	# Each is found by its name, at the address that they share; who went is forgotten, what was written there is not.
	found() { cuddy exec "$1" ping -c1 -W1 "$2" 2>&1 | sed -n 's/^PING [^(]*(\([^)]*\)).*/\1/p'; }
	[ "$(found m1 m2) $(found m2 m1) $(found m1 m3) $(found m3 p)" = "127.0.0.1 127.0.0.1 127.0.0.1 $(found m1 p)" ]
	cuddy exec m1 sh -c 'echo "10.1.2.3 written" >>/etc/hosts'
	cuddy run --rm --pod p --name m4 "$IMAGE" grep -c m4 /etc/hosts
	cuddy run --rm --pod p "$IMAGE" true
	[ "$(found m2 written) $(found m1 m3) $(found m1 m4)" = "10.1.2.3 127.0.0.1 " ]
	# A name given or taken away while it runs is in the file, or out of it, at once; also of many at the same time.
	cuddy rename m3 renamed
	[ "$(found m1 renamed) $(found m1 m3)" = "127.0.0.1 " ]
	cuddy rename renamed m3
	for i in 1 2 3 4 5 6; do cuddy create --pod p --name "many$i" "$IMAGE" true >/dev/null; done
	cuddy run --rm --pod p "$IMAGE" true
	[ "$(cuddy exec m1 grep -c many /etc/hosts)" = 6 ]
	jobs=()
	for i in 1 2 3 4 5 6; do "$CUDDY" rm "many$i" >/dev/null 3>&- & jobs+=($!); done
	wait "${jobs[@]}"
	run ! cuddy exec m1 grep many /etc/hosts
	[ "$(found m2 written) $(found m1 m2) $(found m1 m3)" = "10.1.2.3 127.0.0.1 127.0.0.1" ]
	[ "$(cuddy pod logs p)" = "$(cuddy inspect --format '{{.Id}}' m3 | cut -c 1-12) from m3" ]
	[ "$(cuddy pod logs -n --tail 1 -c m3 -c m2 p)" = 'm3 from m3' ]
	[ "$(cuddy pod top p args | grep -c 'sleep 100[03]')" -eq 3 ]
	"$CUDDY" pod logs -f -c m3 p >"$WORK/followed" 3>&- &
	follower=$!
	wait_until 20 grep -q 'from m3' "$WORK/followed"
	cuddy rm -f -t 0 m3 >/dev/null
	wait $follower # it ends with what it follows
	run -125 --separate-stderr cuddy pod logs -c nobody p
	one_line_error 125 'no such container'
	# The end of any one is not the end of the others.
	kill -KILL "$(container_pid m1)"
	wait_exited m1
	pod_is p Degraded
	[ "$(cuddy exec m2 hostname)" = p ]
	cuddy start m1 >/dev/null
	[ "$(ns m1 net)" = "$(ns m2 net)" ]
	run -2 --separate-stderr cuddy pod rm p
	one_line_error 2 'm[12] runs'
	pod_is p Running
	[ "$(cuddy pod stop -t 0 p)" = p ]
	pod_is p Exited
	[ "$(cuddy pod start "${id:0:10}")" = "${id:0:10}" ]
	pod_is p Running
	[ "$(ns m1 net)" = "$(ns m2 net)" ]
	old=$(container_pid m1)
	cuddy pod kill -s KILL p >/dev/null
	wait_until 20 pod_is p Exited
	cuddy pod restart p >/dev/null
	[ "$(container_pid m1)" != "$old" ]
	cuddy pod rm -f -t 0 p
	run -1 cuddy pod exists p
	[ -z "$(cuddy ps -aq)" ]
	expect_no_container_left
}

@test "pod: --share by choice, all and none; --infra=false; maps of the pod are those of its members" {
	cuddy pod create --name apart --share ipc >/dev/null
	run --separate-stderr cuddy run --rm --network pod:apart "$IMAGE" true
	one_line_error 125 'do not share a network'
	cuddy pod rm apart >/dev/null
	cuddy pod create --name all --share ipc,net,uts,pid,cgroup,user --network none >/dev/null
	cuddy run -d --pod all --name a1 "$IMAGE" sleep 1000 >/dev/null
	cuddy run -d --pod all --name a2 "$IMAGE" sh -c 'sleep 1001' >/dev/null
	for k in ipc net uts pid user cgroup; do [ "$(ns a1 $k)" = "$(ns a2 $k)" ]; done
	[ "$(ns a1 pid)" = "$(ns "$(infra all)" pid)" ]
	cuddy exec a1 ps | grep -q 'sleep 1001'
	# The network that it shares may be another's, or the host's.
	cuddy pod create --name others --network container:a1 >/dev/null
	[ "$(cuddy run --rm --pod others "$IMAGE" readlink /proc/self/ns/net)" = "$(ns a1 net)" ]
	cuddy pod create --name hosts --network host >/dev/null
	[ "$(cuddy run --rm --pod hosts "$IMAGE" readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
	cuddy pod rm -f -t 0 others hosts >/dev/null
	# Whoever loses its parent in there is reaped by the holder.
	cuddy exec a1 sh -c '(sleep 0 & ) ; true'
	wait_until 20 cuddy exec a1 sh -c '! grep -q "^State:.Z" /proc/[0-9]*/status'
	cuddy pod create --name none --share none >/dev/null
	cuddy run -d --pod none --name n1 --network none "$IMAGE" sleep 1000 >/dev/null
	cuddy run -d --pod none --name n2 --network none --hostname own "$IMAGE" sleep 1000 >/dev/null
	for k in ipc net uts pid; do [ "$(ns n1 $k)" != "$(ns n2 $k)" ]; done
	[ "$(cuddy exec n2 hostname)" = own ]
	cuddy pod create --name=bare --infra=false --share= >/dev/null
	cuddy run -d --pod bare --name b1 --network none "$IMAGE" sleep 1000 >/dev/null
	[ -z "$(infra bare)" ]
	pod_is bare Running
	cuddy pod create --name kept --userns keep-id --network none --share net >/dev/null
	[ "$(cuddy run --rm --pod kept "$IMAGE" sh -c 'touch /tmp/f; id -u; stat -c %u /tmp /tmp/f | xargs')" = "0
0 0" ]
	[ "$(cuddy run --rm --pod kept --user "$(id -u)" -v "$WORK:/w" "$IMAGE" sh -c 'touch /w/mine; id -u')" = "$(id -u)" ]
	[ "$(stat -c %u "$WORK/mine")" = "$(id -u)" ]
	[ "$(cuddy pod ps --sort name --format '{{.Name}}' | xargs)" = 'all bare kept none' ]
	cuddy pod rm -f -a -t 0 >/dev/null
	[ -z "$(cuddy pod ps -q)" ]
}

@test "pod: run --pod new:, its ports, hosts, volumes; what contradicts the pod is refused" {
	require_tun
	port=$(free_port)
	cuddy run -d --pod new:n --name web --stop-signal KILL -p "127.0.0.1:$port:80" --add-host extra:10.1.2.3 "$IMAGE" sh -c 'echo hi >/tmp/index.html; exec httpd -f -p 80 -h /tmp' >/dev/null
	wait_until 20 curl -sf "http://127.0.0.1:$port/" -o "$WORK/got"
	[ "$(cat "$WORK/got")" = hi ]
	[ "$(cuddy run --rm --pod n "$IMAGE" wget -qO- localhost)" = hi ]
	cuddy run --rm --pod n "$IMAGE" grep -q '10.1.2.3.*extra' /etc/hosts
	[ "$(cuddy pod inspect --format "{{(index (index .InfraConfig.PortBindings \"80/tcp\") 0).HostPort}}" n)" = "$port" ]
	for flag in '-p 1:1' '--network none' '--hostname x' '--userns keep-id' '--add-host a:1.1.1.1' '--dns 1.1.1.1'; do
		run -125 --separate-stderr cuddy run --rm --pod n $flag "$IMAGE" true
		one_line_error 125 'the pod n decides that'
	done
	run -125 --separate-stderr cuddy run --rm --pod nobody "$IMAGE" true
	one_line_error 125 'nobody: no such pod'
	before=$(cuddy ps -aq; cuddy pod ps -q)
	run -125 --separate-stderr cuddy run --rm --pod new:n "$IMAGE" true
	one_line_error 125 'already in use'
	run -125 cuddy run --rm --pod new:other --pull never localhost/nobody true
	[ "$(cuddy ps -aq; cuddy pod ps -q)" = "$before" ]
	while IFS='|' read -r flags why; do
		run -125 --separate-stderr cuddy pod create $flags x
		one_line_error 125 "$why"
	done <<-'E'
		--share net,bad|unknown namespace 'bad'
		--share none -p 1:1|--publish: .* does not share its network
		--share net --hostname x|--hostname: .* does not share its UTS
		--infra=false -p 1:1|--publish needs the infra container
		--infra-command x|--infra-command needs --infra-image
		--restart sometimes|--restart 'sometimes'
		--exit-policy x|--exit-policy: one of
		--network nobody|nobody: no such network
	E
	[ "$(cuddy ps -aq; cuddy pod ps -q)" = "$before" ]
	run -125 --separate-stderr cuddy rm "$(infra n)"
	one_line_error 125 'infra container of pod'
	mkdir "$WORK/v"
	echo '10.5.5.5 fromfile' >"$WORK/hosts"
	cuddy pod create --replace --name n -v "$WORK/v:/v" --infra-name holder --hosts-file "$WORK/hosts" >/dev/null
	[ "$(cuddy ps -a --format '{{.Names}}')" = holder ]
	cuddy run --rm --pod n "$IMAGE" sh -c 'touch /v/f; grep -q "10.5.5.5.*fromfile" /etc/hosts'
	[ -e "$WORK/v/f" ]
	cuddy rm -f holder >/dev/null
	run -1 cuddy pod exists n
	# A tmpfs is one for all of the pod, however its containers come to it.
	cuddy volume create -o type=tmpfs -o device=tmpfs -o o=size=1m memory >/dev/null
	cuddy pod create --name n --network none -v memory:/mem >/dev/null
	cuddy run -d --pod n --name m1 "$IMAGE" sh -c 'echo here >/mem/f; exec sleep 1000' >/dev/null
	wait_until 20 cuddy exec m1 cat /mem/f
	[ "$(cuddy run --rm --pod n -v memory:/again:ro "$IMAGE" sh -c 'cat /mem/f /again/f; touch /again/g || echo read-only')" = "here
here
read-only" ]
	cuddy volume rm -f -t 0 memory >/dev/null # and with the container that has it the pod
	[ -z "$(cuddy pod ps -q; cuddy ps -aq)" ]
	run -1 --separate-stderr cuddy pod rm n
	[[ "$stderr" == *'no such pod'* ]]
	cuddy pod rm -i n
}

@test "pod: what it gives its containers is seen in them; what none can have is refused; a clone has all of it again" {
	mkdir -p "$WORK/v"
	id=$(cuddy pod create --name o --network none --device /dev/null:/dev/mynull --no-hosts --no-hostname --shm-size 1m \
		--security-opt no-new-privileges --sysctl kernel.msgmax=9999 -v "$WORK/v:/pc" -v /anon --label a=b --restart on-failure --exit-policy stop)
	cuddy create --pod o --init-ctr always --name i "$IMAGE" true >/dev/null
	cuddy create --pod o --name m1 "$IMAGE" sh -c 'hostname; echo $HOSTNAME; touch /anon/f; exec sleep 1000' >/dev/null
	cuddy create --pod o --name m2 --requires m1 "$IMAGE" sleep 1000 >/dev/null
	cuddy pod start o >/dev/null
	[ "$(cuddy exec m2 sh -c 'test -c /dev/mynull; df -k /dev/shm | tail -1 | xargs echo | cut -d " " -f 2; cat /proc/sys/kernel/msgmax; ls -d /pc; grep -c . /etc/hosts; grep NoNew /proc/self/status | xargs')" = "1024
9999
/pc
0
NoNewPrivs: 1" ]
	[ "$(cuddy pod inspect --format '{{index .CreateCommand 2}} {{(index .Devices 0).PathInContainer}} {{.SecurityOpts}} {{.CPUQuota}} {{len .Mounts}} {{.CreateCgroup}}' o)" = 'create /dev/mynull [no-new-privileges] 0 2 false' ]
	new=$(cuddy pod clone --start --label c=d --sysctl kernel.msgmax=7777 --shm-size 2m o)
	[ "$(cuddy pod inspect --format '{{.Id}} {{.State}} {{.Labels}} {{.ExitPolicy}} {{.RestartPolicy}} {{.Hostname}}' o-clone)" = "$new Running map[a:b c:d] stop on-failure o-clone" ]
	wait_log m1-clone "o-clone
o-clone"
	[ "$(cuddy exec m2-clone sh -c 'cat /proc/sys/kernel/msgmax; df -k /dev/shm | tail -1 | xargs echo | cut -d " " -f 2; test -c /dev/mynull; rm /anon/f')" = "7777
2048" ]
	cuddy exec m2 ls /anon/f # not the same volume
	for k in net ipc uts user; do
		[ "$(ns m1-clone $k)" = "$(ns "$(infra o-clone)" $k)" ]
		[ "$(ns m1-clone $k)" != "$(ns m1 $k)" ]
	done
	[[ "$(cuddy inspect --format '{{.Dependencies}}' m2-clone)" == *"$(cuddy inspect --format '{{.Id}}' m1-clone)"* ]]
	# Each ends with its own containers.
	cuddy stop -t 0 m1-clone m2-clone >/dev/null
	wait_until 20 pod_is o-clone Exited
	pod_is o Running
	cuddy pod stop -t 0 o >/dev/null
	cuddy pod clone --destroy --infra-name held o moved >/dev/null
	[ "$(cuddy pod ps --sort name --format '{{.Name}} {{.Status}}' | xargs)" = 'moved Created o-clone Exited' ]
	before=$(cuddy ps -aq; cuddy pod ps -q; cuddy volume ls -q)
	while IFS='|' read -r flags words; do
		run -125 --separate-stderr cuddy pod $flags
		one_line_error 125 "$words"
	done <<-'T'
		clone moved o-clone|name o-clone belongs to pod
		clone nobody|nobody: no such pod
		clone --restart sometimes moved|--restart
		clone --infra-name held moved|already in use
		create --device /nonexist x|No such file
		create --gpus all x|no CDI specification
		create --hosts-file /nonexist x|No such file
		create --infra=false -m 64m x|needs the infra container
		create --share-parent=false -m 64m x|a cgroup that its containers share
		create -m 1k x|not enough for any process
	T
	if [ "$(cuddy info --format '{{.Host.CgroupManager}}')" = none ]; then
		for flag in '-m 64m' '--cpus 1' '--cgroup-parent x'; do
			run -125 --separate-stderr cuddy pod create $flag x
			one_line_error 125 'no cgroup can be made here'
		done
	fi
	[ "$(cuddy ps -aq; cuddy pod ps -q; cuddy volume ls -q)" = "$before" ]
	cuddy pod rm -f -t 0 -a >/dev/null
	[ -z "$(cuddy ps -aq; cuddy volume ls -q)" ]
}

@test "pod: a clone has besides what pod clone is told: mounts, devices, ids, namespaces, the holder's own" {
	local flags words
	mkdir "$WORK/more" "$WORK/theirs"
	cuddy create --name ext -v "$WORK/theirs:/theirs" "$IMAGE" true >/dev/null
	cuddy pod create --name a --network none --userns auto:size=2000 >/dev/null
	cuddy run -d --pod a --name m1 "$IMAGE" sleep 1000 >/dev/null
	cuddy create --pod a --name m2 "$IMAGE" sleep 1000 >/dev/null
	# Ids that are its own again, in all of it.
	cuddy pod clone --start a b >/dev/null
	[ "$(cuddy exec m2-clone cat /proc/self/uid_map | xargs | cut -d ' ' -f 3)" = 2000 ]
	[ "$(cuddy exec m2-clone cat /proc/self/uid_map)" != "$(cuddy exec m1 cat /proc/self/uid_map)" ]
	cuddy pod clone --start --security-opt no-new-privileges --device /dev/null:/dev/mynull -v "$WORK/more:/more" -v /anon \
		--volumes-from ext --userns keep-id:uid=7,gid=7 --pid private --infra-conmon-pidfile "$WORK/pid" --shm-size-systemd 3m a c >/dev/null
	[ "$(cuddy exec m2-clone1 sh -c 'touch /more/f /theirs/f /anon/f; test -c /dev/mynull; grep NoNew /proc/self/status | xargs; stat -c %u /more/f')" = "NoNewPrivs: 1
0" ]
	[ -e "$WORK/more/f" ]
	[ -e "$WORK/theirs/f" ]
	cuddy exec m1-clone1 ls /anon/f
	[ "$(cuddy exec --user 7 m1-clone1 stat -c %u /more)" = 7 ]
	for k in pid user; do
		[ "$(ns m1-clone1 $k)" = "$(ns m2-clone1 $k)" ]
		[ "$(ns m1-clone1 $k)" = "$(ns "$(infra c)" $k)" ]
	done
	[ "$(cat "$WORK/pid")" = "$(cuddy inspect --format '{{.State.ConmonPid}}' "$(infra c)")" ]
	[ "$(cuddy pod inspect --format '{{.SharedNamespaces}} {{(index .Devices 0).PathInContainer}} {{.SecurityOpts}}' c)" = '[ipc net uts pid] /dev/mynull [no-new-privileges]' ]
	[[ "$(cuddy inspect --format '{{.HostConfig.VolumesFrom}}' m1-clone1)" != *"$(infra a)"* ]]
	# The host's name and processes, and back: what its holder has not of its own, it has not either.
	cuddy pod create --name u --network none --uts host --pid host >/dev/null
	[ "$(cuddy run --name m3 --pod u "$IMAGE" sh -c 'echo $(readlink /proc/self/ns/uts) $(readlink /proc/self/ns/pid)')" = "$(readlink /proc/self/ns/uts) $(readlink /proc/self/ns/pid)" ]
	cuddy pod clone --uts private --pid private u w >/dev/null
	cuddy create --pod w --name m4 "$IMAGE" sh -c 'exec sleep 1000' >/dev/null
	cuddy pod start w >/dev/null
	[ "$(cuddy exec m4 sh -c 'hostname; echo $HOSTNAME')" = "w
w" ]
	for k in pid uts; do [ "$(ns m4 $k)" = "$(ns "$(infra w)" $k)" ]; done
	cuddy pod create --name i --network none --infra-image "$IMAGE" --infra-command 'sleep 1000' >/dev/null
	cuddy pod clone --infra-command 'sleep 999' i j >/dev/null
	[ "$(cuddy inspect --format '{{.Config.Cmd}}' "$(infra j)")" = '[sleep 999]' ]
	cuddy pod create --name none --infra=false >/dev/null
	before=$(cuddy ps -aq; cuddy pod ps -q; cuddy volume ls -q)
	while IFS='|' read -r flags words; do
		run -125 --separate-stderr cuddy pod $flags
		one_line_error 125 "$words"
	done <<-'T'
		clone --infra-command x a d|executes nothing
		clone --gpus all a d|no CDI specification
		clone --userns bad a d|--userns 'bad'
		clone --uidmap x a d|--uidmap 'x'
		clone --pid bad a d|--pid 'bad'
		clone --uts host -h x a d|--uts host
		clone -v /nonexist:/x a d|does not exist on the host
		clone -v /tmp:/more c d|two mounts on /more
		clone --volumes-from nobody a d|no such container
		clone --device /nonexist a d|No such file
		clone --security-opt foo a d|key=value
		clone --sysctl bad a d|key=value
		clone --pid host none d|needs an infra container
		create --security-opt foo d|key=value
	T
	[ "$(cuddy ps -aq; cuddy pod ps -q; cuddy volume ls -q)" = "$before" ]
	cuddy rm ext >/dev/null
	cuddy pod rm -f -t 0 -a >/dev/null
	[ -z "$(cuddy ps -aq; cuddy volume ls -q)" ]
}
