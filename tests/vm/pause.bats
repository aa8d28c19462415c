#!/usr/bin/env bats
# The freezer, and what is used.
load ../system/helpers
load cgroups

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

counter() { # counter NAME - a container that appends to /tmp/n for ever
	cuddy run -d --name "$1" "$IMAGE" sh -c 'while :; do echo >>/tmp/n; sleep 0.1; done' >/dev/null
	wait_until 30 counts "$1" 0
}
counter_in() { # counter_in POD NAME
	cuddy run -d --pod "$1" --name "$2" "$IMAGE" sh -c 'while :; do echo >>/tmp/n; sleep 0.1; done' >/dev/null
	wait_until 30 counts "$2" 0
}
count() { wc -c <"/proc/$(container_pid "$1")/root/tmp/n"; }
counts() { [ "$(cuddy exec "$1" sh -c 'wc -c </tmp/n')" -gt "$2" ]; }

@test "a paused container does nothing until it goes on" {
	counter a
	run -0 cuddy pause a
	[ "$output" = a ]
	run -0 cuddy inspect --format '{{.State.Status}} {{.State.Paused}}' a
	[ "$output" = "paused true" ]
	[ "$(sed -n 's/^frozen //p' "$(cgroup_dir a)/cgroup.events")" = 1 ]
	run -0 cuddy ps --format '{{.Status}}'
	[[ "$output" == *Paused* ]]
	run -125 --separate-stderr cuddy exec a true
	one_line_error 125 'paused|does not run'
	run -125 --separate-stderr cuddy pause a
	one_line_error 125 'paused already'
	run -0 cuddy unpause a
	n=$(cuddy exec a sh -c 'wc -c </tmp/n')
	wait_until 30 counts a "$n"
	run -0 cuddy events --stream=false --filter container=a --format '{{.Status}}'
	[[ "$output" == *pause*unpause* ]]
	cuddy rm -f -t 0 a
}

@test "cp reaches both ways into what is paused, its tmpfs and volumes too, and attach and wait of it end with it" {
	cuddy run -d --name a --network none --tmpfs /mem -v v:/vol "$IMAGE" sh -c 'echo was >/mem/old; echo up; exec sleep 1000'
	wait_log a up
	cuddy pause a
	echo new >"$WORK/f"
	for place in /mem /vol /home; do
		timeout 30 "$CUDDY" cp "$WORK/f" a:$place/new
		[ "$(timeout 30 "$CUDDY" cp a:$place/new - | tar -xO)" = new ]
	done
	timeout 30 "$CUDDY" cp a:/mem/old "$WORK/old"
	[ "$(cat "$WORK/old")" = was ]
	[ "$(cuddy inspect --format '{{.State.Status}}' a)" = paused ]
	[ "$(timeout 30 "$CUDDY" wait --condition paused a)" = -1 ]
	"$CUDDY" wait a >"$WORK/waited" 3>&- &
	w=$!
	"$CUDDY" attach --no-stdin a 3>&- </dev/null &
	p=$!
	wait_asleep $w
	wait_asleep $p
	cuddy unpause a
	run -0 cuddy exec a cat /mem/new /vol/new /home/new
	[ "$(echo $output)" = "new new new" ]
	cuddy pause a
	cuddy kill a
	wait $w
	st=0
	wait $p || st=$?
	[ $st -eq 137 ]
	[ "$(cat "$WORK/waited")" = 137 ]
	cuddy rm a
	cuddy volume rm v
}

@test "--all is what can be; stop and rm reach what is paused" {
	cuddy run -d --name a "$IMAGE" sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	cuddy run -d --name b "$IMAGE" sleep 1000
	run -0 cuddy pause -a
	[ "${#lines[@]}" -eq 2 ]
	run -0 cuddy pause -a
	[ -z "$output" ]
	run -0 cuddy stop -t 30 a
	run -0 cuddy inspect --format '{{.State.ExitCode}}' a
	[ "$output" = 5 ]
	run -0 cuddy unpause -a
	[ "${#lines[@]}" -eq 1 ]
	run -0 cuddy pause b
	run -0 cuddy rm -f -t 0 b a
}

@test "stats: processes, memory, its limit, processor time" {
	cuddy run -d --name a -m 64m --network none "$IMAGE" sh -c 'sleep 1000 & sleep 1000 & i=0; while :; do i=$((i + 1)); done'
	wait_until 30 three_processes a
	run -0 cuddy stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemLimit}} {{.NetIO}}' a
	[ "$output" = "a 3 67108864 0B / 0B" ]
	wait_until 30 has_used a CPUNano
	wait_until 30 has_used a MemUsageBytes
	has_used a Duration
	has_used a SystemNano
	[[ "$(cuddy stats --no-stream --format '{{.Up}} {{.BlockInput}}' a)" == [0-9]*.[0-9]*s\ [0-9]* ]]
	run -0 cuddy stats --no-stream
	[[ "${lines[1]}" == *" a "*%*"/ 67.11MB"* ]]
	run -0 cuddy stats --no-stream --format json
	[ "$(jq -r '.[0] | keys | join(" ")' <<<"$output")" = "avg_cpu block_io cpu_percent cpu_time id mem_percent mem_usage name net_io pids" ]
	# The live table ends with the last container that was named.
	"$CUDDY" stats -i 1 a >"$WORK/live" 3>&- &
	pid=$!
	# On a terminal each look begins at the top of a cleared screen.
	script -qfec "'$CUDDY' stats -i 1 a" "$WORK/screen" </dev/null >/dev/null 3>&- &
	screen=$!
	wait_until 30 looked_twice
	wait_until 30 drawn_twice
	cuddy rm -f -t 0 a
	wait_until 30 ended "$pid"
	wait_until 30 ended "$screen"
	[ "$(grep -c '^ID' "$WORK/live")" -ge 2 ]
}
@test "stats: what was written to a disk, and what came by the network" {
	cuddy run -d --name w --network slirp4netns -v "$WORK:/io" "$IMAGE" sh -c 'dd if=/dev/zero of=/io/f bs=64k count=16 oflag=direct; nslookup a.invalid 10.0.2.3; sleep 1000'
	wait_until 30 used_at_least w BlockOutput 1048576
	wait_until 30 used_at_least w NetOutput 28
	[ "$(cuddy stats --no-stream --format '{{range $name, $n := .Network}}{{$name}} {{if ge $n.TxBytes 28}}sent{{end}} {{$n.TxErrors}}{{end}}' w)" = 'tap0 sent 0' ]
	[ "$(used w BlockOutput)" -lt 4194304 ]
	cuddy rm -f -t 0 w
}
used() { cuddy stats --no-stream --format "{{.$2}}" "$1"; }
used_at_least() { [ "$(used "$1" "$2")" -ge "$3" ]; }
three_processes() { [ "$(limit_of "$1" pids.current)" = 3 ]; }
has_used() { [ "$(cuddy stats --no-stream --format "{{.$2}}" "$1")" -gt 0 ]; }
looked_twice() { [ "$(grep -c ' a ' "$WORK/live")" -ge 2 ]; }
drawn_twice() { [ "$(grep -c $'\x1b\\[H\x1b\\[JID' "$WORK/screen")" -ge 2 ]; }
ended() { ! [ -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

@test "commit --pause: frozen only meanwhile, and what was paused stays so" {
	counter a
	run -0 cuddy commit -q --pause a one
	[ "$(cuddy inspect --format '{{.State.Status}}' a)" = running ]
	n=$(cuddy exec a sh -c 'wc -c </tmp/n')
	wait_until 30 counts a "$n"
	run -0 cuddy events --stream=false --filter container=a --format '{{.Status}}'
	[[ "$output" == *pause*unpause* ]]
	cuddy pause a
	run -0 cuddy commit -q --pause a two
	[ "$(cuddy inspect --format '{{.State.Status}}' a)" = paused ]
	cuddy rm -f -t 0 a
	cuddy rmi one two
}

@test "pod pause and pod stats are of all its containers" {
	cuddy pod create --name p --network none
	counter_in p a
	run -0 cuddy pod stats --no-stream --format '{{.Name}} {{.PIDS}}' p
	[[ "$output" == *'a 2'* ]] || [[ "$output" == *'a 1'* ]]
	[ "$(cuddy pod stats --no-stream --format '{{.Pod}}' | sort -u)" = "$(cuddy pod ps -q)" ]
	run -0 cuddy pod pause p
	[ "$(cuddy pod ps --format '{{.Status}}')" = Paused ]
	[ "$(sed -n 's/^frozen //p' "$(cgroup_dir a)/cgroup.events")" = 1 ]
	run -0 cuddy pod unpause p
	n=$(cuddy exec a sh -c 'wc -c </tmp/n')
	wait_until 30 counts a "$n"
	cuddy pod rm -f -t 0 p
}
