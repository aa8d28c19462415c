#!/usr/bin/env bats
# A published store gives nobody anything: not the setuid files of its images, not through links or FIFOs in its records,
# and what its owner changes in it is seen.
load ../system/helpers

setup() {
	test_begin
	PUB=/var/tmp/cuddy-pub.$$
	cuddy run --name c "$IMAGE" sh -c 'for f in root mine; do cp /bin/busybox /$f; done; chmod 6755 /root 2>/dev/null; cp /bin/busybox /suid; chmod 4755 /suid; cp /bin/busybox /sgid; chmod 2755 /sgid
		chown 1000:1000 /mine; chmod 6755 /mine; mkdir -m 3777 /drop; echo "only root" >/narrow; chmod 0 /narrow'
	cuddy commit -q c localhost/odd >/dev/null
	cuddy rm c >/dev/null
	cuddy image publish "$PUB" localhost/odd >/dev/null
}

teardown() {
	chmod -R u+rwX "$PUB"
	rm -rf "$PUB"
	test_end
}

@test "H13: no file of a published store has a setuid bit, a capability or another owner than the publisher" {
	[ "$(find "$PUB/data" -type f | wc -l)" -gt 4 ]
	[ -z "$(find "$PUB" -perm /7000)" ]
	[ -z "$(find "$PUB" ! -user "$(id -un)")" ]
	[ -z "$(find "$PUB" ! -type f ! -type d)" ]
	[ -z "$(find "$PUB" -perm /0022)" ]
	[ -z "$(find "$PUB" -type f -perm /0111)" ]
	run getcap -r "$PUB"
	[ -z "$output" ]
}

@test "H13: another user runs it with his own ids, and becomes nobody by it" {
	require_other_user
	as_other sh -c "test -x '$CUDDY'" || lacks "the other user cannot execute $CUDDY"
	home=/var/tmp/cuddy-other-home.$$
	as_other mkdir -m 0700 $home
	theirs() { as_other env HOME=$home XDG_RUNTIME_DIR=$home STORAGE_OPTS=additionalimagestore="$PUB" CUDDY_ROOT=$home/root CUDDY_RUNROOT=$home/run "$@"; }
	run -0 theirs "$CUDDY" run --rm --network none localhost/odd sh -c 'id -u; stat -c "%n %u %a" /suid /mine /narrow; cat /narrow; cat /etc/passwd | head -n 1'
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = "/suid 0 4755" ]
	[ "${lines[2]}" = "/mine 1000 6755" ]
	[ "${lines[3]}" = "/narrow 0 0" ]
	[ "${lines[4]}" = "only root" ]
	# What it made of it lies where only he comes to, and belongs to his own ids.
	theirs "$CUDDY" create --name keep localhost/odd true
	as_other find $home/root -perm /6000 -printf '%p %U\n' >"$WORK/theirs" || true
	! grep -q " $(id -u)$" "$WORK/theirs" || fail "it was there"
	run find "$home/root"
	[ "$status" -ne 0 ]
	[ "$(as_other stat -c '%a' $home/root)" = 700 ]
	theirs "$CUDDY" rm keep
	as_other "$CUDDY" --root $home/root --runroot $home/run unshare rm -rf $home/root
	as_other rm -rf $home
}

@test "H13: records that are links, FIFOs, endless or malformed are refused, without a hang" {
	export STORAGE_OPTS=additionalimagestore=$PUB CUDDY_ROOT=$WORK/r2 CUDDY_RUNROOT=$WORK/r2run
	mkdir -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
	layer=$(ls -d "$PUB"/layers/*| tail -n 1)
	image=$(ls -d "$PUB"/images/*)
	attempt() { # attempt FILE COMMAND...: with FILE replaced by it the image cannot be run; then it can again
		local f=$1
		shift
		mv "$f" "$WORK/kept"
		"$@"
		run timeout 20 "$CUDDY" run --rm --network none --pull never localhost/odd true
		[ "$status" -eq 125 ] || fail "$f $*: $status $output"
		rm -f "$f"
		mv "$WORK/kept" "$f"
	}
	big() { truncate -s 2G "$1"; }
	junk() { head -c 4000 /dev/urandom >"$1"; }
	echo secret >"$WORK/secret"
	for f in "$layer/meta" "$layer/place" "$layer/record.json" "$image/record.json" "$image/config"; do
		attempt "$f" ln -s "$WORK/secret" "$f"
		attempt "$f" mkfifo "$f"
		attempt "$f" big "$f"
		attempt "$f" junk "$f"
	done
	out() { printf '../../../../../../../%s' "$WORK" >"$1"; }
	attempt "$layer/place" out "$layer/place"
	# A file's own bytes: no error of the store's, but nobody reads what a link leads to, or waits.
	content=$(grep -rlx 'only root' "$PUB/data")
	mv "$content" "$WORK/kept"
	for make in "ln -s $WORK/secret" mkfifo; do
		$make "$content"
		run timeout 20 "$CUDDY" run --rm --network none --pull never localhost/odd cat /narrow
		rm "$content"
		[ "$status" -ne 0 ]
		[ "$status" -ne 124 ]
		[[ "$output" != *secret* ]]
	done
	mv "$WORK/kept" "$content"
	run -0 timeout 20 "$CUDDY" run --rm --network none --pull never localhost/odd true
	cuddy image prune -f >/dev/null
	unset STORAGE_OPTS
	cuddy unshare rm -rf "$CUDDY_ROOT"
	use_root "$BATS_TEST_TMPDIR"
}

@test "H13: a store that others can write to is refused; what was changed in it later is found" {
	export STORAGE_OPTS=additionalimagestore=$PUB
	chmod 0777 "$PUB"
	run -125 --separate-stderr cuddy images
	one_line_error 125 "can be written by others"
	chmod 0755 "$PUB"
	export CUDDY_ROOT=$WORK/r2 CUDDY_RUNROOT=$WORK/r2run
	mkdir -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
	cuddy create --name c localhost/odd true
	[ -z "$(cuddy system check)" ]
	cuddy start c
	[ -z "$(cuddy system check)" ]
	if ls "$CUDDY_ROOT"/layers/*/shared >/dev/null 2>&1; then
		for f in $(find "$PUB/data" -type f -size +100k); do printf x | dd of="$f" bs=1 seek=9000 conv=notrunc 2>/dev/null; done
		run -125 cuddy system check
		[ "$(grep -c '^layer' <<<"$output")" -ge 1 ]
	fi
	cuddy rm c >/dev/null
	cuddy unshare rm -rf "$CUDDY_ROOT"
	unset STORAGE_OPTS
	use_root "$BATS_TEST_TMPDIR"
}
