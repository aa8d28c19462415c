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


# Enough for a container by pasta to be somebody else than its host, which it looks like otherwise.
PASTA = "pasta:-a,10.9.8.7,-n,24,-g,10.9.8.1"
PASTAS = ("pasta", "pasta.avx2", "passt.avx2")
ROOTLESSPORT = ("exe", "rootlessport")
SECONDS = 1
NOISE = .9                                              # the same helper twice differs by so much


def host_address():
    """The host's own towards the world; containers reach it by every way out. None: there is no way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as k:
        try:
            k.connect(("203.0.113.1", 9))
            return k.getsockname()[0]
        except OSError:
            return None


def build_probe(s):
    probe = f"{s.dir}/netprobe"
    if not os.path.exists(probe):
        out("gcc", "-O2", "-static", "-w", "-o", probe, os.path.join(TOP, "tests/fixtures/netprobe.c"))
    return probe


class Flows:
    """Containers to send to and from, ours and podman's, each by a way of its own; .ways: {what: (measure, who forwards)}."""

    def __init__(self, s):
        self.s, self.names, self.ways = s, [], {}
        self.probe, self.host = build_probe(s), host_address()
        self.port = free_port()
        self.server = subprocess.Popen([self.probe, "tcp-flow", self.port], stdout=subprocess.PIPE)
        self.server.stdout.readline()
        self.ways["loopback"] = (self.rate("127.0.0.1", self.port), ())

    def rate(self, address, port, *inside):
        return lambda w: out(*inside, inside and "/probe" or self.probe, "tcp-rate", address, port, w, str(SECONDS), env=self.s.env("c"))

    def run(self, ours, name, *args):
        """Start it; the words that reach it, or None."""
        engine = [self.s.program] if ours else self.s.podman
        if not engine or not ok(*engine, "run", "-d", "--name", name, "-v", f"{self.probe}:/probe:ro", *args, env=self.s.env("c")):
            return None
        self.names.append((engine, name))
        return engine

    def published(self, what, ours, mode, who):
        port = free_port()
        if self.run(ours, f"to-{mode}", "--network", mode, "-p", f"127.0.0.1:{port}:7", IMAGE, "/probe", "tcp-flow", "7"):
            self.ways[what] = (self.rate("127.0.0.1", port), who)

    def outwards(self, what, ours, mode, who):
        name = f"from-{mode.partition(':')[0]}"
        engine = self.host and self.run(ours, name, "--network", mode, IMAGE, "sleep", "100000")
        if engine:
            self.ways[what] = (self.rate(self.host, self.port, *engine, "exec", name), who)

    def end(self):
        self.server.kill()
        for engine, name in self.names:
            ok(*engine, "rm", "-f", "-t", "0", name, env=self.s.env("c"))


def throughput(s):
    """{(what, S|R): (Gbit/s, seconds of processor a GB)} to a server and from it, medians of five interleaved rounds, so that a
    slow moment of the machine meets all: loopback, published ports, and out of containers."""
    if not os.access("/dev/net/tun", os.W_OK):
        return {}
    f = Flows(s)
    got = {}
    try:
        f.published("published port", True, "slirp4netns", ("cuddy-proxy",))
        f.published("published port, podman slirp4netns", False, "slirp4netns", ROOTLESSPORT)
        f.published("published port, podman bridge", False, "bench", ROOTLESSPORT)
        for what, mode, who in (("slirp4netns", "slirp4netns", ("slirp4netns",)), ("pasta", PASTA, PASTAS),
                                ("a bridge", "bench", ("slirp4netns",))):
            f.outwards(f"out by {what}", True, mode, who)
            f.outwards(f"out by {what}, podman", False, mode, who)
        for _ in range(5):
            for what, (measure, who) in f.ways.items():
                for w in "SR":
                    before = forwarder_cpu(*who)
                    gbit = attempt(measure, w)
                    gb = gbit * SECONDS / 8
                    got.setdefault((what, w), []).append((gbit, (forwarder_cpu(*who) - before) / gb if gb else 0.0))
    finally:
        f.end()
    return {k: tuple(sorted(x)[len(v) // 2] for x in zip(*v)) for k, v in got.items()}


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
    probe, inside = build_probe(s), "/probe"
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
                ways[f"podman, {mode}"] = (b, ROOTLESSPORT + PASTAS)
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


def verdict(good, word):
    return "ok" if good else word


def print_turns(got):
    if ("loopback", "1") not in got:
        return
    theirs = [got["cpu", w] for k, w in got if k == "cpu" and w.startswith("podman")]
    for way in [w for w, n in got if n == "1"]:
        one, many = got[way, "1"], got.get((way, "16"), (0, 0))
        x = one[1] / got["loopback", "1"][1]
        target = f" <= 1.4: {verdict(x <= 1.4, 'OVER')}" if way.startswith("cuddy") else ""
        text = f"{'requests, ' + way:<40}{one[0]:.0f}/s, {one[1]:.0f} us = {x:.2f} x loopback{target}; 16 connections {many[0]:.0f}/s"
        if ("cpu", way) in got:
            cpu = got["cpu", way]
            text += f"; {cpu:.2f} s of processor a GB"
            if way.startswith("cuddy") and theirs:
                text += f" <= podman's: {verdict(cpu <= max(theirs), 'OVER')}"
        print(text)


def print_throughput(got):
    best = {w: max([got[k][0] for k in got if k[0].startswith("published port, podman") and k[1] == w], default=0) for w in "SR"}
    for what in dict.fromkeys(k[0] for k in got if k[0] != "loopback"):
        cells = []
        for w, name in (("S", "to it"), ("R", "from it")):
            gbit, cpu = got[what, w]
            x = gbit / got["loopback", w][0] if got["loopback", w][0] else 0
            cell = f"{name} {gbit:.1f} Gbit/s"
            if what == "published port":
                cell += f" = {x:.2f} x loopback >= 0.65: {verdict(x >= .65, 'UNDER')}"
                if best[w]:
                    cell += f", {gbit / best[w]:.2f} x podman's best >= 1: {verdict(gbit >= best[w], 'UNDER')}"
            elif (what + ", podman", w) in got and got[what + ", podman", w][0]:
                same = gbit / got[what + ", podman", w][0]
                cell += f" = {same:.2f} x podman's >= 1: {verdict(same >= NOISE, 'UNDER')}"
            cells.append(cell + f", {cpu:.2f} s of processor a GB")
        print(f"{what:<40}" + ";  ".join(cells))


def first_word(s, host, run, n):
    """From the start of run until the container's first word arrives at the host, by its own network: medians of n."""
    took = []
    with socket.socket() as k:
        k.bind((host, 0))
        k.listen(8)
        k.settimeout(20)
        say = f"until echo x | nc -w 1 {host} {k.getsockname()[1]} 2>/dev/null; do :; done"
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
    got, host = [], host_address()
    for what, mode, podmans in (("slirp4netns", "slirp4netns", 5), ("pasta", PASTA, 0), ("a bridge", "bench", 5)):
        if not host or (mode == PASTA and not shutil.which("pasta")):
            continue
        words = ["run", "--rm", "--network", mode]
        theirs = f"podman {first_word(s, host, [*s.podman, *words], podmans):.1f}" if s.podman and podmans else ""
        got.append((f"run to the first word by {what}", first_word(s, host, [s.program, *words], 15), "ms", theirs))

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
