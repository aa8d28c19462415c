#!/usr/bin/env bats
# What a build shows: a live screen at a terminal, JSON for programs, plain lines for logs.
load helpers
load build

setup_file() {
	file_begin busybox
}

containerfile() {
	file <<-'E'
		FROM localhost/busybox AS one
		RUN --network=none echo first-$((1+1)); while [ ! -e /w/go ]; do sleep 0.1; done; echo later-$((2+2))
		FROM localhost/busybox AS two
		RUN --network=none echo side-$((3+3)); while [ ! -e /w/go ]; do sleep 0.1; done
		FROM localhost/busybox
		COPY --from=one /etc/passwd /1
		COPY --from=two /etc/passwd /2
	E
}

@test "a terminal: both stages with what they write, the time each took, and the tail of a step that fails" {
	containerfile
	mkdir "$WORK/w"
	printf 'FROM localhost/busybox\nRUN --network=none for i in $(seq 60); do echo line-$i-; done; printf "\\033[31mred\\n"; exit 3\n' >Fails
	cd "$WORK/ctx" && TERM=xterm W=$WORK/w PYTHONPATH=$FIXTURES python3 - <<-'PY'
		import os, re
		from ptydrv import *
		c = os.environ["CUDDY"]
		p = Pty([c, "build", "-t", "localhost/t", "-v", os.environ["W"] + ":/w", "."], rows=20, cols=70)
		p.expect(rb"=> +[0-9.]+s \[one 2/7\] RUN --network=none echo first")
		p.expect(rb"\| first-2\r\n")
		p.expect(rb"\| side-6\r\n")
		open(os.environ["W"] + "/go", "w").close()
		p.expect(rb"ok +[0-9.]+s \[(one|two) [24]/7\] RUN")
		p.expect(rb"ok +[0-9.]+s \[(one|two) [24]/7\] RUN")
		p.expect(rb"ok +[0-9.]+s \[2 7/7\] COPY --from=two")
		p.expect(rb"\r\n[0-9a-f]{64}\r\n")
		assert p.wait() == 0
		assert max(len(re.sub(rb"\x1b\[[0-9]*[A-Z]", b"", x)) for x in p.all.replace(b"\r", b"\n").split(b"\n")) <= 70, p.all
		assert p.modes() == p.before
		p = Pty([c, "build", "-t", "localhost/t", "-v", os.environ["W"] + ":/w", "."], rows=20, cols=70)
		p.expect(rb"ok CACHED \[(one|two) [24]/7\] RUN")
		assert p.wait() == 0
		p = Pty([c, "build", "-f", "Fails", "."], rows=20, cols=70)
		p.expect(rb"!! +[0-9.]+s \[0 2/2\] RUN")
		p.expect(rb"\| line-60-\r\n")
		p.expect(rb"cuddy: build: Fails:2: RUN .*exit status 3")
		assert p.wait() == 3
		tail = p.all[p.all.rindex(b"!!"):]
		assert b"line-30-" in tail and b"line-10-" not in tail, tail
		assert b"\x1b[31m" not in p.all, "a command's control characters reached the terminal"
	PY
}

@test "rawjson: steps, what they write, warnings and the end, as programs that follow buildx read them" {
	file <<-'E'
		FROM localhost/busybox AS one
		RUN --network=none echo out && printf unfinished
		FROM localhost/busybox
		COPY --from=one /etc/passwd /1
	E
	run -0 --separate-stderr cuddy build --progress rawjson --build-arg NOBODY=1 --build-arg BUILDKIT_FOO=1 --build-arg BUILDKIT_BUILD_NAME=1 -t localhost/t .
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	[ "$(grep -v '^{' <<<"$stderr" | wc -l)" = 0 ]
	json=$stderr
	[[ "$(jq -r 'select(.warnings) | .warnings[].short | @base64d' <<<"$json")" == "--build-arg NOBODY: no ARG declares it
--build-arg BUILDKIT_FOO: no ARG declares it, and builds know none of that name" ]]
	name() { jq -r "select(.vertexes) | .vertexes[] | select($1) | .name" <<<"$json"; }
	[ "$(name '.completed == null' | sort)" = "$(name '.completed != null' | sort)" ]
	[ "$(name '.completed != null' | grep -c '^\[one [12]/4\]\|^\[1 [34]/4\]')" = 4 ]
	v=$(jq -r 'select(.vertexes) | .vertexes[] | select(.name | contains("RUN")) | .digest' <<<"$json" | sort -u)
	[[ "$v" =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "$(jq -r "select(.logs) | .logs[] | select(.vertex == \"$v\") | .data | @base64d" <<<"$json" | grep -v '^$' | sort)" = $'out\nunfinished' ]
	# Again: cached. A failure has its error in the step, and the status.
	run -0 --separate-stderr cuddy build --progress rawjson -t localhost/t .
	[ "$(grep '^{' <<<"$stderr" | jq -r 'select(.vertexes) | .vertexes[] | select(.cached) | .name' | wc -l)" = 2 ]
	file <<<$'FROM localhost/busybox\nRUN --network=none printf "\\001%s 0 9 9 forged\\n" word; exit 4'
	run -4 --separate-stderr cuddy build --progress rawjson .
	[ "$(grep '^{' <<<"$stderr" | jq -r 'select(.vertexes) | .vertexes[] | select(.error) | .error' | grep -c 'exit status 4')" = 1 ]
	run ! grep -q '9/9' <<<"$stderr"
}

@test "plain for a pipe; the environment chooses, too; what cannot be is refused" {
	file <<<$'FROM localhost/busybox\nRUN --network=none true'
	run -0 --separate-stderr cuddy build --no-cache .
	[[ "$stderr" == $'STEP 1/2: FROM localhost/busybox\nSTEP 2/2: RUN --network=none true' ]]
	BUILDKIT_PROGRESS=rawjson run -0 --separate-stderr cuddy build .
	[[ "$stderr" == '{"vertexes":'* ]]
	BUILDKIT_PROGRESS=quiet run -0 --separate-stderr cuddy build .
	[ -z "$stderr" ]
	run -125 --separate-stderr cuddy build --progress tty .
	[[ "$stderr" == *"that is no terminal; use plain"* ]]
	BUILDKIT_PROGRESS=loud run -125 --separate-stderr cuddy build .
	[[ "$stderr" == *"BUILDKIT_PROGRESS=loud: use auto"* ]]
}

@test "quiet: nothing but the id; of a step that fails the last it wrote, whichever stage it is in" {
	file <<-'E'
		FROM localhost/busybox AS one
		RUN --network=none echo not-shown; echo $FAIL >/f
		FROM localhost/busybox
		COPY --from=one /f /f
		ARG FAIL
		RUN --network=none for i in $(seq 100); do echo line-$i-; done; printf 'no end \033[31mred'; test -z "$FAIL"
	E
	run -0 --separate-stderr cuddy build -q .
	[ -z "$stderr" ]
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	run -1 --separate-stderr cuddy build -q --build-arg FAIL=1 .
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" = 41 ]
	[[ "${stderr_lines[0]}" == *'| line-62-' ]]
	[[ "${stderr_lines[39]}" == *'| no end '*red ]]
	[[ "${stderr_lines[40]}" == 'cuddy: build: Containerfile:6: RUN '*': exit status 1' ]]
	# What a command did not write is one line, as ever; and with a log the output is there.
	file <<<$'FROM localhost/busybox\nCOPY none /'
	run -125 --separate-stderr cuddy build -q .
	[ "${#stderr_lines[@]}" = 1 ]
	file <<<$'FROM localhost/busybox\nRUN --network=none echo logged; exit 3'
	run -3 --separate-stderr cuddy build -q --logfile "$WORK/log" .
	[ "${#stderr_lines[@]}" = 1 ]
	grep -q ^logged "$WORK/log"
}

@test "what a command prints of a secret is *** in lines, logs, JSON and what is left of a failure (M3)" {
	printf 'top-secret-1\nmore-of-it\r\nab\n' >"$WORK/s"
	file <<-'E'
		FROM localhost/busybox AS one
		ARG FAIL=0
		RUN --network=none --mount=type=secret,id=s --mount=type=secret,id=v,env=V cat /run/secrets/s; echo "<$V$V> ab"; head -c 8190 /dev/zero | tr '\0' x; cat /run/secrets/s; printf "end-$V"; exit $FAIL
	E
	shown() { # shown STATUS OPTION...: all that is printed; nothing of it is secret
		run "-$1" --separate-stderr env VALUE=by-variable "$CUDDY" build --no-cache --secret id=s,src="$WORK/s" --secret id=v,env=VALUE "${@:2}" .
		output="$output$stderr"
		[[ "$output" != *top-secret* && "$output" != *more-of-it* && "$output" != *by-variable* ]] || fail "$output"
	}
	shown 0
	[[ "$output" == *$'\n***\n***\nab\n<******> ab\nxxx'* && "$output" == *$'\nend-***'* ]] || fail "$output"
	[ "$(tr -cd x <<<"$output" | wc -c)" -ge 8190 ]
	shown 3 -q --build-arg FAIL=3
	[[ "$output" == *'<******> ab'* ]]
	shown 0 --logfile "$WORK/log"
	[ "$(grep -c '^\*\*\*$' "$WORK/log")" -ge 3 ]
	run ! grep -qE 'top-secret|more-of-it|by-variable' "$WORK/log"
	shown 0 -q --logfile "$WORK/log"
	run ! grep -qE 'top-secret|more-of-it|by-variable' "$WORK/log"
	shown 0 --progress rawjson
	run -0 jq -r 'select(.logs) | .logs[].data | @base64d' <<<"$(grep '^{' <<<"$output")"
	[[ "$output" == *'<******> ab'* && "$output" != *top-secret* ]]
}
