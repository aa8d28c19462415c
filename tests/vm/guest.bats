#!/usr/bin/env bats
# What the other files of this folder rely on.
load ../system/helpers

@test "the guest has cgroup v2, a user manager with delegated controllers, and user namespaces" {
	require_delegation
	run systemctl --user is-system-running          # degraded: files that run beside this one make units fail
	[[ "$output" == running || "$output" == degraded ]] || fail "$output"
	[ "$(cat /sys/fs/cgroup/user.slice/user-"$UID".slice/user@"$UID".service/cgroup.controllers)" = "cpuset cpu io memory pids" ]
	run -0 cuddy run --rm "$IMAGE" echo hello
	[ "$output" = hello ]
}

# quota_of DIR BYTES: the user's, on the file system of DIR, as edquota(8) would set it
quota_of() {
	sudo python3 - "$(findmnt -no SOURCE -T "$1")" "$2" "$(id -u)" <<-'P'
		import ctypes, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		block = struct.pack("=8QI4x", int(sys.argv[2]) >> 10, int(sys.argv[2]) >> 10, 0, 0, 0, 0, 0, 0, 1)   # Q_SETQUOTA of user quotas: block limits
		if libc.quotactl(ctypes.c_int(0x800008 << 8), sys.argv[1].encode(), int(sys.argv[3]), block) < 0:
		    sys.exit("quotactl: %d" % ctypes.get_errno())
	P
}
@test "doctor: a quota of the disk that is nearly used up" {
	truncate -s 64M "$WORK/disk"
	/sbin/mke2fs -q -t ext4 -O quota -E quotatype=usrquota,root_owner=0:0 "$WORK/disk"
	mkdir "$WORK/mnt"
	sudo mount -o loop,usrquota "$WORK/disk" "$WORK/mnt"
	sudo install -d -m 0700 -o user -g user "$WORK/mnt/d"
	quota_of "$WORK/mnt" $((20 << 20))
	quota() { "$CUDDY" --root "$WORK/mnt/d/store" doctor --format '{{.Check}} {{.Status}}: {{.Found}}: {{.Breaks}}' | grep ^quota; }
	ok=$(quota) || true
	head -c 19M /dev/zero >"$WORK/mnt/d/f"
	full=$(quota) || true
	sudo umount "$WORK/mnt"
	[[ "$ok" == 'quota ok: 0 of 20 MiB used'* && "$full" == 'quota note: 19 of 20 MiB are used: writing in images'* ]] || fail "$ok; $full"
}

@test "doctor: nothing is amiss, and without the session bus it is told what that breaks" {
	run cuddy doctor --json
	printf '%s\n' "$output" >"$WORK/report"
	jq -e '[.checks[] | select(.status == "problem")] == []' "$WORK/report" || { jq -c '.checks[] | select(.status == "problem")' "$WORK/report"; return 1; }
	[ "$status" -eq 0 ]
	[ "$(jq -r '.checks[] | select(.check == "cgroup") | .found' "$WORK/report")" = 'v2, manager systemd: cpuset cpu io memory pids' ]
	[ "$(jq -r '[.checks[] | select(.check == "linger" or .check == "user-systemd" or .check == "journald") | .status] | join(" ")' "$WORK/report")" = 'ok ok ok' ]
	# Less than everything: fewer controllers for this user, no journal.
	printf 'cpuset io pids\n' >"$WORK/controllers"
	run -1 unshare --user --map-root-user --mount sh -ec '
		mount --bind "$1" "/sys/fs/cgroup/user.slice/user-$2.slice/user@$2.service/cgroup.controllers"
		mount -t tmpfs none /run/systemd/journal
		exec unshare --user --map-user="$2" --map-group="$3" "$4" doctor -q --format "{{.Check}} {{.Status}}: {{.Found}}: {{.Breaks}}: {{.Mend}}"' \
		- "$WORK/controllers" "$(id -u)" "$(id -g)" "$CUDDY"
	[[ "$output" == *"cgroup-controllers problem: the controller memory is not delegated to this user: --memory, OOM reports, stats: mkdir -p /etc/systemd/system/user@.service.d && "*"systemctl daemon-reload"* ]]
	[[ "$output" == *"cgroup-controllers problem: the controller cpu is not delegated"* && "$output" != *"controller pids"* ]]
	[[ "$output" == *"journald note: no journald listens on "*": --log-driver journald: "* ]]
	run -1 env DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent "$CUDDY" doctor -q --format '{{.Check}} {{.Breaks}}: {{.Mend}}'
	[[ "$output" == *"user-systemd limits, pause and stats from a login; services of this user: apt-get install dbus-user-session"* ]]
}
