#!/usr/bin/env bats
# cuddy as an OCI runtime, called by an ordinary user: the command line of runc and crun, runtime-spec 1.2.
load helpers
load bundle

setup() {
	WORK=$BATS_TEST_TMPDIR
	use_root "$WORK"
}
teardown() {
	drop_bundles
	test_end
}

@test "create, state, start, kill, delete: each state is told, and what it does not allow is refused" {
	bundle b sh -c 'id -u; echo "$A" >/out; exec sleep 1000'
	config b '.process.env += ["A=from config"] | .annotations = {"org.x": "y"}'
	quiet rt create --bundle "$WORK/b" --pid-file "$WORK/pid" one
	run -0 rt state one
	[ "$(jq -r '.status, .id, .bundle, .ociVersion, .annotations["org.x"]' <<<"$output" | paste -sd' ')" = "created one $WORK/b 1.2.0 y" ]
	[ "$(jq .pid <<<"$output")" = "$(cat "$WORK/pid")" ]
	[ ! -e "$WORK/b/rootfs/out" ]
	run -1 rt create --bundle "$WORK/b" one
	[[ "$output" == *"already exists"* ]]
	run -1 rt exec one true
	run -1 rt delete one
	run -0 rt start one
	wait_until 20 test -s "$WORK/b/rootfs/out"
	[ "$(cat "$WORK/b/rootfs/out")" = "from config" ]
	state_is one running
	run -1 rt start one
	run -1 rt delete one
	[[ "$output" == *"not stopped: running"* ]]
	[ "$(rt list --format json | jq -r '.[].id')" = one ]
	run -0 rt kill one KILL
	wait_until 20 state_is one stopped
	[ "$(rt state one | jq .pid)" = 0 ]
	run -1 rt kill one TERM
	run -0 rt delete one
	run -1 rt state one
	[[ "$output" == *'`one` does not exist'* ]]
	run -0 rt delete --force one
	nothing_of_ours
}

@test "create reports what cannot be run, with the words that engines look for, in the log too; nothing stays" {
	bundle b /bin/nosuch
	run -127 rt --log "$WORK/log" --log-format json create --bundle "$WORK/b" x
	[[ "$output" == *"executable file not found"* ]]
	jq -e '.level == "error" and (.msg | contains("executable file not found"))' "$WORK/log"
	bundle b nosuch
	run -127 rt run --bundle "$WORK/b" x
	bundle b /etc/passwd
	run -126 rt create --bundle "$WORK/b" x
	[[ "$output" == *"ermission denied"* ]]
	bundle b true
	for bad in '.ociVersion = "2.0"' '.process.cwd = "here"' '.process.args = []' 'del(.root)' '.linux.namespaces[0].type = "x"' \
		'.mounts[0].type = "ext4"' '.mounts += [{"destination": "/x", "type": "bind", "source": "/tmp", "options": ["idmap"]}]' \
		'.linux.uidMappings[0].hostID = 0' '.linux.seccomp = {"defaultAction": "SCMP_ACT_WHAT"}' '.hooks = {"prestart": [{"path": "rel"}]}' \
		'.linux.sysctl = {"kernel.panic": "1"}' '.process.rlimits[0].type = "RLIMIT_X"' '.root.path = "/"' '.process.terminal = true' \
		'.linux.intelRdt = {}' '.process.user.uid = "0"' '.mounts[0].destination = "/"'; do
		bundle b true
		config b "$bad"
		run -1 rt create --bundle "$WORK/b" x
		[ "${#lines[@]}" = 1 ] || fail "$bad: $output"
		nothing_of_ours || fail "$bad left something"
	done
	run -1 rt create --bundle "$WORK/b" ../x
	run -1 rt create --bundle "$WORK/nosuch" x
}

@test "the plan is what the config says, read from inside: ids, capabilities, limits, mounts, names, filter" {
	bundle b sh -c 'id; grep -E "^(Cap(Prm|Eff|Bnd|Amb|Inh)|NoNewPrivs|Seccomp):" /proc/self/status; ulimit -n; ulimit -Hn; umask; pwd
		hostname; cat /proc/sys/kernel/domainname /proc/sys/kernel/shmmax; mount | grep -E " /(x|y|proc) "; cat /x/f; touch /y/f /proc/sys/kernel/shmmax 2>&1; wc -c </proc/keys; ls /newdir; mkdir /z'
	mkdir "$WORK/b/src" "$WORK/b/rootfs/deep"
	echo bound >"$WORK/b/src/f"
	config b '.process.user = {"uid": 0, "gid": 0, "umask": 63} | .process.cwd = "/newdir" | .hostname = "h1" | .domainname = "d1"
		| .process.capabilities = {"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_OF_TOMORROW"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL", "CAP_CHOWN"], "inheritable": [], "ambient": ["CAP_CHOWN"]}
		| .process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}] | .process.noNewPrivileges = true
		| .mounts += [{"destination": "/x", "type": "bind", "source": "src", "options": ["rbind", "ro", "noexec"]}, {"destination": "/y", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "mode=0700", "nosuid"]}]
		| .linux.sysctl = {"kernel.shmmax": "1234567"} | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}'
	ln -s busybox "$WORK/b/rootfs/bin/mkdir"
	run rt run --bundle "$WORK/b" two
	echo "$output"
	[ "$status" = 1 ]
	[[ "${lines[0]}" == *CAP_OF_TOMORROW* && "${lines[1]}" == "uid=0(root) gid=0"* ]]
	for want in 'NoNewPrivs:.1' 'Seccomp:.2' 'CapInh:.0*' 'CapPrm:.0*21' 'CapEff:.0*21' 'CapBnd:.0*2021' 'CapAmb:.0*' 100 200 0077 /newdir h1 d1 1234567 bound 0 \
		'.* on /x .*\(ro,.*noexec.*' 'tmpfs on /y .*nosuid.*size=64k.*' ".*/proc/sys/kernel/shmmax: Read-only file system" "mkdir: .*not supported"; do
		grep -qxE -- "$want" <<<"$output" || fail "no line '$want'"
	done
	nothing_of_ours
}

@test "namespaces: what is named is new, joined by path, or the caller's" {
	bundle b sleep 1000
	quiet rt run --detach --bundle "$WORK/b" --pid-file "$WORK/pid" first
	first=$(cat "$WORK/pid")
	for n in pid net ipc uts mnt cgroup user; do
		[ "$(readlink "/proc/$first/ns/$n")" != "$(readlink "/proc/self/ns/$n")" ] || fail "$n is shared"
	done
	[ "$(awk '{ print $1, $2, $3 }' "/proc/$first/uid_map")" = "0 $(id -u) 1" ]
	bundle c sh -c 'for n in net ipc uts pid; do readlink /proc/self/ns/$n; done'
	config c --arg p "/proc/$first/ns" '.linux.namespaces = [{"type": "user", "path": "\($p)/user"}, {"type": "mount"}, {"type": "pid"}, {"type": "network", "path": "\($p)/net"}, {"type": "ipc", "path": "\($p)/ipc"}, {"type": "uts"}] | del(.linux.uidMappings, .linux.gidMappings)'
	run -0 rt run --bundle "$WORK/c" second
	[ "${lines[0]}" = "$(readlink "/proc/$first/ns/net")" ]
	[ "${lines[1]}" = "$(readlink "/proc/$first/ns/ipc")" ]
	[ "${lines[2]}" != "$(readlink "/proc/$first/ns/uts")" ]
	[ "${lines[3]}" != "$(readlink "/proc/$first/ns/pid")" ]
	# All of the caller's subordinate ids, where no map is given; the host's network with its /sys.
	bundle c sh -c 'wc -l </proc/self/uid_map; readlink /proc/self/ns/net; ls /sys/class/net >/dev/null && echo seen'
	config c '.linux.namespaces |= map(select(.type != "user" and .type != "network")) | del(.linux.uidMappings, .linux.gidMappings)'
	run -0 rt run --bundle "$WORK/c" third
	[ "${lines[0]}" -gt 1 ]
	[ "${lines[1]}" = "$(readlink /proc/self/ns/net)" ]
	[ "${lines[2]}" = seen ]
	# A map over several ranges of the host's, as engines write it.
	bundle c sleep 1000
	sub=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid)
	config c --argjson me "$(id -u)" --argjson gid "$(id -g)" --argjson sub "$sub" '.linux.uidMappings = [{"containerID": 0, "hostID": $me, "size": 1}, {"containerID": 1, "hostID": $sub, "size": 500}] | .linux.gidMappings = (.linux.uidMappings | .[0].hostID = $gid)'
	quiet rt run --detach --bundle "$WORK/c" fourth
	run -0 rt exec fourth cat /proc/self/uid_map
	[ "$(awk '{ n += $3 } END { print n }' <<<"$output")" = 501 ]
	run -0 rt exec -g 7 --additional-gids 8 --user 5:6 fourth grep -E '^(Uid|Gid|Groups)' /proc/self/status
	[ "$(tr -s '\t ' ' ' <<<"$output" | paste -sd' ')" = "Uid: 5 5 5 5 Gid: 6 6 6 6 Groups: 6 7 8 " ]
	run -0 rt delete --force first
	run -0 rt delete --force fourth
}

@test "exec: the container's namespaces and confinement, own user, environment, directory; its status" {
	bundle b sleep 1000
	config b '.process.env += ["KEPT=1"]'
	quiet rt run --detach --bundle "$WORK/b" e
	run -0 rt exec --env A=b --cwd /tmp e sh -c 'echo $A $KEPT; pwd; id -u; grep CapEff /proc/self/status; readlink /proc/self/ns/pid'
	[ "${lines[0]}" = "b 1" ]
	[ "${lines[1]}" = /tmp ]
	[ "${lines[3]}" = "CapEff:	0000000020000420" ]
	[ "${lines[4]}" = "$(readlink "/proc/$(rt state e | jq .pid)/ns/pid")" ]
	run -0 rt exec --cap CAP_CHOWN --no-new-privs --user 0:0 e grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status
	[ "$(tr '\t' ' ' <<<"$output" | paste -sd' ')" = "CapEff: 0000000020000421 CapBnd: 0000000020000421 NoNewPrivs: 1" ]
	run -9 rt exec e sh -c 'exit 9'
	run -137 rt exec e sh -c 'kill -9 $$'
	[ "$(echo typed | rt exec e cat)" = typed ]
	run -127 rt exec e nosuch
	jq '.process | .args = ["sh", "-c", "echo by file; echo $$ >/tmp/started; exec sleep 1000"] | .capabilities.bounding = [] | .capabilities.effective = [] | .capabilities.permitted = []' <"$WORK/b/config.json" >"$WORK/p.json"
	quiet rt exec --detach --process "$WORK/p.json" --pid-file "$WORK/pid" e
	wait_until 20 test -s "$WORK/b/rootfs/tmp/started"
	grep -q "^NSpid:.$(cat "$WORK/pid").$(cat "$WORK/b/rootfs/tmp/started")$" "/proc/$(cat "$WORK/pid")/status"
	grep -q '^CapBnd:.0*$' "/proc/$(cat "$WORK/pid")/status"
	[ "$(rt ps --format json e | jq length)" = 2 ]
	run -0 rt kill --all e KILL
	wait_until 20 state_is e stopped
	run -0 rt delete e
}

@test "hooks run in their order, at their place, told the state; a failing one stops the start" {
	mkdir "$WORK/h"
	cat >"$WORK/h/hook" <<-'EOF'
		#!/bin/sh
		read -r state
		echo "$1 $(pwd) $(env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= | sort | paste -sd,) $state" >>"$2"
		case $1 in createContainer) [ -e "$3/proc/self/mounts" ] && readlink /proc/self/ns/uts >>"$2.uts" ;; esac
		exit "${4:-0}"
	EOF
	chmod +x "$WORK/h/hook"
	bundle b sh -c 'cat /log >/seen; sleep 1000'
	printf '#!/bin/sh\necho start >>/log\n' >"$WORK/b/rootfs/bin/inner"
	chmod +x "$WORK/b/rootfs/bin/inner"
	config b --arg h "$WORK/h/hook" --arg o "$WORK/h/out" --arg r "$WORK/b/rootfs" '
		def hook(s): [{"path": $h, "args": ["hook", s, $o, $r], "env": ["E=" + s, "PATH=/usr/bin:/bin"]}];
		.annotations = {"a.b": "c"} | .hooks = {"prestart": hook("prestart"), "createRuntime": hook("createRuntime"), "createContainer": hook("createContainer"),
		"startContainer": [{"path": "/bin/inner"}], "poststart": hook("poststart"), "poststop": hook("poststop")}'
	quiet rt create --bundle "$WORK/b" hooked
	[ "$(cut -d' ' -f1 "$WORK/h/out" | paste -sd' ')" = "prestart createRuntime createContainer" ]
	[ ! -e "$WORK/b/rootfs/log" ]
	pid=$(rt state hooked | jq .pid)
	[ "$(cat "$WORK/h/out.uts")" = "$(readlink "/proc/$pid/ns/uts")" ]
	run -0 rt start hooked
	wait_until 20 test -s "$WORK/b/rootfs/seen"
	[ "$(cat "$WORK/b/rootfs/seen")" = start ]
	run -0 rt delete --force hooked
	[ "$(cut -d' ' -f1 "$WORK/h/out" | paste -sd' ')" = "prestart createRuntime createContainer poststart poststop" ]
	while read -r stage dir env state; do
		[ "$dir" = / ]
		[ "$env" = "E=$stage,PATH=/usr/bin:/bin" ]
		jq -e --arg b "$WORK/b" '.id == "hooked" and .bundle == $b and .annotations["a.b"] == "c" and .ociVersion == "1.2.0"' <<<"$state"
		case $stage in poststart) want=running ;; poststop) want=stopped ;; *) want=creating ;; esac
		[ "$(jq -r .status <<<"$state")" = $want ]
		[ $stage = poststop ] || [ "$(jq .pid <<<"$state")" = "$pid" ]
	done <"$WORK/h/out"
	for stage in prestart createRuntime createContainer; do
		config b --arg h "$WORK/h/hook" --arg o "$WORK/h/out" --arg s $stage '.hooks = {($s): [{"path": "/bin/sh", "args": ["sh", "-c", "echo not today >&2; exit 3"]}]}'
		run -1 rt create --bundle "$WORK/b" x
		[[ "$output" == *"$stage: hook /bin/sh: exit status 3: not today"* ]]
	done
	config b '.hooks = {"prestart": [{"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}]}'
	run -1 rt create --bundle "$WORK/b" x
	[[ "$output" == *"killed after 1 s"* ]]
	config b '.hooks = {"startContainer": [{"path": "/bin/false"}]}'
	run -1 rt run --detach --bundle "$WORK/b" x
	config b '.hooks = {"poststart": [{"path": "/bin/false"}], "poststop": [{"path": "/bin/false"}]}'
	quiet rt run --detach --bundle "$WORK/b" x
	grep -q poststart "$WORK/out"
	run -0 rt delete --force x
	nothing_of_ours
}

@test "terminals: the console socket gets the master; run gives the caller's; descriptors are passed on" {
	bundle b sh -c 'tty; stat -c %t /dev/console; cat /proc/self/fd/3'
	config b '.process.terminal = true'
	python3 - "$WORK/c.sock" >"$WORK/console" <<-'EOF' 3>&- &
		import array, os, socket, sys
		s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1); s.settimeout(60)
		c, _ = s.accept()
		_, anc, _, _ = c.recvmsg(64, socket.CMSG_SPACE(4))
		fd = array.array("i", anc[0][2])[0]
		try:
		    while (b := os.read(fd, 4096)):
		        os.write(1, b)
		except OSError:
		    pass
	EOF
	py=$!
	wait_until 20 test -S "$WORK/c.sock"
	echo kept >"$WORK/kept"
	rt create --bundle "$WORK/b" --console-socket "$WORK/c.sock" --preserve-fds 1 t >"$WORK/out" 2>&1 </dev/null 3<"$WORK/kept"
	run -0 rt start t
	wait_until 20 grep -q kept "$WORK/console"
	wait $py
	[ "$(tr -d '\r' <"$WORK/console" | paste -sd' ')" = "/dev/pts/0 88 kept" ]
	wait_until 20 state_is t stopped
	run -0 rt delete t
	run -0 rt run --preserve-fds 1 --bundle "$WORK/b" t 3<"$WORK/kept"
	[ "$(tr -d '\r' <<<"$output" | paste -sd' ')" = "/dev/pts/0 88 kept" ]
}

@test "the name cuddy-runtime is the runtime role; flags may stand before the verb; features and spec are JSON" {
	ln -s "$CUDDY" "$WORK/cuddy-runtime"
	[[ "$("$WORK/cuddy-runtime" --version)" == "cuddy-runtime version "*"spec: 1.2.0" ]]
	bundle b true
	run -0 "$WORK/cuddy-runtime" --root "$WORK/state" --log "$WORK/log" --log-format=json --systemd-cgroup=false --log-level debug run --bundle "$WORK/b" n
	[[ "$output" =~ ^\[[0-9]+\ [a-z]+\]\ runtime:\  ]]
	run -1 "$WORK/cuddy-runtime" --root "$WORK/state" state n
	"$WORK/cuddy-runtime" features | jq -e '.ociVersionMax == "1.2.0" and (.linux.namespaces | index("user")) and (.hooks | index("createRuntime"))'
	run -125 "$WORK/cuddy-runtime" frobnicate
	run -125 "$WORK/cuddy-runtime" checkpoint n # by which engines know that there is none
	local words want
	while IFS='|' read -r words want; do # what runc and crun have, and what there is not
		# shellcheck disable=SC2086
		run -125 --separate-stderr rt $words
		[[ "$stderr" == *"$want"* && "$stderr" != *$'\n'* ]] || fail "$words: $stderr"
	done <<-'EOF'
		exec --process-label x n true|labels of SELinux
		exec --cgroup /x n true|the container's own cgroup
		exec --ignore-paused n true|resume it first
		create --config x n|its config.json
		create --pidfd-socket x n|--pid-file
		kill --regex n|the id of each
		delete -r n|the id of each
		spec --file x|--bundle
		update --cpu-rt-runtime 5 n|version 2
		update --kernel-memory 5 n|version 2
		update --l3-cache-schema x n|root's to give
	EOF
	mkdir "$WORK/s"
	"$WORK/cuddy-runtime" spec --bundle "$WORK/s"
	jq -e '.process.args == ["sh"]' "$WORK/s/config.json"
	run -1 "$WORK/cuddy-runtime" spec --bundle "$WORK/s"
	if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then # no cgroup to be had: refused, with the reason
		bundle b sleep 1000
		quiet rt run --detach --bundle "$WORK/b" n
		run -1 rt pause n
		[[ "$output" == *"no cgroup of its own"* ]]
		run -1 rt update --pids-limit 5 n
		config b '.linux.resources = {"memory": {"limit": 67108864}}'
		run -1 rt create --bundle "$WORK/b" limited
	fi
}
