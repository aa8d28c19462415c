#!/usr/bin/env bats
# docker-registry with a token server: scopes, mounts between repositories, what anybody may do, and a wrong password.
load helpers
load registry

setup() {
	test_begin
	require_program docker-registry
	REG_DIR=$(mktemp -d "$WORK/registry.XXXXXX")
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tokens -keyout "$REG_DIR/token.key" -out "$REG_DIR/token.crt" 2>/dev/null
	REG=127.0.0.1:$(free_port)
	behind=$(free_port)
	python3 "$FIXTURES/tokenserver.py" "$REG_DIR" "$REG_DIR/token.key" "$REG_DIR/token.crt" "${REG#*:}" "$behind" 3>&- &
	TOKENS_PID=$!
	wait_until 20 test -s "$REG_DIR/token-port"
	cat >"$REG_DIR/config.yml" <<-EOF
		version: 0.1
		storage: {filesystem: {rootdirectory: $REG_DIR/data}}
		http: {addr: 127.0.0.1:$behind}
		auth: {token: {realm: "http://$REG/token", service: reg, issuer: test, rootcertbundle: $REG_DIR/token.crt}}
	EOF
	docker-registry serve "$REG_DIR/config.yml" >"$REG_DIR/log" 2>&1 3>&- &
	REG_PID=$!
	wait_until 20 port_listens "$behind"
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:secret | base64)" >"$WORK/auth.json"
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:wrong | base64)" >"$WORK/wrong.json"
	chmod 600 "$WORK"/*.json
}

teardown() {
	registry_end
	kill "$TOKENS_PID"
	wait "$TOKENS_PID" 2>/dev/null || true
	test_end
}

asked() { cat "$REG_DIR/token-log" 2>/dev/null; : >"$REG_DIR/token-log"; }

# images: R1, R2
@test "token: push, a mount that the scope asks for, pull; nobody's word is enough for public images only" {
	auth() { "$1" "$2" -q --tls-verify=false --authfile "$WORK/auth.json" "${@:3}"; }
	auth cuddy push busybox "$REG/private/a:1"
	got=$(asked)
	[[ "$got" == *"u repository:private/a:pull,push"* ]]
	auth cuddy push busybox "$REG/public/b:1"
	[[ "$(asked)" == *"u repository:public/b:pull,push repository:private/a:pull"* ]]
	[ "$(grep -c 'POST /v2/public/b/blobs/uploads/?.*mount=.* 201' "$REG_DIR/log")" -ge 1 ]
	cuddy rmi "$REG/private/a:1" "$REG/public/b:1" 2>/dev/null || true
	id=$(auth cuddy pull "$REG/private/a:1")
	[ "$id" = "$(cuddy image inspect --format '{{.Id}}' busybox)" ]
	[[ "$(asked)" == *"u repository:private/a:pull"* ]]
	cuddy pull -q --tls-verify=false "$REG/public/b:1"
	[ "$(asked | sort -u)" = "- repository:public/b:pull" ]
	skopeo copy -q --src-tls-verify=false "docker://$REG/public/b:1" "dir:$WORK/b"
	run --separate-stderr cuddy pull -q --tls-verify=false "$REG/private/a:1"
	one_line_error 125 'no credentials for it: cuddy login'
	run --separate-stderr cuddy push -q --tls-verify=false busybox "$REG/public/b:2"
	one_line_error 125 'cuddy login'
	run --separate-stderr cuddy pull -q --tls-verify=false --authfile "$WORK/wrong.json" "$REG/private/a:1"
	one_line_error 125 'token server.*401'
	[[ "$stderr" != *wrong* ]]
	run --separate-stderr cuddy login --tls-verify=false --authfile "$WORK/new.json" -u u -p bad "$REG"
	[ "$status" -eq 125 ]
	[ ! -e "$WORK/new.json" ]
	cuddy login --tls-verify=false --authfile "$WORK/new.json" -u u --password-stdin "$REG" <<<secret
	cuddy pull -q --tls-verify=false --authfile "$WORK/new.json" "$REG/private/a:1"
	# A mount of what is no longer there begins an upload. To take that back wants a right that nobody has here,
	# and asking for it must not cost the one to push. R6
	load_image layers12
	auth cuddy push localhost/layers12 "$REG/private/m:1"
	rm -r "$REG_DIR"/data/docker/registry/v2/repositories/private/m/_layers/sha256/*
	auth cuddy push localhost/layers12 "$REG/private/n:1"
	grep -q 'DELETE /v2/private/n/blobs/uploads/.* 401' "$REG_DIR/log"
	! grep -q :delete "$REG_DIR/token-log" || fail "it was there"
	# R2: one token for all of an image, however many layers come at the same time
	cuddy rmi -a >/dev/null
	asked >/dev/null
	auth cuddy pull "$REG/private/n:1"
	[ "$(asked)" = "u repository:private/n:pull" ]
}

# images: N6, N7, R1
@test "token: an identity token in auth.json is given for access, of one repository below the registry's own entry" {
	printf '{"auths": {"%s": {"auth": "%s"}, "%s/private": {"identitytoken": "again"}, "%s/private/deep": {"auth": "%s"}}}' \
		"$REG" "$(printf u:wrong | base64)" "$REG" "$REG" "$(printf u:wrong | base64)" >"$WORK/id.json"
	printf '{"auths": {"%s": {"identitytoken": "over"}}}' "$REG" >"$WORK/over.json"
	chmod 600 "$WORK"/*.json
	cuddy push -q --tls-verify=false --authfile "$WORK/id.json" busybox "$REG/private/a:1"
	[[ "$(asked)" == *"u repository:private/a:pull,push"* ]]
	cuddy push -q --tls-verify=false --authfile "$WORK/id.json" busybox "$REG/private/b:1"
	[[ "$(asked)" == *"u repository:private/b:pull,push repository:private/a:pull"* ]]
	[ "$(grep -c 'POST /v2/private/b/blobs/uploads/?.*mount=.* 201' "$REG_DIR/log")" -ge 1 ]
	cuddy pull -q --tls-verify=false --authfile "$WORK/id.json" "$REG/private/a:1" >/dev/null
	for bad in "$WORK/id.json $REG/other/a:1" "$WORK/id.json $REG/private/deep/a:1" "$WORK/over.json $REG/private/a:1"; do
		run --separate-stderr cuddy push -q --retry 0 --tls-verify=false --authfile ${bad% *} busybox "${bad#* }"
		one_line_error 125 'token server.*401'
		[[ "$stderr" != *over* ]]
	done
	# N7: a helper that has one, asked for the host alone; it is nearer than what keeps all the rest
	mkdir "$WORK/bin"
	printf '#!/bin/sh\necho "$1 $(cat)" >>%s/helped\necho '"'"'{"Username": "<token>", "Secret": "again"}'"'"'\n' "$WORK" >"$WORK/bin/docker-credential-own"
	printf '#!/bin/sh\ncat >/dev/null\necho '"'"'{"Username": "u", "Secret": "wrong"}'"'"'\n' >"$WORK/bin/docker-credential-all"
	chmod 755 "$WORK"/bin/*
	printf '{"credsStore": "all", "credHelpers": {"%s": "own"}}' "$REG" >"$WORK/helper.json"
	chmod 600 "$WORK/helper.json"
	PATH=$WORK/bin:$PATH cuddy pull -q --tls-verify=false --authfile "$WORK/helper.json" "$REG/private/a:1" >/dev/null
	[ "$(sort -u "$WORK/helped")" = "get $REG" ]
}
