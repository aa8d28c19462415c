#!/usr/bin/env bats
# --mount of every type, and the options of volumes; looked at from inside.
load helpers

opts_of() { # opts_of PATH, in the container: flags and options of the last mount there
	echo "awk '\$5 == \"$1\" { l = \$6 \" \" \$NF } END { print l }' /proc/self/mountinfo"
}

@test "mount image: read-only by default, writable for this container only, a part of it, kept from removal" {
	cuddy tag "$IMAGE" localhost/other
	run -0 cuddy run --rm --mount type=image,src=localhost/other,dst=/img "$IMAGE" sh -c 'ls -d /img/bin/sh /img/home/user; stat -c %u /img/home/user; touch /img/x 2>/dev/null || echo ro'
	[ "$(echo $output)" = "/img/bin/sh /img/home/user 1000 ro" ]
	cuddy create --name c --mount type=image,src=localhost/other,dst=/img,rw=true "$IMAGE" sh -c 'ls /img/x 2>/dev/null; echo new >/img/x; rm -f /img/bin/sh; ls /img/bin/sh 2>/dev/null; cat /img/x'
	run -0 cuddy start -a c
	[ "$output" = new ]
	run -0 cuddy start -a c
	[ "$(echo $output)" = "/img/x new" ]
	run -0 cuddy run --rm --mount type=image,src=localhost/other,dst=/img "$IMAGE" ls /img/bin/sh
	[ "$(cuddy inspect --format '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}}{{end}}' c)" = "image localhost/other:latest /img true" ]
	run -0 cuddy run --rm --mount type=image,src=localhost/other,dst=/h,subpath=home "$IMAGE" ls /h
	[ "$output" = user ]
	run -0 cuddy run --rm --mount type=image,src=localhost/other,dst=/pw,image-subpath=etc/passwd "$IMAGE" head -1 /pw
	[[ "$output" == root:* ]]
	run -0 cuddy run --rm --mount type=image,src=localhost/other,dst=/h,readwrite "$IMAGE" sh -c 'echo w >/h/w; cat /h/w; ls -d /h/home'
	[ "$(echo $output)" = "w /h/home" ]
	run --separate-stderr cuddy run --rm --mount type=image,src=localhost/other,dst=/h,subpath=home,readwrite "$IMAGE" true
	one_line_error 125 'a part of an image is read-only'
	run --separate-stderr cuddy run --rm --mount type=image,src=localhost/other,dst=/h,subpath=nosuch "$IMAGE" true
	one_line_error 125 nosuch
	run --separate-stderr cuddy run --rm --mount type=image,src=localhost/nosuch,dst=/h --pull never "$IMAGE" true
	one_line_error 125 nosuch
}

@test "mount image: its layers stay while a container has them, also when the image goes" {
	mkdir "$WORK/t"
	echo here >"$WORK/t/only"
	tar -c -C "$WORK/t" only | cuddy import -q - localhost/data:latest
	cuddy create --name c --mount type=image,src=localhost/data,dst=/d "$IMAGE" cat /d/only
	cuddy rmi -f localhost/data
	run -0 cuddy start -a c
	[ "$output" = here ]
	cuddy rm c
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -ge 1 ]
}

@test "mount devpts, ramfs, tmpfs: what they are, and whose" {
	run -0 cuddy run --rm --mount type=devpts,dst=/pts,uid=7,gid=8,mode=0640,max=3 --mount type=ramfs,dst=/ram,tmpfs-mode=0711 \
		--mount type=tmpfs,dst=/mem,U,tmpfs-mode=0750 -u 1000:1000 "$IMAGE" sh -c "$(opts_of /pts); $(opts_of /ram); stat -c %a /ram; stat -f -c %T /ram; stat -c %u:%g:%a /mem"
	[[ "${lines[0]}" == *uid=*,gid=*,mode=640,*max=3* ]]
	[[ "${lines[1]}" == *nosuid*nodev*noexec* ]]
	[ "${lines[2]} ${lines[3]}" = "711 ramfs" ]
	[ "${lines[4]}" = 1000:1000:750 ]
	# What a new terminal there gets, and how many there may be; it is not the container's own.
	run -0 cuddy run --rm --network none --mount type=devpts,dst=/pts,uid=7,gid=8,mode=0640,max=3 "$IMAGE" sh -c '
		exec 3<>/pts/ptmx 4<>/pts/ptmx 5<>/pts/ptmx; stat -c %u:%g:%a /pts/0 /pts/2; (exec 6<>/pts/ptmx) 2>/dev/null || echo full; ls /dev/pts'
	[ "$(echo $output)" = "7:8:640 7:8:640 full ptmx" ]
	run -0 cuddy run --rm --tmpfs /home:mode=0700,uid=3,gid=4 "$IMAGE" sh -c 'stat -c %u:%g:%a /home; stat -c %u /home/user'
	[ "$(echo $output)" = "3:4:700 1000" ]
	run -0 cuddy run --rm --tmpfs /home:notmpcopyup "$IMAGE" ls /home
	[ -z "$output" ]
}

@test "mount glob: each match below the destination, or where it is on the host" {
	mkdir -p "$WORK/g"
	echo 1 >"$WORK/g/a.txt"; echo 2 >"$WORK/g/b.txt"; echo 3 >"$WORK/g/c.dat"
	run -0 cuddy run --rm --mount "type=glob,src=$WORK/g/*.txt,dst=/in,ro" "$IMAGE" sh -c 'cat /in/*; touch /in/a.txt 2>/dev/null || echo ro; ls /in'
	[ "$(echo $output)" = "1 2 ro a.txt b.txt" ]
	run -0 cuddy run --rm --mount "type=glob,src=$WORK/g/*.txt" "$IMAGE" cat "$WORK/g/b.txt"
	[ "$output" = 2 ]
	run --separate-stderr cuddy run --rm --mount "type=glob,src=$WORK/g/*.nosuch,dst=/in" "$IMAGE" true
	one_line_error 125 'nothing matches'
}

@test "volume options: flags reach the kernel, and each can be turned the other way" {
	run -0 cuddy run --rm -v a:/a -v b:/b:exec,suid,dev -v c:/c:noexec,ro -v "$WORK:/d:noexec" "$IMAGE" sh -c "$(opts_of /a); $(opts_of /b); $(opts_of /c); $(opts_of /d)"
	[[ "${lines[0]}" == rw,nosuid,nodev* && "${lines[0]}" != *noexec* ]]
	[[ "${lines[1]}" == rw,* && "${lines[1]}" != *nosuid* && "${lines[1]}" != *nodev* ]] || [ "$(findmnt -no OPTIONS -T "$CUDDY_ROOT" | grep -c nosuid)" -gt 0 ]
	[[ "${lines[2]}" == ro,nosuid,nodev,noexec* ]]
	[[ "${lines[3]}" == *noexec* ]]
	run -0 cuddy run --rm -v "$WORK:/r:rslave" -v "$WORK:/p" -v "$WORK:/s:rshared" -v "$WORK:/u:unbindable" --mount "type=bind,src=$WORK,dst=/v,bind-propagation=shared" \
		"$IMAGE" awk '$5 ~ "^/[rpsuv]$" { print $5, $7 }' /proc/self/mountinfo
	[[ "$output" == *"/r master:"* || "$output" == *"/r -"* ]]
	[[ "$output" == *"/p -"* && "$output" == *"/s shared:"* && "$output" == *"/u unbindable"* && "$output" == *"/v shared:"* ]]
}

@test "volume options: O with directories of the caller's own, subpaths that stay inside, idmap says why not" {
	mkdir "$WORK/low" "$WORK/up" "$WORK/wk"
	echo old >"$WORK/low/f"
	run -0 cuddy run --rm -v "$WORK/low:/d:O,upperdir=$WORK/up,workdir=$WORK/wk" "$IMAGE" sh -c 'echo new >/d/f; cat /d/f'
	[ "$output" = new ]
	[ "$(cat "$WORK/low/f") $(cat "$WORK/up/f")" = "old new" ]
	unshare --user --map-auto --map-root-user rm -rf "$WORK/wk" "$WORK/up"
	mkdir "$WORK/up"
	run --separate-stderr cuddy run --rm -v "$WORK/low:/d:O,upperdir=$WORK/up" "$IMAGE" true
	one_line_error 125 workdir
	run --separate-stderr cuddy run --rm -v "$WORK/low:/d:idmap" "$IMAGE" true
	one_line_error 125 idmap
	cuddy run --rm -v v:/v "$IMAGE" sh -c 'mkdir -p /v/a/b; echo in >/v/a/b/f; ln -s /etc /v/out; ln -s a /v/link'
	run -0 cuddy run --rm --mount type=volume,src=v,dst=/s,subpath=a/b "$IMAGE" cat /s/f
	[ "$output" = in ]
	run -0 cuddy run --rm --mount type=volume,src=v,dst=/s,subpath=link/b/f "$IMAGE" cat /s
	[ "$output" = in ]
	for p in out ../x a/../../x /a nosuch; do
		run --separate-stderr cuddy run --rm --mount type=volume,src=v,dst=/s,subpath=$p "$IMAGE" ls /s
		one_line_error 125 .
	done
}

@test "volumes: nocreate, subpath of -v, labels and options of one that --mount makes" {
	run --separate-stderr cuddy run --rm -v vn:/v:nocreate "$IMAGE" true
	one_line_error 125 'vn.*no such volume'
	run --separate-stderr cuddy create --cidfile "$WORK/cid" --mount src=vn,dst=/v,nocreate "$IMAGE" true
	one_line_error 125 'vn.*no such volume'
	[ ! -e "$WORK/cid" ]
	run -1 cuddy volume exists vn
	cuddy volume create vn >/dev/null
	cuddy run --rm -v vn:/v:nocreate "$IMAGE" sh -c 'mkdir -p /v/a; echo in >/v/a/f'
	run -0 cuddy run --rm -v vn:/s:subpath=a,ro "$IMAGE" sh -c 'cat /s/f; touch /s/x 2>/dev/null || echo ro'
	[ "$(echo $output)" = "in ro" ]
	run -0 cuddy run --rm --mount src=vn,dst=/s,volume-subpath=a,volume-driver=local "$IMAGE" cat /s/f
	[ "$output" = in ]
	run --separate-stderr cuddy run --rm --mount src=far,dst=/s,volume-driver=nfs "$IMAGE" true
	one_line_error 125 "no volume driver but 'local'"
	run -1 cuddy volume exists far
	# A new volume gets what the image has at its place, unless it is not wanted.
	run -0 cuddy run --rm --mount src=empty,dst=/home,volume-nocopy "$IMAGE" ls /home
	[ -z "$output" ]
	run -0 cuddy run --rm --mount src=full,dst=/home "$IMAGE" ls /home
	[ "$output" = user ]
	for bad in "vn:/s:subpath=../x" "$WORK:/s:subpath=a" "$WORK:/s:nocreate"; do
		run --separate-stderr cuddy run --rm -v "$bad" "$IMAGE" true
		one_line_error 125 .
	done
	run -0 cuddy run --rm --mount type=volume,src=vl,dst=/v,volume-label=a=1,volume-label=b,volume-opt=type=tmpfs,volume-opt=o=size=1m "$IMAGE" \
		sh -c "$(opts_of /v)"
	[[ "$output" == *size=1024k* ]]
	[ "$(cuddy volume inspect --format '{{json .Labels}} {{json .Options}}' vl)" = '{"a":"1","b":""} {"o":"size=1m","type":"tmpfs"}' ]
	run --separate-stderr cuddy run --rm --mount type=volume,src=vo,dst=/v,volume-opt=o=uid=5 "$IMAGE" true
	one_line_error 125 'volume create'
	run -1 cuddy volume exists vo
}

@test "bind: a source is made when asked for, or when called as docker; bind-recursive; words that mean nothing here" {
	run --separate-stderr cuddy run --rm -v "$WORK/new/dir:/d" "$IMAGE" true
	one_line_error 125 'does not exist'
	cuddy explain run --mount "type=bind,src=$WORK/new/dir,dst=/d,bind-create-src" "$IMAGE" true >/dev/null
	[ ! -e "$WORK/new" ]
	cuddy run --rm --mount "type=bind,src=$WORK/new/dir,dst=/d,bind-create-src" "$IMAGE" touch /d/made
	[ -e "$WORK/new/dir/made" ]
	mkdir "$WORK/bin"
	ln -s "$CUDDY" "$WORK/bin/docker"
	run -0 "$WORK/bin/docker" run --rm -v "$WORK/other/dir:/d" "$IMAGE" touch /d/made
	[ -e "$WORK/other/dir/made" ]
	run -0 cuddy run --rm --mount "type=bind,src=$WORK/new,dst=/d,bind-recursive=readonly,ro,z,relabel=shared,U=false,idmap=false,consistency=cached" \
		"$IMAGE" sh -c 'touch /d/dir/x 2>/dev/null || echo ro'
	[ "$output" = ro ]
	run -0 cuddy run --rm --mount type=bind,src=/dev,dst=/all,ro --mount "type=bind,src=$WORK,dst=/one,bind-recursive=disabled" "$IMAGE" \
		sh -c "grep -q ' /all/pts ' /proc/self/mountinfo && grep -q ' /one ' /proc/self/mountinfo && echo both; grep ' /all[/ ]' /proc/self/mountinfo | grep -v ' ro,'; true"
	[ "$output" = both ]
	run --separate-stderr cuddy run --rm --mount type=bind,src=/dev,dst=/one,bind-recursive=disabled "$IMAGE" true
	one_line_error 125 'without what the host has mounted below it'
	run --separate-stderr cuddy run --rm --mount "type=bind,src=$WORK,dst=/d,bind-recursive=writable" "$IMAGE" true
	one_line_error 125 bind-recursive
	run --separate-stderr cuddy run --rm --mount type=tmpfs,dst=/d,noswap "$IMAGE" true
	one_line_error 125 'only root'
	run -0 cuddy run --rm --mount type=ramfs,dst=/d,noswap --mount type=devpts,dst=/p,newinstance,ptmxmode=600 "$IMAGE" stat -c %a /p/ptmx
	[ "$output" = 600 ]
}

@test "mount artifact: one file in its place, several by their titles or a name, one of them; read-only, for every user" {
	echo one >"$WORK/a.txt"
	echo two >"$WORK/b.txt"
	cuddy artifact add localhost/files:1 "$WORK/a.txt" "$WORK/b.txt" >/dev/null
	cuddy artifact add localhost/single:1 "$WORK/a.txt" >/dev/null
	m() { cuddy run --rm --network none --user 1000 --mount "type=artifact,src=localhost/$1,dst=$2" "$IMAGE" sh -c "$3"; }
	[ "$(m files:1 /new/dir 'ls /new/dir; cat /new/dir/*' | xargs)" = 'a.txt b.txt one two' ]
	[ "$(m single:1 /new/file 'cat /new/file')" = one ]
	[ "$(m single:1 /new/ 'cat /new/a.txt')" = one ]
	[ "$(m files:1 /d,title=b.txt 'cat /d')" = two ]
	[ "$(m files:1 "/d,digest=sha256:$(sha256sum <"$WORK/a.txt" | cut -d' ' -f1)" 'cat /d')" = one ]
	[ "$(m files:1 /d,name=part 'cat /d/part-0 /d/part-1' | xargs)" = 'one two' ]
	run cuddy run --rm --network none --mount type=artifact,src=localhost/single:1,dst=/f "$IMAGE" sh -c 'echo x >/f || chmod 777 /f'
	[ "$status" -ne 0 ]
	[ "$(cuddy run --rm --network none --mount type=artifact,src=localhost/single:1,dst=/f "$IMAGE" cat /f)" = one ]
	while IFS='|' read -r words want; do
		run --separate-stderr cuddy create --mount "type=$words" "$IMAGE"
		one_line_error 125 "$want"
	done <<-'E'
		artifact,src=localhost/nosuch:1,dst=/d|nosuch
		artifact,src=localhost/files:1,dst=/d,title=c|no such file
		artifact,src=localhost/files:1|no destination
		artifact,dst=/d|no source
		artifact,src=localhost/files:1,dst=/d,rw|read-only
		artifact,src=localhost/files:1,dst=/d,title=a.txt,digest=sha256:1|one of both
		bind,src=/etc,dst=/d,no-dereference|what a link leads to
	E
	cuddy artifact rm localhost/files:1 localhost/single:1 >/dev/null
}

# threats: K08
@test "bind: what the host mounts later is seen with rslave, and not without" {
	mkdir -p "$WORK/d/sub"
	cat >"$WORK/in" <<-'SH'
		mount --bind "$WORK/d" "$WORK/d" && mount --make-rshared "$WORK/d"
		"$CUDDY" run -d --name c --network none -v "$WORK/d:/slave:rslave" -v "$WORK/d:/usual" "$IMAGE" sleep 1000 >/dev/null
		mount -t tmpfs none "$WORK/d/sub" && : >"$WORK/d/sub/seen"
		"$CUDDY" exec c sh -c 'ls -d /*/sub/seen'
		"$CUDDY" rm -f -t 0 c >/dev/null
	SH
	run -0 --separate-stderr unshare --user --map-root-user --mount env WORK="$WORK" sh -e "$WORK/in"
	[ "$output" = /slave/sub/seen ]
}
