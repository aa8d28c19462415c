#!/usr/bin/env bats
# cuddy explain run: the plan is what a container gets, and nothing is done.
load helpers

everything() { (cd "$WORK" && find root run -path root/cache -prune -o -printf '%p %y %s %T@\n' | sort); }

@test "explain: as JSON it says what the container then has; nothing is made, no process is left" {
	opts=(--network none --read-only --cap-drop all --cap-add kill --hostname h1 --tmpfs /t:size=64k -v "$WORK:/w:ro" --ulimit nofile=50:60 -e A=b -w /tmp --user 1000:5 --security-opt no-new-privileges)
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
	plan '.spec.mounts[].destination' | while read -r m; do
		awk -v m="$m" '$5 == m { f = 1 } END { exit !f }' "/proc/$pid/mountinfo" || fail "no mount $m"
	done
	[ "$(plan '.spec.mounts[] | select(.destination == "/w") | .options | index("ro") != null')" = true ]
	cuddy rm -f -t 0 c
}

@test "explain: a person can read it; what run refuses is refused here" {
	run -0 cuddy explain run --network none --userns nomap -v new:/v --rm -it "$IMAGE" sh -c 'echo'
	for want in "image  *$IMAGE:latest" 'command  *sh -c echo' 'namespaces  *mount, user, pid' 'network  *none' 'seccomp  *default, [1-9][0-9]* instructions' '  /proc  *proc .*nosuid' '  /v  *bind of .*new'; do
		grep -qE "^$want" <<<"$output" || fail "no '$want' in: $output"
	done
	run -1 cuddy volume exists new
	run --separate-stderr cuddy explain run nosuchimage
	[ "$status" = 125 ]
	run --separate-stderr cuddy explain run --cap-add NONE_SUCH "$IMAGE"
	one_line_error 125 NONE_SUCH
	[ -z "$(cuddy ps -aq)" ]
}
