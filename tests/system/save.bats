#!/usr/bin/env bats
# Saving: what load, podman's tools and the registry make of it is the same image.
load helpers
load registry

setup() {
	test_begin
}

teardown() {
	registry_end
	test_end
}

id_of() { cuddy image inspect --format '{{.Id}}' "$1"; }
config_id() { skopeo inspect --config --raw "$1" | sha256sum | cut -d' ' -f1; }

# images: F10
@test "save: every format is read by skopeo and by load, and the id stays" {
	id=$(id_of "$IMAGE")
	for f in docker-archive oci-archive oci-dir docker-dir; do
		run -0 --separate-stderr cuddy save -q --format $f -o "$WORK/$f" "$IMAGE"
		[ -z "$output$stderr" ]
	done
	for from in docker-archive:"$WORK/docker-archive" oci-archive:"$WORK/oci-archive" oci:"$WORK/oci-dir" dir:"$WORK/docker-dir"; do
		[ "$(config_id "$from")" = "$id" ]
		skopeo copy -q "$from" "dir:$WORK/copy" # compares every digest
		rm -rf "$WORK/copy"
	done
	[ "$(jq -r .mediaType "$WORK/docker-dir/manifest.json")" = application/vnd.docker.distribution.manifest.v2+json ]
	[ "$(jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' "$WORK/oci-dir/index.json")" = localhost/busybox:latest ]
	for f in docker-archive oci-archive oci-dir; do
		cuddy rmi "$IMAGE"
		run -0 cuddy load -q -i "$WORK/$f"
		[ "$output" = "Loaded image: localhost/busybox:latest" ]
		[ "$(id_of "$IMAGE")" = "$id" ]
		[ "$(cuddy run --rm "$IMAGE" echo it runs)" = "it runs" ]
	done
}

@test "save: through a pipe into load; twice it is the same bytes; the mode is the umask's" {
	id=$(id_of "$IMAGE")
	umask 027
	cuddy save -o "$WORK/one.tar" "$IMAGE"
	cuddy save "$IMAGE" >"$WORK/two.tar"
	cmp "$WORK/one.tar" "$WORK/two.tar"
	[ "$(stat -c %a "$WORK/one.tar")" = 640 ]
	mkdir "$WORK/other"
	cuddy save "$IMAGE" | CUDDY_ROOT=$WORK/other/root CUDDY_RUNROOT=$WORK/other/run cuddy load -q
	[ "$(CUDDY_ROOT=$WORK/other/root CUDDY_RUNROOT=$WORK/other/run id_of "$IMAGE")" = "$id" ]
	CUDDY_ROOT=$WORK/other/root CUDDY_RUNROOT=$WORK/other/run drop_root
}

@test "save: several images and names share their layers in one archive" {
	load_image layers12
	cuddy tag "$IMAGE" second:tag
	l=$(cuddy images -q --no-trunc --filter reference='*layers*' | head -n 1)
	name=$(cuddy images --format '{{.Repository}}:{{.Tag}}' --filter reference='*layers*' | head -n 1)
	run -0 cuddy save -m -o "$WORK/many.tar" "$IMAGE" "$name" second:tag
	tar -xOf "$WORK/many.tar" manifest.json | jq -e 'length == 2 and .[0].RepoTags == ["localhost/busybox:latest", "localhost/second:tag"]'
	[ -z "$(tar -tf "$WORK/many.tar" | sort | uniq -d)" ]
	before=$(cuddy images --noheading --no-trunc --sort id | sort)
	cuddy rmi -a -f
	run -0 cuddy load -q -i "$WORK/many.tar"
	[ "${#lines[@]}" -eq 3 ]
	[ "$(cuddy images --noheading --no-trunc --sort id | sort)" = "$before" ]
	id=$(id_of "$IMAGE")
	cuddy save -o "$WORK/id.tar" "${id:0:12}"
	tar -xOf "$WORK/id.tar" manifest.json | jq -e '.[0].RepoTags == null'
}

# images: S1
@test "save: what was pulled keeps its digest in an OCI archive, whatever its compression" {
	registry_begin
	push "$(image_file layers12)" l:zstd --dest-compress-format zstd -f oci
	cuddy pull -q --tls-verify=false "$REG/l:zstd"
	d=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/l:zstd")
	cuddy save -o "$WORK/l.tar" --format oci-archive "$REG/l:zstd"
	[ "$(skopeo inspect --raw "oci-archive:$WORK/l.tar" | sha256sum | cut -d' ' -f1)" = "${d#sha256:}" ]
	cuddy rmi -a -f
	cuddy load -q -i "$WORK/l.tar"
	cuddy push -q --tls-verify=false "$REG/l:zstd" "$REG/again:1"
	[ "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/again:1")" = "$d" ]
	cuddy save -o "$WORK/plain.tar" "$REG/l:zstd"
	[ "$(config_id "docker-archive:$WORK/plain.tar")" = "$(id_of "$REG/l:zstd")" ]
}

@test "save, push: what commit made" {
	cuddy run --name c "$IMAGE" sh -c 'rm /bin/true; mkdir /new; echo hi >/new/file; ln /new/file /new/link; chmod 4711 /new/file'
	id=$(cuddy commit -q c made)
	cuddy rm c
	cuddy save -o "$WORK/made.tar" made
	cuddy save --format oci-archive -o "$WORK/made.oci" made
	cuddy rmi made
	for f in made.tar made.oci; do
		cuddy load -q -i "$WORK/$f"
		[ "$(id_of made)" = "$id" ]
		run -0 cuddy run --rm made sh -c 'cat /new/link; stat -c "%a %h" /new/file; test -e /bin/true || echo gone'
		[ "$output" = "hi"$'\n'"4711 2"$'\n'"gone" ]
		cuddy rmi made
	done
}

@test "save: refused in one line, and nothing is left" {
	run --separate-stderr cuddy save -o "$WORK/x.tar" nosuch
	one_line_error 125 nosuch
	run --separate-stderr cuddy save -o "$WORK/no/such/x.tar" "$IMAGE"
	one_line_error 125 such
	run --separate-stderr cuddy save --format oci-dir "$IMAGE"
	one_line_error 125 output
	run --separate-stderr cuddy save --format wrong "$IMAGE"
	one_line_error 125 wrong
	mkdir "$WORK/full" && : >"$WORK/full/file"
	run --separate-stderr cuddy save --format oci-dir -o "$WORK/full" "$IMAGE"
	one_line_error 125 full
	run python3 "$FIXTURES/ptydrv.py" "$CUDDY" save "$IMAGE"
	[ "$status" -eq 125 ] && [[ "$output" == *terminal* ]]
	run --separate-stderr cuddy save -q -o /dev/full "$IMAGE"
	one_line_error 125 'space'
	[ "$(ls "$WORK/full")" = file ]
	! ls -A "$WORK" | grep -E 'x.tar|^\.cuddy|such'
}

# images: S1
@test "save: a layer whose files were changed is not handed on" {
	layer=$(ls "$CUDDY_ROOT/layers")
	unshare --user --map-auto --map-root-user sh -c "printf X | dd of=$CUDDY_ROOT/layers/$layer/tree/etc/passwd conv=notrunc" 2>/dev/null ||
		lacks "no subordinate ids"
	run --separate-stderr cuddy save -q -o "$WORK/x.tar" "$IMAGE"
	one_line_error 125 'changed|damaged'
	[ ! -e "$WORK/x.tar" ]
}
