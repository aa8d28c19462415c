#!/usr/bin/env bats
# Flags of run and create that change small things, seen from inside; and those that are refused, with the reason.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

run_() { cuddy run --rm --network none "$@"; }

@test "systemd: its writable places, its variables and its signal; not for other commands" {
	show='stat -f -c %T /run /run/lock /tmp /var/log/journal | xargs; touch /run/x /run/lock/x /var/log/journal/x && echo written; echo $container $container_uuid'
	run -0 run_ --systemd always --shm-size-systemd 3m --read-only "$IMAGE" sh -c "$show; df -k /run | tail -1 | awk '{ print \$2 }'"
	[ "${lines[-4]}" = "tmpfs tmpfs tmpfs tmpfs" ]
	[ "${lines[-3]}" = written ]
	[[ "${lines[-2]}" =~ ^podman\ [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$ ]]
	[ "${lines[-1]}" = 3072 ]
	cp "$(command -v busybox)" "$WORK/systemd" && chmod 0755 "$WORK/systemd"
	cuddy create --name c --network none -v "$WORK/systemd:/lib/systemd/systemd" "$IMAGE" /lib/systemd/systemd sh
	run -0 cuddy inspect --format '{{.Config.StopSignal}}' c
	[ "$output" = SIG37 ]
	run -0 run_ "$IMAGE" sh -c 'grep -E " /(run|tmp) " /proc/self/mountinfo; echo "[$container_uuid]"'
	[ "$output" = "[]" ]
	cuddy create --name d --network none --systemd false "$IMAGE" /sbin/init
	run -0 cuddy inspect --format '{{.Config.StopSignal}}' d
	[[ "$output" == *TERM ]]
	cuddy rm c d >/dev/null
}

@test "chrootdirs: hosts, hostname and resolv.conf are in each of them" {
	run -0 run_ --hostname of-c --chrootdirs /jail,/other/jail "$IMAGE" sh -c '
		for f in hosts hostname resolv.conf; do cmp /etc/$f /jail/etc/$f && cmp /etc/$f /other/jail/etc/$f || exit 1; done
		cat /jail/etc/hostname'
	[ "$output" = of-c ]
	run --separate-stderr run_ --chrootdirs relative "$IMAGE" true
	one_line_error 125 chrootdirs
}

@test "security-opt: proc-opts, unmask by pattern, labels, AppArmor where there is none" {
	run -0 run_ --security-opt proc-opts=subset=pid,hidepid=invisible "$IMAGE" sh -c 'grep " /proc proc" /proc/self/mounts; [ -e /proc/meminfo ] || echo 0'
	[[ "${lines[0]}" == *subset=pid* && "${lines[0]}" == *hidepid=invisible* ]]
	[ "${lines[-1]}" = 0 ]
	# Parameters are set although such a /proc does not show them: another container in the namespace does.
	cuddy run -d --name bare --network none --sysctl net.ipv4.ip_forward=1 --security-opt proc-opts=subset=pid "$IMAGE" sleep 1000 >/dev/null
	[ "$(cuddy exec bare sh -c '[ -e /proc/sys ] || echo hidden')" = hidden ]
	run -0 cuddy run --rm --network container:bare "$IMAGE" cat /proc/sys/net/ipv4/ip_forward
	[ "$output" = 1 ]
	cuddy rm -f -t 0 bare >/dev/null
	masked='grep -oE " /proc/(keys|timer_list|irq|sys|bus) " /proc/self/mountinfo | xargs'
	run -0 run_ "$IMAGE" sh -c "$masked"
	[[ "$output" == *keys* && "$output" == *irq* && "$output" == *"/proc/sys"* ]]
	run -0 run_ --security-opt 'unmask=/proc/k*:/proc/sy?' --security-opt mask=/home:/etc/group "$IMAGE" \
		sh -c "$masked; ls /home | wc -w; wc -c </etc/group; touch /home/x 2>/dev/null && echo written; true"
	[[ "${lines[0]}" != *keys* && "${lines[0]}" == *irq* && "${lines[0]}" != *"/proc/sys"* ]]
	[ "${lines[*]:1}" = "0 0" ]
	run -0 run_ --security-opt 'unmask=/proc/*' "$IMAGE" sh -c "$masked"
	[ -z "$output" ]
	run -0 run_ --security-opt systempaths=unconfined --security-opt label=disable --security-opt apparmor=unconfined \
		--security-opt no-new-privileges=true --security-opt no-new-privileges:false "$IMAGE" \
		sh -c "$masked; grep -c ' /sys/firmware ' /proc/self/mountinfo; grep -c 'NoNewPrivs:.0' /proc/self/status"
	[ "$(echo $output)" = "0 1" ]
	[ -e /sys/fs/selinux/enforce ] || run_ --security-opt label=type:container_t --security-opt label=level:s0:c1,c2 "$IMAGE" true
	for bad in mask=etc unmask=/proc/keys:irq proc-opts=hidepid=9 proc-opts=newinstance label=colour:red nonsense=1 writable-cgroups=perhaps; do
		run --separate-stderr run_ --security-opt "$bad" "$IMAGE" true
		one_line_error 125 "${bad%%=*}"
	done
	if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
		run --separate-stderr run_ --security-opt writable-cgroups "$IMAGE" true
		one_line_error 125 'writable-cgroups needs a cgroup \(v2\).*version 1'
	fi
	if [ ! -e /sys/module/apparmor/parameters/enabled ]; then
		run --separate-stderr run_ --security-opt apparmor=my-profile "$IMAGE" true
		one_line_error 125 AppArmor
	fi
}

@test "ulimit host: all limits are the caller's, and one that is named is not" {
	limits() { grep -vE '^Limit|pending|processes' "$1" | tr -s ' ' | sort; }
	(ulimit -S -n 321; ulimit -S -c 0; ulimit -S -f 12345; cuddy run --rm --network none --ulimit host "$IMAGE" cat /proc/self/limits >"$WORK/inside"; cp /proc/self/limits "$WORK/outside")
	[ "$(limits "$WORK/inside" | grep -E 'open files|file size|core')" = "$(limits "$WORK/outside" | grep -E 'open files|file size|core')" ]
	run -0 run_ --ulimit host --ulimit nofile=77:99 "$IMAGE" sh -c 'ulimit -Sn; ulimit -Hn'
	[ "$(echo $output)" = "77 99" ]
}

@test "device: a directory stands for the nodes below it" {
	mkdir -p "$WORK/empty"
	run -0 run_ --device /dev/pts:/dev/ours "$IMAGE" true
	run -0 run_ --device /dev/net "$IMAGE" sh -c '[ -c /dev/net/tun ] && echo there'
	[ "$output" = there ] || [ ! -c /dev/net/tun ]
	run -0 run_ --device "$WORK/empty" "$IMAGE" true
}

@test "conmon-pidfile: the number of the monitor" {
	cuddy run -d --name c --network none --conmon-pidfile "$WORK/m" --pidfile "$WORK/p" "$IMAGE" sleep 1000
	[ "$(cat "$WORK/m")" = "$(conmon_pid c)" ]
	[ "$(cat "$WORK/p")" = "$(container_pid c)" ]
	[ "$(cat "/proc/$(cat "$WORK/m")/comm")" = cuddy-conmon ]
}

@test "rmi: the image goes with the container, unless another one uses it" {
	cuddy tag "$IMAGE" localhost/gone:1
	id=$(cuddy commit "$(cuddy create --name base "$IMAGE" true)" localhost/mine:1)
	cuddy rm base >/dev/null
	cuddy create --name user --network none localhost/mine:1 true
	run -3 cuddy run --rmi --network none localhost/mine:1 sh -c 'exit 3'
	cuddy image exists localhost/mine:1
	cuddy rm user >/dev/null
	run -3 cuddy run --rmi --network none localhost/mine:1 sh -c 'exit 3'
	run -1 cuddy image exists localhost/mine:1
	[ -z "$(cuddy ps -aq)" ]
	cuddy image exists "$IMAGE"
}

@test "rmi: a container in the background takes its image along, also when its monitor could not; one with several names stays" {
	gone() { [ -z "$(ls "$CUDDY_ROOT/containers")" ] && ! cuddy image exists localhost/mine:1; }
	mine() { cuddy commit "$(cuddy create --name base "$IMAGE" true)" localhost/mine:1 && cuddy rm base; }
	mine
	cuddy run -d --name c --rmi --network none -v /anonymous localhost/mine:1 sleep 1000
	cuddy stop -t 0 c
	wait_until 20 gone
	[ -z "$(cuddy volume ls -q)" ]
	mine
	cuddy run -d --name c --rmi --network none localhost/mine:1 sleep 1000
	kill -KILL "$(conmon_pid c)"
	wait_until 20 no_strays
	cuddy ps -a >/dev/null                                 # any next command
	gone
	mine
	cuddy tag localhost/mine:1 localhost/other:1
	cuddy run -d --name c --rmi --network none localhost/mine:1 true
	removed() { [ -z "$(ls "$CUDDY_ROOT/containers")" ]; }
	wait_until 20 removed
	cuddy rmi localhost/other:1 localhost/mine:1
}

@test "what a user's container cannot have is refused in one line, its harmless value is not" {
	for bad in --device-cgroup-rule='c 1:3 rwm' --cpu-rt-period=1000 --cpu-rt-runtime=1000 --memory-swappiness=10 --oom-kill-disable \
		--decryption-key=/k --seccomp-policy=image; do
		flag=${bad%%=*}
		run --separate-stderr run_ "$bad" "$IMAGE" true
		one_line_error 125 "${flag#--}"
		run --separate-stderr cuddy create "$bad" "$IMAGE" true
		one_line_error 125 "${flag#--}"
	done
	[ -z "$(cuddy ps -aq)" ]
	run -0 run_ --memory-swappiness -1 --seccomp-policy default --disable-content-trust --oom-kill-disable=false "$IMAGE" true
}
