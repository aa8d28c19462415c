#!/usr/bin/env bats
# T01, T02: what a container can do to the terminal that it was started from, and what names can do to the one who lists them.
load hostile

setup() {
	test_begin
	cat >"$WORK/inject.py" <<-'P'
		# Types a line into every terminal in reach, with the plain number and with one that has higher bits set.
		import ctypes, os, platform
		raw = ctypes.CDLL(None, use_errno=True).syscall # ioctl(2) itself: libc's takes an int on some
		ioctl = {"x86_64": 16, "aarch64": 29}[platform.machine()]
		for name in (0, 1, 2, "/dev/tty", "/dev/console"):
		    try:
		        fd = name if isinstance(name, int) else os.open(name, os.O_RDWR | os.O_NOCTTY)
		        for number in (0x5412, 0x100005412):
		            for c in b"PWNED\n":
		                raw(ioctl, fd, ctypes.c_ulong(number), ctypes.byref(ctypes.c_char(c)))
		    except OSError:
		        pass
	P
	cat >"$WORK/shell.py" <<-'P'
		# A shell at a terminal of its own runs sys.argv[1:]; then: is there a line that nobody typed?
		import os, pty, sys
		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp("bash", ["bash", "-c", '"$@" >/dev/null; IFS= read -r -t 2 line; printf "typed:[%s]\n" "$line"', "bash"] + sys.argv[1:])
		text = b""
		try:
		    while data := os.read(fd, 4096):
		        text += data
		except OSError:
		    pass
		os.waitpid(pid, 0)
		print(text.decode(errors="replace"))
	P
	HOST=(-v /usr:/usr:ro -v /lib:/lib:ro -v "$WORK:$WORK")
	[ ! -d /lib64 ] || HOST+=(-v /lib64:/lib64:ro)
}

teardown() {
	[ -z "${FAKE_PID:-}" ] || { kill "$FAKE_PID"; wait "$FAKE_PID" 2>/dev/null || true; }
	test_end
}

at_terminal() { run -0 python3 "$WORK/shell.py" "$@"; echo "$output"; }

@test "T01: a container types nothing into the shell that started it, with a terminal of its own or without, also by exec and build" {
	if [ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1)" = 1 ]; then
		at_terminal python3 "$WORK/inject.py" # the host's own program can: this test would see it
		[[ "$output" == *"typed:[PWNED]"* ]]
	fi
	cuddy create --name at -t "${HOST[@]}" "$IMAGE" /usr/bin/python3 "$WORK/inject.py" >/dev/null
	at_terminal "$CUDDY" start -a -i at
	[[ "$output" == *"typed:[]"* ]]
	run -0 cuddy run --rm "${HOST[@]}" "$IMAGE" /usr/bin/python3 -c 'print("works")'
	[ "$output" = works ]
	cuddy run -d --name c "${HOST[@]}" "$IMAGE" sleep 1000 >/dev/null
	for how in "run --rm" "run --rm -t" "run --rm -it" "run --rm -i" "run --rm --privileged -t"; do
		at_terminal "$CUDDY" $how "${HOST[@]}" "$IMAGE" /usr/bin/python3 "$WORK/inject.py"
		[[ "$output" == *"typed:[]"* ]] || fail "$how"
	done
	for how in "exec" "exec -t" "exec -it"; do
		at_terminal "$CUDDY" $how c /usr/bin/python3 "$WORK/inject.py"
		[[ "$output" == *"typed:[]"* ]] || fail "$how"
	done
	mkdir "$WORK/ctx"
	printf 'FROM %s\nRUN /usr/bin/python3 %s\n' "$IMAGE" "$WORK/inject.py" >"$WORK/ctx/Containerfile"
	at_terminal "$CUDDY" build -q "${HOST[@]}" "$WORK/ctx"
	[[ "$output" == *"typed:[]"* ]]
}

@test "T02: names, labels, history and a registry's words are harmless on a terminal" {
	evil=$'\e]0;title\a\e[2J\xc2\x9b31m\r\xe2\x80\xaeback'
	mkdir "$WORK/ctx"
	printf 'FROM %s\nLABEL evil="%s"\nENV EVIL="%s"\nCMD ["%s"]\n' "$IMAGE" "${evil//$'\r'/}" "${evil//$'\r'/}" "x" >"$WORK/ctx/Containerfile"
	cuddy build -q -t evil "$WORK/ctx" >/dev/null 2>&1
	cuddy create --name c --label "evil=$evil" -e "EVIL=$evil" evil sh -c "$evil" >/dev/null
	cuddy volume create --label "evil=$evil" v >/dev/null
	hostile docker "$WORK/evil.tar" <<<'layers = [[("\x1b]0;title\x07\x1b[2J/../../\x9b31m\r\u202eback", "f", "1")]]'
	printf 'apiVersion: v1\nkind: "Evil\\e]0;title\\a\\e[2J\\x9b31m\\u202eback"\nmetadata: {name: e}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n' >"$WORK/evil.yaml"
	start_fake
	for words in "kube play $WORK/evil.yaml" "load -q -i $WORK/evil.tar" "volume inspect v" "volume create x$evil" "images" "image inspect evil" "inspect c" "history --no-trunc evil" "ps -a --no-trunc" "image tree evil" "image inspect --format {{.Config.Labels}} evil" \
		"inspect --format {{.Config.Cmd}} c" "pull -q --tls-verify=false --retry 0 127.0.0.1:$PORT/evil-words" "pull -q --tls-verify=false 127.0.0.1:$PORT/note-evil" "images nosuch$evil" "inspect nosuch$evil" "manifest inspect nosuch$evil"; do
		IFS=' ' read -r -a argv <<<"$words"
		run python3 - "$CUDDY" "${argv[@]}" <<-'P'
			import os, pty, re, sys
			pid, fd = pty.fork()
			if pid == 0:
			    os.execv(sys.argv[1], sys.argv[1:])
			text = b""
			try:
			    while data := os.read(fd, 4096):
			        text += data
			except OSError:
			    pass
			os.waitpid(pid, 0)
			bad = [c for c in (b"\x1b", b"\x07", b"\xc2\x9b", b"\xe2\x80\xae", b"\x9b31m") if c in text]
			bad += [b"CR"] if re.search(rb"\r(?!\n)", re.sub(rb"\r+\n", b"\n", text)) else []
			sys.exit("%r in %r" % (bad, text[:2000]) if bad else 0)
		P
		[ "$status" -eq 0 ] || fail "$words: $output"
	done
}

start_fake() {
	mkdir "$WORK/reg"
	python3 "$FIXTURES/fakereg.py" "$WORK/reg" 3>&- &
	FAKE_PID=$!
	wait_until 30 test -e "$WORK/reg/port"
	PORT=$(cat "$WORK/reg/port")
}
