#!/usr/bin/env bats
# systemd as pid 1 of a container: it finds its cgroup and its writable places, and runs units; and a unit of Type=notify around a container. The root is put together from the guest's own files.
load ../system/helpers
load cgroups

setup_file() {
	file_begin busybox
	export SYSROOT=$BATS_FILE_TMPDIR/sysroot
	local p f
	mkdir -p "$SYSROOT"/{bin,sbin,etc/systemd/system,usr/lib/systemd/system,proc,sys,dev,tmp,run,var/log,root}
	ln -s usr/lib "$SYSROOT/lib"; ln -s usr/lib64 "$SYSROOT/lib64"; mkdir -p "$SYSROOT/usr/lib64"
	for p in /usr/lib/systemd/systemd /usr/lib/systemd/systemd-executor /usr/bin/systemctl /usr/bin/systemd-notify /bin/busybox; do
		[ -e "$p" ] || continue
		for f in "$p" $(ldd "$p" 2>/dev/null | grep -oE '/[^ ]+'); do
			mkdir -p "$SYSROOT$(dirname "$f")" && cp -Ln "$f" "$SYSROOT$f"
		done
	done
	ln -sf ../usr/lib/systemd/systemd "$SYSROOT/sbin/init"
	ln -sf busybox "$SYSROOT/bin/sh"
	echo 'ID=test' >"$SYSROOT/etc/os-release"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$SYSROOT/etc/passwd"; echo 'root:x:0:' >"$SYSROOT/etc/group"
	: >"$SYSROOT/etc/machine-id"
	cat >"$SYSROOT/etc/systemd/system/default.target" <<-'U'
		[Unit]
		DefaultDependencies=no
		Requires=work.service
		After=work.service
	U
	cat >"$SYSROOT/etc/systemd/system/work.service" <<-'U'
		[Unit]
		DefaultDependencies=no
		[Service]
		Type=notify
		NotifyAccess=all
		ExecStart=/bin/sh -c 'systemd-notify --ready; /bin/busybox cat /proc/self/cgroup >/run/where; exec /bin/busybox sleep 1000'
	U
	printf '[Unit]\nDefaultDependencies=no\n' | tee "$SYSROOT/etc/systemd/system/"{shutdown,umount,final}.target >/dev/null
	printf '[Unit]\nDefaultDependencies=no\nRequires=bye.service\nAfter=bye.service\n' >"$SYSROOT/etc/systemd/system/halt.target"
	printf '[Unit]\nDefaultDependencies=no\nSuccessAction=exit-force\n[Service]\nType=oneshot\nExecStart=/bin/busybox true\n' \
		>"$SYSROOT/etc/systemd/system/bye.service"
}
teardown_file() { file_end; }

@test "systemd: it is pid 1, and runs a unit in a cgroup below its own" {
	cuddy run -d --name s --network none --rootfs "$SYSROOT:O" /sbin/init
	wait_until 60 cuddy exec s /bin/busybox test -s /run/where
	[ "$(cuddy exec s /bin/busybox cat /proc/1/comm)" = systemd ]
	run -0 cuddy exec s /bin/busybox cat /run/where
	[ "$output" = 0::/system.slice/work.service ]
	[ -d "$(cgroup_dir s)/system.slice/work.service" ]
	wait_until 60 eval '[ "$(cuddy exec s systemctl is-active default.target)" = active ]'
	cuddy stop -t 5 s
	wait_exited s
}

@test "sdnotify: a unit of Type=notify is active once the container says so, and its main process is the monitor" {
	unit=cuddy-notify-$$
	systemd-run --user --quiet --unit "$unit" --property Type=notify --property NotifyAccess=all --setenv "CUDDY_ROOT=$CUDDY_ROOT" \
		--setenv "CUDDY_RUNROOT=$CUDDY_RUNROOT" "$CUDDY" run -d --name n --network none --sdnotify conmon "$IMAGE" sleep 1000
	[ "$(systemctl --user is-active "$unit")" = active ]
	[ "$(systemctl --user show -P MainPID "$unit")" = "$(conmon_pid n)" ]
	cuddy stop -t 0 n
	wait_until 30 no_unit "$unit"
	systemctl --user reset-failed "$unit" 2>/dev/null || true
}

@test "watchdog: the payload is told how often to speak, and silence ends the unit" {
	unit=cuddy-dog-$$
	systemd-run --user --quiet --unit "$unit" --property Type=notify --property NotifyAccess=all --property WatchdogSec=10 \
		--setenv "CUDDY_ROOT=$CUDDY_ROOT" --setenv "CUDDY_RUNROOT=$CUDDY_RUNROOT" "$CUDDY" run -d --name dog --network none \
		--rootfs "$SYSROOT:O" /bin/sh -c '/bin/busybox echo "told $WATCHDOG_USEC $WATCHDOG_PID"; systemd-notify --ready; exec /bin/busybox sleep 1000'
	[ "$(cuddy logs dog)" = "told 10000000 " ]
	wait_until 60 eval '[ "$(systemctl --user show -P Result "$unit")" = watchdog ]'
	systemctl --user reset-failed "$unit"
	cuddy rm -f -t 0 dog
}
