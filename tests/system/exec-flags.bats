#!/usr/bin/env bats
# cuddy exec: who, where, with what rights and environment; seen from inside and in /proc.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

caps() { awk '/^Cap(Inh|Prm|Eff|Bnd|Amb):/ { printf "%s ", $2 }' "/proc/$1/status"; } # of a process, as the host sees it
status_of='grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | cut -f2 | xargs'

@test "exec --user: by name, number, group, what passwd does not know; groups and home are the image's" {
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	while IFS='|' read -r user want; do
		run -0 cuddy exec --user "$user" c sh -c 'echo $(id -u):$(id -g) $(id -G) $HOME' 3>&-
		[ "$output" = "$want" ] || fail "$user: $output"
	done <<-'E'
		root|0:0 0 50 /root
		user|1000:1000 1000 8 50 /home/user
		1000|1000:1000 1000 8 50 /home/user
		user:mail|1000:8 8 /home/user
		1000:50|1000:50 50 /home/user
		4321|4321:0 0 /
		4321:77|4321:77 77 /
		0:8|0:8 8 /root
	E
	# The container's own user, unless another is asked for; its added groups go along with him.
	cuddy run -d --name u --network none --user 1000:50 --group-add 99 "$IMAGE" sleep 1000
	run -0 cuddy exec u sh -c 'echo $(id -u):$(id -g) $(id -G)'
	[ "$output" = "$(cuddy run --rm --network none --user 1000:50 --group-add 99 "$IMAGE" sh -c 'echo $(id -u):$(id -g) $(id -G)')" ]
	[[ "$output" == "1000:50 "*99* ]]
	for bad in nosuch user:nosuch 1000:nosuch 4294967295 -1; do
		run --separate-stderr cuddy exec --user="$bad" c true
		[ "$status" -ne 0 ] && [ "${#stderr_lines[@]}" -eq 1 ] && [ -z "$output" ] || fail "$bad: $status $stderr"
	done
	cuddy rm -f -t 0 c u
}

@test "exec --privileged: all capabilities and no filter, for this command alone; else what the container has" {
	cuddy run -d --name c --network none --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges "$IMAGE" sleep 1000
	run -0 cuddy exec c sh -c "$status_of"
	[ "$output" = "0000000000000000 0000000000000001 0000000000000001 0000000000000001 0000000000000000 1 2" ] || fail "$output"
	run -0 cuddy exec --user 1000 c sh -c "$status_of"
	[ "$output" = "0000000000000000 0000000000000000 0000000000000000 0000000000000001 0000000000000000 1 2" ] || fail "$output"
	# Its own user has what was added for him, whether root or not; another one has not.
	cuddy run -d --name u --network none --user 1000 --cap-drop ALL --cap-add CHOWN "$IMAGE" sleep 1000
	for who in '' '--user 1000'; do
		# shellcheck disable=SC2086
		run -0 cuddy exec $who u sh -c "$status_of"
		[ "$output" = "0000000000000001 0000000000000001 0000000000000001 0000000000000001 0000000000000001 0 2" ] || fail "$who: $output"
	done
	run -0 cuddy exec --user 50 u sh -c "$status_of"
	[ "$output" = "0000000000000000 0000000000000000 0000000000000000 0000000000000001 0000000000000000 0 2" ] || fail "$output"
	cuddy rm -f -t 0 u
	all=$(cuddy run --rm --network none --privileged "$IMAGE" sh -c "$status_of")
	run -0 cuddy exec --privileged c sh -c "$status_of"
	[ "$(cut -d' ' -f3 <<<"$output")" = "$(cut -d' ' -f3 <<<"$all")" ]
	[ "${output##* }" = 0 ] # no filter
	run -0 cuddy exec c sh -c "$status_of" # and the next one is as before
	[[ "$output" == *" 0000000000000001 0000000000000000 1 2" ]]
	[ "$(caps "$(container_pid c)" | cut -d' ' -f3)" = 0000000000000001 ]
	# It is still the container's: its user namespace, its root, its processes.
	[ "$(cuddy exec --privileged c readlink /proc/self/ns/user)" = "$(readlink "/proc/$(container_pid c)/ns/user")" ]
	cuddy rm -f -t 0 c
}

@test "exec --detach: gives no output, goes on without us, is a process of the container and ends with it" {
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	run -0 --separate-stderr cuddy exec --detach --user 1000 --workdir /tmp --env A=b c sh -c 'echo out; echo err >&2; echo "$A $(pwd) $(id -u)" >/tmp/said; exec sleep 1234'
	[ -z "$stderr" ]
	said() { [ "$(cuddy exec c cat /tmp/said)" = "b /tmp 1000" ]; }
	wait_until 20 said
	[ -z "$(cuddy logs c)" ]
	run -0 cuddy top c pid user args
	[[ "$output" == *"sleep 1234"* ]]
	run -0 cuddy exec -d -t c sh -c 'tty >/tmp/tty; stty size >>/tmp/tty; sleep 0.1; echo done >>/tmp/tty'
	ended() { [ "$(cuddy exec c tail -n 1 /tmp/tty)" = done ]; }
	wait_until 20 ended
	[[ "$(cuddy exec c head -n 1 /tmp/tty)" == /dev/pts/* ]]
	for st in 127:nosuch 126:/etc/passwd; do # it could not begin: that is told
		run --separate-stderr cuddy exec -d c "${st#*:}"
		one_line_error "${st%%:*}" "${st#*:}"
	done
	cuddy stop -t 0 c
	wait_until 20 no_strays
	cuddy rm c
}

@test "exec: the environment is the container's with what is added; the image's for all, HOME for the user, TERM for a terminal" {
	printf 'A=file\nB=file\n' >"$WORK/one"
	printf 'B=second\nC=second\n' >"$WORK/two"
	cuddy run -d --name c --network none -e A=run -e D=run --hostname h "$IMAGE" sleep 1000
	run -0 env PASSED=on HIDDEN=x "$CUDDY" exec --env-file "$WORK/one" --env-file "$WORK/two" -e C=flag -e PASSED -e UNSET c env
	for line in A=file B=second C=flag D=run PASSED=on HOSTNAME=h HOME=/root container=podman; do
		grep -qx "$line" <<<"$output" || fail "$line is not in $output"
	done
	! grep -qE '^(HIDDEN|UNSET|TERM)' <<<"$output" || fail "$output"
	run -0 cuddy exec -t c env
	[[ "$output" == *TERM=* ]]
	[ "$(cuddy exec c sh -c 'echo $A')" = run ] # of that command alone
	for bad in '=x' ''; do
		run --separate-stderr cuddy exec -e "$bad" c true
		one_line_error 125 env
	done
	cuddy rm -f -t 0 c
}

@test "exec --workdir: the container's unless said, absolute, a directory" {
	cuddy run -d --name c --network none --workdir /home/user "$IMAGE" sleep 1000
	[ "$(cuddy exec c pwd)" = /home/user ]
	[ "$(cuddy exec --workdir /tmp c pwd)" = /tmp ]
	cuddy exec c ln -s /tmp /to-tmp
	[ "$(cuddy exec -w /to-tmp c pwd -P)" = /tmp ]
	for bad in relative /etc/passwd; do
		run --separate-stderr cuddy exec -w "$bad" c pwd
		[ "$status" -ne 0 ] && [ "${#stderr_lines[@]}" -eq 1 ] || fail "$bad: $status $stderr"
	done
	cuddy rm -f -t 0 c
}

@test "exec: into a container that is just ending: it runs or is refused, in time, and nothing is left" {
	for n in 1 2 3 4 5; do
		cuddy run -d --name c --network none "$IMAGE" sh -c 'echo up; sleep 0.2; exit 4'
		for m in 1 2 3 4 5 6 7 8; do
			st=0
			timeout 20 "$CUDDY" exec c sh -c 'sleep 0.05; exit 3' >"$WORK/out" 2>&1 3>&- || st=$?
			# Its own status, killed with the container, or told that it does not run.
			[[ $st =~ ^(3|137|125)$ ]] || fail "status $st: $(cat "$WORK/out")"
		done
		[ "$(cuddy wait c)" = 4 ]
		wait_until 20 no_strays
		cuddy rm c >/dev/null
	done
}

@test "exec: a client that stands still, is killed or whose reader goes holds up neither the container nor its end" {
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	mkfifo "$WORK/fifo"
	"$CUDDY" exec c sh -c 'yes' >"$WORK/fifo" 3>&- &
	slow=$!
	exec 8<"$WORK/fifo" # and nobody reads
	"$CUDDY" exec c sh -c 'echo up >/up; exec sleep 1235' 3>&- 8<&- &
	killed=$!
	up() { cuddy exec c test -e /up; }
	wait_until 20 up
	kill -KILL $killed
	wait $killed 2>/dev/null || true
	"$CUDDY" exec c sh -c 'yes' 2>/dev/null 3>&- 8<&- | head -n 1 >/dev/null || true
	[ "$(timeout 20 "$CUDDY" exec c echo fine)" = fine ]
	timeout 20 "$CUDDY" stop -t 0 c
	exec 8<&-
	wait $slow || true
	wait_until 20 no_strays
	[ "$(cuddy inspect --format '{{.State.Status}} {{.State.ExitCode}}' c)" = 'exited 137' ]
	cuddy rm c
}
