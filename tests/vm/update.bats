#!/usr/bin/env bats
# Other limits for a container that runs.
load ../system/helpers
load cgroups

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

@test "update: a running container has its new limits at once, and after the next start" {
	cuddy run -d --name a -m 64m --pids-limit 50 "$IMAGE" sleep 1000
	run -0 cuddy update --memory 128m --cpus 0.5 a
	[ "$output" = a ]
	[ "$(limit_of a memory.max)" = 134217728 ]
	[ "$(limit_of a cpu.max)" = "50000 100000" ]
	[ "$(limit_of a pids.max)" = 50 ]
	run -0 cuddy inspect --format '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' a
	[ "$output" = "134217728 500000000 50" ]
	cuddy stop -t 0 a
	run -0 cuddy update --pids-limit 7 a
	cuddy start a
	[ "$(limit_of a pids.max)" = 7 ]
	[ "$(limit_of a memory.max)" = 134217728 ]
	cuddy rm -f -t 0 a
}

@test "update: what the kernel refuses changes nothing" {
	cuddy run -d --name a --pids-limit 50 "$IMAGE" sleep 1000
	run -125 --separate-stderr cuddy update --pids-limit 9 --cpuset-mems 800 a
	one_line_error 125 '--cpuset-mems'
	[ "$(limit_of a pids.max)" = 50 ]
	run -0 cuddy inspect --format '{{.HostConfig.PidsLimit}} {{.HostConfig.CpusetMems}}' a
	[ "$output" = "50 " ]
	cuddy rm -f -t 0 a
}

@test "clone: other limits than the original's" {
	cuddy create --name one --network none -m 64m --cpu-shares 512 "$IMAGE" true
	cuddy container clone -m 128m one two
	[ "$(cuddy inspect --format '{{.HostConfig.Memory}} {{.HostConfig.CpuShares}}' two)" = "134217728 512" ]
	run -125 --separate-stderr cuddy container clone --cpus many one three
	one_line_error 125 'many'
	cuddy rm one two
}
