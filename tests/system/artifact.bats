#!/usr/bin/env bats
# Artifacts: files under a name, to and from a registry, and back into files; nothing else is written.
load helpers
load registry

setup_file() { registry_file_begin; }
teardown_file() { registry_file_end; }

setup() {
	test_begin
	registry_begin
	cd "$WORK"
	printf 'a,b\n1,2\n' >data.csv
	head -c 300000 /dev/urandom >blob.bin
}

teardown() {
	registry_end
	cd /
	test_end
}

art() { cuddy artifact "$@"; }
blobs() { ls "$CUDDY_ROOT/blobs" | sort; }

@test "artifact: add, inspect, ls, push, pull elsewhere, extract; skopeo sees the same; rm takes the blobs" {
	name=$REG/team/report:1
	d=$(art add --type application/x.report --annotation who=me "$name" data.csv blob.bin)
	[[ "$d" =~ ^[0-9a-f]{64}$ ]]
	art inspect "$name" | jq -e --arg d "sha256:$d" --arg n "$name" '.Name == $n and .Digest == $d and
		.Manifest.artifactType == "application/x.report" and .Manifest.config.mediaType == "application/vnd.oci.empty.v1+json" and
		[.Manifest.layers[].annotations["org.opencontainers.image.title"]] == ["data.csv", "blob.bin"] and
		.Manifest.layers[0].mediaType == "text/plain; charset=utf-8" and .Manifest.layers[1].mediaType == "application/octet-stream" and
		.Manifest.layers[0].annotations.who == "me"'
	[ "$(art ls --format '{{.Repository}}:{{.Tag}} {{.Digest}}' --no-trunc)" = "$name $d" ]
	art ls | grep -q '^REPOSITORY  *TAG  *DIGEST  *CREATED  *SIZE'
	run -0 art push -q --tls-verify=false --digestfile pushed "$name"
	[ -z "$output" ]
	[ "$(cat pushed)" = "sha256:$d" ]
	[ "$(skopeo inspect --raw --tls-verify=false "docker://$name" | sha256sum | cut -c1-64)" = "$d" ]
	blob_gets_begin
	(
		use_root "$WORK/other"
		[ "$(cuddy artifact pull -q --tls-verify=false "$name")" = "$d" ]
		mkdir out
		cuddy artifact extract "$name" out
		cmp data.csv out/data.csv && cmp blob.bin out/blob.bin && [ "$(ls -A out)" = "$(printf 'blob.bin\ndata.csv')" ]
		cuddy artifact extract --title data.csv "${d:0:12}" one.csv
		cmp data.csv one.csv
		cuddy artifact extract --digest "sha256:$(sha256sum <blob.bin | cut -c1-64)" "sha256:$d" again
		cmp blob.bin again
	)
	[ "$(blob_gets)" -eq 3 ]
	drop_root_of() { CUDDY_ROOT=$1/root CUDDY_RUNROOT=$1/run drop_root; }
	drop_root_of "$WORK/other"

	echo more >more.txt
	e=$(art add -a "$name" more.txt)
	[ "$e" != "$d" ]
	[ "$(art inspect --format '{{len .Manifest.layers}}' "$name")" = 3 ]
	art add second:1 data.csv >/dev/null
	[ "$(blobs | wc -l)" -eq 4 ]
	[ "$(art rm "$name")" = "$e" ]
	[ "$(blobs)" = "$(art inspect second:1 | jq -r '.Manifest | .config.digest, .layers[].digest' | cut -d: -f2 | sort)" ]
	art add --replace --file-type text/csv second:1 data.csv >/dev/null
	[ "$(art inspect second:1 | jq -r '.Manifest.layers[0].mediaType')" = text/csv ]
	art rm -a >/dev/null
	[ -z "$(blobs)" ]
	[ -z "$(art ls -n)" ]
}

@test "artifact: what a file is called without --file-type: text has neither NUL nor other control bytes" {
	printf 'words\0words\n' >nul
	printf 'words\001\n' >control
	printf 'W\303\266rter\t\033[1m\r\n' >text
	art add kinds:1 nul control text >/dev/null
	[ "$(art inspect kinds:1 | jq -r '.Manifest.layers[].mediaType' | xargs)" = \
		"application/octet-stream application/octet-stream text/plain; charset=utf-8" ]
}

@test "artifact: of many who make one at once one does; of what many add nothing is lost" {
	local pids=() i title
	for i in 1 2 3 4 5 6; do
		echo "$i" >"f$i"
		art add all:1 "f$i" >"made$i" 2>/dev/null &
		pids+=($!)
	done
	wait "${pids[@]}" || true
	[ "$(cat made? | wc -l)" -eq 1 ]
	title=$(art inspect all:1 | jq -r '.Manifest.layers[].annotations["org.opencontainers.image.title"]')
	for i in 1 2 3 4 5 6; do
		[ "f$i" = "$title" ] || art add -a all:1 "f$i" >/dev/null &
		pids+=($!)
	done
	wait "${pids[@]}" || true
	[ "$(art inspect all:1 | jq -r '.Manifest.layers[].annotations["org.opencontainers.image.title"]' | sort | xargs)" = "f1 f2 f3 f4 f5 f6" ]
	art rm all:1
}

@test "artifact: names of files that lead elsewhere are refused, and nothing is written (L16)" {
	mkdir victim
	for title in ../victim/f "$WORK/victim/f" .. . a/b ''; do
		printf 'x' >payload
		d=$(art add --replace t:1 payload)
		python3 - "$CUDDY_ROOT/artifacts/"* "$title" <<-'P'
			import hashlib, json, sys
			r = json.load(open(sys.argv[1]))
			m = json.loads(r["Manifest"])
			m["layers"][0]["annotations"]["org.opencontainers.image.title"] = sys.argv[2]
			r["Manifest"] = json.dumps(m)
			r["Digest"] = "sha256:" + hashlib.sha256(r["Manifest"].encode()).hexdigest()
			json.dump(r, open(sys.argv[1], "w"))
		P
		mkdir -p into
		run --separate-stderr art extract t:1 into
		one_line_error 125 "title '.*' is not the name of a file"
		[ -z "$(ls -A into)" ]
		[ -z "$(ls -A victim)" ]
	done
	# A link of that name in the directory is replaced, not followed.
	art add --replace t:1 payload >/dev/null
	ln -s "$WORK/victim/f" into/payload
	art extract t:1 into
	[ -z "$(ls -A victim)" ]
	[ ! -L into/payload ]
	[ "$(cat into/payload)" = x ]
}

@test "artifact: what is wrong is one line, and changes nothing; what is no image does not become one" {
	art add a:1 data.csv >/dev/null
	before=$(snapshot)
	for bad in "add a:1 data.csv" "add b:1 nosuch" "add b:1 ." "add b:1" "add Upper data.csv" "add -a nosuch:1 data.csv" "add -a a:1 data.csv" \
		"add --annotation x b:1 data.csv" "add b:1 data.csv data.csv" "rm" "rm nosuch:1" "rm -a a:1" "inspect nosuch:1" "extract a:1 no/such/dir/x" "extract --title x a:1 ." \
		"extract --title data.csv --digest sha256:00 a:1 ." "push a:1" "push nosuch:1 $REG/x:1" "pull --tls-verify=false $REG/nosuch:1" "ls --frob" "push a:1 dir:/tmp/x"; do
		run --separate-stderr art $bad
		one_line_error 125 .
	done
	art rm -i nosuch:1
	[ "$(snapshot)" = "$before" ]
	art push -q --tls-verify=false a:1 "$REG/a:1"
	run --separate-stderr cuddy pull -q --tls-verify=false "$REG/a:1"
	one_line_error 125 'not a container image but an artifact'
	push "$(image_file busybox)" list:1
	cuddy manifest create l busybox >/dev/null
	cuddy manifest push -q --tls-verify=false l "$REG/list:2" >/dev/null
	run --separate-stderr art pull -q --tls-verify=false "$REG/list:2"
	one_line_error 125 'a list, not an artifact'
	# Over HTTPS, to who knows its users.
	registry_end
	registry_begin tls
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:secret | base64)" >auth.json
	chmod 600 auth.json
	for bad in "" "--creds u:secret" "--cert-dir $REG_DIR/certs" "--cert-dir $REG_DIR/certs --creds u:wrong"; do
		run --separate-stderr art push -q --retry 0 $bad a:1 "$REG/a:1"
		one_line_error 125 'certificate|refused'
	done
	[ ! -e "$REG_DIR/data/docker" ]
	art push -q --cert-dir "$REG_DIR/certs" --authfile auth.json --retry 1 --retry-delay 1ms a:1 "$REG/a:1"
	art push -q --tls-verify=false --creds u:secret a:1 "$REG/a:2"
	d=$(art inspect --format '{{.Digest}}' a:1)
	art rm -a >/dev/null
	run --separate-stderr art pull -q --retry 0 --cert-dir "$REG_DIR/certs" "$REG/a:1"
	one_line_error 125 'cuddy login'
	[ "sha256:$(art pull -q --cert-dir "$REG_DIR/certs" --creds u:secret "$REG/a:1")" = "$d" ]
	[ "sha256:$(art pull -q --tls-verify=false --authfile auth.json --retry 1 --retry-delay 1ms "$REG/a:2")" = "$d" ]
	art extract "$REG/a:2" got
	cmp data.csv got
}

# put_referrers SUBJECT: from/1 and from/2 at the registry, artifacts that refer to it
put_referrers() {
	python3 - "$REG" "$1" <<-'P'
		import hashlib, json, sys, urllib.request
		reg, subject = sys.argv[1:]
		def send(url, data, method, kind="application/octet-stream"):
		    return urllib.request.urlopen(urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind}))
		def blob(data, kind):
		    d = "sha256:" + hashlib.sha256(data).hexdigest()
		    up = send("http://%s/v2/from/blobs/uploads/" % reg, b"", "POST").headers["Location"]
		    send(up + "&digest=" + d, data, "PUT")
		    return {"mediaType": kind, "digest": d, "size": len(data)}
		for n in "12":
		    kind = "application/vnd.oci.image.manifest.v1+json"
		    m = {"schemaVersion": 2, "mediaType": kind, "artifactType": "application/x.sbom",
		         "config": blob(b"{}", "application/vnd.oci.empty.v1+json"), "layers": [blob(n.encode(), "text/plain")],
		         "subject": {"mediaType": kind, "digest": subject, "size": 7}, "annotations": {"n": n}}
		    send("http://%s/v2/from/manifests/%s" % (reg, n), json.dumps(m).encode(), "PUT", kind)
	P
}

@test "R8: what refers to a manifest is listed under the subject's tag where the registry keeps no account of that, once; else not" {
	subject=sha256:$(echo subject | sha256sum | cut -c1-64)
	put_referrers "$subject"
	for n in 1 2 1; do
		d[n]=sha256:$(art pull -q --tls-verify=false "$REG/from:$n")
		art push -q --tls-verify=false "$REG/from:$n" "$REG/to:$n"
	done
	skopeo inspect --raw --tls-verify=false "docker://$REG/to:${subject/:/-}" >list.json
	jq -e --arg a "${d[1]}" --arg b "${d[2]}" '.mediaType == "application/vnd.oci.image.index.v1+json" and
		[.manifests[].digest] == [$a, $b] and all(.manifests[]; .artifactType == "application/x.sbom" and
		.mediaType == "application/vnd.oci.image.manifest.v1+json" and .size > 300) and [.manifests[].annotations.n] == ["1", "2"]' list.json
	# A list that is none is left alone, and said.
	skopeo copy -q --dest-tls-verify=false --src-tls-verify=false "docker://$REG/from:1" "docker://$REG/bad:${subject/:/-}"
	run --separate-stderr art push -q --tls-verify=false "$REG/from:2" "$REG/bad:2"
	one_line_error 125 'list what refers to it: .*is no index'
	# A registry that says OCI-Subject keeps account of it.
	mkdir fake
	python3 "$FIXTURES/fakereg.py" fake 3>&- &
	fake=$!
	wait_until 20 test -e fake/port
	art push -q --tls-verify=false "$REG/from:1" "127.0.0.1:$(cat fake/port)/push-subject:1"
	# What somebody else put into the list since it was read stays in it.
	art push -q --tls-verify=false "$REG/from:1" "127.0.0.1:$(cat fake/port)/push-list:1"
	kill "$fake"
	wait "$fake" 2>/dev/null || true
	[ "$(grep -c '^registry PUT [^ ]* /v2/push-subject/manifests/' fake/log)" -eq 1 ]
	[ "$(jq -r '.manifests[].digest' fake/list | xargs)" = "sha256:$(printf a | sha256sum | cut -c1-64) sha256:$(printf b | sha256sum | cut -c1-64) ${d[1]}" ]
}
