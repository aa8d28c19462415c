#!/usr/bin/env bats
# Images by digest: a name of its own, also beside tags; several manifests of one config are all kept.
load helpers
load registry

setup() {
	test_begin
	cuddy rmi "$IMAGE" >/dev/null
}

teardown() {
	registry_end
	test_end
}

pull() { cuddy pull -q --tls-verify=false "$@"; }
digest_of() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/$1"; }
rows() { cuddy images --digests --noheading --format '{{.Repository}} {{.Tag}} {{.Digest}}'; }

# images: N1
@test "digests: what is pulled by digest is called so, is not dangling, runs and goes by it" {
	registry_begin
	push "$(image_file busybox)" t/b:1
	d=$(digest_of t/b:1)
	for name in "$REG/t/b@$d" "$REG/t/b:nosuchtag@$d"; do
		run -0 pull "$name"
		id=$output
		[ "$(rows)" = "$REG/t/b <none> $d" ]
		[ -z "$(cuddy images -q --filter dangling=true)" ]
		[ "$(cuddy image inspect --format '{{len .RepoTags}} {{.RepoDigests}} {{.NamesHistory}}' "$REG/t/b@$d")" = "0 [$REG/t/b@$d] [$REG/t/b@$d]" ]
		cuddy image prune -f
		run -0 cuddy run --rm --pull never "$name" echo yes
		[ "$output" = yes ]
		cuddy image exists "$name"
		run -0 cuddy rmi "$name"
		[ "$output" = "Untagged: $REG/t/b@$d"$'\n'"Deleted: $id" ]
	done
	run --separate-stderr pull "$REG/t/b@sha256:$(printf '%064d' 0)"
	one_line_error 125 .
	[ -z "$(cuddy images -q)" ]
}

@test "digests: beside a tag the digest is no line of its own, and each name is removed alone" {
	registry_begin
	push "$(image_file busybox)" t/b:1
	d=$(digest_of t/b:1)
	pull "$REG/t/b@$d" "$REG/t/b:1"
	[ "$(rows)" = "$REG/t/b 1 $d" ]
	cuddy tag "$REG/t/b@$d" other
	[ "$(rows | sort)" = "$(printf '%s\n' "$REG/t/b 1 $d" "localhost/other latest $d" | sort)" ]
	cuddy rmi "$REG/t/b:1" other
	[ "$(rows)" = "$REG/t/b <none> $d" ]
	pull "$REG/t/b:1"
	run -0 cuddy rmi "$REG/t/b@$d"
	[ "$output" = "Untagged: $REG/t/b@$d" ]
	[ "$(rows)" = "$REG/t/b 1 $d" ]
	run -0 cuddy images -q --no-trunc --filter "reference=*/t/b"
	[ -n "$output" ]
	run -0 cuddy run --rm --pull never "$REG/t/b@$d" echo "the tag had it"
}

@test "digests: one config by two manifests: each name keeps the digest it was pulled as" {
	registry_begin
	f=$(image_file layers12)
	push "$f" l:gzip --dest-compress-format gzip -f oci
	push "$f" l:zstd --dest-compress-format zstd -f oci
	g=$(digest_of l:gzip) z=$(digest_of l:zstd)
	[ "$g" != "$z" ]
	pull "$REG/l:gzip" "$REG/l:zstd" "$REG/l@$z"
	[ "$(cuddy images -q | sort -u | wc -l)" -eq 1 ]
	[ "$(rows | sort)" = "$(printf '%s\n' "$REG/l gzip $g" "$REG/l zstd $z" | sort)" ]
	[ "$(cuddy image inspect --format '{{.Digest}}' "$REG/l:gzip" "$REG/l:zstd" "$REG/l@$g")" = "$g"$'\n'"$z"$'\n'"$g" ]
	cuddy tag "$REG/l:zstd" again
	[ "$(cuddy image inspect --format '{{.Digest}}' again)" = "$z" ]
}
