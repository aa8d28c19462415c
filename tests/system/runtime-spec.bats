#!/usr/bin/env bats
# config.json of runtime-spec 1.2, field by field: each does what it says, read at the kernel, or is refused by its name.
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

stat_field() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f$(($2 - 2)); } # stat_field PID N, as proc(5) counts

@test "spec: what cannot be is refused with the name of its field, before anything is made" {
	bundle b true
	cp "$WORK/b/config.json" "$WORK/good"
	while IFS=$'\t' read -r words change; do
		cp "$WORK/good" "$WORK/b/config.json"
		config b "$change"
		! rt create --bundle "$WORK/b" x >"$WORK/out" 2>&1 3>&- || fail "$change: was not refused"
		[[ "$(wc -l <"$WORK/out")" = 1 && "$(cat "$WORK/out")" == *"$words"* ]] || fail "$change: $(cat "$WORK/out")"
		nothing_of_ours || fail "$change left something"
	done <<-'EOF'
		scheduler: policy "SCHED_BEST"	.process.scheduler = {"policy": "SCHED_BEST"}
		scheduler: "nice"	.process.scheduler = {"policy": "SCHED_OTHER", "nice": 20}
		scheduler: flag "X"	.process.scheduler = {"policy": "SCHED_OTHER", "flags": ["X"]}
		scheduler: Operation not permitted	.process.scheduler = {"policy": "SCHED_FIFO", "priority": 1}
		ioPriority: class "FAST"	.process.ioPriority = {"class": "FAST", "priority": 1}
		ioPriority: "priority"	.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 8}
		ioPriority: Operation not permitted	.process.ioPriority = {"class": "IOPRIO_CLASS_RT", "priority": 1}
		execCPUAffinity: "1-0"	.process.execCPUAffinity = {"initial": "1-0"}
		execCPUAffinity: "a"	.process.execCPUAffinity = {"final": "a"}
		rlimit RLIMIT_NOFILE twice	.process.rlimits += [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 1}]
		process.selinuxLabel	.process.selinuxLabel = "a:b:c:d"
		oomScoreAdj	.process.oomScoreAdj = 1001
		timeOffsets: without	.linux.timeOffsets = {"monotonic": {"secs": 1}}
		timeOffsets: a clock other	.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"realtime": {"secs": 1}}
		"nanosecs"	.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"nanosecs": 1000000000}}
		personality LINUX64	.linux.personality = {"domain": "LINUX64"}
		personality: flag F	.linux.personality = {"domain": "LINUX", "flags": ["F"]}
		intelRdt	.linux.intelRdt = {"closID": "x"}
		mountLabel	.linux.mountLabel = "a:b:c:d"
		uidMappings, gidMappings of a mount	.mounts += [{"destination": "/x", "type": "bind", "source": "/tmp", "options": ["bind"], "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}]
		uidMappings, gidMappings of a mount	.mounts += [{"destination": "/x", "type": "bind", "source": "/tmp", "options": ["bind"], "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}]
		option "ridmap"	.mounts += [{"destination": "/x", "type": "tmpfs", "options": ["ridmap"]}]
		option "sync" of a bind	.mounts += [{"destination": "/x", "type": "bind", "source": "/tmp", "options": ["bind", "sync"]}]
		option "remount"	.mounts += [{"destination": "/x", "type": "tmpfs", "options": ["remount"]}]
		rootfsPropagation	.linux.rootfsPropagation = "sideways"
		memory.swappiness	.linux.resources.memory.swappiness = 10
		memory.disableOOMKiller	.linux.resources.memory.disableOOMKiller = true
		memory.kernel	.linux.resources.memory.kernel = 1000000
		cpu.realtimeRuntime	.linux.resources.cpu.realtimeRuntime = 1000
		blockIO.leafWeight	.linux.resources.blockIO.leafWeight = 10
		network.classID	.linux.resources.network.classID = 5
		network.priorities	.linux.resources.network.priorities = [{"name": "lo", "priority": 1}]
		rdma	.linux.resources.rdma = {"a b": {"hcaHandles": 1}}
		seccomp profile: flag	.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}
		listenerPath	.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x"}
		annotations: an empty key	.annotations = {"": "x"}
		hostname	.linux.namespaces |= map(select(.type != "uts"))
		mount namespace	.linux.namespaces |= map(select(.type != "mount"))
		no such owner	.linux.devices = [{"path": "/dev/p", "type": "p", "uid": -1}]
	EOF
}

@test "spec: a time namespace with its own clocks, which exec and who joins it are in too" {
	bundle b sleep 1000
	config b '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"monotonic": {"secs": 50000}, "boottime": {"secs": 86400000, "nanosecs": 5}}'
	quiet rt run --detach --bundle "$WORK/b" --pid-file "$WORK/pid" t
	pid=$(cat "$WORK/pid")
	[ "$(readlink "/proc/$pid/ns/time")" != "$(readlink /proc/self/ns/time)" ]
	[ "$(awk '{ print $1, $2, $3 }' "/proc/$pid/timens_offsets" | paste -sd' ')" = "monotonic 50000 0 boottime 86400000 5" ]
	up() { [ "${1%%.*}" -ge 86400000 ] || fail "up for $1"; }
	up "$(rt exec t cat /proc/uptime)"
	[ "$(rt exec t readlink /proc/self/ns/time)" = "$(readlink "/proc/$pid/ns/time")" ]
	bundle c cat /proc/uptime
	config c --arg p "/proc/$pid/ns" '.linux.namespaces |= map(if .type == "user" then .path = "\($p)/user" else . end) | .linux.namespaces += [{"type": "time", "path": "\($p)/time"}] | del(.linux.uidMappings, .linux.gidMappings)'
	up "$(rt run --bundle "$WORK/c" second)"
	config c --arg p "/proc/$pid/ns" '.linux.namespaces |= map(if .type == "time" then .path = "\($p)/uts" else . end)'
	run -1 rt run --bundle "$WORK/c" second
	[[ "$output" == *"/ns/uts"* ]]
}

@test "spec: scheduler, I/O priority, processors of exec, personality, names, adjustment for want of memory" {
	bundle b sh -c 'cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname; uname -m; exec sleep 1000'
	ln -sf busybox "$WORK/b/rootfs/bin/uname"
	config b '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 7} | .process.ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 3}
		| .process.execCPUAffinity = {"initial": "0", "final": "1"} | .process.oomScoreAdj = 77 | .linux.personality = {"domain": "LINUX32"}
		| .hostname = "one" | .domainname = "two"'
	quiet rt run --detach --bundle "$WORK/b" --pid-file "$WORK/pid" s
	pid=$(cat "$WORK/pid")
	wait_until 20 eval '[ "$(wc -l <"$WORK/out")" -ge 3 ]'
	[ "$(paste -sd' ' "$WORK/out")" = "one two $(setarch linux32 uname -m)" ]
	[ "$(stat_field "$pid" 19) $(stat_field "$pid" 41) $(cat "/proc/$pid/oom_score_adj")" = "7 3 77" ]
	[ "$(ionice -p "$pid")" = idle ]
	cpus() { awk '/^Cpus_allowed_list/ { print $2 }' "$@"; }
	[ "$(cpus "/proc/$pid/status")" = "$(cpus /proc/self/status)" ] # that is for exec alone
	[ "$(rt exec s cat /proc/self/status | cpus)" = 1 ]
	[ "$(rt exec s cat /proc/self/oom_score_adj)" = 77 ]
	[ "$(rt exec s cat /proc/self/stat | sed 's/.*) //' | cut -d' ' -f17,39)" = "7 3" ]
	jq '.process | .args = ["cat", "/proc/self/status"] | .execCPUAffinity = {"initial": "0"}' "$WORK/b/config.json" >"$WORK/p.json"
	[ "$(rt exec --process "$WORK/p.json" s | cpus)" = 0 ]
}

@test "spec: options of mounts are those that the kernel then shows; masked and read-only paths, propagation" {
	bundle b sh -c 'cat /bound/link; cat /proc/self/mountinfo; stat -c "%F %a %n" /dev/p /etc/sub/q'
	mkdir "$WORK/b/src"
	echo through >"$WORK/b/src/file"
	ln -s file "$WORK/b/src/link"
	echo hidden >"$WORK/b/rootfs/etc/masked"
	config b '.mounts += [{"destination": "/bound", "type": "bind", "source": "src", "options": ["rbind", "rro", "rnosuid", "rnodev", "rnosymfollow"]},
		{"destination": "/t1", "type": "tmpfs", "source": "t", "options": ["sync", "nodiratime", "strictatime", "exec", "noexec"]},
		{"destination": "/t2", "type": "tmpfs", "source": "t", "options": ["noatime", "dirsync", "mode=711"]},
		{"destination": "/t3", "type": "tmpfs", "source": "t", "options": ["noatime", "relatime", "shared"]}]
		| .linux.devices = [{"path": "/dev/p", "type": "p", "fileMode": 416}, {"path": "/etc/sub/q", "type": "p"}]
		| .linux.rootfsPropagation = "rshared" | .linux.maskedPaths += ["/etc/masked"] | .linux.readonlyPaths += ["/tmp"]'
	run rt run --bundle "$WORK/b" m
	[[ "${lines[0]}" == *"Too many levels of symbolic links"* ]] || fail "${lines[0]}"
	options() { awk -v p="$1" '$5 == p { n = 1; while ($n != "-") n++; print $6 "|" $7 "|" $(n + 1) "|" $(n + 3) }' <<<"$output" | tail -n 1; }
	[[ "$(options /bound)" == *ro,nosuid,nodev,*nosymfollow* ]]
	[[ "$(options /t1)" == rw,noexec,nodiratime\|*\|tmpfs\|rw,sync,* ]] || fail "$(options /t1)"
	[[ "$(options /t2)" == rw,noatime\|*\|tmpfs\|rw,dirsync,*mode=711* ]] || fail "$(options /t2)"
	[[ "$(options /t3)" == rw,relatime\|shared:* ]] || fail "$(options /t3)"
	[[ "$(options /)" == *\|shared:* ]]
	[[ "$(options /etc/masked)" != "" ]]
	[[ "$(options /tmp)" == ro,* ]]
	[[ "$output" == *$'\nfifo 640 /dev/p\nfifo 666 /etc/sub/q' ]] || fail "$output"
	[ -p "$WORK/b/rootfs/etc/sub/q" ]
	quiet rt run --bundle "$WORK/b" again               # that it is there already is no matter; another thing is
	touch "$WORK/b/rootfs/etc/other"
	config b '.linux.devices = [{"path": "/etc/other", "type": "p"}]'
	run -1 rt run --bundle "$WORK/b" m
	[[ "$output" == *'/etc/other'*'no FIFO'* ]] || fail "$output"
}

@test "spec: a capability that is not known is a warning, in the log as well, and flags of a filter are the filter's" {
	bundle b sh -c 'grep -E "^(CapBnd|Seccomp):" /proc/self/status'
	config b '.process.capabilities.bounding = ["CAP_KILL", "CAP_OF_TOMORROW"] | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"]}'
	run -0 --separate-stderr rt --log "$WORK/log" --log-format json run --bundle "$WORK/b" w
	[ "$(tr '\n\t' '  ' <<<"$output")" = "CapBnd: 0000000000000020 Seccomp: 2 " ] || fail "$output"
	[[ "$stderr" == *'"CAP_OF_TOMORROW" is not known and not given'* ]]
	jq -e '.level == "warning" and (.msg | contains("CAP_OF_TOMORROW"))' "$WORK/log"
}

@test "spec: hooks run in the namespaces that their kind says; one that hangs is ended after its time, whatever its kind" {
	printf '#!/bin/sh\nfor n in uts net pid ipc; do readlink /proc/self/ns/$n; done | paste -sd" " >"$1"\n' >"$WORK/hook"
	chmod +x "$WORK/hook"
	bundle b sleep 1000
	printf '#!/bin/sh\nfor n in uts net pid ipc; do readlink /proc/self/ns/$n; done >/inner.ns\n' >"$WORK/b/rootfs/bin/inner"
	chmod +x "$WORK/b/rootfs/bin/inner"
	config b --arg h "$WORK/hook" --arg o "$WORK/ns." '
		def hook(s): [{"path": $h, "args": ["hook", $o + s], "env": ["PATH=/usr/bin:/bin"]}];
		.hooks = {"prestart": hook("prestart"), "createRuntime": hook("createRuntime"), "createContainer": hook("createContainer"),
		"startContainer": [{"path": "/bin/inner"}], "poststart": hook("poststart"), "poststop": hook("poststop")}'
	quiet rt run --detach --bundle "$WORK/b" --pid-file "$WORK/pid" n
	spaces() { for n in uts net pid ipc; do readlink "/proc/$1/ns/$n"; done | paste -sd' '; }
	inside=$(spaces "$(cat "$WORK/pid")") outside=$(spaces self)
	rt delete --force n
	for kind in prestart createRuntime poststart poststop; do
		[ "$(cat "$WORK/ns.$kind")" = "$outside" ] || fail "$kind: $(cat "$WORK/ns.$kind")"
	done
	[ "$(cat "$WORK/ns.createContainer")" = "$inside" ]
	[ "$(paste -sd' ' "$WORK/b/rootfs/inner.ns")" = "$inside" ]
	# At once, so that all of them together take a second.
	pids=()
	for kind in createRuntime createContainer startContainer poststart poststop; do
		cp -r "$WORK/b" "$WORK/$kind"
		config $kind --arg s $kind '.hooks = {($s): [{"path": (if $s == "startContainer" then "/bin/sleep" else "/usr/bin/sleep" end), "args": ["sleep", "1000"], "timeout": 1}]}'
		{ rt run --detach --bundle "$WORK/$kind" $kind && rt delete --force $kind; } >"$WORK/said.$kind" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}" || true
	for kind in createRuntime createContainer startContainer poststart poststop; do
		grep -q "$kind: hook .*: killed after 1 s" "$WORK/said.$kind" || fail "$kind: $(cat "$WORK/said.$kind")"
	done
	nothing_of_ours
}
