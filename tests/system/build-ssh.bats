load helpers
load build

TOOLS=$TOP/${BUILD:-build}/tools

# An agent of this test's with one key; $KEY is its file, $KEY2 another's that it does not hold.
start_agent() {
	KEY=$WORK/key KEY2=$WORK/key2
	ssh-keygen -q -t ed25519 -N '' -C first@test -f "$KEY"
	ssh-keygen -q -t ed25519 -N '' -C second@test -f "$KEY2"
	export SSH_AUTH_SOCK=$WORK/agent.sock
	ssh-agent -D -a "$SSH_AUTH_SOCK" >/dev/null 3>&- &
	AGENT=$!
	wait_until 20 ssh-add -q "$KEY"
}
teardown() {
	[ -z "${AGENT:-}" ] || kill "$AGENT"
	test_end
}

@test "ssh: a command may list and sign with the agent's keys, and can neither add, remove nor lock (M4)" {
	start_agent
	file <<-'E'
		FROM localhost/busybox
		RUN --mount=type=ssh /t/agentask 11 19 9 22 17 27 11 >/asked; echo $SSH_AUTH_SOCK >>/asked
		RUN --mount=type=ssh,mode=0606,uid=7,target=/a/sock stat -c '%F %a %u' /a/sock >/kind
		USER 7
		RUN --mount=type=ssh,uid=7 /t/agentask 11 >/tmp/asked
		USER 0
		RUN test ! -e /run/buildkit && test -z "$SSH_AUTH_SOCK"
		RUN --mount=type=ssh stat -c '%F %a %u' $SSH_AUTH_SOCK >>/kind
		RUN --mount=type=ssh,id=other /t/agentask 11 || echo none >/none
	E
	build --ssh default -v "$TOOLS:/t:ro"
	# 12: so many bytes of keys; 5: refused
	one=$(inside head -n 1 /asked)
	[[ "$one" == "12 "* ]]
	[ "${one#12 }" -gt 60 ]
	[ "$(inside cat /asked)" = "$one"$'\n5 1\n5 1\n5 1\n5 1\n5 1\n'"$one"$'\n/run/buildkit/ssh_agent.0' ]
	[ "$(inside cat /kind /tmp/asked /none)" = $'socket 606 7\nsocket 600 0\n'"$one"$'\nnone' ]
	run -0 ssh-add -l
	[[ "$output" == *first@test* ]]
}

@test "ssh: key files need no agent of the user's; several ids; what is wrong is said (M4)" {
	start_agent
	file <<-'E'
		FROM localhost/busybox
		RUN --mount=type=ssh,id=both,required --mount=type=ssh,id=one,target=/one sh -c '/t/agentask 11; SSH_AUTH_SOCK=/one /t/agentask 11' >/asked
	E
	SSH_AUTH_SOCK='' build --ssh "both=$KEY,$KEY2" --ssh one="$KEY2" -v "$TOOLS:/t:ro"
	run -0 inside cat /asked
	[ "${lines[0]#12 }" -gt "$((${lines[1]#12 } + 60))" ]
	[ "${lines[1]#12 }" -gt 60 ]
	run -125 --separate-stderr build --no-cache --ssh one="$KEY" -v "$TOOLS:/t:ro"
	[[ "$stderr" == *"Containerfile:2: "*"an agent 'both' is required: give it by --ssh both"* ]]
	SSH_AUTH_SOCK='' run -125 --separate-stderr build --ssh default
	[[ "$stderr" == *"--ssh default: no agent runs"* ]]
	run -125 --separate-stderr build --ssh one=Containerfile
	[[ "$stderr" == *"--ssh one: Containerfile: neither the socket of an agent nor a private key"* ]]
	ssh-keygen -q -t ed25519 -N passphrase -f "$WORK/locked"
	run -125 --separate-stderr build --no-cache --ssh both="$WORK/locked" -v "$TOOLS:/t:ro"
	[[ "$stderr" == *"locked: ssh-add does not take it"*"passphrase"* ]]
}

@test "nothing that a build leaves holds a secret, a key, or where they came from (M3)" {
	start_agent
	echo secret-in-a-file-7391 >"$WORK/secret-source"
	file <<-'E'
		FROM localhost/busybox AS one
		RUN --mount=type=secret,id=file --mount=type=secret,id=env,env=VALUE --mount=type=cache,target=/c \
			--mount=type=ssh --mount=type=ssh,id=key \
			sh -c '/t/agentask 11; test -s /run/secrets/file && test -n "$VALUE" && cat /run/secrets/file && echo "<$VALUE>" && echo kept >/c/kept && echo made >/made'
		FROM localhost/busybox
		COPY --from=one /made /
		RUN --mount=type=secret,id=file,required wc -c /run/secrets/file >/size
		RUN --mount=type=secret,id=env cat /run/secrets/env >/dev/null
	E
	SECRET=secret-in-a-variable-5512 cuddy build -t localhost/t --secret id=file,src="$WORK/secret-source" \
		--secret id=env,env=SECRET --ssh default --ssh key="$KEY2" -v "$TOOLS:/t:ro" \
		--iidfile "$WORK/iid" . >"$WORK/out" 2>"$WORK/log"
	grep -q '<\*\*\*>' "$WORK/log"
	# One that fails, and one that is killed in the middle of it.
	file <<-'E'
		FROM localhost/busybox
		RUN --mount=type=secret,id=file --mount=type=ssh,id=key cat /run/secrets/file >/copy; mkfifo /w/ready; echo >/w/ready; sleep 4711
	E
	mkdir -m 0777 "$WORK/w"
	"$CUDDY" build -q --secret id=file,src="$WORK/secret-source" --ssh key="$KEY2" -v "$WORK/w:/w" . >"$WORK/out2" 2>"$WORK/log2" 3>&- &
	pid=$!
	wait_until 20 test -p "$WORK/w/ready"
	read -r <"$WORK/w/ready"
	kill -9 $pid
	wait_until 20 eval '! pids_here -f "sleep 4711"'
	cuddy build -q - <<<'FROM localhost/busybox' >/dev/null
	cuddy save -o "$WORK/image.tar" localhost/t
	mkdir "$WORK/unpacked"
	tar -xf "$WORK/image.tar" -C "$WORK/unpacked"
	find "$WORK/unpacked" -type f -exec sh -c 'gzip -dc "$1" >"$1.plain" 2>/dev/null || rm -f "$1.plain"' _ {} \;
	key=$(sed -n 2p "$KEY2")
	for what in secret-in-a-file-7391 secret-in-a-variable-5512 "$key" "PRIVATE KEY" "$WORK/secret-source" "$KEY2" "$SSH_AUTH_SOCK" second@test; do
		run -1 unshare --user --map-auto --map-root-user grep -raFl -e "$what" "$CUDDY_ROOT" "$CUDDY_RUNROOT" \
			"$WORK/unpacked" "$WORK/iid" "$WORK/out" "$WORK/log" "$WORK/out2" "$WORK/log2"
	done
	# That the search finds what is there:
	run -0 unshare --user --map-auto --map-root-user grep -raFl -e kept "$CUDDY_ROOT/cache"
	run -0 grep -raFl -e "wc -c /run/secrets/file" "$WORK/unpacked"
}
