#!/usr/bin/env bats
# After a power cut in the middle of tests/vm/workload: what it had done is there, and nothing else is broken.
load ../system/helpers

setup() {
	export PATH=$HOME/.local/bin:$PATH
	unset CUDDY_ROOT CUDDY_RUNROOT CUDDY
}
teardown() { :; }
cuddy() { command cuddy "$@"; }

@test "the power was cut while things were done" {
	for what in container ran image volume imported running service secret pulled; do
		grep -q "^did: $what " said || fail "nothing of $what"
	done
}

# at_cut NAME: tests/vm/aftercut with the disk as it was then, in place of the one that was there at the end
at_cut() {
	local disk
	disk=$(grep -lx "cut-$1 *" /sys/class/nvme/*/serial)
	sudo unshare --mount sh -euc '
		mount "$1" /home
		mkdir -p -m 0700 "$2/cuddy" && mount -t tmpfs -o "mode=0700,uid=$3,gid=$4" none "$2/cuddy"
		exec setpriv --reuid "$3" --regid "$4" --init-groups env "HOME=$5" "XDG_RUNTIME_DIR=$2" tests/vm/aftercut "said-$6" "$6"' \
		sh "/dev/$(basename "$(dirname "$disk")")n1" "$XDG_RUNTIME_DIR" "$(id -u)" "$(id -g)" "$HOME" "$1"
}

@test "cut while a container had only its name, a layer of a commit was staged, and a pull had half of its layers" {
	run at_cut doing
	[ "$status" -eq 0 ] && [ -z "$output" ] || fail "$output"
}

@test "cut when an image was staged, a container just in place, and a pull done whose layers were to be synced" {
	run at_cut done
	[ "$status" -eq 0 ] && [ -z "$output" ] || fail "$output"
}

@test "the home that was there at the end: whole, nothing lost, what was removed is gone, all can go on" {
	run tests/vm/aftercut said
	[ "$status" -eq 0 ] && [ -z "$output" ] || fail "$output"
	run -0 cuddy start --all --filter should-start-on-boot=true
	[ "$(cuddy inspect --format '{{.State.Running}}' always)" = true ]
	cuddy rm -f -t 0 always
}

@test "the service is back by itself, with its volume" {
	wait_until 60 systemctl --user -q is-active back.service
	[ "$(cuddy inspect --format '{{.State.Running}} {{index .Config.Labels "PODMAN_SYSTEMD_UNIT"}}' systemd-back)" = "true back.service" ]
	cuddy volume exists systemd-back
	systemctl --user stop back.service
	run -1 cuddy container exists systemd-back
}
