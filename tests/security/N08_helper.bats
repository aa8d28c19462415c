#!/usr/bin/env bats
# N08: the network helper offers nothing to others and is never replaced by the host's network.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

@test "N08: no API socket, always sandboxed and filtered, numbers instead of paths" {
	require_tun
	cuddy run -d --name c "$IMAGE" sleep 1000
	pid=$(helper_pids slirp4netns c)
	args=$(tr '\0' ' ' <"/proc/$pid/cmdline")
	[[ "$args" != *api-socket* ]]
	for want in --enable-sandbox --enable-seccomp --disable-host-loopback; do
		[[ "$args" == *"$want"* ]]
	done
	[ "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" = 2 ]
}

@test "N08: the container holds none of the helper's descriptors" {
	require_tun
	run -0 cuddy run --rm "$IMAGE" sh -c 'ls -l /proc/1/fd'
	[[ "$output" != *tun* ]]
	[[ "$output" != *net:* ]]
	run -0 cuddy run --rm "$IMAGE" sh -c 'ls /proc/self/fd | wc -l'
	[ "$output" -le 4 ]
}

@test "N08: when the helper is killed the container stays in its own network" {
	require_tun
	cuddy run -d --name c "$IMAGE" sleep 1000
	before=$(netns_of c)
	kill -KILL "$(helper_pids slirp4netns c)"
	[ "$(netns_of c)" = "$before" ]
	[ "$before" != "$(readlink /proc/self/ns/net)" ]
	run ! cuddy exec c wget -q -T 2 -O- http://10.0.2.2/
}
