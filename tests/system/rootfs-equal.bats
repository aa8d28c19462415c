#!/usr/bin/env bats
# File by file, a container's root is what umoci unpacks of the same image: kind, mode, owner, links, xattrs, time, content.
load helpers
load rootfs

setup_file() { file_begin; }
teardown_file() { file_end; }

@test "rootfs: twelve layers with whiteouts, opaque directories, hard links, xattrs and odd names" {
	load_image layers12
	by_umoci "$(image_file layers12gz)" "$BATS_TEST_TMPDIR/want"
	by_cuddy localhost/layers12 "$BATS_TEST_TMPDIR/got"
	same "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
}

@test "rootfs: a whole Debian" {
	load_image debian
	by_umoci "$(image_file debian)" "$BATS_TEST_TMPDIR/want"
	by_cuddy localhost/debian:bookworm "$BATS_TEST_TMPDIR/got"
	same "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
}

@test "rootfs: nginx, a layer on top of Debian" {
	load_image nginx
	by_umoci "$(image_file nginx)" "$BATS_TEST_TMPDIR/want"
	by_cuddy localhost/nginx "$BATS_TEST_TMPDIR/got"
	same "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
}
