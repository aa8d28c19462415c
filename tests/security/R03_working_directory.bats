#!/usr/bin/env bats
# R03, R15: a working directory is inside the container or the start fails; new ones are made inside.
load runtime

@test "R03: no descriptor of the host serves as working directory, whatever its number" {
	exec 9</
	for n in $(seq 3 64); do
		run rt cwd=/proc/self/fd/$n -- pwd
		[ "$status" -ne 0 ] || fail "$n: $output"
		[[ "$output" != "/" ]]
	done
	exec 9<&-
}

@test "R03: a link in the image to a descriptor does not lead out" {
	ln -s /proc/self/fd/9 "$IMG/lnk"
	exec 9</
	run rt cwd=/lnk -- pwd
	exec 9<&-
	[ "$status" -ne 0 ]
}

@test "R03: a process starts with descriptors 0, 1 and 2 only, whatever the caller leaked" {
	exec 9</ 8<"$VICTIM/file"
	run -0 rt -- sh -c 'ls /proc/1/fd; true'
	exec 9<&- 8<&-
	[ "$(echo $output)" = "0 1 2" ]
}

@test "R15: a missing working directory is made in the root, belongs to the user, and links stay inside" {
	ln -s "$VICTIM" "$IMG/w"
	run -0 rt user=user cwd=/w/new mkcwd=1 -- sh -c 'pwd; stat -c %u:%g .'
	[ "${lines[0]}" = "$VICTIM/new" ]
	[ "${lines[1]}" = 1000:50 ]
	victim_is_unchanged
}

@test "R15: without leave to make it a missing working directory is an error" {
	run rt cwd=/missing -- pwd
	[ "$status" -eq 127 ]
	[[ "$output" = *"working directory"* ]]
}

@test "R03: exec refuses the same working directories" {
	ln -s /proc/self/fd/9 "$IMG/lnk"
	rt_background -- sleep 60
	exec 9</
	for n in $(seq 3 64); do
		ln -sfn /proc/self/fd/$n "/proc/$PID1/root/tmp/lnk"
		for d in /proc/self/fd/$n /tmp/lnk; do
			run "$RTDRIVE" exec="$PID1" cwd=$d -- pwd
			[ "$status" -ne 0 ] || fail "$d, $n: $output"
		done
	done
	run "$RTDRIVE" exec="$PID1" cwd=/lnk -- pwd
	[ "$status" -ne 0 ]
	run -0 "$RTDRIVE" exec="$PID1" -- sh -c 'ls /proc/$$/fd; true'
	exec 9<&-
	[ "$(echo $output)" = "0 1 2" ]
	rt_end
}
