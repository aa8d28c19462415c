#!/usr/bin/env bats
# Names of outside on named networks: which servers are asked, in which order, over what; and pings without rights.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { test_end; }

no_keeper() { [ ! -e "$CUDDY_RUNROOT/net/socket" ]; }
named() { cuddy exec "$1" /probe "$2-name" 10.236.0.1 "$3"; } # named CONTAINER udp|tcp NAME
asker() { cuddy run -d --network d -v "$PROBE:/probe:ro" "$@" "$IMAGE" sleep 1000 >/dev/null; }

@test "dns: servers are asked in their order, one that is dead is passed over, and TCP carries what was cut" {
	require_tun
	cuddy network create --subnet 10.236.0.0/24 --dns 10.236.0.54 d
	probe_in --network d:ip=10.236.0.53 -- one udp-names 53 10.9.0.1
	probe_in --network d:ip=10.236.0.54 -- two udp-names 53 10.9.0.2
	asker --name first --dns 10.236.0.53 --dns 10.236.0.54
	asker --name other --dns 10.236.0.54 --dns 10.236.0.53
	asker --name of-net
	asker --name nobody --dns 10.236.0.99 --dns 10.236.0.53           # nobody has the address
	local how
	for how in udp tcp; do
		[ "$(named first $how x.example)" = "0 10.9.0.1" ]
		[ "$(named other $how x.example)" = "0 10.9.0.2" ]
		[ "$(named of-net $how x.example)" = "0 10.9.0.2" ]
		[ "$(named nobody $how x.example)" = "0 10.9.0.1" ]
	done
	# What runs hears of other servers of its network at once.
	cuddy network update --dns-add 10.236.0.53 --dns-drop 10.236.0.54 d
	[ "$(named of-net udp x.example)$(named other udp x.example)" = "0 10.9.0.10 10.9.0.2" ]
	[ "$(named first udp big.example)" = "0 cut" ]
	[ "$(named first tcp big.example)" = "0 10.9.0.1" ]
	# The server that goes away while it is asked.
	cuddy stop -t 0 one
	for how in udp tcp; do [ "$(named first $how x.example)" = "0 10.9.0.2" ]; done
	[ "$(cuddy exec first grep ^nameserver /etc/resolv.conf)" = "nameserver 10.236.0.1" ]
	cuddy rm -f -t 0 -a
	wait_until 20 no_keeper
	cuddy network rm d
}

@test "dns: on a network that answers for no names a running container has other servers of its network at once" {
	require_tun
	cuddy network create --subnet 10.239.0.0/24 --disable-dns --dns 10.239.0.54 d
	servers() { cuddy exec "$1" sed -n 's/^nameserver //p' /etc/resolv.conf | xargs; }
	for name in plain own written; do
		[ "$name" = own ] && set -- --dns 10.1.1.1 || set --
		cuddy run -d --name "$name" --network d "$@" "$IMAGE" sleep 1000 >/dev/null
	done
	cuddy exec written sh -c 'echo nameserver 10.2.2.2 >/etc/resolv.conf'
	[ "$(servers plain)" = 10.239.0.54 ]
	cuddy network update --dns-add 10.239.0.53 --dns-add 10.239.0.52 --dns-drop 10.239.0.54 d
	# Asked for by itself, or written by its root: that stays.
	[ "$(servers plain), $(servers own), $(servers written)" = "10.239.0.53 10.239.0.52, 10.1.1.1, 10.2.2.2" ]
	cuddy network update --dns-drop 10.239.0.53 d
	[ "$(servers plain)" = 10.239.0.52 ]
	cuddy restart -t 0 plain
	[ "$(servers plain)" = 10.239.0.52 ]
	cuddy rm -f -t 0 -a
	wait_until 20 no_keeper
	cuddy network rm d
}

@test "dns: a host whose resolvers are reached over IPv6 only serves names in each mode, and by each way out" {
	require_tun
	require_ipv6
	local pastas=()
	[ ! -x /usr/bin/pasta ] || pastas=(pasta "pasta:--dns-forward,fd00:53::1")
	cuddy network create six
	printf '[network]\ndefault_rootless_network_cmd = "pasta"\n' >"$WORK/pasta.conf"
	# A host of our own making: its only server of names is at its IPv6 loopback, and then at another address.
	cat >"$WORK/host" <<-'S'
		set -eu
		ip link set lo up
		ip link add d0 type veth peer name d1
		ip link set d0 up
		ip link set d1 up
		ip addr add 192.0.2.2/24 dev d0
		ip addr add fd00:99::2/64 dev d0 nodad
		ip addr add fd00:99::53/64 dev d0 nodad
		ip route add default via 192.0.2.1 dev d0
		ip -6 route add default via fd00:99::1 dev d0
		"$PROBE" udp-names 53 10.1.2.3 :: &
		trap "pkill -P $! || true; kill $!" EXIT
		asks() { # asks MODE: the server that resolv.conf names, and what it says
			"$CUDDY" run --rm --network "$1" "$IMAGE" sh -c \
				'for i in 1 2 3; do timeout 5 nslookup a.example && break; done; cat /etc/resolv.conf' >"$WORK/said" 2>&1 &&
				grep -q '^Address: 10.1.2.3' "$WORK/said" && ! grep -q "nameserver $2" "$WORK/said" || { echo "$1 $2:"; cat "$WORK/said"; exit 1; }
		}
		for server in ::1 fd00:99::53; do
			echo "nameserver $server" >"$WORK/resolv.conf"
			mount --bind "$WORK/resolv.conf" /etc/resolv.conf
			for mode in "$@"; do asks "$mode" "$server"; done
			umount /etc/resolv.conf
		done
	S
	"$CUDDY" unshare unshare -n env WORK="$WORK" bash "$WORK/host" slirp4netns six "${pastas[@]}"
	wait_until 20 eval '[ ! -e "$CUDDY_RUNROOT/net/socket" ]'
	[ ${#pastas[@]} = 0 ] || CONTAINERS_CONF=$WORK/pasta.conf "$CUDDY" unshare unshare -n env WORK="$WORK" bash "$WORK/host" six
	cuddy network rm six
}

@test "ping: root inside needs no right for it, on slirp4netns, on a named network, and with an allow-list" {
	require_tun
	cuddy network create --subnet 10.237.0.0/24 p
	cuddy run -d --name srv --network p:ip=10.237.0.80 "$IMAGE" sleep 1000
	[ "$(in_container "$IMAGE" /probe ping 10.0.2.2)" = pong ]
	[ "$(in_container --network p "$IMAGE" /probe ping 10.237.0.80)" = pong ]
	[ "$(in_container --network p --egress allow=10.237.0.80 "$IMAGE" /probe ping 10.237.0.80)" = pong ]
	run ! in_container --network p --egress allow=10.237.0.81 "$IMAGE" /probe ping 10.237.0.80
	run ! in_container --network p -u 1000 "$IMAGE" /probe ping 10.237.0.80
	[ "$(in_container --network p -u 1000 --sysctl 'net.ipv4.ping_group_range=0 2000' "$IMAGE" /probe ping 10.237.0.80)" = pong ]
	cuddy rm -f -t 0 -a
	wait_until 20 no_keeper
	cuddy network rm p
}
