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
	# The helper makes the device while the container is set up: whoever is first, the result is the same.
	seq 20 | xargs -P 8 -I{} "$CUDDY" run --rm "$IMAGE" \
		sh -c 'cd /proc/sys/net/ipv6/conf/tap0 && cat accept_ra accept_redirects' >"$WORK/values"
	[ "$(sort "$WORK/values" | uniq -c | tr -s ' ')" = " 40 0" ]
}
