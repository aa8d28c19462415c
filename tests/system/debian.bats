#!/usr/bin/env bats
# A real Debian made by mmdebstrap and buildah: people's everyday work in it.
load helpers
load registry

setup_file() {
	file_begin
	pull_image debian localhost/debian:bookworm tls
}
teardown_file() { file_end; }
DEB=localhost/debian:bookworm

@test "debian: bash, python and the package manager work" {
	run -0 cuddy run --rm "$DEB" bash -c 'echo $BASH_VERSION; . /etc/os-release; echo $VERSION_CODENAME'
	[ "${lines[1]}" = bookworm ]
	run -0 cuddy run --rm -i "$DEB" python3 - <<<'import os, sys; print(sys.version_info >= (3, 11), os.getuid(), sorted(os.listdir("/"))[:3])'
	[ "$output" = "True 0 ['bin', 'boot', 'dev']" ]
	run -0 cuddy run --rm "$DEB" dpkg --audit
	[ -z "$output" ]
	run -0 cuddy run --rm "$DEB" sh -c 'dpkg -l | grep -c ^ii'
	[ "$output" -gt 50 ]
}

@test "debian: users are made, su and setuid programs work" {
	run -0 cuddy run --rm "$DEB" bash -c 'useradd -m -u 2000 someone && su someone -c "id -u; echo ~; touch ~/f && stat -c %U ~/f"'
	[ "$(echo $output)" = "2000 /home/someone someone" ]
	run -0 cuddy run --rm -u user "$DEB" bash -c 'passwd -S 2>/dev/null | cut -d" " -f1; stat -c %A /usr/bin/passwd'
	[[ "$output" == *-rwsr-xr-x* ]]
	run -0 cuddy run --rm -u user "$DEB" python3 -c 'import os; print(os.getresuid())'
	[ "$output" = "(1000, 1000, 1000)" ]
}

@test "debian: a package is taken out and files of all kinds are made, renamed, linked and removed" {
	run -0 cuddy run --rm "$DEB" bash -ec '
		cd /usr/share && mkdir a && ln -s a b && mv a c && ln c/../../bin/env c/env && rm b
		cp -a /etc /etc.copy && diff -r /etc /etc.copy && rm -r /etc.copy
		mkfifo p && chown 1:2 p && chmod 4711 c/env && stat -c %a c/env
		mv /usr/share/base-files /usr/share/renamed && ls /usr/share/renamed | head -n 1
		dpkg --purge --force-depends libcap2-bin >/dev/null 2>&1 && ! test -e /sbin/setcap'
	[ "${lines[0]}" = 4711 ]
}

@test "debian: setcap and chown to high ids work, and are seen again after a restart" {
	cuddy run --name c "$DEB" sh -c 'cp /bin/sleep /s && /sbin/setcap cap_net_raw=ep /s && touch /f && chown 65534:65534 /f && setfacl -m u:1:r /f 2>/dev/null; true'
	cuddy start -a c
	cuddy rm c
	cuddy run -d --name d "$DEB" sleep 1000
	cuddy exec d sh -c 'cp /bin/sleep /s && /sbin/setcap cap_net_raw=ep /s && chown 65534:65534 /s && /sbin/setcap cap_net_raw=ep /s'
	cuddy stop -t 0 d
	cuddy start d
	run -0 cuddy exec d sh -c 'stat -c %u /s; /sbin/getcap /s'
	[ "$(echo $output)" = "65534 /s cap_net_raw=ep" ]
	cuddy rm -f -t 0 d
}

@test "debian: a build of a small C-like tree through a bind mount leaves files of the caller" {
	mkdir "$BATS_TEST_TMPDIR/src"
	printf 'print("built")\n' >"$BATS_TEST_TMPDIR/src/m.py"
	run -0 cuddy run --rm -v "$BATS_TEST_TMPDIR/src:/src" -w /src "$DEB" python3 -c 'import py_compile, m; py_compile.compile("m.py", "out.pyc")'
	[ "$output" = built ]
	[ "$(stat -c %u "$BATS_TEST_TMPDIR/src/out.pyc")" = "$(id -u)" ]
	rm -rf "$BATS_TEST_TMPDIR/src"
}

@test "debian: threads, fork, signals, sockets and 2000 files do what they do outside" {
	run -0 cuddy run --rm -i "$DEB" python3 - <<'PY'
import os, signal, socket, subprocess, threading
out = []
t = [threading.Thread(target=lambda i=i: out.append(i)) for i in range(20)]
[x.start() for x in t]; [x.join() for x in t]
assert sorted(out) == list(range(20))
a, b = socket.socketpair(); a.sendall(b"x"); assert b.recv(1) == b"x"
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); c = socket.create_connection(s.getsockname()); c.close()
signal.signal(signal.SIGUSR1, lambda *_: out.append("usr1")); os.kill(os.getpid(), signal.SIGUSR1); assert "usr1" in out
assert subprocess.run(["sh", "-c", "exit 3"]).returncode == 3
os.mkdir("/many")
for i in range(2000): open(f"/many/{i}", "w").write(str(i))
assert len(os.listdir("/many")) == 2000
m = os.open("/dev/shm/x", os.O_CREAT | os.O_RDWR); os.ftruncate(m, 1 << 20); os.close(m)
print("all well")
PY
	[ "$output" = "all well" ]
}
