# Shared by the network tests: one root for the file, and the probe program (tests/fixtures/netprobe.c).

network_file_begin() {
	file_begin
	load_image busybox
	export PROBE=$BATS_FILE_TMPDIR/netprobe
	gcc -O1 -static -w -o "$PROBE" "$FIXTURES/netprobe.c"
}

# probe_in [RUN OPTIONS --] NAME WORDS...: start a container that runs the probe as a server, wait until it listens
probe_in() {
	local opts=() name
	while [ "$1" != -- ]; do opts+=("$1"); shift; done
	shift
	name=$1
	shift
	cuddy run -d --name "$name" -v "$PROBE:/probe:ro" "${opts[@]}" "$IMAGE" /probe "$@" >/dev/null
	wait_log "$name" ready
}

# probe_on_host WORDS...: a server on the host; sets HOST_PROBE to its pid
probe_on_host() {
	"$PROBE" "$@" >"$WORK/host-probe" 2>&1 3>&- &
	HOST_PROBE=$!
	wait_until 10 grep -q ready "$WORK/host-probe"
}
end_host_probe() {
	[ -n "${HOST_PROBE:-}" ] || return 0
	kill "$HOST_PROBE"
	wait "$HOST_PROBE" 2>/dev/null || true          # 143: it was killed
	HOST_PROBE=
}

in_container() { cuddy run --rm -v "$PROBE:/probe:ro" "$@"; }
netns_of() { cuddy exec "$1" readlink /proc/self/ns/net; }
nobody_listens() { ! "$PROBE" tcp-ask "${2:-127.0.0.1}" "$1" x >/dev/null 2>&1; }
helper_pids() { # helper_pids COMM CONTAINER: processes named COMM below its monitor
	local p
	for p in $(cat "/proc/$(conmon_pid "$2")/task/"*/children); do
		[ "$(cat "/proc/$p/comm")" = "$1" ] && echo "$p"
	done
}
