#!/usr/bin/env bats
# cuddy cp: every rule of where things go, both ways and between containers, running and not, and whose the files are then.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

tree() { (cd "$1" && find . | sort | xargs); }
inside() { cuddy cp "$1" - | tar -t | sort | xargs; } # names below a container's directory

host_files() {
	cd "$WORK"
	mkdir -p dir/sub edir
	echo f >file
	echo g >dir/g
	echo h >dir/sub/h
	ln -s dir ldir
	ln -s file lfile
	ln -s nowhere dangling
}

@test "cp: into a running and into a never started container: files, directories, contents, new names, links" {
	host_files
	cuddy run -d --name up "$IMAGE" sleep 1000
	cuddy create --name new "$IMAGE" sleep 1000
	for c in up new; do
		cuddy cp file $c:/tmp
		cuddy cp file $c:/tmp/named
		cuddy cp dir $c:/tmp/
		[ "$(inside $c:/tmp/.)" = './ dir/ dir/g dir/sub/ dir/sub/h file named' ]
		cuddy cp dir $c:/made
		[ "$(inside $c:/made)" = 'made/ made/g made/sub/ made/sub/h' ]
		cuddy cp dir/. $c:/made2
		cuddy cp dir/. $c:/made2
		[ "$(inside $c:/made2)" = 'made2/ made2/g made2/sub/ made2/sub/h' ]
		cuddy cp dir/ $c:/made2
		[ "$(inside $c:/made2)" = 'made2/ made2/dir/ made2/dir/g made2/dir/sub/ made2/dir/sub/h made2/g made2/sub/ made2/sub/h' ]
		cuddy cp ldir $c:/made3
		[ "$(inside $c:/made3)" = 'made3/ made3/g made3/sub/ made3/sub/h' ]
		cuddy cp -qL lfile $c:/sbin/through-a-link
		[ "$(cuddy cp $c:/bin/through-a-link - | tar -xO)" = f ]
		echo changed >file
		cuddy cp file $c:/tmp/file
		[ "$(cuddy cp $c:tmp/file - | tar -xO)" = changed ]
		echo f >file
	done
	[ "$(cuddy exec up cat /tmp/file /made/sub/h /bin/through-a-link | xargs)" = 'changed h f' ]
	cuddy start new
	[ "$(cuddy exec new cat /tmp/file /made/sub/h | xargs)" = 'changed h' ]
	cuddy exec new sh -c 'echo end >/tmp/file'
	cuddy stop -t 0 new
	[ "$(cuddy cp new:/tmp/file - | tar -xO)" = end ]
}

@test "cp: out of a container: files, directories, contents, new names, over old ones" {
	host_files
	cuddy run --name c "$IMAGE" sh -c 'mkdir -p /d/sub; echo 1 >/d/f; echo 2 >/d/sub/g; ln -s d /l; ln -s f /d/s'
	cuddy cp c:/d out
	[ "$(tree out)" = '. ./f ./s ./sub ./sub/g' ]
	[ "$(readlink out/s)" = f ]
	cuddy cp c:/d edir
	[ "$(tree edir)" = '. ./d ./d/f ./d/s ./d/sub ./d/sub/g' ]
	cuddy cp c:/d/. edir
	[ "$(tree edir)" = '. ./d ./d/f ./d/s ./d/sub ./d/sub/g ./f ./s ./sub ./sub/g' ]
	cuddy cp c:/l/f file
	[ "$(cat file)" = 1 ]
	cuddy cp c:/d/sub/g .
	[ "$(cat g)" = 2 ]
	cuddy cp c:l through
	[ "$(tree through)" = '. ./f ./s ./sub ./sub/g' ]
	echo old >g
	cuddy container cp c:/d/sub/g ./g
	[ "$(cat g)" = 2 ]
	[ ! -e .cuddy-* ]
}

@test "cp: from one container to another, running or not, and within one" {
	cuddy run -d --name a "$IMAGE" sh -c 'mkdir /d; echo 1 >/d/f; chown 5:6 /d/f; touch /ready; exec sleep 1000'
	cuddy create --name b "$IMAGE" sleep 1000
	wait_until 20 cuddy exec a test -e /ready
	cuddy cp a:/d b:/
	cuddy cp a:/d/. b:/e
	cuddy cp b:/e a:/back
	cuddy cp a:/d a:/again
	cuddy cp --archive=false a:/d b:/kept
	[ "$(cuddy exec a sh -c 'cat /back/f /again/f; stat -c %u:%g /again/f' | xargs)" = '1 1 0:0' ]
	cuddy start b
	[ "$(cuddy exec b sh -c 'cat /d/f /e/f; stat -c %u:%g /d/f /kept/f' | xargs)" = '1 1 0:0 5:6' ]
	run --separate-stderr cuddy cp a:/d a:/d/inner
	one_line_error 125 'into itself'
}

@test "cp: tar streams both ways, compressed ones too" {
	host_files
	cuddy run -d --name c "$IMAGE" sleep 1000
	tar -cz dir file | cuddy cp - c:/home
	tar -c --zstd -C dir . | cuddy cp - c:/tmp
	[ "$(cuddy exec c sh -c 'cat /home/file /home/dir/sub/h /tmp/g; stat -c %a /tmp' | xargs)" = 'f h g 1777' ]
	[ "$(cuddy cp c:/home/dir - | tar -t | sort | xargs)" = 'dir/ dir/g dir/sub/ dir/sub/h' ]
	[ "$(cuddy cp c:/home/file - | tar -xO)" = f ]
	for bad in /etc/passwd /nosuch; do
		run --separate-stderr cuddy cp - c:$bad < <(tar -c file)
		one_line_error 125 "$bad"
	done
	run --separate-stderr cuddy cp - c:/tmp <<<'no archive at all, but some text that is long enough for a header'
	one_line_error 125 'not a tar archive'
	[ "$(cuddy exec c ls /tmp | xargs)" = 'g sub' ]
}

@test "cp: owners: the container's user, ours on the host, or as they were with -a=false; modes and times stay" {
	host_files
	touch -d '2001-02-03 04:05:06' file
	chmod 2751 file
	cuddy run -d --name c -u 8:7 "$IMAGE" sleep 1000
	cuddy cp file c:/tmp/f
	cuddy cp dir c:/tmp/d
	[ "$(cuddy exec -u 0 c stat -c '%u:%g %a %Y' /tmp/f)" = '8:7 2751 981173106' ]
	[ "$(cuddy exec -u 0 c stat -c '%u:%g' /tmp/d /tmp/d/sub/h | xargs)" = '8:7 8:7' ]
	cuddy cp --archive=false file c:/tmp/k
	[ "$(cuddy exec -u 0 c stat -c '%u:%g' /tmp/k)" = 0:0 ]
	tar -c --owner=33 --group=34 file | cuddy cp --archive=false - c:/tmp
	[ "$(cuddy exec -u 0 c stat -c '%u:%g' /tmp/file)" = 33:34 ]
	cuddy exec -u 0 c sh -c 'chown 33:34 /tmp/file; chmod 6755 /tmp/file'
	cuddy cp c:/tmp/file out
	[ "$(stat -c '%u:%g %a' out)" = "$(id -u):$(id -g) 755" ]
}

@test "cp: through volumes, binds and tmpfs as the container sees them" {
	host_files
	mkdir bound
	cuddy run -d --name up -v v:/vol -v "$WORK/bound:/vol/bound" --tmpfs /scratch "$IMAGE" sleep 1000
	cuddy cp file up:/vol/one
	cuddy cp file up:/vol/bound/two
	cuddy cp file up:/scratch/three
	[ "$(cat bound/two)" = f ]
	[ "$(cuddy exec up cat /vol/one /vol/bound/two /scratch/three | xargs)" = 'f f f' ]
	[ "$(inside up:/vol/.)" = './ bound/ bound/two one' ]
	cuddy cp file up:/etc/hosts
	[ "$(cuddy exec up cat /etc/hosts)" = f ]             # a mounted file gets the bytes
	cuddy create --name down -v v:/vol -v "$WORK/bound:/vol/bound:ro" -v fresh:/home "$IMAGE" sleep 1000
	[ "$(cuddy cp down:/vol/bound/two - | tar -xO)" = f ]
	cuddy cp file down:/vol/four
	[ "$(cuddy exec up cat /vol/four)" = f ]
	run --separate-stderr cuddy cp file down:/vol/bound/no
	one_line_error 125 'Read-only'
	cuddy cp file down:/home/mine
	[ "$(inside down:/home/.)" = './ mine user/' ]         # a new volume has what the image has there
	cuddy start down
	[ "$(cuddy exec down ls /home | xargs)" = 'mine user' ]
	cuddy rm -f -t 0 up down
	cuddy volume rm v fresh
}

@test "cp: into what a start mounts anew is refused while it does not run; a volume within is a place that lasts" {
	host_files
	cuddy create --name c --tmpfs /tmp --tmpfs /new -v v:/home:O -v w:/tmp/vol "$IMAGE" sh -c 'ln -sf /tmp /to-tmp; exec sleep 1000'
	cuddy start c
	made() { cuddy exec c test -L /to-tmp; }
	wait_until 20 made
	cuddy stop -t 0 c
	kept() { snapshot | grep -v '/upper/tmp\(/vol\)\? d '; }   # a volume's place is made as a start would
	kept >before
	for place in /tmp /tmp/ /tmp/x /new /new/x /home /home/x /to-tmp/x; do
		run --separate-stderr cuddy cp file "c:$place"
		one_line_error 125 "c:$place: (/tmp|/new|/home) is made anew at each start"
	done
	tar -cf file.tar file
	run --separate-stderr cuddy cp - c:/tmp <file.tar
	one_line_error 125 '/tmp is made anew'
	kept | diff before -
	cuddy cp file c:/tmp/vol/in
	cuddy cp - c:/tmp/vol <file.tar
	cuddy cp file c:/etc/mine
	cuddy cp c:/etc/mine out
	cuddy start c
	[ "$(cuddy exec c cat /tmp/vol/in /tmp/vol/file /etc/mine | xargs)" = 'f f f' ]
	cuddy cp file c:/tmp/x
	cuddy cp file c:/home/x
	[ "$(cuddy exec c cat /tmp/x /home/x | xargs)" = 'f f' ]
	cuddy rm -f -t 0 c
	cuddy volume rm v w
}

@test "cp: a tree over the mounts of a running container; kernel file systems and what is read-only refuse in one line" {
	host_files
	mkdir -p tree/scratch/sub tree/vol tree/over tree/etc bound
	echo s >tree/scratch/sub/f
	echo v >tree/vol/f
	echo o >tree/over/f
	echo e >tree/etc/mine
	cuddy run -d --name up --network none -v v:/vol --tmpfs /scratch -v "$WORK/bound:/over:O" --mount type=tmpfs,dst=/rot,ro "$IMAGE" \
		sh -c 'ln -s /../../../../../etc/shadow /out; ln -s /scratch /inner; ln -s /etc/passwd /known; touch /ready; exec sleep 1000'
	wait_until 20 cuddy exec up test -e /ready
	cuddy cp tree/. up:/
	[ "$(cuddy exec up cat /scratch/sub/f /vol/f /over/f /etc/mine | xargs)" = 's v o e' ]
	[ "$(cuddy exec up stat -f -c %T /scratch)" = tmpfs ]
	[ "$(inside up:/vol/.)" = './ f' ]
	empty_dir bound
	for place in /proc/x /proc/sys/kernel/x /sys/x /rot/x; do
		run --separate-stderr cuddy cp file up:$place
		one_line_error 125 'Read-only|No such|not permitted|denied'
	done
	run --separate-stderr cuddy cp tree up:/rot
	one_line_error 125 'Read-only'
	cuddy cp file up:/dev/shm/x
	[ "$(cuddy exec up cat /dev/shm/x)" = f ]
	cuddy cp up:/proc/1/status - | tar -xO status | grep -q '^Pid:.1$'
	# What may not be read is left out, and that is said; it alone is an error.
	run -0 --separate-stderr cuddy cp up:/proc/1 got
	[[ "$stderr" == *'that may not be read were left out'* ]]
	grep -q '^Pid:.1$' got/status && [ "$(tr -d '\0' <got/cmdline | head -c 2)" = sh ] || [ "$(tr -d '\0' <got/cmdline | head -c 5)" = sleep ]
	chmod -R u+w got && rm -r got
	run --separate-stderr cuddy cp up:/proc/1/mem mem
	one_line_error 125 '/proc/1/mem'
	# What is mounted stays mounted: a file gets the bytes, a device is no place for one.
	cuddy cp file up:/etc/hosts
	[ "$(cuddy exec up sh -c 'cat /etc/hosts; grep -c " /etc/hosts " /proc/self/mountinfo' | xargs)" = 'f 1' ]
	run --separate-stderr cuddy cp file up:/dev/null
	one_line_error 125 'null.*busy'
	ln -s x alink
	tar -cf link.tar --transform s/alink/null/ alink
	run --separate-stderr cuddy cp - up:/dev <link.tar
	one_line_error 125 'null.*busy'
	[ "$(cuddy exec up stat -c %F /dev/null)" = 'character special file' ]
	# A link inside leads nowhere but inside.
	cuddy cp file up:/inner/through
	[ "$(cuddy exec up cat /scratch/through)" = f ]
	run --separate-stderr cuddy cp up:/out stolen
	one_line_error 125 '/out'
	[ ! -e stolen ]
	cuddy create --name other --network none -v w:/vol "$IMAGE" true
	cuddy cp up:/vol other:/
	cuddy cp up:/scratch other:/copied
	[ "$(inside other:/vol/.)" = './ f' ]
	[ "$(inside other:/copied/.)" = './ sub/ sub/f through' ]
	cuddy rm -f -t 0 up other
	cuddy volume rm v w
}

@test "cp: called as docker a link is copied as one, unless -L or a slash says otherwise" {
	host_files
	ln -s "$CUDDY" docker
	cuddy run --name c --network none "$IMAGE" sh -c 'mkdir /d; echo in >/d/f; ln -s d /l; ln -s /d/f /lf'
	./docker cp lfile c:/a-link
	./docker cp -L lfile c:/a-file
	./docker cp ldir/. c:/dir2
	./docker cp c:/l got
	./docker cp -L c:/lf gotf
	./docker cp c:/l/ gotd
	[ "$(readlink got)" = d ]
	[ "$(cat gotf gotd/f | xargs)" = 'in in' ]
	[ ! -L gotd ]
	[ "$(./docker cp c:/a-link - | tar -tv | sed 's/.*a-link/a-link/')" = 'a-link -> file' ]
	[ "$(cuddy cp c:/a-file - | tar -xO)" = f ]
	[ "$(inside c:/dir2/.)" = './ g sub/ sub/h' ]
	cuddy cp c:/lf followed
	[ ! -L followed ]
}

@test "cp: a relative path starts at the working directory; a colon in a host's name" {
	host_files
	echo colon >a:b
	cuddy create --name c -w /home "$IMAGE" true
	cuddy cp file c:rel
	cuddy cp ./a:b c:/home/ab
	cuddy cp "$WORK/a:b" c:user
	[ "$(inside c:/home/.)" = './ ab rel user/ user/a:b' ]
	[ "$(cuddy cp c:rel - | tar -xO)" = f ]
}

@test "cp: --overwrite lets a directory and a file change places; without it nothing changes" {
	host_files
	cuddy create --name c "$IMAGE" true
	cuddy cp file c:/tmp/g
	mkdir other
	mkdir other/g
	run --separate-stderr cuddy cp other/. c:/tmp
	one_line_error 125 'overwrite'
	[ "$(cuddy cp c:/tmp/g - | tar -xO)" = f ]
	cuddy cp --overwrite other/. c:/tmp
	[ "$(inside c:/tmp/g)" = g/ ]
	run --separate-stderr cuddy cp dir/g c:/tmp
	one_line_error 125 'overwrite'
	cuddy cp --overwrite dir/g c:/tmp
	[ "$(cuddy cp c:/tmp/g - | tar -xO)" = g ]
	# What is mounted there stays, and so does all else; in a volume it is as in the rest.
	cuddy run -d --name m -v "$WORK/file:/tmp/mounted" -v vol:/tmp/vol "$IMAGE" sleep 1000
	cuddy exec m sh -c 'echo v >/tmp/vol/x'
	mkdir -p more/mounted in/vol/x
	run --separate-stderr cuddy cp --overwrite more/. m:/tmp
	one_line_error 125 mounted
	[ "$(cuddy exec m cat /tmp/mounted)" = "$(cat file)" ]
	[ -f file ]
	cuddy cp --overwrite in/. m:/tmp
	run -0 cuddy exec m stat -c %F /tmp/vol/x
	[ "$output" = directory ]
	cuddy rm -f -t 0 m
	cuddy volume rm vol
}

@test "cp: bad input says why and changes nothing" {
	host_files
	cuddy create --name c "$IMAGE" true
	while read -r from to word; do
		run --separate-stderr cuddy cp "$from" "$to"
		echo "cp $from $to: $stderr"
		one_line_error 125 "$word"
	done <<-'EOT'
		nosuch c:/x nosuch
		c:/nosuch x nosuch
		file c:/no/such/x no/such
		file c:/nodir/ no
		dir c:/etc/passwd directory
		c:/etc file directory
		c:/etc/passwd no/x No such
		file/ c:/x directory
		file c:/etc/passwd/ passwd
		dangling c:/x dangling
		file file2 CONTAINER:PATH
		file nosuch:/x nosuch
		nosuch:/x file nosuch
		- file CONTAINER:PATH
	EOT
	run -125 cuddy cp file
	run -125 cuddy cp file c:/x y
	[ -z "$(cuddy diff c)" ]
	run script -qec "'$CUDDY' cp c:/etc -" /dev/null
	[ "$status" -eq 125 ]
}
