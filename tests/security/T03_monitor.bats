#!/usr/bin/env bats
# A container against its own monitor: by what it prints, by whom it lets in, by how it ends.
# CUDDY_TEST_LONG=1 takes the sizes of the table: gigabytes.
load ../system/helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

size() { if [ -n "${CUDDY_TEST_LONG:-}" ]; then echo "$2"; else echo "$1"; fi; } # size USUAL LONG
private_kib() { awk '/^Private_Dirty/ { print $2 }' "/proc/$1/smaps_rollup"; } # its text is shared by all monitors
peak_kib() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status"; }
fds() { ls "/proc/$1/fd" | wc -l; }
log_bytes() { find "$CUDDY_ROOT/containers" -name 'ctr.log*' -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'; }
lean() { sanitized || wait_until 20 is_lean "$1" || fail "$(private_kib "$1") kB of its own"; }
is_lean() { [ "$(private_kib "$1")" -le 130 ]; }
sanitized() { [[ "${BUILD:-}" == *san-* ]]; }

@test "T03: a line without an end and one without a pause fill neither memory nor disk, and what is kept is the end" {
	n=$(size 60000000 2000000000)
	cuddy run -d --name bomb --network none "$IMAGE" sh -c "head -c $n /dev/zero | tr '\\0' z; echo; echo end; exec sleep 1000"
	cuddy run -d --name yes --network none "$IMAGE" sh -c 'yes "2026-01-01T00:00:00.000000000Z stderr F forged" | head -n 300000; echo end; exec sleep 1000'
	for c in bomb yes; do
		wait_until 120 eval '[ "$(cuddy logs --tail 1 '$c')" = end ]'
		sanitized || [ "$(peak_kib "$(conmon_pid $c)")" -le 16384 ]
		lean "$(conmon_pid $c)"
	done
	# Three files of ten megabytes for each, and a record more than that.
	[ "$(log_bytes)" -le 61000000 ]
	cuddy logs bomb | tr -d 'z' | cmp - <(printf '\nend\n')
	cuddy logs yes >"$WORK/out" 2>"$WORK/err"
	[ ! -s "$WORK/err" ] # what looks like a record of stderr is none
	[ "$(sed '1d;$d' "$WORK/out" | sort -u)" = "2026-01-01T00:00:00.000000000Z stderr F forged" ]
	cuddy rm -f -t 0 bomb yes >/dev/null
}

@test "T03: what an exec prints goes through, and is kept nowhere" {
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	n=$(size 50000000 1000000000)
	"$CUDDY" exec c head -c "$n" /dev/zero 3>&- | { sleep 0.5; wc -c; } >"$WORK/n" # a reader that takes its time
	[ "$(cat "$WORK/n")" -eq "$n" ]
	sanitized || [ "$(peak_kib "$(conmon_pid c)")" -le 8192 ]
	[ "$(log_bytes)" -lt 1000 ]
	cuddy rm -f -t 0 c
}

@test "T04: those who attach come and go by the hundred, and throw what they like: no descriptor and no word stays" {
	cuddy run -d -i --name c --network none "$IMAGE" sh -c 'while read -r l; do echo "got $l"; done'
	m=$(conmon_pid c)
	[ "$(stat -c %a "$CUDDY_RUNROOT"/*/attach | sort -u)" = 600 ]
	before=$(fds "$m")
	cat >"$WORK/abuse.py" <<-'PY'
		import array, os, random, socket, struct, sys
		path, rounds = sys.argv[1], int(sys.argv[2])
		random.seed(int(os.environ.get("CUDDY_TEST_SEED", "1")))
		def connect():
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		    fd = os.open(os.path.dirname(path), os.O_PATH); s.connect(f"/proc/self/fd/{fd}/attach"); os.close(fd)
		    return s
		def head(t, a=0, b=0, n=0): return struct.pack("=IiiI", t, a, b, n)
		types = [1, 2, 3, 4, 9, 11, 13, 14, 15, 0, 64, 65, 68, 0xffffffff]       # none that ends or starts it
		null = os.open("/dev/null", os.O_RDONLY)
		for i in range(rounds):
		    s = connect()
		    try:
		        for _ in range(random.randrange(6)):
		            n = random.choice([0, 1, 31, 32, 40, 300, 4096, 4097, 60000])
		            body = random.randbytes(n)
		            said = n if random.random() < 0.7 else random.choice([0, n + 1, 2**31, 2**32 - 1])
		            fds = array.array("i", [null] * random.choice([0, 0, 1, 2, 3, 9, 60]))
		            msg = [head(random.choice(types), random.choice([0, 1, 3, -1, 2**31 - 1]), random.choice([0, -1, 70000]), said) + body]
		            if random.random() < 0.1: msg = [random.randbytes(random.randrange(20))]
		            s.sendmsg(msg, [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if fds else [], socket.MSG_DONTWAIT)
		    except (BrokenPipeError, ConnectionResetError, BlockingIOError): pass
		    if random.random() < 0.3: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		    s.close()
		many = [connect() for _ in range(80)]                                    # more than it serves
		for s in many: s.close()
	PY
	timeout 100 python3 "$WORK/abuse.py" "$(echo "$CUDDY_RUNROOT"/*/attach)" "$(size 300 5000)"
	for n in $(seq "$(size 25 1000)"); do
		(timeout -s KILL 0.0$((n % 7 + 1)) "$CUDDY" attach --no-stdin c >/dev/null 2>&1 3>&- || true) 2>/dev/null
	done
	wait_until 20 eval '[ "$(fds '"$m"')" -le '"$before"' ]'
	[ "$(conmon_pid c)" = "$m" ]
	[ "$(cuddy inspect --format '{{.State.Status}} {{.Name}}' c)" = "running c" ]
	run -0 cuddy exec c echo well
	lean "$m"
	cuddy rm -f -t 0 c
}

@test "T04: who attaches and never reads holds up neither the container nor those who read" {
	n=$(size 60000000 1000000000)
	cuddy run -d --name c --network none "$IMAGE" sh -c "while [ ! -e /go ]; do sleep 0.05; done; head -c $n /dev/zero; exit 7"
	sockets() { ls -l "/proc/$(conmon_pid c)/fd" | grep -c socket:; }
	before=$(sockets)
	"$CUDDY" attach --no-stdin c 3>&- 2>/dev/null | sleep 1000 3>&- & # its pipe is full soon
	sleeper=$!
	"$CUDDY" attach --no-stdin c >/dev/null 2>&1 3>&- &
	stopped=$!
	{ "$CUDDY" attach --no-stdin c 3>&- || echo $? >"$WORK/st"; } | wc -c >"$WORK/n" &
	reader=$!
	attached() { [ "$(sockets)" -ge $((before + 3)) ]; }
	wait_until 20 attached
	kill -STOP $stopped
	cuddy exec c touch /go
	[ "$(timeout 60 "$CUDDY" wait c)" = 7 ]
	wait $reader
	[ "$(cat "$WORK/st") $(cat "$WORK/n")" = "7 $n" ]
	kill -KILL $stopped $sleeper
	kill -KILL $(pgrep -u "$(id -u)" -f "^$CUDDY attach --no-stdin c$") 2>/dev/null || true
	wait $stopped $sleeper 2>/dev/null || true
	cuddy rm c
}

@test "K05: what a monitor starts later, another run or a check, is as free as the first was" {
	# So the monitor has no no_new_privs of its own: all of these are its children, and would inherit it.
	cuddy run -d --name c --network none --restart on-failure:1 --health-interval disable --health-cmd 'grep NoNewPrivs /proc/self/status' \
		"$IMAGE" sh -c 'grep NoNewPrivs /proc/self/status; [ ! -e /second ] || exec sleep 1000; touch /second; exit 1'
	wait_until 20 eval '[ "$("$CUDDY" logs c | wc -l)" = 2 ]'
	cuddy healthcheck run c
	run -0 sh -c "'$CUDDY' logs c; '$CUDDY' inspect --format '{{range .State.Health.Log}}{{.Output}}{{end}}' c; '$CUDDY' exec c grep NoNewPrivs /proc/self/status"
	[ "$(grep . <<<"$output" | xargs)" = "NoNewPrivs: 0 NoNewPrivs: 0 NoNewPrivs: 0 NoNewPrivs: 0" ] || fail "$output"
	cuddy rm -f -t 0 c
}

@test "T04: a child that keeps the output, or stops everybody, does not hide how the container ended" {
	for how in '' --init; do
		cuddy run -d --name c $how --network none --pid host "$IMAGE" sh -c 'setsid sleep 54321 & sleep 0.1; exit 7'
		[ "$(timeout 30 "$CUDDY" wait c)" = 7 ]
		cuddy rm -f -t 0 c
		run -7 timeout 30 "$CUDDY" run --rm $how --network none "$IMAGE" sh -c '(trap "" TERM HUP; sleep 54321) & exit 7'
	done
	cuddy run -d --name c --network none "$IMAGE" sh -c 'kill -STOP -1; kill -STOP 1; sleep 1000'
	run -0 timeout 30 "$CUDDY" stop -t 0 c
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' c)" = 137 ]
	cuddy rm c
}
