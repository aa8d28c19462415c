#!/usr/bin/env bats
# Images for other platforms: without an emulator as long as no command of theirs runs.
load helpers
load build
load registry

setup_file() { registry_file_begin; }
teardown_file() { registry_file_end; }

setup() {
	test_begin
	registry_begin
	mkdir "$WORK/ctx" && cd "$WORK/ctx"
	export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REG" >"$CONTAINERS_REGISTRIES_CONF"
}
teardown() {
	registry_end
	test_end
}
entries() { cuddy manifest inspect "$1" | jq -r '.manifests[].platform | .os + "/" + .architecture + (if .variant then "/" + .variant else "" end)' | tr '\n' ' '; }
field() { cuddy image inspect --format "$2" "$1"; }

@test "several platforms: a list, made of one run of what is the build machine's; pushed whole (G2 O10)" {
	mkdir -p "$WORK/d"
	file <<-'E'
		ARG BUILDPLATFORM
		FROM --platform=$BUILDPLATFORM localhost/busybox AS make
		ARG TARGETPLATFORM
		RUN --network=none echo x >>/d/runs && uname -m >/built
		ARG TARGETARCH TARGETVARIANT BUILDARCH
		RUN --network=none echo "$TARGETPLATFORM $TARGETARCH/$TARGETVARIANT on $BUILDARCH" >/for
		FROM scratch
		ARG TARGETOS
		ENV OS=$TARGETOS
		COPY --from=make /built /for /
		WORKDIR /w
	E
	run -0 --separate-stderr cuddy build -t "$REG/m:1" -v "$WORK/d:/d" --annotation index:who=me --annotation index,manifest-descriptor[linux/arm64]:for=some \
		--annotation manifest-descriptor:each=one --platform linux/amd64,linux/arm64 --platform linux/arm/v7 --iidfile "$WORK/iid" .
	[ "${#lines[@]}" = 3 ]
	ids=("${lines[@]}")
	[ "$(entries "$REG/m:1")" = "linux/amd64 linux/arm64 linux/arm/v7 " ]
	[ "$(cuddy manifest inspect "$REG/m:1" | jq -c '[.annotations.who, .annotations.for, (.manifests[]|[.platform.architecture, .annotations.for, .annotations.each])]')" = \
		'["me","some",["amd64",null,"one"],["arm64","some","one"],["arm",null,"one"]]' ]
	[ "$(field "${ids[1]}" '{{.Os}}/{{.Architecture}} {{index .Config.Env 1}}')" = "linux/arm64 OS=linux" ]
	[[ "$stderr" == *"==> linux/arm64"* ]]
	cuddy manifest exists "$(cut -d: -f2 "$WORK/iid")"
	# Each has its own; what is the same was made once.
	cuddy build -q -o "$WORK/out" -v "$WORK/d:/d" --platform linux/arm64,linux/arm/v7 . >/dev/null
	[ "$(cat "$WORK/out/linux_arm64/for")" = "linux/arm64 arm64/ on amd64" ]
	[ "$(cat "$WORK/out/linux_arm_v7/for")" = "linux/arm/v7 arm/v7 on amd64" ]
	[ "$(cat "$WORK/out/linux_arm_v7/built")" = "$(uname -m)" ]
	[ "$(wc -l <"$WORK/d/runs")" = 3 ] # the variable is there for it
	# The same again is the same, and all of it arrives.
	run -0 --separate-stderr cuddy build -t "$REG/m:1" -v "$WORK/d:/d" --push --platform linux/amd64,linux/arm64,linux/arm/v7 --metadata-file "$WORK/meta" .
	[ "${lines[*]}" = "${ids[*]}" ]
	[ "$(jq -r '."containerimage.digest", ."containerimage.descriptor".digest' "$WORK/meta" | uniq)" = \
		"sha256:$(skopeo inspect --raw --tls-verify=false "docker://$REG/m:1" | sha256sum | cut -d' ' -f1)" ]
	skopeo copy -q --all --src-tls-verify=false "docker://$REG/m:1" "oci:$WORK/all:x"
	# So it does in an archive, as one entry of it.
	run -0 --separate-stderr cuddy build -q -v "$WORK/d:/d" --platform linux/amd64,linux/arm64 --annotation index-descriptor:of=archive \
		--annotation index:of=list -o type=oci,dest="$WORK/both.tar",name=localhost/both:1 .
	mkdir "$WORK/both"
	tar -xf "$WORK/both.tar" -C "$WORK/both"
	[ "$(jq -c '[.manifests[] | .annotations.of, .annotations["org.opencontainers.image.ref.name"]]' "$WORK/both/index.json")" = '["archive","localhost/both:1"]' ]
	of=$(jq -r '.manifests[0].digest[7:]' "$WORK/both/index.json")
	[ "$(jq -r '.annotations.of, (.manifests[] | .platform.architecture)' "$WORK/both/blobs/sha256/$of" | xargs)" = "list amd64 arm64" ]
	skopeo copy -q --all "oci-archive:$WORK/both.tar" "dir:$WORK/copied"
	[ "$(skopeo inspect --override-arch arm64 "oci-archive:$WORK/both.tar" | jq -r .Architecture)" = arm64 ]
	run -1 cuddy manifest exists localhost/both:1
	[ -z "$(cuddy images -q localhost/build-*)" ]
	# A command that fails leaves no list, and what an archive cannot hold is refused before it runs.
	file <<<$'FROM localhost/busybox\nARG TARGETARCH\nRUN --network=none [ $TARGETARCH = amd64 ]'
	run -125 --separate-stderr cuddy build -t localhost/none --platform linux/amd64,linux/s390x .
	run -1 cuddy manifest exists localhost/none
	run -125 --separate-stderr cuddy build -o type=docker,dest="$WORK/o" --platform linux/amd64,linux/arm64 .
	[[ "$stderr" == *"hold one platform"* ]]
	[ ! -e "$WORK/o" ]
	run -125 --separate-stderr cuddy build --annotation index-descriptor:a=b --platform linux/amd64,linux/arm64 .
	[[ "$stderr" == *"only an archive has one"* ]]
	run -125 --separate-stderr cuddy build --annotation index:a=b .
	[[ "$stderr" == *"there is no index"* ]]
	run -125 --separate-stderr cuddy build --platform linux/amd64,,x .
	run -125 --separate-stderr cuddy build --platform windows/amd64 .
	[[ "$stderr" == *"only images of Linux"* ]]
	# A list by its name, one platform after the other.
	file <<<$'FROM scratch\nCOPY Containerfile /'
	for p in arm64 amd64; do cuddy build -q --platform "linux/$p" --manifest localhost/later . >/dev/null; done
	[ "$(entries localhost/later)" = "linux/arm64 linux/amd64 " ]
	# One platform alone is no list, unless one is asked for.
	cuddy build -q --build-arg BUILDKIT_MULTI_PLATFORM=1 --annotation index:of=one -t localhost/single --platform linux/arm64 . >/dev/null
	[ "$(entries localhost/single) $(cuddy manifest inspect localhost/single | jq -r .annotations.of)" = "linux/arm64  one" ]
	[ "$(cuddy build -q --build-arg BUILDKIT_MULTI_PLATFORM=1 -t localhost/single . | wc -l)" = 1 ]
	[ "$(entries localhost/single)" = "linux/amd64 " ]
	id=$(cuddy build -q --arch arm --variant v6 .)
	[ "$(field "$id" '{{.Os}} {{.Architecture}}')" = "linux arm" ]
	[ "$(jq -r .variant "$CUDDY_ROOT/images/$id/config")" = v6 ]
	run -125 --separate-stderr cuddy build -q --arch arm --platform linux/arm64 .
	[ "${#stderr_lines[@]}" = 1 ]
}

# What is said by entry $2 of the list "NAME:TAG" at the registry: the statement, or the one in layer $3.
statement() {
	local name=${1%:*} m
	m=$(skopeo inspect --raw --tls-verify=false "docker://$REG/$1" | jq -r ".manifests[$2].digest")
	curl -sf "http://$REG/v2/$name/blobs/$(skopeo inspect --raw --tls-verify=false "docker://$REG/$name@$m" | jq -r ".layers[${3:-0}].digest")" | jq -S .
}

@test "--provenance: how each image was built, beside it in its list, and about the manifest that is sent (O6)" {
	echo hush-hush >"$WORK/token"
	file <<-'E'
		FROM localhost/busybox AS base
		ARG WHO
		RUN --network=none --mount=type=secret,id=token cat /run/secrets/token >/dev/null && echo "$WHO" >/who
	E
	run -0 --separate-stderr cuddy build -q --provenance=true --secret "id=token,src=$WORK/token" --build-arg WHO=me --label l=m -t "$REG/p:1" --push --metadata-file "$WORK/meta" .
	list=$(skopeo inspect --raw --tls-verify=false "docker://$REG/p:1")
	[ "$(jq -r '."containerimage.digest"' "$WORK/meta")" = "sha256:$(skopeo inspect --raw --tls-verify=false "docker://$REG/p:1" | sha256sum | cut -d' ' -f1)" ]
	[ "$(jq -c '[.manifests[].platform.architecture]' <<<"$list")" = '["amd64","unknown"]' ]
	[ "$(jq -r '.manifests[1].annotations | .["vnd.docker.reference.type"], .["vnd.docker.reference.digest"]' <<<"$list" | xargs)" = "attestation-manifest $(jq -r '.manifests[0].digest' <<<"$list")" ]
	said=$(statement p:1 1)
	[ "$(jq -r '._type, .predicateType, .subject[0].name, "sha256:" + .subject[0].digest.sha256' <<<"$said" | xargs)" = \
		"https://in-toto.io/Statement/v1 https://slsa.dev/provenance/v1 pkg:docker/$REG/p@1?platform=linux%2Famd64 $(jq -r '.manifests[0].digest' <<<"$list")" ]
	[ "$(jq -c '.predicate.buildDefinition.resolvedDependencies' <<<"$said")" = "[{\"digest\":{\"sha256\":\"$(cuddy image inspect --format '{{.Digest}}' localhost/busybox | cut -d: -f2)\"},\"uri\":\"pkg:docker/localhost/busybox@latest?platform=linux%2Famd64\"}]" ]
	[ "$(jq -r '.predicate.buildDefinition | .externalParameters.configSource.path, .internalParameters.builderPlatform' <<<"$said" | xargs)" = "Containerfile linux/amd64" ]
	[ "$(jq -c '.predicate.runDetails.metadata | [has("startedOn", "finishedOn", "invocationId"), .buildkit_completeness.request, .buildkit_reproducible]' <<<"$said")" = "[true,true,true,true,false]" ]
	[ "$(jq -c '[.predicate.buildDefinition.externalParameters.request | .args, .secrets]' <<<"$said")" = '[{"build-arg:WHO":"me","label:l":"m"},[{"id":"token","optional":true}]]' ]
	run -1 grep -q hush <<<"$said"
	# Whoever pulls gets the image.
	[ "$(cuddy run --rm --network none "$REG/p:1" cat /who)" = me ]
	cuddy manifest rm "$REG/p:1" >/dev/null
	[ -z "$(ls "$CUDDY_ROOT/blobs")" ]
	[ "$(cuddy run --rm --network none "$REG/p:1" cat /who)" = me ]
	cuddy rmi -f "$REG/p:1" >/dev/null
	# Of several platforms each has its own, and less is said than before; so it is in an archive.
	file <<<$'FROM scratch\nARG WHO\nCOPY Containerfile /'
	cuddy build -q --attest type=provenance,mode=min,builder-id=https://ci/7,reproducible=true,version=v0.2 --build-arg WHO=me --platform linux/amd64,linux/arm64 -t "$REG/p:2" --push \
		-o type=oci,dest="$WORK/p.tar" . >/dev/null
	[ "$(skopeo inspect --raw --tls-verify=false "docker://$REG/p:2" | jq -c '[.manifests[].platform.architecture]')" = '["amd64","arm64","unknown","unknown"]' ]
	said=$(statement p:2 3)
	[ "$(jq -r '.predicateType, (.predicate | .builder.id, .metadata.reproducible, .invocation.environment.platform)' <<<"$said" | xargs)" = "https://slsa.dev/provenance/v0.2 https://ci/7 true linux/arm64" ]
	[ "$(jq -r '.subject[0].digest.sha256' <<<"$said")" = "$(skopeo inspect --raw --tls-verify=false "docker://$REG/p:2" | jq -r '.manifests[1].digest[7:]')" ]
	run -1 grep -qE 'WHO|secrets' <<<"$said"
	skopeo copy -q --all "oci-archive:$WORK/p.tar" "oci:$WORK/p:x"
	index=$(jq -r '.manifests[0].digest[7:]' "$WORK/p/index.json")
	about=$(jq -r '.manifests[3].digest[7:]' "$WORK/p/blobs/sha256/$index")
	[ "$(jq -r '.subject[0].digest.sha256' "$WORK/p/blobs/sha256/$(jq -r '.layers[0].digest[7:]' "$WORK/p/blobs/sha256/$about")")" = \
		"$(jq -r '.manifests[1].digest[7:]' "$WORK/p/blobs/sha256/$index")" ]
}

@test "--sbom: a scanner looks at each image's files, other stages and the context, and what it writes goes beside it (O6)" {
	cat >scan <<-'E'
		#!/bin/sh
		set -e
		case $BUILDKIT_SCAN_HOW in
		fail) exit 9 ;;
		nothing) exit 0 ;;
		plain) echo '{"spdxVersion": "SPDX-2.3", "name": "it"}' >"$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"; exit ;;
		junk) echo '{"files": []}' >"$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"; exit ;;
		esac
		who="$*:$(id -u):$PWD:$OWN:$(ls /dev/mine /given 2>/dev/null || true):$(cat /proc/sys/kernel/random/uuid)"
		for s in "$BUILDKIT_SCAN_SOURCE" ${BUILDKIT_SCAN_SOURCE_EXTRAS:+"$BUILDKIT_SCAN_SOURCE_EXTRAS"/*}; do
			if touch "$s/new" 2>/dev/null; then exit 8; fi
			touch /tmp/new
			f=$(cd "$s" && find . -type f | sort | sed 's/.*/{"fileName": "&"}/' | tr '\n' ,)
			printf '{"predicateType": "https://spdx.dev/Document", "subject": null, "predicate": {"name": "%s", "files": [%s], "who": "%s"}}' \
				"$s" "${f%,}" "$who" >"$BUILDKIT_SCAN_DESTINATION/${s##*/}.spdx.json"
		done
	E
	file <<<$'FROM localhost/busybox\nENV OWN=own\nUSER 7\nWORKDIR /w\nCOPY --chmod=755 scan /bin/scan\nENTRYPOINT ["scan"]\nCMD ["an arg"]'
	cuddy build -q -t localhost/scan . >/dev/null
	mkdir -p "$WORK/given"
	echo hidden >.dockerignore
	touch hidden
	file <<-'E'
		ARG BUILDKIT_SBOM_SCAN_STAGE=false
		ARG BUILDPLATFORM
		FROM --platform=$BUILDPLATFORM localhost/busybox AS make
		ARG BUILDKIT_SBOM_SCAN_STAGE=make
		RUN ! env | grep BUILDKIT && echo x >/made
		FROM --platform=$BUILDPLATFORM localhost/busybox AS other
		RUN echo y >/y
		FROM scratch
		ARG BUILDKIT_SBOM_SCAN_CONTEXT=true
		ARG TARGETARCH
		COPY --from=make /made /for-$TARGETARCH
		COPY --from=other /y /
	E
	scanned() { cuddy build -q --network none --env OWN=other -v "$WORK/given:/given" --device /dev/null:/dev/mine --sbom="generator=localhost/scan,HOW=$1" "${@:2}" . >/dev/null; }
	scanned well --provenance=true --platform linux/amd64,linux/arm64 -t "$REG/s:1" --push
	list=$(skopeo inspect --raw --tls-verify=false "docker://$REG/s:1")
	[ "$(jq -c '[.manifests[].platform.architecture]' <<<"$list")" = '["amd64","arm64","unknown","unknown"]' ]
	m=$(skopeo inspect --raw --tls-verify=false "docker://$REG/s@$(jq -r '.manifests[3].digest' <<<"$list")")
	[ "$(jq -r '.layers[].annotations["in-toto.io/predicate-type"]' <<<"$m" | uniq -c | xargs)" = "3 https://spdx.dev/Document 1 https://slsa.dev/provenance/v1" ]
	said=$(statement s:1 3)
	[ "$(jq -r '._type, .predicateType, .subject[0].name, .subject[0].digest.sha256' <<<"$said" | xargs)" = \
		"https://in-toto.io/Statement/v1 https://spdx.dev/Document pkg:docker/$REG/s@1?platform=linux%2Farm64 $(jq -r '.manifests[1].digest[7:]' <<<"$list")" ]
	[ "$(jq -r '.predicate | .name, .files[].fileName, .who[:-36]' <<<"$said" | xargs)" = "/run/src/core/sbom ./for-arm64 ./y an arg:0:/w:own::" ]
	[ "$(statement s:1 3 1 | jq -r '.predicate | .name, .files[].fileName' | xargs)" = "/run/src/extras/sbom-context ./.dockerignore ./Containerfile ./scan" ]
	[ "$(statement s:1 3 2 | jq -r '.predicate | .name, (.files[].fileName | select(. == "./made"))' | xargs)" = "/run/src/extras/sbom-make ./made" ]
	[ "$(statement s:1 3 3 | jq -r '.subject[0].digest.sha256, (.predicate.buildDefinition.resolvedDependencies[].uri | select(contains("scan")))' | xargs)" = \
		"$(jq -r '.manifests[1].digest[7:]' <<<"$list") pkg:docker/localhost/scan@latest?platform=linux%2Famd64" ]
	# The same files are not scanned again; nobody else's stages are, either.
	scanned well --build-arg BUILDKIT_SBOM_SCAN_CONTEXT=false --build-arg BUILDKIT_SBOM_SCAN_STAGE=1 -t "$REG/s:2" --push
	[ "$(statement s:2 1 1 | jq -r .predicate.name) $(statement s:2 1 2 | jq -r .predicate.name)" = "/run/src/extras/sbom-make /run/src/extras/sbom-other" ]
	said=$(statement s:2 1)
	scanned well --build-arg BUILDKIT_SBOM_SCAN_CONTEXT=false --build-arg BUILDKIT_SBOM_SCAN_STAGE=1 -t "$REG/s:3" --push
	[ "$(statement s:3 1 | jq .predicate.who)" = "$(jq .predicate.who <<<"$said")" ]
	# A document that is no statement becomes one; a scanner that fails, or that says nothing or something else, ends the build.
	scanned plain -t "$REG/s:4" --push
	[ "$(statement s:4 1 | jq -c '[.predicateType, .predicate.name]')" = '["https://spdx.dev/Document","it"]' ]
	run -9 --separate-stderr scanned fail -t localhost/none
	[[ "$stderr" == *"--sbom:4: RUN scan what is in the image: exit status 9"* ]]
	run -125 --separate-stderr scanned nothing -t localhost/none
	[[ "$stderr" == *"--sbom: localhost/scan:latest: the scanner wrote nothing to /run/out"* ]]
	run -125 --separate-stderr scanned junk -t localhost/none
	[[ "$stderr" == *"what the scanner wrote as sbom.spdx.json: neither a statement of in-toto's nor an SPDX document"* ]]
	run -1 cuddy manifest exists localhost/none
	run -125 --separate-stderr cuddy build -q --sbom=generator=localhost/none/such --pull=never .
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == *"localhost/none/such:latest"* ]]
}

@test "another platform's base comes from the registry, and the name stays what it was; its commands need an emulator (G2)" {
	if [ -e /proc/sys/fs/binfmt_misc/qemu-s390x ]; then skip "there is an emulator"; fi
	file <<<$'FROM scratch\nCOPY Containerfile /of\nLABEL of=base'
	cuddy build -q -t "$REG/base:1" --push --platform linux/amd64,linux/s390x . >/dev/null
	cuddy manifest rm "$REG/base:1" >/dev/null
	cuddy image prune -f >/dev/null
	cuddy builder prune -a -f >/dev/null
	ours=$(cuddy pull -q "$REG/base:1")
	printf 'FROM %s\nCOPY Containerfile /mine\n' "$REG/base:1" >Containerfile
	id=$(cuddy build -q -t localhost/t --platform linux/s390x .)
	[ "$(field "$id" '{{.Architecture}} {{index .Config.Labels "of"}}')" = "s390x base" ]
	[ "$(cuddy image inspect --format '{{.Id}}' "$REG/base:1")" = "$ours" ]
	# It is here now: nobody is asked again.
	blob_gets_begin
	[ "$(cuddy build -q --pull=never --platform linux/s390x .)" = "$id" ]
	[ "$(blob_gets)" = 0 ]
	[ "$(field "$(cuddy build -q .)" '{{.Architecture}}')" = amd64 ]
	[ "$(field "$(cuddy build -q --platform linux/amd64 .)" '{{.Architecture}}')" = amd64 ]
	run -125 --separate-stderr cuddy build -q --pull=never --platform linux/riscv64 .
	[[ "$stderr" == *"not for linux/riscv64"* ]]
	# A command of it: said before it is tried, with what to do.
	printf 'FROM %s\nRUN --network=none true\n' "$REG/base:1" >Containerfile
	run -125 --separate-stderr cuddy build -q --platform linux/s390x .
	[[ "$stderr" == *"Containerfile:2: "*"linux/s390x cannot run here"*"apt-get install qemu-user-static"* ]]
	[ "${#stderr_lines[@]}" = 1 ]
	# FROM decides for itself.
	printf 'FROM --platform=linux/s390x %s\n' "$REG/base:1" >Containerfile
	[ "$(field "$(cuddy build -q .)" '{{.Architecture}}')" = s390x ]
}

@test "one digest of a tag for all platforms and stages, also when the tag moves meanwhile (I5)" {
	local name list=application/vnd.oci.image.index.v1+json
	for name in old new; do
		file <<<$'FROM scratch\nCOPY Containerfile /of\nLABEL of='$name
		cuddy build -q -t "$REG/moves:$name" --push --platform linux/amd64,linux/s390x . >/dev/null
		cuddy manifest rm "$REG/moves:$name" >/dev/null
	done
	cuddy image prune -f >/dev/null
	cuddy builder prune -a -f >/dev/null
	stands_for() { curl -sf -H "Accept: $list" "http://$REG/v2/moves/manifests/$1" | curl -sf -X PUT -H "Content-Type: $list" --data-binary @- "http://$REG/v2/moves/manifests/now"; }
	stands_for old
	cuddy push -q localhost/busybox "$REG/busybox:1"
	mkdir -p "$WORK/d"
	file <<-E
		FROM --platform=linux/amd64 $REG/busybox:1 AS wait
		RUN --network=none touch /d/begun; until [ -e /d/go ]; do sleep 0.05; done; touch /waited
		FROM --platform=linux/s390x $REG/moves:now AS other
		FROM $REG/moves:now
		COPY --from=wait /waited /
		COPY --from=other /of /other
	E
	cuddy build -q --pull=always -v "$WORK/d:/d" --platform linux/amd64,linux/s390x . >"$WORK/ids" 3>&- &
	wait_until 30 test -e "$WORK/d/begun"
	stands_for new
	: >"$WORK/d/go"
	wait $!
	labels() { for id in $(cat "$WORK/ids"); do field "$id" '{{.Architecture}}={{index .Config.Labels "of"}}'; done | xargs; }
	[ "$(labels)" = "amd64=old s390x=old" ]
	cuddy build -q --pull=always -v "$WORK/d:/d" --platform linux/amd64,linux/s390x . >"$WORK/ids"
	[ "$(labels)" = "amd64=new s390x=new" ]
}

@test "--all-platforms: those that all base images of the target are for; and standard input is read for each" {
	printf 'FROM scratch\nCOPY <<E /f\nx\nE\n' >Base
	for b in "one linux/amd64,linux/arm64,linux/arm/v7" "two linux/arm/v7,linux/amd64,linux/s390x" "three linux/amd64"; do
		cuddy build -q -f Base -t "$REG/${b% *}:1" --push --platform "${b#* }" . >/dev/null
		cuddy manifest rm "$REG/${b% *}:1" >/dev/null 2>&1 || cuddy rmi -f "$REG/${b% *}:1" >/dev/null
	done
	file <<-E
		FROM $REG/three:1 AS unused
		FROM --platform=linux/s390x $REG/two:1 AS own
		FROM $REG/one:1 AS first
		FROM $REG/two:1
		COPY --from=first /f /g
		COPY --from=own /f /h
	E
	run -0 cuddy build -q --all-platforms -t localhost/all .
	[ "$(entries localhost/all)" = "linux/amd64 linux/arm/v7 " ]
	run -0 cuddy build -q --all-platforms --target unused -t localhost/one .
	[ "${#lines[@]}" = 1 ]
	[ "$(field localhost/one '{{.Architecture}}')" = amd64 ]
	refused() { run -125 --separate-stderr cuddy build -q "${@:2}" && [ "${#stderr_lines[@]}" = 1 ] && [[ "$stderr" == *"$1"* ]]; }
	refused "--all-platforms and --platform" --all-platforms --platform linux/amd64 .
	file <<<'FROM scratch'
	refused "--all-platforms: no stage has a base image" --all-platforms .
	printf 'FROM %s/three:1 AS a\nFROM --platform=linux/s390x %s/two:1\nCOPY --from=a /f /\nFROM %s/none:1\nCOPY --from=1 /f /\n' "$REG" "$REG" "$REG" | file
	refused "Containerfile:4: FROM $REG/none:1: " --all-platforms .
	# From a pipe and from a file, as the Containerfile and as the context.
	printf 'FROM %s/one:1\nCOPY Base /base\n' "$REG" >"$WORK/File"
	both() { cuddy build -q --platform linux/amd64,linux/arm64 "$@" | wc -l; }
	[ "$(cat "$WORK/File" | both -f - .)" = 2 ]
	[ "$(both -f - . <"$WORK/File")" = 2 ]
	cp "$WORK/File" Containerfile
	[ "$(tar -c . | both -)" = 2 ]
	[ "$(tar -c . | cuddy build -q --all-platforms - | wc -l)" = 3 ]
	[ "$(head -n 1 Containerfile | cuddy build -q --all-platforms - | wc -l)" = 3 ]
	[ -z "$(ls -A "$CUDDY_ROOT/staging")" ]
}

@test "the same files and the same time give the same digest on every machine, for every user and range of ids (O3 O4)" {
	mkdir -p d/sub
	echo one >d/one && echo two >d/sub/two && ln -s one d/link && ln d/one d/hard
	chmod 755 d d/sub && chmod 640 d/one && chmod 4755 d/sub/two
	tar -cf a.tar --sort=name --owner=70 --group=80 --mtime=@5 d
	touch -d @1500000000 d/one d/sub/two
	file <<-'E'
		FROM scratch AS a
		COPY --chown=1000:60000 d /d
		WORKDIR /w/x
		FROM scratch
		COPY --from=a /d/sub /w /copied/
		ADD a.tar /tar/
		COPY --chmod=u=rw,go= <<"T" /text
		here $it is
		T
		ENV A=b
		LABEL c=d
		USER 60000:7
		CMD ["/x"]
	E
	umask 077
	[ "$(cuddy build -q --platform linux/amd64 --timestamp 1600000000 .)" = a45c18a910c68140b9dee47e99be5236f9b6004d58a0673d454c36ebd592d48b ]
}

# Ids are those of the image in every file that is made, whatever they are mapped to; times are the given one.
@test "two users with ranges of their own and two stores: one digest, commands included (O4)" {
	require_other_user
	as_other sh -c "test -x '$CUDDY'" || lacks "the other user cannot execute $CUDDY"
	[ "$(unshare --user --map-auto cat /proc/self/uid_map | awk '{ print $2; exit }')" != \
		"$(as_other unshare --user --map-auto cat /proc/self/uid_map | awk '{ print $2; exit }')" ]
	local d=/var/tmp/cuddy-same.$$ mine
	mkdir -m 0755 "$d"
	cd "$d"
	umask 022
	cp "$(image_file busybox)" busybox.tar
	mkdir -p src/sub && echo one >src/one && echo two >src/sub/two && ln -s one src/link && chmod 755 src/sub/two
	cat >Containerfile <<-'E'
		FROM localhost/busybox AS make
		RUN --network=none echo 'me:x:1000:60000::/home/me:/bin/sh' >>/etc/passwd && mkdir -p /o/d && echo x >/o/f && ln /o/f /o/hard && ln -s f /o/l && mkfifo /o/p && \
			chown 1000:60000 /o/f /o/d && chmod 4755 /o/f && rm -r /home/user && mkdir -m 1777 /home/user && touch /home/user/n
		USER me
		WORKDIR /home/me/work
		RUN --network=none id >id && echo $RANDOM >/dev/null && rm /tmp/none 2>/dev/null; umask 077; echo y >mine
		FROM localhost/busybox
		COPY --from=make /o /o
		COPY --from=make --chown=7:60001 /home/me /home/me
		COPY --chmod=u=rwX,go= src /src
		RUN --network=none rm /src/one && touch /src/sub/three
	E
	cuddy build -q -t localhost/t --no-cache --timestamp 1600000000 . >/dev/null
	mine=$(cuddy image inspect --format '{{.Id}} {{.RootFS.Layers}}' localhost/t)
	theirs() { as_other env HOME="$d/home" XDG_RUNTIME_DIR="$d/home" CUDDY_ROOT="$d/home/root" CUDDY_RUNROOT="$d/home/run" "$@"; }
	chmod 1777 "$d"
	as_other mkdir -m 0700 "$d/home"
	theirs "$CUDDY" load -q -i "$d/busybox.tar"
	run theirs sh -c "umask 077; cd '$d' && '$CUDDY' build -q -t localhost/t --no-cache --timestamp 1600000000 ."
	[ "$status" = 0 ] || fail "$output"
	run -0 theirs "$CUDDY" image inspect --format '{{.Id}} {{.RootFS.Layers}}' localhost/t
	theirs "$CUDDY" unshare rm -rf "$d/home/root" "$d/home/run"
	as_other rm -rf "$d/home"
	cd "$WORK" && rm -rf "$d"
	[ "$output" = "$mine" ]
}

# Since Linux 6.7 a user namespace may have emulators of its own. Ours for s390x is busybox: it does what the program that
# it is given is called, and that program is nothing but the header of one for s390x.
@test "commands of another platform run where the kernel has an emulator for it (G2)" {
	mkdir "$WORK/own"
	cat >"$WORK/script" <<-'SH'
		mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 99
		m='\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16'
		k='\xff\xff\xff\xff\xff\xff\xff\xfc\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff'
		export CUDDY_ROOT=$OWN/root CUDDY_RUNROOT=$OWN/run
		mkdir -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
		"$CUDDY" build -q --platform linux/s390x . 2>&1 | grep -o 'cannot run here'
		echo ":qemu-s390x:M::$m:$k:$BUSYBOX:F" >/proc/sys/fs/binfmt_misc/register || exit 99
		"$CUDDY" build -q -t localhost/own --platform linux/s390x . >/dev/null || exit 1
		"$CUDDY" image inspect --format '{{.Architecture}}' localhost/own
		"$CUDDY" build -q --platform linux/s390x -o "$OWN/files" . >/dev/null && cat "$OWN/files/made"
	SH
	printf '\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\026' >sh
	chmod 755 sh
	file <<<$'FROM scratch\nCOPY sh /bin/sh\nRUN --network=none echo "made for $(uname -s)" >/made\nRUN --network=none ["/bin/sh", "-c", "echo twice >>/made"]'
	own() { env OWN="$WORK/own" CUDDY="$CUDDY" BUSYBOX="$(command -v busybox)" unshare --user --map-auto --map-root-user --mount sh "$WORK/script"; }
	run own
	[ "$status" != 99 ] || skip "this kernel has no binfmt_misc for user namespaces"
	[ "$output" = $'cannot run here\ns390x\nmade for Linux\ntwice' ] || fail "$output"
	unshare --user --map-auto --map-root-user rm -rf "$WORK/own"
}
