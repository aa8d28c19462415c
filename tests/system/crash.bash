# Killing at random, and what must be true afterwards. Shared by the tests of what a crash does to the store.

kill9() { # kill9 PID: with all it started
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}
nap() { sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"; }
seed() { # so that a failure can be had again
	RANDOM=${CUDDY_TEST_SEED:=$$}
	echo "CUDDY_TEST_SEED=$CUDDY_TEST_SEED"
}
transfers_end() { wait_until 20 no_transfers; }
no_transfers() { ! pgrep -u "$(id -u)" -P 1,"$CUDDY_REAPER","$BASHPID" -f '^[^ ]*cuddy-transfer'; }
whole() {
	run cuddy system check "$@"
	[ "$status" -eq 0 ] && [ -z "$output" ] || fail "$output"
}
pull() { cuddy pull -q --tls-verify=false "$1" >/dev/null; }
