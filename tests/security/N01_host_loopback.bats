#!/usr/bin/env bats
# N01: the host's loopback is not behind slirp's gateway unless it was asked for.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

@test "N01: a server on the host's loopback is out of reach by default, TCP and UDP" {
	require_tun
	port=$(free_port)
	NETPROBE_LOCAL=1 probe_on_host tcp-echo "$port"
	for ip in 10.0.2.2 10.0.2.3 127.0.0.1; do
		run ! in_container "$IMAGE" /probe tcp-ask "$ip" "$port" hello
		[[ "$output" != *hello* ]]
	done
	end_host_probe
	NETPROBE_LOCAL=1 probe_on_host udp-echo "$port"
	run ! in_container "$IMAGE" /probe udp-ask 10.0.2.2 "$port" hello
	[[ "$output" != *hello* ]]
}

@test "N01: it is reached when it was asked for" {
	require_tun
	port=$(free_port)
	NETPROBE_LOCAL=1 probe_on_host tcp-echo "$port"
	run -0 in_container --network slirp4netns:allow_host_loopback=true "$IMAGE" /probe tcp-ask 10.0.2.2 "$port" hello
	[ "$output" = hello ]
}

@test "N01: the same over IPv6, where only the way there tells the two apart" {
	require_tun
	require_ipv6
	port=$(free_port)
	NETPROBE_LOCAL=1 NETPROBE_V6ONLY=1 probe_on_host tcp-echo "$port"
	local once_it_has_an_address='
		for i in $(seq 100); do ip -6 -o addr show scope global | grep -v tentative | grep -q fd00: && break; sleep 0.1; done
		/probe tcp-ask fd00::2 $1 hello'
	in_container --network slirp4netns:enable_ipv6=true,allow_host_loopback=true "$IMAGE" sh -c "$once_it_has_an_address" sh "$port" >"$WORK/asked" 3>&- &
	run ! in_container --network slirp4netns:enable_ipv6=true "$IMAGE" sh -c "$once_it_has_an_address" sh "$port"
	[[ "$output" != *hello* ]]
	wait $!
	[ "$(cat "$WORK/asked")" = hello ]
}
