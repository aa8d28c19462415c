#!/usr/bin/env bats
# From a login session, as ssh and su give it: a cgroup of the system's systemd, where nothing is ours.
load ../system/helpers
load cgroups

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

@test "we are outside of the user's systemd" {
	[[ "$(cgroup_of_pid $$)" != */user@* ]]
	[ ! -w "$(cgroup_of_pid $$)/cgroup.procs" ]
}

@test "run and exec: the user's systemd moves what we may not" {
	run -0 cuddy run -d --name a -m 64m "$IMAGE" sleep 1000
	[ "$(cgroup_of_pid "$(container_pid a)")" = "$(cgroup_dir a)" ]
	[ "$(limit_of a memory.max)" = 67108864 ]
	run -0 cuddy exec a cat /proc/self/cgroup
	[ "$output" = "0::/" ]
	run -3 cuddy exec a sh -c 'exit 3'
	cuddy rm -f -t 0 a
}

@test "a foreground container ends with its status, and its scope with it" {
	run -7 cuddy run --rm "$IMAGE" sh -c 'cat /sys/fs/cgroup/pids.max; exit 7'
	[ "$output" = 2048 ]
	wait_until 20 no_scopes
}
no_scopes() { [ -z "$(systemctl --user list-units --no-legend 'cuddy-*.scope')" ]; }

@test "cgroupfs cannot work here, and says what would" {
	run -125 --separate-stderr cuddy --cgroup-manager cgroupfs run --rm "$IMAGE" true
	one_line_error 125 'not delegated'
	# Nor is anything without the bus: what runs has no limits, and asking for one says so.
	export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent
	[ "$(cuddy run --rm --network none "$IMAGE" echo runs)" = runs ]
	run -125 --separate-stderr cuddy run --rm --network none -m 64m "$IMAGE" true
	one_line_error 125 '^cuddy: --memory: no cgroup can be made here: session bus: .*: apt-get install dbus-user-session, then log in'
	(
		unset DBUS_SESSION_BUS_ADDRESS # with the bus, but of systemd's making: what the kernel said
		run -125 --separate-stderr cuddy run --rm --network none --cpuset-cpus 900 "$IMAGE" true
		one_line_error 125 '^cuddy: --cpuset-cpus'
	)
	run -1 cuddy doctor -q --format '{{.Check}} {{.Status}}: {{.Found}}: {{.Breaks}}'
	[[ "$output" == *"user-systemd problem: session bus: "*": limits, pause and stats from a login; "* ]] || fail "$output"
}
