#!/usr/bin/env bats
# The volume verbs, what their options mean inside, and volumes that containers share.
load helpers

field() { cuddy volume inspect --format "{{.$2}}" "$1"; }

@test "volume create: names, labels, --ignore; a name is taken once; docker's second create is no error" {
	run -0 cuddy volume create -l a=1 --label b v
	[ "$output" = v ]
	[ "$(cuddy volume inspect --format '{{json .Labels}}' v)" = '{"a":"1","b":""}' ]
	[ "$(field v Driver) $(field v Scope) $(field v MountCount) $(field v NeedsCopyUp) $(field v NeedsChown) $(field v Anonymous)" = "local local 0 true true false" ]
	[ "$(field v Mountpoint)" = "$CUDDY_ROOT/volumes/v/_data" ]
	[ -d "$CUDDY_ROOT/volumes/v/_data" ]
	run --separate-stderr cuddy volume create v
	one_line_error 125 v
	run -0 cuddy volume create --ignore v
	[ "$output" = v ]
	ln -s "$CUDDY" "$WORK/docker"
	run -0 "$WORK/docker" volume create v
	[ "$output" = v ]
	run -0 cuddy volume create
	[ "${#output}" -eq 64 ]
}

@test "volume create: o= that asks for what is so anyway; bounds that only root sets are refused with what has them" {
	cuddy volume create -o o=uid=7,noquota,timeout=5,gid=8,nocopy v
	run -0 cuddy run --rm -v v:/srv/x "$IMAGE" stat -c %u:%g /srv/x
	[ "${lines[-1]}" = 7:8 ]
	cuddy volume rm v >/dev/null
	for o in size=1m inodes=9; do
		run --separate-stderr cuddy volume create -o o=$o v
		one_line_error 125 "only root can bound a directory.*type=tmpfs"
	done
	run --separate-stderr cuddy volume create -o o=timeout=soon v
	one_line_error 125 "timeout=soon"
}

@test "volume create: what an ordinary user cannot mount is refused, and nothing is made" {
	local o
	for o in "-d nosuch" "-o foo=bar" "-o type=nfs" "-o type=ext4 -o device=/dev/sda" "-o device=/tmp" "-o o=size=1m" \
		"-o type=none" "-o type=tmpfs -o device=/x" "-o type=tmpfs -o o=nosuch=1" "-o o=bind -o device=relative" \
		"-o o=uid=x" "-l =x" "--uid 99999999999"; do
		run --separate-stderr cuddy volume create $o v
		echo "$o: $stderr"
		one_line_error 125 .
	done
	[ -z "$(cuddy volume ls -q)" ]
}

@test "volume ls: formats, and every filter tells volumes apart" {
	cuddy volume create -l app=web -l tier=1 one
	cuddy volume create -l app=db -o type=tmpfs two
	cuddy create --name c -v two:/x -v three:/y "$IMAGE" true
	run -0 cuddy volume ls
	[[ "${lines[0]}" =~ ^DRIVER\ +VOLUME\ NAME$ ]]
	[[ "${lines[1]}" =~ ^local\ +one$ ]]
	run -0 cuddy volume ls -n
	[ "${#lines[@]}" -eq 3 ]
	[ "$(cuddy volume ls --format '{{.Name}}/{{.Driver}}' | xargs)" = "one/local three/local two/local" ]
	[ "$(cuddy volume ls --format json | python3 -c 'import json,sys; print(*[v["Name"] for v in json.load(sys.stdin)])')" = "one three two" ]
	ls_() { cuddy volume ls -q "$@" | xargs; }
	[ "$(ls_)" = "one three two" ]
	[ "$(ls_ -f name=^t)" = "three two" ]
	[ "$(ls_ -f name=one -f name=two)" = "one two" ]
	[ "$(ls_ -f label=app)" = "one two" ]
	[ "$(ls_ -f label=app=web)" = one ]
	[ "$(ls_ -f label=app -f label=tier)" = one ]
	[ "$(ls_ -f label!=app)" = three ]
	[ "$(ls_ -f dangling=true)" = one ]
	[ "$(ls_ -f dangling=false)" = "three two" ]
	[ "$(ls_ -f driver=local -f name=o)" = "one two" ]
	[ "$(ls_ -f driver=nosuch)" = "" ]
	[ "$(ls_ -f opt=type)" = two ]
	[ "$(ls_ -f opt=type=nfs)" = "" ]
	[ "$(ls_ -f since=one)" = "three two" ]
	[ "$(ls_ -f after=two)" = three ]
	[ "$(ls_ -f until=1h)" = "" ]
	[ "$(ls_ -f until=2100-01-01)" = "one three two" ]
	run --separate-stderr cuddy volume ls -f nosuch=1
	one_line_error 125 nosuch
	run --separate-stderr cuddy volume ls -f since=nosuch
	one_line_error 125 nosuch
	run --separate-stderr cuddy volume ls -f dangling=perhaps
	one_line_error 125 dangling
}

@test "volume inspect, exists, mount: by name, by the beginning of one, all of them" {
	cuddy volume create alpha
	cuddy volume create beta
	cuddy volume create -o o=bind -o device="$WORK" dir
	cuddy volume create -o type=tmpfs mem
	[ "$(field al Name)" = alpha ]
	[ "$(cuddy volume inspect -a --format '{{.Name}}' | xargs)" = "alpha beta dir mem" ]
	run cuddy volume inspect alpha nosuch beta
	[ "$status" -eq 125 ]
	[[ "$output" == *alpha*beta* ]]
	run --separate-stderr cuddy volume inspect
	one_line_error 125 all
	run -0 cuddy volume exists alpha
	run -1 cuddy volume exists al
	run -0 cuddy volume mount beta dir
	[ "$(echo $output)" = "$CUDDY_ROOT/volumes/beta/_data $WORK" ]
	run --separate-stderr cuddy volume mount mem
	one_line_error 125 tmpfs
	run -0 cuddy volume unmount beta
	[ "$output" = beta ]
	run -0 cuddy volume reload
	cuddy volume create alphabet
	run --separate-stderr cuddy volume rm alph
	one_line_error 125 alph
	[ "$(cuddy volume ls -q | wc -l)" -eq 5 ]
}

@test "volume rm: one that is used stays, --force takes its containers along, --all takes all" {
	cuddy volume create free
	cuddy run -d --name c -v used:/x "$IMAGE" sleep 1000
	[ "$(field used MountCount)" = 1 ]
	run --separate-stderr -2 cuddy volume rm used
	[[ "$stderr" == *"used by c"* ]]
	run -1 cuddy volume rm nosuch
	run -0 cuddy volume rm -f nosuch
	run --separate-stderr cuddy volume rm -t 1 free
	one_line_error 125 force
	run -0 cuddy volume rm -f -t 0 used
	[ "$output" = used ]
	run -1 cuddy container exists c
	cuddy volume create other
	run -0 cuddy volume rm -a
	[ "$(echo $output)" = "free other" ]
	empty_dir "$CUDDY_ROOT/volumes"
}

@test "volume prune: asks, takes anonymous ones that nobody uses, with -a all, and what filters leave" {
	cuddy create --name c -v /anon -v kept:/k "$IMAGE" true
	cuddy rm c
	cuddy create --name d -v /inuse "$IMAGE" true
	cuddy volume create -l x=1 lab
	[ "$(cuddy volume ls -q | wc -l)" -eq 4 ]
	cuddy volume prune </dev/null
	echo n | cuddy volume prune
	[ "$(cuddy volume ls -q | wc -l)" -eq 4 ]
	[ "$(cuddy volume ls -q --filter anonymous=false | xargs)" = 'kept lab' ]
	run -0 cuddy volume prune -f --dry-run --filter anonymous=false
	[ "${lines[*]}" = 'kept lab' ]
	run -0 cuddy volume prune -f --dry-run --filter all=true
	[ "${#lines[@]}" -eq 3 ]
	run -0 cuddy volume prune -f --dry-run --filter all=false --filter anonymous=true
	[ "${#lines[@]}" -eq 1 ]
	run -0 cuddy volume prune -a --dry-run
	[ "${#lines[@]}" -eq 3 ]
	[ "$(cuddy volume ls -q | wc -l)" -eq 4 ]
	run -0 bash -c 'echo y | "$CUDDY" volume prune 2>/dev/null'
	[ "${#output}" -eq 64 ]
	for none in until=24h label=x=2 'label!=x' 'until=24h --filter label=x'; do
		run -0 cuddy volume prune -f -a --filter name=lab --filter $none
		[ -z "$output" ] || fail "$none: $output"
	done
	run -125 --separate-stderr cuddy volume prune -f --filter nosuch=x
	one_line_error 125 nosuch
	run -0 cuddy volume prune -f -a --filter label=x=1 --filter until=1ns
	[ "$output" = lab ]
	run -0 cuddy volume prune -af
	[ "$output" = kept ]
	[ "$(cuddy volume ls -q | wc -l)" -eq 1 ]
	cuddy rm -v d
	empty_dir "$CUDDY_ROOT/volumes"
}

@test "a new volume gets the owner and mode of its place, or of the container's user; then it is left alone" {
	mk="mkdir -p /made && chown 7:8 /made && chmod 0750 /made"
	run -0 cuddy run --rm -u 1000:50 -v v:/nowhere "$IMAGE" sh -c 'stat -c %u:%g:%a /nowhere; touch /nowhere/f'
	[ "$output" = 1000:50:755 ]
	[ "$(field v NeedsChown)" = false ]
	run -0 cuddy run --rm -u 1001 -v v:/nowhere "$IMAGE" stat -c %u:%g /nowhere
	[ "$output" = 1000:50 ]
	run -0 cuddy run --rm -v w:/home/user:nocopy "$IMAGE" sh -c 'stat -c %u:%g /home/user; ls -A /home/user'
	[ "$output" = 1000:1000 ]
	[ "$(field w NeedsCopyUp)" = true ]
	cuddy volume create --uid 33 --gid 34 x
	cuddy volume create -o o=uid=35 y
	run -0 cuddy run --rm -v x:/home/user -v y:/y "$IMAGE" stat -c %u:%g /home/user /y
	[ "$(echo $output)" = "33:34 35:0" ]
	[ "$(field x UID)$(field x GID)" = 3334 ]
}

@test "volume options: tmpfs and bind are what is mounted, with what o= says" {
	mkdir "$WORK/dir"
	echo there >"$WORK/dir/f"
	cuddy volume create -o type=tmpfs -o device=tmpfs -o o=size=64k,mode=0700,uid=5,noexec mem
	cuddy volume create -o type=none -o o=bind,ro -o device="$WORK/dir" dir
	run -0 cuddy run --rm -v mem:/m -v dir:/d "$IMAGE" sh -c 'stat -f -c %T /m; stat -c %u:%a /m; grep " /m " /proc/mounts; cat /d/f; touch /d/g 2>&1 || :'
	[ "${lines[0]} ${lines[1]}" = "tmpfs 5:700" ]
	[[ "${lines[2]}" == *noexec*size=64k* ]]
	[ "${lines[3]}" = there ]
	[[ "${lines[4]}" == *"ead-only"* ]]
	cuddy run -d --name a -v mem:/m "$IMAGE" sleep 1000
	run --separate-stderr cuddy run --rm -v mem:/m "$IMAGE" true
	one_line_error 125 "tmpfs"
	cuddy stop -t 0 a
	run -0 cuddy run --rm -v mem:/m "$IMAGE" true
	rmdir "$WORK/dir" 2>/dev/null || rm -r "$WORK/dir"
	run --separate-stderr cuddy run --rm -v dir:/d "$IMAGE" true
	one_line_error 125 "$WORK/dir"
}

@test "volumes-from: binds and volumes of another, ro where asked, own ones and later ones first" {
	mkdir "$WORK/b"
	cuddy create --name a -v v1:/one -v "$WORK/b:/b" -v /anon --tmpfs /t "$IMAGE" true
	cuddy create --name b -v v2:/one:ro -v v3:/three "$IMAGE" true
	run -0 cuddy run --rm --volumes-from a "$IMAGE" sh -c 'touch /one/f /b/g /anon/h; grep -c " /t " /proc/mounts'  || [ "$output" = 0 ]
	[ -e "$CUDDY_ROOT/volumes/v1/_data/f" ]
	[ -e "$WORK/b/g" ]
	run -0 cuddy run --rm --volumes-from a:ro "$IMAGE" sh -c 'ls /anon; touch /one/x 2>/dev/null || echo ro'
	[ "$(echo $output)" = "h ro" ]
	run -0 cuddy run --rm --volumes-from a --volumes-from b:z "$IMAGE" sh -c 'ls /one; touch /one/x 2>/dev/null || echo ro; ls -d /three'
	[ "$(echo $output)" = "ro /three" ]
	run -0 cuddy run --rm --volumes-from b -v v1:/one "$IMAGE" ls /one
	[ "$output" = f ]
	cuddy create --name c --volumes-from a "$IMAGE" true
	[ "$(cuddy inspect --format '{{.HostConfig.VolumesFrom}}' c)" = "[a]" ]
	run --separate-stderr cuddy run --rm --volumes-from nosuch "$IMAGE" true
	one_line_error 125 nosuch
	run --separate-stderr cuddy run --rm --volumes-from a:exec "$IMAGE" true
	one_line_error 125 exec
}

@test "volumes-from: an anonymous volume goes with the last of its containers, whichever that is" {
	cuddy create --name a -v /anon "$IMAGE" true
	cuddy create --name b --volumes-from a "$IMAGE" true
	cuddy run --rm --volumes-from b "$IMAGE" touch /anon/f       # a --rm one is not the last
	[ "$(cuddy volume ls -q | wc -l)" -eq 1 ]
	cuddy rm -v a
	[ "$(cuddy volume ls -q | wc -l)" -eq 1 ]
	cuddy rm -v b
	empty_dir "$CUDDY_ROOT/volumes"
	cuddy run -d --rm --name a -v /anon "$IMAGE" sleep 1000
	cuddy run -d --rm --name b --volumes-from a "$IMAGE" sleep 1000
	cuddy exec b touch /anon/g
	cuddy stop -t 0 a
	# By its name alone: "a" may also begin the other's id.
	wait_until 20 eval '! cuddy ps -a --format "{{.Names}}" | grep -qx a'
	run -0 cuddy exec b ls /anon
	[ "$output" = g ]
	cuddy stop -t 0 b
	wait_until 20 empty_dir "$CUDDY_ROOT/volumes"
}

@test "ps --filter volume= finds by name and by path; inspect names them in podman's words" {
	cuddy create --name a -v data:/srv/data:ro,noexec "$IMAGE" true
	cuddy create --name b -v "$WORK:/host" "$IMAGE" true
	[ "$(cuddy ps -aq --no-trunc --filter volume=data)" = "$(cuddy inspect --format '{{.Id}}' a)" ]
	[ "$(cuddy ps -a --format '{{.Names}}' --filter volume=/srv/data)" = a ]
	[ "$(cuddy ps -a --format '{{.Names}}' --filter volume="$WORK")" = b ]
	[ "$(cuddy inspect --format '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}} {{.Options}}{{end}}' a)" = "volume data /srv/data false [nosuid nodev noexec rbind]" ]
}
