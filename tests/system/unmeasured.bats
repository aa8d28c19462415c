#!/usr/bin/env bats
# pause and stats of a container without a cgroup of its own; with one: tests/vm.
load helpers

@test "pause and stats say what is missing, and change nothing" {
	cuddy create "$IMAGE" true >/dev/null
	cuddy --cgroup-manager none run -d --name a --cidfile "$WORK/cid" "$IMAGE" sleep 1000
	run -125 --separate-stderr cuddy pause a
	one_line_error 125 '^cuddy: pause a: it has no cgroup of its own'
	for which in --latest "--cidfile=$WORK/cid" --filter=name=^a; do
		run -125 --separate-stderr cuddy pause $which
		one_line_error 125 '^cuddy: pause .*it has no cgroup of its own'
	done
	run -125 --separate-stderr cuddy stats --no-stream a
	one_line_error 125 '^cuddy: stats a: it has no cgroup of its own'
	run -0 cuddy inspect --format '{{.State.Status}}' a
	[ "$output" = running ]
	run -125 --separate-stderr cuddy unpause a
	one_line_error 125 'not paused'
}

@test "pause and unpause of what does not run" {
	cuddy create --name a "$IMAGE" true
	run -125 --separate-stderr cuddy pause a
	one_line_error 125 'does not run'
	run -125 --separate-stderr cuddy unpause a
	one_line_error 125 'does not run'
	run -0 cuddy pause -a
	run -0 cuddy unpause -a
	[ -z "$output" ]
	run -125 --separate-stderr cuddy pause
	one_line_error 125 'needs a name'
}

@test "stats: stopped containers are zeros, headings stand alone, unknown names and fields are errors" {
	run -0 cuddy stats --no-stream
	[[ "$output" == ID*NAME*"CPU %"*PIDS* ]]
	[ "${#lines[@]}" -eq 1 ]
	cuddy create --name a "$IMAGE" true
	run -0 cuddy stats --no-stream a --format '{{.Name}} {{.PIDs}} {{.MemUsageBytes}} {{.EgressRefused}}'
	[ "$output" = "a 0 0 0" ]
	# All the names that podman and docker have.
	run -0 cuddy stats --no-stream a --format '{{.ID}} {{.ContainerID}} {{.Container}} {{.CPUPerc}} {{.CPU}} {{.AvgCPU}} {{.AVGCPU}} {{.CPUNano}} {{.CPUSystemNano}} {{.MemUsage}} {{.MemUsageBytes}} {{.MemLimit}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.BlockInput}} {{.BlockOutput}} {{.PIDs}} {{.PIDS}} {{.Duration}} {{.Up}} {{.UpTime}} {{.SystemNano}} {{.Network}} {{.ContainerStats.MemLimit}} {{.PerCPU}}'
	[[ "$output" == *" []" ]]
	[ "$(cuddy stats --no-stream --latest --no-trunc --format '{{.ID}} {{.Name}}')" = "$(cuddy inspect --format '{{.Id}}' a) a" ]
	[ "$(cuddy stats --no-stream -l --format '{{.ID}}' | wc -c)" = 13 ]
	run -0 cuddy stats --no-stream -a --format json
	[ "$(jq -r '.[0].name + .[0].pids' <<<"$output")" = a0 ]
	run -125 --separate-stderr cuddy stats --no-stream nosuch
	one_line_error 125 'nosuch'
	run -125 --separate-stderr cuddy stats --no-stream a --format '{{.Nope}}'
	one_line_error 125 'Nope'
	run -125 --separate-stderr cuddy stats -a a
	one_line_error 125 'contradict'
}

@test "pod stats: what went over the pod's network is what its kernel counts; members without a cgroup are said" {
	require_tun
	id=$(cuddy pod create --name p)
	[ -z "$(cuddy pod stats --no-stream --format '{{.CID}}' p)" ] # nobody runs
	cuddy pod start p
	holder=$(cuddy pod inspect --format '{{.InfraContainerID}}' p)
	run -1 cuddy run --rm --network pod:p "$IMAGE" nc -w 1 10.0.2.2 9 # it asks, whatever the answer
	wait_until 10 as_counted p
	wait_until 10 as_counted --latest
	wait_until 10 as_counted --all
	run -0 cuddy pod stats --no-stream --format json
	[ "$(jq -r '.[] | .Pod + " " + .CID' <<<"$output")" = "$id $holder" ]
	run -125 --separate-stderr cuddy pod stats --no-stream nosuch
	one_line_error 125 'nosuch'
	run -125 --separate-stderr cuddy pod stats --all p
	one_line_error 125 'contradict'
	cuddy --cgroup-manager none run -d --pod p --name m "$IMAGE" sleep 1000
	run -125 --separate-stderr cuddy pod stats --no-stream p
	one_line_error 125 'stats m: it has no cgroup of its own'
	cuddy pod rm -f -t 0 p
}
# The counters in the pod's network namespace, read from inside, beside what is told of the pods that $1 says.
as_counted() {
	local sent
	sent=$(cuddy run --rm --network pod:p "$IMAGE" awk '$1 == "tap0:" { print $10 }' /proc/net/dev)
	[ "$sent" -gt 0 ] && [ "$(cuddy pod stats --no-stream --no-trunc --format '{{.Pod}} {{.CID}} {{.NetOutput}} {{.PIDS}}' "$1")" = "$id $holder $sent 0" ]
}
