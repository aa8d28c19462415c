load helpers
load build

check() { run cuddy build --check "$@" .; }

@test "--check: each of BuildKit's rules, with file, line and the line itself; nothing is built or fetched (P11)" {
	echo secret.txt >.dockerignore
	touch secret.txt
	file <<-'E'
		ARG tag
		ARG WITH=bookworm
		from not.here.invalid/base:${tag} as Builder
		MAINTAINER somebody
		ENV API_KEY=x old_style
		ENV LEGACY value
		ARG github_token
		ENV PUBLIC_KEY=fine
		WORKDIR sub
		WORKDIR /abs
		WORKDIR fine
		EXPOSE 80/TCP 127.0.0.1:90:90 53/udp
		COPY secret.txt /
		CMD echo one
		CMD echo two
		FROM --platform=$TARGETPLATFORM scratch AS context
		COPY Containerfile $undefined/${fine:-x}/
		ARG DEFINED
		LABEL a=$DEFINED b=$PATH
		FROM --platform=linux/amd64 scratch
		FROM debian:$WITH-$WITHOUT
		RUN true \

		  && true
		SHELL ["/bin/bash", "-c"]
		ENTRYPOINT echo $not_ours
	E
	sed -i 's/ old_style$//' Containerfile
	check
	[ "$status" = 1 ]
	want='3: ConsistentInstructionCasing
	3: InvalidDefaultArgInFrom
	3: StageNameCasing
	4: MaintainerDeprecated
	5: SecretsUsedInArgOrEnv
	6: LegacyKeyValueFormat
	7: SecretsUsedInArgOrEnv
	9: WorkdirRelativePath
	12: ExposeInvalidFormat
	12: ExposeProtoCasing
	13: CopyIgnoredFile
	14: JSONArgsRecommended
	14: MultipleInstructionsDisallowed
	15: JSONArgsRecommended
	16: RedundantTargetPlatform
	16: ReservedStageName
	17: UndefinedVar
	20: FromPlatformFlagConstDisallowed
	21: UndefinedArgInFrom
	23: NoEmptyContinuation'
	got=$(grep -o '^Containerfile:[0-9]*: [A-Za-z]*' <<<"$output" | cut -d: -f2-)
	diff <(printf '%s\n' "$want" | tr -d '\t' | sort -n) <(sort -n <<<"$got")
	[[ "$output" == *"Containerfile:17: UndefinedVar: nothing sets \$undefined"$'\n'"    COPY Containerfile \$undefined"* ]]
	[[ "$output" == *"Check complete, 20 findings"* ]]
	[ -z "$(cuddy images -q --filter reference=not.here.invalid/base)" ]
}

@test "--check: a good file; what is skipped; what a base image and a parent stage set; error=true" {
	file <<-'E'
		# check=skip=JSONArgsRecommended,MaintainerDeprecated
		FROM localhost/busybox AS a
		MAINTAINER x
		ENV MORE=$PATH:/x ONE=1
		CMD echo
		FROM a
		WORKDIR /$ONE
		RUN echo $anything
	E
	check
	[ "$status" = 0 ]
	[[ "$output" == "Check complete, 0 findings" ]]
	sed -i '1s/.*/# check=error=true/' Containerfile
	run -125 --separate-stderr build
	[[ "$stderr" == *"Containerfile:3: MaintainerDeprecated: use LABEL"*$'\n    MAINTAINER x\n'* ]]
	[[ "$stderr" == *"check=error=true, and there is Containerfile:3: MaintainerDeprecated"* ]]
	sed -i 1d Containerfile
	run -0 --separate-stderr cuddy build .
	[[ "$stderr" == *'2 findings in the file; "cuddy build --check" tells what'* ]]
	sed -i '1i # check=skip=Nonsense' Containerfile
	check
	[ "$status" = 125 ]
	[[ "$output" == *"check=: there is no rule 'Nonsense'"* ]]
	# The build argument counts instead of the directive, as BuildKit has it.
	run -0 cuddy build --check --build-arg BUILDKIT_DOCKERFILE_CHECK='skip=all;error=true' .
	run -125 cuddy build --check --build-arg BUILDKIT_DOCKERFILE_CHECK=skip=Absurd .
	[[ "$output" == *"BUILDKIT_DOCKERFILE_CHECK: check=: there is no rule 'Absurd'"* ]]
}

@test "errors name file, line and the line, and what was probably meant (P11)" {
	while IFS='|' read -r text want; do
		printf "$text" >Containerfile
		run -125 --separate-stderr build
		[[ "$stderr" == *"$want"* ]] || fail "$text: $stderr"
		[ "${#stderr_lines[@]}" = 1 ] || fail "$text: $stderr"
	done <<-'E'
		FROM localhost/busybox\nRNU true|Containerfile:2: RNU true: unknown instruction RNU; did you mean RUN?
		FROM localhost/busybox\nCOPY --chwon=1 a b|Containerfile:2: COPY --chwon=1 a b: unknown flag --chwon; did you mean --chown?
		FROM localhost/busybox\nRUN --mount=type=cache,traget=/x true|unknown key 'traget' for type=cache; did you mean 'target'?
		FROM localhost/busybox AS builder\nFROM scratch\nCOPY --from=bulider /a /b|there is no stage bulider; did you mean builder?
		FROM localhost/busybox\nCOPY Containerfiel /|Containerfile:2: COPY Containerfiel /: not found in the context: Containerfiel; did you mean Containerfile?
		FROM localhost/busybox\nCOPY ../elsewhere /|not found in the context: ../elsewhere; paths begin there
		FROM localhost/busybox AS one\nFROM scratch\nCOPY --from=one /ect/passwd /|Containerfile:3: COPY --from=one /ect/passwd /: not found in the stage one: /ect/passwd
		FROM localhost/busybox AS one\nFROM scratch\nCOPY --from=one /etc/paswd /|not found in the stage one: /etc/paswd; did you mean /etc/passwd?
		FROM localhost/busybox\nADD --checksum=sha256:1 http://127.0.0.1:1/x /|'sha256:1' is no checksum: sha256: and 64 hex digits
		# escape=x\nFROM localhost/busybox|Containerfile:1: escape=x: use
		FROM localhost/busybox\nRUN --mount=type=cahce,target=/x true|type=cahce: use bind, cache, tmpfs, secret or ssh
	E
	file <<<'FROM localhost/busybox AS builder'
	run -125 --separate-stderr build --target bulider
	[[ "$stderr" == *"--target bulider: no such stage; did you mean builder?"* ]]
}

@test "--explain says of each step what changed since it was last done here" {
	mkdir src
	echo 1 >src/a
	file <<-'E'
		FROM localhost/busybox AS one
		WORKDIR /w
		COPY src /src
		ARG FLAVOUR=plain
		RUN --mount=type=bind,source=src,target=/m echo $FLAVOUR $(cat /m/a) >/f
		FROM localhost/busybox
		COPY --from=one /f /f
		RUN true
	E
	why() { run -0 --separate-stderr cuddy build --explain --jobs 1 "$@" . && grep '^-->' <<<"$stderr" | grep -v 'Using cache'; }
	run -0 why
	[ "$(sort -u <<<"$output")" = "--> done: this step was not seen before in this place" ]
	[ "${#lines[@]}" = 5 ]
	run -0 why
	[ "$(grep -c -- '--> the same was done at 2' <<<"$output")" = 5 ]
	[[ "${lines[4]}" == *"and changed no file" ]]
	run -0 why --build-arg FLAVOUR=sweet
	[[ "${lines[0]}" == "--> the same was done"* && "${lines[1]}" == "--> the same was done"* ]]
	[ "${lines[2]}" = "--> done again, for what changed: the variable FLAVOUR" ]
	[ "${lines[3]}" = "--> done again, for what changed: the files that are copied" ]
	[ "${lines[4]}" = "--> done again, for what changed: the files of what is below it" ]
	echo 2 >src/a
	run -0 why --build-arg FLAVOUR=sweet
	[ "${lines[1]}" = "--> done again, for what changed: the files that are copied" ]
	[ "${lines[2]}" = "--> done again, for what changed: the files of what is below it, the files mounted on /m" ]
	run -0 why --no-cache
	[ "$(sort -u <<<"$output")" = "--> done again: --no-cache" ]
	cuddy builder prune -a -f >/dev/null
	run -0 why
	[ "$(sort -u <<<"$output")" = "--> done: this step was not seen before in this place" ]
}

@test "--check: comments right above that describe nothing, when the file asks for that rule" {
	file <<-'E'
		# bar this is the wrong name
		ARG foo=bar
		# BASE is what it stands on
		ARG BASE=scratch

		# far away

		FROM scratch AS base
		# the version
		ARG version=1
		# last the end of all
		FROM $BASE AS last
	E
	run -0 cuddy build --check .
	sed -i '1i # check=experimental=InvalidDefinitionDescription' Containerfile
	check
	[ "$status" = 1 ]
	[ "$(grep -o '^Containerfile:[0-9]*: [A-Za-z]*' <<<"$output" | tr '\n' ' ')" = "Containerfile:3: InvalidDefinitionDescription Containerfile:11: InvalidDefinitionDescription " ]
	[[ "$output" == *"write '# foo …'"* ]]
	sed -i '1s/.*/# check=experimental=all;skip=InvalidDefinitionDescription/' Containerfile
	run -0 cuddy build --check .
}

@test "--call: targets, outline and check of a file whose images nobody has, as text and as BuildKit's JSON" {
	file <<-'E'
		ARG V=3
		# Make compiles all of it
		# with the tools of the base image
		FROM no.such.invalid/tools:$V AS Make
		# V is the version
		ARG V
		# X is made of it
		ARG X=a${V}b
		RUN --mount=type=secret,id=token,required --mount=type=ssh --mount=type=cache,target=/c --mount=from=no.such.invalid/x,target=/m true
		FROM Make
		ARG LATER
		RUN --mount=type=secret,id=token --mount=type=secret,id=more true
		FROM scratch AS other
		ARG OWN=1
	E
	text() { cuddy build --call "$@" . | sed 's/ *$//'; }
	diff - <(text targets) <<-'E'
		TARGET           DESCRIPTION
		make             compiles all of it
		1
		other (default)
	E
	diff - <(text outline --target make --build-arg V=7) <<-'E'
		TARGET:      make
		DESCRIPTION: compiles all of it

		BUILD ARG  VALUE  DESCRIPTION
		V          7      is the version
		X          a7b    is made of it

		SECRET  REQUIRED
		token   true

		SSH      REQUIRED
		default

		CACHE
		/c

	E
	run -0 text outline,format=json --target 1
	[ "$(jq -c '[(.args | map([.name, .value])), (.secrets | map([.name, .required, .location.ranges[0].start.line])), .name]' <<<"$output")" = \
		'[[["V","3"],["X","a3b"],["LATER",null]],[["token",true,9],["more",null,12]],null]' ]
	[ "$(jq -r '.sources[0] | @base64d' <<<"$output")" = "$(cat Containerfile)" ]
	run -0 text targets,format=json
	[ "$(jq -c '.targets | map([.name, .default, .base, .location.ranges[0].start.line])' <<<"$output")" = \
		'[["make",null,"no.such.invalid/tools:3",4],[null,null,"Make",10],["other",true,"scratch",13]]' ]
	run -1 --separate-stderr cuddy build --call check,format=json .
	[ "$(jq -c '[.sources[0].fileName, (.warnings | map([.ruleName, .location.ranges[0].start.line]))]' <<<"$output")" = '["Containerfile",[["StageNameCasing",4]]]' ]
	run -0 cuddy build --call check,ignorestatus=true .
	run -125 --separate-stderr cuddy build --call targets,format=yaml .
	[[ "$stderr" == *"--call: 'format=yaml': use format=json"* ]]
	[ -z "$(cuddy images -q --filter reference='no.such.invalid/*')" ]
}
