#!/usr/bin/env bats
# Where containers' processes live: the managers, what is left afterwards.
load ../system/helpers
load cgroups

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

@test "systemd: a scope of its own with the monitor and the container apart, and its own view of the tree" {
	run -0 cuddy run -d --name a "$IMAGE" sleep 1000
	id=$output
	[[ "$(cgroup_dir a)" == /sys/fs/cgroup/user.slice/*/user@*.service/user.slice/cuddy-"$id".scope/container ]]
	[ "$(cgroup_of_pid "$(container_pid a)")" = "$(cgroup_dir a)" ]
	[ "$(cgroup_of_pid "$(conmon_pid a)")" = "$(dirname "$(cgroup_dir a)")/supervisor" ]
	[ "$(systemctl --user is-active "cuddy-$id.scope")" = active ]
	[ "$(systemctl --user show -P TimeoutStopUSec "cuddy-$id.scope")" = "1min 30s" ] # what systemd has for others
	run -0 cuddy exec a cat /proc/self/cgroup
	[ "$output" = "0::/" ]
	run -0 cuddy exec a cat /sys/fs/cgroup/pids.max
	[ "$output" = 2048 ]
	run ! cuddy exec a sh -c 'echo 1 >/sys/fs/cgroup/pids.max'
	run -0 cuddy rm -f -t 0 a
	wait_until 20 no_unit "cuddy-$id.scope"
}

@test "systemd: a monitor that was killed takes the container and the scope along" {
	run -0 cuddy run -d --name a "$IMAGE" sleep 1000
	id=$output
	dir=$(cgroup_dir a)
	kill -KILL "$(conmon_pid a)"
	wait_exited a
	wait_until 20 no_unit "cuddy-$id.scope"
	wait_until 20 gone "$dir"
	run -0 cuddy start a
	[ "$(cgroup_of_pid "$(container_pid a)")" = "$(cgroup_dir a)" ]
	cuddy rm -f -t 0 a
}

@test "systemd: --cgroup-parent is a slice" {
	run -0 cuddy run -d --name a --cgroup-parent cuddytest.slice "$IMAGE" sleep 1000
	[[ "$(cgroup_dir a)" == */cuddytest.slice/cuddy-*.scope/container ]]
	run -125 --separate-stderr cuddy run --cgroup-parent /x/y "$IMAGE" true
	one_line_error 125 'slice'
	cuddy rm -f -t 0 a
}

@test "cgroupfs: a directory beside ours, removed at the end" {
	run -0 cuddy --cgroup-manager cgroupfs run -d --name a --memory 64m "$IMAGE" sleep 1000
	dir=$(cgroup_dir a)
	[[ "$dir" == */cuddy-"$output" ]]
	[ "$(cgroup_of_pid "$(container_pid a)")" = "$dir" ]
	[ "$(cat "$dir/memory.max")" = 67108864 ]
	run -0 cuddy inspect --format '{{.HostConfig.CgroupManager}}' a
	[ "$output" = cgroupfs ]
	run -0 cuddy stop -t 0 a
	wait_until 20 gone "$dir"
	run -0 cuddy start a
	[ "$(cat "$(cgroup_dir a)/memory.max")" = 67108864 ]
	kill -KILL "$(conmon_pid a)"
	wait_exited a
	run -0 cuddy rm a
	wait_until 20 gone "$dir"
}

@test "cgroupfs: --cgroup-parent is a path below what is delegated, made where it is missing" {
	run -0 cuddy --cgroup-manager cgroupfs run -d --name a --memory 64m --cgroup-parent mine/sub "$IMAGE" sleep 1000
	dir=$(cgroup_dir a)
	[[ "$dir" == */mine/sub/cuddy-"$output" ]]
	[ "$(cgroup_of_pid "$(container_pid a)") $(cat "$dir/memory.max")" = "$dir 67108864" ]
	cuddy rm -f -t 0 a
	wait_until 20 gone "$dir"
	rmdir "$(dirname "$dir")" "$(dirname "$(dirname "$dir")")"
	run -125 --separate-stderr cuddy --cgroup-manager cgroupfs run --cgroup-parent /system.slice/x "$IMAGE" true
	one_line_error 125 '/system.slice/x'
	cuddy rm -f -a
}

@test "--cgroups disabled: it stays where its caller is, and has no limits" {
	run -0 cuddy run -d --name a --cgroups disabled "$IMAGE" sleep 1000
	[ "$(cgroup_of_pid "$(container_pid a)")" = "$(cgroup_of_pid $$)" ]
	# What is its caller's it may look at, even a systemd.
	run -0 cuddy run --rm --cgroups disabled --systemd always "$IMAGE" grep ' /sys/fs/cgroup ' /proc/mounts
	[[ "$output" == *" cgroup2 ro,"* ]]
	run -125 --separate-stderr cuddy run --cgroups disabled --memory 1g "$IMAGE" true
	one_line_error 125 '--memory'
	cuddy rm -f -t 0 a
}

@test "--cgroups no-conmon: only the container moves" {
	run -0 cuddy run -d --name a --cgroups no-conmon --pids-limit 99 "$IMAGE" sleep 1000
	[ "$(cgroup_of_pid "$(conmon_pid a)")" = "$(cgroup_of_pid $$)" ]
	[ "$(cgroup_of_pid "$(container_pid a)")" = "$(cgroup_dir a)" ]
	[ "$(cat "$(cgroup_dir a)/pids.max")" = 99 ]
	cuddy rm -f -t 0 a
}

@test "--cgroups split: the unit of the caller is divided" {
	systemd-run --user --quiet --wait --collect --pipe -p Delegate=yes --unit cuddy-split-test \
		-E CUDDY_ROOT -E CUDDY_RUNROOT "$CUDDY" run --rm --name s --cgroups split --memory 48m "$IMAGE" \
		sh -c 'cat /sys/fs/cgroup/memory.max; until [ -e /tmp/go ]; do sleep 0.1; done' >"$WORK/out" 3>&- &
	wait_running s
	[[ "$(cgroup_of_pid "$(container_pid s)")" == */cuddy-split-test.service/container ]]
	[[ "$(cgroup_of_pid "$(conmon_pid s)")" == */cuddy-split-test.service/supervisor ]]
	cuddy exec s touch /tmp/go
	wait_until 20 no_unit cuddy-split-test.service
	[ "$(cat "$WORK/out")" = 50331648 ]
}

@test "a host's cgroup namespace is shown as it is" {
	run -0 cuddy run --rm --cgroupns host "$IMAGE" cat /proc/self/cgroup
	[[ "$output" == 0::/user.slice/*/container ]]
}

@test "info names the manager and what can be limited" {
	run -0 cuddy info --format '{{.Host.CgroupManager}} {{.Host.CgroupsVersion}} {{.Host.CgroupControllers}}'
	[ "$output" = "systemd v2 [cpuset cpu io memory pids]" ]
}
