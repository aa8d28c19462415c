#!/usr/bin/env bats
# Health checks: what follows from them, and what is left of them.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

health() { cuddy inspect --format "{{.State.Health.$2}}" "$1"; }
health_is() { [ "$(health "$1" Status)" = "$2" ]; }
streak_is() { [ "$(health "$1" FailingStreak)" -ge "$2" ]; }
restarted() { [ "$(cuddy inspect --format '{{.RestartCount}}' "$1")" -ge "$2" ]; }
state() { cuddy inspect --format "{{.State.$2}}" "$1"; }
config() { cuddy inspect --format "{{json .Config.$2}}" "$1"; }

@test "health: a check that takes too long fails, and nothing of it stays, whatever session it went into" {
	# With the host's pid namespace top shows what every other container runs, too: these numbers are nobody else's.
	own=$((1000000 + BASHPID))
	for pid in private host; do
		cuddy run -d --name c --pid $pid --health-cmd /check --health-interval disable --health-timeout 1s --health-retries 1 "$IMAGE" \
			sh -c "sleep 1300$own; true"
		started() { [[ "$(cuddy top c args)" == *"sleep 1300$own"* ]]; }
		wait_until 20 started
		cuddy exec -i c sh -c 'cat >/check; chmod +x /check' <<-E
			#!/bin/sh
			[ "\$1" ] && { touch "/\$1"; exec sleep "\$1"; }
			echo out
			/check ${own}5 &
			setsid /check ${own}6 &
			setsid sh -c '(setsid sh -c "/check ${own}7; true" &); /check ${own}8 & /check ${own}9; true' &
			/check ${own}4; true
		E
		for n in 1 2 4 8 16 32; do # until it had the time to start them all
			cuddy update --health-timeout ${n}s c
			run -1 cuddy healthcheck run c
			run cuddy top c args
			[[ "$output" != *"sleep $own"* ]] || fail "$output"
			[[ "$output" == *"sleep 1300$own"* ]] || fail "$output"
			! cuddy exec c sh -c "ls /${own}4 /${own}5 /${own}6 /${own}7 /${own}8 /${own}9" >/dev/null 2>&1 || break
			[ "$n" -lt 32 ]
		done
		[ "$(health c Status)" = unhealthy ]
		[ "$(cuddy inspect --format '{{(index .State.Health.Log 0).ExitCode}}' c)" = -1 ]
		[[ "$(cuddy inspect --format '{{(index .State.Health.Log 0).Output}}' c)" == *"time-out"* ]]
		cuddy rm -f -t 0 c
	done
	# What a check that ends in time leaves behind stays: it may be what starts a service.
	cuddy run -d --name c --health-cmd 'setsid sleep 1239 & true' --health-interval disable "$IMAGE" sleep 1000
	cuddy healthcheck run c
	stays() { [[ "$(cuddy top c ppid,args | tr -s ' ')" == *"1 sleep 1239"* ]]; }
	wait_until 20 stays
}

@test "health: --health-on-failure kill, stop, restart, and none" {
	try="--health-cmd false --health-interval 50ms --health-retries 2"
	payload='trap "echo got-term; exit 5" TERM; echo up; while :; do sleep 0.02; done'
	cuddy run -d --name none $try "$IMAGE" sleep 1000
	cuddy run -d --name kill $try --health-on-failure kill "$IMAGE" sh -c "$payload"
	cuddy run -d --name stop $try --health-on-failure stop --restart always "$IMAGE" sh -c "sleep 0.2; $payload"
	cuddy run -d --name restart $try --health-on-failure restart --stop-timeout 1 "$IMAGE" sleep 1000
	run -0 cuddy wait kill stop
	[ "${lines[0]}" = 137 ]
	[ "$(state kill ExitReason)" = health ]
	[ "$(state stop ExitReason)" = health ]
	[ "$(state stop Status)" = exited ]
	wait_until 20 restarted restart 1
	[ "$(cuddy inspect --format '{{.Config.HealthcheckOnFailureAction}}' restart)" = restart ]
	cuddy wait --condition unhealthy -i 20ms none
	status_is none running
}

@test "health: the startup check comes first, and its failures restart" {
	cuddy run -d --name c --health-startup-cmd 'echo startup; test -e /up' --health-startup-interval 50ms --health-startup-success 2 \
		--health-cmd 'echo regular; test -e /good' --health-interval 50ms --health-retries 1 "$IMAGE" sleep 1000
	several() { [ "$(cuddy inspect --format '{{len .State.Health.Log}}' c)" -ge 3 ]; }
	wait_until 20 several
	[ "$(health c Status)" = starting ]
	[ "$(cuddy inspect --format '{{range .State.Health.Log}}{{.Output}}{{end}}' c | grep . | sort -u)" = startup ]
	cuddy exec c touch /up
	cuddy wait --condition unhealthy -i 20ms c
	cuddy exec c touch /good
	cuddy wait --condition healthy -i 20ms c
	cuddy run -d --name r --health-startup-cmd false --health-startup-interval 50ms --health-startup-retries 2 \
		--health-cmd true --stop-timeout 0 "$IMAGE" sleep 1000
	wait_until 20 restarted r 2
}

@test "health: many checks leave the monitor as it was, and a run that ends takes its check along" {
	cuddy run -d --name c --health-cmd 'true' --health-interval 20ms "$IMAGE" sleep 1000
	cuddy wait --condition healthy -i 20ms c
	p=$(conmon_pid c)
	least() { local n=999 i m; for i in $(seq 30); do m=$(ls "/proc/$p/fd" | wc -l); [ $m -lt $n ] && n=$m; sleep 0.01; done; echo $n; }
	before=$(least)
	first=$(cuddy inspect --format '{{(index .State.Health.Log 0).Start}}' c)
	others() { [ "$(cuddy inspect --format '{{(index .State.Health.Log 0).Start}}' c)" \> "$first" ]; }
	for n in 1 2 3; do wait_until 20 others; first=$(cuddy inspect --format '{{(index .State.Health.Log 4).Start}}' c); done
	[ "$(least)" -le "$before" ]
	[[ "${BUILD:-}" == *san-* ]] || [ "$(awk '/^Private_Dirty/ { print $2 }' "/proc/$p/smaps_rollup")" -le 100 ]
	cuddy run -d --name long --health-cmd 'sleep 1234' "$IMAGE" sleep 1000
	checking() { cuddy top long args | grep -q 1234; }
	wait_until 20 checking
	cuddy rm -f -t 0 long c
	wait_until 10 no_strays
}
