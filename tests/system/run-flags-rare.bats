#!/usr/bin/env bats
# Flags that few scripts give: done, or refused with the reason and nothing changed.
load helpers

@test "run: --domainname and --no-hostname; inspect tells them" {
	run -0 cuddy run --name c --network none --domainname dom.example --no-hostname "$IMAGE" \
		sh -c 'cat /proc/sys/kernel/domainname; grep -c " /etc/hostname " /proc/self/mountinfo; grep -c " /etc/hosts " /proc/self/mountinfo'
	[ "$output" = $'dom.example\n0\n1' ] || [ "${output//$'\r'/}" = $'dom.example\n0\n1' ]
	[ "$(cuddy inspect --format '{{.Config.Domainname}}' c)" = dom.example ]
	cuddy rm c >/dev/null
	run --separate-stderr cuddy run --uts host --domainname x "$IMAGE" true
	one_line_error 125 '--domainname needs a UTS namespace'
	run --separate-stderr cuddy run --domainname '-x' "$IMAGE" true
	one_line_error 125 --domainname
}

@test "commit: --config merges settings from a file, --change goes over it; a slip in it is refused" {
	cuddy create --name c -e A=1 -e B=2 -l x=1 "$IMAGE" old >/dev/null
	echo '{"Env": ["B=3", "C=4"], "Cmd": ["new", "arg"], "User": "5", "Labels": {"y": "2"}, "ExposedPorts": {"80/tcp": {}}, "WorkingDir": "/tmp"}' >"$WORK/c.json"
	id=$(cuddy commit --config "$WORK/c.json" -c 'USER 7' c made)
	[ "$(cuddy image inspect --format '{{json .Config.Cmd}} {{.Config.User}} {{.Config.WorkingDir}} {{json .Config.Labels}} {{json .Config.ExposedPorts}}' made)" = \
		'["new","arg"] 7 /tmp {"x":"1","y":"2"} {"80/tcp":{}}' ]
	run -0 cuddy image inspect --format '{{join .Config.Env " "}}' made
	[[ " $output " == *" A=1 "* && " $output " == *" B=3 "* && " $output " == *" C=4 "* && " $output " != *" B=2 "* ]]
	snapshot >"$WORK/before"
	for bad in '{"Envs": []}' '[]' '{"Env": "x"}' '{'; do
		echo "$bad" >"$WORK/c.json"
		run --separate-stderr cuddy commit --config "$WORK/c.json" c other
		one_line_error 125 "--config $WORK/c.json"
	done
	run --separate-stderr cuddy commit --pause --no-pause c other
	one_line_error 125 contradict
	snapshot | diff "$WORK/before" -
	cuddy rm c >/dev/null
	cuddy rmi "$id" >/dev/null
}

@test "flags that nobody without root can have are refused with the reason, their harmless values pass" {
	cuddy create --name c "$IMAGE" true >/dev/null
	snapshot >"$WORK/before"
	while read -r words; do
		# shellcheck disable=SC2086
		run --separate-stderr cuddy $words
		one_line_error 125 'not supported|need a named network|do not have it|not a block device|No such'
	done <<-EOF
		run --link c $IMAGE true
		run --link-local-ip 169.254.1.1 $IMAGE true
		create --volume-driver nfs $IMAGE true
		run --storage-opt size=1g $IMAGE true
		run --rdt-class x $IMAGE true
		run --kernel-memory 1g $IMAGE true
		run --isolation hyperv $IMAGE true
		run --use-api-socket $IMAGE true
		run --blkio-weight-device /dev/null:100 $IMAGE true
		update --cpu-rt-period 5 c
		container clone --cpu-rt-runtime 5 c
		container runlabel run $IMAGE
		-H tcp://1.2.3.4 ps
		--context far ps
		--remote ps
		--url x ps
		--events-backend journald ps
		--conmon /x ps
		--imagestore /x ps
		--volumepath /x ps
		--network-config-dir /x ps
		--transient-store ps
		--syslog ps
		--tmpdir /x ps
	EOF
	snapshot | diff "$WORK/before" -
	cuddy --context default --events-backend file --out "$WORK/out" ps -a --format '{{.Names}}'
	[ "$(cat "$WORK/out")" = c ]
	run -0 cuddy run --rm --network none --personality LINUX --volume-driver local --kernel-memory 0 --isolation default "$IMAGE" true
	cuddy logs --details c
	cuddy container cleanup --exec 0123 c
	cuddy rm c >/dev/null
	mkdir "$WORK/docker"
	umask 077
	echo '{"auths": {"r.example": {"auth": "dTpw"}}}' >"$WORK/docker/config.json"
	run -0 env -u REGISTRY_AUTH_FILE XDG_RUNTIME_DIR="$WORK" HOME="$WORK" "$CUDDY" --config "$WORK/docker" login --get-login r.example
	[ "$output" = u ]
}

@test "--personality: uname tells of 32 bits, for pid 1 and in exec; --shm-size 0 is no bound; seccomp=builtin is the usual filter" {
	cuddy run -d --name c --network none --personality linux32 --shm-size 0 --security-opt seccomp=builtin "$IMAGE" sh -c 'uname -m; exec sleep 600' >/dev/null
	wait_log c .
	case $(uname -m) in
	x86_64) want=i686 ;;
	aarch64) want=armv8l ;;
	*) want=$(setarch linux32 uname -m) ;;
	esac
	[ "$(cuddy logs c)" = "$want" ]
	[ "$(cuddy exec c uname -m)" = "$want" ]
	pid=$(cuddy inspect --format '{{.State.Pid}}' c)
	grep -q '^Seccomp:[[:space:]]*2' "/proc/$pid/status"
	[ "$(cuddy exec c stat -f -c %b /dev/shm)" = 0 ]
	[ "$(cuddy inspect --format '{{.HostConfig.ShmSize}}' c)" = 0 ]
	cuddy rm -f -t 0 c
	run -0 cuddy run --rm --network none "$IMAGE" sh -c "uname -m; awk '\$5 == \"/dev/shm\" { print \$NF }' /proc/self/mountinfo"
	[[ "${lines[0]}" = "$(uname -m)" && "${lines[1]}" == *size=65536k* ]]
	run --separate-stderr cuddy run --personality VAX "$IMAGE" true
	one_line_error 125 'use LINUX or LINUX32'
}

@test "--hostuser: a user of the host is in passwd with his number; --hosts-file: what hosts begins with" {
	me=$(id -un)
	run -0 cuddy run --rm --network none --hostuser "$me,1" --add-host extra:10.1.2.3 "$IMAGE" cat /etc/passwd
	grep -q "^$me:\*:$(id -u):$(id -g):.*:$HOME:/bin/sh\$" <<<"$output"
	grep -q "^$(getent passwd 1 | cut -d: -f1):" <<<"$output"
	[ "$(grep -c '^root:' <<<"$output")" = 1 ]
	run -0 cuddy run --rm --network none --hostuser root "$IMAGE" grep -c '^root:' /etc/passwd # the image's stays
	[ "$output" = 1 ]
	printf '10.9.9.9 base' >"$WORK/hosts"
	run -0 cuddy run --rm --network none --hostname me --hosts-file "$WORK/hosts" --add-host extra:10.1.2.3 "$IMAGE" cat /etc/hosts
	[[ "$output" == $'10.1.2.3\textra\n10.9.9.9 base\n127.0.0.1\tlocalhost\n'*$'\tme '* ]]
	echo '127.0.0.1 localhost mine' >"$WORK/hosts"
	run -0 cuddy run --rm --network none --hosts-file "$WORK/hosts" "$IMAGE" grep -c localhost /etc/hosts
	[ "$output" = 1 ]
	run -0 cuddy run --rm --network host --hosts-file none "$IMAGE" cat /etc/hosts
	[[ "$output" == $'127.0.0.1\tlocalhost\n'* ]]
	printf 'FROM %s\nADD hosts /etc/hosts\n' "$IMAGE" >"$WORK/Containerfile"
	echo '10.8.8.8 of-the-image' >"$WORK/hosts"
	cuddy build -q -t hosts "$WORK" >/dev/null
	run -0 cuddy run --rm --network none --hostname me --hosts-file image --add-host extra:10.1.2.3 hosts cat /etc/hosts
	[[ "$output" == $'10.1.2.3\textra\n10.8.8.8 of-the-image\n127.0.0.1\tlocalhost\n'*$'\tme '* ]]
	run -0 cuddy run --rm --network none --hosts-file image "$IMAGE" cat /etc/hosts   # which has none
	[[ "$output" == $'127.0.0.1\tlocalhost\n'* ]]
	cuddy rmi hosts >/dev/null
	for bad in "--hosts-file /nosuch" "--hosts-file none --no-hosts" "--hostuser nosuchuser" "--hostuser 4000000000" \
		"--hostuser root --passwd=false"; do
		# shellcheck disable=SC2086
		run --separate-stderr cuddy create --name bad $bad "$IMAGE" true
		one_line_error 125 '--host'
	done
	run -1 cuddy container exists bad
}

@test "--gpus: docker's long form chooses as podman's short one does" {
	mkdir "$WORK/cdi"
	cat >"$WORK/cdi/n.json" <<-EOF
		{"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu", "devices": [
		 {"name": "0", "containerEdits": {"env": ["G0=1"]}}, {"name": "1", "containerEdits": {"env": ["G1=1"]}},
		 {"name": "all", "containerEdits": {"env": ["G0=1", "G1=1"]}}]}
	EOF
	while IFS='|' read -r gpus want; do
		run -0 cuddy run --rm --network none --cdi-spec-dir "$WORK/cdi" --gpus "$gpus" "$IMAGE" sh -c 'echo $G0:$G1'
		[ "$output" = "$want" ] || { echo "$gpus: $output"; false; }
	done <<-'EOF'
		all|1:1
		1|1:
		device=1|:1
		device=0,1|1:1
		"device=0,1"|1:1
		"device=1",capabilities=compute,driver=nvidia|:1
		count=1,"capabilities=compute,utility"|1:
		all,capabilities=utility|1:1
		capabilities=gpu|1:1
	EOF
	for bad in 'count=1,device=0' 'driver=x' 'colour=red' '"device=0' 'count=0' ''; do
		run --separate-stderr cuddy run --rm --cdi-spec-dir "$WORK/cdi" --gpus "$bad" "$IMAGE" true
		one_line_error 125 '--gpus'
	done
}
