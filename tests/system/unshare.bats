#!/usr/bin/env bats
# A command among the subordinate ids, outside of any container.
load helpers

@test "unshare: root there, one's own files outside; other ids' files can be changed and removed" {
	run -0 cuddy unshare sh -c 'id -u; id -g; touch '"$WORK"'/mine; chown 1000:1000 '"$WORK"'/mine; mkdir -m 0700 '"$WORK"'/theirs; touch '"$WORK"'/theirs/x; chown -R 5:5 '"$WORK"'/theirs'
	[ "$output" = $'0\n0' ]
	[ "$(stat -c %u "$WORK/mine")" = $(($(awk -F: -v u="$(id -un)" '$1 == u { print $2 }' /etc/subuid) + 999)) ]
	run ! ls "$WORK/theirs"
	run -0 cuddy unshare rm -r "$WORK/theirs"
	run -0 cuddy unshare chown -R 0:0 "$WORK/mine"
	[ -O "$WORK/mine" ]
}

@test "unshare: directory, umask, environment, standard input and exit status are as without it" {
	cd "$WORK"
	[ "$(cuddy unshare pwd)" = "$WORK" ]
	[ "$(umask 027; cuddy unshare sh -c umask)" = 0027 ]
	[ "$(echo typed | X=kept cuddy unshare sh -c 'cat; echo $X')" = $'typed\nkept' ]
	run -0 cuddy unshare sh -c 'echo $CONTAINERS_GRAPHROOT $CONTAINERS_RUNROOT'
	[ "$output" = "$(cuddy info --format '{{.Store.GraphRoot}} {{.Store.RunRoot}}')" ]
	run -7 cuddy unshare sh -c 'exit 7'
	run -127 --separate-stderr cuddy unshare nosuchcommand
	[ "${#stderr_lines[@]}" = 1 ]
	run -126 cuddy unshare "$WORK"
	[ "$(SHELL=/bin/true cuddy unshare; echo $?)" = 0 ]
}

@test "unshare: mounts are its own and end with it" {
	mkdir "$WORK/m"
	run -0 cuddy unshare sh -c "mount -t tmpfs none $WORK/m && touch $WORK/m/x && ls $WORK/m"
	[ "$output" = x ]
	[ -z "$(ls "$WORK/m")" ]
	run ! grep -q "$WORK/m" /proc/self/mountinfo
}
