#!/usr/bin/env bats
# cuddy mount and unmount, inside of cuddy unshare.
load helpers

setup_file() { file_begin; load_image busybox; }
teardown_file() { file_end; }

inside() { "$CUDDY" unshare sh -euc "cuddy() { \"\$CUDDY\" \"\$@\"; }; $1"; }

@test "mount: of one that does not run, to read and to write; the mount ends with the session" {
	cuddy run --name c --network none "$IMAGE" sh -c 'echo made >/made; rm /bin/vi; id -u nobody >/dev/null; chown 7:8 /made'
	run -0 inside '
		p=$(cuddy mount c)
		cat $p/made; test -x $p/bin/sh; ! test -e $p/bin/vi; stat -c "%u %g" $p/made
		echo more >>$p/made
		[ "$(cuddy mount c)" = "$p" ]
		[ "$(cuddy mount | cut -c15-)" = "$p" ]
		rm -r $p/tmp; mkdir -m 1777 $p/tmp
		! (cd $p && cuddy unmount c) 2>/dev/null
		(cd $p && cuddy unmount -f c)
		! test -e $p
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
