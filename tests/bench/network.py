"""Networks, beside podman's: rows of tests/bench/measure.py."""
import os
import shutil
import socket
import subprocess
import time

from common import IMAGE, TOP, ok, out, took_ms

NEIGHBOURS = 30


def free_port():
    with socket.socket() as k:
        k.bind(("127.0.0.1", 0))
        return str(k.getsockname()[1])


def throughput(s):
    """Gbit/s to a server (S) and from it (R), as medians: over loopback, a published port of ours and of podman,
    and out of a container through slirp4netns. Interleaved, so that a slow moment of the machine meets all."""
    if not os.access("/dev/net/tun", os.W_OK):
        return {}
    probe, inside = f"{s.dir}/netprobe", "/probe"
    out("gcc", "-O2", "-static", "-w", "-o", probe, os.path.join(TOP, "tests/fixtures/netprobe.c"))
    port, ours, theirs = free_port(), free_port(), free_port()
    server = subprocess.Popen([probe, "tcp-flow", port], stdout=subprocess.PIPE)
    got = {}
    try:
        server.stdout.readline()
        mount = ["-v", f"{probe}:{inside}:ro"]
        s.run_cuddy("c", "run", "-d", "--name", "flow", "-p", f"127.0.0.1:{ours}:7", *mount, IMAGE, inside, "tcp-flow", "7")
        s.run_cuddy("c", "run", "-d", "--name", "out", "--network", "slirp4netns:allow_host_loopback=true", *mount, IMAGE,
                    "sleep", "100000")
        ways = {"loopback": lambda w: out(probe, "tcp-rate", "127.0.0.1", port, w, "2"),
                "published": lambda w: out(probe, "tcp-rate", "127.0.0.1", ours, w, "2"),
                "out": lambda w: s.run_cuddy("c", "exec", "out", inside, "tcp-rate", "10.0.2.2", port, w, "2")}
        if s.podman:
            ok(*s.podman, "run", "-d", "--name", "flow", "--network", "slirp4netns", "-p", f"127.0.0.1:{theirs}:7", *mount,
               IMAGE, inside, "tcp-flow", "7")
            ways["podman"] = lambda w: out(probe, "tcp-rate", "127.0.0.1", theirs, w, "2")
        for _ in range(5):
            for way, f in ways.items():
                for w in "SR":
                    got.setdefault((way, w), []).append(attempt(f, w))
    finally:
        server.kill()
        for name in ("flow", "out"):
            s.run_cuddy("c", "rm", "-f", "-t", "0", name)
    return {k: sorted(v)[len(v) // 2] for k, v in got.items()}


def attempt(f, way):
    """Servers in containers may need a moment to listen."""
    for _ in range(50):
        try:
            return float(f(way))
        except subprocess.CalledProcessError:
            time.sleep(.1)
    return 0.0


def forwarder_cpu(*names):
    """Seconds of processor that processes of these names have taken, of this user."""
    total = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                head, _, rest = f.read().rpartition(")")
            if head.partition("(")[2] in names and os.stat(f"/proc/{pid}").st_uid == os.getuid():
                total += sum(map(int, rest.split()[11:13]))
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


def turns(s):
    """Requests in a second over 1 and 16 connections, and the median one, through published ports; and what a GB costs the
    forwarder: over loopback, ours, and podman's with slirp4netns and pasta."""
    if not os.access("/dev/net/tun", os.W_OK):
        return {}
    probe, inside = f"{s.dir}/netprobe", "/probe"
    out("gcc", "-O2", "-static", "-w", "-o", probe, os.path.join(TOP, "tests/fixtures/netprobe.c"))
    port, got, cpu = free_port(), {}, {}
    server = subprocess.Popen([probe, "tcp-echo", port], stdout=subprocess.PIPE)
    ways = {"loopback": (port, ())}
    try:
        server.stdout.readline()
        for mode in ("slirp4netns", "pasta"):
            if mode == "pasta" and not shutil.which("pasta"):
                continue
            a, b = free_port(), free_port()
            common = ["-d", "--name", f"turns-{mode}", "--network", mode, "-v", f"{probe}:{inside}:ro"]
            s.run_cuddy("c", "run", *common, "-p", f"127.0.0.1:{a}:7", IMAGE, inside, "tcp-echo", "7")
            ways[f"cuddy, {mode}"] = (a, ("cuddy-proxy",))
            if s.podman and ok(*s.podman, "run", *common, "-p", f"127.0.0.1:{b}:7", IMAGE, inside, "tcp-echo", "7"):
                ways[f"podman, {mode}"] = (b, ("exe", "rootlessport", "pasta", "pasta.avx2", "passt.avx2"))
        for _ in range(3):
            for way, (at, _) in ways.items():
                for n in ("1", "16"):
                    for _ in range(50):                 # a server in a container may need a moment
                        try:
                            r = out(probe, "tcp-turns", "127.0.0.1", at, n, "1").split()
                            got.setdefault((way, n), []).append(tuple(map(float, r)))
                            break
                        except subprocess.CalledProcessError:
                            time.sleep(.1)
        for way, (at, names) in ways.items():
            if names:
                before = forwarder_cpu(*names)
                n = 400                                 # MB there and back
                subprocess.run(["sh", "-c", f"head -c {n}000000 /dev/zero | socat -t 20 - TCP:127.0.0.1:{at} >/dev/null"],
                               check=False)
                cpu[way] = (forwarder_cpu(*names) - before) / (2 * n / 1000)
    finally:
        server.kill()
        for mode in ("slirp4netns", "pasta"):
            s.run_cuddy("c", "rm", "-f", "-i", "-t", "0", f"turns-{mode}")
            if s.podman:
                ok(*s.podman, "rm", "-f", "-i", "-t", "0", f"turns-{mode}")
    return {k: sorted(v)[len(v) // 2] for k, v in got.items()} | {("cpu", w): v for w, v in cpu.items()}


def print_turns(got):
    for way in [w for w, n in got if n == "1"]:
        one, many = got[way, "1"], got.get((way, "16"), (0, 0))
        print(f"{'requests, ' + way:<40}{one[0]:.0f}/s, {one[1]:.0f} us = {one[1] / got['loopback', '1'][1]:.2f} x loopback; "
              f"16 connections {many[0]:.0f}/s" + (f"; {got['cpu', way]:.2f} s of processor a GB" if ("cpu", way) in got else ""))


def print_throughput(got):
    for way, what in (("published", "published port, client on the host"), ("podman", "  the same, podman"),
                      ("out", "out through slirp4netns to the host")):
        if (way, "S") in got:
            print(f"{what:<40}" + "  ".join(f"{name} {got[way, w]:.1f} Gbit/s = {got[way, w] / got['loopback', w]:.2f} x loopback"
                                           for w, name in (("S", "to it"), ("R", "from it"))))


def first_word(s, run, n):
    """From the start of run until the container's first word arrives at the host, by its own network: medians of n."""
    took = []
    with socket.socket() as k:
        k.bind(("127.0.0.1", 0))
        k.listen(8)
        k.settimeout(20)
        say = f"until echo x | nc -w 1 10.0.2.2 {k.getsockname()[1]} 2>/dev/null; do :; done"
        for _ in range(n):
            start = time.perf_counter()
            p = subprocess.Popen([*run, IMAGE, "sh", "-c", say], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, env=s.env("c"))
            client, _ = k.accept()
            took.append((time.perf_counter() - start) * 1000)
            client.close()
            p.wait()
    return sorted(took)[n // 2]


def ways(s):
    """How long until a network serves, and what one more container on a network costs."""
    got, mode = [], ["--network", "slirp4netns:allow_host_loopback=true"]
    theirs = f"podman {first_word(s, [*s.podman, 'run', '--rm', *mode], 5):.1f}" if s.podman else ""
    got.append(("run to the first word by slirp4netns", first_word(s, [s.program, "run", "--rm", *mode], 15), "ms", theirs))

    def join(i):
        s.run_cuddy("c", "run", "-d", "--name", f"n{i}", "--network", "bench", IMAGE, "sleep", "100000")

    def join_podman(i):
        ok(*s.podman, "run", "-d", "--name", f"n{i}", "--network", "bench", IMAGE, "sleep", "100000")

    took = [took_ms(join, i) for i in range(NEIGHBOURS)]
    s.run_cuddy("c", "rm", "-f", "-t", "0", *[f"n{i}" for i in range(NEIGHBOURS)])
    theirs = ""
    if s.podman and ok(*s.podman, "network", "exists", "bench"):
        many = [took_ms(join_podman, i) for i in range(5)]
        ok(*s.podman, "rm", "-f", "-t", "0", *[f"n{i}" for i in range(5)])
        theirs = f"podman, the first five {sorted(many)[2]:.1f}"
    got.append(("run -d --network NAME, the first ten", sorted(took[:10])[5], "ms", theirs))
    got.append((f"the same, the last ten of {NEIGHBOURS}", sorted(took[-10:])[5], "ms"))
    return got
