#!/usr/bin/env bats
# What scripts name: the fields of --format, by verb, as podman and docker have them; and docker's own forms.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }
setup() { test_begin; }

# has_fields COMMAND... -- FIELD... - one template that names all; what is missing is named by the error
has_fields() {
	local cmd=() t=
	while [ "$1" != -- ]; do cmd+=("$1"); shift; done
	shift
	for f in "$@"; do t+="{{.$f}}|"; done
	run -0 cuddy "${cmd[@]}" --format "$t"
}

# shape FILTER - of the JSON on standard input: keys and their types, "a:string b:array", in the order of the alphabet
shape() { jq -r "$1"' | to_entries | sort_by(.key) | map(.key + ":" + (.value | type)) | join(" ")'; }

@test "--format: every field that scripts name is there, in ps, inspect, events, volumes, secrets, images" {
	mkdir "$WORK/d"
	echo s >"$WORK/s"
	cuddy secret create s "$WORK/s" >/dev/null
	cuddy run -d --name web -l a=b --cidfile "$WORK/cid" -v "$WORK/d:/d" -v vol:/e --tmpfs /t -p 127.0.0.1:0:80 --expose 81 --health-cmd true \
		--restart on-failure:3 --ulimit nofile=512:1024 --ulimit core=-1 --device /dev/zero:/dev/nought --secret s --tz UTC --umask 027 \
		--network slirp4netns "$IMAGE" sleep 1000 >/dev/null
	cuddy wait --condition healthy web
	has_fields ps -- ID Image Command CreatedAt RunningFor Ports State Status Size Names Labels 'Label "a"' Mounts Networks AutoRemove CIDFile \
		Created CreatedHuman ExitCode Exited ExitedAt ExposedPorts ImageID IsInfra Pid Pod PodName Restarts StartedAt Cgroup IPC MNT NET PIDNS \
		USERNS User UTS Namespaces HealthStatus LocalVolumes Platform
	run -0 cuddy ps --format '{{.CIDFile}} {{.HealthStatus}} {{.LocalVolumes}} {{.Platform}} {{.ExposedPorts}} {{.Label "a"}}'
	[ "$output" = "$WORK/cid healthy 1 linux 81/tcp b" ]
	state=(Status Running Paused Restarting OOMKilled Dead Pid ExitCode Error StartedAt FinishedAt OciVersion ConmonPid CgroupPath CheckpointedAt
		RestoredAt StoppedByUser Health.Status Health.FailingStreak Health.Log Healthcheck.Status)
	config=(Hostname Domainname User AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce Env Cmd Image Volumes WorkingDir Entrypoint
		OnBuild Labels StopSignal StopTimeout ExposedPorts Healthcheck.Test Healthcheck.Interval Healthcheck.Timeout Healthcheck.Retries
		Annotations CreateCommand HealthcheckOnFailureAction Timezone SystemdMode Umask Secrets Timeout Passwd sdNotifyMode)
	host=(Binds ContainerIDFile LogConfig.Type LogConfig.Path NetworkMode PortBindings RestartPolicy.Name RestartPolicy.MaximumRetryCount AutoRemove
		VolumeDriver VolumesFrom CapAdd CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd IpcMode Cgroup Cgroups Links OomScoreAdj PidMode
		Privileged PublishAllPorts ReadonlyRootfs SecurityOpt Tmpfs UTSMode UsernsMode ShmSize Runtime ConsoleSize Isolation CpuShares Memory
		NanoCpus CgroupParent BlkioWeight BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps
		CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime CpusetCpus CpusetMems Devices DiskQuota KernelMemory MemoryReservation
		MemorySwap MemorySwappiness OomKillDisable Init PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth)
	net=(Bridge SandboxID SandboxKey HairpinMode LinkLocalIPv6Address LinkLocalIPv6PrefixLen Ports EndpointID Gateway IPAddress IPPrefixLen
		IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen MacAddress Networks)
	has_fields inspect web -- Id Created Path Args Image ImageName ImageDigest Rootfs Pod ResolvConfPath HostnamePath HostsPath StaticDir OCIConfigPath \
		OCIRuntime ConmonPidFile PidFile LogPath Name RestartCount Driver MountLabel ProcessLabel AppArmorProfile EffectiveCaps BoundingCaps \
		ExecIDs GraphDriver.Name GraphDriver.Data Mounts Dependencies Namespace IsInfra IsService "${state[@]/#/State.}" \
		"${config[@]/#/Config.}" "${host[@]/#/HostConfig.}" "${net[@]/#/NetworkSettings.}"
	[ "$(cuddy inspect --format '{{json .HostConfig.Ulimits}} {{json .HostConfig.Devices}}' web)" = \
		'[{"Name":"RLIMIT_NOFILE","Soft":512,"Hard":1024},{"Name":"RLIMIT_CORE","Soft":-1,"Hard":-1}] [{"PathOnHost":"/dev/zero","PathInContainer":"/dev/nought","CgroupPermissions":"rwm"}]' ] ||
		[ "$(cuddy inspect --format '{{json .HostConfig.Devices}}' web)" = '[{"PathOnHost":"/dev/zero","PathInContainer":"/dev/nought","CgroupPermissions":""}]' ]
	[ "$(cuddy inspect --format '{{.HostConfig.ContainerIDFile}} {{.Config.Timezone}} {{.Config.Umask}} {{.Config.Passwd}}' web)" = "$WORK/cid UTC 027 true" ]
	[ "$(cuddy inspect --format '{{(index .Mounts 0).Type}} {{(index .Mounts 0).Destination}} {{(index .Mounts 1).Name}} {{(index .Mounts 1).Driver}}' web)" = "bind /d vol local" ]
	[ -e "$(cuddy inspect --format '{{.LogPath}}' web)" ]
	[ "$(cuddy inspect --format '{{.ImageDigest}}' web)" = "$(cuddy image inspect --format '{{.Digest}}' "$IMAGE")" ] # no registry's
	# Instants and maps are Go's: methods, and a key that is not there is no error.
	[ "$(cuddy inspect --format '{{.Created.Unix}} {{.State.FinishedAt.IsZero}} {{.Config.Labels.none}}' web)" = "$(date -d "$(cuddy inspect web | jq -r '.[0].Created')" +%s) true <no value>" ]
	[ "$(cuddy inspect --format '{{.Created}}' web)" = "$(cuddy inspect --format '{{.Created.Format "2006-01-02 15:04:05.999999999 -0700 MST"}}' web)" ]
	has_fields inspect --size web -- SizeRw SizeRootFs LockNumber KubeExitCodePropagation Config.StartupHealthCheck \
		Config.HealthMaxLogCount Config.HealthMaxLogSize Config.HealthLogDestination Config.ChrootDirs State.Checkpointed State.Restored \
		HostConfig.AutoRemoveImage HostConfig.Annotations HostConfig.HostsFile HostConfig.IDMappings HostConfig.IDMappings.UidMap Platform
	# Names that only templates know are not in the JSON.
	[ "$(cuddy inspect web | jq -c '.[0] | [has("LockNumber"), .lockNumber, has("Platform"), (.Config | has("HealthMaxLogCount"), .HealthcheckMaxLogCount, has("ChrootDirs")), (.HostConfig | has("IDMappings"))]')" = '[false,0,false,false,5,false,false]' ]
	cuddy create --name maps --uidmap 0:1:1000 --gidmap 0:1:2000 --annotation a=b "$IMAGE" true >/dev/null
	[ "$(cuddy inspect --format '{{.HostConfig.IDMappings.UidMap}} {{.HostConfig.IDMappings.GidMap}} {{.HostConfig.Annotations.a}} {{.Config.Timezone}}|{{.Config.Secrets}}' maps)" = "[0:1:1000] [0:1:2000] b |[]" ]
	cuddy rm maps >/dev/null
	has_fields events --stream=false -- Time.Unix ContainerInspectData ID Image Name Status Type Time TimeNano Attributes ContainerExitCode HealthStatus Network PodID Error OOMKilled \
		Action Actor.ID Actor.Attributes Scope
	has_fields volume ls -- Name Driver Mountpoint Labels Scope CreatedAt Options Status Anonymous GID UID MountCount NeedsChown NeedsCopyUp StorageID \
		LockNumber Timeout 'Label "a"' Links Size
	has_fields volume inspect vol -- Name Driver Mountpoint Labels Scope CreatedAt Options Status Anonymous GID UID MountCount NeedsChown NeedsCopyUp
	has_fields secret ls -- ID Name CreatedAt UpdatedAt Driver Labels
	has_fields secret inspect s -- SecretData CreatedAt.Unix ID Spec.Name Spec.Driver.Name Spec.Labels CreatedAt UpdatedAt
	has_fields images -- ID Id Repository Tag Digest CreatedSince CreatedAt Size Containers Created CreatedTime Dangling History IsDangling IsReadOnly \
		ReadOnly Labels Names ParentId RepoDigests RepoTags SharedSize VirtualSize UniqueSize
	has_fields history "$IMAGE" -- ID CreatedAt CreatedSince CreatedBy Size Comment Created Tags
	has_fields image inspect "$IMAGE" -- Created.Unix HealthCheck Id Digest RepoTags RepoDigests Comment Created Config.Env Config.Cmd Author Architecture Os Size VirtualSize \
		Manifests Variant OsVersion GraphDriver.Name RootFS.Type RootFS.Layers Parent Version Labels Annotations ManifestType User History NamesHistory
	has_fields system df -- Type Size Reclaimable Active Total RawSize RawReclaimable TotalCount
	has_fields ps -a -- Created.Unix
	has_fields network ls -- Created DNSEnabled Driver ID Internal IPAMOptions IPv6Enabled Labels Name NetworkDNSServers NetworkInterface Options Routes Subnets \
		Scope IPv6 CreatedAt
	cuddy network create n >/dev/null
	has_fields network inspect n -- Created.Unix Containers DNSEnabled Driver ID Internal IPAMOptions IPv6Enabled Labels.none Name NetworkDNSServers \
		NetworkInterface Options Routes Subnets IPAM.Driver EnableIPv6 Scope ConfigFrom.Network
	[[ "$(cuddy network inspect --format '{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}' n)" =~ ^10\.[0-9.]+/24\ 10\.[0-9.]+\.1$ ]]
	cuddy network rm n >/dev/null
	cuddy pod create --name p --network none >/dev/null
	has_fields pod ps -- Cgroup ContainerIds ContainerNames ContainerStatuses Created ID InfraID 'Label "a"' Labels Name Networks NumberOfContainers Restarts Status Namespace
	has_fields pod inspect p -- BlkioDeviceReadBps BlkioDeviceWriteBps BlkioWeight BlkioWeightDevice CgroupParent CgroupPath Containers CPUPeriod CPUQuota CPUSetCPUs \
		CPUSetMems CPUShares CreateCgroup CreateCommand Created.Unix CreateInfra Devices ExitPolicy Hostname ID InfraConfig.HostNetwork InfraContainerID \
		Labels.none LockNumber MemoryLimit MemorySwap Mounts Name Namespace NumContainers RestartPolicy SecurityOpts SharedNamespaces State VolumesFrom
	cuddy pod rm p >/dev/null
	machine=(Arch BuildahVersion CgroupManager CgroupsVersion CgroupControllers Conmon.Package Conmon.Path Conmon.Version CPUs CPUUtilization.UserPercent
		CPUUtilization.SystemPercent CPUUtilization.IdlePercent DatabaseBackend Distribution.Distribution Distribution.Variant Distribution.Version
		Distribution.Codename EventLogger Hostname IDMappings.GIDMap IDMappings.UIDMap Kernel LogDriver MemFree MemTotal NetworkBackend
		NetworkBackendInfo.Backend NetworkBackendInfo.Version NetworkBackendInfo.Path NetworkBackendInfo.DNS OCIRuntime.Name OCIRuntime.Package
		OCIRuntime.Path OCIRuntime.Version OS RemoteSocket.Path RemoteSocket.Exists RootlessNetworkCmd ServiceIsRemote Security.AppArmorEnabled
		Security.DefaultCapabilities Security.Rootless Security.SECCOMPEnabled Security.SECCOMPProfilePath Security.SELinuxEnabled
		Slirp4NetNS.Executable Slirp4NetNS.Package Slirp4NetNS.Version Pasta.Executable Pasta.Package Pasta.Version SwapFree SwapTotal Uptime Linkmode Variant
		FreeLocks RuntimeInfo EmulatedArchitectures)
	store=(ConfigFile ContainerStore.Number ContainerStore.Paused ContainerStore.Running ContainerStore.Stopped GraphDriverName GraphOptions GraphRoot
		GraphRootAllocated GraphRootUsed GraphStatus ImageCopyTmpDir ImageStore.Number RunRoot VolumePath TransientStore)
	version=(APIVersion Version GoVersion GitCommit BuiltTime Built BuildOrigin OsArch)
	has_fields info -- "${machine[@]/#/Host.}" "${store[@]/#/Store.}" "${version[@]/#/Version.}" Plugins.Volume Plugins.Network Plugins.Log Plugins.Authorization Registries
	[[ "$(cuddy info --format '{{.Host.FreeLocks}} {{.Plugins.Authorization}}')" =~ ^[1-9][0-9]*\ \[\]$ ]]
	[[ "$(cuddy info --format '{{.Host.Slirp4NetNS.Version}}')" == "slirp4netns version"* ]]
	has_fields version -- "${version[@]/#/Client.}" "${version[@]/#/Server.}"
	# The whole of what programs decode, with the types they decode it to.
	[ "$(cuddy ps --format json | shape '.[0]')" = "AutoRemove:boolean CIDFile:string Command:array Created:number CreatedAt:string ExitCode:number Exited:boolean $(
		)ExitedAt:number ExposedPorts:object Id:string Image:string ImageID:string IsInfra:boolean Labels:object Mounts:array Names:array Namespaces:object $(
		)Networks:array Pid:number Pod:string PodName:string Ports:array Restarts:number Size:null StartedAt:number State:string Status:string" ]
	[ "$(cuddy ps --format json | jq -c '.[0].ExposedPorts')" = '{"81":["tcp"]}' ]
	[ "$(cuddy ps --format json | shape '.[0].Ports[0]')" = "container_port:number host_ip:string host_port:number protocol:string range:number" ]
	[ "$(cuddy ps --size --format json | shape '.[0].Size')" = "rootFsSize:number rwSize:number" ]
	[ "$(cuddy ps --ns --format json | shape '.[0].Namespaces')" = "Cgroup:string Ipc:string Mnt:string Net:string Pidns:string User:string Uts:string" ]
	[ "$(cuddy ps --format '{{.Namespaces.PIDNS}} {{.Namespaces.NET}}')" = "$(cuddy ps --ns --format json | jq -r '.[0].Namespaces | .Pidns + " " + .Net')" ]
	[ "$(cuddy inspect --size web | shape '.[0]')" = "AppArmorProfile:string Args:array BoundingCaps:array Config:object ConmonPidFile:string Created:string $(
		)Dependencies:array Driver:string EffectiveCaps:array ExecIDs:array GraphDriver:object HostConfig:object HostnamePath:string HostsPath:string $(
		)Id:string Image:string ImageDigest:string ImageName:string IsInfra:boolean IsService:boolean KubeExitCodePropagation:string LogPath:string $(
		)MountLabel:string Mounts:array Name:string Namespace:string NetworkSettings:object OCIConfigPath:string OCIRuntime:string Path:string $(
		)PidFile:string Pod:string ProcessLabel:string ResolvConfPath:string RestartCount:number Rootfs:string SizeRootFs:number SizeRw:number $(
		)State:object StaticDir:string UseImageHostname:boolean UseImageHosts:boolean lockNumber:number" ]
	[ "$(cuddy inspect web | shape '.[0].State')" = "CgroupPath:string CheckpointedAt:string ConmonPid:number Dead:boolean Error:string ExitCode:number $(
		)ExitReason:string FinishedAt:string Health:object Healthcheck:object OOMKilled:boolean OciVersion:string Paused:boolean Pid:number $(
		)Restarting:boolean RestoredAt:string Running:boolean StartedAt:string Status:string StoppedByUser:boolean" ]
	[ "$(cuddy inspect web | shape '.[0].State.Health.Log[0]')" = "End:string ExitCode:number Output:string Start:string" ]
	[ "$(cuddy inspect web | shape '.[0].Mounts[] | select(.Type == "volume")')" = \
		"Destination:string Driver:string Mode:string Name:string Options:array Propagation:string RW:boolean Source:string Type:string" ]
	[ "$(cuddy volume inspect vol | shape '.[0]')" = "Anonymous:boolean CreatedAt:string Driver:string GID:number Labels:object LockNumber:number $(
		)MountCount:number Mountpoint:string Name:string NeedsChown:boolean NeedsCopyUp:boolean Options:object Scope:string Status:object StorageID:string $(
		)Timeout:number UID:number" ]
	[ "$(cuddy secret inspect --showsecret s | shape '.[0]')" = "CreatedAt:string ID:string SecretData:string Spec:object UpdatedAt:string" ]
	[ "$(cuddy secret inspect s | shape '.[0].Spec')" = "Driver:object Labels:object Name:string" ]
	[ "$(cuddy events --stream=false --filter event=start --format json | shape .)" = \
		"Attributes:object ID:string Image:string Name:string Status:string Time:string Type:string time:number timeNano:number" ]
	run --separate-stderr cuddy ps --format '{{.Nonsense}}'
	one_line_error 125 'no field .Nonsense'
	cuddy rm -f -t 0 web >/dev/null
}

@test "called as docker: its nouns, words and forms are taken, or refused with the reason" {
	mkdir "$WORK/bin"
	ln -s "$CUDDY" "$WORK/bin/docker"
	d="$WORK/bin/docker"
	printf '[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "mirror.example.org"\n' >"$WORK/registries.conf"
	[ "$(CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf CDI_SPEC_DIRS=/cdi "$d" info --format '{{.RegistryConfig.Mirrors}} {{(index .RegistryConfig.IndexConfigs "docker.io").Mirrors}} {{.CDISpecDirs}}')" = '[mirror.example.org] [mirror.example.org] [/cdi]' ]
	[ "$("$d" version --format '{{.Client.Platform.Name}}')" = cuddy ]
	"$d" run -d --name web --label a=b --label c=d,e "$IMAGE" sleep 1000 >/dev/null
	[ "$("$d" ps --format '{{.Label "c"}}/{{.Labels}}')" = 'd,e/a=b,c=d,e' ]
	n=0
	while IFS='|' read -r words want; do
		# shellcheck disable=SC2086
		run "$d" $words
		[ "$status" = 0 ] && grep -qE -- "${want:-.*}" <<<"${output:- }" || fail "docker $words: $status $output"
		n=$((n + 1))
	done <<-'EOF'
		container ls -q|^[0-9a-f]{12}$
		container list --format {{.Names}}|^web$
		container ps -a --format json|"Names":"web"
		ps --format json|"Labels":"a=b,c=d,e"
		image ls --format {{.Repository}}:{{.Tag}}|^localhost/busybox:latest$
		image list -q|^[0-9a-f]{12}$
		system info --format {{.ServerVersion}}|^[0-9]+\.[0-9]+
		info --format {{.Swarm.LocalNodeState}}|inactive
		version --format {{.Server.Version}}|^[0-9]+\.[0-9]+
		--version|^Docker version
		system events --since 1h --until 0s --format {{.Type}}/{{.Action}}|^container/start$
		system df|Images
		volume create --label a=b dvol|^dvol$
		volume inspect -f {{.Labels.a}} dvol|^b$
		volume ls -q --filter label=a|^dvol$
		volume ls --format json|"Labels":"a=b"
		volume rm dvol|^dvol$
		rename web other|
		container rename other web|
		inspect --type container -f {{.Name}} web|web
		inspect --type=image -f {{.Os}} localhost/busybox|^linux$
		inspect -s -f {{.SizeRw}} web|^[0-9]+$
		container inspect -f {{.State.Status}} web|^running$
		container top web|sleep
		container port web|
		container logs --details web|
		container diff web|
		container exec web echo in|^in$
		container kill -s URG web|
		container update --restart no web|^web$
		container stats --help|Usage
		container attach --help|Usage
		container commit -a me -m words web snap:1|^(sha256:)?[0-9a-f]{64}$
		image history -q snap:1|[0-9a-f]{12}
		image inspect -f {{.Author}}/{{.Comment}} snap:1|me/words
		image tag snap:1 snap:2|
		image rm snap:1 snap:2|Untagged
		network ls --format {{.Name}}|
		run --rm --network bridge --pull never localhost/busybox true|
		run --rm --network default --disable-content-trust --isolation default localhost/busybox true|
		run --rm --mount source=x1,target=/x --security-opt no-new-privileges:true localhost/busybox grep NoNewPrivs:.1 /proc/self/status|
		run --rm --add-host a=1.2.3.4 --network none localhost/busybox cat /etc/hosts|^1.2.3.4.a$
		run --rm --ipc shareable --userns host --network none localhost/busybox true|
		run --rm --health-cmd=true --health-interval=5m30s --network none localhost/busybox true|
		-c default ps -q|^[0-9a-f]{12}$
		-l debug container ls -q|^[0-9a-f]{12}$
		stop -s KILL --timeout 1 web|^web$
		start web|^web$
		restart --timeout 0 web|^web$
		container stop -t 0 web|^web$
		container wait web|^137$
		container prune -f|[0-9a-f]{12}
		volume prune -f -a|
		system prune -f|
	EOF
	[ "$n" = 54 ]
	[ "$("$d" info --format '{{.Runtimes.nvidia}} {{.DefaultRuntime}} {{.ClientInfo.Context}} {{.PidsLimit}} {{len .Warnings}}' | sed 's/ [0-9]*$//')" = \
		"<no value> cuddy default $("$CUDDY" info --format '{{json .Host.CgroupControllers}}' | jq 'index("pids") != null')" ]
	"$d" info --format '{{.ID}}{{.DriverStatus}}{{.MemoryLimit}}{{.SwapLimit}}{{.CPUCfsPeriod}}{{.CPUShares}}{{.CPUSet}}{{.IPv4Forwarding}}{{.Debug}}{{.NFd}}{{.SystemTime}}
		{{.OSVersion}}{{.IndexServerAddress}}{{.HttpProxy}}{{.NoProxy}}{{.Labels}}{{.LiveRestoreEnabled}}{{.InitBinary}}{{.RuncCommit.ID}}{{.GenericResources}}' >/dev/null
	[ "$("$d" info --format '{{.DefaultAddressPools}} {{.DiscoveredDevices}} {{.ServerErrors}} {{.Plugins.Volume}} {{.Plugins.Authorization}}')" = '[] [] [] [local] []' ]
	"$d" version --format '{{.Client.APIVersion}}{{.Client.ApiVersion}}{{.Client.Context}}{{.Server.Platform.Name}}{{.Server.MinAPIVersion}}{{.Server.Experimental}}{{range .Server.Components}}{{.Name}}{{end}}' >/dev/null
	[[ "$("$d" inspect --format '{{.Created}}' "$("$d" create "$IMAGE")")" == *T*Z ]] # text there, and no instant
	while IFS='|' read -r words want; do
		# shellcheck disable=SC2086
		run --separate-stderr "$d" $words
		[ "$status" = 125 ] && grep -qE -- "$want" <<<"$stderr" || fail "docker $words: $status $stderr"
	done <<-EOF
		run --link web $IMAGE true|network create
		run --gpus all $IMAGE true|no CDI specification
		run --storage-opt size=1g $IMAGE true|only root
		run --volume-driver nfs $IMAGE true|no plugins
		-H tcp://1.2.3.4:2375 ps|no server
		swarm init|unknown command
		container checkpoint web|needs root|without root
	EOF
}
