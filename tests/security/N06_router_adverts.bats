#!/usr/bin/env bats
# N06: no forged router advertisements: the container cannot send raw packets and does not believe any.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

@test "N06: CAP_NET_RAW is not in the bounding set" {
	run -0 cuddy run --rm --network none "$IMAGE" grep CapBnd /proc/self/status
	bits=$((16#${output##*[[:space:]]}))
	[ $((bits >> 13 & 1)) = 0 ]
}

@test "N06: advertisements and redirects are not accepted" {
	require_tun
	require_ipv6
	run -0 cuddy run --rm "$IMAGE" sh -c 'cat /proc/sys/net/ipv6/conf/tap0/accept_ra \
		/proc/sys/net/ipv6/conf/tap0/accept_redirects'
	[ "$output" = "0
0" ]
}
