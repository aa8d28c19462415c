#!/usr/bin/env bats
# What a container's health check may do to its monitor, and how its filter of system calls comes about.
load ../system/helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

private_kib() { awk '/^Private_Dirty/ { print $2 }' "/proc/$1/smaps_rollup"; } # its text is shared by all monitors
lean() { sanitized || wait_until 20 is_lean "$1" || fail "$(private_kib "$1") kB of its own"; }
is_lean() { [ "$(private_kib "$1")" -le 130 ]; }
sanitized() { [[ "${BUILD:-}" == *san-* ]]; }

@test "T05: a health check that prints, forks and stays is cut short, its output bounded, and tells no secret" {
	printf 'hunter2-secret' | cuddy secret create tok -
	TOKEN=hunter2-caller cuddy run -d --name c --network none --secret tok --secret tok,type=env,target=TOK -e SEEN=yes \
		--health-interval disable --health-timeout 1s --health-retries 1 \
		--health-cmd 'env; for i in 1 2 3 4 5; do (trap "" TERM HUP; while :; do sleep 54321; done) & done; yes "$(printf "\033]0;x\007")"' "$IMAGE" sh -c 'while :; do sleep 0.1; done'
	for i in 1 2 3 4 5 6; do
		run -1 timeout 30 "$CUDDY" healthcheck run c
	done
	of_checks() { "$CUDDY" top c args | grep 54321; }
	wait_until 20 eval '! of_checks'
	[ "$(cuddy inspect --format '{{len .State.Health.Log}}' c)" -le 5 ]
	cuddy inspect c >"$WORK/inspect"
	! grep -q 'hunter2' "$WORK/inspect" || fail "it was there"
	! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$WORK/inspect" || fail "it was there"
	[ "$(wc -c <"$WORK/inspect")" -le 40000 ]
	[ "$(find "$CUDDY_RUNROOT" "$CUDDY_ROOT/containers" -path '*/tree' -prune -o -type f -size +200k -print | wc -l)" -eq 0 ]
	lean "$(conmon_pid c)"
	cuddy rm -f -t 0 c
	cuddy secret rm tok
}

@test "T05: of what a health check prints its beginning is kept, however much that was, and harmless" {
	cuddy run -d --name c --network none --health-interval disable --health-timeout 60s \
		--health-cmd 'yes "$(printf "\033]0;x\007\302\233")" | head -c 50000000; exit 1' "$IMAGE" sleep 1000
	for i in 1 2 3 4 5 6 7; do
		run -1 timeout 60 "$CUDDY" healthcheck run c
	done
	[ "$(cuddy inspect --format '{{len .State.Health.Log}}' c)" = 5 ]
	for n in $(cuddy inspect --format '{{range .State.Health.Log}}{{len .Output}} {{end}}' c); do
		[ "$n" -gt 400 ]
		[ "$n" -le 500 ]
	done
	cuddy inspect c >"$WORK/inspect"
	! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$WORK/inspect" || fail "it was there"
	[ "$(find "$CUDDY_RUNROOT" "$CUDDY_ROOT/containers" -path '*/tree' -prune -o -type f -size +20k -print | wc -l)" -eq 0 ]
	lean "$(conmon_pid c)"
	cuddy rm -f -t 0 c
}

@test "K09: no filter is kept anywhere: each start has the one its capabilities and its profile ask for" {
	mountable() { # mountable FLAG...: yes or no, and the filter is there
		cuddy run --rm --network none "$@" "$IMAGE" sh -c 'grep -c "^Seccomp:.2" /proc/self/status; mount -t tmpfs none /tmp 2>/dev/null && echo yes || echo no' | paste -sd' '
	}
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >"$WORK/p.json"
	profiled() { cuddy run --rm --network none --security-opt seccomp="$WORK/p.json" "$IMAGE" sh -c 'mkdir /x 2>/dev/null && echo made || echo not'; }
	[ "$(mountable)" = "1 no" ]
	[ "$(mountable --cap-add SYS_ADMIN)" = "1 yes" ]
	[ "$(profiled)" = not ]
	# The same path, size and time, other words.
	touch -r "$WORK/p.json" "$WORK/time"
	sed -i 's/mkdir","mkdirat/rmdir","unlinkat/' "$WORK/p.json"
	touch -r "$WORK/time" "$WORK/p.json"
	[ "$(profiled)" = made ]
	cuddy create --name kept --network none "$IMAGE" true
	# Whatever a file of ours holds is not a filter, and one that is damaged makes none weaker.
	"$TOP/${BUILD:-build}/gen/seccomp" 800405fb -b >"$WORK/filter"
	python3 - "$WORK/filter" "$CUDDY_ROOT" "$CUDDY_RUNROOT" <<-'PY'
		import os, sys
		piece = open(sys.argv[1], "rb").read()[64:256]
		assert len(piece) == 192
		found = [os.path.join(d, f) for top in sys.argv[2:] for d, _, fs in os.walk(top) for f in fs
		         if "/layers/" not in d and os.path.isfile(os.path.join(d, f)) and piece in open(os.path.join(d, f), "rb").read()]
		assert not found, found
	PY
	find "$CUDDY_ROOT/cache" -type f -exec sh -c 'head -c 100000 /dev/urandom >"$1"' - {} \; 2>/dev/null || true
	[ "$(mountable)" = "1 no" ]
	cuddy rm kept
}
