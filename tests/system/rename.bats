#!/usr/bin/env bats
# cuddy rename: the new name finds it, the old one is free, whatever the state.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

@test "rename: running: goes on under the new name, the old one is free for another" {
	cuddy run -d --name old "$IMAGE" sleep 1000
	id=$(cuddy inspect --format '{{.Id}}' old)
	pid=$(container_pid old)
	run -0 cuddy rename old new
	[ -z "$output" ]
	[ "$(container_pid new)" = "$pid" ]
	[ "$(cuddy inspect --format '{{.Id}} {{.Name}}' new)" = "$id new" ]
	[ "$(cuddy ps --format '{{.Names}}')" = new ]
	run -1 cuddy container exists old
	cuddy create --name old "$IMAGE" true
	[ "$(cuddy inspect --format '{{.Id}}' old)" != "$id" ]
	cuddy rm -f -t 0 new
	run -1 cuddy container exists new
	cuddy container exists old
}

@test "rename: created and exited ones, by id prefix, and back again" {
	id=$(cuddy create --name one "$IMAGE" true)
	run -0 cuddy container rename "${id:0:12}" two
	[ "$(cuddy inspect --format '{{.Name}}' "$id")" = two ]
	cuddy start -a two
	run -0 cuddy rename two one
	[ "$(cuddy ps -a --format '{{.Names}}')" = one ]
	cuddy start -a one
}

@test "rename: --rm removes it under its new name" {
	cuddy run -d --rm --name old "$IMAGE" sleep 1000
	cuddy rename old new
	cuddy run -d --name old "$IMAGE" sleep 1000
	cuddy stop -t 0 new
	run -1 cuddy container exists new
	cuddy container exists old
	cuddy create --name new "$IMAGE" true
}

@test "rename: a taken, a bad, the same and no name are refused and change nothing" {
	cuddy create --name a "$IMAGE" true
	cuddy create --name b "$IMAGE" true
	for to in b a 'x/y' '../x' '' '-x' "$(printf 'n%.0s' {1..300})"; do
		run --separate-stderr cuddy rename a -- "$to"
		one_line_error 125 'rename'
	done
	run --separate-stderr cuddy rename nosuch c
	one_line_error 125 nosuch
	run -125 cuddy rename a
	[ "$(cuddy ps -a --format '{{.Names}}' | sort | xargs)" = 'a b' ]
	[ "$(cuddy inspect --format '{{.Name}}' a)" = a ]
}

@test "rename: many at once to one name: one of them gets it" {
	for i in 1 2 3 4 5; do cuddy create --name "c$i" "$IMAGE" true; done
	pids=()
	for i in 1 2 3 4 5; do { cuddy rename "c$i" prize 2>/dev/null && echo won >>"$WORK/won"; } 3>&- & pids+=($!); done
	for i in "${pids[@]}"; do wait "$i" || true; done
	[ "$(cat "$WORK/won")" = won ]
	[ "$(cuddy ps -a --format '{{.Names}}' | grep -c '^c[1-5]$')" = 4 ]
	[ "$(cuddy ps -a --format '{{.Names}}' | grep -c '^prize$')" = 1 ]
}

@test "rename: events tell the name of the moment, also those that the monitor writes, in this run and the next" {
	id=$(cuddy run -d --name before --network none --restart on-failure:1 "$IMAGE" sh -c 'echo up; while [ ! -e /go ]; do sleep 0.05; done; exit 1')
	wait_log before up
	cuddy rename before after
	cuddy exec after touch /go
	over() { [ "$(cuddy inspect --format '{{.RestartCount}} {{.State.Status}}' after)" = "1 exited" ]; }
	wait_until 20 over
	cuddy rm -f -t 0 after >/dev/null
	names() { cuddy events --stream=false --filter event="$1" --filter container="$id" --format '{{.Name}}' | sort | uniq -c | awk '{ print $1, $2 }' | paste -sd' '; }
	[ "$(names start)" = "1 after 1 before" ]
	[ "$(names died)" = "2 after" ]
	[ "$(names remove)" = "1 after" ]
}
