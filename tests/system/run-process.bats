#!/usr/bin/env bats
# What the process in the container sees of itself: environment, user, directory, host name, limits, labels.
load helpers

@test "env: -e sets, passes on, and -e of an unset variable is left out" {
	run -0 env FROM_HOST=h cuddy_test=1 PFX_A=1 PFX_B=2 "$CUDDY" run --rm -e A=1 -e B= -e FROM_HOST -e NOT_SET_ANYWHERE -e 'PFX_*' "$IMAGE" env
	grep -qx 'A=1' <<<"$output"
	grep -qx 'B=' <<<"$output"
	grep -qx 'FROM_HOST=h' <<<"$output"
	[ "$(grep -c '^PFX_[AB]=[12]$' <<<"$output")" = 2 ]
	! grep -q NOT_SET_ANYWHERE <<<"$output" || fail "it was there"
	! grep -q cuddy_test <<<"$output" || fail "it was there"
}

@test "env: values keep newlines, quotes, dollars and equals signs" {
	run -0 cuddy run --rm -e $'V=a\nb "c" $d=e' "$IMAGE" sh -c 'echo "$V"'
	[ "$output" = $'a\nb "c" $d=e' ]
}

@test "env: later wins, and the command line wins over --env-file and image" {
	printf '# comment\nX=file\nY=file\nHOSTVAR\n\n' >"$WORK/env"
	run -0 env HOSTVAR=h "$CUDDY" run --rm --env-file "$WORK/env" --env-file <(echo P=piped) -e X=one -e X=two "$IMAGE" env
	grep -qx P=piped <<<"$output"
	grep -qx X=two <<<"$output"
	grep -qx Y=file <<<"$output"
	grep -qx HOSTVAR=h <<<"$output"
	run -125 --separate-stderr cuddy run --rm --env-file "$WORK/missing" "$IMAGE" env
	one_line_error 125 missing
	for bad in 'export X=1' 'X = 1' '=1'; do
		printf 'A=1\n%s\n' "$bad" >"$WORK/env"
		run -125 --separate-stderr cuddy create --env-file "$WORK/env" "$IMAGE"
		one_line_error 125 'env: line 2: .*name'
	done
}

@test "env: HOME and PATH are there, --unsetenv takes away what was not asked for" {
	run -0 cuddy run --rm "$IMAGE" sh -c 'echo $HOME $PATH'
	[ "$output" = "/root /usr/sbin:/usr/bin:/sbin:/bin" ]
	run -0 cuddy run --rm -u user "$IMAGE" sh -c 'echo $HOME'
	[ "$output" = /home/user ]
	run -0 cuddy run --rm -e A=1 --unsetenv A --unsetenv container "$IMAGE" sh -c 'echo $A ${container-unset}'
	[ "$output" = "1 unset" ]
	run -0 cuddy run --rm "$IMAGE" sh -c 'echo ${HOSTNAME-none} ${container-none}'
	[ "${output% *}" != none ]
}

@test "user: by name, by number, with a group, and not in passwd at all" {
	run -0 cuddy run --rm -u user "$IMAGE" id
	[[ "$output" == "uid=1000(user) gid=1000(user) groups="* ]]
	[[ "$output" == *"8(mail)"* && "$output" == *"50(extra)"* ]]
	run -0 cuddy run --rm -u user:mail "$IMAGE" sh -c 'id -u; id -g'
	[ "$(echo $output)" = "1000 8" ]
	run -0 cuddy run --rm -u 1234 "$IMAGE" sh -c 'id -u; id -g'
	[ "$(echo $output)" = "1234 0" ]
	run -0 cuddy run --rm -u 1234:4321 "$IMAGE" sh -c 'id -u; id -g'
	[ "$(echo $output)" = "1234 4321" ]
	run -0 cuddy run --rm "$IMAGE" id -u
	[ "$output" = 0 ]
	# With a group, too, root has what inspect says.
	cuddy create --name r -u 0:4321 "$IMAGE" true
	[ "$(cuddy inspect --format '{{len .EffectiveCaps}}' r)" = "$(cuddy inspect --format '{{len .BoundingCaps}}' r)" ]
	cuddy rm r
}

@test "env: what programs look for in a container" {
	run -0 cuddy run --rm --hostname h "$IMAGE" sh -c 'echo $container $HOSTNAME $HOME; [ -e /run/.containerenv ] && echo marked'
	[ "$(echo $output)" = "podman h /root marked" ]
}

@test "user: a name that is not there is refused in one line" {
	run --separate-stderr cuddy run --rm -u nobodyhere "$IMAGE" id
	one_line_error 125 nobodyhere
	run --separate-stderr cuddy run --rm -u 0:nogrouphere "$IMAGE" id
	one_line_error 125 nogrouphere
}

@test "user: --group-add gives supplementary groups by name and number" {
	run -0 cuddy run --rm -u 1000 --group-add mail --group-add 777 "$IMAGE" id -G
	[[ " $output " == *" 8 "* && " $output " == *" 777 "* ]]
}

@test "workdir: is made when missing, is absolute, and is where the command starts" {
	run -0 cuddy run --rm -w /new/dir/here "$IMAGE" pwd
	[ "$output" = /new/dir/here ]
	run -0 cuddy run --rm -w /tmp "$IMAGE" pwd
	[ "$output" = /tmp ]
	run -0 cuddy run --rm -w '' "$IMAGE" pwd
	[ "$output" = / ]
	run --separate-stderr cuddy run --rm -w relative "$IMAGE" pwd
	one_line_error 125 relative
	run --separate-stderr cuddy run --rm -w /etc/passwd "$IMAGE" pwd
	[ "$status" -ne 0 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "hostname: is the short id, or what --hostname says, and stands in /etc/hosts and /etc/hostname" {
	id=$(cuddy run -d "$IMAGE" sleep 1000)
	run -0 cuddy exec "$id" hostname
	[ "$output" = "${id:0:12}" ]
	run -0 cuddy run --rm --hostname box.example "$IMAGE" sh -c 'hostname; cat /etc/hostname; grep -c box.example /etc/hosts'
	[ "$(echo $output)" = "box.example box.example 1" ]
	run --separate-stderr cuddy run --rm --hostname $'a\nb' "$IMAGE" true
	one_line_error 125 '--hostname: at most'
}

@test "labels: from flags and files, shown by inspect, filtered by ps" {
	printf 'from.file=yes\n' >"$WORK/labels"
	id=$(cuddy create -l a=1 -l b --label-file "$WORK/labels" "$IMAGE" true)
	run -0 cuddy inspect --format '{{index .Config.Labels "a"}}/{{index .Config.Labels "b"}}/{{index .Config.Labels "from.file"}}' "$id"
	[ "$output" = 1//yes ]
	cuddy create "$IMAGE" true
	run -0 cuddy ps -aq --no-trunc --filter label=a=1
	[ "$output" = "$id" ]
	run -0 cuddy ps -aq --filter label=a=2
	[ -z "$output" ]
}

@test "ulimit: soft and hard are set, nonsense is refused" {
	run -0 cuddy run --rm --ulimit nofile=100:200 --ulimit fsize=4096:unlimited --ulimit stack=-1 "$IMAGE" sh -c 'ulimit -Sn; ulimit -Hn
		grep -E "^Max (file|stack) size" /proc/self/limits'
	[ "$(echo $output)" = "100 200 Max file size 4096 unlimited bytes Max stack size unlimited unlimited bytes" ]
	# Fewer files than we need ourselves on the way.
	cuddy run -d --name few --ulimit nofile=4 "$IMAGE" sleep 1000
	run -0 cuddy exec few sh -c 'ulimit -n; grep "open files" /proc/1/limits'
	[[ "$output" =~ ^4$'\n'"Max open files"\ +4\ +4\  ]]
	run -0 cuddy run --rm --ulimit core=0 "$IMAGE" sh -c 'ulimit -c'
	[ "$output" = 0 ]
	run --separate-stderr cuddy run --rm --ulimit nosuch=1 "$IMAGE" true
	one_line_error 125 nosuch
	run --separate-stderr cuddy run --rm --ulimit nofile=20:10 "$IMAGE" true
	one_line_error 125 nofile
}

@test "umask: default 0022, and what --umask says" {
	run -0 cuddy run --rm "$IMAGE" sh -c umask
	[ "$output" = 0022 ]
	run -0 cuddy run --rm --umask 077 "$IMAGE" sh -c 'umask; touch /f; stat -c %a /f'
	[ "$(echo $output)" = "0077 600" ]
}

@test "sysctl: of the container's own namespaces only" {
	run -0 cuddy run --rm --network none --sysctl net.ipv4.ip_default_ttl=77,net.ipv4.ip_local_reserved_ports=8080,9090,fs.mqueue.msg_max=7 \
		--sysctl 'kernel.sem=9 90 8 7' "$IMAGE" sh -c 'cd /proc/sys; cat net/ipv4/ip_default_ttl net/ipv4/ip_local_reserved_ports fs/mqueue/msg_max kernel/sem'
	[ "$(echo $output)" = "77 8080,9090 7 9 90 8 7" ]
	run --separate-stderr cuddy run --rm --sysctl kernel.core_pattern=x "$IMAGE" true
	one_line_error 125 kernel.core_pattern
	run --separate-stderr cuddy run --rm --network host --sysctl net.ipv4.ip_forward=1 "$IMAGE" true
	one_line_error 125 net.ipv4.ip_forward
}

@test "namespaces: pid, uts, ipc and user are the container's own, host ones when asked for" {
	for ns in pid uts ipc user mnt net; do
		run -0 cuddy run --rm --network none "$IMAGE" readlink /proc/self/ns/$ns
		[ "$output" != "$(readlink /proc/self/ns/$ns)" ]
	done
	run -0 cuddy run --rm --network host "$IMAGE" readlink /proc/self/ns/net
	[ "$output" = "$(readlink /proc/self/ns/net)" ]
	run -0 cuddy run --rm --uts host "$IMAGE" readlink /proc/self/ns/uts
	[ "$output" = "$(readlink /proc/self/ns/uts)" ]
	run -0 cuddy run --rm --ipc host "$IMAGE" readlink /proc/self/ns/ipc
	[ "$output" = "$(readlink /proc/self/ns/ipc)" ]
	run -0 cuddy run --rm --pid host "$IMAGE" readlink /proc/self/ns/pid
	[ "$output" = "$(readlink /proc/self/ns/pid)" ]
}

@test "namespaces: two containers have different user namespaces, and may share others by name" {
	cuddy run -d --name one --network none "$IMAGE" sleep 1000
	cuddy run -d --name two --network none "$IMAGE" sleep 1000
	[ "$(cuddy exec one readlink /proc/self/ns/user)" != "$(cuddy exec two readlink /proc/self/ns/user)" ]
	run -0 cuddy run --rm --network container:one "$IMAGE" readlink /proc/self/ns/net
	[ "$output" = "$(cuddy exec one readlink /proc/self/ns/net)" ]
	run --separate-stderr cuddy run --rm --network container:nosuch "$IMAGE" true
	one_line_error 125 nosuch
}

@test "oom-score-adj: is set on the command, and on those of exec" {
	run -0 cuddy run --rm --oom-score-adj 500 "$IMAGE" cat /proc/self/oom_score_adj
	[ "$output" = 500 ]
	run --separate-stderr cuddy create --oom-score-adj -999 "$IMAGE" true
	one_line_error 125 'only root goes below'
	[ -z "$(cuddy ps -aq)" ]
	cuddy run -d --name c --oom-score-adj 500 --network none "$IMAGE" sleep 1000
	run -0 cuddy exec c cat /proc/self/oom_score_adj # what exec starts is as easily given up
	[ "$output" = 500 ]
}

@test "ipc: container:NAME shares /dev/shm and message queues with that container, and nobody else" {
	cuddy run -d --name owner --ipc shareable "$IMAGE" sh -c 'echo hi >/dev/shm/f; echo ready; sleep 1000'
	wait_log owner ready
	run -0 cuddy run --rm --ipc container:owner "$IMAGE" sh -c 'cat /dev/shm/f; echo back >/dev/shm/g; grep -c " /dev/mqueue mqueue " /proc/mounts
		umount /dev/shm 2>/dev/null || echo stays; readlink /proc/self/ns/ipc'
	[ "${lines[0]} ${lines[1]} ${lines[2]}" = "hi 1 stays" ]
	[ "${lines[3]}" = "$(cuddy exec owner readlink /proc/self/ns/ipc)" ]
	[ "$(cuddy exec owner cat /dev/shm/g)" = back ]
	run -0 cuddy run --rm "$IMAGE" ls /dev/shm
	[ -z "$output" ]
	cuddy stop -t 0 owner
	run --separate-stderr cuddy run --rm --ipc container:owner "$IMAGE" true
	one_line_error 125 'does not run'
}

@test "ipc: what was made private is joined by nobody; none has no /dev/shm" {
	cuddy create --name own --ipc private "$IMAGE" true
	cuddy create --name usual "$IMAGE" true
	[ "$(cuddy inspect --format '{{.HostConfig.IpcMode}}' own usual | xargs)" = "private shareable" ]
	run --separate-stderr cuddy create --ipc container:own "$IMAGE" true
	one_line_error 125 '--ipc shareable'
	cuddy create --ipc container:usual "$IMAGE" true
	run -0 cuddy run --rm --network none --ipc none "$IMAGE" sh -c 'grep -c " /dev/shm " /proc/self/mountinfo; readlink /proc/self/ns/ipc'
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" != "$(readlink /proc/self/ns/ipc)" ]
}
