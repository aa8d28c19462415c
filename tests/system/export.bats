#!/usr/bin/env bats
# cuddy export: what the container would see of its own files, and nothing else, as tar reads it.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

# names of the entries, sorted, without those of the image
names() { tar -t -f "$1" | grep -v -e '^bin/' | sort | xargs; }
IMAGE_HAS='etc/ etc/group etc/passwd home/ home/user/ root/ run/ sbin tmp/ usr/ usr/bin/ usr/bin/env var/ var/tmp/'

@test "export: the image and what the container changed, with owners, modes, times and links" {
	cuddy run --name c "$IMAGE" sh -c 'mkdir /n; echo hello >/n/f; chown 5:6 /n/f; chmod 4711 /n/f; touch -d "2001-02-03 04:05:06" /n/f
		ln /n/f /n/hard; ln -s ../etc/passwd /n/soft; mkfifo /n/p; rm /etc/group; rm -r /home; chmod 700 /usr'
	cuddy export -o "$WORK/c.tar" c
	[ "$(names "$WORK/c.tar")" = "etc/ etc/passwd n/ n/f n/hard n/p n/soft root/ run/ sbin tmp/ usr/ usr/bin/ usr/bin/env var/ var/tmp/" ]
	TZ=UTC tar -tv --numeric-owner --full-time -f "$WORK/c.tar" >"$WORK/list"
	grep -q '^-rws--x--x 5/6 *6 2001-02-03 04:05:06 n/f$' "$WORK/list"
	grep -q '^hrws--x--x 5/6 .* n/hard link to n/f$' "$WORK/list"
	grep -q '^lrwxrwxrwx 0/0 .* n/soft -> ../etc/passwd$' "$WORK/list"
	grep -q '^prw-r--r-- 0/0 .* n/p$' "$WORK/list"
	grep -q '^drwx------ 0/0 .* usr/$' "$WORK/list"
	grep -q '^drwxrwxrwt 0/0 .* tmp/$' "$WORK/list"
	[ "$(tar -xO -f "$WORK/c.tar" n/f)" = hello ]
}

@test "export: never started, running, to standard output: the same as tar" {
	cuddy create --name new "$IMAGE" true
	cuddy export new >"$WORK/new.tar"
	[ "$(names "$WORK/new.tar")" = "$IMAGE_HAS" ]
	cuddy run -d --name up "$IMAGE" sh -c 'echo >/made; exec sleep 1000'
	wait_until 20 cuddy exec up test -e /made
	cuddy container export up >"$WORK/up.tar"
	[ "$(names "$WORK/up.tar")" = "etc/ etc/group etc/passwd home/ home/user/ made root/ run/ sbin tmp/ usr/ usr/bin/ usr/bin/env var/ var/tmp/" ]
	tar -xf "$WORK/up.tar" -O bin/busybox | cmp - <(tar -xf "$WORK/new.tar" -O bin/busybox)
	status_is up running
}

@test "export: neither volumes nor what is mounted over the image" {
	echo on-the-host >"$WORK/bound"
	cuddy run --name c -v v:/vol -v "$WORK/bound":/etc/passwd --tmpfs /run "$IMAGE" sh -c 'echo secret-word >/vol/x; echo secret-word >/run/y'
	cuddy export -o "$WORK/c.tar" c
	[ "$(tar -xO -f "$WORK/c.tar" etc/passwd | head -1 | cut -c1-5)" = root: ]
	! grep -q -a -e secret-word -e on-the-host "$WORK/c.tar" || fail "it was there"
	! tar -t -f "$WORK/c.tar" | grep -q -e '^proc/.' -e '^sys/.' -e '^dev/.' || fail "it was there"
	cuddy rm c
	cuddy volume rm v
}

@test "export: the same bytes each time, and what import makes of it runs and exports the same" {
	cuddy run --name c "$IMAGE" sh -c 'for i in 1 2 3; do mkdir /d$i; echo $i >/d$i/f; chown $i /d$i; done'
	cuddy export -o "$WORK/1.tar" c
	cuddy export c | cmp - "$WORK/1.tar"
	cuddy import -q "$WORK/1.tar" localhost/again >/dev/null
	[ "$(cuddy run --rm localhost/again sh -c 'cat /d?/f; stat -c %u /d?' | xargs)" = '1 2 3 1 2 3' ]
	cuddy create --name d localhost/again true
	cuddy export d | cmp - "$WORK/1.tar"
	cuddy rm d
	cuddy rmi localhost/again
}

@test "export: long names, odd names and large numbers come through tar" {
	long=$(printf 'n%.0s' {1..200})
	cuddy run --name c "$IMAGE" sh -c "mkdir -p /$long/$long; echo deep >/$long/$long/f; ln -s /$long/$long /l; printf x >'/a b'; printf y >\"/\$(printf 'new\nline')\"; touch -d '1960-01-01' /old"
	cuddy export -o "$WORK/c.tar" c
	mkdir "$WORK/out"
	tar -x -C "$WORK/out" -f "$WORK/c.tar" --exclude 'bin/*'
	[ "$(cat "$WORK/out/$long/$long/f")" = deep ]
	[ "$(readlink "$WORK/out/l")" = "/$long/$long" ]
	[ "$(cat "$WORK/out/a b" "$WORK/out/new"$'\n'line)" = xy ]
	[ "$(TZ=UTC date -r "$WORK/out/old" +%Y)" = 1960 ]
}

@test "export: the file appears whole or not at all, and as the caller's umask says" {
	cuddy create --name c "$IMAGE" true
	echo old >"$WORK/f"
	(umask 027 && cuddy export -o "$WORK/new" c)
	[ "$(stat -c %a "$WORK/new")" = 640 ]
	run --separate-stderr cuddy export -o "$WORK/f" nosuch
	one_line_error 125 nosuch
	[ "$(cat "$WORK/f")" = old ]
	cuddy export -o "$WORK/f" c
	cmp "$WORK/f" "$WORK/new"
	run --separate-stderr cuddy export -o "$WORK/no/dir" c
	one_line_error 125 'no'
	run --separate-stderr cuddy export -o "$WORK" c
	one_line_error 125 'directory'
	run --separate-stderr cuddy export -o /dev/full c
	one_line_error 125 'space'
	run -125 cuddy export
	run -125 cuddy export c c
	[ "$(ls -A "$WORK" | grep -c cuddy-)" = 0 ]
}

@test "export: a terminal gets no archive" {
	cuddy create --name c "$IMAGE" true
	run script -qec "'$CUDDY' export c" /dev/null
	[ "$status" -eq 125 ]
	[[ "$output" == *terminal* ]]
}
