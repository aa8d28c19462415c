"""One image for many users, in place or copied: rows of tests/bench/measure.py."""
import os
import subprocess

from common import out, took_ms

ROUNDS = 5


def stored_kb(root):
    """Of its own; what is in a store may be another user's, by the kernel."""
    return int(out("unshare", "--user", "--map-auto", "--map-root-user", "du", "-sk", root).split()[0])


def measure(s, wipe):
    """The image is pulled into the store "p". What the second user of a machine waits for, and what that takes of the disk."""
    published, archive, ref = f"{s.dir}/published", f"{s.dir}/copy.tar", s.big
    rows = {}

    def note(what, unit, value):
        rows.setdefault((what, unit), []).append(value)

    def first_container(name):
        s.run_cuddy(name, "create", "--network", "none", ref, "true")

    def copy():
        s.run_cuddy("p", "save", "-q", "-o", archive, ref)
        s.run_cuddy("u", "load", "-q", "-i", archive)
        os.unlink(archive)

    def empty(name):
        for w in s.cuddy(name):
            where = w.split("=", 1)[1]
            wipe(where)
            os.makedirs(where, mode=0o700)

    s.run_cuddy("p", "pull", "-q", "--tls-verify=false", ref)
    note("image publish, the first time", "ms", took_ms(s.run_cuddy, "p", "image", "publish", published, ref))
    for _ in range(ROUNDS):
        note("image publish, unchanged", "ms", took_ms(s.run_cuddy, "p", "image", "publish", published, ref))
        empty("u")
        os.environ["STORAGE_OPTS"] = f"additionalimagestore={published}"
        note("first container of a published image", "ms", took_ms(first_container, "u"))
        note("what it takes of the user's disk", "kB", stored_kb(f"{s.dir}/u/root"))
        del os.environ["STORAGE_OPTS"]
        empty("u")
        note("the same with a copy: save, load, create", "ms", took_ms(lambda: (copy(), first_container("u"))))
        note("what it takes of the user's disk, copied", "kB", stored_kb(f"{s.dir}/u/root"))
    subprocess.run([s.program, "rm", "-a", "-f"], env=s.env("u"), check=True, stdout=subprocess.DEVNULL)
    wipe(published)
    return [(what, sorted(values)[len(values) // 2], unit) for (what, unit), values in rows.items()]
