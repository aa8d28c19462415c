#!/usr/bin/env bats
# containers.conf: defaults of run, seen from inside; which file wins; and what is malformed.
load helpers

setup_file() { file_begin && load_image busybox; }
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
		unknown_key = "is for others"
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
	# What a shared namespace has is its owner's: those parameters are left alone.
	cuddy run -d --name owner --network none "$IMAGE" sleep 1000
	run -0 run_ --network container:owner --ipc container:owner "$IMAGE" cat /proc/sys/net/ipv4/ip_unprivileged_port_start
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
