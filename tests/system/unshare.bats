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

@test "unshare: --rootless-netns is where the bridges are, and only while there are any" {
	run --separate-stderr cuddy unshare --rootless-netns true
	one_line_error 125 "no container runs on a network"
	cuddy network create --subnet 10.97.31.0/24 seen
	cuddy run -d --name on --network seen "$IMAGE" sleep 1000
	run -0 cuddy unshare --rootless-netns sh -c 'cat /proc/net/fib_trie'
	[[ "$output" == *10.97.31.1$'\n'* ]]
	run ! grep -q 10.97.31 /proc/net/fib_trie
	cuddy rm -f -t 0 on
}

@test "unshare: mounts are its own and end with it" {
	mkdir "$WORK/m"
	run -0 cuddy unshare sh -c "mount -t tmpfs none $WORK/m && touch $WORK/m/x && ls $WORK/m"
	[ "$output" = x ]
	[ -z "$(ls "$WORK/m")" ]
	run ! grep -q "$WORK/m" /proc/self/mountinfo
}

@test "unshare: cuddy works inside of it, in the same namespace and with the same containers" {
	cuddy run -d --name out "$IMAGE" sleep 1000
	run -0 cuddy unshare sh -c '"$CUDDY" run -d --name in "$IMAGE" sleep 1000 >/dev/null && "$CUDDY" exec out id -u &&
		"$CUDDY" run --rm --user 1000 "$IMAGE" id -u && "$CUDDY" unshare sh -c "\"\$CUDDY\" ps --format {{.Names}} --sort names"'
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = 1000 ]
	[ "${lines[2]}" = in ]
	[ "${lines[3]}" = out ]
	[ "$(cuddy unshare readlink /proc/self/ns/user)" = "$(cuddy unshare sh -c '"$CUDDY" unshare readlink /proc/self/ns/user')" ]
	run -0 cuddy exec in cat /proc/self/uid_map
	[ "$output" = "$(cuddy exec out cat /proc/self/uid_map)" ]
	cuddy unshare sh -c '"$CUDDY" stop -t 0 out; "$CUDDY" rm -f -t 0 in'
	# A namespace with other ids is not it: there, a new one is made of what there is.
	run -0 unshare --user --map-root-user "$CUDDY" run --rm --network none "$IMAGE" id -u
	[ "${lines[-1]}" = 0 ]
}
