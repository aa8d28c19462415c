#!/usr/bin/env bats
# Named networks: their definitions, and containers that find each other by name.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

field() { cuddy network inspect "$1" | jq -r ".[0]$2"; }

# ---- definitions -------------------------------------------------------------------------------

@test "network create: what is not said is chosen, what is said is kept" {
	run -0 cuddy network create one
	[ "$output" = one ]
	[[ "$(field one '.subnets[0].subnet')" =~ ^10\.(89|[1-2]?[0-9]?[0-9])\.[0-9]+\.0/24$ ]]
	[ "$(field one .driver) $(field one .internal) $(field one .dns_enabled) $(field one .ipv6_enabled)" = "bridge false true false" ]
	[[ "$(field one .id)" =~ ^[0-9a-f]{64}$ ]]
	cuddy network create --subnet 10.201.0.0/16 --gateway 10.201.9.9 --ip-range 10.201.4.0/24 --internal --disable-dns \
		--label a=b --opt mtu=1400 --opt isolate=true --dns 9.9.9.9 --route 10.7.0.0/16,10.201.0.3,7 --interface-name br-x two
	run -0 cuddy network inspect two
	jq -e '.[0] | .subnets[0] == {subnet:"10.201.0.0/16",gateway:"10.201.9.9",lease_range:{start_ip:"10.201.4.1",end_ip:"10.201.4.255"}}
		and .internal and (.dns_enabled|not) and .labels.a == "b" and .options == {mtu:"1400",isolate:"true"}
		and .network_dns_servers == ["9.9.9.9"] and .network_interface == "br-x"
		and .routes == [{destination:"10.7.0.0/16",gateway:"10.201.0.3",metric:7}]' <<<"$output"
	cuddy network create --ipv6 six
	[ "$(field six .ipv6_enabled) $(field six '.subnets | length')" = "true 2" ]
	cuddy network create --subnet 10.202.0.0/24 --subnet fd12:3456::/64 dual
	[ "$(field dual '.subnets[1].gateway') $(field dual .ipv6_enabled)" = "fd12:3456::1 true" ]
	[ "$(cuddy network inspect --format '{{.Name}} {{.Driver}} {{.Internal}}' two)" = "two bridge true" ]
	[ "$(cuddy network inspect --format '{{range .Subnets}}{{.Subnet}} {{end}}' two)" = "$(cuddy network inspect two | jq -r '.[0].subnets[].subnet + " "' | tr -d '\n')" ]
	[ "$(field "$(field one .id | cut -c1-12)" .name)" = one ]
	# Without a name it is called as its device is: the first that neither a network nor a device has.
	[ "$(field one .network_interface) $(field dual .network_interface)" = "podman1 podman3" ]
	cuddy network create --interface-name podman4 device
	cuddy network create --interface-name br-y podman5
	[ "$(cuddy network create)" = podman6 ]
	[ "$(field podman6 .name) $(field podman6 .network_interface)" = "podman6 podman6" ]
	cuddy network rm one device
	[ "$(cuddy network create --interface-name br-z)" = podman1 ]
	[ "$(field podman1 .network_interface)" = br-z ]
	cuddy network rm two six dual podman1 podman5 podman6
}

@test "network create: what cannot be is one line, and nothing was made" {
	local before
	cuddy network create --subnet 10.203.0.0/24 there
	before=$(cuddy network ls -q)
	refused() { run -125 --separate-stderr cuddy network create "$@"; one_line_error 125 "${want:-}"; }
	want='already in use' refused there
	want='another network' refused --subnet 10.203.0.128/25 x
	want=subnet refused --subnet 10.203.1.0 x
	want=prefix refused --subnet 10.203.1.0/31 x
	want=gateway refused --subnet 10.204.0.0/24 --gateway 10.205.0.1 x
	want=ip-range refused --subnet 10.204.0.0/24 --ip-range 10.204.1.0/24 x
	want=device refused -d macvlan x
	want=unknown refused -d nosuch x
	want='reaches no server' refused --ipam-driver dhcp x
	want='unknown' refused --ipam-driver nosuch x
	want='networks with addresses' refused --ipam-driver none --subnet 10.204.0.0/24 x
	local opt
	for opt in vrf=x parent=eth0 bclim=1 mode=unmanaged host_interface_name=x \
		com.docker.network.bridge.{gateway_mode_ipv4=routed,trusted_host_interfaces=eth0}; do
		want='device of the host' refused --opt $opt x
	done
	want='bridge of its own' refused --opt vlan=5 x
	want='interface_name=' refused --opt com.docker.network.container_iface_prefix=net x
	for opt in --ingress --config-only --config-from=there --scope=global; do want=swarm refused $opt x; done
	want='IPv4 address' refused --opt com.docker.network.bridge.host_binding_ipv4=::1 x
	for opt in enable_icc enable_ip_masquerade; do
		want='true or false' refused --opt com.docker.network.bridge.$opt=maybe x
	done
	want='not supported' refused --ipam-opt a=b x
	want='NAME=IP' refused --aux-address 10.204.0.5 x
	want='none of the subnets' refused --subnet 10.204.0.0/24 --aux-address a=10.205.0.5 x
	want='the gateway' refused --subnet 10.204.0.0/24 --aux-address a=10.204.0.1 x
	want='without --ipv6' refused --ipv4=false x
	want='subnet of it is named' refused --ipv4=false --ipv6 --subnet 10.204.0.0/24 x
	want='has 10.204.0.7 already' refused --subnet 10.204.0.0/24 --gateway 10.204.0.7 --gateway 10.204.0.8 x
	want=mtu refused --opt mtu=abc x
	want='true, false or strict' refused --opt isolate=maybe x
	want=unknown refused --opt nosuch=1 x
	want='IP address' refused --dns example.com x
	want=route refused --route 10.0.0.0/8 x
	want='none of the subnets' refused --subnet 10.204.0.0/24 --route 10.7.0.0/16,10.205.0.3 x
	want='the gateway' refused --subnet fd12:3456::/64 --aux-address a=fd12:3456:0:0::1 x
	want=device refused --interface-name 'a b' x
	want='means something else' refused host
	want=names refused '../x'
	cuddy network create --ignore --attachable --scope local there
	[ "$(cuddy network ls -q)" = "$before" ]
	cuddy network rm there
}

@test "network inspect and ls: field by field what podman prints, as JSON and through templates" {
	require_program podman
	local dir store pm=() of i f fields
	dir=$(mktemp -d /tmp/cnp-XXXXXX) # short paths, and nothing of the user's own
	mkdir -m 0700 "$dir/run" "$dir/home"
	pm=(env "XDG_RUNTIME_DIR=$dir/run" "HOME=$dir/home" podman --root "$dir/root" --runroot "$dir/rr" --storage-driver vfs
		--network-config-dir "$dir/nets" --cgroup-manager cgroupfs --events-backend none)
	both() { "${pm[@]}" network "$@" >"$dir/theirs" 2>"$dir/err" || { cat "$dir/err"; return 1; }; cuddy network "$@" >"$dir/ours"; }
	both create --subnet 10.201.0.0/16 --gateway 10.201.9.9 --ip-range 10.201.4.0/24 --internal --label a=b --opt mtu=1400 p-two
	both create --subnet 10.202.0.0/24 --subnet fd12:3456::/64 --disable-dns p-dual
	# What is chosen anew for each: ids, times, numbers of devices.
	same='walk(if type == "object" then (if has("id") then .id |= (length | tostring) else . end) |
		(if has("created") then .created |= test("^20..-..-..T..:..:..[.][0-9]+Z$") else . end) | del(.network_interface, .containers) else . end)'
	alike() {
		both "$@"
		diff <(jq -S "$same" "$dir/theirs") <(jq -S "$same" "$dir/ours")
	}
	alike inspect p-two p-dual
	alike inspect --format json p-two
	alike inspect --format '{{json .}}' p-two
	alike ls --format json --filter name=p-
	for f in '{{json .Subnets}}' '{{.Labels}} {{.Options}} {{.IPAMOptions}}' '{{json .Options}}' '{{.Name}} {{.Driver}} {{.IPv6Enabled}} {{.Internal}} {{.DNSEnabled}}' \
		'{{range .Subnets}}{{.Subnet}} {{.Gateway}};{{end}}' '{{with index .Subnets 0}}{{with .LeaseRange}}{{.StartIP}}-{{.EndIP}}{{end}}{{end}}'; do
		both inspect --format "$f" p-two p-dual
		diff "$dir/theirs" "$dir/ours"
	done
	for f in '{{.Name}} {{.Driver}} {{.Labels}} {{.Options}} {{.DNSEnabled}}' '{{.Name}} {{json .Subnets}}'; do
		both ls --filter name=p- --format "$f"
		diff "$dir/theirs" "$dir/ours"
	done
	both inspect --format '{{.Created}}' p-two
	for f in theirs ours; do [[ "$(<"$dir/$f")" =~ ^20[0-9-]+\ [0-9:]{8}\.[0-9]{1,9}\ \+0000\ UTC$ ]]; done
	both ls --filter name=p-
	diff <(sed 's/^[0-9a-f]\{12\}/ID/; s/  */ /g' "$dir/theirs") <(sed 's/^[0-9a-f]\{12\}/ID/; s/  */ /g' "$dir/ours")
	[ "$(cuddy network inspect -v p-two)" = "$(cuddy network inspect p-two)" ]
	"${pm[@]}" system migrate 2>/dev/null # ends its pause process
	unshare --user --map-auto --map-root-user rm -rf "$dir"
	cuddy network rm p-two p-dual
}

@test "network ls, exists, rm, prune" {
	local name
	cuddy network create --label keep=yes alpha
	cuddy network create beta
	run -0 cuddy network ls
	[[ "${lines[0]}" == "NETWORK ID"*NAME*DRIVER* ]]
	[[ "$output" == *alpha*beta*podman* ]]
	[ "$(cuddy network ls -q --filter label=keep)" = alpha ]
	[ "$(cuddy network ls -q --filter type=custom | xargs) $(cuddy network ls -q --filter type=builtin --filter scope=local)$(cuddy network ls -q --filter scope=swarm)" = "alpha beta podman" ]
	[ "$(cuddy network ls --filter name=^bet --format '{{.Name}} {{.Driver}}')" = "beta bridge" ]
	[ "$(cuddy network ls --format json | jq -r '[.[].name] | join(" ")')" = "alpha beta podman" ]
	[ "$(cuddy network list -q --filter driver=bridge --filter "id=$(field alpha .id | cut -c1-20)")" = alpha ]
	[ -z "$(cuddy network ls -q --filter driver=macvlan)" ]
	[ "$(cuddy network ls -q --filter until=1h)" = podman ] # which has always been there
	[ "$(cuddy network ls -q --filter until=0s | xargs)" = "alpha beta podman" ]
	for bad in until=x dangling=x type=x x=y x; do
		run -125 --separate-stderr cuddy network ls --filter $bad
		one_line_error 125 "filter '$bad'"
	done
	cuddy network exists alpha
	run -1 cuddy network exists nosuch
	cuddy create --name user --network beta "$IMAGE" true
	[ "$(cuddy network ls -q --filter dangling=false | xargs)" = "beta podman" ]
	local id want
	id=$(field beta .id)
	for want in beta "$id" "${id:0:12}"; do
		[ "$(cuddy ps -a --filter "network=$want" --format '{{.Names}} {{.Networks}}')" = "user beta" ]
	done
	for want in bridge podman bet "${id:0:11}" host; do [ -z "$(cuddy ps -aq --filter "network=$want")" ]; done
	[ "$(cuddy network ls -q --filter dangling=true)" = alpha ]
	[ "$(cuddy network ls --filter label=keep --format '{{.Labels}} {{.Label "keep"}} {{range .Subnets}}{{.Gateway}}{{end}} {{.Options}}')" = \
		"keep=yes yes $(field alpha '.subnets[0].gateway') map[]" ]
	[ "$(cuddy network ls --format '{{range .}}{{.Name}},{{end}}')" = "alpha,beta,podman," ]
	[ "$(cuddy network ls --noheading | wc -l) $(cuddy network ls --no-trunc | grep -c '^[0-9a-f]\{64\} ')" = "3 3" ]
	run -2 cuddy network rm beta
	[[ "$output" == *"used by user"* ]]
	run -1 cuddy network rm nosuch
	cuddy network rm -f nosuch
	run -2 cuddy network rm podman
	run -0 cuddy network prune -f --filter label!=keep
	[ -z "$output" ]
	run -0 cuddy network prune -f --filter until=1h
	[ -z "$output" ]
	run -0 cuddy network prune -f --filter label=keep=yes
	[ "$output" = alpha ]
	cuddy network create gamma
	run -0 --separate-stderr cuddy network prune <<<n
	[[ -z "$output" && "$stderr" == *gamma* ]]
	[ "$(cuddy network prune <<<y)" = gamma ]
	cuddy network create gamma
	[ "$(cuddy network remove gamma)" = gamma ]
	run -125 --separate-stderr cuddy network rm -t 0 beta
	one_line_error 125 '--time goes with --force'
	# Hears no SIGTERM, and would be given ten minutes.
	cuddy run -d --network beta --stop-timeout 600 "$IMAGE" sleep 1000
	timeout 60 "$CUDDY" network rm -f --time 0 beta
	[ -z "$(cuddy ps -aq)" ]
	[ "$(cuddy network ls -q)" = podman ]
}

# ---- containers in a network ---------------------------------------------------------------------

@test "a container in a network has an address, a route and names; others find it by name, alias and id" {
	require_tun
	cuddy network create app
	cuddy run -d --name web --network app --network-alias www --hostname front "$IMAGE" sh -c 'echo hello >i; httpd -f -p 80 -c /dev/null -h /'
	run -0 cuddy exec web sh -c 'ip -o -4 addr show eth0; ip route; cat /etc/resolv.conf; cat /etc/hosts'
	local ip gw
	ip=$(cuddy inspect --format '{{.NetworkSettings.Networks.app.IPAddress}}' web)
	gw=$(field app '.subnets[0].gateway')
	[[ "$output" == *"inet $ip/24"* ]]
	[[ "$output" == *"default via $gw dev eth0"* ]]
	[[ "$output" == *"nameserver $gw"* ]]
	[[ "$output" == *"search dns.podman"* ]]
	grep -q "^$ip.front web\$" <<<"$output"
	[ "$(field app '.containers[].name')" = web ]
	[ "$(field app '.containers[].interfaces.eth0.subnets[0].ipnet')" = "$ip/24" ]
	for name in web www WEB.dns.podman front "$(cuddy inspect --format '{{.Id}}' web | cut -c1-12)"; do
		[ "$(cuddy run --rm --network app "$IMAGE" wget -qO- "http://$name/i")" = hello ]
	done
	[ "$(cuddy run --rm --network app --link web:backend "$IMAGE" wget -qO- http://backend/i)" = hello ]
	run ! cuddy exec web nslookup backend.dns.podman
	run -0 cuddy run --rm --network app "$IMAGE" nslookup "$ip"
	[[ "$output" == *"name = web"* ]]
	cuddy rm -f -t 0 web
	# Whoever hears of the end finds the name gone: by rm, by stop, and by the end of its command.
	cuddy run -d --name stays --network app "$IMAGE" sleep 1000
	local i
	for i in 1 2 3 4 5; do
		cuddy run -d --name web --network app "$IMAGE" sleep 1000
		cuddy exec stays nslookup web.dns.podman >/dev/null
		case $i in
		1 | 2) cuddy rm -f -t 0 web ;;
		3) cuddy stop -t 0 web ;;
		4) cuddy kill web && cuddy wait web ;;
		5) cuddy rm -f -t 0 web && cuddy run --rm --name web --network app "$IMAGE" true ;;
		esac
		run ! cuddy exec stays nslookup web.dns.podman
		cuddy rm -f -i -t 0 web
	done
	cuddy rm -f -t 0 stays
	cuddy network rm app
}

@test "a network leads outside, to the host's address; published ports lead in" {
	require_tun
	ip route get 203.0.113.1 >/dev/null 2>&1 || lacks "no route to anywhere"
	cuddy network create app
	local port
	port=$(free_port)
	probe_on_host tcp-echo "$port"
	run -0 in_container --network app "$IMAGE" sh -c \
		'/probe tcp-ask $(sed -n "s/^\(.*\)\t.*host.containers.internal.*/\1/p" /etc/hosts) '"$port"' hello'
	[ "$output" = hello ]
	end_host_probe
	# Datagrams that fill the bridge's frame, and those that are taken apart on the way.
	probe_on_host udp-echo "$port"
	run -0 in_container --network app "$IMAGE" sh -c '
		host=$(sed -n "s/^\(.*\)\t.*host.containers.internal.*/\1/p" /etc/hosts)
		for n in 1 1472 1473 9000 65507; do /probe udp-ask $host '"$port"' "$(head -c $n /dev/zero | tr "\0" x)" | wc -c; done'
	[ "$(xargs <<<"$output")" = "1 1472 1473 9000 65507" ]
	end_host_probe
	port=$(free_port)
	probe_in -p "127.0.0.1:$port:80" --network app -- srv tcp-echo 80
	[ "$("$PROBE" tcp-ask 127.0.0.1 "$port" ping)" = ping ]
	cuddy rm -f -t 0 srv
	cuddy network rm app
}

@test "networks are apart, unless both are open" {
	require_tun
	local ip
	cuddy network create a
	cuddy network create b
	cuddy network create --opt isolate=false oa
	cuddy network create --opt isolate=false ob
	probe_in --network a -- srv tcp-echo 80
	ip=$(cuddy inspect --format '{{.NetworkSettings.IPAddress}}' srv)
	[ "$(in_container --network a "$IMAGE" /probe tcp-ask "$ip" 80 x)" = x ]
	run ! in_container --network b "$IMAGE" /probe tcp-ask "$ip" 80 x
	run ! cuddy run --rm --network b "$IMAGE" nslookup srv.dns.podman
	probe_in --network oa -- open tcp-echo 80
	ip=$(cuddy inspect --format '{{.NetworkSettings.IPAddress}}' open)
	[ "$(in_container --network ob "$IMAGE" /probe tcp-ask "$ip" 80 x)" = x ]
	run ! in_container --network b "$IMAGE" /probe tcp-ask "$ip" 80 x
	cuddy rm -f -t 0 srv open
	cuddy network rm a b oa ob
}
