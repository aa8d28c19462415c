#!/usr/bin/env bats
# What the host says of users, ids and processes: helpers that lie, lines that are odd, numbers used again.
load ../system/helpers

# as_daemon SCRIPT - as a user in a deny group and without subordinate ids: uid 1, groups 1 and 7, with a store of his.
# $D is a directory of root's there; nothing of it is this user's own.
as_daemon() {
	local st=0
	mkdir -p "$WORK/d"
	chmod 755 "$WORK" "$WORK/d"
	unshare --user --map-auto --map-root-user --mount --pid --mount-proc --fork --kill-child sh -ec '
		D=$1; script=$2
		mkdir -p -m 0700 "$D/root" "$D/run"; chown 1:1 "$D/root" "$D/run"
		echo canary >"$D/denied"; chown 0:7 "$D/denied"; chmod 0604 "$D/denied"
		mount -t tmpfs none /tmp -o mode=1777
		exec setpriv --reuid 1 --regid 1 --groups 1,7 env D="$D" HOME=/nonexistent CUDDY_ROOT="$D/root" CUDDY_RUNROOT="$D/run" sh -c "$script"' \
		- "$WORK/d" "$1" || st=$?
	unshare --user --map-auto --map-root-user rm -rf "$WORK/d"
	return $st
}

@test "H05, H07: without subordinate ids the groups that keep a user out of files stay, and are all he has" {
	export BUSYBOX=$(image_file busybox)
	[ -r "$BUSYBOX" ]
	cp "$BUSYBOX" "$WORK/busybox.tar"
	chmod 644 "$WORK/busybox.tar"
	export BUSYBOX=$WORK/busybox.tar
	parents=$WORK # the test's own directory is 0700
	while [ "$parents" != / ] && [ "$(stat -c %u "$parents")" = "$(id -u)" ]; do
		[ "$(stat -c %a "$parents")" = 700 ] && chmod 711 "$parents"
		parents=$(dirname "$parents")
	done
	as_daemon '
		! cat "$D/denied" 2>/dev/null || exit 90
		"$CUDDY" load -q -i "$BUSYBOX" 2>/tmp/said >/dev/null || { cat /tmp/said >&2; exit 91; }
		"$CUDDY" run --rm --network none -v "$D:/d" localhost/busybox sh -c "
			cat /proc/self/setgroups
			grep ^Groups: /proc/self/status | xargs
			cat /d/denied 2>&1
			busybox su root -c \"cat /d/denied\" 2>&1
			xargs </proc/self/uid_map; stat -c %u /d/denied; grep NoNewPrivs /proc/self/status"
		"$CUDDY" run --rm --network none --group-add keep-groups localhost/busybox grep NoNewPrivs /proc/self/status
		"$CUDDY" run -d --name c --network none localhost/busybox sleep 1000 >/dev/null
		for p in $("$CUDDY" inspect --format "{{.State.Pid}} {{.State.ConmonPid}}" c); do cat /proc/$p/setgroups; done
		"$CUDDY" exec c sh -c "grep ^Groups: /proc/self/status | xargs echo exec; grep NoNewPrivs /proc/self/status"
		"$CUDDY" run --rm --network none --pid container:c localhost/busybox sh -c "grep ^Groups: /proc/self/status | xargs echo joined"
		"$CUDDY" run --rm --network none --user 1 localhost/busybox true 2>&1
		"$CUDDY" rm -f -t 0 c >/dev/null' >"$WORK/out"
	cat "$WORK/out"
	[ "$(grep -c '^deny$' "$WORK/out")" -eq 3 ]
	! grep -q canary "$WORK/out" || fail "it was there"
	[ "$(grep -c 'denied' "$WORK/out")" -ge 1 ]
	grep -q "groups: Operation not permitted" "$WORK/out" # setgroups(2) itself, as su calls it
	for how in '' 'exec ' 'joined '; do
		grep -q "^${how}Groups: 0 65534" "$WORK/out"
	done
	grep -q '^0 0 1$' "$WORK/out"
	[ "$(grep -c '^NoNewPrivs:.1$' "$WORK/out")" -eq 3 ]
	grep -q '^cuddy: .*user 1' "$WORK/out"
}

@test "H07: nothing of ours is setuid, setgid or has capabilities" {
	for f in "$CUDDY" "$CUDDY"-*; do
		[ ! -u "$f" ]
		[ ! -g "$f" ]
		[ -z "$(getcap "$f")" ]
	done
	[ -z "$(find "$CUDDY_ROOT" "$CUDDY_RUNROOT" -perm /6000 2>/dev/null)" ]
	! grep -snE 'setcap|chmod [0-9]*[4-7][0-7]{3}|-m [4-7][0-7]{3}' "$TOP/Makefile" || fail "it was there"
}

# with_subid FILE COMMAND... - our own id where FILE is /etc/subuid and /etc/subgid. The set-uid helpers have no power
# there: a line that is taken is one that newuidmap then fails with.
with_subid() {
	local f=$1
	shift
	unshare --user --map-root-user --mount sh -ec '
		mount --bind "$1" /etc/subuid; mount --bind "$1" /etc/subgid; u=$2 g=$3; shift 3
		exec unshare --user --map-user="$u" --map-group="$g" "$@"' - "$f" "$(id -u)" "$(id -g)" "$@"
}

@test "H06: odd lines about subordinate ids are refused by line, and another user's are not ours" {
	me=$(id -un) uid=$(id -u)
	probe() { run --separate-stderr with_subid "$WORK/subid" "$CUDDY" run --rm --network none "$IMAGE" true; }
	for line in "0:65536" "$uid:1" "100000:65536x" "-1:65536" "+1:5" " 100000:65536" "4294967290:100" "100000" "4294967296:1" "0x1000:5"; do
		printf 'x:1:1\n%s:%s\n' "$me" "$line" >"$WORK/subid"
		probe
		one_line_error 125 '/etc/subuid line 2: .*mend that line' || fail "$line"
	done
	printf '%s:100000:65536\r\n' "$me" >"$WORK/subid"
	probe
	one_line_error 125 '/etc/subuid line 1'
	printf '%s:100000:65536\n%s:165535:10\n' "$me" "$me" >"$WORK/subid"
	probe
	one_line_error 125 'line 2: the range overlaps'
	printf '%s:100000:65536\0\n' "$me" >"$WORK/subid"
	probe
	one_line_error 125 'NUL'
	head -c 10000000 /dev/zero | tr '\0' x >"$WORK/subid"
	probe
	one_line_error 125 '/etc/subuid'
	# By number, and without a newline at the end: ours.
	printf '%s:100000:65536' "$uid" >"$WORK/subid"
	probe
	one_line_error 125 '^cuddy: .*newuidmap'
	# A longer name, a shorter one, a comment, someone else's: none for us, so one id and a warning.
	use_root "$WORK/single"
	printf '%sx:100000:65536\n%s:100000:65536\n#%s:100000:65536\n\n::\nother:0:4294967295\n' "$me" "${me%?}" "$me" >"$WORK/subid"
	run -0 --separate-stderr with_subid "$WORK/subid" "$CUDDY" load -q -i "$(image_file busybox)"
	[[ "$stderr" == *"no subordinate ids"* ]]
	run -0 with_subid "$WORK/subid" "$CUDDY" run --rm --network none "$IMAGE" sh -c 'xargs </proc/self/uid_map'
	[[ "$output" == "0 $uid 1" || "$output" == "0 0 1" ]]
}

@test "H06: helpers are taken from their own place; one that fails, is killed, or maps nothing stops the start" {
	mkdir "$WORK/bin"
	printf '#!/bin/sh\ntouch "%s/called"\nexec /usr/bin/"${0##*/}" "$@"\n' "$WORK" >"$WORK/bin/newuidmap"
	chmod 755 "$WORK/bin/newuidmap"
	cp "$WORK/bin/newuidmap" "$WORK/bin/newgidmap"
	run -0 env PATH="$WORK/bin:$PATH" "$CUDDY" run --rm --network none "$IMAGE" id -u
	[ "$output" = 0 ]
	[ ! -e "$WORK/called" ]
	printf '%s:100000:65536\n' "$(id -un)" >"$WORK/subid"
	for script in 'exit 1' 'kill -9 $$' 'exit 0'; do
		printf '#!/bin/sh\n%s\n' "$script" >"$WORK/helper"
		chmod 755 "$WORK/helper"
		run --separate-stderr unshare --user --map-root-user --mount sh -ec '
			mount --bind "$1/subid" /etc/subuid; mount --bind "$1/subid" /etc/subgid
			mount --bind "$1/helper" /usr/bin/newuidmap; u=$2 g=$3; shift 3
			exec unshare --user --map-user="$u" --map-group="$g" "$@"' - "$WORK" "$(id -u)" "$(id -g)" \
			"$CUDDY" run --rm --network none "$IMAGE" echo started
		echo "$script: $status $output $stderr"
		[ "$status" -eq 125 ]
		[ -z "$output" ]
	done
	# Of a stranger, who could have it say yes: not even started.
	chmod 777 "$WORK/helper"
	printf '#!/bin/sh\ntouch "%s/called"\n' "$WORK" >"$WORK/helper"
	run --separate-stderr unshare --user --map-root-user --mount sh -ec '
		mount --bind "$1/subid" /etc/subuid; mount --bind "$1/subid" /etc/subgid
		mount --bind "$1/helper" /usr/bin/newuidmap; u=$2 g=$3; shift 3
		exec unshare --user --map-user="$u" --map-group="$g" "$@"' - "$WORK" "$(id -u)" "$(id -g)" \
		"$CUDDY" run --rm --network none "$IMAGE" true
	[ "$status" -eq 125 ]
	[ ! -e "$WORK/called" ]
}
