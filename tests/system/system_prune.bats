#!/usr/bin/env bats
# One command that removes what is not in use, and nothing else.
load helpers

# images: S11
@test "system prune: stopped containers and nameless images go, what runs or has a name stays" {
	cuddy run --name done --label keep=no "$IMAGE" sh -c 'head -c 3000000 /dev/zero >/x'
	cuddy run -d --name up "$IMAGE" sleep 1000
	cuddy export done | cuddy import - localhost/nameless >/dev/null
	cuddy tag "$IMAGE" localhost/nameless
	cuddy volume create named
	gone=$(cuddy inspect --format '{{.Id}}' done)
	image=$(cuddy images --no-trunc --filter dangling=true --format '{{.Id}}')
	[ -n "$image" ]
	run -0 cuddy system prune -f
	[ "${lines[0]}" = "Deleted Containers" ]
	[ "${lines[1]}" = "$gone" ]
	[ "${lines[2]}" = "Deleted Images" ]
	[[ "${lines[3]}" == "$image"* ]]
	[[ "${lines[4]}" =~ ^Total\ reclaimed\ space:\ ([0-9.]+)MB$ ]]
	[ "${BASH_REMATCH[1]%.*}" -ge 7 ]          # 3 MB in the container, 5 in the image made of it
	[ "$(cuddy ps -a --format '{{.Names}}')" = up ]
	cuddy image exists "$IMAGE"
	cuddy volume exists named
	[ -z "$(ls "$CUDDY_ROOT/trash")" ]
	run -0 cuddy system prune -f
	[ "$output" = "Total reclaimed space: 0B" ]
}

@test "system prune: --all takes named images, --volumes anonymous volumes, both together named ones" {
	cuddy volume create named
	cuddy run --name c -v /anonymous "$IMAGE" true
	cuddy rm c                                  # its anonymous volume stays
	[ "$(cuddy volume ls -q | wc -l)" = 2 ]
	run -0 cuddy system prune -f --volumes
	[ "$(cuddy volume ls -q)" = named ]
	cuddy image exists "$IMAGE"
	run -0 cuddy system prune -f -a
	run -1 cuddy image exists "$IMAGE"
	cuddy volume exists named
	run -0 cuddy system prune -f -a --volumes
	grep -qx named <<<"$output"
	run -1 cuddy volume exists named
}

@test "system prune: --build, and --all, forget what builds keep; image prune --build-cache their caches alone" {
	printf 'FROM %s\nRUN --network=none --mount=type=cache,target=/c echo x >/c/x\nRUN --network=none touch /y\n' "$IMAGE" >"$WORK/Containerfile"
	build() { cuddy build -q "$WORK" >/dev/null; }
	kept() { cuddy system df --format '{{.Type}} {{.Total}}' | sed -n 's/^Build Cache //p'; }
	build
	all=$(kept)
	run -0 cuddy system prune -f --external
	[ "$(kept)" = "$all" ]
	run -0 cuddy image prune -f --build-cache --external
	[ "$(kept)" = $((all - 1)) ]
	[ -z "$(ls "$CUDDY_ROOT/cache/mounts")" ]
	run -0 cuddy system prune -f --build --filter until=1h
	[ "$(kept)" = $((all - 1)) ]
	run -0 cuddy system prune -f --build --filter label=x
	[ "$(kept)" = $((all - 1)) ]
	run -0 cuddy system prune -f --build
	[[ "$output" == *"Deleted Build Cache"$'\n'"Results: "[1-9]* ]]
	[ "$(kept)" = 0 ]
	build
	run -0 cuddy system prune -f -a
	[ "$(kept)" = 0 ]
}

@test "system prune: asks; filters choose; bad ones change nothing" {
	cuddy run --name a --label x=1 "$IMAGE" true
	cuddy run --name b "$IMAGE" true
	run -0 bash -c 'echo n | "$CUDDY" system prune'
	[ "$(cuddy ps -aq | wc -l)" = 2 ]
	run -125 cuddy system prune -f --filter color=red
	[[ "$output" == *"label="* ]]
	run -125 cuddy system prune -f --volumes --filter until=1h
	[ "$(cuddy ps -aq | wc -l)" = 2 ]
	run -0 cuddy system prune -f --filter until=1h
	[ "$(cuddy ps -aq | wc -l)" = 2 ]
	run -0 cuddy system prune -f --filter label=x=1
	[ "$(cuddy ps -a --format '{{.Names}}')" = b ]
	run -0 bash -c 'echo y | "$CUDDY" system prune'
	[ -z "$(cuddy ps -aq)" ]
}
