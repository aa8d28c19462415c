#!/usr/bin/env bats
# Signing what is pushed; and whose helpers are asked for credentials.
load helpers
load registry

load trust

# images: T5
@test "sign: what push signs, by gpg or by a key, the policy takes; what cannot be signed is not pushed" {
	good=$(gpg_key good)
	printf 'docker:\n  %s:\n    lookaside-staging: file://%s\n    use-sigstore-attachments: true\n' "$REG" "$WORK/signatures/deep" >"$CONF/registries.d/x.yaml"
	cuddy push -q --tls-verify=false --sign-by "$good" busybox "$REG/p/a:1"
	d=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/p/a:1")
	[ -s "$WORK/signatures/deep/p/a@sha256=${d#*:}/signature-1" ]
	sed -i s/-staging// "$CONF/registries.d/x.yaml"
	policy "$reject" "$REG" "$(signed "$WORK/good.pub")"
	pull "$REG/p/a:1"
	skopeo copy -q --src-tls-verify=false "docker://$REG/p/a:1" "dir:$WORK/by-skopeo" # under the same policy
	cuddy manifest create l "$REG/p/a:1" >/dev/null
	cuddy manifest push -q --tls-verify=false --sign-by "$good" l "$REG/p/l:1" >/dev/null
	pull "$REG/p/l:1"

	openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 2>/dev/null |
		openssl pkcs8 -topk8 -passout pass:words -out "$WORK/ec.key"
	printf 'words\n' >"$WORK/passphrase"
	openssl pkey -in "$WORK/ec.key" -passin pass:words -pubout -out "$WORK/ec.pub"
	cuddy push -q --tls-verify=false --sign-by-sigstore-private-key "$WORK/ec.key" --sign-passphrase-file "$WORK/passphrase" busybox "$REG/p/b:1"
	printf 'privateKeyFile: %s/ec.key\nprivateKeyPassphraseFile: %s/passphrase\n' "$WORK" "$WORK" >"$WORK/params.yaml"
	cuddy push -q --tls-verify=false --sign-by-sigstore "$WORK/params.yaml" busybox "$REG/p/b:2"
	policy "$reject" "$REG" "$(jq -nc --arg k "$WORK/ec.pub" '[{type: "sigstoreSigned", keyPath: $k}]')"
	pull "$REG/p/b:1"
	pull "$REG/p/b:2" # the same manifest, both signatures are there
	echo data >"$WORK/data.txt"
	cuddy artifact add "$REG/p/art:1" "$WORK/data.txt" >/dev/null
	cuddy artifact push -q --tls-verify=false "$REG/p/art:1" "$REG/p/art:2"
	run --separate-stderr cuddy artifact pull -q --tls-verify=false "$REG/p/art:2"
	one_line_error 125 sign
	cuddy artifact push -q --tls-verify=false --sign-by-sigstore-private-key "$WORK/ec.key" --sign-passphrase-file "$WORK/passphrase" "$REG/p/art:1" "$REG/p/art:2"
	cuddy artifact pull -q --tls-verify=false "$REG/p/art:2" >/dev/null

	# A key as cosign writes it: the passphrase from a file, or from the variable it knows.
	openssl pkcs8 -topk8 -nocrypt -in "$WORK/ec.key" -passin pass:words -outform DER -out "$WORK/ec.der"
	python3 "$FIXTURES/cosignkey.py" words <"$WORK/ec.der" >"$WORK/cosign.key"
	cuddy push -q --tls-verify=false --sign-by-sigstore-private-key "$WORK/cosign.key" --sign-passphrase-file "$WORK/passphrase" busybox "$REG/p/e:1"
	pull "$REG/p/e:1"
	COSIGN_PASSWORD=words cuddy push -q --tls-verify=false --sign-by-sigstore-private-key "$WORK/cosign.key" busybox "$REG/p/e:2"
	pull "$REG/p/e:2"
	run --separate-stderr env COSIGN_PASSWORD=other "$CUDDY" push -q --tls-verify=false --sign-by-sigstore-private-key "$WORK/cosign.key" busybox "$REG/p/f:1"
	one_line_error 125 'another passphrase opens it'
	run --separate-stderr cuddy push -q --tls-verify=false --sign-by-sigstore-private-key "$WORK/cosign.key" busybox "$REG/p/f:1"
	one_line_error 125 'COSIGN_PASSWORD'
	run -1 skopeo inspect --raw --tls-verify=false "docker://$REG/p/f:1"

	(cat "$WORK/params.yaml"; echo 'rekorURL: https://rekor.invalid') >"$WORK/log.yaml"
	for bad in "--sign-by nobody@nowhere.invalid" "--sign-by-sigstore-private-key $WORK/nosuch" "--sign-by-sigstore-private-key $WORK/ec.pub" \
		"--sign-by-sigstore-private-key $WORK/ec.key" "--sign-passphrase-file $WORK/passphrase" "--sign-by $good --sign-by-sigstore-private-key $WORK/ec.key" \
		"--sign-by $good --sign-by-sigstore $WORK/params.yaml" "--sign-by-sigstore $WORK/params.yaml --sign-passphrase-file $WORK/passphrase" \
		"--sign-by-sigstore $WORK/log.yaml" "--sign-by-sigstore $WORK/nosuch"; do
		run cuddy push -q --tls-verify=false $bad busybox "$REG/p/c:1"
		[ "$status" -eq 125 ]
	done
	# What is no registry has no place for them.
	run --separate-stderr cuddy push -q --sign-by "$good" busybox "dir:$WORK/place"
	one_line_error 125 'beside what a registry has'
	run --separate-stderr cuddy manifest push -q --sign-by-sigstore "$WORK/params.yaml" l "oci:$WORK/place"
	one_line_error 125 'beside what a registry has'
	[ ! -e "$WORK/place" ]
	run -1 skopeo inspect --raw --tls-verify=false "docker://$REG/p/c:1"
	sed -i 's|file://.*|https://signatures.invalid/|' "$CONF/registries.d/x.yaml"
	run --separate-stderr cuddy push -q --tls-verify=false --sign-by "$good" busybox "$REG/p/d:1"
	one_line_error 125 'lookaside-staging'
	run -1 skopeo inspect --raw --tls-verify=false "docker://$REG/p/d:1"
}

@test "image sign: what was pushed without a signature gets one, by its local name or the registry's, and the policy takes it" {
	good=$(gpg_key good)
	printf 'docker:\n  %s:\n    lookaside: file://%s\n' "$REG" "$WORK/signatures" >"$CONF/registries.d/x.yaml"
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REG" >"$CONF/registries.conf"
	policy "$reject" "$REG" "$(signed "$WORK/good.pub")"
	cuddy push -q busybox "$REG/s/here:1"
	cuddy push -q busybox "$REG/s/far:1"
	cuddy push -q busybox "$REG/s/dir:1"
	cuddy tag busybox "$REG/s/here:1"
	refused 'no signature|not signed' "$REG/s/far:1"

	cuddy image sign --sign-by "$good" "$REG/s/here:1" "docker://$REG/s/far:1"
	pull "$REG/s/here:1"
	pull "$REG/s/far:1"
	d=$(skopeo inspect --format '{{.Digest}}' "docker://$REG/s/dir:1")
	mkdir "$WORK/d"
	cuddy image sign -d "$WORK/d" --sign-by "$good" "docker://$REG/s/dir:1"
	(cd "$WORK" && cuddy image sign --directory d --sign-by "$good" "docker://$REG/s/dir:1")
	[ "$(ls "$WORK/d/s/dir@sha256=${d#*:}" | xargs)" = "signature-1 signature-2" ]
	refused 'no signature|not signed' "$REG/s/dir:1"
	cp -r "$WORK/d/s" "$WORK/signatures"
	pull "$REG/s/dir:1"
	skopeo copy -q "docker://$REG/s/dir:1" "dir:$WORK/by-skopeo" # under the same policy

	cuddy manifest create l "$REG/s/here:1" >/dev/null
	cuddy manifest push -q l "$REG/s/list:1" >/dev/null
	refused 'no signature|not signed' "$REG/s/list:1"
	cuddy image sign --all --sign-by "$good" "docker://$REG/s/list:1"
	[ ! -e "$WORK/signatures/s/list@sha256=$(skopeo inspect --raw "docker://$REG/s/list:1" | sha256sum | cut -c-64)" ]
	pull "$REG/s/list:1"

	signatures=$(find "$WORK/signatures" -type f | sort)
	for bad in "docker://$REG/s/far:1" "--sign-by $good --all docker://$REG/s/far:1" \
		"--sign-by $good --all $REG/s/far:1" "--sign-by $good busybox" "--sign-by $good nosuch" "--sign-by $good docker://$REG/s/nosuch:1" \
		"--sign-by $good -d $WORK/nosuch docker://$REG/s/far:1" "--sign-by $good $(cuddy images -q --no-trunc busybox)"; do
		run --separate-stderr cuddy image sign $bad
		echo "$bad"
		one_line_error 125 .
	done
	run --separate-stderr cuddy image sign --sign-by nobody@nowhere.invalid "docker://$REG/s/far:1"
	[ "$status" -eq 125 ] # gpg has its own words first
	[[ "$stderr" == *"gpg does not sign with nobody@nowhere.invalid"* ]]
	[ "$(find "$WORK/signatures" -type f | sort)" = "$signatures" ]

	registry_end # the next one wants to know who asks, and has an authority of its own
	registry_begin tls
	cuddy push -q --cert-dir "$REG_DIR/certs" --creds u:secret busybox "$REG/s/tls:1"
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:secret | base64)" >"$WORK/auth.json"
	chmod 600 "$WORK/auth.json"
	sign() { cuddy image sign -d "$WORK/tls" --retry 1 --retry-delay 0 --sign-by "$good" "$@" "docker://$REG/s/tls:1"; }
	mkdir "$WORK/tls"
	for bad in "--creds u:secret" "--cert-dir $REG_DIR/certs" "--cert-dir $REG_DIR/certs --creds u:wrong"; do
		run --separate-stderr sign $bad
		one_line_error 125 'certificate|cuddy login|refused'
	done
	[ -z "$(ls "$WORK/tls")" ]
	sign --cert-dir "$REG_DIR/certs" --creds u:secret
	sign --cert-dir "$REG_DIR/certs" --authfile "$WORK/auth.json"
	sign --tls-verify=false --creds u:secret
	[ "$(ls "$WORK"/tls/s/*/ | xargs)" = "signature-1 signature-2 signature-3" ]
}

# images: N7
@test "push, pull: credential helpers run as the user, not in the base namespace, also for pull and push" {
	registry_end
	registry_begin tls
	mkdir "$WORK/bin"
	cat >"$WORK/bin/docker-credential-asking" <<-P
		#!/bin/sh
		cat /proc/self/uid_map >>$WORK/maps
		echo '{"Username": "u", "Secret": "secret"}'
	P
	chmod +x "$WORK/bin/docker-credential-asking"
	printf '{"credHelpers": {"%s": "asking"}}' "$REG" >"$WORK/auth.json"
	chmod 600 "$WORK/auth.json"
	export PATH=$WORK/bin:$PATH REGISTRY_AUTH_FILE=$WORK/auth.json
	cuddy push -q --cert-dir "$REG_DIR/certs" busybox "$REG/h:1"
	cuddy pull -q --cert-dir "$REG_DIR/certs" "$REG/h:1"
	[ "$(sort -u "$WORK/maps")" = "$(cat /proc/self/uid_map)" ]
	printf '#!/bin/sh\necho no such keyring >&1; exit 1\n' >"$WORK/bin/docker-credential-asking"
	run --separate-stderr cuddy pull -q --cert-dir "$REG_DIR/certs" "$REG/h:1"
	one_line_error 125 'docker-credential-asking.*no such keyring'
}

@test "image trust: show and set, as podman prints and writes them" {
	gpg_key one@example.org >/dev/null
	gpg_key two@example.org >/dev/null
	cuddy image trust set -t reject default
	cuddy image trust set -t accept "$REG/open"
	cuddy image trust set --type signedBy --pubkeysfile "$WORK/one@example.org.gpg" -f "$WORK/two@example.org.gpg" "$REG/team"
	cuddy image trust set -t sigstoreSigned -f /tmp/k.pub q.example
	printf 'docker:\n  %s/team:\n    lookaside: https://signatures.example/\n' "$REG" >"$CONF/registries.d/x.yaml"
	jq -e --arg r "$REG/team" '.default == [{"type": "reject"}] and (.transports.docker[$r] | length == 2 and .[1].keyType == "GPGKeys") and
		.transports.docker["q.example"][0].keyPath == "/tmp/k.pub"' "$CONF/policy.json"
	[ "$(cuddy image trust show --raw)" = "$(cat "$CONF/policy.json")" ]
	if command -v podman >/dev/null; then
		diff -B <(podman image trust show -j --policypath "$CONF/policy.json" --registrypath "$CONF/registries.d" 2>/dev/null | jq -S 'map(del(.gpg_id)) | sort_by(.name)') \
			<(cuddy image trust show -j | jq -S 'map(del(.gpg_id)) | sort_by(.name)')
		podman system migrate >/dev/null 2>&1 || true # ends its pause process
	fi
	cuddy image trust show | grep -Eq "^repository +$REG/team +signed +one@example.org +https://signatures.example/"
	[ "$(cuddy image trust show -n | wc -l)" -eq 5 ]
	# A user who has configured nothing yet.
	mkdir "$WORK/new"
	HOME=$WORK/new XDG_CONFIG_HOME=$WORK/new/.config cuddy image trust set -t reject default
	jq -e '.default == [{"type": "reject"}]' "$WORK/new/.config/containers/policy.json"
	before=$(cat "$CONF/policy.json")
	# Of many at once each counts.
	local pids=()
	for i in 1 2 3 4 5 6 7 8; do
		cuddy image trust set -t reject "$i.example" &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(jq -r '.transports.docker | keys[]' "$CONF/policy.json" | grep -c '^[1-8]\.example$')" -eq 8 ]
	printf '%s\n' "$before" >"$CONF/policy.json"
	for bad in "set -t signedBy x.example" "set -t accept -f /tmp/k x.example" "set -t what x.example" "set" "show --signature-policy /nonexistent"; do
		run --separate-stderr cuddy image trust $bad
		one_line_error 125 .
	done
	[ "$(cat "$CONF/policy.json")" = "$before" ]
	push "$(image_file busybox)" x:1 2>/dev/null || skopeo --insecure-policy copy -q --dest-tls-verify=false "docker-archive:$(image_file busybox)" "docker://$REG/x:1"
	refused 'rejected' "$REG/x:1"
}
