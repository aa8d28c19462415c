#!/usr/bin/env bats
# cuddy explain run: the plan is what a container gets, and nothing is done.
load helpers

everything() {
	snapshot
	(cd "$CUDDY_RUNROOT" && find . -printf '%p %y %s %T@\n' | sort)
}

@test "explain: as JSON it says what the container then has; nothing is made, no process is left" {
	mkdir "$WORK/data"
	opts=(--network none --read-only --cap-drop all --cap-add kill --hostname h1 --tmpfs /t:size=64k -v "$WORK/data:/w:ro" --ulimit nofile=50:60 -e A=b -w /tmp --user 1000:5 --security-opt no-new-privileges)
	everything >"$WORK/before"
	cuddy explain run --format json "${opts[@]}" "$IMAGE" sleep 1000 >"$WORK/plan"
	everything >"$WORK/after"
	diff "$WORK/before" "$WORK/after"
	cuddy run -d --name c "${opts[@]}" "$IMAGE" sleep 1000 >/dev/null
	pid=$(container_pid c)
	plan() { jq -r "$1" <"$WORK/plan"; }
	[ "$(plan '.spec.process.args | join(" ")')" = "$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's/ $//')" ]
	[ "$(plan .spec.hostname)" = "$(cuddy exec c hostname)" ]
	[ "$(plan '.spec.process.capabilities.bounding | join(" ")')" = CAP_KILL ]
	grep -q '^CapBnd:.0*20$' "/proc/$pid/status"
	[ "$(plan .spec.process.user.uid):$(plan .spec.process.user.gid)" = "$(cuddy exec c id -u):$(cuddy exec c id -g)" ]
	[ "$(plan '.spec.process.rlimits[] | select(.type == "RLIMIT_NOFILE") | "\(.soft) \(.hard)"')" = "$(awk '/open files/ { print $4, $5 }' "/proc/$pid/limits")" ]
	[ "$(plan .spec.root.readonly) $(plan .spec.process.cwd) $(plan .spec.process.noNewPrivileges)" = "true /tmp true" ]
	for ns in user pid uts ipc network cgroup; do
		file=${ns/network/net}
		want=same
		[ "$(readlink "/proc/$pid/ns/$file")" = "$(readlink "/proc/self/ns/$file")" ] || want=new
		[ "$(plan ".spec.linux.namespaces | map(select(.type == \"$ns\" and .path == null)) | length")" = "$([ $want = new ] && echo 1 || echo 0)" ]
	done
	# Every mount: where, whether it can be written to; and for what is no bind, of which kind.
	plan '.spec.mounts[] | "\(.destination) \(.options | if index("ro") then "ro" else "rw" end) \(.type)"' | sort >"$WORK/planned"
	[ "$(wc -l <"$WORK/planned")" -gt 12 ]
	while read -r where mode kind; do
		awk -v m="$where" -v mode="$mode" -v kind="$kind" '$5 == m && $6 ~ "^" mode { i = 1; while ($i != "-") i++; if (kind == "bind" || $(i + 1) == kind) f = 1 } END { exit !f }' \
			"/proc/$pid/mountinfo" || fail "no mount $where $mode $kind: $(cat "/proc/$pid/mountinfo")"
	done <"$WORK/planned"
	# What the runtime adds is no more than the nodes of /dev and what is hidden or read-only.
	awk '{ print $5 }' "/proc/$pid/mountinfo" | grep -vE '^(/|/dev/(null|zero|full|random|urandom|tty))$' | sort -u >"$WORK/real"
	{ plan '.spec.mounts[].destination, .spec.linux.maskedPaths[], .spec.linux.readonlyPaths[]'; } | sort -u >"$WORK/told"
	[ -z "$(comm -23 "$WORK/real" "$WORK/told")" ] || fail "untold: $(comm -23 "$WORK/real" "$WORK/told")"
	plan '.spec.process.env[]' | grep -v '^HOSTNAME=' | sort >"$WORK/env"
	cuddy exec c cat /proc/1/environ | tr '\0' '\n' | grep -vE '^(HOSTNAME|HOME)=' | sort | diff "$WORK/env" -
	plan '.spec.linux.uidMappings[] | "\(.containerID) \(.size)"' >"$WORK/map"
	cuddy exec c cat /proc/self/uid_map | awk '{ print $1, $3 }' | diff "$WORK/map" -
	[ "$(plan .security.seccompInstructions)" -gt 100 ]
	grep -q '^Seccomp:.2$' "/proc/$pid/status"
	[ "$(plan '.spec.mounts[] | select(.destination == "/w") | .options | index("ro") != null')" = true ]
	cuddy rm -f -t 0 c
}

@test "explain: a person can read it; what run refuses is refused here" {
	run -0 cuddy explain run --network none --userns nomap -v new:/v --rm -it "$IMAGE" sh -c 'echo'
	for want in "image  *$IMAGE:latest" 'command  *sh -c echo' 'namespaces  *mount, user, pid' 'network  *none' 'seccomp  *default, [1-9][0-9]* instructions' '  /proc  *proc .*nosuid' '  /v  *bind of .*new'; do
		grep -qE "^$want" <<<"$output" || fail "no '$want' in: $output"
	done
	run -1 cuddy volume exists new
	run -0 cuddy explain run --pid host --network host --userns host "$IMAGE"
	grep -qE "^namespaces  *mount, uts, ipc, cgroup; the host's: user \(base\), pid, network" <<<"$output" || fail "$output"
	run -0 cuddy explain run --security-opt seccomp=unconfined --init --userns auto:size=2000 -p 127.0.0.1::80 -p 127.0.0.1::53/udp "$IMAGE"
	for want in 'user  *root in /, below an init' 'user ids  *0-1999 are 1-2000 ' 'seccomp  *unconfined' 'ports  *127.0.0.1:0:80/tcp' "tcp peers  *their own addresses" "udp peers  *the container's"; do
		grep -qE "^$want" <<<"$output" || fail "no '$want' in: $output"
	done
	cuddy network create n1 >/dev/null
	everything >"$WORK/before"
	run -0 cuddy explain run --network n1 "$IMAGE"
	everything | diff "$WORK/before" -
	grep -qE '^networks  *n1' <<<"$output"
	cuddy network rm n1 >/dev/null
	cuddy create --name taken "$IMAGE" >/dev/null
	run --separate-stderr cuddy explain run --name taken "$IMAGE"
	one_line_error 125 'name taken belongs to container'
	cuddy explain run --name taken --replace "$IMAGE" >/dev/null
	cuddy rm taken >/dev/null
	cuddy explain run -d --rmi "$IMAGE" >/dev/null
	run --separate-stderr cuddy explain run nosuchimage
	[ "$status" = 125 ]
	run --separate-stderr cuddy explain run --cap-add NONE_SUCH "$IMAGE"
	one_line_error 125 NONE_SUCH
	[ -z "$(cuddy ps -aq)" ]
}
