#!/usr/bin/env bats
# Services from unit files, under a real user's systemd.
load ../system/helpers
load ../system/registry
load cgroups
load units

setup_file() {
	file_begin busybox
	units=$HOME/.config/containers/systemd
	# The services' cuddy has the roots of this file.
	only_units_of_ours
	systemctl --user set-environment "CUDDY_ROOT=$CUDDY_ROOT" "CUDDY_RUNROOT=$CUDDY_RUNROOT"
	export units
}
teardown_file() {
	cuddy unit rm --all --force
	systemctl --user unset-environment CUDDY_ROOT CUDDY_RUNROOT
	file_end
}
teardown() {
	registry_end
	test_end
}
active() { [ "$(systemctl --user is-active "$1")" = "${2:-active}" ]; }
inactive() { active "$1" inactive; }
since() { systemctl --user show -P "$2" "$1" | xargs -I{} date -d {} +%s%N; }
show() { systemctl --user show -P "$2" "$1"; }

@test "a web service waits for its database to be healthy, has its volume and port, restarts and stops" {
	mkdir "$WORK/app"
	cat >"$WORK/app/db.container" <<-U
		[Container]
		Image=$IMAGE
		Exec=sh -c "sleep 2; touch /ready; exec sleep 1000"
		HealthCmd=test -f /ready
		HealthInterval=1s
		Notify=healthy
		Network=none
		StopTimeout=0
	U
	cat >"$WORK/app/web.container" <<-U
		[Unit]
		Requires=db.container
		After=db.container
		[Container]
		Image=$IMAGE
		Exec=sh -c "echo content >/data/index.html; exec httpd -f -p 80 -h /data"
		Volume=data.volume:/data
		PublishPort=127.0.0.1:8099:80
		StopTimeout=0
		[Service]
		Restart=always
		RestartSec=0
		[Install]
		WantedBy=default.target
	U
	printf '[Volume]\nLabel=a=b\n' >"$WORK/app/data.volume"
	run -0 cuddy unit install "$WORK/app"
	systemctl --user start web.service
	active web.service && active db.service && active data-volume.service
	[ "$(cuddy inspect --format '{{.State.Health.Status}}' systemd-db)" = healthy ]
	[ "$(cuddy volume inspect --format '{{.Labels.a}}' systemd-data)" = b ]
	wait_until 20 curl_content
	# Its processes are the service's, and the main one is the monitor.
	[[ "$(cgroup_line "$(container_pid systemd-web)")" == */web.service/* ]]
	[ "$(ps -o comm= -p "$(show web.service MainPID)")" = cuddy-conmon ]
	[ "$(cuddy unit ls --filter name=web.container --format '{{.Status}}')" = active/running ]
	run -125 --separate-stderr cuddy unit rm web.container
	[[ "$stderr" == *"web.service is active"* ]]
	# A crash: systemd makes a new one.
	old=$(cuddy inspect --format '{{.Id}}' systemd-web)
	kill -KILL "$(container_pid systemd-web)"
	wait_until 30 new_one
	wait_until 20 curl_content
	[ "$(for p in Type PIDFile KillMode; do show web.service $p; done | xargs)" = 'notify mixed' ]
	dir=/sys/fs/cgroup$(show web.service ControlGroup)
	systemctl --user stop web.service db.service
	# Its monitor ended by itself, in time: nobody was killed, and the cgroup is empty.
	wait_until 20 gone "$dir"
	[ "$(show web.service Result) $(show db.service Result)" = 'success success' ]
	run -1 grep -E 'Killing process|timed out' <(journalctl --user --no-pager -u web.service -u db.service)
	run -1 cuddy container exists systemd-web
	cuddy volume exists systemd-data
}
curl_content() { [ "$(busybox wget -q -O - http://127.0.0.1:8099/)" = content ]; }
cgroup_line() { cat "/proc/$1/cgroup"; }
new_one() {
	local id
	id=$(cuddy inspect --format '{{.Id}}' systemd-web 2>/dev/null) && [ "$id" != "$old" ]
}

# push_as COMMAND: an image with the file that this command makes, into the registry only
push_as() {
	printf 'FROM %s\nRUN %s\n' "$IMAGE" "$1" | cuddy build -q -t localhost/next --network none -f - "$WORK"
	cuddy push -q --tls-verify=false localhost/next "$REG/app:1"
}

@test "auto-update from a registry: a new image that does not become ready is rolled back, a good one is kept; a unit fetches the image" {
	PATH=$TOP/programs:$PATH
	registry_begin
	push_as 'touch /first'
	printf '[Image]\nImage=%s/app:1\nTLSVerify=no\n' "$REG" >"$WORK/base.image"
	cat >"$WORK/app.container" <<-U
		[Container]
		Image=base.image
		Exec=sh -c "test -f /broken && exec sleep 1000; touch /ready; exec sleep 1000"
		HealthCmd=test -f /ready
		HealthInterval=1s
		HealthRetries=2
		HealthOnFailure=kill
		Notify=healthy
		Network=none
		AutoUpdate=registry
		StopTimeout=0
		[Service]
		TimeoutStartSec=60
	U
	cuddy unit install "$WORK/base.image" "$WORK/app.container"
	systemctl --user start app.service
	active base-image.service
	old=$(cuddy inspect --format '{{.Image}}' systemd-app)
	update() { cuddy auto-update --tls-verify=false --format '{{.Unit}} {{.Policy}} {{.Updated}}' "$@"; }
	run -0 update
	[ "$output" = "app.service registry false" ]
	push_as 'touch /broken'
	run -125 --separate-stderr update
	[ "$output" = "app.service registry rolled back" ]
	[[ "$stderr" == *"app.service did not start with the new image"* ]]
	active app.service
	[ "$(cuddy inspect --format '{{.Image}}' systemd-app)" = "$old" ]
	push_as 'touch /better'
	run -0 update
	[ "$output" = "app.service registry true" ]
	cuddy exec systemd-app test -f /better
	push_as 'touch /broken'
	run -125 --separate-stderr update --rollback=false
	[ "$output" = "app.service registry failed" ] || fail "$output; $stderr"
	run ! systemctl --user is-active --quiet app.service
	[ "$(cuddy image inspect --format '{{.Id}}' "$REG/app:1")" = "$(cuddy image inspect --format '{{.Id}}' localhost/next)" ]
	systemctl --user stop app.service base-image.service
	systemctl --user reset-failed app.service
	registry_end
}

@test "network, build, container: each is there before who needs it, and the next start finds it" {
	printf 'FROM %s\nRUN echo built >/f\n' "$IMAGE" >"$WORK/Containerfile"
	printf '[Build]\nImageTag=localhost/own:1\nFile=%s/Containerfile\nSetWorkingDirectory=%s\n' "$WORK" "$WORK" >"$WORK/own.build"
	printf '[Network]\nLabel=a=b\nNetworkDeleteOnStop=yes\n' >"$WORK/back.network"
	printf '[Container]\nImage=own.build\nNetwork=back.network\nContainersConfModule=%s/m.conf\nExec=sh -c "cat /f; echo $$FROM_MODULE; exec sleep 1000"\nStopTimeout=0\n' "$WORK" >"$WORK/user.container"
	printf '[containers]\nenv = ["FROM_MODULE=yes"]\n' >"$WORK/m.conf"
	cuddy unit install "$WORK"/{own.build,back.network,user.container}
	systemctl --user start user.service
	wait_until 30 log_has systemd-user yes
	[ "$(cuddy logs systemd-user | xargs)" = 'built yes' ]
	[ "$(cuddy network inspect --format '{{.Labels.a}}' systemd-back)" = b ]
	systemctl --user restart user.service
	wait_until 30 log_has systemd-user yes
	systemctl --user stop user.service back-network.service
	run -1 cuddy network exists systemd-back
	cuddy image exists localhost/own:1
	run -0 cuddy unit rm --force user.container own.build back.network
}

@test "readiness is the payload's with Notify=true, and oneshot units end with their status" {
	cat >"$WORK/job.container" <<-U
		[Container]
		Image=$IMAGE
		Exec=sh -c "echo done; exit 4"
		Network=none
		[Service]
		Type=oneshot
	U
	cat >"$WORK/t@.container" <<-U
		[Container]
		Image=$IMAGE
		Exec=sh -c "echo I am %i; exec sleep 1000"
		Network=none
		StopTimeout=0
	U
	cuddy unit install "$WORK/job.container" "$WORK/t@.container"
	run systemctl --user start job.service
	[ "$status" -ne 0 ]
	[ "$(show job.service ExecMainStatus)" = 4 ]
	systemctl --user start t@blue-1.service t@red.service
	[ "$(cuddy logs systemd-t_blue-1)" = "I am blue-1" ]
	[ "$(cuddy logs systemd-t_red)" = "I am red" ]
	[ "$(cuddy unit ls --format '{{.Name}} {{.Status}}' --filter 'name=[jt]*' | xargs)" = "job.container failed/failed t@.container Not loaded" ]
	run -125 --separate-stderr cuddy unit rm t@.container
	[[ "$stderr" == *"t@*.service is active"* ]]
	run -0 cuddy unit rm --force t@.container
	[ -z "$(cuddy ps -aq)" ]
	# What systemd does not stop keeps its file.
	printf '[Unit]\nRefuseManualStop=yes\n[Container]\nImage=%s\nExec=sleep 1000\nNetwork=none\nStopTimeout=0\n' "$IMAGE" >"$WORK/stay.container"
	cuddy unit install "$WORK/stay.container"
	systemctl --user start stay.service
	run -125 --separate-stderr cuddy unit rm --force stay.container
	[[ "$stderr" == *"systemctl --user stop stay.service: failed: in use" ]]
	[ -e "$units/stay.container" ]
	active stay.service
	cuddy stop -t 0 systemd-stay
	wait_until 10 inactive stay.service || active stay.service failed
	cuddy unit rm stay.container
}

@test "a pod of units: its containers come with it, share its network, and it ends with the last" {
	printf '[Pod]\nPodName=shop\nNetwork=none\n' >"$WORK/shop.pod"
	for c in one two; do
		cat >"$WORK/$c.container" <<-U
			[Container]
			Image=$IMAGE
			Pod=shop.pod
			Exec=sleep 1000
			StopSignal=KILL
		U
	done
	cuddy unit install "$WORK/shop.pod" "$WORK/one.container" "$WORK/two.container"
	systemctl --user start shop-pod.service
	wait_until 60 active one.service || { systemctl --user --no-pager -l status one.service shop-pod.service; journalctl --user --no-pager -n 30; false; }
	wait_until 60 active two.service
	active shop-pod.service
	[ "$(cuddy pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}')" = 'shop Running 3' ]
	[ "$(readlink "/proc/$(container_pid systemd-one)/ns/net")" = "$(readlink "/proc/$(container_pid systemd-two)/ns/net")" ]
	systemctl --user stop one.service
	active shop-pod.service
	systemctl --user stop two.service
	wait_until 60 inactive shop-pod.service
	[ -z "$(cuddy pod ps -q; cuddy ps -aq)" ]
	systemctl --user start shop-pod.service
	wait_until 60 active two.service
	systemctl --user stop shop-pod.service
	wait_until 60 inactive two.service
	[ -z "$(cuddy pod ps -q; cuddy ps -aq)" ]
	# With limits: those of all of them together, while the monitors stay in their services.
	printf '[Pod]\nPodName=shop\nNetwork=none\nPodmanArgs=--memory=64m\n' >"$WORK/shop.pod"
	cuddy unit install --replace "$WORK/shop.pod"
	systemctl --user start shop-pod.service
	wait_until 60 active one.service
	wait_until 60 active two.service
	dir=$(dirname "$(cgroup_of_pid "$(container_pid systemd-one)")")
	[ "$dir" = "$(dirname "$(cgroup_of_pid "$(container_pid systemd-two)")")" ]
	[ "$(cat "$dir/memory.max") /sys/fs/cgroup$(cuddy pod inspect --format '{{.CgroupPath}}' shop)" = "67108864 $dir" ]
	holder=$(cuddy pod inspect --format '{{.InfraContainerID}}' shop)
	[[ "$(cgroup_of_pid "$(conmon_pid "$holder")")" == */shop-pod.service* ]]
	[ "$(systemctl --user show -P MainPID shop-pod.service)" = "$(conmon_pid "$holder")" ]
	[ "$(container_pid "$holder")" = 0 ]
	# The scope is there for who is in it: it goes with the last, and is made again.
	systemctl --user stop one.service
	[ -d "$dir" ]
	systemctl --user start one.service
	[ "$dir" = "$(dirname "$(cgroup_of_pid "$(container_pid systemd-one)")")" ]
	systemctl --user stop shop-pod.service
	wait_until 60 gone "$dir"
	[ -z "$(cuddy pod ps -q; cuddy ps -aq)" ]
}

@test "YAML: a service that is ready when its pods run, ends with them, and takes them away" {
	cat >"$WORK/y.yaml" <<-Y
		kind: Pod
		metadata: {name: y}
		spec:
		  restartPolicy: Never
		  terminationGracePeriodSeconds: 0
		  containers:
		  - {name: a, image: $IMAGE, command: [sh, -c, 'until [ -e /dev/shm/end ]; do sleep 0.2; done; exit 4']}
		  - {name: b, image: $IMAGE, command: [sh, -c, 'until [ -e /dev/shm/end ]; do sleep 0.2; done']}
	Y
	printf '[Kube]\nYaml=%s\nNetwork=none\nExitCodePropagation=any\n' "$WORK/y.yaml" >"$WORK/y.kube"
	cuddy unit install "$WORK/y.kube"
	systemctl --user start y.service
	active y.service
	[ "$(cuddy pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}')" = 'y Running 3' ]
	[ "$(cuddy inspect --format '{{index .Config.Labels "PODMAN_SYSTEMD_UNIT"}}' y-a)" = y.service ]
	systemctl --user stop y.service
	inactive y.service
	[ -z "$(cuddy pod ps -q; cuddy ps -aq)" ]
	systemctl --user start y.service
	cuddy exec y-a touch /dev/shm/end
	wait_until 60 active y.service failed
	[ "$(show y.service ExecMainStatus)" = 4 ]
	[ -z "$(cuddy pod ps -q; cuddy ps -aq)" ]
}
