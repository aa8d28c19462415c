#!/usr/bin/env bats
# Terminals, driven through a real pty as a person would.
load helpers

drive() { # drive <<PY: a script with ptydrv's names, IMAGE and a `sh` prompt pattern
	{ printf '%s\n' 'import os, subprocess, time' 'from ptydrv import *' 'IMAGE = os.environ["IMAGE"]' 'PROMPT = rb"# (\x1b\[6n)?$"' \
		'def out(*a): return subprocess.run([os.environ["CUDDY"], *a], stdout=subprocess.PIPE, check=True).stdout.decode().strip()'
	cat; } | python3 -
}

@test "pty: run -it gives a terminal of the container's own, and the exit status comes back" {
	drive <<'PY'
p = cuddy("run", "--rm", "-it", IMAGE, "sh")
p.expect(PROMPT)
p.send(b"tty; test -t 0 && test -t 1 && test -t 2 && echo all-$((1+1))\r")
p.expect(rb"/dev/(pts/0|console)\r\nall-2")
p.expect(PROMPT)
p.send(b"exit 7\r")
assert p.wait() == 7
assert p.modes() == p.before, "the terminal was left changed"
PY
}

@test "pty: the size is the caller's, and follows when the window changes" {
	drive <<'PY'
p = cuddy("run", "--rm", "-it", IMAGE, "sh", rows=31, cols=101)
p.expect(PROMPT)
p.send(b"stty size\r")
p.expect(rb"31 101")
p.send(b"trap 'stty size' WINCH; echo set\r")
p.expect(rb"\nset")
p.resize(44, 144)
eventually(lambda: (p.send(b"stty size\r"), p.read_some(0.2), b"44 144" in p.buf)[-1])
p.send(b"exit\r")
assert p.wait() == 0
PY
}

@test "pty: ^C interrupts the command in the container and not cuddy" {
	drive <<'PY'
p = cuddy("run", "--rm", "-it", IMAGE, "sh")
p.expect(PROMPT)
p.send(b"sh -c 'echo started; exec sleep 1000'\r")
p.expect(rb"\nstarted")
p.send(CTRL_C)
p.expect(PROMPT)
p.send(b"echo status $?\r")
p.expect(rb"status 130")
p.send(b"exit 0\r")
assert p.wait() == 0
PY
}

@test "pty: ^D ends the shell, and a signal that kills the command is 128+n" {
	drive <<'PY'
p = cuddy("run", "--rm", "-it", IMAGE, "sh")
p.expect(PROMPT)
p.send(CTRL_D)
assert p.wait() == 0
for i in range(20):                    # what cuddy says at first may cross the container's end
    p = cuddy("run", "--rm", "-it", "--init", "--network", "none", IMAGE, "sh", "-c", "kill -KILL $$")
    assert p.wait() == 137, p.all
assert p.modes() == p.before
PY
}

@test "pty: the first prompt may be answered at once: the terminal is raw before the payload can ask" {
	drive <<'PY'
import termios
for i in range(20):
    p = cuddy("run", "--rm", "-it", "--network", "none", IMAGE, "sh", "-c", "stty raw; echo ask; head -c 1 | od -An -tx1")
    p.expect(rb"ask")
    assert not p.modes()[3] & termios.ICANON, f"line editing still on in round {i}"
    p.send(CTRL_D)                     # to line editing this is an end of input, and lost
    p.expect(rb"04")
    assert p.wait() == 0
assert p.modes() == p.before
PY
}

@test "pty: detach keys leave the container running; attach goes on where it was" {
	drive <<'PY'
p = cuddy("run", "-it", "--name", "c", IMAGE, "sh")
p.expect(PROMPT)
p.send(b"X=kept; echo $X-1\r")
p.expect(rb"kept-1")
p.send(CTRL_P + CTRL_Q)
assert p.wait() == 0
assert p.modes() == p.before
assert out("inspect", "--format", "{{.State.Status}}", "c") == "running"
p = cuddy("attach", "c", rows=50, cols=90)
p.send(b"echo $X-2\r")
p.expect(rb"kept-2")
eventually(lambda: (p.send(b"stty size\r"), p.read_some(0.2), b"50 90" in p.buf)[-1])
p.send(CTRL_P)
p.send(CTRL_Q)
assert p.wait() == 0
p = cuddy("attach", "c")
p.send(b"exit 5\r")
assert p.wait() == 5
assert out("inspect", "--format", "{{.State.ExitCode}}", "c") == "5"
PY
}

@test "pty: a lone ^P is passed on, other detach keys can be chosen, in exec and attach as well, none at all too" {
	drive <<'PY'
p = cuddy("run", "-it", "--name", "c", IMAGE, "sh", "-c", "stty raw -echo; echo ready; head -c 2 | od -An -tx1; exec sh")
p.expect(rb"ready")
p.send(CTRL_P + b"a")
p.expect(rb"10 61")
p.kill()
p.wait()
out("rm", "-f", "-t", "0", "c")
p = cuddy("run", "-it", "--name", "d", "--detach-keys", "ctrl-x,y", IMAGE, "sh")
p.expect(PROMPT)
p.send(b"\x18y")
assert p.wait() == 0
assert out("inspect", "--format", "{{.State.Status}}", "d") == "running"
p = cuddy("exec", "-it", "--detach-keys", "ctrl-x,z", "d", "sh")
p.expect(PROMPT)
p.send(CTRL_P + CTRL_Q + b"\x15echo here-$((4+5))\r")
p.expect(rb"here-9")
p.send(b"while [ ! -e /go ]; do sleep 0.1; done; seq 20000; echo seq-$? >/left; exit\r")
p.expect(rb"exit")
p.send(b"\x18z")
assert p.wait() == 0
# It goes on, with a terminal that takes what it writes; nothing of ours stays when it is done (as after each test).
assert out("exec", "d", "sh", "-c", "touch /go; while [ ! -s /left ]; do sleep 0.1; done; cat /left") == "seq-0"
assert out("inspect", "--format", "{{.State.Status}}", "d") == "running"
p = cuddy("attach", "--detach-keys", "", "d")
p.send(CTRL_P + CTRL_Q + b"\x15echo still-$((4+4))\r")
p.expect(rb"still-8")
p.send(b"exit\r")
assert p.wait() == 0
PY
}

@test "pty: a failed start leaves the terminal as it was" {
	drive <<'PY'
for args, want in ((["nosuchcommand"], 127), (["/etc/passwd"], 126)):
    p = cuddy("run", "--rm", "-it", IMAGE, *args)
    assert p.wait() == want, p.all
    assert p.modes() == p.before
PY
}

@test "pty: with -i alone the caller's terminal is never the container's" {
	drive <<'PY'
p = cuddy("run", "--rm", "-i", IMAGE, "sh", "-c", "test -t 0 || echo no-tty-0; test -t 1 || echo no-tty-1; readlink /proc/self/fd/0 /proc/self/fd/1; cat")
p.expect(rb"no-tty-0")
p.expect(rb"no-tty-1")
p.send(b"typed\r")
p.expect(rb"typed\r\n.*typed\r\n")
p.send(CTRL_D)
assert p.wait() == 0
assert b"/dev/pts" not in p.all
PY
}

@test "pty: -t without a terminal gives the container one; output has its line ends" {
	cuddy run --rm -t "$IMAGE" sh -c 'test -t 1 && echo tty' >"$WORK/out"
	printf 'tty\r\n' | cmp - "$WORK/out"
}

@test "pty: exec -it has size, signals and status of its own" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	drive <<'PY'
p = cuddy("exec", "-it", "c", "sh", rows=33, cols=77)
p.expect(PROMPT)
p.send(b"stty size; tty\r")
p.expect(rb"33 77")
p.expect(rb"/dev/pts/[0-9]+")
p.resize(34, 78)
eventually(lambda: (p.send(b"stty size\r"), p.read_some(0.2), b"34 78" in p.buf)[-1])
p.send(b"sh -c 'echo started; exec sleep 1000'\r")
p.expect(rb"\nstarted")
p.send(CTRL_C)
p.expect(PROMPT)
p.send(b"exit 9\r")
assert p.wait() == 9
assert p.modes() == p.before
PY
	status_is c running
}

@test "pty: exec -t does not depend on who of the two behind it is heard first" {
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	# Who starts the command is held up, so that the command itself has handed its terminal over before.
	run -7 timeout 60 strace -f -o /dev/null -e trace=clone3 -e inject=clone3:delay_exit=300000 "$CUDDY" exec -t c sh -c 'tty; exit 7'
	[ "${output//$'\r'/}" = /dev/pts/0 ] || fail "$output"
}

@test "pty: attach to a container without a terminal shows its output and passes signals" {
	cuddy run -d --name c "$IMAGE" sh -c 'trap "echo bye; exit 4" INT; while :; do echo tick; sleep 0.1; done'
	drive <<'PY'
p = cuddy("attach", "c")
p.expect(rb"tick.*tick")
p.send(CTRL_C)
assert p.wait() == 4
PY
}

@test "pty: a window that is closed ends cuddy and leaves the container to its monitor" {
	drive <<'PY'
p = cuddy("run", "-it", "--name", "c", IMAGE, "sh")
p.expect(PROMPT)
os.close(p.master)
os.close(p.slave)
end = time.monotonic() + 10
while p.poll() is None and time.monotonic() < end:
    time.sleep(0.02)
assert p.status is not None, "cuddy hangs on a closed terminal"
PY
	run -0 cuddy inspect --format '{{.State.Status}}' c
	[[ "$output" =~ ^(running|exited)$ ]]
}

@test "pty: 2 MB of output through a terminal arrive whole with a slow reader" {
	drive <<'PY'
import hashlib
p = cuddy("run", "--rm", "-it", IMAGE, "sh", "-c", "stty -opost; i=0; while [ $i -lt 20000 ]; do echo $i-0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890; i=$((i+1)); done")
while p.poll() is None:
    p.read_some(0.05)
    if len(p.all) < 200000:
        time.sleep(0.01)
assert p.wait(60) == 0
lines = p.all.replace(b"\r", b"").split(b"\n")
assert [l.split(b"-")[0] for l in lines[:20000]] == [b"%d" % i for i in range(20000)]
assert all(l.endswith(b"-" + b"01234567890123456789"[0:0] + l.split(b"-")[1]) and len(l.split(b"-")[1]) == 91 for l in lines[:20000])
PY
}
