#!/usr/bin/env bats
# --restart: done by the monitor alone, and what ends it.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

state() { cuddy inspect --format "{{.State.$2}}" "$1"; }
restarts() { cuddy inspect --format '{{.RestartCount}}' "$1"; }
restarted() { [ "$(restarts "$1")" -ge "$2" ]; }
ran_again() { restarted "$1" "$2" && status_is "$1" running; }

@test "--restart on-failure:N: N more attempts, then it stays as it is" {
	cuddy run -d --name c --restart on-failure:2 "$IMAGE" sh -c 'echo run; exit 3'
	wait_exited c
	[ "$(restarts c)" = 2 ]
	[ "$(state c ExitCode)" = 3 ]
	[ "$(cuddy logs c)" = $'run\nrun\nrun' ]
	[ "$(cuddy inspect --format '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' c)" = "on-failure 2" ]
	[ "$(cuddy ps -a --format '{{.Restarts}}')" = 2 ]
	cuddy start c
	wait_exited c
	[ "$(restarts c)" = 2 ]                        # counted from the start on
}

@test "--restart on-failure: an exit with 0 is the end" {
	cuddy run -d --name c --restart on-failure "$IMAGE" sh -c '[ -e /second ] && exit 0; : >/second; exit 1'
	wait_exited c
	[ "$(restarts c)" = 1 ]
	[ "$(state c ExitCode)" = 0 ]
}

@test "--restart always: who stops it while its last output is still held back gets no other run" {
	mkfifo "$WORK/p"
	"$CUDDY" run --restart always --name c "$IMAGE" \
		sh -c 'while [ ! -e /end ]; do sleep 0.02; done; head -c 100000 /dev/zero; rm -f /end' >"$WORK/p" 3>&- &
	exec 7<"$WORK/p"
	wait_running c
	pid=$(state c Pid)
	end_run c
	wait_until 10 eval '[ ! -e "/proc/$pid" ]'
	cuddy stop c
	[ "$(cat <&7 | wc -c)" = 100000 ]
	wait $!
	[ "$(state c Status)" = exited ]
	[ "$(restarts c)" = 0 ]
}

@test "--restart always: also after an exit with 0, until a user stops it" {
	cuddy run -d --name c --restart always "$IMAGE" sh -c "$until_end 0"
	for n in 1 2; do
		end_run c
		wait_until 20 ran_again c $n
	done
	run -0 cuddy stop -t 0 c
	status_is c exited
	[ "$(state c StoppedByUser)" = true ]
	[ "$(state c ExitReason)" = user ]
	wait_until 10 no_strays
	cuddy start c                                   # and that begins it again
	wait_running c
	end_run c
	wait_until 20 ran_again c 1
	[ "$(state c StoppedByUser)" = false ]
}

@test "--restart: kill is a user's wish for the end, a signal to reload is not" {
	cuddy run -d --name c --restart always "$IMAGE" sh -c "trap 'exit 4' HUP; $until_end"
	wait_log c up
	cuddy kill -s HUP c
	wait_until 20 ran_again c 1
	cuddy kill c
	wait_exited c
	[ "$(restarts c)" = 1 ]
	[ "$(state c StoppedByUser)" = true ]
}

# Long enough for any look at it: this is the pause after four attempts, 1.6 seconds and more.
resting() { cuddy run -d --name c --restart always "$@" "$IMAGE" sh -c 'exit 9'; wait_until 20 restarted c 4; wait_status c restarting; }

@test "--restart: what waits for its next run says so, and stop, kill and rm -f end that" {
	resting
	[ "$(state c Pid)" = 0 ]
	[ "$(state c Restarting)" = true ]
	[ "$(state c ExitCode)" = 9 ]
	[[ "$(cuddy ps --filter status=restarting --format '{{.Status}}')" == "Restarting (9) "* ]]
	run --separate-stderr cuddy exec c true
	one_line_error 125 'does not run'
	run --separate-stderr cuddy rm c
	one_line_error 2 'stop it first'
	run --separate-stderr cuddy attach c
	one_line_error 125 'started again'
	cuddy stop c
	status_is c exited
	[ "$(state c StoppedByUser)" = true ]
	cuddy rm c
	resting
	cuddy kill c
	wait_exited c
	cuddy rm c
	resting --rm --restart on-failure
	cuddy rm -f c
	wait_until 10 no_strays
}

@test "--restart: a restart by hand does not wait, and counts anew" {
	cuddy run -d --name c --restart always "$IMAGE" sh -c '[ -e /good ] && exec sleep 1000; exit 9'
	wait_until 20 restarted c 3
	touch_in_upper c good
	cuddy restart -t 0 c
	wait_running c
	[ "$(restarts c)" = 0 ]
}
touch_in_upper() { # a file in the root of a container that does not run
	unshare --user --map-auto --map-root-user touch "$CUDDY_ROOT/containers/$(cuddy inspect --format '{{.Id}}' "$1")/upper/$2"
}

@test "--restart: words that are none, and numbers where none belongs" {
	for bad in sometimes always:3 on-failure:many on-failure:-1 on-failure:; do
		run --separate-stderr cuddy create --restart $bad "$IMAGE" true
		one_line_error 125 "'$bad'"
	done
	for policy in no never ""; do
		cuddy create --name c --restart "$policy" "$IMAGE" true
		[ "$(cuddy inspect --format '{{.HostConfig.RestartPolicy.Name}}' c)" = no ]
		cuddy rm c
	done
	[ -z "$(cuddy ps -aq)" ]
}

@test "update --restart: what runs, what waits for its next run, and what does not run" {
	cuddy run -d --name c "$IMAGE" sh -c "$until_end 0"
	wait_log c up
	run -0 cuddy update --restart always c
	[ "$output" = c ]
	[ "$(cuddy inspect --format '{{.HostConfig.RestartPolicy.Name}}' c)" = always ]
	end_run c
	wait_until 20 ran_again c 1
	cuddy update --restart no c
	end_run c
	wait_exited c
	cuddy update --restart on-failure:7 c
	[ "$(cuddy inspect --format '{{.HostConfig.RestartPolicy.MaximumRetryCount}}' c)" = 7 ]
	cuddy rm c
	resting
	cuddy container update --restart no -l
	wait_exited c
	[ "$(state c ExitCode)" = 9 ]
	[ "$(state c StoppedByUser)" = false ]
	for bad in "" "--restart sometimes" "--memory 1g"; do
		run --separate-stderr cuddy update $bad c
		[ "$status" -eq 125 ]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
	[ "$(cuddy inspect --format '{{.HostConfig.RestartPolicy.Name}}' c)" = no ]
	cuddy run -d --rm --name r "$IMAGE" sleep 1000
	run --separate-stderr cuddy update --restart always r
	one_line_error 125 '--rm'
}
