#!/usr/bin/env bats
# Two hundred rounds of three commands at random at once, most of them killed: what runs goes on, and the store is whole.
#	CUDDY_TEST_SEED=N	the same rounds again; CUDDY_TEST_STEPS=N: more of them (200)
load helpers
load registry
load crash

teardown() {
	registry_end
	test_end
}

@test "crash: two hundred random interleavings of pull, rmi, run, prune and kill -9: running containers live, the store is whole" {
	seed
	registry_begin
	push "$(image_file busybox)" team/a:1
	push "$(image_file layers12gz)" team/b:1
	pull "$REG/team/a:1"
	cuddy run -d --name up1 "$IMAGE" sleep 1000
	cuddy run -d --name up2 "$REG/team/a:1" sleep 1000
	step() {
		case $((RANDOM % 8)) in
		0 | 1) set -- pull -q --tls-verify=false "$REG/team/b:1" ;;
		2) set -- rmi -f "$REG/team/b:1" ;;
		3) set -- rmi "$REG/team/a:1" ;;
		4) set -- pull -q --tls-verify=false "$REG/team/a:1" ;;
		5) set -- run --rm --network none "$IMAGE" true ;;
		6) set -- create "$IMAGE" true ;;
		7) set -- system prune -f ;;
		esac
		"$CUDDY" "$@" >/dev/null 2>>"$WORK/err" 3>&- &
	}
	finished=0 cut=0
	for ((n = 1; n <= ${CUDDY_TEST_STEPS:-200}; n++)); do
		started=()
		for i in 1 2 3; do
			step
			started+=($!)
		done
		nap
		for p in "${started[@]}"; do [ $((RANDOM % 4)) -eq 0 ] || kill -KILL "$p" 2>/dev/null || true; done
		for p in "${started[@]}"; do
			st=0
			wait "$p" 2>/dev/null || st=$?
			case $st in
			137) cut=$((cut + 1)) ;;
			0 | 1 | 2 | 125) finished=$((finished + 1)) ;;
			*) fail "round $n: status $st" ;;
			esac
		done
		[ $((n % 50)) != 0 ] || [ "$(cuddy exec up1 echo alive)" = alive ] || fail "round $n: up1 died"
	done
	echo "$cut killed, $finished finished"
	[ "$cut" -ge $((n / 3)) ]
	[ "$finished" -ge $((n / 3)) ]
	# Whoever was not killed did its work, or said that another had taken away what it was about.
	! grep -vE '^cuddy: rmi: .*: no such image$' "$WORK/err" || fail "see above"
	transfers_end
	for c in up1 up2; do
		[ "$(cuddy exec $c echo alive)" = alive ]
	done
	whole
	pull "$REG/team/b:1"
	cuddy create --name b "$REG/team/b:1" true
	cuddy export b | tar -t >/dev/null
	cuddy ps -aq >"$WORK/all"
	whole
}
