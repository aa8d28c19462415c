#!/usr/bin/env bats
# After a power cut in the middle of tests/vm/workload: what it had done is there, and nothing else is broken.
load ../system/helpers

setup() {
	export PATH=$HOME/.local/bin:$PATH
	unset CUDDY_ROOT CUDDY_RUNROOT CUDDY
}
teardown() { :; }
did() { sed -n "s/^$1 //p" did; }
cuddy() { command cuddy "$@"; }

@test "the power was cut while things were done" {
	[ "$(wc -l <did)" -ge 15 ]
	for what in container ran image volume imported running service secret; do
		[ -n "$(did $what)" ] || fail "nothing of $what"
	done
}

@test "the store is whole" {
	run cuddy system check
	echo "$output"
	[ "$status" -eq 0 ]
	run -0 cuddy ps -a
	run -0 cuddy images
	run -0 cuddy system df
}

@test "nothing that was said to be done is lost" {
	removed=$(did removed)
	for c in $(did container); do
		grep -qx "$c" <<<"$removed" && continue
		cuddy container exists "$c" || fail "$c is gone"
	done
	for c in $(did ran); do
		grep -qx "$c" <<<"$removed" && continue
		[ "$(cuddy inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$c")" = "exited 0" ] || cuddy inspect --format '{{json .State}}' "$c"
	done
	untagged=$(did untagged)
	while read -r image content; do
		grep -qx "$image" <<<"$untagged" && continue
		[ "$(cuddy run --rm --network none "$image" cat /made)" = "$content" ]
	done < <(did image)
	while read -r volume content; do
		[ "$(cuddy run --rm --network none -v "$volume:/v" localhost/busybox cat /v/f)" = "$content" ]
	done < <(did volume)
	for s in $(did secret); do
		[ "$(cuddy secret inspect --showsecret --format '{{.SecretData}}' "$s")" = "secret ${s#s}" ]
	done
}

@test "what was removed is gone" {
	for c in $(did removed); do
		run -1 cuddy container exists "$c"
	done
	for i in $(did untagged); do
		run -1 cuddy image exists "$i"
	done
}

@test "what ran is known not to, and can be started again" {
	for c in $(did running); do
		[ "$(cuddy inspect --format '{{.State.Running}}' "$c")" = false ]
	done
	# Its log is lines from the first on; what the disk had not got is missing at the end, nowhere else.
	cuddy logs logger >"$BATS_TEST_TMPDIR/log"
	head -n -1 "$BATS_TEST_TMPDIR/log" | awk '$0 != "line " (first + n) { if (NR == 1) first = substr($0, 6); else { print NR ": " $0; exit 1 } } { n++ }'
	run -0 cuddy start --all --filter should-start-on-boot=true
	[ "$(cuddy inspect --format '{{.State.Running}}' always)" = true ]
	cuddy rm -f -t 0 always logger
}

@test "the service is back by itself, with its volume" {
	wait_until 60 systemctl --user -q is-active back.service
	[ "$(cuddy inspect --format '{{.State.Running}} {{index .Config.Labels "PODMAN_SYSTEMD_UNIT"}}' systemd-back)" = "true back.service" ]
	cuddy volume exists systemd-back
	systemctl --user stop back.service
	run -1 cuddy container exists systemd-back
}
