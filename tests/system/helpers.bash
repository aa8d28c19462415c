# Shared by all bats files: an own root for every test, the real binary, images, waiting, and a teardown
# that fails on whatever is left behind.
#
#	load helpers                  (security tests: load ../system/helpers)
#	setup/teardown are defined here; a file with its own calls test_begin and test_end.
#	A file with an expensive image calls file_begin in setup_file and file_end in teardown_file:
#	its tests then share one root, and test_end removes only their containers. "file_begin busybox" has $IMAGE in it.
#
# Variables: CUDDY_ROOT CUDDY_RUNROOT (exported: cuddy reads them), IMAGE (busybox, loaded), TOP, CUDDY (binary),
# WORK (scratch directory of the test).

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
CUDDY=$TOP/${BUILD:-build}/cuddy
CUDDY_TEST_CACHE=${CUDDY_TEST_CACHE:-/var/tmp/cuddy-test-cache-$(id -u)}
FIXTURES=$TOP/tests/fixtures
IMAGE=localhost/busybox
PATH=${CUDDY%/*}:$PATH
export TOP CUDDY CUDDY_TEST_CACHE FIXTURES IMAGE PATH
export PYTHONPATH=$FIXTURES PYTHONDONTWRITEBYTECODE=1

. "${BASH_SOURCE[0]%/*}/waiting.bash"
. "${BASH_SOURCE[0]%/*}/left.bash"

setup() { test_begin; }
teardown() { test_end; }

# ---- roots -----------------------------------------------------------------------------------

use_root() { # use_root DIR - roots below DIR from now on
	export CUDDY_ROOT=$1/root CUDDY_RUNROOT=$1/run
	ROOTS+=("$CUDDY_ROOT" "$CUDDY_RUNROOT")
	mkdir -p -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
}

# use_ready_root - roots with busybox loaded, for this test (or file) alone: a copy that tests/ready-roots made, which
# costs a fifth of loading it. Nothing is started for it while there are some.
use_ready_root() {
	local - dir pool=${CUDDY_TEST_FOUND:-$BATS_FILE_TMPDIR}/r
	set -C # of those who want one at once one makes the file of its number
	while :; do
		for dir in "$pool"/*/whole; do
			dir=${dir%/whole}
			[ -e "$dir/whole" ] && [ ! -e "$pool.taken/${dir##*/}" ] && { echo >"$pool.taken/${dir##*/}"; } 2>/dev/null || continue
			export CUDDY_ROOT=$dir/root CUDDY_RUNROOT=$dir/run
			ROOTS+=("$dir")
			return
		done
		"$TOP/tests/ready-roots" "$pool" "$(image_file busybox)" || fail "could not make roots"
	done
}

test_begin() {
	WORK=$BATS_TEST_TMPDIR
	[ -x "$CUDDY" ] || fail "no $CUDDY: run make first"
	[ -n "${CUDDY_REAPER:-}" ] || fail "run this through make system T=name, or tests/run-bats"
	if [ -z "${FILE_ROOT:-}" ]; then
		use_ready_root
	fi
}

test_end() {
	local st=0
	clean_containers || st=1
	if [ -z "${FILE_ROOT:-}" ]; then
		expect_nothing_left || st=1
		drop_root "$CUDDY_ROOT" "$CUDDY_RUNROOT" "${ROOTS[@]}"
	else
		expect_no_container_left || st=1
	fi
	return $st
}

file_begin() { # file_begin [busybox]
	export FILE_ROOT=$BATS_FILE_TMPDIR
	if [ "${1:-}" = busybox ]; then use_ready_root; else use_root "$FILE_ROOT"; fi
}

file_end() {
	local st=0
	clean_containers || st=1
	expect_nothing_left || st=1
	drop_root "$CUDDY_ROOT" "$CUDDY_RUNROOT" "${ROOTS[@]}"
	return $st
}

# drop_root [DIR...] - the present roots, or these. Files below may belong to subordinate ids: then root in a user
# namespace of ours deletes them.
drop_root() {
	[ $# -gt 0 ] || set -- "$CUDDY_ROOT" "$CUDDY_RUNROOT"
	[ -n "${KEEP:-}" ] && [ -z "${BATS_TEST_COMPLETED:-}" ] && { echo "kept: $*"; return; }
	rm -rf "$@" 2>/dev/null ||
		unshare --user --map-auto --map-root-user rm -rf "$@" 2>/dev/null ||
		rm -rf "$@"
}

# ---- images ----------------------------------------------------------------------------------

# image_file NAME - path of the archive NAME, made on first use and kept in the cache
image_file() {
	find_image "$1" && echo "$FOUND_IMAGE"
}

# find_image NAME - FOUND_IMAGE is that path. CUDDY_TEST_FOUND is a directory of tests/run-bats, where each is noted
# for the tests after this one.
find_image() {
	local note=${CUDDY_TEST_FOUND:-$BATS_FILE_TMPDIR}/image-$1
	{ read -r FOUND_IMAGE <"$note"; } 2>/dev/null && return
	FOUND_IMAGE=$("$TOP/tests/images/make" "$1") || return
	echo "$FOUND_IMAGE" >"$note.$BASHPID" && mv "$note.$BASHPID" "$note"
}

# load_image NAME - into the present root
load_image() {
	find_image "$1" || fail "could not make image $1"
	cuddy load -q -i "$FOUND_IMAGE" >/dev/null || fail "cuddy load $FOUND_IMAGE"
}

# ---- ports ------------------------------------------------------------------------------------

# free_port [COUNT]: the first of COUNT (1) ports of loopback that nobody has at the moment; below those the kernel
# gives to whoever asks for any, so that a connection of a test beside this one does not get it meanwhile
free_port() {
	local first i
	while :; do
		first=$((10000 + (RANDOM << 15 | RANDOM) % (22700 - ${1:-1})))
		for ((i = first; i < first + ${1:-1}; i++)); do
			! port_listens $i || continue 2
		done
		echo $first
		return
	done
}

# ---- what a machine may lack -------------------------------------------------------------------

lacks() { # lacks REASON: a skip, or a failure with CUDDY_TEST_STRICT=1
	[ -z "${CUDDY_TEST_STRICT:-}" ] || fail "strict: $1"
	skip "$1"
}

require_program() { command -v "$1" >/dev/null || lacks "no $1"; }
require_tun() { [ -w /dev/net/tun ] || lacks "no access to /dev/net/tun"; }
require_ipv6() { grep -q . /proc/net/if_inet6 2>/dev/null || lacks "no IPv6 on this host"; }
require_cgroup2() { [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || lacks "no cgroup v2 hierarchy"; }
require_delegation() { require_cgroup2 && [ -w "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cgroup.procs" ] || lacks "no delegated cgroup"; }
require_other_user() { [ -S "${CUDDY_OTHER:-}" ] || lacks "no way to act as a second user"; }
as_other() { "$TOP/tests/other" run "$CUDDY_OTHER" "$@"; } # as_other COMMAND...: as a second local user

# ---- words about results -----------------------------------------------------------------------

# one_line_error STATUS PATTERN - after `run --separate-stderr`: nothing on stdout, one line on stderr
one_line_error() {
	[ $# -eq 2 ] || fail "one_line_error wants a status and a pattern, not $*" || return 1
	[ "$status" -eq "$1" ] || fail "status $status, not $1; stderr: $stderr" || return 1
	[ -z "$output" ] || fail "stdout: $output" || return 1
	[ "${#stderr_lines[@]}" -eq 1 ] || fail "not one line: $stderr" || return 1
	[[ "$stderr" == cuddy:* ]] || fail "does not begin with cuddy: $stderr" || return 1
	[[ "$stderr" =~ $2 ]] || fail "'$stderr' does not match '$2'"
}

# snapshot - everything durable, to compare before and after a command that must change nothing
# A layer's mark "unsettled" goes in the background, when the disk has it (storage/layer.h).
snapshot() {
	(cd "$CUDDY_ROOT" && find . -path ./cache -prune -o -path ./locks -prune -o -name unsettled -prune -o -printf '%p %y %s %l\n' 2>/dev/null | sort)
}
