#!/usr/bin/env bats
# The OCI runtime role for real root, without a user namespace: what a root file system has as links leads nowhere.
# security/R33_runtime_role.bats has more of it, for root of a user namespace. Few programs are started: each takes long here.
load ../system/helpers
load ../system/bundle

# threats: R33
@test "runtime: as root of the machine a hostile root file system is left by nothing" {
	bundle b sh -c 'xargs </proc/self/uid_map; cat /data/f /dev/null 2>/dev/null; echo started'
	mkdir "$WORK/b/src"
	echo ours >"$WORK/b/src/f"
	python3 - "$WORK/b" <<-'PY'
		import copy, json, sys
		plain = json.load(open(sys.argv[1] + "/config.json"))
		del plain["linux"]["uidMappings"], plain["linux"]["gidMappings"]
		plain["linux"]["namespaces"] = [n for n in plain["linux"]["namespaces"] if n["type"] != "user"]
		def write(name, change):
		    c = copy.deepcopy(plain)
		    change(c)
		    json.dump(c, open(sys.argv[1] + "/" + name, "w"))
		def no_dev(c):
		    c["mounts"] = [m for m in c["mounts"] if not m["destination"].startswith("/dev")]
		    c["linux"]["maskedPaths"] = ["/proc/keys"]
		def behind(c):
		    c["mounts"] += [{"destination": "/data", "type": "bind", "source": "src", "options": ["bind"]}, {"destination": "/made/x/y", "type": "tmpfs"}]
		    c["process"]["cwd"] = "/work/sub"
		write("plain", lambda c: None)
		write("attr", lambda c: c["mounts"].append({"destination": "/proc/self/attr", "type": "tmpfs"}))
		write("sysctl", lambda c: c["linux"].update(sysctl={"kernel.core_pattern": "x"}))
		write("no_dev", no_dev)
		write("behind", behind)
	PY
	cat >"$WORK/script" <<-'SH'
		cd "$1"
		mkdir -m 0700 victim
		echo secret >victim/file
		sum() { ls -lRn victim; cat victim/file; }
		before=$(sum)
		try() { # try WHAT CONFIG
			cp "b/$2" b/config.json
			"$CUDDY" runtime --root "$1-state" run --bundle b x </dev/null >out 2>&1 || true
			[ "$(sum)" = "$before" ] && ! grep -q secret out || echo "$1: the canary was reached: $(cat out)"
			if grep -q started out; then echo "$1:" $(cat out); else echo "$1: refused"; fi
			rm -rf "$1-state"
		}
		root=b/rootfs
		try plain plain
		for d in proc sys dev; do
			mv "$root/$d" kept
			ln -s "$PWD/victim" "$root/$d"
			try "$d" plain
			rm "$root/$d"
			mv kept "$root/$d"
		done
		try attr attr
		try sysctl sysctl
		ln -s "$PWD/victim/file" "$root/dev/null"
		ln -s "$PWD/victim/new" "$root/dev/console"
		try no_dev no_dev | grep -v '^no_dev: [0r]' # it may start: neither mask nor console is what lies there
		rm "$root/dev/null" "$root/dev/console"
		ln -s "$PWD/victim" "$root/data"
		ln -s "$PWD/victim" "$root/work"
		ln -s ../../../../../../../../.. "$root/made"
		try behind behind
		[ ! -e /x/y ] || echo "made on the host"
		rm -rf b victim
	SH
	run -0 sudo env CUDDY="$CUDDY" sh "$WORK/script" "$WORK"
	diff - <(echo "$output") <<-'EOT'
		plain: 0 0 4294967295 started
		proc: refused
		sys: refused
		dev: refused
		attr: refused
		sysctl: refused
		behind: 0 0 4294967295 ours started
	EOT
}
