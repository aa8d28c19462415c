#!/usr/bin/env bats
# A layer counts after a reboot only when the disk has it (storage/layer.h): who says so, and when.
load helpers
load registry

teardown() {
	registry_end
	test_end
}
marks() { find "$CUDDY_ROOT/layers" -maxdepth 2 -name unsettled | wc -l; }
none() { [ "$(marks)" -eq 0 ]; }

# images: S9
@test "what was committed and imported is on the disk before that is said; the rest soon after" {
	wait_until 60 none # of the busybox that came by load
	cuddy run --network none --name c "$IMAGE" sh -c 'echo x >/made'
	run -0 cuddy commit -q c localhost/made
	none
	tar -C "$WORK" -cf "$WORK/i.tar" --files-from /dev/null --add-file /etc/hostname
	run -0 cuddy import -q "$WORK/i.tar" localhost/imported
	none
	printf 'FROM %s\nRUN echo 1 >/a\nCOPY i.tar /\n' "$IMAGE" | cuddy build -q -f - -t localhost/built "$WORK"
	wait_until 60 none
	printf 'FROM %s\nRUN echo 2 >/b\nRUN false\n' "$IMAGE" >"$WORK/Containerfile"
	run ! cuddy build -q -f "$WORK/Containerfile" "$WORK"
	wait_until 60 none
}

# images: S9
@test "storage.conf's sync = none leaves the writing of layers to the kernel" {
	require_program strace
	wait_until 60 none
	cuddy run -d --network none --name c "$IMAGE" sleep 1000 # newuidmap cannot do its work below strace
	says() { printf '[storage.options.overlay]\nsync = "%s"\n' "$1" >"$WORK/storage.conf"; }
	syncs() { # syncs IMAGE: how often the kernel is asked to while it is committed, with a layer of its own
		cuddy exec c sh -c "echo $1 >/made"
		CONTAINERS_STORAGE_CONF=$WORK/storage.conf strace -f -qq -e trace=syncfs -o "$WORK/trace" "$CUDDY" commit -q c "localhost/$1" >/dev/null
		none
		grep -c 'syncfs(' "$WORK/trace" || true
	}
	says none
	[ "$(syncs one)" = 0 ]
	says filesystem
	[ "$(syncs two)" -ge 1 ]
	says sometimes
	CONTAINERS_STORAGE_CONF=$WORK/storage.conf run --separate-stderr cuddy images
	one_line_error 125 'sync is "none" or "filesystem"'
}

# images: S9
@test "a layer that was pulled, and not on the disk when the machine went down, is pulled again by who needs it" {
	registry_begin
	push "$(image_file busybox)" team/app:1
	cuddy rmi "$IMAGE"
	cuddy pull -q --tls-verify=false "$REG/team/app:1"
	wait_until 60 none
	# What a power cut leaves: the mark of another boot, and files without content.
	layer=$(echo "$CUDDY_ROOT"/layers/*/tree)
	: >"$layer/bin/busybox"
	echo 11111111-2222-3333-4444-555555555555 >"${layer%/tree}/unsettled"
	run -125 cuddy system check
	[[ "${lines[0]}" == *"layer "*": it is missing"* ]] || fail "$output"
	run -125 --separate-stderr cuddy run --rm --network none --pull never "$REG/team/app:1" echo whole
	one_line_error 125 'layer [0-9a-f]* is missing; pull the image again'
	run -0 --separate-stderr cuddy run --rm --network none --tls-verify=false "$REG/team/app:1" echo whole
	[ "$output" = whole ]
	run -0 cuddy system check
	[ -z "$output" ]
	# Without its registry it is said.
	wait_until 60 none
	echo 11111111-2222-3333-4444-555555555555 >"${layer%/tree}/unsettled"
	registry_end
	run --separate-stderr cuddy create --network none --tls-verify=false "$REG/team/app:1"
	one_line_error 125 'was not on the disk when the machine went down, and could not be pulled again'
}

# images: S9
@test "a layer that comes again while one of its digest is written to the disk keeps its own mark until it is written" {
	held() { # of this store, stopped
		local p
		for p in $(pgrep -r T -u "$(id -u)"); do
			! grep -qzxF "CUDDY_RUNROOT=$CUDDY_RUNROOT" "/proc/$p/environ" || echo "$p"
		done
	}
	holds() { [ "$(held | wc -l)" -eq "$1" ]; }
	load() { CUDDY_CRASH_AT=$1 "$CUDDY" load -q -i "$(image_file busybox)" >/dev/null; }
	wait_until 60 none
	cuddy rmi "$IMAGE" >/dev/null
	load stop:layers-synced
	wait_until 20 holds 1
	first=$(held)
	cuddy rmi "$IMAGE" >/dev/null
	load stop:layers-unsettled
	wait_until 20 holds 2
	kill -CONT "$first"
	ended() { ! kill -0 "$first" 2>/dev/null; }
	wait_until 20 ended
	[ "$(marks)" -eq 1 ]
	kill -CONT "$(held)"
	wait_until 60 none
}
