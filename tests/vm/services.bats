#!/usr/bin/env bats
# Services as systemd wants them: sockets handed on, readiness that others wait for, failures and stops told apart,
# many at once. nginx and systemd-notify are the guest's own, in a root that is put together from its files.
load ../system/helpers
load units
load cgroups

setup_file() {
	file_begin busybox
	only_units_of_ours
	systemctl --user set-environment "CUDDY_ROOT=$CUDDY_ROOT" "CUDDY_RUNROOT=$CUDDY_RUNROOT"
	export S=$BATS_FILE_TMPDIR/sysroot own=$HOME/.config/systemd/user
	local p f
	mkdir -p "$own" "$S"/{proc,sys,dev,tmp,run,bin,usr/lib64,usr/lib,etc/nginx,var/lib/nginx,var/log/nginx,srv}
	ln -s usr/lib "$S/lib"
	ln -s usr/lib64 "$S/lib64"
	for p in /usr/sbin/nginx /usr/bin/systemd-notify /bin/busybox; do
		for f in "$p" $(ldd "$p" 2>/dev/null | grep -oE '/[^ ]+'); do
			mkdir -p "$S$(dirname "$f")" && cp -Ln "$f" "$S$f"
		done
	done
	ln -sf busybox "$S/bin/sh"
	printf 'root:x:0:0::/:/bin/sh\n' >"$S/etc/passwd"
	printf 'root:x:0:\n' >"$S/etc/group"
}
teardown_file() {
	cuddy unit rm --all --force
	rm -f "$own"/{web.socket,later.service}
	systemctl --user unset-environment CUDDY_ROOT CUDDY_RUNROOT
	systemctl --user daemon-reload
	file_end
}
# or_tell UNIT COMMAND...: when it does not come true, what systemd has to say
or_tell() {
	local unit=$1
	shift
	wait_until 60 "$@" || { systemctl --user --no-pager -l status "$unit"; journalctl --user --no-pager -n 30 -u "$unit"; return 1; }
}
show() { systemctl --user show -P "$2" "$1"; }
# ended_well UNIT: stopped, and no failure
ended_well() {
	[ "$(show "$1" ActiveState) $(show "$1" Result)" = "inactive success" ] && return
	systemctl --user --no-pager -l status "$1"
	journalctl --user --no-pager -n 30 -u "$1"
	return 1
}
is() { [ "$(show "$1" ActiveState)" = "$2" ]; }
page() { [ "$(busybox wget -q -O - http://127.0.0.1:8077/)" = "by a socket" ]; }

@test "socket activation: nginx has the socket of a .socket unit, without a network, from the first request on" {
	echo 'by a socket' >"$S/srv/index.html"
	printf '%s\n' 'user root;' 'daemon off;' 'error_log stderr;' 'events { }' \
		'http { access_log off; server { listen 127.0.0.1:8077; root /srv; } }' >"$S/etc/nginx/nginx.conf"
	printf '[Socket]\nListenStream=127.0.0.1:8077\n' >"$own/web.socket"
	cat >"$WORK/web.container" <<-U
		[Container]
		Rootfs=$S:O
		Exec=/usr/sbin/nginx
		Environment=NGINX=3:
		Network=none
		StopSignal=QUIT
	U
	cuddy unit install "$WORK/web.container"
	systemctl --user start web.socket
	is web.service inactive
	or_tell web.service page
	is web.service active
	[[ "$(cuddy exec systemd-web /bin/busybox readlink /proc/1/fd/3)" == socket:* ]]
	[ "$(cuddy exec systemd-web /bin/busybox cat /proc/net/tcp | wc -l)" = 1 ] # the heading: none of its own
	# The socket is systemd's: requests that come while there is no container wait for the next one.
	systemctl --user stop web.service
	[ "$(show web.service Result)" = success ] || ended_well web.service
	wait_until 60 page
	systemctl --user stop web.socket web.service
	is web.service inactive
}

@test "readiness: who depends on a service starts when its payload has said READY, not before" {
	cat >"$WORK/first.container" <<-U
		[Container]
		Rootfs=$S:O
		Exec=/bin/sh -c "echo waiting; until [ -e /tmp/go ]; do busybox sleep 0.1; done; systemd-notify --ready; exec busybox sleep 1000"
		Notify=yes
		Network=none
		StopTimeout=0
	U
	printf '[Unit]\nRequires=first.service\nAfter=first.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n' >"$own/later.service"
	cuddy unit install "$WORK/first.container"
	systemctl --user start --no-block later.service
	or_tell first.service log_has systemd-first waiting
	is first.service activating
	is later.service inactive
	cuddy exec systemd-first /bin/busybox touch /tmp/go
	wait_until 60 is later.service active
	is first.service active
	[ "$(show later.service ExecMainStartTimestampMonotonic)" -ge "$(show first.service ActiveEnterTimestampMonotonic)" ]
	systemctl --user stop later.service first.service
}

@test "a container that fails makes its service fail and start again; one that is stopped does neither, also by SIGKILL" {
	mkdir "$WORK/d"
	cat >"$WORK/work.container" <<-U
		[Container]
		Image=$IMAGE
		Exec=sh -c "trap 'sleep 2; echo whole >/d/end; exit 9' TERM; if [ ! -e /d/again ]; then touch /d/again; exit 3; fi; touch /d/up; while :; do sleep 0.1; done"
		Volume=$WORK/d:/d
		Network=none
		[Service]
		Restart=on-failure
		RestartSec=0
	U
	cuddy unit install "$WORK/work.container"
	systemctl --user start work.service
	wait_until 60 test -e "$WORK/d/up"
	[ "$(show work.service NRestarts)" -ge 1 ]
	# Stopping waits for what the payload has to end, and its status is then nobody's failure.
	systemctl --user stop work.service
	[ "$(cat "$WORK/d/end")" = whole ]
	ended_well work.service
	# The monitor is systemd's own child: of others' children it does not wait for the end.
	run -1 grep 'not our child' <(journalctl --user --no-pager -u work.service)
	printf '[Container]\nImage=%s\nExec=sleep 1000\nNetwork=none\nStopTimeout=0\n' "$IMAGE" >"$WORK/hard.container"
	printf '[Container]\nImage=%s\nExec=sh -c "sleep 1; exit 4"\nNetwork=none\n' "$IMAGE" >"$WORK/bad.container"
	cuddy unit install "$WORK/hard.container" "$WORK/bad.container"
	systemctl --user start hard.service bad.service
	systemctl --user stop hard.service
	ended_well hard.service
	wait_until 60 is bad.service failed
	[ "$(show bad.service ExecMainStatus)" = 4 ]
	systemctl --user reset-failed bad.service
}

# service_of NAME PROPERTY... -- ARG...: "cuddy run ARG..." as a service of Type=notify
service_of() {
	local name=$1 properties=()
	shift
	while [ "$1" != -- ]; do
		properties+=(-p "$1")
		shift
	done
	shift
	systemd-run --user --quiet --unit "$name" -p Type=notify "${properties[@]}" -E "CUDDY_ROOT=$CUDDY_ROOT" -E "CUDDY_RUNROOT=$CUDDY_RUNROOT" \
		"$CUDDY" run --rm --name "$name" --network none "$@"
}
@test "in the foreground cuddy itself is the service's main process: it says that it runs, and ends with the container's status" {
	# Nobody but the main process is listened to, unless the unit says otherwise.
	service_of fore -- --sdnotify conmon "$IMAGE" sh -c 'until [ -e /tmp/end ]; do sleep 0.1; done; exit 3'
	is fore.service active
	[ "$(ps -o comm= -p "$(show fore.service MainPID)")" = cuddy ]
	cuddy exec fore touch /tmp/end
	wait_until 60 is fore.service failed
	[ "$(show fore.service ExecMainStatus)" = 3 ]
	systemctl --user reset-failed fore.service
	service_of hale NotifyAccess=all KillMode=mixed SuccessExitStatus=9 -- --sdnotify healthy --health-cmd 'test -e /tmp/well' --health-interval 1s \
		"$IMAGE" sh -c 'trap "exit 9" TERM; sleep 2; touch /tmp/well; while :; do sleep 0.1; done'
	[ "$(cuddy inspect --format '{{.State.Health.Status}}' hale)" = healthy ]
	[ "$(ps -o comm= -p "$(show hale.service MainPID)")" = cuddy ]
	systemctl --user stop hale.service
	ended_well hale.service
	run -1 cuddy container exists hale
	for u in fore hale; do run -1 grep 'not our child\|only permitted for main' <(journalctl --user --no-pager -u $u.service); done
}

counted() { [ "$(cat "$slice/pids.current")" -eq "$1" ]; }
all_ended() { [ -z "$(cuddy ps -q)" ]; }
@test "sixty containers under one slice: counted and bounded together, and ended with it" {
	start() { "$CUDDY" run -d --network none --cgroup-parent many.slice --stop-timeout 1 "$IMAGE" sleep 1000 >/dev/null || echo failed; }
	export -f start
	run -0 bash -c 'seq 60 | xargs -P 4 -I{} bash -c start'
	[ -z "$output" ]
	[ "$(cuddy ps -q | wc -l)" -eq 60 ] || {
		cuddy ps -a --filter status=exited --filter status=created --format '{{.ID}} {{.Status}}'
		cuddy inspect --format '{{.Id}} {{json .State}}' $(cuddy ps -aq --filter status=exited --filter status=created)
		journalctl --user --no-pager -n 60
		fail "not all run"
	}
	slice=/sys/fs/cgroup$(show many.slice ControlGroup)
	[ "$(ls -d "$slice"/cuddy-*.scope | wc -l)" -eq 60 ]
	wait_until 20 counted 120 # a monitor and a payload each
	[ "$(cat "$slice/memory.current")" -gt 0 ]
	systemctl --user set-property --runtime many.slice TasksMax=121
	run ! cuddy exec -l sh -c 'sleep 1000 & sleep 1000 & wait'      # one more than there is room for
	systemctl --user stop many.slice
	wait_until 60 all_ended
	[ "$(cuddy ps -a --filter status=exited -q | wc -l)" -eq 60 ]
	run -0 cuddy inspect --format '{{.State.ExitReason}}' $(cuddy ps -aq)
	[ "$(sort -u <<<"$output")" = session ] || fail "$(sort <<<"$output" | uniq -c)"
	cuddy rm -a >/dev/null
	systemctl --user revert many.slice
}
