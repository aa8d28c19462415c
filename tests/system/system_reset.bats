#!/usr/bin/env bats
# Back to nothing, from any state.
load helpers

@test "system reset: running containers end, all is gone, and a new store can be made" {
	cuddy run -d --name up -v data:/data "$IMAGE" sleep 1000
	cuddy run --name down "$IMAGE" sh -c 'mkdir -m 0 /x; chown 5:5 /x'
	pid=$(container_pid up)
	echo records >"$CUDDY_RUNROOT/listed" # what a long list kept
	run -0 bash -c 'echo n | "$CUDDY" system reset'
	[ "$(cuddy ps -aq | wc -l)" = 2 ]
	run -0 cuddy system reset --force
	[ ! -e "/proc/$pid" ]
	[ -z "$(ls -A "$CUDDY_ROOT")" ]
	[ -z "$(ls "$CUDDY_RUNROOT" | grep -E '^[0-9a-f]{64}$|^listed$')" ]
	[ -z "$(cuddy ps -aq)$(cuddy images -q)$(cuddy volume ls -q)" ]
	load_image busybox
	run -0 cuddy run --rm "$IMAGE" echo again
	[ "$output" = again ]
}

# images: S10
@test "system reset: damage does not stand in its way" {
	cuddy run -d --name up "$IMAGE" sleep 1000
	pid=$(container_pid up)
	for f in "$CUDDY_ROOT"/containers/*/record.json "$CUDDY_ROOT"/images/*/record.json "$CUDDY_ROOT"/layers/*/record.json; do
		echo damaged >"$f"
	done
	rm -rf "$CUDDY_ROOT/names" "$CUDDY_ROOT/refs"
	run -0 cuddy system reset -f
	[ ! -e "/proc/$pid" ]
	[ -z "$(ls -A "$CUDDY_ROOT")" ]
}
