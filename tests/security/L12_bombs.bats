#!/usr/bin/env bats
# L12, L13, L14: compressed streams that expand without end, layers that are not what the config says, documents
# too large to read. Each is an error, soon, in little memory, and nothing is left.
load hostile

KIB_MAX=131072

bounded() { # bounded FILE [PATTERN] - refused, and no process of it was larger than KIB_MAX
	local before
	before=$(snapshot)
	run --separate-stderr peak timeout "${LIMIT:-60}" "$CUDDY" load -q -i "$1"
	echo "load $1: $status $stderr; $(cat "$WORK/peak") KiB"
	one_line_error 125 "${2:-.}"
	[ "$(cat "$WORK/peak")" -lt $KIB_MAX ]
	[ "$(snapshot)" = "$before" ]
}

# images: S17
@test "L12: a gigabyte out of a megabyte is stopped early" {
	python3 - "$WORK/z" <<'PY'
import gzip, subprocess, sys
from rawimg import header
zeros = b"\0" * (1 << 24)
with gzip.open(sys.argv[1] + ".gzip", "wb", 9) as f, open(sys.argv[1] + ".zstd", "wb") as z:
    zstd = subprocess.Popen(["zstd", "-q", "-c"], stdin=subprocess.PIPE, stdout=z)
    for out in f, zstd.stdin:                   # 1000:1, 10000:1
        out.write(header("big", "0", size=1 << 30))
        for _ in range(64):
            out.write(zeros)
    zstd.stdin.close()
    sys.exit(zstd.wait())
PY
	for kind in gzip zstd; do
		hostile oci "$WORK/bomb.tar" <<EOT
blob = open("$WORK/z.$kind", "rb").read()
layers = [b""]
config_doc = make_config(["0" * 64])
d = {"mediaType": MT + "layer.v1.tar+$kind", "digest": "sha256:" + sha256(blob), "size": len(blob)}
c = {"mediaType": MT + "config.v1+json", "digest": "sha256:" + sha256(dump(config_doc)), "size": len(dump(config_doc))}
manifest = {"schemaVersion": 2, "mediaType": MT + "manifest.v1+json", "config": c, "layers": [d]}
blobs_override = {"blobs/sha256/" + sha256(blob): blob}
EOT
		bounded "$WORK/bomb.tar" 'expands to more than 200 times'
	done
}

@test "L12: floods of members, huge windows, cut and trailing bytes are errors" {
	python3 - "$WORK" <<'PY'
import gzip, os, struct, subprocess, sys
from rawimg import *
w = sys.argv[1]
good = layer([("f", "f", "x" * 5000)])
gz = gzip.compress(good)
zst = subprocess.run(["zstd", "-q", "-c"], input=good, stdout=subprocess.PIPE, check=True).stdout
empty = gzip.compress(b"")
skippable = struct.pack("<II", 0x184D2A50, 0)
assert zst[4] & 0xe3 == 0                      # its window is written behind this, no size or dictionary
def window(log): return zst[:5] + bytes([(log - 10) << 3]) + zst[6:]
open(os.path.join(w, "fine.zst"), "wb").write(window(27))
bad = {
    "members.gz": empty * 1000000 + gz,
    "cut.gz": gz[:-20], "cut-sum.gz": gz[:-4], "sum.gz": gz[:-8] + b"\1\2\3\4" + gz[-4:],
    "trailing.gz": gz + b"garbage" * 100,
    "window.zst": window(28),
    "skippable.zst": skippable * 1000000 + zst,
    "cut.zst": zst[:-10], "trailing.zst": zst + b"garbage",
    "name.gz": gz[:3] + b"\x08" + gz[4:10] + b"n" * 9000000,
    "lzip": b"LZIP\1" + b"\0" * 600, "lrzip": b"LRZI" + b"\0" * 600, "lzop": b"\x89LZO\0\r\n\x1a\n" + b"\0" * 600,
}
for name, data in bad.items():
    open(os.path.join(w, "bad-" + name), "wb").write(data)
PY
	run -0 cuddy import -q "$WORK/fine.zst" localhost/fine
	for f in "$WORK"/bad-*; do
		before=$(snapshot)
		run --separate-stderr peak timeout 20 "$CUDDY" import -q "$f" localhost/bad
		echo "$f: $status $stderr; $(cat "$WORK/peak") KiB"
		one_line_error 125 .
		[ "$(cat "$WORK/peak")" -lt $KIB_MAX ]
		[ "$(snapshot)" = "$before" ]
	done
}

@test "L12: a layer that leaves no room on the disk is stopped before it is full" {
	# Of 80 MiB files of 40 fit, those of 70 would leave less than any other program needs.
	python3 - "$WORK" <<'PY'
import sys
from rawimg import header
for n in (40, 70):
    with open("%s/%d.tar" % (sys.argv[1], n), "wb") as f:
        f.write(header("f", "0", size=n << 20) + b"x" * (n << 20) + b"\0" * 1024)
PY
	mkdir "$WORK/disk"
	on_disk() {
		unshare --user --map-auto --map-root-user --mount sh -ec 'mount -t tmpfs -o size=80m disk "$1"; export CUDDY_ROOT=$1/root CUDDY_RUNROOT=$1/run
			"$2" import -q "$3" localhost/big' - "$WORK/disk" "$CUDDY" "$WORK/$1.tar"
	}
	run -0 on_disk 40
	run -125 on_disk 70                             # nobody there has subordinate ids, which is told first
	[[ "${lines[-1]}" == "cuddy: import "*": less than 16 MiB are left"* ]]
}

# images: F3
@test "L13: a layer that is not the one the config names is refused" {
	bad() {
		{ echo 'A = layer([("a", "f", "1")]); B = layer([("b", "f", "2")])'; cat; } | hostile "$1" "$WORK/bad.tar"
		must_refuse "$WORK/bad.tar" "$2"
	}
	for kind in docker oci; do
		bad $kind digest <<<'layers = [A, B]; diffids = [sha256(B), sha256(A)]'
		bad $kind digest <<<'layers = [A, B]; diffids = [sha256(A), "0" * 64]'
		bad $kind 'layers' <<<'layers = [A, B]; diffids = [sha256(A)]'
		bad $kind 'layers' <<<'layers = [A, B]; diffids = [sha256(A), sha256(B), sha256(B)]'
		bad $kind . <<<'layers = [A]; diffids = ["../" + sha256(A)[3:]]'
	done
	bad oci . <<<'layers = [A]; sizes = [1]'
	bad oci . <<<'layers = [A]; layer_digests = ["sha256:" + "1" * 64]'
	bad oci . <<<'layers = [A]; blobs_override = {"blobs/sha256/" + sha256(gzip.compress(A, 6, mtime=0)): gzip.compress(B, 6, mtime=0)}'
}

# images: S15
@test "L13: annotations with a table of contents change nothing" {
	hostile oci "$WORK/toc.tar" <<'EOT'
layers = [BASE(), [("x", "f", "real")]]; ref = "localhost/toc:latest"
layer_annotations = {"containerd.io/snapshot/stargz/toc.digest": "sha256:" + "0" * 64,
	"io.github.containers.zstd-chunked.manifest-position": "0:1:2:1", "org.opencontainers.image.title": "../../../../.bashrc"}
EOT
	run -0 cuddy load -q -i "$WORK/toc.tar"
	run -0 cuddy run --rm --network none localhost/toc cat /x
	[ "$output" = real ]
	victim_is_unchanged
}

# five_gib NAME - an archive whose member NAME has five gibibytes of zeros, on stdout, for as long as somebody reads
five_gib() {
	python3 -c '
import sys
from rawimg import header
o = sys.stdout.buffer
o.write(header(sys.argv[1], "0", size=5 << 30))
for _ in range(5 << 6):
    o.write(b" " * (1 << 24))
o.write(b"\0" * 1024)' "$1" 2>/dev/null
}

@test "L14: documents of five gibibytes are not read" {
	for name in index.json manifest.json oci-layout; do
		start=$SECONDS
		run --separate-stderr peak timeout 20 "$CUDDY" load -q -i - < <(five_gib $name)
		echo "$name: $status $stderr $(cat "$WORK/peak") KiB"
		one_line_error 125 "$name"
		[ $((SECONDS - start)) -le 5 ]
		[ "$(cat "$WORK/peak")" -lt $KIB_MAX ]
	done
	hostile docker "$WORK/conf.tar" <<<'layers = []; config_doc = b"{" + b" " * (5 << 20) + b"}"'
	bounded "$WORK/conf.tar"
	hostile docker "$WORK/deep.tar" <<<'layers = []; manifest = b"[" * 100000'
	bounded "$WORK/deep.tar"
	hostile docker "$WORK/token.tar" <<<'layers = []; config = {"Labels": {"l": "x" * (3 << 20)}}'
	bounded "$WORK/token.tar"
}

@test "L14: after a layer that is cut, and one in a format of its own, the next load works" {
	hostile docker "$WORK/cut.tar" <<<'layers = [BASE()[:-5000]]'
	must_refuse "$WORK/cut.tar"
	hostile oci "$WORK/cutgz.tar" <<'EOT'
layers = [BASE()]
short = gzip.compress(layers[0], 6, mtime=0)[:-1000]
blobs_override = {"blobs/sha256/" + sha256(gzip.compress(layers[0], 6, mtime=0)): short}
EOT
	must_refuse "$WORK/cutgz.tar"
	for how in gzip:lzma gzip:bz2 xz:lzma; do       # as it is called, as it is
		hostile oci "$WORK/xz.tar" <<EOT
import bz2, lzma
plain = layer([("f", "f", "x")])
blob = ${how#*:}.compress(plain)
layers = [plain]
d = {"mediaType": MT + "layer.v1.tar+${how%:*}", "digest": "sha256:" + sha256(blob), "size": len(blob)}
config_doc = make_config([sha256(plain)])
c = {"mediaType": MT + "config.v1+json", "digest": "sha256:" + sha256(dump(config_doc)), "size": len(dump(config_doc))}
manifest = {"schemaVersion": 2, "mediaType": MT + "manifest.v1+json", "config": c, "layers": [d]}
blobs_override = {"blobs/sha256/" + sha256(blob): blob}
EOT
		must_refuse "$WORK/xz.tar" 'xz|bzip2'
		hostile docker "$WORK/xz.tar" <<EOT
import bz2, lzma
plain = layer([("f", "f", "x")])
layers = [${how#*:}.compress(plain)]; diffids = [sha256(plain)]
EOT
		must_refuse "$WORK/xz.tar" 'xz|bzip2'
	done
	load_as localhost/next <<<'layers = [BASE(), [("n", "f", "next")]]'
	run -0 cuddy run --rm --network none localhost/next cat /n
}

@test "L12: a directory of more documents, or of more bytes of them, than any image has" {
	skopeo copy -q "docker-archive:$(image_file busybox)" "oci:$WORK/layout:one"
	for what in "4096 100 members" "20 4000000 documents"; do
		set -- $what
		rm -rf "$WORK/many"
		cp -r "$WORK/layout" "$WORK/many"
		python3 - "$WORK/many" "$1" "$2" <<'PY'
import hashlib, json, sys
top, n, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
index = json.load(open(top + "/index.json"))
one = index["manifests"][0]
doc = open(top + "/blobs/sha256/" + one["digest"].split(":")[1], "rb").read()
index["manifests"] = []
for i in range(n):
    text = doc + b" " * (size + i)
    hexes = hashlib.sha256(text).hexdigest()
    with open(top + "/blobs/sha256/" + hexes, "wb") as f:
        f.write(text)
    index["manifests"].append({"mediaType": one["mediaType"], "digest": "sha256:" + hexes, "size": len(text),
                               "annotations": {"org.opencontainers.image.ref.name": f"localhost/x:{i}"}})
with open(top + "/index.json", "w") as f:
    json.dump(index, f)
PY
		bounded "$WORK/many" "more than .* $3"
	done
}
