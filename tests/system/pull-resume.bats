#!/usr/bin/env bats
# Downloads that are cut off by a kill, and go on in another process: by range, verified, bounded, never in anybody's way.
load helpers
load registry

# The registry and its image are the file's, the store is each test's own.
setup_file() {
	export WORK=$BATS_FILE_TMPDIR
	use_root "$WORK/first"
	registry_begin
	# One layer of some megabytes, made of what is at hand.
	mkdir -p "$WORK/files/bin"
	cp /bin/busybox "$WORK/files/bin/sh"
	head -c 6000000 /dev/urandom >"$WORK/files/noise"
	tar -C "$WORK/files" -c . | cuddy import -q - d:1 >/dev/null
	cuddy push -q --tls-verify=false d:1 "$REG/d:1" 2>/dev/null
	drop_root
	BLOB=$(skopeo inspect --raw --tls-verify=false "docker://$REG/d:1" | jq -r '.layers[0] | .digest + " " + (.size | tostring)')
	export REG REG_DIR REG_PID SIZE=${BLOB#* } BLOB=${BLOB% *}
}

teardown_file() {
	registry_end
}

setup() {
	test_begin
	cuddy rmi "$IMAGE" >/dev/null
	PART=$CUDDY_ROOT/parts/${BLOB/:/-}
}

teardown() {
	line_end
	test_end
}

pull() { cuddy pull -q --tls-verify=false "$@"; }
transfers() { pgrep -P "$1" -f cuddy-transfer; }
gone() { ! kill -0 "$1" 2>/dev/null; }
bytes_of() { stat -c %s "$1" 2>/dev/null || echo 0; }
# A pull that stops in the middle: P is its pid
pull_stuck() {
	"$CUDDY" pull -q --tls-verify=false "$LINE/d:1" >"$WORK/out" 2>"$WORK/err" 3>&- &
	P=$!
	line_stuck
	grows() { [ "$(bytes_of "$PART")" -gt 500000 ]; }
	wait_until 20 grows
}
kill_all() { # the transfer first: alone, and nobody tidies up after it
	local t
	t=$(transfers "$1")
	kill -KILL $t "$1"
	wait "$1" 2>/dev/null || true
	wait_until 20 gone $t
}
# The registry writes of a request into its log when it is over, which may be after the one who asked has gone.
logged() { [ "$(grep -c "\"GET /v2/d/blobs/$BLOB HTTP/1.1\"" "$REG_DIR/log")" -gt "$1" ]; }
cut_off() {
	local before
	before=$(grep -c "\"GET /v2/d/blobs/$BLOB HTTP/1.1\"" "$REG_DIR/log") || true
	slow_line 1500000
	pull_stuck
	kill_all $P
	line_end
	wait_until 20 logged "$before"
}
# What was sent of the blob since blob_gets_begin, by status
sent() { tail -n +$((GETS_FROM + 1)) "$REG_DIR/log" | sed -n "s|.*\"GET /v2/d/blobs/$BLOB HTTP/1.1\" $1 \([0-9]*\).*|\1|p"; }
is_whole() {
	[ "$(cuddy run --rm --network none "$REG/d:1" sh -c 'echo whole')" = whole ]
	run -0 --separate-stderr cuddy system check
	empty_dir "$CUDDY_ROOT/parts"
}

# images: S8
@test "S8: a killed pull is gone on with: only the rest is asked for; a part that is wrong never becomes a layer" {
	cut_off
	had=$(bytes_of "$PART")
	[ "$had" -lt "$SIZE" ]
	[[ "$(cuddy system df -v)" == *"$BLOB"* ]]
	blob_gets_begin
	run -0 --separate-stderr pull "$REG/d:1"
	[ -z "$stderr" ]
	[ "$(sent 206)" -eq $((SIZE - had)) ]
	[ -z "$(sent 200)" ]
	is_whole
	cuddy rmi "$REG/d:1" >/dev/null
	# A byte of it turned: said, and all of it fetched again.
	cut_off
	printf x | dd of="$PART" bs=1 seek=400000 conv=notrunc status=none
	blob_gets_begin
	run -0 --separate-stderr pull "$REG/d:1"
	[[ "$stderr" == *"what was kept of it is not right"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "$(sent 200)" -eq "$SIZE" ]
	is_whole
	cuddy rmi "$REG/d:1" >/dev/null
	# Longer than the blob, a whole one of something else, an empty one, a link.
	for kind in long other empty link; do
		case $kind in
		long) head -c $((SIZE + 1)) /dev/urandom >"$PART" ;;
		other) head -c "$SIZE" /dev/zero >"$PART" ;;
		empty) : >"$PART" ;;
		link) ln -s /etc/hostname "$PART" ;;
		esac
		run -0 --separate-stderr pull "$REG/d:1"
		rm -f "$PART"
		is_whole
		cuddy rmi "$REG/d:1" >/dev/null
	done
}

# images: S8
@test "S8: after ^C only the rest is asked for" {
	slow_line 1500000
	env --default-signal=INT "$CUDDY" pull -q --tls-verify=false "$LINE/d:1" >"$WORK/out" 2>"$WORK/err" 3>&- &
	P=$!
	line_stuck
	grows() { [ "$(bytes_of "$PART")" -gt 500000 ]; }
	wait_until 20 grows
	before=$(grep -c "\"GET /v2/d/blobs/$BLOB HTTP/1.1\"" "$REG_DIR/log") || true
	kill -INT $P
	! wait $P || fail "no error"
	line_end
	wait_until 20 logged "$before"
	had=$(bytes_of "$PART")
	[ "$had" -gt 500000 ]
	blob_gets_begin
	pull "$REG/d:1"
	[ "$(sent 206)" -eq $((SIZE - had)) ]
	[ -z "$(sent 200)" ]
	is_whole
}

# images: S8, S17
@test "S8: a pull that ran out of room goes on when there is some: layers that were finished are not asked for again" {
	mkdir "$WORK/ctx" "$WORK/small"
	head -c 3000000 /dev/urandom >"$WORK/ctx/first"
	head -c 60000000 /dev/zero >"$WORK/ctx/second" # a few kilobytes on the way
	printf 'FROM scratch\nCOPY first /first\nCOPY second /second\n' >"$WORK/ctx/Containerfile"
	cuddy build -q -t two "$WORK/ctx" >/dev/null
	cuddy push -q --tls-verify=false two "$REG/two:1"
	read -r one two < <(skopeo inspect --raw --tls-verify=false "docker://$REG/two:1" | jq -r '[.layers[].digest] | join(" ")')
	cat >"$WORK/script" <<-'SH'
		export CUDDY_ROOT=$WORK/small/root CUDDY_RUNROOT=$WORK/small-run
		mkdir -p -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
		trap '"$CUDDY" rmi -f -a >/dev/null; rm -rf "$CUDDY_RUNROOT"' EXIT
		gets() { grep -c "\"GET /v2/two/blobs/$1 HTTP" "$REG_DIR/log"; }
		for try in 1 2; do
			out=$("$CUDDY" pull -q --tls-verify=false "$REG/two:1" 2>&1) && { echo "no error"; exit 1; }
			case $out in cuddy:*"No space left on device"*) ;; *) echo "$out"; exit 1 ;; esac
			[ "$(printf '%s\n' "$out" | wc -l)" = 1 ] && [ -z "$("$CUDDY" images -q)" ] || { echo "$out"; exit 1; }
			"$CUDDY" system check || exit 1
		done
		mount -o remount,size=200m "$WORK/small" || exit 1
		"$CUDDY" pull -q --tls-verify=false "$REG/two:1" >/dev/null || exit 1
		"$CUDDY" system check || exit 1
		echo "$(gets $ONE) $(gets $TWO)"
	SH
	export WORK ONE=$one TWO=$two
	run cuddy unshare sh -c "mount -t tmpfs -o size=20m none '$WORK/small' && exec bash '$WORK/script'"
	[ "$status" -eq 0 ] || fail "$output"
	[ "$output" = "1 1" ] || fail "asked for: $output"
}

# images: S7
@test "S7: who waits for another's download goes on where that one was killed; nobody else waits for either" {
	cuddy load -q -i "$(image_file busybox)" >/dev/null
	slow_line 1500000
	pull_stuck
	first=$P
	blob_gets_begin
	"$CUDDY" pull --tls-verify=false "$REG/d:1" >"$WORK/two" 2>"$WORK/two.err" 3>&- &
	second=$!
	wait_until 20 transfers $second
	# Both stand still; all the rest moves.
	timeout 60 "$CUDDY" ps -a >/dev/null
	timeout 60 "$CUDDY" images >/dev/null
	[ "$(timeout 60 "$CUDDY" run --rm --network none "$IMAGE" echo moved)" = moved ]
	timeout 60 "$CUDDY" tag "$IMAGE" other:1
	timeout 60 "$CUDDY" rmi other:1 >/dev/null
	timeout 60 "$CUDDY" system df >/dev/null
	timeout 60 "$CUDDY" system prune -f >/dev/null # not what somebody is busy with
	[ -e "$PART" ]
	! gone $second || fail "it was there"
	[ -z "$(sent 200)" ]
	had=$(bytes_of "$PART") # all that the line let through has long come
	kill_all $first
	wait $second
	[ "$(sent 206)" -eq $((SIZE - had)) ]
	[ -z "$(sent 200)" ]
	is_whole
}

# images: S8, S11
@test "S8: parts are seen by system df, and go by prune, by age and with what is no use" {
	cut_off
	reclaimable() { cuddy system df --format '{{.Type}} {{.RawReclaimable}}' | sed -n 's/^Images //p'; }
	[ "$(reclaimable)" -ge "$(bytes_of "$PART")" ]
	run -0 cuddy system prune -f
	[[ "$output" =~ 'Total reclaimed space: '[1-9] ]]
	empty_dir "$CUDDY_ROOT/parts"
	cut_off
	cuddy image prune -f
	empty_dir "$CUDDY_ROOT/parts"
	cut_off
	mv "$PART" "$CUDDY_ROOT/parts/sha256-$(printf a%.0s {1..64})"
	touch -d '8 days ago' "$CUDDY_ROOT/parts/"*
	pull "$REG/d:1"
	is_whole
	# Who keeps no archives keeps no parts.
	cuddy rmi "$REG/d:1" >/dev/null
	slow_line 1500000
	CUDDY_KEEP_BLOBS=no "$CUDDY" pull -q --tls-verify=false "$LINE/d:1" >"$WORK/out" 2>&1 3>&- &
	P=$!
	line_stuck
	kill_all $P
	empty_dir "$CUDDY_ROOT/parts"
}

@test "S8: killed at any moment again and again, it gets on each time and is right in the end" {
	RANDOM=7
	last=0
	for n in 1 2 3 4 5; do
		slow_line $((SIZE / 12 + RANDOM * 10))
		"$CUDDY" pull -q --tls-verify=false "$LINE/d:1" >"$WORK/out" 2>"$WORK/err" 3>&- &
		P=$!
		line_stuck
		kill_all $P
		line_end
		now=$(bytes_of "$PART")
		[ "$now" -ge "$last" ]
		last=$now
	done
	[ "$last" -gt 1000000 ]
	broken_line $((SIZE / 7 + RANDOM * 10))
	run -0 --separate-stderr pull --retry 3 --retry-delay 0 "$LINE/d:1"
	[ "$(line_bytes)" -lt $((SIZE - last + SIZE / 4)) ]
	cuddy tag "$LINE/d:1" "$REG/d:1"
	is_whole
}

@test "S7: at a terminal the one that fetches shows bytes, speed and time left, the other how far that is" {
	slow_line 1500000
	python3 - "$CUDDY" "$LINE" "$REG" "$FIXTURES" "$LINE_DIR/go" <<-'PY'
		import sys
		cuddy, line, registry, fixtures, go = sys.argv[1:]
		sys.path.insert(0, fixtures)
		from ptydrv import Pty
		one = Pty(["env", "TERM=xterm", cuddy, "pull", "--tls-verify=false", line + "/d:1"], cols=110)
		one.expect(rb"Copying blob [0-9a-f]{12}  \[=+>? *\] [0-9.]+ [kM]B / [0-9.]+ MB  [0-9.]+ [kMG]?B/s  [0-9hms]+ left\x1b\[K")
		two = Pty(["env", "TERM=xterm", cuddy, "pull", "--tls-verify=false", registry + "/d:1"], cols=110)
		two.expect(rb"Copying blob [0-9a-f]{12}  \[=+>? *\] [0-9.]+ [kM]B / [0-9.]+ MB  elsewhere\x1b\[K")
		open(go, "w").close()
		done = lambda p: (p.expect(rb"Copying blob [0-9a-f]{12}  (done|exists)\x1b\[K\r\n"), p.expect(rb"[0-9a-f]{64}\r\n"), p.wait())[2]
		assert [done(one), done(two)] == [0, 0]
	PY
	is_whole
}

# plain_image: d:1 at the registry becomes one whose layer is an uncompressed archive, so this test is the last
plain_image() {
	python3 - "$REG" "$BATS_FILE_TMPDIR/files" <<-'P'
		import io, sys, tarfile, urllib.request
		from mkimg import Image, digest
		reg, files = sys.argv[1:]
		b = io.BytesIO()
		with tarfile.open(fileobj=b, mode="w", format=tarfile.PAX_FORMAT) as t:
		    t.add(files, arcname=".")
		img = Image([b.getvalue()], {"Cmd": ["true"]}, compression="none")
		def send(what, data, method, kind="application/octet-stream"):
		    url = what if "://" in what else "http://%s/v2/d/%s" % (reg, what)
		    return urllib.request.urlopen(urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind}))
		for data in img.all_blobs()[:-1]:
		    send(send("blobs/uploads/", b"", "POST").headers["Location"] + "&digest=" + digest(data), data, "PUT")
		send("manifests/1", img.manifest, "PUT", img.media_type)
	P
	BLOB=$(skopeo inspect --raw --tls-verify=false "docker://$REG/d:1" | jq -r '.layers[0].digest')
	SIZE=$(skopeo inspect --raw --tls-verify=false "docker://$REG/d:1" | jq -r '.layers[0].size')
	PART=$CUDDY_ROOT/parts/${BLOB/:/-}
	[ "$(skopeo inspect --raw --tls-verify=false "docker://$REG/d:1" | jq -r '.layers[0].mediaType')" = application/vnd.oci.image.layer.v1.tar ]
}

# images: S8, S1
@test "S8: a layer that is not compressed is gone on with as well, and not kept beside its files once it is whole" {
	plain_image
	cut_off
	had=$(bytes_of "$PART")
	[ "$had" -lt "$SIZE" ]
	blob_gets_begin
	run -0 --separate-stderr pull "$REG/d:1"
	[ -z "$stderr" ]
	[ "$(sent 206)" -eq $((SIZE - had)) ]
	[ -z "$(sent 200)" ]
	is_whole
	[ -z "$(find "$CUDDY_ROOT/layers" -maxdepth 2 -name blob)" ]
	# It goes out as it came.
	digest=$(skopeo inspect --raw --tls-verify=false "docker://$REG/d:1" | sha256sum)
	cuddy push -q --tls-verify=false "$REG/d:1" "$REG/again:1"
	[ "$(skopeo inspect --raw --tls-verify=false "docker://$REG/again:1" | sha256sum)" = "$digest" ]
}
