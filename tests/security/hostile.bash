# For rows about images: hostile archives from python lists (tests/fixtures/rawimg.py), loaded and run by the real
# binary, and a canary that must stay as it is.
#	hostile docker OUT <<PY ... PY        an archive; the spec sets "layers", and may use BASE (a busybox layer),
#	                                      V (the canary's path) and whatever rawimg.py and mkimg.py define
#	must_refuse FILE [PATTERN]            load says why in one line, nothing changed
#	load_as NAME <<PY ... PY              load succeeds; the image is NAME
#	$VICTIM, victim_is_unchanged
load ../system/helpers

setup() {
	test_begin
	victim_begin
}
teardown() { test_end; }

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
	(cd "$VICTIM" && find . -printf '%p %y %m %U %G %s %n %T@ %l\n' | sort && cat f dir/inner) | sha256sum
}

victim_is_unchanged() {
	[ "$(victim_sum)" = "$VICTIM_SUM" ] || { find "$VICTIM" -ls; fail "the canary changed"; }
}

HOSTILE_PRELUDE='
import os, mkimg
from rawimg import *
V = os.environ["VICTIM"]
BASE = lambda: mkimg.layer_tar(mkimg.busybox_layer())
'

hostile() { # hostile docker|oci|oci-dir OUT, the spec on stdin
	{ printf '%s\n' "$HOSTILE_PRELUDE"; cat; } >"$WORK/spec.py"
	python3 "$FIXTURES/rawimg.py" "$1" "$2" "$WORK/spec.py" >/dev/null || fail "the fixture could not be made"
}

must_refuse() {
	local before after
	before=$(snapshot)
	run --separate-stderr timeout "${LIMIT:-30}" "$CUDDY" load -q -i "$1"
	echo "load $1: $status $stderr"
	one_line_error 125 "${2:-.}"
	after=$(snapshot)
	[ "$before" = "$after" ] || { diff <(echo "$before") <(echo "$after"); fail "a refused image left something"; }
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

# peak COMMAND... - runs it; RSS_KIB is the largest resident size of any process of it
peak() {
	python3 -c '
import os, resource, subprocess, sys
st = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(st if st >= 0 else 128 - st)' "$WORK/peak" "$@"
}
