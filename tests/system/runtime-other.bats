#!/usr/bin/env bats
# --runtime: crun and runc make the container's first process, all else is ours: monitor, logs, exec, volumes, network.
load helpers

RUNTIMES=(crun runc)

setup() {
	local r
	for r in "${RUNTIMES[@]}"; do require_program "$r"; done
	test_begin
}

@test "--runtime: create, start, exec, logs, stop, restart, kill, rm; inspect tells whose container it is" {
	for rt in "${RUNTIMES[@]}"; do
		cuddy run -d --name c --runtime "$rt" --network none -e A=b "$IMAGE" \
			sh -c 'trap "echo bye; exit 3" TERM; echo "hello $A"; echo err >&2; while :; do sleep 0.05; done' >/dev/null
		wait_log c 'hello b'
		wait_log c err
		run -0 cuddy inspect --format '{{.OCIRuntime}} {{.HostConfig.Runtime}} {{.OCIConfigPath}}' c
		read -r name again config <<<"$output"
		[ "$name $again" = "$rt $rt" ]
		[ "$(jq -r '.process.args[0]' "$config")" = sh ]
		pid=$(container_pid c)
		for ns in user pid uts ipc net mnt; do
			[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
			[ "$(cuddy exec c readlink "/proc/1/ns/$ns")" = "$(readlink "/proc/$pid/ns/$ns")" ]
		done
		grep -q '^Seccomp:.2$' "/proc/$pid/status"
		run -5 cuddy exec c sh -c 'exit 5'
		cuddy stop -t 20 c >/dev/null
		[ "$(cuddy inspect --format '{{.State.ExitCode}} {{.State.Status}}' c)" = "3 exited" ]
		log_has c bye
		cuddy restart c >/dev/null
		wait_running c
		cuddy kill -s KILL c >/dev/null
		[ "$(cuddy wait c)" = 137 ]
		cuddy rm c >/dev/null
	done
	run -0 cuddy run --rm "$IMAGE" true # and without the flag nobody else is asked
	cuddy create --name c "$IMAGE" >/dev/null
	[ "$(cuddy inspect --format '{{.OCIRuntime}}' c)" = cuddy ]
}

@test "--runtime: exit status, streams, user, home, id maps, capabilities, volumes, secrets, read-only and limits are those of our own" {
	printf 'hush' | cuddy secret create s - >/dev/null
	script='id; echo "$HOME $(pwd) $(umask) $(hostname)"; cat /proc/self/uid_map /proc/self/gid_map; grep -E "^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):" /proc/self/status
		ulimit -n; ls /vol | sort | head -3; stat -c "%u:%g %a" /vol; cat /host/f /run/secrets/s; touch /host/x 2>/dev/null || echo read-only; touch /y 2>/dev/null || echo no
		grep " /t " /proc/self/mounts | grep -o size=64k; echo out; echo err >&2; cat; exit 42'
	mkdir "$WORK/host" && echo file >"$WORK/host/f"
	for opts in "-u 5:7 --userns keep-id" "-w /tmp --cap-drop all --cap-add chown --security-opt no-new-privileges"; do
		for rt in cuddy "${RUNTIMES[@]}"; do
			# shellcheck disable=SC2086
			run -42 --separate-stderr cuddy run --rm -i --runtime "$rt" --network none --hostname h --umask 027 --read-only --ulimit nofile=100:100 \
				-v "etc-$rt:/etc/sub" -v "vol-$rt:/vol" -v "$WORK/host:/host:ro" --secret s --tmpfs /t:size=64k $opts "$IMAGE" sh -c "$script" <<<"typed"
			[ "$stderr" = err ]
			if [ "$rt" = cuddy ]; then want=$output; else diff <(echo "$want") <(echo "$output") || fail "$rt with '$opts'"; fi
		done
		cuddy volume prune -af >/dev/null
	done
}

@test "--runtime: a terminal with its size, published ports, restart policy, health check, exec as root of a user's container" {
	require_tun
	for rt in "${RUNTIMES[@]}"; do
		RT=$rt python3 - <<'PY'
import os
from ptydrv import *
p = cuddy("run", "--rm", "-it", "--network", "none", "--runtime", os.environ["RT"], os.environ["IMAGE"], "sh", rows=31, cols=101)
p.expect(rb"# (\x1b\[6n)?$")
p.send(b"tty; stty size\r")
p.expect(rb"/dev/(pts/0|console)\r\n31 101")
p.resize(44, 144)
eventually(lambda: (p.send(b"stty size\r"), p.read_some(0.2), b"44 144" in p.buf)[-1])
p.send(b"exit 9\r")
assert p.wait() == 9
PY
		port=$(free_port)
		cuddy run -d --name c --runtime "$rt" -p "127.0.0.1:$port:8080" --health-cmd 'test -e /tmp/well' --health-interval 200ms --user 1000 "$IMAGE" \
			sh -c 'mkdir -p /tmp/w; echo served >/tmp/w/f; exec httpd -f -p 8080 -h /tmp/w' >/dev/null
		wait_until 20 curl -sf "http://127.0.0.1:$port/f" -o "$WORK/f"
		[ "$(cat "$WORK/f")" = served ]
		[ "$(cuddy exec -u 0 c id -u)" = 0 ]
		cuddy exec c touch /tmp/well
		cuddy wait --condition=healthy c
		cuddy rm -f -t 0 c >/dev/null
		cuddy run -d --name c --runtime "$rt" --network none --restart on-failure:2 "$IMAGE" sh -c 'echo run; exit 1' >/dev/null
		restarted() { [ "$(cuddy inspect --format '{{.RestartCount}} {{.State.Status}}' c)" = "2 exited" ]; }
		wait_until 20 restarted
		[ "$(cuddy logs c | grep -c run)" = 3 ]
		cuddy rm c >/dev/null
	done
}

@test "--runtime: what cannot run is 127 and 126, what does not go is refused; containers.conf chooses; a killed monitor leaves nothing" {
	cuddy network create eg >/dev/null
	for rt in "${RUNTIMES[@]}"; do
		run -127 --separate-stderr cuddy run --rm --runtime "$rt" --network none "$IMAGE" nosuch
		one_line_error 127 nosuch
		run -126 --separate-stderr cuddy run --rm --runtime "$rt" --network none "$IMAGE" /etc/passwd
		one_line_error 126 'ermission denied'
		cuddy run -d --name c --runtime "$rt" --network none "$IMAGE" sleep 1000 >/dev/null
		pid=$(container_pid c)
		kill -KILL "$(conmon_pid c)"
		wait_until 20 status_is c exited
		gone() { ! kill -0 "$pid" 2>/dev/null; }
		wait_until 20 gone
		cuddy start c >/dev/null
		[ "$(cuddy exec c echo again)" = again ]
		cuddy rm -f -t 0 c >/dev/null
		printf '[engine]\nruntime = "mine"\n[engine.runtimes]\nmine = ["/nonexistent", "%s"]\n' "$(command -v "$rt")" >"$WORK/conf"
		CONTAINERS_CONF=$WORK/conf cuddy create --name c "$IMAGE" true >/dev/null
		[ "$(cuddy inspect --format '{{.OCIRuntime}}' c)" = mine ]
		cuddy start -a c
		cuddy rm c >/dev/null
		for bad in '--init' '--network eg --egress allow=10.0.0.0/8' '--userns auto' '--userns nomap' '--tmpfs /x:U'; do
			# shellcheck disable=SC2086
			run --separate-stderr cuddy run --rm --runtime "$rt" $bad "$IMAGE" true
			one_line_error 125 "--runtime $rt"
		done
	done
	run -0 cuddy --runtime crun --runtime-flag debug run --rm --network none "$IMAGE" true
	run --separate-stderr cuddy run --runtime nosuch "$IMAGE" true
	one_line_error 125 "--runtime 'nosuch': there is no such program"
	run --separate-stderr cuddy run --runtime-flag debug "$IMAGE" true
	one_line_error 125 --runtime-flag
	[ -z "$(cuddy ps -aq)" ]
	cuddy network rm eg >/dev/null
}

@test "--runtime: roots that are copied or served by fuse-overlayfs" {
	rt=runc
	for driver in vfs fuse-overlayfs; do
		mkdir "$WORK/$driver"
		use_root "$WORK/$driver"
		cuddy --storage-driver "$driver" load -q -i "$(image_file busybox)" >/dev/null 2>&1
		cuddy run --name c --runtime "$rt" --network none "$IMAGE" sh -c 'echo 1 >>/made'
		cuddy start -a c
		[ "$(cuddy diff c)" = "A /made" ]
		[ "$(cuddy cp c:/made - | tar -xO | wc -l)" = 2 ]
		cuddy rm c >/dev/null
		expect_nothing_left
		drop_root
		rt=crun
	done
	use_root "$WORK"
}
