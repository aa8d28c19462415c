#!/usr/bin/env bats
# Images from Containerfiles: stages, commands and their mounts, the config, what goes wrong.
# All tests of this file share one root and the busybox image.
load helpers
load build

@test "build: several stages, files from one to the other, a command, labels" {
	file <<-'E'
		ARG BASE=localhost/busybox
		FROM ${BASE} AS make
		ENV GREETING="hello there"
		LABEL stays=behind
		ARG WHO=nobody
		RUN mkdir -p /out/sub && echo "$GREETING $WHO" >/out/sub/text && chmod 750 /out/sub
		FROM localhost/busybox
		COPY --from=make /out /data
		LABEL one=1 "two words"="b c"
		EXPOSE 80 90/UDP
		VOLUME /v
		CMD ["cat", "/data/sub/text"]
	E
	run -0 build --build-arg WHO=world --label three=3
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	[ "$(inside)" = "hello there world" ]
	[ "$(inside stat -c %a /data/sub)" = 750 ]
	[ "$(config Labels)" = '{"one":"1","three":"3","two words":"b c"}' ]
	[ "$(config ExposedPorts)" = '{"80/tcp":{},"90/udp":{}}' ]
	[ "$(config Volumes)" = '{"/v":{}}' ]
	[ "$(config Cmd)" = '["cat","/data/sub/text"]' ]
	[[ "$(config Env)" != *GREETING* ]]
}

@test "build: the stages that the target does not need are not run; --target by name and number (G1)" {
	file <<-'E'
		FROM localhost/busybox AS broken
		RUN exit 7
		FROM localhost/busybox AS Good
		RUN echo good >/which
		FROM localhost/busybox
		RUN echo last >/which
	E
	run -0 build
	[ "$(inside cat /which)" = last ]
	run -0 build --target good
	[ "$(inside cat /which)" = good ]
	run -0 build --target 1
	[ "$(inside cat /which)" = good ]
	run -125 --separate-stderr build --target goood
	[[ "$stderr" == *"did you mean good?"* ]]
}

@test "build: a failing command gives its own exit status, says where, and leaves the name alone" {
	file <<-'E'
		FROM localhost/busybox
		RUN echo first
	E
	build
	before=$(cuddy image inspect --format '{{.Id}}' localhost/t)
	file <<-'E'
		FROM localhost/busybox
		RUN echo out; echo err >&2; exit 9
	E
	run -9 --separate-stderr cuddy build -t localhost/t .
	[ -z "$output" ]
	[[ "$stderr" == *"STEP 2/2: RUN echo out"* ]]
	[[ "$stderr" == *$'\nout\n'* && "$stderr" == *$'\nerr\n'* ]]
	[[ "$stderr" == *"Containerfile:2: RUN echo out; echo err >&2; exit 9: exit status 9"* ]]
	[ "$(cuddy image inspect --format '{{.Id}}' localhost/t)" = "$before" ]
	[ -z "$(cuddy ps -aq)" ]
	file <<-'E'
		FROM localhost/busybox
		RUN ["/no/such"]
	E
	run -127 build
}

@test "build: usage errors name file, line and the line, and nothing is run" {
	file <<-'E'
		FROM localhost/busybox
		RUN touch /x
		CPOY a b
	E
	run -125 --separate-stderr build
	[[ "$stderr" == "cuddy: build: Containerfile:3: CPOY a b: unknown instruction CPOY; did you mean COPY?" ]]
	printf 'FROM localhost/busybox\nCOPY nosuch /\n' >Containerfile
	run -125 --separate-stderr build
	[[ "$stderr" == *"Containerfile:2: COPY nosuch /: not found in the context: nosuch"* ]]
	printf 'FROM localhost/busybox\nUSER "a b"\n' >Containerfile
	run -125 --separate-stderr build
	[[ "$stderr" == *"Containerfile:2:"* ]]
	rm Containerfile
	run -125 --separate-stderr build
	[[ "$stderr" == *"no Containerfile or Dockerfile"* ]]
	run -125 --separate-stderr cuddy build ssh://example.org/x.git
	[[ "$stderr" == *"only https://, http:// and git:// are fetched"* ]]
}

@test "RUN: shell, exec form, SHELL, here-documents with and without a command" {
	file <<-'E'
		FROM localhost/busybox
		RUN echo "$0" >/1 && \
		    # a comment
		    echo more >>/1
		RUN ["/bin/sh", "-c", "echo exec $1 >/2", "x", "arg"]
		RUN <<EOF
		echo "in $0" >/3
		EOF
		RUN <<'EOF' cat >/4
		$nothing expands
		EOF
		RUN <<EOF
		#!/bin/sh -e
		echo script >/5
		EOF
		SHELL ["/bin/sh", "-ec"]
		RUN false; echo not reached >/6 || true
	E
	run -1 build
	sed -i '/^RUN false/d' Containerfile
	build
	[ "$(inside cat /1 /2 /3 /4 /5)" = $'/bin/sh\nmore\nexec arg\nin /bin/sh\n$nothing expands\nscript' ]
	[ "$(config Shell)" = '["/bin/sh","-ec"]' ]
}

@test "RUN: as USER in WORKDIR, with ENV and ARG in order; what it deletes is gone" {
	file <<-'E'
		FROM localhost/busybox
		RUN echo 'me:x:500:500::/home/me:/bin/sh' >>/etc/passwd && touch /gone /etc/keep
		USER me
		WORKDIR /home/me/work
		WORKDIR sub
		ENV V=env
		ARG V=arg
		RUN id -un >who && pwd >>who && echo "$V $HOME" >>who
		USER 0
		RUN touch /home/user/x
		RUN rm /gone && rm -r /home/user && mkdir /home/user
		ENV V=again
		RUN echo $V >/v
	E
	build
	[ "$(inside cat who)" = $'me\n/home/me/work/sub\narg /home/me' ]
	[ "$(inside stat -c %u /home/me/work /home/me/work/sub)" = $'500\n500' ]
	run -1 inside test -e /gone
	[ -z "$(inside ls /home/user)" ]
	[ "$(inside cat /v)" = again ]
}

@test "RUN: --network=none has no interface but lo; host needs the user's word (M6)" {
	file <<-'E'
		FROM localhost/busybox
		RUN --network=none ls /sys/class/net >/nets
	E
	build
	[ "$(inside cat /nets)" = lo ]
	printf 'FROM localhost/busybox\nRUN --network=host true\n' >Containerfile
	run -125 --separate-stderr build
	[[ "$stderr" == *"build --network host"* ]]
	run -0 build --network host
	printf 'FROM localhost/busybox\nRUN --security=insecure true\n' >Containerfile
	run -125 build
}

@test "RUN: mounts of the context, of a stage, tmpfs and caches leave nothing in the image" {
	mkdir src && echo content >src/f && echo o >src/g.o && echo '*.o' >.containerignore
	file <<-'E'
		FROM localhost/busybox AS st
		RUN mkdir /made && echo staged >/made/f
		FROM localhost/busybox
		RUN --mount=type=bind,source=src,target=/m/ctx cat /m/ctx/f >/1 && ! touch /m/ctx/x
		RUN --mount=target=/all ls /all/src >/2
		RUN --mount=from=st,source=/made,target=/st cat /st/f >/3
		RUN --mount=type=tmpfs,target=/t touch /t/x && grep -c ' /t tmpfs' /proc/mounts >/4
		RUN --mount=type=cache,target=/c sh -c 'echo x >>/c/n; wc -l </c/n >/5'
		RUN --mount=type=cache,target=/c sh -c 'echo x >>/c/n; wc -l </c/n >/6'
		RUN --mount=source=src,target=/rw,rw echo changed >/rw/f && touch /rw/new
	E
	build
	[ "$(inside cat /1 /2 /3 /4)" = $'content\nf\ng.o\nstaged\n1' ]
	[ "$(inside cat /5 /6 | tr -d '\n ')" = 12 ]
	[ "$(inside sh -c 'ls -d /m /all /st /t /c /rw 2>/dev/null; true')" = "" ]
	[ "$(cat src/f)" = content ]
	[ ! -e src/new ]
}

@test "RUN: secrets are files and variables for one command and nowhere else (M3)" {
	echo "s3cr3t-value" >"$WORK/sec"
	file <<-'E'
		FROM localhost/busybox
		RUN --mount=type=secret,id=one cat /run/secrets/one | tr a-z A-Z >/1
		RUN --mount=type=secret,id=one,target=/x/y,mode=0444,uid=5 stat -c '%a %u' /x/y >/2
		RUN --mount=type=secret,id=two,env=TWO sh -c 'echo ${#TWO} >/3'
		RUN test ! -e /run/secrets/one && test -z "$TWO"
		RUN --mount=type=secret,id=absent true
		RUN --mount=type=secret,target=/z/one wc -c </z/one >/4
	E
	TOK=other-s3cr3t run -0 build --secret id=one,src="$WORK/sec" --secret id=two,env=TOK
	[ "$(inside cat /1 /2 /3 /4)" = $'S3CR3T-VALUE\n444 5\n12\n13' ]
	[ "$(inside sh -c 'ls -d /run/secrets/* /x 2>/dev/null; true')" = "" ]
	run -1 unshare --user --map-auto --map-root-user grep -rqF -e s3cr3t-value -e other-s3cr3t "$CUDDY_ROOT" "$CUDDY_RUNROOT"
	run -125 --separate-stderr cuddy build -q - <<<$'FROM localhost/busybox\nRUN --mount=type=secret,id=need,required cat /run/secrets/need'
	[[ "$stderr" == *"secret need is required"* ]]
	head -c 512001 /dev/zero >"$WORK/sec"
	run -125 --separate-stderr build --secret id=one,src="$WORK/sec"
	[[ "$stderr" == *"512001 bytes, at most 512000 are read"* ]]
}

@test "CMD, ENTRYPOINT, HEALTHCHECK, STOPSIGNAL, MAINTAINER and ONBUILD become the config" {
	file <<-'E'
		FROM localhost/busybox
		CMD echo base
		HEALTHCHECK --interval=5s --retries=2 CMD ["true"]
		STOPSIGNAL SIGINT
		MAINTAINER me
		ONBUILD COPY --chown=3 marker /marker
		ONBUILD RUN cat /marker >/copied
		ONBUILD ENV FROM_TRIGGER=yes
	E
	cuddy build -q -t localhost/base .
	run -0 cuddy image inspect --format '{{json .Config.OnBuild}} {{.Config.StopSignal}} {{.Author}}' localhost/base
	[ "$output" = '["COPY --chown=3 marker /marker","RUN cat /marker \u003e/copied","ENV FROM_TRIGGER=yes"] SIGINT me' ] ||
		[ "$output" = '["COPY --chown=3 marker /marker","RUN cat /marker >/copied","ENV FROM_TRIGGER=yes"] SIGINT me' ]
	echo here >marker
	printf 'FROM localhost/base\nENTRYPOINT ["echo", "$FROM_TRIGGER"]\n' >Containerfile
	build
	[ "$(inside)" = '$FROM_TRIGGER' ]
	[ "$(config Cmd)" = null ]
	[[ "$(config Env)" == *FROM_TRIGGER=yes* ]]
	[ "$(cuddy run --rm --network none --entrypoint cat localhost/t /copied)" = here ]
	[[ "$(cuddy image inspect localhost/t)" != *OnBuild* ]]
}

@test "a builder that is killed takes the command along; the next one tidies (M6)" {
	printf 'FROM localhost/busybox\nRUN --network=none echo $$ >/pid; exec sleep 1000.25\n' >Containerfile
	"$CUDDY" build -q . &
	pid=$!
	sleeps() { pids_here -f 'sleep 1000[.]25' >/dev/null; }
	wait_until 20 sleeps
	kill -9 $pid
	gone() { ! sleeps; }
	wait_until 20 gone
	wait $pid || true
	printf 'FROM localhost/busybox\nRUN true\n' >Containerfile
	build
	cuddy ps -a >/dev/null
	emptied() { cuddy ps >/dev/null; [ -z "$(ls -A "$CUDDY_ROOT/staging")" ]; }
	wait_until 20 emptied
}

@test "what commands get: limits, capabilities, hosts, paths of the host; and the format of the image" {
	echo host >"$WORK/f"
	file <<-'E'
		FROM localhost/busybox
		RUN --network=none ulimit -n >/1; grep CapBnd /proc/self/status >>/1; grep -c 192.0.2.9 /etc/hosts >>/1; cat /mnt/f >>/1; df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d' ' -f2 >>/1; hostname >>/1
	E
	run -0 build --ulimit nofile=100:100 --cap-drop all --add-host there:192.0.2.9 -v "$WORK/f:/mnt/f:ro" \
		--shm-size 1m --format docker --rm --layers --progress plain --build-arg BUILDKIT_SANDBOX_HOSTNAME=called
	[ "$(inside cat /1)" = $'100\nCapBnd:\t0000000000000000\n1\nhost\n1024\ncalled' ]
	[ "$(inside sh -c 'ls /mnt 2>/dev/null; true')" = "" ]
	[ "$(cuddy image inspect --format '{{.ManifestType}}' localhost/t)" = application/vnd.docker.distribution.manifest.v2+json ]
	run -125 --separate-stderr build -v named:/x
	[[ "$stderr" == *"--volume: only /HOST/PATH"* ]]
}
