#!/usr/bin/env bats
# N08: the network helper offers nothing to others and is never replaced by the host's network.
load ../system/helpers
load ../system/network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

@test "N08: no API socket, always sandboxed and filtered, numbers instead of paths" {
	require_tun
	cuddy run -d --name c "$IMAGE" sleep 1000
	pid=$(helper_pids slirp4netns c)
	args=$(tr '\0' ' ' <"/proc/$pid/cmdline")
	[[ "$args" != *api-socket* ]]
	for want in --enable-sandbox --enable-seccomp --disable-host-loopback; do
		[[ "$args" == *"$want"* ]]
	done
	[ "$(awk '/^(Seccomp|NoNewPrivs):/ { printf $2 }' "/proc/$pid/status")" = 12 ]
}

@test "N08: the container holds none of the helper's descriptors" {
	require_tun
	run -0 cuddy run --rm "$IMAGE" sh -c 'ls -l /proc/1/fd'
	[[ "$output" != *tun* ]]
	[[ "$output" != *net:* ]]
	run -0 cuddy run --rm "$IMAGE" sh -c 'ls /proc/self/fd | wc -l'
	[ "$output" -le 4 ]
}

@test "N08: when the helper is killed the container stays in its own network" {
	require_tun
	cuddy run -d --name c "$IMAGE" sleep 1000
	before=$(netns_of c)
	kill -KILL "$(helper_pids slirp4netns c)"
	[ "$(netns_of c)" = "$before" ]
	[ "$before" != "$(readlink /proc/self/ns/net)" ]
	run ! cuddy exec c timeout 2 wget -qO- http://10.0.2.2/
}

# By its name in its directory: the whole path is longer than an address may be. What becomes of who is connected.
CONNECTS='
import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(os.path.basename(sys.argv[1]))
s.settimeout(float(sys.argv[2]))
try:
    print("hung up" if s.recv(1) == b"" else "spoken to")
except ConnectionError:
    print("hung up")
except TimeoutError:
    print("heard")'

@test "N03, N08: another user cannot connect to the keeper of networks, to a guard or to a monitor, and is not heard" {
	require_tun
	require_other_user
	local dir top s opened=()
	cuddy network create k
	cuddy run -d --name n --network k "$IMAGE" sleep 1000
	id=$(cuddy run -d --name g --egress allow=192.0.2.1:80 "$IMAGE" sleep 1000)
	# The way to the runtime directory is open to all, as that of a user may be.
	top=$(dirname "$(readlink -f "$CUDDY_RUNROOT")")
	dir=$top
	while [ -O "$dir" ] && [ ! -k "$dir" ]; do
		opened+=("$dir $(stat -c %a "$dir")")
		chmod o+x "$dir"
		dir=${dir%/*}
	done
	for s in "$CUDDY_RUNROOT/net/socket" "$CUDDY_RUNROOT/$id/guard/socket" "$CUDDY_RUNROOT/$id/attach"; do
		s=$(readlink -f "$s")
		[ "$(python3 -c "$CONNECTS" "$s" 0.3)" = heard ]
		run as_other python3 -c "$CONNECTS" "$s" 20
		[[ "$status" != 0 && "$output" == *PermissionError* ]]
		# Not by the directories alone either; and with all of it open he is hung up on, for who he is.
		dir=${s%/*}
		while [ "$dir" != "$top" ]; do chmod 711 "$dir"; dir=${dir%/*}; done
		run as_other python3 -c "$CONNECTS" "$s" 20
		[[ "$status" != 0 && "$output" == *PermissionError* ]]
		chmod 666 "$s"
		[ "$(as_other python3 -c "$CONNECTS" "$s" 20)" = "hung up" ]
		chmod 600 "$s"
		dir=${s%/*}
		while [ "$dir" != "$top" ]; do chmod 700 "$dir"; dir=${dir%/*}; done
	done
	for s in "${opened[@]}"; do chmod "${s##* }" "${s% *}"; done
	cuddy rm -f -t 0 n g
	cuddy network rm k
}
