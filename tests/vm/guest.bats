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
