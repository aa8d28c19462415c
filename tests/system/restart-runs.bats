#!/usr/bin/env bats
# From one run of a container to the next: nothing is left over, and what the end of it all is.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

state() { cuddy inspect --format "{{.State.$2}}" "$1"; }
restarts() { cuddy inspect --format '{{.RestartCount}}' "$1"; }
restarted() { [ "$(restarts "$1")" -ge "$2" ]; }
ran_again() { restarted "$1" "$2" && status_is "$1" running; }
fds() { ls "/proc/$(conmon_pid "$1")/fd" | wc -l; }
children() { wc -w <"/proc/$(conmon_pid "$1")/task/$(conmon_pid "$1")/children"; }

@test "--restart: ports lead there again, and no descriptor, process or mount stays from the run before" {
	require_tun
	port=$(free_port)
	cuddy run -d --name c --restart always -p "127.0.0.1:$port:80" -v data:/data "$IMAGE" \
		sh -c 'echo run >>/data/runs; mkdir -p /www; wc -l </data/runs >/www/index.html; httpd -p 80 -h /www; while [ ! -e /end ]; do sleep 0.02; done; rm /end'
	says() { [ "$(curl -s --max-time 5 "http://127.0.0.1:$port/")" = "$1" ]; }
	wait_until 20 says 1
	end_run c
	wait_until 20 says 2
	fds=$(fds c) children=$(children c)
	for n in 3 4 5; do
		end_run c
		wait_until 20 says $n
	done
	[ "$(fds c)" = "$fds" ] || fail "$(fds c) descriptors, not $fds"
	[ "$(children c)" = "$children" ] || fail "$(children c) processes, not $children"
	[[ "${BUILD:-}" == *san-* ]] || [ "$(awk '/^Private_Dirty/ { print $2 }' "/proc/$(conmon_pid c)/smaps_rollup")" -le 100 ]
	[ "$(cuddy ps --format '{{.Ports}}')" = "127.0.0.1:$port->80/tcp" ]
	cuddy stop -t 0 c
	run ! says 5
	cuddy rm c
	cuddy volume rm data
}

@test "--restart: with a terminal and with kept stdin too" {
	cuddy run -dit --name t --restart on-failure:2 "$IMAGE" sh -c 'test -t 0 && echo tty; exit 1'
	cuddy run -di --name i --restart on-failure:2 "$IMAGE" sh -c 'test -p /dev/stdin && echo pipe; exit 1'
	wait_exited t
	wait_exited i
	[ "$(cuddy logs t | tr -d '\r')" = $'tty\ntty\ntty' ]
	[ "$(cuddy logs i)" = $'pipe\npipe\npipe' ]
}

@test "--restart with --rm: kept between the runs of on-failure, gone at the end; always is refused" {
	cuddy run -d --rm --name c --restart on-failure:2 -v /anonymous "$IMAGE" \
		sh -c 'echo run >>/anonymous/runs; echo run >>/runs; [ $(wc -l </runs) = 3 ] && while [ ! -e /end ]; do sleep 0.02; done; exit 1'
	wait_until 20 ran_again c 2
	[ "$(cuddy exec c sh -c 'cat /runs /anonymous/runs | wc -l')" = 6 ]
	end_run c
	for d in containers names volumes; do wait_until 20 empty_dir "$CUDDY_ROOT/$d"; done
	for policy in always unless-stopped; do
		run --separate-stderr cuddy run --rm --restart $policy "$IMAGE" true
		one_line_error 125 "--rm and --restart $policy"
	done
}

@test "--restart: the foreground ends with its run, the container goes on" {
	run -3 cuddy run --name c --restart on-failure "$IMAGE" sh -c '[ -e /second ] && exec sleep 1000; : >/second; echo first; exit 3'
	[ "$output" = first ]
	wait_running c
	[ "$(restarts c)" = 1 ]
}

@test "--restart: a run that cannot be launched is tried again like one that failed" {
	mkdir "$WORK/source"
	cuddy run -d --name c --restart always -v "$WORK/source:/mnt" "$IMAGE" sh -c "$until_end 0"
	wait_log c up
	mv "$WORK/source" "$WORK/away"
	end_run c
	launch_failed() { [ "$(state c ExitReason)" = launch ]; }
	wait_until 20 launch_failed
	[[ "$(state c Error)" == *"$WORK/source"* ]]
	mv "$WORK/away" "$WORK/source"
	wait_running c
	[ -z "$(state c Error)" ]
	wait_until 10 cuddy exec c test -d /mnt
}

@test "--restart: with the monitor killed it is over; start --all --filter brings back what is wanted" {
	cuddy run -d --name always --restart always "$IMAGE" sleep 1000
	cuddy run -d --name unless --restart unless-stopped "$IMAGE" sleep 1000
	cuddy run -d --name stopped --restart unless-stopped "$IMAGE" sleep 1000
	cuddy run -d --name plain "$IMAGE" sleep 1000
	cuddy stop -t 0 stopped
	for c in always unless plain; do kill -KILL "$(conmon_pid $c)"; done
	for c in always unless plain; do wait_exited $c; done
	[ "$(state always ExitReason)" = crash ]
	wait_until 20 no_strays
	rm -rf "$CUDDY_RUNROOT"                         # as a reboot does
	mkdir -m 0700 "$CUDDY_RUNROOT"
	[ "$(cuddy ps -a --filter restart-policy=always --format '{{.Names}}')" = always ]
	[ "$(cuddy ps -a --filter should-start-on-boot=true --format '{{.Names}}' | sort)" = $'always\nunless' ]
	cuddy start --all --filter restart-policy=always
	[ "$(cuddy ps --format '{{.Names}}')" = always ]
	cuddy start --all --filter should-start-on-boot=true
	[ "$(cuddy ps --format '{{.Names}}' | sort)" = $'always\nunless' ]
	run --separate-stderr cuddy ps --filter should-start-on-boot=maybe
	one_line_error 125 'true or false'
}

@test "why it ended: by itself, by a signal, by a user, by --timeout" {
	cuddy run --name a "$IMAGE" sh -c 'exit 3' || true
	[ "$(state a ExitReason)" = exited ]
	cuddy run -d --name s "$IMAGE" sleep 1000
	kill -KILL "$(container_pid s)"                 # somebody's, not through us
	wait_exited s
	[ "$(state s ExitReason)" = signal ]
	[ "$(state s ExitCode)" = 137 ]
	cuddy run -d --name u "$IMAGE" sleep 1000
	cuddy stop -t 0 u
	[ "$(state u ExitReason)" = user ]
	cuddy run -d --name t --timeout 1 "$IMAGE" sleep 1000
	wait_exited t
	[ "$(state t ExitReason)" = timeout ]
	[ "$(state t ExitCode)" = 137 ]
	[ "$(cuddy inspect --format '{{.Config.Timeout}}' t)" = 1 ]
	cuddy run -d --name r --restart on-failure --timeout 1 "$IMAGE" sleep 1000
	wait_until 20 restarted r 1                     # each run has its own time
	wait_until 20 restarted r 2
}
