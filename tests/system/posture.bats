#!/usr/bin/env bats
# What a container is that nobody asked anything of: read from inside it, compared in full.
load helpers

# Of the mounts: type, place and the options that the container could be hurt by, sorted. Masks are told apart by
# what lies on them, not by where they come from: the host may lack some of the places.
facts='
	sed -n -E "s/^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):.//p" /proc/self/status | xargs
	echo umask $(umask) uid $(id -u) core $(ulimit -Hc) nofile $(ulimit -Sn)
	for s in net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range net/ipv6/conf/default/accept_ra net/ipv6/conf/default/accept_redirects; do
		[ ! -e /proc/sys/$s ] || echo $s $(cat /proc/sys/$s)
	done
	ls /dev | xargs echo dev
	for m in / /proc /dev /dev/pts /dev/shm /dev/mqueue /sys; do
		grep " $m " /proc/self/mounts | tail -1 | { read -r source at type options rest
			echo $at $type $(echo $options | tr , "\n" | grep -xE "ro|rw|nosuid|nodev|noexec|mode=.*|size=[0-9]*k|nr_inodes=.*|ptmxmode=.*" | xargs); }
	done
	for f in /etc/hosts /etc/hostname /etc/resolv.conf; do
		grep " $f " /proc/self/mounts | tr " ," "\n\n" | grep -xE "nosuid|nodev|noexec" | xargs echo $f
	done
	for d in bus fs irq sys sysrq-trigger; do
		[ ! -e /proc/$d ] || grep -q " /proc/$d proc ro," /proc/self/mounts || echo /proc/$d may be written
	done
	for f in acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats; do
		p=/proc/$f
		if [ -d $p ]; then [ -z "$(ls -A $p)" ] && ! touch $p/x 2>/dev/null || echo $p is open
		elif [ -e $p ]; then [ "$(stat -c %t:%T $p)" = 1:3 ] || echo $p is open; fi
	done
	for p in /sys/firmware /sys/fs/selinux /sys/devices/virtual/powercap /sys/devices/system/cpu/cpu*/thermal_throttle; do
		[ ! -d $p ] || [ -z "$(ls -A $p)" ] || echo $p is open
	done
	! grep -q " /sys/fs/cgroup cgroup " /proc/self/mounts && ! mkdir /sys/fs/cgroup/x 2>/dev/null || echo cgroups are open
	for n in full null ptmx random tty urandom zero; do stat -c "$n %t:%T %a" -L /dev/$n; done | xargs echo nodes
	for m in /bind /tmpfs /volume; do
		grep " $m " /proc/self/mounts | tr " ," "\n\n" | grep -xE "ro|rw|nosuid|nodev|noexec" | xargs echo $m
	done
	for w in EPERM ENOSYS ok other; do /sysprobe | sed -n "s/ $w\$//p" | xargs echo calls $w; done
	grep -E " (shared|master):" /proc/self/mountinfo | grep -v " / .* - devtmpfs" | head -3
	env | cut -d= -f1 | grep -vxE "PWD|SHLVL|OLDPWD" | sort | xargs echo env'

@test "the default posture, in full" {
	mkdir "$WORK/bind"
	export http_proxy=http://u:p@127.0.0.1:9 HTTPS_PROXY=http://u:p@127.0.0.1:9 SECRET=hunter2
	mounts=(-v "$WORK/bind:/bind" -v v:/volume --tmpfs /tmpfs -v "${CUDDY%/*}/tools/sysprobe:/sysprobe:ro")
	cuddy run -d --name c "${mounts[@]}" "$IMAGE" sleep 1000
	cuddy exec c sh -c "$facts" >"$WORK/exec"
	run -0 cuddy run --rm "${mounts[@]}" "$IMAGE" sh -c "$facts"
	cat >"$WORK/want" <<-'EOT'
		0000000000000000 00000000800405fb 00000000800405fb 00000000800405fb 0000000000000000 0 2
		umask 0022 uid 0 core 0 nofile 1024
		net/ipv4/ip_unprivileged_port_start 0
		net/ipv4/ping_group_range 0 0
		net/ipv6/conf/default/accept_ra 0
		net/ipv6/conf/default/accept_redirects 0
		dev fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero
		/ overlay rw
		/proc proc rw nosuid nodev noexec
		/dev tmpfs rw nosuid noexec size=65536k nr_inodes=4096 mode=755
		/dev/pts devpts rw nosuid noexec mode=620 ptmxmode=666
		/dev/shm tmpfs rw nosuid nodev noexec size=65536k nr_inodes=17408
		/dev/mqueue mqueue rw nosuid nodev noexec
		/sys sysfs ro nosuid nodev noexec
		/etc/hosts nosuid nodev noexec
		/etc/hostname nosuid nodev noexec
		/etc/resolv.conf nosuid nodev noexec
		nodes full 1:7 666 null 1:3 666 ptmx 5:2 666 random 1:8 666 tty 5:0 666 urandom 1:9 666 zero 1:5 666
		/bind rw nosuid nodev
		/tmpfs rw nosuid nodev noexec
		/volume rw nosuid nodev
		calls EPERM mount umount2 pivot_root unshare-user setns clone-newuser fsopen open_tree move_mount mount_setattr keyctl add_key request_key bpf perf_event_open userfaultfd io_uring_setup kexec_load init_module reboot swapon acct open_by_handle_at pidfd_getfd process_madvise socket-alg socket-vsock kcmp move_pages personality-bad
		calls ENOSYS clone3 unknown
		calls ok splice socket-unix socket-inet socket-inet6 socket-netlink getpid
		calls other vmsplice
		env HOME HOSTNAME PATH container
	EOT
	diff "$WORK/want" - <<<"$output"
	diff "$WORK/want" "$WORK/exec"
	# A tmpfs takes half of the memory, at most a gibibyte; cores are off, processes are bounded as the caller's are.
	[ "$(cuddy exec c sh -c 'df -k /tmpfs | tail -n 1 | xargs | cut -d" " -f2')" -le 1048576 ]
	[ "$(awk '/^Max processes/ { print $4 }' "/proc/$(container_pid c)/limits")" = "$(ulimit -Hu)" ]
	[ "$(awk '/^Max open files/ { print $5 }' "/proc/$(container_pid c)/limits")" = "$(ulimit -Hn)" ]
	# Namespaces of its own of every kind but time, and nothing of the caller's environment.
	pid=$(container_pid c)
	for ns in user mnt pid uts ipc net cgroup; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
	[ "$(awk '{ print $1, $2 }' "/proc/$pid/uid_map" | head -1)" = "0 $(id -u)" ]
	[ "$(cuddy exec c sh -c 'ls /proc/1/fd | xargs')" = "0 1 2" ]
	[ "$(cat "/proc/$pid/oom_score_adj")" = "$(cat /proc/self/oom_score_adj)" ]
}

@test "the posture of --privileged: all capabilities, of the container's own user namespace alone" {
	run -0 cuddy run --rm --privileged --network none "$IMAGE" sh -c 'sed -n "s/^Cap\(Inh\|Bnd\|Amb\):.//p" /proc/self/status | xargs; xargs </proc/self/uid_map; readlink /proc/self/ns/user; ls /dev/mem /dev/sda /dev/kmsg 2>&1 | grep -v "No such" || true'
	all=$(printf '%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
	[ "${lines[0]}" = "0000000000000000 $all 0000000000000000" ]
	[[ "${lines[1]}" == "0 "* ]]
	[ "${#lines[@]}" -eq 3 ]
	[ "${lines[2]}" != "$(readlink /proc/self/ns/user)" ]
}
