#!/usr/bin/env bats
# cuddy volume export and import: the content of a volume as tar, and back.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

@test "volume export and import: owners, modes and links go from one volume to another" {
	cuddy volume create a >/dev/null
	cuddy volume create b >/dev/null
	cuddy run --rm -v a:/v "$IMAGE" sh -c 'mkdir /v/d; echo 1 >/v/d/f; chown 5:6 /v/d/f; chmod 640 /v/d/f; ln /v/d/f /v/h; ln -s d /v/l'
	cuddy volume export a -o "$WORK/a.tar"
	[ "$(tar -t -f "$WORK/a.tar" | sort | xargs)" = './ d/ d/f h l' ]
	cuddy volume export a | cmp - "$WORK/a.tar"
	cuddy run --rm -v b:/v "$IMAGE" sh -c 'echo old >/v/h; echo mine >/v/stays'
	gzip -k "$WORK/a.tar"
	cuddy volume import b "$WORK/a.tar.gz"
	run -0 cuddy run --rm -v b:/v "$IMAGE" sh -c 'stat -c "%u:%g %a %h" /v/d/f; cat /v/h /v/stays; readlink /v/l'
	[ "$(echo $output)" = '5:6 640 2 1 mine d' ]
	cuddy volume export a | cuddy volume import b -
	cuddy volume rm a b
}

@test "volume import: into a new volume, which then keeps it when an image has something at its place" {
	echo x >"$WORK/f"
	tar -c -C "$WORK" f | cuddy volume import nosuch - && false
	cuddy volume create v >/dev/null
	tar -c -C "$WORK" f | cuddy volume import v -
	[ "$(cuddy run --rm -v v:/home "$IMAGE" ls /home)" = f ]
	cuddy volume rm v
}

@test "volume export and import: bad input" {
	cuddy volume create v >/dev/null
	cuddy volume create -o type=tmpfs t >/dev/null
	run --separate-stderr cuddy volume export -o "$WORK/no" nosuch
	one_line_error 125 nosuch
	[ ! -e "$WORK/no" ]
	run --separate-stderr cuddy volume export -o "$WORK/no" t
	one_line_error 125 tmpfs
	run --separate-stderr cuddy volume import v "$WORK/nosuch"
	one_line_error 125 nosuch
	run --separate-stderr cuddy volume import v - <<<'this is no archive at all'
	one_line_error 125 'archive'
	run -125 cuddy volume import v
	run script -qec "'$CUDDY' volume export v" /dev/null
	[ "$status" -eq 125 ]
	cuddy volume rm v t
}
