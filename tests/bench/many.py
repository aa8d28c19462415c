"""Many of a kind: rows of tests/bench/measure.py."""
import concurrent.futures
import os
import shutil
import subprocess
import time

from common import IMAGE, median_ms, ok, took_ms

IDLE = 500
STARTS = 100
UNITS = 100


def at_once(f, n, threads):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(f, range(n)))


def starts(s):
    got = []
    for threads in (1, 8):
        for i in range(STARTS):
            s.run_cuddy("c", "create", "--name", f"h{i}", "--network", "none", IMAGE, "sleep", "100000")
        ms = took_ms(at_once, lambda i: s.run_cuddy("c", "start", f"h{i}"), STARTS, threads)
        got.append((f"start of {STARTS} containers, {threads} at a time", ms, "ms"))
        s.run_cuddy("c", "rm", "-f", "-t", "0", *[f"h{i}" for i in range(STARTS)])
    return got


def available_kb():
    with open("/proc/meminfo") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("MemAvailable:"))


def monitors_ticks(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            ticks += sum(map(int, f.read().rpartition(")")[2].split()[11:13]))
    return ticks


def idle(s):
    """What containers that do nothing take: memory of the machine for each (payload and all), and their monitors' processor."""
    before = available_kb()
    at_once(lambda i: s.run_cuddy("c", "run", "-d", "--name", f"w{i}", "--network", "none", IMAGE, "sleep", "100000"), IDLE, 4)
    time.sleep(1)
    memory = (before - available_kb()) / IDLE
    pids = s.run_cuddy("c", "ps", "-aq", "--filter", "name=^w", "--no-trunc").split()
    pids = s.run_cuddy("c", "inspect", "--format", "{{.State.ConmonPid}}", *pids).split()
    ticks = monitors_ticks(pids)
    time.sleep(5)
    ticks = monitors_ticks(pids) - ticks
    got = [(f"memory of one of {IDLE} idle containers, all of it", memory, "kB"),
           ("their monitors' processor time in 5 s", ticks * 1000 / os.sysconf("SC_CLK_TCK"), "ms"),
           (f"ps, {IDLE} running", median_ms(lambda i: s.run_cuddy("c", "ps"), 11), "ms")]
    if ok(s.program, "stats", "--no-stream", "w0", env=s.env("c")):
        got.append((f"stats --no-stream, {IDLE} running", median_ms(lambda i: s.run_cuddy("c", "stats", "--no-stream"), 3), "ms"))
    got.append((f"rm -f of these {IDLE}", took_ms(lambda: s.run_cuddy("c", "rm", "-f", "-t", "0", "--filter", "name=^w")), "ms"))
    return got


def units(s):
    """What a generator of systemd adds to a login: all units of a user."""
    env = dict(s.env("c"), XDG_CONFIG_HOME=f"{s.dir}/config")
    where = f"{s.dir}/config/containers/systemd"
    os.makedirs(where)
    for i in range(UNITS):
        with open(f"{where}/u{i}.container", "w") as f:
            f.write(f"[Container]\nImage={IMAGE}\nExec=sleep 100000\nVolume=data{i}:/data\nPublishPort={20000 + i}:80\n")

    made = f"{env['CUDDY_RUNROOT']}/made"               # in memory, as where systemd keeps them, and empty

    def generate(i):
        subprocess.run([s.program, "unit", "generate", *[f"{made}/{i}"] * 3], env=env, check=True, stdout=subprocess.DEVNULL)

    for i in range(11):
        os.makedirs(f"{made}/{i}")
    got = [(f"unit generate, {UNITS} units (<= 20)", median_ms(generate, 11), "ms")]
    shutil.rmtree(made)
    return got


def measure(s):
    return starts(s) + idle(s) + units(s)
