#!/usr/bin/env bats
# Capabilities, privileges, devices, masked paths: the defaults and what changes them.
load helpers

caps() { sed -n 's/^CapEff:\t*//p'; }

@test "caps: the default set is podman's or smaller, none is inheritable or ambient" {
	run -0 cuddy run --rm "$IMAGE" grep Cap /proc/self/status
	grep -q $'CapInh:\t0000000000000000' <<<"$output"
	grep -q $'CapAmb:\t0000000000000000' <<<"$output"
	eff=$((16#$(caps <<<"$output")))
	[ $((eff & ~0x00000000800405fb)) -eq 0 ] # chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service sys_chroot setfcap
}

@test "caps: a user who is not root has none effective, --cap-add gives him what it names" {
	run -0 cuddy run --rm -u 1000 "$IMAGE" grep -E 'Cap(Prm|Eff)' /proc/self/status
	[ "$(grep -c 0000000000000000 <<<"$output")" -eq 2 ]
	run -0 cuddy run --rm -u 1000 --cap-add net_raw "$IMAGE" grep CapEff /proc/self/status
	[ "$(caps <<<"$output")" = 0000000000002000 ]
}

@test "caps: add, drop, ALL, with and without CAP_, and an unknown one is refused" {
	run -0 cuddy run --rm --cap-drop ALL "$IMAGE" grep CapBnd /proc/self/status
	[[ "$output" == *0000000000000000 ]]
	run -0 cuddy run --rm --cap-drop all --cap-add CAP_CHOWN,net_raw "$IMAGE" grep CapEff /proc/self/status
	[ "$(caps <<<"$output")" = 0000000000002001 ]
	run --separate-stderr cuddy run --rm --cap-drop 'chown;kill' "$IMAGE" true
	one_line_error 125 'chown;kill'
	run -0 cuddy run --rm --network none --cap-add ALL --cap-drop chown "$IMAGE" grep CapBnd /proc/self/status
	[ "${output#*:?}" = "$(printf '%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 2)))" ]
	run -0 cuddy run --rm --cap-drop chown "$IMAGE" sh -c 'chown 1 /tmp 2>/dev/null || echo refused'
	[ "$output" = refused ]
	run --separate-stderr cuddy run --rm --cap-add nosuch "$IMAGE" true
	one_line_error 125 'nosuch|NOSUCH'
}

@test "no-new-privileges: off by default, on when asked for" {
	run -0 cuddy run --rm "$IMAGE" grep NoNewPrivs /proc/self/status
	[[ "$output" == *0 ]]
	run -0 cuddy run --rm --security-opt no-new-privileges "$IMAGE" grep NoNewPrivs /proc/self/status
	[[ "$output" == *1 ]]
}

@test "seccomp: a filter by default, none when unconfined or privileged" {
	run -0 cuddy run --rm "$IMAGE" grep Seccomp: /proc/self/status
	[[ "$output" == *2 ]]
	run -0 cuddy run --rm --security-opt seccomp=unconfined "$IMAGE" grep Seccomp: /proc/self/status
	[[ "$output" == *0 ]]
	run -0 cuddy run --rm --privileged "$IMAGE" grep Seccomp: /proc/self/status
	[[ "$output" == *0 ]]
	# A file that is not one profile, plainly: nothing starts.
	allow='"defaultAction": "SCMP_ACT_ALLOW"'
	mkfifo "$WORK/pipe.json"
	for bad in '' '{' '[]' '{}' "{$allow} x" "{$allow, $allow}" '{"defaultAction": "SCMP_ACT_MAYBE"}' '{"defaultAction": 1}' "{$allow, \"syscalls\": {}}" \
		"{$allow, \"syscalls\": [{\"names\": [\"mkdir\"], \"action\": \"no\"}]}" "{$allow, \"syscalls\": [{\"names\": \"mkdir\", \"action\": \"SCMP_ACT_ERRNO\"}]}" \
		"{$allow, \"syscalls\": [{\"names\": [\"mkdir\"], \"action\": \"SCMP_ACT_ERRNO\", \"args\": [{\"index\": 9, \"value\": 0, \"op\": \"SCMP_CMP_EQ\"}]}]}" \
		"$(printf '%1048577s' "{$allow}")"; do
		printf %s "$bad" >"$WORK/bad.json"
		run --separate-stderr cuddy run --rm --security-opt seccomp="$WORK/bad.json" "$IMAGE" echo started
		[ "$status" -eq 125 ] || fail "${bad:0:200}: $status $output"
		one_line_error 125 .
	done
	for f in "$WORK/pipe.json" "$WORK" "$WORK/none.json"; do
		run --separate-stderr timeout 10 "$CUDDY" run --rm --security-opt seccomp="$f" "$IMAGE" echo started
		one_line_error 125 .
	done
}

@test "masked paths read as empty, read-only ones refuse writing" {
	run -0 cuddy run --rm "$IMAGE" sh -c 'cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls /proc/acpi /proc/scsi /sys/firmware 2>/dev/null | grep -v : | wc -w'
	[ "$(echo $output)" = "0 0" ]
	run -0 cuddy run --rm "$IMAGE" sh -c 'for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/default_smp_affinity; do (echo x >$f) 2>/dev/null && echo wrote $f; done; true'
	[ -z "$output" ]
	run -0 cuddy run --rm "$IMAGE" sh -c 'touch /sys/x /sys/fs/cgroup/x 2>/dev/null && echo wrote; true'
	[ -z "$output" ]
}

@test "privileged: all capabilities of its own user namespace, which is not the host's" {
	run -0 cuddy run --rm --privileged "$IMAGE" sh -c 'grep CapEff /proc/self/status; mount -t tmpfs none /mnt 2>/dev/null || mkdir /mnt && mount -t tmpfs none /mnt && echo mounted'
	[[ "$output" == *mounted* ]]
	run -0 cuddy run --rm --privileged "$IMAGE" sh -c 'readlink /proc/self/ns/user; cat /proc/kcore >/dev/null 2>&1 || echo no kcore'
	[[ "$output" != *"$(readlink /proc/self/ns/user)"* ]]
}

@test "an unprivileged container cannot mount, load, reboot or see other processes" {
	run cuddy run --rm "$IMAGE" mount -t tmpfs none /tmp
	[ "$status" -ne 0 ]
	run -0 cuddy run --rm "$IMAGE" sh -c 'ls -d /proc/[0-9]* | wc -l'
	[ "$output" -le 3 ]
	run cuddy run --rm "$IMAGE" unshare -U true
	[ "$status" -ne 0 ]
}

@test "devices: the usual ones only, and null is null" {
	run -0 cuddy run --rm "$IMAGE" sh -c 'ls /dev | sort | tr "\n" " "'
	[ "$output" = "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero " ] ||
		[ "$output" = "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero " ]
	run -0 cuddy run --rm "$IMAGE" sh -c 'echo x >/dev/null; head -c 4 /dev/zero | wc -c; head -c 8 /dev/urandom | wc -c'
	[ "$(echo $output)" = "4 8" ]
}

@test "devices: --device binds one of the host, a missing one is refused" {
	run -0 cuddy run --rm --device /dev/fuse "$IMAGE" stat -c %t:%T /dev/fuse
	[ "$output" = a:e5 ]
	run -0 cuddy run --rm --device /dev/fuse:/dev/other "$IMAGE" ls /dev/other
	run --separate-stderr cuddy run --rm --device /dev/nosuch "$IMAGE" true
	one_line_error 125 /dev/nosuch
}

@test "uid 0 in the container is the caller, other ids are his subordinate ids" {
	run -0 cuddy run --rm "$IMAGE" cat /proc/self/uid_map
	set -- $output
	[ "$1" = 0 ]
	cuddy run -d --name c -u 1000 "$IMAGE" sleep 1000
	first=$(sed -n "s/^$(id -un):\([0-9]*\):.*/\1/p" /etc/subuid)
	[ "$(stat -c %u "/proc/$(container_pid c)")" = $((first + 999)) ]
}
