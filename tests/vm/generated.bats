#!/usr/bin/env bats
# What "generate systemd" prints, run by systemd.
load ../system/helpers
load cgroups

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

UNITS=$XDG_RUNTIME_DIR/systemd/user
install_unit() { # install_unit OPTION... CONTAINER
	mkdir -p "$UNITS"
	cuddy generate systemd --name "$@" >"$UNITS/container-${*: -1}.service"
	systemctl --user daemon-reload
}
remove_units() {
	rm -f "$UNITS"/{container,pod}-*.service "$UNITS/follower.service"
	systemctl --user daemon-reload
}
show() { systemctl --user show -P "$2" "$1"; }
state() { cuddy inspect --format '{{.State.Status}}' "$1"; }
is_running() { [ "$(state "$1" 2>/dev/null)" = running ]; }
has_state() { [ "$(show "$1" ActiveState)" = "$2" ]; }
runs_as_other() { is_running "$1" && [ "$(conmon_pid "$1")" != "$2" ]; }

@test "a container that is there: started, started again after a crash, stopped" {
	cuddy create --name web --network none "$IMAGE" sleep 1000
	install_unit -t 0 web
	systemctl --user start container-web.service
	wait_until 60 is_running web
	# Type=exec without a file with a process number; systemd's patience is longer than stopping takes.
	[ "$(for p in Type PIDFile KillMode TimeoutStopUSec; do show container-web.service $p; done | xargs)" = 'exec control-group 1min' ]
	[ "$(ps -o comm= -p "$(show container-web.service MainPID)")" = cuddy ]
	first=$(conmon_pid web)
	cuddy kill web
	wait_until 60 runs_as_other web "$first"
	dir=/sys/fs/cgroup$(show container-web.service ControlGroup) scope=$(cgroup_dir web)
	systemctl --user stop container-web.service
	[ "$(state web)" = exited ]
	# Its monitor came to the end of its work: the end is recorded, and nothing is left in either cgroup.
	[ "$(cuddy inspect --format '{{.State.ExitCode}} {{.State.ExitReason}}' web)" = '137 user' ]
	wait_until 60 gone "$dir"
	wait_until 60 gone "$scope"
	[ "$(show container-web.service ActiveState) $(show container-web.service Result)" = "inactive success" ] # SIGKILL or not
	cuddy rm web
	remove_units
}

@test "--new: active once it runs, so that who comes after it finds it; made anew after its monitor was killed; gone when stopped" {
	cuddy create --name two --network none "$IMAGE" sleep 1000
	install_unit -t 0 --new two
	printf '[Unit]\nRequires=container-two.service\nAfter=container-two.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nEnvironment=CUDDY_ROOT=%s CUDDY_RUNROOT=%s\nExecStart=%s exec two true\n' \
		"$CUDDY_ROOT" "$CUDDY_RUNROOT" "$CUDDY" >"$UNITS/follower.service"
	systemctl --user daemon-reload
	systemctl --user start follower.service || { journalctl --user --no-pager -n 40; fail "it did not start"; }
	is_running two
	id=$(cuddy inspect --format '{{.Id}}' two)
	[ "$(show container-two.service MainPID)" = "$(conmon_pid two)" ]
	[ "$(show container-two.service Type) $(show container-two.service PIDFile)" = 'notify ' ]
	first=$(conmon_pid two)
	kill -9 "$first"
	wait_until 60 runs_as_other two "$first"
	[ "$(cuddy inspect --format '{{.Id}}' two)" != "$id" ]
	wait_until 60 eval '[ "$(show container-two.service ActiveState)" = active ]'
	systemctl --user stop container-two.service
	run -1 cuddy container exists two
	remove_units
}

@test "a pod: its service brings its containers and takes them; with --new both are made, and removed" {
	cuddy pod create --name shop --network none
	cuddy create --pod shop --name one --stop-signal KILL "$IMAGE" sleep 1000
	mkdir -p "$UNITS"
	cd "$UNITS"
	for new in '' --new; do
		cuddy generate systemd --name --files $new shop
		[ -z "$new" ] || cuddy pod rm -f -t 0 shop
		systemctl --user daemon-reload
		systemctl --user start pod-shop.service
		wait_until 60 has_state container-one.service active
		is_running one
		[ "$(show pod-shop.service ActiveState)" = active ]
		[ -z "$new" ] || [ "$(show container-one.service MainPID)" = "$(conmon_pid one)" ]
		systemctl --user stop pod-shop.service
		wait_until 60 has_state container-one.service inactive
		[ "$(show pod-shop.service ActiveState) $(show pod-shop.service Result)" = "inactive success" ]
		[ "$(cuddy pod ps --format '{{.Status}}')" = "$([ -n "$new" ] || echo Exited)" ]
	done
	remove_units
}
