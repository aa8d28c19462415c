#!/usr/bin/env bats
# R17, R18, K05: capabilities and ids of every process, read back from /proc.
load runtime

caps_of() { # caps_of KEY... - "inh prm eff bnd amb nnp seccomp" on one line
	rt "$@" -- sh -c 'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status' | awk '{ printf "%s ", $2 }'
}

D=00000000800405fb Z=0000000000000000

@test "R17, R18, K05: /proc/self/status for the combinations of user, capabilities, no_new_privs and filter" {
	f=$(default_filter 800405fb)
	[ "$(caps_of)" = "$Z $D $D $D $Z 0 0 " ]
	[ "$(caps_of seccomp="$f")" = "$Z $D $D $D $Z 0 2 " ]
	[ "$(caps_of nnp=1)" = "$Z $D $D $D $Z 1 0 " ]
	[ "$(caps_of nnp=1 seccomp="$f")" = "$Z $D $D $D $Z 1 2 " ]
	[ "$(caps_of user=1000)" = "$Z $Z $Z $D $Z 0 0 " ]
	[ "$(caps_of user=1000 seccomp="$f")" = "$Z $Z $Z $D $Z 0 2 " ]
	[ "$(caps_of user=1000 nnp=1 seccomp="$f")" = "$Z $Z $Z $D $Z 1 2 " ]
	[ "$(caps_of caps=0)" = "$Z $Z $Z $Z $Z 0 0 " ]
	[ "$(caps_of caps=0 seccomp="$f" nnp=1)" = "$Z $Z $Z $Z $Z 1 2 " ]
	[ "$(caps_of user=1000 caps=0)" = "$Z $Z $Z $Z $Z 0 0 " ]
	[ "$(caps_of capadd=2000)" = "$Z 00000000800425fb 00000000800425fb 00000000800425fb $Z 0 0 " ]
	n=0000000000002000
	[ "$(caps_of user=1000 capadd=2000)" = "$n $n $n 00000000800425fb $n 0 0 " ]
}

@test "R17: exec confines as pid 1 was" {
	rt_background -- sleep 60
	run -0 "$RTDRIVE" exec="$PID1" user=1000 -- grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status
	[ "$(echo "$output" | awk '{ print $2 }' | sort -u)" = $Z ]
	run -0 "$RTDRIVE" exec="$PID1" -- grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status
	[ "$(echo "$output" | awk '{ print $2 }' | sort -u)" = $D ]
	rt_end
}

@test "R30, H08: when a step of mounting or of giving up privilege fails, nothing starts" {
	command -v strace >/dev/null || skip "no strace"
	default_filter 800405fb >/dev/null
	mkdir "$WORK"/{up,wk}.traced
	rt_background -- sleep 300 # keeps the base namespace: strace takes newuidmap its rights
	inject() { # inject CALL WHICH ERROR WORD...
		local what=$1 which=$2 error=$3
		shift 3
		run strace -f -qq -o "$WORK/trace" -e "trace=$what" -e "inject=$what:error=$error:when=$which" "$RTDRIVE" "$@" -- echo started
	}
	traced() { # traced CALL WHICH [ERROR]
		inject "$1" "$2" "${3:-EAGAIN}" run="$WORK/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up.traced" work="$WORK/wk.traced" \
			user=1000 seccomp="$WORK/filter.bpf"
	}
	traced setgroups 65535 # never
	[ "$output" = started ]
	# EPERM of setgroups: as by a filter around us. Only a user namespace that says "deny" has a right to it (H05).
	for which in 'setgroups 1 EPERM' 'setgroups 2 EPERM' 'setgroups 2' 'capset 2' 'setresuid 2' 'setresgid 2' 'seccomp 1' 'pivot_root 1' 'mount 1' 'fsmount 1' \
		'fsconfig 6' 'open_tree 8' 'move_mount 1' 'move_mount 12+' 'mount_setattr 5' 'umount2 1'; do
		# shellcheck disable=SC2086
		traced $which
		grep -q INJECTED "$WORK/trace" || { echo "$which: it was not called"; false; }
		[[ "$output" != *started* ]] || { echo "$which: started"; false; }
	done
	inject setgroups 65535 EPERM exec="$PID1"
	[ "$output" = started ]
	for which in 1 2; do
		inject setgroups $which EPERM exec="$PID1"
		[[ "$(grep -c INJECTED "$WORK/trace") $output" == "1 "*groups* && "$output" != *started* ]] || fail "exec $which: $output"
	done
	# A kernel, or a filter around us, that says yes and does nothing: what became of it is read back.
	pretend() { # pretend CALL WHICH KEY...
		run strace -f -qq -o "$WORK/trace" -e "trace=$1" -e "inject=$1:retval=0:when=$2" "$RTDRIVE" "${@:3}" -- echo started
		grep -q INJECTED "$WORK/trace" || fail "$1 $2: it was not called"
		[[ "$output" =~ "not what was set"|"ids are "|"not in force" && "$output" != *started* ]] || fail "$1 $2: $output"
	}
	new=(run="$WORK/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up.traced" work="$WORK/wk.traced" user=1000 nnp=1 seccomp="$WORK/filter.bpf")
	for how in 'setgroups 2' 'setresgid 2' 'setresuid 2' 'capset 2' 'seccomp 1'; do
		# shellcheck disable=SC2086
		pretend $how "${new[@]}"
	done
	for how in 'setgroups 2' 'setresgid 2' 'setresuid 2' 'capset 2' 'seccomp 1'; do
		# shellcheck disable=SC2086
		pretend $how exec="$PID1" user=1000 nnp=1 seccomp="$WORK/filter.bpf"
	done
	rt_end
}

@test "R19: the primary group is among the groups, members of group are added, numbers are never names" {
	printf '1000:x:7:7::/:\n' >>"$IMG/etc/passwd"
	run -0 rt user=user -- id -G
	[ "$output" = "50 60" ]
	run -0 rt user=1000 -- id -u
	[ "$output" = 1000 ]
	run -0 rt user=user group=77 group=staff -- id -G
	[ "$(echo $output | tr ' ' '\n' | sort -n | xargs)" = "50 60 77" ]
	run -0 rt user=1 -- id -u
	[ "$output" = 1 ]
}

@test "R20: users that are not plainly a name or a number are refused" {
	for u in 4294967295 4294967296 2147483648 -1 +1 " 1" 0x0 1: :1 1:2:3 nobodyhere 1:nogrouphere; do
		run rt user="$u" -- echo started
		[ "$status" -eq 125 ]
		[[ "$output" != *started* ]]
	done
	run -0 rt user=1:2 -- id -u
	run -0 rt user=root:1 -- id -g
	[ "$output" = 1 ]
}

@test "R21: a passwd file that is a FIFO, a device, huge or one long line is an error at once" {
	rm "$IMG/etc/passwd"
	ln -s "$VICTIM/fifo" "$IMG/etc/passwd"
	run timeout 5 "$RTDRIVE" run="$WORK/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up" work="$WORK/wk" user=x -- echo started
	[ "$status" -eq 125 ]
	rm "$IMG/etc/passwd"
	mkfifo "$IMG/etc/passwd"
	run timeout 5 "$RTDRIVE" run="$WORK/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up" work="$WORK/wk" -- echo started
	[ "$status" -eq 125 ]
	rm "$IMG/etc/passwd"
	truncate -s 4G "$IMG/etc/passwd"
	run timeout 5 "$RTDRIVE" run="$WORK/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up" work="$WORK/wk" -- echo started
	[ "$status" -eq 125 ]
	head -c 100000 /dev/zero | tr '\0' a >"$IMG/etc/passwd"
	run timeout 5 "$RTDRIVE" run="$WORK/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up" work="$WORK/wk" -- echo started
	[ "$status" -eq 125 ]
}

@test "R26: sysctls reach only what their name says, and only in their namespace" {
	for s in kernel.core_pattern=x net/ipv4/../../kernel/core_pattern=x net.ipv4.../../kernel.core_pattern=x kernel.core_pattern; do
		run rt sysctl="$s" -- echo started
		[ "$status" -eq 125 ]
	done
	run -0 rt sysctl=net.ipv4.ip_forward=1 -- cat /proc/sys/net/ipv4/ip_forward
	[ "$output" = 1 ]
}
