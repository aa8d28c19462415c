#!/usr/bin/env bats
# A layer counts after a reboot only when the disk has it (storage/layer.h): who says so, and when.
load helpers

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
