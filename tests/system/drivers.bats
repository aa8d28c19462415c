#!/usr/bin/env bats
# Storage drivers: what a store's containers' roots are made with. The same things are done with each.
load helpers
load rootfs

# again DRIVER - the test's root once more, made with that driver
again() {
	drop_root
	export STORAGE_DRIVER=$1
	use_root "$BATS_TEST_TMPDIR"
	load_image busybox
	unset STORAGE_DRIVER
}

server_of() { # pid of the fuse-overlayfs of a container
	pgrep -P "$(conmon_pid "$1")" -x fuse-overlayfs
}

# ---- the same for each ---------------------------------------------------------------------------

keeps_changes() {
	cuddy create --name c "$IMAGE" sh -c '
		if [ -e /marker ]; then
			cat /marker /etc/passwd 2>&1; ls -A /home /srv/d; stat -c "%u:%g %a %h" /owned /one; exit 7
		fi
		echo kept >/marker
		rm /etc/passwd; rm -r /home; mkdir /home; mkdir -p /srv/d; echo x >/srv/d/f; rm /srv/d/f; echo y >/srv/d/g
		echo 1 >/one; ln /one /two; touch /owned; chown 1000:100 /owned; chmod 4750 /owned' >/dev/null
	cuddy start -a c
	run -7 cuddy start -a c
	[ "${lines[0]}" = kept ]
	[[ "${lines[1]}" == *passwd*"No such file"* ]]
	[ "${lines[2]}" = "/home:" ]
	[[ "$output" == *$'/srv/d:\ng\n'* ]]
	[[ "$output" == *"1000:100 4750 1"* ]]
	[[ "$output" == *"0:0 644 2"* ]]
	run -0 cuddy run --rm "$IMAGE" sh -c 'ls /etc/passwd; ls /marker 2>&1 || true'
	[[ "$output" == *"/etc/passwd"*"No such file"* ]]
}

other_users() {
	run -0 cuddy run --rm --user 1000:1000 "$IMAGE" sh -c 'id -u; echo x >/tmp/mine && stat -c %u:%g /tmp/mine; echo x >/etc/mine || true'
	[[ "$output" == $'1000\n1000:1000\n'*"ermission denied"* ]] || fail "$output"
}

copies() { # in and out of a running one and a stopped one
	echo from-outside >"$WORK/in"
	cuddy run -d --name p "$IMAGE" sh -c 'echo inside >/made; exec sleep 1000'
	wait_until 20 cuddy exec p test -e /made
	cuddy cp "$WORK/in" p:/root/in
	run -0 cuddy exec p cat /root/in
	[ "$output" = from-outside ]
	cuddy cp p:/made - | tar -xO | grep -qx inside
	cuddy create --name q "$IMAGE" cat /made /root/in >/dev/null
	cuddy cp p:/made q:/made
	cuddy cp p:/root/in q:/root/in
	run -0 cuddy start -a q
	[ "$output" = $'inside\nfrom-outside' ]
	cuddy rm q
	cuddy stop -t 0 p
	cuddy cp "$WORK/in" p:/root/again
	cuddy cp p:/root/again - | tar -xO | grep -qx from-outside
	cuddy rm p
}

runs_and_execs() {
	cuddy run -d --name r -v named:/vol --read-only "$IMAGE" sleep 1000
	run -0 cuddy exec r sh -c 'echo x >/vol/f; cat /vol/f; echo y >/no 2>&1 || echo read-only'
	[[ "$output" == *x*read-only* ]]
	no_mounts
	run -0 cuddy stop -t 0 r
	run -0 cuddy rm -v r
	cuddy volume rm named
}

# The files of the image's root are the caller's id inside, whatever that is; /tmp is still everybody's.
other_maps() {
	run -0 cuddy run --rm --userns keep-id "$IMAGE" sh -c 'id -u; echo x >/tmp/f; stat -c %u /tmp/f /bin/busybox'
	[ "$output" = "$(id -u)"$'\n'"$(id -u)"$'\n0' ] || fail "$output"
	run -0 cuddy run --rm --userns auto "$IMAGE" sh -c 'stat -c %u /bin/busybox; echo x >/etc/f; stat -c %u /etc/f; rm /etc/passwd'
	[ "$output" = $'0\n0' ] || fail "$output"
	cuddy run --name k --userns keep-id "$IMAGE" touch /tmp/f >/dev/null
	cuddy export k | tar -tv --numeric-owner >"$WORK/list"
	grep -q " $(id -u)/$(id -g) .* tmp/f\$" "$WORK/list"
	grep -q ' 0/0 .* bin/busybox$' "$WORK/list"
	cuddy rm k
}

with_driver() { # with_driver NAME
	run -0 cuddy info --format '{{.Store.GraphDriverName}}'
	[ "$output" = "$1" ]
	keeps_changes
	run -0 cuddy inspect --format '{{.Driver}} {{.GraphDriver.Name}}' c
	[ "$output" = "$1 $1" ]
	cuddy rm c
	other_users
	other_maps
	copies
	runs_and_execs
}

# images: S4, S19
@test "driver overlay: changes are kept, other users write, exec and read-only work" {
	with_driver overlay
}

@test "driver fuse-overlayfs: the same" {
	again fuse-overlayfs
	with_driver fuse-overlayfs
	run -0 cuddy info --format json
	[ "$(jq -r '.store.graphOptions["overlay.mount_program"].Executable' <<<"$output")" = /usr/bin/fuse-overlayfs ]
}

@test "driver vfs: the same" {
	again vfs
	with_driver vfs
}

@test "fuse-overlayfs and vfs: twelve layers show file by file what umoci unpacks" {
	by_umoci "$(image_file layers12gz)" "$WORK/want"
	for driver in fuse-overlayfs vfs; do
		again $driver
		load_image layers12
		by_cuddy localhost/layers12 "$WORK/got"
		same "$WORK/want" "$WORK/got"
	done
}

@test "fuse-overlayfs and vfs: diff and export tell what the container changed, and --size how much" {
	for driver in overlay fuse-overlayfs vfs; do
		again $driver
		cuddy run --name c "$IMAGE" sh -c 'rm -r /home; mkdir /home; echo x >/home/f; rm /etc/passwd; mkdir -p /n/m; head -c 5000 /dev/zero >/n/m/z; chmod 700 /usr' >/dev/null
		cuddy diff c | sort >"$WORK/diff-$driver"
		cuddy export c | tar -t | grep -v -E '^(bin|dev|proc|sys|run)/|^etc/(hosts|hostname|mtab|resolv.conf)$' | sort >"$WORK/export-$driver"
		run -0 cuddy inspect -s --format '{{.SizeRw}}' c
		[ "$output" -gt 4000 ]
		[ "$output" -lt 6000 ]
		cmp "$WORK/diff-overlay" "$WORK/diff-$driver"
		cmp "$WORK/export-overlay" "$WORK/export-$driver"
		cuddy rm c
	done
	grep -q '^D /home/user$' "$WORK/diff-overlay"
}

# ---- which one -----------------------------------------------------------------------------------

@test "a store keeps the driver it was made with; another is refused in one line, and so is an unknown one" {
	run -0 cuddy --storage-driver overlay images -q
	run -0 cuddy --storage-driver overlay2 images -q
	before=$(snapshot)
	run --separate-stderr cuddy --storage-driver fuse-overlayfs images -q
	one_line_error 125 'was made with the storage driver overlay, .*give another --root'
	run --separate-stderr env STORAGE_DRIVER=vfs "$CUDDY" images -q
	one_line_error 125 'was made with the storage driver overlay'
	run --separate-stderr cuddy --storage-driver btrfs images -q
	one_line_error 125 "storage driver 'btrfs': use overlay, fuse-overlayfs or vfs"
	[ "$(snapshot)" = "$before" ]
	run --separate-stderr cuddy --root "$WORK/new" --storage-driver fuse-overlayfs images -q
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	run -0 --separate-stderr cuddy --root "$WORK/new" info --format '{{.Store.GraphDriverName}}'
	[ "$output" = fuse-overlayfs ]
	[ -z "$stderr" ]
}

@test "a store's marker that names an unknown driver is refused in one line" {
	echo 'driver zfs' >>"$CUDDY_ROOT/version"
	run --separate-stderr cuddy images -q
	one_line_error 125 "says 'driver zfs'"
	sed -i '/zfs/d' "$CUDDY_ROOT/version"
}

# ---- fuse-overlayfs ------------------------------------------------------------------------------

@test "fuse-overlayfs: killed, the container ends and says why; it starts again with its files" {
	again fuse-overlayfs
	cuddy run -d --name k "$IMAGE" sh -c 'echo data >>/data; sync; echo ready; sleep 1000' >/dev/null
	wait_log k ready
	wait_until 20 server_of k
	kill -KILL "$(server_of k)"
	wait_exited k
	run -0 cuddy inspect --format '{{.State.ExitCode}} {{.State.Error}}' k
	[[ "$output" == "137 fuse-overlayfs (pid "*") died"* ]] || fail "$output"
	cuddy start k
	wait_until 20 server_of k
	run -0 cuddy exec k cat /data
	[[ "$output" == data* ]]

	cuddy run --rm --name f "$IMAGE" sleep 1000 2>"$WORK/err" &
	cli=$!
	wait_until 20 server_of f
	kill -KILL "$(server_of f)"
	st=0
	wait $cli || st=$?
	[ $st -eq 137 ]
	grep -q 'fuse-overlayfs (pid .*) died' "$WORK/err"
}

@test "fuse-overlayfs: dies with the monitor, ends with the container" {
	again fuse-overlayfs
	cuddy run -d --name m "$IMAGE" sleep 1000 >/dev/null
	server=$(server_of m)
	kill -KILL "$(conmon_pid m)"
	wait_until 20 test ! -e "/proc/$server"
	run -0 cuddy inspect --format '{{.State.Status}} {{.State.Error}}' m
	[[ "$output" == "exited the container's monitor was killed" ]]
	cuddy start m
	server=$(server_of m)
	cuddy stop -t 0 m
	wait_until 20 test ! -e "/proc/$server"
}

@test "fuse-overlayfs: a path with commas and backslashes works, one with a colon is refused in one line" {
	run --separate-stderr cuddy --root "$WORK/a:b" --storage-driver fuse-overlayfs images
	one_line_error 125 "there is a ':' in it; give another --root"
	rm -r "$WORK/a:b"
	drop_root
	use_root "$WORK/a,b\\c d"
	export STORAGE_DRIVER=fuse-overlayfs
	load_image busybox
	run -0 cuddy run --rm "$IMAGE" sh -c 'rm /etc/passwd; ls /etc/passwd 2>&1; echo x >/x; cat /x'
	[[ "$output" == *"No such file"*x ]]
}

@test "fuse-overlayfs: without /dev/fuse or the program, one line says what mends it" {
	again fuse-overlayfs
	before=$(snapshot)
	run --separate-stderr unshare -Urm sh -c 'mount --bind /dev/null /dev/fuse && exec "$0" run --rm --network none "$1" true' "$CUDDY" "$IMAGE"
	[ "$status" -eq 125 ]
	grep -v '^cuddy: warning: no subordinate ids' <<<"$stderr" >"$WORK/err"
	[ "$(wc -l <"$WORK/err")" -eq 1 ]
	grep -q '/dev/fuse is missing, .*as root: modprobe fuse' "$WORK/err"
	# Whoever may not open a device of a mount without devices sees what one sees without the permission.
	run --separate-stderr unshare -Urm sh -c 'mount --bind /dev/fuse /dev/fuse && mount -o remount,bind,nodev /dev/fuse && exec "$0" run --rm --network none "$1" true' "$CUDDY" "$IMAGE"
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"/dev/fuse cannot be opened (Permission denied)"*"as root: chmod 0666 /dev/fuse"* ]]
	run --separate-stderr unshare -Urm sh -c 'mount --bind /dev/null /usr/bin/fuse-overlayfs && exec "$0" run --rm --network none "$1" true' "$CUDDY" "$IMAGE"
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"fuse-overlayfs is not installed"*"as root: apt-get install fuse-overlayfs"* ]]
	[ "$(snapshot)" = "$before" ]
	run -0 cuddy run --rm "$IMAGE" echo ok
	[ "$output" = ok ]
}

# ---- vfs -----------------------------------------------------------------------------------------

@test "vfs: killed while it copies, the next start copies again; rm takes all of it" {
	again vfs
	cuddy create --name c "$IMAGE" sh -c 'echo ok >>/ran; cat /ran' >/dev/null
	CUDDY_CRASH_AT=root-copied run --separate-stderr "$CUDDY" start -a c
	one_line_error 125 'copy the image for the container'
	dir=$(echo "$CUDDY_ROOT"/containers/*)
	[ -d "$dir/root.part" ]
	[ ! -e "$dir/root" ]
	run -0 cuddy start -a c
	[ "$output" = ok ]
	[ ! -e "$dir/root.part" ]
	run -0 cuddy start -a c
	[ "$output" = $'ok\nok' ]
	cuddy rm c
}

@test "vfs: a disk too small for the copy: one line, and the room comes back" {
	f=$(image_file busybox)
	mkdir "$WORK/full"
	run --separate-stderr unshare --user --map-auto --map-root-user --mount --fork sh -c "
		mount -t tmpfs -o size=3m,mode=0700 none '$WORK/full' && mkdir -m 0700 '$WORK/full/root' '$WORK/full/run' || exit 99
		export CUDDY_ROOT='$WORK/full/root' CUDDY_RUNROOT='$WORK/full/run' STORAGE_DRIVER=vfs
		'$CUDDY' load -q -i '$f' >&2 && '$CUDDY' create --name c localhost/busybox true >&2 || exit 98
		'$CUDDY' start c
		st=\$?; ls '$WORK'/full/root/containers/*/ | grep -c '^root$\|^root.part$'
		mount -o remount,size=20m '$WORK/full'; '$CUDDY' start -a c || exit 97
		exit \$st"
	[ "$status" -eq 125 ] || fail "$status $stderr"
	[ "$output" = 0 ]
	[[ "$stderr" == *"copy the image for the container"*"No space left"* ]]
}
