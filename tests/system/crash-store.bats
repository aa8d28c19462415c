#!/usr/bin/env bats
# kill -9 of whatever changes the store, a full disk and a table of inodes that is full: what runs goes on, what is
# there is whole ("cuddy system check"), and the next command works.
load helpers
load registry
load crash

teardown() {
	registry_end
	test_end
}

# images: S9
@test "crash: commit, save, push, rmi, prune and build are killed at random moments: the store is whole, and they work" {
	seed
	registry_begin
	printf 'FROM %s\nRUN echo $RANDOM >/built\nCOPY x /x\n' "$IMAGE" >"$WORK/Containerfile"
	echo x >"$WORK/x"
	cuddy run --name c "$IMAGE" sh -c 'i=0; while [ $i -lt 300 ]; do echo $i >/f$i; i=$((i+1)); done'
	cuddy run -d --name up "$IMAGE" sleep 1000
	cut=0
	killed() { # killed COMMAND...: sooner each second time, for what takes no longer
		local pid
		"$CUDDY" "$@" >/dev/null 2>&1 3>&- &
		pid=$!
		if [ $((i % 2)) = 0 ]; then nap; else sleep "0.00$((RANDOM % 10))"; fi
		! kill -KILL $pid 2>/dev/null || cut=$((cut + 1))
		kill9 $pid
	}
	for i in {1..10}; do
		killed commit -q c localhost/made:1
		killed save -o "$WORK/saved.tar" "$IMAGE"
		[ ! -e "$WORK/saved.tar" ] || tar -tf "$WORK/saved.tar" >/dev/null
		rm -f "$WORK/saved.tar"
		killed build -q -t localhost/built "$WORK"
		killed push -q --tls-verify=false "$IMAGE" "$REG/team/b:$i"
		killed rmi -f localhost/made:1
		killed image prune -af
		killed system prune -f
		cuddy ps -a >/dev/null
		[ "$(cuddy exec up echo alive)" = alive ]
		[ $((i % 5)) != 0 ] || cuddy inspect c >/dev/null 2>&1 ||
			cuddy run --name c "$IMAGE" sh -c 'i=0; while [ $i -lt 300 ]; do echo $i >/f$i; i=$((i+1)); done'
	done
	echo "$cut killed"
	[ "$cut" -ge 20 ]
	transfers_end
	whole
	cuddy inspect c >/dev/null 2>&1 || cuddy run --name c "$IMAGE" true # a prune was not killed in time
	cuddy commit -q c localhost/made:1 >/dev/null
	cuddy build -q -t localhost/built "$WORK" >/dev/null
	cuddy push -q --tls-verify=false localhost/built "$REG/team/b:last"
	cuddy save -o "$WORK/saved.tar" localhost/made:1
	cuddy rmi -f localhost/made:1 localhost/built >/dev/null
	whole
}

# small OPTIONS SCRIPT - with a store on a small file system; mounts and processes end with it
small() {
	mkdir "$WORK/small"
	cat >"$WORK/script" <<-'SH'
		fail() { echo "$*" >&2; exit 1; }
		refused() { # refused COMMAND...: one line that says what is full
			out=$("$@" 2>&1 >/dev/null) && fail "no error: $*"
			[ "$(printf '%s\n' "$out" | grep -c ^cuddy:)" = 1 ] || fail "$*: $out"
			case $out in *"No space left on device"*) ;; *) fail "$*: $out" ;; esac
		}
		whole() { out=$("$CUDDY" system check 2>&1) && [ -z "$out" ] || fail "check: $out"; }
		alive() { [ "$("$CUDDY" exec up echo alive)" = alive ] || fail "it died"; }
		export CUDDY_ROOT=$WORK/small/root CUDDY_RUNROOT=$WORK/small-run
		mkdir -p -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
		trap '"$CUDDY" rm -f -a -t 0 >/dev/null' EXIT
	SH
	echo "$2" >>"$WORK/script"
	mkdir "$WORK/ctx"
	head -c 1000000 /dev/urandom >"$WORK/ctx/x"
	printf 'FROM localhost/busybox\nCOPY x /x\nRUN cp /x /y\n' >"$WORK/ctx/Containerfile"
	BUSYBOX=$(image_file busybox) LAYERS12=$(image_file layers12)
	export BUSYBOX LAYERS12 WORK
	run cuddy unshare sh -c "mount -t tmpfs -o $1 none '$WORK/small' && exec bash '$WORK/script'"
	[ "$status" -eq 0 ] || fail "$output"
}

# images: S17
@test "a full disk: what needs room fails in one line and leaves nothing, what runs goes on, and room can be made" {
	small size=12m '
		"$CUDDY" load -q -i "$BUSYBOX" >/dev/null || fail load
		"$CUDDY" run -d --network none --name up localhost/busybox sh -c "echo kept >/kept; sleep 1000" >/dev/null || fail run
		"$CUDDY" volume create v >/dev/null
		"$CUDDY" run --network none --name big -v v:/v localhost/busybox sh -c "head -c 1000000 /dev/zero >/mine; echo mine >/v/mine; sync"
		printf "FROM scratch\nCOPY x /x\n" | "$CUDDY" build -q -t localhost/more -f - "$WORK/ctx" >/dev/null || fail build
		head -c 100000000 /dev/zero >"$CUDDY_ROOT/filler" 2>/dev/null
		refused "$CUDDY" load -q -i "$LAYERS12"
		refused "$CUDDY" import "$BUSYBOX" localhost/imported
		refused "$CUDDY" commit -q big localhost/committed
		refused "$CUDDY" cp /bin/bash big:/bash
		refused "$CUDDY" save -q -o "$WORK/small/saved.tar" localhost/busybox
		refused "$CUDDY" save -q --format oci-dir -o "$WORK/small/saved" localhost/busybox
		refused "$CUDDY" push -q localhost/busybox "dir:$WORK/small/pushed"
		refused "$CUDDY" push -q localhost/busybox "oci-archive:$WORK/small/pushed.tar"
		refused "$CUDDY" pull -q "oci-archive:$LAYERS12"
		refused "$CUDDY" build -q --network none -t localhost/built "$WORK/ctx"
		left=$(cd "$WORK/small" && echo *)
		[ "$left" = root ] || fail "left: $left"
		alive
		whole
		[ "$("$CUDDY" images -q | wc -l)" = 2 ] || fail images
		"$CUDDY" exec up cat /kept >/dev/null || fail kept
		# Taking away must work when there is no room.
		"$CUDDY" rm big >/dev/null || fail rm
		"$CUDDY" rmi localhost/more >/dev/null || fail rmi
		"$CUDDY" image prune -a -f >/dev/null || fail "image prune"
		"$CUDDY" system prune -f >/dev/null || fail prune
		alive
		whole
		rm "$CUDDY_ROOT/filler"
		"$CUDDY" run --rm --network none -v v:/v localhost/busybox cat /v/mine || fail volume
		"$CUDDY" load -q -i "$LAYERS12" >/dev/null || fail again
		alive
		whole'
	[ "${lines[0]}" = mine ]
}

@test "no inode is left: what needs one fails in one line and leaves nothing, what runs goes on, and room can be made" {
	small size=64m,nr_inodes=900 '
		"$CUDDY" load -q -i "$BUSYBOX" >/dev/null || fail load
		"$CUDDY" run -d --network none --name up localhost/busybox sleep 1000 >/dev/null || fail run
		"$CUDDY" run --network none --name c localhost/busybox sh -c "echo mine >/mine"
		printf "FROM scratch\nCOPY x /x\n" | "$CUDDY" build -q -t localhost/more -f - "$WORK/ctx" >/dev/null || fail build
		mkdir "$CUDDY_ROOT/filler"
		i=0; while : 2>/dev/null >"$CUDDY_ROOT/filler/$i"; do i=$((i+1)); done
		refused "$CUDDY" load -q -i "$LAYERS12"
		refused "$CUDDY" volume create v
		refused "$CUDDY" commit -q c localhost/committed
		refused "$CUDDY" create --name no localhost/busybox true
		refused "$CUDDY" import "$BUSYBOX" localhost/imported
		refused "$CUDDY" save -q -o "$WORK/small/saved.tar" localhost/busybox
		refused "$CUDDY" push -q localhost/busybox "dir:$WORK/small/pushed"
		refused "$CUDDY" pull -q "oci-archive:$LAYERS12"
		refused "$CUDDY" build -q --network none -t localhost/built "$WORK/ctx"
		left=$(cd "$WORK/small" && echo *)
		[ "$left" = root ] || fail "left: $left"
		alive
		whole
		"$CUDDY" rm c >/dev/null || fail rm
		"$CUDDY" rmi localhost/more >/dev/null || fail rmi
		"$CUDDY" system prune -f >/dev/null || fail prune
		whole
		rm -r "$CUDDY_ROOT/filler"
		"$CUDDY" run --rm --network none localhost/busybox true || fail run
		alive
		whole'
}
