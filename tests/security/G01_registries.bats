#!/usr/bin/env bats
# G01-G13: a registry that lies about where things are, who may have the password, and what it sends.
load hostile

setup() {
	test_begin
	victim_begin
	start_registry
}

teardown() {
	[ -z "${REGISTRY_PID:-}" ] || { kill "$REGISTRY_PID"; wait "$REGISTRY_PID" 2>/dev/null || true; }
	test_end
}

start_registry() { # start_registry [--tls CERT KEY STRANGERS-CERT KEY]
	mkdir -p "$WORK/reg"
	python3 "$FIXTURES/fakereg.py" "$WORK/reg" "$@" 3>&- &
	REGISTRY_PID=$!
	wait_until 30 test -e "$WORK/reg/port"
	PORT=$(cat "$WORK/reg/port") OTHER=$(cat "$WORK/reg/other")
	export HOME=$WORK/home XDG_CONFIG_HOME=$WORK/home/.config
	mkdir -p "$XDG_CONFIG_HOME/containers"
}

pull() { # pull NAME [OPTION...]
	local name=$1
	shift
	: >"$WORK/reg/log"
	run --separate-stderr timeout "${LIMIT:-30}" "$CUDDY" pull -q --retry 0 --tls-verify=false "$@" "127.0.0.1:$PORT/$name"
	echo "$name: $status ${stderr:0:300}"
	[ "$status" -ne 124 ]
}

secret_stayed() { # nobody but the registry saw a credential
	! grep -E '^other .* (Basic|Bearer)_|^registry GET (localhost|LOCALHOST)[^ ]* .*(Basic|Bearer)_|/other/.*(Basic|Bearer)_' "$WORK/reg/log" || fail "a credential went elsewhere"
}

refused_and_clean() { # refused_and_clean NAME [OPTION...]
	local before
	before=$(snapshot)
	pull "$@"
	one_line_error 125 .
	left_over "$before" "$(snapshot)"
	secret_stayed
	victim_is_unchanged
}

@test "G01: the registry works when it tells the truth, with and without a password" {
	pull ok
	[ "$status" -eq 0 ]
	run -0 cuddy run --rm --network none -v /bin/busybox:/bin/cat:ro "127.0.0.1:$PORT/ok"
	[ "$output" = "from the registry" ]
	pull auth/ok --creds u:secret
	[ "$status" -eq 0 ]
	grep -q 'Basic_' "$WORK/reg/log"
	refused_and_clean auth/ok2 --creds u:wrong
}

# images: R3
@test "G01: a redirect takes no credentials along to another scheme, host or port" {
	for n in to-port to-host to-host-port to-slashes; do
		pull auth/$n --creds u:secret
		[ "$status" -eq 0 ] || fail "$n: $stderr"
		grep -qE '^other|/other/' "$WORK/reg/log"   # it did go there
		secret_stayed
		run -0 cuddy rmi -f "127.0.0.1:$PORT/auth/$n"
	done
	for n in to-user to-upper to-dot; do            # refused or followed bare
		pull auth/$n --creds u:secret
		secret_stayed
		! grep -q "$(printf 'u:x' | base64)" "$WORK/reg/log" || fail "it was there"
		[ "$status" -ne 0 ] || cuddy rmi -f "127.0.0.1:$PORT/auth/$n" >/dev/null
	done
	for n in to-ftp to-file to-gopher to-self to-crlf to-nothing hops-9; do
		refused_and_clean auth/$n --creds u:secret
	done
	pull hops-4
	[ "$status" -eq 0 ]
}

@test "G02, G06: .netrc is not read, and a server that a redirect leads to is not answered" {
	printf 'default login u password secret\n' >"$HOME/.netrc"
	chmod 600 "$HOME/.netrc"
	pull to-port
	[ "$status" -eq 0 ]
	! grep -q Basic_ "$WORK/reg/log" || fail "it was there"
	cuddy rmi -f "127.0.0.1:$PORT/to-port" >/dev/null
	wait_until 5 empty_dir "$CUDDY_ROOT/trash"
	refused_and_clean auth/to-deny --creds u:secret
	[ "$(grep -c '^other' "$WORK/reg/log")" -eq 1 ]
	refused_and_clean foreign
	[ "$(grep -c '^other' "$WORK/reg/log")" -eq 0 ]
}

@test "G03: the password goes to no token server but the registry's own" {
	for n in realm-port realm-host realm-linklocal realm-v6 realm-file realm-user realm-fragment realm-missing realm-empty realm-huge realm-backslash realm-bigtoken realm-badtoken; do
		refused_and_clean auth/$n --creds u:secret
		! grep -q '^other' "$WORK/reg/log" || fail "$n: the other server was asked"
		[[ "$n" != realm-bigtoken || "$stderr" == *"larger than 65536 bytes"* ]] || fail "$stderr"
		[[ "$n" != realm-@(port|host|linklocal|v6) || "$stderr" == *"token server http"* ]] || fail "$n: the realm is not named"
	done
	pull auth/realm-own --creds u:secret
	[ "$status" -eq 0 ]
	grep -q '/token.* Basic_' "$WORK/reg/log"
	! grep -qi '^Evil\|Evil: 1' "$WORK/reg/log" || fail "it was there"
}

# images: N4, R11
@test "G04: certificates are verified, and nothing is tried in the clear unasked" {
	: >"$WORK/reg/log"
	run --separate-stderr timeout 30 "$CUDDY" pull -q --retry 0 "127.0.0.1:$PORT/ok"
	one_line_error 125 .
	[ ! -s "$WORK/reg/log" ]                        # it speaks http only: nothing reached it
	kill "$REGISTRY_PID"; wait "$REGISTRY_PID" || true
	rm "$WORK/reg/port"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1,DNS:reg.token.localhost -keyout "$WORK/k" -out "$WORK/c" 2>/dev/null
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1,DNS:token.localhost -keyout "$WORK/sk" -out "$WORK/sc" 2>/dev/null
	start_registry --tls "$WORK/c" "$WORK/k" "$WORK/sc" "$WORK/sk"
	: >"$WORK/reg/log"
	run --separate-stderr timeout 30 "$CUDDY" pull -q --retry 0 --creds u:secret "127.0.0.1:$PORT/auth/ok"
	one_line_error 125 'ertificate'
	[ ! -s "$WORK/reg/log" ]
	mkdir "$WORK/certs"
	cp "$WORK/c" "$WORK/certs/ca.crt"
	run -0 timeout 30 "$CUDDY" pull -q --retry 0 --cert-dir "$WORK/certs" --creds u:secret "127.0.0.1:$PORT/auth/ok"
	cuddy rmi -f "127.0.0.1:$PORT/auth/ok" >/dev/null
	tried() { # tried NAME WORDS: refused, and nobody but the registry got a request, nor it one in the clear
		run --separate-stderr timeout 30 "$CUDDY" pull -q --retry 0 --cert-dir "$WORK/certs" "${@:3}" "127.0.0.1:$PORT/$1"
		one_line_error 125 "$2"
		! grep -q '^other\|/token\| /upload' "$WORK/reg/log" || fail "it was there"
	}
	tried auth/to-port . --creds u:secret           # from https to http
	tried auth/to-stranger ertificate --creds u:secret
	tried auth/realm-own "token server http://127.0.0.1:$PORT/token of 127.0.0.1:$PORT is not https" --creds u:secret
	tried realm-own 'is not https'
	tried auth/realm-stranger "token server https://127.0.0.1:" --creds u:secret
	above() { run --separate-stderr timeout 30 "$CUDDY" pull -q --retry 0 --cert-dir "$WORK/certs" --creds u:secret "reg.token.localhost:$PORT/auth/realm-above"; }
	above                                           # a token server that may have the password, but is not proved to be it
	one_line_error 125 'token server https://token.localhost:.*ertificate'
	! grep -q ' /token' "$WORK/reg/log" || fail "it was there"
	cp "$WORK/sc" "$WORK/certs/stranger.crt"
	above
	rm "$WORK/certs/stranger.crt"
	[ "$status" -eq 0 ] || fail "$stderr"
	grep -q ' /token.* Basic_' "$WORK/reg/log"
	: >"$WORK/reg/log"
	run --separate-stderr timeout 30 "$CUDDY" push -q --retry 0 --cert-dir "$WORK/certs" --creds u:secret "$IMAGE" "127.0.0.1:$PORT/auth/push-clear"
	one_line_error 125 .
	! grep -q '^registry P[AU]T\| /upload' "$WORK/reg/log" || fail "it was there"
	run --separate-stderr timeout 30 "$CUDDY" pull -q --retry 0 --cert-dir "$WORK/certs" --creds u:secret "localhost:$PORT/auth/ok"
	one_line_error 125 .                            # another name than the certificate's
	export HTTPS_PROXY=http://127.0.0.1:$OTHER      # it sees where to, and nothing else
	run -0 timeout 30 "$CUDDY" pull -q --retry 0 --cert-dir "$WORK/certs" --creds u:secret "127.0.0.1:$PORT/auth/proxied"
	grep -q "^other CONNECT 127.0.0.1:$PORT 127.0.0.1:$PORT -$" "$WORK/reg/log"
	! grep '^other' "$WORK/reg/log" | grep -v CONNECT || fail "it was there"
	: >"$WORK/reg/log"
	NO_PROXY=127.0.0.1 run -0 timeout 30 "$CUDDY" pull -q --retry 0 --cert-dir "$WORK/certs" --creds u:secret "127.0.0.1:$PORT/auth/direct"
	! grep '^other' "$WORK/reg/log" || fail "it was there"
}

# images: F2
@test "G07: what is not plainly one kind of manifest is refused" {
	for n in both-keys case duplicate schema1 list-as-image other-type text no-type bom trailing deep huge not-json empty; do
		refused_and_clean $n
	done
}

# images: F3, S2
@test "G08: bytes that are not those asked for never get into the store" {
	for n in size-more size-less size-negative size-config config-bytes layer-bytes layer-other layer-xz layer-long layer-short short broken wrong-header; do
		refused_and_clean $n
		[[ "$n" != layer-xz || "$stderr" == *'a layer with xz compression'* ]] || fail "$stderr"
	done
	refused_and_clean "ok@sha256:$(printf '1%.0s' {1..64})"
	: >"$WORK/reg/log"
}

@test "G09: what is no digest reaches no url and no path" {
	for i in $(seq 0 25); do
		for where in digest listed; do
			refused_and_clean $where-$i
			! grep -qE 'passwd|\.\.|(blobs|manifests)/(md5|sha|SHA|%)' <(grep -v "blobs/sha256:[0-9a-f]\{64\} " "$WORK/reg/log") || fail "it was there"
		done
	done
	hostile oci-dir "$WORK/layout" <<<'layers = [BASE()]; ref = "localhost/dir:latest"'
	for d in "" sha256: sha256:../../victim/f "sha256:$(printf 'a%.0s' {1..63})" "sha256:$(printf 'A%.0s' {1..64})" md5:aa "sha512:$(printf 'a%.0s' {1..64})" "sha256:$(printf 'a%.0s' {1..63})/"; do
		cp "$WORK/layout/index.json" "$WORK/index.json"
		jq -c --arg d "$d" '.manifests[0].digest = $d' "$WORK/index.json" >"$WORK/layout/index.json"
		must_refuse "$WORK/layout"
		cp "$WORK/index.json" "$WORK/layout/index.json"
	done
	for d in sha256:x sha256:../x "sha256:$(printf 'A%.0s' {1..64})" md5:aa sha256: "sha256:$(printf 'a%.0s' {1..63})/"; do
		refused_and_clean "ok@$d"
		[ ! -s "$WORK/reg/log" ]
	done
}

# images: F2
@test "G10: endless headers, bodies, encodings and lists end within limits" {
	for n in endless-headers endless-body encoded; do
		before=$(snapshot)
		run --separate-stderr peak timeout 30 "$CUDDY" pull -q --retry 0 --tls-verify=false "127.0.0.1:$PORT/$n"
		echo "$n: $status $stderr $(cat "$WORK/peak") KiB"
		one_line_error 125 .
		[ "$(cat "$WORK/peak")" -lt 131072 ]
		[ "$(snapshot)" = "$before" ]
		[[ "$n" != endless-body || "$stderr" == *"larger than 4194304 bytes"* ]]
	done
	pull headers-400
	[ "$status" -eq 0 ]
	refused_and_clean headers-600
	[[ "$stderr" == *"headers of the answer"* ]]
	for n in tags-loop tags-other tags-grow; do
		LIMIT=120 pull $n -a
		one_line_error 125 .
		! grep -q '^other' "$WORK/reg/log" || fail "it was there"
	done
}

# images: R6
@test "G05: an upload goes to the registry itself, whatever it says, and so does the password" {
	push() {
		: >"$WORK/reg/log"
		run --separate-stderr timeout 60 "$CUDDY" push -q --retry 2 --retry-delay 0 --tls-verify=false --creds u:secret "$IMAGE" "127.0.0.1:$PORT/$1"
		echo "$1: $status ${stderr:0:300}"
	}
	for name in auth/push push push-query push-drop push-again; do
		push $name
		[ "$status" -eq 0 ]
		grep -q '^registry PUT .*/manifests/latest' "$WORK/reg/log"
		! grep -q '^other' "$WORK/reg/log" || fail "$name: the other server was asked"
	done
	for name in push-port push-host push-user push-file push-slashes push-nothing push-up push-out; do
		for prefix in "" auth/; do
			push $prefix$name
			one_line_error 125 .
			secret_stayed
			! grep -qE '^other |^registry PUT .*/manifests/' "$WORK/reg/log" || fail "it was there"
			! grep -q '^registry PATCH' "$WORK/reg/log" || fail "it was there"
		done
	done
	victim_is_unchanged
}

@test "G11: a password that others can read, or that lies behind a link or a helper's path, is not used" {
	a=$XDG_CONFIG_HOME/containers/auth.json
	printf '{"auths": {"127.0.0.1:%s": {"auth": "%s"}}}' "$PORT" "$(printf u:secret | base64)" >"$WORK/auth"
	install -m 600 "$WORK/auth" "$a"
	pull auth/ok
	[ "$status" -eq 0 ]
	cuddy run -d --network none "$IMAGE" sleep 1000 # keeps the base namespace: strace takes newuidmap its rights
	CUDDY_DEBUG=all run --separate-stderr timeout 60 strace -f -qq -s 9999 -e trace=execve -o "$WORK/execs" "$CUDDY" pull -q --retry 0 --tls-verify=false "127.0.0.1:$PORT/auth/realm-own"
	[ "$status" -eq 0 ] || fail "$stderr"
	[[ "$stderr" == *"GET http"*/token* ]]           # it does tell
	grep -q cuddy-transfer "$WORK/execs"
	for word in secret "$(printf u:secret | base64)" 'Bearer good'; do
		[[ "$stderr" != *"$word"* ]] || fail "$stderr"
		! grep -qF "$word" "$WORK/execs" || fail "it was there"
	done
	chmod 644 "$a"
	refused_and_clean auth/ok3
	! grep -q Basic_ "$WORK/reg/log" || fail "it was there"
	chmod 600 "$a"
	cuddy unshare chown 1:0 "$a"                    # another user's, also where he may read it
	for mode in 600 604 660; do
		cuddy unshare chmod $mode "$a"
		refused_and_clean auth/ok3
		! grep -q Basic_ "$WORK/reg/log" || fail "it was there"
	done
	rm "$a"
	chmod 600 "$WORK/auth"
	ln -s "$WORK/auth" "$a"
	refused_and_clean auth/ok3
	rm "$a"
	mkfifo "$a"
	refused_and_clean auth/ok3
	rm "$a"
	printf '#!/bin/sh\ntouch %s/own\necho "{\\"Username\\": \\"u\\", \\"Secret\\": \\"secret\\"}"\n' "$VICTIM" >"$WORK/docker-credential-x"
	chmod 755 "$WORK/docker-credential-x"
	for h in "../../../../../../../../../$WORK/docker-credential-x" "$WORK/docker-credential-x" 'x; touch /tmp/victim/own' '-x' '' 'a/../x' $'x\n'; do
		python3 -c 'import json, sys; print(json.dumps({"credHelpers": {"127.0.0.1:" + sys.argv[1]: sys.argv[2]}}))' "$PORT" "$h" >"$a"
		chmod 600 "$a"
		pull auth/ok3
		[ "$status" -eq 125 ]
		victim_is_unchanged
	done
}

# images: N4
@test "G12: a mirror never sees the credentials of the registry it mirrors" {
	cat >"$XDG_CONFIG_HOME/containers/registries.conf" <<-EOT
	[[registry]]
	location = "127.0.0.1:$PORT"
	insecure = true
	[[registry.mirror]]
	location = "127.0.0.1:$OTHER"
	insecure = true
	EOT
	: >"$WORK/reg/log"
	run --separate-stderr timeout 30 "$CUDDY" pull -q --retry 0 --creds u:secret "127.0.0.1:$PORT/auth/ok"
	echo "$status $stderr"
	grep -q '^other' "$WORK/reg/log"
	secret_stayed
	[ "$status" -eq 0 ]
	grep -q '^registry.*Basic_' "$WORK/reg/log"
}

# images: R11
@test "G13: a proxy's password is in no container, record or message" {
	export HTTPS_PROXY=http://u:proxysecret@127.0.0.1:9 https_proxy=http://u:proxysecret@127.0.0.1:9 HTTP_PROXY=http://u:proxysecret@127.0.0.1:9
	cuddy run -d --name a --network none "$IMAGE" sleep 1000
	run -0 cuddy exec a sh -c 'env; cat /proc/1/environ'
	[[ "$output" != *proxysecret* ]]
	run -0 cuddy inspect a
	[[ "$output" != *proxysecret* ]]
	run --separate-stderr timeout 30 "$CUDDY" --debug pull -q --retry 0 localhost.example/x
	[ "$status" -eq 125 ]
	[[ "$stderr$output" != *proxysecret* ]]
	pull ok
	[ "$status" -eq 0 ]                             # plain http goes past the proxy, not through it in the clear
}
