#!/usr/bin/env bats
# A server inside sees its TCP client's own address; what it answers finds its way back.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

require_host_address() {
	require_tun
	HOST_IP=$(ip -o route get 203.0.113.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	[ -n "$HOST_IP" ] || lacks "no address but the loopback's"
	[ "$(cat /proc/sys/net/ipv4/tcp_fwmark_accept 2>/dev/null)" ] || lacks "no tcp_fwmark_accept"
}
client() { NETCLIENT_HOST=$HOST_IP timeout 120 python3 "$FIXTURES/netclient.py" "$@"; }

@test "client address: seen in each mode, but never as the container's own loopback" {
	require_host_address
	cuddy network create --internal app
	modes=(slirp4netns podman app)
	[ -z "$(command -v pasta)" ] || modes+=(pasta pasta:-a,10.9.8.7,-n,24,-g,10.9.8.1)
	for mode in "${modes[@]}"; do
		probe_in --network "$mode" -p 7 -- c tcp-peer 7
		port=$(cuddy port c 7 | sed 's/.*://')
		[ "$("$PROBE" tcp-ask "$HOST_IP" "$port")" = "$HOST_IP" ]
		own=$(cuddy exec c hostname -i | awk '{ print $1 }')
		[ "$("$PROBE" tcp-ask 127.0.0.1 "$port")" = "$own" ]
		cuddy rm -f -t 0 c
	done
	cuddy network rm app
}

@test "client address: over IPv6 too, where the container has an address" {
	require_host_address
	require_ipv6
	require_program pasta
	six=$(ip -6 -o addr show scope global | sed -n '1s/.*inet6 \([0-9a-f:]*\).*/\1/p')
	[ -n "$six" ] || lacks "no IPv6 address but the loopback's"
	probe_in -e NETPROBE_V6ONLY=1 --network pasta:-a,10.9.8.7,-a,fd00:c0dd::7,-n,24,-g,10.9.8.1 -p 7 -- c tcp-peer 7
	cuddy exec c grep -q fd00c0dd /proc/net/if_inet6 || lacks "no IPv6 in the container"
	port=$(cuddy port c 7 | sed 's/.*://')
	run -0 "$PROBE" tcp-ask "$six" "$port"
	[ "$output" = "$six" ]
	[ -n "$("$PROBE" tcp-ask ::1 "$port")" ]
}

@test "client address: ends, resets, many connections and bulk are carried as ever" {
	require_host_address
	probe_in -p 1 -p 2 -- c tcp-count 1
	probe_in -p 3 -- f tcp-first 3
	client count "$(cuddy port c 1 | sed 's/.*://')"
	client refused "$(cuddy port c 2 | sed 's/.*://')"
	client abort "$(cuddy port f 3 | sed 's/.*://')"
	wait_log f 'reset 0'
	client first "$(cuddy port f 3 | sed 's/.*://')"
	wait_log f 'end 500000'
	probe_in -p 7 -p 7/udp -- e tcp-echo 7
	cuddy exec -d e /probe udp-echo 7
	port=$(cuddy port e 7 | sed 's/.*://')
	for i in 1 2 3; do                              # the same client ports are used again and again
		run -0 client many "$port" 0
	done
	head -c 20000000 /dev/urandom >"$WORK/in"
	socat -t 20 - "TCP:$HOST_IP:$port" <"$WORK/in" >"$WORK/out"
	cmp "$WORK/in" "$WORK/out"
	ask_hundred_times() { for i in $(seq 100); do [ "$("$PROBE" tcp-ask "$HOST_IP" "$port" "w$i")" = "w$i" ] || return 1; done; }
	ask_hundred_times
}

@test "client address: the container's own traffic goes where it went before" {
	require_host_address
	port=$(free_port)
	probe_on_host tcp-echo "$port"
	cuddy run -d --name c -p 127.0.0.1::7 -v "$PROBE:/probe:ro" "$IMAGE" sleep 1000
	run -0 cuddy exec c /probe tcp-ask "$HOST_IP" "$port" out
	[ "$output" = out ]
	run -0 cuddy exec c ip route get 203.0.113.9
	[[ "$output" == *"via 10.0.2.2 dev tap0"* ]]
}
