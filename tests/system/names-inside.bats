#!/usr/bin/env bats
# What a container's programs make of its names and servers, looked at from inside, in each mode.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

modes() { # those that this host has
	echo none
	echo host
	[ ! -w /dev/net/tun ] || echo slirp4netns
	[ ! -w /dev/net/tun ] || [ -z "$(command -v pasta)" ] || echo pasta
}
address_of() { cuddy exec "$@" | sed -n 's/^PING [^(]*(\([^)]*\)).*/\1/p'; } # what ping resolved a name to

@test "names: what was added, its own name and localhost resolve in each mode" {
	for mode in $(modes); do
		cuddy run -d --name c --hostname box --network "$mode" --add-host db:10.1.2.3 --add-host 'a;b:10.1.2.4' \
			"$IMAGE" sleep 1000 2>/dev/null || cuddy run -d --name c --network "$mode" \
			--add-host db:10.1.2.3 --add-host 'a;b:10.1.2.4' "$IMAGE" sleep 1000
		[ "$(address_of c ping -c1 -W1 db)" = 10.1.2.3 ]
		[ "$(address_of c ping -c1 -W1 b)" = 10.1.2.4 ]
		[ "$(address_of c ping -4 -c1 -W1 localhost)" = 127.0.0.1 ]
		run -0 cuddy exec c sh -c 'cat /etc/hostname; hostname; cat /etc/hosts'
		[ "${lines[0]}" = "${lines[1]}" ]
		[[ "$output" == *"${lines[0]}"*c* ]]
		cuddy rm -f -t 0 c
	done
}

@test "names: the servers, domains and options that were asked for are in resolv.conf of each mode" {
	for mode in $(modes); do
		run -0 cuddy run --rm --network "$mode" --dns 192.0.2.1 --dns 192.0.2.2 --dns-search one.example \
			--dns-search two.example --dns-option ndots:3 --dns-opt timeout:2 "$IMAGE" cat /etc/resolv.conf
		[ "$output" = "search one.example two.example
nameserver 192.0.2.1
nameserver 192.0.2.2
options ndots:3 timeout:2" ]
		run -0 cuddy run --rm --network "$mode" --dns 192.0.2.1 --dns-search . "$IMAGE" cat /etc/resolv.conf
		[[ "$output" == *"nameserver 192.0.2.1"* && "$output" != *search* ]]
		for bad in --dns=x --dns=1.2.3 --dns-search='a b' --dns-option='a;b' --add-host=x --add-host=a:b --hostname=-x; do
			run -125 --separate-stderr cuddy run --rm --network "$mode" "$bad" "$IMAGE" true
			one_line_error 125 "^cuddy: ${bad%%=*}"
		done
	done
}

@test "names: when the first server does not answer the second does, with the search domain" {
	cuddy run -d --name c --network none --dns 127.0.0.2 --dns 127.0.0.1 --dns-option timeout:1 --dns-search example \
		-v "$PROBE:/probe:ro" "$IMAGE" /probe udp-names 53 10.9.8.7 >/dev/null
	wait_log c ready
	run -0 cuddy exec c sh -c 'ping -c1 -W1 db; true'
	[[ "$output" == "PING db (10.9.8.7)"* ]]
	cuddy run -d --name d --network none --dns 192.0.2.1 --dns 127.0.0.1 --dns-option timeout:1 --dns-search example \
		-v "$PROBE:/probe:ro" "$IMAGE" /probe udp-names 53 10.9.8.6 >/dev/null
	wait_log d ready
	run -0 cuddy exec d sh -c 'ping -c1 -W1 db; true'
	[[ "$output" == "PING db (10.9.8.6)"* ]]
}

@test "names: ICMP goes to the gateway and the loopback, where raw sockets are allowed; which groups may do without" {
	require_tun
	cuddy run -d --name c --cap-add net_raw "$IMAGE" sleep 1000
	run -0 cuddy exec c cat /proc/sys/net/ipv4/ping_group_range
	[ "$output" = "0	0" ]
	for to in 127.0.0.1 10.0.2.2; do
		run -0 cuddy exec c ping -c1 -W10 "$to"
		[[ "$output" == *"1 packets received"* ]]
	done
	cuddy run -d --name d --sysctl net.ipv4.ping_group_range="0 2000" "$IMAGE" sleep 1000
	run -0 cuddy exec d cat /proc/sys/net/ipv4/ping_group_range
	[ "$output" = "0	2000" ]
}

@test "names: --no-hosts leaves the image's file" {
	for mode in $(modes); do
		[ -z "$(cuddy run --rm --network "$mode" --no-hosts "$IMAGE" cat /etc/hosts)" ]
	done
	run -125 --separate-stderr cuddy run --rm --no-hosts --add-host db:10.1.2.3 "$IMAGE" true
	one_line_error 125 'contradict each other'
	cuddy create --name f --network none --no-hosts --no-hostname "$IMAGE" true
	[ "$(cuddy inspect --format '{{.UseImageHosts}} {{.UseImageHostname}}' f)" = "true true" ]
}
