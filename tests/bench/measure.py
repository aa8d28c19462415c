#!/usr/bin/python3
"""tests/bench/measure.py BUILD_DIR: cuddy beside podman, crun and bubblewrap, in one run, as medians and ratios.

Everything lives in a scratch directory of its own, also podman's storage. The timing itself is runner.c; what is
here sets the scene, names the cases and prints the table of budgets."""
import concurrent.futures
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time

import builds
import many
import network
import shared
from common import IMAGE, TOP, median_ms, ok, out, print_lines

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
CUDDY = os.path.join(BUILD, "cuddy")
ROUNDS = int(os.environ.get("CUDDY_BENCH_ROUNDS", "21"))
LOG_MB = 32
MANY = 1000
LAYERS = 8


class Scene:
    """The scratch directory and what runs in it."""

    def __init__(self):
        base = f"/var/tmp/cuddy-b-{os.getuid()}"
        self.dir = base
        self.program = CUDDY
        wipe(base)
        os.makedirs(base, mode=0o700)
        self.registry = None
        self.image = out(os.path.join(TOP, "tests/images/make"), "busybox")
        self.podman = shutil.which("podman") and [
            "podman", "--root", f"{base}/podman/root", "--runroot", f"{base}/podman/run", "--tmpdir", f"{base}/podman/tmp",
            "--cgroup-manager=cgroupfs", "--log-level=error"]
        self.notes = []

    def cuddy(self, name="c"):
        """Environment words that select one of our roots."""
        run = f"{os.environ.get('XDG_RUNTIME_DIR') or self.dir}/cuddy-b-{name}"
        return [f"CUDDY_ROOT={self.dir}/{name}/root", f"CUDDY_RUNROOT={run}"]

    def env(self, name="c"):
        return dict(os.environ, **dict(w.split("=", 1) for w in self.cuddy(name)))

    def run_cuddy(self, name, *args):
        return out(CUDDY, *args, env=self.env(name), stdin=subprocess.DEVNULL)

    def make_root(self, name):
        for w in self.cuddy(name):
            os.makedirs(w.split("=", 1)[1], mode=0o700, exist_ok=True)
        self.run_cuddy(name, "load", "-q", "-i", self.image)


def wipe(path):
    if os.path.lexists(path):
        ok("unshare", "--user", "--map-auto", "--map-root-user", "rm", "-rf", path)
        shutil.rmtree(path, ignore_errors=True)


def run_cases(cases, rounds=ROUNDS):
    """{name: words} or {name: (before, words)} to {name: (median ms, failures)}."""
    lines = []
    for name, c in cases.items():
        before, words = c if isinstance(c, tuple) else ([], c)
        lines.append(f"{name}|{' '.join(before)}|{' '.join(words)}\n")
    text = out(os.path.join(BUILD, "bench/runner"), str(rounds), input="".join(lines))
    got = {}
    for line in text.splitlines():
        name, median, p10, p90, _, failed = line.split()
        got[name] = float(median) / 1000
        got[name + "~"] = f"{float(p10) / 1000:.1f}-{float(p90) / 1000:.1f}"
        if int(failed):
            again = subprocess.run(["env"] + cases[name][-1] if isinstance(cases[name], tuple) else ["env"] + cases[name],
                                   stdin=subprocess.DEVNULL, capture_output=True, text=True)
            print(f"bench: {name}: {failed} of {rounds + 1} runs failed; once more: status {again.returncode} "
                  f"{again.stderr.strip()[:300]}", file=sys.stderr)
            got.pop(name)
    return got


# ---- the peers -------------------------------------------------------------------------------


def busybox_root(s):
    root = f"{s.dir}/rootfs"
    os.makedirs(root)
    with tarfile.open(s.image) as t:
        layer = next(m for m in t.getmembers() if m.name.endswith(".tar"))
        with tarfile.open(fileobj=io.BytesIO(t.extractfile(layer).read())) as lt:
            lt.extractall(root)
    for d in ("proc", "dev", "sys", "tmp"):
        os.makedirs(f"{root}/{d}", exist_ok=True)
    return root


def crun_bundle(s, root, args):
    d = f"{s.dir}/bundle-{args[0]}"
    os.makedirs(d)
    ok("crun", "spec", "--rootless", cwd=d)
    with open(f"{d}/config.json") as f:
        c = json.load(f)
    c["process"].update(args=args, terminal=False)
    c["root"]["path"] = root
    c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "network"] + [{"type": "network"}]
    c["linux"].pop("resources", None)
    with open(f"{d}/config.json", "w") as f:
        json.dump(c, f)
    return d


def start_peers(s, cases):
    root = busybox_root(s)
    cases["bwrap"] = ["bwrap", "--unshare-all", "--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev",
                      "--tmpfs", "/tmp", "/bin/true"]
    crun = ["crun", "--root", f"{s.dir}/crun", "--cgroup-manager=disabled"]
    if ok(*crun, "run", "-b", crun_bundle(s, root, ["true"]), "probe"):
        cases["crun.run"] = crun + ["run", "-b", f"{s.dir}/bundle-true", "bench-true"]
        if ok(*crun, "run", "-d", "-b", crun_bundle(s, root, ["sleep", "100000"]), "bench-sleep",
              stdin=subprocess.DEVNULL):
            cases["crun.exec"] = crun + ["exec", "bench-sleep", "true"]
    else:
        s.notes.append("crun does not run here")
    s.crun = crun
    p = s.podman
    if not p or not ok(*p, "load", "-i", s.image) or \
            not ok(*p, "run", "--rm", "--cgroups=disabled", "--network", "none", IMAGE, "true"):
        s.notes.append("podman does not run here")
        s.podman = None
        return
    run = p + ["run", "--rm", "--cgroups=disabled", "--network"]
    cases["podman.none"] = run + ["none", IMAGE, "true"]
    cases["podman.keepid"] = run + ["none", "--userns", "keep-id", IMAGE, "true"]
    cases["podman.slirp"] = run + ["slirp4netns", IMAGE, "true"]
    if ok(*p, "network", "create", "bench") and \
            ok(*p, "run", "-d", "--name", "neighbour", "--cgroups=disabled", "--network", "bench", IMAGE, "sleep", "100000"):
        cases["podman.bridge"] = run + ["bench", IMAGE, "true"]
    ok(*p, "run", "-d", "--name", "busy", "--cgroups=disabled", "--network", "none", IMAGE, "sleep", "100000")
    cases["podman.exec"] = p + ["exec", "busy", "true"]
    cases["podman.ps"] = p + ["ps"]
    cases["podman.inspect"] = p + ["inspect", "busy"]
    cases["podman.images"] = p + ["images"]


def start_ours(s, cases):
    for name in ("c", "b", "m"):
        s.make_root(name)
    s.run_cuddy("c", "run", "-d", "--name", "busy", "--network", "none", IMAGE, "sleep", "100000")
    c, b, m = (s.cuddy(n) + [CUDDY] for n in ("c", "b", "m"))
    cases["none"] = c + ["run", "--rm", "--network", "none", IMAGE, "true"]
    cases["first"] = b + ["run", "--rm", "--network", "none", IMAGE, "true"]
    # Files for other ids: a copy of each layer the first time, none later (S14).
    keep = c + ["run", "--rm", "--network", "none", "--userns", "keep-id", IMAGE, "true"]
    cases["keepid"] = keep
    cases["keepid.first"] = (c + ["system", "prune", "-f", "--filter", "label=nothing-has-this"], keep)
    cases["slirp"] = c + ["run", "--rm", IMAGE, "true"]
    s.run_cuddy("c", "network", "create", "bench")
    s.run_cuddy("c", "run", "-d", "--name", "neighbour", "--network", "bench", IMAGE, "sleep", "100000")
    cases["bridge"] = c + ["run", "--rm", "--network", "bench", IMAGE, "true"]
    s.run_cuddy("b", "network", "create", "bench")
    cases["bridge.first"] = b + ["run", "--rm", "--network", "bench", IMAGE, "true"]
    cases["exec"] = c + ["exec", "busy", "true"]
    cases["ps"] = c + ["ps"]
    cases["inspect"] = c + ["inspect", "busy"]
    cases["images"] = c + ["images"]
    start = time.time()
    for i in range(MANY):
        s.run_cuddy("m", "create", "--name", f"m{i}", "--network", "none", IMAGE, "true")
    s.notes.append(f"{MANY} containers created in {time.time() - start:.1f} s")
    cases["ps.many"] = m + ["ps", "-a"]
    cases["inspect.many"] = m + ["inspect", f"m{MANY // 2}"]
    cases["images.many"] = m + ["images"]


# ---- what happens to a container once ----------------------------------------------------------


def monitor_cpu_s(s, name):
    pid = s.run_cuddy("c", "inspect", "--format", "{{.State.ConmonPid}}", name)
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def log_cost(s):
    """CPU of the monitor for each MB of output: lines of 64 bytes, each a record."""
    line = "x" * 63
    s.run_cuddy("c", "run", "-d", "--name", "talks", "--network", "none", IMAGE, "sh", "-c",
                f"yes {line} | head -c {LOG_MB << 20}; echo end; exec sleep 100000")
    while not s.run_cuddy("c", "logs", "--tail", "1", "talks").endswith("end"):
        time.sleep(0.05)
    return monitor_cpu_s(s, "talks") * 1000 / LOG_MB


def lives(s):
    """Lines of (what, value, unit)."""
    answers = ["sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait"]
    n = ROUNDS
    for i in range(n):
        s.run_cuddy("c", "create", "--name", f"l{i}", "--network", "none", IMAGE, *answers)
    got = [("start", median_ms(lambda i: s.run_cuddy("c", "start", f"l{i}"), n), "ms")]
    got.append(("stop, the payload ends at once", median_ms(lambda i: s.run_cuddy("c", "stop", f"l{i}"), n), "ms"))
    got.append(("rm", median_ms(lambda i: s.run_cuddy("c", "rm", f"l{i}"), n), "ms"))

    env = s.env("c")
    measured = ok(CUDDY, "stats", "--no-stream", "busy", env=env)
    if not measured:
        s.notes.append("no cgroup is to be had here: stats is not measured")

    def run(i):
        s.run_cuddy("c", "run", "-d", "--name", f"h{i}", "--network", "none", IMAGE, "sleep", "100000")

    for at_once in (1, 8):
        t = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            list(pool.map(run, range(100)))
        got.append((f"100 x run -d, {at_once} at a time", (time.perf_counter() - t) * 1000, "ms"))
        if at_once == 8 and measured:
            got.append(("stats --no-stream, 100 running", median_ms(
                lambda i: s.run_cuddy("c", "stats", "--no-stream"), 5), "ms"))
        t = time.perf_counter()
        s.run_cuddy("c", "rm", "-f", "-t", "0", *[f"h{i}" for i in range(100)])
        got.append(("rm -f of these 100", (time.perf_counter() - t) * 1000, "ms"))
    if measured:
        got.append(("stats -a --no-stream, 1000 that do not run", median_ms(
            lambda i: s.run_cuddy("m", "stats", "-a", "--no-stream"), 5), "ms"))
    got.append(("monitor's CPU for a MB of 64-byte lines", log_cost(s), "ms"))
    return got


# ---- memory ----------------------------------------------------------------------------------


def smaps(pid):
    """Private and proportional kB of a process, or None."""
    got = {}
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            for line in f:
                w = line.split()
                if w[0] in ("Pss:", "Private_Clean:", "Private_Dirty:"):
                    got[w[0]] = int(w[1])
    except OSError:
        return None
    return got["Private_Clean:"] + got["Private_Dirty:"], got["Pss:"]


def memory(s):
    """Mean private and PSS kB of the monitor of an idle container: ours of five, podman's of one."""
    ours = []
    for i in range(5):
        name = f"idle{i}"
        s.run_cuddy("c", "run", "-d", "--name", name, "--network", "none", IMAGE, "sleep", "100000")
        pid = s.run_cuddy("c", "inspect", "--format", "{{.State.ConmonPid}}", name)
        # Not dumpable, so only its own user namespace's root may look.
        ours.append(smaps(pid) or smaps_inside(pid))
    mine = [sum(v[k] for v in ours if v) / max(1, len([v for v in ours if v])) for k in (0, 1)] if any(ours) else None
    for i in range(5):
        s.run_cuddy("c", "rm", "-f", "-t", "0", f"idle{i}")
    theirs = None
    if s.podman:
        pid = out(*s.podman, "inspect", "--format", "{{.State.ConmonPid}}", "busy")
        theirs = smaps(pid)
    return mine, theirs


def smaps_inside(pid):
    r = subprocess.run(["nsenter", "-t", pid, "-U", "--preserve-credentials", "cat", f"/proc/{pid}/smaps_rollup"],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    got = {w[0]: int(w[1]) for w in map(str.split, r.stdout.splitlines()) if len(w) > 1 and w[1].isdigit()}
    if "Pss:" not in got:
        return None
    return got["Private_Clean:"] + got["Private_Dirty:"], got["Pss:"]


# ---- pull ------------------------------------------------------------------------------------


def big_layers(s):
    """An image of eight gzip layers from the host's own files: about a hundred MB, a few thousand files."""
    picked, size = [], 0
    for top in ("/usr/lib/python3", "/usr/lib/x86_64-linux-gnu", "/usr/lib", "/usr/share", "/usr/bin"):
        for path, dirs, files in os.walk(top):
            dirs.sort()
            for f in sorted(files):
                full = os.path.join(path, f)
                if os.path.isfile(full) and not os.path.islink(full) and os.access(full, os.R_OK):
                    n = os.path.getsize(full)
                    if n < 4 << 20 and size < 100 << 20:
                        picked.append(full)
                        size += n
    picked = sorted(set(picked))
    share, layers = -(-len(picked) // LAYERS), []
    for i in range(LAYERS):
        b = io.BytesIO()
        with tarfile.open(fileobj=b, mode="w", format=tarfile.PAX_FORMAT) as t:
            for full in picked[i * share:(i + 1) * share]:
                t.add(full, arcname=f"l{i}{full}", recursive=False)
        layers.append(b.getvalue())
    s.notes.append(f"pull: {len(picked)} files, {size >> 20} MiB in {LAYERS} gzip layers")
    sys.path.insert(0, os.path.join(TOP, "tests", "fixtures"))
    from mkimg import Image
    img = Image(layers, {"Cmd": ["true"]})
    img.oci(f"{s.dir}/layout", ref="latest")
    return [f"{s.dir}/layout/blobs/sha256/{l['digest'][7:]}" for l in json.loads(img.manifest)["layers"]]


def start_registry(s):
    port = network.free_port()
    with open(f"{s.dir}/registry.yml", "w") as f:
        f.write(f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
                f"storage: {{filesystem: {{rootdirectory: {s.dir}/registry}}}}\n"
                f"http: {{addr: '127.0.0.1:{port}'}}\n")
    s.registry = subprocess.Popen(["docker-registry", "serve", f"{s.dir}/registry.yml"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        if ok("curl", "-fs", f"http://127.0.0.1:{port}/v2/"):
            break
        time.sleep(0.05)
    ref = f"127.0.0.1:{port}/bench/big:latest"
    subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{s.dir}/layout:latest",
                    f"docker://{ref}"], check=True)
    s.big = ref
    return ref


def pull(s):
    blobs = big_layers(s)
    ref = start_registry(s)
    s.make_root("p")
    ours = s.cuddy("p") + [CUDDY]
    floor, there = os.path.join(BUILD, "bench/floor"), f"{s.dir}/pipeline"
    urls = [f"http://{ref.split('/')[0]}/v2/bench/big/blobs/sha256:{os.path.basename(b)}" for b in blobs]
    cases = {"pull.floor": [floor] + blobs,
             "pull.pipeline": (["rm", "-rf", there], [floor, "--extract", there] + urls),
             "pull": (ours + ["rmi", "-f", "-i", ref], ours + ["pull", "-q", "--tls-verify=false", ref])}
    if s.podman:
        ok(*s.podman, "pull", "-q", "--tls-verify=false", ref)
        cases["podman.pull"] = (s.podman + ["rmi", "-f", ref], s.podman + ["pull", "-q", "--tls-verify=false", ref])
    env = s.env("p")
    ok(CUDDY, "pull", "-q", "--tls-verify=false", ref, env=env)
    got = run_cases(cases, max(20, ROUNDS))
    got["memory"] = peak_memory([CUDDY, "pull", "-q", "--tls-verify=false", ref], [CUDDY, "rmi", "-f", "-i", ref], env)
    # Back as it is, and the same layers as zstd.
    zstd = ref.replace("/big:", "/zstd:")
    ok(CUDDY, "push", "-q", "--tls-verify=false", "--compression-format", "zstd", ref, zstd, env=env)
    cases = {"push": ours + ["push", "-q", "--tls-verify=false", ref],
             "pull.zstd": (ours + ["rmi", "-f", "-i", zstd, ref], ours + ["pull", "-q", "--tls-verify=false", zstd])}
    if s.podman:
        # A tag of its own: its manifest differs from what it pulled, and ours would not be unchanged.
        theirs = ref.replace(":latest", ":podman")
        ok(*s.podman, "tag", ref, theirs)
        ok(*s.podman, "push", "-q", "--tls-verify=false", theirs)
        cases["podman.push"] = s.podman + ["push", "-q", "--tls-verify=false", theirs]
    push = run_cases({k: v for k, v in cases.items() if "push" in k}, ROUNDS)
    if s.podman:
        ok(*s.podman, "rmi", "-f", ref, theirs)
        cases["podman.pull.zstd"] = (s.podman + ["rmi", "-f", zstd], s.podman + ["pull", "-q", "--tls-verify=false", zstd])
    got.update(push)
    got.update(run_cases({k: v for k, v in cases.items() if "zstd" in k}, ROUNDS))
    return got


def peak_memory(argv, before, env):
    """The most private memory (kB) that a command and all it starts have at once, looked at every few milliseconds."""
    most = 0
    for _ in range(3):
        ok(*before, env=env)
        p = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        while p.poll() is None:
            now = 0
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/stat") as f:
                        if int(f.read().rpartition(")")[2].split()[3]) != p.pid:
                            continue
                    with open(f"/proc/{pid}/status") as f:
                        now += sum(int(line.split()[1]) for line in f if line.startswith(("RssAnon:", "RssShmem:")))
                except OSError:
                    continue
            most = max(most, now)
            time.sleep(.003)
    return most


IMAGES = 500


def many_images(s):
    """Listing and removing with 500 images in the store; all have one layer."""
    s.make_root("i")
    env = s.env("i")
    with tarfile.open(f"{s.dir}/small.tar", "w") as t:
        t.addfile(tarfile.TarInfo("file"), io.BytesIO())
    for i in range(IMAGES):
        subprocess.run([CUDDY, "import", "-q", "-c", f"ENV N={i}", f"{s.dir}/small.tar", f"localhost/many:{i}"], env=env,
                       check=True, stdout=subprocess.DEVNULL)
    ours = s.cuddy("i") + [CUDDY]
    return run_cases({"images.500": ours + ["images"],
                      "rmi.500": (ours + ["import", "-q", f"{s.dir}/small.tar", "localhost/many:x"],
                                  ours + ["rmi", "localhost/many:x"])}, ROUNDS)


# ---- the table -------------------------------------------------------------------------------

# what, case, budget in ms, then ratios: (peer's case, its name, budget of the ratio or None)
ROWS = [
    ("run --rm --network none IMG true", "none", 6, [("crun.run", "crun", .6), ("bwrap", "bwrap", 1.5),
                                                      ("podman.none", "podman", None)]),
    ("the same, base namespace to be made", "first", 8, [("podman.none", "podman", None)]),
    ("the same with --userns keep-id", "keepid", None, [("podman.keepid", "podman", None)]),
    ("the first with that map", "keepid.first", None, []),
    ("run --rm (slirp4netns) IMG true", "slirp", 10, [("podman.slirp", "podman", None)]),
    ("run --rm --network NAME, neighbours there", "bridge", 12, [("podman.bridge", "podman", None)]),
    ("the same, the first in the network", "bridge.first", None, []),
    ("exec C true", "exec", 3, [("crun.exec", "crun", .5), ("podman.exec", "podman", None)]),
    ("ps", "ps", 2, [("podman.ps", "podman", None)]),
    ("inspect C", "inspect", 2, [("podman.inspect", "podman", None)]),
    ("images", "images", 2, [("podman.images", "podman", None)]),
    (f"ps -a, {MANY} containers", "ps.many", 10, []),
    (f"inspect C, {MANY} containers", "inspect.many", 10, []),
    (f"images, {MANY} containers", "images.many", 10, []),
    (f"pull, {LAYERS} gzip layers, loopback", "pull", None, [("podman.pull", "podman", .35),
                                                             ("pull.pipeline", "curl | inflate, 2 x sha256 | tar", 1.3),
                                                             ("pull.floor", "decoding alone", None)]),
    ("the same in zstd", "pull.zstd", None, [("podman.pull.zstd", "podman", .35)]),
    ("push of it, unchanged", "push", None, [("podman.push", "podman", .1)]),
    (f"images, {IMAGES} images", "images.500", 10, []),
    (f"rmi of one of {IMAGES} images", "rmi.500", None, []),
]


def print_table(got):
    print(f"\n{'path':<40}{'budget':>8}{'ms':>9}{'p10-p90':>14}  verdict")
    for what, case, budget, peers in ROWS:
        if case not in got:
            if not sys.argv[2:]:
                print(f"{what:<40}{'':>8}{'-':>9}  not measured")
            continue
        ms, verdict, ratios = got[case], [], []
        if budget:
            verdict.append("ok" if ms <= budget else "OVER")
        for peer, name, limit in peers:
            if peer not in got:
                continue
            r = ms / got[peer]
            text = f"{r:.2f} x {name} ({got[peer]:.1f} ms)"
            if limit:
                text += f" <= {limit}: {'ok' if r <= limit else 'OVER'}"
            ratios.append(text)
        print(f"{what:<40}{f'<= {budget}' if budget else '':>8}{ms:>9.2f}{got[case + '~']:>14}  {' '.join(verdict)}")
        for text in ratios:
            print(f"{'':<10}{text}")


def print_memory(mine, theirs):
    if mine:
        print(f"{'monitor of an idle container':<40}{'<= 256':>8}{mine[0]:>9.0f} kB private, {mine[1]:.0f} kB PSS  "
              f"{'ok' if mine[0] <= 256 else 'OVER'}")
    if mine and theirs:
        print(f"{'':<10}{mine[0] / theirs[0]:.2f} x conmon of podman ({theirs[0]} kB private, {theirs[1]} kB PSS)")


def only_network(s):
    start_peers(s, {})
    s.make_root("c")
    s.run_cuddy("c", "network", "create", "bench")
    s.run_cuddy("c", "run", "-d", "--name", "neighbour", "--network", "bench", IMAGE, "sleep", "100000")
    network.print_throughput(network.throughput(s))
    network.print_turns(network.turns(s))
    print_lines(network.ways(s))


def only_start(s):
    cases = {}
    start_peers(s, cases)
    start_ours(s, cases)
    print_table(run_cases(cases))


def only_images(s):
    start_peers(s, {})
    got = pull(s)
    got.update(many_images(s))
    print_table(got)


def only_shared(s):
    s.make_root("p")
    big_layers(s)
    start_registry(s)
    print_lines(shared.measure(s, wipe))


def only_builds(s):
    builds.print_rows(builds.measure(CUDDY, f"{s.dir}/builds", s.image))


# tests/bench/run BUILD PART: those rows alone.
PARTS = {"network": only_network, "start": only_start, "images": only_images, "shared": only_shared, "builds": only_builds}


def main():
    s = Scene()
    start = time.time()
    try:
        if sys.argv[2:]:
            return PARTS[sys.argv[2]](s)
        cases = {"host": ["/bin/true"]}
        start_peers(s, cases)
        start_ours(s, cases)
        got = run_cases(cases)
        mem = memory(s)
        life = lives(s)
        flow = network.throughput(s)
        asked = network.turns(s)
        ways = network.ways(s)
        idle = many.measure(s)
        got.update(pull(s))
        users = shared.measure(s, wipe)
        got.update(many_images(s))
        built = builds.measure(CUDDY, f"{s.dir}/builds", s.image)
        print_table(got)
        builds.print_rows(built)
        print(f"{'peak memory of the pull, all processes':<40}{'<= 65536':>8}{got['memory']:>8} kB  "
              f"{'ok' if got['memory'] <= 65536 else 'OVER'}")
        print_memory(*mem)
        print_lines(life)
        network.print_throughput(flow)
        network.print_turns(asked)
        print_lines(ways)
        print_lines(users)
        print_lines(idle)
        print(f"fork, exec and wait of the host's true: {got['host']:.2f} ms; medians of {ROUNDS} interleaved runs")
        for n in s.notes:
            print(n)
        print(f"bench: {time.time() - start:.0f} s")
    finally:
        for name in ("c", "b", "m", "p", "u", "i"):
            env = s.env(name)
            if os.path.isdir(env["CUDDY_ROOT"]):
                ok(CUDDY, "rm", "-f", "-a", "-t", "0", env=env)
            wipe(env["CUDDY_RUNROOT"])
        if s.podman:
            ok(*s.podman, "rm", "-f", "-a", "-t", "0")
            ok(*s.podman, "system", "migrate")  # ends its pause process
        if getattr(s, "crun", None):
            ok(*s.crun, "delete", "-f", "bench-sleep")
        if s.registry:
            s.registry.kill()
        wipe(s.dir)


if __name__ == "__main__":
    main()
