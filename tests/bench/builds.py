#!/usr/bin/python3
"""Builds, beside buildah: rows of tests/bench/measure.py; alone: tests/bench/builds.py BUILD_DIR."""
import os
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = int(os.environ.get("CUDDY_BENCH_BUILDS", "5"))
BASE = "localhost/busybox"
FILES = 10000

# what, case, budget in ms, and at most which part of buildah's time
ROWS = [
    ("build, 20 steps, all cached", "cached", 50, None),
    (f"build, COPY of {FILES} files, cached", "context", 150, None),
    ("build, 20 RUN true", "runs", None, .15),
    (f"build, COPY of {FILES} files", "copy", None, .3),
    ("build, four stages of 2 s side by side", "stages", None, None),
    ("RUN of 1 GiB: until the next one begins", "commit", 100, None),
    ("RUN of 1 GiB, the last: until the image", "digest", None, None),
]


class Bench:
    def __init__(self, cuddy, directory, image):
        self.dir = directory
        self.cuddy = [cuddy]
        self.env = dict(os.environ, CUDDY_ROOT=f"{directory}/root", CUDDY_RUNROOT=f"{directory}/run")
        for d in ("root", "run", "ctx/many"):
            os.makedirs(f"{directory}/{d}", mode=0o700)
        self.sh(*self.cuddy, "load", "-q", "-i", image)
        self.buildah = shutil.which("buildah") and [
            "buildah", "--root", f"{directory}/b/root", "--runroot", f"{directory}/b/run"]
        if self.buildah and self.sh(*self.buildah, "pull", "-q", f"docker-archive:{image}", must=False):
            self.buildah = None
        for i in range(FILES):
            with open(f"{directory}/ctx/many/f{i}", "w") as f:
                f.write(f"file {i}\n")

    def sh(self, *argv, must=True):
        r = subprocess.run(argv, env=self.env, cwd=f"{self.dir}/ctx", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                           text=True)
        if must and r.returncode:
            sys.exit(f"bench: {' '.join(argv)}: {r.stderr}")
        return r.returncode

    def file(self, *lines):
        with open(f"{self.dir}/ctx/Containerfile", "w") as f:
            f.write("\n".join(lines) + "\n")

    def took(self, *argv):
        start = time.monotonic()
        self.sh(*argv)
        return (time.monotonic() - start) * 1000

    def ours(self, *more):
        return self.took(*self.cuddy, "build", "-q", *more, ".")

    def theirs(self):
        return self.took(*self.buildah, "bud", "-q", "--layers", "--no-cache", "--isolation", "chroot", "-t", "x", ".")

    def both(self, got, case, rounds):
        got[case] = statistics.median(self.ours("--no-cache") for _ in range(rounds))
        if self.buildah:
            got["buildah." + case] = statistics.median(self.theirs() for _ in range(max(1, rounds // 3)))


def commit(b, *more):
    """From the command's last word to the first one of what follows: the next command, or whoever waits for the image."""
    b.file(f"FROM {BASE}", "RUN dd if=/dev/zero of=/big bs=1M count=1024 2>/dev/null; cut -d' ' -f1 /proc/uptime", *more)
    p = subprocess.run([*b.cuddy, "build", "--no-cache", "--network", "none", "--progress", "plain", "."], env=b.env,
                       cwd=f"{b.dir}/ctx", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    said = [line for line in p.stderr.split("\n") if not line.startswith("STEP")]
    with open("/proc/uptime") as f:
        end = float(said[1] if more else f.read().split()[0])
    return (end - float(said[0])) * 1000


def measure(cuddy, directory, image):
    b = Bench(cuddy, directory, image)
    got = {}
    b.file(f"FROM {BASE}", *[f"RUN --network=none true >/f{i}" for i in range(20)])
    b.ours()
    got["cached"] = statistics.median(b.ours() for _ in range(ROUNDS * 3))
    b.file(f"FROM {BASE}", *["RUN true"] * 20)
    b.both(got, "runs", ROUNDS)
    b.file(f"FROM {BASE}", "COPY many /many")
    b.both(got, "copy", ROUNDS)
    time.sleep(2.5)  # what is younger than two seconds is read again
    b.ours()
    got["context"] = statistics.median(b.ours() for _ in range(ROUNDS * 3))
    b.file(*[line for i in range(4) for line in (f"FROM {BASE} AS s{i}", f"RUN --network=none sleep 2; echo {i} >/n")],
           "FROM scratch", *[f"COPY --from=s{i} /n /n{i}" for i in range(4)])
    got["stages"] = b.ours("--no-cache", "--jobs", "4")
    got["commit"] = statistics.median(commit(b, "RUN cut -d' ' -f1 /proc/uptime") for _ in range(3))
    got["digest"] = statistics.median(commit(b) for _ in range(3))
    return got


def print_rows(got):
    for what, case, budget, part in ROWS:
        verdict = "" if not budget else "ok" if got[case] <= budget else "OVER"
        print(f"{what:<40}{f'<= {budget}' if budget else '':>8}{got[case]:>9.1f}{'':>14}  {verdict}")
        peer = got.get("buildah." + case)
        if peer:
            r = got[case] / peer
            print(f"{'':<10}{r:.2f} x buildah ({peer:.0f} ms) <= {part}: {'ok' if r <= part else 'OVER'}")


def wipe(directory):
    subprocess.run(["unshare", "--user", "--map-auto", "--map-root-user", "rm", "-rf", directory], check=False)


if __name__ == "__main__":
    top = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    here = f"/var/tmp/cuddy-bb-{os.getuid()}"
    wipe(here)
    os.makedirs(here, mode=0o700)
    try:
        print_rows(measure(os.path.join(os.path.abspath(sys.argv[1]), "cuddy"), here,
                           subprocess.run([f"{top}/tests/images/make", "busybox"], check=True, stdout=subprocess.PIPE,
                                          text=True).stdout.strip()))
    finally:
        wipe(here)
