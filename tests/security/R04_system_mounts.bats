#!/usr/bin/env bats
# R04, R05, R07, R09, R11: what an image puts where the runtime mounts.
load runtime

@test "R04: /proc or /sys as a link or a file refuses the start" {
	for d in proc sys; do
		mkdir -p "$IMG/p2"
		ln -s /p2 "$IMG/$d"
		run rt -- echo started
		[ "$status" -eq 125 ]
		[[ "$output" != *started* ]]
		rm "$IMG/$d"
		: >"$IMG/$d"
		run rt -- echo started
		[ "$status" -eq 125 ]
		[[ "$output" != *started* ]]
		rm "$IMG/$d"
	done
}

@test "R05: nothing is mounted over /proc, below it, or through a link to it" {
	ln -s proc "$IMG/x"
	for t in /proc /proc/self/attr /proc/sys /x /x/sys; do
		run rt bind="$VICTIM:$t" -- echo started
		[ "$status" -eq 125 ]
		run rt tmpfs="size=1m:$t" -- echo started
		[ "$status" -eq 125 ]
		[[ "$output" != *started* ]]
	done
}

@test "R07: masks and /dev/null are the host's null device, whatever the image has there" {
	mkdir "$IMG/dev"
	ln -s "$VICTIM/file" "$IMG/dev/null"
	run -0 rt -- sh -c 'stat -c %t:%T /dev/null /proc/keys; wc -c </proc/keys; echo x >/dev/null'
	[ "${lines[0]}" = 1:3 ]
	[ "${lines[1]}" = 1:3 ]
	[ "${lines[2]}" = 0 ]
	victim_is_unchanged
}

@test "R08: the console and the terminals are the container's own" {
	mkdir -p "$IMG/dev/pts"
	ln -s "$VICTIM/new" "$IMG/dev/console"
	ln -s /proc/sysrq-trigger "$IMG/dev/pts/0"
	run -0 rt tty=1 -- sh -c 'stat -c %t /dev/console; readlink /proc/self/fd/0'
	[[ "$output" = *"88"* ]]
	[[ "$output" = *"/dev/pts/0"* ]]
	[ ! -e "$VICTIM/new" ]
	victim_is_unchanged
}

@test "R09: /dev as a link refuses the start and nothing appears at its end" {
	: >"$VICTIM/ptmx"
	ln -s "$VICTIM" "$IMG/dev"
	VICTIM_SUM=$(victim_sum)
	run rt -- echo started
	[ "$status" -eq 125 ]
	victim_is_unchanged
}

@test "R11: mount points behind links of the image are made inside the root" {
	ln -s "$VICTIM/r" "$IMG/etc/resolv.conf"
	ln -s "../../../../..$VICTIM/h" "$IMG/etc/hosts"
	ln -s "$VICTIM" "$IMG/a"
	echo data >"$WORK/f"
	run -0 rt bind="$WORK/f:/etc/resolv.conf" bind="$WORK/f:/etc/hosts" bind="$WORK/f:/a/b/c" -- \
		cat /etc/resolv.conf /etc/hosts /a/b/c "$VICTIM/r" "$VICTIM/h"
	[ "$(echo $output)" = "data data data data data" ]
	victim_is_unchanged
	[ ! -e "$VICTIM/b" ]
}

@test "R11: a directory is not mounted over a file nor a file over a directory" {
	run rt bind="$VICTIM:/etc/passwd" -- echo started
	[ "$status" -eq 125 ]
	run rt bind="$VICTIM/file:/tmp" -- echo started
	[ "$status" -eq 125 ]
}

@test "R10, R15: a destination and a working directory that swap between directory and link never leave the root" {
	mkdir -p "$WORK/vol/d" "$WORK/vol2/d"
	ln -s / "$WORK/vol/l"
	ln -s "$VICTIM" "$WORK/vol2/l"
	cat >"$WORK/swap.py" <<-'PY'
	import ctypes, os, sys
	libc = ctypes.CDLL(None, use_errno=True)
	dirs = [os.open(d, os.O_RDONLY) for d in sys.argv[1:]]
	while True:
	    for d in dirs:
	        libc.syscall(316, d, b"d", d, b"l", 2)
	PY
	python3 "$WORK/swap.py" "$WORK/vol" "$WORK/vol2" 3>&- &
	swapper=$!
	made=
	for i in $(seq "${CUDDY_TEST_ROUNDS:-300}"); do
		run rt bind="$WORK/vol:/v" bind="$VICTIM:/v/d/x" bind="$WORK/vol2:/w" user=user cwd=/w/d/new$i mkcwd=1 -- \
			sh -c 'grep victim /proc/self/mountinfo'
		[[ "$output" == *rtdrive:* ]] || made=$made.
		case $output in
		*" /v/d/x "* | *" /v/l/x "* | *" /x "* | *refused* | *rtdrive:* | "") ;;
		*) kill $swapper; echo "$output"; false ;;
		esac
	done
	kill $swapper
	wait $swapper 2>/dev/null || true
	victim_is_unchanged
	[ -n "$made" ]
	run ! grep -q "$WORK" /proc/self/mountinfo
}
