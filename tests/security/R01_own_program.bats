#!/usr/bin/env bats
# R01, R02, R23: what processes of a container see of the programs that start it: they cannot write them, and find
# neither descriptors nor environment of the host in them.
load hostile

SPY=$TOP/${BUILD:-build}/tools/procspy

# An installation that belongs to the user, as in ~/.local: what root of a container could write, if it could reach it.
own_install() {
	mkdir -p "$WORK/prefix/bin" "$WORK/prefix/libexec/cuddy"
	cp "$CUDDY" "$WORK/prefix/bin/cuddy"
	cp "$CUDDY-conmon" "$CUDDY-transfer" "$WORK/prefix/libexec/cuddy/"
	chmod -R u+w "$WORK/prefix"
	CUDDY=$WORK/prefix/bin/cuddy
	SUM=$(sums)
}
sums() { cat "$WORK"/prefix/bin/* "$WORK"/prefix/libexec/cuddy/* | sha256sum; }

trap_image() { # entrypoints that make the kernel run the starting program once more, inside
	load_as localhost/trap <<'EOT'
layers = [BASE(), [("t", "d"), ("evil", "f", "#!/proc/self/exe\n", 0o755), ("evil2", "s", "/proc/self/exe"), ("evil3", "f", "#!/proc/self/fd/3\n", 0o755)]]
config = {"Entrypoint": ["/evil"]}
EOT
}

@test "R01: a program that is run again inside cannot be written, neither at run nor at exec" {
	[[ "${BUILD:-}" != *san-* ]] || skip "a sanitizer's program has libraries, which are not inside: it cannot be run again there"
	own_install
	trap_image
	cuddy run -d --name a --network none --privileged -v "$(dirname "$SPY"):/t:ro" --entrypoint /t/procspy localhost/trap overwrite
	wait_log a ready
	local end=$((SECONDS + 60)) n=0
	# twenty rounds, and on a busy machine as many more as it needs to get hold of one
	while [ "$n" -lt 20 ] || { [[ "$("$CUDDY" logs a)" != *held* ]] && [ "$SECONDS" -lt "$end" ]; }; do
		timeout 5 "$CUDDY" exec a /evil >/dev/null 2>&1 || true
		timeout 5 "$CUDDY" exec a /evil2 >/dev/null 2>&1 || true
		timeout 5 "$CUDDY" exec a /proc/self/exe >/dev/null 2>&1 || true
		timeout 5 "$CUDDY" exec a /evil3 >/dev/null 2>&1 || true
		timeout 5 "$CUDDY" exec a true
		n=$((n + 1))
	done
	run -0 cuddy logs a
	echo "$output"
	[[ "$output" != *WROTE* ]]
	[[ "$output" == *held* ]]                       # it did get hold of one: the test attacks
	[[ "$output" == *"chmod: Read-only file system"* ]]
	[[ "$output" == *refused:* ]]
	for _ in $(seq 5); do
		timeout 5 "$CUDDY" run --rm --network none localhost/trap >/dev/null 2>&1 || true
		timeout 5 "$CUDDY" run --rm --network none --pid container:a --privileged --entrypoint /evil2 localhost/trap >/dev/null 2>&1 || true
	done
	[[ "$(cuddy logs a)" != *WROTE* ]]
	[ "$(sums)" = "$SUM" ]
	run -0 cuddy exec a true
}

@test "R02: a process that enters shows no descriptor, directory or program of the host, also to a tracer" {
	cuddy run -d --name a --network none --cap-add SYS_PTRACE -v "$(dirname "$SPY"):/t:ro" "$IMAGE" /t/procspy spy
	wait_log a ready
	for _ in $(seq 70); do cuddy exec a true </dev/null >/dev/null 2>&1; done # what is given on purpose is no leak
	cuddy exec a sleep 0.1 </dev/null >/dev/null 2>&1
	run -0 cuddy logs a
	echo "$output"
	[[ "$output" == *"/bin/busybox"* ]]             # it did see the entrants
	[ -z "$(grep -vxE 'ready|/|/bin/busybox|/t/procspy|/dev/null|/dev/pts(/[0-9]+)?|(pipe|socket):\[[0-9]+\]' <<<"$output")" ]
}

@test "R02: nor does one that joins the container's own user namespace, at exec and run; who starts it cannot be dumped" {
	cuddy run -d --name a --network none --cap-add SYS_PTRACE -v "$(dirname "$SPY"):/t:ro" "$IMAGE" /t/procspy spy
	wait_log a ready
	for _ in $(seq 15); do
		cuddy run --rm --network none --userns container:a --pid container:a "$IMAGE" true </dev/null >/dev/null 2>&1
	done
	cuddy run --rm --network none --userns container:a --pid container:a "$IMAGE" sleep 0.1 </dev/null >/dev/null 2>&1
	run -0 cuddy logs a
	echo "$output"
	[[ "$output" == *"/bin/busybox"* ]]
	[ -z "$(grep -vxE 'ready|/|/bin/busybox|/t/procspy|/dev/null|/dev/pts(/[0-9]+)?|(pipe|socket):\[[0-9]+\]' <<<"$output")" ]
	[[ "${BUILD:-}" != *san-* ]] || return 0
	run -125 strace -qq -e trace=prctl,mprotect "$CUDDY-conmon"
	[[ "${lines[0]}" == "prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE"*"= 0" ]] || fail "$output"
}

@test "R23: nothing of the caller's environment is in a container, its monitor or its helpers" {
	export SECRET=hunter2
	cuddy run -d --name a -e MINE=first "$IMAGE" sleep 1000
	run -0 cuddy exec a sh -c 'cat /proc/*/environ; env'
	[[ "$output" != *hunter2* ]]
	for p in $(strays | cut -d' ' -f1); do
		! grep -qs hunter2 "/proc/$p/environ" || fail "environment of $p: $(tr '\0' ' ' <"/proc/$p/cmdline")"
		! grep -qs hunter2 "/proc/$p/cmdline" || fail "it was there"
		case $(readlink "/proc/$p/exe") in
		*conmon* | *slirp*) ! grep -qs MINE "/proc/$p/environ" || fail "$p holds the container's environment" ;;
		esac
	done
	run -0 cuddy run --rm --network none "$IMAGE" env
	[[ "$output" != *first* ]]
	[[ "$output" != *hunter2* ]]
	run -0 cuddy run --rm --network none -e SECRET "$IMAGE" env
	[[ "$output" == *hunter2* ]]                    # asked for
	# Two that one process makes: each has its own.
	cat >"$WORK/two.yaml" <<-EOF
	apiVersion: v1
	kind: Pod
	metadata: {name: two}
	spec:
	  containers:
	  - {name: a, image: $IMAGE, command: [sleep, "1000"], env: [{name: MINE_A, value: a}]}
	  - {name: b, image: $IMAGE, command: [sleep, "1000"], env: [{name: MINE_B, value: b}]}
	EOF
	cuddy kube play --network none "$WORK/two.yaml" >/dev/null
	for c in a b; do
		run -0 cuddy exec two-$c sh -c 'tr "\0" "\n" </proc/1/environ; env'
		[ "$(grep ^MINE_ <<<"$output" | sort -u)" = "MINE_${c^^}=$c" ]
		[[ "$output" != *hunter2* ]]
	done
	cuddy kube down "$WORK/two.yaml" >/dev/null
}
