#!/usr/bin/env bats
# What a container's network is: modes, published ports, names.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

# ---- modes -----------------------------------------------------------------------------------

@test "network: none is a loopback that is up, and nothing else" {
	run -0 cuddy run --rm --network none "$IMAGE" sh -c 'ip -o link | wc -l; ip -o addr show lo'
	[ "${lines[0]}" = 1 ]
	[[ "$output" == *"inet 127.0.0.1/8"* ]]
}

@test "network: host is the host's own" {
	run -0 cuddy run --rm --network host "$IMAGE" readlink /proc/self/ns/net
	[ "$output" = "$(readlink /proc/self/ns/net)" ]
}

@test "network: by default slirp4netns, ready before the command starts" {
	require_tun
	local mode
	for mode in '' --network=private; do
		# shellcheck disable=SC2086
		run -0 cuddy run --rm $mode "$IMAGE" sh -c 'ip -o addr show tap0; ip route; cat /sys/class/net/tap0/mtu'
		[[ "$output" == *"inet 10.0.2.100/24"* ]]
		[[ "$output" == *"default via 10.0.2.2 dev tap0"* ]]
		[ "${lines[-1]}" = 65520 ]
	done
}

@test "network: slirp4netns takes mtu and cidr, and refuses what it does not know" {
	require_tun
	run -0 cuddy run --rm --network slirp4netns:mtu=1400,cidr=10.77.0.0/24 "$IMAGE" \
		sh -c 'ip -o addr show tap0; cat /sys/class/net/tap0/mtu /etc/resolv.conf'
	[[ "$output" == *"inet 10.77.0.100/24"* ]]
	[[ "$output" == *1400* ]]
	[[ "$output" == *"nameserver 10.77.0.3"* ]]
	cuddy run -d --name c --network slirp4netns:cidr=10.78.0.0/16 "$IMAGE" sleep 1000
	run -0 cuddy inspect --format '{{.NetworkSettings.IPAddress}}/{{.NetworkSettings.IPPrefixLen}} {{.NetworkSettings.Gateway}}' c
	[ "$output" = "10.78.0.100/16 10.78.0.2" ]
	# Both of podman's port handlers are one here; connections leave from the address that was asked for.
	local port
	port=$(free_port)
	NETPROBE_LOCAL=1 probe_on_host udp-peer "$port"
	for from in 127.0.0.9 127.0.0.1; do
		run -0 in_container --network "slirp4netns:allow_host_loopback=true,outbound_addr=$from,port_handler=slirp4netns" "$IMAGE" \
			/probe udp-ask 10.0.2.2 "$port" x
		[[ "$output" == "$from"* ]]
	done
	end_host_probe
	for bad in mtu=1 cidr=10.0.0.1/24 nosuch=1 mtu outbound_addr=::1 outbound_addr6=10.0.0.1 outbound_addr=/x port_handler=x; do
		run -125 --separate-stderr cuddy run --rm --network "slirp4netns:$bad" "$IMAGE" true
		one_line_error 125 "${bad%%=*}"
	done
}

@test "network: IPv6 when asked for: an address by router advertisement" {
	require_tun
	require_ipv6
	run -0 cuddy run --rm --network slirp4netns:enable_ipv6=true "$IMAGE" sh -c '
		for i in $(seq 50); do ip -6 addr show tap0 | grep -q "fd00::" && break; sleep 0.1; done
		ip -6 addr show tap0; cat /etc/resolv.conf'
	[[ "$output" == *"inet6 fd00::"* ]]
	[[ "$output" != *tentative* ]] # usable at once
	[[ "$output" == *"nameserver fd00::3"* ]]
}

@test "network: container:X is X's, with X's files" {
	require_tun
	cuddy run -d --name x --hostname xhost "$IMAGE" sleep 1000
	run -0 cuddy run --rm --network container:x "$IMAGE" readlink /proc/self/ns/net
	[ "$output" = "$(netns_of x)" ]
	run -0 cuddy run --rm --network container:x "$IMAGE" cat /etc/hosts
	[[ "$output" == *10.0.2.100*xhost* ]]
	run -125 --separate-stderr cuddy run --rm --network container:nosuch "$IMAGE" true
	one_line_error 125 nosuch
	run -125 --separate-stderr cuddy run --rm --network container:x -p 1234:80 "$IMAGE" true
	one_line_error 125 published
	# What would be lines in X's files is refused, not left out.
	for flag in '--add-host a:10.1.2.3' '--hosts-file none' '--dns 10.1.2.3' '--dns-search a.test' '--dns-option ndots:3'; do
		run -125 --separate-stderr cuddy run --rm --network container:x $flag "$IMAGE" true
		one_line_error 125 "that container's, too"
	done
	printf '[containers]\ndns_servers = ["10.1.2.3"]\n' >"$WORK/conf" # what nobody asked for here
	[ -z "$(CONTAINERS_CONF=$WORK/conf cuddy run --rm --network container:x --dns none "$IMAGE" cat /etc/resolv.conf)" ]
	CONTAINERS_CONF=$WORK/conf cuddy run --rm --network container:x "$IMAGE" true
}

@test "network: an address of the host is reached, TCP and UDP, by its name" {
	require_tun
	ip route get 203.0.113.1 >/dev/null 2>&1 || lacks "no route to anywhere"
	port=$(free_port)
	probe_on_host tcp-echo "$port"
	run -0 cuddy run --rm -v "$PROBE:/probe:ro" "$IMAGE" sh -c \
		'/probe tcp-ask $(sed -n "s/^\(.*\)\t.*host.containers.internal.*/\1/p" /etc/hosts) '"$port"' hello'
	[ "$output" = hello ]
	end_host_probe
	probe_on_host udp-echo "$port"
	run -0 cuddy run --rm -v "$PROBE:/probe:ro" "$IMAGE" sh -c \
		'/probe udp-ask $(sed -n "s/^\(.*\)\t.*host.docker.internal.*/\1/p" /etc/hosts) '"$port"' hello'
	[ "$output" = hello ]
}

@test "network: half-closed and reset connections go out as what they are, without a named network and in one" {
	require_tun
	ip route get 203.0.113.1 >/dev/null 2>&1 || lacks "no route to anywhere"
	local host port kind mode servers=()
	host=$(ip -o route get 203.0.113.1 | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	port=$(free_port 4)
	for kind in count reset first; do
		"$PROBE" "tcp-$kind" $((port + ${#servers[@]})) >"$WORK/$kind" 3>&- &
		servers+=($!)
		wait_until 10 grep -q ready "$WORK/$kind"
	done
	for mode in slirp4netns podman; do
		run -0 in_container --network "$mode" "$IMAGE" sh -c '
			some() { head -c "$1" /dev/zero | tr "\0" x; }
			/probe tcp-ask $1 $2 "$(some 100000)" 2>&1
			/probe tcp-ask $1 $(($2 + 1)) x 2>&1
			/probe tcp-ask $1 $(($2 + 2)) "$(some 1000)" 2>&1
			/probe tcp-ask $1 $(($2 + 3)) x 2>&1; :' sh "$host" "$port"
		[ "$output" = $'100000\nrecv: Connection reset by peer\nfirst\nconnect: Connection refused' ]
	done
	[ "$(grep -c '^end 1000$' "$WORK/first")" = 2 ]
	kill "${servers[@]}"
}

# ---- published ports -------------------------------------------------------------------------

@test "publish: a server is reached over IPv4 and IPv6 loopback when no address is named" {
	require_tun
	port=$(free_port 2)
	mkdir "$WORK/www" && echo welcome >"$WORK/www/index.html"
	cuddy run -d --name web -p "$port:80" -v "$WORK/www:/www:ro" "$IMAGE" httpd -f -p 80 -h /www
	wait_until 10 curl -fs "http://127.0.0.1:$port/"
	[ "$(curl -fs "http://127.0.0.1:$port/")" = welcome ]
	if grep -q . /proc/net/if_inet6; then
		[ "$(curl -fs "http://[::1]:$port/")" = welcome ]
	fi
	run -0 cuddy ps --format '{{.Ports}}'
	[ "$output" = "0.0.0.0:$port->80/tcp" ]
	cuddy stop -t 0 web
	wait_until 2 nobody_listens "$port"
	cuddy start web                                 # the same port again
	wait_until 10 curl -fs "http://127.0.0.1:$port/"
}

@test "publish: a named address is the only one" {
	require_tun
	require_ipv6
	port=$(free_port)
	probe_in -p "[::1]:$port:7" -- six tcp-echo 7
	[ "$("$PROBE" tcp-ask ::1 "$port" hello)" = hello ]
	nobody_listens "$port"
	probe_in -p "127.0.0.1:$port:7" -- four tcp-echo 7
	[ "$("$PROBE" tcp-ask 127.0.0.1 "$port" hello)" = hello ]
}

@test "publish: UDP is published beside TCP on the same number" {
	require_tun
	port=$(free_port)
	probe_in -p "127.0.0.1:$port:7/udp" -- u udp-echo 7
	for i in $(seq 20); do
		[ "$("$PROBE" udp-ask 127.0.0.1 "$port" "datagram$i")" = "datagram$i" ]
	done
	probe_in -p "127.0.0.1:$port:7" -- t tcp-echo 7
	[ "$("$PROBE" tcp-ask 127.0.0.1 "$port" stream)" = stream ]
}

@test "publish: ranges map one to one, and a host range for one port takes the first free one" {
	require_tun
	port=$(free_port 4)
	probe_in -p "127.0.0.1:$port-$((port + 2)):7-9" -- r tcp-echo 8
	[ "$("$PROBE" tcp-ask 127.0.0.1 $((port + 1)) second)" = second ]
	probe_in -p "127.0.0.1:$port-$((port + 100)):7" -- s tcp-echo 7
	run -0 cuddy inspect --format '{{(index (index .NetworkSettings.Ports "7/tcp") 0).HostPort}}' s
	[ "$output" -gt $((port + 2)) ]
	[ "$("$PROBE" tcp-ask 127.0.0.1 "$output" found)" = found ]
}

@test "publish: without a host port a free one is chosen and told" {
	require_tun
	probe_in -p 127.0.0.1::7 -- free tcp-echo 7
	run -0 cuddy ps --format '{{.Ports}}'
	[[ "$output" =~ ^127\.0\.0\.1:([0-9]+)-\>7/tcp$ ]]
	[ "$("$PROBE" tcp-ask 127.0.0.1 "${BASH_REMATCH[1]}" hello)" = hello ]
}

@test "publish: 30 MB go in and come back byte for byte, in long segments where the kernel has them" {
	require_tun
	require_program socat
	port=$(free_port)
	probe_in -p "127.0.0.1:$port:7,127.0.0.1::8" -- bulk tcp-echo 7
	head -c 30000000 /dev/urandom >"$WORK/in"
	socat -t 20 - "TCP:127.0.0.1:$port" <"$WORK/in" >"$WORK/out"
	cmp "$WORK/in" "$WORK/out"
	if printf '6.3\n%s\n' "$(uname -r)" | sort -CV; then
		cuddy exec -d bulk /probe tcp-flow 8
		port=$(cuddy port bulk 8 | sed 's/.*://')
		counters() { cuddy exec bulk sed -n 's/^ *lo: *//p' /proc/net/dev; }
		long() { # more a packet than an IPv4 header can say
			read -r bytes packets _ <<<"$(counters)"
			"$PROBE" tcp-rate 127.0.0.1 "$port" R 0.2 || return 1
			read -r bytes2 packets2 _ <<<"$(counters)"
			[ "$((bytes2 - bytes))" -gt "$(((packets2 - packets) * 65536))" ]
		}
		wait_until 10 long
	fi
}

@test "publish: the queue towards a client on this host is bounded, towards others as long as the way" {
	require_tun
	port=$(free_port)
	probe_in -p "127.0.0.1:$port:7" -- bulk tcp-flow 7
	most=$((2 * 208 * 1024))
	queue() { # queue FROM - bytes that the proxy's socket may hold for a client from there that has taken 64 MiB
		python3 - "$1" "$port" <<-'PY'
			import re, socket, subprocess, sys
			k = socket.create_connection(("127.0.0.1", int(sys.argv[2])), source_address=(sys.argv[1], 0))
			k.sendall(b"R")
			left = 64 << 20
			while left > 0: left -= len(k.recv(1 << 20))
			seen = subprocess.run(["ss", "-tnmH", f"sport = :{sys.argv[2]}"], capture_output=True, text=True).stdout
			print(re.search(r",tb(\d+)", seen).group(1))
		PY
	}
	wait_until 10 queue 127.0.0.1
	[ "$(queue 127.0.0.1)" -le "$most" ]
	[ "$(queue 127.0.0.2)" -gt "$most" ]
}

@test "publish: a port in use is found before anything starts, and named" {
	require_tun
	port=$(free_port 2)
	NETPROBE_LOCAL=1 probe_on_host tcp-echo "$port"
	run -125 --separate-stderr cuddy run --rm --name late -p "$port:80" "$IMAGE" true
	one_line_error 125 "$port/tcp.*(in use|listens there)"
	run cuddy ps -aq
	[ -z "$output" ]
	run -125 --separate-stderr cuddy run --rm -p "127.0.0.1:$((port + 1)):80" -p "127.0.0.1:$((port + 1)):81" "$IMAGE" true
	one_line_error 125 'named twice'
}

@test "publish: a port below 1024 is refused with the line that allows it" {
	require_tun
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 81 ] || lacks "low ports are open here"
	run -125 --separate-stderr cuddy run --rm -p 127.0.0.1:81:80 "$IMAGE" true
	one_line_error 125 'sysctl net.ipv4.ip_unprivileged_port_start=81'
}

@test "publish: with no network there is nothing to publish" {
	run -125 --separate-stderr cuddy run --rm --network none -p 8080:80 "$IMAGE" true
	one_line_error 125 published
}

@test "publish: with the host's network it says that it does nothing, and goes on" {
	run -0 --separate-stderr cuddy run --rm --network host -p 8080:80 "$IMAGE" echo ran
	[ "$output" = ran ]
	[[ "$stderr" == "cuddy: warning: --publish does nothing"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	run -125 --separate-stderr cuddy run --rm --network host -p 8080:x "$IMAGE" true
	one_line_error 125 8080:x
}

@test "publish: the proxy is small" {
	[[ "${BUILD:-}" != *san-* ]] || skip "a sanitizer's memory is not the proxy's"
	require_tun
	probe_in -p 127.0.0.1::7 -- small tcp-echo 7
	pid=$(helper_pids cuddy-proxy small)
	[ -n "$pid" ]
	[ "$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")" -lt 600 ]
}

# ---- names -----------------------------------------------------------------------------------

@test "hosts: the container, its host, and what was added" {
	require_tun
	run -0 cuddy run --rm --name me --hostname box --add-host 'db:10.1.2.3,a;b:fd00::7' \
		--add-host up:host-gateway --network slirp4netns:allow_host_loopback=true "$IMAGE" cat /etc/hosts
	grep -qx '10.1.2.3	db' <<<"$output"
	grep -qx 'fd00::7	a b' <<<"$output"
	grep -qx '10.0.2.2	up' <<<"$output"
	grep -qx '127.0.0.1	localhost' <<<"$output"
	grep -qx '10.0.2.100	box me' <<<"$output"
	grep -qx '10.0.2.2	host.containers.internal host.docker.internal' <<<"$output"
	run -0 cuddy run --rm --hostname box "$IMAGE" sh -c 'hostname; cat /etc/hostname'
	[ "${lines[0]}" = box ]
	[ "${lines[1]}" = box ]
	run cuddy run --rm --no-hosts "$IMAGE" grep -c localhost /etc/hosts
	[ "$output" != 2 ]
}

@test "hosts: with the host's network the host's file stays, and what was added comes first" {
	run -0 cuddy run --rm --network host --add-host db:10.1.2.3 "$IMAGE" cat /etc/hosts
	[ "${lines[0]}" = $'10.1.2.3\tdb' ]
	while read -r l; do
		[ -z "$l" ] || grep -qxF "$l" <<<"$output"
	done </etc/hosts
}

@test "resolv.conf: slirp's name server with the host's search list, or what was asked for" {
	require_tun
	run -0 cuddy run --rm "$IMAGE" cat /etc/resolv.conf
	grep -qx 'nameserver 10.0.2.3' <<<"$output"
	run -0 cuddy run --rm --dns 192.0.2.53 --dns 2001:db8::53 --dns-search a.example --dns-search b.example \
		--dns-option ndots:3 "$IMAGE" cat /etc/resolv.conf
	[ "$output" = "search a.example b.example
nameserver 192.0.2.53
nameserver 2001:db8::53
options ndots:3" ]
	run -0 cuddy run --rm --network host "$IMAGE" grep -c ^nameserver /etc/resolv.conf
	[ "$output" = "$(grep -c ^nameserver /etc/resolv.conf)" ]
	run -0 cuddy run --rm --dns none "$IMAGE" sh -c 'test -s /etc/resolv.conf || echo empty'
	[ "$output" = empty ]
}
