#!/usr/bin/python3
"""localhost/layers12:latest, an OCI archive of twelve layers that use all a layer can say:
whiteouts, opaque directories, hard links, xattrs, file capabilities, setuid and sticky modes, owners, long names,
files turned into directories and back, gzip, zstd and plain layers."""
import os
import struct
import sys
from mkimg import Image, busybox_layer, dir, fifo, file, hard, link, xattrs

long255 = "n" * 255
deep = "/".join(["deep" * 10] * 12)               # 490 bytes
cap_net_raw = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0).decode("latin-1")

layers = [
    # 1: a system to run, and things that later layers change
    busybox_layer(extra=[
        dir("a"), file("a/keep", "1\n"), file("a/gone", "1\n"), file("a/changed", "old\n", 0o600, 3, 4),
        dir("a/sub"), file("a/sub/x", "x\n"), dir("a/sub/deeper"), file("a/sub/deeper/y", "y\n"),
        dir("opq"), file("opq/old1", "o\n"), dir("opq/olddir"), file("opq/olddir/f", "f\n"),
        dir("turns"), file("turns/file-to-dir", "f\n"), dir("turns/dir-to-file"), file("turns/dir-to-file/in", "i\n"),
        dir("turns/dir-to-link"), file("turns/dir-to-link/in", "i\n"), link("turns/link-to-dir", "/a"),
    ]),
    # 2: whiteouts of a file, of a directory, of a link
    [dir("a"), file("a/.wh.gone"), dir("a/sub"), file("a/sub/.wh.deeper"), file("a/changed", "new\n", 0o640, 5, 6)],
    # 3: an opaque directory, first in its layer as some tools write it, and last as others do
    [dir("opq", 0o750, 7, 8), file("opq/.wh..wh..opq"), file("opq/new", "n\n"),
     dir("opq2"), file("opq2/one", "1\n"), dir("opq2/two"), file("opq2/two/three", "3\n")],
    [dir("opq2"), file("opq2/fresh", "f\n"), file("opq2/.wh..wh..opq")],
    # 5: hard links
    [dir("hl"), file("hl/first", "shared\n", 0o644, 11, 12), hard("hl/second", "hl/first"), dir("hl/d"),
     hard("hl/d/third", "hl/first"), link("hl/sym", "first"), hard("hl/sym2", "hl/sym")],
    # 6: xattrs and capabilities
    [dir("xa", pax=xattrs(**{"user.on-dir": "d"})), file("xa/f", "x\n", pax=xattrs(**{"user.one": "1", "user.two": "zwei"})),
     file("xa/cap", "c\n", 0o755, pax=xattrs(**{"security.capability": cap_net_raw}))],
    # 7: modes and owners
    [dir("mode", 0o2775, 100, 200), file("mode/suid", "s\n", 0o4755), file("mode/sgid", "s\n", 0o2711, 1, 2),
     file("mode/none", "n\n", 0o000), dir("mode/sticky", 0o1777), dir("mode/closed", 0o000, 65534, 65534),
     file("mode/high", "h\n", 0o444, 65533, 65532), fifo("mode/fifo", 0o620), file("mode/empty", b"")],
    # 8: long names, odd names
    [dir("long"), file("long/" + long255, "l\n"), link("long/sym", "t" * 1000), *[
        dir("/".join(deep.split("/")[:i])) for i in range(1, 13)], file(deep + "/leaf", "leaf\n"),
     file("long/sp ace", "s\n"), file("long/new\nline", "n\n"), file("long/\u00fcml\u00e4ut-\u6f22\u5b57", "u\n"),
     file("long/-rf", "r\n"), file("long/trailing.", "t\n"), file("long/wh.not", "w\n")],
    # 9: kinds that change between layers
    [dir("turns"), dir("turns/file-to-dir"), file("turns/file-to-dir/in", "i\n"), file("turns/dir-to-file", "f\n"),
     link("turns/dir-to-link", "/a"), dir("turns/link-to-dir"), file("turns/link-to-dir/in", "i\n")],
    # 10: a name taken away and given again, and one given and taken away
    [dir("a"), file("a/.wh.keep"), file("back", "1\n"), file("short-lived", "s\n")],
    [dir("a"), file("a/keep", "again\n", 0o604, 21, 22), file(".wh.short-lived"), file(".wh.back")],
    # 12: one large file, metadata of a directory alone
    [file("big", bytes(range(256)) * 4096, 0o644, 9, 9), dir("hl", 0o711, 31, 32, pax=xattrs(**{"user.late": "yes"}))],
]
how = ["gzip", "gzip", "zstd", "", "gzip", "zstd", "gzip", "gzip", "", "gzip", "zstd", "gzip"]
how = os.environ.get("LAYERS12_COMPRESSION") or how
Image(layers, {"Cmd": ["sh"], "Env": ["PATH=/bin"]}, compression=how).oci_archive(sys.argv[1], "localhost/layers12:latest")
