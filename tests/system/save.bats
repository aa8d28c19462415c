#!/usr/bin/env bats
# Saving: what load, podman's tools and the registry make of it is the same image.
load helpers
load registry
load crash

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
	# A directory of a layer below, under another name: the layer has all of it (S19).
	load_image layers12
	cuddy run --name c localhost/layers12 mv /a /moved
	cuddy commit -q c made
	cuddy rm c
	[ "$(cuddy run --rm made sh -c 'cat /moved/keep; ls -d /a 2>/dev/null')" = again ]
	cuddy save -q made | tar -xO --wildcards '*.tar' | tar -t -i | grep -qx '\(./\)\?moved/keep'
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
	[ "$status" -eq 125 ]
	[[ "$output" == *terminal* ]]
	run --separate-stderr cuddy save -q -o /dev/full "$IMAGE"
	one_line_error 125 'space'
	[ "$(ls "$WORK/full")" = file ]
	! ls -A "$WORK" | grep -E 'x.tar|^\.cuddy|such' || fail "it was there"
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

# images: F10
@test "push, pull: files and directories instead of a registry; a layout takes one image after the other" {
	id=$(id_of "$IMAGE")
	load_image layers12
	mkdir "$WORK/there" && cd "$WORK/there"
	seen() { find . -type f | sort; cuddy images --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}'; }
	for to in dir:d docker-archive:a.tar:some/name:1 oci-archive:o.tar:v1 oci:layout:v1; do
		run -0 --separate-stderr cuddy push -q "$IMAGE" "$to"
		[ -z "$output$stderr" ] || fail "$to: $output$stderr"
		[ "$(config_id "$to")" = "$id" ]
	done
	[ "$(jq -r '.layers[0].mediaType' d/manifest.json)" = application/vnd.oci.image.layer.v1.tar ] # as it is kept
	cuddy push -q --digestfile digest localhost/layers12 oci:layout:twelve
	[ "$(jq -r '.manifests | map(.annotations["org.opencontainers.image.ref.name"]) | join(" ")' layout/index.json)" = "v1 twelve" ]
	[ "$(jq -r '.manifests[1].digest' layout/index.json)" = "$(cat digest)" ]
	cuddy push -q localhost/layers12 oci:layout:v1 # the name moves
	[ "$(jq -c '[.manifests[].digest] | unique | length' layout/index.json)" = 1 ]
	cuddy push -q "$IMAGE" oci:layout:v1
	for name in v1 twelve; do skopeo copy -q "oci:layout:$name" "dir:copied-$name"; done # every digest is looked at
	[ -z "$(find layout d -name '.cuddy*')" ]
	cuddy push -q "$IMAGE" containers-storage:localhost/tagged:1
	[ "$(id_of localhost/tagged:1)" = "$id" ]
	cuddy rmi -f "$id" >/dev/null
	expect() { # expect NAME TRANSPORT...: what is pulled there is the image, under that name
		run -0 --separate-stderr cuddy pull -q "$2"
		[ "$output" = "$id" ] || fail "$2: $output$stderr"
		[ "$(cuddy image inspect --format '{{.RepoTags}}' "$id")" = "[$1]" ] || fail "$2: $(cuddy images)"
		cuddy rmi -f "$id" >/dev/null
	}
	expect '' dir:d
	expect docker.io/some/name:1 docker-archive:a.tar
	expect docker.io/some/name:1 docker-archive:a.tar:some/name:1
	expect docker.io/some/name:1 docker-archive:a.tar:@0
	expect '' oci-archive:o.tar
	expect localhost/v1:latest oci-archive:o.tar:v1
	expect localhost/v1:latest oci:layout:v1
	expect '' "oci:layout:$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "v1") | .digest' layout/index.json)"
	[ "$(cuddy run --rm oci-archive:o.tar echo out of it)" = "out of it" ]
	[ "$(cuddy pull -q "containers-storage:$id")" = "$id" ]
	cuddy tag "$id" localhost/dir:latest
	[ "$(cuddy run --rm dir:latest echo the image of that name)" = "the image of that name" ]
	cuddy rmi localhost/dir:latest >/dev/null
	printf 'FROM oci:layout:v1\nLABEL a=b\n' | cuddy build -q -t built - >/dev/null
	[ "$(cuddy image inspect --format '{{index .Labels "a"}}' built)" = b ]
	load_image busybox
	for bad in "push $IMAGE docker-archive:a.tar" "push $IMAGE dir:layout" "push $IMAGE oci:d" "push $IMAGE oci:" "push $IMAGE docker-daemon:x:1" "push --compress $IMAGE oci:layout" \
		"push --compress $IMAGE 127.0.0.1:1/x" "push -f v2s2 $IMAGE oci:layout" "push --compression-format zstd $IMAGE docker-archive:new.tar" "push $IMAGE docker-archive:new.tar:Upper" \
		"push --sign-by me $IMAGE dir:new" "push --digestfile x $IMAGE docker-archive:new.tar" "push $IMAGE containers-storage:[overlay@/x]y" "pull oci:layout" "pull oci:layout:none" "pull oci:nosuch" "pull dir:layout/blobs" \
		"pull docker-archive:a.tar:other:1" "pull docker-archive:a.tar:@1" "pull -a oci:layout:v1" "pull docker-daemon:x" "pull sif:x" "run --pull never --rm oci:layout:v1 true"; do
		before=$(seen)
		run --separate-stderr cuddy ${bad/#pull /pull -q } # which tells how far it is
		one_line_error 125 . || fail "$bad"
		[ "$(seen)" = "$before" ] || fail "$bad"
	done
}

# images: F10
@test "push: dir: holds the last image and nothing of the one before; killed at random it and a layout hold the old or the new one" {
	seed
	load_image layers12
	cd "$WORK"
	held() { # held DIR BLOBS: the manifest's digest; all that it speaks of is there
		local manifest=$1/manifest.json
		[ "$1" = d ] || manifest=$2/$(jq -r '.manifests[0].digest[7:]' "$1/index.json")
		jq -r '.config, .layers[] | .digest[7:] + "  " + .digest[7:]' "$manifest" >listed
		(cd "$2" && sha256sum --quiet -c) <listed || fail "$1 is not whole"
		sha256sum <"$manifest"
	}
	for image in localhost/layers12 "$IMAGE"; do
		cuddy push -q "$image" dir:d
		cuddy push -q "$image" oci:layout:v1
		known+=" $(held d d)$(held layout layout/blobs/sha256)"
		: >d/signature-1 >d/of-somebody
	done
	: >"d/$(printf '%064d' 0)-signature-1"
	for i in 1 2; do
		[ $((i % 2)) -eq 0 ] && image=$IMAGE || image=localhost/layers12
		for to in dir:d oci:layout:v1; do
			"$CUDDY" push -q "$image" $to >/dev/null 2>&1 3>&- &
			nap
			kill9 $!
			transfers_end
			[ $to = dir:d ] && now=$(held d d) || now=$(held layout layout/blobs/sha256)
			[[ $known == *"$now"* ]]
		done
	done
	cuddy push -q "$IMAGE" dir:d
	cuddy push -q "$IMAGE" oci:layout:v1
	[ "$(config_id dir:d)$(config_id oci:layout:v1)" = "$(id_of "$IMAGE")$(id_of "$IMAGE")" ]
	held d d
	[ "$(cd d && ls)" = "$( (cut -d' ' -f1 listed; printf '%s\n' manifest.json of-somebody version) | sort)" ]
	# What fails leaves what was there, and nothing of its own.
	before=$(find d layout | sort | sha256sum)
	layer=$(jq -r '.layers[-1].digest[7:]' d/manifest.json)
	: >"d/$layer" # as after a power cut: it is written again
	cuddy push -q "$IMAGE" dir:d
	held d d
	run cuddy unshare sh -c "mount -t tmpfs -o size=64k none d && printf 'Directory Transport Version: 1.1\n' >d/version &&
		'$CUDDY' push -q '$IMAGE' dir:d; ls -A d"
	[[ "$output" == *"No space left"*$'\nversion' ]] || fail "$output"
	[ "$(find d layout | sort | sha256sum)" = "$before" ]
}

@test "save: --compress and --uncompressed say how layers are written that have to be made; docker-dir is loaded again" {
	id=$(id_of "$IMAGE")
	types() { jq -r '[.layers[].mediaType] | unique | join(" ")'; }
	cuddy save -q --format docker-dir -o "$WORK/plain" "$IMAGE"
	[ "$(types <"$WORK/plain/manifest.json")" = application/vnd.docker.image.rootfs.diff.tar ]
	cuddy save -q --format docker-dir --compress -o "$WORK/zipped" "$IMAGE"
	[ "$(types <"$WORK/zipped/manifest.json")" = application/vnd.docker.image.rootfs.diff.tar.gzip ]
	cuddy push -q --compress "$IMAGE" "dir:$WORK/pushed"
	[ "$(types <"$WORK/pushed/manifest.json")" = application/vnd.oci.image.layer.v1.tar+gzip ]
	cuddy save -q --format oci-archive -o "$WORK/zipped.tar" "$IMAGE"
	cuddy save -q --format oci-archive --uncompressed -o "$WORK/plain.tar" "$IMAGE"
	[ "$(skopeo inspect --raw "oci-archive:$WORK/plain.tar" | types)" = application/vnd.oci.image.layer.v1.tar ]
	[ "$(skopeo inspect --raw "oci-archive:$WORK/zipped.tar" | types)" = application/vnd.oci.image.layer.v1.tar+gzip ]
	for d in plain zipped pushed; do
		skopeo copy -q "dir:$WORK/$d" "oci:$WORK/copied:$d"
		cuddy rmi -a -f >/dev/null
		run -0 cuddy load -q -i "$WORK/$d"
		[ "$output" = "Loaded image: sha256:$id" ]
		[ "$(cuddy image inspect --format '{{.Digest}}' "$id")" = "sha256:$(sha256sum <"$WORK/$d/manifest.json" | cut -d' ' -f1)" ]
	done
	[ "$(cuddy run --rm "$id" echo it runs)" = "it runs" ]
	dd if=/dev/urandom of="$WORK/pushed/$(jq -r '.layers[0].digest | .[7:]' "$WORK/pushed/manifest.json")" bs=1 count=16 seek=2000 conv=notrunc 2>/dev/null
	run --separate-stderr cuddy load -q -i "$WORK/pushed"
	one_line_error 125 .
	for bad in "--compress --format oci-dir" "--compress" "--uncompressed" "--uncompressed --format docker-dir"; do
		run --separate-stderr cuddy save -q $bad -o "$WORK/bad" "$id"
		one_line_error 125 'goes with --format'
		[ ! -e "$WORK/bad" ]
	done
}
