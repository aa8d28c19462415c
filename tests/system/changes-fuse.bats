#!/usr/bin/env bats
# export, diff and commit say the same of a container whichever driver keeps what it changed.
load helpers

setup() { WORK=$BATS_TEST_TMPDIR; }
teardown() { test_end; }

CHANGES='mkdir /n; echo hello >/n/f; chown 5:6 /n/f; ln /n/f /n/hard; ln -s f /n/soft; rm /etc/group; rm -r /home; mkdir /home; echo >/home/new
	rm -r /var; echo f >/var; mkdir -p /tmp/a/b; rm -r /tmp/a; mkdir /tmp/a'

listing() { tar -tv --numeric-owner | awk '{ $4 = $5 = ""; print }'; } # times differ

# all that can be said of a container of this driver, into files DIR/…
tell() { # tell DRIVER DIR
	mkdir -p "$2"
	export STORAGE_DRIVER=$1
	use_root "$BATS_TEST_TMPDIR/$1"
	load_image busybox
	unset STORAGE_DRIVER
	cuddy run --name c "$IMAGE" sh -c "$CHANGES"
	cuddy diff c >"$2/diff"
	cuddy export c | listing >"$2/export"
	cuddy commit c made >/dev/null
	cuddy image diff made >"$2/image"
	cuddy commit --squash c flat >/dev/null
	cuddy create --name flat flat true >/dev/null
	cuddy export flat | listing >"$2/flat"
	cuddy run --rm made sh -c 'ls -A /home /tmp /n; cat /var; stat -c "%u:%g %h" /n/f; ls /etc/group 2>&1' >"$2/run" || true
	clean_containers
}

# images: S19
@test "fuse-overlayfs: export, diff and commit are those of the kernel's overlay" {
	tell overlay "$WORK/kernel"
	drop_root
	tell fuse-overlayfs "$WORK/fuse"
	grep -q 'D /home/user' "$WORK/fuse/diff"
	grep -q ' home/new$' "$WORK/fuse/export"
	! grep -q -e 'wh\.' -e 'home/user' "$WORK/fuse/export" "$WORK/fuse/flat" || fail "it was there"
	diff -r "$WORK/kernel" "$WORK/fuse"
}

@test "fuse-overlayfs: cp to and from a container, running or not" {
	export STORAGE_DRIVER=fuse-overlayfs
	use_root "$BATS_TEST_TMPDIR/f"
	load_image busybox
	unset STORAGE_DRIVER
	cuddy run -d --name c -v v:/vol "$IMAGE" sleep 1000
	echo x >"$WORK/file"
	cuddy cp "$WORK/file" c:/vol/a
	cuddy cp "$WORK/file" c:/b
	cuddy cp c:/b c:/c
	[ "$(cuddy exec c cat /vol/a /b /c | xargs)" = 'x x x' ]
	[ "$(cuddy cp c:/vol - | tar -t | sort | xargs)" = 'vol/ vol/a' ]
	cuddy stop -t 0 c
	cuddy cp "$WORK/file" c:/d
	cuddy cp c:/d "$WORK/back"
	cmp "$WORK/file" "$WORK/back"
	cuddy start c
	[ "$(cuddy exec c cat /d /b | xargs)" = 'x x' ]
}
