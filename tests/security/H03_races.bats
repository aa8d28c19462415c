#!/usr/bin/env bats
# State under fire: many at once on the same names, killed at random; and numbers of processes that are another's now.
load ../system/helpers
load ../system/bundle
load ../system/crash

@test "H03: many create, start, stop and remove the same names, and are killed: lists never fail, ids are one, nothing is left" {
	seed
	step() {
		local name=n$((RANDOM % 5))
		case $((RANDOM % 6)) in
		0) set -- create --name $name --network none "$IMAGE" sleep 1000 ;;
		1) set -- run -d --name $name --network none "$IMAGE" sleep 1000 ;;
		2) set -- start $name ;;
		3) set -- stop -t 0 $name ;;
		4) set -- rm -f -t 0 $name ;;
		5) set -- restart -t 0 $name ;;
		esac
		if [ $((RANDOM % 3)) -eq 0 ]; then
			timeout -s KILL 0.0$((RANDOM % 9 + 1)) "$CUDDY" "$@" >/dev/null 2>&1 3>&-
		else
			timeout 60 "$CUDDY" "$@" >/dev/null 2>&1 3>&-
		fi
		[ $? -ne 124 ] || echo "hangs: $*" >>"$WORK/bad"
	}
	watch() { # what lists say in between
		while [ ! -e "$WORK/over" ]; do
			"$CUDDY" ps -a --no-trunc --format '{{.ID}} {{.Names}}' >"$WORK/list.$1" 2>"$WORK/err.$1" 3>&- ||
				echo "ps: $(cat "$WORK/err.$1")" >>"$WORK/bad"
			[ ! -s "$WORK/list.$1" ] || touch "$WORK/seen"
			[ -z "$(cut -d' ' -f1 "$WORK/list.$1" | sort | uniq -d)$(cut -d' ' -f2 "$WORK/list.$1" | sort | uniq -d)" ] ||
				{ echo "twice:"; cat "$WORK/list.$1"; } >>"$WORK/bad"
		done
	}
	rounds=${CUDDY_TEST_ROUNDS:-25}
	set +e
	watch 1 &
	watcher=$!
	workers=()
	for w in 1 2 3 4 5 6; do
		(
			RANDOM=$((CUDDY_TEST_SEED + w))
			for ((i = 0; i < rounds; i++)); do step; done
		) &
		workers+=($!)
	done
	wait "${workers[@]}"
	touch "$WORK/over"
	wait $watcher
	set -e
	[ ! -s "$WORK/bad" ] || { head -n 20 "$WORK/bad"; false; }
	[ -e "$WORK/seen" ]
	# Whatever is there is whole: each name leads to one id, each can be looked at and removed.
	for c in $(cuddy ps -aq); do
		cuddy inspect "$c" >/dev/null
	done
	cuddy rm -f -t 0 -a >/dev/null
	[ -z "$(cuddy ps -aq)" ]
	for n in 0 1 2 3 4; do
		cuddy create --name n$n --network none "$IMAGE" true >/dev/null
	done
}

@test "H04: a process that has the number of a dead container's is not taken for it" {
	cp "$(image_file busybox)" "$WORK/busybox.tar"
	bundle b sleep 1000
	config b '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)' || true
	cat >"$WORK/inside" <<'SH'
export CUDDY_ROOT=$WORK/n/root CUDDY_RUNROOT=$WORK/n/run
mkdir -p -m 0700 "$WORK/n" "$CUDDY_ROOT" "$CUDDY_RUNROOT" "$WORK/state"
no() { echo "$*"; exit 1; }
alive() { kill -0 "$1" 2>/dev/null && [ "$(cat /proc/$1/comm)" = sleep ]; }
again() { # again PID: a sleeper of that number
	for i in $(seq 200); do
		echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
		sleep 100000 & s=$!
		[ $s = $1 ] && { until alive $1; do sleep 0.02; done; return 0; }
		kill $s
		wait $s 2>/dev/null
	done
	no "could not have $1 again"
}
gone() { for i in $(seq 1000); do [ -e /proc/$1 ] || return 0; sleep 0.02; done; no "$1 does not go"; }
# One at a time, pid 1 of the container and its monitor; the state file says that it runs.
"$CUDDY" load -q -i "$WORK/busybox.tar" >/dev/null 2>&1 || no load
for whose in Pid ConmonPid; do
	"$CUDDY" run -d --name c --network none localhost/busybox sleep 1000 >/dev/null || no run
	p=$("$CUDDY" inspect --format '{{.State.'$whose'}}' c)
	m=$("$CUDDY" inspect --format '{{.State.ConmonPid}}' c)
	kill -KILL $m
	gone $m
	gone $("$CUDDY" inspect --format '{{.State.Pid}}' c 2>/dev/null || echo 0)
	gone $p
	again $p
	for verb in 'kill c' 'stop -t 0 c' 'exec c true' 'top c' 'pause c' 'restart -t 0 c' 'rm -f -t 0 c'; do
		"$CUDDY" $verb >/dev/null 2>&1
		case $?:$verb in 0:kill* | 0:exec* | 0:top* | 0:pause*) no "$verb of a dead container succeeds" ;; esac
		alive $p || no "$verb ended $p of $whose"
	done
	kill $p
	wait $p 2>/dev/null
done
# As a runtime there is no monitor: the number and what the state file says of it are all.
rt() { "$CUDDY" runtime --root "$WORK/state" "$@"; }
rt run --detach --bundle "$WORK/b" r >/dev/null 2>"$WORK/err" </dev/null || no "$(cat "$WORK/err")"
p=$(rt state r | jq .pid)
kill -KILL $p
gone $p
again $p
[ "$(rt state r | jq -r .status)" = stopped ] || no "taken for the container"
for verb in 'kill r KILL' 'exec r true' 'ps r' 'pause r' 'delete --force r'; do
	rt $verb >/dev/null 2>&1
	alive $p || no "runtime $verb ended $p"
done
[ ! -e "$WORK/state/r" ] || no "not deleted"
kill $p
SH
	run timeout 120 unshare --user --map-auto --map-root-user --mount --pid --mount-proc --fork --kill-child env WORK="$WORK" \
		"$TOP/tests/subreaper" bash "$WORK/inside"
	echo "$output"
	[ "$status" -eq 0 ]
	unshare --user --map-auto --map-root-user rm -rf "$WORK/n" "$WORK/state"
}

@test "H04: a number and a start time of another boot are no process of this one" {
	for boot in 00000000-0000-0000-0000-000000000000 "$(cat /proc/sys/kernel/random/boot_id)"; do
		cuddy run -d --name c --network none "$IMAGE" sleep 1000
		state=$CUDDY_RUNROOT/$(cuddy inspect --format '{{.Id}}' c)/state
		m=$(conmon_pid c)
		kill -KILL "$m"
		wait_until 20 eval '[ ! -e "/proc/'"$m"'" ]'
		sleep 100000 3>&- &
		s=$!
		start=$(sed 's/.*) //' "/proc/$s/stat" | cut -d' ' -f20)
		sed -i "s/^pid=.*/pid=$s/; s/^start=.*/start=$start/; s/^boot_id=.*/boot_id=$boot/" "$state"
		run -0 cuddy inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' c
		case $boot in
		0*)
			[ "$output" = "exited 137 the machine went down" ]
			kill $s                         # it is there
			;;
		*) [ "$output" = "exited 137 the container's monitor was killed" ] ;;
		esac
		wait $s || true                         # of this boot it is what a monitor left behind
		cuddy rm c
	done
}
