#!/usr/bin/env bats
# What keeps named networks may be killed, each part in any order: running containers come back to their
# addresses, and nothing is left when the last is gone.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
standing=
teardown() {
	[ -z "$standing" ] || kill -CONT "$standing" || true # a test that failed
	test_end
}

ip_of() { cuddy inspect --format '{{.NetworkSettings.IPAddress}}' "$1"; }
answers() { [ "$(cuddy exec "$1" /probe tcp-ask "$2" 80 x 2>/dev/null)" = x ]; }
knows() { cuddy exec "$1" nslookup "$2" 2>/dev/null | grep -q "$3"; }

@test "killed: the keeper's first process, the keeper, slirp4netns, the server of names" {
	require_tun
	cuddy network create --subnet 10.220.0.0/24 a
	cuddy network create --subnet 10.221.0.0/24 --internal b
	probe_in --network a --network b -- srv tcp-echo 80
	probe_in --network b -- other tcp-echo 80
	probe_in --network a -- ask tcp-echo 80
	local ip part old
	ip=$(ip_of srv)
	for part in first keeper slirp names; do
		wait_until 20 has_part "$part"
		old=$(net_pids "$part" | head -1)
		kill -KILL "$old"
		wait_until 20 knows ask srv "$ip"
		wait_until 20 answers ask "$ip"
		wait_until 20 answers srv "$(ip_of other)"
		wait_until 20 has_part "$part"
		[ "$(net_pids "$part" | head -1)" != "$old" ]
		[ "$(ip_of srv)" = "$ip" ]
		cuddy run --rm --network a "$IMAGE" nslookup srv
	done
	# An end waits until the keeper has forgotten the name, but for one that hangs it does not wait forever.
	standing=$(net_pids keeper)
	kill -STOP "$standing"
	timeout 20 "$CUDDY" rm -f -t 0 other
	kill -CONT "$standing"
	standing=
	wait_until 20 eval '! cuddy exec srv nslookup other.dns.podman >/dev/null 2>&1'
	cuddy rm -f -t 0 srv ask
	for part in first keeper slirp names; do wait_until 20 no_part $part; done
	[ "$(cd "$CUDDY_RUNROOT" && ls net | xargs)" = "lock start.lock" ]
	cuddy network rm a b
}

@test "killed: what serves one container's network and its ports is there again, with the same rules" {
	require_tun
	local mode modes=("slirp4netns slirp4netns") name port old words
	[ ! -x /usr/bin/pasta ] || modes+=("pasta:-a,10.9.8.7,-n,24,-g,10.9.8.1 pas")
	of() { # of COMM-PREFIX: below the monitor of c
		local p
		for p in $(cat "/proc/$(conmon_pid c)/task/"*/children); do
			[[ "$(cat "/proc/$p/comm")" != "$1"* ]] || echo "$p"
		done
	}
	another() { [ -n "$(of "$1")" ] && [ "$(of "$1")" != "$2" ]; }
	comes_back() { [ "$("$PROBE" tcp-ask 127.0.0.1 "$1" x 2>/dev/null)" = x ]; }
	has_address() { cuddy exec c ip -o -4 addr show up | grep -v ' lo ' | grep -q inet; }
	for mode in "${modes[@]}"; do
		name=${mode#* }
		probe_in --network "${mode% *}" -p 127.0.0.1::7 -- c tcp-echo 7
		port=$(cuddy port c 7/tcp)
		port=${port##*:}
		old=$(of "$name")
		words=$(tr '\0' '\n' <"/proc/$old/cmdline" | grep -c '^--enable-s\|^--disable-host\|^--no-map-gw')
		kill -KILL "$old"
		wait_until 20 another "$name" "$old"
		wait_until 20 has_address
		[ "$(tr '\0' '\n' <"/proc/$(of "$name")/cmdline" | grep -c '^--enable-s\|^--disable-host\|^--no-map-gw')" = "$words" ]
		wait_until 20 comes_back "$port"
		# Also a port that was added meanwhile; both dead at once.
		cuddy update --publish-add 127.0.0.1::7 c >/dev/null
		old=$(of cuddy-proxy)
		kill -KILL "$old" "$(of "$name")"
		wait_until 20 another cuddy-proxy "$old"
		for port in $(cuddy port c | sed 's/.*://'); do wait_until 20 comes_back "$port"; done
		[ "$(cuddy port c | wc -l)" = 2 ]
		cuddy stop -t 0 c
		cuddy rm c
	done
}

@test "killed: a monitor's addresses are free at once, and names are gone" {
	require_tun
	cuddy network create --subnet 10.222.0.0/29 tiny
	probe_in --network tiny -- ask tcp-echo 80
	local i
	for i in 1 2 3; do
		cuddy run -d --name c --network tiny --ip 10.222.0.5 "$IMAGE" sleep 1000
		kill -KILL "$(conmon_pid c)"
		wait_exited c
		cuddy rm c
	done
	wait_until 20 sh -c "! '$CUDDY' exec ask nslookup c.dns.podman"
	# Five are left of eight: network, gateway and broadcast are nobody's.
	for i in 1 2 3 4; do cuddy run -d --name "f$i" --network tiny "$IMAGE" sleep 1000; done
	run -125 --separate-stderr cuddy run --rm --network tiny "$IMAGE" true
	one_line_error 125 'no free address'
	kill -KILL "$(conmon_pid f1)" "$(conmon_pid f2)" "$(net_pids first)"
	cuddy run --rm --network tiny "$IMAGE" true
	cuddy rm -f -t 0 -a
	wait_until 20 no_part first
	cuddy network rm tiny
}

# Inodes of the base namespaces that living processes offer.
bases() {
	local f
	for f in "$CUDDY_RUNROOT/base/"*; do
		flock -n "$f" true 2>/dev/null || awk 'NR == 1 { print $3 }' "$f"
	done | sort -u
}
one_base() { [ "$(bases | wc -l)" = 1 ]; }
monitor_of() { # also of one that cuddy does not know of yet
	pgrep -o -u "$(id -u)" -f "^cuddy-conmon monitor $(cuddy inspect --format '{{.Id}}' "$1")"
}
stands_still() { grep -q '^State:.T' "/proc/$(monitor_of "$1")/status"; }

@test "killed: who starts while the last monitor is killed shares the base namespace with all who come" {
	require_tun
	cuddy network create x
	local base starts keeper
	cuddy run -d --name first --network x "$IMAGE" sleep 1000
	base=$(bases)
	one_base
	# One that found its namespace by a monitor that is no more, and is no candidate itself yet.
	CUDDY_STOP_AT=0 "$CUDDY" run -d --name slow --network x "$IMAGE" sleep 1000 >"$WORK/slow" 2>&1 3>&- &
	starts=$!
	wait_until 20 stands_still slow
	standing=$(monitor_of slow)
	kill -KILL "$(conmon_pid first)"
	wait_exited first
	wait_until 20 no_part first
	cuddy run -d --name later --network x "$IMAGE" sleep 1000
	[ "$(bases)" = "$base" ]
	kill -CONT "$standing"
	wait "$starts" || { cat "$WORK/slow"; return 1; }
	cuddy exec later nslookup slow
	# And by the keeper, when all the monitors are killed before it has heard of it.
	keeper=$(net_pids keeper)
	standing=$keeper
	kill -STOP "$keeper"
	kill -KILL "$(conmon_pid slow)" "$(conmon_pid later)"
	wait_exited slow
	wait_exited later
	[ "$(bases)" = "$base" ]
	cuddy run --rm --network none "$IMAGE" true
	[ "$(bases)" = "$base" ]
	kill -CONT "$keeper"
	cuddy rm -f -t 0 -a
	wait_until 20 no_part first
	cuddy network rm x
	[ -z "$(bases)" ]
}

@test "killed: what offers a base namespace leaves no file when it ends, and those of the killed are swept" {
	cuddy run -d --name stays --network none "$IMAGE" sleep 1000
	local i
	for i in 1 2 3; do cuddy run --rm --network none "$IMAGE" true; done
	[ "$(ls "$CUDDY_RUNROOT/base" | wc -l)" = 1 ]
	for i in $(seq 200); do : >"$CUDDY_RUNROOT/base/4000$i"; done
	cuddy run --rm --network none "$IMAGE" true
	[ "$(ls "$CUDDY_RUNROOT/base")" = "$(conmon_pid stays)" ]
	cuddy rm -f -t 0 stays
}

@test "killed: what keeps networks ends with the last container, also when the runtime directory went before" {
	require_tun
	local parts
	cuddy network create gone
	cuddy run -d --name c --network gone "$IMAGE" sleep 1000
	parts=$(net_pids first; net_pids keeper; net_pids slirp; net_pids names)
	[ "$(wc -w <<<"$parts")" -ge 4 ]
	# A server of names that hangs holds nobody when nobody is left to ask it.
	standing=$(net_pids names)
	kill -STOP "$standing"
	rm -rf "$CUDDY_RUNROOT/net"
	cuddy rm -f -t 0 c
	all_ended() { ! kill -0 $parts 2>/dev/null; }
	wait_until 5 all_ended
	standing=
	cuddy run --rm --network gone "$IMAGE" true
	cuddy network rm gone
}
