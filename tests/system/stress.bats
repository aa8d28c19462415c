#!/usr/bin/env bats
# Many at once.
load helpers

@test "stress: 200 containers, 20 at a time, each with its own status and output, none left" {
	export BATS_TEST_TIMEOUT=300
	seq 200 | xargs -P 20 -I{} sh -c '
		out=$("$CUDDY" run --rm --network none "$IMAGE" sh -c "echo n{}; exit $(({} % 100))" 2>&1)
		st=$?
		[ "$out" = "n{}" ] && [ $st -eq $(({} % 100)) ] || echo "{}: status $st, $out"' >"$WORK/bad"
	[ ! -s "$WORK/bad" ] || { head -n 20 "$WORK/bad"; false; }
	run -0 cuddy ps -aq
	[ -z "$output" ]
}

@test "stress: 40 detached, all running at once, stopped and removed together" {
	seq 40 | xargs -P 20 -I{} "$CUDDY" run -d --name c{} --network none "$IMAGE" sleep 1000 >"$WORK/ids"
	[ "$(sort -u "$WORK/ids" | wc -l)" -eq 40 ]
	[ "$(cuddy ps -q | wc -l)" -eq 40 ]
	run -0 cuddy stop -t 0 -a
	[ "$(cuddy ps -q | wc -l)" -eq 0 ]
	run -0 cuddy rm -a
	[ "${#lines[@]}" -eq 40 ]
}

@test "stress: the first twenty containers of a user, started at once, agree on one base namespace" {
	seq 20 | xargs -P 20 -I{} "$CUDDY" run -d --name c{} --network none "$IMAGE" sleep 1000 >/dev/null
	for i in {1..20}; do
		nsenter --preserve-credentials --user -t "$(container_pid c$i)" true
		readlink "/proc/$(conmon_pid c$i)/ns/user" || true
	done 2>/dev/null | sort -u >"$WORK/bases"
	[ "$(wc -l <"$WORK/bases")" -le 1 ]
}

@test "stress: exec into one container, 40 times, 10 at a time" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	run -0 bash -c 'seq 40 | xargs -P 10 -I{} "$CUDDY" exec c echo {} | sort -n | tr "\n" " "'
	[ "$output" = "$(seq 40 | tr '\n' ' ')" ]
}

@test "stress: start, stop and rm of one container at once end in one of the states that make sense" {
	for round in 1 2 3; do
		cuddy create --name c "$IMAGE" sleep 1000
		all=()
		for verb in start 'stop -t 0' 'rm -f -t 0' start 'kill' 'inspect'; do
			"$CUDDY" $verb c >/dev/null 2>&1 3>&- &
			all+=($!)
		done
		for p in "${all[@]}"; do # a bare wait would wait for the test's own time-out too
			wait "$p" || [ $? -lt 126 ]
		done
		cuddy rm -f -t 0 --ignore c >/dev/null
		[ -z "$(cuddy ps -aq)" ]
	done
}
