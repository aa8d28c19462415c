#!/usr/bin/env bats
# Every exit code that scripts ask for, by its value: podman's, and docker's where it is called so.
load helpers

setup_file() { file_begin busybox; }
teardown_file() {
	cuddy pod rm -f -a -t 0 >/dev/null
	file_end
}

# codes: from lines "CODE|COMMAND" of standard input what a command did not end with
codes() {
	local want words st
	while IFS='|' read -r want words; do
		st=0
		eval "timeout 60 $words" >"$WORK/out" 2>"$WORK/err" </dev/null || st=$?
		[ "$st" = "$want" ] || echo "$words: $st, not $want: $(cat "$WORK/err")"
		case $st in
		125 | 126 | 127) [ "$(wc -l <"$WORK/err")" = 1 ] || echo "$words: not one line: $(cat "$WORK/err")" ;;
		esac
	done
}

@test "exit codes: run, exec, start -a and unshare end as what they started, or with 125, 126, 127 of their own" {
	echo x >"$WORK/plain"
	cuddy run -d --name c "$IMAGE" sleep 1000
	cuddy create --name three "$IMAGE" sh -c 'exit 3'
	cuddy create --name killed --init "$IMAGE" sh -c 'kill -9 $$'
	cuddy create --name lost "$IMAGE" /no/such
	run -0 codes <<-'E'
		0|cuddy run --rm "$IMAGE" true
		1|cuddy run --rm "$IMAGE" false
		77|cuddy run --rm "$IMAGE" sh -c 'exit 77'
		255|cuddy run --rm "$IMAGE" sh -c 'exit 255'
		137|cuddy run --rm --init "$IMAGE" sh -c 'kill -9 $$'
		134|cuddy run --rm --init "$IMAGE" sh -c 'kill -ABRT $$'
		143|cuddy run --rm --init "$IMAGE" sh -c 'kill -TERM $$'
		137|cuddy run --rm --timeout 1 --init "$IMAGE" sleep 1000
		126|cuddy run --rm "$IMAGE" /etc
		126|cuddy run --rm "$IMAGE" /etc/passwd
		127|cuddy run --rm "$IMAGE" /no/such
		127|cuddy run --rm "$IMAGE" no-such-word
		127|cuddy run -d "$IMAGE" no-such-word
		125|cuddy run --rm localhost/nosuch true
		125|cuddy run --rm --nosuch "$IMAGE" true
		125|cuddy run --rm
		125|cuddy run --rm --name c "$IMAGE" true
		125|cuddy run --rm --memory nonsense "$IMAGE" true
		0|cuddy exec c true
		9|cuddy exec c sh -c 'exit 9'
		137|cuddy exec c sh -c 'kill -9 $$'
		126|cuddy exec c /etc
		127|cuddy exec c /no/such
		127|cuddy exec c no-such-word
		125|cuddy exec nosuch true
		125|cuddy exec three true
		125|cuddy exec c
		3|cuddy start -a three
		3|cuddy start --attach three
		137|cuddy start -a killed
		127|cuddy start -a lost
		127|cuddy start lost
		0|cuddy start three
		125|cuddy start nosuch
		0|cuddy unshare true
		5|cuddy unshare sh -c 'exit 5'
		126|cuddy unshare "$WORK/plain"
		127|cuddy unshare no-such-word
		143|cuddy unshare sh -c 'kill -TERM $$'
		0|cuddy wait three
		125|cuddy wait nosuch
	E
	[ -z "$output" ] || fail "$output"
	[ "$(cuddy wait three)" = 3 ]
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' killed)" = 137 ]
}

@test "exit codes: what is there or not, removed, in use; health; other verbs; as docker" {
	cuddy run -d --name c --health-cmd 'test -e /good' --health-interval disable -v used:/v --network "$(cuddy network create inuse)" "$IMAGE" sleep 1000
	cuddy create --name stopped "$IMAGE" true
	cuddy pod create --name p >/dev/null
	cuddy run -d --pod p "$IMAGE" sleep 1000
	cuddy volume create v >/dev/null
	cuddy network create n >/dev/null
	echo x | cuddy secret create s - >/dev/null
	cuddy tag "$IMAGE" localhost/other
	printf 'FROM %s\nRUN exit 7\n' "$IMAGE" >"$WORK/Containerfile"
	run -0 codes <<-'E'
		0|cuddy container exists c
		1|cuddy container exists nosuch
		125|cuddy container exists
		0|cuddy image exists "$IMAGE"
		1|cuddy image exists nosuch
		0|cuddy volume exists v
		1|cuddy volume exists nosuch
		0|cuddy network exists n
		1|cuddy network exists nosuch
		0|cuddy pod exists p
		1|cuddy pod exists nosuch
		0|cuddy secret exists s
		1|cuddy secret exists nosuch
		1|cuddy healthcheck run c
		125|cuddy healthcheck run stopped
		125|cuddy healthcheck run nosuch
		2|cuddy rm c
		1|cuddy rm nosuch
		0|cuddy rm --ignore nosuch
		0|cuddy rm -f nosuch
		0|cuddy rm stopped
		125|cuddy rm
		125|cuddy rm --nosuch c
		0|cuddy rmi localhost/other
		2|cuddy rmi "$IMAGE"
		1|cuddy rmi nosuch
		0|cuddy rmi --ignore nosuch
		125|cuddy rmi
		2|cuddy volume rm used
		1|cuddy volume rm nosuch
		0|cuddy volume rm v
		2|cuddy network rm inuse
		1|cuddy network rm nosuch
		0|cuddy network rm n
		2|cuddy pod rm p
		1|cuddy pod rm nosuch
		0|cuddy pod rm --ignore nosuch
		0|cuddy pod rm -f -t 0 p
		125|cuddy inspect nosuch
		125|cuddy stop nosuch
		0|cuddy stop --ignore nosuch
		125|cuddy kill nosuch
		125|cuddy logs nosuch
		125|cuddy pull -q --retry 0 127.0.0.1:1/x
		125|cuddy nosuch
		125|cuddy --nosuch ps
		125|cuddy ps --filter nosuch=1
		7|cuddy build -q -f "$WORK/Containerfile" "$WORK"
		125|cuddy build -q -f "$WORK/nosuch" "$WORK"
	E
	[ -z "$output" ] || fail "$output"
	cuddy exec c touch /good
	cuddy healthcheck run c
	ln -s "$CUDDY" "$WORK/docker"
	run -0 codes <<-'E'
		1|"$WORK/docker" rm nosuch
		1|"$WORK/docker" rmi nosuch
		125|"$WORK/docker" run --rm --nosuch "$IMAGE" true
		127|"$WORK/docker" run --rm "$IMAGE" no-such-word
	E
	[ -z "$output" ] || fail "$output"
	cuddy rm -f -a -t 0 >/dev/null
	cuddy network rm inuse >/dev/null
	cuddy volume rm used >/dev/null
	cuddy secret rm s >/dev/null
}
