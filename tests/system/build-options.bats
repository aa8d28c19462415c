load helpers
load build
load registry

teardown() {
	registry_end
	test_end
}
tree() { (cd "$1" && find . -mindepth 1 -printf '%P %y %m %l\n' | sort); }
layers() { cuddy image inspect --format '{{len .RootFS.Layers}}' "${1:-localhost/t}"; }

@test "--squash and --squash-all: the same files in one layer; what is deleted, replaced and opaque stays so (O9)" {
	mkdir d
	echo one >d/a
	file <<-'E'
		FROM localhost/busybox AS base
		RUN mkdir -p /k/deep /f && echo base | tee /k/a /k/b /k/deep/c /f/x /gone >/dev/null && ln /k/a /k/hard
		FROM base
		RUN rm -r /f /gone && echo file >/f && echo b2 >/k/b
		RUN rm /f && mkdir /f && echo y >/f/y && rm -r /k/deep && mkdir /k/deep && ln -s y /k/deep/l && chmod 4711 /k/b
		COPY d/a /n/a
		RUN ln /n/a /n/b && touch /n/empty && mkfifo /n/p
		ENV X=1
	E
	build
	cuddy tag localhost/t localhost/plain
	build --target base
	cuddy tag localhost/t localhost/base
	see='cd / && for p in $(find k f n ! -name hard | sort); do if [ -d $p -a ! -h $p ]; then stat -c "%n d %a %u" $p; else stat -c "%n %F %a %h %u %s" $p; fi; done; ls gone 2>/dev/null; cat k/a k/b k/deep/l f/y n/a 2>/dev/null; true'
	want=$(cuddy run --rm --network none localhost/plain sh -c "$see")
	[[ "$want" == *"f/y regular"* && "$want" != *"f/x"* && "$want" != *gone* ]]
	n=$(layers localhost/base) busybox=$(layers localhost/busybox)
	build --squash
	[ "$(layers)" = $((busybox + 1)) ]
	[ "$(inside sh -c "$see")" = "$want" ]
	[ "$(cuddy image inspect localhost/t | jq '[.[0].History[] | select(.empty_layer | not)] | length')" = 2 ]
	build --squash-all
	[ "$(layers)" = 1 ]
	[ "$(inside sh -c "$see")" = "$want" ]
	run -0 build --squash-all
	first=$output
	run -0 build --squash-all
	[ "$output" = "$first" ]
	# On its own base image the squashed layer hides what it must: /f/x, /gone, what was in /k/deep.
	file <<-'E'
		FROM localhost/base
		RUN rm -r /f /gone && echo file >/f && echo b2 >/k/b
		RUN rm /f && mkdir /f && echo y >/f/y && rm -r /k/deep && mkdir /k/deep && ln -s y /k/deep/l && chmod 4711 /k/b
		COPY d/a /n/a
		RUN ln /n/a /n/b && touch /n/empty && mkfifo /n/p
	E
	build --squash
	[ "$(layers)" = $((n + 1)) ]
	[ "$(inside sh -c "$see")" = "$want" ]
	cuddy save -q localhost/t | (cuddy --root "$WORK/other" --runroot "$WORK/other-run" load -q >/dev/null)
	[ "$(cuddy --root "$WORK/other" --runroot "$WORK/other-run" run --rm --network none localhost/t sh -c "$see")" = "$want" ]
	unshare --user --map-auto --map-root-user rm -rf "$WORK/other" "$WORK/other-run"
}

@test "--output: a directory, a tar, archives that load again, standard output; without a tag nothing stays (G4)" {
	file <<-'E'
		FROM localhost/busybox AS files
		RUN mkdir -p /out/sub && echo text >/out/sub/f && chmod 4750 /out/sub/f && chown 5:6 /out/sub && ln -s sub/f /out/l && ln /out/sub/f /out/h
		FROM scratch
		COPY --from=files /out /
	E
	before=$(cuddy images -qa | sort -u)
	run -0 --separate-stderr cuddy build -o "$WORK/out" .
	[ -z "$output" ]
	[ "$(tree "$WORK/out")" = $'h f 750 \nl l 777 sub/f\nsub d 755 \nsub/f f 750 ' ]
	[ "$(stat -c %U "$WORK/out/sub/f")" = "$(id -un)" ]
	run -0 cuddy build -q -o type=tar,dest="$WORK/out.tar" .
	run -0 tar --numeric-owner -tvf "$WORK/out.tar"
	[[ "$output" == *"-rwsr-x--- 0/0"*" 5 "*h* && "$output" == *"drwxr-xr-x 5/6"*" sub/"* ]]
	cuddy build -q -o - . | cmp - "$WORK/out.tar"
	cuddy build -q --output type=local,dest="$WORK/out2" --output type=tar,dest="$WORK/out2.tar" .
	cmp "$WORK/out.tar" "$WORK/out2.tar"
	diff -r "$WORK/out" "$WORK/out2"
	[ "$(cuddy images -qa | sort -u)" = "$before" ]
	for kind in oci docker; do
		id=$(cuddy build -q -t localhost/o -o type=$kind,dest="$WORK/$kind.tar" .)
		cuddy rmi -f localhost/o >/dev/null
		run -0 cuddy load -q -i "$WORK/$kind.tar"
		[[ "$output" == *localhost/o:latest* ]]
		[ "$(cuddy image inspect --format '{{.Id}}' localhost/o)" = "$id" ]
	done
	cuddy build -q -o type=oci,dest="$WORK/z.tar",compression=zstd,compression-level=1 . >/dev/null
	mkdir "$WORK/z" && tar -xf "$WORK/z.tar" -C "$WORK/z"
	[ "$(jq -r '.layers[0].mediaType' "$WORK/z/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$WORK/z/index.json")")" = application/vnd.oci.image.layer.v1.tar+zstd ]
	while read -r flags; do
		run -125 --separate-stderr cuddy build $flags .
		[ "${#stderr_lines[@]}" = 1 ]
	done <<-E
		--compression-format zstd
		--compression-level 3 --push -t localhost:1/x
		-o type=docker,dest=x,compression=zstd
		-o type=oci,dest=x,compression=lzma
		-o type=oci,dest=x,oci-mediatypes=false
		-o type=image,oci-mediatypes=false --format oci
	E
	run -125 --separate-stderr cuddy build -o type=zip,dest=x .
	[[ "$stderr" == *"--output type=zip,dest=x: type=zip: use local, tar, oci, docker, image or registry"* ]]
	run -125 cuddy build -o type=local .
	run -125 cuddy build --push .
}

@test "--annotation, --format, --push, --metadata-file: in the manifest that is sent (O5)" {
	registry_begin
	file <<<$'FROM scratch\nCOPY Containerfile /f'
	id=$(cuddy build -q --tls-verify=false --push -t "$REG/a:1" --annotation one=1 --annotation manifest,manifest:two=2 \
		--annotation manifest[linux/s390x]:three=3 --annotation manifest[linux/amd64]:four=4 --timestamp 5 --metadata-file "$WORK/meta" .)
	run -0 curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REG/v2/a/manifests/1"
	[ "$(jq -cS '[.mediaType,.annotations]' <<<"$output")" = '["application/vnd.oci.image.manifest.v1+json",{"four":"4","one":"1","org.opencontainers.image.created":"1970-01-01T00:00:05Z","two":"2"}]' ]
	[ "$(jq -r .config.digest <<<"$output")" = "sha256:$id" ]
	[ "$(jq -r '."containerimage.digest"' "$WORK/meta")" = "sha256:$(sha256sum <<<"$output" | cut -d' ' -f1)" ] ||
		[ "$(jq -r '."containerimage.digest"' "$WORK/meta")" = "sha256:$(printf %s "$output" | sha256sum | cut -d' ' -f1)" ]
	[ "$(jq -r '[."image.name",."containerimage.config.digest"] | join(" ")' "$WORK/meta")" = "$REG/a:1 sha256:$id" ]
	# Of one that was not sent the manifest is the one that inspect tells.
	cuddy build -q -t localhost/here --metadata-file "$WORK/meta" --label own=1 . >/dev/null
	[ "$(jq -r '."containerimage.digest"' "$WORK/meta")" = "$(cuddy image inspect --format '{{.Digest}}' localhost/here)" ]
	[ "$(jq -r '."containerimage.descriptor" | .digest, .mediaType, (.size > 200)' "$WORK/meta" | xargs)" = \
		"$(cuddy image inspect --format '{{.Digest}}' localhost/here) application/vnd.oci.image.manifest.v1+json true" ]
	# Built once more with others: they are what counts from now on.
	cuddy build -q --tls-verify=false -o type=registry,name="$REG/a:2",annotation.org.x:y=z --created-annotation=false --timestamp 5 --annotation one=11 . >/dev/null
	run -0 curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REG/v2/a/manifests/2"
	[ "$(jq -cS .annotations <<<"$output")" = '{"one":"11","org.x:y":"z"}' ]
	cuddy build -q --tls-verify=false --push -t "$REG/a:3" -o type=image,oci-mediatypes=false . >/dev/null
	run -0 curl -sf -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "http://$REG/v2/a/manifests/3"
	[ "$(jq -r .mediaType <<<"$output")" = application/vnd.docker.distribution.manifest.v2+json ]
	run -125 --separate-stderr cuddy build --annotation index:x=y .
	[[ "$stderr" == *"there is no index"* ]]
	for bad in index-descriptor[linux/amd64]:x=y index[linux/amd64]:x=y manifest,other:x=y manifest[a/b/c/d]:x=y manifest:x x =y; do
		run -125 --separate-stderr cuddy build --annotation "$bad" .
		[[ "$stderr" == *"--annotation $bad: "* ]]
		[ "${#stderr_lines[@]}" = 1 ]
	done
	# Of an image that came from a registry the name and the digest are told; of one that was made here, nothing.
	digest=$(curl -sfI -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REG/v2/a/manifests/1" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //p')
	cuddy rmi -f "$id" >/dev/null
	file <<<"FROM $REG/a:1
COPY Containerfile /g"
	cuddy build -q --tls-verify=false --push -t "$REG/a:4" --created-annotation=false --compression-format zstd --compression-level 1 . >/dev/null
	run -0 curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REG/v2/a/manifests/4"
	[ "$(jq -r '.layers[-1].mediaType' <<<"$output")" = application/vnd.oci.image.layer.v1.tar+zstd ]
	[ "$(jq -cS .annotations <<<"$output")" = '{"org.opencontainers.image.base.digest":"'$digest'","org.opencontainers.image.base.name":"'$REG'/a:1"}' ]
}

@test "--pull: missing, never, newer and always; what was found is the same for every stage (I5)" {
	registry_begin
	for v in 1 2; do
		file <<<$'FROM scratch\nCOPY Containerfile /f\nLABEL v='$v
		cuddy build -q --tls-verify=false --push -t "$REG/p:v$v" . >/dev/null
		cuddy rmi "$REG/p:v$v" >/dev/null
	done
	is() { skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$REG/p:v$1" "docker://$REG/p:now"; }
	v() { cuddy build -q --tls-verify=false -t localhost/t "$@" . >/dev/null && config Labels | jq -r .v; }
	asked() { grep -c '"GET /v2/p/manifests/now ' "$REG_DIR/log"; }
	file <<<"FROM $REG/p:now AS a
FROM $REG/p:now
COPY --from=a /f /g"
	is 1
	run -125 --separate-stderr v --pull=never
	[[ "$stderr" == *"FROM $REG/p:now: "*"no such image"* ]]
	[ "$(v)" = 1 ]
	[ "$(asked)" = 1 ]
	is 2
	before=$(asked)
	[ "$(v) $(v --pull=missing) $(v --pull=false) $(v --pull=never)" = "1 1 1 1" ]
	[ "$(asked)" = "$before" ]
	[ "$(v --pull=newer)" = 2 ]
	[ "$(v --pull=never)" = 2 ]
	is 1
	before=$(asked)
	[ "$(v --pull)" = 1 ]
	[ "$(asked)" = $((before + 1)) ]       # once for both stages
	is 2
	[ "$(v --pull=always)" = 2 ]
	run -125 --separate-stderr v --pull=sometimes
	[[ "$stderr" == *"--pull 'sometimes': use always, missing, never or newer"* ]]
}

@test "--build-context: a directory with its own ignore file, an image, a stage, in COPY, FROM and mounts" {
	mkdir -p "$WORK/more/sub"
	echo hidden >"$WORK/more/hidden"
	echo seen >"$WORK/more/sub/seen"
	echo hidden >"$WORK/more/.dockerignore"
	file <<-'E'
		FROM alpine AS one
		RUN --mount=type=bind,from=MORE,target=/m ls /m >/list; cp /m/sub/seen /seen
		FROM other AS unused
		FROM localhost/busybox AS more
		FROM scratch
		COPY --from=one /list /seen /
		COPY --from=more / /all/
		COPY --from=alias /list /list2
		COPY --from=picture /bin/busybox /b
	E
	build --build-context alpine=docker-image://localhost/busybox --build-context more="$WORK/more" \
		--build-context alias=target:one --build-context picture=container-image://localhost/busybox
	cuddy build -q --build-context alpine=docker-image://localhost/busybox --build-context more="$WORK/more" \
		--build-context alias=target:one --build-context picture=container-image://localhost/busybox -o "$WORK/out" .
	[ "$(cat "$WORK/out/list" "$WORK/out/list2" "$WORK/out/seen")" = $'sub\nsub\nseen' ]
	[ "$(cd "$WORK/out" && find all | sort | xargs)" = "all all/.dockerignore all/sub all/sub/seen" ]
	cmp "$WORK/out/b" <(cuddy run --rm --network none localhost/busybox cat /bin/busybox)
	run -125 --separate-stderr build --build-context alpine="$WORK/more"
	[[ "$stderr" == *"Containerfile:1: "*"--build-context alpine is a directory"* ]]
	run -125 --separate-stderr build --build-context x=ftp://y
	[[ "$stderr" == *"--build-context: x: ftp://y: use a directory"* ]]
	run -125 build --build-context x="$WORK/none"
}

@test "--env, --unsetenv, --unsetlabel, --inherit-labels, --from, --build-arg-file, --omit-history" {
	file <<<$'FROM nowhere.invalid/x\nLABEL kept=1 dropped=2\nENV GONE=1 STAYS=1'
	build --from localhost/busybox
	cuddy tag localhost/t localhost/base
	file <<<$'FROM localhost/base\nARG A\nARG B=none\nRUN echo $GIVEN $A $B >/f\nLABEL own=3'
	printf '# arguments\nA=from-file\nB=from-file\n' >"$WORK/args"
	build --env GIVEN=given --unsetenv GONE --unsetlabel dropped --build-arg-file "$WORK/args" --build-arg B=flag
	[ "$(inside cat /f)" = "given from-file flag" ]
	[ "$(config Env | jq -c 'map(select(startswith("PATH")|not))')" = '["STAYS=1","GIVEN=given"]' ]
	[ "$(config Labels)" = '{"kept":"1","own":"3"}' ]
	build --inherit-labels=false --omit-history
	[ "$(config Labels)" = '{"own":"3"}' ]
	[ "$(cuddy image inspect --format '{{len .History}}' localhost/t)" = 0 ]
}

@test "a secret given with cache-key runs its commands anew when it changes; its hash is nowhere (K9)" {
	printf first >"$WORK/s"
	file <<-'E'
		FROM localhost/busybox
		RUN --mount=type=secret,id=s cat /proc/sys/kernel/random/uuid >/u; wc -c </run/secrets/s >/n
	E
	built() { build --secret "id=s,src=$WORK/s$1" && inside cat /u; }
	one=$(built "")
	printf second-one >"$WORK/s"
	[ "$(built "")" = "$one" ]                     # as everywhere else: the value is no part of the step
	two=$(built ,cache-key)
	[ "$two" != "$one" ]
	[ "$(built ,cache-key)" = "$two" ]
	printf third >"$WORK/s"
	run -0 cuddy build --explain --secret "id=s,src=$WORK/s,cache-key" -t localhost/t .
	[[ "$output" == *"for what changed: the secret s"* ]]
	three=$(inside cat /u)
	[ "$three" != "$two" ]
	printf second-one >"$WORK/s"
	[ "$(built ,cache-key)" = "$two" ]
	run -1 grep -rqsE "$(printf second-one | sha256sum | cut -c1-16)|$(printf third | sha256sum | cut -c1-16)|second-one" "$CUDDY_ROOT/cache" "$CUDDY_ROOT/images"
	[ "$(stat -c %a "$CUDDY_ROOT/cache/secret/key")" = 600 ]
	run -125 --separate-stderr cuddy build --secret "id=s,src=$WORK/s,cachekey" .
	[[ "$stderr" == *"'cachekey' is not id=, src=, env=, type= or cache-key"* ]]
}

@test "--call, --builder, --attest, annotations of base images, and options that change nothing (O5 O6)" {
	file <<<$'FROM localhost/busybox AS one\nFROM one\nFROM one AS last\nRUN cat /etc/hostname >/n; false'
	run -0 cuddy build --call=targets --platform linux/amd64,linux/arm64 .
	[ "$(sed 's/ *$//' <<<"$output")" = $'TARGET          DESCRIPTION\none\n1\nlast (default)' ]
	run -0 cuddy build --call check .
	[[ "$output" == *"Check complete, 0 findings"* ]]
	run -1 cuddy build --call build --pid private --no-hostname .
	run -125 --separate-stderr cuddy build --call plan .
	[[ "$stderr" == *"--call plan: use build, check, outline or targets"* ]]
	run -125 cuddy build --pid host .
	run -125 --separate-stderr cuddy build --builder remote .
	[[ "$stderr" == *remote* ]]
	refused() { run -125 --separate-stderr cuddy build -t localhost/none "${@:2}" . && [ "${#stderr_lines[@]}" = 1 ] && [[ "$stderr" == *": $1"* ]] || fail "${*:2}: $stderr"; }
	refused "--sbom=generator=X: generator=X: " --sbom=generator=X
	refused "--attest type=sbom,SOURCE=/: 'SOURCE=/': BUILDKIT_SCAN_SOURCE is for the build to say" --attest type=sbom,SOURCE=/
	refused "--sbom=a-b=1: 'a-b=1': the key is part of a variable's name" --sbom=a-b=1
	refused '--sbom="a=1: a quote is not closed' '--sbom="a=1'
	run -125 --separate-stderr cuddy build --sbom=true -o "$WORK/files" .
	[[ "$stderr" == *": --sbom is said beside an image, and none is made"* ]]
	refused "--provenance=filename=x: unknown key in 'filename=x': mode, version" --provenance=filename=x
	refused "--provenance=mode=most: 'mode=most': min or max" --provenance=mode=most
	refused "--attest type=provenance,version=v2: 'version=v2': v1 or v0.2" --attest type=provenance,version=v2
	run -125 --separate-stderr cuddy build --provenance=true -o "$WORK/files" .
	[[ "$stderr" == *": --provenance is said beside an image, and none is made"* ]]
	refused "--attest type=provenance,disabled=truex: 'disabled=truex': true or false" --attest type=provenance,disabled=truex
	refused "--attest disabled=true: use type=sbom or type=provenance" --attest disabled=true
	refused "--attest type=x,disabled=true: use type" --attest type=x,disabled=true
	refused "--provenance=perhaps: 'perhaps' is not KEY=VALUE" --provenance=perhaps
	refused "--rewrite-timestamp: to what time?" --rewrite-timestamp
	refused "--output type=image,rewrite-timestamp=true: rewrite-timestamp: to what time?" -o type=image,rewrite-timestamp=true
	refused "--rewrite-timestamp=false: not supported: with a time given no new file is later" --rewrite-timestamp=false --timestamp 1
	run -125 cuddy build --identity-label .
	file <<<$'FROM localhost/busybox\nLABEL a=b'
	cuddy build -q --annotation base.one=1 --annotation base.two=2 --builder default --attest type=provenance,disabled=true --attest disabled=1,type=sbom --sbom=disabled=true \
		--identity-label=false --layer-label x=y --created-annotation --timestamp 86400 -t localhost/base . >/dev/null
	annotations() { cuddy save -q --format oci-dir -o "$WORK/l$1" "$2" && jq -cS .annotations <"$WORK/l$1/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$WORK/l$1/index.json")"; }
	[ "$(annotations 1 localhost/base)" = '{"base.one":"1","base.two":"2","org.opencontainers.image.created":"1970-01-02T00:00:00Z"}' ]
	file <<<$'FROM localhost/base\nLABEL a=c'
	build --created-annotation=false
	[ "$(annotations 2 localhost/t)" = null ]
	build --created-annotation=false --inherit-annotations --unsetannotation base.one --unsetannotation org.opencontainers.image.created --annotation base.two=3 --annotation own=4
	[ "$(annotations 3 localhost/t)" = '{"base.two":"3","own":"4"}' ]
}

@test "options of commands: devices, groups, namespaces, names, proxies and what bounds them reach RUN, and only it" {
	file <<-'E'
		FROM localhost/busybox
		RUN { id -G; for n in uts ipc cgroup; do readlink /proc/self/ns/$n; done; grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -s '\t' ' '; } >/seen; ls -l /dev/mine | cut -c1 >>/seen; grep -v '^#' /etc/resolv.conf >/resolv; cat /etc/hosts >/hosts; echo "$http_proxy" >/proxy
		RUN echo "$http_proxy" >>/proxy
	E
	export http_proxy=http://proxy.invalid:1
	build --network none --cap-drop all --cap-add net_admin --group-add 77 --uts host --ipc host --cgroupns host --no-hosts --dns 192.0.2.1 \
		--dns-search x.test --dns-option ndots:3 --device /dev/null:/dev/mine --security-opt no-new-privileges --retry 1 --retry-delay 1s
	[ "$(inside cat /seen)" = "$(cuddy run --rm --network none --group-add 77 localhost/busybox id -G)
$(readlink /proc/self/ns/uts)
$(readlink /proc/self/ns/ipc)
$(readlink /proc/self/ns/cgroup)
CapEff: 0000000000001000
NoNewPrivs: 1
c" ] || fail "$(inside cat /seen)"
	run -0 inside cat /resolv
	[[ "$output" == *"nameserver 192.0.2.1"* && "$output" == *"search x.test"* && "$output" == *"options ndots:3"* ]] || fail "$output"
	[ "$(inside cat /hosts)" = "$(cuddy run --rm --network none --no-hosts localhost/busybox cat /etc/hosts 2>/dev/null)" ]
	[ "$(inside cat /proxy)" = $'http://proxy.invalid:1\nhttp://proxy.invalid:1' ]
	build --no-cache --network none --device /dev/null:/dev/mine --http-proxy=false
	[ -z "$(inside cat /proxy | tr -d '\n')" ]
	run -1 inside test -e /dev/mine
	run ! grep -q proxy.invalid <(cuddy image inspect localhost/t; cuddy history --no-trunc localhost/t)
}

@test "--network: of commands the one that is named, another container's, a helper with its options; --file twice is one file" {
	cuddy network create app >/dev/null
	cuddy run -d --name db --network app localhost/busybox httpd -f -p 8080 -h /etc >/dev/null
	printf 'FROM localhost/busybox AS a\nRUN wget -qO- http://db:8080/passwd | head -n 1 >/got; ip -o -4 addr show eth0 | grep -c 10.89. >>/got\nRUN --network=none ip -o link | wc -l >>/got\n' >A
	printf 'RUN --network=none echo two >/two\nFROM a\nCOPY --from=a /two /three\n' >B
	build --network app -f A -f B
	[ "$(inside cat /got /three)" = "root:x:0:0:root:/root:/bin/sh
1
1
two" ] || fail "$(inside cat /got /three)"
	[ "$(cuddy network inspect --format '{{len .Containers}}' app)" = 1 ]
	printf 'FROM localhost/busybox\nRUN wget -qO- http://127.0.0.1:8080/passwd | head -n 1 >/got\n' | cuddy build -q -t localhost/t --network container:db - >/dev/null
	[ "$(inside cat /got)" = root:x:0:0:root:/root:/bin/sh ]
	printf 'FROM localhost/busybox\nRUN cat /sys/class/net/tap0/mtu >/got\n' | cuddy build -q -t localhost/t --network slirp4netns:mtu=1400 - >/dev/null
	[ "$(inside cat /got)" = 1400 ]
	for bad in nosuch container:nosuch slirp4netns:x=y; do
		run -125 --separate-stderr cuddy build -q --network "$bad" -f A .
		[[ "$stderr" == *"--network"*"${bad%%:*}"* && "${#stderr_lines[@]}" = 1 ]] || fail "$stderr"
	done
	# Each line is told by the file that it stands in, and standard input is one of them.
	printf 'RUN true\nBOGUS x\n' | { run -125 --separate-stderr cuddy build -q -f A -f -  .; [[ "$stderr" == *"standard input:2: BOGUS x: unknown instruction BOGUS" ]] || fail "$stderr"; }
	printf 'from localhost/busybox\n' >L
	run -1 --separate-stderr cuddy build --check -f A -f L .
	[[ "$output$stderr" == *"L:1"* ]] || fail "$output $stderr"
	printf '# escape=`\nRUN true\n' >E
	run -125 --separate-stderr cuddy build -q -f A -f E .
	[[ "$stderr" == *"E: its escape character is"* ]]
	run -125 --separate-stderr cuddy build -q -f - -f - .
	[[ "$stderr" == *"standard input is read once"* ]]
	run -125 --separate-stderr cuddy build -q --call outline -f A -f B .
	[[ "$stderr" == *"tells of one file"* ]]
	cuddy rm -f -t 0 db >/dev/null
	cuddy network rm app >/dev/null
}

@test "--authfile, --creds, --cert-dir, --os, --source-date-epoch, --force-rm: bases come and images go with them" {
	registry_begin tls
	cuddy push -q --cert-dir "$REG_DIR/certs" --creds u:secret localhost/busybox "$REG/base:1" >/dev/null
	printf 'FROM %s/base:1\nRUN --network=none date +%%s >/t; echo $SOURCE_DATE_EPOCH >>/t\n' "$REG" >Containerfile
	run -125 --separate-stderr build --cert-dir "$REG_DIR/certs"
	[[ "$stderr" == *"$REG"* ]]
	run -125 --separate-stderr build --cert-dir "$REG_DIR/certs" --creds u:wrong
	run -125 --separate-stderr build --creds u:secret
	[[ "$stderr" == *certificate* ]] || fail "$stderr"
	cuddy build -q --cert-dir "$REG_DIR/certs" --creds u:secret --os linux --force-rm --source-date-epoch 1000 --push -t "$REG/made:1" . >/dev/null
	cuddy tag "$REG/made:1" localhost/t
	[ "$(cuddy image inspect --format '{{.Created.Unix}} {{.Os}}' localhost/t)" = "1000 linux" ]
	[ "$(inside stat -c %Y /t)" = 1000 ]
	curl -sf -u u:secret --cacert "$REG_DIR/certs/ca.crt" "https://$REG/v2/made/tags/list" | grep -q '"1"'
	cuddy rmi -f "$REG/base:1" localhost/t "$REG/made:1" >/dev/null
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:secret | base64)" >"$WORK/auth.json"
	chmod 600 "$WORK/auth.json"
	build --cert-dir "$REG_DIR/certs" --authfile "$WORK/auth.json" --no-cache
	run -125 --separate-stderr build --os windows --cert-dir "$REG_DIR/certs" --authfile "$WORK/auth.json" --pull
	[[ "$stderr" == *windows* ]] || fail "$stderr"
}

@test "--no-cache-filter and --cache-ttl say what is made anew; --logfile, --skip-unused-stages, refusals (K8 O6)" {
	file <<-'E'
		FROM localhost/busybox AS one
		RUN cat /proc/sys/kernel/random/uuid >/one
		FROM localhost/busybox AS two
		RUN cat /proc/sys/kernel/random/uuid >/two
		FROM scratch
		COPY --from=one /one /
		COPY --from=two /two /
	E
	cuddy build -q -o "$WORK/1" .
	cuddy build -q --no-cache-filter two -o "$WORK/2" .
	cmp "$WORK/1/one" "$WORK/2/one"
	run -1 cmp -s "$WORK/1/two" "$WORK/2/two"
	cuddy build -q --cache-ttl 1h -o "$WORK/3" .
	diff -r "$WORK/2" "$WORK/3"
	cuddy build -q --cache-ttl 1ns -o "$WORK/4" .
	run -1 cmp -s "$WORK/1/one" "$WORK/4/one"
	run -125 --separate-stderr cuddy build --no-cache-filter three .
	[[ "$stderr" == *"--no-cache-filter three: Containerfile has no such stage"* ]]
	file <<<$'FROM localhost/busybox AS one\nRUN echo said-by-one\nFROM localhost/busybox\nRUN echo said-by-two'
	run -0 --separate-stderr cuddy build --no-cache --logfile "$WORK/log" .
	[ -z "$stderr" ]
	grep -q '^said-by-two' "$WORK/log"
	grep -q '^STEP 1/2: FROM' "$WORK/log"
	run -1 grep -q said-by-one "$WORK/log"
	cuddy build --no-cache --skip-unused-stages=false --logfile "$WORK/log" . >/dev/null
	grep -q 'said-by-one' "$WORK/log"
	run -125 --separate-stderr cuddy build --isolation chroot .
	[[ "$stderr" == *"--isolation chroot: commands run in a rootless container"* ]]
	run -125 cuddy build --provenance=max .
	cuddy build -q --provenance=false --sbom=false --isolation oci . >/dev/null
	run -125 cuddy build --allow security.insecure .
}

@test "build: what is not done is refused with its reason; --logsplit, --iidfile-raw, --digestfile (O6)" {
	file <<<$'FROM scratch\nCOPY Containerfile /f'
	before=$(cuddy images -qa | sort -u)
	while IFS='|' read -r flag why; do
		run -125 --separate-stderr cuddy build $flag -t localhost/refused .
		[[ "$stderr" == *"${flag%%[= ]*}"*": not supported: $why"* ]] || fail "$flag: $stderr"
	done <<-'E'
		--cw type=snp|images for confidential machines
		--hooks-dir /h|commands run in cuddy's own runtime
		--mount type=bind,src=/,dst=/m|write RUN --mount
		--os-feature win32k|that is of images for another operating system
		--os-version 10|that is of images for another operating system
		--policy filename=p|policies in Rego are not read
		--resource memory=1g|say it with --memory
		--runtime crun|commands run in cuddy's own runtime
		--runtime-flag debug|commands run in cuddy's own runtime
		--save-stages|stages get no images
		--stage-labels|stages get no images
		--sbom-output f|podman's scanners are not run
		--sbom-purl-output f|podman's scanners are not run
		--sbom-image-output f|podman's scanners are not run
		--sbom-image-purl-output f|podman's scanners are not run
		--sbom-merge-strategy cat|podman's scanners are not run
		--sbom-scanner-command c|podman's scanners are not run
		--sbom-scanner-image i|podman's scanners are not run
		--sign-by me@example.org|sign what was built with push --sign-by
		--stdin|commands read nothing
		--userns=host|commands have all ids
		--userns-uid-map 0:0:1|commands have all ids
		--userns-gid-map 0:0:1|commands have all ids
		--userns-uid-map-user u|commands have all ids
		--userns-gid-map-group g|commands have all ids
	E
	refused() { run -125 --separate-stderr cuddy build -t localhost/refused "${@:2}" . && [[ "$stderr" == *"$1"* ]]; }
	refused "--decryption-key 'k': not supported: encrypted images" --decryption-key k
	refused "--logsplit goes with --logfile" --logsplit
	refused "--digestfile: nothing is sent; it goes with --push" --digestfile "$WORK/d"
	[ "$(cuddy images -qa | sort -u)" = "$before" ]
	[ ! -e "$WORK/d" ]
	# Harmless values, a file for each platform as buildah names them, and the id as it is printed.
	id=$(cuddy build --userns=private -D --compress --disable-content-trust --iidfile-raw "$WORK/raw" --logfile "$WORK/one" --logsplit --platform linux/amd64 .)
	[ "$(cat "$WORK/raw")" = "$id" ]
	grep -q '^STEP 2/2: COPY' "$WORK/one_linux_amd64"
	registry_begin
	cuddy build --tls-verify=false --push -t "$REG/split:1" --digestfile "$WORK/d" --logfile "$WORK/log" --logsplit \
		--platform linux/amd64,linux/arm64 . >/dev/null
	for p in amd64 arm64; do [ "$(grep -c '^STEP 2/2: COPY' "$WORK/log_linux_$p")" = 1 ]; done
	[ ! -s "$WORK/log" ]
	# The list's own digest, under which the registry has it.
	run -0 curl -sf -H 'Accept: application/vnd.oci.image.index.v1+json' "http://$REG/v2/split/manifests/$(cat "$WORK/d")"
	[ "$(jq '.manifests | length' <<<"$output")" = 2 ]
	cuddy build -q --tls-verify=false --push -t "$REG/split:2" --digestfile "$WORK/d" . >/dev/null
	[ "$(cat "$WORK/d")" = "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/split:2")" ]
}

@test "--compat-volumes: what commands change below a VOLUME is thrown away, what COPY puts there stays (I11)" {
	file <<-'E'
		FROM localhost/busybox
		RUN mkdir -p /data/sub /real && echo old >/data/f && ln -s /real /link
		VOLUME /data /none /link /data/sub
		RUN mkdir -p /none && echo new >/data/f && echo x >/data/g && echo y >/none/h && echo z >/data/sub/i && echo w >/link/j && stat -c %a /none >/seen && cat /data/f >>/seen
		COPY Containerfile /data/c
		RUN cat /data/f >>/seen && ls /data /none >>/seen && rm /data/c && echo kept >/out
	E
	see='cat /seen /out; ls /data /data/sub; cat /data/f; ls /real; [ ! -e /data/g ] && [ ! -e /none/h ]'
	build --compat-volumes
	want=$(inside sh -c "$see")
	[ "$want" = $'755\nnew\nold\n/data:\nc\nf\nsub\n\n/none:\nkept\n/data:\nc\nf\nsub\n\n/data/sub:\nold' ] || fail "$want"
	# Another step than without it.
	build
	run -0 inside sh -c 'cat /data/f; ls /data /none /real'
	[ "$output" = $'new\n/data:\nf\ng\nsub\n\n/none:\nh\n\n/real:\nj' ] || fail "$output"
}
