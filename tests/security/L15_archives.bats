#!/usr/bin/env bats
# L15, L16, L17: what "load" reads out of an archive's own lists, names and annotations.
load hostile

@test "L15: members are looked up in the archive, never on the host" {
	echo '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}' >"$BATS_TEST_TMPDIR/config.json"
	bad() {
		hostile docker "$WORK/bad.tar"
		must_refuse "$WORK/bad.tar"
	}
	bad <<<"layers = []; manifest = [{'Config': '../../../../../../../../../$BATS_TEST_TMPDIR/config.json', 'RepoTags': None, 'Layers': []}]"
	bad <<<"layers = []; manifest = [{'Config': '$BATS_TEST_TMPDIR/config.json', 'RepoTags': None, 'Layers': []}]"
	bad <<<'layers = [[("a", "f", "1")]]; names = ["/etc/hostname"]; extra = [entry("/etc/hostname", "s", "/etc/hostname")]; diffids = ["0" * 64]'
	bad <<<'layers = []; extra = [entry("l", "s", V + "/f")]; diffids = ["0" * 64]; manifest = [{"Config": "x", "RepoTags": None, "Layers": ["l"]}]'
	bad <<<'layers = []; extra = [entry("c", "s", "../../../../../.." + V + "/f")]; manifest = [{"Config": "c", "RepoTags": None, "Layers": []}]'
	bad <<<'layers = []; extra = [entry("c", "h", V + "/f")]; manifest = [{"Config": "c", "RepoTags": None, "Layers": []}]'
	bad <<<'layers = []; extra = [entry("manifest.json", "s", V + "/f")]'
	bad <<<'layers = []; extra = [entry("a", "s", "b"), entry("b", "s", "a")]; manifest = [{"Config": "a", "RepoTags": None, "Layers": []}]'
	bad <<<'layers = []; extra = [("../../evil", b"x")]'
}

@test "L15: a directory is read beneath itself, without links" {
	hostile oci-dir "$WORK/layout" <<<'layers = [BASE()]; ref = "localhost/dir:latest"'
	mv "$WORK/layout/index.json" "$WORK/outside.json"
	ln -s "$WORK/outside.json" "$WORK/layout/index.json"
	must_refuse "$WORK/layout"
	rm "$WORK/layout/index.json"
	mkfifo "$WORK/layout/index.json"
	LIMIT=5 must_refuse "$WORK/layout"
	rm "$WORK/layout/index.json"
	mv "$WORK/outside.json" "$WORK/layout/index.json"
	mv "$WORK/layout/blobs" "$WORK/blobs"
	ln -s "$WORK/blobs" "$WORK/layout/blobs"
	must_refuse "$WORK/layout"
	rm "$WORK/layout/blobs"
	mv "$WORK/blobs" "$WORK/layout/blobs"
	run -0 cuddy load -q -i "$WORK/layout"
	run -0 cuddy run --rm --network none localhost/dir true
	# An image whose manifest is not there: nothing is loaded, not even what is whole; the other can be asked for alone.
	cuddy rmi localhost/dir
	jq -c '.manifests += [.manifests[0] | .digest = "sha256:" + "1" * 64 | .annotations["org.opencontainers.image.ref.name"] = "localhost/gone:latest"]' "$WORK/layout/index.json" >"$WORK/index"
	cp "$WORK/index" "$WORK/layout/index.json"
	must_refuse "$WORK/layout" 'blobs/sha256/1*: is missing|1 is missing'
	run -0 cuddy pull -q "oci:$WORK/layout:localhost/dir:latest"
}

@test "L15: names are references or the archive is refused" {
	for t in '../../x' '/abs' 'x/UPPER:y' 'a:b:c:d' 'x@sha256:0' 'a b' '' '-rf' 'a\nb' 'x:..' 'h/..' "x:$(printf 't%.0s' {1..200})"; do
		hostile docker "$WORK/bad.tar" <<<"layers = [[('a', 'f', '1')]]; tags = ['$t']"
		must_refuse "$WORK/bad.tar"
	done
	hostile docker "$WORK/bad.tar" <<<'layers = [[("a", "f", "1")]]; tags = ["good:1", "bad name"]'
	must_refuse "$WORK/bad.tar"
}

@test "L15: a name that is taken over is said to be" {
	hostile docker "$WORK/steal.tar" <<<"layers = [BASE()]; tags = ['$IMAGE:latest']"
	run -0 --separate-stderr cuddy load -q -i "$WORK/steal.tar"
	[[ "$stderr" == *"$IMAGE:latest pointed at"* ]]
}

# images: F10
@test "L15: a layout cannot take a short name for Docker's library" {
	hostile oci "$WORK/short.tar" <<<'layers = [BASE()]; ref = "debian:latest"'
	run -0 cuddy load -q -i "$WORK/short.tar"
	[[ "$output" != *docker.io* ]]
	[[ "$output" == *localhost/debian:latest* ]]
	hostile oci "$WORK/tag.tar" <<<'layers = [BASE(), [("t", "f", "")]]; ref = "latest"'
	run -0 cuddy load -q -i "$WORK/tag.tar"
	[ -z "$(cuddy images --format '{{.Repository}}' | grep -x latest)" ]
}

@test "L16: titles of layers and artifacts are never file names" {
	hostile oci "$WORK/title.tar" <<'EOT'
layers = [[("a", "f", "1")]]; ref = "localhost/title:latest"
layer_annotations = {"org.opencontainers.image.title": "../../../../../../.." + V + "/owned"}
EOT
	(cd "$VICTIM/dir" && cuddy load -q -i "$WORK/title.tar")
	victim_is_unchanged
	hostile oci "$WORK/art.tar" <<'EOT'
layers = [b"evil"]; compress = None; config_doc = b"{}"
d = {"mediaType": "text/plain", "digest": "sha256:" + sha256(b"evil"), "size": 4, "annotations": {"org.opencontainers.image.title": V + "/owned"}}
c = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:" + sha256(b"{}"), "size": 2}
manifest = {"schemaVersion": 2, "mediaType": MT + "manifest.v1+json", "config": c, "layers": [d]}
EOT
	must_refuse "$WORK/art.tar"
}

@test "L17: no parser of formats that nobody needs is in the programs, and none loads code while it unpacks" {
	for p in "$CUDDY" "$CUDDY-transfer" "$CUDDY-conmon"; do
		run -0 strings -a "$p"
		! grep -qE 'archive_read_support_|archive_write_disk|inflateGetHeader' <<<"$output" || fail "it was there"
	done
	require_program strace
	hostile docker "$WORK/ok.tar" <<<'layers = [BASE()]; compress = "gzip"; tags = ["localhost/ok:latest"]'
	cuddy run -d --name holder --network none "$IMAGE" sleep 100 # under strace newuidmap is not setuid: B must be there
	run -0 strace -f -qq -e trace=execve,execveat,openat,prctl,seccomp,prlimit64 -o "$WORK/trace" "$CUDDY" load -q -i "$WORK/ok.tar"
	grep -q '"bin/busybox"\|"busybox"' "$WORK/trace" || skip "strace saw nothing of the worker"
	worker=$(grep -E '"busybox", O_WRONLY\|O_CREAT' "$WORK/trace" | head -n 1 | cut -d' ' -f1)
	[ -n "$worker" ]
	run grep -E "^$worker .*(exec|\.so)" "$WORK/trace"
	[ "$status" -ne 0 ]
	# Before it wrote a file: nothing more to be had, bounded, and most of the kernel out of reach.
	sed -n "/^$worker /p; /^$worker .*\"busybox\", O_WRONLY/q" "$WORK/trace" >"$WORK/before"
	for call in 'prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)' 'seccomp(SECCOMP_SET_MODE_FILTER, ' 'prlimit64(0, RLIMIT_AS, ' 'prlimit64(0, RLIMIT_FSIZE, ' \
		'prlimit64(0, RLIMIT_NOFILE, ' 'prlimit64(0, RLIMIT_CPU, '; do
		[[ "$call ${BUILD:-}" != *RLIMIT_AS*san-* ]] || continue # a sanitizer reserves more for itself
		grep -F "$call" "$WORK/before" | grep -q '= 0$' || fail "$call: $(cat "$WORK/before")"
	done
}
