#!/usr/bin/env bats
# Images on this machine: list, name, inspect, remove; archives and root file systems in.
load helpers

image_id() { cuddy image inspect --format '{{.Id}}' "$1"; }

@test "images: one line each, with the columns people and scripts read" {
	run -0 cuddy images
	[[ "${lines[0]}" =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
	[[ "${lines[1]}" == "localhost/busybox "*latest* ]]
	run -0 cuddy images --format '{{.Repository}}:{{.Tag}}'
	[ "$output" = localhost/busybox:latest ]
	run -0 cuddy images --format json
	[ "$(jq length <<<"$output")" = 1 ]
	run -0 cuddy images -q --no-trunc
	[[ "$output" =~ ^sha256:[0-9a-f]{64}$ ]]
	run -0 cuddy images -q
	[[ "$output" =~ ^[0-9a-f]{12}$ ]]
	run -0 cuddy images localhost/nosuch -q
	[ -z "$output" ]
}

@test "tag: a second name for the same image; the first stays; an existing name moves" {
	cuddy tag "$IMAGE" localhost/second:v1 localhost/third
	[ "$(image_id localhost/second:v1)" = "$(image_id "$IMAGE")" ]
	[ "$(image_id localhost/third:latest)" = "$(image_id "$IMAGE")" ]
	[ "$(cuddy images -q | sort -u | wc -l)" -eq 1 ]
	[ "$(cuddy images -q | wc -l)" -eq 3 ]
	tar -c -C "$FIXTURES" mkimg.py | cuddy import -q - localhost/second:v1
	[ "$(image_id localhost/second:v1)" != "$(image_id "$IMAGE")" ]
}

@test "rmi: takes away a name; with the last name the image and its layers go" {
	cuddy tag "$IMAGE" localhost/second
	run -0 cuddy rmi localhost/second
	run -0 cuddy run --rm "$IMAGE" true
	run -0 cuddy rmi "$IMAGE"
	[ -z "$(cuddy images -q)" ]
	cuddy ps >/dev/null
	for d in layers images refs; do
		wait_until 5 empty_dir "$CUDDY_ROOT/$d"
	done
}

@test "rmi: an image with several names is not removed by id without --force" {
	cuddy tag "$IMAGE" localhost/second
	id=$(cuddy images -q | head -n 1)
	run --separate-stderr cuddy rmi "$id"
	one_line_error 125 "$id|more than one"
	run -0 cuddy rmi -f "$id"
	[ -z "$(cuddy images -q)" ]
}

@test "rmi: an image that a container uses is refused, and goes when the container has gone" {
	cuddy create --name c "$IMAGE" true
	run --separate-stderr cuddy rmi "$IMAGE"
	one_line_error 125 'in use'
	run -0 cuddy start -a c
	cuddy rm c
	run -0 cuddy rmi "$IMAGE"
}

@test "rmi: several, some of them unknown: the known go, the rest is told" {
	cuddy tag "$IMAGE" localhost/second
	run --separate-stderr cuddy rmi localhost/nosuch localhost/second
	[ "$status" -eq 125 ]
	[[ "$stderr" == *nosuch* ]]
	run -125 --separate-stderr cuddy image inspect localhost/second
}

@test "image inspect: what the image says, for templates and for other programs" {
	run -0 cuddy image inspect "$IMAGE"
	[ "$(jq -r '.[0].Config.Cmd[0]' <<<"$output")" = sh ]
	[ "$(jq -r '.[0].RepoTags[0]' <<<"$output")" = localhost/busybox:latest ]
	[ "$(jq -r '.[0].RootFS.Layers | length' <<<"$output")" = 1 ]
	[ "$(jq -r '.[0].Os + "/" + .[0].Architecture' <<<"$output")" = linux/amd64 ]
	run -0 cuddy inspect --format '{{.Architecture}} {{len .RootFS.Layers}}' "$IMAGE"
	[ "$output" = "amd64 1" ]
}

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
	for i in 1 2 3 4; do cuddy load -q -i "$f" >"$WORK/$i" 2>&1 & done
	wait
	cat "$WORK"/[1-4]
	[ "$(cat "$WORK"/[1-4] | grep -vc layers12)" -eq 0 ]
	[ "$(cuddy images -q --filter reference=localhost/layers12 2>/dev/null | wc -l)" -eq 1 ] ||
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
	run --separate-stderr cuddy import -q -c 'NOSUCH x' "$WORK/r.tar" localhost/x
	one_line_error 125 NOSUCH
}

@test "a container keeps running when its image's name moves or goes" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	cuddy tag "$IMAGE" localhost/second
	run -0 cuddy rmi "$IMAGE"
	run -0 cuddy exec c echo here
	cuddy stop -t 0 c
	run -0 cuddy start c
}

@test "version and info answer, in words, templates and json" {
	run -0 cuddy version
	[[ "$output" == *[0-9].[0-9]* ]]
	run -0 cuddy --version
	[[ "$output" == cuddy*[0-9].[0-9]* ]]
	run -0 cuddy info
	run -0 cuddy info --format '{{.Store.GraphRoot}}'
	[ "$output" = "$CUDDY_ROOT" ]
	run -0 bash -c '"$CUDDY" info --format json | jq -e .'
	run -0 bash -c '"$CUDDY" version --format json | jq -e .'
}
