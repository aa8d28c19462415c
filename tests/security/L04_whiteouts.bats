#!/usr/bin/env bats
# L04, L05, L06: entries and attributes that overlay would take for commands, and nodes that are devices.
load hostile

# images: F5
@test "L04: whiteouts of nothing, of the directory itself and of its parent are refused" {
	refuse_layers 'whiteout' <<'EOT'
		(".wh.", "f", "")
		(".wh..", "f", "")
		(".wh...", "f", "")
		("a/.wh...", "f", "")
		("a/.wh..", "f", "")
		(".wh.a/b", "f", "x")
EOT
}

# images: F5
@test "L04: a whiteout deletes from lower layers, inside the root, in any order" {
	load_as localhost/wh <<'EOT'
layers = [BASE(), [("keep", "f", "low"), ("gone", "f", "low"), ("late", "f", "low"), ("d", "d"), ("d/x", "f", "low"),
                   ("real", "d"), ("real/n", "f", "low"), ("l", "s", "/real"), ("out", "s", V)],
          [("late", "f", "high"), (".wh.late", "f", ""), (".wh.keep", "f", ""), ("keep", "f", "high"), (".wh.gone", "f", ""),
           ("d/.wh..wh..opq", "f", ""), ("d/y", "f", "high"), ("l/.wh.n", "f", ""), ("out/.wh.f", "f", ""),
           (".wh..wh.plnk/1", "f", ""), (".wh..wh.aufs", "f", ""), (".wh.no-such", "f", "")]]
EOT
	run -0 cuddy run --rm --network none localhost/wh sh -c 'cat /late /keep; ls -A /d /real; ls -a / | grep -c wh; true'
	[ "$(echo $output)" = "highhigh/d: y /real: n 0" ] # a layer is unpacked alone: its own l is a directory
	run cuddy run --rm --network none localhost/wh ls /gone
	[ "$status" -ne 0 ]
	packed_again localhost/wh
	victim_is_unchanged
}

# images: F5
@test "L04: an opaque root hides all of the lower layers and nothing else" {
	load_as localhost/opq <<'EOT'
layers = [[("secret", "f", "low")], [(".wh..wh..opq", "f", "")], BASE()]
EOT
	run -0 cuddy run --rm --network none localhost/opq sh -c 'ls -A / | grep -c secret; true'
	[ "$output" = 0 ]
}

@test "L04: ten thousand whiteouts are no trouble" {
	load_as localhost/many <<'EOT'
layers = [BASE(), [(".wh.n%d" % i, "f", "") for i in range(10000)]]
EOT
	run -0 cuddy run --rm --network none localhost/many true
}

@test "L05: attributes that are commands to overlay or to stores do not pass" {
	load_as localhost/attr <<'EOT'
bad = ["user.overlay.opaque", "user.overlay.redirect", "user.overlay.metacopy", "user.overlay.whiteout", "user.overlay.whiteouts",
       "trusted.overlay.opaque", "user.fuseoverlayfs.opaque", "user.containers.override_stat", "user.cuddy.owner",
       "security.selinux", "security.ima", "trusted.x", "system.posix_acl_access"]
pax = {"SCHILY.xattr." + k: "y" for k in bad}
pax["SCHILY.xattr.user.fine"] = "kept"
lib = {"LIBARCHIVE.xattr.user%2Eoverlay%2Eopaque": "eQ", "LIBARCHIVE.xattr.user.overlay.redirect": "L2V0Yw"}
layers = [BASE(), [("d", "d"), ("d/low", "f", "1"), ("e", "d"), ("e/low", "f", "1"), ("z", "d"), ("z/low", "f", "1")],
          [("d", "d", b"", 0o755, 0, 0, pax), ("d/high", "f", "2"), ("e", "d", b"", 0o755, 0, 0, lib),
           ("z", "d", b"", 0o755, 0, 0, {"SCHILY.xattr.user.overlay.redirect": "/etc"})]]
EOT
	run -0 cuddy run --rm --network none localhost/attr sh -c 'ls /d /e /z'
	[ "$(echo $output)" = "/d: high low /e: low /z: low" ]
	run -0 bash -c "unshare --user --map-auto --map-root-user getfattr -R -h -d -m - '$CUDDY_ROOT/layers' 2>/dev/null | grep =" # as they lie on disk
	[ "$(grep -vc '^user.fine=' <<<"$output")" = 0 ] || fail "$output"
	packed_again localhost/attr
}

@test "L05: a device 0:0, overlay's own whiteout, is refused" {
	refuse_layers '0:0' <<'EOT'
		("bin", "c", "0:0")
		("a/b/c", "c", "0:0")
EOT
}

# images: S1, S17
@test "L06: device nodes of an image are left out, a fifo does not stop anybody" {
	load_as localhost/dev <<'EOT'
layers = [BASE(), [("sda", "b", "8:0"), ("mem", "c", "1:1"), ("null2", "c", "1:3"), ("fifo", "p"), ("after", "f", "x"),
                   ("hl", "f", "y")]]
EOT
	run -0 cuddy run --rm --network none localhost/dev sh -c 'ls /sda /mem /null2 2>/dev/null; stat -c %F /fifo; cat /after'
	[ "$(echo $output)" = "fifo x" ]
	run -0 unshare --user --map-auto --map-root-user find "$CUDDY_ROOT/layers" -type b -o -type c
	[ -z "$output" ]
	packed_again localhost/dev
	run -0 timeout 20 "$CUDDY" image lint localhost/dev # reads files
}

@test "L06: etc/passwd and etc/group as a fifo or a device do not stop a start for ever" {
	load_as localhost/pf <<'EOT'
layers = [BASE(), [("etc/passwd", "p")]]
EOT
	run timeout 10 "$CUDDY" run --rm --network none -u user localhost/pf true
	[ "$status" -eq 125 ]
}

# images: S17
@test "L07: no other user reaches a setuid file of the store, whatever the umask was" {
	require_other_user
	(
		umask 000
		load_as localhost/suid <<'EOT'
layers = [BASE(), [("bin/su2", "f", b"#!/bin/sh\n", 0o6755)]]
EOT
	)
	chmod 0755 "$BATS_TEST_TMPDIR" 2>/dev/null || true
	f=$(unshare --user --map-auto --map-root-user find "$CUDDY_ROOT/layers" -name su2 | head -n 1)
	[ -n "$f" ]
	[ -u "$f" ]
	for c in "stat $f" "ls $CUDDY_ROOT/layers" "$f" "cat $f" "ls $CUDDY_ROOT" "ls $CUDDY_RUNROOT"; do
		as_other $c >"$WORK/out" 2>&1 && fail "another user could: $c"
	done
	[ "$(stat -c %a "$CUDDY_ROOT" "$CUDDY_ROOT/layers" | sort -u)" = 700 ]
	(umask 000; cuddy system reset -f >/dev/null; cuddy load -q -i "$(image_file busybox)")
	[ "$(stat -c %a "$CUDDY_ROOT" "$CUDDY_ROOT/layers" | sort -u)" = 700 ]
	as_other ls "$CUDDY_ROOT/layers" >"$WORK/out" 2>&1 && fail "another user could" || true
}
