#!/usr/bin/env bats
# N03: abstract sockets are of a network namespace: cuddy makes none, a container sees none of the host's.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

# Sockets that these processes hold, and those of them that have an abstract name in their network.
# Of one beside our user namespace we are told outside of it alone.
fds='for p; do readlink /proc/$p/fd/*; done; :'
sockets_of() { { sh -c "$fds" sh "$@"; cuddy unshare sh -c "$fds" sh "$@"; } | sed -n 's/^socket:.\([0-9]*\).$/\1/p' | sort -u; }
abstract_of() { for p; do awk '$8 ~ /^@/ { print $7 }' "/proc/$p/net/unix"; done | sort -u | comm -12 - <(sockets_of "$@"); }

@test "N03: none of cuddy's processes has an abstract socket" {
	require_tun
	local ours p
	cuddy network create n
	probe_in --network n -p 127.0.0.1::7 --health-cmd true -- c tcp-echo 7
	cuddy run -d --egress allow=192.0.2.1 -p 127.0.0.1::7 "$IMAGE" sleep 1000
	cuddy run -d -it "$IMAGE" sh
	cuddy pod create --name p
	cuddy pod start p
	ours=$(pids_here 'cuddy|slirp4netns')
	for p in cuddy-conmon cuddy-net cuddy-names cuddy-proxy slirp4netns; do # each kind is among them
		[[ " $(for p in $ours; do cat "/proc/$p/comm"; done | xargs) " == *" $p "* ]]
	done
	[ "$(sockets_of $ours | wc -l)" -gt 10 ]
	[ -z "$(abstract_of $ours)" ]
	socat "ABSTRACT-LISTEN:cuddy-test-$$" STDOUT 3>&- &
	p=$!
	wait_until 5 grep -q "@cuddy-test-$$" /proc/net/unix
	[ -n "$(abstract_of $ours $p)" ] # it would have been seen
	kill $p
	cuddy rm -f -t 0 -a
	cuddy pod rm -f -t 0 p
	cuddy network rm n
}

@test "N03: an abstract socket of the host is seen with the host's network only" {
	require_program socat
	name=cuddy-test-$$
	socat "ABSTRACT-LISTEN:$name" STDOUT 3>&- &
	p=$!
	wait_until 5 grep -q "@$name" /proc/net/unix
	run -1 cuddy run --rm --network none "$IMAGE" grep -c "@$name" /proc/net/unix
	[ "$output" = 0 ]
	run -0 cuddy run --rm --network host "$IMAGE" grep -c "@$name" /proc/net/unix
	[ "$output" != 0 ]
	[ "$(cuddy explain run --network host "$IMAGE" | grep -c '^network .*abstract sockets')" = 1 ]
	kill $p
}
