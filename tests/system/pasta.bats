#!/usr/bin/env bats
# --network pasta, namespaces by path, and what is used when a program for the network is missing.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

require_pasta() {
	require_tun
	require_program pasta
	ip route get 203.0.113.1 >/dev/null 2>&1 || lacks "no route to anywhere"
	HOST_IP=$(ip -o route get 203.0.113.1 | sed -n 's/.* src \([0-9.]*\).*/\1/p')
}

pasta_of() { for n in passt.avx2 passt pasta.avx2 pasta; do helper_pids $n "$1" || true; done; }

@test "pasta: the host's address, a name server of its own, ready before the command starts" {
	require_pasta
	run -0 cuddy run --rm --hostname box --network pasta "$IMAGE" sh -c '
		ip -o addr; ip route; cat /etc/resolv.conf /etc/hosts
		for f in /proc/sys/net/ipv6/conf/*; do echo "$f" "$(cat "$f/accept_redirects")"; done'
	[[ "$output" == *"inet $HOST_IP/"* ]]
	[[ "$output" == *"default via "* ]]
	[[ "$output" == *$'\n'"$HOST_IP"$'\tbox '* ]]
	! grep '^/proc/sys/net/ipv6/conf/.* 1$' <<<"$output" | grep -v '/lo 1$' || fail "it was there"
	if grep -q '^nameserver [0-9.]*$' /etc/resolv.conf; then
		[[ "$output" == *"nameserver 169.254.1.1"* ]]
	fi
	cuddy run -d --name c --network pasta:-a,10.9.8.7,-n,24,--ns-ifname=net0,-m,1500,-g,10.9.8.1 "$IMAGE" sleep 1000
	run -0 cuddy exec c sh -c 'ip -o addr show net0; cat /sys/class/net/net0/mtu /etc/hosts'
	[[ "$output" == *"inet 10.9.8.7/24"*$'\n'1500$'\n'* ]]
	# the host is another machine to a container with an address of its own
	grep -qx "$HOST_IP	host.containers.internal host.docker.internal" <<<"$output"
	run -0 cuddy inspect --format '{{.HostConfig.NetworkMode}} {{.NetworkSettings.SandboxKey}}' c
	[ "$output" = "pasta /proc/$(container_pid c)/ns/net" ]
}

@test "pasta: what it does not know or is not the user's to say is refused in one line" {
	for bad in --nosuch -x --mtu --mtu, nosuch mtu=1500 --config-net=1 "--pcap,$WORK/x" "-P,$WORK/x" --netns,x --runas=0 --debug; do
		run -125 --separate-stderr cuddy run --rm --network "pasta:$bad" "$IMAGE" true
		one_line_error 125 "--network pasta: "
	done
	[ ! -e "$WORK/x" ]
}

@test "pasta: TCP and UDP are published, IPv4 and IPv6, to servers of either" {
	require_pasta
	port=$(free_port)
	probe_in --network pasta -p "$port:7" -p "127.0.0.1:$port:7/udp" -- t tcp-echo 7
	[ "$("$PROBE" tcp-ask 127.0.0.1 "$port" stream)" = stream ]
	cuddy exec -d t /probe udp-echo 7
	datagram_comes_back() { [ "$("$PROBE" udp-ask 127.0.0.1 "$port" datagram)" = datagram ]; }
	wait_until 20 datagram_comes_back
	if grep -q . /proc/net/if_inet6; then
		[ "$("$PROBE" tcp-ask ::1 "$port" six)" = six ]
		cuddy exec t grep -qv '^0*1 ' /proc/net/if_inet6 || return 0
		six=$(free_port)
		probe_in -e NETPROBE_V6ONLY=1 --network pasta -p "127.0.0.1:$six:7" -p "127.0.0.1:$six:7/udp" -- s tcp-echo 7
		[ "$("$PROBE" tcp-ask 127.0.0.1 "$six" stream)" = stream ]
		cuddy exec -d -e NETPROBE_V6ONLY=1 s /probe udp-echo 7
		port=$six
		wait_until 20 datagram_comes_back
	fi
}

@test "pasta: the host's loopback is out of reach unless it was asked for" {
	require_pasta
	port=$(free_port)
	gw=$(ip -o route show default | sed -n '1s/.* via \([0-9.]*\) .*/\1/p')
	[ -n "$gw" ] || lacks "no gateway"
	NETPROBE_LOCAL=1 probe_on_host tcp-echo "$port"
	for ip in 127.0.0.1 "$HOST_IP"; do
		run ! in_container --network pasta "$IMAGE" /probe tcp-ask "$ip" "$port" hello
		[[ "$output" != *hello* ]]
	done
	run timeout 3 "$CUDDY" run --rm -v "$PROBE:/probe:ro" --network pasta "$IMAGE" timeout 2 /probe tcp-ask "$gw" "$port" hello
	[[ "$output" != *hello* ]]
	host_answers() {
		[ "$(in_container --network pasta:--map-gw "$IMAGE" sh -c \
			'/probe tcp-ask $(sed -n "s/^\(.*\)\t.*host.containers.internal.*/\1/p" /etc/hosts) '"$port"' hello')" = hello ]
	}
	wait_until 60 host_answers                      # pasta loses a first segment now and then
}

@test "pasta: filtered, without privileges to gain, alone in an empty root, gone with the monitor" {
	require_pasta
	probe_in --network pasta -p 127.0.0.1::7 -- c tcp-echo 7
	helper=$(pasta_of c)
	[ -n "$helper" ]
	[ "$(awk '/^(Seccomp|NoNewPrivs):/ { printf $2 }' "/proc/$helper/status")" = 12 ]
	run cuddy exec c ls -l /proc/1/fd
	[[ "$output" != *tun* && "$output" != *net:* ]]
	cuddy stop -t 0 c
	process_is_gone() { [ ! -e "/proc/$helper" ] || [ "$(awk '{ print $3 }' "/proc/$helper/stat")" = Z ]; }
	wait_until 20 process_is_gone
	cuddy start c
	helper=$(pasta_of c)
	kill -KILL "$(conmon_pid c)"
	wait_until 20 process_is_gone
}

@test "ns:PATH: the network of a process, ports too, and nothing where it has no address" {
	require_tun
	port=$(free_port)
	cuddy run -d --name owner "$IMAGE" sleep 1000
	probe_in --network "ns:/proc/$(container_pid owner)/ns/net" -p "127.0.0.1:$port:7" -- guest tcp-echo 7
	[ "$(netns_of guest)" = "$(netns_of owner)" ]
	[ "$("$PROBE" tcp-ask 127.0.0.1 "$port" hello)" = hello ]
	cuddy run -d --name bare --network none "$IMAGE" sleep 1000
	run -125 --separate-stderr cuddy run --rm --network "ns:/proc/$(container_pid bare)/ns/net" -p "127.0.0.1:$((port + 1)):7" "$IMAGE" true
	one_line_error 125 'has no address'
	run -125 --separate-stderr cuddy run --rm --network ns:relative "$IMAGE" true
	one_line_error 125 absolute
}
