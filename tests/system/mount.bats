#!/usr/bin/env bats
# cuddy mount and unmount, inside of cuddy unshare.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

inside() { "$CUDDY" unshare sh -euc "cuddy() { \"\$CUDDY\" \"\$@\"; }; $1"; }

@test "mount: of one that does not run, to read and to write; the mount ends with the session" {
	cuddy run --name c --network none "$IMAGE" sh -c 'echo made >/made; rm /bin/vi; id -u nobody >/dev/null; chown 7:8 /made'
	run -0 inside '
		p=$(cuddy mount c)
		cat $p/made; test -x $p/bin/sh; ! test -e $p/bin/vi || exit 9; stat -c "%u %g" $p/made
		echo more >>$p/made
		[ "$(cuddy mount c)" = "$p" ]
		[ "$(cuddy mount | cut -c15-)" = "$p" ]
		[ "$(cuddy mount --no-trunc)" = "$(cuddy inspect --format "{{.Id}}" c)  $p" ]
		rm -r $p/tmp; mkdir -m 1777 $p/tmp
		! (cd $p && cuddy unmount c) 2>/dev/null || exit 9
		(cd $p && cuddy unmount -f c)
		! test -e $p || exit 9
		cuddy container mount --latest >/dev/null
		cuddy umount -l
		cuddy mount c >/dev/null'
	[ "${lines[0]}" = made ]
	[ "${lines[1]}" = "7 8" ]
	[ -z "$(cuddy mount)" ]
	run -0 cuddy start -a c
	[ "$(cuddy diff c | grep -c '^[AC] /made$')" = 1 ]
	run -125 --separate-stderr cuddy mount c
	one_line_error 125 'unshare'
	run -125 --separate-stderr inside 'cuddy unmount c'
	one_line_error 125 'not mounted'
}

@test "mount: of one that runs what its processes see, without its volumes; --all, json, rm while mounted" {
	cuddy run -d --name r --network none -v v:/vol "$IMAGE" sh -c 'echo x >/vol/x; echo up >/up; exec sleep 1000'
	cuddy create --name s --network none "$IMAGE" true
	wait_until 20 cuddy exec r test -e /up
	run -0 inside '
		p=$(cuddy mount r)
		cat $p/up; ls $p/vol
		echo outside >$p/new
		cuddy exec r cat /new
		cuddy exec r sh -c "echo live >/live"
		cat $p/live
		cuddy mount --all --format json
		cuddy unmount --all
		cuddy mount
		cuddy mount s >/dev/null
		cuddy rm -f -t 0 s r >/dev/null
		cuddy ps -aq'
	[ "$(head -n 3 <<<"$output" | tr '\n' ' ')" = "up outside live " ]
	tail -n +4 <<<"$output" | jq -e 'length == 2 and ([.[].Names[0]] | sort) == ["r", "s"] and (.[0].mountpoint | endswith("/merged"))'
	cuddy volume rm v
	[ -z "$(ls "$CUDDY_ROOT/trash")" ]
}

@test "image mount: to read only, --all, json, a list; unmount and its alias; refused outside of a session" {
	local id
	id=$(cuddy images -q --no-trunc "$IMAGE")
	id=${id#sha256:}
	cuddy create --name s --network none "$IMAGE" true >/dev/null
	cuddy run --name two --network none "$IMAGE" sh -c 'echo x >/made; rm /bin/vi'
	cuddy commit -q two twolayers >/dev/null
	run -0 inside '
		p=$(cuddy image mount twolayers)
		cat $p/made; ! test -e $p/bin/vi || exit 9; test -x $p/bin/sh
		! echo y 2>/dev/null >$p/made || exit 9
		one=$(cuddy image mount '"$IMAGE"')
		test -x $one/bin/vi; ! touch $one/x 2>/dev/null || exit 9; ! test -e $one/etc/mtab || exit 9
		[ "$(cuddy image mount '"$id"')" = "$one" ]
		[ "$(cuddy image mount | wc -l)" = 2 ]
		cuddy image unmount twolayers >/dev/null
		! test -e $p || exit 9
		cuddy image mount
		! (cd $one && cuddy image unmount '"$IMAGE"') 2>/dev/null || exit 9
		(cd $one && cuddy image umount -f '"$IMAGE"')
		cuddy image mount --all --format json
		cuddy rmi -f twolayers >/dev/null
		cuddy image unmount --all
		cuddy image mount'
	[ "${lines[0]}" = x ]
	[ "${lines[1]}" = "$IMAGE:latest  $CUDDY_RUNROOT/mounts/$id" ]
	[ "${lines[2]}" = "$id" ]
	grep -qx "$id" <<<"$(tail -n 2 <<<"$output")"
	head -n -2 <<<"$output" | tail -n +4 | jq -e --arg id "$id" 'length == 2 and (map(select(.id == $id))[0] | .Repositories == ["localhost/busybox:latest"])'
	[ -z "$(cuddy image mount)" ]
	run -125 --separate-stderr cuddy image mount "$IMAGE"
	one_line_error 125 'unshare'
	run -0 --separate-stderr inside "cuddy image unmount $IMAGE"
	[ -z "$output$stderr" ] # as it was wanted
	run -125 --separate-stderr inside "cuddy image mount $IMAGE >/dev/null; cuddy image unmount nosuch $IMAGE"
	[[ "$stderr" == "cuddy: image unmount nosuch: "*": no such image" ]]
	[ "$output" = "$id" ]
	run -125 --separate-stderr inside "cuddy image mount nosuch"
	one_line_error 125 'no such image'
}
