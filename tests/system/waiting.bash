# Waiting for events, never for time. Part of helpers.bash.
#
# A fork costs more than anything else here, so these look without one where bash can. They are not traced either
# (set +T): what bats does at every traced command costs as much as a hundred untraced ones.

fail() {
	echo "$*" >&2
	return 1
}

# wait_until SECONDS COMMAND... - until COMMAND succeeds, looking at first 50 and later 10 times a second
wait_until() {
	local -
	set +T
	untraced_wait_until "$@"
}

untraced_wait_until() {
	local end=$((${EPOCHREALTIME%.*} + $1)) looks=0 pauses=(0.02 0.02 0.02 0.03 0.03 0.05 0.05 0.07 0.1)
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "${EPOCHREALTIME%.*}" -ge $end ]; then
			echo "never came true: $*" >&2
			return 1
		fi
		pause "${pauses[looks < 8 ? looks++ : 8]}"
	done
}

# pause SECONDS - sleep without a process: nobody writes to a UDP socket that only we know
pause() {
	local st=0
	{ read -rt "$1" <>/dev/udp/127.0.0.1/9; } 2>/dev/null || st=$?
	[ $st -gt 128 ] || sleep "$1"
}

# port_listens PORT - on loopback
port_listens() { { : <>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; }

status_is() { [ "$("$CUDDY" inspect --format '{{.State.Status}}' "$1")" = "$2" ]; }
wait_status() { wait_until "${3:-20}" status_is "$1" "$2"; }
wait_running() { wait_status "$1" running; }
wait_exited() { wait_status "$1" exited; }
log_has() { "$CUDDY" logs "$1" 2>&1 | grep -q -- "$2"; }
wait_log() { wait_until "${3:-20}" log_has "$1" "$2"; } # wait_log CONTAINER PATTERN
# pids_here PGREP WORDS...: what pgrep finds among what this file started, one a line; a file beside it may have the like
pids_here() {
	local p up stat found=1
	for p in $(pgrep -u "$UID" "$@"); do
		up=$p
		until [ "$up" -le 1 ] || [ "$up" = "$CUDDY_REAPER" ]; do
			read -r stat 2>/dev/null <"/proc/$up/stat" || stat=') Z 0 '
			stat=${stat##*) }
			stat=${stat#* }
			up=${stat%% *}
		done
		[ "$up" != "$CUDDY_REAPER" ] || { echo "$p"; found=0; }
	done
	return $found
}
container_pid() { "$CUDDY" inspect --format '{{.State.Pid}}' "$1"; }
conmon_pid() { "$CUDDY" inspect --format '{{.State.ConmonPid}}' "$1"; }

# wait_asleep PID - until a background cuddy has begun to wait for something
is_asleep() {
	local status
	read -rd '' status 2>/dev/null <"/proc/$1/status" || true
	[[ $status == Name:?cuddy$'\n'*$'\n'State:?S* ]]
}
wait_asleep() { wait_until 20 is_asleep "$1"; }

# A payload that ends with the CODE behind it when its file /end is there, and that of each later run.
until_end='echo up; while [ ! -e /end ]; do sleep 0.02; done; rm -f /end; exit'
end_run() { cuddy exec "$1" touch /end || [ $? -eq 137 ]; } # it may go with the run that saw its file
