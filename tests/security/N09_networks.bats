#!/usr/bin/env bats
# N09: names and options of networks end in devices, rules, tables of names and files; none says more than it is.
# Also N06 and N07 for bridges.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

@test "N09: names that are more than a name are refused, before anything is made" {
	local bad
	for bad in 'x"; flush ruleset' $'x\ny' 'a b' '../../x' '-x' '' "$(printf 'n%.0s' {1..129})"; do
		run -125 --separate-stderr cuddy network create "$bad"
		one_line_error 125 'names match|unknown flag -x'
		[ "${#bad}" -ne 129 ] || bad=$bad$bad # an alias may have more, as a name of DNS
		run -125 --separate-stderr cuddy run --rm --network "podman:alias=$bad" "$IMAGE" true
		one_line_error 125 "network alias '"
	done
	for bad in '*' localhost LOCALHOST host.containers.internal 'a/b' 'a;b' '"x"'; do
		run -125 --separate-stderr cuddy run --rm --network podman --network-alias "$bad" "$IMAGE" true
		one_line_error 125 alias
	done
	for bad in 'x"}' tap0 lo veth0 "$(printf 'd%.0s' {1..16})" '../x'; do
		run -125 --separate-stderr cuddy network create --interface-name "$bad" x
		one_line_error 125 device
		run -125 --separate-stderr cuddy network create --opt "com.docker.network.bridge.name=$bad" x
		one_line_error 125 device
	done
	[ "$(cuddy network ls -q)" = podman ]
}

@test "N09: what means the same everywhere is no container's name to the others" {
	require_tun
	local ip
	cuddy network create --subnet 10.236.8.0/24 n
	cuddy run -d --name localhost --hostname host.docker.internal --network n:ip=10.236.8.80 "$IMAGE" sleep 1000
	cuddy run -d --name LocalHost --hostname host.containers.internal --network n:ip=10.236.8.81 "$IMAGE" sleep 1000
	cuddy run -d --name asks --no-hosts --network n "$IMAGE" sleep 1000
	for name in localhost localhost.dns.podman host.docker.internal host.containers.internal; do
		run cuddy exec asks nslookup "$name" 10.236.8.1
		[[ "$output" != *10.236.8.8[01]* ]]
	done
	# By its id it is found.
	run -0 cuddy exec asks nslookup "$(cuddy inspect --format '{{slice .Id 0 12}}' localhost)" 10.236.8.1
	[[ "$output" == *10.236.8.80* ]]
	cuddy rm -f -t 0 -a
	cuddy network rm n
}

@test "N09: two names that are equal in the first 15 bytes are two networks" {
	require_tun
	cuddy network create averylongnetworkname-one
	cuddy network create averylongnetworkname-two
	[ "$(cuddy network inspect averylongnetworkname-one averylongnetworkname-two | jq -r '.[].network_interface' | sort -u | wc -l)" = 2 ]
	probe_in --network averylongnetworkname-one -- srv tcp-echo 80
	probe_in --network averylongnetworkname-two -- other tcp-echo 80
	run ! cuddy exec other /probe tcp-ask "$(cuddy inspect --format '{{.NetworkSettings.IPAddress}}' srv)" 80 x
	cuddy rm -f -t 0 srv other
	cuddy network rm averylongnetworkname-one averylongnetworkname-two
}

@test "N09: the rules are those of the devices, whatever else a network, a container or its labels are called" {
	require_tun
	local flush='a="; flush ruleset'
	rules() { cuddy unshare nsenter --net="/proc/$(net_pids keeper)/ns/net" python3 "$FIXTURES/nftlist.py" | sed 's/^\t*//'; }
	cuddy network create --subnet 10.236.1.0/24 --interface-name gold0 --opt isolate=strict --label "$flush" gold.one-and_only
	cuddy network create --subnet 10.236.2.0/24 --interface-name gold1 --internal --label $'b=\n}' gold-two
	cuddy network create --subnet 10.236.3.0/24 --interface-name gold2 --opt isolate=false gold-three
	cuddy network create --subnet 10.236.4.0/24 --interface-name gold3 --opt com.docker.network.bridge.enable_icc=false \
		--opt com.docker.network.bridge.enable_ip_masquerade=false gold-four
	cuddy run -d --name c.1_x-y --network gold.one-and_only:alias=al_1.x-y --network gold-two --network gold-three --network gold-four -l "$flush" "$IMAGE" sleep 1000
	sets() { # sets ELEMENTS OF bridges, outer, open, same, unmasked
		printf 'table inet cuddy {\n'
		printf 'set %s {\ntype %s\nelements = { %s }\n}\n\n' bridges ifname "$1" outer ifname "$2" open ifname "$3" same 'ifname . ifname' "$4" unmasked ifname "$5"
	}
	chains=$(cat <<-'T'
		chain input {
			type filter hook input priority filter; policy drop;
			iifname "lo" accept
			ct state established,related accept
			iifname "tap0" meta l4proto ipv6-icmp accept
			iifname @bridges icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept
			iifname @bridges fib daddr . iif type local meta l4proto { tcp, udp } th dport 53 accept
			iifname @bridges fib daddr . iif type local meta l4proto icmp accept
		}

		chain forward {
			type filter hook forward priority filter; policy drop;
			ct state established,related accept
			iifname . oifname @same accept
			iifname @outer oifname "tap0" accept
			iifname @open oifname @open accept
			iifname @bridges oifname @bridges reject with icmpx admin-prohibited
		}

		chain postrouting {
			type nat hook postrouting priority srcnat; policy accept;
			iifname @unmasked accept
			oifname "tap0" masquerade
		}
	T
	)
	{
		sets '"gold0", "gold1", "gold2", "gold3"' '"gold0", "gold2", "gold3"' '"gold2"' '"gold0" . "gold0", "gold1" . "gold1", "gold2" . "gold2"' '"gold3"'
		printf '%s\n}\n' "$chains"
	} >"$WORK/golden"
	diff <(rules) "$WORK/golden"
	# Taken away by somebody who has power there, they are all set again.
	cuddy unshare nsenter --net="/proc/$(net_pids keeper)/ns/net" "$PROBE" nft-flush all
	[ -z "$(rules)" ]
	cuddy network reload c.1_x-y
	diff <(rules) "$WORK/golden"
	cuddy network disconnect gold-two c.1_x-y
	cuddy network disconnect gold-four c.1_x-y
	[[ "$(rules)" == *'elements = { "gold0", "gold2" }'*'elements = { "gold0", "gold2" }'*'elements = { "gold2" }'*'elements = { "gold0" . "gold0", "gold2" . "gold2" }'* && "$(rules)" != *gold3* ]]
	cuddy rm -f -t 0 c.1_x-y
	cuddy network rm gold.one-and_only gold-two gold-three gold-four
}

@test "N07: an internal network has no way out, and asks nobody outside for names" {
	require_tun
	local port ip
	ip=$(ip route get 203.0.113.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	[ -n "$ip" ] || lacks "no address of the host"
	cuddy network create --internal in
	port=$(free_port)
	probe_on_host tcp-echo "$port"
	run ! in_container --network in "$IMAGE" /probe tcp-ask "$ip" "$port" hello
	run ! cuddy run --rm --network in "$IMAGE" ip route get 203.0.113.1
	run -1 cuddy run --rm --network in --dns 10.0.2.3 "$IMAGE" nslookup example.com
	[[ "$output" == *SERVFAIL* ]]
	# Nor with a route of its own making: the filter is not in its namespace.
	run ! in_container --network in --cap-add NET_ADMIN "$IMAGE" sh -c \
		"ip route add default via \$(sed -n 's/^nameserver //p' /etc/resolv.conf); /probe tcp-ask $ip $port hello"
	cuddy network rm in
}

@test "N06, N01: a bridge takes no router advertisement, and its gateway offers names and nothing else" {
	require_tun
	require_ipv6
	local port
	cuddy network create --ipv6 six
	run -0 cuddy run --rm --network six "$IMAGE" sh -c 'cat /proc/sys/net/ipv6/conf/eth0/accept_ra /proc/sys/net/ipv6/conf/eth0/accept_redirects; grep CapEff /proc/self/status'
	[ "${lines[0]}${lines[1]}" = 00 ]
	(( (0x${lines[2]##*[[:space:]]} >> 13 & 1) == 0 ))      # no CAP_NET_RAW
	port=$(free_port)
	NETPROBE_LOCAL=1 NETPROBE_V6ONLY=1 probe_on_host tcp-echo "$port"
	run ! in_container --network six "$IMAGE" /probe tcp-ask fd00::2 "$port" hello
	[[ "$output" != *hello* ]]
	end_host_probe
	NETPROBE_LOCAL=1 probe_on_host tcp-echo "$port"
	for ip in 10.0.2.2 '$(sed -n "s/^nameserver //p" /etc/resolv.conf | head -1)'; do
		run ! in_container --network six "$IMAGE" sh -c "/probe tcp-ask $ip $port hello"
		[[ "$output" != *hello* ]]
	done
	cuddy network rm six
}

@test "N02, N08: the way out is slirp4netns in its sandbox; the keeper's socket is ours alone" {
	require_tun
	local pid words
	cuddy network create a
	cuddy run -d --name c --network a "$IMAGE" sleep 1000
	[ "$(stat -c '%a %U' "$CUDDY_RUNROOT/net") $(stat -c '%a' "$CUDDY_RUNROOT/net/socket")" = "700 $(id -un) 600" ]
	for pid in $(pids_here slirp4netns); do
		grep -q -- --netns-type=path <(tr '\0' '\n' <"/proc/$pid/cmdline") || continue
		words=$(tr '\0' ' ' <"/proc/$pid/cmdline")
		[[ "$words" == *--enable-sandbox*--enable-seccomp*--disable-host-loopback* ]]
	done
	[ -n "$words" ]
	run -0 cuddy exec c sh -c 'ls /proc/1/fd | wc -l; ls -l /proc/self/fd'
	[[ "$output" != *socket:* ]]
	cuddy rm -f -t 0 c
	cuddy network rm a
}
