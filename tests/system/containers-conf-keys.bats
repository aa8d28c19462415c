#!/usr/bin/env bats
# containers.conf, key by key: what those do that are followed beyond the defaults of run, and what is said of the others.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }
setup() {
	test_begin
	export CONTAINERS_CONF=$WORK/c.conf
}

conf() { printf '%s\n' "$@" >"$CONTAINERS_CONF"; }
past() { cuddy events --stream=false "$@"; }

@test "containers.conf: host_containers_internal_ip is what the host's names have, or none do" {
	conf '[containers]' 'host_containers_internal_ip = "192.0.2.77"'
	run -0 cuddy run --rm --add-host gate:host-gateway "$IMAGE" grep -E 'internal|gate' /etc/hosts
	[ "$(echo $output)" = "192.0.2.77 gate 192.0.2.77 host.containers.internal host.docker.internal" ]
	cuddy network create n >/dev/null
	run -0 cuddy run --rm --network n "$IMAGE" grep internal /etc/hosts
	[ "$(echo $output)" = "192.0.2.77 host.containers.internal host.docker.internal" ]
	cuddy network rm n >/dev/null
	conf '[containers]' 'host_containers_internal_ip = "none"'
	run -1 cuddy run --rm "$IMAGE" grep internal /etc/hosts
	conf '[containers]' 'host_containers_internal_ip = "soon"'
	run --separate-stderr cuddy create "$IMAGE" true
	one_line_error 125 "host_containers_internal_ip 'soon': an address, or none"
}

@test "containers.conf: keyring = false leaves the caller's session keyring to containers, and to what exec starts" {
	cat >"$WORK/hold.py" <<-'P'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		number = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
		assert libc.syscall(number[1], 1, b"cuddy-test-ring") > 0 # KEYCTL_JOIN_SESSION_KEYRING
		key = libc.syscall(number[0], b"user", b"cuddy-test-key", b"x", 1, -3)
		assert libc.syscall(number[1], 5, key, 0x3f000000) == 0 # KEYCTL_SETPERM: for whom has the keyring alone
		os.execvp(sys.argv[1], sys.argv[1:])
	P
	open="--security-opt seccomp=unconfined --security-opt unmask=/proc/keys"
	: >"$CONTAINERS_CONF"
	# shellcheck disable=SC2086
	run -0 python3 "$WORK/hold.py" "$CUDDY" run --rm $open "$IMAGE" sh -c 'grep cuddy-test-key /proc/keys || echo none'
	[ "$output" = none ]
	conf '[containers]' 'keyring = false'
	# shellcheck disable=SC2086
	run -0 python3 "$WORK/hold.py" "$CUDDY" run --rm $open "$IMAGE" grep -c cuddy-test-key /proc/keys
	[ "$output" = 1 ]
	# shellcheck disable=SC2086
	cuddy run -d --name c $open "$IMAGE" sleep 1000
	run -0 python3 "$WORK/hold.py" "$CUDDY" exec c grep -c cuddy-test-key /proc/keys
	[ "$output" = 1 ]
}

@test "containers.conf: log_path is a file, or a directory with one of each container in its own" {
	mkdir "$WORK/logs"
	conf '[containers]' "log_path = \"$WORK/logs\""
	id=$(cuddy create --name c "$IMAGE" echo said)
	[ -z "$(ls "$WORK/logs")" ]
	cuddy start -a c
	grep -q 'stdout F said$' "$WORK/logs/$id/ctr.log"
	[ "$(cuddy logs c)" = said ]
	[ "$(cuddy inspect --format '{{.HostConfig.LogConfig.Path}} {{.LogPath}}' c)" = "$WORK/logs/$id/ctr.log $WORK/logs/$id/ctr.log" ]
	cuddy run --name d --log-opt "path=$WORK/own" "$IMAGE" echo other
	grep -q 'stdout F other$' "$WORK/own"
	cuddy run --rm --log-driver none "$IMAGE" true
	conf '[containers]' "log_path = \"$WORK/one\""
	cuddy run --rm "$IMAGE" echo there
	grep -q 'stdout F there$' "$WORK/one"
}

@test "containers.conf: apparmor_profile is that of containers, and refused where the kernel has none" {
	[ ! -e /sys/module/apparmor/parameters/enabled ] || skip "this kernel has AppArmor"
	conf '[containers]' 'apparmor_profile = "strict"'
	run --separate-stderr cuddy run --rm "$IMAGE" true
	one_line_error 125 "apparmor=strict.*no AppArmor"
	cuddy run --rm --security-opt apparmor=unconfined "$IMAGE" true
	cuddy run --rm --privileged "$IMAGE" true
}

@test "containers.conf: healthcheck_events, events_container_create_inspect_data" {
	conf '[engine]' 'healthcheck_events = false' 'events_container_create_inspect_data = true'
	cuddy run -d --name quiet --health-cmd true --health-interval disable "$IMAGE" sleep 1000
	cuddy healthcheck run quiet
	[ "$(cuddy inspect --format '{{.State.Health.Status}}' quiet)" = healthy ]
	[ -z "$(past --filter event=health_status)" ]
	past --filter event=create --filter container=quiet --format '{{.ContainerInspectData}}' |
		jq -e '.Name == "quiet" and .Config.Healthcheck.Test == ["CMD-SHELL", "true"]'
	past --filter event=start --filter container=quiet --format '<{{.ContainerInspectData}}>' | grep -qx '<>'
	: >"$CONTAINERS_CONF"
	cuddy run -d --name said --health-cmd true --health-interval disable "$IMAGE" sleep 1000
	cuddy healthcheck run said
	[ "$(past --filter event=health_status --format '{{.Name}} {{.HealthStatus}}')" = "said healthy" ]
}

@test "containers.conf: infra_image and infra_command are what holds a pod" {
	conf '[engine]' "infra_image = \"$IMAGE\"" 'infra_command = "sleep 1234"'
	cuddy pod create --name p --network none >/dev/null
	infra=$(cuddy pod inspect --format '{{.InfraContainerID}}' p)
	cuddy pod start p >/dev/null
	[ "$(tr '\0' ' ' <"/proc/$(container_pid "$infra")/cmdline")" = "sleep 1234 " ]
	cuddy create --pod new:q --network none "$IMAGE" true
	[ "$(cuddy inspect --format '{{json .Config.Cmd}}' "$(cuddy pod inspect --format '{{.InfraContainerID}}' q)")" = '["sleep","1234"]' ]
	cuddy pod create --infra=false bare >/dev/null
	conf '[engine]' 'infra_command = "sleep 1234"' # of no image, as of podman's own
	cuddy pod create --name r >/dev/null
	[ -z "$(cuddy inspect --format '{{.ImageName}}' "$(cuddy pod inspect --format '{{.InfraContainerID}}' r)")" ]
	cuddy pod rm -f -a -t 0 >/dev/null
}

@test "containers.conf: pod create reads each file once" {
	require_program strace
	: >"$CONTAINERS_CONF"
	strace -f -o "$WORK/trace" -e trace=open,openat "$CUDDY" pod create once >/dev/null
	[ "$(grep -c "\"$CONTAINERS_CONF\"" "$WORK/trace")" = 1 ]
	cuddy pod rm once >/dev/null
}

@test "containers.conf: kube_generate_type, image_default_format" {
	conf '[engine]' 'kube_generate_type = "deployment"' 'image_default_format = "v2s2"'
	cuddy create --name k "$IMAGE" true
	[ "$(cuddy kube generate k | grep '^kind:')" = "kind: Deployment" ]
	[ "$(cuddy kube generate -t pod k | grep '^kind:')" = "kind: Pod" ]
	type() { cuddy image inspect --format '{{.ManifestType}}' "$1"; }
	cuddy commit -q k localhost/committed >/dev/null
	cuddy commit -q -f oci k localhost/oci >/dev/null
	printf 'ARG OF\nFROM %s\nARG OF\nLABEL a=$OF\n' "$IMAGE" >"$WORK/Containerfile"
	cuddy build -q -t localhost/built -f "$WORK/Containerfile" "$WORK" >/dev/null
	BUILDAH_FORMAT=oci cuddy build --build-arg OF=env -q -t localhost/env -f "$WORK/Containerfile" "$WORK" >/dev/null
	for i in committed built; do [ "$(type localhost/$i)" = application/vnd.docker.distribution.manifest.v2+json ] || fail "$i: $(type localhost/$i)"; done
	for i in oci env; do [ "$(type localhost/$i)" = application/vnd.oci.image.manifest.v1+json ] || fail "$i: $(type localhost/$i)"; done
	conf '[engine]' 'image_default_format = "v2s1"'
	run --separate-stderr cuddy commit -q k x
	one_line_error 125 "image_default_format 'v2s1'"
	conf '[engine]' 'kube_generate_type = "pot"'
	run --separate-stderr cuddy kube generate k
	one_line_error 125 "pot"
	cuddy rmi -f localhost/committed localhost/oci localhost/built localhost/env >/dev/null
}

@test "containers.conf: retry, retry_delay, and env of [engine], which the registry sees" {
	cat >"$WORK/busy.py" <<-'P'
		import http.server, sys
		class H(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        with open(sys.argv[2], "a") as f: f.write(self.path + "\n")
		        self.send_response(503); self.send_header("Content-Length", "0"); self.end_headers()
		    do_HEAD = do_CONNECT = do_GET
		    def log_message(self, *a): pass
		http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
	P
	port=$(free_port)
	python3 "$WORK/busy.py" "$port" "$WORK/asked" 3>&- &
	server=$!
	wait_until 20 port_listens "$port"
	asked() { # how often with this file
		conf '[engine]' "$@"
		: >"$WORK/asked"
		run -125 cuddy pull -q --tls-verify=false "127.0.0.1:$port/x"
		wc -l <"$WORK/asked"
	}
	once=$(asked 'retry = 0')
	[ "$once" -ge 1 ]
	[ "$(asked 'retry = 2' 'retry_delay = "1ms"')" = $((once + 2)) ] # of the request that failed
	conf '[engine]' 'retry = 9' 'retry_delay = "1h"'
	: >"$WORK/asked"
	run -125 cuddy pull -q --tls-verify=false --retry 0 --retry-delay 1ms "127.0.0.1:$port/x" # the command line wins
	[ "$(wc -l <"$WORK/asked")" = "$once" ]
	run --separate-stderr cuddy pull -q x.invalid/y
	one_line_error 125 'retry 9'
	conf '[engine]' 'retry = 0' "env = [\"https_proxy=http://127.0.0.1:$port\", \"NO_PROXY=\"]"
	: >"$WORK/asked"
	run -125 cuddy pull -q --tls-verify=false "name.invalid/x"
	grep -q "name.invalid" "$WORK/asked"
	[ "$(cuddy run --rm --network none --env-host "$IMAGE" sh -c 'echo $https_proxy')" = "http://127.0.0.1:$port" ]
	conf '[engine]' 'env = ["nonsense"]'
	run --separate-stderr cuddy create "$IMAGE" true
	one_line_error 125 "c.conf:2: .*'nonsense': write NAME=VALUE"
	kill $server
}

@test "containers.conf: pasta_options are those of pasta, named or as the default, and the command line's come after" {
	require_program pasta
	require_tun
	conf '[network]' 'default_rootless_network_cmd = "pasta"' 'pasta_options = ["-a", "10.9.8.7", "-n", "24", "-g", "10.9.8.1", "-m", "1400"]'
	for net in "" "--network pasta"; do
		# shellcheck disable=SC2086
		run -0 cuddy run --rm $net "$IMAGE" ip -4 addr
		[[ "$output" == *"mtu 1400 "*"inet 10.9.8.7/24"* ]] || fail "$net: $output"
	done
	run -0 cuddy run --rm --network pasta:--ns-ifname=net0 "$IMAGE" ip -4 addr show net0
	[[ "$output" == *"mtu 1400 "*"inet 10.9.8.7/24"* ]] || fail "$output"
	cuddy run --rm --network slirp4netns "$IMAGE" true
	conf '[network]' 'pasta_options = ["--nosuch"]'
	run --separate-stderr cuddy create --network pasta "$IMAGE" true
	one_line_error 125 "pasta_options of containers.conf.*nosuch"
	cuddy run --rm --network none "$IMAGE" true
}

@test "containers.conf: whatever else a file may hold is followed, moot, or named once with its reason" {
	# What is said of TABLE KEY VALUE; nothing when it asks for what is so anyway, or for how podman works inside.
	said() {
		printf '[%s]\n%s = %s\n' "$1" "$2" "$3" >"$CONTAINERS_CONF"
		rm -f "$CUDDY_ROOT"/cache/said-*
		cuddy pod create --replace --name p 2>&1 >/dev/null
	}
	wrong=
	while read -r table key value; do
		line=$(said "$table" "$key" "$value") || fail "$table $key: $line"
		[[ "$line" == *"$CONTAINERS_CONF: [$table] $key: "*"(said once)" && "$line" != *$'\n'* ]] || wrong+="$key: '$line'"$'\n'
	done <<-'E'
		containers label true
		containers label_users true
		containers interface_name "device"
		containers prepare_volume_on_create true
		network network_backend "cni"
		network netavark_plugin_dirs ["/x"]
		network firewall_driver "nftables"
		network default_network "other"
		network network_config_dir "/x"
		engine compat_api_enforce_docker_hub false
		engine compose_providers ["/x"]
		engine events_logfile_max_size "9m"
		engine events_logfile_path "/x"
		engine events_logger "journald"
		engine events_logger "none"
		engine exit_command_delay 3
		engine image_default_transport "oci:"
		engine no_pivot_root true
		engine namespace "x"
		engine static_dir "/x"
		engine tmp_dir "/x"
		engine volume_path "/x"
		engine volume_plugin_timeout 3
		engine network_cmd_options ["x"]
		engine.volume_plugins x "/x"
		engine.platform_to_oci_runtime x "y"
		secrets driver "pass"
		podmansh timeout 3
		containers no_such_key true
	E
	while read -r table key value; do
		line=$(said "$table" "$key" "$value") || fail "$table $key: $line"
		[ -z "$line" ] || wrong+="$key: '$line'"$'\n'
	done <<-'E'
		containers label false
		containers prepare_volume_on_create false
		network network_backend "netavark"
		network firewall_driver "none"
		engine events_logger "file"
		engine image_default_transport "docker://"
		engine multi_image_archive true
		engine no_pivot_root false
		engine conmon_path ["/x"]
		engine conmon_env_vars ["A=b"]
		engine helper_binaries_dir ["/x"]
		engine image_copy_tmp_dir "/x"
		engine image_parallel_copies 2
		engine lock_type "file"
		engine num_locks 9
		engine runtime_supports_json ["x"]
		engine service_timeout 5
		engine volume_path ""
		secrets driver "file"
	E
	[ -z "$wrong" ] || fail "$wrong"
	cuddy pod rm -f p >/dev/null
}
