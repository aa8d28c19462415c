#!/usr/bin/env bats
# --log-driver journald with a real journald.
load ../system/helpers

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

entries_of() { journalctl -q -o json CONTAINER_ID_FULL="$(cuddy inspect --format '{{.Id}}' "$1")"; }
said() { cuddy logs "$@" 2>&1; }
logged_is() { [ "$(cuddy logs "$1" 2>/dev/null)" = "$2" ]; }

@test "journald: entries say whose they are, and logs gives the lines back" {
	run -0 cuddy run --name j --network none --log-driver journald --log-opt 'tag={{.Name}}/{{.ImageName}}' "$IMAGE" \
		sh -c 'echo out; echo err >&2; printf "b\377\001\n"; printf half'
	wait_until 20 logged_is j "$(printf 'out\nb\377\001\nhalf')" # two pipes: no order between them
	[ "$(cuddy logs j 2>&1 >/dev/null)" = err ]
	entries_of j >"$WORK/entries"
	id=$(cuddy inspect --format '{{.Id}}' j)
	run -0 jq -r '[.CONTAINER_NAME, .CONTAINER_ID, .CONTAINER_ID_FULL, .CONTAINER_TAG, .IMAGE_NAME, .PRIORITY] | join(" ")' "$WORK/entries"
	[ "${lines[0]}" = "j ${id:0:12} $id j/localhost/busybox:latest localhost/busybox:latest 6" ]
	[ "$(jq -r 'select(.PRIORITY == "3") | .MESSAGE' "$WORK/entries")" = err ]
	[ "$(journalctl -q -o cat -t j/localhost/busybox:latest -p err)" = err ]
	[ -z "$(said --tail 0 j)" ]
	[ "$(cuddy inspect --format '{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Tag}}' j)" = 'journald {{.Name}}/{{.ImageName}}' ]
}

@test "journald: -f follows beside a file's, long lines are whole, a later run is appended" {
	for c in j k; do
		driver=journald
		[ $c = j ] || driver=k8s-file
		cuddy run -d --name $c --network none --log-driver $driver "$IMAGE" sh -c '
			echo begin; while [ ! -e /go ]; do sleep 0.05; done; head -c 100000 /dev/zero | tr "\0" x; echo; seq 300; echo end'
		wait_log $c begin
	done
	"$CUDDY" logs -f -n j k >"$WORK/out" 3>&- &
	f=$!
	for c in j k; do
		cuddy exec $c touch /go
	done
	wait $f
	{ echo begin; head -c 100000 /dev/zero | tr '\0' x; echo; seq 300; echo end; } >"$WORK/want"
	for c in j k; do
		sed -n "s/^$c //p" "$WORK/out" | cmp - "$WORK/want"
	done
	since=$(cuddy logs -t --tail 1 j | cut -d' ' -f1)
	cuddy start -a j >/dev/null
	wait_until 20 logged_is j "$(cat "$WORK/want" "$WORK/want")"
	[ "$(said --since "$since" --tail 2 j)" = 300$'\n'end ]
}
