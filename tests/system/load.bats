#!/usr/bin/env bats
# Images from archives and root file systems.
load helpers

@test "load: docker and oci archives, compressed ones, from a file and from stdin; the name is told" {
	f=$(image_file busybox)
	cuddy rmi "$IMAGE" >/dev/null
	for how in cat gzip zstd xz bzip2; do
		$how -c <"$f" >"$WORK/a" 2>/dev/null || cat "$f" >"$WORK/a"
		run -0 --separate-stderr cuddy load -i "$WORK/a"
		[[ "$output" == *localhost/busybox:latest* ]]
		cuddy rmi "$IMAGE" >/dev/null
		run -0 --separate-stderr cuddy load -q <"$WORK/a"
		run -0 cuddy run --rm "$IMAGE" echo ok
		cuddy rmi "$IMAGE" >/dev/null
	done
	run -0 cuddy load -q -i "$(image_file layers12)"
	run -0 cuddy run --rm localhost/layers12 cat /a/keep
	[ "$output" = again ]
}

# images: F10
@test "load: what skopeo writes as docker-archive and oci-archive of one image is one image" {
	f=$(image_file debian)
	skopeo copy -q "oci-archive:$f" "docker-archive:$WORK/d.tar:localhost/d:1"
	run -0 cuddy load -q -i "$f"
	run -0 cuddy load -q -i "$WORK/d.tar"
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -eq 2 ] # busybox's and one of Debian's
	run -0 cuddy run --rm localhost/d:1 bash -c 'echo $BASH_VERSION'
}

@test "load: twice, and two at once, is one image with its layers once" {
	f=$(image_file layers12)
	jobs=
	for i in 1 2 3 4; do
		cuddy load -q -i "$f" >"$WORK/$i" 2>&1 3>&- &
		jobs+=" $!"
	done
	wait $jobs
	cat "$WORK"/[1-4]
	[ "$(cat "$WORK"/[1-4] | grep -vc layers12)" -eq 0 ]
	[ "$(cuddy images -q localhost/layers12 | wc -l)" -eq 1 ]
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -eq 13 ]
	empty_dir "$CUDDY_ROOT/staging"
}

@test "import: a root file system in a tar becomes an image, with changes" {
	mkdir -p "$WORK/r/bin"
	cp "$(command -v busybox)" "$WORK/r/bin/sh"
	tar -c -C "$WORK/r" --owner=0 --group=0 . >"$WORK/r.tar"
	run -0 --separate-stderr cuddy import -q -c 'ENV A=b' -c 'CMD ["/bin/sh", "-c", "echo $A"]' -c 'WORKDIR /w' "$WORK/r.tar" localhost/mine:1
	run -0 cuddy run --rm localhost/mine:1
	[ "$output" = b ]
	run -0 cuddy run --rm localhost/mine:1 /bin/sh -c pwd
	[ "$output" = /w ]
	run -0 bash -c 'gzip -c "$1" | "$CUDDY" import -q - localhost/mine:2' _ "$WORK/r.tar"
	run -0 cuddy run --rm localhost/mine:2 /bin/sh -c 'echo from stdin'
	[ "$output" = "from stdin" ]
	cuddy import -q --arch arm --variant v7 "$WORK/r.tar" localhost/mine:arm >/dev/null
	[ "$(cuddy image inspect --format '{{.Os}} {{.Architecture}} {{.Variant}}' localhost/mine:arm)" = 'linux arm v7' ]
	run --separate-stderr cuddy import -q --arch arm --platform linux/arm "$WORK/r.tar" localhost/x
	one_line_error 125 --platform
	run --separate-stderr cuddy import -q -c 'NOSUCH x' "$WORK/r.tar" localhost/x
	one_line_error 125 NOSUCH
}
