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
