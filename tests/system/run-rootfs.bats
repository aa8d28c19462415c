#!/usr/bin/env bats
# --rootfs: a directory of the user's instead of an image.
load helpers

setup() {
	test_begin
	DIR=$WORK/tree
	mkdir "$DIR"
	id=$(cuddy create "$IMAGE" true)
	cuddy export "$id" | tar -x -C "$DIR"
	cuddy rm "$id" >/dev/null
	rm -rf "$DIR/proc" "$DIR/sys" "$DIR/dev"
}

@test "rootfs: the directory itself is the root, what is made there is the caller's" {
	run -0 cuddy run --rm --network none --rootfs "$DIR" sh -c 'echo made >/new; id -u; readlink /proc/self/exe; cat /proc/1/comm'
	[ "$(echo $output)" = "0 /bin/busybox cat" ] || [ "$(echo $output)" = "0 /bin/busybox sh" ]
	[ "$(cat "$DIR/new") $(stat -c %u "$DIR/new")" = "made $(id -u)" ]
	cd "$WORK"
	cuddy create --name c --network none --read-only --rootfs tree sh -c 'touch /other 2>&1; echo $?; cat /new'
	run -0 cuddy start -a c
	[[ "$output" == *Read-only*1*made ]]
	[ "$(cuddy inspect --format '{{.Rootfs}}|{{.Image}}|{{.ImageName}}' c)" = "$DIR||" ]
	[ "$(cuddy ps -a --format '{{.Names}}|{{.Image}}')" = "c|" ]
	run -0 cuddy run --rm --network none --userns keep-id --rootfs "$DIR" stat -c %u /new
	[ "$output" = "$(id -u)" ]
	run --separate-stderr cuddy commit c t
	one_line_error 125 rootfs
	run --separate-stderr cuddy diff c
	one_line_error 125 directory
	cuddy image prune -a -f >/dev/null
	cuddy run --rm --network none --rootfs "$DIR" true
}

@test "rootfs: with :O the directory stays as it is, the changes go with the container" {
	before=$(cd "$DIR" && find . -printf '%p %m %u %T@\n' | sort | md5sum)
	cuddy run -d --name c --network none --rootfs "$DIR:O" sh -c 'echo made >/new; rm /etc/passwd; exec sleep 1000'
	wait_until 20 cuddy exec c test -e /new
	[ "$(cuddy diff c | grep -E 'new|passwd' | sort | xargs)" = "A /new D /etc/passwd" ]
	cuddy stop -t 0 c && cuddy start c
	cuddy exec c test -e /new
	[ "$(cd "$DIR" && find . -printf '%p %m %u %T@\n' | sort | md5sum)" = "$before" ]
	run -0 bash -c '"$CUDDY" export c | tar -tf - | grep -c "^new$"'
	[ "$output" = 1 ]
	cuddy container clone c d >/dev/null
	cuddy start d
	wait_until 20 cuddy exec d test -e /new
	[ "$(cuddy inspect --format '{{.Rootfs}}' d)" = "$DIR" ]
}

@test "rootfs: what is no directory, the host's root and id maps of a directory are refused" {
	for bad in "$WORK/missing" "$DIR/bin/busybox" / /../ "$DIR:idmap" "$DIR:idmap=uids=0-1-10"; do
		run --separate-stderr cuddy run --rm --network none --rootfs "$bad" true
		one_line_error 125 rootfs
	done
	run --separate-stderr cuddy run --rm --network none --rootfs "$(dirname "$CUDDY_ROOT"):O" true
	one_line_error 125 "holds cuddy's own files .*name another"
	run --separate-stderr cuddy run --rm --network none --rootfs "$DIR"
	one_line_error 125 command
	rm -r "$DIR/etc"; ln -s "$WORK/victim" "$DIR/etc"; mkdir "$WORK/victim"
	run cuddy run --rm --network none --rootfs "$DIR" true
	[ -z "$(ls "$WORK/victim")" ]
}
