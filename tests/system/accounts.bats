#!/usr/bin/env bats
# Users and groups that the image does not know: their lines in passwd and group, home, groups.
load helpers

UID_=$(id -u)
GID_=$(id -g)
run_() { cuddy run --rm --network none "$@"; }

@test "a bare number gets a line with the working directory as home; who the image knows gets none" {
	run -0 run_ -u 1234 -w /tmp "$IMAGE" sh -c 'id -u; id -g; echo $HOME; tail -n 1 /etc/passwd; tail -n 1 /etc/group'
	[ "$(echo $output)" = "1234 0 /tmp 1234:*:1234:0:container user:/tmp:/bin/sh user:x:1000:" ]
	run -0 run_ -u 1234:77 "$IMAGE" sh -c 'id; tail -n 1 /etc/passwd; tail -n 1 /etc/group'
	[ "${lines[0]}" = "uid=1234(1234) gid=77(77) groups=77(77)" ]
	[ "${lines[1]} ${lines[2]}" = "1234:*:1234:77:container user:/:/bin/sh 77:x:77:1234" ]
	run -0 run_ "$IMAGE" md5sum /etc/passwd /etc/group
	plain=$output
	for u in 0 1000 1000:50 user mail:mail root:0; do
		run -0 run_ -u $u "$IMAGE" md5sum /etc/passwd /etc/group
		[ "$output" = "$plain" ] || fail "$u: $output"
	done
	run -0 run_ -u 1234 --passwd=false "$IMAGE" sh -c 'md5sum /etc/passwd /etc/group; echo $HOME'
	[ "$output" = "$plain"$'\n/' ]
}

@test "once is enough: a second start adds nothing; exec finds the name; a read-only root has the line too" {
	cuddy run -d --name c --network none -u 1234:77 "$IMAGE" sleep 1000
	run -0 cuddy exec c sh -c 'whoami; grep -c 1234 /etc/passwd'
	[ "$(echo $output)" = "1234 1" ]
	cuddy restart -t 0 c
	run -0 cuddy exec c sh -c 'grep -c 1234 /etc/passwd; grep -c ^77: /etc/group'
	[ "$(echo $output)" = "1 1" ]
	run -0 run_ --read-only -u 1234 "$IMAGE" sh -c 'whoami; touch /etc/x 2>/dev/null || echo ro'
	[ "$(echo $output)" = "1234 ro" ]
}

@test "--passwd-entry and --group-entry with their variables; line breaks are refused" {
	run -0 run_ -u 1234:55 -w /tmp --passwd-entry 'n$UID:x:$UID:$GID:$NAME $:$HOME:/bin/x' --group-entry 'g$GID:x:$GID:$USERLIST,b' "$IMAGE" sh -c 'tail -n 1 /etc/passwd; tail -n 1 /etc/group'
	[ "${lines[0]}" = 'n1234:x:1234:55:container user $:/tmp:/bin/x' ]
	[ "${lines[1]}" = 'g55:x:55:1234,b' ]
	run --separate-stderr run_ -u 1234 --passwd-entry $'a:b\nevil::0:0::/:/bin/sh' "$IMAGE" true
	one_line_error 125 passwd-entry
	run -0 run_ -u 1234 -w $'/tmp/x:y' "$IMAGE" sh -c 'tail -n 1 /etc/passwd'
	[ "$output" = "1234:*:1234:0:container user:/:/bin/sh" ]
}

@test "keep-id: the caller has his name, his group, and his home where it is mounted" {
	[ "$UID_" -ne 0 ]
	name=$(id -un) home=$(getent passwd "$UID_" | cut -d: -f6)
	run -0 run_ --userns keep-id "$IMAGE" sh -c 'whoami; id -gn; grep "^$(whoami):" /etc/passwd; echo $HOME'
	[ "${lines[0]} ${lines[1]}" = "$name $(id -gn)" ]
	[[ "${lines[2]}" == "$name:*:$UID_:$GID_:"*":/:/bin/sh" ]]
	[ "${lines[3]}" = / ]
	run -0 run_ --userns keep-id -v "$WORK:$home" "$IMAGE" sh -c 'echo $HOME; touch ~/here'
	[ "$output" = "$home" ]
	[ -e "$WORK/here" ]
	run -0 run_ --userns keep-id -u 0 "$IMAGE" sh -c "grep -c '^$name:' /etc/passwd; echo \$HOME"
	[ "$(echo $output)" = "1 /root" ]
	run -0 run_ --userns keep-id:uid=1000,gid=1000 "$IMAGE" sh -c 'whoami; echo $HOME; wc -l </etc/passwd'
	[ "$(echo $output)" = "user /home/user 3" ]
}

@test "passwd of an image that is a link, a pipe or ends in mid-line does no harm" {
	mk() { # mk TAG PYTHON-ENTRIES
		python3 - "$WORK/$1.tar" "$2" <<-'EOT'
			import sys, mkimg, rawimg
			rawimg.docker_archive(sys.argv[1], [mkimg.layer_tar(mkimg.busybox_layer()), mkimg.layer_tar(eval(sys.argv[2]))], tags=("localhost/p:latest",))
		EOT
		cuddy load -q -i "$WORK/$1.tar" >/dev/null
	}
	echo canary >"$WORK/victim"
	mk out "[mkimg.link('etc/passwd', '$WORK/victim'), mkimg.link('etc/group', '../../../../..$WORK/victim')]"
	run -0 run_ -u 1234 localhost/p true
	[ "$(cat "$WORK/victim")" = canary ]
	mk mem "[mkimg.link('etc/passwd', '/proc/self/mem')]"
	run -0 run_ -u 1234 localhost/p true
	mk cut "[mkimg.file('etc/passwd', b'root:x:0:0::/:/bin/sh')]"
	run -0 run_ -u 1234 localhost/p cat /etc/passwd
	[ "${lines[0]}" = "root:x:0:0::/:/bin/sh" ]
	[[ "${lines[1]}" == 1234:* ]]
	echo "root:x:0:0::/:/bin/sh" >"$WORK/pw"
	run -0 run_ -u 1234 -v "$WORK/pw:/etc/passwd" "$IMAGE" cat /etc/passwd
	[ "${#lines[@]}" -eq 1 ]
	[ "$(wc -l <"$WORK/pw")" -eq 1 ]
}
