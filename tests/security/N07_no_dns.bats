#!/usr/bin/env bats
# N07: a container without a network has no way to the host's resolver.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

@test "N07: with --network none resolv.conf is empty and no packet leaves" {
	port=$(free_port)
	NETPROBE_LOCAL=1 probe_on_host udp-echo "$port"
	run -0 cuddy run --rm --network none "$IMAGE" sh -c 'wc -c </etc/resolv.conf'
	[ "$output" = 0 ]
	for ip in 127.0.0.1 10.0.2.3 10.0.2.2; do
		run ! in_container --network none "$IMAGE" /probe udp-ask "$ip" "$port" hello
	done
}
