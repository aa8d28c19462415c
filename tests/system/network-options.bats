#!/usr/bin/env bats
# Options of networks and of places in them: what was asked for is what the kernel does.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

ip_of() { cuddy inspect --format "{{.NetworkSettings.Networks.$2.IPAddress}}" "$1"; }
asks() { cuddy exec "$1" /probe tcp-ask "$2" "${3:-80}" x 2>/dev/null; }
answers() { [ "$(asks "$@")" = x ]; }
docker=com.docker.network.bridge

@test "enable_icc=false: containers of one network do not reach each other, not over the gateway either; all else they do" {
	require_tun
	require_ipv6
	cuddy network create --subnet 10.240.1.0/24 --subnet fd00:240:1::/64 --opt $docker.enable_icc=false apart
	cuddy network create --subnet 10.240.2.0/24 --subnet fd00:240:2::/64 --opt $docker.enable_icc=true close
	probe_in --network apart:ip=10.240.1.80 --network close:ip=10.240.2.80 -p 127.0.0.1::80 -- a tcp-echo 80
	probe_in --network apart:ip=10.240.1.81 --network close:ip=10.240.2.81 --cap-add NET_ADMIN -- b tcp-echo 80
	run ! asks b 10.240.1.80
	cuddy exec -d a httpd -p '[::]:8080' -h /etc
	fetches() { cuddy exec b timeout 2 wget -qO- "http://[$1]:8080/hostname"; }
	wait_until 10 fetches "$(cuddy inspect --format '{{.NetworkSettings.Networks.close.GlobalIPv6Address}}' a)"
	run ! fetches "$(cuddy inspect --format '{{.NetworkSettings.Networks.apart.GlobalIPv6Address}}' a)"
	# Who sends to the gateway instead, with rights over its own routes, finds that it does not pass it on.
	cuddy exec --privileged b ip route add 10.240.1.80/32 via 10.240.1.1
	run ! asks b 10.240.1.80
	answers b 10.240.2.80
	[ "$("$PROBE" tcp-ask 127.0.0.1 "$(cuddy port a 80/tcp | sed 's/.*://')" x)" = x ]
	cuddy exec b nslookup a 10.240.1.1 | grep -q 10.240.1.80
	[ "$(cuddy exec b /probe ping 10.240.1.1)" = pong ]
	# The kernel's own word, for those that come back after the keeper was killed as well.
	isolated() {
		cuddy unshare nsenter --net="/proc/$(net_pids keeper)/ns/net" \
			ip -d -o link show type veth | grep -c 'isolated on'
	}
	[ "$(isolated)" = 2 ]
	kill -KILL "$(net_pids keeper)"
	wait_until 20 answers b 10.240.2.80
	wait_until 20 eval '[ "$(isolated)" = 2 ]'
	run ! asks b 10.240.1.80
	cuddy rm -f -t 0 a b
	cuddy network rm apart close
}

@test "enable_ip_masquerade=false: datagrams leave with the container's own address, and answers find it" {
	require_tun
	ip route get 203.0.113.1 >/dev/null 2>&1 || lacks "no route to anywhere"
	local host port
	host=$(ip -o route get 203.0.113.1 | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	port=$(free_port)
	probe_on_host udp-echo "$port"
	cuddy network create --subnet 10.240.3.0/24 --subnet fd24:3::/64 --opt $docker.enable_ip_masquerade=false own
	cuddy network create --subnet 10.240.4.0/24 --subnet fd24:4::/64 --opt $docker.enable_ip_masquerade=true masked
	cuddy run -d --name own --network own:ip=10.240.3.80,ip6=fd24:3::80 -v "$PROBE:/probe:ro" "$IMAGE" sleep 1000
	cuddy run -d --name masked --network masked -v "$PROBE:/probe:ro" "$IMAGE" sleep 1000
	cat >"$WORK/from.py" <<-'P'
		import socket, sys
		s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
		s.bind(("tap0", 0))
		print("ready", flush=True)
		at, n, family = (8, 16, socket.AF_INET6) if ":" in sys.argv[1] else (12, 4, socket.AF_INET)
		d = b""
		while d[at + n:at + 2 * n] != socket.inet_pton(family, sys.argv[1]):
		    d = s.recv(2048)
		print(socket.inet_ntop(family, d[at:at + n]), flush=True)
	P
	at_keeper() { cuddy unshare nsenter --net="/proc/$(net_pids keeper)/ns/net" "$@"; }
	from() { # from CONTAINER TO PROBE'S WORDS: what it says, and where that came from
		rm -f "$WORK/from"
		at_keeper timeout 20 python3 "$WORK/from.py" "$2" >"$WORK/from" 3>&- &
		wait_until 10 grep -q ready "$WORK/from"
		echo "$(cuddy exec "$1" /probe "${@:3}")"
		wait $!
		sed 1d "$WORK/from"
	}
	[ "$(from own "$host" udp-ask "$host" "$port" x)" = $'x\n10.240.3.80' ]
	[ "$(from masked "$host" udp-ask "$host" "$port" x)" = $'x\n10.0.2.100' ]
	# slirp4netns answers pings to its own IPv6 address, and asks whose the address is that they come from.
	wait_until 10 eval '[ -n "$(at_keeper ip -6 route show default dev tap0)" ]'
	[ "$(from own fd00::2 ping fd00::2)" = $'pong\nfd24:3::80' ]
	[[ "$(from masked fd00::2 ping fd00::2)" == $'pong\nfd00::'* ]]
	# Another way out is looked after as well.
	kill -KILL "$(net_pids slirp)"
	wait_until 20 eval '[ -n "$(at_keeper ip -6 route show default dev tap0)" ]'
	[ "$(from own fd00::2 ping fd00::2)" = $'pong\nfd24:3::80' ]
	cuddy rm -f -t 0 own masked
	if [ -x /usr/bin/pasta ]; then # it knows one address
		wait_until 20 no_part first
		printf '[network]\ndefault_rootless_network_cmd = "pasta"\n' >"$WORK/pasta.conf"
		CONTAINERS_CONF=$WORK/pasta.conf run -125 --separate-stderr cuddy run --rm --network own "$IMAGE" true
		one_line_error 125 'needs slirp4netns'
	fi
	cuddy network rm own masked
}

@test "host_binding_ipv4: ports without an address are published at the network's, others where they say" {
	require_tun
	local a b c
	cuddy network create --opt $docker.host_binding_ipv4=127.0.0.5 bound
	a=$(free_port) b=$(free_port)
	probe_in --network bound -p "$a:80" -p "127.0.0.6:$b:80" -- srv tcp-echo 80
	[ "$("$PROBE" tcp-ask 127.0.0.5 "$a" x)$("$PROBE" tcp-ask 127.0.0.6 "$b" y)" = xy ]
	nobody_listens "$a" 127.0.0.1
	nobody_listens "$b" 127.0.0.5
	run -0 cuddy port srv
	[ "$(sort <<<"$output")" = "$(printf '80/tcp -> 127.0.0.%s\n' "5:$a" "6:$b" | sort)" ]
	cuddy update --publish-add 80 srv >/dev/null
	c=$(cuddy port srv | sed -n "s/.* -> 127.0.0.5:\([0-9]*\)/\1/p" | grep -vx "$a")
	[ "$("$PROBE" tcp-ask 127.0.0.5 "$c" x)" = x ]
	nobody_listens "$c" 127.0.0.1
	# A port of the host may be another's at another address.
	probe_in -p "127.0.0.1:$a:80" -- beside tcp-echo 80
	cuddy restart -t 0 srv
	wait_until 10 eval '[ "$("$PROBE" tcp-ask 127.0.0.5 "$a" x 2>/dev/null)" = x ]'
	cuddy rm -f -t 0 srv beside
	cuddy network rm bound
}

@test "aux-address: no container gets it; ipv4=false: there is none" {
	require_tun
	require_ipv6
	local i
	cuddy network create --subnet 10.240.5.0/29 --aux-address router=10.240.5.2 --aux-address other=10.240.5.4 kept
	[ "$(cuddy network inspect kept | jq -c '.[0].aux_addresses')" = '{"other":"10.240.5.4","router":"10.240.5.2"}' ]
	for i in 1 2 3; do cuddy run -d --name c$i --network kept "$IMAGE" sleep 1000; done
	[ "$(for i in 1 2 3; do ip_of c$i kept; done | xargs)" = "10.240.5.3 10.240.5.5 10.240.5.6" ]
	run -125 --separate-stderr cuddy run --rm --network kept "$IMAGE" true
	one_line_error 125 'no free address'
	run -125 --separate-stderr cuddy run --rm --network kept --ip 10.240.5.4 "$IMAGE" true
	one_line_error 125 'reserved'
	cuddy rm -f -t 0 c1 c2 c3
	cuddy network create --ipv4=false --ipv6 six
	[ "$(cuddy network inspect six | jq '[.[0].subnets[].subnet] | map(test(":")) == [true]')" = true ]
	run -0 cuddy run --rm --network six "$IMAGE" ip -o addr show eth0
	[[ "$output" == *inet6* && "$output" != *"inet "* ]]
	[ "$(cuddy network inspect --format '{{.EnableIPv4}} {{.EnableIPv6}}' six kept | xargs)" = "false true true false" ]
	cuddy network create --ipv4 four
	[ "$(cuddy network inspect four | jq '.[0].subnets | length')" = 1 ]
	cuddy network rm kept six four
}

@test "gw-priority: the network of the highest has the default route, also when it comes later and goes again" {
	require_tun
	local n
	for n in 1 2 3; do cuddy network create --subnet 10.240.6$n.0/24 g$n; done
	route() { cuddy exec "$1" ip route | sed -n 's/^default via \([0-9.]*\) .*/\1/p'; }
	cuddy run -d --name c --network g1 --network name=g2,gw-priority=5,driver-opt=com.docker.network.endpoint.ifname=up0 "$IMAGE" sleep 1000
	[ "$(route c)" = 10.240.62.1 ]
	cuddy exec c ip -o -4 addr show up0 | grep -q 10.240.62.
	cuddy network connect --gw-priority 9 --driver-opt com.docker.network.endpoint.ifname=up1 g3 c
	[ "$(route c)" = 10.240.63.1 ]
	cuddy exec c ip -o -4 addr show up1 | grep -q 10.240.63.
	cuddy restart -t 0 c
	[ "$(route c)" = 10.240.63.1 ]
	cuddy network disconnect g3 c
	[ "$(route c)" = 10.240.62.1 ]
	cuddy network connect --gw-priority -1 g3 c
	cuddy network disconnect g2 c
	[ "$(route c)" = 10.240.61.1 ]
	bad() { run -125 --separate-stderr cuddy network connect "${@:2}" g2 c; one_line_error 125 "$1"; }
	bad 'whole number' --gw-priority x
	bad 'endpoint.ifname' --driver-opt a=b
	bad 'endpoint.ifname' --driver-opt com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1
	bad 'interface_name' --driver-opt com.docker.network.endpoint.ifname=lo
	bad '--ip' --link-local-ip 169.254.3.4
	run -125 --separate-stderr cuddy run --rm --network name=g2,link-local-ip=169.254.1.1 "$IMAGE" true
	one_line_error 125 'ip and ip6'
	run -125 --separate-stderr cuddy run --rm --network g2:host_interface_name=x "$IMAGE" true
	one_line_error 125 'namespace of bridges'
	cuddy rm -f -t 0 c
	cuddy network rm g1 g2 g3
}
