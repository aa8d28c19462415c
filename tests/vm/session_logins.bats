#!/usr/bin/env bats
# A user who logs in by ssh, and jobs of cron and su: what runs on afterwards, and what they see of each other.
# "visitor" has a store where everybody has it, and no services that run without him, until he is allowed to.
load ../system/helpers
load cgroups

setup_file() {
	file_begin
	export V=/var/lib/visitor KEY=$BATS_FILE_TMPDIR/key
	ssh-keygen -q -t ed25519 -N '' -f "$KEY"
	sudo install -d -m 0700 -o visitor -g visitor $V/.ssh $V/out
	sudo install -m 0600 -o visitor -g visitor "$KEY.pub" $V/.ssh/authorized_keys
	cp "$(image_file busybox)" /tmp/busybox.tar
	chmod 0644 /tmp/busybox.tar
	sudo systemctl start ssh
	uid=$(id -u visitor)
	export uid
}
teardown_file() {
	sudo systemctl stop ssh cron
	sudo loginctl disable-linger visitor
	sudo crontab -u visitor -r || true
	file_end
}
login() { ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i "$KEY" visitor@127.0.0.1 "PATH=$(dirname "$CUDDY"):\$PATH; $1"; }
manager_is() { [ "$(systemctl is-active "user@$uid.service")" = "$1" ]; }
manager_gone() { manager_is inactive && ! [ -e "/run/user/$uid" ]; }
no_process() { ! pgrep -u visitor; }
worker='sh -c "trap \"echo ended >/out/end; exit 7\" TERM; echo up >/out/up; while :; do sleep 0.1; done"'

@test "ssh without linger: what a login started is ended with it, in order, and known to be" {
	login 'cuddy load -q -i /tmp/busybox.tar && cuddy run -d -m 64m --network none --name w -v ~/out:/out localhost/busybox '"$worker"'
		while [ ! -s ~/out/up ]; do sleep 0.1; done
		cat "/sys/fs/cgroup$(cuddy inspect --format "{{.State.CgroupPath}}" w)/memory.max"' >"$WORK/out"
	[ "$(tail -n 1 "$WORK/out")" = 67108864 ]
	wait_until 60 manager_gone
	[ "$(sudo cat $V/out/end)" = ended ]
	wait_until 20 no_process
	run -0 login 'cuddy inspect --format "{{.State.Status}} {{.State.ExitCode}} {{.State.ExitReason}}" w; cuddy doctor --format "{{.Check}} {{.Status}}: {{.Breaks}}: {{.Mend}}" | grep ^linger; cuddy rm w'
	[ "${lines[0]}" = "exited 7 session" ]
	[[ "${lines[1]}" == "linger note: "*"loginctl enable-linger"* ]]
}

@test "ssh with linger: it runs on, and jobs of su and cron see it, run beside it and limit what they run" {
	sudo loginctl enable-linger visitor
	wait_until 60 manager_is active
	login 'cuddy run -d --network none --name w localhost/busybox sleep 1000'
	job="$CUDDY exec w echo inside; $CUDDY run --rm -m 32m --network none localhost/busybox cat /sys/fs/cgroup/memory.max; $CUDDY run --rm localhost/busybox sh -c 'grep -c tap0 /proc/net/dev'"
	want=$(printf '%s\n' inside 33554432 1)
	[ "$(sudo su - visitor -c "$job" 2>&1)" = "$want" ]
	[ "$(sudo setsid env -i setpriv --reuid visitor --regid visitor --init-groups env HOME=$V sh -c "$job" 2>&1)" = "$want" ]
	# cron does once, at its start, what is to be done at each boot.
	printf '@reboot { %s; echo done; } >%s/out/cron 2>&1\n' "$job" $V | sudo crontab -u visitor -
	sudo systemctl start cron
	wait_until 60 sudo grep -q done $V/out/cron
	[ "$(sudo cat $V/out/cron)" = "$want"$'\n'done ]
	login 'cuddy rm -f -t 0 w'
}
