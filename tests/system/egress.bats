#!/usr/bin/env bats
# --egress: what is not on the list is refused, and nobody in the container can change that.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

asks() { cuddy exec "$1" /probe tcp-ask "$2" "$3" x 2>/dev/null; } # asks CONTAINER IP PORT
reaches() { [ "$(asks "$@")" = x ]; }
refused() { cuddy inspect --format '{{.NetworkSettings.EgressRefused}}' "$1"; }
no_keeper() { [ ! -e "$CUDDY_RUNROOT/net/socket" ]; }
flush_rules_of() { # by whom its network belongs to
	cuddy unshare nsenter --net="/proc/$(cuddy inspect --format '{{.State.Pid}}' "$1")/ns/net" "$PROBE" nft-flush all
}
limited() { cuddy run -d -v "$PROBE:/probe:ro" "$@" >/dev/null; }

@test "egress: addresses, networks and ports of the list are reached, all else is refused and counted" {
	require_tun
	cuddy network create --subnet 10.232.0.0/24 --subnet fd00:232::/64 e
	probe_in --network e:ip=10.232.0.80 -- a tcp-echo 80
	probe_in --network e:ip=10.232.0.81 -- b tcp-echo 80
	probe_in --network e:ip=10.232.0.82 -- u udp-echo 80
	probe_in --network e:ip6=fd00:232::80 -e NETPROBE_V6ONLY=1 -- six tcp-echo 80
	limited --name lim --network e --egress allow=10.232.0.80:80 --egress allow=10.232.0.82/31 \
		--egress 'allow=[fd00:232::80]:80' -p 127.0.0.1::7 "$IMAGE" /probe tcp-echo 7
	wait_log lim ready
	[ "$(refused lim)" = 0 ]
	reaches lim 10.232.0.80 80
	reaches lim fd00:232::80 80
	[ "$(cuddy exec lim /probe udp-ask 10.232.0.82 80 x)" = x ]
	[ "$(refused lim)" = 0 ]
	local n=0 to
	for to in "10.232.0.81 80" "10.232.0.80 81" "192.0.2.1 80" "10.232.0.1 54" "fd00:232::1 80"; do
		# shellcheck disable=SC2086
		run ! asks lim $to
		[ "$(refused lim)" -gt "$n" ]
		n=$(refused lim)
	done
	run cuddy exec lim /probe udp-ask 10.232.0.81 80 x
	[ "$status" -ne 0 ]
	[ "$(refused lim)" -gt "$n" ]
	n=$(refused lim)
	[ "$(cuddy network inspect e | jq '.[0].containers[] | select(.name == "lim").egress_refused')" = "$n" ]
	[ "$(cuddy network inspect e | jq '.[0].containers[] | select(.name == "a") | has("egress_refused")')" = false ]
	# Who asks it gets answers; one that shares its network is bound by it too.
	reaches a "$(cuddy inspect --format '{{.NetworkSettings.Networks.e.IPAddress}}' lim)" 7
	to=$(cuddy port lim 7/tcp)
	[ "$("$PROBE" tcp-ask 127.0.0.1 "${to##*:}" x)" = x ]
	cuddy run -d --name shares --network container:lim -v "$PROBE:/probe:ro" "$IMAGE" sleep 1000
	reaches shares 10.232.0.80 80
	run ! asks shares 10.232.0.81 80
	# It is in the record, and so of each start.
	[ "$(cuddy inspect lim | jq -r '.[0].HostConfig.Egress[1]')" = "allow=10.232.0.82/31" ]
	cuddy rm -f -t 0 shares
	# Taken away by somebody who has power there, the list is set again; as often as asked for.
	flush_rules_of lim
	reaches lim 10.232.0.81 80
	for _ in 1 2; do
		cuddy network reload lim
		reaches lim 10.232.0.80 80
		run ! asks lim 10.232.0.81 80
	done
	cuddy restart -t 0 lim
	reaches lim 10.232.0.80 80
	run ! asks lim 10.232.0.81 80
	cuddy rm -f -t 0 -a
	wait_until 20 no_keeper
	cuddy network rm e
}

@test "egress: names are resolved for it alone, and what they have as addresses may be reached" {
	require_tun
	cuddy network create --subnet 10.233.0.0/24 n
	cuddy network create --subnet 10.235.0.0/24 second
	probe_in --network n:ip=10.233.0.53 -- names udp-names 53 10.233.0.80
	probe_in --network n:ip=10.233.0.80 --network second:ip=10.235.0.80 -- web tcp-echo 80
	probe_in --network n:ip=10.233.0.81 -- db tcp-echo 80
	limited --name lim --network n --dns 10.233.0.53 --egress allow=Site.example:80 --egress 'allow=*.wild.example' \
		--egress allow=db "$IMAGE" sleep 1000
	local how n=0
	run ! asks lim 10.233.0.80 80
	n=$(refused lim)
	for how in udp tcp; do
		[ "$(cuddy exec lim /probe $how-name 10.233.0.1 evil.example)" = 5 ]
		[ "$(cuddy exec lim /probe $how-name 10.233.0.1 wild.example)" = 5 ]
		wait_until 20 eval '[ "$(refused lim)" -ge $((n + 2)) ]'
		n=$(refused lim)
	done
	run ! asks lim 10.233.0.80 80
	[ "$(cuddy exec lim /probe udp-name 10.233.0.1 sITE.example)" = "0 10.233.0.80" ]
	reaches lim 10.233.0.80 80
	run ! asks lim 10.233.0.80 81
	[ "$(cuddy exec lim nslookup db | grep -c 10.233.0.81)" = 1 ]
	reaches lim 10.233.0.81 80
	# The server itself is nobody it may talk to.
	run ! cuddy exec lim /probe tcp-name 10.233.0.53 site.example
	# What does not fit a datagram is learnt as well.
	limited --name big --network n --dns 10.233.0.53 --egress 'allow=*.wild.example:80' "$IMAGE" sleep 1000
	[ "$(cuddy exec big /probe udp-name 10.233.0.1 big.wild.example)" = "0 cut" ]
	run ! asks big 10.233.0.80 80
	[ "$(cuddy exec big /probe tcp-name 10.233.0.1 big.wild.example)" = "0 10.233.0.80" ]
	reaches big 10.233.0.80 80
	# A network that it comes into later changes nothing.
	cuddy network connect second lim
	[ "$(cuddy exec lim /probe udp-name 10.235.0.1 db)" = "0 10.233.0.81" ]
	run ! asks lim 10.235.0.80 80
	# Set anew, it still knows what it has learnt; and when that is gone too, it learns again.
	cuddy network reload lim
	reaches lim 10.233.0.80 80
	flush_rules_of lim
	cuddy network reload lim
	run ! asks lim 10.233.0.80 80
	[ "$(cuddy exec lim /probe udp-name 10.233.0.1 site.example)" = "0 10.233.0.80" ]
	reaches lim 10.233.0.80 80
	# When all that keeps it was killed, the list is there before the network is.
	kill -KILL "$(net_pids names)"
	wait_until 20 eval '[ "$(cuddy exec lim /probe udp-name 10.233.0.1 site.example 2>/dev/null)" = "0 10.233.0.80" ]'
	kill -KILL "$(net_pids keeper)"
	run ! asks lim 10.233.0.53 53
	wait_until 20 eval '[ "$(cuddy exec lim /probe udp-name 10.233.0.1 a.wild.example 2>/dev/null)" = "0 10.233.0.80" ]'
	wait_until 20 reaches lim 10.233.0.80 80
	run ! asks lim 10.233.0.53 53
	cuddy rm -f -t 0 -a
	wait_until 20 no_keeper
	cuddy network rm n second
}

@test "egress: root of the container cannot undo it, whatever it was given" {
	require_tun
	cuddy network create --subnet 10.234.0.0/24 r
	probe_in --network r:ip=10.234.0.81 -- b tcp-echo 80
	limited --name lim --network r --privileged --egress allow=10.234.0.80 "$IMAGE" sleep 1000
	run ! asks lim 10.234.0.81 80
	[ "$(cuddy exec lim /probe nft-flush all)" = "Operation not permitted" ]
	run -0 cuddy exec --privileged lim sh -c '
		ip link set eth0 down; ip addr add 10.234.0.99/24 dev eth0; ip route del default
		ip link add d0 type dummy; ping -c 1 10.234.0.81
		mkdir -p /mnt; mount -t sysfs none /mnt; nsenter -t 1 -n ip link set eth0 down; :'
	echo "$output"
	[ "$(grep -cE 'not permitted|permission denied' <<<"$output")" = 7 ]
	run ! asks lim 10.234.0.81 80
	# The same kernel says yes to who has power over its network.
	limited --name free --network r --privileged "$IMAGE" sleep 1000
	[ "$(cuddy exec free /probe nft-flush all)" != "Operation not permitted" ]
	reaches free 10.234.0.81 80
	cuddy rm -f -t 0 -a
	wait_until 20 no_keeper
	cuddy network rm r
}

@test "egress: by slirp4netns and pasta too a list is kept, names are learnt, and it survives its guard" {
	require_tun
	ip route get 203.0.113.1 >/dev/null 2>&1 || lacks "no route to anywhere"
	local net own host port before guard nets=("slirp4netns:cidr=10.77.0.0/24 10.77.0.100")
	host=$(ip -o route get 203.0.113.1 | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	[ ! -x /usr/bin/pasta ] || nets+=("pasta:-a,10.9.8.7,-n,24,-g,10.9.8.1 10.9.8.7")
	port=$(free_port)
	probe_on_host udp-echo "$port" # pasta of Debian 12 repeats and withholds ends of TCP connections
	gets() { [ "$(cuddy exec "$1" /probe udp-ask "$host" "$port" x 2>/dev/null)" = x ]; }
	guards() { pids_here -f "^[^ ]*cuddy-net guard"; }
	asks_name() { [ "$(cuddy exec g /probe "$1-name" 127.0.0.11 "$2" 2>/dev/null)" = "$3" ]; }
	for net in "${nets[@]}"; do
		own=${net#* }
		limited --name g --network "${net% *}" --dns "$own" --egress "allow=site.example:$port" --egress allow=10.1.1.1 \
			-p 127.0.0.1::7 "$IMAGE" /probe tcp-echo 7
		wait_log g ready
		[ "$(cuddy exec g grep ^nameserver /etc/resolv.conf)" = "nameserver 127.0.0.11" ]
		# Whom it asks is in its own network here: a second container, which is bound by the list as well.
		probe_in --network container:g -- ns udp-names 53 "$host" "$own"
		[ "$(refused g)" = 0 ]
		run ! gets g
		asks_name udp evil.example 5
		asks_name tcp evil.example 5
		wait_until 20 eval '[ "$(refused g)" -ge 3 ]'
		asks_name udp SITE.example "0 $host"
		wait_until 20 gets g
		wait_until 20 gets ns
		before=$(refused g)
		run ! asks g "$host" $((port - 1))
		run ! asks ns 192.0.2.1 80
		run cuddy exec g /probe udp-ask "$host" 53 x
		[ "$status" -ne 0 ]
		[ "$(refused g)" -ge $((before + 3)) ]
		[ "$("$PROBE" tcp-ask 127.0.0.1 "$(cuddy port g 7/tcp | sed s/.*://)" x)" = x ]
		run cuddy exec --privileged g sh -c '/probe nft-flush all; ip route del default'
		[ "$(grep -c 'not permitted' <<<"$output")" = 2 ]
		# Killed: the list stays, and names are answered for again.
		# What answers for names may mark its questions, where the kernel lets it no more than that.
		[ "$(for p in $(pids_here '^cuddy-names'); do sed -n 's/^CapEff:\t//p' "/proc/$p/status"; done)" = 0000000000002000 ]
		guard=$(guards | head -1)
		kill -KILL "$guard"
		run ! asks g 192.0.2.1 80
		wait_until 20 asks_name tcp site.example "0 $host"
		wait_until 20 gets g
		run ! asks g 192.0.2.1 80
		cuddy restart -t 0 g
		run ! gets g
		cuddy rm -f -t 0 ns g
		wait_until 20 eval '! guards'
	done
	# Addresses alone need nobody who answers; names of a list are those of the container's servers.
	limited --name g --egress "allow=$host:$port" "$IMAGE" sleep 1000
	run ! cuddy exec g grep 127.0.0.11 /etc/resolv.conf
	wait_until 20 gets g
	run ! asks g "$host" $((port - 1))
	[ "$(refused g)" = 1 ]
	[ "$(guards | wc -l)" = 1 ] # the server of names would be a second one
	kill -KILL "$(conmon_pid g)"
	wait_until 20 eval '! guards'
	cuddy rm -f -t 0 g
	end_host_probe
}

@test "egress: what it cannot be kept for is refused in one line" {
	cuddy network create --disable-dns plain
	one_bad() { # one_bad WORDS FLAGS...
		local words=$1
		shift
		run -125 --separate-stderr cuddy run --rm "$@" "$IMAGE" true
		one_line_error 125 "$words"
	}
	one_bad 'network of the container' --network none --egress allow=example.org
	one_bad 'network of the container' --network host --egress allow=example.org
	one_bad 'names need a server' --dns 127.0.0.1 --egress allow=example.org
	one_bad 'names need a server' --network slirp4netns --dns none --egress allow=example.org
	one_bad 'userns host' --userns host --egress allow=10.0.0.1
	one_bad 'without --disable-dns' --network plain --egress allow=example.org
	one_bad 'userns host' --network plain --userns host --egress allow=10.0.0.1
	one_bad 'want allow=' --network plain --egress example.org
	one_bad 'neither a name' --network plain --egress allow=10.1.2
	one_bad 'neither a name' --network plain --egress allow=10.0.0.0/33
	one_bad 'from 1 to 65535' --network plain --egress allow=10.0.0.1:0
	one_bad 'want \[IPv6\]:PORT' --network plain --egress 'allow=[::1'
	cuddy network rm plain
}
