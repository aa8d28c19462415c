#!/usr/bin/env bats
# After a power cut in the middle of tests/vm/workload: what it had done is there, and nothing else is broken.
load ../system/helpers

setup() {
	export PATH=$HOME/.local/bin:$PATH
	unset CUDDY_ROOT CUDDY_RUNROOT CUDDY
}
teardown() { :; }
cuddy() { command cuddy "$@"; }

@test "the power was cut while things were done" {
	for what in container ran image volume imported running service secret pulled; do
		grep -q "^did: $what " said || fail "nothing of $what"
	done
}

@test "the home that was there at the end: whole, nothing lost, what was removed is gone, all can go on" {
	run -0 tests/vm/aftercut said
	[ -z "$output" ]
	run -0 cuddy start --all --filter should-start-on-boot=true
	[ "$(cuddy inspect --format '{{.State.Running}}' always)" = true ]
	cuddy rm -f -t 0 always
}

@test "the service is back by itself, with its volume" {
	wait_until 60 systemctl --user -q is-active back.service
	[ "$(cuddy inspect --format '{{.State.Running}} {{index .Config.Labels "PODMAN_SYSTEMD_UNIT"}}' systemd-back)" = "true back.service" ]
	cuddy volume exists systemd-back
	systemctl --user stop back.service
	run -1 cuddy container exists systemd-back
}
