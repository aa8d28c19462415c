#!/usr/bin/env bats
# Limits where none can be set: containers run, and what was asked for is refused and never forgotten.
# What holds where they can is in tests/vm.
load helpers

@test "without a cgroup manager a container runs, and any limit is refused by name" {
	before=$(snapshot)
	for flag in --memory=64m --cpus=1 --pids-limit=9 --cpuset-cpus=0 --cpu-shares=5 --cgroup-conf=memory.high=1000000; do
		run -125 --separate-stderr cuddy --cgroup-manager none run --rm "$flag" "$IMAGE" true
		one_line_error 125 "^cuddy: ${flag%%=*}: "
	done
	diff <(echo "$before") <(snapshot)
	run -0 cuddy --cgroup-manager none run --rm --pids-limit -1 --memory-swap -1 --cpu-quota -1 "$IMAGE" echo runs # no bound is no limit
	[ "$output" = runs ]
}

@test "on a host without one the mending step is named" {
	[ "$(cuddy info --format '{{.Host.CgroupManager}}')" = none ] || skip "this host can set limits"
	run -125 --separate-stderr cuddy run --rm -m 64m "$IMAGE" true
	one_line_error 125 '^cuddy: --memory: no cgroup can be made here; .*(mend it as root: |have whoever started this session delegate )'
	run -125 --separate-stderr cuddy run --rm --cgroups split "$IMAGE" true
	one_line_error 125 'cgroups split'
	run -0 cuddy run --rm --cgroups no-conmon "$IMAGE" true
}

@test "bad values are usage errors before anything is made" {
	for flag in --memory=1 --memory-swap=5g --cpus=x --cpu-shares=1 --cpuset-cpus=a --blkio-weight=5 \
		--pids-limit=-7 --cgroups=some --cgroup-conf=memory.max --cgroup-conf=../x=1 --device-read-bps=/dev/null:1mb; do
		run -125 --separate-stderr cuddy run --rm "$flag" "$IMAGE" true
		one_line_error 125 "${flag%%=*}"
	done
	run -125 --separate-stderr cuddy run --rm --cgroups disabled --memory 1g "$IMAGE" true
	one_line_error 125 'no cgroup to limit'
	run -125 --separate-stderr cuddy --cgroup-manager docker run --rm "$IMAGE" true
	one_line_error 125 'cgroup-manager'
}

@test "update: limits are refused for a container without a cgroup, and it stays as it was" {
	cuddy --cgroup-manager none run -d --name a "$IMAGE" sleep 1000
	run -125 --separate-stderr cuddy update --memory 64m a
	one_line_error 125 '^cuddy: update a: --memory'
	run -125 --separate-stderr cuddy update --cpus many a
	one_line_error 125 '--cpus'
	run -125 --separate-stderr cuddy update a
	one_line_error 125 'say what to change'
	run -0 cuddy inspect --format '{{.HostConfig.Memory}} {{.State.Status}}' a
	[ "$output" = "0 running" ]
}
