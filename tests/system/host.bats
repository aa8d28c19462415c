#!/usr/bin/env bats
# A host that lacks something: one line says what is missing and the exact command that mends it.
load helpers

# host_with SCRIPT COMMAND...: run it as our own id, without privilege, where root's SCRIPT has changed mounts.
# Only one id is mapped there, so it is also a host without subordinate ids; $EMPTY is an empty file.
host_with() {
	local script=$1
	shift
	: >"$WORK/empty"
	EMPTY=$WORK/empty unshare --user --map-root-user --mount sh -ec '
		mount --bind "$EMPTY" /etc/subuid; mount --bind "$EMPTY" /etc/subgid
		eval "$1"; u=$2 g=$3; shift 3
		exec unshare --user --map-user="$u" --map-group="$g" "$@"' - "$script" "$(id -u)" "$(id -g)" "$@"
}

# A root whose user has been told about subordinate ids already.
single_root() {
	use_root "$WORK/single"
	host_with : "$CUDDY" load -q -i "$(image_file busybox)" >/dev/null 2>&1
}

run_there() { # run_there SCRIPT: an ordinary container with a network
	run --separate-stderr host_with "$1" "$CUDDY" run --rm "$IMAGE" true
}

@test "host: the ids that would mend a lack of subordinate ids are nobody's" {
	use_root "$WORK/single"
	printf 'somebody:100000:65536\nother:265536:65536\n' >"$WORK/others"
	run -0 --separate-stderr host_with "mount --bind '$WORK/others' /etc/subuid" \
		"$CUDDY" load -q -i "$(image_file busybox)"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == *"usermod --add-subuids 331072-396607 --add-subgids 331072-396607 $(id -un)" ]]
}

@test "host: without /dev/net/tun" {
	single_root
	run_there 'mount -t tmpfs none /dev/net'
	one_line_error 125 '/dev/net/tun is missing; as root: modprobe tun;.*mknod -m 0666 /dev/net/tun c 10 200'
	run -0 host_with 'mount -t tmpfs none /dev/net' "$CUDDY" run --rm --network none "$IMAGE" true
	run -0 host_with : "$CUDDY" ps -aq
	[ -z "$output" ]
}

@test "host: /dev/net/tun is closed to the user" {
	single_root
	: >"$WORK/closed"
	chmod 0 "$WORK/closed"
	run_there "mount --bind '$WORK/closed' /dev/net/tun"
	one_line_error 125 '/dev/net/tun cannot be opened \(Permission denied\); as root: chmod 0666 /dev/net/tun'
}

@test "host: without slirp4netns, without pasta, without both" {
	single_root
	hide() { printf 'for p in /usr/bin /usr/local/bin; do [ ! -e $p/%s ] || mount --bind /dev/null $p/%s; done;' "$1" "$1"; }
	run --separate-stderr host_with "$(hide slirp4netns)" "$CUDDY" run --rm --network slirp4netns "$IMAGE" true
	one_line_error 125 'slirp4netns is not installed; as root: apt-get install slirp4netns'
	run --separate-stderr host_with "$(hide pasta)" "$CUDDY" run --rm --network pasta "$IMAGE" true
	one_line_error 125 'pasta is not installed; as root: apt-get install passt'
	run_there "$(hide slirp4netns) $(hide pasta)"
	one_line_error 125 'neither slirp4netns nor pasta is installed; as root: apt-get install slirp4netns'
	run -0 host_with "$(hide slirp4netns) $(hide pasta)" "$CUDDY" run --rm --network none "$IMAGE" true
	if command -v pasta >/dev/null && ip route get 203.0.113.1 >/dev/null 2>&1; then
		run -0 host_with "$(hide slirp4netns)" "$CUDDY" run --rm "$IMAGE" grep -v lo /proc/net/dev
		[[ "$output" == *:* && "$output" != *tap0* ]]
	fi
}

@test "host: newuidmap cannot be used" {
	require_tun
	run --separate-stderr unshare --user --map-current-user "$CUDDY" run --rm --network none "$IMAGE" true
	one_line_error 125 'newuidmap.*as root with: apt-get install --reinstall uidmap'
}
