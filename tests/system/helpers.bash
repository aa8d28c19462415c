# Shared by all bats files: an own root for every test, the real binary, images, waiting, and a teardown
# that fails on whatever is left behind.
#
#	load helpers                  (security tests: load ../system/helpers)
#	setup/teardown are defined here; a file with its own calls test_begin and test_end.
#	A file with an expensive image calls file_begin in setup_file and file_end in teardown_file:
#	its tests then share one root, and test_end removes only their containers.
#
# Variables: CUDDY_ROOT CUDDY_RUNROOT (exported: cuddy reads them), IMAGE (busybox, loaded), TOP, CUDDY (binary),
# WORK (scratch directory of the test).

bats_require_minimum_version 1.5.0
TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
CUDDY=$TOP/${BUILD:-build}/cuddy
CUDDY_TEST_CACHE=${CUDDY_TEST_CACHE:-/var/tmp/cuddy-test-cache-$(id -u)}
FIXTURES=$TOP/tests/fixtures
IMAGE=localhost/busybox
export TOP CUDDY CUDDY_TEST_CACHE FIXTURES IMAGE
export PYTHONPATH=$FIXTURES PYTHONDONTWRITEBYTECODE=1

cuddy() { "$CUDDY" "$@"; }

setup() { test_begin; }
teardown() { test_end; }

# ---- roots -----------------------------------------------------------------------------------

use_root() { # use_root DIR - roots below DIR from now on
	export CUDDY_ROOT=$1/root CUDDY_RUNROOT=$1/run
	mkdir -p -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
}

test_begin() {
	WORK=$BATS_TEST_TMPDIR
	[ -x "$CUDDY" ] || fail "no $CUDDY: run make first"
	[ -n "${CUDDY_REAPER:-}" ] || fail "run this through make system T=name, or tests/run-bats"
	if [ -z "${FILE_ROOT:-}" ]; then
		use_root "$BATS_TEST_TMPDIR"
		load_image busybox
	fi
}

test_end() {
	local st=0
	clean_containers || st=1
	if [ -z "${FILE_ROOT:-}" ]; then
		expect_nothing_left || st=1
		drop_root
	else
		expect_no_container_left || st=1
	fi
	return $st
}

file_begin() {
	export FILE_ROOT=$BATS_FILE_TMPDIR
	use_root "$FILE_ROOT"
}

file_end() {
	local st=0
	clean_containers || st=1
	expect_nothing_left || st=1
	drop_root
	return $st
}

# Files below a root belong to subordinate ids: root in a user namespace of ours deletes them.
drop_root() {
	[ -n "${KEEP:-}" ] && [ -z "${BATS_TEST_COMPLETED:-}" ] && { echo "kept: $CUDDY_ROOT"; return; }
	unshare --user --map-auto --map-root-user rm -rf "$CUDDY_ROOT" "$CUDDY_RUNROOT" 2>/dev/null ||
		rm -rf "$CUDDY_ROOT" "$CUDDY_RUNROOT"
}

# ---- images ----------------------------------------------------------------------------------

# image_file NAME - path of the archive NAME, made on first use and kept in the cache
image_file() {
	"$TOP/tests/images/make" "$1"
}

# load_image NAME - into the present root
load_image() {
	local f
	f=$(image_file "$1") || fail "could not make image $1"
	cuddy load -q -i "$f" >/dev/null || fail "cuddy load $f"
}

# ---- waiting: for events, never for time -------------------------------------------------------

fail() {
	echo "$*" >&2
	return 1
}

# wait_until SECONDS COMMAND... - until COMMAND succeeds, looking 50 times a second
wait_until() {
	local end=$((${EPOCHREALTIME%.*} + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "${EPOCHREALTIME%.*}" -ge $end ]; then
			echo "never came true: $*" >&2
			return 1
		fi
		sleep 0.02
	done
}

status_is() { [ "$(cuddy inspect --format '{{.State.Status}}' "$1")" = "$2" ]; }
wait_status() { wait_until "${3:-20}" status_is "$1" "$2"; }
wait_running() { wait_status "$1" running; }
wait_exited() { wait_status "$1" exited; }
log_has() { cuddy logs "$1" 2>&1 | grep -q -- "$2"; }
wait_log() { wait_until "${3:-20}" log_has "$1" "$2"; } # wait_log CONTAINER PATTERN
container_pid() { cuddy inspect --format '{{.State.Pid}}' "$1"; }
conmon_pid() { cuddy inspect --format '{{.State.ConmonPid}}' "$1"; }

# wait_asleep PID - until a background cuddy has begun to wait for something
is_asleep() { grep -q '^Name:.cuddy$' "/proc/$1/status" && grep -q '^State:.S' "/proc/$1/status"; }
wait_asleep() { wait_until 20 is_asleep "$1"; }

# free_port [COUNT]: the first of COUNT (1) ports of loopback that nobody has at the moment; below those the kernel
# gives to whoever asks for any, so that a connection of a test beside this one does not get it meanwhile
free_port() {
	python3 - "${1:-1}" <<-'EOP'
		import random, socket, sys
		def free(port):
		    with socket.socket() as s:
		        try: s.bind(("127.0.0.1", port))
		        except OSError: return False
		        return True
		n = int(sys.argv[1])
		while True:
		    first = random.randrange(10000, 32700 - n)
		    if all(free(first + i) for i in range(n)): break
		print(first)
	EOP
}

# ---- what must be left: nothing ----------------------------------------------------------------

clean_containers() {
	local out
	[ -n "$(ls -A "$CUDDY_ROOT/pods" 2>/dev/null)" ] && { cuddy pod rm -f -a -t 0 >/dev/null || return 1; }
	[ -d "$CUDDY_ROOT/containers" ] || return 0
	[ -n "$(ls -A "$CUDDY_ROOT/containers")" ] || return 0
	out=$(cuddy rm -f -a -v -t 0 2>&1) || { echo "cleaning up: $out" >&2; return 1; }
}

# Whatever a test started, daemonized or not, is a child of the subreaper beside bats itself.
strays() {
	local p
	for p in $(cat "/proc/$CUDDY_REAPER/task/$CUDDY_REAPER/children" 2>/dev/null); do
		[ "$p" = "$CUDDY_REAPER_MAIN" ] && continue
		grep -q '^State:.Z' "/proc/$p/status" 2>/dev/null && continue
		echo "$p $(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null)"
	done
}
no_strays() { [ -z "$(strays)" ]; }
no_runtime_dirs() { ! find "$CUDDY_RUNROOT" -mindepth 1 -maxdepth 1 -regex '.*/[0-9a-f]*' 2>/dev/null | grep -q .; }
empty_dir() { [ -z "$(ls -A "$1" 2>/dev/null)" ]; }
no_mounts() { ! grep -qF "$CUDDY_ROOT" /proc/self/mountinfo && ! grep -qF "$CUDDY_RUNROOT" /proc/self/mountinfo; }
no_locks() {
	local f inode
	for f in "$CUDDY_ROOT"/locks/* "$CUDDY_RUNROOT"/*.lock "$CUDDY_RUNROOT"/*/lock; do
		inode=$(stat -c %i "$f" 2>/dev/null) || continue
		grep -q ":$inode " /proc/locks && return 1
	done
	return 0
}

# A monitor tells its clients first and cleans up then: each check waits a moment for it.
expect_no_container_left() {
	local st=0 d p
	wait_until 5 no_strays || { echo "leaked processes:"; strays; st=1; }
	for p in $(strays | cut -d' ' -f1); do kill -KILL "$p" 2>/dev/null; done
	for d in containers names; do
		wait_until 5 empty_dir "$CUDDY_ROOT/$d" || { echo "leaked in $d: $(ls "$CUDDY_ROOT/$d")"; st=1; }
	done
	wait_until 5 no_runtime_dirs || { echo "leaked in the runtime directory: $(ls "$CUDDY_RUNROOT")"; st=1; }
	wait_until 5 no_mounts || { echo "leaked mounts:"; grep -F "$CUDDY_ROOT" /proc/self/mountinfo; st=1; }
	wait_until 5 no_locks || { echo "leaked lock:"; cat /proc/locks; st=1; }
	return $st
}

expect_nothing_left() {
	local st=0 d
	expect_no_container_left || st=1
	cuddy ps -q >/dev/null 2>&1                     # any next command tidies up
	for d in staging trash; do
		wait_until 5 empty_dir "$CUDDY_ROOT/$d" || { echo "leaked in $d: $(ls "$CUDDY_ROOT/$d")"; st=1; }
	done
	return $st
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
	[ "$status" -eq "$1" ] || fail "status $status, not $1; stderr: $stderr"
	[ -z "$output" ] || fail "stdout: $output"
	[ "${#stderr_lines[@]}" -eq 1 ] || fail "not one line: $stderr"
	[[ "$stderr" == cuddy:* ]] || fail "does not begin with cuddy: $stderr"
	[[ "$stderr" =~ $2 ]] || fail "'$stderr' does not match '$2'"
}

# snapshot - everything durable, to compare before and after a command that must change nothing
# A layer's mark "unsettled" goes in the background, when the disk has it (storage/layer.h).
snapshot() {
	(cd "$CUDDY_ROOT" && find . -path ./cache -prune -o -path ./locks -prune -o -name unsettled -prune -o -printf '%p %y %s %l\n' 2>/dev/null | sort)
}
