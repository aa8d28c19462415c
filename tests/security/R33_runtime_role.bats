#!/usr/bin/env bats
# R33: cuddy as the OCI runtime of somebody else: hostile root file systems and configurations.
load ../system/helpers
load ../system/bundle

setup() {
	WORK=$BATS_TEST_TMPDIR
	use_root "$WORK"
	mkdir "$WORK/victim"
	echo secret >"$WORK/victim/file"
}
teardown() {
	drop_bundles
	test_end
}
victim_is_unchanged() { [ "$(ls "$WORK/victim") $(cat "$WORK/victim/file")" = "file secret" ]; }

@test "R33: links in the root file system lead no mount, device, mask or directory out of it" {
	for d in proc sys dev; do
		bundle b echo started
		rmdir "$WORK/b/rootfs/$d"
		ln -s "$WORK/victim" "$WORK/b/rootfs/$d"
		run -1 rt run --bundle "$WORK/b" x
		[[ "$output" != *started* ]]
		victim_is_unchanged
		rm -rf "$WORK/b"
	done
	# Without a /dev of its own: what the root file system has there is no null device to mask with.
	bundle b sh -c 'stat -c %t:%T /proc/keys; cat /proc/keys; echo x >/dev/null; echo started'
	ln -s "$WORK/victim/file" "$WORK/b/rootfs/dev/null"
	ln -s "$WORK/victim/new" "$WORK/b/rootfs/dev/console"
	ln -s "$WORK/victim/new" "$WORK/b/rootfs/dev/ptmx"
	config b '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.maskedPaths = ["/proc/keys"]'
	run rt run --bundle "$WORK/b" x
	[ "$status" -ne 0 ] || [[ "$output" == 1:3* ]] || fail "$output"
	victim_is_unchanged
	rm -rf "$WORK/b"
	bundle b sh -c 'ls /data /made 2>&1; cat /data/f; pwd; ls -ld /work/sub'
	ln -s "$WORK/victim" "$WORK/b/rootfs/data"
	ln -s ../../../../../../../../.. "$WORK/b/rootfs/made"
	ln -s "$WORK/victim" "$WORK/b/rootfs/work"
	mkdir "$WORK/b/src"
	echo ours >"$WORK/b/src/f"
	config b '.mounts += [{"destination": "/data", "type": "bind", "source": "src", "options": ["bind"]}, {"destination": "/made/x/y", "type": "tmpfs"}]
		| .process.cwd = "/work/sub" | .linux.maskedPaths += ["/data/f"] | .linux.maskedPaths |= map(select(. != "/data/f"))'
	run rt run --bundle "$WORK/b" x
	[[ "$output" == *ours* ]]
	victim_is_unchanged
	[ ! -e "$WORK/victim/sub" ] && [ ! -e /x/y ]
}

@test "R33: ids and paths of the command line stay below the state directory" {
	bundle b true
	for id in .. . ../x a/b '' .hidden "$(printf 'x%.0s' {1..300})" $'a\nb'; do
		run -1 rt create --bundle "$WORK/b" "$id"
		run -1 rt delete "$id"
	done
	[ -z "$(ls -A "$WORK/state" 2>/dev/null)" ]
	mkdir -m 0777 "$WORK/open" && touch "$WORK/open/x"
	run -1 "$CUDDY" runtime --root "$WORK/open" create --bundle "$WORK/b" x
}

@test "R33: a configuration is bounded: size, depth, numbers of items, duplicate keys" {
	bundle b true
	python3 - "$WORK/b/config.json" <<-'EOF'
		import json, sys
		base = open(sys.argv[1]).read()
		big = json.loads(base); big["annotations"] = {"x": "y" * (17 << 20)}
		open(sys.argv[1] + ".big", "w").write(json.dumps(big))
		deep = json.loads(base); s = json.dumps(deep)[:-1] + ', "x": ' + "[" * 100000 + "]" * 100000 + "}"
		open(sys.argv[1] + ".deep", "w").write(s)
		many = json.loads(base); many["mounts"] = [{"destination": "/x", "type": "tmpfs"}] * 20000
		open(sys.argv[1] + ".many", "w").write(json.dumps(many))
		open(sys.argv[1] + ".twice", "w").write(base.rstrip()[:-1] + ', "hostname": "a"}')
		open(sys.argv[1] + ".nul", "w").write(base.replace('"sh"', '"s\\u0000h"').replace('"true"', '"tr\\u0000ue"'))
	EOF
	for kind in big deep many twice nul; do
		cp "$WORK/b/config.json.$kind" "$WORK/b/config.json"
		run -1 rt run --bundle "$WORK/b" x
		[ "${#lines[@]}" = 1 ] || fail "$kind: $output"
	done
}

@test "R33: the waiting first process is a sealed copy of our program, and leaves nothing open to the payload" {
	bundle b sleep 1000
	quiet rt create --bundle "$WORK/b" w
	pid=$(rt state w | jq .pid)
	[[ "$(readlink "/proc/$pid/exe")" == /memfd:* ]]
	run ! sh -c ": >>/proc/$pid/exe"
	run ! truncate -s 0 "/proc/$pid/exe"
	quiet rt start w
	run -0 ls -l "/proc/$pid/fd"
	run ! grep -qE 'memfd|socket|'"$WORK/state" <<<"$output"
	quiet rt delete --force w
}
