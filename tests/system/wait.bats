#!/usr/bin/env bats
# cuddy wait: for the end and for other states; and the ways to name a container other than by its name.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

@test "wait: --condition running returns once it runs, with -1 for a code" {
	cuddy create --name c "$IMAGE" sleep 1000
	"$CUDDY" wait --condition running -i 20ms c >"$WORK/out" 3>&- &
	w=$!
	wait_asleep $w
	cuddy start c
	wait $w
	[ "$(cat "$WORK/out")" = -1 ]
}

@test "wait: several conditions, apart and with commas: the first that is met ends it" {
	cuddy create --name c "$IMAGE" sh -c 'while [ ! -e /go ]; do sleep 0.02; done; exit 3'
	run -0 cuddy wait --condition exited,created c
	[ "$output" = -1 ]
	cuddy start c
	"$CUDDY" wait --condition exited --condition removing -i 20ms c >"$WORK/out" 3>&- &
	w=$!
	wait_asleep $w
	cuddy exec c touch /go
	wait $w
	[ "$(cat "$WORK/out")" = 3 ]
	"$CUDDY" wait --condition removing -i 20ms c >"$WORK/out" 3>&- &
	w=$!
	wait_asleep $w
	cuddy rm c
	wait $w
	[ "$(cat "$WORK/out")" = -1 ]
}

@test "wait: the code of a --rm container is heard, also with another condition beside" {
	for conditions in exited exited,removing; do
		cuddy run -d --rm --name c "$IMAGE" sh -c 'while [ ! -e /go ]; do sleep 0.02; done; exit 7'
		"$CUDDY" wait --condition $conditions c >"$WORK/out" 2>&1 3>&- &
		w=$!
		wait_asleep $w
		cuddy exec c touch /go
		wait $w
		[ "$(cat "$WORK/out")" = 7 ] || fail "$conditions: $(cat "$WORK/out")"
		wait_until 20 empty_dir "$CUDDY_ROOT/containers"
	done
}

@test "wait: --exit-first-match returns with the first of several, without it all are waited for" {
	cuddy run -d --name a "$IMAGE" sleep 1000
	cuddy run -d --name b "$IMAGE" sh -c 'exit 4'
	run -0 cuddy wait --exit-first-match a b
	[ "$output" = 4 ]
	"$CUDDY" wait a b >"$WORK/out" 3>&- &
	w=$!
	wait_asleep $w
	cuddy kill a
	wait $w
	[ "$(cat "$WORK/out")" = $'137\n4' ]
}

@test "wait: --ignore prints -1 for what is not there; bad words are one clear line" {
	cuddy run --name a "$IMAGE" sh -c 'exit 5' || true
	run -0 cuddy wait --ignore nosuch a
	[ "$output" = $'-1\n5' ]
	run --separate-stderr cuddy wait nosuch a
	[ "$status" = 125 ]
	[ "$output" = 5 ]
	[ "$stderr" = "cuddy: wait: nosuch: no such container" ]
	run --separate-stderr cuddy wait --condition sleeping a
	one_line_error 125 "'sleeping': use .*exited"
	for bad in 0 -1 soon; do
		run --separate-stderr cuddy wait --interval $bad a
		one_line_error 125 "'$bad'"
	done
	run --separate-stderr cuddy wait
	one_line_error 125 'needs a name'
}

@test "--latest: stands for the name in wait, start, logs, inspect, exec, attach and rm" {
	cuddy run -d --name old "$IMAGE" sleep 1000
	cuddy create --name new -i "$IMAGE" sh -c 'echo I am new; cat; exit 6'
	run -0 cuddy inspect -l --format '{{.Name}}'
	[ "$output" = new ]
	run -0 cuddy container inspect --latest --format '{{.Name}}'
	[ "$output" = new ]
	run -0 cuddy start -l
	wait_running new
	run -0 cuddy exec -l hostname
	[ "$output" = "$(cuddy inspect --format '{{slice .Id 0 12}}' new)" ]
	wait_log new 'I am new'
	run -0 cuddy logs -l
	[ "$output" = "I am new" ]
	"$CUDDY" attach -l --no-stdin >/dev/null 3>&- &
	a=$!
	wait_asleep $a
	cuddy kill new
	st=0
	wait $a || st=$?
	[ $st = 137 ]
	run -0 cuddy wait -l
	[ "$output" = 137 ]
	run -6 sh -c '"$CUDDY" start -a -i -l </dev/null'
	[ "$output" = "I am new" ]
	run -0 cuddy rm -l
	[ -n "$(cuddy ps -q --filter name=old)" ]
	run -125 cuddy inspect --type container new
	for words in "wait -l old" "inspect -l old" "attach -l old" "rm -l old" "logs -l old" "start -l old" "start -a -l old"; do
		run --separate-stderr cuddy $words
		one_line_error 125 latest\|one.container
	done
	run -125 --separate-stderr cuddy exec -l
	[[ "$stderr" == *"which command"* ]]
}

@test "exec: --cidfile says in which container" {
	cuddy run -d --cidfile "$WORK/cid" --name c "$IMAGE" sleep 1000
	cuddy run -d --name other "$IMAGE" sleep 1000
	run -0 cuddy exec --cidfile "$WORK/cid" hostname
	[ "$output" = "$(head -c 12 "$WORK/cid")" ]
	run --separate-stderr cuddy exec --cidfile "$WORK/nosuch" true
	one_line_error 125 nosuch
	run --separate-stderr cuddy exec -l --cidfile "$WORK/cid" true
	one_line_error 125 contradict
}

@test "start: --detach-keys are those that detach" {
	cuddy create -it --name c "$IMAGE" sh
	python3 - <<-'P'
		from ptydrv import *
		p = cuddy("start", "-a", "-i", "--detach-keys", "ctrl-x,d", "c")
		p.expect(b"#")
		p.send(b"\x18d")
		assert p.wait() == 0, p.all
	P
	status_is c running
	printf '[engine]\ndetach_keys = "ctrl-x,e"\n' >"$WORK/keys.conf"
	CONTAINERS_CONF=$WORK/keys.conf cuddy create -it --name d "$IMAGE" sh
	CONTAINERS_CONF=$WORK/keys.conf python3 - <<-'P'
		from ptydrv import *
		p = cuddy("start", "-a", "-i", "d")
		p.expect(b"#")
		p.send(b"\x18e")
		assert p.wait() == 0, p.all
	P
	status_is d running
	CONTAINERS_CONF=$WORK/keys.conf python3 - <<-'P'
		from ptydrv import *
		p = cuddy("exec", "-it", "d", "sh")
		p.expect(b"#")
		p.send(b"\x18e")
		assert p.wait() == 0, p.all
	P
}
