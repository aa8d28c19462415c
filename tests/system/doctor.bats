#!/usr/bin/env bats
# cuddy doctor: each thing that can be taken from a host without being its root is taken, and is told with what it
# breaks and what mends it. Whoever takes it is root of namespaces of the test's own; cuddy itself is our own id
# again, one level further in. With cgroup v2 and systemd: tests/vm.
load helpers

# host_with SCRIPT COMMAND...: as ourselves where root's SCRIPT has changed mounts and settings.
host_with() {
	local script=$1
	shift
	: >"$WORK/empty"
	WORK=$WORK unshare --user --map-root-user --mount --net sh -ec '
		mount --bind "$WORK/empty" /etc/subuid; mount --bind "$WORK/empty" /etc/subgid
		eval "$1"; u=$2 g=$3; shift 3
		exec unshare --user --map-user="$u" --map-group="$g" "$@"' - "$script" "$(id -u)" "$(id -g)" "$@"
}

# examine SCRIPT [OPTION...]: what doctor says there is in $WORK/report, its status in $status
examine() {
	local script=$1
	shift
	rm -f "$WORK/report"
	run host_with "$script" sh -c 'exec "$@" >"$WORK/report"' - "$CUDDY" "$@" doctor --json --contained="${contained:-false}"
}

# told CHECK STATUS FOUND BREAKS MEND: a line of the report, the last three as extended expressions
told() {
	jq -e --arg c "$1" --arg s "$2" --arg f "$3" --arg b "$4" --arg m "$5" \
		'[.checks[] | select(.check == $c and .status == $s and (.found | test($f)) and (.breaks | test($b)) and (.mend | test($m)))] | length > 0' \
		"$WORK/report" >/dev/null || { jq -c --arg c "$1" '.checks[] | select(.check == $c)' "$WORK/report"; return 1; }
}

hide() { printf 'for p in /usr/bin /usr/local/bin /bin; do [ ! -e $p/%s ] || mount --bind /dev/null $p/%s; done;' "$1" "$1"; }

@test "doctor: each check is told once with its state, nothing is made, the status says whether there are problems" {
	use_root "$WORK/none"
	export CUDDY_ROOT=$WORK/none/data CUDDY_RUNROOT=$WORK/none/run
	rm -rf "$WORK/none"
	run "$CUDDY" doctor --json
	printf '%s\n' "$output" >"$WORK/report"
	[ ! -e "$WORK/none" ]
	[ "$status" = "$(jq 'if .problems > 0 then 1 else 0 end' "$WORK/report")" ]
	[ "$(jq .problems "$WORK/report")" = "$(jq '[.checks[] | select(.status == "problem")] | length' "$WORK/report")" ]
	[ "$(jq .notes "$WORK/report")" = "$(jq '[.checks[] | select(.status == "note")] | length' "$WORK/report")" ]
	# Who is in trouble is told what mends it; who is not, is told neither.
	jq -e 'all(.checks[]; if .status == "ok" then .breaks == "" and .mend == "" else .breaks != "" and .mend != "" end)' "$WORK/report" >/dev/null
	for check in kernel pidfd seccomp programs user-namespaces proc id-helpers subordinate-ids overlay storage; do
		told $check ok . '^$' '^$'
	done
	expected=$status
	run "$CUDDY" doctor
	[ "$status" = "$expected" ]
	[[ "$output" == *"ok       user-namespaces: can be made"* ]]
	total=$(jq -r 'def n(w): "\(.) " + w + (if . == 1 then "" else "s" end); if .problems + .notes == 0 then "" else (.problems | n("problem")) + ", " + (.notes | n("note")) end' "$WORK/report")
	[[ "${lines[-1]}" == "${total:-ok }"* ]]
	run "$CUDDY" doctor -q --format '{{.Check}} {{.Status}}'
	[ "$status" = "$expected" ]
	[[ "$output" != *" ok"* ]]
	run -125 --separate-stderr "$CUDDY" doctor --json --format x
	one_line_error 125 'contradict'
}

@test "doctor: ids and user namespaces" {
	examine :
	[ "$status" -eq 1 ]
	told subordinate-ids problem 'no subordinate ids in /etc/subuid for user' 'other than root' "^usermod --add-subuids [0-9]+-[0-9]+ --add-subgids [0-9]+-[0-9]+ $(id -un)\$"
	name=$(id -un)
	printf '%s:200000:1000\n' "$name" >"$WORK/few"
	examine 'mount --bind "$WORK/few" /etc/subuid; mount --bind "$WORK/few" /etc/subgid'
	told subordinate-ids problem '^only 1000 uids and 1000 gids' 'nobody' '^usermod '
	printf '%s:200000:65536\nsomebody:265535:10\n' "$name" >"$WORK/shared"
	examine 'mount --bind "$WORK/shared" /etc/subuid; mount --bind "$WORK/shared" /etc/subgid'
	told subordinate-ids problem 'also those of somebody \(/etc/subuid line 2\)' 'each owns' 'other ranges'
	told id-helpers problem newuidmap 'every container' 'apt-get install --reinstall uidmap'
	printf '%s:1:x\n' "$name" >"$WORK/bad"
	examine 'mount --bind "$WORK/bad" /etc/subuid'
	told subordinate-ids problem '/etc/subuid line 1: not NAME:START:COUNT' 'every container' editor
	# One more namespace, for cuddy itself, and none for containers, where a kernel with Ubuntu's restriction says why.
	examine 'echo 1 >/proc/sys/user/max_user_namespaces; for d in user kernel; do mount -t tmpfs none /proc/sys/$d; done
		echo 15000 >/proc/sys/user/max_user_namespaces; echo 1 >/proc/sys/kernel/apparmor_restrict_unprivileged_userns'
	[ "$status" -eq 1 ]
	told user-namespaces problem '^AppArmor takes all rights' 'every container' '^sysctl -w kernel.apparmor_restrict_unprivileged_userns=0$'
	contained=true examine 'echo 1 >/proc/sys/user/max_user_namespaces; for d in user kernel; do mount -t tmpfs none /proc/sys/$d; done
		echo 15000 >/proc/sys/user/max_user_namespaces; echo 1 >/proc/sys/kernel/apparmor_restrict_unprivileged_userns'
	told user-namespaces problem '^AppArmor takes all rights' 'every container' 'apparmor=unconfined .* on the host, as root: sysctl -w kernel'
	# The limit of the namespace in which there are to be more.
	run unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@" >"$0"' "$WORK/report" "$CUDDY" doctor --json --contained=false
	[ "$status" -eq 1 ]
	told user-namespaces problem 'switched off' 'every container' '^sysctl -w user.max_user_namespaces=[0-9]+$'
}

@test "doctor: networks" {
	examine 'mount -t tmpfs none /dev/net; sysctl -qw net.ipv4.ip_unprivileged_port_start=1024'
	told slirp4netns problem '/dev/net/tun is missing' 'network of their own' '^modprobe tun;.*mknod -m 0666 /dev/net/tun c 10 200; }$'
	told low-ports note 'below 1024' 'publish 80' 'ip_unprivileged_port_start=80'
	told ping note 'may not send echo' 'ping' 'ping_group_range=0 2147483647'
	: >"$WORK/closed"
	chmod 0 "$WORK/closed"
	examine 'mount --bind "$WORK/closed" /dev/net/tun; sysctl -qw net.ipv4.ip_unprivileged_port_start=80 "net.ipv4.ping_group_range=0 0"'
	told slirp4netns problem 'Permission denied' . '^chmod 0666 /dev/net/tun$'
	told low-ports ok 'from 80' '^$' '^$'
	examine "$(hide pasta)"
	told pasta note 'pasta is not installed' 'network pasta' '^apt-get install passt$'
	examine "$(hide slirp4netns) $(hide pasta)"
	told slirp4netns problem 'neither slirp4netns nor pasta' . '^apt-get install slirp4netns$'
	lib=$(ldconfig -p 2>/dev/null | sed -n 's/.*libnftables.so.1 .*=> //p' | head -n 1)
	[ -z "$lib" ] || {
		examine "mount --bind /dev/null '$lib'"
		told nftables problem 'libnftables.so.1 cannot be loaded' 'no way out' '^apt-get install libnftables1'
	}
}

@test "doctor: where the store is" {
	mkdir "$WORK/fs"
	there() { examine "mount -t $1 none '$WORK/fs'; mkdir '$WORK/fs/d'; chmod 0700 '$WORK/fs/d'; $2" --root "$WORK/fs/d/store"; }
	there 'tmpfs -o size=100m,nr_inodes=1000' :
	told disk-space problem '^only .* free in' 'pulling' 'system prune'
	told inodes problem '^only [0-9]+ files' . .
	there 'tmpfs -o noexec' :
	told storage problem 'noexec' 'programs in volumes' 'remount,exec'
	there 'tmpfs' "mount -o remount,bind,ro '$WORK/fs'"
	told storage problem 'read-only' 'every container' 'remount,rw'
	there ramfs "$(hide fuse-overlayfs)"
	told overlay note 'no user.* extended attributes' 'slower' 'local ext4'
	told fuse-overlayfs problem 'not installed' 'a copy of its whole image' '^apt-get install fuse-overlayfs$'
	examine : --root /
	told storage problem 'the store cannot be /' . .
	XDG_RUNTIME_DIR= CUDDY_RUNROOT= examine :
	told runtime-directory note 'XDG_RUNTIME_DIR is not set, so it is /tmp/cuddy-' 'forget' 'enable-linger .*XDG_RUNTIME_DIR=/run/user/'
}

@test "doctor: the kernel and our own programs" {
	run setarch --uname-2.6 "$CUDDY" doctor --json --contained=no # what the kernel calls itself for old programs
	printf '%s\n' "$output" >"$WORK/report"
	told kernel problem '^Linux 2\.6\.[0-9].* is older than 5.11' 'most of cuddy' '^apt-get install linux-image-amd64'
	mkdir "$WORK/bin"
	cp "$CUDDY" "$CUDDY-conmon" "$WORK/bin/"
	run "$WORK/bin/cuddy" doctor --json
	[ "$status" -eq 1 ]
	printf '%s\n' "$output" >"$WORK/report"
	told programs problem cuddy-transfer 'images' '^install cuddy again$'
	told programs problem cuddy-net . .
	jq -e '[.checks[] | select(.check == "programs")] | length == 2' "$WORK/report"
}

@test "doctor: files that are refused, and what is used up" {
	printf 'unqualified-search-registries = [\n' >"$WORK/registries.conf"
	printf '[containers]\npids_limit = "many"\n' >"$WORK/containers.conf"
	mkdir -p "$WORK/home/.config/containers"
	printf '{"default": [{"type": "whatever"}]}\n' >"$WORK/home/.config/containers/policy.json"
	printf '[storage.options]\nadditionalimagestores = "x\n' >"$WORK/home/.config/containers/storage.conf"
	printf ' %s: 4 4/4 19/200 200/20000\n %s: 4 4/4 190/200 200/20000\n' 0 "$(id -u)" >"$WORK/keys"
	CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf CONTAINERS_CONF=$WORK/containers.conf HOME=$WORK/home examine \
		'echo 0 >/proc/sys/user/max_inotify_instances; mount --bind "$WORK/keys" /proc/key-users'
	[ "$status" -eq 1 ]
	told registries.conf problem "$WORK/registries.conf" pull editor
	told containers.conf problem "$WORK/containers.conf" run editor
	told policy.json problem 'policy.json' pull editor
	told storage.conf problem 'storage.conf' image editor
	told keyrings note '^190 of 200' 'keyring' '^sysctl -w kernel.keys.maxkeys=2000$'
	told inotify problem 'no more files' 'logs -f' '^sysctl -w fs.inotify'
	printf '{"default": [{"type": "reject"}], "transports": {"docker": {"x.example": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k.gpg"}]}}}\n' \
		>"$WORK/home/.config/containers/policy.json"
	printf '{"auths": [' >"$WORK/auth.json" # beside a registries.conf that is whole: that one is read first, for its helpers
	: >"$WORK/registries.conf"
	printf '[containers]\npids_limit = 100\nlabel = true\n[engine]\nevents_logger = "none"\n' >"$WORK/containers.conf"
	CONTAINERS_CONF=$WORK/containers.conf CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf HOME=$WORK/home REGISTRY_AUTH_FILE=$WORK/auth.json examine "$(hide gpgv)"
	told auth.json problem "$WORK/auth.json" login editor
	told gpgv problem 'gpgv' 'signatures' '^apt-get install gpgv$'
	told 'ignored settings' note "^$WORK/containers.conf: .containers. label: " 'counts on' podman
	told 'ignored settings' note "^$WORK/containers.conf: .engine. events_logger: " 'counts on' podman
}

@test "doctor: cgroups of v1" {
	[ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] || skip "this host has cgroup v2; tests/vm looks at that"
	examine :
	told cgroup problem 'v1 or hybrid' 'limits .--memory' 'systemd.unified_cgroup_hierarchy=1'
}
