#!/usr/bin/env bats
# distrobox from Debian's package, with cuddy in the place of podman: a box is made, entered, listed, removed.
load helpers

IMAGE_D=localhost/debian:bookworm

setup_file() {
	file_begin
	load_image debian
}
teardown_file() { file_end; }

@test "distrobox: a box of the user's own, entered as himself, in his home, with the host below /run/host" {
	tools=$(image_file distrobox)/usr/bin
	mkdir -p "$WORK/bin" "$WORK/home/sub"
	ln -s "$CUDDY" "$WORK/bin/podman"
	export PATH=$WORK/bin:$tools:$PATH HOME=$WORK/home SHELL=/bin/bash XDG_CONFIG_HOME=$WORK/home/.config
	# It would install what it misses by apt, for which a test has no network.
	cuddy run --name m --network none localhost/debian:bookworm sh -c '
		for c in sudo pinentry wget curl less bc time lsof diff; do command -v $c || ln -s /bin/true /usr/bin/$c; done; mkdir -p /etc/sudoers.d'
	cuddy commit -q m localhost/box
	cuddy rm m
	run -0 distrobox create --yes --no-entry -n box -i localhost/box
	[ "$(cuddy inspect --format '{{.HostConfig.UsernsMode}} {{index .Config.Labels "manager"}}' box)" = "keep-id distrobox" ]
	cd "$HOME/sub"
	timeout 100 distrobox enter --no-tty -n box -- sh -c 'id -un; id -u; pwd; hostname; echo made >made; ls -d /run/host/etc; exit 3' >"$WORK/out" 2>"$WORK/err" || st=$?
	[ "${st:-0}" = 3 ]
	[ "$(tail -n 5 "$WORK/out" | tr '\n' ' ')" = "$(id -un) $(id -u) $HOME/sub $(cuddy inspect --format '{{.Config.Hostname}}' box) /run/host/etc " ]
	[ "$(stat -c %u made)" = "$(id -u)" ]
	! cuddy logs box 2>&1 | grep -i 'denied' || fail "something was denied"
	[[ "$(distrobox list)" == *box*running* ]]
	run -0 distrobox stop --yes box
	run -0 distrobox rm -f box
	[ -z "$(cuddy ps -aq)" ]
}

@test "volumes of host devices may be opened as devices; others may not" {
	run -0 cuddy run --rm --network none -v /dev:/d -v /dev/null:/n "$IMAGE_D" sh -c 'echo x >/d/null && echo x >/n && grep -c " /d .*nodev" /proc/mounts || true'
	[ "$output" = 0 ]
	run ! cuddy run --rm --network none -v /dev:/d:nodev "$IMAGE_D" sh -c 'echo x >/d/null'
	[ "$(cuddy run --rm --network none -v "$WORK:/w" "$IMAGE_D" grep -c ' /w .*nosuid,nodev' /proc/mounts)" = 1 ]
}
IMAGE_D=localhost/debian:bookworm
