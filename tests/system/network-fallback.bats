#!/usr/bin/env bats
# What a host lacks is taken away in a mount namespace: each time what is possible works, the rest is one line.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

no_keeper() { [ ! -e "$CUDDY_RUNROOT/net/socket" ]; }
library=$(ldconfig -p | sed -n 's/.*libnftables.so.1 .*=> //p' | head -n 1)

# without WHAT... -- CUDDY ARGUMENTS...: with devices or nothing in the places of these
without() {
	local hide=
	while [ "$1" != -- ]; do
		case $1 in
		slirp4netns | pasta) hide+="for f in /usr/bin/$1 /usr/local/bin/$1; do [ ! -e \$f ] || mount --bind /dev/null \$f; done; " ;;
		tun) hide+='mount -t tmpfs none /dev/net; ' ;;
		nftables) hide+="mount --bind /dev/null $(readlink -f "$library"); " ;;
		esac
		shift
	done
	shift
	"$CUDDY" unshare sh -euc "$hide"'exec "$@"' sh "$CUDDY" "$@"
}
refused_without() { # refused_without WORDS WHAT... -- ARGUMENTS...
	local words=$1
	shift
	run -125 --separate-stderr without "$@"
	one_line_error 125 "$words"
}

@test "fallback: without slirp4netns pasta serves, without pasta slirp4netns, without both one line says so" {
	require_tun
	[ -x /usr/bin/pasta ] || skip "pasta is not installed"
	local all=$'1\n1' sh='ip -o link | grep -vc " lo: "; grep -c nameserver /etc/resolv.conf'
	run -0 --separate-stderr without slirp4netns -- run --rm "$IMAGE" sh -c "$sh"
	[ "$output" = "$all" ]
	[ -z "$stderr" ]
	run -0 without slirp4netns -- run --rm --network none "$IMAGE" true
	refused_without 'slirp4netns is not installed; as root: apt-get' slirp4netns -- run --rm --network slirp4netns "$IMAGE" true
	run -0 --separate-stderr without pasta -- run --rm "$IMAGE" sh -c "$sh"
	[ "$output" = "$all" ]
	[ -z "$stderr" ]
	refused_without 'pasta is not installed; as root: apt-get' pasta -- run --rm --network pasta "$IMAGE" true
	refused_without 'neither slirp4netns nor pasta' slirp4netns pasta -- run --rm "$IMAGE" true
	run -0 without slirp4netns pasta -- run --rm --network host "$IMAGE" true
	run -0 without slirp4netns pasta -- run --rm --network none "$IMAGE" true
}

@test "fallback: pasta is the way out of networks without slirp4netns, or when containers.conf says so" {
	require_tun
	[ -x /usr/bin/pasta ] || skip "pasta is not installed"
	ip route get 203.0.113.1 >/dev/null 2>&1 || lacks "no route to anywhere"
	local host port how pasta
	host=$(ip -o route get 203.0.113.1 | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	port=$(free_port)
	probe_on_host udp-echo "$port"
	printf '[network]\ndefault_rootless_network_cmd = "pasta"\n' >"$WORK/pasta.conf"
	gets() { [ "$(cuddy exec srv /probe udp-ask "$host" "$port" x 2>/dev/null)" = x ]; }
	uplinks() { pids_here -f '^/usr/bin/pasta .*--ns-ifname tap0'; }
	cuddy network create app
	for how in missing configured; do
		set -- run -d --name srv --network app -v "$PROBE:/probe:ro" "$IMAGE" sleep 1000
		if [ $how = missing ]; then
			run -0 --separate-stderr without slirp4netns -- "$@"
		else
			CONTAINERS_CONF=$WORK/pasta.conf run -0 --separate-stderr cuddy "$@"
		fi
		[ -z "$stderr" ]
		wait_until 20 gets
		wait_until 20 eval '[ "$(uplinks | wc -l)" = 1 ]'
		cuddy exec srv nslookup srv
		# threats: N01, what listens everywhere on the host is not reached as its loopback.
		run cuddy exec srv /probe udp-ask 10.0.2.2 "$port" x
		[ "$output" != x ]
		pasta=$(uplinks)
		kill -KILL "$pasta"
		wait_until 20 eval '[ -n "$(uplinks)" ] && [ "$(uplinks)" != "$pasta" ]'
		wait_until 20 gets
		cuddy rm -f -t 0 srv
		wait_until 20 no_keeper
		wait_until 20 eval '! uplinks'
	done
	[ "$(CONTAINERS_CONF=$WORK/pasta.conf cuddy run --rm "$IMAGE" sh -c 'ls /sys/class/net | grep -c tap0')" = 0 ]
	printf '[network]\ndefault_rootless_network_cmd = "other"\n' >"$WORK/other.conf"
	CONTAINERS_CONF=$WORK/other.conf run -125 --separate-stderr cuddy run --rm "$IMAGE" true
	one_line_error 125 'slirp4netns or pasta'
	cuddy network rm app
}

@test "fallback: without /dev/net/tun there is a line that mends it, and networks without a way out" {
	require_tun
	refused_without '/dev/net/tun is missing; as root: modprobe tun' tun -- run --rm "$IMAGE" true
	run -0 without tun -- run --rm --network none "$IMAGE" true
	cuddy network create app
	run -0 --separate-stderr without tun -- run -d --name srv --network app "$IMAGE" sleep 1000
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == *'networks have no way out: /dev/net/tun is missing'* ]]
	run -0 without tun -- run --rm --network app "$IMAGE" nslookup srv
	[[ "$output" == *"Address: $(cuddy inspect --format '{{.NetworkSettings.Networks.app.IPAddress}}' srv)"* ]]
	cuddy rm -f -t 0 srv
	wait_until 20 no_keeper
	cuddy network rm app
}

@test "fallback: without nftables networks are islands with names, and an allow-list is refused" {
	require_tun
	[ -n "$library" ]
	cuddy network create app
	run -0 --separate-stderr without nftables -- run -d --name srv --network app "$IMAGE" sleep 1000
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == *'no way out, since filters cannot be set: libnftables'* ]]
	run -0 without nftables -- run --rm --network app "$IMAGE" nslookup srv
	run ! without nftables -- run --rm --network app -v "$PROBE:/probe:ro" "$IMAGE" timeout 20 /probe tcp-ask 10.0.2.2 1 x
	refused_without '--egress: libnftables' nftables -- run --rm --network app --egress allow=10.0.0.1 "$IMAGE" true
	cuddy rm -f -t 0 srv
	wait_until 20 no_keeper
	cuddy network rm app
}
