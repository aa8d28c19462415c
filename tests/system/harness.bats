#!/usr/bin/env bats
# The harness itself: what it relies on is true on this machine.
load helpers

setup() { WORK=$BATS_TEST_TMPDIR; }
teardown() { :; }

@test "harness: tests run without privilege, with subordinate ids" {
	[ "$(id -u)" -ne 0 ]
	grep -q "^$(id -un):" /etc/subuid
	[ "$(unshare --user --map-auto --map-root-user id -u)" = 0 ]
}

@test "harness: an orphan of a test becomes a child of the subreaper" {
	[ -n "$CUDDY_REAPER" ]
	setsid bash -c 'sleep 60 & echo $! >"$1"' _ "$WORK/pid" # the middle one exits: an orphan
	p=$(cat "$WORK/pid")
	strays | grep -q "^$p sleep 60"
	kill "$p"
	wait_until 5 no_strays
}

@test "harness: a second user can be acted as" {
	require_other_user
	run -0 as_other id -un
	[ "$output" != "$(id -un)" ]
	run -3 as_other sh -c 'exit 3'
}

@test "harness: the busybox image is made once" {
	a=$(image_file busybox)
	b=$(image_file busybox)
	[ "$a" = "$b" ] && [ -s "$a" ]
}

@test "harness: cuddy is one static program where the archives of what it links are installed" {
	[[ "${BUILD:-}" != *san-* ]] || skip "sanitizers need the dynamic C library"
	for a in rcrt1.o libc.a libjson-c.a libcap.a libseccomp.a libyaml.a; do
		[[ "$(gcc -print-file-name=$a)" == /* ]] || skip "no $a"
	done
	run -0 readelf -lW "$CUDDY"
	[[ "$output" != *INTERP* ]] # a third of a start goes into loading libraries
	[ "$(readelf -lW "$CUDDY" | grep -c 'Elf file type is DYN')" = 1 ]
}
