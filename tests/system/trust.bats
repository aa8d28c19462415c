#!/usr/bin/env bats
# policy.json: what is not signed as it says does not come in; signatures of skopeo's and of our own making.
load helpers
load registry

load trust

# images: T1
@test "trust: accept and reject by the most specific scope; a policy that is not understood lets nothing in" {
	push "$(image_file busybox)" a/b:1
	push "$(image_file busybox)" a/b:2
	push "$(image_file busybox)" other/b:1
	pull "$REG/a/b:1"
	cuddy rmi "$REG/a/b:1"
	policy "$reject"
	refused 'policy.json: such images are rejected: not allowed by the policy' "$REG/a/b:1"
	policy "$reject" "$REG/a" "$any"
	pull "$REG/a/b:1"
	refused rejected "$REG/other/b:1"
	policy "$any" "$REG" "$any" "$REG/a/b:2" "$reject"
	pull "$REG/a/b:1"
	refused rejected "$REG/a/b:2"
	# That the layers are here does not help.
	policy "$reject"
	run -125 pull "$REG/a/b:1"
	echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$WORK/other.json"
	pull --signature-policy "$WORK/other.json" "$REG/a/b:1"
	run --separate-stderr cuddy load -i "$(image_file busybox)"
	one_line_error 125 rejected
	for bad in '{}' 'x' '{"default":[]}' '{"default":[{"type":"insecureAcceptAnything"}],"more":1}' '{"default":[{"type":"insecureAcceptAnything","x":1}]}' \
		'{"default":[{"type":"insecureAcceptAnything"}],"default":[{"type":"reject"}]}' '{"default":[{"type":"Reject"}]}' \
		'{"default":[{"type":"signedBy","keyType":"GPGKeys"}]}' '{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/x","keyData":"eA=="}]}' \
		'{"default":[{"type":"insecureAcceptAnything"}],"transports":{"docker":{"x":[{"type":"what"}]}}}'; do
		printf '%s' "$bad" >"$CONF/policy.json"
		run --separate-stderr pull "$REG/a/b:1"
		one_line_error 125 policy.json
	done
}

# images: T2, T3, T5
@test "trust: simple signing by skopeo, from files and from a web server; wrong key, name, digest and bytes are refused" {
	good=$(gpg_key good)
	gpg_key evil >/dev/null
	printf 'docker:\n  %s: # ours\n    lookaside: file://%s\n' "$REG" "$WORK/signatures" >"$CONF/registries.d/x.yaml"
	printf 'docker:\n  %s:\n    lookaside-staging: file://%s\n' "$REG" "$WORK/signatures" >"$WORK/sk.yaml"
	mkdir "$WORK/sk.d"; mv "$WORK/sk.yaml" "$WORK/sk.d"
	f=$(image_file busybox)
	sign() { skopeo --registries.d "$WORK/sk.d" copy -q --dest-tls-verify=false -f "${2:-oci}" --sign-by "$good" "docker-archive:$f" "docker://$REG/$1"; }
	sign s/a:1
	push "$f" s/plain:1 -f v2s2
	d=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/s/a:1")

	policy "$reject" "$REG" "$(signed "$WORK/good.pub")"
	pull "$REG/s/a:1"
	pull "$REG/s/a@$d"
	: >"$REG_DIR/log"
	refused 'not signed|no signature' "$REG/s/plain:1"
	grep -q 'GET /v2/s/plain/manifests/' "$REG_DIR/log"
	! grep -q 'GET /v2/s/plain/blobs/' "$REG_DIR/log" || fail "fetched before it was let in"
	policy "$reject" "$REG" "$(signed "$WORK/good.gpg")"
	pull "$REG/s/a:1"
	policy "$reject" "$REG" "$(jq -nc --arg d "$(base64 -w0 "$WORK/good.gpg")" '[{type: "signedBy", keyType: "GPGKeys", keyData: $d}]')"
	pull "$REG/s/a:1"
	policy "$reject" "$REG" "$(jq -nc --arg a "$WORK/evil.pub" --arg b "$WORK/good.pub" '[{type: "signedBy", keyType: "GPGKeys", keyPaths: [$a, $b]}]')"
	pull "$REG/s/a:1"
	policy "$reject" "$REG" "$(signed "$WORK/evil.pub")"
	run -125 pull "$REG/s/a:1"
	[[ "$output" == *"not signed by a key that counts"* ]]

	# The same manifest under another tag: the signature is for tag 1.
	policy "$reject" "$REG" "$(signed "$WORK/good.pub")"
	skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$REG/s/a:1" "docker://$REG/s/a:2"
	refused 'the signature is for .*s/a:1' "$REG/s/a:2"
	policy "$reject" "$REG" "$(signed "$WORK/good.pub" '{"type":"matchRepository"}')"
	pull "$REG/s/a:2"
	policy "$reject" "$REG" "$(signed "$WORK/good.pub" '{"type":"matchExact"}')"
	run -125 pull "$REG/s/a:2"
	pull "$REG/s/a:1"
	run -125 pull "$REG/s/a@$d"
	policy "$reject" "$REG" "$(signed "$WORK/good.pub" "{\"type\":\"exactReference\",\"dockerReference\":\"$REG/s/a:1\"}")"
	pull "$REG/s/a:2"
	skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$REG/s/a:1" "docker://$REG/copy/a:1"
	mkdir -p "$WORK/signatures/copy"
	cp -r "$WORK/signatures/s/a@"* "$WORK/signatures/copy"
	policy "$reject" "$REG" "$(signed "$WORK/good.pub")"
	refused 'the signature is for' "$REG/copy/a:1"
	policy "$reject" "$REG" "$(signed "$WORK/good.pub" "{\"type\":\"remapIdentity\",\"prefix\":\"$REG/copy\",\"signedPrefix\":\"$REG/s\"}")"
	pull "$REG/copy/a:1"

	# A good signature of other bytes under this image's name.
	policy "$reject" "$REG" "$(signed "$WORK/good.pub")"
	dir=$(echo "$WORK/signatures/s/a@"*)
	p=$(skopeo inspect --raw --tls-verify=false "docker://$REG/s/plain:1" | sha256sum | cut -d' ' -f1)
	mkdir "$WORK/signatures/s/plain@sha256=$p"
	cp "$dir/signature-1" "$WORK/signatures/s/plain@sha256=$p"
	refused 'for another manifest' "$REG/s/plain:1"
	# Of several scopes the narrowest says where signatures lie, alone: not a wider one, nor the default.
	mv "$WORK/signatures" "$WORK/narrow"
	mkdir "$WORK/signatures"
	printf 'default-docker:\n  lookaside: file://%s\ndocker:\n  %s:\n    lookaside: file://%s\n  %s:\n    lookaside: file://%s\n' \
		"$WORK/narrow" "$REG" "$WORK/narrow" "$REG/s" "$WORK/signatures" >"$CONF/registries.d/x.yaml"
	cuddy rmi -f "$REG/s/a:1" >/dev/null
	refused 'no signature' "$REG/s/a:1"
	printf 'docker:\n  %s:\n    lookaside: file://%s\n  %s:\n    lookaside: file://%s\n' "$REG" "$WORK/signatures" "$REG/s/a" "$WORK/narrow" >"$CONF/registries.d/x.yaml"
	pull "$REG/s/a:1"
	rmdir "$WORK/signatures"
	mv "$WORK/narrow" "$WORK/signatures"
	printf 'docker:\n  %s:\n    lookaside: file://%s\n' "$REG" "$WORK/signatures" >"$CONF/registries.d/x.yaml"

	# A list: signed as a whole, or the one of its images that is taken; not another one, nor the list of another digest.
	cp "$CONF/policy.json" "$WORK/policy"
	policy "$any"
	cuddy manifest create l >/dev/null
	cuddy manifest add --tls-verify=false l "docker://$REG/s/a:1" >/dev/null
	cuddy manifest add --tls-verify=false --arch s390x --os linux l "docker://$REG/s/plain:1" >/dev/null
	cuddy manifest push -q --tls-verify=false l "$REG/s/l:1" >/dev/null
	cuddy rmi -f "$REG/s/a:1" >/dev/null || true
	cp "$WORK/policy" "$CONF/policy.json"
	l=$(skopeo inspect --raw --tls-verify=false "docker://$REG/s/l:1" | sha256sum | cut -d' ' -f1)
	other=$(skopeo inspect --raw --tls-verify=false "docker://$REG/s/plain:1" | sha256sum | cut -d' ' -f1)
	sign_digest() { # HEX [HEX-IN-THE-SIGNATURE]: as of s/l:1
		rm -rf "$WORK/signatures/s/l@"*
		mkdir "$WORK/signatures/s/l@sha256=$1"
		gpg --batch --yes -u "$good" -o "$WORK/signatures/s/l@sha256=$1/signature-1" --sign \
			<<<'{"critical":{"type":"atomic container signature","image":{"docker-manifest-digest":"sha256:'"${2:-$1}"'"},"identity":{"docker-reference":"'"$REG/s/l:1"'"}},"optional":{}}'
	}
	refused 'no signature' "$REG/s/l:1"
	for ok in "$l" "${d#*:}"; do
		sign_digest "$ok"
		pull "$REG/s/l:1"
		cuddy rmi -f "$REG/s/l:1" >/dev/null
	done
	for bad in "$other" "$l ${d#*:}" "$l $other"; do
		# shellcheck disable=SC2086
		sign_digest $bad
		refused 'no signature|for another manifest' "$REG/s/l:1"
	done
	by_hand() { gpg --batch --yes -u "$good" -o "$dir/signature-1" --sign <<<"$1"; }
	cp "$dir/signature-1" "$WORK/saved"
	payload='{"critical":{"type":"atomic container signature","image":{"docker-manifest-digest":"'$d'"},"identity":{"docker-reference":"'$REG/s/a:1'"}},"optional":{}}'
	by_hand "$payload"
	pull "$REG/s/a:1"
	for bad in "${payload/critical\":\{/critical\":\{\"must\":1,}" "${payload/atomic/cosmic}" "${payload/,\"optional\"/,\"required\"}" '{}' 'x'; do
		by_hand "$bad"
		run -125 pull "$REG/s/a:1"
	done
	for bytes in '' garbage "$payload"; do
		printf %s "$bytes" >"$dir/signature-1"
		run -125 pull "$REG/s/a:1"
	done
	# One that is not good beside one that is; by http.
	cp "$WORK/saved" "$dir/signature-2"
	(cd "$WORK/signatures" && exec python3 -c '
import http.server
s = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
open("../port.tmp", "w").write(str(s.server_address[1])); import os; os.rename("../port.tmp", "../port"); s.serve_forever()') >"$WORK/web" 2>&1 3>&- &
	web=$!
	wait_until 20 test -e "$WORK/port"
	printf 'docker:\n  %s:\n    lookaside: http://127.0.0.1:%s\n' "$REG" "$(cat "$WORK/port")" >"$CONF/registries.d/x.yaml"
	pull "$REG/s/a:1"
	grep -q 'GET /s/a@sha256=.*/signature-2' "$WORK/web"
	rm "$dir/signature-"*
	run -125 pull "$REG/s/a:1"
	[[ "$output" == *"no signature"* ]]
}

# images: T4
@test "trust: sigstore's keys: ECDSA, RSA and Ed25519; a wrong key, name, digest, signature or payload is refused" {
	push "$(image_file busybox)" g/a:1 -f oci
	d=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/g/a:1")
	for k in "ec -pkeyopt ec_paramgen_curve:P-256" "rsa -pkeyopt rsa_keygen_bits:2048" ed25519; do
		openssl genpkey -algorithm $k -out "$WORK/${k%% *}.key" 2>/dev/null
		openssl pkey -in "$WORK/${k%% *}.key" -pubout -out "$WORK/${k%% *}.pub"
	done
	attach() { python3 "$FIXTURES/cosign.py" "$REG" g/a "$d" "$@"; }
	sigstore() { jq -nc --arg k "$1" --argjson i "${2:-null}" '[{type: "sigstoreSigned", keyPath: $k} + if $i then {signedIdentity: $i} else {} end]'; }
	repository='{"type":"matchRepository"}'
	policy "$reject" "$REG" "$(sigstore "$WORK/rsa.pub" "$repository")"
	refused 'use-sigstore-attachments' "$REG/g/a:1"
	printf 'default-docker:\n    use-sigstore-attachments: true\n' >"$CONF/registries.d/x.yaml"
	refused 'no signature' "$REG/g/a:1"
	# cosign 3's bundles sign no name: they are no signature here, which is said.
	echo '{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}' >"$WORK/bundle"
	cp "$CONF/policy.json" "$WORK/policy"
	policy "$any"
	cuddy manifest create bundles >/dev/null
	cuddy manifest add --artifact --artifact-type application/vnd.dev.sigstore.bundle.v0.3+json --artifact-subject "docker://$REG/g/a:1" --tls-verify=false bundles "$WORK/bundle" >/dev/null
	cuddy manifest push -q --tls-verify=false bundles "$REG/g/a:bundles" >/dev/null
	cp "$WORK/policy" "$CONF/policy.json"
	refused 'sigstore bundle.*new-bundle-format=false' "$REG/g/a:1"
	for k in ec rsa ed25519; do
		attach "$REG/g/a" "$WORK/$k.key"
		policy "$reject" "$REG" "$(sigstore "$WORK/$k.pub" "$repository")"
		pull "$REG/g/a:1"
		pull "$REG/g/a@$d"
		policy "$reject" "$REG" "$(sigstore "$WORK/$k.pub")"
		run -125 pull "$REG/g/a:1" # the tag is not in it
		policy "$reject" "$REG" "$(sigstore "$WORK/$([ $k = ec ] && echo rsa || echo ec).pub" "$repository")"
		run -125 pull "$REG/g/a:1"
	done
	attach "$REG/g/a:1" "$WORK/ec.key"
	policy "$reject" "$REG" "$(sigstore "$WORK/ec.pub")"
	pull "$REG/g/a:1"
	policy "$reject" "$REG" "$(jq -nc --arg a "$(base64 -w0 "$WORK/rsa.pub")" --arg b "$(base64 -w0 "$WORK/ec.pub")" '[{type: "sigstoreSigned", keyDatas: [$a, $b]}]')"
	pull "$REG/g/a:1"
	policy "$reject" "$REG" "$(jq -nc --arg a "$WORK/rsa.pub" --arg b "$WORK/ec.pub" '[{type: "sigstoreSigned", keyPaths: [$a, $b]}]')"
	pull "$REG/g/a:1"
	policy "$reject" "$REG" "$(sigstore "$WORK/ec.pub")"
	for edit in 'payload["critical"]["image"]["docker-manifest-digest"] = "sha256:" + "0" * 64' 'payload["critical"]["identity"]["docker-reference"] = "x.invalid/g/a:1"' \
		'payload["critical"]["type"] = "atomic container signature"' 'payload["critical"]["must"] = 1' 'payload["more"] = 1' 'payload = []' 'signature = ""' 'signature = "!"' \
		'signature = "MEUCIQ=="'; do
		attach "$REG/g/a:1" "$WORK/ec.key" "$edit"
		run --separate-stderr pull "$REG/g/a:1"
		one_line_error 125 'not allowed by the policy'
	done
	attach "$REG/g/a:1" "$WORK/ec.key"
	policy "$reject" "$REG" "$(jq -nc --argjson a "$any" --argjson b "$(sigstore "$WORK/rsa.pub")" '$a + $b')"
	run -125 pull "$REG/g/a:1" # all of them must pass
}

# images: T4
@test "trust: sigstore's certificates, of Fulcio's and of one's own, and Rekor's promises count offline; for another one, or at another time, they do not" {
	push "$(image_file busybox)" g/a:1 -f oci
	d=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/g/a:1")
	printf 'default-docker:\n    use-sigstore-attachments: true\n' >"$CONF/registries.d/x.yaml"
	cd "$WORK"
	for k in root middle leaf log other; do
		openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out $k.key 2>/dev/null
		openssl pkey -in $k.key -pubout -out $k.pub
	done
	printf '[ca]\ndefault_ca = d\n[d]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\nunique_subject = no\ndefault_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n' >ca.conf
	: >index
	certify() { # KEY CA FROM UNTIL EXTENSION...: $OUT.crt, years; by itself when KEY is CA
		local by=(-cert "$2.crt" -keyfile "$2.key")
		[ "$1" != "$2" ] || by=(-selfsign -keyfile "$1.key")
		openssl req -new -key "$1.key" -subj "/CN=${NAME:-$1}" -out csr
		printf '%s\n' "${@:5}" >ext
		openssl ca -batch -notext -config ca.conf "${by[@]}" -in csr -extfile ext -startdate "${3}0101000000Z" -enddate "${4}0101000000Z" -out "${OUT:-$1}.crt" 2>>ca.log || fail "$(cat ca.log)"
	}
	ca=basicConstraints=critical,CA:true code=extendedKeyUsage=codeSigning san=subjectAltName=email:me@example.org,DNS:build.example.org
	issuer=1.3.6.1.4.1.57264.1.1=DER:$(printf https://id.example | od -An -v -tx1 | tr -d ' \n') issuer8=1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:https://id.example
	certify root root 2020 2090 $ca
	NAME=root certify other other 2020 2090 $ca
	certify middle root 2020 2090 $ca $code
	certify leaf middle 2020 2090 $san $code "$issuer" "$issuer8"
	OUT=old certify leaf middle 2020 2021 $san $code "$issuer8" # it has run out
	OUT=server certify leaf middle 2020 2090 $san extendedKeyUsage=serverAuth "$issuer"
	attach() { python3 "$FIXTURES/cosign.py" "$REG" g/a "$d" "$REG/g/a:1" leaf.key "" "$1"; }
	demand() { policy "$reject" "$REG" "[$(jq -nc --arg w "$WORK" "{type: \"sigstoreSigned\"} + $1 | walk(if type == \"string\" and test(\"^[a-z]+[.](pub|crt)\$\") then \"\(\$w)/\(.)\" else . end)")]"; }
	let_in() { pull "$REG/g/a:1" >/dev/null && cuddy rmi "$REG/g/a:1" >/dev/null || fail "$1"; }

	key='{keyPath: "leaf.pub", rekorPublicKeyPath: "log.pub"}'
	demand "$key"
	attach 'logged("log.key", "leaf.pub", 1600000000)'
	let_in "key and log"
	demand "{keyPath: \"leaf.pub\", rekorPublicKeyDatas: [\"$(base64 -w0 other.pub)\", \"$(base64 -w0 log.pub)\"]}"
	let_in "one of two logs"
	demand "$key"
	attach 'logged("other.key", "leaf.pub", 1600000000)'
	refused 'no promise by a log that counts' "$REG/g/a:1"
	attach ''
	refused 'no log has seen' "$REG/g/a:1"

	fulcio='{fulcio: {caPath: "root.crt", oidcIssuer: "https://id.example", subjectEmail: "me@example.org"}, rekorPublicKeyPath: "log.pub"}'
	demand "$fulcio"
	attach "certified('leaf.crt', 'middle.crt'); logged('log.key', 'leaf.crt', 1700000000)"
	let_in fulcio
	pki='{pki: {caRootsPath: "root.crt", subjectEmail: "me@example.org", subjectHostname: "build.example.org"}}'
	demand "$pki"
	let_in pki
	for other in "$(sed s/id.example/id.other/ <<<"$fulcio")|another issuer" "$(sed s/me@/you@/ <<<"$fulcio")|not for you@example.org" \
		"$(sed s/root.crt/other.crt/ <<<"$fulcio")|the certificate: " "$(sed s/build/x/ <<<"$pki")|not for x.example.org" \
		"$(sed s/me@/Me@/ <<<"$pki")|not for Me@" "$(sed s/root.crt/other.crt/ <<<"$pki")|the certificate: "; do
		demand "${other%|*}"
		refused "${other#*|}" "$REG/g/a:1"
	done
	# A certificate that has run out by now, when the log saw it; and without those between.
	attach "certified('old.crt', 'middle.crt'); logged('log.key', 'old.crt', 1600000000)"
	demand "$fulcio"
	let_in "a certificate that was good then"
	demand "$pki"
	refused 'expired' "$REG/g/a:1"
	attach "certified('old.crt', 'middle.crt'); logged('log.key', 'old.crt', 1700000000)"
	demand "$fulcio"
	refused 'expired' "$REG/g/a:1"
	attach "certified('server.crt', 'middle.crt')"
	demand "$pki"
	refused 'not for signing code' "$REG/g/a:1"
	attach "certified('leaf.crt')"
	refused 'issuer certificate' "$REG/g/a:1"
	demand "$(sed 's/pki: {/&caIntermediatesPath: "middle.crt", /' <<<"$pki")"
	let_in "what the policy has between"
	attach "certified('leaf.crt'); annotations['dev.cosignproject.cosign/signature'] = base64.b64encode(sign(data, 'other.key')).decode()"
	refused 'not signed by' "$REG/g/a:1"
}

# images: T1
@test "trust: scopes of paths for what is read from files and directories, wherever a link leads" {
	cuddy push -q "$IMAGE" "oci:$WORK/good:v1"
	cuddy push -q "$IMAGE" "oci:$WORK/bad:v1"
	cuddy save -q -o "$WORK/good/a.tar" "$IMAGE"
	ln -s "$WORK/bad" "$WORK/good/link"
	jq -n --argjson r "$reject" --argjson a "$any" --arg g "$WORK/good" '{default: $r, transports: {oci: {($g): $a}, "docker-archive": {"": $a}}}' >"$CONF/policy.json"
	cuddy pull -q "oci:$WORK/good:v1"
	cuddy load -q -i "$WORK/good"
	cuddy load -q -i "$WORK/good/a.tar"
	cuddy load -q <"$WORK/good/a.tar"
	for bad in "pull -q oci:$WORK/bad:v1" "pull -q oci:$WORK/good/link:v1" "load -q -i $WORK/good/link"; do
		run --separate-stderr cuddy $bad
		one_line_error 125 'such images are rejected'
	done
	policy "$any"
}
