#!/usr/bin/env bats
# Pulling what somebody else's tool pushed to somebody else's registry: over HTTP and HTTPS, every kind of manifest
# and compression, twice at once, and cut off in the middle.
load helpers
load registry

setup_file() { registry_file_begin; }
teardown_file() { registry_file_end; }

setup() {
	test_begin
	cuddy rmi "$IMAGE" >/dev/null
}

teardown() {
	line_end
	registry_end
	test_end
}

pull() { cuddy pull -q --tls-verify=false "$@"; }
transfers() { pgrep -P "$1" -f cuddy-transfer; }

# Nothing of an image that did not arrive is seen, and nothing lies about.
nothing_half() {
	[ -z "$(cuddy images -q)" ]
	empty_dir "$CUDDY_ROOT/images"
	empty_dir "$CUDDY_ROOT/refs"
	wait_until 10 no_strays_but_ours
	cuddy ps >/dev/null
	wait_until 5 empty_dir "$CUDDY_ROOT/staging"
}
no_strays_but_ours() { ! pgrep -u "$(id -u)" -f "^[^ ]*cuddy-transfer.*$CUDDY_ROOT"; }

# images: N4
@test "pull: over plain HTTP, and run; again, nothing is downloaded" {
	registry_begin
	push "$(image_file busybox)" team/busybox:1
	run -0 --separate-stderr pull "$REG/team/busybox:1"
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	[ -z "$stderr" ]
	id=$output
	[ "$(cuddy image inspect --format '{{.Id}}' "$REG/team/busybox:1")" = "$id" ]
	digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/team/busybox:1")
	[ "$(cuddy image inspect --format '{{.Digest}}' "$id")" = "$digest" ]
	[ "$(cuddy image inspect --format "{{.Descriptor.digest}} {{.Descriptor.size}}" "$id")" = "$digest $(skopeo inspect --raw --tls-verify=false "docker://$REG/team/busybox:1" | wc -c)" ]
	[ "$(cuddy image inspect --format '{{index .RepoDigests 0}}' "$id")" = "$REG/team/busybox@$digest" ]
	run -0 cuddy run --rm "$REG/team/busybox:1" echo pulled
	[ "$output" = pulled ]
	# One question, to which no namespace is needed.
	rm -f "$CUDDY_RUNROOT"/base/*
	requests_begin
	run -0 --separate-stderr pull "$REG/team/busybox:1"
	[ "$output" = "$id" ]
	[ -z "$stderr" ]
	[ "$(requests)" = "HEAD /v2/team/busybox/manifests/1 200" ]
	empty_dir "$CUDDY_RUNROOT/base"
	requests_begin # of another platform it is not the same
	run -0 --separate-stderr pull --platform linux/s390x "$REG/team/busybox:1"
	[[ "$stderr" == *"wanted was linux/s390x" ]]
	[ "$(requests | wc -l)" -gt 1 ]
	# The tag goes on to something else, whose layer is here.
	moved=$(mktemp -d "$WORK/moved.XXXXXX")
	skopeo copy -q --src-tls-verify=false "docker://$REG/team/busybox:1" "dir:$moved"
	jq -c '.author = "else"' "$moved/$(jq -r '.config.digest[7:]' "$moved/manifest.json")" >"$WORK/config"
	new=$(sha256sum <"$WORK/config" | cut -d' ' -f1)
	cp "$WORK/config" "$moved/$new"
	jq -c --arg d "sha256:$new" --argjson s "$(stat -c %s "$WORK/config")" '.config.digest = $d | .config.size = $s' \
		"$moved/manifest.json" >"$WORK/manifest"
	cp "$WORK/manifest" "$moved/manifest.json"
	skopeo copy -q --dest-tls-verify=false "dir:$moved" "docker://$REG/team/busybox:1"
	# Killed before it could say so: the event is there all the same.
	CUDDY_CRASH_AT=image-pulled run "$CUDDY" pull -q --tls-verify=false "$REG/team/busybox:1"
	[ "$status" -eq 137 ]
	[ "$(cuddy events --stream=false --since 1h --filter event=pull --format '{{.ID}} {{.Name}}' | tail -n 1)" = "$new $REG/team/busybox:1" ]
	run -0 pull "$REG/team/busybox:1"
	[ "$output" = "$new" ]
	run -0 cuddy run --rm --pull never "$REG/team/busybox@$digest" echo by digest
	[ "$output" = "by digest" ]
}

# images: N4
@test "pull: a registry that spoke plain HTTP is asked so first, until it does not any more" {
	registry_begin
	push "$(image_file busybox)" b:1
	pull "$REG/b:1"
	[ -e "$CUDDY_RUNROOT/plain-http/$REG" ]
	cuddy rmi "$REG/b:1"
	pull "localhost:${REG#*:}/b:1" # a name, looked up by a thread, before layers want a namespace
	registry_end
	registry_begin tls
	push "$(image_file busybox)" b:1 --dest-tls-verify=true --dest-cert-dir "$REG_DIR/certs" --dest-creds u:secret
	: >"$CUDDY_RUNROOT/plain-http/$REG"
	run --separate-stderr cuddy pull -q --creds u:secret "$REG/b:1" # not insecure: never
	one_line_error 125 'certificate'
	[ -e "$CUDDY_RUNROOT/plain-http/$REG" ]
	run -0 --separate-stderr pull --creds u:secret "$REG/b:1"
	[ ! -e "$CUDDY_RUNROOT/plain-http/$REG" ]
	[ -z "$stderr" ]
}

# images: R1, N5
@test "pull: HTTPS with a certificate and a password; without either one line says so" {
	registry_begin tls
	push "$(image_file busybox)" b:1 --dest-tls-verify=true --dest-cert-dir "$REG_DIR/certs" --dest-creds u:secret
	before=$(snapshot)
	run --separate-stderr cuddy pull -q --retry 0 --creds u:secret "$REG/b:1"
	one_line_error 125 'certificate'
	run --separate-stderr cuddy pull -q --cert-dir "$REG_DIR/certs" "$REG/b:1"
	one_line_error 125 'no credentials .*refused by the registry'
	run --separate-stderr cuddy pull -q --cert-dir "$REG_DIR/certs" --creds u:wrong "$REG/b:1"
	one_line_error 125 'refused by the registry'
	[[ "$stderr" != *wrong* ]]
	[ "$before" = "$(snapshot)" ]
	run -0 --separate-stderr cuddy pull -q --cert-dir "$REG_DIR/certs" --creds u:secret "$REG/b:1"
	cuddy rmi "$REG/b:1"
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:secret | base64)" >"$WORK/auth.json"
	chmod 644 "$WORK/auth.json"
	run --separate-stderr cuddy pull -q --cert-dir "$REG_DIR/certs" --authfile "$WORK/auth.json" "$REG/b:1"
	one_line_error 125 'chmod 600'
	chmod 600 "$WORK/auth.json"
	run -0 --separate-stderr cuddy run -q --rm --network none --cert-dir "$REG_DIR/certs" --authfile "$WORK/auth.json" "$REG/b:1" echo first
	[ "$output" = first ]
	cuddy rmi "$REG/b:1"
	run --separate-stderr cuddy create -q --cert-dir "$REG_DIR/certs" --creds u:wrong "$REG/b:1"
	one_line_error 125 'refused by the registry'
	run --separate-stderr cuddy create -q --retry 0 --retry-delay 1h --creds u:secret "$REG/b:1"
	one_line_error 125 'certificate'
	run -0 --separate-stderr cuddy pull -q --cert-dir "$REG_DIR/certs" --authfile "$WORK/auth.json" "$REG/b:1"
	run -0 cuddy run --rm "$REG/b:1" echo yes
	[ "$output" = yes ]
}

# images: F1, R11
@test "pull: OCI and Docker schema 2, gzip, zstd and plain layers are the same root" {
	registry_begin
	f=$(image_file layers12)
	push "$f" l:oci --dest-compress-format gzip -f oci
	push "$(image_file layers12gz)" l:docker -f v2s2
	push "$f" l:zstd --dest-compress-format zstd -f oci
	requests_begin
	pull "$REG/l:docker"
	few=$(tail -n +$((REQUESTS_FROM + 1)) "$REG_DIR/log" | grep -o 'http.request.remoteaddr="[^"]*"' | sort | uniq -c)
	[ "$(wc -l <<<"$few")" -le 7 ] || fail "connections: $few"
	[ "$(requests | wc -l)" -ge 14 ]
	[[ "$(cuddy image inspect --format '{{.ManifestType}}' "$REG/l:docker")" == *docker*v2+json ]]
	for tag in oci docker zstd; do
		pull "$REG/l:$tag" >/dev/null
		[ "$(cuddy run --rm --network none "$REG/l:$tag" cat /a/keep)" = again ]
		cuddy image inspect --format '{{.RootFS.Layers}}' "$REG/l:$tag"
	done >"$WORK/layers"
	[ "$(sort -u "$WORK/layers" | wc -l)" -eq 1 ]
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -eq 12 ]
	[ "$(cuddy image inspect --format '{{len .RepoDigests}}' "$REG/l:oci")" -ge 2 ]
}

# An image for each architecture, put into one list of the registry. two_in_a_list TYPE TAG
two_in_a_list() {
	python3 - "$REG" "$1" "$2" <<'PY'
import json, sys, urllib.request
from mkimg import Image, file, busybox_layer, digest
reg, kind, tag = sys.argv[1:]
docker = "docker" in kind
def put(what, data, media):
    urllib.request.urlopen(urllib.request.Request("http://%s/v2/multi/%s" % (reg, what), data=data, method="PUT", headers={"Content-Type": media}))
def blob(data):
    up = urllib.request.urlopen(urllib.request.Request("http://%s/v2/multi/blobs/uploads/" % reg, data=b"", method="POST"))
    urllib.request.urlopen(urllib.request.Request(up.headers["Location"] + "&digest=" + digest(data), data=data, method="PUT",
                                                  headers={"Content-Type": "application/octet-stream"}))
children = []
for arch in "s390x", "amd64", "arm64":
    says = "amd64" if tag == "lies" else arch
    img = Image([busybox_layer(extra=[file("arch", arch)])], {"Cmd": ["cat", "/arch"]}, config_over={"architecture": says}, docker=docker)
    for b, _ in img.blobs:
        blob(b)
    blob(img.config)
    put("manifests/" + digest(img.manifest), img.manifest, img.media_type)
    children.append({"mediaType": img.media_type, "digest": digest(img.manifest), "size": len(img.manifest),
                     "platform": {"os": "linux", "architecture": arch}})
put("manifests/" + tag, json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": children}).encode(), kind)
PY
}

# images: F7
@test "pull: from a list the image of this machine, or of the platform that is asked for" {
	registry_begin
	two_in_a_list application/vnd.oci.image.index.v1+json oci
	two_in_a_list application/vnd.docker.distribution.manifest.list.v2+json docker
	for tag in oci docker; do
		pull "$REG/multi:$tag"
		[ "$(cuddy run --rm --network none "$REG/multi:$tag")" = "$(dpkg --print-architecture)" ]
		pull --platform linux/s390x "$REG/multi:$tag"
		[ "$(cuddy image inspect --format '{{.Architecture}}' "$REG/multi:$tag")" = s390x ]
		cuddy rmi "$REG/multi:$tag"
		id=$(cuddy create --tls-verify=false --os linux --arch arm64 --variant v8 --network none "$REG/multi:$tag")
		[ "$(cuddy image inspect --format '{{.Architecture}}' "$REG/multi:$tag")" = arm64 ]
		cuddy rm "$id"
		run --separate-stderr pull --platform linux/riscv64 "$REG/multi:$tag"
		one_line_error 125 'riscv64'
	done
}

# As podman: many an image in the world is labelled wrongly, and whoever pulls it by script must get it. But it is told,
# the image counts as what its own config says, and nothing that wants the other platform takes it for that.
# threats: G08
# images: F7
@test "pull: an image for another platform than was asked for is told, and never taken for the one it is not" {
	registry_begin
	two_in_a_list application/vnd.oci.image.index.v1+json lies
	run -0 --separate-stderr pull --platform linux/s390x "$REG/multi:lies"
	[ "$stderr" = "cuddy: warning: the image is for linux/amd64/v1, wanted was linux/s390x" ]
	[ "$(cuddy image inspect --format '{{.Architecture}}' "$REG/multi:lies")" = amd64 ]
	for words in "create --pull never" history "save -q -o $WORK/x.tar" "push -q"; do
		run --separate-stderr cuddy ${words%% *} --platform linux/s390x $(cut -s -d' ' -f2- <<<"$words") "$REG/multi:lies"
		one_line_error 125 'for linux/amd64/v1'
	done
	[ -z "$(cuddy ps -aq)" ]
	[ ! -e "$WORK/x.tar" ]
	# Asked for as what it is, or not at all, nothing is to be told.
	cuddy rmi "$REG/multi:lies" >/dev/null
	two_in_a_list application/vnd.oci.image.index.v1+json true
	run -0 --separate-stderr pull --platform linux/amd64 "$REG/multi:true"
	[ -z "$stderr" ]
}

# images: R9
@test "pull: every tag, one that is not there, a repository that is not there" {
	registry_begin
	push "$(image_file busybox)" all:1
	push "$(image_file layers12)" all:2 --dest-compress-format gzip
	run -0 pull -a "$REG/all"
	[ "${#lines[@]}" -eq 2 ]
	run -0 cuddy images --sort tag --format '{{.Repository}}:{{.Tag}}'
	[ "$output" = "$REG/all:1"$'\n'"$REG/all:2" ]
	before=$(snapshot)
	run --separate-stderr pull "$REG/all:3"
	one_line_error 125 'all:3|3'
	run --separate-stderr pull "$REG/none"
	one_line_error 125 none
	[ "$before" = "$(snapshot)" ]
}

@test "pull: two at once of one image download it once" {
	registry_begin
	push "$(image_file layers12)" l:1 --dest-compress-format gzip -f oci
	slow_line 60000
	blob_gets_begin
	"$CUDDY" pull -q --tls-verify=false "$LINE/l:1" >"$WORK/one" 2>&1 3>&- &
	one=$!
	line_stuck
	"$CUDDY" pull -q --tls-verify=false "$REG/l:1" >"$WORK/two" 2>&1 3>&- &
	two=$!
	"$CUDDY" pull -q --tls-verify=false "$LINE/l:1" >"$WORK/three" 2>&1 3>&- &
	three=$!
	wait_until 10 transfers $three
	line_go
	wait $one
	wait $two
	wait $three
	cmp "$WORK/one" "$WORK/two"
	cmp "$WORK/one" "$WORK/three"
	gets=$(tail -n +$((GETS_FROM + 1)) "$REG_DIR/log" | sed -n 's|.*"GET /v2/l/blobs/\([^ ]*\) HTTP/1.1" 200.*|\1|p' | sort | uniq -c)
	echo "$gets"
	config=$(skopeo inspect --raw --tls-verify=false "docker://$REG/l:1" | jq -r .config.digest)
	[ "$(grep -vc "$config" <<<"$gets")" -eq 12 ]
	! grep -v "$config" <<<"$gets" | grep -qv '^ *1 ' || fail "it was there"
	[ "$(cuddy run --rm --network none "$REG/l:1" cat /a/keep)" = again ]
}

@test "pull: cuddy-transfer is killed in the middle: one line, nothing half, and the next pull is right" {
	registry_begin
	push "$(image_file debian)" d:1 --dest-compress-format gzip
	slow_line 3000000
	"$CUDDY" pull -q --tls-verify=false "$LINE/d:1" >"$WORK/out" 2>"$WORK/err" 3>&- &
	p=$!
	line_stuck
	kill -KILL $(transfers $p)
	st=0
	wait $p || st=$?
	[ $st -eq 125 ]
	[ ! -s "$WORK/out" ]
	[ "$(wc -l <"$WORK/err")" -eq 1 ]
	nothing_half
	run -0 pull "$REG/d:1"
	run -0 cuddy run --rm --network none "$REG/d:1" bash -c 'echo whole'
	[ "$output" = whole ]
}

@test "pull: cuddy is killed in the middle: its helpers end, nothing half, and the next pull is right" {
	registry_begin
	push "$(image_file debian)" d:1 --dest-compress-format gzip
	slow_line 3000000
	"$CUDDY" pull -q --tls-verify=false "$LINE/d:1" >"$WORK/out" 2>"$WORK/err" 3>&- &
	p=$!
	line_stuck
	t=$(transfers $p)
	kill -KILL $p
	wait $p 2>/dev/null || true
	gone() { ! kill -0 $t; }
	wait_until 10 gone
	nothing_half
	run -0 pull "$REG/d:1"
	run -0 cuddy run --rm --network none "$REG/d:1" bash -c 'echo whole'
	[ "$output" = whole ]
}

# images: R11
@test "pull: interrupted by ^C in the middle: it ends at once, nothing half" {
	registry_begin
	push "$(image_file debian)" d:1 --dest-compress-format gzip
	slow_line 3000000
	python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
		"$CUDDY" pull -q --tls-verify=false "$LINE/d:1" >"$WORK/out" 2>"$WORK/err" 3>&- &
	p=$!
	line_stuck
	kill -INT $p
	ended() { ! kill -0 $p; }
	wait_until 5 ended
	st=0
	wait $p || st=$?
	[ $st -ne 0 ]
	[ "$(wc -l <"$WORK/err")" -le 1 ]
	nothing_half
}

# images: F3
@test "pull: a registry whose disk lost the end of a layer: one line, nothing changed" {
	registry_begin
	push "$(image_file layers12)" l:1 --dest-compress-format gzip
	blob=$(skopeo inspect --raw --tls-verify=false "docker://$REG/l:1" | jq -r '.layers[3].digest' | cut -d: -f2)
	data=$REG_DIR/data/docker/registry/v2/blobs/sha256/${blob:0:2}/$blob/data
	truncate -s -20 "$data"
	run --separate-stderr pull --retry 0 "$REG/l:1"
	one_line_error 125 "${blob:0:12}"
	nothing_half
	dd if=/dev/zero bs=1 count=20 status=none >>"$data"
	run --separate-stderr pull --retry 0 "$REG/l:1"
	one_line_error 125 "${blob:0:12}"
	nothing_half
}

@test "pull: run pulls what is missing; policy never and missing do as they say" {
	registry_begin
	push "$(image_file busybox)" b:1
	mkdir -p "$WORK/conf"
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REG" >"$WORK/conf/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$WORK/conf/registries.conf
	run --separate-stderr cuddy run --rm --pull never "$REG/b:1" true
	one_line_error 125 'b:1'
	run -0 --separate-stderr cuddy run --rm "$REG/b:1" sh -c 'cat /proc/self/uid_map; echo pulled'
	[ "${lines[-1]}" = pulled ]
	[ -n "$stderr" ]
	# The same ids as without a pull before it, which runs in the base namespace.
	[ "$(cuddy run --rm "$REG/b:1" cat /proc/self/uid_map; echo pulled)" = "$output" ]
	[ "${#lines[@]}" -gt 2 ] || ! grep -q "^$(id -un):" /etc/subuid || fail "one id"
	# newer: when the registry has another one, and only then.
	id() { cuddy inspect --format '{{.Image}}' "$(cuddy create --network none "$@" "$REG/b:1" true)"; }
	[ "$(id)" = "$(id --pull newer)" ]
	push "$(image_file layers12)" b:1
	[ "$(id)" != "$(id --pull newer)" ]
	[ "$(id)" = "$(id --pull always)" ]
	cuddy rmi -f "$REG/b:1"
	run -0 --separate-stderr cuddy run -q --rm --network none "$REG/b:1" echo quiet
	[ "$output$stderr" = quiet ]
	cuddy rmi "$REG/b:1"
	run -0 --separate-stderr cuddy run -q --rm --network none "docker://$REG/b:1" echo quiet
	[ "$output$stderr" = quiet ]
	[ "$(cuddy images --format '{{.Repository}}' --filter reference="$REG/b:1")" = "$REG/b" ]
	registry_end
	run -0 --separate-stderr cuddy run --rm "$REG/b:1" echo still
	[ "$output" = still ]
	run -0 cuddy pull -q --policy missing "$REG/b:1"
}

# images: R4
@test "pull: a connection that breaks again and again is asked for the rest only" {
	registry_begin
	push "$(image_file debian)" d:1 --dest-compress-format gzip
	size=$(skopeo inspect --raw --tls-verify=false "docker://$REG/d:1" | jq '[.layers[].size] | add')
	broken_line $((size / 9))
	blob_gets_begin
	run -0 --separate-stderr pull --retry 2 --retry-delay 0 "$LINE/d:1"
	[[ "$stderr" == *"trying again"* ]]
	[ "$(tail -n +$((GETS_FROM + 1)) "$REG_DIR/log" | grep -c '/blobs/[^ ]* HTTP/1.1" 206')" -ge 8 ]
	[ "$(line_bytes)" -lt $((size + size / 5)) ]
	run -0 cuddy run --rm --network none "$LINE/d:1" bash -c 'echo whole'
	[ "$output" = whole ]
	cuddy rmi "$LINE/d:1"
	line_end
	broken_line $((size / 3)) norange # the server begins anew each time
	run -0 --separate-stderr pull --retry 5 --retry-delay 0 "$LINE/d:1"
	[[ "$stderr" == *"trying again"* ]]
	run -0 cuddy run --rm --network none "$LINE/d:1" bash -c 'echo whole'
}
