#!/usr/bin/env bats
# Limits: written, seen from inside, and holding.
load ../system/helpers
load cgroups

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

@test "each flag is the value of its file" {
	run -0 cuddy run -d --name a -m 64m --memory-reservation 32m --memory-swap 100m --cpus 1.5 -c 512 \
		--cpuset-cpus 0-1 --cpuset-mems 0 --pids-limit 77 --blkio-weight 500 \
		--cgroup-conf memory.high=60000000 "$IMAGE" sleep 1000
	dir=$(cgroup_dir a)
	[ "$(cat "$dir/memory.max")" = 67108864 ]
	[ "$(cat "$dir/memory.low")" = 33554432 ]
	[ "$(cat "$dir/memory.swap.max")" = $((36 << 20)) ]
	[ "$(cat "$dir/cpu.max")" = "150000 100000" ]
	[ "$(cat "$dir/cpu.weight")" = 20 ]
	[ "$(cat "$dir/cpuset.cpus")" = 0-1 ]
	[ "$(cat "$dir/cpuset.mems")" = 0 ]
	[ "$(cat "$dir/pids.max")" = 77 ]
	[ "$(sed -n 's/^default //p' "$dir/io.weight")" = 4950 ]
	[ "$(cat "$dir/memory.high")" = 59998208 ]
	run -0 cuddy inspect --format '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuShares}} {{.HostConfig.PidsLimit}} {{.HostConfig.MemorySwap}}' a
	[ "$output" = "67108864 1500000000 512 77 104857600" ]
	cuddy rm -f -t 0 a
}

@test "commands of a build are bound as containers are, and run below the cgroup that is asked for" {
	printf 'FROM %s\nRUN cd /sys/fs/cgroup && cat memory.max memory.swap.max cpu.max cpu.weight cpuset.cpus cpuset.mems >/seen\n' "$IMAGE" >"$WORK/Containerfile"
	cuddy build -q -t localhost/bound -m 64m --memory-swap 96m --cpu-period 50000 --cpu-quota 25000 --cpu-shares 512 \
		--cpuset-cpus 1 --cpuset-mems 0 --network none "$WORK"
	run -0 cuddy run --rm --network none localhost/bound cat /seen
	[ "$output" = $'67108864\n33554432\n25000 50000\n20\n1\n0' ]
	printf 'FROM %s\nRUN cat /proc/self/cgroup >/seen\n' "$IMAGE" >"$WORK/Containerfile"
	cuddy build -q -t localhost/below --cgroup-parent user-build.slice --cgroupns host --network none "$WORK"
	run -0 cuddy run --rm --network none localhost/below cat /seen
	[[ "$output" == *"/user-build.slice/"* ]]
}

# limits_are CONTAINER FILE VALUE...: a file of several lines has a line with each of the words
limits_are() {
	local c=$1 dir have w
	dir=$(cgroup_dir "$c")
	shift
	while [ $# -gt 0 ]; do
		have=$(cat "$dir/$1")
		if [[ "$have" != *$'\n'* && "$have" != *=* ]]; then
			[ "$have" = "$2" ] || fail "$1: '$have', not '$2'"
		else
			for w in $2; do [[ " ${have//$'\n'/ } " == *" $w "* ]] || fail "$1: no $w in '$have'"; done
		fi
		shift 2
	done
}

@test "a period and a quota; no bound is -1; rates are of a device; all of them other ones while it runs" {
	d=/dev/nvme0n1
	run -0 cuddy run -d --name a --cpu-period 50000 --cpu-quota 20000 --pids-limit -1 -m 64m --memory-swap -1 --blkio-weight 500 \
		--device-read-bps $d:3mb --device-write-bps $d:1mb --device-read-iops $d:500 --device-write-iops $d:400 "$IMAGE" sleep 1000
	limits_are a cpu.max "20000 50000" pids.max max memory.swap.max max io.max "rbps=3145728 wbps=1048576 riops=500 wiops=400"
	cuddy update --cpu-period 40000 --cpu-quota 30000 --cpuset-mems 0 --cpuset-cpus 1 --memory-reservation 16m -m 48m --memory-swap 50m \
		--blkio-weight 10 --device-read-bps $d:2mb --device-write-bps $d:4mb --device-read-iops $d:50 --device-write-iops $d:40 a
	limits_are a cpu.max "30000 40000" cpuset.mems 0 cpuset.cpus 1 memory.low 16777216 memory.max 50331648 memory.swap.max 2097152 \
		io.weight "default 1" io.max "rbps=2097152 wbps=4194304 riops=50 wiops=40"
	cuddy update --cpu-quota -1 --memory-swap -1 --device-write-bps $d:5mb a
	limits_are a cpu.max "max 40000" memory.swap.max max io.max "rbps=2097152 wbps=5242880 riops=50 wiops=40"
	# The weight for one device wants the kernel's io cost controller switched on for it: that of the tree's disk is (guest).
	cuddy update --blkio-weight-device /dev/nvme1n1:1000 a
	[[ "$(limit_of a io.weight)" == *"$(cat /sys/class/block/nvme1n1/dev) 10000"* ]]
	run -125 --separate-stderr cuddy update --blkio-weight-device $d:100 -m 47m a
	one_line_error 125 '--blkio-weight-device'
	cuddy stop -t 0 a
	cuddy start a
	limits_are a cpu.max "max 40000" cpuset.cpus 1 memory.low 16777216 memory.max 50331648 io.max "rbps=2097152 wbps=5242880 riops=50 wiops=40"
	cuddy rm -f -t 0 a
}

@test "a value the kernel refuses is one line, and nothing is left" {
	run -125 --separate-stderr cuddy run --name a --cpuset-cpus 900 "$IMAGE" true
	one_line_error 125 '--cpuset-cpus'
	cuddy rm -f a
	run -125 --separate-stderr cuddy run --rm --cgroup-conf no.such=1 "$IMAGE" true
	one_line_error 125 '--cgroup-conf.*no.such'
	run -125 --separate-stderr cuddy run --rm --cgroup-conf hugetlb.2MB.max=0 "$IMAGE" true
	one_line_error 125 'hugetlb.2MB.max: the controller is not delegated to this user'
	run -0 cuddy ps -aq
	[ -z "$output" ]
}

@test "memory: who takes more is killed, and the state says why" {
	run -137 cuddy run --name a -m 32m --memory-swap 32m "$IMAGE" tail /dev/zero
	run -0 cuddy inspect --format '{{.State.OOMKilled}} {{.State.ExitCode}} {{.State.ExitReason}}' a
	[ "$output" = "true 137 oom" ]
	run -0 cuddy events --stream=false --filter container=a --format '{{.Status}} {{.ContainerExitCode}} {{.OOMKilled}}'
	[[ "$output" == *$'\noom '*$'\ndied 137 true'* ]]
	[ "$(cuddy events --stream=false --filter event=oom --format '{{.Name}}')" = a ]
	cuddy rm a
}

n_ooms() { cuddy events --stream=false --filter "container=$1" --filter event=oom --format '{{.Name}}' | wc -l; }
ooms() { [ "$(n_ooms "$1")" -ge "$2" ]; }

@test "memory: a child that is killed is an event while pid 1 lives on, and not what ends the container later" {
	cuddy run -d --name child -m 32m --memory-swap 32m "$IMAGE" sh -c 'tail /dev/zero; echo $?; exec sleep 1000'
	wait_log child 137
	wait_until 30 ooms child 1
	run -137 cuddy exec child tail /dev/zero
	wait_until 30 ooms child 2
	[ "$(cuddy inspect --format '{{.State.Status}} {{.State.OOMKilled}}' child)" = "running false" ]
	kills=$(limit_of child memory.events | sed -n 's/^oom_kill //p')
	cuddy kill child
	wait_exited child
	[ "$(cuddy inspect --format '{{.State.OOMKilled}} {{.State.ExitCode}} {{.State.ExitReason}}' child)" = "false 137 user" ]
	[ "$(n_ooms child)" -le "$kills" ] # the kernel may take more than the one
	cuddy rm child
}

@test "memory: a kill by hand is no want of memory" {
	cuddy run -d --name a -m 32m "$IMAGE" sleep 1000
	cuddy kill a
	wait_exited a
	run -0 cuddy inspect --format '{{.State.OOMKilled}} {{.State.ExitCode}}' a
	[ "$output" = "false 137" ]
	cuddy rm a
}

@test "pids: a fork bomb stays in its bounds" {
	run -0 cuddy run -d --name a --pids-limit 20 "$IMAGE" \
		sh -c 'while :; do sh -c "while :; do sleep 1000 & done" 2>/dev/null; done'
	wait_until 30 at_limit a
	[ "$(limit_of a pids.current)" -le 20 ]
	cuddy rm -f -t 0 a
}
at_limit() { [ "$(limit_of "$1" pids.events | sed 's/max //')" -gt 0 ]; }

@test "cpu: half a processor is no more than that" {
	cuddy run -d --name a --cpus 0.5 "$IMAGE" sh -c 'while :; do :; done'
	wait_until 30 throttled a
	used() { sed -n 's/^usage_usec //p' "$(cgroup_dir a)/cpu.stat"; }
	t=${EPOCHREALTIME/./} # around the looks, not between them
	u=$(used)
	wait_until 30 used_more "$((u + 500000))"
	u=$(($(used) - u))
	t=$((${EPOCHREALTIME/./} - t))
	# Half of the time that went by, and the burst of one period at each end.
	[ "$u" -le $((t / 2 + 150000)) ]
	cuddy rm -f -t 0 a
}
throttled() { [ "$(sed -n 's/^nr_throttled //p' "$(cgroup_dir "$1")/cpu.stat")" -gt 2 ]; }
used_more() { [ "$(used)" -gt "$1" ]; }

# took DISK_FLAG...: milliseconds for 4 MiB past the page cache, by the container's own clock
took() {
	cuddy run --rm --network none -v "$WORK/io:/io" "$@" "$IMAGE" sh -c 'a=$(cut -d" " -f1 /proc/uptime | tr -d .)
		dd if=/dev/zero of=/io/f bs=256k count=16 oflag=direct 2>/dev/null || exit
		b=$(cut -d" " -f1 /proc/uptime | tr -d .); cat /sys/fs/cgroup/io.stat >/io/stat; echo $(((b - a) * 10))'
}
@test "io: bytes are written no faster than was said" {
	mkdir "$WORK/io"
	free=$(took)
	[ "$free" -ge 0 ]
	# A second's worth goes through before the first wait.
	[ "$(took --device-write-bps /dev/nvme0n1:1mb)" -ge 2000 ]
	[ "$(grep -o 'wbytes=[0-9]*' "$WORK/io/stat" | cut -d= -f2 | sort -n | tail -n 1)" -ge $((4 << 20)) ]
	[ "$free" -lt 2000 ] || echo "# without a limit that took $free ms" >&3
}

@test "other runtimes: what crun and runc start is bounded by the same limits" {
	for r in crun runc; do
		cuddy run -d --name a --network none --runtime $r -m 48m --memory-swap 48m --pids-limit 33 "$IMAGE" sleep 1000
		[ "$(limit_of a memory.max) $(limit_of a pids.max)" = "50331648 33" ]
		[[ "$(cgroup_of_pid "$(container_pid a)")" == "$(cgroup_dir a)"* ]] || fail "$r: $(cgroup_of_pid "$(container_pid a)")"
		# What it sees of the tree begins with its own cgroup; runc makes the namespace in one of its own choice.
		[ $r = runc ] || [ "$(cuddy exec a sh -c 'cat /proc/1/cgroup /sys/fs/cgroup/pids.max')" = $'0::/\n33' ]
		run -137 cuddy exec a tail /dev/zero
		cuddy rm -f -t 0 a
	done
}

pod_is() { [ "$(cuddy pod inspect --format '{{.State}}' "$1")" = "$2" ]; }

@test "a pod: its limits bound all of its containers together, and its cgroup goes with the last of them" {
	cuddy pod create --name p --network none -m 48m --memory-swap 48m --cpus 1.5 -c 512 --cpuset-cpus 0 --cpuset-mems 0 \
		--blkio-weight 500 --blkio-weight-device /dev/nvme1n1:1000 --device-read-bps /dev/nvme0n1:3mb --device-write-bps /dev/nvme0n1:1mb \
		--device-read-iops /dev/nvme0n1:500 --device-write-iops /dev/nvme0n1:400 --pids-limit 100
	cuddy run -d --pod p --name a -m 40m "$IMAGE" sleep 1000
	cuddy run -d --pod p --name b "$IMAGE" sleep 1000
	dir=$(dirname "$(cgroup_dir a)")
	[ "$dir" = "$(dirname "$(cgroup_dir b)")" ]
	[ "$dir" = "/sys/fs/cgroup$(cuddy pod inspect --format '{{.CgroupPath}}' p)" ]
	[ "$(cat "$dir/memory.max" "$dir/memory.swap.max" "$dir/cpu.max" "$dir/cpuset.cpus" "$dir/pids.max" | xargs)" = "50331648 0 150000 100000 0 100" ]
	[ "$(sed -n 's/^default //p' "$dir/io.weight")" = 4950 ]
	[[ "$(cat "$dir/io.weight")" == *"$(cat /sys/class/block/nvme1n1/dev) 10000"* ]]
	[[ "$(cat "$dir/io.max")" == *"rbps=3145728 wbps=1048576 riops=500 wiops=400"* ]]
	[ "$(cat "$dir/cpu.weight") $(cat "$dir/cpuset.mems")" = '20 0' ]
	[ "$(limit_of a memory.max) $(limit_of b memory.max)" = '41943040 max' ]
	[ "$(cuddy pod inspect --format '{{.MemoryLimit}} {{.CPUQuota}} {{.CPUSetCPUs}} {{.CreateCgroup}}' p)" = "50331648 150000 0 true" ]
	# One that has no bound of its own has the pod's.
	run -137 cuddy run --rm --pod p "$IMAGE" tail /dev/zero
	# A container that is started again is where it was; what a killed monitor left is taken up.
	kill -KILL "$(conmon_pid b)"
	wait_exited b
	cuddy start b
	[ "$dir" = "$(dirname "$(cgroup_dir b)")" ]
	run -125 --separate-stderr cuddy run --rm --pod p --cgroups split "$IMAGE" true
	one_line_error 125 'the limits of its pod would not hold it'
	cuddy pod rm -f -t 0 p
	wait_until 20 gone "$dir"
	# Whether its containers are where it is said to be is a choice.
	for flag in --share-parent=true --share-parent=false; do
		cuddy pod create --name q --network none --cgroup-parent share.slice $flag
		cuddy run -d --pod q --name a "$IMAGE" sleep 1000
		[[ "$flag $(cgroup_dir a)" == *=true*/share.slice/* || "$flag $(cgroup_dir a)" == *=false* ]]
		[[ "$flag $(cgroup_dir a)" != *=false*/share.slice/* ]]
		cuddy pod rm -f -t 0 q
	done
	cuddy --cgroup-manager cgroupfs pod create --name p --network none -m 48m
	cuddy --cgroup-manager cgroupfs run -d --pod p --name a "$IMAGE" sleep 1000
	dir=$(dirname "$(cgroup_dir a)")
	[ "$(cat "$dir/memory.max")" = 50331648 ]
	[ "$dir" = "$(dirname "$(cgroup_dir "$(cuddy pod inspect --format '{{.InfraContainerID}}' p)")")" ]
	cuddy pod rm -f -t 0 p
	wait_until 20 gone "$dir"
}

@test "kube play: limits and requests of resources are those of the container's cgroup" {
	printf 'kind: Pod\nmetadata: {name: k}\nspec:\n  containers:\n  - {name: a, image: %s, command: [sleep, "1000"], resources: {limits: {memory: 64Mi, cpu: 500m}, requests: {memory: 16Mi, cpu: 250m}}}\n' "$IMAGE" |
		cuddy kube play --network none --annotation io.podman.annotations.pids-limit/a=55 -
	[ "$(for f in memory.max cpu.max memory.low cpu.weight pids.max; do limit_of k-a $f; done | xargs)" = '67108864 50000 100000 16777216 10 55' ]
	cuddy pod rm -f -t 0 k
}
