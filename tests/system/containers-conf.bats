#!/usr/bin/env bats
# containers.conf: defaults of run, seen from inside; which file wins; and what is malformed.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

run_() { cuddy run --rm "$@"; }

@test "containers.conf: what it says is so inside, and the command line wins" {
	cat >"$WORK/c.conf" <<-'EOT'
		[containers]
		env = ["FROM_CONF=1", "PATH=/conf:/bin", "BOTH=conf"]
		default_sysctls = ["net.ipv4.ip_unprivileged_port_start=77", "kernel.msgmax=9000"]
		default_ulimits = ["nofile=500:600", "core=1000:1000"]
		default_capabilities = ["CHOWN", "KILL"]
		umask = "0027"
		shm_size = "3m"
		tz = "UTC"
		netns = "none"
		init = true
		no_hosts = true
		utsns = "host"
		read_only = true
		oom_score_adj = 900
		volumes = ["/usr/share:/from-conf:ro"]
		annotations = ["a.conf=yes", "b=conf"]
		log_driver = "json-file"
		dns_servers = ["192.0.2.7"]
		[engine]
		stop_timeout = 3
		pull_policy = "never"
		num_locks = 2048
	EOT
	export CONTAINERS_CONF=$WORK/c.conf
	show='echo $FROM_CONF $BOTH; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax; ulimit -Sn; ulimit -Hn; umask
		sed -n "s/CapBnd:.//p" /proc/self/status; df -k /dev/shm | tail -1 | awk "{ print \$2 }"; cat /proc/self/oom_score_adj
		ls /sys/class/net | xargs; cat /proc/1/comm; [ -e /from-conf/zoneinfo ] && echo volume; touch /x 2>/dev/null || echo read-only; readlink /proc/self/ns/uts'
	run -0 run_ -e BOTH=flag "$IMAGE" sh -c "$show"
	[ "$(echo $output)" = "1 flag 77 9000 500 600 0027 0000000000000021 3072 900 lo ${lines[10]} volume read-only $(readlink /proc/self/ns/uts)" ]
	[ "${lines[10]}" != sh ]
	run -0 run_ -e PATH=/flag --sysctl kernel.msgmax=7000 --ulimit nofile=60:70 --umask 0 --shm-size 1m --oom-score-adj 950 --cap-drop KILL \
		"$IMAGE" /bin/sh -c 'echo $PATH; /bin/cat /proc/sys/kernel/msgmax; ulimit -Sn; umask; /bin/sed -n "s/CapBnd:.//p" /proc/self/status; /bin/cat /proc/self/oom_score_adj'
	[ "$(echo $output)" = "/flag 7000 60 0000 0000000000000001 950" ]
	run -0 run_ "$IMAGE" sh -c 'echo $PATH' # the image's own stands above the file's
	[[ "$output" == *bin* && "$output" != /conf* ]]
	id=$(cuddy create --annotation b=flag "$IMAGE" true)
	[ "$(cuddy inspect --format '{{.HostConfig.LogConfig.Type}} {{.Config.StopTimeout}}' "$id")" = "json-file 3" ]
	run -0 cuddy inspect --format '{{json .Config.Annotations}}' "$id"
	[[ "$output" == *'"a.conf":"yes"'* && "$output" == *'"b":"flag"'* ]]
	cuddy rm "$id" >/dev/null
	run --separate-stderr cuddy run --rm localhost/not-there true
	[ "$status" -eq 125 ]
	# Namespaces, the environment of whoever runs it, resolvers and the log.
	cat >"$WORK/more.conf" <<-'EOT'
		[containers]
		cgroupns = "host"
		dns_options = ["ndots:7"]
		dns_searches = ["conf.example"]
		dns_servers = ["192.0.2.7"]
		env_host = true
		http_proxy = false
		ipcns = "host"
		log_driver = "json-file"
		log_size_max = 16384
		pidns = "host"
		privileged = true
	EOT
	show='for n in cgroup ipc pid; do readlink /proc/self/ns/$n; done; echo $FROM_HOST; grep -v "^nameserver" /etc/resolv.conf | sort
		grep -c . /proc/1/environ 2>/dev/null; sed -n "s/Seccomp:.//p" /proc/self/status'
	FROM_HOST=here CONTAINERS_CONF=$WORK/more.conf run -0 cuddy run --rm "$IMAGE" sh -c "$show"
	[[ "$(echo $output)" == "$(readlink /proc/self/ns/cgroup) $(readlink /proc/self/ns/ipc) $(readlink /proc/self/ns/pid) here options ndots:7 search conf.example "*0 ]]
	FROM_HOST=here CONTAINERS_CONF=$WORK/more.conf run -0 cuddy run --rm --cgroupns private --ipc private --pid private --env-host=false --dns-search flag.example \
		--dns-option ndots:8 --privileged=false "$IMAGE" sh -c "$show"
	[[ "$output" != *"$(readlink /proc/self/ns/cgroup)"* ]]
	[[ "$output" != *"$(readlink /proc/self/ns/ipc)"* ]]
	[[ "$output" != *"$(readlink /proc/self/ns/pid)"* ]]
	[[ "$output" != *here* ]]
	[[ "$output" == *ndots:8* ]]
	[[ "$output" == *flag.example* ]]
	[ "${lines[-1]}" = 2 ]
	run -0 run_ --read-only=false --init=false --no-hosts=false "$IMAGE" sh -c 'cat /proc/1/comm; touch /x && echo written; grep -c localhost /etc/hosts'
	[[ "$(echo $output)" =~ ^sh\ written\ [1-9] ]]
	id=$(CONTAINERS_CONF=$WORK/more.conf cuddy create "$IMAGE" true)
	[ "$(cuddy inspect --format '{{.HostConfig.LogConfig.Size}} {{.HostConfig.Privileged}}' "$id")" = "16384B true" ]
	cuddy rm "$id" >/dev/null
	# What a shared namespace has is its owner's: those parameters are left alone.
	cuddy run -d --name owner --network none "$IMAGE" sleep 1000
	run -0 run_ --network container:owner --ipc container:owner "$IMAGE" cat /proc/sys/net/ipv4/ip_unprivileged_port_start
}

@test "containers.conf: commands of builds have of it what is theirs, and the command line wins" {
	mkdir "$WORK/ctx" "$WORK/vol"
	echo v >"$WORK/vol/f"
	cat >"$WORK/containers.conf" <<-E
		[containers]
		default_capabilities = ["CHOWN", "DAC_OVERRIDE", "SETUID", "SETGID"]
		default_ulimits = ["nofile=321:322"]
		dns_servers = ["192.0.2.7"]
		devices = ["/dev/null:/dev/fromconf:rw"]
		volumes = ["$WORK/vol:/vol:ro"]
		shm_size = "3m"
		http_proxy = false
		env = ["NOT=here"]
	E
	export CONTAINERS_CONF=$WORK/containers.conf http_proxy=http://proxy.invalid:1
	printf 'FROM %s\nRUN { grep CapEff /proc/self/status; ulimit -n; grep nameserver /etc/resolv.conf; ls /dev/fromconf; cat /vol/f; df -k /dev/shm | tail -n 1 | tr -s " " | cut -d" " -f2; echo "<$http_proxy$NOT>"; } >/seen 2>&1\n' "$IMAGE" >"$WORK/ctx/Containerfile"
	cuddy build -q -t localhost/t "$WORK/ctx"
	[ "$(CONTAINERS_CONF=/dev/null cuddy run --rm --network none localhost/t cat /seen | tr -s '\t ' ' ')" = "CapEff: 00000000000000c3
321
nameserver 192.0.2.7
/dev/fromconf
v
3072
<>" ] || fail "$(CONTAINERS_CONF=/dev/null cuddy run --rm --network none localhost/t cat /seen)"
	cuddy build -q -t localhost/t --ulimit nofile=99:100 --dns 192.0.2.8 --shm-size 4m --http-proxy "$WORK/ctx"
	[ "$(CONTAINERS_CONF=/dev/null cuddy run --rm --network none localhost/t sed -n '2,3p;6,7p' /seen)" = "99
nameserver 192.0.2.8
4096
<http://proxy.invalid:1>" ] || fail "$(CONTAINERS_CONF=/dev/null cuddy run --rm --network none localhost/t cat /seen)"
}

@test "containers.conf: the user's own, its .d, CONTAINERS_CONF and its override, each over the one before" {
	conf() { mkdir -p "$(dirname "$1")"; printf '[containers]\nenv = ["%s"]\n%s\n' "$2" "${3:-}" >"$1"; }
	export XDG_CONFIG_HOME=$WORK/config
	conf "$WORK/config/containers/containers.conf" X=home 'umask = "0077"'
	run -0 run_ --network none "$IMAGE" sh -c 'echo $X; umask'
	[ "$(echo $output)" = "home 0077" ]
	conf "$WORK/config/containers/containers.conf.d/20.conf" X=twenty
	conf "$WORK/config/containers/containers.conf.d/10.conf" X=ten 'umask = "0055"'
	conf "$WORK/config/containers/containers.conf.d/30.other" X=other
	run -0 run_ --network none "$IMAGE" sh -c 'echo $X; umask'
	[ "$(echo $output)" = "twenty 0055" ]
	conf "$WORK/override" X=override
	export CONTAINERS_CONF_OVERRIDE=$WORK/override
	run -0 run_ --network none "$IMAGE" sh -c 'echo $X; umask'
	[ "$(echo $output)" = "override 0055" ]
	conf "$WORK/only" Y=only
	export CONTAINERS_CONF=$WORK/only
	run -0 run_ --network none "$IMAGE" sh -c 'echo $X $Y; umask'
	[ "$(echo $output)" = "override 0022" ]
	CONTAINERS_CONF=/dev/null run -0 run_ --network none "$IMAGE" sh -c 'echo $X $Y'
	[ "$output" = override ]
	# Modules come after either, in their order, and before the override; from one's own directory, or by path.
	conf "$WORK/config/containers/containers.conf.modules/sub/a.conf" X=module-a 'tz = "UTC"'
	conf "$WORK/b.conf" X=module-b
	CONTAINERS_CONF_OVERRIDE= CONTAINERS_CONF= run -0 cuddy --module sub/a.conf run --rm --network none "$IMAGE" sh -c 'echo $X; umask'
	[ "$(echo $output)" = "module-a 0055" ]
	CONTAINERS_CONF_OVERRIDE= run -0 cuddy --module=sub/a.conf --module "$WORK/b.conf" run --rm --network none --env-host "$IMAGE" sh -c 'echo $X $Y; umask'
	[ "$(echo $output)" = "module-b 0022" ]
	run -0 cuddy --module "$WORK/b.conf" run --rm --network none "$IMAGE" sh -c 'echo $X'
	[ "$output" = override ]
	run --separate-stderr cuddy --module no.conf ps
	one_line_error 125 "--module: 'no.conf': there is no such module: no file $WORK/config/containers/containers.conf.modules/no.conf or /etc/.*/usr/share/"
	PODMAN_USERNS=keep-id run -0 run_ --network none "$IMAGE" id -u
	[ "$output" = "$(id -u)" ]
}

@test "containers.conf: what is malformed, missing or impossible is one line that names it" {
	export CONTAINERS_CONF=$WORK/bad
	run --separate-stderr run_ --network none "$IMAGE" true
	one_line_error 125 "$WORK/bad"
	for text in 'env = "x"' 'umask = 7' 'init = "yes"' 'pids_limit = "many"' 'env = [' '[containers'; do
		printf '[containers]\n%s\n' "$text" >"$WORK/bad"
		run --separate-stderr run_ --network none "$IMAGE" true
		one_line_error 125 "."
	done
	for text in 'shm_size = "big"' 'default_capabilities = ["NONSENSE"]' 'umask = "9"' 'seccomp_profile = "/nowhere"'; do
		printf '[containers]\n%s\n' "$text" >"$WORK/bad"
		run --separate-stderr run_ --network none "$IMAGE" true
		one_line_error 125 "."
	done
	[ -z "$(cuddy ps -aq)" ]
}

@test "containers.conf: lists with {append=true} add to earlier files, and go on doing so" {
	export XDG_CONFIG_HOME=$WORK/append
	mkdir -p "$WORK/append/containers/containers.conf.d"
	printf '[containers]\nenv = ["A=1"]\n' >"$WORK/append/containers/containers.conf"
	printf '[containers]\nenv = [\n  "B=2", # more\n  {append = true},\n]\n' >"$WORK/append/containers/containers.conf.d/1.conf"
	printf '[containers]\nenv = ["C=3"]\n' >"$WORK/append/containers/containers.conf.d/2.conf"
	run -0 run_ --network none "$IMAGE" sh -c 'echo $A$B$C'
	[ "$output" = 123 ]
	printf '[containers]\nenv = ["D=4", {append=false}]\n' >"$WORK/append/containers/containers.conf.d/3.conf"
	run -0 run_ --network none "$IMAGE" sh -c 'echo $A$B$C$D'
	[ "$output" = 4 ]
	printf '[containers]\nenv = [{more=true}]\n' >"$WORK/append/containers/containers.conf.d/3.conf"
	run --separate-stderr run_ --network none "$IMAGE" true
	one_line_error 125 "3.conf:2: .append=true. or .append=false. was expected"
}

@test "containers.conf: mounts, hosts file, name as hostname, hooks, CDI, image volumes, addresses of ports, pods, runtime flags" {
	mkdir -p "$WORK/hooks" "$WORK/cdi"
	printf '192.0.2.1 from-base\n' >"$WORK/hosts"
	echo content >"$WORK/mounted"
	jq -n --arg out "$WORK/hooked" '{version: "1.0.0", hook: {path: "/bin/sh", args: ["sh", "-c", "cat >\($out)"]}, when: {always: true}, stages: ["prestart"]}' >"$WORK/hooks/h.json"
	jq -n '{cdiVersion: "0.6.0", kind: "example.org/dev", devices: [{name: "one", containerEdits: {env: ["CDI=yes"]}}]}' >"$WORK/cdi/d.json"
	cat >"$WORK/more.conf" <<-EOT
		[containers]
		mounts = ["type=bind,source=$WORK/mounted,target=/mounted,ro"]
		base_hosts_file = "$WORK/hosts"
		container_name_as_hostname = true
		[engine]
		hooks_dir = ["$WORK/hooks"]
		cdi_spec_dirs = ["$WORK/cdi"]
		image_volume_mode = "tmpfs"
		pod_exit_policy = "stop"
		cgroup_manager = "none"
		[network]
		default_host_ips = ["127.0.0.3", "127.0.0.4"]
	EOT
	export CONTAINERS_CONF=$WORK/more.conf
	run -0 run_ --name called.so --device example.org/dev=one "$IMAGE" sh -c 'hostname; cat /mounted; grep -o from-base /etc/hosts; echo $CDI; touch /mounted 2>/dev/null || echo ro'
	[ "$(echo $output)" = "called.so content from-base yes ro" ]
	[ "$(jq -r .status "$WORK/hooked")" = created ] || [ "$(jq -r .status "$WORK/hooked")" = creating ]
	run -0 run_ --name other --hostname flag --no-hosts --network none "$IMAGE" hostname
	[ "$output" = flag ]
	id=$(cuddy create "$IMAGE" true)
	[ "$(cuddy inspect --format '{{.Config.Hostname}}' "$id")" = "$(cuddy inspect --format '{{.Name}}' "$id")" ]
	cuddy rm "$id" >/dev/null
	run -0 run_ --no-hosts "$IMAGE" true # the two do not contradict each other where nobody said both
	id=$(cuddy create -p 8123:80 -p 127.0.0.9:8124:81 "$IMAGE" true)
	run -0 jq -r '.HostConfig.PortBindings | .[] | .[] | .HostIp + ":" + .HostPort' <<<"$(cuddy inspect --format '{{json .}}' "$id")"
	[ "$(sort <<<"$output" | xargs)" = "127.0.0.3:8123 127.0.0.4:8123 127.0.0.9:8124" ]
	cuddy rm "$id" >/dev/null
	printf 'FROM %s\nVOLUME /vol\n' "$IMAGE" | cuddy build -q -t localhost/with-volume - >/dev/null
	run -0 run_ localhost/with-volume sh -c 'grep " /vol " /proc/mounts'
	[[ "$output" == tmpfs* ]]
	run -0 run_ --image-volume ignore localhost/with-volume sh -c 'grep " /vol " /proc/mounts || echo none'
	[ "$output" = none ]
	cuddy pod create --name by-conf >/dev/null
	[ "$(cuddy pod inspect --format '{{.ExitPolicy}}' by-conf)" = stop ]
	cuddy pod rm -f by-conf >/dev/null
	run --separate-stderr run_ -m 20m "$IMAGE" true
	one_line_error 125 "."
	printf '[containers]\ncgroup_conf = ["nonsense"]\n' >"$WORK/only.conf"
	CONTAINERS_CONF=$WORK/only.conf run --separate-stderr run_ "$IMAGE" true
	one_line_error 125 "nonsense"
	printf '[containers]\nlog_driver = "journald"\nlog_tag = "{{.Nonsense"\n' >"$WORK/only.conf"
	CONTAINERS_CONF=$WORK/only.conf run --separate-stderr run_ "$IMAGE" true
	one_line_error 125 "tag="
	printf '[engine]\nruntime = "crun"\nruntimes_flags = ["nonsense"]\n' >"$WORK/only.conf"
	CONTAINERS_CONF=$WORK/only.conf run --separate-stderr run_ "$IMAGE" true
	one_line_error 125 "crun create: exit status"
	sed -i s/nonsense/debug/ "$WORK/only.conf"
	CONTAINERS_CONF=$WORK/only.conf run -0 run_ "$IMAGE" true
	CONTAINERS_CONF=$WORK/only.conf run -0 run_ --runtime cuddy "$IMAGE" true
}

@test "registries.conf: what [[registry]] may have meant to forbid is not passed over" {
	echo '[[registry]]
location = "x.invalid"
bloked = true' >"$WORK/registries.conf"
	CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf run --separate-stderr cuddy pull x.invalid/y
	one_line_error 125 'registries.conf:3: unknown key "bloked"'
}
