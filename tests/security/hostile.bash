# For rows about images: hostile archives from python lists (tests/fixtures/rawimg.py), loaded and run by the real
# binary, and a canary that must stay as it is.
#	hostile docker OUT <<PY ... PY        an archive; the spec sets "layers", and may use BASE (a busybox layer),
#	                                      V (the canary's path) and whatever rawimg.py and mkimg.py define
#	must_refuse FILE [PATTERN]            load says why in one line, nothing changed; KIB_MAX: nor was any process of it larger
#	load_as NAME <<PY ... PY              load succeeds; the image is NAME
#	packed_again NAME                     its layers are packed again to the same bytes, and the store is whole
#	$VICTIM, victim_is_unchanged
load ../system/helpers

setup_file() { hostile_begin; }
teardown_file() { hostile_end; }
setup() {
	test_begin
	victim_begin
}
teardown() { test_end; }

# One process for all tests of a file makes the archives and looks at what is left (tests/fixtures/hostiled.py).
hostile_begin() {
	mkfifo "$BATS_FILE_TMPDIR/ask" "$BATS_FILE_TMPDIR/answer"
	exec {ASK}<>"$BATS_FILE_TMPDIR/ask" {ANSWER}<>"$BATS_FILE_TMPDIR/answer"
	python3 "$FIXTURES/hostiled.py" <"$BATS_FILE_TMPDIR/ask" >"$BATS_FILE_TMPDIR/answer" {ASK}>&- {ANSWER}>&- 3>&- 4>&- &
	HOSTILED=$!
}
hostile_end() { kill "$HOSTILED"; wait "$HOSTILED" || true; }

# ask VERB WORD...: SAID is the answer
ask() {
	local serial=$EPOCHREALTIME.$BASHPID
	printf '%s\0' "$serial" "$@" >&"$ASK"
	until [[ "${SAID:-}" == "$serial "* ]]; do # an answer that somebody did not stay for may come first
		IFS= read -rd '' -t 60 SAID <&"$ANSWER" || { fail "no answer from hostiled.py: $*"; return 1; }
	done
	SAID=${SAID#"$serial "}
	[[ "$SAID" != hostiled:* ]] || fail "$1: $SAID"
}

snapshot() { # a sum of what that of helpers.bash says
	local SAID=
	ask snapshot "$CUDDY_ROOT" || return 1
	echo "$SAID"
}
left_over() { # left_over BEFORE AFTER: fails with what is different
	local SAID=
	[ "$1" != "$2" ] || return 0
	ask diff "$1" "$2"
	fail "a refused image left something: $SAID"
}

victim_begin() {
	VICTIM=$BATS_TEST_TMPDIR/victim
	export VICTIM
	mkdir -p "$VICTIM/dir"
	echo canary-bytes >"$VICTIM/f"
	echo inner >"$VICTIM/dir/inner"
	mkfifo "$VICTIM/fifo"
	chmod 0751 "$VICTIM/dir"
	VICTIM_SUM=$(victim_sum)
}

victim_sum() {
	local SAID=
	ask victim "$VICTIM" || return 1
	echo "$SAID"
}

victim_is_unchanged() {
	[ "$(victim_sum)" = "$VICTIM_SUM" ] || { find "$VICTIM" -ls; fail "the canary changed"; }
}

hostile() { # hostile docker|oci|oci-dir OUT, the spec on stdin
	local spec SAID=
	IFS= read -rd '' spec || true
	ask make "$1" "$2" "$VICTIM" "$spec" || fail "the fixture could not be made"
}

# Each of these steps says itself that it failed: "set -e" is off where somebody asks for the result.
must_refuse() {
	local before after
	before=$(snapshot) || return 1
	run --separate-stderr ${KIB_MAX:+peak} timeout "${LIMIT:-30}" "$CUDDY" load -q -i "$1"
	echo "load $1: $status $stderr"
	one_line_error 125 "${2:-.}" || return 1
	[ -z "${KIB_MAX:-}" ] || [[ "${BUILD:-}" == *san-* ]] || [ "$(cat "$WORK/peak")" -lt "$KIB_MAX" ] || fail "$(cat "$WORK/peak") KiB" || return 1
	after=$(snapshot) || return 1
	left_over "$before" "$after" || return 1
	victim_is_unchanged
}

# refuse_layers PATTERN, one python list of entries a line on stdin: each is refused as a layer of its own.
refuse_layers() {
	local line
	while IFS= read -r line; do
		[ -n "$line" ] || continue
		echo "layer: $line"
		hostile docker "$WORK/bad.tar" <<<"layers = [[$line]]" || return 1
		must_refuse "$WORK/bad.tar" "$1" || return 1
	done
}

load_as() {
	{ echo "tags = ['$1']"; cat; } >"$WORK/as.py"
	hostile docker "$WORK/as.tar" <"$WORK/as.py" || return 1
	run --separate-stderr "$CUDDY" load -q -i "$WORK/as.tar"
	[ "$status" -eq 0 ] || fail "load: $stderr"
	victim_is_unchanged
}

packed_again() {
	cuddy save -q -o "$WORK/again.tar" "$1" || return 1
	tar -xOf "$WORK/again.tar" manifest.json | jq -r '.[0].Layers[]' | while read -r layer; do
		tar -xOf "$WORK/again.tar" "$layer" | sha256sum | cut -c1-64
	done >"$WORK/again"
	cuddy image inspect "$1" | jq -r '.[0].RootFS.Layers[] | .[7:]' | diff - "$WORK/again" || fail "$1: other layers"
	run cuddy system check
	[ -z "$output" ] || fail "$1: $output"
}

# peak COMMAND... - runs it; RSS_KIB is the largest resident size of any process of it
peak() {
	python3 -c '
import os, resource, subprocess, sys
st = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(st if st >= 0 else 128 - st)' "$WORK/peak" "$@"
}
