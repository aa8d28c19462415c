#!/usr/bin/env bats
# K01-K03 in a running container, K06, K07, K08: filter, masks, /dev, mount flags.
load runtime

@test "K01, K02, K03: dangerous system calls are refused, ordinary ones work" {
	cp "$TOOLS/sysprobe" "$IMG/bin/"
	run -0 rt seccomp="$(default_filter 800405fb)" -- sysprobe
	for c in mount umount2 pivot_root unshare-user setns clone-newuser fsopen open_tree move_mount mount_setattr keyctl \
		add_key request_key bpf perf_event_open userfaultfd io_uring_setup kexec_load init_module reboot swapon acct \
		open_by_handle_at pidfd_getfd process_madvise socket-alg socket-vsock personality-bad kcmp move_pages; do
		[[ "$output" = *"$c EPERM"* ]]
	done
	[[ "$output" = *"clone3 ENOSYS"* ]]
	[[ "$output" = *"unknown ENOSYS"* ]]
	[[ "$output" = *"socket-unix ok"* ]]
	[[ "$output" = *"getpid ok"* ]]
}

@test "K03: keys of the caller's session are not the container's" {
	cp "$TOOLS/sysprobe" "$IMG/bin/"
	[ "$("$TOOLS/sysprobe" hold "cuddy-$$" "$TOOLS/sysprobe" search "cuddy-$$")" = found ]
	run -0 "$TOOLS/sysprobe" hold "cuddy-$$" "$RTDRIVE" run="$WORK/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up" work="$WORK/wk" -- \
		sysprobe search "cuddy-$$"
	[ "$output" = none ]
}

@test "K04: a filter that the kernel refuses stops the start" {
	printf '\377\377\377\377\377\377\377\377' >"$WORK/bad.bpf"
	run rt seccomp="$WORK/bad.bpf" -- echo started
	[ "$status" -eq 125 ]
	[[ "$output" = *"system call filter"* ]]
	[[ "$output" != *started* ]]
}

@test "K06: masked paths are empty and cannot be uncovered" {
	run -0 rt caps=ffffffffffffffff -- sh -c '
		for f in /proc/keys /proc/timer_list /proc/interrupts; do
			[ -e $f ] || continue
			[ "$(wc -c <$f)" = 0 ] || echo "read $f"
			umount $f 2>/dev/null && echo "umount $f"
		done
		for d in /proc/acpi /sys/firmware /sys/fs/cgroup; do
			[ -d $d ] || continue
			[ -z "$(ls $d)" ] || echo "list $d"
			touch $d/x 2>/dev/null && echo "write $d"
		done
		for d in /proc/sys /proc/bus /proc/irq /proc/fs; do
			touch $d/x 2>/dev/null && echo "write $d"
		done
		echo 1 2>/dev/null >/proc/sys/kernel/sysrq && echo "sysctl"
		# What is of its own network it would be allowed to write; the mount says no.
		(: >>/proc/sys/net/ipv4/ip_forward) 2>&1 | grep -q "Read-only file system" || echo "ip_forward is not read-only"
		for d in bus fs irq sys sysrq-trigger; do
			[ ! -e /proc/$d ] || grep -q " /proc/$d proc ro," /proc/self/mounts || echo "/proc/$d is not read-only"
		done
		echo done'
	[ "$(grep -v '^umount' <<<"$output")" = done ] # whoever has every capability may unmount: of his own namespace
	# With the usual ones nothing that lies over /proc or /sys can be taken away, covered or written, nor they themselves.
	run -0 rt -- sh -c '
		n=0
		while read -r _ _ _ _ p _; do
			case $p in /proc* | /sys*) ;; *) continue ;; esac
			n=$((n + 1))
			umount $p && echo "unmounted $p"
			mount -o bind /etc $p && echo "covered $p"
			mount -o remount,rw $p && echo "remounted $p"
			if [ -d $p ]; then touch $p/x && echo "wrote $p"; fi
		done </proc/self/mountinfo 2>/dev/null
		[ $n -ge 8 ] && echo done'
	[ "$output" = done ]
}

@test "K07: /dev holds the fixed list, whatever the image has there" {
	mkdir "$IMG/dev"
	: >"$IMG/dev/mem"
	run -0 rt -- ls /dev
	[ "$(echo $output)" = "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero" ]
	for d in /dev/*; do [ ! -c "$d" ] || [ -r "$d" ] || [ -w "$d" ] || break; done # what the user himself cannot open
	run rt device="$d:/dev/closed" -- sh -c '[ -c /dev/closed ] && { (: </dev/closed) || (: >/dev/closed); } && echo opened'
	[[ "$output" == *"ermission denied"* && "$output" != *opened* ]] || fail "$d: $output"
	run -0 rt -- sh -c 'grep -E " /dev(/null)? " /proc/self/mountinfo | grep -vc "nosuid,noexec"; true'
	[ "$output" = 0 ]
}

@test "K08: read-only binds are read-only with everything below them" {
	mkdir -p "$WORK/src/sub"
	run -0 unshare --user --map-root-user --mount sh -c "mount -t tmpfs t '$WORK/src/sub' && exec '$RTDRIVE' run='$WORK/run' \
		lower='$IMG' lower='$WORK/places' upper='$WORK/up' work='$WORK/wk' bind='$WORK/src:/v:ro' -- \
		sh -c 'touch /v/x || touch /v/sub/x || echo both refused'"
	[[ "$output" = *"both refused"* ]]
}

@test "K08: what is mounted or unmounted inside does not show outside" {
	before=$(sort /proc/self/mountinfo | sha256sum)
	run rt caps=ffffffffffffffff bind="$VICTIM:/v" -- sh -c 'mount -t tmpfs t /v && umount -l /v && umount -l /v; echo ok'
	[[ "$output" = *ok* ]]
	[ "$(sort /proc/self/mountinfo | sha256sum)" = "$before" ]
	victim_is_unchanged
}

@test "H12: layers behind paths with commas, colons and backslashes mount" {
	mkdir -p "$WORK/a,b:c\\d" && mv "$WORK/up" "$WORK/wk" "$WORK/a,b:c\\d/"
	run -0 "$RTDRIVE" run="$WORK/run" lower="$IMG" lower="$WORK/places" upper="$WORK/a,b:c\\d/up" work="$WORK/a,b:c\\d/wk" -- echo works
	[ "$output" = works ]
	unshare --user --map-auto --map-root-user rm -rf "$WORK/a,b:c\\d"
}

@test "H12: 120 layers are one root" {
	args=()
	for i in $(seq 120); do
		mkdir -p "$WORK/layers/$i"
		echo "$i" >"$WORK/layers/$i/f$i"
		args+=("lower=$WORK/layers/$i")
	done
	run -0 rt "${args[@]}" -- cat /f1 /f60 /f120
	[ "$(echo $output)" = "1 60 120" ]
}

@test "H08: the caller's own groups stay outside, unless they are asked for" {
	run -0 rt -- id -G
	[ "$output" = 0 ]
	# Somebody with a further group that is none of his subordinate ids, and a file that is open to it alone.
	mkdir -m 0700 "$WORK/h" "$WORK/h/run"
	echo 'root:1000:60000' >"$WORK/h/subid"
	echo open >"$WORK/h/file"
	member() { # member KEY...
		run unshare --user --map-auto --map-root-user --mount sh -ec '
			chown 5:7 "$1/file"; chmod 0640 "$1/file"
			mount --bind "$1/subid" /etc/subuid; mount --bind "$1/subid" /etc/subgid
			shift
			exec setpriv --groups 7 "$@"' - "$WORK/h" "$RTDRIVE" run="$WORK/h/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up" \
			work="$WORK/wk" bind="$WORK/h:/h" "$@" -- sh -c 'grep ^Groups: /proc/self/status | xargs; wc -l </proc/self/uid_map; cat /h/file'
	}
	member
	[[ "$status ${lines[*]}" == "1 Groups: 0 2 cat: "*"ermission denied" ]] || fail "$output"
	member keepgroups=1
	[ "$status ${lines[*]}" = "0 Groups: 65534 2 open" ] || fail "$output"
}

@test "C08: handing a volume to the user follows no link out of it" {
	mkdir -p "$WORK/vol/deep"
	: >"$WORK/vol/deep/mine"
	ln -s "$VICTIM/file" "$WORK/vol/link"
	ln -s "$VICTIM" "$WORK/vol/dirlink"
	run -0 rt user=user bind="$WORK/vol:/v:chown" -- stat -c '%u:%g' /v /v/deep /v/deep/mine
	[ "$(echo "$output" | sort -u)" = 1000:50 ]
	victim_is_unchanged
	# What the host has mounted in it is another's, also when it is of the same file system: a directory, a file.
	mkdir -m 0700 "$WORK/h" "$WORK/h/run"
	mkdir "$WORK/vol2" "$WORK/vol2/mounted" "$WORK/vol2/deep"
	: >"$WORK/vol2/mounted.file"
	echo 'root:1000:60000' >"$WORK/h/subid"
	run unshare --user --map-auto --map-root-user --mount sh -ec '
		mount --bind "$1/victim" "$1/vol2/mounted"; mount --bind "$1/victim/file" "$1/vol2/mounted.file"
		mount --bind "$1/h/subid" /etc/subuid; mount --bind "$1/h/subid" /etc/subgid
		shift
		exec "$@"' - "$WORK" "$RTDRIVE" run="$WORK/h/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up" work="$WORK/wk" \
		user=user bind="$WORK/vol2:/v:chown" -- stat -c '%n %u:%g' /v /v/deep /v/mounted /v/mounted.file
	[ "${lines[*]}" = "/v 1000:50 /v/deep 1000:50 /v/mounted 0:0 /v/mounted.file 0:0" ] || fail "$output"
	victim_is_unchanged
}
