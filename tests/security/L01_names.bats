#!/usr/bin/env bats
# L01, L02, L03: names and link targets in layers. What leaves the tree is refused, what can be read as a place
# in the tree lands there, and nothing outside changes.
load hostile

# images: F6, S17
@test "L01: names that climb out are refused" {
	refuse_layers 'leaves the tree' <<'EOT'
		("../x", "f", "no")
		("a/../../x", "f", "no")
		("a/..", "d")
		("d", "d"), ("d/../../../../../../tmp/victim", "f", "no")
		("..", "d")
EOT
}

@test "L01: absolute names and links to anywhere land inside the root" {
	load_as localhost/names <<'EOT'
layers = [BASE(), [
	("/abs", "f", "in"),
	("l", "s", V), ("l/n", "f", "through-absolute"),
	("up", "s", "../../.."), ("up" + V + "/n2", "f", "through-relative"),
	("i", "d"), ("i/u", "s", ".."), ("i/u/e", "s", "../victim-inside"), ("i/u/e/n3", "f", "two-step"),
	("w", "s", V + "/f"), ("w", "f", "replaces the link"),
	("proc-link", "s", "/proc/self/root"), ("proc-link/x", "f", "magic"),
]]
EOT
	run -0 cuddy run --rm --network none localhost/names sh -c "cat /abs $VICTIM/n $VICTIM/n2 /victim-inside/n3 /w"
	[ "$(echo $output)" = "inthrough-absolutethrough-relativetwo-stepreplaces the link" ]
	victim_is_unchanged
}

# images: F6
@test "L01: a later layer's entries do not follow a link of an earlier one to the host" {
	load_as localhost/two <<'EOT'
layers = [BASE(), [("l", "s", V), ("deep", "s", V + "/dir")], [("l/n", "f", "x"), ("deep/inner", "f", "overwritten")]]
EOT
	run -0 cuddy run --rm --network none localhost/two sh -c 'cat /l/n /deep/inner'
	[ "$output" = xoverwritten ]
	packed_again localhost/two
	victim_is_unchanged
}

@test "L01: links that loop or have no end are errors" {
	refuse_layers '.' <<'EOT'
		("l", "s", "l"), ("l/x", "f", "")
		("a", "s", "b"), ("b", "s", "a"), ("a/x", "f", "")
		("g", "s", "g/" * 2000 + "x"), ("g/x", "f", "")
		("f", "f", "x"), ("f/below", "f", "")
EOT
	load_as localhost/dots <<<'layers = [BASE(), [("d", "s", "."), ("d/d/d/d/x", "f", "dot")]]'
	run -0 cuddy run --rm --network none localhost/dots cat /x
	[ "$output" = dot ]
}

@test "L02: a hard link reaches nothing but files of the image" {
	refuse_layers '.' <<'EOT'
		("h", "h", "../victim/f")
		("h", "h", "/../victim/f")
		("h", "h", V + "/f")
		("lnk", "s", V), ("h", "h", "lnk/f")
		("lnk", "s", "../../../../../.." + V), ("h", "h", "lnk/f")
		("h", "h", "h")
		("d", "d"), ("h", "h", "d")
		("h", "h", "missing")
		("h", "h", "")
		("h", "h", "/proc/self/exe")
EOT
}

@test "L02: a file that takes the place of a hard link to nothing is a file of its own" {
	load_as localhost/over <<<'layers = [BASE(), [("h", "h", V.lstrip("/") + "/f"), ("h", "f", "overwrite"), ("k", "h", V + "/f"), ("k", "f", "too")]]'
	run -0 cuddy run --rm --network none localhost/over sh -c 'cat /h /k; stat -c %h /h /k'
	[ "$(echo $output)" = "overwritetoo1 1" ]
	victim_is_unchanged
}

@test "L02: a hard link to a symbolic link is that link, and writing through it stays inside" {
	load_as localhost/hard <<'EOT'
layers = [BASE(), [("s", "s", V + "/f"), ("h", "h", "s"), ("t", "f", "one"), ("abs", "h", "/t"), ("dot", "h", "./t")],
          [("late", "h", "/t"), ("bb", "h", "bin/busybox")]]
EOT
	run -0 cuddy run --rm --network none localhost/hard sh -c 'readlink /h; stat -c %h /abs; cat /dot /late; [ -x /bb ] && echo; echo'
	[ "${lines[0]}" = "$VICTIM/f" ]
	[ "${lines[1]}" = 3 ]
	[ "${lines[2]}" = oneone ]
	packed_again localhost/hard
	run cuddy run --rm --network none localhost/hard sh -c 'echo evil >/h'
	victim_is_unchanged
}

@test "L03: the root of a layer is a directory and stays one" {
	refuse_layers '.' <<'EOT'
		(".", "s", V)
		("./", "s", V)
		("/", "s", "/")
		("", "s", V)
		(".", "f", "x")
		("/", "c", "1:3")
		("./.", "h", "x")
		(".", "p")
		("a", "d"), ("a/..", "s", V)
EOT
	for name in "" . ./ / a/..; do
		for kind in '"f", "x"' '"c", "1:3"' '"h", "x"' '"s", V'; do
			echo "(\"x\", \"f\", \"\"), (\"$name\", $kind)"
		done
	done >"$WORK/roots"
	refuse_layers . <"$WORK/roots"
	load_as localhost/root <<<'layers = [BASE(), [("./", "d", b"", 0o711, 50, 60), ("a", "f", "1")], [("b", "f", "2")]]'
	run -0 cuddy run --rm --network none localhost/root stat -c '%a %u %g' /
	[ "$output" = "711 50 60" ]
	cuddy run --name a --network none localhost/root chmod 750 /
	run -0 cuddy start -a a
	cuddy create --name b --network none localhost/root stat -c %a /
	run -0 cuddy start -a b
	[ "$output" = 711 ]
}

@test "L03, L08: directories that only a subordinate id may enter do not stop a start" {
	load_as localhost/closed <<'EOT'
layers = [BASE(), [("./", "d", b"", 0o700, 1000, 1000), ("t", "d", b"", 0o700, 1000, 1000), ("t/u", "d", b"", 0o700, 8, 8)],
          [("x/z", "f", "2"), ("t/u/q", "f", "")], [("t/u/v/w", "f", "")]]
EOT
	run -0 cuddy run --rm --network none localhost/closed stat -c '%a %u' / /t /t/u
	[ "$(echo $output)" = "700 1000 700 1000 700 8" ]
	rm -rf "$CUDDY_ROOT"/cache/stack-* 2>/dev/null || unshare --user --map-auto --map-root-user sh -c "rm -rf '$CUDDY_ROOT'/cache/stack-*"
	run -0 cuddy run --rm --network none localhost/closed stat -c '%a %u' / /t /t/u
	[ "$(echo $output)" = "700 1000 700 1000 700 8" ]
}
