#!/usr/bin/env bats
# Pushing: the digest stays what it was, nothing is sent twice, and what arrives is what other tools read.
load helpers
load registry

setup_file() { registry_file_begin; }
teardown_file() { registry_file_end; }

setup() {
	test_begin
}

teardown() {
	registry_pair_end
	test_end
}

# Two registries: A, and REG.
two_registries() {
	registry_pair
	export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$A" >"$CONTAINERS_REGISTRIES_CONF"
}
pull() { cuddy pull -q --tls-verify=false "$@"; }
upload() { cuddy push -q --tls-verify=false "$@"; }
raw_digest() { skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | cut -d' ' -f1 | sed s/^/sha256:/; }
digest_of() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"; }

# How many requests of a kind the registry answered since log_from.
log_from() { FROM=$(wc -l <"$REG_DIR/log"); }
answers() { tail -n +$((FROM + 1)) "$REG_DIR/log" | grep -cE "\"$1 HTTP/1.1\" ${2:-2..}" || true; }

# chunked_image DIR: an archive that ends as those of buildah do, for Debian's skopeo loses what more there is to zstd:chunked
chunked_image() {
	python3 - "$1" <<-'P'
		import io, sys, tarfile
		from mkimg import Image
		b = io.BytesIO()
		with tarfile.open(fileobj=b, mode="w", format=tarfile.PAX_FORMAT) as t:
		    for i in range(3):
		        f = tarfile.TarInfo("f%d" % i)
		        f.size = 100000
		        t.addfile(f, io.BytesIO(bytes([65 + i]) * f.size))
		Image([b.getvalue()[:t.offset]], {"Cmd": ["true"]}, compression="none").oci(sys.argv[1], ref="x")
	P
}

umoci_image() { # umoci_image DIR:TAG
	umoci init --layout "${1%:*}"
	umoci new --image "$1"
	mkdir -p "$WORK/u/etc"
	echo by umoci >"$WORK/u/etc/motd"
	umoci insert --rootless --image "$1" "$WORK/u/etc" /etc
	umoci config --image "$1" --config.cmd /bin/true
}

# images: S1, R6
@test "push: what skopeo and umoci made goes from registry to registry with its digest; again, nothing is sent" {
	two_registries
	f=$(image_file layers12)
	REG=$A push "$f" m/gzip:1 --dest-compress-format gzip -f oci
	REG=$A push "$f" m/zstd:1 --dest-compress-format zstd -f oci
	REG=$A push "$(image_file layers12gz)" m/docker:1 -f v2s2
	REG=$A push "$(image_file busybox)" m/b:1 -f v2s2
	chunked_image "$WORK/chunked"
	skopeo copy -q --dest-tls-verify=false --dest-compress-format zstd:chunked -f oci "oci:$WORK/chunked:x" "docker://$A/m/chunked:1"
	[[ "$(skopeo inspect --raw --tls-verify=false "docker://$A/m/chunked:1")" == *zstd-chunked.manifest-checksum* ]]
	umoci_image "$WORK/layout:x"
	skopeo copy -q --dest-tls-verify=false "oci:$WORK/layout:x" "docker://$A/m/umoci:1"
	# zstd and docker have the layers of gzip, otherwise compressed: those are fetched again from where they came.
	for name in gzip zstd chunked docker b umoci; do
		pull "$A/m/$name:1"
		run -0 --separate-stderr upload --digestfile "$WORK/digest" "$A/m/$name:1" "docker://$REG/n/$name:2"
		[ -z "$output$stderr" ] || fail "$output$stderr"
		want=$(digest_of "$A/m/$name:1")
		[ "$(digest_of "$REG/n/$name:2")" = "$want" ]
		[ "$(cat "$WORK/digest")" = "$want" ]
		cuddy image inspect --format '{{json .RepoDigests}}' "$A/m/$name:1" | grep -qF "\"$REG/n/$name@$want\""
		requests_begin
		upload "$A/m/$name:1" "$REG/n/$name:2"
		[ "$(requests)" = "HEAD /v2/n/$name/manifests/2 200" ]
	done
}

# images: R6, S2
@test "push: layers of another repository there are mounted, not sent" {
	registry_begin
	push "$(image_file layers12)" here:1 --dest-compress-format gzip -f oci
	pull "$REG/here:1"
	rm -f "$CUDDY_RUNROOT"/base/*
	log_from
	upload "$REG/here:1" "$REG/there:1"
	empty_dir "$CUDDY_RUNROOT/base" # nothing had to be packed: no namespace
	[ "$(answers 'PATCH .*')" -eq 1 ] # the config
	[ "$(answers 'POST .*mount=.*' 201)" -eq 12 ]
	[ "$(digest_of "$REG/there:1")" = "$(digest_of "$REG/here:1")" ]
}

# images: S1
@test "push: an image without a manifest; podman's tools read what arrives, its id stays, and the second push sends nothing" {
	registry_begin
	id=$(cuddy image inspect --format '{{.Id}}' "$IMAGE")
	upload "$IMAGE" "$REG/own:gzip"
	skopeo inspect --raw --tls-verify=false "docker://$REG/own:gzip" >"$WORK/raw"
	[ "$(jq -r '.config.digest + " " + .mediaType + " " + .layers[0].mediaType' "$WORK/raw")" = \
		"sha256:$id application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.layer.v1.tar+gzip" ]
	skopeo copy -q --src-tls-verify=false "docker://$REG/own:gzip" "oci:$WORK/copied:x" # every digest is checked
	[ "$(cuddy image inspect --format '{{.Digest}}' "$IMAGE")" = "$(digest_of "$REG/own:gzip")" ]
	log_from
	upload "$IMAGE" "$REG/own:gzip"
	[ "$(answers 'P[AO][^ ]* .*')" -eq 0 ]
	upload -f v2s2 "$IMAGE" "$REG/own:docker"
	[ "$(skopeo inspect --raw --tls-verify=false "docker://$REG/own:docker" | jq -r '.mediaType + " " + .layers[0].digest')" = \
		"application/vnd.docker.distribution.manifest.v2+json $(jq -r '.layers[0].digest' "$WORK/raw")" ]
	for twice in 1 2; do
		log_from
		upload --compression-format zstd "$IMAGE" "$REG/own:zstd"
	done
	[ "$(answers 'PATCH .*')" -eq 0 ]
	[ "$(skopeo inspect --raw --tls-verify=false "docker://$REG/own:zstd" | jq -r '.layers[0].mediaType')" = application/vnd.oci.image.layer.v1.tar+zstd ]
	skopeo copy -q --src-tls-verify=false "docker://$REG/own:zstd" "oci:$WORK/copied:z"
	cuddy rmi -a -f
	for tag in gzip docker zstd; do
		run -0 pull "$REG/own:$tag"
		[ "$output" = "$id" ]
	done
	run -0 cuddy run --rm "$REG/own:zstd" echo it runs
	[ "$output" = "it runs" ]
}

# images: N4
@test "push: over HTTPS with the credentials of login; a wrong one is one line and changes nothing" {
	registry_begin tls
	export HOME=$WORK/home XDG_RUNTIME_DIR=$WORK
	run --separate-stderr cuddy push -q --cert-dir "$REG_DIR/certs" "$IMAGE" "$REG/b:1"
	one_line_error 125 "cuddy login"
	run --separate-stderr cuddy push -q --cert-dir "$REG_DIR/certs" --creds u:wrong "$IMAGE" "$REG/b:1"
	one_line_error 125 "push $IMAGE"
	[[ "$stderr" != *wrong* ]]
	run --separate-stderr cuddy push -q --retry 0 --creds u:secret "$IMAGE" "$REG/b:1"
	one_line_error 125 certificate
	[ ! -d "$REG_DIR/data/docker" ]
	cuddy login --cert-dir "$REG_DIR/certs" -u u --password-stdin "$REG" <<<secret
	run -0 --separate-stderr cuddy push -q --cert-dir "$REG_DIR/certs" "$IMAGE" "$REG/b:1"
	run -0 skopeo inspect --cert-dir "$REG_DIR/certs" "docker://$REG/b:1"
}

# images: S1, S2
@test "push: layers that were not kept are mounted; when nobody has them they are made anew" {
	two_registries
	REG=$A push "$(image_file layers12)" m:1 --dest-compress-format gzip -f oci
	id=$(CUDDY_KEEP_BLOBS=no pull "$A/m:1")
	d=$(digest_of "$A/m:1")
	[ -z "$(find "$CUDDY_ROOT/layers" -maxdepth 2 -name blob)" ]
	upload "$A/m:1" "$A/other:1"
	[ "$(digest_of "$A/other:1")" = "$d" ]
	kill "$A_PID"
	wait "$A_PID" || true
	A_PID=
	run -0 --separate-stderr upload "$A/m:1" "$REG/m:1"
	[[ "$stderr" == *warning*"differs"* ]]
	[ "$(skopeo inspect --raw --tls-verify=false "docker://$REG/m:1" | jq -r .config.digest)" = "sha256:$id" ]
	skopeo copy -q --src-tls-verify=false "docker://$REG/m:1" "oci:$WORK/copied:x"
	[ "$(cuddy image inspect --format '{{.Digest}}' "$A/m:1")" = "$d" ]
}

@test "push: by digest, by id, by a registry's own name; what makes no sense is one line" {
	registry_begin
	push "$(image_file busybox)" b:1
	id=$(pull "$REG/b:1")
	d=$(digest_of "$REG/b:1")
	upload "$id" "$REG/by/id"
	[ "$(digest_of "$REG/by/id:latest")" = "$d" ]
	upload "$REG/b@$d" "$REG/by/digest@$d"
	[ "$(raw_digest "$REG/by/digest@$d")" = "$d" ]
	upload "$REG/b:1"
	mkdir "$WORK/full" && : >"$WORK/full/file"
	for bad in "$id" busybox nosuch:1 "$REG/b:1 dir:$WORK/full" "$REG/b:1 oci:$WORK/full" "$REG/b:1 $REG/b:x@$d" "$REG/b:1 $REG/Upper" "$REG/b:1 $REG/b@sha256:$(printf '%064d' 0)" \
		"--compression-format zstd -f docker $REG/b:1" "--compression-level 3 $REG/b:1" "--compression-format gzip --compression-level 12 $REG/b:1" \
		"-f v2s1 $REG/b:1" "--compression-format x $REG/b:1" "--compress $REG/b:1" \
		"--encryption-key jwe:x $REG/b:1" "--encrypt-layer 0 $REG/b:1" "--sign-by-sigstore $WORK/x $REG/b:1" "--sign-by-sq-fingerprint x $REG/b:1" "--platform linux/arm64 $REG/b:1" "--platform x/y/z/a $REG/b:1"; do
		run --separate-stderr upload $bad
		one_line_error 125 .
	done
	run --separate-stderr cuddy pull --decryption-key "$WORK/key" "$REG/b:1"
	one_line_error 125 'encrypted images'
	upload --platform linux/amd64 --disable-content-trust "$REG/b:1" "$REG/by/platform:1"
	[ "$(digest_of "$REG/by/platform:1")" = "$d" ]
}

@test "push: --compression-level makes the layers anew, each as hard as it says; --force-compression, --remove-signatures" {
	registry_begin
	load_image layers12
	bytes() { skopeo inspect --raw --tls-verify=false "docker://$1" | jq '[.layers[].size] | add'; }
	for level in 1 9; do
		upload --compression-format gzip --compression-level $level --force-compression --remove-signatures localhost/layers12 "$REG/l:gzip$level"
		upload --compression-format zstd --compression-level $((level * 2)) localhost/layers12 "$REG/l:zstd$level"
	done
	[ "$(bytes "$REG/l:gzip1")" -gt "$(bytes "$REG/l:gzip9")" ]
	[ "$(bytes "$REG/l:zstd1")" -gt "$(bytes "$REG/l:zstd9")" ]
	skopeo inspect --raw --tls-verify=false "docker://$REG/l:gzip9" | jq -e 'all(.layers[]; .mediaType | endswith("+gzip"))'
	skopeo copy -q --src-tls-verify=false "docker://$REG/l:gzip9" "oci:$WORK/copied:x"
	# What containers.conf says counts where nothing else is said, and for registries only.
	media() { skopeo inspect --raw --tls-verify=false "docker://$1" | jq -r '.layers[0].mediaType | split("+")[1]'; }
	export CONTAINERS_CONF=$WORK/c.conf
	printf '[engine]\ncompression_format = "zstd"\ncompression_level = 18\nadd_compression = ["zstd"]\n' >"$CONTAINERS_CONF"
	upload localhost/layers12 "$REG/l:conf"
	[ "$(media "$REG/l:conf") $(bytes "$REG/l:conf")" = "zstd $(bytes "$REG/l:zstd9")" ]
	upload -f docker localhost/layers12 "$REG/l:docker"
	upload --compression-format gzip localhost/layers12 "$REG/l:flag"
	upload localhost/layers12 "oci:$WORK/copied:conf"
	[ "$(media "$REG/l:flag") $(skopeo inspect --raw "oci:$WORK/copied:conf" | jq -r '.layers[0].mediaType | split("+")[1]')" = "gzip gzip" ]
	cuddy build -q --tls-verify=false --push -t "$REG/l:build" - <<<'FROM localhost/layers12' >/dev/null
	[ "$(media "$REG/l:build")" = zstd ]
	cuddy manifest create l localhost/layers12 >/dev/null
	cuddy manifest push -q --tls-verify=false --compression-format gzip l "$REG/l:list" >/dev/null
	[ "$(skopeo inspect --raw --tls-verify=false "docker://$REG/l:list" | jq '.manifests | length')" = 2 ]
	# A list's images that are only elsewhere go as they are there.
	cuddy manifest create --tls-verify=false far "docker://$REG/l:flag" >/dev/null
	cuddy manifest push -q --tls-verify=false far "$REG/far:1" >/dev/null
	[ "$(skopeo inspect --raw --tls-verify=false "docker://$REG/far:1" | jq -r '.manifests[].digest')" = "$(digest_of "$REG/l:flag")" ]
	for bad in 'compression_format = "lzma"' 'compression_level = 10' 'compression_level = -1' $'compression_format = "zstd"\ncompression_level = 23'; do
		printf '[engine]\n%s\n' "$bad" >"$CONTAINERS_CONF"
		run --separate-stderr upload localhost/layers12 "$REG/l:bad"
		one_line_error 125 'containers.conf: compression_'
	done
	printf '[engine]\nadd_compression = ["zstd", "gzip"]\n' >"$CONTAINERS_CONF"
	run --separate-stderr cuddy manifest push --tls-verify=false l "$REG/l:bad"
	one_line_error 125 'add_compression: only "zstd"'
	unset CONTAINERS_CONF
	# A credentials file of its own, where the registry wants one.
	registry_end
	registry_begin tls
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:secret | base64)" >"$WORK/auth.json"
	chmod 600 "$WORK/auth.json"
	cuddy push -q --cert-dir "$REG_DIR/certs" --authfile "$WORK/auth.json" "$IMAGE" "$REG/b:1"
	run -125 cuddy push -q --retry 0 --cert-dir "$REG_DIR/certs" "$IMAGE" "$REG/b:2"
}

# images: R7
@test "push: every tag of a repository" {
	registry_begin
	push "$(image_file layers12)" l:1 --dest-compress-format gzip -f oci
	pull "$REG/l:1"
	cuddy tag "$REG/l:1" "$REG/all:one" "$REG/all:two" "$REG/allother:three"
	cuddy tag busybox "$REG/all:b"
	upload -a "$REG/all"
	[ "$(skopeo list-tags --tls-verify=false "docker://$REG/all" | jq -c .Tags)" = '["b","one","two"]' ]
	[ "$(digest_of "$REG/all:two")" = "$(digest_of "$REG/l:1")" ]
	# One tag more: it alone is sent, and not a blob is asked for.
	cuddy tag "$REG/l:1" "$REG/all:zwei"
	requests_begin
	upload -a "$REG/all"
	[ "$(requests | grep -c '^PUT')" -ge 1 ]
	[ "$(requests | grep -c '/blobs/')" -eq 0 ]
	[ "$(digest_of "$REG/all:zwei")" = "$(digest_of "$REG/l:1")" ]
	for bad in "-a $REG/all:one" "-a $REG/nosuch" "-a $REG/all $REG/other" "-a --digestfile $WORK/d $REG/all"; do
		run --separate-stderr upload $bad
		one_line_error 125 .
	done
}
