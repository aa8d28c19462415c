#!/bin/sh
# A file includes only lower ranks or its own folder (the map is in README.md, "The house").
git ls-files -co --exclude-standard 'cmd/*.[ch]' 'pkg/*.[ch]' 'storage/*.[ch]' 'net/*.[ch]' |
	xargs grep -H '^#include "[^"]*/' | awk -F'[:"]' '
	function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
	function set(folders, r,    n, i, f) { n = split(folders, f, " "); for (i = 1; i <= n; i++) rank[f[i]] = r }
	# Folders below a ranked one have its rank.
	function rank_of(path) {
		while (!(path in rank)) { if (path !~ /\//) return 99; path = folder(path) }
		return rank[path]
	}
	BEGIN {
		set("cmd", 11)
		set("pkg/kube", 10)
		set("pkg/build pkg/pod pkg/unit pkg/doctor", 9)
		set("pkg/container", 8)
		set("pkg/image", 7)
		set("pkg/conmon pkg/bundle", 6)
		set("pkg/runtime pkg/transfer pkg/net", 5)
		set("storage net pkg/cgroup", 4)
		set("pkg/oci pkg/config pkg/cli pkg/seccomp", 3)
		set("pkg/json pkg/http pkg/archive", 2)
		set("pkg/sys", 1)
		set("pkg/base", 0)
	}
	{
		mine = rank_of(folder($1)); theirs = rank_of(folder($3))
		if (folder($1) != folder($3) && theirs >= mine) {
			printf "%s (rank %d) includes %s (rank %d)\n", $1, mine, $3, theirs
			bad = 1
		}
	}
	END { if (!NR) print "layers: found no include"; exit bad || !NR }'
