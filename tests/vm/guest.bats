#!/usr/bin/env bats
# What the other files of this folder rely on.
load ../system/helpers

@test "the guest has cgroup v2, a user manager with delegated controllers, and user namespaces" {
	require_delegation
	[ "$(systemctl --user is-system-running)" = running ]
	[ "$(cat /sys/fs/cgroup/user.slice/user-"$UID".slice/user@"$UID".service/cgroup.controllers)" = "cpuset cpu io memory pids" ]
	run -0 cuddy run --rm "$IMAGE" echo hello
	[ "$output" = hello ]
}
