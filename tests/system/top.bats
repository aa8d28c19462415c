#!/usr/bin/env bats
# cuddy top: read against /proc, from outside and inside.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

# column N of the rows after the heading, one a line
column() { tail -n +2 <<<"$output" | awk -v n="$1" '{ print $n }'; }

@test "top: the default columns, every process with the container's numbers, and no other" {
	cuddy run -d --name c "$IMAGE" sh -c 'sleep 1001 & sleep 1002 & echo ready; wait'
	cuddy run -d --name other "$IMAGE" sleep 1003
	wait_log c ready
	cuddy exec -d c sleep 1004
	in_args() { cuddy top c args | grep -q 'sleep 1004'; }
	wait_until 10 in_args
	run -0 cuddy top c
	[[ "${lines[0]}" =~ ^USER\ +PID\ +PPID\ +%CPU\ +ELAPSED\ +TTY\ +TIME\ +COMMAND$ ]]
	[ "${#lines[@]}" = 5 ]
	[ "$(column 2 | head -n 1)" = 1 ]
	[ "$(column 1 | sort -u)" = root ]
	[[ "$output" == *"sleep 1001"*"sleep 1002"* ]]
	[[ "$output" != *"sleep 1003"* ]]
	[ "$(grep 'sleep 100[12]' <<<"$output" | grep -v 'sh -c' | awk '{ print $3 }' | sort -u)" = 1 ]
	[ "$(grep 'sleep 1004' <<<"$output" | awk '{ print $3 }')" = 0 ]
	[[ "$(column 5 | head -n 1)" =~ ^[0-9.hm]+s$ ]]
	[ "$(grep 'sleep 100' <<<"$output" | grep -v 'sh -c' | awk '{ print $2 }' | sort)" = \
		"$(cuddy exec c pidof sleep | tr ' ' '\n' | sort)" ]
}

@test "top: descriptors, with commas and apart, say what the kernel says" {
	nice -n 5 "$CUDDY" run -d --name c --user 1234:77 --group-add 88 --cap-drop all "$IMAGE" sleep 1000
	host=$(container_pid c)
	wait_until 10 grep -q sleep "/proc/$host/comm"
	run -0 cuddy container top c pid,hpid user group groups,comm nice state
	[[ "${lines[0]}" =~ ^PID\ +HPID\ +USER\ +GROUP\ +GROUPS\ +COMMAND\ +NI\ +STATE$ ]]
	[ "${#lines[@]}" = 2 ]
	read -r pid hpid user group groups comm nice state <<<"${lines[1]}"
	[ "$pid $hpid $user $group $comm $nice $state" = "1 $host 1234 77 sleep $(($(nice) + 5)) S" ]
	[[ ",$groups," == *,88,* ]]
	run -0 cuddy top c huser seccomp capeff,vsz
	read -r huser seccomp capeff vsz <<<"${lines[1]}"
	[ "$huser" = "$(awk '/^Uid:/ { print $3 }' "/proc/$host/status")" ]
	[ "$seccomp $capeff" = "filter none" ]
	[ "$vsz" = "$(awk '/^VmSize:/ { print $2 }' "/proc/$host/status")" ]
}

@test "top: the capabilities of root are named" {
	cuddy run -d --name c --cap-drop all --cap-add chown --cap-add kill "$IMAGE" sleep 1000
	run -0 cuddy top c capeff capbnd
	[[ "${lines[1]}" =~ ^CHOWN,KILL\ +CHOWN,KILL$ ]]
}

@test "top: names are those of the container's passwd, also when it is nonsense or a link out" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	cuddy exec c sh -c 'echo "boss:x:0:0::/:/bin/sh" >/etc/passwd'
	run -0 cuddy top c user
	[ "${lines[1]}" = boss ]
	cuddy exec c sh -c 'rm /etc/passwd; ln -s ../../../../../../../etc/group /etc/passwd; echo "inside:x:0:" >/etc/group'
	run -0 cuddy top c user
	[ "${lines[1]}" = inside ]
	cuddy exec c sh -c 'rm -f /etc/passwd; mkfifo /etc/passwd'
	run -0 timeout 10 "$CUDDY" top c user
	[ "${lines[1]}" = 0 ]
}

@test "top: every descriptor there is, by itself, and -l" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	for d in args capbnd capeff capinh capprm comm etime group groups hgroup hgroups hpid huser label nice \
		pcpu pgid pid pmem ppid rgroup rss ruser seccomp state stime time tty user vsz; do
		run -0 cuddy top -l "$d"
		[ "${#lines[@]}" = 2 ] || fail "$d: $output"
	done
}

@test "top: what ps would be told, with its headings" {
	cuddy run -d --name c --user 1234 "$IMAGE" sleep 1000
	host=$(container_pid c)
	wait_until 10 grep -q sleep "/proc/$host/comm"
	run -0 cuddy top c -ef
	[[ "${lines[0]}" =~ ^UID\ +PID\ +PPID\ +C\ +STIME\ +TTY\ +TIME\ +CMD$ ]]
	[[ "${lines[1]}" =~ ^1234\ +1\ .*\ sleep\ 1000$ ]]
	run -0 cuddy top c aux
	[[ "${lines[0]}" =~ ^USER\ +PID\ +%CPU\ +%MEM\ +VSZ\ +RSS\ +TTY\ +STAT\ +START\ +TIME\ +COMMAND$ ]]
	read -r user pid _ mem _ rss _ <<<"${lines[1]}"
	[ "$user $pid $rss" = "1234 1 $(awk '/^VmRSS:/ { print $2 }' "/proc/$host/status")" ]
	[[ "$mem" =~ ^0\.[0-9]$ ]]
	run -0 cuddy top c -e -o pid,cmd -o comm=WHAT
	[[ "${lines[0]}" =~ ^PID\ +CMD\ +WHAT$ ]]
	[[ "${lines[1]}" =~ ^1\ +sleep\ 1000\ +sleep$ ]]
	[ "$(cuddy top c -eopid,user | xargs)" = "PID USER 1 1234" ]
	# After -l, too, but what begins with a dash is a flag of ours until "--".
	[ "$(cuddy top -l -- -o pid,user | xargs)" = "PID USER 1 1234" ]
	[ "$(cuddy top -l aux | awk 'NR == 2 { print $1, $2 }')" = "1234 1" ]
	run --separate-stderr cuddy top -l -o pid
	one_line_error 125 'unknown flag -o'
	cuddy pod create --name p >/dev/null
	cuddy run -d --pod p --user 77 "$IMAGE" sleep 1000
	[ "$(cuddy pod top -l -- -o user,pid | xargs) $(cuddy pod top p -o user | xargs)" = "USER PID 77 1 USER 77" ]
	cuddy pod rm -f -t 0 p >/dev/null
}

@test "top: a terminal is named" {
	cuddy run -dt --name c "$IMAGE" sleep 1000
	run -0 cuddy top c tty
	[ "${lines[1]}" = pts/0 ]
}

@test "top: what does not run, does not exist, or is no descriptor" {
	cuddy create --name c "$IMAGE" true
	run --separate-stderr cuddy top c
	one_line_error 125 'does not run'
	run --separate-stderr cuddy top nosuch
	one_line_error 125 nosuch
	cuddy run -d --name d "$IMAGE" sleep 1000
	for words in "d nosuch" "d pid,,user" "d -q" "d --sort pid" "d -eo" "d -o nosuch" "d aux pid" ""; do
		run --separate-stderr cuddy top $words
		one_line_error 125 top
	done
}
