#!/usr/bin/env bats
# Options of run and create that no other file has: environment, time zone, groups, init, dependencies.
load helpers

run_() { cuddy run --rm --network none "$@"; }

@test "env-merge, unsetenv, unsetenv-all, http-proxy, env-host: what the process has in the end" {
	run -0 run_ --env-merge 'PATH=/first:$PATH' --env-merge 'X=${container}-\$x-$nosuch.' "$IMAGE" sh -c 'echo $PATH; echo $X'
	[[ "${lines[0]}" == /first:*/bin* ]]
	[ "${lines[1]}" = 'podman-$x-.' ]
	run -0 run_ --env-merge 'A=$B' -e B=later "$IMAGE" sh -c 'echo "[$A]"'
	[ "$output" = "[]" ]
	for bad in A '=x' 'A=$' 'A=${B' 'A=${}'; do
		run --separate-stderr run_ --env-merge "$bad" "$IMAGE" true
		one_line_error 125 env-merge
	done
	run -0 run_ --unsetenv container "$IMAGE" /bin/sh -c 'echo "[$container]"; env | grep -c ^PATH='
	[ "$(echo $output)" = "[] 1" ]
	run -0 run_ --unsetenv-all -e KEPT=1 "$IMAGE" /bin/env
	[ "$(sort <<<"$output" | grep -v '^HOSTNAME=' | xargs)" = "HOME=/root KEPT=1" ]
	export all_proxy=socks5://127.0.0.1:3 http_proxy=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:2 NOT_A_PROXY=3
	run -0 run_ "$IMAGE" env
	[[ "$output" != *proxy* && "$output" != *PROXY* ]]
	run -0 run_ --http-proxy "$IMAGE" env
	[[ "$output" == *all_proxy=socks5://127.0.0.1:3* ]]
	[[ "$output" == *http_proxy=http://127.0.0.1:1* && "$output" == *HTTPS_PROXY=http://127.0.0.1:2* && "$output" != *NOT_A_PROXY* ]]
	run -0 run_ --env-host --unsetenv http_proxy -e HTTPS_PROXY=mine "$IMAGE" env
	[ "$(grep -E '^(NOT_A_PROXY|https?_proxy|HTTPS_PROXY)=' <<<"$output" | sort | xargs)" = "HTTPS_PROXY=mine NOT_A_PROXY=3" ]
}

@test "tz: the file of the host is /etc/localtime; names that leave the database are refused" {
	[ -e /usr/share/zoneinfo/UTC ] || lacks "no time zones on this host"
	zone=$(cd /usr/share/zoneinfo && find . -type f -path './A*/*' | sort | head -1 | cut -c3-)
	run -0 run_ --tz "$zone" "$IMAGE" md5sum /etc/localtime
	[ "${output%% *}" = "$(md5sum <"/usr/share/zoneinfo/$zone" | cut -d' ' -f1)" ]
	[ "$(run_ --tz local "$IMAGE" md5sum /etc/localtime | cut -d' ' -f1)" = "$(md5sum </etc/localtime | cut -d' ' -f1)" ]
	for bad in Nowhere/City ../../../etc/passwd / "" .; do
		run --separate-stderr run_ --tz "$bad" "$IMAGE" true
		one_line_error 125 tz
	done
}

@test "umask of the container, also for exec; lists with commas" {
	cuddy run -d --name c --network none --umask 0027 "$IMAGE" sh -c 'umask; exec sleep 1000'
	wait_until 20 eval '[ "$(cuddy logs c)" = 0027 ]'
	run -0 cuddy exec c sh -c umask
	[ "$output" = 0027 ]
	# Values that are lists with commas, as podman's; a comma in a pair's value is docker's.
	echo A=1 >"$WORK/e1"
	echo B=2 >"$WORK/e2"
	run -0 run_ --env-file "$WORK/e1,$WORK/e2" --sysctl net.ipv4.ip_local_reserved_ports=8080,9148,net.ipv4.ip_unprivileged_port_start=7 \
		--cap-drop all --cap-add net_raw,chown --group-add 11,12 --ulimit nproc=99:99,core=0:0 -e C=3,4 "$IMAGE" sh -c 'echo $A $B $C
		cat /proc/sys/net/ipv4/ip_local_reserved_ports /proc/sys/net/ipv4/ip_unprivileged_port_start; grep CapBnd /proc/self/status; id -G; ulimit -u; ulimit -c'
	[ "$(echo $output)" = "1 2 3,4 8080,9148 7 CapBnd: 0000000000002001 0 11 12 50 99 0" ]
}

@test "group-add keep-groups: the caller's groups and no others" {
	groups() { sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status | xargs; }
	mine=$(for g in $(groups); do [ "$g" = "$(id -g)" ] && echo 0 || echo 65534; done | sort -n | xargs)
	in_container="sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status | xargs -n1 | sort -n | xargs"
	run -0 run_ -u 1000 "$IMAGE" sh -c "$in_container"
	[ "$output" = 1000 ] || [ "$output" = "8 50 1000" ]
	run -0 run_ --group-add keep-groups -u 1000 "$IMAGE" sh -c "$in_container"
	[ "$output" = "$mine" ]
	cuddy create --name g --group-add keep-groups "$IMAGE" true
	[ "$(cuddy inspect --format '{{.HostConfig.GroupAdd}}' g)" = "[keep-groups]" ]
	run --separate-stderr run_ --group-add keep-groups --group-add 5 "$IMAGE" true
	one_line_error 125 keep-groups
}

@test "init-path: a program of the host is pid 1 and has the command after --" {
	cp /bin/busybox "$WORK/sh" 2>/dev/null || cp "$(command -v busybox)" "$WORK/sh"
	cat >"$WORK/init" <<-'EOT'
		#!/bin/sh
		echo "init $$ $*"
		shift
		exec "$@"
	EOT
	chmod 0755 "$WORK/init"
	run -0 run_ --init-path "$WORK/init" "$IMAGE" echo hello
	[ "$(echo $output)" = "init 1 -- echo hello hello" ]
	run --separate-stderr run_ --init-path "$WORK/missing" "$IMAGE" true
	one_line_error 125 missing
}

@test "pidfile: the number of the first process, anew at each start" {
	cuddy run -d --name c --network none --pidfile "$WORK/pid" "$IMAGE" sleep 1000
	[ "$(cat "$WORK/pid")" = "$(cuddy inspect --format '{{.State.Pid}}' c)" ]
	cuddy restart -t 0 c
	[ "$(cat "$WORK/pid")" = "$(cuddy inspect --format '{{.State.Pid}}' c)" ]
	for flag in pidfile conmon-pidfile; do
		run --separate-stderr cuddy create --name none-is-made --$flag "$WORK/nosuch/pid" "$IMAGE" true
		one_line_error 125 "--$flag .*No such file"
	done
	run -1 cuddy container exists none-is-made
}

@test "requires: what is named runs first, also what that requires; a circle cannot be made" {
	cuddy create --name a --network none "$IMAGE" sleep 1000
	cuddy create --name b --network none --requires a "$IMAGE" sleep 1000
	cuddy create --name c --network none --requires b,a "$IMAGE" sleep 1000
	cuddy rename a first
	cuddy start c
	[ "$(cuddy ps --format '{{.Names}}' | sort | xargs)" = "b c first" ]
	cuddy stop -t 0 c first
	cuddy start c
	[ "$(cuddy ps --format '{{.Names}}' | sort | xargs)" = "b c first" ]
	run --separate-stderr cuddy create --requires nosuch "$IMAGE" true
	one_line_error 125 nosuch
	cuddy rm -f -t 0 first
	cuddy stop -t 0 b c
	run --separate-stderr cuddy start c
	[ "$status" -eq 125 ]
	[[ "$stderr" == *required* ]]
}

@test "namespaces by path: those of a process are entered, what is none is refused" {
	cuddy run -d --name a --network none --hostname of-a --userns auto:size=5000 "$IMAGE" sleep 1000
	pid=$(container_pid a)
	for ns in net:network ipc:ipc uts:uts pid:pid cgroup:cgroupns; do
		for how in "ns:/proc/$pid/ns/${ns%:*}" container:a; do
			own=(--network none)
			[ "$ns" != net:network ] || own=()
			run -0 cuddy run --rm "${own[@]}" --"${ns#*:}" "$how" "$IMAGE" readlink "/proc/self/ns/${ns%:*}"
			[ "$output" = "$(readlink "/proc/$pid/ns/${ns%:*}")" ]
		done
	done
	run --separate-stderr cuddy run --rm --uts "ns:/proc/$pid/ns/net" --network none "$IMAGE" true
	[ "$status" -eq 125 ]
	run --separate-stderr cuddy run --rm --uts ns:/nonexistent --network none "$IMAGE" true
	[ "$status" -eq 125 ]
	[[ "$stderr" == */nonexistent* ]]
	run --separate-stderr cuddy run --rm --network ns:relative "$IMAGE" true
	one_line_error 125 absolute
}

@test "userns by path: one below the base namespace, whose maps files are given by" {
	cuddy run -d --name a --network none --userns auto:size=5000 "$IMAGE" sleep 1000
	pid=$(container_pid a)
	cuddy run -d --name b --network none --userns "ns:/proc/$pid/ns/user" "$IMAGE" sleep 1000
	[ "$(readlink "/proc/$(container_pid b)/ns/user")" = "$(readlink "/proc/$pid/ns/user")" ]
	[ "$(readlink "/proc/$(container_pid b)/ns/mnt")" != "$(readlink "/proc/$pid/ns/mnt")" ]
	[ "$(cat "/proc/$(container_pid b)/uid_map")" = "$(cat "/proc/$pid/uid_map")" ]
	run -0 cuddy exec b stat -c %u /bin/busybox
	[ "$output" = 0 ]
	unshare --user --map-root-user sleep 1000 3>&- &
	other=$!
	wait_until 20 eval '[ "$(readlink /proc/'$other'/ns/user)" != "$(readlink /proc/self/ns/user)" ]'
	for bad in "ns:/proc/$other/ns/user" ns:/proc/self/ns/net ns:/nonexistent ns:relative ns:/etc/passwd; do
		run --separate-stderr cuddy run --rm --network none --userns "$bad" "$IMAGE" true
		one_line_error 125 userns
	done
	kill $other
}
