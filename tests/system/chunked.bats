#!/usr/bin/env bats
# zstd:chunked: pushed so that others read it, pulled in part, and never more believed than the diffID allows.
load helpers
load registry

LIES="checksum position absent size overlap swap bomb twice split name"

setup_file() {
	file_begin
	registry_begin
	export REG REG_DIR REG_PID
	# Two versions of one tree: of the second a small file is new, and something is inserted into the large one.
	python3 - "$FILE_ROOT" <<-'P'
		import random, sys
		from mkimg import *
		r = random.Random(7)
		small = [dir("d")] + [file("d/f%02d" % i, r.randbytes(60000), mode=0o640, uid=i % 3) for i in range(20)]
		small += [file("e", b""), link("l", "d/f00"), hard("h", "d/f01"), dir("d/x", mode=0o1777)]
		big = r.randbytes(4 << 20)
		new = list(small)
		new[3] = file("d/f02", r.randbytes(60000))
		for name, entries in (("v1", small + [file("big", big)]),
		                      ("v2", new + [file("big", big[:2 << 20] + b"inserted" + big[2 << 20:])])):
		    Image([entries], {"Cmd": ["/x"]}, compression="none").oci_archive(sys.argv[1] + "/" + name, ref="localhost/%s:1" % name)
	P
	for v in 1 2; do
		cuddy load -q -i "$FILE_ROOT/v$v" >/dev/null
		cuddy push -q --tls-verify=false --compression-format zstd:chunked "localhost/v$v:1" "$REG/c:$v"
	done
	cuddy rmi "localhost/v1:1" "localhost/v2:1" >/dev/null
}

teardown_file() {
	registry_end
	file_end
}

setup() {
	test_begin
	cuddy rmi -a -f >/dev/null
}

teardown() {
	line_end
	[ -z "${B_PID:-}" ] || { kill "$B_PID"; wait "$B_PID" 2>/dev/null || true; }
	test_end
}

pull() { cuddy pull -q --tls-verify=false "$@"; }
# What of blobs the registry sent since requests_begin.
sent() { tail -n +$((REQUESTS_FROM + 1)) "$REG_DIR/log" | sed -nE 's|.*"GET /v2/[^ ]*/blobs/[^ ]* HTTP/1.1" 20[06] ([0-9]+).*|\1|p' | awk '{ n += $1 } END { print n + 0 }'; }
blob_size() { skopeo inspect --raw --tls-verify=false "docker://$REG/$1" | jq '.layers[0].size'; }
digest_of() { skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | cut -d' ' -f1; }
tree_of() { echo "$CUDDY_ROOT/layers/$(cuddy image inspect --format '{{index .RootFS.Layers 0}}' "$1" | cut -d: -f2)/tree"; }

# images: S15
@test "zstd:chunked: what push writes is what its readers want; the same each time" {
	for v in 1 2; do
		run -0 python3 "$FIXTURES/chunked.py" check "$REG" c "$v"
		[ "${output% *}" = 26 ]
		[ "${output#* }" -gt 4 ]
	done
	skopeo copy -q --src-tls-verify=false "docker://$REG/c:1" "dir:$WORK/copied"
	pull "$REG/c:1"
	requests_begin
	cuddy push -q --tls-verify=false --compression-format zstd:chunked "$REG/c:1" "$REG/c:again"
	[ "$(digest_of "$REG/c:again")" = "$(digest_of "$REG/c:1")" ]
	[ -z "$(requests | grep PATCH)" ]
}

# images: S15, S1
@test "zstd:chunked: only what is not here is fetched; what was pulled so goes on with its digest" {
	pull "$REG/c:1"
	requests_begin
	run -0 --separate-stderr pull "$REG/c:2"
	[ -z "$stderr" ]
	[ "$output" = "$(skopeo inspect --raw --tls-verify=false "docker://$REG/c:2" | jq -r '.config.digest[7:]')" ]
	[ "$(sent)" -lt $(($(blob_size c:2) / 5)) ]
	[ "$(sent)" -gt 60000 ]
	[ "$(requests | grep -c /blobs/)" -le 8 ]
	# Again into an empty store, all of it: the same files, down to owners and times.
	ids="unshare --user --map-auto --map-root-user python3 $FIXTURES/fsmanifest.py"
	tree=$(tree_of "$REG/c:2")
	$ids "$tree" >"$WORK/part"
	run -0 cuddy system check
	cuddy rmi "$REG/c:1" "$REG/c:2" >/dev/null
	printf '[storage.options.pull_options]\nenable_partial_images = "false"\n' >"$WORK/storage.conf"
	for v in 1 2; do
		requests_begin
		CONTAINERS_STORAGE_CONF=$WORK/storage.conf pull "$REG/c:$v"
		[ -z "$(requests | grep ' 206$')" ]
		[ "$(sent)" -ge "$(blob_size c:$v)" ]
	done
	$ids "$tree" >"$WORK/whole"
	diff "$WORK/part" "$WORK/whole"
	# To its own registry nothing is sent, to another one what it came as.
	cuddy rmi "$REG/c:1" "$REG/c:2" >/dev/null
	pull "$REG/c:1"
	pull "$REG/c:2"
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REG" >"$WORK/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
	requests_begin
	cuddy push -q --tls-verify=false "$REG/c:2" "$REG/other:2"
	[ "$(requests | grep -c PATCH)" -le 1 ]
	[ "$(digest_of "$REG/other:2")" = "$(digest_of "$REG/c:2")" ]
	A=$REG A_PID=$REG_PID A_DIR=$REG_DIR
	registry_begin
	B_PID=$REG_PID
	cuddy push -q --tls-verify=false "$A/c:2" "$REG/c:2"
	[ "$(digest_of "$REG/c:2")" = "$(digest_of "$A/c:2")" ]
	REG=$A REG_PID=$A_PID REG_DIR=$A_DIR
}

# images: S15
@test "zstd:chunked: content that changed here since is not taken; a line without ranges brings all" {
	pull "$REG/c:1"
	tree=$(tree_of "$REG/c:1")
	printf changed | dd of="$tree/d/f03" bs=1 seek=1000 conv=notrunc status=none
	rm "$tree/d/f06"
	# Nor is a list believed that says what it likes.
	mkdir -p "$CUDDY_ROOT/layers/$(printf '%064d' 7)"
	{ printf 'cuddy digests 1\n'; head -c 5000 /dev/urandom; } >"$CUDDY_ROOT/layers/$(printf '%064d' 7)/digests"
	pull "$REG/c:2"
	skopeo copy -q --src-tls-verify=false "docker://$REG/c:2" "dir:$WORK/two"
	mkdir "$WORK/files"
	zstd -q -d -c "$WORK/two/$(jq -r '.layers[0].digest[7:]' "$WORK/two/manifest.json")" | tar -x -C "$WORK/files" --no-same-owner
	rm -r "$CUDDY_ROOT/layers/$(printf '%064d' 7)"
	cmp "$WORK/files/d/f03" "$(tree_of "$REG/c:2")/d/f03" && cmp "$WORK/files/d/f06" "$(tree_of "$REG/c:2")/d/f06"
	cuddy rmi "$REG/c:2" >/dev/null
	broken_line 100000000 norange
	run -0 --separate-stderr env CUDDY_DEBUG=transfer "$CUDDY" pull -q --tls-verify=false "$LINE/c:2"
	[[ "$stderr" == *"all of it is fetched"* ]]
}

# images: S15, L12
@test "zstd:chunked: tables of contents that lie bring nothing else than what the diffID says" {
	want=$(skopeo inspect --raw --tls-verify=false "docker://$REG/c:2" | jq -r '.config.digest[7:]')
	pull "$REG/c:1"
	for how in $LIES; do
		python3 "$FIXTURES/chunked.py" lie "$REG" c 2 "$how" "$how"
		run -0 --separate-stderr env CUDDY_DEBUG=transfer "$CUDDY" pull -q --tls-verify=false "$REG/c:$how"
		[ "$output" = "$want" ] || fail "$how: $output"
		[[ "$stderr" != *Sanitizer* && "$stderr" != *"runtime error"* ]] || fail "$how: $stderr"
		case $how in
		absent) [[ "$stderr" != *"all of it is fetched"* ]] ;;
		*) [[ "$stderr" == *"all of it is fetched"* ]] || fail "$how: $stderr" ;;
		esac
		cuddy rmi "$REG/c:$how" >/dev/null
		empty_dir "$CUDDY_ROOT/staging" || wait_until 5 empty_dir "$CUDDY_ROOT/staging"
	done
}
