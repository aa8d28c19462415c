#!/usr/bin/env bats
# One image through skopeo, buildah, umoci and podman, each way, in every form they share: id (the config), digest where
# there is a manifest, and files stay what they are.
load helpers
load registry

setup() {
	test_begin
	registry_begin
	SHORT=/var/tmp/cuddy-ix.$$ # podman takes no runroot of more than 50 characters
	mkdir -m 0700 "$SHORT"
	export XDG_CONFIG_HOME=$WORK/config
	mkdir -p "$XDG_CONFIG_HOME/containers"
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$XDG_CONFIG_HOME/containers/policy.json"
}

teardown() {
	registry_end
	podman_ system migrate >/dev/null 2>&1 || true # ends its pause process
	buildah unshare rm -rf "$SHORT" 2>/dev/null
	test_end
}

# podman and buildah share a store here, as they do at home
podman_() { podman --root "$SHORT/p" --runroot "$SHORT/r" --storage-driver vfs --cgroup-manager cgroupfs --events-backend none "$@"; }
buildah_() { buildah --root "$SHORT/p" --runroot "$SHORT/r" --storage-driver vfs "$@"; }
id_of() { cuddy image inspect --format '{{.Id}}' "$1"; }
config_id() { skopeo inspect --config --raw --tls-verify=false "$1" | sha256sum | cut -d' ' -f1; }
raw_digest() { skopeo inspect --raw --tls-verify=false "$1" | sha256sum | cut -d' ' -f1; }

# files IMAGE: every file of it, as cuddy shows them
files() {
	mkdir "$WORK/tree"
	cuddy create --name files "$1" true >/dev/null
	cuddy export files | cuddy unshare tar -x -p -C "$WORK/tree"
	cuddy rm files >/dev/null
	cuddy unshare "$FIXTURES/fsmanifest.py" "$WORK/tree"
	cuddy unshare rm -rf "$WORK/tree"
}

# came FROM ID: what cuddy pulls there is that image, under the digest of the manifest that is there
came() {
	run -0 --separate-stderr cuddy pull -q --tls-verify=false "$1"
	[ "$output" = "$2" ] || fail "$1: $output $stderr"
	case $1 in
	docker-archive:*) ;;
	*) [ "$(cuddy image inspect --format '{{.Digest}}' "$2")" = "sha256:$(raw_digest "$1")" ] || fail "$1: digest" ;;
	esac
	files "$2" >"$WORK/got"
	diff "$WORK/want" "$WORK/got" || fail "$1: files"
	cuddy rmi -f "$2" >/dev/null
}

# small FILE: an image of little that uses what a layer can say
small() {
	python3 - "$1" <<-'P'
		import sys
		from mkimg import Image, dir, file, hard, link, xattrs
		Image([[dir("a", 0o2775, 100, 200), file("a/gone", "1\n"), file("a/old", "old\n", 0o600, 3, 4), dir("opq"), file("opq/x", "x\n"), dir("etc"), dir("proc"), dir("dev"), dir("sys")],
		       [dir("a"), file("a/.wh.gone"), file("a/old", "new\n", 0o4755, 5, 6), hard("a/hard", "a/old"), link("a/sym", "old")],
		       [dir("opq", 0o1777), file("opq/.wh..wh..opq"), file("opq/y", "y\n", pax=xattrs(**{"user.one": "1"})), file("\u00fcml\u00e4ut", "u\n")]],
		      {"Cmd": ["true"], "Env": ["PATH=/bin"], "Labels": {"of": "everybody"}}, compression="gzip").oci_archive(sys.argv[1], "localhost/small:latest")
	P
}

# images: F10, S1
@test "interchange: what skopeo, buildah, podman and umoci write, cuddy reads: archives, layouts, directories, registry" {
	cd "$WORK"
	small "$WORK/small.tar"
	image=$WORK/small.tar
	cuddy load -q -i "$image" >/dev/null
	files localhost/small >want
	id=$(id_of localhost/small)
	cuddy rmi localhost/small >/dev/null
	for form in docker-archive:s.tar:x/y:1 oci-archive:so.tar:v1 oci:slay:v1 dir:sdir "docker://$REG/s/a:1"; do
		skopeo copy -q --dest-tls-verify=false "oci-archive:$image" "$form"
		came "$form" "$id"
	done
	buildah_ pull -q "oci-archive:$image" >/dev/null
	[ "$(podman_ images -q --no-trunc)" = "sha256:$id" ]
	for tool in buildah_ podman_; do
		# They are of one library: podman is asked for what it is asked for most.
		for form in docker-archive:p.tar:x/y:1 oci-archive:po.tar:v1 oci:play:v1 dir:pdir "docker://$REG/p/a:1"; do
			[ $tool = buildah_ ] || [[ "$form" =~ ^docker ]] || continue
			rm -rf p.tar po.tar play pdir
			$tool push -q --tls-verify=false "$id" "$form" >/dev/null 2>&1 || fail "$tool $form"
			came "$form" "$id"
		done
	done
	podman_ save -q --format docker-dir -o saved "$id" >/dev/null 2>&1
	[ "$(cuddy load -q -i saved)" = "Loaded image: sha256:$id" ]
	cuddy rmi "$id" >/dev/null
	# umoci changes what it has, so it is its image that counts.
	umoci config --image slay:v1 --tag changed --config.label by=umoci
	id=$(config_id oci:slay:changed)
	came oci:slay:changed "$id"
}

# images: F10, S1
@test "interchange: what cuddy writes, skopeo, buildah, podman and umoci read: the same id, digest and files" {
	cd "$WORK"
	registry() { printf 'FROM %s\nCOPY --chown=5:6 f /new/f\nRUN --network=none rm /bin/true && ln /new/f /new/hard && ln -s f /new/sym && chmod 4711 /new/f\nLABEL a=b\n' "$IMAGE"; }
	echo content >f
	registry | cuddy build -q -t made -f - . >/dev/null
	id=$(id_of made)
	files made >want
	for form in docker-archive:c.tar:x/y:1 oci-archive:co.tar:v1 oci:clay:v1 dir:cdir "docker://$REG/c/a:1"; do
		with=(--digestfile digest)
		[[ "$form" != docker-archive:* ]] || with=()
		cuddy push -q --tls-verify=false "${with[@]}" made "$form"
		[ "$(config_id "$form")" = "$id" ] || fail "$form: id"
		[[ "$form" == docker-archive:* ]] || [ "sha256:$(raw_digest "$form")" = "$(cat digest)" ] || fail "$form: digest"
		skopeo copy -q --src-tls-verify=false "$form" dir:checked # looks at every digest
		rm -rf checked
		for tool in buildah_ podman_; do
			[ $tool = buildah_ ] || [[ "$form" =~ ^docker ]] || continue
			run --separate-stderr $tool pull -q --tls-verify=false "$form"
			[ "$(tail -n 1 <<<"$output" | sed s/sha256://)" = "$id" ] || fail "$tool $form: $status $output $stderr"
			[[ "$tool $form" == "podman_ docker://"* ]] || buildah_ rmi -f "$id" >/dev/null
		done
	done
	# The files that buildah and umoci make of it.
	cat >see <<-P
		m=\$(buildah --root $SHORT/p --runroot $SHORT/r --storage-driver vfs mount \$1)
		"$FIXTURES/fsmanifest.py" \$m
	P
	c=$(buildah_ from --pull-never "$id")
	buildah unshare sh see "$c" >got
	buildah_ rm "$c" >/dev/null
	diff want got
	buildah unshare umoci unpack --image clay:v1 bundle >/dev/null
	buildah unshare "$FIXTURES/fsmanifest.py" bundle/rootfs >got
	buildah unshare rm -rf bundle
	diff want got
}
