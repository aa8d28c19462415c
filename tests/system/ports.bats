#!/usr/bin/env bats
# What published ports carry, and who has one that cannot be had.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

client() { timeout 120 python3 "$FIXTURES/netclient.py" "$@"; }
tcp_and_udp_echo() { # NAME RUN-OPTIONS: both echo at port 7 of one container
	local name=$1
	shift
	probe_in "$@" -- "$name" tcp-echo 7
	cuddy exec -d "$name" /probe udp-echo 7
	answers() { [ "$("$PROBE" udp-ask 127.0.0.1 "$port" up)" = up ]; }
	wait_until 20 answers
}

@test "ports: half-closed, reset and refused connections are carried over as what they are" {
	require_tun
	probe_in -p 127.0.0.1::1 -p 127.0.0.1::2 -p 127.0.0.1::4 -- c tcp-count 1
	cuddy exec -d c /probe tcp-reset 2
	probe_of() { cuddy port c "$1" | sed 's/.*://'; }
	client count "$(probe_of 1)"
	client refused "$(probe_of 4)"
	reset_server_is_up() { client reset "$(probe_of 2)" 2>/dev/null; }
	wait_until 20 reset_server_is_up
	probe_in -p 127.0.0.1::3 -- f tcp-first 3
	client abort "$(cuddy port f 3 | sed 's/.*://')"
	wait_log f 'reset 0'
	client first "$(cuddy port f 3 | sed 's/.*://')"
	wait_log f 'end 500000'
}

@test "ports: datagrams of every size, and TCP and UDP at once over many connections" {
	require_tun
	port=$(free_port)
	tcp_and_udp_echo e -p "127.0.0.1:$port:7" -p "127.0.0.1:$port:7/udp"
	client sizes "$port"
	client many "$port" 400
	run -0 cuddy ps --format '{{.Ports}}'
	[ "$output" = "127.0.0.1:$port->7/tcp, 127.0.0.1:$port->7/udp" ]
}

@test "ports: of two that want one port the second is told who has it" {
	require_tun
	port=$(free_port 2)
	cuddy run -d --name holder -p "127.0.0.1:$port:80" "$IMAGE" sleep 1000
	for spec in "$port:80" "127.0.0.1:$port:81"; do
		run -125 --separate-stderr cuddy run --rm -p "$spec" "$IMAGE" true
		one_line_error 125 "publish .*:$port/tcp: container holder has that port"
	done
	cuddy run --rm -p "127.0.0.1:$port:80/udp" "$IMAGE" true
	cuddy create --name late -p "127.0.0.1:$port:80" "$IMAGE" sleep 1000
	run -125 --separate-stderr cuddy start late
	one_line_error 125 "container holder has that port"
	cuddy stop -t 0 holder
	cuddy start late
	run -125 --separate-stderr cuddy start holder
	one_line_error 125 "container late has that port"
	NETPROBE_LOCAL=1 probe_on_host tcp-echo $((port + 1))
	run -125 --separate-stderr cuddy run --rm -p "127.0.0.1:$((port + 1)):80" "$IMAGE" true
	one_line_error 125 "127.0.0.1:$((port + 1))/tcp: process $HOST_PROBE \(netprobe\) listens there"
}

@test "ports: one that was given out stays when the container starts again, unless it is taken" {
	require_tun
	cuddy run -d --name c -p 127.0.0.1::80 "$IMAGE" sleep 1000
	first=$(cuddy port c 80)
	for how in "restart -t 0 c" "stop -t 0 c" "start c"; do
		cuddy $how
	done
	[ "$(cuddy port c 80)" = "$first" ]
	cuddy stop -t 0 c
	cuddy run -d --name other -p "$first:80" "$IMAGE" sleep 1000
	cuddy start c
	[ "$(cuddy port c 80)" != "$first" ]
}

@test "ports: -P publishes what the image and --expose name, each on a port of its own, and -p comes first" {
	require_tun
	printf 'FROM %s\nEXPOSE 80 53/udp 7000-7001\n' "$IMAGE" >"$WORK/Containerfile"
	cuddy build -q -t exposes -f "$WORK/Containerfile" "$WORK" >/dev/null
	cuddy run -d --name c -P -p 127.0.0.1::80 --expose 90 --expose 91-92/udp exposes sleep 1000
	run -0 cuddy port c
	[ "$(sed 's/ .*//' <<<"$output" | sort -u | tr '\n' ' ')" = "53/udp 7000/tcp 7001/tcp 80/tcp 90/tcp 91/udp 92/udp " ]
	[ "$(sed 's/.*://' <<<"$output" | sort -u | wc -l)" = "${#lines[@]}" ]
	[[ "$output" == *"80/tcp -> 127.0.0.1:"* ]]
	run -0 cuddy inspect --format '{{range $p, $b := .NetworkSettings.Ports}}{{$p}} {{end}}' c
	[ "$(tr ' ' '\n' <<<"$output" | grep -c .)" = 7 ]
	cuddy run -d --name d --expose 90 exposes sleep 1000
	run -0 cuddy port d
	[ -z "$output" ]
	run -0 cuddy inspect --format '{{json .NetworkSettings.Ports}}' d
	[[ "$output" == *'"90/tcp":null'* ]]
	run -0 cuddy port c 80
	[ "${#lines[@]}" = 1 ]                          # -P leaves out what -p named
	for bad in 0 1/sctp x 1:2 127.0.0.1:1:2 ''; do
		run -125 --separate-stderr cuddy run --rm --expose "$bad" "$IMAGE" true
		one_line_error 125 '[pP]ort'
	done
}

@test "TCP of a container's network is not paced, whatever the host's congestion control" {
	local inside
	inside=$(cat /proc/sys/net/ipv4/tcp_congestion_control)
	[ "$inside" = cubic ] || inside=reno
	[ "$(cuddy run --rm "$IMAGE" cat /proc/sys/net/ipv4/tcp_congestion_control)" = "$inside" ]
}

@test "ports: nor is what the proxy sends, to clients here and into a container that was told to pace" {
	require_tun
	require_program ss
	[[ " $(cat /proc/sys/net/ipv4/tcp_allowed_congestion_control) " == *" bbr "* ]] || skip "users may not have bbr here"
	local port
	port=$(free_port)
	probe_in -p "127.0.0.1:$port:80" --sysctl net.ipv4.tcp_congestion_control=bbr -- srv tcp-echo 80
	exec 8<>"/dev/tcp/127.0.0.1/$port"
	echo hello >&8
	read -ru 8 -t 10
	at_srv() { cuddy unshare nsenter --net="/proc/$(cuddy inspect --format '{{.State.Pid}}' srv)/ns/net" "$@"; }
	[[ "$(ss -tinH "sport = :$port")" == *" reno "* ]]
	[[ "$(at_srv ss -tinH 'dport = :80')" == *" reno "* ]]
	[[ "$(at_srv ss -tinH 'sport = :80')" == *" bbr "* ]]
	exec 8>&-
	cuddy rm -f -t 0 srv
}
