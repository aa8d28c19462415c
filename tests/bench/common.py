"""What the files of the bench share."""
import os
import subprocess
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
IMAGE = "localhost/busybox"


def out(*argv, **kw):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, **kw).stdout.strip()


def ok(*argv, **kw):
    kw.setdefault("stdout", subprocess.DEVNULL)
    kw.setdefault("stderr", subprocess.DEVNULL)
    return subprocess.run(argv, **kw).returncode == 0


def took_ms(f, *args):
    start = time.perf_counter()
    f(*args)
    return (time.perf_counter() - start) * 1000


def median_ms(f, n):
    return sorted(took_ms(f, i) for i in range(n))[n // 2]


def print_lines(got):
    """Of (what, value, unit, and what else is to be said)."""
    for what, value, unit, *more in got:
        print(f"{what:<48}{value:>9.1f} {unit}{'  ' + more[0] if more else ''}")
