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

@test "harness: whatever fails in a test is its failure, and its teardown comes" {
	cat >"$WORK/t.bats" <<-'E'
		load "$HELP"
		teardown() { echo "$BATS_TEST_NUMBER" >>"$HELP.ended"; [ "$BATS_TEST_NUMBER" != 13 ]; }
		setup_file() { export FROM_SETUP=set; }
		@test "passes $FROM_SETUP" {
			run -0 echo hi
			run --separate-stderr sh -c 'echo a; echo; echo c; echo "  b" >&2; exit 3'
			[ "$status" = 3 ] && [ "${#lines[@]}" = 2 ] && [ "${lines[1]}" = c ] && [ "$stderr" = b ]
			run false
			! false
		}
		@test "skips" { skip "so it is"; }
		@test "a test in brackets" {
			[[ a == b ]]
			true
		}
		@test "a helper" {
			helper b
			true
		}
		@test "run with another status" { run -0 sh -c 'exit 3'; }
		@test "run with a success" { run ! true; true; }
		@test "arithmetic" { ((1 == 2)); true; }
		@test "a subshell" { (false; true); true; }
		@test "a substitution" { x=$(false); true; }
		@test "the end of a pipe" { true | false; true; }
		@test "in a loop" { for i in 1 2; do [ $i = 1 ]; done; true; }
		@test "an exit" { exit 0; }
		@test "teardown" { true; }
		@test "time" { sleep 60; true; }
		@test "killed" { kill -9 $BASHPID; true; }
	E
	printf 'helper() {\n\t[[ $1 == a ]]\n\ttrue\n}\n' >"$WORK/help.bash"
	run -1 env "HELP=$WORK/help" BATS_TEST_TIMEOUT=1 "$TOP/tests/run-file" "$WORK/t.bats"
	echo "$output"
	[ "${lines[0]}" = 1..15 ]
	[ "$(grep '^ok' <<<"$output")" = "ok 1 passes set"$'\n'"ok 2 skips # skip so it is" ]
	[ "$(sed -n 's/^not ok \([0-9]*\) .*/\1/p' <<<"$output" | xargs)" = "3 4 5 6 7 8 9 10 11 12 13 14" ] # who was killed says nothing
	[[ "$output" == *"(in test file $WORK/t.bats, line 13)"*"(from function \`helper' in file $WORK/help.bash, line 2,"*"line 17)"* ]]
	[[ "$output" == *"not ok 14 time # timeout after 1 s"* ]]
	[ "$(xargs <"$WORK/help.ended")" = "1 2 3 4 5 6 7 8 9 10 11 12 13 14" ]
}

@test "harness: a unit test that fails counts once, and a program that dies as one" {
	cat >"$WORK/fails.out" <<-'E'
		[ RUN      ] is_well
		[       OK ] is_well
		[ RUN      ] b_2
		[  ERROR   ] --- 1 != 2
		[  FAILED  ] b_2
		[ RUN      ] other
		[  FAILED  ] other
		[==========] 3 test(s) run.
		[  PASSED  ] 1 test(s).
		[  FAILED  ] 2 test(s), listed below:
		[  FAILED  ] b_2
		[  FAILED  ] other
	E
	printf '#!/bin/sh\ncat "$0.out"; exit 2\n' >"$WORK/fails"
	printf '#!/bin/sh\necho "[       OK ] before"; kill -9 $$\n' >"$WORK/dies"
	chmod +x "$WORK/fails" "$WORK/dies"
	run -1 "$TOP/tests/run-unit" "$WORK/fails" "$WORK/dies"
	[ "${lines[-1]}" = "unit: 2 passed, 3 failed, 0 skipped" ]
}

@test "harness: a ready root is one that busybox was loaded into" {
	unset CUDDY_ROOT CUDDY_RUNROOT
	use_ready_root
	a=$CUDDY_ROOT
	layer=("$a"/layers/*/tree)
	[ "$(stat -c '%u %a' "$a")" = "$(id -u) 700" ]
	list() { (cd "$1" && find . ! -path './locks*' -printf '%p %y %m %U %G %s %T@ %l\n' | sed 's/ 4096 / /' | sort); }
	diff <(list "$CUDDY_TEST_FOUND/r.first/root") <(list "$a")
	[ "$(cuddy images -q | wc -l)" = 1 ]
	cuddy system check
	run -0 cuddy run --rm --network none "$IMAGE" stat -c '%u %g' /home/user
	[ "$output" = "1000 1000" ]
	# What one test does to its files no other sees.
	use_ready_root
	[ "$CUDDY_ROOT" != "$a" ]
	for f in bin/busybox etc/passwd; do
		[ "$(stat -c %h "$layer/$f")" = 1 ]
		cmp "$layer/$f" "$CUDDY_ROOT/layers/${layer#*/layers/}/$f"
	done
	drop_root "${ROOTS[@]}"
}
