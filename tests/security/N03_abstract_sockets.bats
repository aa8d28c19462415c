#!/usr/bin/env bats
# N03: abstract sockets are of a network namespace: cuddy makes none, a container sees none of the host's.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

abstract() { awk '$8 ~ /^@/ { print $8 }' /proc/net/unix | sort -u; }

@test "N03: cuddy makes no abstract socket" {
	abstract >"$WORK/before"
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	abstract >"$WORK/after"
	run comm -13 "$WORK/before" "$WORK/after"
	[[ "$output" != *cuddy* ]]
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
	kill $p
}
