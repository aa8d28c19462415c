#!/usr/bin/env bats
# Containers as unit files: what services they become. That these work is seen in tests/vm.
load helpers

setup() {
	test_begin
	export HOME=$WORK/home XDG_CONFIG_HOME=$WORK/home/.config QUADLET_UNIT_DIRS=
	unset QUADLET_UNIT_DIRS
	units=$XDG_CONFIG_HOME/containers/systemd
	mkdir -p "$units"
}

# unit FILE: from standard input
unit() { cat >"$units/$1"; }
# service NAME: its lines
service() { cuddy unit generate --dry-run | sed -n "/^---$1.service---\$/,/^---/p" | sed '1d;/^---/d'; }
line() { service "$1" | grep "^$2="; }

@test "a container: the command line, readiness and life of its service" {
	unit web.container <<-'U'
		[Unit]
		Description=Web
		[Container]
		Image=localhost/web:1
		Exec=sh -c "echo 'a b' $HOME; \
		  sleep 1000"
		Environment=A=1 "B=two words"
		Environment=C=%n
		EnvironmentFile=web.env
		Volume=./conf:/etc/conf:ro
		Volume=/srv/data:/data
		Volume=cache:/cache
		Volume=/anonymous
		PublishPort=8080:80
		PublishPort=127.0.0.1:8443:443
		AddCapability=NET_RAW SYS_TIME
		User=1000
		Group=100
		NoNewPrivileges=yes
		ReadOnly=yes
		SeccompProfile=/etc/profile.json
		Secret=token,type=env,target=TOKEN
		HealthCmd=curl -f http://localhost/ || exit 1
		AutoUpdate=registry
		AddDevice=-/dev/there-is-no-such-device
		Mount=type=bind,source=./logs,target=/logs,ro=true
		PodmanArgs=--memory-swap 1g
		GlobalArgs=--log-level info
		ReloadCmd=nginx -s "reload now"
		[Service]
		Restart=always
		[Install]
		WantedBy=default.target
	U
	run -0 line web ExecStart
	[ "$output" = "ExecStart=$(readlink -f "$CUDDY") --log-level info run --name systemd-web --replace --rm --cgroups=split --sdnotify=conmon -d --user 1000:100 --cap-add NET_RAW --cap-add SYS_TIME --label io.containers.autoupdate=registry --env A=1 --env \"B=two words\" --env C=%n --env-file $units/web.env --health-cmd \"curl -f http://localhost/ || exit 1\" --mount type=bind,source=$units/logs,target=/logs,ro=true --security-opt no-new-privileges --publish 8080:80 --publish 127.0.0.1:8443:443 --read-only=true --security-opt seccomp=/etc/profile.json --secret token,type=env,target=TOKEN --volume $units/conf:/etc/conf:ro --volume /srv/data:/data --volume cache:/cache --volume /anonymous --memory-swap 1g localhost/web:1 sh -c \"echo 'a b' \$HOME;  sleep 1000\"" ]
	run -0 service web
	for l in Description=Web Restart=always WantedBy=default.target Type=notify NotifyAccess=all KillMode=mixed Delegate=yes \
		Environment=PODMAN_SYSTEMD_UNIT=%n "SourcePath=$units/web.container" RequiresMountsFor=/srv/data "[X-Container]" \
		"ExecStop=$(readlink -f "$CUDDY") --log-level info stop --ignore systemd-web" \
		"ExecStopPost=-$(readlink -f "$CUDDY") --log-level info rm -v -f -i systemd-web" \
		"ExecReload=$(readlink -f "$CUDDY") --log-level info exec systemd-web nginx -s \"reload now\"" \
		Wants=cuddy-user-wait-network-online.service; do
		grep -qxF -- "$l" <<<"$output" || { echo "no line $l in"; echo "$output"; false; }
	done
	for notify in "true container" "healthy healthy" "no conmon"; do
		printf '[Container]\nImage=x\nNotify=%s\n' ${notify% *} | unit n.container
		[[ "$(line n ExecStart)" == *" --sdnotify=${notify#* } -d "* ]]
	done
	printf '[Container]\nImage=x\nStopTimeout=300\n' | unit n.container
	[ "$(line n TimeoutStopSec)" = TimeoutStopSec=330 ]
	# systemd's patience is longer than the container's, whoever says how long that is; unless the file says its own.
	while IFS='|' read -r kind lines want; do
		printf "$lines" | unit "p.$kind"
		[ "$(line "p$([ $kind = container ] || echo "-$kind")" TimeoutStopSec | xargs)" = "$want" ] || fail "$lines: $(line "p$([ $kind = container ] || echo "-$kind")" TimeoutStopSec)"
		rm "$units/p.$kind"
	done <<-'T'
		container|[Container]\nImage=x\nPodmanArgs=--stop-timeout 200 -q\n|TimeoutStopSec=230
		container|[Container]\nImage=x\nStopTimeout=10\nPodmanArgs=--stop-timeout=61\nExec=--stop-timeout=900\n|TimeoutStopSec=91
		container|[Container]\nImage=x\nStopTimeout=-1\n|TimeoutStopSec=infinity
		container|[Container]\nImage=x\nStopTimeout=60\n|
		container|[Container]\nImage=x\nStopTimeout=600\n[Service]\nTimeoutStopSec=5\n|TimeoutStopSec=5
		pod|[Pod]\nStopTimeout=100\n|TimeoutStopSec=130
	T
	printf '[Container]\nImage=x\nReloadSignal=HUP\nContainerName=own\n[Service]\nType=oneshot\n[Quadlet]\nDefaultDependencies=no\n' | unit n.container
	[[ "$(line n ExecStart)" == *"--name own "*" --sdnotify=ignore x" ]]
	[[ "$(line n ExecReload)" == *" kill --signal HUP own" ]]
	[ -z "$(line n Wants)" ]
}

@test "volumes, networks, images and builds: their own services, and names for those who refer to them" {
	printf '[Volume]\nLabel=a=b "c=d e"\nUser=5\nGroup=6\nCopy=no\n' | unit data.volume
	printf '[Volume]\nVolumeName=named\nDevice=tmpfs\nType=tmpfs\nOptions=size=1m\n' | unit tmp.volume
	printf '[Network]\nSubnet=10.9.0.0/24\nGateway=10.9.0.1\nInternal=true\nNetworkDeleteOnStop=yes\n' | unit app.network
	printf '[Image]\nImage=quay.io/x/y:1\nTLSVerify=no\nRetry=2\nRetryDelay=3s\n' | unit base.image
	printf '[Artifact]\nArtifact=quay.io/x/files:1\nQuiet=yes\nAuthFile=/a.json\nRetry=5\n' | unit files.artifact
	printf '[Build]\nImageTag=localhost/own:1\nImageTag=localhost/own:2\nFile=sub/Containerfile\nSetWorkingDirectory=file\nBuildArg=A=1\nArch=arm64\nVariant=v8\nDNS=192.0.2.1\nEnvironment=B=2 C=3\nForceRM=no\nGroupAdd=7\nVolume=data.volume:/d\n' | unit own.build
	unit one.container <<-U
		[Unit]
		After=two.container
		[Container]
		Image=base.image
		Volume=data.volume:/data:U
		Volume=tmp.volume:/tmp
		Network=app.network:alias=one
		Retry=4
		RetryDelay=1s
		HealthMaxLogCount=5
	U
	printf '[Container]\nImage=own.build\nNetwork=one.container\nServiceName=second\n' | unit two.container
	run -0 line data-volume ExecStart
	[[ "$output" == *' volume create --ignore --opt nocopy --opt o=uid=5,gid=6 --label a=b --label "c=d e" systemd-data' ]]
	[[ "$(line tmp-volume ExecStart)" == *' volume create --ignore --opt o=size=1m --opt device=tmpfs --opt type=tmpfs named' ]]
	[[ "$(line app-network ExecStart)" == *' network create --ignore --gateway 10.9.0.1 --internal=true --subnet 10.9.0.0/24 systemd-app' ]]
	[[ "$(line app-network ExecStopPost)" == *' network rm systemd-app' ]]
	[[ "$(line base-image ExecStart)" == *' pull --quiet --tls-verify=false --retry 2 --retry-delay 3s quay.io/x/y:1' ]]
	[[ "$(line own-build ExecStart)" == *" build --platform linux/arm64/v8 --tag localhost/own:1 --tag localhost/own:2 --file $units/sub/Containerfile --build-arg A=1 --dns 192.0.2.1 --env B=2 --env C=3 --force-rm=false --group-add 7 --volume systemd-data:/d $units/sub" ]]
	[[ "$(line files-artifact ExecStart)" == *' artifact pull --authfile /a.json --quiet=true --retry 5 quay.io/x/files:1' ]]
	for s in data-volume app-network base-image own-build files-artifact; do
		[ "$(line $s Type)" = Type=oneshot ]
		[ "$(line $s RemainAfterExit)" = RemainAfterExit=yes ]
	done
	[[ "$(line one ExecStart)" == *"--network systemd-app:alias=one --volume systemd-data:/data:U --volume named:/tmp --health-max-log-count 5 --retry 4 --retry-delay 1s quay.io/x/y:1" ]]
	[ "$(line one Requires | sort | xargs)" = "Requires=app-network.service Requires=base-image.service Requires=data-volume.service Requires=tmp-volume.service" ]
	line one After | grep -qx After=second.service
	[[ "$(line second ExecStart)" == *"--name systemd-second "*"--network container:systemd-one localhost/own:1" ]]
}

@test "keys that hold lists of words, old keys for maps, modules, and URLs to build from" {
	unit a.container <<-'U'
		[Container]
		Image=x
		UIDMap=0:1:10 10:20:5
		GIDMap=0:1:10
		LogOpt=tag=a max-size=1m
		Mask=/proc/a /proc/b
		Unmask=ALL
		Secret=one "two,type=env"
		AddDevice=/dev/null -/dev/there-is-none /dev/zero:/dev/z
		Mount=type=tmpfs,destination=/a "type=bind,source=/b c,target=/b"
		VolatileTmp=yes
		ContainersConfModule=one.conf
		ContainersConfModule=/two.conf
		GlobalArgs=--log-level info
	U
	[[ "$(line a ExecStart)" == *" --module=one.conf --module=/two.conf --log-level info run "*" --device /dev/null --device /dev/zero:/dev/z --gidmap 0:1:10 --log-opt tag=a --log-opt max-size=1m --security-opt mask=/proc/a --security-opt mask=/proc/b --mount type=tmpfs,destination=/a --mount \"type=bind,source=/b c,target=/b\" --secret one --secret two,type=env --uidmap 0:1:10 --uidmap 10:20:5 --security-opt unmask=ALL --tmpfs /tmp:rw,size=512M,mode=1777 x" ]]
	[[ "$(line a ExecStop)" == *" --module=one.conf --module=/two.conf --log-level info stop --ignore systemd-a" ]]
	printf '[Container]\nImage=x\nReadOnly=yes\nVolatileTmp=yes\n' | unit a.container
	[[ "$(line a ExecStart)" != *tmpfs* ]]
	while IFS='|' read -r kind lines want; do
		printf "$lines" | unit "m.$kind"
		got=$(cuddy unit generate --dry-run)
		[[ "$got" == *"$want"* ]] || fail "$lines: $got"
		rm "$units/m.$kind"
	done <<-'T'
		container|[Container]\nImage=x\nRemapUsers=manual\nRemapUid=0:1:5 5:9:2\nRemapGid=0:2:7\n| -d --uidmap 0:1:5 --uidmap 5:9:2 --gidmap 0:2:7 x
		container|[Container]\nImage=x\nRemapUsers=auto\n| -d --userns auto x
		container|[Container]\nImage=x\nRemapUsers=auto\nRemapUid=0:1:1\nRemapGid=0:2:1\nRemapUidSize=500\n| --userns auto:uidmapping=0:1:1,gidmapping=0:2:1,size=500 x
		container|[Container]\nImage=x\nRemapUsers=keep-id\n| -d --userns keep-id x
		container|[Container]\nImage=x\nRemapUsers=keep-id\nRemapUid=7\nRemapGid=8\n| --userns keep-id:uid=7,gid=8 x
		container|[Container]\nImage=x\nRemapUsers=keep-id\nRemapGid=8\n| --userns keep-id:gid=8 x
		pod|[Pod]\nRemapUsers=manual\nRemapUid=0:1:5\n| --uidmap 0:1:5 --name systemd-m
		kube|[Kube]\nYaml=/y\nRemapUsers=auto\nConfigMap=/a /b\nLogOpt=tag=x path=/y\nContainersConfModule=k\n| --module=k kube play --replace --service-container=true --configmap /a --configmap /b --log-opt tag=x --log-opt path=/y --userns auto /y
		volume|[Volume]\nContainersConfModule=v\nDevice=/srv\nType=bind\n|RequiresMountsFor=/srv
		volume|[Volume]\nContainersConfModule=v\n| --module=v volume create --ignore systemd-m
		network|[Network]\nOptions=mtu=1400 isolate=true\n| --opt mtu=1400 --opt isolate=true systemd-m
		build|[Build]\nImageTag=t\nSetWorkingDirectory=https://example.org/x.git#main\nFile=sub/Containerfile\n| build --tag t --file sub/Containerfile https://example.org/x.git#main
		build|[Build]\nImageTag=t\n[Service]\nWorkingDirectory=/srv/own\n| build --tag t /srv/own
		image|[Image]\nImage=i\nAllTags=yes\nArch=arm64\nOS=linux\nVariant=v8\nCertDir=/c\nCreds=u:p\nPolicy=newer\n| pull --quiet --all-tags=true --arch arm64 --cert-dir /c --creds u:p --os linux --policy newer --variant v8 i
	T
}

# words_of UNIT KEY: WORDS is what systemd would execute
words_of() { eval "WORDS=($(line "$1" "$2" | sed "s/^$2=-\\?//"))"; }

@test "what each key becomes is taken by the command that gets it" {
	echo A=1 >"$units/env"
	printf '{}' >"$units/auth.json"
	unit all.container <<-U
		[Container]
		ContainerName=all
		Image=$IMAGE
		Exec=true
		Notify=healthy
		User=1
		Group=2
		AddCapability=NET_RAW
		AddDevice=/dev/null
		AddHost=a:192.0.2.1
		Annotation=a=b
		AppArmor=unconfined
		AutoUpdate=registry
		CgroupsMode=disabled
		DNS=192.0.2.1
		DNSOption=ndots:1
		DNSSearch=example.org
		DropCapability=KILL
		Entrypoint=/bin/sh
		Environment=A=1
		EnvironmentFile=env
		EnvironmentHost=yes
		ExposeHostPort=80
		GroupAdd=5
		HealthCmd=true
		HealthInterval=5s
		HealthLogDestination=local
		HealthMaxLogCount=3
		HealthMaxLogSize=100
		HealthOnFailure=kill
		HealthRetries=2
		HealthStartPeriod=1s
		HealthStartupCmd=true
		HealthStartupInterval=1s
		HealthStartupRetries=1
		HealthStartupSuccess=1
		HealthStartupTimeout=1s
		HealthTimeout=1s
		HostName=h
		HttpProxy=no
		Label=a=b
		LogDriver=k8s-file
		LogOpt=max-size=1m
		Mask=/proc/a
		Mount=type=tmpfs,destination=/m
		Mount=type=image,source=$IMAGE,destination=/i
		Network=none
		NoNewPrivileges=yes
		Pull=never
		ReadOnly=yes
		ReadOnlyTmpfs=no
		Retry=1
		RetryDelay=1s
		RunInit=yes
		SeccompProfile=unconfined
		SecurityLabelDisable=yes
		ShmSize=1m
		StopSignal=INT
		StopTimeout=3
		Sysctl=net.ipv4.ip_unprivileged_port_start=0
		Timezone=UTC
		Tmpfs=/t
		Ulimit=nofile=100
		Unmask=ALL
		UserNS=keep-id
		VolatileTmp=yes
		Volume=v:/v
		WorkingDir=/
		PodmanArgs=--oom-score-adj 10
	U
	words_of all ExecStart
	[ "${WORDS[1]}" = run ]
	run -0 cuddy explain "${WORDS[@]:1}"
	printf '[Volume]\nVolumeName=allv\nCopy=no\nUser=5\nGroup=6\nLabel=a=b\nDriver=local\n' | unit a.volume
	printf '[Volume]\nVolumeName=allt\nDevice=tmpfs\nType=tmpfs\nOptions=size=1m\nUID=3\nGID=4\n' | unit b.volume
	printf '[Network]\nNetworkName=alln\nDisableDNS=yes\nDriver=bridge\nGateway=10.91.0.1\nInternal=yes\nIPAMDriver=host-local\nIPRange=10.91.0.0/25\nIPv6=no\nInterfaceName=br0\nLabel=a=b\nOptions=mtu=1400\nSubnet=10.91.0.0/24\nNetworkDeleteOnStop=yes\n' | unit a.network
	printf '[Pod]\nPodName=allp\nAddHost=a:192.0.2.1\nDNS=192.0.2.1\nDNSOption=ndots:1\nDNSSearch=x.org\nHostName=h\nLabel=a=b\nNetwork=none\nShmSize=1m\nExitPolicy=continue\nStopTimeout=5\nVolume=v:/v\n' | unit a.pod
	printf 'FROM %s AS t\n' "$IMAGE" >"$units/Containerfile"
	printf '[Build]\nImageTag=localhost/all:1\nFile=Containerfile\nSetWorkingDirectory=unit\nAnnotation=a=b\nAuthFile=%s/auth.json\nBuildArg=A=1\nDNS=192.0.2.1\nDNSOption=ndots:1\nDNSSearch=x.org\nEnvironment=A=1\nForceRM=yes\nGroupAdd=5\nVolume=/srv:/srv\nLabel=a=b\nNetwork=none\nPull=never\nTLSVerify=no\nTarget=t\nIgnoreFile=%s/env\nRetry=1\nRetryDelay=1s\n' "$units" "$units" | unit a.build
	for u in a-volume b-volume a-network a-build; do
		words_of $u ExecStart
		run "${WORDS[@]}"
		[ "$status" -eq 0 ] || fail "$u: ${WORDS[*]}: $output"
	done
	words_of a-pod ExecStartPre
	run -0 "${WORDS[@]//%t/$WORK}"
	[ "$(cuddy volume inspect --format '{{.UID}} {{.GID}} {{.NeedsCopyUp}}' allv)" = '5 6 false' ]
	[ "$(cuddy pod inspect --format '{{.Hostname}} {{.ExitPolicy}}' allp)" = 'h continue' ]
	[ "$(cuddy image inspect --format '{{.Labels.a}}' localhost/all:1)" = b ]
	words_of a-network ExecStopPost
	run -0 "${WORDS[@]}"
	cuddy pod rm -f allp
	# What cannot be is refused where it stands, before there is a service that fails.
	while IFS='|' read -r file lines words; do
		printf "$lines\n" | unit "$file"
		run -1 --separate-stderr cuddy unit generate --dry-run
		[[ "$stderr" == *"$units/$file:"*"$words"* ]] || fail "$lines: $stderr"
		rm "$units/$file"
	done <<-'T'
		i.volume|[Volume]\nImage=x|2: Image= cannot be used: there is no volume driver 'image'; Mount=type=image of
		i.volume|[Volume]\nDriver=local\nDriver=image|3: Driver=image: there is no volume driver but local; Mount=type=image of
		i.image|[Image]\nImage=x\nDecryptionKey=k|3: DecryptionKey= cannot be used: encrypted images are not read
		i.container|[Container]\nImage=x\nSecurityLabelLevel=l|3: SecurityLabelLevel= cannot be used: SELinux levels
	T
}

@test "drop-ins, templates, precedence: as systemd has them" {
	printf '[Container]\nImage=low\nEnvironment=A=1\n' | unit web-front.container
	mkdir -p "$units"/{container.d,web-.container.d,web-front.container.d,sub}
	printf '[Container]\nEnvironment=ALL=1\n' >"$units/container.d/10-all.conf"
	printf '[Container]\nEnvironment=DASH=1\n' >"$units/web-.container.d/20-dash.conf"
	printf '[Container]\nImage=high\n' >"$units/web-front.container.d/30-own.conf"
	printf '[Container]\nEnvironment=HIDDEN=1\n' >"$units/container.d/30-own.conf"
	[[ "$(line web-front ExecStart)" == *"--env A=1 --env ALL=1 --env DASH=1 high" ]]
	printf '[Container]\nEnvironment=\nEnvironment=ONLY=1\n' >"$units/web-front.container.d/40-reset.conf"
	[[ "$(line web-front ExecStart)" == *"-d --env ONLY=1 high" ]]
	printf '[Container]\nImage=x\nExec=echo %%i\n[Install]\nWantedBy=default.target\nDefaultInstance=blue\n' >"$units/sub/t@.container"
	ln -s t@.container "$units/sub/t@red.container"
	rm -r "$units/container.d"
	[[ "$(line t@ ExecStart)" == *"--name systemd-t_%i "*"x echo %i" ]]
	[[ "$(line t@red ExecStart)" == *"--name systemd-t_red "* ]]
	# What one template names is that instance's of another.
	printf '[Volume]\n' | unit my-data@.volume
	printf '[Pod]\n' | unit group@.pod
	printf '[Unit]\nWants=t@.container\n[Container]\nImage=x\nVolume=my-data@.volume:/d\nPod=group@.pod\n' | unit user@.container
	ln -s user@.container "$units/user@one.container"
	for u in user@ user@one; do
		[[ "$(line $u ExecStart)" == *"--pod-id-file %t/group-pod@%i.pod-id --volume systemd-my-data_%i:/d x" ]]
		[ "$(line $u Requires) $(line $u BindsTo) $(line $u Wants | tail -n 1)" = "Requires=my-data-volume@%i.service BindsTo=group-pod@%i.service Wants=t@%i.service" ]
	done
	line group-pod@ Wants | grep -qx 'Wants=user@%i.service'
	printf '[Container]\nImage=x\nVolume=my-data@.volume:/d\n' | unit bad.container
	run cuddy unit generate --dry-run
	[[ "$output" == *"bad.container:3: my-data@.volume is a template, and this is no instance"* ]]
	rm "$units"/{bad,user@,user@one}.container "$units"/{my-data@.volume,group@.pod}
	[[ "$(line t@red ExecStart)" == *"x echo %i" ]]
	mkdir "$WORK/out"
	run -0 cuddy unit generate "$WORK/out" "$WORK/out" "$WORK/out"
	[ -z "$output" ]
	[ "$(readlink "$WORK/out/default.target.wants/t@blue.service")" = ../t@.service ]
	[ "$(readlink "$WORK/out/default.target.wants/t@red.service")" = ../t@red.service ]
	# [Install] may stand in a drop-in. Directories may be links, also such as lead back.
	mkdir "$units/web-front.container.d/more" "$WORK/elsewhere"
	printf '[Install]\nAlias=w.service www.service\nWantedBy=a.target\nRequiredBy=b.target c.target\nUpheldBy=d.service\n' >"$units/web-front.container.d/50-install.conf"
	printf '[Container]\nImage=linked\n' >"$WORK/elsewhere/far.container"
	ln -s "$WORK/elsewhere" "$units/sub/elsewhere"
	ln -s "$WORK/elsewhere/far.container" "$units/near.container"
	for i in 1 2 3 4 5 6; do ln -s "$units" "$units/sub/back$i"; done
	mkfifo "$units/fifo.container"
	ln -s nowhere "$units/dangling.container"
	run -0 timeout 20 "$CUDDY" unit generate "$WORK/out" "$WORK/out" "$WORK/out"
	[ -z "$output" ]
	[ "$(cd "$WORK/out" && for l in w.service www.service a.target.wants/* b.target.requires/* c.target.requires/* d.service.upholds/*; do echo "$l $(readlink "$l")"; done)" = "$(printf '%s\n' \
		{w,www}.service' web-front.service' {a.target.wants,{b,c}.target.requires,d.service.upholds}'/web-front.service ../web-front.service')" ]
	[[ "$(line far ExecStart)" == *" linked" && "$(line near ExecStart)" == *" linked" ]]
	export QUADLET_UNIT_DIRS=$WORK/first:$units
	mkdir "$WORK/first"
	printf '[Container]\nImage=second\n' | unit plain.container
	[[ "$(line plain ExecStart)" == *" second" ]]
	printf '[Container]\nImage=first\n' >"$WORK/first/plain.container"
	[[ "$(line plain ExecStart)" == *" first" ]]
}

@test "what is wrong is said with its place, and does not keep other units from being made" {
	printf '[Container]\nImage=x\n' | unit good.container
	while IFS='|' read -r text words; do
		printf "$text" | unit bad.container
		run -1 --separate-stderr cuddy unit generate --dry-run
		[[ "$output" == *---good.service---* && "$output" != *---bad.service---* ]]
		[[ "$stderr" == *"$units/bad.container"*"$words"* ]] || { echo "$text: $stderr"; false; }
		[ "${#stderr_lines[@]}" -eq 1 ]
	done <<-'T'
		[Container]\nImage=x\nEnviroment=A=1\n|:3: there is no key Enviroment in [Container]; did you mean Environment?
		[Container]\n|needs Image= or Rootfs=
		[Container]\nImage=x\nRootfs=/y\n|one of both
		[Container]\nImage=x\nVolume=no.volume:/x\n|:3: there is no file no.volume
		[Container]\nImage=x\nExec="open\n|:3: Exec= has a quote that does not end
		[Container]\nImage=x\nReadOnly=perhaps\n|:3: ReadOnly=perhaps is neither yes nor no
		[Container]\nImage=x\nGroup=5\n|:3: Group=5: needs a User=
		[Container]\nImage=x\n[Service]\nKillMode=none\n|:4: KillMode=none:
		[Container]\nImage=x\n[Service]\nUser=root\n|:4: User=root:
		[Container]\nImage=x\n[Service]\nType=simple\n|:4: Type=simple:
		[Container]\nImage=x\nSecurityLabelType=t\n|:3: SecurityLabelType= cannot be used: SELinux
		[Container]\nImage=x\n[Quadlet]\nDefaultDependency=no\n|:4: there is no key DefaultDependency in [Quadlet]
		[Container]\nImage=x\nNetwork=good.container:mac=1\n|:3: Network=good.container:mac=1: the network of another
		[Container]\nImage=x\nStopTimeout=soon\n|:3: stop timeout soon: seconds
		[Container]\nImage=x\nRemapUid=1\n|:3: RemapUid=1: needs a RemapUsers=
		[Container]\nImage=x\nRemapUsers=some\n|:3: RemapUsers=some: manual, auto or keep-id
		[Container]\nImage=x\nRemapUsers=keep-id\nRemapUid=1 2\n|:4: RemapUid=1 2: keep-id maps one id
		[Container]\nImage=x\nRemapUsers=auto\nUserNS=auto\n|:3: RemapUsers= does not go with UserNS=
		[Container]\nImage=x\nRemapUsers=auto\nRemapUidSize=many\n|:4: RemapUidSize=many: not a number
		[Unit]\nAfter=gone.network\n[Container]\nImage=x\n|:2: there is no file gone.network
		nothing\n|:1: 'nothing' stands before the first
		[Unit]\nX=1\n|there is no section [Container]
	T
}

@test "unit install, ls, print, rm: a user's own files, checked before anything is changed" {
	mkdir -p "$WORK/app"
	printf '[Container]\nImage=x\nVolume=data.volume:/d\nEnvironmentFile=web.env\n[Install]\nWantedBy=default.target\n' >"$WORK/app/web.container"
	printf '[Volume]\n' >"$WORK/app/data.volume"
	echo A=1 >"$WORK/app/web.env"
	run --separate-stderr cuddy unit install "$WORK/app/web.container"
	one_line_error 125 'no file data.volume'
	[ -z "$(ls -A "$units")" ]
	run -0 cuddy unit install "$WORK/app"
	[ "$output" = "$(printf '%s\n' "$units"/{data.volume,web.container,web.env})" ]
	[ "$(ls -A "$units" | xargs)" = "data.volume web.container web.env" ]
	grep -q '^ExecStart=.* run --name systemd-web' "$XDG_CONFIG_HOME/systemd/user/web.service"
	[ "$(readlink "$XDG_CONFIG_HOME/systemd/user/default.target.wants/web.service")" = ../web.service ]
	[ -f "$XDG_CONFIG_HOME/systemd/user/cuddy-user-wait-network-online.service" ]
	echo keep >"$XDG_CONFIG_HOME/systemd/user/own.service"
	run --separate-stderr cuddy unit install "$WORK/app"
	one_line_error 125 "is there; --replace"
	run --separate-stderr cuddy unit install /etc/hostname
	one_line_error 125 'none of the files'
	[ "$(cuddy unit ls --format '{{.Name}} {{.UnitName}} {{.Path}}')" = "$(printf '%s\n' "data.volume data-volume.service $units/data.volume" "web.container web.service $units/web.container")" ]
	[ "$(cuddy quadlet list --filter name='w*' --format json | jq -r '.[].Name')" = web.container ]
	[ "$(cuddy unit print web.container)" = "$(cat "$WORK/app/web.container")" ]
	sed -i s/Image=x/Image=y/ "$WORK/app/web.container"
	run -0 cuddy unit install --replace "$WORK/app/web.container"
	grep -q '^ExecStart=.* y$' "$XDG_CONFIG_HOME/systemd/user/web.service"
	run -125 --separate-stderr cuddy unit rm nosuch.container
	run -0 cuddy unit rm --ignore nosuch.container
	run -0 cuddy unit rm web.container
	[ ! -e "$units/web.container" ]
	[ -f "$units/data.volume" ]
	[ ! -e "$XDG_CONFIG_HOME/systemd/user/web.service" ]
	[ ! -e "$XDG_CONFIG_HOME/systemd/user/default.target.wants" ]
	run -0 cuddy unit rm --all
	[ "$(ls "$XDG_CONFIG_HOME/systemd/user")" = own.service ]
}

@test "unit install, print, rm: directories with drop-ins, templates and their links, directories below" {
	mkdir -p "$WORK/app"/{sub/deep,web.container.d,.git}
	printf '[Container]\nImage=x\nEnvironmentFile=../web.env\n' >"$WORK/app/sub/deep/db.container"
	printf '[Container]\nImage=x\n' | tee "$WORK/app/web.container" >"$WORK/app/t@.container"
	ln -s t@.container "$WORK/app/t@red.container"
	ln -s /etc/hostname "$WORK/app/web.env"
	printf '[Container]\nEnvironment=A=1\n' >"$WORK/app/web.container.d/10-a.conf"
	echo x >"$WORK/app/.git/x.container"
	run -0 cuddy unit install "$WORK/app/"
	[ "$(sort <<<"$output")" = "$(printf "$units/%s\n" sub/deep/db.container t@.container t@red.container web.container web.container.d/10-a.conf web.env | sort)" ]
	[ "$(readlink "$units/t@red.container")" = t@.container ]
	[ -f "$units/web.env" ]
	[ ! -L "$units/web.env" ]
	[[ "$(line web ExecStart)" == *"--env A=1 x" && "$(line db ExecStart)" == *"--env-file $units/sub/web.env x" ]]
	[ "$(cuddy unit print web.container)" = "$(cat "$WORK/app/web.container"; printf '\n# %s\n' "$units/web.container.d/10-a.conf"; cat "$WORK/app/web.container.d/10-a.conf")" ]
	[ "$(cuddy unit ls --format '{{.Name}} {{.UnitName}} {{.Status}}' | xargs)" = "db.container db.service Not loaded t@.container t@.service Not loaded t@red.container t@red.service Not loaded web.container web.service Not loaded" ]
	# A drop-in alone; one that is wrong is told with its place to be, and changes nothing.
	mkdir "$WORK/more.d" "$WORK/web.container.d"
	printf '[Container]\nEnvironment=B=2\nNo=1\n' >"$WORK/web.container.d/20-b.conf"
	run --separate-stderr cuddy unit install "$WORK/web.container.d"
	one_line_error 125 "$units/web.container.d/20-b.conf:3: there is no key No in"
	[ ! -e "$units/web.container.d/20-b.conf" ]
	sed -i 3d "$WORK/web.container.d/20-b.conf"
	run -0 cuddy unit install "$WORK/web.container.d"
	[ "$output" = "$units/web.container.d/20-b.conf" ]
	grep -q -- '--env A=1 --env B=2 x$' "$XDG_CONFIG_HOME/systemd/user/web.service"
	# Two files of one name would hide each other.
	mkdir -p "$WORK/two/sub"
	printf '[Volume]\n' | tee "$WORK/two/v.volume" >"$WORK/two/sub/v.volume"
	run --separate-stderr cuddy unit install "$WORK/two"
	one_line_error 125 'two files have the name v.volume'
	run -0 cuddy unit rm web.container db.container
	[ "$(ls "$units" | xargs)" = "t@.container t@red.container web.env" ]
	run -0 cuddy unit rm --all
}

@test "unit install --application, ls, rm --recursive: files that stay and go together; .quadlets and URLs" {
	mkdir -p "$WORK/app/sub" "$WORK/web"
	printf '[Container]\nImage=x\nEnvironmentFile=web.env\n' >"$WORK/app/web.container"
	printf '[Container]\nImage=y\n' >"$WORK/app/sub/db.container"
	echo A=1 >"$WORK/app/web.env"
	run -0 cuddy quadlet install --application shop "$WORK/app"
	[ "$(sort <<<"$output")" = "$(printf "$units/shop/%s\n" sub/db.container web.container web.env)" ]
	[[ "$(line web ExecStart)" == *"--env-file $units/shop/web.env x" ]]
	# Several in one file: what each is, its section says; the pod that one is in is told.
	printf '# FileName=front\n[Container]\nImage=x\nPod=all.pod\n\n---\n# first a comment\n# FileName=all.pod\n[Pod]\n---\n\n---\n# FileName=data\n[Volume]\nLabel=a=b\n' >"$WORK/many.quadlets"
	run -0 cuddy unit install "$WORK/many.quadlets"
	[ "$(sort <<<"$output")" = "$(printf "$units/%s\n" all.pod data.volume front.container)" ]
	[ "$(cat "$units/data.volume")" = "$(printf '# FileName=data\n[Volume]\nLabel=a=b')" ]
	[ "$(cuddy unit ls --format '{{.Name}} [{{.App}}] [{{.Pod}}]')" = "$(printf '%s\n' 'all.pod [] []' 'data.volume [] []' 'db.container [shop] []' 'front.container [] [all.pod]' 'web.container [shop] []')" ]
	# A name is one unit's, wherever its file lies; and one that cannot be a directory's is none.
	run -125 --separate-stderr cuddy unit install --replace "$WORK/app/web.container"
	one_line_error 125 "web.container is there already, as $units/shop/web.container"
	for name in a/b .hidden 12 x.d ''; do
		run -125 --separate-stderr cuddy unit install --application "$name" "$WORK/app"
		one_line_error 125 '^cuddy: unit install: --application'
	done
	while IFS='|' read -r text words; do
		printf -- "$text" >"$WORK/bad.quadlets"
		run -125 --separate-stderr cuddy unit install "$WORK/bad.quadlets"
		[[ "$stderr" == *"$WORK/bad.quadlets"*"$words"* ]] || fail "$stderr"
	done <<-'T'
		[Volume]\n---\n# FileName=b\n[Volume]\n|line 1: what begins here has no "# FileName=
		# FileName=a\n[Volume]\n---\n# FileName=b\n[Service]\n|line 4: b has none of the sections
		# FileName=../a\n[Volume]\n|line 1: FileName=../a: a name without slashes
		# FileName=.a\n[Volume]\n|its name begins with a dot
		# FileName=a\n[Volume]\n---\n# FileName=a.volume\n[Volume]\n|two files have the name a.volume
		---\n\n|there is nothing in it
	T
	printf '[Network]\n' >"$WORK/web/far.network"
	(cd "$WORK/web" && exec python3 -u -m http.server -b 127.0.0.1 0 >"$WORK/http" 2>&1 3>&-) &
	server=$!
	wait_until 20 grep -q 'port [0-9]' "$WORK/http"
	url=http://127.0.0.1:$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$WORK/http")
	run cuddy unit install "$url/far.network?x=1" "$WORK/app/web.env"
	far=$output
	run --separate-stderr cuddy unit install "$url/none.network"
	kill $server
	[ "$far" = "$(printf "$units/%s\n" web.env far.network)" ] || fail "$far"
	one_line_error 125 "$url/none.network: the server says 404"
	run -125 --separate-stderr cuddy unit rm shop
	one_line_error 125 'shop is an application; --recursive'
	[ -d "$units/shop" ]
	# By the name of one of its files, too; without --recursive that is one file.
	run -0 cuddy unit rm db.container
	[ -f "$units/shop/web.env" ]
	run -0 cuddy unit rm --recursive web.container
	[ "$output" = web.container ]
	[ ! -e "$units/shop" ]
	run -0 cuddy unit install --application shop "$WORK/app"
	run -0 cuddy unit rm --recursive shop data.volume
	[ "$(sort <<<"$output" | xargs)" = 'data.volume db.container web.container' ]
	run -0 cuddy unit install --application shop "$WORK/app"
	run -0 cuddy unit rm --recursive --all
	[ "$(ls -A "$units")" = web.env ]
	run -125 cuddy unit rm --recursive shop
	run -0 cuddy unit rm --recursive --ignore shop
}

# cost COMMAND...: COST is what it took of the processors, in ms
cost() {
	local TIMEFORMAT='%3U %3S'
	{ time "$@" 2>/dev/null; } 2>"$WORK/cost"
	COST=$(sed 's/\.//g' "$WORK/cost" | awk '{ print $1 + $2 }')
}

@test "called as a generator it takes a generator's words, and makes a hundred units" {
	for i in $(seq 100); do
		printf '[Container]\nImage=x\nEnvironment=A=1 B=2\nVolume=/a:/b\n' >"$units/c$i.container"
	done
	ln -s "$(readlink -f "$CUDDY")" "$WORK/cuddy-user-generator"
	mkdir "$WORK/out"
	run -0 "$WORK/cuddy-user-generator" "$WORK/out" "$WORK/out" "$WORK/out"
	[ "$(ls "$WORK/out" | wc -l)" -eq 101 ]
	run -0 "$WORK/cuddy-user-generator" -user -dryrun -no-kmsg-log -v
	[ "$(grep -c '^---c' <<<"$output")" -eq 100 ]
	run -0 "$WORK/cuddy-user-generator" -version
	# The manager waits for it at each start: it takes what cp of these files takes (1.3 times that where it was measured).
	copied=999999 made=999999
	for i in 1 2 3 4 5; do
		mkdir "$WORK/out$i" "$WORK/copy$i"
		cost cp "$units"/*.container "$WORK/copy$i"
		[ "$COST" -ge $copied ] || copied=$COST
		cost "$WORK/cuddy-user-generator" "$WORK/out$i" "$WORK/out$i" "$WORK/out$i"
		[ "$COST" -ge $made ] || made=$COST
	done
	[[ ${BUILD:-} == *san-* ]] || [ $made -le $((3 * copied)) ] || fail "$made ms of processor, cp takes $copied"
}

@test "a pod: its service, and those of its containers bound to it" {
	unit shop.pod <<-'U'
		[Pod]
		PodName=shop
		PublishPort=8080:80
		Network=back.network
		Volume=./html:/html
		Label=a=b
		[Install]
		WantedBy=default.target
	U
	printf '[Network]\n' | unit back.network
	printf '[Container]\nImage=x\nPod=shop.pod\n' | unit web.container
	printf '[Container]\nImage=x\nPod=shop.pod\nStartWithPod=no\n' | unit later.container
	me=$(readlink -f "$CUDDY")
	run -0 service shop-pod
	for l in "ExecStartPre=$me pod create --infra-conmon-pidfile=%t/%N.pid --pod-id-file=%t/%N.pod-id --replace --exit-policy=stop --label a=b --network systemd-back --publish 8080:80 --volume $units/html:/html --name shop" \
		"ExecStart=$me pod start --pod-id-file=%t/%N.pod-id" "ExecStop=$me pod stop --ignore --time=10 --pod-id-file=%t/%N.pod-id" \
		"ExecStopPost=$me pod rm --ignore --force --pod-id-file=%t/%N.pod-id" Type=forking PIDFile=%t/%N.pid \
		Wants=web.service Before=web.service Requires=back-network.service WantedBy=default.target; do
		grep -qxF -- "$l" <<<"$output" || { echo "no line $l in"; echo "$output"; false; }
	done
	! grep -q later <<<"$output" || fail "it was there"
	run -0 service web
	grep -qxF BindsTo=shop-pod.service <<<"$output"
	grep -qxF After=shop-pod.service <<<"$output"
	[[ "$(line web ExecStart)" == *' --pod-id-file %t/shop-pod.pod-id '* ]]
	# Without limits of its pod a container is in the cgroup of its service.
	[[ "$(line web ExecStart)" == *' --cgroups=split '* ]]
	printf '[Pod]\nPodmanArgs=--label b --cpus 0.5\n' | unit shop.pod
	[[ "$(line web ExecStart)" == *' --cgroups=no-conmon '* ]]
	printf '[Container]\nImage=x\nPod=shop.pod\nCgroupsMode=split\n' | unit later.container
	run cuddy unit generate --dry-run
	[[ "$output" == *'later.container:4: CgroupsMode=split: the limits of its pod would not hold it'* ]] || fail "$output"
	rm "$units/later.container"
	printf '[Container]\nImage=x\nPod=shop\n' | unit web.container
	run cuddy unit generate --dry-run
	[[ "$output" == *'must be the file of a pod'* ]]
}

@test "YAML: a service that plays it and ends with it" {
	echo 'kind: Pod' >"$units/shop.yaml"
	unit back.network <<<'[Network]'
	unit shop.kube <<-'U'
		[Kube]
		Yaml=shop.yaml
		Yaml=/srv/more.yaml
		ConfigMap=conf.yaml
		Network=back.network
		PublishPort=8080:80
		UserNS=keep-id
		AutoUpdate=registry web/local
		ExitCodePropagation=any
		KubeDownForce=true
		LogDriver=journald
		SetWorkingDirectory=yaml
		PodmanArgs=--quiet
		[Install]
		WantedBy=default.target
	U
	me=$(readlink -f "$CUDDY")
	run -0 service shop
	for l in "ExecStart=$me kube play --replace --service-container=true --service-exit-code-propagation any --annotation io.containers.autoupdate=registry --annotation io.containers.autoupdate/web=local --configmap $units/conf.yaml --log-driver journald --network systemd-back --publish 8080:80 --userns keep-id --quiet $units/shop.yaml /srv/more.yaml" \
		"ExecStopPost=$me kube down --force $units/shop.yaml /srv/more.yaml" Type=notify KillMode=mixed "WorkingDirectory=$units/" \
		Requires=back-network.service WantedBy=default.target; do
		grep -qxF -- "$l" <<<"$output" || { echo "no line $l in"; echo "$output"; false; }
	done
	while IFS='|' read -r lines words; do
		printf "[Kube]\n$lines\n" | unit bad.kube
		run cuddy unit generate --dry-run
		[[ "$output" == *"bad.kube"*"$words"* ]] || { echo "$output"; false; }
		grep -q -- '--replace --service-container' <<<"$output"
	done <<-'T'
		Network=none|needs Yaml=
		Yaml=a.yaml\nYamls=b|there is no key Yamls in [Kube]; did you mean Yaml?
		Yaml=a.yaml\nSetWorkingDirectory=home|use yaml or unit
		Yaml=a.yaml\nRemapUsers=manual|auto or keep-id
		Yaml=a.yaml\n[Service]\nType=simple|notify or oneshot
	T
}

@test "install and rm: of many at once each does what it was told, and nothing is left of their making" {
	local i pids=() bad=0
	for i in $(seq 12); do
		printf '[Container]\nImage=x\n' >"$WORK/c$i.container"
	done
	each() { # each COMMAND PREFIX: for all files at once
		pids=()
		for i in $(seq 12); do
			cuddy unit "$1" "$2$i.container" >/dev/null 2>>"$WORK/said" &
			pids+=($!)
		done
		for i in "${pids[@]}"; do
			wait "$i" || bad=1
		done
		[ $bad -eq 0 ] && [ ! -s "$WORK/said" ] || fail "$1: $(cat "$WORK/said")"
	}
	each install "$WORK/c"
	[ "$(ls -A "$units" | sort -V | xargs)" = "$(printf 'c%s.container ' $(seq 12) | xargs)" ]
	[ "$(ls "$XDG_CONFIG_HOME/systemd/user" | grep -c '^c[0-9]*.service$')" -eq 12 ]
	each rm c
	[ -z "$(ls -A "$units")" ]
	[ -z "$(ls "$XDG_CONFIG_HOME/systemd/user" | grep '^c[0-9]')" ]
}
