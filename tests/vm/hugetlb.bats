#!/usr/bin/env bats
# Huge pages: a controller that systemd does not delegate, in a subtree that root gives to a user.
load ../system/helpers
load ../system/bundle
load cgroups

setup_file() {
	file_begin busybox
	export HUGE=/sys/fs/cgroup/huge
	echo '+hugetlb +memory' | sudo tee /sys/fs/cgroup/cgroup.subtree_control >/dev/null
	sudo mkdir -p $HUGE/shell
	for d in $HUGE $HUGE/shell; do sudo chown user $d $d/cgroup.procs $d/cgroup.subtree_control; done
	sudo sysctl -qw vm.nr_hugepages=8
}
teardown_file() {
	sudo sysctl -qw vm.nr_hugepages=0
	file_end
	sudo rmdir $HUGE/shell $HUGE
}
# there COMMAND...: in that subtree
there() {
	sudo sh -c 'echo $$ >"$1/shell/cgroup.procs"; shift; exec setpriv --reuid user --regid user --init-groups env "$@"' - "$HUGE" \
		"HOME=$HOME" "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" "CUDDY_ROOT=$CUDDY_ROOT" "CUDDY_RUNROOT=$CUDDY_RUNROOT" "$@"
}
# 2 and 4 MiB in huge pages, from inside
TAKE='for my $n (1, 2) { print syscall(9, 0, $n << 21, 3, 0x40022, -1, 0) == -1 ? "no " : "yes " }'
PERL=(-v /usr:/usr:ro -v /lib64:/lib64:ro -v /lib:/lib:ro)

@test "hugetlb: a limit holds inside a container, and where systemd made the cgroup the step to it is named" {
	run -0 there "$CUDDY" --cgroup-manager cgroupfs run --rm --network none "${PERL[@]}" --cgroup-conf hugetlb.2MB.max=2097152 \
		--cgroup-conf hugetlb.2MB.rsvd.max=2097152 "$IMAGE" sh -c "cat /sys/fs/cgroup/hugetlb.2MB.max; /usr/bin/perl -e '$TAKE'"
	[ "$(echo $output)" = '2097152 yes no' ] || fail "$output"
	run -125 --separate-stderr cuddy run --rm --cgroup-conf hugetlb.2MB.max=0 "$IMAGE" true
	one_line_error 125 'hugetlb.2MB.max: the controller is not delegated to this user; systemd does not delegate it; mend it as root: .*\+hugetlb.*--cgroup-manager cgroupfs'
	run -125 --separate-stderr there "$CUDDY" --cgroup-manager cgroupfs run --rm --cgroup-conf hugetlb.3MB.max=0 "$IMAGE" true
	one_line_error 125 'no huge pages of that size'
}

@test "hugetlb: hugepageLimits of a bundle are both files; update changes them; elsewhere they are refused by name" {
	bundle h sleep 1000
	config h '.linux.resources = {"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]} | .process.terminal = false'
	there "$CUDDY" runtime --root "$WORK/state" --cgroup-manager cgroupfs run --detach --bundle "$WORK/h" h >"$WORK/out" 2>&1 3>&- </dev/null || fail "$(cat "$WORK/out")"
	dir=$(cgroup_of_pid "$(rt state h | jq .pid)")
	[[ "$dir" == /sys/fs/cgroup/huge/cuddy-h ]]
	[ "$(cat "$dir/hugetlb.2MB.max") $(cat "$dir/hugetlb.2MB.rsvd.max")" = '4194304 4194304' ]
	rt update --resources - h <<<'{"hugepageLimits": [{"pageSize": "2MB", "limit": 2097152}]}'
	[ "$(cat "$dir/hugetlb.2MB.max") $(cat "$dir/hugetlb.2MB.rsvd.max")" = '2097152 2097152' ]
	run -1 there "$CUDDY" runtime --root "$WORK/state" update --resources - h <<<'{"memory": {"limit": 4096, "checkBeforeUpdate": true}}'
	[[ "$output" == *'memory.limit: 4096, and it uses '*' bytes now'* && "$(cat "$dir/memory.max")" = max ]] || fail "$output"
	rt delete --force h
	[ ! -e "$dir" ]
	config h '.linux.cgroupsPath = "/huge/of/mine"'     # exactly there, where that can be
	there "$CUDDY" runtime --root "$WORK/state" run --detach --bundle "$WORK/h" h >"$WORK/out" 2>&1 3>&- </dev/null || fail "$(cat "$WORK/out")"
	[ "$(cgroup_of_pid "$(rt state h | jq .pid)")" = /sys/fs/cgroup/huge/of/mine ]
	[ "$(cat /sys/fs/cgroup/huge/of/mine/hugetlb.2MB.max)" = 4194304 ]
	run -1 there "$CUDDY" runtime --root "$WORK/state" run --bundle "$WORK/h" i
	[[ "$output" == *'/huge/of/mine: there are processes in it'* ]] || fail "$output"
	rt delete --force h
	[ ! -e /sys/fs/cgroup/huge/of/mine ]
	rmdir /sys/fs/cgroup/huge/of
	config h '.linux.cgroupsPath = "/nobodys/x" | .process.args = ["true"] | del(.linux.resources)'
	run -0 rt run --bundle "$WORK/h" i                  # and where not, that is said
	[[ "$output" == *'linux.cgroupsPath: make cgroup /sys/fs/cgroup/nobodys: Permission denied; it is elsewhere'* ]] || fail "$output"
	config h '.linux.resources = {"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]} | del(.linux.cgroupsPath)'
	run -1 rt run --bundle "$WORK/h" i
	[[ "$output" == *'hugepageLimits: this container'*'hugetlb.2MB.max: the controller is not delegated'*'mend it as root'* ]] || fail "$output"
	run -1 rt --cgroup-manager disabled run --bundle "$WORK/h" i
	[[ "$output" == *hugepageLimits:* ]] || fail "$output"
	config h 'del(.linux.resources) | .process.args = ["cat", "/proc/self/cgroup"]'
	run -0 rt --cgroup-manager disabled run --bundle "$WORK/h" i
	config h '.linux.cgroupsPath = "mine.slice:pre:x1" | .process.args = ["sleep", "1000"]'
	rt --systemd-cgroup run --detach --bundle "$WORK/h" h >"$WORK/out" 2>&1 3>&- </dev/null || fail "$(cat "$WORK/out")"
	[[ "$(cgroup_of_pid "$(rt state h | jq .pid)")" == */mine.slice/pre-x1.scope/* ]] || fail "$(cgroup_of_pid "$(rt state h | jq .pid)")"
	rt delete --force h
	config h '.linux.cgroupsPath = "mine.slice:x"'
	run -1 rt --systemd-cgroup run --bundle "$WORK/h" i
	[[ "$output" == *"'mine.slice:x': for systemd write slice:prefix:name"* ]] || fail "$output"
	nothing_of_ours
}
