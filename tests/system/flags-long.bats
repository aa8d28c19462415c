#!/usr/bin/env bats
# Flags by their long names, each seen from inside the container, at the terminal or in the record.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

@test "run --cgroupns, --subgidname, --interactive and --tty, exec the same and --no-session: from inside" {
	link='readlink /proc/self/ns/cgroup'
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	own=$(cuddy exec c $link)
	[ "$own" != "$($link)" ]
	[ "$(cuddy run --rm --network none --cgroupns host "$IMAGE" $link)" = "$($link)" ]
	[ "$(cuddy run --rm --network none --cgroupns container:c "$IMAGE" $link)" = "$own" ]
	run --separate-stderr cuddy run --cgroupns odd "$IMAGE" true
	one_line_error 125 "--cgroupns"

	run -0 cuddy run --rm --network none --subgidname "$(id -un)" "$IMAGE" cat /proc/self/gid_map
	first=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subgid)
	[ "$first" ]
	inside=$output
	run -0 cuddy run --rm --network none --subuidname "$(id -un)" "$IMAGE" cat /proc/self/gid_map
	[ "$inside" = "$output" ]                       # each is the default of the other
	[ "$(awk '$1 == 0 { print $3 }' <<<"$inside")" -gt 1 ]
	run --separate-stderr cuddy run --network none --rm --subgidname root "$IMAGE" true
	one_line_error 125 "subgidname"

	[ "$(echo word | cuddy run --rm --network none --interactive "$IMAGE" cat)" = word ]
	[ -z "$(echo word | cuddy run --rm --network none "$IMAGE" cat)" ]
	[ "$(cuddy run --rm --network none --tty "$IMAGE" tty | tr -d '\r')" = /dev/pts/0 ]
	[ "$(echo word | cuddy exec --interactive c cat)" = word ]
	[ -z "$(echo word | cuddy exec --interactive=false c cat)" ]
	[[ "$(cuddy exec --tty c tty | tr -d '\r')" == /dev/pts/* ]]
	run -7 cuddy exec --no-session c sh -c 'tty; exit 7'
	[ "$output" = 'not a tty' ]
}

@test "run --image-volume and --publish-all: what the image says of volumes and ports" {
	printf 'FROM %s\nRUN mkdir /data && echo word >/data/file\nVOLUME /data\nEXPOSE 80 81/udp\n' "$IMAGE" >"$WORK/Containerfile"
	cuddy build -q -t volumes -f "$WORK/Containerfile" "$WORK" >/dev/null
	look='cat /data/file; grep -c " /data " /proc/self/mountinfo; grep -c " /data .* - tmpfs " /proc/self/mountinfo'
	for how in bind:1:0:1 tmpfs:1:1:0 ignore:0:0:0; do
		IFS=: read -r mode mounted tmpfs volumes <<<"$how"
		cuddy create --name c --network none --image-volume "$mode" volumes sh -c "$look" >/dev/null
		[ "$(cuddy volume ls -q | wc -l)" = "$volumes" ]
		run cuddy start -a c
		[ "$output" = "word"$'\n'"$mounted"$'\n'"$tmpfs" ]
		cuddy rm -v c >/dev/null
	done
	run --separate-stderr cuddy create --image-volume odd volumes
	one_line_error 125 "image-volume"
	if [ -w /dev/net/tun ]; then
		cuddy run -d --name c --publish-all volumes sleep 1000
		[ "$(cuddy port c | sed 's/ .*//' | sort -u | tr '\n' ' ')" = "80/tcp 81/udp " ]
		[ "$(cuddy inspect --format '{{.HostConfig.PublishAllPorts}}' c)" = true ]
		cuddy rm -f -t 0 c
	fi
	cuddy rmi volumes
}

@test "run, attach and start --sig-proxy=false: the signal ends cuddy, and the container hears nothing of it" {
	for verb in run attach start; do
		flags=(--name c --network none "$IMAGE" sh -c 'trap "echo heard; exit 3" TERM; echo up; while :; do sleep 0.05; done')
		case $verb in
		attach) cuddy run -d "${flags[@]}"; flags=(c) ;;
		start) cuddy create "${flags[@]}"; flags=(--attach c) ;;
		esac
		"$CUDDY" $verb --sig-proxy=false "${flags[@]}" >"$WORK/out" 2>&1 &
		client=$!
		wait_until 20 cuddy logs c
		wait_log c up
		wait_asleep "$client"
		kill -TERM "$client"
		status=0
		wait "$client" || status=$?
		[ "$status" = 143 ]
		status_is c running
		! log_has c heard || fail "it was there"
		cuddy kill -s TERM c
		[ "$(cuddy wait c)" = 3 ]
		log_has c heard
		cuddy rm c
	done
}

@test "run --health-start-interval and --health-startup-timeout" {
	cuddy run -d --name c --network none --health-cmd false --health-interval 1h --health-start-period 1h --health-start-interval 50ms "$IMAGE" sleep 1000
	cuddy run -d --name late --network none --health-cmd true --health-startup-cmd 'sleep 1234' --health-startup-interval 1h \
		--health-startup-timeout 1s "$IMAGE" sleep 1000
	results() { [ "$(cuddy inspect --format '{{len .State.Health.Log}}' "$1")" -ge "$2" ]; }
	wait_until 20 results c 3
	wait_until 25 results late 1
	[ "$(cuddy inspect --format '{{(index .State.Health.Log 0).ExitCode}}' late)" = -1 ]
	[ "$(cuddy inspect --format '{{.State.Health.Status}}' late)" = starting ]
}

@test "run --healthcheck-command and the others of podman 1: as those of today" {
	cuddy run -d --name c --network none --healthcheck-command 'sleep 1234' --healthcheck-interval 50ms --healthcheck-retries 2 \
		--healthcheck-timeout 1s --healthcheck-start-period 0s "$IMAGE" sleep 1000
	cuddy create --name early --network none --healthcheck-command 'exit 1' --healthcheck-interval 51s --healthcheck-start-period 52s "$IMAGE" true
	cuddy wait --condition unhealthy -i 20ms c # not before two of them were ended for their time
	[ "$(cuddy inspect --format '{{.State.Health.FailingStreak}} {{(index .State.Health.Log 0).ExitCode}}' c)" = '2 -1' ]
	[ "$(cuddy inspect --format json early | jq -c '.[0].Config.Healthcheck | [.Interval, .StartPeriod]')" = '[51000000000,52000000000]' ]
}

@test "stats --no-reset leaves the screen; cp --follow-link; commit --author and --message" {
	# Of nothing that runs: that has a headline and needs no cgroups.
	python3 - "$CUDDY" <<-'P'
		import os, pty, select, subprocess, sys, time

		def rounds(*words, n=2):
		    master, slave = pty.openpty()
		    p = subprocess.Popen([sys.argv[1], *words], stdin=slave, stdout=slave, stderr=slave)
		    os.close(slave)
		    out, end = b"", time.monotonic() + 60
		    while out.count(b"NAME") < n and time.monotonic() < end:
		        if select.select([master], [], [], 1)[0]:
		            out += os.read(master, 65536)
		    p.kill()
		    p.wait()
		    assert out.count(b"NAME") >= n, out
		    return out

		for verb, n in ["stats --interval 1", 2], ["pod stats", 1]:
		    assert b"\x1b[H" in rounds(*verb.split(), n=n)
		    assert b"\x1b" not in rounds(*verb.split(), "--no-reset", n=n)
	P
	cuddy run -d --name c --network none "$IMAGE" sh -c 'ln -s /etc/passwd /link; exec sleep 1000'
	linked() { cuddy exec c test -L /link; }
	wait_until 20 linked
	cuddy cp --follow-link c:/link "$WORK/copy"
	[ ! -L "$WORK/copy" ]
	cuddy exec c cat /etc/passwd | cmp - "$WORK/copy"
	ln -s copy "$WORK/link"
	cuddy cp --follow-link "$WORK/link" c:/there
	cuddy exec c sh -c '! test -L /there && cmp /there /etc/passwd'
	cuddy commit --author 'A Name <a@x>' --message 'what it is' c made >/dev/null
	[ "$(cuddy image inspect --format '{{.Author}}|{{.Comment}}' made)" = 'A Name <a@x>|what it is' ]
	[ "$(cuddy history --format '{{.Comment}}' made | head -n 1)" = 'what it is' ]
	cuddy rm -f -t 0 c
	cuddy rmi made
}

@test "start --attach --interactive, exec --env-file, rm --time, volume rm --time, secret create --driver" {
	cuddy create -i --name c --network none "$IMAGE" cat
	[ "$(echo word | cuddy start --attach --interactive c)" = word ]
	cuddy rm c
	cuddy run -d --name c --network none -v v:/v "$IMAGE" sh -c 'trap "" TERM; touch /ready; while :; do sleep 0.05; done'
	wait_until 20 cuddy exec c test -e /ready
	printf '# words\nA=of file\nB=2\nPASSED\n' >"$WORK/env"
	[ "$(PASSED=on cuddy exec --env-file "$WORK/env" --env B=3 c sh -c 'echo $A,$B,$PASSED')" = 'of file,3,on' ]
	run --separate-stderr cuddy exec --env-file "$WORK/nosuch" c true
	one_line_error 125 nosuch
	at=${EPOCHREALTIME/./}
	cuddy rm --force --time 1 c
	took=$(((${EPOCHREALTIME/./} - at) / 1000))
	[ "$took" -ge 950 ]
	[ "$took" -lt 9000 ]
	cuddy run -d --name c --network none -v v:/v "$IMAGE" sh -c 'trap "" TERM; while :; do sleep 0.05; done'
	cuddy volume rm --force --time 0 v
	run -1 cuddy container exists c
	echo s | cuddy secret create --driver file s - >/dev/null
	[ "$(cuddy secret inspect --format '{{.Spec.Driver.Name}}' s)" = file ]
	cuddy secret rm s
	for bad in '--driver pass' '--driver file --driver-opts path=/x'; do
		# shellcheck disable=SC2086
		run --separate-stderr cuddy secret create $bad s /dev/null
		one_line_error 125 driver
	done
}

@test "ps --last, --sort, --external, --sync: which, in what order; all there is" {
	cuddy create --name b --network none "$IMAGE" zz
	cuddy create --name a --network none "$IMAGE" aa
	cuddy run --name c --network none "$IMAGE" true
	names() { cuddy ps --format '{{.Names}}' "$@" | xargs; }
	[ "$(names --last 2 --sort names)" = 'a c' ]
	[ "$(names --all --sort names)" = 'a b c' ]
	[ "$(names --all --sort created)" = 'c a b' ]
	[ "$(names --all --sort command | cut -d' ' -f1)" = a ]
	[ "$(names --all --sort status | wc -w)" = 3 ]
	[ "$(names --all --external --sort names)" = 'a b c' ]
	[ "$(names --all --sync --sort names)" = 'a b c' ]
	[ "$(names --all --storage --sort names)" = 'a b c' ]
	[ "$(cuddy ps -aq --notruncate | grep -cxE '[0-9a-f]{64}')" = 3 ]
	[ "$(cuddy images -q --notruncate | grep -cxE 'sha256:[0-9a-f]{64}')" -ge 1 ]
	cuddy run --name big --network none "$IMAGE" sh -c 'head -c 300000 /dev/zero >/f'
	cuddy run --name bigger --network none "$IMAGE" sh -c 'head -c 600000 /dev/zero >/f'
	[ "$(names --all --sort size | grep -o 'big.*')" = 'big bigger' ]
	[ "$(cuddy ps -a --sort size --format json | jq -r '.[-1].Names[0]')" = bigger ]
	run --separate-stderr cuddy ps --sort colour
	one_line_error 125 sort
}
