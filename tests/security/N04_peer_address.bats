#!/usr/bin/env bats
# N04: what comes in through a published port does not come from the container's own loopback.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

@test "N04: the server's peer is not 127.0.0.1" {
	require_tun
	port=$(free_port)
	probe_in -p "127.0.0.1:$port:80" -- p tcp-peer 80
	run -0 "$PROBE" tcp-ask 127.0.0.1 "$port"
	[ "$output" = 10.0.2.100 ]
}

@test "N04: what listens on the container's loopback only is not published" {
	require_tun
	port=$(free_port)
	probe_in -e NETPROBE_LOCAL=1 -p "127.0.0.1:$port:80" -- p tcp-echo 80
	run ! "$PROBE" tcp-ask 127.0.0.1 "$port" hello
	[[ "$output" != *hello* ]]
}

@test "N04: a UDP server sees its container's own address, whoever asks, and never 127.0.0.1" {
	require_tun
	local ip a
	ip=$(ip route get 203.0.113.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	[ -n "$ip" ] || lacks "no address of the host"
	port=$(free_port 2)
	cuddy network create --subnet 10.237.0.0/24 u
	probe_in -p "$port:80/udp" -- p udp-peer 80
	probe_in -p "$((port + 1)):80/udp" --network u:ip=10.237.0.7 -- q udp-peer 80
	for a in 127.0.0.1 "$ip"; do
		[ "$("$PROBE" udp-ask "$a" "$port" x)" = 10.0.2.100 ]
		[ "$("$PROBE" udp-ask "$a" $((port + 1)) x)" = 10.237.0.7 ]
	done
	cuddy rm -f -t 0 p q
	cuddy network rm u
}
