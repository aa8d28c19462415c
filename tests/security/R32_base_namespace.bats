#!/usr/bin/env bats
# R32: the base namespace is joined only when it is ours, a child of our own and the recorded one. H02, H04, H05:
# what surrounds it: the runtime directory, reused pids, groups.
load hostile

# forge PID START INODE PATH - a locked record in the runtime directory, as a process that serves would have it
forge() {
	local maps
	maps=$(own_maps)
	python3 - "$CUDDY_RUNROOT/base/$RANDOM$RANDOM" "$1 $2 $3 $4" "$maps" "$WORK/forged" 3>&- <<'PY' &
import fcntl, os, signal, sys
os.makedirs(os.path.dirname(sys.argv[1]), 0o700, exist_ok=True)
f = open(sys.argv[1], "w")
fcntl.flock(f, fcntl.LOCK_EX)
f.write(sys.argv[2] + "\n" + sys.argv[3] + "\n")
f.flush()
open(sys.argv[4], "w").close()
signal.pause()
PY
	FORGERS+=($!)
	wait_until 5 test -e "$WORK/forged"
	rm "$WORK/forged"
}

unforge() {
	local p
	for p in "${FORGERS[@]}"; do kill -KILL "$p"; wait "$p" || true; done 2>/dev/null
	FORGERS=()
	rm -f "$CUDDY_RUNROOT"/base/*
}

# The maps line of the records, from what the base namespace of a running container says about itself.
own_maps() { cat "$WORK/maps"; }

start_time() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20; }
user_ns() { stat -L -c %i "/proc/$1/ns/user"; }

# probe - the base namespace a run uses now, seen at its monitor
probe() {
	local id ns
	id=$(cuddy run -d --network none "$IMAGE" sleep 1000) || return 1
	ns=$(user_ns "$(conmon_pid "$id")")
	cuddy rm -f -t 0 "$id" >/dev/null
	echo "$ns"
}

base_setup() { # a running container "a", its B in $B; its maps in $WORK/maps
	FORGERS=()
	cuddy run -d --name a --network none "$IMAGE" sleep 1000 >/dev/null
	B=$(user_ns "$(conmon_pid a)")
	sed -n 2p "$CUDDY_RUNROOT/base/$(conmon_pid a)" >"$WORK/maps"
	[ -s "$WORK/maps" ]
}

@test "R32: the record of a living base namespace is used" {
	base_setup
	[ "$(probe)" = "$B" ]
}

# Processes of the program itself that belong to this test's root: they have its runtime directory in their environment.
ours() {
	local p
	for p in $(pgrep -u "$(id -u)" -x cuddy); do
		tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | grep -qxF "CUDDY_RUNROOT=$CUDDY_RUNROOT" && echo "$p"
	done
	return 0
}

@test "R32: one that is begun before it is needed is given up when it is not, and of many at once one is made" {
	export CUDDY_RUNROOT
	local i
	# Its maps are being written when the image is found to be missing: no child is left, and nothing to join.
	run -125 cuddy run --rm --pull never nosuch true
	[ -z "$(ours)$(ls "$CUDDY_RUNROOT/base" 2>/dev/null)" ]
	jobs=()
	for i in 1 2 3 4 5 6 7 8; do "$CUDDY" run -d --name "at-once$i" "$IMAGE" sleep 1000 >/dev/null 3>&- & jobs+=($!); done
	for i in "${jobs[@]}"; do wait "$i"; done
	[ "$(ls "$CUDDY_RUNROOT/base" | wc -l)" = 8 ]
	[ "$(awk 'FNR == 1 { print $3 }' "$CUDDY_RUNROOT"/base/* | sort -u | wc -l)" = 1 ]
	[ -z "$(ours)" ]
	cuddy rm -f -t 0 -a >/dev/null
}

@test "R32: a record that points into a container is refused and another namespace is used" {
	base_setup
	p=$(container_pid a)
	cuddy run -d --name priv --privileged --network none "$IMAGE" sleep 1000 >/dev/null
	q=$(container_pid priv)
	mv "$CUDDY_RUNROOT/base" "$WORK/base.real"      # only forged ones are left to choose from
	for victim in $p $q; do
		forge "$victim" "$(start_time "$victim")" "$(user_ns "$victim")" ns/user
		now=$(probe)
		[ "$now" != "$(user_ns "$victim")" ]
		[ -n "$now" ]
		unforge
	done
	[ "$now" != "$B" ]                              # made anew
	rm -rf "$CUDDY_RUNROOT/base"
	mv "$WORK/base.real" "$CUDDY_RUNROOT/base"
}

@test "R32: a record with a wrong start time, inode or path, of a dead or another process is refused" {
	base_setup
	c=$(conmon_pid a)
	s=$(start_time "$c")
	sleep 1000 3>&- &
	own=$!
	sh -c : &
	dead=$!
	wait $dead
	mv "$CUDDY_RUNROOT/base" "$WORK/base.real"
	for record in "$c $((s + 1)) $B ns/user" "$c $s $((B + 1)) ns/user" "$c $s $B ns/mnt" "$c $s $B ns/../ns/user" \
		"$c $s $B fd/0" "$c $s $B root/proc/self/ns/user" "$dead 1 $B ns/user" "1 0 $B ns/user" "$own $(start_time $own) $B ns/user" \
		"$own $(start_time $own) $(user_ns $own) ns/user" "-1 $s $B ns/user" "$c" "x y z w" "99999999999999999999 $s $B ns/user"; do
		forge $record
		now=$(probe)
		[ -n "$now" ] && [ "$now" != "$B" ] || { echo "accepted: $record"; kill $own; false; }
		unforge
	done
	kill $own
	rm -rf "$CUDDY_RUNROOT/base"
	mv "$WORK/base.real" "$CUDDY_RUNROOT/base"
}

@test "R32: a record that nobody holds is removed, and one that is no file does not stop anybody" {
	base_setup
	c=$(conmon_pid a)
	cp "$CUDDY_RUNROOT/base/$c" "$CUDDY_RUNROOT/base/1"
	mv "$CUDDY_RUNROOT/base/$c" "$WORK/rec"
	mkfifo "$CUDDY_RUNROOT/base/2"
	ln -s "$WORK/rec" "$CUDDY_RUNROOT/base/3"
	mkdir "$CUDDY_RUNROOT/base/4"
	head -c 1000000 /dev/zero >"$CUDDY_RUNROOT/base/5"
	run -0 timeout 20 "$CUDDY" run --rm --network none "$IMAGE" true
	[ ! -e "$CUDDY_RUNROOT/base/1" ]
	rm -rf "$CUDDY_RUNROOT"/base/[2345]
	mv "$WORK/rec" "$CUDDY_RUNROOT/base/$c"
}

@test "R32: a user namespace of the same user with other maps, or below another, is not taken for the base" {
	base_setup
	unshare --user --map-root-user sleep 1000 3>&- &
	single=$!
	unshare --user --map-auto --map-root-user unshare --user --map-root-user sleep 1000 3>&- &
	nested=$!
	wait_until 5 eval '[ "$(user_ns $single)" != "$(user_ns $$)" ] && [ "$(tr "\0" " " </proc/$nested/cmdline)" = "sleep 1000 " ]'
	wait_until 5 eval '[ "$(tr "\0" " " </proc/$single/cmdline)" = "sleep 1000 " ]'
	mv "$CUDDY_RUNROOT/base" "$WORK/base.real"
	for p in $single $nested; do
		forge "$p" "$(start_time "$p")" "$(user_ns "$p")" ns/user
		now=$(probe)
		[ -n "$now" ] && [ "$now" != "$(user_ns "$p")" ] || { echo "accepted $p"; kill $single $nested; false; }
		unforge
	done
	kill $single $nested
	rm -rf "$CUDDY_RUNROOT/base"
	mv "$WORK/base.real" "$CUDDY_RUNROOT/base"
}

@test "R32: another user's namespace is refused" {
	require_other_user
	base_setup
	as_other sh -c 'unshare --user --map-root-user sleep 30 >/dev/null 2>&1 & sleep 0.5; echo $!' >"$WORK/theirs"
	p=$(cat "$WORK/theirs")
	[ -d "/proc/$p" ]
	mv "$CUDDY_RUNROOT/base" "$WORK/base.real"
	forge "$p" "$(start_time "$p")" "$B" ns/user
	now=$(probe)
	[ -n "$now" ]
	[ "$now" != "$B" ]
	unforge
	rm -rf "$CUDDY_RUNROOT/base"
	mv "$WORK/base.real" "$CUDDY_RUNROOT/base"
}

@test "R32: root of one container has no power over another, its monitor or the base, also with the host's pids" {
	cuddy run -d --name a --network none "$IMAGE" sleep 1000 >/dev/null
	a=$(container_pid a)
	m=$(conmon_pid a)
	cat >"$WORK/t.sh" <<-'SH'
	for p in $*; do
		for n in user mnt pid net; do nsenter --$n=/proc/$p/ns/$n true 2>/dev/null && echo "entered $n of $p"; done
		cat /proc/$p/environ >/dev/null 2>&1 && echo "read environ of $p"
		ls /proc/$p/root/ >/dev/null 2>&1 && echo "walked root of $p"
		readlink /proc/$p/exe 2>/dev/null && echo "read exe of $p"
		for f in 0 1 2 3 4 5 6 7; do readlink /proc/$p/fd/$f && echo "read descriptor $f of $p"; done 2>/dev/null
		(: </proc/$p/mem) 2>/dev/null && echo "opened memory of $p"
		(: >/proc/$p/mem) 2>/dev/null && echo "opened memory of $p to write"
	done
	/sysprobe reach $*
	(: </proc/$$/mem) && echo done # its own: who opens it asks for the rights of ptrace
	SH
	for o in "--privileged --pid host" "--pid host --cap-add ALL --security-opt seccomp=unconfined"; do
		run -0 --separate-stderr cuddy run --rm -i --network none -v "${CUDDY%/*}/tools/sysprobe:/sysprobe:ro" $o "$IMAGE" sh -s $a $m <"$WORK/t.sh"
		# With the host's pids all of a user's containers are processes of one user: a signal is what they share.
		[ "$output" = "kill $a: works"$'\n'"kill $m: works"$'\ndone' ] || fail "$o: $output"
	done
	# Who is at a terminal is told what such a container has of the host; once.
	at_terminal() { run -0 script -qec "'$CUDDY' run --rm $1 '$IMAGE' true" /dev/null; }
	at_terminal "--pid host --network none --security-opt seccomp=unconfined"
	[[ "$output" == *"warning: --pid host: "*"send signals to all of yours"* ]]
	[[ "$output" == *"warning: seccomp=unconfined: "* ]]
	at_terminal "--pid host --network host --ipc host"
	[[ "$output" != *"--pid host"* ]]
	[[ "$output" == *"warning: --network host: "*"abstract sockets"* ]]
	[[ "$output" == *"warning: --ipc host: "* ]]
	# Of the base namespace the user's other containers are the children: it has all power over those it sees.
	run -0 --separate-stderr cuddy run --rm --network none --userns host --pid host "$IMAGE" sh -c "grep -c . /proc/$a/environ"
	at_terminal "--userns host --network none"
	[[ "$output" == *"warning: --userns host: "*"all your containers"* ]]
	# Nothing of yours changes by these two, so nothing is said of them.
	at_terminal "--uts host --cgroupns host --privileged --network none"
	[[ "$output" != *warning* ]]
	run --separate-stderr cuddy run --rm --uts host --cgroupns host --cap-add ALL --network none "$IMAGE" sh -c \
		'hostname changed && echo renamed; mkdir /sys/fs/cgroup/made && echo made; echo tried'
	[ "$output" = tried ]
}

@test "H02: a runtime directory that is another's, open to others or a link is refused or mended" {
	require_other_user
	u=$(id -u)
	env() { command env -u CUDDY_RUNROOT "$@"; }
	# XDG_RUNTIME_DIR that is relative, a link, or open: the fallback is used
	mkdir -m 0777 "$WORK/open"
	chmod 0777 "$WORK/open"
	theirs=/var/tmp/cuddy-theirs.$$
	as_other mkdir -m 0700 $theirs
	mkdir -m 0700 "$WORK/own"
	ln -s "$WORK/own" "$WORK/link"
	for x in relative "$WORK/open" /nonexistent "$WORK/link" $theirs; do
		run -0 env XDG_RUNTIME_DIR="$x" "$CUDDY" ps -q
		[ ! -e "$x/cuddy" ]
	done
	[ "$(stat -c '%a %u' /tmp/cuddy-$u)" = "700 $u" ]
	as_other rm -rf $theirs
	# nothing else of /tmp is opened or made
	env -u XDG_RUNTIME_DIR "$CUDDY" run -d --name holder --network none "$IMAGE" sleep 1000 # the base namespace is there: strace takes newuidmap its rights
	[ "$(env -u XDG_RUNTIME_DIR strace -f -qq -e trace=%file -o "$WORK/trace" "$CUDDY" run --rm --network none "$IMAGE" echo ran)" = ran ]
	[ -z "$(grep -E '"/tmp/' "$WORK/trace" | grep -v "/tmp/cuddy-$u[/\"]")" ]
	env -u XDG_RUNTIME_DIR "$CUDDY" rm -f -t 0 holder
	rm -rf "/tmp/cuddy-$u"
	# in the fallback's place: another user's directory, file, link
	for make in "mkdir -m 0777 /tmp/cuddy-$u" "touch /tmp/cuddy-$u" "ln -s /tmp /tmp/cuddy-$u"; do
		as_other $make
		run --separate-stderr env -u XDG_RUNTIME_DIR "$CUDDY" ps -q
		as_other rm -rf "/tmp/cuddy-$u"
		one_line_error 125 "/tmp/cuddy-$u"
	done
	# somebody could have put something in
	mkdir -m 0777 "$WORK/run2"
	chmod 0777 "$WORK/run2"
	as_other true
	: >"$WORK/run2/planted"
	run --separate-stderr cuddy --runroot "$WORK/run2" ps -q
	one_line_error 125 run2
}
