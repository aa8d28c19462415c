#!/usr/bin/env bats
# Many containers in a network, coming and going, and changes under traffic.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { test_end; }

no_keeper() { [ ! -e "$CUDDY_RUNROOT/net/socket" ]; }

@test "stress: fifty containers in one network have addresses of their own and know each other" {
	require_tun
	cuddy network create --subnet 10.230.0.0/24 many
	seq 50 | xargs -P 6 -I{} "$CUDDY" run -d --name c{} --network many "$IMAGE" sleep 1000 >/dev/null
	[ "$(cuddy network inspect many | jq '[.[0].containers[].interfaces.eth0.subnets[0].ipnet] | unique | length')" = 50 ]
	run -0 cuddy exec c1 sh -c 'for i in $(seq 50); do nslookup c$i || echo "lost c$i"; done | grep -c "^Name:.c"; :'
	[ "$output" = 50 ]
	cuddy rm -f -t 0 -a >/dev/null
	wait_until 20 no_keeper
	cuddy network rm many
}

@test "stress: containers that come and go in two networks leave nothing" {
	require_tun
	cuddy network create --subnet 10.229.0.0/24 x
	cuddy network create --internal y
	probe_in --network x:ip=10.229.0.80 -- tcp tcp-echo 80
	probe_in --network x:ip=10.229.0.81 -- udp udp-echo 80
	come_and_go() {
		case $((RANDOM % 7)) in
		0) "$CUDDY" run --rm --network x "$IMAGE" true ;;
		1) "$CUDDY" run --rm --network x --network y "$IMAGE" true ;;
		2) "$CUDDY" run -d --rm --name "k$1" --network y "$IMAGE" sleep 1000 && "$CUDDY" kill "k$1" ;;
		3) "$CUDDY" run -d --rm --name "s$1" --network x "$IMAGE" sleep 1000 && "$CUDDY" stop -t 0 "s$1" ;;
		4) ! "$CUDDY" run --rm --network y -p 127.0.0.1::80 "$IMAGE" false ;;
		5) "$CUDDY" run -d --name "m$1" --network x "$IMAGE" sleep 1000 &&
			kill -KILL "$("$CUDDY" inspect --format '{{.State.ConmonPid}}' "m$1")" && "$CUDDY" rm -f -t 0 "m$1" ;;
		6) "$CUDDY" run --rm --network x -v "$PROBE:/probe:ro" "$IMAGE" sh -c \
			'[ "$(/probe tcp-ask 10.229.0.80 80 x)$(/probe udp-ask 10.229.0.81 80 y)" = xy ]' ;;
		esac
	}
	export -f come_and_go
	wait_until 20 has_part slirp
	cuddy run --rm --network x --network y "$IMAGE" true
	local before
	wait_until 20 eval '[ "$(keeper_holds | grep -c "^podman")" = 2 ]' # x: its device, its address
	before=$(keeper_holds)
	seq 200 | xargs -P 6 -I{} bash -c 'come_and_go {} >/dev/null 2>"$1/err{}" || { echo "{}"; cat "$1/err{}"; }' _ "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/bad"
	cat "$BATS_TEST_TMPDIR/bad"
	[ ! -s "$BATS_TEST_TMPDIR/bad" ]
	[ "$(cuddy ps -a --format '{{.Names}}' | grep -vc '^k')" = 2 ]
	[ "$(cuddy network inspect x | jq '.[0].containers | length')" = 2 ]
	# Two are left, those in y were killed or are gone: no device, rule, address, descriptor or namespace more than before.
	cuddy ps -aq --filter name=^k | xargs -r "$CUDDY" rm -f -t 0 >/dev/null
	wait_until 20 eval '[ "$(keeper_holds)" = "$before" ]' || diff <(echo "$before") <(keeper_holds)
	cuddy rm -f -t 0 -a >/dev/null
	wait_until 20 no_keeper
	cuddy run --rm --network none "$IMAGE" true # sweeps what the killed left
	wait_until 20 eval '[ "$(cd "$CUDDY_RUNROOT" && ls base net | xargs)" = "base: net: lock start.lock" ]'
	cuddy network rm x y
}

@test "stress: connect and disconnect while data flows over another network" {
	require_tun
	cuddy network create --subnet 10.231.0.0/24 a
	cuddy network create b
	probe_in --network a:ip=10.231.0.80 -- srv tcp-echo 80
	cuddy run -d --name pump --network a -v "$PROBE:/probe:ro" "$IMAGE" sh -c \
		'n=0; while [ ! -e /stop ]; do [ "$(/probe tcp-ask 10.231.0.80 80 x)" = x ] || { echo lost; exit 1; }; n=$((n+1)); done; echo done $n'
	for _ in 1 2 3 4 5 6; do
		cuddy network connect b srv
		cuddy network connect b pump
		cuddy network disconnect b srv
		cuddy network disconnect b pump
	done
	cuddy exec pump touch /stop
	wait_exited pump
	run -0 cuddy logs pump
	[[ "$output" == "done "* ]]
	(( ${output#done } > 0 ))
	cuddy rm -f -t 0 -a >/dev/null
	wait_until 20 no_keeper
	cuddy network rm a b
}

@test "stress: UDP and TCP at once, ends and resets of connections, datagrams of every size" {
	require_tun
	cuddy network create --subnet 10.228.0.0/24 z
	probe_in --network z:ip=10.228.0.80 -- tcp tcp-echo 80
	probe_in --network z:ip=10.228.0.81 -- udp udp-echo 80
	probe_in --network z:ip=10.228.0.82 -- count tcp-count 80
	probe_in --network z:ip=10.228.0.83 -- reset tcp-reset 80
	probe_in --network z:ip=10.228.0.84 -- first tcp-first 80
	run -0 cuddy run --rm --network z -v "$PROBE:/probe:ro" "$IMAGE" sh -c '
		some() { head -c "$1" /dev/zero | tr "\0" x; }
		(for i in $(seq 100); do [ "$(/probe tcp-ask 10.228.0.80 80 t$i)" = t$i ] || echo "lost t$i"; done) &
		for i in $(seq 100); do [ "$(/probe udp-ask 10.228.0.81 80 u$i)" = u$i ] || echo "lost u$i"; done
		wait
		# 1472 fills a frame, 65507 is the most there is: IP takes it apart and together.
		for n in 1 1471 1472 1473 9000 65507; do
			[ "$(/probe udp-ask 10.228.0.81 80 "$(some $n)" | wc -c)" = $n ] || echo "lost $n"
		done
		/probe tcp-ask 10.228.0.82 80 "$(some 100000)"
		/probe tcp-ask 10.228.0.83 80 x 2>&1
		/probe tcp-ask 10.228.0.84 80 "$(some 1000)"'
	[ "$output" = $'100000\nrecv: Connection reset by peer\nfirst' ]
	wait_until 20 eval '[ "$(cuddy logs first | tail -1)" = "end 1000" ]'
	cuddy rm -f -t 0 -a >/dev/null
	wait_until 20 no_keeper
	cuddy network rm z
}
