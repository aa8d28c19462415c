#!/usr/bin/env bats
# cuddy pod: each flag of its verbs, seen in a container, in the kernel or in what is printed.
load helpers
load pod

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

names() { cuddy pod ps --filter "status=$1" --sort name --format '{{.Name}}' | xargs; }

@test "pod create: addresses, names, resolver, labels and ids are those of its containers" {
	require_tun
	local me
	me=$(id -un)
	printf 'from=file\n' >"$WORK/labels"
	cuddy network create --subnet 10.77.1.0/24 --subnet fd77:1::/64 net1 >/dev/null
	cuddy pod create --name f --network net1 --ip 10.77.1.9 --ip6 fd77:1::9 --mac-address 02:00:00:00:00:09 --network-alias al \
		--dns 10.77.1.1 --dns-search ex.test --dns-option ndots:3 --label-file "$WORK/labels" --label own=1 --hostname hn \
		--uidmap 0:0:5000 --gidmap 0:0:6000 >/dev/null
	cuddy run --rm --pod f "$IMAGE" sh -c 'hostname; ip addr show eth0; cat /etc/resolv.conf; awk "{print \$3}" /proc/self/uid_map /proc/self/gid_map' >"$WORK/seen"
	cat "$WORK/seen"
	for word in '^hn$' 'inet 10.77.1.9/24' 'inet6 fd77:1::9/64' 'ether 02:00:00:00:00:09' '^search.*ex.test' '^options.*ndots:3' '^4999$' '^5999$'; do
		grep -q "$word" "$WORK/seen"
	done
	[ "$(cuddy pod inspect --format '{{.Labels.from}} {{.Labels.own}} {{.InfraConfig.StaticIP}} {{.InfraConfig.StaticMAC}}' f)" = "file 1 10.77.1.9 02:00:00:00:00:09" ]
	cuddy pod start f >/dev/null
	[ "$(cuddy run --rm --network net1 "$IMAGE" nslookup al | grep -c 10.77.1.9)" -ge 1 ]
	# Into more networks by the container that has its network, for all of them.
	cuddy network create --subnet 10.77.2.0/24 net2 >/dev/null
	cuddy run -d --pod f --name m "$IMAGE" sleep 1000 >/dev/null
	cuddy network connect --ip 10.77.2.9 net2 "$(infra f)"
	cuddy exec m ip -o addr show eth1 | grep -q 10.77.2.9/24
	[ "$(cuddy exec m grep -cE '^10.77.[12].9.hn|^127.0.0.1.m.# of' /etc/hosts)" = 3 ]
	run -125 --separate-stderr cuddy network connect net2 m
	one_line_error 125 'network mode'
	cuddy network disconnect net2 "$(infra f)"
	run ! cuddy exec m ip addr show eth1
	# A network that goes by force takes the pod along.
	cuddy network rm -f -t 0 net1 net2 >/dev/null
	[ -z "$(cuddy pod ps -q; cuddy ps -aq)" ]
	cuddy pod create --name s --network none --subuidname "$me" --subgidname "$me" >/dev/null
	[ "$(cuddy run --rm --pod s "$IMAGE" cat /proc/self/uid_map | xargs)" = "$(cuddy run --rm --subuidname "$me" --subgidname "$me" "$IMAGE" cat /proc/self/uid_map | xargs)" ]
	cuddy pod create --name d --network none --label-file "$WORK/labels" >/dev/null
	cuddy pod clone --label-file "$WORK/labels" --uidmap 0:0:7000 --gidmap 0:0:8000 -h there -v "$WORK:/w" d e >/dev/null
	[ "$(cuddy run --rm --pod e "$IMAGE" sh -c 'hostname; awk "{print \$3}" /proc/self/uid_map /proc/self/gid_map; ls -d /w')" = "there
1
6999
1
7999
/w" ]
	cuddy pod rm -f -t 0 -a >/dev/null
}

@test "pod create: what its containers would not get, since that is not shared, is refused" {
	local flags
	while read -r flags; do
		run -125 --separate-stderr cuddy pod create --share $flags no
		one_line_error 125 'does not share'
	done <<-'T'
		ipc,uts -p 1:1
		ipc,uts --network none
		ipc,uts --add-host a:1.2.3.4
		ipc,uts --hosts-file none
		ipc,uts --dns 1.2.3.4
		ipc,uts --dns-search a.test
		ipc,uts --dns-option ndots:2
		ipc,uts --ip 1.2.3.4
		ipc,uts --ip6 fd00::1
		ipc,uts --mac-address 02:00:00:00:00:01
		ipc,uts --network-alias a
		ipc,uts --sysctl net.ipv4.ip_forward=1
		net,uts --sysctl kernel.shmmax=100
		net,uts --shm-size 1m
		net,ipc --hostname a
	T
	run -125 --separate-stderr cuddy pod create --no-hosts --add-host a:1.2.3.4 no
	one_line_error 125 'contradict each other'
	[ -z "$(cuddy pod ps -q; cuddy ps -aq)" ]
	cuddy pod create --name net --share net --network none --sysctl net.ipv4.ip_unprivileged_port_start=7 >/dev/null
	cuddy pod create --name ipc --share ipc --sysctl kernel.shmmax=100000 --shm-size 3m >/dev/null
	for flags in '--shm-size 1m net' '--sysctl kernel.shmmax=9 net' '--sysctl net.ipv4.ip_forward=1 ipc' '-h a ipc'; do
		run -125 --separate-stderr cuddy pod clone $flags no
		one_line_error 125 'does not share'
	done
	[ "$(cuddy run --rm --pod net "$IMAGE" cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" = 7 ]
	[ "$(cuddy run --rm --network none --pod ipc "$IMAGE" sh -c 'cat /proc/sys/kernel/shmmax; df -k /dev/shm | awk "END { print \$2 }"' | xargs)" = "100000 3072" ]
	cuddy pod rm -f -t 0 -a >/dev/null
}

@test "pod create: --infra and what belongs to it" {
	for flag in '--infra-name x' '--infra-image x' '--infra-command x' '--share net' '-p 1:1' '--infra-conmon-pidfile x'; do
		run -125 --separate-stderr cuddy pod create --infra=false $flag no
		one_line_error 125 'infra container that --infra=false leaves out'
	done
	# One with an image has a process, which is the image's; no program of ours but its monitor runs beside.
	cuddy pod create --name i --network none --infra-image "$IMAGE" --infra-command 'sleep 1234' --infra-name held >/dev/null
	cuddy pod start i >/dev/null
	[ "$(tr '\0' ' ' <"/proc/$(container_pid held)/cmdline")" = 'sleep 1234 ' ]
	[ "$(cuddy exec held readlink /proc/self/ns/net)" = "$(cuddy run --rm --pod i "$IMAGE" readlink /proc/self/ns/net)" ]
	# What is the pod's is not changed at its infra container.
	run -125 --separate-stderr cuddy update --memory 64m held
	one_line_error 125 'infra container of a pod'
	run -125 --separate-stderr cuddy container clone held
	one_line_error 125 'pod clone'
	cuddy pod rm -f -t 0 i >/dev/null
}

@test "pod ps, start, stop, restart, kill, logs, rm: --all, --latest and what else they take" {
	local p since
	for p in a b c; do
		cuddy pod create --name $p --network none --pod-id-file "$WORK/$p" >/dev/null
		cuddy create --pod $p --name m$p --stop-signal KILL "$IMAGE" sh -c "echo one $p; exec sleep 1000" >/dev/null
	done
	[ "$(cuddy pod ps --latest --format '{{.Name}}')" = c ]
	[ "$(cuddy pod ps --ns --no-trunc --filter name=a -n | grep -c 'ipc,net,uts')" -eq 1 ]
	cuddy pod ps --namespace | grep -q 'CGROUP *NAMESPACES *# OF CONTAINERS'
	[ "$(cuddy pod ps -q | awk '{print length}' | sort -u)" = 12 ]
	[ "$(cuddy pod ps -q --notruncate | awk '{print length}' | sort -u)" = 64 ]
	cuddy pod start --latest >/dev/null
	[ "$(names running)" = c ]
	cuddy pod start --all >/dev/null
	[ "$(names running)" = 'a b c' ]
	wait_log mc 'one c'
	cuddy pod stop --latest >/dev/null
	[ "$(names running)" = 'a b' ]
	old=$(container_pid ma)
	cuddy pod restart --all >/dev/null
	[ "$(names running)" = 'a b c' ]
	[ "$(container_pid ma)" != "$old" ]
	old=$(container_pid mc)
	cuddy pod restart -l >/dev/null
	[ "$(container_pid mc)" != "$old" ]
	cuddy pod kill -l -s KILL >/dev/null
	wait_until 20 pod_is c Exited
	cuddy pod kill --all --signal KILL >/dev/null
	wait_until 20 pod_is a Exited
	wait_until 20 pod_is b Exited
	cuddy pod start -a >/dev/null
	cuddy pod stop --all -t 0 >/dev/null
	[ "$(names exited)" = 'a b c' ]
	[ "$(cuddy pod stop --ignore nobody a | xargs)" = a ]
	cuddy pod start --pod-id-file "$WORK/a" --pod-id-file "$WORK/b" >/dev/null
	[ "$(names running)" = 'a b' ]
	cuddy pod stop --pod-id-file "$WORK/b" >/dev/null
	[ "$(names running)" = a ]
	cuddy pod start --all >/dev/null
	cuddy pod stop --all -t 0 >/dev/null
	# Of what mc has said four times: since, until, time stamps, colours.
	[ "$(cuddy pod logs --latest | grep -c 'one c')" -ge 3 ]
	[[ "$(cuddy pod logs -t --tail 1 c)" =~ \ ?20[0-9-]+T[0-9:.]+.*one\ c ]]
	[ -z "$(cuddy pod logs --until 1h c)" ]
	[ -n "$(cuddy pod logs --since 1h c)" ]
	cuddy run --pod c --name md "$IMAGE" echo two >/dev/null
	[[ "$(cuddy pod logs --color -n c)" == *$'\e['*mc*two* ]]
	[ "$(cuddy pod logs --container md c)" = two ]
	# What has no process can be paused where nothing could be frozen.
	for flags in '--latest --all' '--all --latest'; do
		cuddy pod pause ${flags% *} >/dev/null
		status_is "$(infra c)" paused
		run -125 --separate-stderr cuddy run --rm --pod c "$IMAGE" true
		one_line_error 125 'does not run'
		cuddy pod unpause ${flags#* } >/dev/null
		status_is "$(infra c)" running
	done
	cuddy pod stop c >/dev/null
	cuddy pod rm --latest >/dev/null
	[ "$(cuddy pod ps --sort name --format '{{.Name}}' | xargs)" = 'a b' ]
	cuddy pod rm --pod-id-file "$WORK/b" >/dev/null
	[ "$(cuddy pod ls --format '{{.Name}}')" = a ]
	cuddy pod rm --all --force --time 0 >/dev/null
	[ -z "$(cuddy pod list -q; cuddy ps -aq)" ]
}
