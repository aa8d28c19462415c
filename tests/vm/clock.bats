#!/usr/bin/env bats
# The machine's clock is set, a day forward and two back: what waits, waits as long as it was told to. Alone in the guest.
load ../system/helpers

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

now() { date +%s; }
uptime_ms() { awk '{ print int($1 * 1000) }' /proc/uptime; }
# jump SECONDS: root does it for us (tests/vm/guest); the monotonic clock says when to give up
jump() {
	local want=$(($(now) + $1)) end=$(($(uptime_ms) + 20000)) off
	echo "$1" >/run/set-clock
	while off=$(($(now) - want)) && [ "${off#-}" -gt 60 ]; do
		[ "$(uptime_ms)" -lt "$end" ] || fail "the clock was not set"
		sleep 0.05
	done
}
last_check() { cuddy inspect --format '{{range .State.Health.Log}}{{.Start}} {{end}}' "$1" | awk '{ print $NF }'; }
checked_since() { [ "$(last_check h)" != "$1" ]; }
last_line_age() { # of what the container writes all the time, by the time in its log
	local at
	at=$(date -d "$(cuddy logs -t --tail 1 "$1" | cut -d' ' -f1)" +%s)
	echo $(($(now) - at))
}

@test "clock: health checks, grace, back-off, waiting and the times of logs when the clock is set forward and back" {
	cuddy run -d --name h --network none --health-cmd true --health-interval 500ms "$IMAGE" sh -c 'while :; do echo line; sleep 0.2; done'
	cuddy run -d --name deaf --network none --timeout 900 "$IMAGE" sh -c 'trap "" TERM; while :; do sleep 0.1; done'
	"$CUDDY" wait h >"$WORK/waited" 3>&- &
	w=$!
	wait_until 60 checked_since ''
	for by in 86400 -172800; do
		cuddy run -d --name r --network none --restart on-failure:3 "$IMAGE" sh -c 'exit 4'
		seen=$(last_check h)
		jump "$by"
		wait_until 30 checked_since "$seen"
		status_is h running && status_is deaf running
		[ "$(cuddy inspect --format '{{.State.Health.Status}}' h)" = healthy ]
		kill -0 $w && [ ! -s "$WORK/waited" ]
		wait_until 30 eval '[ "$(last_line_age h)" -lt 30 ] && [ "$(last_line_age h)" -gt -30 ]'
		[[ "$(cuddy ps --filter name=deaf --format '{{.Status}}')" =~ ^Up\ [^-]*$ ]]
		wait_until 60 eval '[ "$(cuddy inspect --format "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}" r)" = "exited 3 4" ]'
		cuddy rm r
		# A grace of two seconds, during which the clock goes back again.
		begin=$(uptime_ms)
		"$CUDDY" stop -t 2 deaf >/dev/null 3>&- &
		s=$!
		jump "$((-by / 2))"
		wait $s
		took=$(($(uptime_ms) - begin))
		[ "$took" -ge 1900 ]
		[ "$took" -lt 30000 ]
		[ "$(cuddy inspect --format '{{.State.ExitCode}} {{.State.ExitReason}}' deaf)" = "137 user" ]
		cuddy start deaf
		jump "$((by / 2))"
	done
	jump 86400
	cuddy stop -t 0 h deaf
	wait $w
	[ "$(cat "$WORK/waited")" = 137 ]
	cuddy rm h deaf
}
