#!/usr/bin/env bats
# N05: -p is parsed strictly, and its listeners die with the container however it ends.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

@test "N05: what is not a port is refused before anything is touched" {
	before=$(snapshot)
	for p in 0 70000 1- -1 ::1:80:80 80-79 80: a:80 80:80/sctp '[::1]:80' localhost:80:80 1:2:3:4 1-3:1-2 ' 80' +80 0x50; do
		run -125 --separate-stderr cuddy run --rm "-p=$p" "$IMAGE" true
		one_line_error 125 'invalid port'
	done
	[ "$(snapshot)" = "$before" ]
}

@test "N05: where ports are published that name no address is for containers.conf to say: by -p, by -P and later" {
	require_tun
	printf '[network]\ndefault_host_ips = ["127.0.0.7"]\n' >"$WORK/conf"
	export CONTAINERS_CONF=$WORK/conf
	local port
	probe_in -p :7 -P --expose 8 -- c tcp-echo 7
	cuddy update --publish-add 7 c
	run -0 cuddy port c
	[ "${#lines[@]}" = 3 ]
	[ "$(sed 's/.* -> //; s/:.*//' <<<"$output" | sort -u)" = 127.0.0.7 ]
	for port in $(sed -n 's/^7.*://p' <<<"$output"); do
		[ "$("$PROBE" tcp-ask 127.0.0.7 "$port" x)" = x ]
		nobody_listens "$port"
	done
}

@test "N05: listeners are gone within two seconds when the container or its monitor is killed" {
	require_tun
	port=$(free_port)
	probe_in -p "127.0.0.1:$port:7" -- k1 tcp-echo 7
	kill -KILL "$(conmon_pid k1)"
	wait_until 2 nobody_listens "$port"
	probe_in -p "127.0.0.1:$port:7" -- k2 tcp-echo 7
	[ "$("$PROBE" tcp-ask 127.0.0.1 "$port" again)" = again ]
	cuddy kill -s KILL k2
	wait_until 2 nobody_listens "$port"
}

@test "N05: the listening sockets are not in the container" {
	require_tun
	probe_in -p 127.0.0.1::7 -- l tcp-echo 7
	run -0 cuddy exec l sh -c 'ls -l /proc/1/fd | grep -c socket:'
	[ "$output" = 1 ]                               # the probe's own
}
