#!/usr/bin/env bats
# N02: the user-mode stack on the host has had holes: an old one is said, and none is used without its own walls.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

# helper SH: a slirp4netns that does this first, and else is the host's
helper() {
	mkdir -p "$WORK/bin"
	printf '#!/bin/sh\n%s\nexec /usr/bin/slirp4netns "$@"\n' "$1" >"$WORK/bin/slirp4netns"
	chmod 700 "$WORK/bin/slirp4netns"
	export CONTAINERS_HELPER_BINARY_DIR=$WORK/bin
}

@test "N02: one with known holes is used with a warning, in each mode; one without is not warned of" {
	require_tun
	helper ''
	run -0 --separate-stderr cuddy run --rm "$IMAGE" ip -o -4 addr show tap0
	[ -z "$stderr" ]
	cuddy network create n
	for version in 'slirp4netns version 1.1.12\nlibslirp: 4.7.0' 'slirp4netns version 1.2.0\nlibslirp: 4.6.1'; do
		helper "case \$* in *--version*) printf '$version\\n'; exit;; esac"
		for mode in slirp4netns n; do
			run -0 --separate-stderr cuddy run --rm --network $mode "$IMAGE" ip -o -4 addr
			[[ "$output" == *"inet 10."* ]]
			[ "${#stderr_lines[@]}" = 1 ]
			[[ "$stderr" == "cuddy: warning: slirp4netns is older than 1.2 with libslirp 4.7 and has known holes"* ]]
		done
	done
	wait_until 20 no_part first
	cuddy network rm n
}

@test "N02: one that cannot wall itself in is not used, and nothing else in its place" {
	require_tun
	for flag in --enable-sandbox --enable-seccomp; do
		helper "case \$* in *--version*) ;; *$flag*) echo 'unrecognized option $flag' >&2; exit 1;; esac"
		run -125 --separate-stderr cuddy run --rm -v "$WORK:/w" "$IMAGE" touch /w/ran
		one_line_error 125 "slirp4netns: unrecognized option $flag"
		[ ! -e "$WORK/ran" ]
	done
	[ -z "$(cuddy ps -aq)" ]
	# Networks are without a way out then, and it is said.
	cuddy network create n
	run -0 --separate-stderr cuddy run -d --name c --network n "$IMAGE" sleep 1000
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == *"networks have no way out: slirp4netns ends as soon as it is started"* ]]
	[ "$(cuddy unshare nsenter --net="/proc/$(net_pids keeper)/ns/net" ls /sys/class/net | grep -c tap0)" = 0 ]
	cuddy exec c nslookup c
	# Nobody waits for it again; once it is mended it serves.
	timeout 8 "$CUDDY" run --rm --network n "$IMAGE" true
	helper ''
	has_way_out() { cuddy unshare nsenter --net="/proc/$(net_pids keeper)/ns/net" ip -o -4 addr show tap0 | grep -q 10.0.2.100; }
	wait_until 20 has_way_out
	cuddy rm -f -t 0 c
	wait_until 20 no_part first
	cuddy network rm n
}

@test "N02: one that never comes up holds nobody who leaves meanwhile" {
	require_tun
	helper 'case $* in *--version*) ;; *) exec sleep 1000;; esac'
	cuddy network create n
	"$CUDDY" run -d --name c --network n "$IMAGE" sleep 1000 >"$WORK/out" 2>&1 3>&- &
	local start=$!
	# The bridge is there: what is waited for is the way out.
	has_bridge() { cuddy unshare nsenter --net="/proc/$(net_pids keeper)/ns/net" ip -o link | grep -q podman1; }
	wait_until 8 has_bridge
	kill -KILL $(pgrep -u "$(id -u)" -f "^cuddy-conmon monitor $(cuddy inspect --format '{{.Id}}' c)") $start
	wait_until 6 no_part first
	cuddy rm -f -t 0 c
	cuddy network rm n
}
