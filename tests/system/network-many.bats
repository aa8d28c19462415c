#!/usr/bin/env bats
# Containers in several networks, with addresses of the user's; changes while they run.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { test_end; }

ip_of() { cuddy inspect --format "{{.NetworkSettings.Networks.$2.IPAddress}}" "$1"; }
answers() { [ "$(cuddy exec "$1" /probe tcp-ask "$2" 80 x)" = x ]; }

@test "several networks: a device each, one way out, names of all" {
	require_tun
	cuddy network create --subnet 10.210.1.0/24 a
	cuddy network create --subnet 10.210.2.0/24 --internal b
	cuddy network create --subnet 10.210.3.0/24 c
	probe_in --network a -- inA tcp-echo 80
	probe_in --network b -- inB tcp-echo 80
	probe_in --network b:alias=both --network a:interface_name=eth0 --network c -- all tcp-echo 80
	run -0 cuddy exec all sh -c 'ip -o -4 addr; ip route'
	[[ "$output" == *"eth1"*"inet 10.210.2."* ]]
	[[ "$output" == *"eth0"*"inet 10.210.1."* ]]
	[[ "$output" == *"eth2"*"inet 10.210.3."* ]]
	[ "$(grep -c ^default <<<"$output")" = 1 ]
	[[ "$output" == *"default via 10.210.1.1 dev eth0"* ]]
	for name in inA inB; do
		answers all "$(cuddy exec all nslookup $name 10.210.2.1 | sed -n 's/^Address: //p' | tail -1)"
		answers "$name" "$(ip_of all "$([ $name = inA ] && echo a || echo b)")"
	done
	run -0 cuddy exec inB nslookup both
	[[ "$output" == *"10.210.2."* ]]
	run ! cuddy exec inA nslookup both.dns.podman
	run ! cuddy exec inA /probe tcp-ask "$(ip_of inB b)" 80 x
	run -0 cuddy inspect --format '{{len .NetworkSettings.Networks}} {{.NetworkSettings.Networks.b.Gateway}}' all
	[ "$output" = "3 10.210.2.1" ]
	cuddy rm -f -t 0 all inA inB
	cuddy network rm a b c
}

@test "addresses of the user's: IPv4, IPv6, MAC; taken ones and foreign ones are refused" {
	require_tun
	require_ipv6
	cuddy network create --subnet 10.211.0.0/24 --subnet fd11:22::/64 --gateway 10.211.0.254 dual
	probe_in --network dual --ip 10.211.0.77 --ip6 fd11:22::77 --mac-address 02:aa:bb:cc:dd:01 --network-alias six -- fixed tcp-echo 80
	run -0 cuddy exec fixed sh -c 'ip -o addr show eth0; ip -6 route; cat /sys/class/net/eth0/address'
	[[ "$output" == *"inet 10.211.0.77/24"*"inet6 fd11:22::77/64"*"02:aa:bb:cc:dd:01"* ]]
	[[ "$output" == *"default via fd11:22::1 dev eth0"* ]]
	run -0 cuddy inspect --format '{{with .NetworkSettings.Networks.dual}}{{.IPAddress}}/{{.IPPrefixLen}} {{.Gateway}} {{.GlobalIPv6Address}}/{{.GlobalIPv6PrefixLen}} {{.MacAddress}}{{end}}' fixed
	[ "$output" = "10.211.0.77/24 10.211.0.254 fd11:22::77/64 02:aa:bb:cc:dd:01" ]
	cuddy exec -d fixed httpd -p '[::]:8080' -h /etc
	run -0 cuddy run --rm --network dual "$IMAGE" sh -c 'nslookup -type=aaaa six; for i in $(seq 100); do wget -qO- "http://[fd11:22::77]:8080/hostname" && break; sleep 0.1; done'
	[[ "$output" == *"fd11:22::77"*"$(cuddy exec fixed cat /etc/hostname)"* ]]
	# The network that is always there, by the name that podman and docker have for it.
	net=$(cuddy network inspect podman --format '{{range .Subnets}}{{.Subnet}}{{end}}')
	run -0 cuddy run --rm --network "bridge:ip=${net%.*}.77,mac=02:aa:bb:cc:dd:09,alias=al,interface_name=lan9" "$IMAGE" \
		sh -c 'ip -o addr show lan9; cat /sys/class/net/lan9/address'
	[[ "$output" == *"inet ${net%.*}.77/"*"02:aa:bb:cc:dd:09"* ]]
	bad() { run -125 --separate-stderr cuddy run --rm --network "$1" "${@:2}" "$IMAGE" true; one_line_error 125 "$want"; }
	want='10.211.0.77' bad dual:ip=10.211.0.77
	want='no subnet' bad dual:ip=10.212.0.1
	want=gateway bad dual:ip=10.211.0.254
	for want in 10.211.0.0 10.211.0.255 fd11:22::; do bad "dual:ip=$want"; done
	want='not an address' bad dual:ip=10.211.0
	want='MAC address' bad dual:mac=01:00:00:00:00:01
	want=interface_name bad dual:interface_name=lo
	want=alias bad dual:alias=localhost
	want=unknown bad dual:nosuch=1
	want='no such network' bad nosuch
	want='named network' bad none --ip 10.211.0.5
	want='given twice' bad dual --network dual
	want='is given for networks' bad dual:interface_name=x --network podman:interface_name=x
	want=gateway bad dual:ip6=fd11:22:0:0::1
	want='one network' bad dual --network podman --ip 10.211.0.5
	[ -z "$(cuddy ps -aq --filter name=nosuch)" ]
	cuddy rm -f -t 0 fixed
	cuddy network rm dual
}

@test "network create: what a definition says is what the kernel has" {
	require_tun
	require_ipv6
	cuddy network create --subnet 10.215.0.0/24 --subnet fd00:215::/64 --gateway 10.215.0.9 --ip-range 10.215.0.64-10.215.0.65 \
		--opt mtu=1400 --opt metric=77 --route 10.7.0.0/16,10.215.0.3,7 --interface-name br-k k
	cuddy network create --subnet 10.216.0.0/24 --opt com.docker.network.bridge.name=br-l --opt no_default_route=true --disable-dns l
	cuddy network create --ipam-driver none bare
	cuddy run -d --name one --network k "$IMAGE" sleep 1000
	cuddy run -d --name two --network k "$IMAGE" sleep 1000
	run -125 --separate-stderr cuddy run --rm --network k "$IMAGE" true
	one_line_error 125 'no free address'
	[ "$(ip_of one k) $(ip_of two k)" = "10.215.0.64 10.215.0.65" ]
	run -0 cuddy exec one sh -c 'cat /sys/class/net/eth0/mtu; ip route; ip -6 route; cat /etc/resolv.conf'
	[ "${lines[0]}" = 1400 ]
	[[ "$output" == *"default via 10.215.0.9 dev eth0"*"metric 77"* ]]
	[[ "$output" == *"10.7.0.0/16 via 10.215.0.3 dev eth0"*"metric 7"* ]]
	[[ "$output" == *"default via fd00:215::1 dev eth0"*"metric 77"* ]]
	[[ "$output" == *"nameserver 10.215.0.9"* ]]
	# No default route, no names, and what connect is told.
	cuddy run -d --name srv --network l "$IMAGE" sleep 1000
	run -0 cuddy exec srv sh -c 'ip route; cat /etc/resolv.conf'
	[[ "$output" != *default* ]]
	[[ "$output" != *"nameserver 10.216."* ]]
	run -125 --separate-stderr cuddy network connect --mac-address 02:aa k srv
	one_line_error 125 'MAC address'
	run -125 --separate-stderr cuddy network connect --ip 10.215.0.64 k srv
	one_line_error 125 10.215.0.64
	cuddy network connect --ip 10.215.0.77 --ip6 fd00:215::77 --mac-address 02:aa:bb:cc:dd:07 --alias other,al k srv
	run -0 cuddy exec srv sh -c 'ip -o addr show eth1; cat /sys/class/net/eth1/address; ip route'
	[[ "$output" == *"inet 10.215.0.77/24"*"inet6 fd00:215::77/64"*"02:aa:bb:cc:dd:07"*"default via 10.215.0.9 dev eth1"* ]]
	run -0 cuddy exec one nslookup al
	[[ "$output" == *10.215.0.77* ]]
	run -0 cuddy unshare nsenter --net="/proc/$(net_pids keeper)/ns/net" ip -o addr
	[[ "$output" == *" br-k "*"inet 10.215.0.9/24"*"inet6 fd00:215::1/64"* ]]
	[[ "$output" == *" br-l "*"inet 10.216.0.1/24"* ]]
	# A network that gives no addresses is a bridge all the same.
	[ "$(cuddy network inspect bare | jq -c '.[0] | [.ipam_options.driver, .subnets, .dns_enabled]')" = '["none",null,false]' ]
	run -0 cuddy run --rm --network bare "$IMAGE" sh -c 'ip -o -4 addr show eth0; ip -o link show eth0; cat /etc/resolv.conf'
	[[ "$output" == *"UP,LOWER_UP"* && "$output" != *inet* && "$output" != *nameserver* ]]
	run -125 --separate-stderr cuddy run --rm --network bare:ip=10.1.1.1 "$IMAGE" true
	one_line_error 125 'no subnet'
	cuddy rm -f -t 0 one two srv
	cuddy network rm k l bare
}

@test "connect and disconnect: while it runs, when it does not, and a rename" {
	require_tun
	cuddy network create --subnet 10.213.1.0/24 a
	cuddy network create --subnet 10.213.2.0/24 b
	probe_in --network a -p 127.0.0.1::80 -p 127.0.0.1::81/udp -- srv tcp-echo 80
	probe_in --network b -- ask tcp-echo 80
	run ! cuddy exec ask nslookup srv.dns.podman
	cuddy network connect --alias extra --ip 10.213.2.9 --link ask:peer b srv
	[ "$(ip_of srv b)" = 10.213.2.9 ]
	for name in srv extra; do
		run -0 cuddy exec ask nslookup $name
		[[ "$output" == *"10.213.2.9"* ]]
	done
	answers ask 10.213.2.9
	# What srv calls ask is nobody else's name of it.
	run -0 cuddy exec srv nslookup peer
	[[ "$output" == *"$(ip_of ask b)"* ]]
	run ! cuddy exec ask nslookup peer.dns.podman
	# As docker on networks of users: who is linked to may come later, and is nobody until then.
	cuddy run -d --name early --network b --link late:l "$IMAGE" sleep 1000 >/dev/null
	run ! cuddy exec early nslookup l
	cuddy run -d --name late --network b "$IMAGE" sleep 1000 >/dev/null
	run -0 cuddy exec early nslookup l
	[[ "$output" == *"$(ip_of late b)"* ]]
	cuddy rm -f -t 0 early late >/dev/null
	[ "$(cuddy inspect --format '{{json .NetworkSettings.Networks.b.Links}}' srv)" = '["ask:peer"]' ]
	run -0 cuddy exec srv cat /etc/hosts
	[[ "$output" == *"10.213.1."*srv*"10.213.2.9"*srv* ]]
	# Out of the network that it came from it is still found by those outside, and finds names itself, as in none and in it again.
	port=$(cuddy port srv 80)
	is_published() { [ "$("$PROBE" tcp-ask 127.0.0.1 "${port##*:}" x 2>/dev/null)" = x ]; }
	servers() { cuddy exec "$1" sed -n 's/^nameserver //p' /etc/resolv.conf | xargs; }
	is_published
	cuddy exec -d srv /probe udp-echo 81
	exec 9<>"/dev/udp/127.0.0.1/$(cuddy port srv 81/udp | sed 's/.*://')"
	comes_back() { printf w >&9 && read -r -N 1 -t 1 line <&9 && [ "$line" = w ]; } # always from one port
	wait_until 10 comes_back
	[ "$(servers srv)" = "10.213.1.1 10.213.2.1" ]
	cuddy network disconnect a srv
	[ "$(servers srv)" = 10.213.2.1 ]
	cuddy exec srv nslookup ask
	wait_until 10 is_published
	wait_until 10 comes_back
	exec 9>&-
	cuddy network disconnect b srv
	run ! is_published
	cuddy restart -t 0 srv
	wait_log srv ready
	cuddy network connect a srv
	[ "$(servers srv)" = 10.213.1.1 ]
	wait_until 10 is_published
	cuddy network connect --alias extra --ip 10.213.2.9 --link ask:peer b srv
	# What somebody wrote there stays.
	cuddy exec ask sh -c 'echo nameserver 192.0.2.1 >/etc/resolv.conf'
	cuddy network connect a ask
	[ "$(servers ask)" = 192.0.2.1 ]
	cuddy network disconnect a ask
	cuddy exec ask sh -c 'echo nameserver 10.213.2.1 >/etc/resolv.conf'
	run -125 --separate-stderr cuddy network connect b srv
	one_line_error 125 already
	run -125 --separate-stderr cuddy network connect --ip 10.213.9.9 a ask
	one_line_error 125 subnet
	run -125 --separate-stderr cuddy network connect --link ask:a:b a ask
	one_line_error 125 "link ask:a:b"
	run -125 --separate-stderr cuddy network connect --link-local-ip 169.254.1.1 a ask
	one_line_error 125 'addresses are given with --ip'
	cuddy rename srv moved
	run -0 cuddy exec ask nslookup moved
	run ! cuddy exec ask nslookup srv.dns.podman
	cuddy network disconnect b moved
	run ! cuddy exec ask nslookup moved.dns.podman
	run ! cuddy exec moved ip link show eth1
	run -125 --separate-stderr cuddy network disconnect b moved
	one_line_error 125 'not in network'
	cuddy network disconnect -f b moved
	cuddy stop -t 0 moved
	cuddy network connect b moved
	cuddy network disconnect a moved
	cuddy start moved
	answers ask "$(ip_of moved b)"
	run -0 cuddy exec ask nslookup moved
	[ "$(cuddy ps --filter name=moved --format '{{.Networks}}')" = b ]
	cuddy rm -f -t 0 moved ask
	cuddy run -d --name plain --network none "$IMAGE" sleep 1000
	run -125 --separate-stderr cuddy network connect a plain
	one_line_error 125 'network mode'
	cuddy rm -f -t 0 plain
	cuddy network rm a b
}

@test "a restart keeps the addresses; network reload and update reach what runs" {
	require_tun
	cuddy network create --subnet 10.214.0.0/24 a
	cuddy run -d --name one --network a "$IMAGE" sleep 1000
	cuddy run -d --name two --network a "$IMAGE" sleep 1000
	local ip
	ip=$(ip_of two a)
	cuddy restart -t 0 two
	[ "$(ip_of two a)" = "$ip" ]
	run -0 cuddy exec one nslookup two
	[[ "$output" == *"$ip"* ]]
	# The gateway stays who it was while others come and go.
	for i in 1 2 3 4 5 6; do
		cuddy run --rm --network a "$IMAGE" true
		run -0 cuddy exec one nslookup two
	done
	run -0 cuddy network reload two
	[ "$output" = "$(cuddy inspect --format '{{.Id}}' two)" ]
	[ "$(cuddy network reload --all | wc -l)" = 2 ]
	[ "$(cuddy network reload --latest)" = "$(cuddy ps -alq --no-trunc)" ]
	[ "$(ip_of two a)" = "$ip" ]
	cuddy network update --dns-add 9.9.9.9 --dns-add 10.214.0.99 a
	cuddy network update --dns-drop 9.9.9.9 a
	[ "$(cuddy network inspect a | jq -c '.[0].network_dns_servers')" = '["10.214.0.99"]' ]
	run -125 --separate-stderr cuddy network update --dns-drop 9.9.9.9 a
	one_line_error 125 'no such server'
	run -125 --separate-stderr cuddy network update a
	one_line_error 125 dns-add
	cuddy rm -f -t 0 one two
	cuddy network rm a
}
