#!/usr/bin/env bats
# cp, export, diff and commit of containers whose ids are not the image's: owners are those that the container sees.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

@test "userns: cp into and out of running containers of each kind of map" {
	echo f >"$WORK/file"
	for map in keep-id nomap auto; do
		cuddy run -d --name c --userns=$map "$IMAGE" sleep 1000
		cuddy cp "$WORK/file" c:/tmp/one
		tar -c -C "$WORK" --owner=3 --group=4 file | cuddy cp --archive=false - c:/tmp
		own=$(cuddy exec c sh -c 'echo $(id -u):$(id -g)')
		[ "$(cuddy exec c stat -c %u:%g /tmp/one /tmp/file | xargs)" = "$own 3:4" ]
		[ "$(cuddy cp c:/tmp/file - | tar -t -v --numeric-owner | cut -d' ' -f2)" = 3/4 ]
		cuddy cp c:/tmp/file "$WORK/out"
		[ "$(stat -c %u "$WORK/out")" = "$(id -u)" ]
		rm -f "$WORK/out"
		cuddy rm -f -t 0 c
	done
}

@test "userns: export, diff and commit of keep-id, and cp when it does not run" {
	cuddy run --name c --userns=keep-id "$IMAGE" sh -c 'echo >/tmp/mine; mkdir /tmp/d'
	[ "$(cuddy diff c | grep -v ' /etc')" = $'C /tmp\nA /tmp/d\nA /tmp/mine' ]   # the user gets a line in passwd
	[ "$(cuddy export c | tar -t -v --numeric-owner | grep -e ' tmp/mine$' -e ' home/user/$' -e ' bin/busybox$' | awk '{ print $6, $2 }' | sort | xargs)" = \
		"bin/busybox 0/0 home/user/ 1000/1000 tmp/mine $(id -u)/$(id -g)" ]
	echo f >"$WORK/file"
	cuddy cp "$WORK/file" c:/tmp/d/f
	cuddy commit c made >/dev/null
	[ "$(cuddy run --rm made stat -c %u:%g /tmp/mine /tmp/d/f /bin/busybox | xargs)" = "$(id -u):$(id -g) $(id -u):$(id -g) 0:0" ]
	cuddy rm c
	cuddy rmi made
}
