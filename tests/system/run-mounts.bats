#!/usr/bin/env bats
# Volumes, bind mounts, tmpfs, read-only roots.
load helpers

@test "bind: a file made in the container as root is the caller's outside" {
	mkdir "$WORK/d"
	run -0 cuddy run --rm -v "$WORK/d:/d" "$IMAGE" sh -c 'echo hi >/d/f; stat -c %u:%g /d /d/f'
	[ "$(echo $output)" = "0:0 0:0" ]
	[ "$(cat "$WORK/d/f")" = hi ]
	[ "$(stat -c %u "$WORK/d/f")" = "$(id -u)" ]
}

@test "bind: ro is read-only, also what is mounted below, a single file works, relative sources too" {
	mkdir -p "$WORK/d/e"
	echo one >"$WORK/f"
	run -1 cuddy run --rm -v "$WORK/d:/d:ro" "$IMAGE" touch /d/x
	[[ "$output" == *"ead-only file system"* ]]
	run -0 cuddy run --rm -v "$WORK/f:/some/where/f:ro" "$IMAGE" cat /some/where/f
	[ "$output" = one ]
	cd "$WORK"
	run -0 cuddy run --rm -v ./f:/f "$IMAGE" cat /f
	[ "$output" = one ]
}

@test "bind: O gives a writable view and leaves the source alone" {
	mkdir "$WORK/d"
	echo old >"$WORK/d/f"
	run -0 cuddy run --rm -v "$WORK/d:/d:O" "$IMAGE" sh -c 'echo new >/d/f; touch /d/g; cat /d/f'
	[ "$output" = new ]
	[ "$(cat "$WORK/d/f")" = old ]
	[ ! -e "$WORK/d/g" ]
}

@test "bind: U gives the source to the container's user" {
	mkdir "$WORK/d"
	run -0 cuddy run --rm -u 1000 -v "$WORK/d:/d:U" "$IMAGE" sh -c 'touch /d/f && stat -c %u /d /d/f'
	[ "$(echo $output)" = "1000 1000" ]
	unshare --user --map-auto --map-root-user rm -r "$WORK/d"
}

@test "bind: a missing source, a target that is relative, unknown options: refused in one line" {
	run --separate-stderr cuddy run --rm -v "$WORK/missing:/d" "$IMAGE" true
	one_line_error 125 missing
	[ ! -e "$WORK/missing" ]
	run --separate-stderr cuddy run --rm -v "$WORK:relative" "$IMAGE" true
	one_line_error 125 relative
	run --separate-stderr cuddy run --rm -v "$WORK:/d:nosuchopt" "$IMAGE" true
	one_line_error 125 nosuchopt
}

@test "bind: what is under /proc and /sys/fs/cgroup cannot be covered" {
	for t in /proc /proc/self /sys/fs/cgroup; do
		run --separate-stderr cuddy run --rm -v "$WORK:$t" "$IMAGE" true
		[ "$status" -eq 125 ]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
}

@test "volume: a named one is made on first use, filled from the image, and keeps its data" {
	run -0 cuddy run --rm -v data:/home "$IMAGE" sh -c 'stat -c %u:%g /home/user; echo kept >/home/k'
	[ "$output" = 1000:1000 ]
	run -0 cuddy run --rm -v data:/elsewhere "$IMAGE" cat /elsewhere/k
	[ "$output" = kept ]
}

@test "volume: an anonymous one goes with --rm" {
	run -0 cuddy run --rm -v /anon "$IMAGE" touch /anon/f
	empty_dir "$CUDDY_ROOT/volumes"
}

@test "mount: the long form says the same as -v and --tmpfs" {
	mkdir "$WORK/d"
	echo x >"$WORK/d/f"
	run -0 cuddy run --rm --mount "type=bind,src=$WORK/d,dst=/d,ro" "$IMAGE" sh -c 'cat /d/f; touch /d/g 2>/dev/null || echo ro'
	[ "$(echo $output)" = "x ro" ]
	run -0 cuddy run --rm --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700 "$IMAGE" sh -c 'stat -f -c %T /t; stat -c %a /t'
	[ "$(echo $output)" = "tmpfs 700" ]
	run -0 cuddy run --rm --mount type=volume,src=v,target=/v "$IMAGE" touch /v/f
	run --separate-stderr cuddy run --rm --mount type=nosuch,dst=/x "$IMAGE" true
	one_line_error 125 nosuch
	run --separate-stderr cuddy run --rm --mount type=tmpfs,dst=/x,nosuchkey=1 "$IMAGE" true
	one_line_error 125 nosuchkey
}

@test "tmpfs: is one, of the size given, without suid and devices" {
	run -0 cuddy run --rm --tmpfs /t:size=64k --tmpfs /u:exec,suid,dev,ro,noatime,nr_inodes=50,size=1% \
		--mount type=tmpfs,dst=/w,exec,suid,dev=true,noatime,readonly "$IMAGE" \
		sh -c 'grep -E " /[tuw] " /proc/mounts; head -c 100000 /dev/zero >/t/f 2>/dev/null || echo full; stat -f -c %c /u'
	[[ "${lines[0]}" == "tmpfs /t tmpfs"*nosuid*nodev*noexec* ]]
	for l in "${lines[@]:1:2}"; do [[ "$l" == "tmpfs /"[uw]" tmpfs ro,noatime,"* && "$l" != *nosuid* && "$l" != *nodev* && "$l" != *noexec* ]]; done
	[[ "$output" == *full* ]]
	[ "${lines[-1]}" = 50 ]
}

@test "read-only: the root is, /tmp and /dev/shm are not, --read-only-tmpfs=false closes /tmp too" {
	run -0 cuddy run --rm --read-only "$IMAGE" sh -c 'touch /x 2>/dev/null || echo root ro; touch /tmp/x /dev/shm/x && echo tmp rw'
	[ "$(echo $output)" = "root ro tmp rw" ]
	run -0 cuddy run --rm --read-only --read-only-tmpfs=false "$IMAGE" sh -c 'touch /tmp/x 2>/dev/null || echo ro'
	[ "$output" = ro ]
	run -0 cuddy run --rm --read-only -w /not/there "$IMAGE" true
}

@test "shm: 64 MB by default, and what --shm-size says" {
	run -0 cuddy run --rm "$IMAGE" sh -c 'grep " /dev/shm " /proc/mounts'
	[[ "$output" == *size=65536k* || "$output" == *size=64000k* ]]
	run -0 cuddy run --rm --shm-size 1m "$IMAGE" sh -c 'grep " /dev/shm " /proc/mounts'
	[[ "$output" == *size=1024k* ]]
}

@test "mount points never appear in the image or in the container's own files" {
	mkdir "$WORK/d"
	cuddy run --name c -v "$WORK/d:/made/for/it" "$IMAGE" true
	run -0 cuddy run --rm "$IMAGE" sh -c 'ls -d /made 2>/dev/null || echo none'
	[ "$output" = none ]
}

@test "mounts of the container are not seen on the host" {
	mkdir "$WORK/d"
	cuddy run -d --name c -v "$WORK/d:/d" --tmpfs /t "$IMAGE" sleep 1000
	no_mounts
}
