#!/usr/bin/env bats
# R26-R30, H02, H09: names, sysctls, cgroups, sizes: what a command line may say, and what becomes of secrets in it.
load hostile

@test "R28: what is no name or id is refused by every command, and nothing outside is touched" {
	cuddy create --name good --network none "$IMAGE" true
	long=$(printf 'n%.0s' {1..300})
	# Every command takes the first name; of the others each takes a fifth, another one each time (CUDDY_TEST_SEED=N: those again).
	RANDOM=${CUDDY_TEST_SEED:=$((BASHPID % 32768))}
	echo "CUDDY_TEST_SEED=$CUDDY_TEST_SEED"
	takes() { [ "$n" = ../x ] || [ $((RANDOM % 5)) = 0 ]; }
	for n in ../x . .. a/b -rf $'a\nb' '' "$long" '../../../../../../../tmp/victim' 'good/../good' '*' 'a b' $'\x1b[31m'; do
		for c in "rm" "rm -f" "start" "stop" "kill" "inspect" "logs" "wait" "exec" "attach" "rmi" "untag" "volume rm" "volume inspect" "image inspect" "container inspect"; do
			takes || continue
			case $c in exec) set -- true ;; *) set -- ;; esac
			run --separate-stderr timeout 10 "$CUDDY" $c -- "$n" "$@"
			[ "$status" -ne 0 ] || [ "$c" = "rm -f" ] || fail "$c '$n' succeeded"
			[ "$status" -ne 124 ] && [ "$status" -lt 128 ] || fail "$c '$n': $status $output $stderr"
			[[ "$stderr" != *$'\x1b'* ]]
		done
		for c in "network rm" "network inspect" "secret rm" "secret inspect" "pod rm" "pod inspect" "pod start" "manifest rm" "artifact rm" \
			"network create" "pod create" "create --secret" "create --network"; do
			takes || continue
			case $c in create*) set -- "$IMAGE" true ;; *) set -- ;; esac
			[[ "$c" != *" create" && "$c" != "create --network" || -n "$n" ]] || continue # as if it was not said
			st=0
			case $c in create*) "$CUDDY" $c "$n" "$@" ;; *) "$CUDDY" $c -- "$n" ;; esac >/dev/null 2>"$WORK/said" || st=$?
			[ $st -gt 0 ] && [ $st -lt 126 ] && ! grep -q $'\x1b' "$WORK/said" || fail "$c '$n': $st $(cat "$WORK/said")"
		done
		st=0
		echo x | "$CUDDY" secret create -- "$n" - >/dev/null 2>&1 || st=$?
		[ $st = 125 ] || fail "secret create '$n': $st"
		run --separate-stderr cuddy create "--name=$n" --network none "$IMAGE" true
		[ "$status" -eq 125 ] || [ -z "$n" ] || fail "create --name '$n' succeeded"
		run --separate-stderr cuddy volume create -- "$n"
		[ "$status" -eq 125 ] || [ -z "$n" ] || fail "volume create '$n' succeeded"
		case $n in
		'' | *[$'\n']* | */* | . | ..) ;;           # a path is a bind mount, not a name
		*)
			run --separate-stderr cuddy create --network none -v "$n:/v" "$IMAGE" true
			[ "$status" -eq 125 ] || fail "-v '$n' succeeded"
			;;
		esac
		for o in "--network=container:$n" "--pid=container:$n" "--ipc=container:$n" "--uts=container:$n"; do
			takes || continue
			run --separate-stderr cuddy create "$o" "$IMAGE" true
			[ "$status" -eq 125 ] || fail "$o succeeded"
		done
	done
	cuddy volume ls -q | xargs -r "$CUDDY" volume rm >/dev/null
	[ "$(cuddy ps -a --format '{{.Names}}')" = good ] || fail "$(cuddy ps -a)"
	victim_is_unchanged
}

@test "R26: a sysctl outside the container's own namespaces is refused before anything is made" {
	cuddy run --rm --network none "$IMAGE" true
	wait_until 5 empty_dir "$CUDDY_ROOT/trash"
	before=$(snapshot)
	for s in 'kernel.shm_rmid_forced=1+kernel.core_pattern=x' 'net/ipv4/../../kernel/core_pattern=x' 'kernel.core_pattern=x' 'kernel.sem=' 'fs.mqueue.msg_max=ten' 'net.ipv4.ip_forward' '=1' 'net..x=1' \
		'.net.x=1' 'net.ipv4.conf.*.x=1' 'kernel.sysrq=1' 'vm.swappiness=1' 'fs.file-max=1' 'user.max_user_namespaces=0' 'NET.ipv4.x=1' $'net.x=1\n' 'net.ipv4.ip_forward =1'; do
		run --separate-stderr cuddy run --rm --network none --sysctl "$s" "$IMAGE" echo started
		echo "$s: $stderr"
		one_line_error 125 "^cuddy: sysctl '"          # not what the kernel says of writing it
	done
	run --separate-stderr cuddy run --rm --network host --sysctl net.ipv4.ip_forward=1 "$IMAGE" true
	one_line_error 125 .
	run --separate-stderr cuddy run --rm --network none --ipc host --sysctl kernel.shmmax=1 "$IMAGE" true
	one_line_error 125 .
	wait_until 5 empty_dir "$CUDDY_ROOT/trash"
	left_over "$before" "$(snapshot)"
	run -0 cuddy run --rm --network none --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmax=4096 --sysctl fs.mqueue.msg_max=11 "$IMAGE" \
		cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max
	[ "$(echo $output)" = "1 4096 11" ]
}

@test "R27: the cgroup tree of a container cannot be written, and a release agent cannot be had" {
	for o in "" "--cap-add ALL --security-opt seccomp=unconfined"; do
		run -0 cuddy run --rm --network none $o "$IMAGE" sh -c '
			touch /sys/fs/cgroup/x 2>/dev/null && echo touched
			mkdir /sys/fs/cgroup/d 2>/dev/null && echo made
			for f in $(find /sys/fs/cgroup -name release_agent -o -name cgroup.procs -o -name notify_on_release 2>/dev/null | head -n 20); do
				(echo 1 >$f) 2>/dev/null && echo "wrote $f"
			done
			mkdir /tmp/cg; mount -t cgroup -o memory c /tmp/cg 2>/dev/null && ls /tmp/cg/release_agent 2>/dev/null && echo mounted
			ls -d /sys/fs/cgroup/../../../proc/1/root >/dev/null; echo done'
		[ "$output" = done ] || fail "$o: $output"
	done
	run --separate-stderr cuddy run --rm --network none --cgroup-parent ../../x "$IMAGE" true
	one_line_error 125 cgroup
}

@test "R29: oversized words are one clear error" {
	big=$(head -c 70000 /dev/zero | tr '\0' a)
	for o in "--hostname=$big" "--workdir=/$big" "--name=$big" "--user=$big" "--add-host=$big:1.1.1.1" "--label=$big" "--stop-signal=$big" \
		"-v=/tmp:/$big" "--tmpfs=/$big" "--device=/dev/null:/$big" "--security-opt=seccomp=/$big" "--ulimit=nofile=$big" "--cap-add=$big" "--sysctl=$big=1" "--mount=$big"; do
		run --separate-stderr timeout 60 "$CUDDY" run --rm --network none "$o" "$IMAGE" true
		[ "$status" -eq 125 ] || [[ "$o" == --label=* && "$status" -eq 0 ]] || fail "${o:0:20}: $status"
		[ "${#stderr_lines[@]}" -le 1 ] || fail "${o:0:20}: ${stderr_lines[1]:0:200}"
		[ ${#stderr} -lt 4096 ] || fail "${o:0:20}: a message of ${#stderr} bytes"
	done
	run --separate-stderr timeout 60 "$CUDDY" run --rm --network none --rootfs "/$big" true
	one_line_error 125 .
	args=()
	for i in $(seq 50000); do args+=("--uidmap=$i:$i:1"); done
	run --separate-stderr timeout 60 "$CUDDY" create --network none "${args[@]}" "$IMAGE" true
	one_line_error 125 .
	args=()
	for i in $(seq 2000); do args+=(-e "V$i=$i" --label "l$i=$i"); done
	run -0 cuddy run --rm --network none "${args[@]}" "$IMAGE" sh -c 'env | grep -c ^V'
	[ "$output" = 2000 ]
	args=()
	for i in $(seq 1200); do args+=(--tmpfs "/t$i"); done
	run --separate-stderr timeout 60 "$CUDDY" run --rm --network none "${args[@]}" "$IMAGE" true
	[ "$status" -eq 0 ] || one_line_error 125 .
}

@test "R30: the programs are loaded anywhere, their tables cannot be written, and the C library checks sizes" {
	[[ "$CUDDY" != */san-* ]] || skip "of a build without sanitizers"
	for f in "$CUDDY" "$CUDDY"-{conmon,transfer,net}; do
		run -0 readelf -hldW "$f"
		[[ "$output" == *"Type: "*"DYN "* ]] || fail "$f is not position independent"
		[[ "$output" == *GNU_RELRO* ]]
		[[ "$output" == *"Flags: NOW PIE"* ]]
		[[ "$output" == *GNU_STACK* ]]
		[[ "$output" != *" RWE "* ]]
		run -0 nm "$f"
		[[ "$output" == *__stack_chk_fail* ]]
		[[ "$f" == *-conmon || "$output" == *__snprintf_chk* ]]
	done
	# musl's start leaves the tables as they are: the monitor closes them itself.
	run -125 strace -qq -e trace=mprotect "$CUDDY-conmon"
	[[ "$output" == *"mprotect(0x"*", PROT_READ) = 0"* ]]
}

@test "R30: a runtime directory too deep for a socket's name still works, or says so" {
	for n in 60 104 108 200; do
		d=$WORK/$(head -c $n /dev/zero | tr '\0' d)
		mkdir -m 0700 "$d"
		run --separate-stderr env -u CUDDY_RUNROOT XDG_RUNTIME_DIR="$d" "$CUDDY" run -d --name "r$n" --network none "$IMAGE" sleep 1000
		echo "$n: $status $stderr"
		[ "$status" -eq 0 ] || { one_line_error 125 .; continue; }
		run -0 env -u CUDDY_RUNROOT XDG_RUNTIME_DIR="$d" "$CUDDY" exec "r$n" true
		run -0 env -u CUDDY_RUNROOT XDG_RUNTIME_DIR="$d" timeout 10 "$CUDDY" stop -t 1 "r$n"
		run -0 env -u CUDDY_RUNROOT XDG_RUNTIME_DIR="$d" "$CUDDY" rm -f "r$n"
	done
}

@test "H09: secrets of a command line are in no other process's, and a crash leaves no core" {
	require_other_user
	ulimit -Sc "$(ulimit -Hc)"
	cuddy network create n >/dev/null
	echo hunter2-secret | cuddy secret create tok -
	cuddy run -d --name a --network n -e S=hunter2-secret --secret tok "$IMAGE" sleep 1000
	# A login at a registry that says nothing, with the password in its memory; then a fault of its own.
	cat >"$WORK/login.py" <<-'PY'
		import os, signal, socket, subprocess, sys, time
		s = socket.create_server(("127.0.0.1", 0))
		p = subprocess.Popen([sys.argv[1], "login", "-u", "u", "--password-stdin", "--tls-verify=false", "127.0.0.1:%d" % s.getsockname()[1]],
		                     stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		p.stdin.write(b"hunter2-secret\n"); p.stdin.close()
		s.accept()                                         # by cuddy-transfer
		open(sys.argv[2], "w").write(str(p.pid))
		open(sys.argv[3], "w").write(str(os.WCOREDUMP(os.waitpid(p.pid, 0)[1])))
	PY
	python3 "$WORK/login.py" "$CUDDY" "$WORK/pid" "$WORK/dumped" 3>&- &
	wait_until 20 test -s "$WORK/pid"
	login=$(cat "$WORK/pid")
	as_other sh -c 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\0" "\n" | grep -c hunter2-s[e]cret' >"$WORK/n" || true
	[ "$(cat "$WORK/n")" = 0 ]
	# No process of ours has a core; those that hold a password cannot be looked into either. (Who owns the files of
	# one in the base namespace does not tell: that is we, whatever it asked for.)
	find_strays
	closed=
	for p in "${STRAYS[@]}" $login $(pgrep -P $login) $(container_pid a); do
		comm=$(cat "/proc/$p/comm")
		[ "$(awk '/core file size/ { print $5 }' "/proc/$p/limits")" = 0 ] || fail "$comm: $(cat "/proc/$p/limits")"
		[ "$(stat -c %u "/proc/$p/mem")" = "$(id -u)" ] || closed+=" $comm"
	done
	[ "$(xargs -n1 <<<"$closed" | sort -u | xargs)" = "cuddy cuddy-transfer" ] || fail "closed:$closed"
	kill -SEGV $login
	wait_until 20 test -s "$WORK/dumped"
	[ "$(cat "$WORK/dumped")" = False ]
}

@test "H09, H11: programs that cuddy starts have no secret of its words, and nothing that a loader would act on" {
	cuddy run -d --name a --network none "$IMAGE" sleep 1000 # the base namespace is there: strace takes newuidmap its rights
	cuddy network create n >/dev/null
	export LD_LIBRARY_PATH=$WORK/lib LD_BIND_NOW=1 GCONV_PATH=$WORK/lib S=hunter2-secret
	strace -f -qq -v -s 4096 -e trace=execve,execveat -o "$WORK/trace" "$CUDDY" run --rm --network n -e S "$IMAGE" true
	strace -f -qq -v -s 4096 -e trace=execve,execveat -o "$WORK/pull" "$CUDDY" pull -q --retry 0 --creds u:hunter2-secret 127.0.0.1:1/x || true
	grep -h '^[0-9]* *exec' "$WORK/trace" "$WORK/pull" | grep -vE 'execve\("('"$CUDDY"'|[^"]*/true)"' >"$WORK/helpers"
	for h in cuddy-conmon cuddy-net cuddy-transfer slirp4netns; do
		grep -q "\"[^\"]*$h\"" "$WORK/helpers" || fail "$h was not seen"
	done
	! grep -E 'hunter2|LD_|GCONV' "$WORK/helpers" || fail "it was there"
}
