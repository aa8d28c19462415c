#!/usr/bin/env bats
# Manifest lists: made here, pushed with their images, chosen from by platform, read by skopeo and buildah.
load helpers
load registry

setup_file() { registry_file_begin; }
teardown_file() { registry_file_end; }

setup() {
	test_begin
	registry_begin
}

teardown() {
	registry_end
	test_end
}

raw() { skopeo inspect --raw --tls-verify=false "docker://$1"; }
digest_of() { raw "$1" | sha256sum | cut -d' ' -f1 | sed s/^/sha256:/; }
manifest() { cuddy manifest "$@"; }
platforms() { jq -r '.manifests[].platform | .os + "/" + .architecture + "/" + (.variant // "")' | sort | tr '\n' ' '; }

# An image for arm64 at the registry, of which there is nothing here.
arm_image() { # NAME
	push "$(image_file busybox)" tmp:1 -f oci
	skopeo copy -q --src-tls-verify=false "docker://$REG/tmp:1" "oci:$WORK/arm:x"
	umoci config --image "$WORK/arm:x" --architecture arm64 --config.label only=arm
	skopeo copy -q --dest-tls-verify=false "oci:$WORK/arm:x" "docker://$REG/$1"
}

# images: R7, F7
@test "manifest: a list of an image here and one at a registry; push gives skopeo both, pull and run choose" {
	arm_image arm:1
	id=$(manifest create m:1)
	[ "${#id}" -eq 64 ]
	[ "$(manifest add m:1 busybox)" = "$id" ]
	[ "$(manifest add --tls-verify=false --annotation who=me --variant v8 m:1 "docker://$REG/arm:1")" = "$id" ]
	list=$(manifest inspect m:1)
	[ "$(platforms <<<"$list")" = "linux/amd64/ linux/arm64/v8 " ]
	[ "$(jq -r '.mediaType' <<<"$list")" = application/vnd.oci.image.index.v1+json ]
	[ "$(jq -r '.manifests[1].annotations.who' <<<"$list")" = me ]
	[ "$(jq -r '.manifests[1].digest' <<<"$list")" = "$(digest_of "$REG/arm:1")" ]
	manifest exists m:1
	cuddy images --format '{{.Repository}}:{{.Tag}}' | grep -qx localhost/m:1
	[ "$(cuddy images --filter manifest=true --format json | jq -r '.[].IsManifestList')" = true ]
	[ -z "$(cuddy images -q "$REG/arm")" ]    # adding did not pull it

	run -0 --separate-stderr manifest push -q --tls-verify=false --digestfile "$WORK/d" m:1 "$REG/list/m:1"
	[ "$output" = "$(digest_of "$REG/list/m:1")" ]
	[ "$(cat "$WORK/d")" = "$output" ]
	[ "$(raw "$REG/list/m:1" | jq -S .)" = "$(jq -S . <<<"$list")" ]
	# Of an image that is not here a layout cannot have it; of those that are here it is one entry.
	run --separate-stderr manifest push m:1 "oci:$WORK/place:m"
	one_line_error 125 'only at'
	[ ! -e "$WORK/place" ]
	manifest create here:1 busybox >/dev/null
	files=$BATS_TEST_TMPDIR/file && echo x >"$files"
	manifest add --artifact --artifact-type text/x here:1 "$files" >/dev/null
	for how in "manifest push -q here:1" "push -q here:1"; do
		cuddy $how "oci:$WORK/place:m" >/dev/null
		[ "$(jq -r '.manifests[0].digest' "$WORK/place/index.json")" = "sha256:$(skopeo inspect --raw "oci:$WORK/place:m" | sha256sum | cut -d' ' -f1)" ]
		[ "$(skopeo inspect --raw "oci:$WORK/place:m" | jq -c '[.manifests[] | .platform.architecture, .artifactType]')" = '["amd64",null,null,"text/x"]' ]
		rm -r "$WORK/place"
	done
	# Every image is whole there.
	skopeo copy -q --all --src-tls-verify=false "docker://$REG/list/m:1" "oci:$WORK/all:x"
	skopeo --override-arch arm64 inspect --tls-verify=false "docker://$REG/list/m:1" | jq -e '.Labels.only == "arm"'
	[ "$(cuddy manifest inspect --tls-verify=false "$REG/list/m:1")" = "$(raw "$REG/list/m:1" | jq --indent 4 .)" ]
	for name in m:1 "$REG/list/m:1"; do
		cuddy manifest inspect -v --tls-verify=false "$name" >"$WORK/verbose"
		jq -e --argjson l "$list" 'length == 2 and [.[].Descriptor.digest] == [$l.manifests[].digest] and .[1].Descriptor.platform.variant == "v8" and
			all(.Ref | contains("@sha256:")) and all(.OCIManifest.layers | length > 0)' "$WORK/verbose"
		[ "$(jq -r '.[0].Raw' "$WORK/verbose" | base64 -d | sha256sum | cut -d' ' -f1)" = "$(jq -r '.manifests[0].digest | .[7:]' <<<"$list")" ]
	done
	cuddy manifest inspect -v --tls-verify=false "$REG/arm:1" | jq -e --arg d "$(digest_of "$REG/arm:1")" '.Descriptor.digest == $d and .Descriptor.platform.architecture == "arm64" and .Ref != null'

	[ "$(cuddy run --rm m:1 echo here)" = here ]
	[ "$(cuddy pull -q m:1)" = "$(cuddy image inspect --format '{{.Id}}' busybox)" ]
	arm=$(cuddy pull -q --platform linux/arm64 m:1)
	[ "$(cuddy image inspect --format '{{.Architecture}} {{index .Labels "only"}}' "$arm")" = "arm64 arm" ]
	[ "$(cuddy pull -q --os linux --arch arm64 --variant v8 m:1)" = "$arm" ]
	run -125 --separate-stderr cuddy pull --platform linux/s390x m:1
	one_line_error 125 'nothing for linux/s390x.*amd64.*arm64'
	[ "$(cuddy pull -q --tls-verify=false "$REG/list/m:1")" = "$(cuddy image inspect --format '{{.Id}}' busybox)" ]

	# push sends a list as manifest push does, or of it what --platform says.
	cuddy push -q --tls-verify=false --digestfile "$WORK/d" m:1 "$REG/list/p:1"
	[ "$(cat "$WORK/d")" = "$(digest_of "$REG/list/m:1")" ]
	[ "$(digest_of "$REG/list/p:1")" = "$(cat "$WORK/d")" ]
	cuddy push -q --tls-verify=false --platform linux/amd64 m:1 "$REG/list/p:2"
	[ "$(raw "$REG/list/p:2" | jq -r .mediaType)" = "$(jq -r '.manifests[0].mediaType' <<<"$list")" ]
	run -125 --separate-stderr cuddy push --tls-verify=false --platform linux/s390x m:1 "$REG/list/p:3"
	one_line_error 125 'nothing for linux/s390x'

	# What is here only because a list names it is not pruned.
	cuddy untag busybox
	cuddy image prune -f
	cuddy run --rm m:1 true
	run -0 manifest rm m:1
	[ "$output" = "$(printf 'Untagged: localhost/m:1\nDeleted: %s' "$id")" ]
	run -1 manifest exists m:1
	cuddy image prune -f
	# --all takes lists, too; a filter speaks of images.
	cuddy tag "$arm" arm:2
	id=$(manifest create all:1 arm:2)
	cuddy image prune -af --filter label=only=arm
	cuddy image exists arm:2
	run -0 cuddy image prune -af
	[ "${lines[0]}" = "$id" ]
	[ "$(grep -cx "$arm" <<<"$output")" = 1 ]
	run -1 manifest exists all:1
	[ -z "$(cuddy images -q)" ]
}

# images: F1, F8
@test "manifest: create with images, --all of a list, annotate, remove, docker's kind, zstd twins" {
	arm_image arm:1
	manifest create --insecure --annotation a=b two busybox "docker://$REG/arm:1"
	manifest push -q --insecure two "$REG/two:1" >/dev/null
	# To buildah and back.
	b() { buildah --root "$WORK/b" --runroot "$WORK/br" --storage-driver vfs manifest "$@"; }
	b create list >/dev/null
	b add --tls-verify=false --all list "docker://$REG/two:1" >/dev/null
	b push -q --tls-verify=false --all list "docker://$REG/buildah:1"
	buildah unshare rm -rf "$WORK/b" "$WORK/br"
	[ "$(manifest inspect --insecure "$REG/buildah:1" | platforms)" = "linux/amd64/ linux/arm64/ " ]
	cuddy pull -q --tls-verify=false --arch arm64 "$REG/buildah:1"
	[ "$(manifest inspect two | jq -r .annotations.a)" = b ]

	manifest create --tls-verify=false --all copy "docker://$REG/two:1"
	[ "$(manifest inspect copy | jq -c '[.manifests[].digest]')" = "$(manifest inspect two | jq -c '[.manifests[].digest]')" ]
	manifest create --tls-verify=false one "docker://$REG/two:1"
	[ "$(manifest inspect one | platforms)" = "linux/amd64/ " ]
	manifest create --amend --all one two
	[ "$(manifest inspect one | platforms)" = "linux/amd64/ linux/arm64/ " ] # no entry twice
	d=$(digest_of "$REG/arm:1")
	manifest annotate --os-version 7 --arch arm --variant v7 --annotation x=y --features sse one "$d" >/dev/null
	manifest annotate --index --annotation of=all one
	manifest inspect one | jq -e --arg d "$d" '.annotations.of == "all" and (.manifests[] | select(.digest == $d) |
		.annotations.x == "y" and .platform["os.version"] == "7" and .platform.architecture == "arm" and .platform.features == ["sse"])'
	manifest remove one "$d" >/dev/null
	[ "$(manifest inspect one | platforms)" = "linux/amd64/ " ]

	manifest push -q --tls-verify=false --rm -f v2s2 one "$REG/one:docker" >/dev/null
	run -1 manifest exists one
	raw "$REG/one:docker" | jq -e '.mediaType == "application/vnd.docker.distribution.manifest.list.v2+json" and
		.manifests[0].mediaType == "application/vnd.docker.distribution.manifest.v2+json" and .annotations == null'
	skopeo copy -q --all --src-tls-verify=false "docker://$REG/one:docker" "dir:$WORK/docker"
	manifest create zstd busybox
	manifest push -q --tls-verify=false --add-compression zstd zstd "$REG/zstd:1" >/dev/null
	raw "$REG/zstd:1" | jq -e '.manifests | length == 2 and .[1].annotations["io.github.containers.compression.zstd"] == "true"'
	raw "$REG/zstd@$(raw "$REG/zstd:1" | jq -r '.manifests[1].digest')" | jq -e '.layers[0].mediaType | endswith("+zstd")'
	# The list alone: the registry has all that it names by now.
	manifest push -q --tls-verify=false --all=false two "$REG/two:2" >/dev/null
	[ "$(digest_of "$REG/two:2")" = "$(digest_of "$REG/two:1")" ]
	skopeo copy -q --all --src-tls-verify=false "docker://$REG/two:2" "oci:$WORK/two:x"
	cuddy rmi two | grep -q '^Untagged: localhost/two:latest$'
}

# images: R8
@test "manifest: files become an artifact of a list, about an image: pushed whole, listed as its referrer (R8), swept with the list" {
	cd "$WORK"
	echo '{"bom": 1}' >sbom.json
	echo data >data.txt
	echo '{"c": 2}' >conf.json
	blobs() { ls "$CUDDY_ROOT/blobs" | sort; }
	push "$(image_file busybox)" about/it:1 -f oci
	about=$(digest_of "$REG/about/it:1")
	id=$(manifest create m busybox)
	[ "$(manifest add --artifact --artifact-type application/x.sbom --artifact-subject "docker://$REG/about/it:1" --tls-verify=false \
		--annotation who=me m sbom.json data.txt)" = "$id" ]
	manifest add --artifact --artifact-config conf.json --artifact-config-type application/x.conf --artifact-layer-type text/x \
		--artifact-exclude-titles --os linux --arch arm64 m data.txt
	list=$(manifest inspect m)
	jq -e '(.manifests | length) == 3 and (.manifests[1] | .artifactType == "application/x.sbom" and .platform == null and
		.annotations.who == "me") and (.manifests[2] | .artifactType == "application/vnd.unknown.artifact.v1" and
		.platform == {"architecture": "arm64", "os": "linux"})' <<<"$list"
	[ "$(blobs | wc -l)" -eq 4 ]
	[ "$(cuddy run --rm m echo image)" = image ] # what is chosen is never an artifact
	run -125 --separate-stderr cuddy pull --platform linux/arm64 m
	one_line_error 125 'nothing for linux/arm64'
	run -125 --separate-stderr manifest push -f v2s2 --tls-verify=false m "$REG/about/it:docker"
	one_line_error 125 'artifact'

	for _ in 1 2; do manifest push -q --tls-verify=false m "$REG/about/it:list" >/dev/null; done
	[ "$(raw "$REG/about/it:list" | jq -S .)" = "$(jq -S . <<<"$list")" ]
	sbom=$(jq -r '.manifests[1].digest' <<<"$list")
	raw "$REG/about/it@$sbom" | jq -e --arg a "$about" '.subject.digest == $a and .config.mediaType == "application/vnd.oci.empty.v1+json" and
		[.layers[].annotations["org.opencontainers.image.title"]] == ["sbom.json", "data.txt"]'
	raw "$REG/about/it@$(jq -r '.manifests[2].digest' <<<"$list")" | jq -e '.config.mediaType == "application/x.conf" and .subject == null and
		.layers == [.layers[0] | {mediaType: "text/x", digest, size}]'
	raw "$REG/about/it:${about/:/-}" | jq -e --arg s "$sbom" '[.manifests[] | {digest, artifactType}] ==
		[{digest: $s, artifactType: "application/x.sbom"}] and .mediaType == "application/vnd.oci.image.index.v1+json"'
	cuddy artifact pull -q --tls-verify=false "$REG/about/it@$sbom" >/dev/null
	cuddy artifact extract --title data.txt "$REG/about/it@$sbom" got
	cmp data.txt got
	cuddy artifact rm "$REG/about/it@$sbom" >/dev/null
	[ "$(blobs | wc -l)" -eq 4 ] # the list has them
	manifest annotate --index --subject busybox m >/dev/null
	manifest inspect m | jq -e '.subject.digest == .manifests[0].digest'

	manifest create --all copy m >/dev/null
	manifest remove m "$sbom" >/dev/null
	manifest rm m >/dev/null
	[ "$(blobs | wc -l)" -eq 4 ]
	cuddy system check
	rm "$CUDDY_ROOT/blobs/$(sha256sum <conf.json | cut -c1-64)"
	run -125 cuddy system check
	[[ "$output" == *"localhost%2fcopy"*blob* || "$output" == *copy*blob* ]]
	run -125 --separate-stderr manifest push --tls-verify=false copy "$REG/about/it:copy"
	one_line_error 125 'is not there'
	manifest rm copy >/dev/null
	[ -z "$(blobs)" ]
	for bad in "add --artifact-type x m busybox" "add --artifact --all l data.txt" "annotate --subject busybox l x" \
		"add --artifact l nosuch.txt" "add --artifact l ." "add --artifact --artifact-subject nosuch.invalid/x l data.txt" \
		"add --artifact l data.txt data.txt"; do
		manifest create -a l >/dev/null
		run --separate-stderr manifest $bad
		one_line_error 125 .
		[ "$(manifest inspect l | jq '.manifests | length')" -eq 0 ]
	done
}

@test "--platform of inspect, history and save: the image of a list for it, and only for it" {
	load_image busybox
	tar -c -C "$FIXTURES" mkimg.py | cuddy import -q --platform linux/arm64 - localhost/arm >/dev/null
	manifest create localhost/both localhost/busybox localhost/arm >/dev/null
	arch() { cuddy image inspect --format '{{.Architecture}}' "$@"; }
	[ "$(arch --platform linux/arm64 localhost/both)" = arm64 ]
	[ "$(arch --platform linux/amd64 localhost/both localhost/busybox)" = $'amd64\namd64' ]
	[ "$(cuddy history -q --no-trunc --platform linux/arm64 localhost/both)" = "$(cuddy history -q --no-trunc localhost/arm)" ]
	cuddy save -q --platform linux/arm64 --format oci-archive -o "$WORK/a.tar" localhost/both
	[ "$(skopeo inspect --config "oci-archive:$WORK/a.tar" | jq -r .architecture)" = arm64 ]
	for verb in 'image inspect' history "save -q -o $WORK/x"; do
		run --separate-stderr cuddy $verb --platform linux/arm64 localhost/busybox
		one_line_error 125 'is for linux/amd64'
	done
	[ ! -e "$WORK/x" ]
}

@test "manifest: what is wrong is one line, and changes nothing" {
	manifest create l busybox >/dev/null
	before=$(snapshot)
	d=sha256:$(printf '%064d' 0)
	for bad in "create l" "create busybox" "create Upper" "create x@$d" "add l nosuch.invalid/x:1" "add nosuch busybox" "add l oci:/tmp/x" \
		"annotate l" "annotate l $d" "annotate l sha256:ab" "annotate --index --arch arm l" "remove l $d" "rm" "push l" \
		"push --all=false -f v2s2 l 127.0.0.1:1/x" "push nosuch 127.0.0.1:1/x" "push l dir:/tmp/x" "push --digestfile $WORK/d l containers-storage:x" "push --all=false l oci:$WORK/x" "inspect nosuch.invalid/x" \
		"create --annotation x y" "add --frob l busybox" "add --retry 0 l docker://127.0.0.1:1/x" "push --retry 0 l 127.0.0.1:1/x"; do
		run --separate-stderr manifest $bad
		one_line_error 125 .
	done
	run --separate-stderr manifest rm nosuch
	one_line_error 1 'nosuch: no such manifest list'
	manifest rm -i nosuch
	# An operand that fails takes the new list with it.
	run --separate-stderr manifest create new busybox docker://127.0.0.1:1/x
	one_line_error 125 .
	[ "$(snapshot)" = "$before" ]
	printf broken >"$CUDDY_ROOT/lists/"*
	run --separate-stderr manifest inspect l
	[ "$status" -eq 125 ]
	cuddy images >/dev/null
}

@test "imagetools: what a registry has, to the byte; lists of what is there, and another name for one, which keeps its digest" {
	arm_image arm:1
	push "$(image_file busybox)" amd:1 -f oci
	tools() { cuddy buildx imagetools "$1" --tls-verify=false "${@:2}"; }
	tools create -t "$REG/both:1" -t "$REG/both:2" --annotation index:who=me "$REG/amd:1" "$REG/arm:1"
	raw "$REG/both:1" | jq -e '.annotations.who == "me" and (.manifests | length) == 2'
	[ "$(raw "$REG/both:1" | platforms)" = "linux/amd64/ linux/arm64/ " ]
	[ "$(digest_of "$REG/both:2")" = "$(digest_of "$REG/both:1")" ]
	[ "$(tools inspect --raw "$REG/both:1" | sha256sum)" = "$(raw "$REG/both:1" | sha256sum)" ]
	# A list in a form that nobody of us writes: spaces and all.
	raw "$REG/both:1" | jq --indent 7 . >"$WORK/odd"
	curl -sf -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @"$WORK/odd" "http://$REG/v2/both/manifests/odd"
	tools create -t "$REG/elsewhere:1" "$REG/both:odd"
	[ "$(digest_of "$REG/elsewhere:1")" = "$(digest_of "$REG/both:odd")" ]
	skopeo copy -q --all --src-tls-verify=false "docker://$REG/elsewhere:1" "oci:$WORK/whole:x"
	tools create -t "$REG/one:1" "$REG/amd:1"
	[ "$(raw "$REG/one:1" | platforms)" = "linux/amd64/ " ]
	tools create --append -t "$REG/one:1" "$REG/arm:1"
	[ "$(raw "$REG/one:1" | platforms)" = "linux/amd64/ linux/arm64/ " ]
	[ "$(tools create --dry-run "$REG/amd:1" "$REG/arm:1" | platforms)" = "linux/amd64/ linux/arm64/ " ]
	tools inspect "$REG/one:1" >"$WORK/text"
	grep -qx "Digest:    $(digest_of "$REG/one:1")" "$WORK/text"
	[ "$(grep -c '^  Platform:    linux/' "$WORK/text")" = 2 ]
	[ "$(tools inspect --format '{{json .Manifest}}' "$REG/one:1" | jq -r .digest)" = "$(digest_of "$REG/one:1")" ]
	[ "$(tools inspect --format '{{.Image.architecture}}' "$REG/arm:1")" = arm64 ]
	run --separate-stderr tools create "$REG/amd:1"
	one_line_error 125 'tag says where'
	run --separate-stderr tools create -t "$REG/x:1" "$REG/nosuch:1"
	one_line_error 125 'nosuch'
	[ -z "$(cuddy images --filter manifest=true -q)" ]
}

@test "manifest add, annotate: every word of an entry" {
	manifest create l >/dev/null
	manifest add --os linux --arch arm64 --variant v8 --os-version 1.2 --os-features f1 --os-features f2 --features sse4 --annotation a=b l busybox >/dev/null
	manifest inspect l | jq -e '.manifests[0] | .annotations == {"a": "b"} and .platform == {"architecture": "arm64", "os": "linux", "variant": "v8",
		"os.version": "1.2", "os.features": ["f1", "f2"], "features": ["sse4"]}'
	d=$(manifest inspect l | jq -r '.manifests[0].digest')
	manifest annotate --os freebsd --arch amd64 --variant v2 --os-version 3 --os-features g --features avx --annotation c=d l "$d" >/dev/null
	manifest inspect l | jq -e '.manifests[0] | .annotations.c == "d" and .platform == {"architecture": "amd64", "os": "freebsd", "variant": "v2",
		"os.version": "3", "os.features": ["g"], "features": ["avx"]}'
	registry_end
	registry_begin tls
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:secret | base64)" >"$WORK/auth.json"
	chmod 600 "$WORK/auth.json"
	manifest push -q --cert-dir "$REG_DIR/certs" --authfile "$WORK/auth.json" l "$REG/l:1" >/dev/null
	manifest push -q --cert-dir "$REG_DIR/certs" --creds u:secret --compression-format zstd --force-compression --remove-signatures l "$REG/l:2" >/dev/null
	run -125 manifest push -q --retry 0 --authfile "$WORK/auth.json" l "$REG/l:1" # whose authority is that?
	run -0 manifest inspect --tls-verify=false --authfile "$WORK/auth.json" "$REG/l:2"
	d=$(jq -r '.manifests[0].digest' <<<"$output")
	skopeo inspect --raw --cert-dir "$REG_DIR/certs" --creds u:secret "docker://$REG/l@$d" | jq -e 'all(.layers[]; .mediaType | endswith("+zstd"))'
	run -125 manifest inspect --tls-verify=false --retry 0 "$REG/l:2"
	manifest create --tls-verify=false other >/dev/null
	manifest add --cert-dir "$REG_DIR/certs" --creds u:secret --retry 1 --retry-delay 1ms --all other "docker://$REG/l:2" >/dev/null
	manifest create third >/dev/null
	run --separate-stderr manifest add --all --retry 0 --cert-dir "$REG_DIR/certs" third "docker://$REG/l:2"
	one_line_error 125 'cuddy login'
	manifest add --all --cert-dir "$REG_DIR/certs" --authfile "$WORK/auth.json" third "docker://$REG/l:2" >/dev/null
	[ "$(manifest inspect other | jq -c '.manifests[0].digest') $(manifest inspect third | jq -c '.manifests[0].digest')" = "\"$d\" \"$d\"" ]
}
