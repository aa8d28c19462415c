#!/usr/bin/env bats
# Searching: by the catalog of a registry, by the old interface of Docker Hub, the tags of a repository.
load helpers
load registry

teardown() {
	registry_end
	[ -z "${FAKE_PID:-}" ] || { kill "$FAKE_PID"; wait "$FAKE_PID" 2>/dev/null || true; }
	test_end
}

find_in() { cuddy search --tls-verify=false "$@"; }

@test "search: repositories by a part of their name, and tags" {
	registry_begin
	for name in a/one:1 a/one:2 a/two:1 b/three:latest; do
		skopeo copy -q --dest-tls-verify=false "docker-archive:$(image_file busybox)" "docker://$REG/$name"
	done
	run -0 find_in --format '{{.Name}}' "$REG/"
	[ "$output" = "$REG/a/one"$'\n'"$REG/a/two"$'\n'"$REG/b/three" ]
	run -0 find_in --format '{{.Index}} {{.Name}} {{.Stars}}' "$REG/t"
	[ "$output" = "$REG $REG/a/two 0"$'\n'"$REG $REG/b/three 0" ]
	run -0 find_in --limit 1 "$REG/a/"
	[ "${#lines[@]}" -eq 2 ]
	[[ "${lines[0]}" =~ ^NAME\ +DESCRIPTION$ ]]
	run -0 --separate-stderr find_in "$REG/nosuch"
	[ -z "$output$stderr" ]
	run -0 find_in --list-tags "$REG/a/one"
	echo "$output"
	[ "$(tr -s ' ' <<<"${lines[0]}")" = "NAME TAG" ]
	[ "$(tail -n +2 <<<"$output" | tr -s ' ' | sort)" = "$REG/a/one 1"$'\n'"$REG/a/one 2" ] # the registry has no order
	[ "$(find_in --list-tags --format json "$REG/a/one" | jq -c '.[0].Tags |= sort')" = "[{\"Name\":\"$REG/a/one\",\"Tags\":[\"1\",\"2\"]}]" ]
	printf 'unqualified-search-registries = ["%s"]\n' "$REG" >"$WORK/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
	run -0 find_in --format '{{.Name}}' two
	[ "$output" = "$REG/a/two" ]
	run -0 find_in --list-tags --format '{{.Name}}:{{.Tag}}' b/three
	[ "$output" = "$REG/b/three:latest" ]
	run --separate-stderr find_in --list-tags "$REG/nosuch"
	one_line_error 125 nosuch
	for bad in "" "$REG/a:tag" "--limit 0 x" "$REG/Upper"; do
		run --separate-stderr find_in ${bad:-''}
		one_line_error 125 .
	done
	registry_end
	run --separate-stderr find_in --retry 0 "$REG/a"
	one_line_error 125 "search $REG/a"
}

@test "search: stars and descriptions from who knows them, harmless on a terminal" {
	mkdir "$WORK/reg"
	python3 "$FIXTURES/fakereg.py" "$WORK/reg" 3>&- &
	FAKE_PID=$!
	wait_until 30 test -e "$WORK/reg/port"
	reg=127.0.0.1:$(cat "$WORK/reg/port")
	run -0 find_in --compatible --limit 2 "$reg/team"
	[ "${#lines[@]}" -eq 3 ]
	[[ "${lines[2]}" =~ d{44}\.\.\.\ +1\ +\[OK\] ]]
	[ "$(find_in --filter stars=2 --format '{{.Stars}}' "$reg/team")" = 2 ]
	[ "$(find_in -f is-official=true --format '{{.Stars}}' "$reg/team")" = 1 ]
	[ "$(find_in -f is-official=false -f stars=1 -f is-automated=false --format '{{.Stars}}' "$reg/team")" = 2 ]
	for bad in stars=x stars=-1 is-official=maybe what=1 stars; do
		run --separate-stderr find_in -f "$bad" "$reg/team"
		one_line_error 125 "filter '$bad'"
	done
	[ "$(find_in --no-trunc --format json "$reg/team" | jq -r '.[2].Description | length')" -eq 100 ]
	run -0 python3 "$FIXTURES/ptydrv.py" "$CUDDY" search --tls-verify=false "$reg/team"
	[[ "$output" == *team/0* ]]
	[[ "$output" != *$'\e[31m'* ]]
}

@test "search: over HTTPS, as who the registry knows" {
	registry_begin tls
	push "$(image_file busybox)" deep/one:1 --dest-tls-verify=true --dest-cert-dir "$REG_DIR/certs" --dest-creds u:secret
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:secret | base64)" >"$WORK/auth.json"
	chmod 600 "$WORK/auth.json"
	for who in "--creds u:secret" "--authfile $WORK/auth.json"; do
		run -0 cuddy search --cert-dir "$REG_DIR/certs" $who --format '{{.Name}}' "$REG/one"
		[ "$output" = "$REG/deep/one" ]
		run -0 cuddy search --cert-dir "$REG_DIR/certs" $who --list-tags --format '{{.Tag}}' "$REG/deep/one"
		[ "$output" = 1 ]
	done
	for bad in "--cert-dir $REG_DIR/certs --creds u:wrong" "--cert-dir $REG_DIR/certs" "--creds u:secret"; do
		run --separate-stderr cuddy search --retry 0 --retry-delay 0 $bad "$REG/one"
		one_line_error 125 .
		[[ "$stderr" != *secret* ]]
	done
}

@test "search: without libcurl one line says so, and what asks no registry works" {
	lib=$(ldconfig -p | sed -n 's/.*libcurl\.so\.4 .*=> //p' | head -1)
	cuddy save -q -o "$WORK/a.tar" "$IMAGE"
	export CUDDY_ROOT=$WORK/other CUDDY_RUNROOT=$WORK/other-run # root of a namespace of its own has other ids
	without() { unshare -rm sh -c 'lib=$1; shift; mount --bind /dev/null "$lib" && exec "$@"' sh "$(realpath "$lib")" "$CUDDY" "$@"; }
	run --separate-stderr without search --tls-verify=false 127.0.0.1:9/x
	one_line_error 125 'libcurl.so.4: .*apt-get install libcurl4'
	run --separate-stderr without load -i "$WORK/a.tar"
	[ "$status" -eq 0 ] && [[ "$output" == *"$IMAGE"* ]] || fail "$stderr"
}
