#!/usr/bin/env bats
# Variables of the environment that podman, buildah and docker know, and that no other file looks at.
load helpers
load registry

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

@test "DOCKER_DEFAULT_PLATFORM: of builds, of pulls and of run; a flag wins" {
	export DOCKER_DEFAULT_PLATFORM=linux/arm64
	printf 'FROM scratch\nARG TARGETPLATFORM\nLABEL for=$TARGETPLATFORM\n' >"$WORK/Containerfile"
	cuddy build -q -t localhost/foreign "$WORK" >/dev/null
	[ "$(cuddy image inspect --format '{{.Architecture}} {{index .Config.Labels "for"}}' localhost/foreign)" = "arm64 linux/arm64" ]
	cuddy build -q -t localhost/own --arch amd64 "$WORK" >/dev/null
	[ "$(cuddy image inspect --format '{{.Architecture}}' localhost/own)" = amd64 ]
	run --separate-stderr cuddy run --rm --pull never "$IMAGE" true
	one_line_error 125 "linux/arm64"
	run -0 cuddy run --rm --network none --platform linux/amd64 "$IMAGE" true
	run -0 cuddy run --rm --network none --os linux "$IMAGE" true
}

@test "BUILDAH_FORMAT and BUILDAH_LAYERS: where no flag says otherwise" {
	printf 'FROM scratch\nLABEL a=1\nCOPY Containerfile /\n' >"$WORK/Containerfile"
	format() { cuddy save --format oci-dir -o "$WORK/$1" localhost/f >/dev/null; jq -r .manifests[0].mediaType "$WORK/$1/index.json"; }
	registry_begin
	media() { skopeo inspect --raw --tls-verify=false "docker://$REG/$1" | jq -r .mediaType; }
	BUILDAH_FORMAT=docker cuddy build -q --push --tls-verify=false -t "$REG/d" "$WORK" >/dev/null
	[[ "$(media d)" == *docker.distribution.manifest.v2* ]]
	BUILDAH_FORMAT=docker cuddy build -q --push --tls-verify=false --format oci -t "$REG/o" "$WORK" >/dev/null
	[[ "$(media o)" == *oci.image.manifest* ]]
	registry_end
	BUILDAH_FORMAT=tar run --separate-stderr cuddy build -q "$WORK"
	one_line_error 125 "BUILDAH_FORMAT=tar"
	run -0 --separate-stderr cuddy build "$WORK"
	[[ "$stderr" == *"Using cache"* ]]
	BUILDAH_LAYERS=false run -0 --separate-stderr cuddy build "$WORK"
	[[ "$stderr" != *"Using cache"* ]]
	BUILDAH_LAYERS=false run -0 --separate-stderr cuddy build --layers "$WORK"
	[[ "$stderr" == *"Using cache"* ]]
	BUILDAH_LAYERS=maybe run --separate-stderr cuddy build "$WORK"
	one_line_error 125 "BUILDAH_LAYERS=maybe"
}

@test "REGISTRIES_CONFIG_PATH is the older name of CONTAINERS_REGISTRIES_CONF, which wins" {
	printf 'unqualified-search-registries = ["old.example"]\n' >"$WORK/old.conf"
	printf 'unqualified-search-registries = ["new.example"]\n' >"$WORK/new.conf"
	search_in() { cuddy info --format '{{index .Registries.search 0}}'; }
	export REGISTRIES_CONFIG_PATH=$WORK/old.conf
	[ "$(CONTAINERS_REGISTRIES_CONF= search_in)" = old.example ]
	[ "$(CONTAINERS_REGISTRIES_CONF=$WORK/new.conf search_in)" = new.example ]
}

@test "CONTAINERS_HELPER_BINARY_DIR: a helper of one's own comes before the system's; one that others may write is refused" {
	mkdir "$WORK/bin"
	cp /usr/bin/slirp4netns "$WORK/bin/slirp4netns"
	export CONTAINERS_HELPER_BINARY_DIR=$WORK/bin
	id=$(cuddy run -d "$IMAGE" sleep 100)
	pid=$(cuddy inspect --format '{{.State.ConmonPid}}' "$id")
	readlink /proc/$(pgrep -P "$pid" slirp4netns)/exe | grep -x "$WORK/bin/slirp4netns"
	cuddy rm -f -t 0 "$id" >/dev/null
	chmod o+w "$WORK/bin/slirp4netns"
	run --separate-stderr cuddy run --rm "$IMAGE" true
	one_line_error 125 "writable for others"
	rm "$WORK/bin/slirp4netns"
	run -0 cuddy run --rm "$IMAGE" true
}

@test "SSL_CERT_FILE and SSL_CERT_DIR: whose certificates a registry may have" {
	registry_begin tls
	printf 'FROM scratch\nLABEL a=1\n' >"$WORK/Containerfile"
	cuddy build -q -t "$REG/x" "$WORK" >/dev/null
	run --separate-stderr cuddy push --creds u:secret "$REG/x"
	one_line_error 125 "certificate"
	SSL_CERT_FILE=$REG_DIR/certs/ca.crt run -0 cuddy push -q --creds u:secret "$REG/x"
	mkdir "$WORK/ca"
	cp "$REG_DIR/certs/ca.crt" "$WORK/ca/$(openssl x509 -hash -noout -in "$REG_DIR/certs/ca.crt").0"
	SSL_CERT_FILE= SSL_CERT_DIR=$WORK/ca run -0 cuddy push -q --creds u:secret "$REG/x"
	registry_end
}
