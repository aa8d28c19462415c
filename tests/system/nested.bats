#!/usr/bin/env bats
# cuddy in a container of cuddy's or of podman's: what the outer one has to give, and what there is without it.
# The outer root is made of this machine's own programs; helpers are copies, since a helper must be ours or root's.
load helpers

setup_file() {
	file_begin
	export S=$FILE_ROOT/outer
	mkdir -p "$S"/{programs,helpers} "$S"/root/{usr,proc,sys,dev,tmp,run,var/tmp,root,etc,opt,home/user}
	local d p
	for d in bin sbin lib lib64; do ln -s "usr/$d" "$S/root/$d"; done
	chmod 1777 "$S"/root/{tmp,var/tmp}
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >"$S/root/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$S/root/etc/group"
	echo 'root:10000:50000' | tee "$S/root/etc/subuid" >"$S/root/etc/subgid"
	echo 'passwd: files' >"$S/root/etc/nsswitch.conf"
	cp /etc/ld.so.cache "$S/root/etc/"
	cp "$CUDDY" "$CUDDY"-* "$S/programs/"
	cp "$(image_file busybox)" "$S/programs/busybox.tar"
	cp -r "$FILE_ROOT/outer/root" "$S/plain"
	BINDS=(-v /usr:/usr:ro -v "$S/programs:/opt")
	for p in newuidmap newgidmap fuse-overlayfs slirp4netns; do
		cp "/usr/bin/$p" "$S/helpers/"
		chmod 755 "$S/helpers/$p"
		BINDS+=(-v "$S/helpers/$p:/usr/bin/$p")
	done
	printf '%s\n' "${BINDS[@]}" >"$S/binds"
	# Inside, on one line each: an ordinary container, an exec, what the kernel calls itself, what became of the store.
	cat >"$S/programs/inner" <<'SH'
c=/opt/cuddy
$c load -q -i /opt/busybox.tar >/dev/null 2>/tmp/load || { tail -n 1 /tmp/load; exit; }
o="--network none $*"
$c run --rm $o localhost/busybox sh -c 'echo run $(id -u) $(wc -l </proc/self/uid_map) $(ls /sys | wc -l)' 2>&1 || exit
$c run -d --name x $o localhost/busybox sleep 1000 >/dev/null
$c exec x sh -c 'echo exec; grep -c sleep /proc/*/cmdline | grep -v :0 | head -n 1 | sed "s/.*/ps/"' | xargs
$c rm -f -t 0 x >/dev/null
$c info --format 'driver {{.Store.GraphDriverName}}'
SH
}
teardown_file() { file_end; }

# outer FLAG... -- SCRIPT: as root of a container of ours. Its two streams are one inside: the order of lines in
# two pipes is anybody's.
outer() {
	local flags=() binds
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	mapfile -t binds <"$S/binds"
	timeout 100 "$CUDDY" run --rm --network "${NET:-none}" "${flags[@]}" "${binds[@]}" --rootfs "$S/root:O" sh -c "exec 2>&1; $2"
}
OPEN=(--security-opt seccomp=unconfined --security-opt unmask=ALL)

@test "nested: a container that gives nothing: one line says what it would have to" {
	run outer -- '/opt/cuddy load -q -i /opt/busybox.tar 2>&1 | tail -n 1'
	[[ "$output" == *"system call filter around us"*"seccomp=unconfined"* ]]
}

@test "nested: with a masked /proc only that of the outer container can be had, by --pid host" {
	run outer --security-opt seccomp=unconfined -- 'sh /opt/inner'
	[[ "${lines[0]}" == *"hides parts of its own /proc"*"unmask=ALL"*"--pid host"* ]]
	run outer --security-opt seccomp=unconfined -- 'sh /opt/inner --pid host'
	[[ "${lines[0]}" == "run 0 2 "* ]]
	[ "${lines[1]}" = "exec ps" ]
	[ "${lines[2]}" = "driver vfs" ]
	run outer --cap-add SYS_ADMIN -- 'sh /opt/inner --pid host' # a filter that has keyctl in it
	[[ "${lines[0]}" == "run 0 2 "* ]]
}

@test "nested: unmasked and unfiltered; with /dev/fuse, with a volume for the store, as a user, with --privileged" {
	run outer "${OPEN[@]}" -- 'sh /opt/inner'
	[[ "${lines[0]}" == "run 0 2 "[1-9]* ]] || fail "$output"
	[ "${lines[1]} ${lines[2]}" = "exec ps driver vfs" ]
	if [ -w /dev/fuse ]; then
		run outer "${OPEN[@]}" --device /dev/fuse -- 'sh /opt/inner'
		[[ "${lines[0]}" == "run 0 2 "[1-9]* ]] || fail "$output"
		[ "${lines[1]} ${lines[2]}" = "exec ps driver fuse-overlayfs" ]
	fi
	run outer "${OPEN[@]}" -v store:/root/.local -- 'sh /opt/inner
		c="/opt/cuddy run --rm --network none"
		$c --hostname mine localhost/busybox sh -c "hostname; touch /sys/kernel/x 2>&1 | grep -o Read-only"
		$c -m 64m localhost/busybox true 2>&1 | grep -o "^cuddy: --memory"'
	[[ "${lines[0]}" == "run 0 2 "[1-9]* ]] || fail "$output"
	[ "${lines[1]} ${lines[2]}" = "exec ps driver overlay" ]
	# A host name of its own; the outer one's /sys, read-only; no limits.
	[ "${lines[*]:3}" = "mine Read-only cuddy: --memory" ] || fail "$output"
	run outer "${OPEN[@]}" --user 1000 -v home:/home/user:U -- 'sh /opt/inner'
	[[ "${lines[0]}" == "run 0 1 "[1-9]* ]] || fail "$output" # no subordinate ids: one id
	[ "${lines[1]} ${lines[2]}" = "exec ps driver overlay" ]
	run outer --privileged -v store:/root/.local -- 'sh /opt/inner --privileged; ls -d /dev/fuse /dev/net/tun 2>/dev/null | xargs echo devices'
	[[ "${lines[0]}" == "run 0 2 "[1-9]* ]] || fail "$output"
	[ "${lines[1]} ${lines[2]}" = "exec ps driver overlay" ]
	[ "${lines[3]}" = "devices $(ls -d /dev/fuse /dev/net/tun 2>/dev/null | xargs)" ] || fail "$output"
	cuddy volume rm -f store home >/dev/null
}

@test "nested: a network needs /dev/net/tun, a build nothing more than a container" {
	require_tun
	NET=slirp4netns
	run outer "${OPEN[@]}" --device /dev/net/tun -v store:/root/.local -- '
		/opt/cuddy load -q -i /opt/busybox.tar >/dev/null 2>&1
		/opt/cuddy run --rm -p 127.0.0.1:8080:80 localhost/busybox sh -c "grep -c tap0 /proc/net/dev"
		printf "FROM localhost/busybox\nRUN echo built >/f\n" >/tmp/Containerfile
		/opt/cuddy build -q -t b /tmp >/dev/null && /opt/cuddy run --rm --network none b cat /f'
	[ "$(echo $output)" = "1 built" ] || fail "$output"
	run outer "${OPEN[@]}" -v store:/root/.local -- '/opt/cuddy run --rm localhost/busybox true; echo $?; /opt/cuddy run --rm --network host localhost/busybox echo host'
	[[ "${lines[0]}" == *"/dev/net/tun is missing"* ]]
	[ "${lines[1]} ${lines[2]}" = "125 host" ]
	cuddy volume rm -f store >/dev/null
}

@test "nested: doctor says what of the outer container's is missing, and which calls the filter around us takes" {
	findings='/opt/cuddy doctor --format "{{.Check}} {{.Status}}: {{.Breaks}}: {{.Mend}}"'
	run outer "${OPEN[0]}" "${OPEN[1]}" -- "$findings"
	[[ "$output" == *"user-namespaces ok"*"proc problem: containers without --pid host: "*"unmask=ALL"* ]] || fail "$output"
	[[ "$output" == *"slirp4netns problem: containers with a network of their own"*"cgroup problem: limits "* ]] || fail "$output"
	# What mends are the outer one's flags, not commands of a host's root.
	[[ "$output" == *"overlay note: "*": run the container around us with a volume for the store: -v store:"* ]] || fail "$output"
	[[ "$output" == *"slirp4netns problem: "*": run the container around us with --device /dev/net/tun"* ]] || fail "$output"
	[[ "$output" == *"cgroup problem: "*": bound the container around us, and with it all that runs here: --memory, "* ]] || fail "$output"
	[[ "$output" != *"modprobe tun"* && "$output" != *"systemd.unified"* ]] || fail "$output"
	run outer "${OPEN[@]}" -v store:/root/.local -- "$findings"
	[[ "$output" == *"user-namespaces ok"*"proc ok"*"overlay ok"* ]] || fail "$output"
	cuddy volume rm -f store >/dev/null
	printf '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["pidfd_open", "seccomp"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}\n' >"$S/programs/few.json"
	run outer --security-opt "seccomp=$S/programs/few.json" -- '/opt/cuddy doctor -q --format "{{.Check}} {{.Status}}: {{.Found}}: {{.Breaks}}: {{.Mend}}"; echo $?'
	[ "${lines[-1]}" = 1 ]
	[[ "$output" == *"pidfd problem: "*"every container: run the container around us with --security-opt seccomp=unconfined"* ]] || fail "$output"
	[[ "$output" == *"seccomp problem: "*"--security-opt seccomp=unconfined"* ]]
}

@test "nested: in a container of podman's, with its own filter" {
	require_program podman
	short=$(mktemp -d /tmp/cne-XXXXXX)
	mkdir -m 0700 "$short/run" "$short/home"
	ln -s "$CUDDY" "$short/cuddy-runtime"
	pm() { env HOME="$short/home" XDG_RUNTIME_DIR="$short/run" podman --root "$short/root" --runroot "$short/rr" --storage-driver vfs --cgroup-manager cgroupfs --events-backend none \
		--runtime "$short/cuddy-runtime" "$@"; }
	mapfile -t binds <"$S/binds"
	inside() { pm run --rm --network none "$@" 2>&1 | grep -v level=; }
	unset CUDDY_RUNROOT DBUS_SESSION_BUS_ADDRESS
	run inside "${binds[@]}" --rootfs "$S/plain" sh -c 'exec 2>&1; sh /opt/inner --pid host'
	first=$output
	run inside --security-opt unmask=ALL "${binds[@]}" --rootfs "$S/plain" sh -c 'exec 2>&1; sh /opt/inner; hostname; c="/opt/cuddy run --rm --network none"; $c localhost/busybox hostname; $c --hostname mine localhost/busybox hostname'
	second=$output
	run inside --security-opt unmask=ALL --cap-add SYS_ADMIN "${binds[@]}" --rootfs "$S/plain" sh -c 'exec 2>&1; sh /opt/inner; /opt/cuddy run --rm --network none --hostname mine localhost/busybox hostname'
	third=$output
	pm system migrate >/dev/null 2>&1 || true # ends its pause process
	export CUDDY_RUNROOT=$FILE_ROOT/run
	unshare --user --map-auto --map-root-user rm -rf "$short" "$S/plain" # an overlay has a directory of mode 0 in it
	echo "$first"
	echo "$second"
	echo "$third"
	[[ "$(head -n 1 <<<"$first")" == "run 0 2 "* ]]
	[[ "$(head -n 1 <<<"$second")" == "run 0 2 "* ]]
	[ "$(sed -n 2,3p <<<"$second" | xargs)" = "exec ps driver overlay" ]
	[ "$(sed -n 4p <<<"$second")" = "$(sed -n 5p <<<"$second")" ] # the outer one's
	[[ "$(tail -n 1 <<<"$second")" == *"set the host name"* ]] # asked for, so not left out
	[ "$(tail -n 1 <<<"$third")" = mine ]
}
