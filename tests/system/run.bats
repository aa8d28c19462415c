#!/usr/bin/env bats
# "cuddy run": exit codes, standard streams, names, ids, pull policy.
load helpers

@test "run: the exit status is the command's, for every kind of number" {
	for n in 0 1 2 42 124 125 126 127 128 254 255; do
		run -"$n" cuddy run --rm "$IMAGE" sh -c "exit $n"
	done
}

@test "run: a command killed by signal n gives 128+n" {
	cuddy run --name c "$IMAGE" sleep 1000 &
	p=$!
	wait_until 20 status_is c running
	cuddy kill -s KILL c
	st=0
	wait $p || st=$?
	[ "$st" -eq 137 ]
	run -143 cuddy run --rm --init "$IMAGE" sh -c 'kill -TERM $$'
	run -139 cuddy run --rm --init "$IMAGE" sh -c 'kill -SEGV $$'
}

@test "run: a command that is not in the image is 127 and one line" {
	run -127 --separate-stderr cuddy run --rm "$IMAGE" nosuchcommand
	one_line_error 127 nosuchcommand
	run -127 --separate-stderr cuddy run --rm "$IMAGE" /no/such/path
	one_line_error 127 /no/such/path
	run -127 --separate-stderr cuddy run --rm "$IMAGE" ''
	one_line_error 127 empty
}

@test "run: a command that cannot be executed is 126 and one line" {
	run -126 --separate-stderr cuddy run --rm "$IMAGE" /etc/passwd
	one_line_error 126 /etc/passwd
	run -126 --separate-stderr cuddy run --rm "$IMAGE" /etc
	one_line_error 126 /etc
	run -126 --separate-stderr cuddy run --rm -u 1000 "$IMAGE" /root/x
	one_line_error 126 /root/x
}

@test "run: a script without its interpreter is told apart from a missing script" {
	printf '#!/no/such/interpreter\n' >"$WORK/script"
	chmod 755 "$WORK/script"
	run --separate-stderr cuddy run --rm -v "$WORK/script:/script" "$IMAGE" /script
	[ "$status" -eq 126 ] || [ "$status" -eq 127 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "run: cuddy's own failures are 125" {
	run -125 --separate-stderr cuddy run --rm --no-such-flag "$IMAGE" true
	one_line_error 125 'no-such-flag'
	run -125 --separate-stderr cuddy run --rm --pull never localhost/missing true
	one_line_error 125 missing
	run -125 --separate-stderr cuddy run --rm -v /no/such/source:/x "$IMAGE" true
	one_line_error 125 /no/such/source
}

@test "run: the image's own command runs when none is given" {
	run -0 --separate-stderr cuddy run --rm -i "$IMAGE" <<<'echo from the default shell'
	[ "$output" = "from the default shell" ]
}

@test "run: stdout and stderr stay apart, and nothing is added to either" {
	cuddy run --rm "$IMAGE" sh -c 'echo out; echo err >&2; printf "no newline"' >"$WORK/out" 2>"$WORK/err"
	printf 'out\nno newline' | cmp - "$WORK/out"
	printf 'err\n' | cmp - "$WORK/err"
	echo in | cuddy run --rm -i -a stdin,STDERR "$IMAGE" sh -c 'cat >&2; echo out' >"$WORK/out" 2>"$WORK/err"
	[ "$(cat "$WORK/err")" = in ]
	[ ! -s "$WORK/out" ]
	run --separate-stderr cuddy run --rm --attach stdlog "$IMAGE" true
	one_line_error 125 stdlog
}

@test "run: stdin is closed without -i and passed with it" {
	run -0 cuddy run --rm "$IMAGE" cat <<<'not read'
	[ -z "$output" ]
	run -0 cuddy run --rm -i "$IMAGE" cat <<<'read'
	[ "$output" = read ]
}

@test "run: 100 MB through stdin and stdout are byte-exact, also with a pipe's slow reader" {
	head -c 100000000 /dev/urandom >"$WORK/in"
	cuddy run --rm -i "$IMAGE" cat <"$WORK/in" | (sleep 0.5; cat) >"$WORK/out"
	cmp "$WORK/in" "$WORK/out"
	cat "$WORK/in" | cuddy run --rm -i "$IMAGE" cat >"$WORK/out"
	cmp "$WORK/in" "$WORK/out"
}

@test "run: a reader that goes away does not hang the command" {
	run -0 --separate-stderr bash -c '"$CUDDY" run --rm "$IMAGE" yes | head -n 1'
	[ "$output" = y ]
}

@test "run: -d prints the id and the container goes on" {
	run -0 --separate-stderr cuddy run -d "$IMAGE" sleep 1000
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	id=$output
	run -0 cuddy ps -q --no-trunc
	[ "$output" = "$id" ]
	run -0 cuddy exec "${id:0:12}" echo inside
	[ "$output" = inside ]
}

@test "run: --rm leaves nothing, without it the container stays for inspection" {
	run -3 cuddy run --name stays "$IMAGE" sh -c 'echo said; exit 3'
	run -0 cuddy inspect --format '{{.State.Status}} {{.State.ExitCode}}' stays
	[ "$output" = "exited 3" ]
	run -0 cuddy logs stays
	[ "$output" = said ]
	run -3 cuddy run --rm --name goes "$IMAGE" sh -c 'exit 3'
	run -125 --separate-stderr cuddy inspect --type container goes
	run -0 cuddy ps -aq
	[ "${#lines[@]}" -eq 1 ]
}

@test "run: a name in use is refused and says so, and the holder is untouched" {
	cuddy run -d --name taken "$IMAGE" sleep 1000
	before=$(container_pid taken)
	run -125 --separate-stderr cuddy run --name taken "$IMAGE" true
	one_line_error 125 'taken.*already in use'
	[ "$(container_pid taken)" = "$before" ]
	[ "$(cuddy ps -aq | wc -l)" -eq 1 ]
}

@test "run: --replace takes the name from an older container" {
	old=$(cuddy run -d --name it "$IMAGE" sleep 1000)
	new=$(cuddy run -d --replace --name it "$IMAGE" sleep 1000)
	[ "$old" != "$new" ]
	[ "$(cuddy ps -aq --no-trunc)" = "$new" ]
}

@test "run: names that are no names are refused" {
	for bad in ../x . .. a/b -rf 'a b' $'a\nb' "$(printf 'x%.0s' {1..300})"; do
		run -125 --separate-stderr cuddy run --rm --name="$bad" "$IMAGE" true
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
	[ -z "$(cuddy ps -aq)" ]
}

@test "run: of ten that race for one name one gets it" {
	pids=()
	for n in {1..10}; do
		cuddy run -d --name racer "$IMAGE" sleep 1000 >"$WORK/$n.out" 2>"$WORK/$n.err" &
		pids+=($!)
	done
	for p in "${pids[@]}"; do                       # a bare "wait" waits for the test's timer too
		wait "$p" || true
	done
	[ "$(cat "$WORK"/*.out | wc -l)" -eq 1 ]
	[ "$(cat "$WORK"/*.err | grep -c 'already in use')" -eq 9 ]
	[ "$(cuddy ps -aq | wc -l)" -eq 1 ]
}

@test "run: --cidfile holds the id, and an existing file stops before anything is made" {
	run -0 cuddy run --rm --cidfile "$WORK/cid" "$IMAGE" true
	[[ "$(cat "$WORK/cid")" =~ ^[0-9a-f]{64}$ ]]
	run -125 --separate-stderr cuddy run --cidfile "$WORK/cid" "$IMAGE" true
	one_line_error 125 cid
	[ -z "$(cuddy ps -aq)" ]
}

@test "run: --pull never, missing and the default find a local image without a registry" {
	run -0 cuddy run --rm --pull never "$IMAGE" true
	run -0 cuddy run --rm --pull missing "$IMAGE" true
	run -0 cuddy run --rm "$IMAGE" true
	run -125 --separate-stderr cuddy run --rm --pull sometimes "$IMAGE" true
	one_line_error 125 sometimes
}

@test "run: --pull always fails when the registry does not answer, and makes nothing" {
	cuddy tag "$IMAGE" "127.0.0.1:1/busybox:latest"
	run --separate-stderr cuddy run --rm --pull always 127.0.0.1:1/busybox:latest true
	[ "$status" -eq 125 ]
	[ -z "$(cuddy ps -aq)" ]
}

@test "run: an image is found by reference, id, id prefix and with sha256:" {
	id=$(cuddy images -q --no-trunc)
	id=${id#sha256:}
	for name in "$IMAGE" "$IMAGE:latest" "$id" "${id:0:12}" "sha256:$id" "docker://$IMAGE"; do
		run -0 cuddy run --rm "$name" echo ok
		[ "$output" = ok ]
	done
}

@test "run: options end at the image; what follows is the command's" {
	run -0 cuddy run --rm "$IMAGE" echo --rm -it --no-such-flag -- x
	[ "$output" = "--rm -it --no-such-flag -- x" ]
}

@test "run: --entrypoint replaces the image's, the operands are its arguments" {
	run -0 cuddy run --rm --entrypoint echo "$IMAGE" a b
	[ "$output" = "a b" ]
	run -0 cuddy run --rm --entrypoint '["echo", "-n", "x y"]' "$IMAGE" z
	[ "$output" = "x y z" ]
	# An empty one takes the image's away, and with it its command: that was the arguments of what is gone.
	printf 'FROM %s\nENTRYPOINT ["echo", "entry"]\nCMD ["cmd"]\n' "$IMAGE" >"$WORK/Containerfile"
	cuddy build -q -t localhost/entry "$WORK" >/dev/null
	[ "$(cuddy run --rm --network none localhost/entry)" = "entry cmd" ]
	[ "$(cuddy run --rm --network none --entrypoint "" localhost/entry echo mine)" = mine ]
	run --separate-stderr cuddy run --rm --network none --entrypoint= localhost/entry
	one_line_error 125 'no command'
}

@test "run: pid 1 is the command, and with --init it is a reaper in front of it" {
	run -0 cuddy run --rm "$IMAGE" sh -c 'echo $$'
	[ "$output" = 1 ]
	run -0 cuddy run --rm --init "$IMAGE" sh -c 'echo $$'
	[ "$output" != 1 ]
}

@test "run: --init reaps orphans" {
	run -0 cuddy run --rm --init "$IMAGE" sh -c '
		(sh -c "exit 3" & exit 0)
		(true & exit 0)
		i=0
		while ps -o stat,comm | grep -q "^Z"; do i=$((i + 1)); [ $i -lt 100 ] || exit 9; usleep 20000; done'
}

@test "run: a signal to cuddy goes to the command" {
	"$CUDDY" run --rm --name sig "$IMAGE" sh -c 'trap "echo got it; exit 7" USR1; echo ready; while :; do sleep 0.05; done' >"$WORK/out" &
	p=$!
	wait_until 20 grep -q ready "$WORK/out"
	kill -USR1 $p
	st=0
	wait $p || st=$?
	[ "$st" -eq 7 ]
	grep -q 'got it' "$WORK/out"
}

@test "run: only 0, 1 and 2 reach the command, also when the caller left descriptors open" {
	run -0 bash -c 'exec 7</etc/passwd 9<"$TOP"; "$CUDDY" run --rm "$IMAGE" ls /proc/self/fd'
	[ "$(echo $output)" = "0 1 2 3" ]               # 3 is ls's own
}

@test "run: --timeout kills the command after that time" {
	start=$SECONDS
	run cuddy run --rm --timeout 1 "$IMAGE" sleep 100
	[ "$status" -ne 0 ]
	[ $((SECONDS - start)) -lt 20 ]
}
