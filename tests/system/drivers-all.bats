#!/usr/bin/env bats
# Every way to keep layers, on every kind of file system that we know how to be refused by: the same commands
# say the same, and what is made there is the same elsewhere. In namespaces of the test's own, as drivers-poor.bats.
load helpers

setup_file() {
	file_begin
	BUSYBOX=$(image_file busybox)
	export BUSYBOX
	cat >"$FILE_ROOT/suite" <<'SH'
c() { "$CUDDY" "$@"; }
r() { "$CUDDY" run --network none "$@"; }
place() { # place KIND - $CUDDY_ROOT on such a file system
	mkdir -p "$WORK"/{m,l,u,w}
	case $1 in
	native) ;;
	fuse) bindfs --xattr-none -o attr_timeout=0 "$WORK/l" "$WORK/m" ;;
	ramfs) mount -t ramfs none "$WORK/m" ;; # as tmpfs before Linux 6.6: no attributes of users
	overlay) mount -t overlay overlay -o "userxattr,lowerdir=$WORK/l,upperdir=$WORK/u,workdir=$WORK/w" "$WORK/m" ;;
	esac || exit 1
	export CUDDY_ROOT=$WORK/m/root CUDDY_RUNROOT=$WORK/run
	mkdir -p -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
}
df_is_du() { # what system df says is what du says of the same places
	for i in "Images|Build Cache=layers images refs blobs cache staging locks parts" "Containers=containers names" "Local Volumes=volumes"; do
		df=$(c system df --format '{{.Type}}:{{.RawSize}}' | grep -E "^(${i%%=*}):" | awk -F: '{ n += $2 } END { print n }')
		du=$(cd "$CUDDY_ROOT" && du -c -s -B1 $(ls -d ${i#*=} 2>/dev/null) | awk 'END { print $1 }')
		[ "$df" = "$du" ] && [ "$df" -gt 0 ] && echo "${i%%=*}: yes" || echo "${i%%=*}: df $df, du $du"
	done
}
look() { r --rm "$1" sh -c 'ls -A /home /o; cat /var /dup; ls -d /etc/group /bigger /c 2>&1; stat -c "%h %a %u:%g" /etc/p2 /o/n 2>&1'; }
build() { # build OUT
	mkdir "$WORK/ctx"
	echo ctx >"$WORK/ctx/f"
	tar -C "$WORK/ctx" -cf "$WORK/ctx/t.tar" f
	printf 'FROM one AS a\nRUN %s\nCOPY f /etc/f\nRUN rm /etc/f && %s\n%s %s\n%s\nFROM %s\n%s\n%s\nRUN %s\nFROM a\n%s\n' \
		'rm -r /o /bigger && mkdir /o && echo new >/o/n && chmod 700 /root' \
		'touch -r /dup /r; echo xyz >/dup; touch -r /r /dup; rm /r' \
		'RUN --mount=type=bind,from=localhost/busybox,target=/mnt/bb --mount=type=tmpfs,target=/mnt/t --mount=type=bind,target=/ctx,rw' \
		'cat /mnt/bb/etc/group >/gr && echo x >/ctx/new && ls /ctx >>/gr' 'ADD t.tar /tar/' \
		"$IMAGE" 'COPY --from=a /o/n /etc/p2 /x/' 'COPY --from=a --link /gr /gr' 'rm -r /home' \
		'COPY --from=1 /x /x' >"$WORK/Containerfile"
	for i in '' --squash; do
		c build -q --network none $i -f "$WORK/Containerfile" -t built "$WORK/ctx" >/dev/null 2>"$1/build$i" || echo no build >>"$1/build$i"
		c image diff built | sort >>"$1/build$i"
		r --rm built sh -c 'ls -A / /o /x /tar; cat /dup /gr; ls /etc/f /bigger /etc/group 2>&1; stat -c "%a %u:%g" /root /gr' >>"$1/build$i" 2>&1
	done
	c build -q --network none -f "$WORK/Containerfile" --output "type=tar,dest=-" "$WORK/ctx" 2>&1 | tar -tv --numeric-owner | awk '{ $4 = $5 = ""; print }' >"$1/output"
}
suite() { # suite OUT - what the commands say, one file each; the image "two" for other stores
	c load -q -i "$BUSYBOX" >/dev/null 2>&1
	r --name c "$IMAGE" sh -c 'rm /etc/group; rm -r /home; mkdir /home; echo >/home/new; rm -r /var; echo f >/var
		echo x >>/etc/passwd; ln /etc/passwd /etc/p2; mkdir -p /o/a; echo 1 >/o/a/f; echo 12345678 >/bigger; echo abc >/dup'
	c diff c | sort >"$1/diff"
	c commit -q c one >/dev/null || echo no commit
	# The same size and time, another content.
	r --name d one sh -c 'rm -r /o; mkdir /o; rm /bigger; echo n >/o/n; touch -r /dup /r; echo abd >/dup; touch -r /r /dup; rm /r'
	c commit -q d two >/dev/null || echo no second commit
	look two >"$1/look" 2>&1
	for i in one two; do c image diff "$i" | sort >"$1/image-diff-$i"; done
	c image tree two | sed 's/ID: [^ ]*//' >"$1/tree"
	c image lint two >"$1/lint"
	c history --format '{{.Size}}' two >"$1/history"
	c save -q -o "$WORK/two.tar" two
	c commit -q --squash d flat >/dev/null
	look flat >"$1/flat" 2>&1
	mkdir "$WORK/x"
	c cp d:/o "$WORK/x/" && c cp "$BUSYBOX" d:/o/cp && c cp d:/o/cp - | tar -t >"$1/cp"
	cat "$WORK/x/o/n" >>"$1/cp"
	r --rm -v vol:/etc two ls -A /etc >"$1/copy-up"
	r --rm -v vol:/x two sh -c 'cat /x/passwd; ls /x/group' >>"$1/copy-up" 2>&1
	r --name m two sh -c 'mkdir /m; echo 1 >/m/f; rm -r /o/n'
	c unshare sh -euc 'cd "$("$CUDDY" mount m)"; cat dup m/f; ls -A o home; rm m/f; mkdir o/n; echo 2 >mounted; cd /
		cd "$("$CUDDY" image mount two)"; cat dup; ls -A o home; ls r bigger || :; ! touch x || echo written
		cd /; "$CUDDY" image unmount two >/dev/null' >"$1/mount" 2>&1
	c diff m | sort >>"$1/mount"
	c start -a m >>"$1/mount" 2>&1
	c cp m:/mounted - | tar -xO >>"$1/mount"
	for ((n = 200; n > 0; n--)); do pgrep fuse-overlayfs >/dev/null || break; sleep 0.1; done # they end with the session
	pgrep fuse-overlayfs >>"$1/mount"
	df_is_du >"$1/df" 2>&1
	c system check >"$1/check" 2>&1 || echo "status $?" >>"$1/check"
	build "$1"
	c rm -af >/dev/null
	c rmi -f one flat built >/dev/null 2>&1
	c images --format '{{.Repository}}' | grep -v none | sort >"$1/images"
	c system prune -af --volumes >/dev/null
	c images -q >>"$1/images"
	c volume rm -af >/dev/null 2>&1
	c system check >"$1/check-after" 2>&1 || echo "status $?" >>"$1/check-after"
	(cd "$CUDDY_ROOT" && find layers staging trash containers volumes -mindepth 1 -maxdepth 1) >"$1/left"
}
SH
	mkdir "$FILE_ROOT"/{native,want}
	WORK=$FILE_ROOT/native nested 'place native; suite "$FILE_ROOT/want"'
	[ "$(cat "$FILE_ROOT/want/df")" = "$(printf '%s: yes\n' 'Images|Build Cache' Containers 'Local Volumes')" ]
	[ -s "$FILE_ROOT/want/look" ] && [ ! -s "$FILE_ROOT/want/left" ]
	grep -q abd "$FILE_ROOT/want/look"
	[ "$(grep -c 'No such file' "$FILE_ROOT/want/look")" -eq 3 ]
	[ "$(wc -l <"$FILE_ROOT/want/build")" -gt 30 ]
	grep -q xyz "$FILE_ROOT/want/build"
	grep -q 'D /bigger' "$FILE_ROOT/want/image-diff-two"
}

teardown_file() {
	unshare --user --map-auto --map-root-user rm -rf "$FILE_ROOT/native" "$FILE_ROOT/want"
	file_end
}

nested() { # nested SCRIPT - as root of a new user namespace, with mounts and processes that end with it
	export WORK FILE_ROOT
	unshare --user --map-auto --map-root-user --mount --pid --mount-proc --fork --kill-child bash -c ". '$FILE_ROOT/suite'; $1"
}

# as_native PLACE DRIVER [SED] - all is as it is there, but for what the script takes away
as_native() {
	local at=$WORK/$1-$2 f
	mkdir -p "$at/got"
	WORK=$at nested "place $1; export STORAGE_DRIVER=$2; suite \"\$WORK/got\""
	for f in "$FILE_ROOT"/want/*; do
		diff <(sed -E "${3:-}" "$f") <(sed -E "${3:-}" "$at/got/${f##*/}") || fail "$1 $2: ${f##*/} differs"
	done
	# Its layers on a store that has no need for file marks.
	mkdir "$at/other"
	WORK=$at/other nested 'place native; c load -q -i "$WORK/../two.tar" >/dev/null 2>&1; look two' >"$at/loaded" 2>&1
	diff "$at/got/look" "$at/loaded"
	unshare --user --map-auto --map-root-user rm -rf "$at"
}

# bindfs drops the sticky bit of what fuse-overlayfs copies up.
no_sticky='/^C .tmp$/d'

# images: S11 (df), S19
@test "a file system with everything: fuse-overlayfs and vfs by choice" {
	as_native native fuse-overlayfs
	as_native native vfs
}

# images: S20
@test "overlay on overlay" {
	as_native overlay fuse-overlayfs
	as_native overlay vfs
}

@test "no attributes of users" {
	as_native ramfs fuse-overlayfs
	as_native ramfs vfs
}

@test "a FUSE file system without attributes and devices" {
	require_program bindfs
	as_native fuse fuse-overlayfs "$no_sticky"
}

@test "a FUSE file system keeps what is removed while it is open: nobody waits for that, it goes later" {
	require_program bindfs
	local at=$WORK/open
	mkdir "$at"
	WORK=$at nested 'place fuse; c images -q; mkdir -p "$CUDDY_ROOT/trash/dead/deep"; echo x | tee "$CUDDY_ROOT/trash/dead/f" >"$CUDDY_ROOT/trash/dead/deep/f"
		exec 8<"$CUDDY_ROOT/trash/dead/f" 9<"$CUDDY_ROOT/trash/dead/deep/f"
		timeout 60 "$CUDDY" system prune -f; echo "$?"; ls -A "$CUDDY_ROOT/trash" | wc -l
		exec 8<&- 9<&-; c system prune -f; echo "$?"; ls -A "$CUDDY_ROOT/trash"' >"$at/said"
	[ "$(grep -v space "$at/said")" = "$(printf '0\n1\n0')" ]
	unshare --user --map-auto --map-root-user rm -rf "$at"
}
