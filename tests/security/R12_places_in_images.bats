#!/usr/bin/env bats
# R05, R07-R09, R11, R12, R14, R15, R16, H12: images that put links, volumes and programs where the engine writes, mounts
# or might look for help, run by the whole of cuddy. (The same places one by one: R03, R04.)
load hostile

@test "R11, R12, R14: generated files never go where links of the image lead" {
	load_as localhost/links <<'EOT'
bad = ["etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", "run/.containerenv", ".dockerenv", "dev/init", "etc/localtime",
       "run/secrets", "etc/passwd", "etc/group", "etc/system-fips", "usr/share/crypto-policies", "catatonit", "run/podman-init"]
layers = [BASE(), [(p, "s", V + "/f" if i % 2 else "../" * 12 + V.lstrip("/") + "/new%d" % i) for i, p in enumerate(bad)]]
EOT
	echo word | cuddy secret create tok -
	run -0 cuddy run --rm --init --network none --add-host h:1.2.3.4 --hostname me --secret tok localhost/links \
		sh -c 'hostname; ls -l /etc/hosts; cat /run/secrets/tok'
	[ "${lines[-1]}" = word ]
	victim_is_unchanged
	if [ -w /dev/net/tun ]; then
		run -0 cuddy run --rm --add-host h:1.2.3.4 localhost/links cat /etc/hosts /etc/resolv.conf
		[[ "$output" == *1.2.3.4* ]]
		victim_is_unchanged
	fi
	run -0 --separate-stderr cuddy run --rm --network none -u 4321:4321 localhost/links sh -c 'id -u; id -g'
	[ "$(echo $output)" = "4321 4321" ]
	victim_is_unchanged
	run -0 cuddy run --rm --network none --read-only localhost/links true
	victim_is_unchanged
}

@test "R12: generated files never go into a process's memory or a kernel switch either" {
	load_as localhost/mem <<'EOT'
layers = [BASE(), [("etc/hosts", "s", "/proc/self/mem"), ("etc/hostname", "s", "/proc/sys/kernel/core_pattern"), ("etc/resolv.conf", "s", "/proc/sysrq-trigger"),
                   ("etc/mtab", "s", "/proc/self/mem"), ("etc/group", "s", "/proc/self/mem"), ("run/.containerenv", "s", "/proc/self/mem")]]
EOT
	before=$(cat /proc/sys/kernel/core_pattern)
	run --separate-stderr timeout 20 "$CUDDY" run --rm --network none localhost/mem true
	[ "$status" -eq 0 ] || one_line_error 125 /etc/
	[ "$(cat /proc/sys/kernel/core_pattern)" = "$before" ]
}

@test "R11: a mount point that is missing behind a link is made inside" {
	load_as localhost/mp <<<'layers = [BASE(), [("a", "s", V), ("b", "s", "../../../../../.." + V + "/dir")]]'
	echo mounted >"$WORK/file"
	run -0 cuddy run --rm --network none -v "$WORK/file:/a/b/c" -v "$WORK/file:/b/inner2" --tmpfs /a/t localhost/mp sh -c 'cat /a/b/c /b/inner2; ls /a'
	[ "$(echo $output)" = "mounted mounted b dir t" ]
	victim_is_unchanged
}

@test "R05: neither an image nor an option mounts over /proc, through whatever name" {
	for v in /proc /proc/self/attr /proc/sys/kernel //proc/ /x/../proc proc; do
		hostile docker "$WORK/v.tar" <<<"layers = [BASE(), [('x', 's', 'proc')]]; tags = ['localhost/vol:latest']; config = {'Volumes': {'$v': {}}, 'Cmd': ['echo', 'started']}"
		run --separate-stderr cuddy load -q -i "$WORK/v.tar"
		if [ "$status" -eq 0 ]; then
			run --separate-stderr timeout 20 "$CUDDY" run --rm --network none localhost/vol
			[ "$status" -eq 125 ] || fail "VOLUME $v: $status $output"
			[[ "$output" != *started* ]]
		fi
	done
	hostile docker "$WORK/v.tar" <<<"layers = [BASE(), [('x', 's', 'proc')]]; tags = ['localhost/vol:latest']"
	cuddy load -q -i "$WORK/v.tar" 2>/dev/null
	for o in "-v vol:/proc" "-v $VICTIM:/proc/self/attr" "--tmpfs /proc/self/attr" "-v $VICTIM:/x" "-v vol:/x/self" "--tmpfs /x" \
		"--mount type=bind,src=$VICTIM,dst=/proc/1" "--mount type=tmpfs,dst=/x/sys" "-v $VICTIM:/a/../proc" "-v vol:/sys/fs/cgroup" \
		"--device /dev/null:/proc/kcore"; do
		run --separate-stderr timeout 20 "$CUDDY" run --rm --network none $o localhost/vol echo started
		[ "$status" -eq 125 ] || fail "$o: $status $output"
	done
	[ -z "$(cuddy volume ls -q 2>/dev/null | grep -x vol)" ] || cuddy volume rm vol
}

@test "R04, R09: an image whose /proc, /sys or /dev is a link or a file starts nothing and touches nothing" {
	for e in '("proc", "s", "/p2"), ("p2", "d")' '("sys", "s", V)' '("dev", "s", V)' '("proc", "f", "x")' '("dev", "f", "x")' '("sys", "h", "bin/busybox")'; do
		hostile docker "$WORK/d.tar" <<<"layers = [BASE(), [$e]]; tags = ['localhost/d:latest']"
		run -0 --separate-stderr cuddy load -q -i "$WORK/d.tar"
		run --separate-stderr timeout 20 "$CUDDY" run --rm --network none localhost/d echo started
		echo "$e: $stderr"
		one_line_error 125 .
		victim_is_unchanged
	done
}

@test "R07, R08: nodes below /dev come from us, on a terminal too" {
	load_as localhost/devs <<'EOT'
layers = [BASE(), [("dev", "d"), ("dev/null", "s", V + "/f"), ("dev/console", "s", V + "/new"), ("dev/pts", "d"), ("dev/pts/0", "s", "/proc/sysrq-trigger"),
                   ("dev/ptmx", "s", V + "/f"), ("dev/shm", "s", V), ("dev/fd", "s", V), ("dev/tty", "f", "x")]]
EOT
	run -0 cuddy run --rm --network none localhost/devs sh -c 'stat -c %t:%T /dev/null /dev/tty; echo x >/dev/null; ls /dev/shm'
	[ "$(echo $output)" = "1:3 5:0" ]
	run -0 cuddy run --rm -t --network none localhost/devs sh -c 'echo x >/dev/console; stat -c %t /dev/console; tty'
	[[ "$output" == *88* ]]
	[[ "$output" == *"/dev/pts/0"* ]]
	victim_is_unchanged
}

@test "R15: a working directory behind links is made inside and owned by the container's user" {
	load_as localhost/wd <<<'layers = [BASE(), [("w", "s", V), ("w2", "s", "/proc/self/root/w")]]; config = {"WorkingDir": "/w/new", "User": "user"}'
	run -0 cuddy run --rm --network none localhost/wd sh -c 'pwd; stat -c %U .'
	[ "${lines[0]}" = "$VICTIM/new" ]
	victim_is_unchanged
	run cuddy run --rm --network none -w /w2/new localhost/wd pwd
	victim_is_unchanged
	for d in '../../../../../tmp' 'relative'; do
		run --separate-stderr cuddy run --rm --network none -w "$d" localhost/wd pwd
		[ "$status" -eq 125 ]
	done
}

@test "R03: descriptors of the caller are no working directory" {
	exec 9<"$VICTIM/dir"
	for n in 3 5 7 9 11; do
		run cuddy run --rm --network none -w /proc/self/fd/$n "$IMAGE" ls
		[ "$status" -eq 125 ]
		[[ "$output" != *inner* ]]
	done
	load_as localhost/fd <<<'layers = [BASE(), [("lnk", "s", "/proc/self/fd/9")]]; config = {"WorkingDir": "/proc/self/fd/9"}'
	run cuddy run --rm --network none localhost/fd ls
	[ "$status" -eq 125 ]
	cuddy run -d --name a --network none -w / localhost/fd sleep 1000
	for d in /lnk /proc/self/fd/9 /proc/1/cwd/../../../../proc/self/fd/9; do
		run cuddy exec -w $d a ls
		[[ "$status" = 12[567] ]]
		[[ "$output" != *inner* ]]
	done
	run -0 cuddy exec a sh -c 'ls /proc/self/fd'
	[ "$(echo $output)" = "0 1 2 3" ]               # 3: ls reading the directory
	exec 9<&-
}

@test "R16: programs of the image are never run on our behalf" {
	load_as localhost/helpers <<'EOT'
evil = ("#!/bin/sh\ntouch " + V + "/own /own\n").encode()
progs = ["nsenter", "ps", "tar", "xz", "unpigz", "pigz", "gzip", "zstd", "getent", "newuidmap", "newgidmap", "slirp4netns", "fuse-overlayfs", "conmon", "catatonit", "ldconfig", "mount"]
layers = [BASE(), [(d + n, "f", evil, 0o755) for n in progs for d in ("bin/", "usr/bin/", "usr/local/bin/")]
          + [("etc/ld.so.preload", "f", "/evil.so\n"), ("etc/nsswitch.conf", "f", "passwd: evil\n")]]
EOT
	cuddy run -d --name a --network none -u user localhost/helpers sh -c 'while [ ! -e /tmp/stop ]; do sleep 0.1; done'
	for c in "ps" "inspect a" "logs a" "exec a id" "exec -u mail a id" "top a" "stats --no-stream a" "cp a:/etc/passwd $WORK/p" "diff a" "kill -s CONT a" \
		"export -o $WORK/x a" "commit a localhost/c" "port a" "save -q -o $WORK/s localhost/helpers"; do
		run timeout 20 "$CUDDY" $c
		[ ! -e "$VICTIM/own" ] || fail "$c ran a program of the image on the host"
		run -0 cuddy exec a sh -c '[ ! -e /own ]'
	done
	cuddy stop -t 1 a
	run -0 cuddy run --rm --network none localhost/helpers sh -c '[ ! -e /own ]'
	victim_is_unchanged
}

@test "H12: a store behind commas, colons and backslashes: 120 layers are one root, that nobody else sees" {
	use_root "$WORK/a,b:c\\d"
	load_as localhost/deep <<<'layers = [BASE()] + [[("f%d" % i, "f", "%d\n" % i)] for i in range(119)]'
	cuddy run -d --name c --network none localhost/deep sleep 1000
	[ "$(cuddy exec c cat /f0 /f60 /f118 | xargs)" = "0 60 118" ]
	[ "$(stat -f -c %T "/proc/$(container_pid c)/root")" = overlayfs ] || [ "$(cuddy info --format '{{.Store.GraphDriverName}}')" != overlay ]
	run ! grep -F 'a,b:c' /proc/self/mountinfo
	if [ -S "${CUDDY_OTHER:-}" ]; then
		run as_other sh -c "ls /proc/$(container_pid c)/root/ || ls '$CUDDY_ROOT'"
		[[ "$output" != *f60* ]]
		[ "$status" -ne 0 ]
	fi
	cuddy rm -f -t 0 c
}
