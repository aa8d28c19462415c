#!/usr/bin/env bats
# R33: cuddy as the OCI runtime of somebody else: hostile root file systems and configurations.
load ../system/helpers
load ../system/bundle

setup() {
	WORK=$BATS_TEST_TMPDIR
	use_root "$WORK"
	mkdir "$WORK/victim"
	echo secret >"$WORK/victim/file"
	VICTIM=$(victim_sum)
}
teardown() {
	drop_bundles
	test_end
}
victim_sum() { (cd "$WORK/victim" && find . -printf '%p %y %m %u %g %s\n' | sort && cat file); }
victim_is_unchanged() { [ "$(victim_sum)" = "$VICTIM" ] || fail "the canary changed: $(victim_sum)"; }

# as_user|as_root ARG...: "runtime ARG..." of the bundle b: as the user, and as root (of a namespace of ours) without a
# user namespace of the container's own
as_user() { rt "$@"; }
as_root() { unshare --user --map-auto --map-root-user "$CUDDY" runtime --root "$WORK/state.root" "$@"; }
plain() { cp "$WORK/$1.json" "$WORK/b/config.json"; } # plain as_user|as_root: its config.json

bundle_for_both() { # bundle_for_both COMMAND...
	bundle b "$@"
	cp "$WORK/b/config.json" "$WORK/as_user.json"
	config b 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user"))'
	cp "$WORK/b/config.json" "$WORK/as_root.json"
}

refused() { # refused as_user|as_root [FILTER]: with the configuration changed so nothing starts, or touches what is outside
	plain "$1"
	[ -z "${2:-}" ] || config b "$2"
	run "$1" run --bundle "$WORK/b" x
	[ "$status" -ne 0 ] && [[ "$output" != *started* ]] || fail "$1 ${2:-}: $status $output"
	victim_is_unchanged
}

@test "R33: what the root file system has at /proc, /sys and /dev starts nothing and touches nothing, for the user and for root" {
	bundle_for_both echo started
	for as in as_user as_root; do
		plain $as
		run -0 $as run --bundle "$WORK/b" x
		[ "$output" = started ]
	done
	touch "$WORK/victim/ptmx"
	VICTIM=$(victim_sum)
	without_dev='.mounts |= map(select(.destination | startswith("/dev") | not))'
	for d in proc sys dev; do
		rmdir "$WORK/b/rootfs/$d"
		ln -s "$WORK/victim" "$WORK/b/rootfs/$d"
		refused as_user
		refused as_root
		rm "$WORK/b/rootfs/$d"
		if [ $d = proc ]; then
			: >"$WORK/b/rootfs/$d"
			refused as_root
			rm "$WORK/b/rootfs/$d"
		fi
		mkdir "$WORK/b/rootfs/$d"
	done
	ln -s proc "$WORK/b/rootfs/x"
	for d in /proc/self/attr /x/sys; do
		refused as_root ".mounts += [{\"destination\": \"$d\", \"type\": \"tmpfs\"}]"
	done
	# Without a mount on /dev: nothing of ours is made behind the link.
	rmdir "$WORK/b/rootfs/dev"
	ln -s "$WORK/victim" "$WORK/b/rootfs/dev"
	for as in as_user as_root; do
		plain $as
		config b "$without_dev"
		run $as run --bundle "$WORK/b" x
		victim_is_unchanged
	done
}

@test "R33: links in the root file system lead no mount, device, mask or directory out of it, for the user and for root" {
	# Without a /dev of its own: what the root file system has there is no null device to mask with, and no terminal.
	bundle_for_both sh -c 'stat -c %t:%T /proc/keys; cat /proc/keys; echo x >/dev/null; echo started'
	mkdir "$WORK/b/rootfs/dev/pts"
	ln -s "$WORK/victim/new" "$WORK/b/rootfs/dev/console"
	ln -s "$WORK/victim/new" "$WORK/b/rootfs/dev/ptmx"
	ln -s /proc/sysrq-trigger "$WORK/b/rootfs/dev/pts/0"
	without_dev='.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.maskedPaths = ["/proc/keys"]'
	pattern=$(cat /proc/sys/kernel/core_pattern)
	for to in "$WORK/victim/file" /proc/sys/kernel/core_pattern; do
		ln -s "$to" "$WORK/b/rootfs/dev/null"
		for as in as_user as_root; do
			plain $as
			config b "$without_dev"
			run $as run --bundle "$WORK/b" x
			[ "$status" -ne 0 ] || [[ "$output" == 1:3* ]] || fail "$output"
			victim_is_unchanged
		done
		rm "$WORK/b/rootfs/dev/null"
	done
	[ "$(cat /proc/sys/kernel/core_pattern)" = "$pattern" ]
	config b '.process.terminal = true'
	run as_root run --bundle "$WORK/b" x
	victim_is_unchanged
	config b '.mounts += [{"destination": "/dev/pts", "type": "devpts", "options": ["newinstance", "ptmxmode=0666"]}]'
	run as_root run --bundle "$WORK/b" x
	[[ "$output" == *started* ]] || fail "$output"
	victim_is_unchanged
	rm -rf "$WORK/b"
	bundle_for_both sh -c 'ls /data /made 2>&1; cat /data/f; pwd; ls -ld /work/sub'
	ln -s "$WORK/victim" "$WORK/b/rootfs/data"
	ln -s ../../../../../../../../.. "$WORK/b/rootfs/made"
	ln -s "$WORK/victim" "$WORK/b/rootfs/work"
	mkdir "$WORK/b/src"
	echo ours >"$WORK/b/src/f"
	for as in as_user as_root; do
		plain $as
		config b '.mounts += [{"destination": "/data", "type": "bind", "source": "src", "options": ["bind"]}, {"destination": "/made/x/y", "type": "tmpfs"}]
			| .process.cwd = "/work/sub"'
		run $as run --bundle "$WORK/b" x
		[[ "$output" == *ours* ]] || fail "$output"
		victim_is_unchanged
		[ ! -e "$WORK/victim/sub" ]
		[ ! -e /x/y ]
	done
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

@test "R33, R29: a configuration is bounded: size, depth, numbers of items, duplicate keys" {
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
		maps = json.loads(base); maps["linux"]["uidMappings"] = [{"containerID": i, "hostID": i, "size": 1} for i in range(100000)]
		open(sys.argv[1] + ".maps", "w").write(json.dumps(maps))
		name = json.loads(base); name["hostname"] = "y" * 70000
		open(sys.argv[1] + ".name", "w").write(json.dumps(name))
		root = json.loads(base); root["root"]["path"] = "/" + "y" * 70000
		open(sys.argv[1] + ".root", "w").write(json.dumps(root))
		open(sys.argv[1] + ".twice", "w").write(base.rstrip()[:-1] + ', "hostname": "a"}')
		open(sys.argv[1] + ".nul", "w").write(base.replace('"sh"', '"s\\u0000h"').replace('"true"', '"tr\\u0000ue"'))
	EOF
	for kind in big deep many maps name root twice nul; do
		cp "$WORK/b/config.json.$kind" "$WORK/b/config.json"
		run -1 rt run --bundle "$WORK/b" x
		[ "${#lines[@]}" = 1 ] && [ ${#output} -lt 4096 ] || fail "$kind: ${output:0:300}"
	done
}

@test "R33: the waiting first process is a sealed copy of our program, and leaves nothing open to the payload" {
	bundle b sleep 1000
	quiet rt create --bundle "$WORK/b" w
	pid=$(rt state w | jq .pid)
	[[ "$(readlink "/proc/$pid/exe")" == /memfd:* ]]
	run ! sh -c ": >>/proc/$pid/exe"
	run ! truncate -s 0 "/proc/$pid/exe"
	# What runs cannot be written anyway: one who has it open tries again when it runs no more.
	exec 9<"/proc/$pid/exe"
	quiet rt start w
	wait_until 20 eval '[[ "$(readlink /proc/'"$pid"'/exe)" != /memfd:* ]]'
	for try in 'dd if=/dev/zero of=/proc/self/fd/9 bs=1 count=1 conv=notrunc' 'truncate -s 0 /proc/self/fd/9' 'truncate -s +1 /proc/self/fd/9'; do
		run sh -c "$try"
		[[ "$status" != 0 && "$output" == *"not permitted"* ]] || fail "$try: $output"
	done
	exec 9<&-
	run -0 ls -l "/proc/$pid/fd"
	run ! grep -qE 'memfd|socket|'"$WORK/state" <<<"$output"
	quiet rt delete --force w
}
