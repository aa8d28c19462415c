# For rows about starting a process: rtdrive launches a plan on a tree made here, without image, store
# or monitor, so a test can shape the root file system as it likes.
#   rt KEY=VALUE... -- ARGV...      (keys: tests/tools/rtdrive.c)
#   $IMG      the image's tree (busybox in bin/)      $VICTIM   a canary outside, see victim_is_unchanged

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
TOOLS=$TOP/${BUILD:-build}/tools
RTDRIVE=$TOOLS/rtdrive

setup() {
	WORK=$BATS_TEST_TMPDIR IMG=$WORK/image VICTIM=$WORK/victim
	[ -x "$RTDRIVE" ] || { echo "no $RTDRIVE: run this through make security" >&2; return 1; }
	# One was made for the whole file: some forty programs would have to be started.
	[ -d "$BATS_FILE_TMPDIR/rt" ] || rt_surroundings "$BATS_FILE_TMPDIR/rt"
	cp -a "$BATS_FILE_TMPDIR/rt/." "$WORK"
	VICTIM_SUM=$(victim_sum)
}

rt_surroundings() { # rt_surroundings DIR
	local IMG=$1/image VICTIM=$1/victim
	mkdir -p "$IMG"/{bin,etc,tmp,root} "$1"/places/{proc,sys,dev,etc} "$1"/{up,wk,run} "$VICTIM"
	chmod 0700 "$1/run"
	chmod 1777 "$IMG/tmp"
	cp /bin/busybox "$IMG/bin/"
	for a in sh cat ls id touch mkdir rm stat grep sleep true false echo env pwd mount umount readlink test kill ps \
		head wc dd ln chown nc ip hostname printf sed awk sort chmod setuidgid; do
		ln -s busybox "$IMG/bin/$a"
	done
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:50::/home/user:/bin/sh\n' >"$IMG/etc/passwd"
	printf 'root:x:0:\nstaff:x:50:\nextra:x:60:user\n' >"$IMG/etc/group"
	echo secret >"$VICTIM/file"
	mkfifo "$VICTIM/fifo"
}

teardown() {
	[ -z "${PID1:-}" ] || kill -KILL "$PID1" 2>/dev/null || true
	unshare --user --map-auto --map-root-user rm -rf "$WORK"/{up,wk}* "$WORK/image" "$WORK/victim" "$WORK"/vol* 2>/dev/null ||
		rm -rf "$WORK"/{up,wk}*
}

victim_sum() {
	(cd "$VICTIM" && find . -printf '%p %y %m %U %G %s\n' | sort && cat file) | sha256sum
}

fail() {
	echo "$*"
	return 1
}

victim_is_unchanged() { [ "$(victim_sum)" = "$VICTIM_SUM" ]; }

rt() {
	"$RTDRIVE" run="$WORK/run" lower="$IMG" lower="$WORK/places" upper="$WORK/up" work="$WORK/wk" "$@"
}

# rt_started PIDFILE ... - in the background, waits until pid 1 has called exec
rt_background() {
	rm -f "$WORK/pid"
	rt pidfile="$WORK/pid" "$@" 3>&- &
	BG=$!
	for _ in $(seq 500); do
		[ -s "$WORK/pid" ] && break
		sleep 0.02
	done
	PID1=$(cat "$WORK/pid")
}

rt_end() {
	kill -KILL "$PID1" 2>/dev/null || true
	wait "$BG" || true
}

default_filter() { # default_filter CAPS_HEX - path of the BPF bytes
	"$TOP/${BUILD:-build}/gen/seccomp" "$1" -b >"$WORK/filter.bpf"
	echo "$WORK/filter.bpf"
}
