#!/usr/bin/env bats
# The flags of logs, with each driver that keeps a file.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

each_driver() { # each_driver FUNCTION: with $driver
	for driver in k8s-file json-file local; do
		"$1"
		cuddy rm -f -t 0 -a >/dev/null
	done
}

tail_and_streams() {
	cuddy run --name c --network none --log-driver $driver "$IMAGE" sh -c 'for i in 1 2 3 4 5; do echo $i; echo e$i >&2; done; printf half' >/dev/null 2>&1
	[ "$(cuddy logs c 2>/dev/null | xargs)" = '1 2 3 4 5 half' ] || fail "$driver"
	[ "$(cuddy logs c 2>&1 >/dev/null | xargs)" = 'e1 e2 e3 e4 e5' ] || fail "$driver"
	cuddy run --name t --network none --log-driver $driver "$IMAGE" sh -c 'seq 5; printf half' >/dev/null
	[ "$(cuddy logs --tail 3 t | xargs)" = '4 5 half' ] || fail "$driver: $(cuddy logs --tail 3 t)"
	[ -z "$(cuddy logs --tail 0 t)" ] || fail "$driver: tail 0"
	for all in -1 all 100; do
		[ "$(cuddy logs --tail=$all t | wc -w)" -eq 6 ] || fail "$driver: tail $all"
	done
	run -0 cuddy logs --timestamps --tail 1 t
	[[ "$output" =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]+(Z|[+-][0-9:]+)\ half$ ]] || fail "$driver: $output"
}
@test "logs --tail, --timestamps and the two streams, with each driver" { each_driver tail_and_streams; }

since_and_until() {
	cuddy run -d --name c --network none --log-driver $driver "$IMAGE" sh -c 'echo one; while [ ! -e /go ]; do sleep 0.02; done; echo two; while [ ! -e /on ]; do sleep 0.02; done; echo three'
	wait_log c one
	sleep 0.05
	between=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
	seconds=$(date +%s.%N)
	"$CUDDY" logs -f --since "$between" c >"$WORK/since" 3>&- &
	f=$!
	"$CUDDY" logs -f --tail 0 c >"$WORK/tail" 3>&- &
	g=$!
	wait_asleep $f
	wait_asleep $g
	cuddy exec c touch /go
	wait_log c two
	sleep 0.05
	later=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
	cuddy exec c touch /on
	wait $f
	wait $g
	[ "$(xargs <"$WORK/since")" = 'two three' ] || fail "$driver: $(cat "$WORK/since")"
	[ "$(xargs <"$WORK/tail")" = 'two three' ] || fail "$driver: $(cat "$WORK/tail")"
	[ "$(cuddy logs --until "$between" c)" = one ] || fail "$driver: until"
	[ "$(cuddy logs --since "$seconds" c | xargs)" = 'two three' ] || fail "$driver: seconds"
	[ "$(cuddy logs --since "$between" --until "$later" c)" = two ] || fail "$driver: between"
	[ "$(cuddy logs --since "$between" --tail 1 c)" = three ] || fail "$driver: since and tail"
	[ "$(cuddy logs --since 10m c | wc -l)" -eq 3 ] || fail "$driver: 10m"
	[ -z "$(cuddy logs --until 10m c)" ] || fail "$driver: until 10m"
}
@test "logs --since, --until, --follow and --tail together, with each driver" { each_driver since_and_until; }

rotated() {
	cuddy run --name c --network none --log-driver $driver --log-opt max-size=16k --log-opt max-file=50 "$IMAGE" seq 1 5000 >/dev/null
	cuddy logs c | cmp - <(seq 1 5000) || fail "$driver"
	cuddy logs --tail 2500 c | cmp - <(seq 2501 5000) || fail "$driver: tail over several files"
	[ "$(cuddy events --stream=false --filter container=c --filter event=log-rotation | wc -l)" -ge 1 ] || fail "$driver was not rotated"
	run -0 cuddy run -d --name d --network none --log-driver $driver --log-opt max-size=16k --log-opt max-file=50 "$IMAGE" \
		sh -c 'while [ ! -e /go ]; do sleep 0.02; done; seq 1 5000'
	"$CUDDY" logs -f --names c d >"$WORK/out" 3>&- &
	f=$!
	cuddy exec d touch /go
	wait $f
	sed -n 's/^d //p' "$WORK/out" | cmp - <(seq 1 5000) || fail "$driver: followed"
	[ "$(grep -c '^c ' "$WORK/out")" -eq 5000 ]
}
@test "logs over rotations: whole, the end, followed beside another's, with each driver" { each_driver rotated; }

@test "logs of drivers that keep nothing: said in one line, whatever the flags" {
	for driver in none passthrough; do
		cuddy run -d --name c --network none --log-driver $driver "$IMAGE" sh -c 'echo x; exec sleep 1000' >/dev/null </dev/null
		for flags in '' -f '--tail 1' '--since 1h -t'; do
			# shellcheck disable=SC2086
			run --separate-stderr timeout 20 "$CUDDY" logs $flags c
			one_line_error 125 "$driver"
		done
		cuddy rm -f -t 0 c >/dev/null
	done
}
