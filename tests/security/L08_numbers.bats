#!/usr/bin/env bats
# L08, L09, L10, L11: numbers, extended headers, sparse maps, counts and depths of archives.
load hostile

@test "L08: ids, sizes and modes outside their range are refused, none wraps to another" {
	refuse_layers '(uid|gid)' <<'EOT' # whatever the kernel would say to such an owner
		("f", "f", "x", 0o644, 4294967295, 0)
		("f", "f", "x", 0o644, 0, 4294967295)
		("f", "f", "x", 0o644, 2 ** 32, 0)
		("f", "f", "x", 0o644, 2 ** 31, 0)
		("f", "f", "x", 0o644, -1, 0)
		("f", "f", "x", 0o644, 0, 0, {"uid": "4294967296"})
		("f", "f", "x", 0o644, 0, 0, {"gid": "-1"})
EOT
	refuse_layers '.' <<'EOT'
		("f", "f", "x", 0o644, 70000, 0)
		header("f", "0", size=-1)
		header("f", "0", size=2 ** 63)
		header("f", "0", size=b"\x80" + b"\xff" * 11)
		header("f", "0", size=b"12x45678901")
		header("f", "0", mtime=b"\xff" + b"\x80" * 11)
		("f", "f", "x", 0o644, 0, 0, {"mtime": "nan"})
		("f", "f", "x", 0o644, 0, 0, {"mtime": "1e9"})
		("f", "f", "x", 0o644, 0, 0, {"size": "18446744073709551617"})
EOT
}

@test "L08: file type bits in a mode change nothing, a time far away is brought near" {
	load_as localhost/mode <<'EOT'
layers = [BASE(), [header("m", "0", mode=0o177755), header("n", "0", mode=b"77777777"), ("t", "f", "x", 0o644, 0, 0, {}, 2 ** 62)]]
EOT
	run -0 cuddy run --rm --network none localhost/mode stat -c '%F %a' /m /n
	[ "${lines[*]}" = "regular empty file 7755 regular empty file 7777" ]
	run -0 cuddy run --rm --network none localhost/mode stat -c %Y /t
	[ "$output" -gt 4000000000 ]
	[ "$output" -lt 1000000000000 ]
	packed_again localhost/mode
}

@test "L09: extended headers are bounded before they are read" {
	refuse_layers 'over the limit$' <<'EOT' # not by what the file system would say
		header("x", "x", size=8 << 30)
		header("x", "x", size=(1 << 20) + 1), b"\0" * ((1 << 20) + 512)
		header("x", "L", size=1 << 40)
		pax_header({"k" * 300: "v"}), ("f", "f", "x")
		pax_header({"SCHILY.xattr.user.big": "v" * 70000}), ("f", "f", "x")
		pax_header({"path": "p" * 5000}), ("f", "f", "x")
		pax_header({"SCHILY.xattr.user.n%d" % i: "v" for i in range(300)}), ("f", "f", "x")
EOT
	refuse_layers '.' <<'EOT'
		pax_header(b"999999 k=v\n"), ("f", "f", "x")
		pax_header(b"7 k=v\n"), ("f", "f", "x")
		pax_header(b"6 k=vv"), ("f", "f", "x")
		pax_header(b"0 k=v\n"), ("f", "f", "x")
		pax_header(b"-6 k=v\n"), ("f", "f", "x")
		pax_header(b"5 =v\n"), ("f", "f", "x")
		pax_header({"path": b"a\0../../x"}), ("f", "f", "x")
		pax_header({"linkpath": b"a\0b"}), ("f", "s", "x")
		pax_header({"path": "a/../../x"}), ("f", "f", "x")
		header("@", "L", size=8), padded(b"a\0../../"), ("f", "f", "x")
		header("@", "L", size=10), padded(b"../../x\0\0\0"), ("f", "f", "x")
EOT
}

@test "L09: of a name given several times every reader sees one, and a global header names nothing" {
	load_as localhost/twice <<'EOT'
layers = [BASE(), [pax_header({"path": "first"}), header("@", "L", size=7), padded(b"second\0"), pax_header({"path": "third"}),
                   header("header", "0", size=1), padded(b"1"),
                   pax_header(b"12 path=one\n12 path=two\n"), ("nine", "f", ""),
                   pax_header({"path": "../../global", "uid": "7"}, "g"), ("plain", "f", "2")]]
EOT
	run -0 cuddy run --rm --network none localhost/twice sh -c 'ls / | grep -E "first|second|third|header|global|plain|one|two|nine"; stat -c %u /plain'
	[ "$(echo $output)" = "plain second two 0" ]
	packed_again localhost/twice
}

@test "L10: sparse files are refused, whatever their map claims, in little memory" {
	KIB_MAX=65536 refuse_layers 'sparse' <<'EOT'
		header("s", "S", size=512), b"\0" * 512
		pax_header({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2 ** 62)}), ("s", "f", "1000000000\n")
		pax_header({"GNU.sparse.map": "0,1," * 100000}), ("s", "f", "x")
		pax_header({"GNU.sparse.numblocks": "1000000000"}), ("s", "f", "x")
EOT
}

@test "L11: depth, component length and path length are limited" {
	refuse_layers 'over the limit$|link target empty or too long' <<'EOT'
		("d/" * 100000 + "x", "f", "")
		("n" * 256, "f", "")
		("n" * 70000, "f", "")
		("d/" * 300 + "x", "f", "")
		("s", "s", "t" * 5000)
EOT
}

@test "L11: a chain of directories and of links as deep as allowed is made and read" {
	load_as localhost/deep <<'EOT'
layers = [BASE(), [("d/" * 250 + "x", "f", "end")], [("d/" * i + ".wh.x", "f", "") for i in range(1, 250, 10)]]
EOT
	run -0 cuddy run --rm --network none localhost/deep sh -c 'find /d -name x -exec cat {} \;'
	[ "$output" = end ]
}

@test "L11: a tree deeper than any path can name is removed with its container" {
	cuddy create --name deep --network none "$IMAGE" sh -c 'cd /tmp; i=0; while [ $i -lt 1500 ]; do mkdir dddddddddd; cd dddddddddd; i=$((i + 1)); done'
	run -0 cuddy start -a deep
	run -0 cuddy rm deep
}

# images: F6, S1, S5, S18
@test "L11: one name as file, directory, link and file again; children before parents" {
	load_as localhost/turns <<'EOT'
layers = [BASE(), [("n", "f", "1" * 3000000), ("n", "d"), ("n/in", "f", "x"), ("n", "s", V), ("n", "f", "last"), ("p/c", "f", "child"), ("p", "d", b"", 0o711)]]
EOT
	run -0 cuddy run --rm --network none localhost/turns sh -c 'cat /n /p/c; stat -c %a /p'
	[ "$(echo $output)" = "lastchild711" ] || [ "$(echo $output)" = "lastchild 711" ]
	victim_is_unchanged
	# From layer to layer, each of which is unpacked by itself.
	load_as localhost/kinds <<'EOT'
layers = [BASE(), [("file", "f", "1"), ("dir", "d"), ("dir/in", "f", "low"), ("link", "s", "/etc"), ("own", "d", b"", 0o1777, 5, 6), ("own/low", "f", "l")],
          [("file", "d"), ("file/in", "f", "2"), ("dir", "f", "3"), ("link/n", "f", "4"), ("own/high", "f", "h"), ("no/one/says", "f", "5")]]
EOT
	run -0 cuddy run --rm --network none localhost/kinds sh -c 'cat /file/in /dir /link/n /own/low /own/high /no/one/says; echo
		stat -c "%F %a %u %g" /link /own /no /no/one; [ ! -e /etc/n ]'
	[ "${lines[0]}" = 234lh5 ]
	[ "${lines[1]}" = "directory 755 0 0" ]
	[ "${lines[2]}" = "directory 1777 5 6" ]
	[ "${lines[3]}" = "directory 755 0 0" ]
	[ "${lines[4]}" = "directory 755 0 0" ]
	packed_again localhost/turns
	packed_again localhost/kinds
}

# images: S3
@test "L11: the same layers in another order are another image, and lie there once" {
	load_as localhost/base <<<'layers = [BASE()]'
	n=$(ls "$CUDDY_ROOT/layers" | wc -l)
	for order in A,B B,A; do
		load_as "localhost/order:${order/,/}" <<EOT
A = [("x", "f", "a"), ("y", "f", "a"), ("d", "d"), ("d/a", "f", "")]
B = [("x", "f", "b"), (".wh.y", "f", ""), ("d", "d"), ("d/.wh..wh..opq", "f", ""), ("d/b", "f", "")]
layers = [BASE(), $order]
EOT
	done
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -eq $((n + 2)) ]
	[ "$(cuddy run --rm --network none localhost/order:AB sh -c 'cat /x /y; ls /d' 2>/dev/null | tr '\n' ' ')" = "bb " ]
	[ "$(cuddy run --rm --network none localhost/order:BA sh -c 'cat /x /y; echo; ls /d' 2>/dev/null | tr '\n' ' ')" = "aa a b " ]
}

@test "L11: more entries than the limit are stopped there and leave nothing" {
	mkfifo "$WORK/fifo"
	before=$(snapshot)
	python3 - >"$WORK/fifo" 2>/dev/null <<'PY' &
import os, sys
sys.path.insert(0, os.environ["FIXTURES"])
from rawimg import header
one = header("d", "5") * 1000                   # the same directory again and again: no inode is used up
for _ in range(2101):
    sys.stdout.buffer.write(one)
sys.stdout.buffer.write(b"\0" * 1024)
PY
	run --separate-stderr timeout 120 "$CUDDY" import -q - localhost/many <"$WORK/fifo"
	one_line_error 125 '2000000 entries'
	[ "$(snapshot)" = "$before" ]
}
