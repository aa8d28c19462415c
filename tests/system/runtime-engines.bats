#!/usr/bin/env bats
# podman and buildah from Debian's packages with cuddy as their OCI runtime, rootless: it is called as
# root of their user namespace, through their conmon.
load helpers

setup() {
	WORK=$BATS_TEST_TMPDIR
	use_root "$WORK"
	# Short paths (sockets), and nothing of the user's own: storage, runtime directory, configuration.
	SHORT=$(mktemp -d /tmp/cre-XXXXXX)
	mkdir -m 0700 "$SHORT/run" "$SHORT/home"
	export XDG_RUNTIME_DIR=$SHORT/run HOME=$SHORT/home
	unset CUDDY_RUNROOT DBUS_SESSION_BUS_ADDRESS
	ln -s "$CUDDY" "$SHORT/cuddy-runtime"
	STORE=(--root "$SHORT/root" --runroot "$SHORT/rr" --storage-driver vfs)
}

teardown() {
	[ ! -d "$SHORT/root" ] || ! command -v podman >/dev/null || {
		pm rm -f -t 0 -a >/dev/null 2>&1
		podman "${STORE[@]}" system migrate >/dev/null 2>&1 # ends its pause process
	}
	export CUDDY_RUNROOT=$WORK/run
	test_end
	local st=$?
	unshare --user --map-auto --map-root-user rm -rf "$SHORT" 2>/dev/null || rm -rf "$SHORT"
	return $st
}

pm() { podman "${STORE[@]}" --runtime "$SHORT/cuddy-runtime" --cgroup-manager cgroupfs --events-backend none "$@"; }
bh() { buildah "${STORE[@]}" "$@"; }
no_state() { empty_dir "$SHORT/run/cuddy/oci"; }

@test "podman: run, its status and words; exec, attached and detached; stop, start, rm; options reach the container" {
	require_program podman
	pm load -q -i "$(image_file busybox)" >/dev/null
	run -0 pm run --rm --network none "$IMAGE" sh -c 'id -u; cat /proc/self/uid_map; exit 0'
	[ "${lines[0]}" = 0 ]
	[ "$(awk '{ print $1, $2 }' <<<"${lines[1]}")" = "0 $(id -u)" ]
	run -7 pm run --rm --network none "$IMAGE" sh -c 'exit 7'
	run -127 pm run --rm --network none "$IMAGE" nosuch
	run -126 pm run --rm --network none "$IMAGE" /etc
	mkdir "$SHORT/vol"
	run -0 pm run --rm --network none -v "$SHORT/vol:/v" --read-only --hostname h1 --cap-drop all --cap-add kill \
		--ulimit nofile=99:99 --tmpfs /t -e A=b "$IMAGE" sh -c 'id -u; echo $A; hostname; ulimit -n; grep CapBnd /proc/self/status; touch /v/x; touch /y 2>&1; ls -d /t'
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]} ${lines[2]} ${lines[3]}" = "b h1 99" ]
	[ "${lines[4]}" = "CapBnd:	0000000000000020" ]
	[[ "${lines[5]}" == *"Read-only file system"* ]]
	[ "${lines[6]}" = /t ]
	[ -O "$SHORT/vol/x" ]
	run -0 pm run -d --network none --name c "$IMAGE" sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done'
	run -0 pm exec -e X=y -w /tmp -u 5:6 c sh -c 'id -u; id -g; pwd; echo $X'
	[ "$(paste -sd' ' <<<"$output")" = "5 6 /tmp y" ]
	run -9 pm exec c sh -c 'exit 9'
	run -127 pm exec c nosuch
	[ "$(echo typed | pm exec -i c cat)" = typed ]
	# With a terminal podman's conmon must get the payload from us, nothing else, and not before we end.
	# A sanitizer's program looks for leaks before it ends, and the payload is long gone then: once will do.
	for n in $([[ "${BUILD:-}" == *san-* ]] || seq 2 10) 1; do
		run -9 pm exec -t c sh -c 'tty; exit 9'
		[ "${output//$'\r'/}" = /dev/pts/0 ]
	done
	pm exec -d c sh -c 'touch /tmp/d; sleep 1000' >/dev/null
	wait_until 20 pm exec c test -e /tmp/d
	[ "$(pm ps --format '{{.Names}}')" = c ]
	run -0 pm stop -t 60 c
	[ "$(pm inspect --format '{{.State.ExitCode}} {{.OCIRuntime}}' c)" = "3 $SHORT/cuddy-runtime" ]
	run -0 pm start c
	run -0 pm kill c
	run -0 pm rm -f -t 0 c
	wait_until 20 no_state
}

@test "podman: --userns keep-id, whose trees belong to the map's root" {
	require_program podman
	pm load -q -i "$(image_file busybox)" >/dev/null
	mkdir -m 0700 "$SHORT/vol"
	echo mine >"$SHORT/vol/x"
	run -0 pm run --rm --network none --userns keep-id -v "$SHORT/vol:/v" "$IMAGE" sh -c 'id -u; stat -c %u / /v; cat /v/x; echo y >/v/y'
	[ "$(paste -sd' ' <<<"$output")" = "$(id -u) 0 $(id -u) mine" ] || fail "$output"
	[ -O "$SHORT/vol/y" ]
	# A volume of root inside, closed to all others, as is podman's directory of layers.
	pm volume create v >/dev/null
	run -0 pm run --rm --network none --userns keep-id --user 0 -v v:/v "$IMAGE" sh -c 'mkdir -p /v/d && echo in >/v/d/f && chmod 700 /v /v/d'
	podman "${STORE[@]}" unshare sh -c "chown 1:1 '$SHORT/root/vfs/dir' && chmod 700 '$SHORT/root/vfs/dir'"
	for _ in 1 2 3; do # whether the map was there in time was a matter of luck
		run -0 pm run --rm --network none --userns keep-id --user 0 -v "$(pm volume inspect --format '{{.Mountpoint}}' v)/d:/d" "$IMAGE" cat /d/f
		[ "$output" = in ]
	done
	run -125 pm run --rm --network none --userns keep-id -v "$SHORT/nosuch:/d" "$IMAGE" true
	wait_until 20 no_state
}

@test "podman: a network by slirp4netns, in the namespace that it made before the container" {
	require_program podman
	require_tun
	pm load -q -i "$(image_file busybox)" >/dev/null
	run -0 pm run --rm --network slirp4netns "$IMAGE" sh -c 'ip -4 addr show tap0; cat /proc/sys/net/ipv4/ping_group_range'
	[[ "$output" == *"10.0.2.100/24"* ]]
}

@test "buildah: run in a working container, its status; build with RUN" {
	require_program buildah
	bh pull -q "docker-archive:$(image_file busybox)" >/dev/null
	c=$(bh from "$IMAGE")
	run -0 bh run --runtime "$SHORT/cuddy-runtime" --isolation rootless "$c" sh -c 'id -u; echo x >/made; echo $$'
	[ "$(paste -sd' ' <<<"$output")" = "0 1" ]
	run -0 bh run --runtime "$SHORT/cuddy-runtime" --isolation rootless "$c" cat /made
	[ "$output" = x ]
	run -5 bh run --runtime "$SHORT/cuddy-runtime" --isolation rootless "$c" sh -c 'exit 5'
	bh rm "$c" >/dev/null
	mkdir "$SHORT/ctx"
	printf 'FROM %s\nRUN id -u >/who && echo $$ >>/who\n' "$IMAGE" >"$SHORT/ctx/Containerfile"
	run -0 bh build -q --runtime "$SHORT/cuddy-runtime" --isolation rootless -t made "$SHORT/ctx"
	c=$(bh from made)
	[ "$(bh run --runtime "$SHORT/cuddy-runtime" --isolation rootless "$c" cat /who | paste -sd' ')" = "0 1" ]
	wait_until 20 no_state
}
