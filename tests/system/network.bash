# Shared by the network tests: one root for the file, and the probe program (tests/fixtures/netprobe.c).

network_file_begin() {
	file_begin busybox
	export PROBE=${CUDDY_TEST_FOUND:-$BATS_FILE_TMPDIR}/netprobe
	[ -x "$PROBE" ] && return # another file compiled it
	gcc -O1 -static -w -o "$PROBE.$BASHPID" "$FIXTURES/netprobe.c"
	mv "$PROBE.$BASHPID" "$PROBE"
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

# net_pids ROLE: processes of this test's keeper: first, keeper, names, slirp
net_pids() {
	local p dir comm
	dir=$(readlink -f "$CUDDY_RUNROOT/net")
	for p in $(pgrep -u "$(id -u)" 'cuddy-net|cuddy-names|slirp4netns'); do
		comm=$(cat "/proc/$p/comm" 2>/dev/null) || continue
		case $comm in
		slirp4netns) in_keeper "$p" slirp "$1" ;;
		cuddy-names) in_keeper "$p" names "$1" ;;
		cuddy-net) in_keeper "$p" keeper "$1" ;;
		esac
	done
}
# The keeper's processes share a pid namespace whose first holds the lock below our runtime directory.
in_keeper() {
	local first
	[ "$2" = "$3" ] || [ "$3" = first ] || return 0
	first=$(first_of "$1") || return 0
	[ -n "$first" ] || return 0
	if [ "$3" = first ]; then
		[ "$2" = keeper ] && [ "$first" = "$1" ] && echo "$1"
	elif [ "$first" != "$1" ]; then
		echo "$1"
	fi
	return 0
}
first_of() { # the process with pid 1 in the namespace of $1 that has our lock open
	local p=$1 up
	while [ "$p" -gt 1 ]; do
		if [ "$(awk '/^NSpid:/ { print $NF; exit }' "/proc/$p/status" 2>/dev/null)" = 1 ]; then
			awk -v i="$(stat -c %i "$CUDDY_RUNROOT/net/lock")" '$0 ~ ":" i " " { print $5 }' /proc/locks | grep -qx "$p" && echo "$p"
			return 0
		fi
		up=$(awk '/^PPid:/ { print $2 }' "/proc/$p/status" 2>/dev/null) || return 0
		p=${up:-0}
	done
}
# keeper_holds: what the kernel has in the bridges' namespace (devices, elements of sets, addresses) and what the keeper
# holds (descriptors by kind, network namespaces), one a line, numbers of devices left out
keeper_holds() {
	local pid
	pid=$(net_pids keeper)
	"$CUDDY" unshare nsenter --net="/proc/$pid/ns/net" sh -c 'ip -o link | sed "s/^[0-9]*: \([a-z0-9]*\).*/\1/; s/^veth.*/veth/" | sort
		ip -o addr show scope global | grep -v tap0 | sed "s/^[0-9]*: *//; s/ *valid_lft.*//"
		python3 "$1" | grep "elements ="' sh "$FIXTURES/nftlist.py"
	"$CUDDY" unshare sh -c 'readlink /proc/$1/fd/* /proc/$2/fd/* /proc/$3/fd/*' sh "$pid" "$(net_pids first)" "$(net_pids names)" |
		sed 's/[0-9]*\]$//' | sort | uniq -c
}
has_part() { [ -n "$(net_pids "$1")" ]; }
no_part() { ! has_part "$1"; }
