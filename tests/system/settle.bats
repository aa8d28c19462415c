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
