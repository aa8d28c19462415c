#!/usr/bin/env bats
# File systems on which the kernel's overlay does not work: another driver is chosen and says so, and an image with
# whiteouts, opaque directories and hard links shows the same as where it does. All in namespaces of the test's own,
# in which it may mount; there is one id there, which cuddy says too.
load helpers

setup_file() {
	file_begin
	LAYERS12=$(image_file layers12)
	BUSYBOX=$(image_file busybox)
	export LAYERS12 BUSYBOX
	cat >"$FILE_ROOT/nested" <<'SH'
OURS='etc/hosts etc/hostname etc/resolv.conf etc/mtab dev proc sys run/.containerenv run/secrets .dockerenv'
store() { # store DIR - a store there from now on
	export CUDDY_ROOT=$1 CUDDY_RUNROOT=$FILE_ROOT/run-nested
	rm -rf "$CUDDY_RUNROOT"
	mkdir -p -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
}
manifest() { # manifest OUT - of what the image shows
	"$CUDDY" load -q -i "$LAYERS12" >/dev/null 2>"$WORK/said" || { cat "$WORK/said" >&2; exit 1; }
	"$CUDDY" create --name m localhost/layers12 >/dev/null || exit 1
	mkdir "$WORK/tree" || exit 1
	"$CUDDY" export m | tar -x -p -C "$WORK/tree" || exit 1
	"$FIXTURES/fsmanifest.py" "$WORK/tree" $OURS | grep -v '^\. ' >"$1"
	rm -r "$WORK/tree"
	"$CUDDY" rm m >/dev/null
}
works() { # a container can change and delete, is stopped and started again
	"$CUDDY" load -q -i "$BUSYBOX" >/dev/null || exit 1
	"$CUDDY" run --name c --network none localhost/busybox sh -c 'if [ -e /kept ]; then cat /kept; ls /etc/passwd 2>&1; exit 5; fi
		echo kept >/kept; rm /etc/passwd; mkdir /d; echo x >/d/f; rm /d/f; echo y >>/etc/group' 
	"$CUDDY" start -a c >"$WORK/again"
	[ $? = 5 ] || exit 1
	[ "$(head -n 1 "$WORK/again")" = kept ] && grep -q 'passwd.*No such file' "$WORK/again" || exit 1
	"$CUDDY" diff c | sort >"$WORK/diff"
	"$CUDDY" run --rm --network none localhost/busybox cat /etc/passwd | grep -q ^root: || exit 1
	"$CUDDY" rm c >/dev/null || exit 1
}
driver() { "$CUDDY" info --format '{{.Store.GraphDriverName}}'; }
SH
	WORK=$FILE_ROOT nested 'store "$FILE_ROOT/native"; manifest "$FILE_ROOT/want"; works; mv "$WORK/diff" "$FILE_ROOT/want-diff"; driver' >"$FILE_ROOT/driver"
	[ "$(cat "$FILE_ROOT/driver")" = overlay ]
	[ "$(wc -l <"$FILE_ROOT/want")" -gt 20 ]
}

teardown_file() {
	unshare --user --map-auto --map-root-user rm -rf "$FILE_ROOT"/{native,run-nested}
	file_end
}

# nested SCRIPT - as root of a new user namespace, with mounts and processes that end with it
nested() {
	export WORK FILE_ROOT
	unshare --user --map-auto --map-root-user --mount --pid --mount-proc --fork --kill-child bash -c ". '$FILE_ROOT/nested'; $1"
}

overlay_on_overlay='mkdir "$WORK"/{l,u,w,m} && mount -t overlay overlay -o "userxattr,lowerdir=$WORK/l,upperdir=$WORK/u,workdir=$WORK/w" "$WORK/m" || exit 1;'

# Without attributes nothing can hold the owners that one id stands for, nor setuid bits of what others own.
without_owners() {
	local strip='s/ ([0-7])([0-7]{3}) [0-9]+:[0-9]+ / \1 \2 /; s/ [246] ([0-7]{3}) / 0 \1 /; s/ 3 ([0-7]{3}) / 1 \1 /'
	sed -E "$strip" "$FILE_ROOT/want" >"$WORK/want"
	sed -i -E "$strip" "$WORK/got"
}

same_as_native() {
	[ -e "$WORK/want" ] || cp "$FILE_ROOT/want" "$WORK/want"
	diff "$WORK/want" "$WORK/got" | cut -c1-200 | head -n 20
	cmp "$WORK/want" "$WORK/got"
	diff "$FILE_ROOT/want-diff" "$WORK/diff"
}

# images: S20
@test "overlay on overlay: fuse-overlayfs, said once, and everything is right" {
	nested "$overlay_on_overlay"'store "$WORK/m/root"; manifest "$WORK/got"; works; driver
		"$CUDDY" run --rm --network none -v "$WORK/l:/l:O" localhost/busybox true 2>"$WORK/no-O"; echo $? >"$WORK/no-O-status"' >"$WORK/driver"
	[ "$(cat "$WORK/driver")" = fuse-overlayfs ]
	[ "$(cat "$WORK/no-O-status")" -eq 125 ]
	grep -q "/l: an overlay as a mount, for which the store.s file system has no attributes or whiteouts" "$WORK/no-O"
	grep -q "m/root uses fuse-overlayfs because the kernel refuses an overlay" "$WORK/said"
	[ "$(grep -c uses "$WORK/said")" -eq 1 ]
	same_as_native
	unshare --user --map-auto --map-root-user rm -rf "$WORK"/{l,u,w,m}
}

@test "overlay on overlay without fuse-overlayfs: copies, and everything is right" {
	nested "$overlay_on_overlay"'mount --bind /dev/null /usr/bin/fuse-overlayfs || exit 1
		store "$WORK/m/root"; "$CUDDY" images -q 2>"$WORK/said-first"; umount /usr/bin/fuse-overlayfs
		manifest "$WORK/got"; works; driver' >"$WORK/driver"
	[ "$(cat "$WORK/driver")" = vfs ]
	grep -q "uses vfs, a copy of the whole image for each container, because the kernel refuses .*fuse-overlayfs is not installed; as root: apt-get" "$WORK/said-first"
	! grep -q uses "$WORK/said" || fail "it was there"
	same_as_native
	unshare --user --map-auto --map-root-user rm -rf "$WORK"/{l,u,w,m}
}

@test "overlay on overlay without access to /dev/fuse: copies, and the line says why" {
	nested "$overlay_on_overlay"'mount --bind /dev/fuse /dev/fuse && mount -o remount,bind,nodev /dev/fuse || exit 1
		store "$WORK/m/root"; "$CUDDY" images -q 2>"$WORK/said"; works; driver' >"$WORK/driver"
	[ "$(cat "$WORK/driver")" = vfs ]
	grep -q "uses vfs, a copy .*because the kernel refuses .*/dev/fuse cannot be opened (Permission denied).*chmod 0666 /dev/fuse" "$WORK/said"
	diff "$FILE_ROOT/want-diff" "$WORK/diff"
	unshare --user --map-auto --map-root-user rm -rf "$WORK"/{l,u,w,m}
}

@test "a FUSE file system without attributes and rename flags: fuse-overlayfs, and everything is right" {
	require_program bindfs
	mkdir "$WORK"/{l,m}
	nested 'bindfs --xattr-none -o attr_timeout=0 "$WORK/l" "$WORK/m" || exit 1
		store "$WORK/m/root"; manifest "$WORK/got"; works; driver' >"$WORK/driver"
	[ "$(cat "$WORK/driver")" = fuse-overlayfs ]
	without_owners
	grep -q "uses fuse-overlayfs because its file system has no user.* extended attributes" "$WORK/said"
	same_as_native
	unshare --user --map-auto --map-root-user rm -rf "$WORK"/{l,m}
}

@test "a FUSE file system without attributes, with vfs and with overlay asked for" {
	require_program bindfs
	mkdir "$WORK"/{l,m}
	nested 'bindfs --xattr-none -o attr_timeout=0 "$WORK/l" "$WORK/m" || exit 1
		store "$WORK/m/other"; "$CUDDY" --storage-driver overlay images -q 2>"$WORK/refused"; echo $?; ls -A "$CUDDY_ROOT"
		store "$WORK/m/root"; "$CUDDY" --storage-driver vfs images -q; manifest "$WORK/got"; works; driver' >"$WORK/driver"
	[ "$(cat "$WORK/driver")" = $'125\nvfs' ]
	without_owners
	grep -q "the storage driver overlay does not work in .*(its file system has no user.\* extended attributes); use fuse-overlayfs or vfs" "$WORK/refused"
	same_as_native
	unshare --user --map-auto --map-root-user rm -rf "$WORK"/{l,m}
}

@test "the usual place cannot hold overlays: the store goes to /var/tmp, which is said once and remembered" {
	mkdir "$WORK/tmp"
	# Another /var/tmp, which has what we stand on of the real one.
	nested "$overlay_on_overlay"'mount -t tmpfs none "$WORK/tmp" || exit 1
		for d in /var/tmp/*/; do
			case "$WORK/ $CUDDY" in "$d"*|*" $d"*) mkdir "$WORK/tmp/${d#/var/tmp/}" && mount --rbind "$d" "$WORK/tmp/${d#/var/tmp/}" || exit 1 ;; esac
		done
		mount --rbind "$WORK/tmp" /var/tmp || exit 1
		unset CUDDY_ROOT; export HOME=$WORK/m XDG_DATA_HOME=$WORK/m/data CUDDY_RUNROOT=$FILE_ROOT/run-nested
		"$CUDDY" info --format "{{.Store.GraphRoot}} {{.Store.GraphDriverName}}" 2>"$WORK/said"
		"$CUDDY" images -q; cat "$WORK/m/data/cuddy/version"' >"$WORK/out"
	[ "$(head -n 1 "$WORK/out")" = "/var/tmp/cuddy-$(id -u) overlay" ]
	grep -q "^cuddy: images and containers are kept in /var/tmp/cuddy-$(id -u)" "$WORK/said"
	[ "$(wc -l <"$WORK/said")" -eq 1 ]
	[ "$(tail -n 2 "$WORK/out")" = "cuddy-store moved"$'\n'"/var/tmp/cuddy-$(id -u)" ]
	unshare --user --map-auto --map-root-user rm -rf "$WORK"/{l,u,w,m,tmp}
}
