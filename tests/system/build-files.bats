#!/usr/bin/env bats
# Building images: files from the context and from stages, the cache, digests that stay.
# All tests of this file share one root and the busybox image.
load helpers
load build

@test "COPY: files, directories, patterns and names; owner root, modes and links kept" {
	mkdir -p dir/sub && echo 1 >dir/one && echo 2 >dir/sub/two && ln -s one dir/link
	echo a >a.txt && echo b >b.txt && echo c >c.md && chmod 640 a.txt && chmod 755 dir dir/sub
	ln dir/one dir/same
	file <<-'E'
		FROM localhost/busybox
		WORKDIR /w
		COPY a.txt renamed
		COPY a.txt b.txt sub/
		COPY *.md /md/
		COPY dir /copied
		COPY dir /etc/
		COPY ["c.md", "with blank"]
		RUN mkdir /links && ln -s /md /links/abs && ln -s ../md /links/rel
		COPY a.txt /links/abs/via
		COPY b.txt /links/rel/
	E
	build
	[ "$(inside sh -c 'cd /w && echo *')" = "renamed sub with blank" ]
	[ "$(inside sh -c 'stat -c "%a %u:%g" /w/renamed /w/sub /w')" = $'640 0:0\n755 0:0\n755 0:0' ]
	[ "$(inside sh -c 'cd /copied && echo * && readlink link && cat sub/two')" = $'link one same sub\none\n2' ]
	[ "$(inside sh -c 'stat -c %h /copied/one')" = 2 ]
	[ "$(inside sh -c 'cat /etc/one && test -f /etc/passwd && stat -c %a /etc')" = $'1\n755' ]
	[ "$(inside sh -c 'cd /md && echo *')" = "b.txt c.md via" ]
}

@test "COPY: --chown by number and name, --chmod, from a stage with its owners" {
	mkdir d && echo 1 >d/f && chmod 600 d/f
	file <<-'E'
		FROM localhost/busybox AS src
		RUN mkdir /s && echo x >/s/f && chown 7:8 /s/f
		FROM localhost/busybox
		RUN echo 'app:x:123:45::/:/bin/sh' >>/etc/passwd && echo 'grp:x:99:' >>/etc/group
		COPY --chown=11:12 d /num
		COPY --chown=13 d /bare
		COPY --chown=app d /name
		COPY --chown=app:grp --chmod=u=rwX,go=rX d /both
		COPY --chmod=4711 d/f /mode
		COPY --from=src /s /stage
		COPY --from=src --chown=1:2 /s/f /own/er
	E
	build
	run -0 inside stat -c '%n %u:%g %a' /num/f /bare/f /name/f /both/f /both /mode /stage/f /own /own/er
	[ "$output" = "/num/f 11:12 600
/bare/f 13:13 600
/name/f 123:45 600
/both/f 123:99 644
/both 123:99 755
/mode 0:0 4711
/stage/f 7:8 644
/own 1:2 755
/own/er 1:2 644" ]
	printf 'FROM localhost/busybox\nCOPY --chown=nosuch d /x\n' >Containerfile
	run -125 --separate-stderr build
	[[ "$stderr" == *"--chown=nosuch"*"nosuch"* ]]
}

@test "COPY: --parents, --exclude, --link, here-documents" {
	mkdir -p a/b/c x && echo 1 >a/b/c/f && echo 2 >a/b/skip.o && echo 3 >x/y
	file <<-'E'
		FROM localhost/busybox
		ARG V=val
		RUN mkdir /real && ln -s /real /dest
		COPY --parents a/b/c/f x/y /p/
		COPY --parents a/./b/c /q/
		COPY --exclude=*.o --exclude=c a/b /e/
		COPY --link x/y /dest/linked
		COPY <<one <<'two' /h/
		$V \$V "quoted"
		one
		$V
		two
	E
	build
	[ "$(inside sh -c 'cd /p && find . -type f | sort')" = $'./a/b/c/f\n./x/y' ]
	[ "$(inside sh -c 'cd /q && find . -type f')" = ./b/c/f ]
	[ -z "$(inside ls /e)" ]
	[ "$(inside cat /dest/linked)" = 3 ]
	[ "$(inside cat /h/one /h/two)" = $'val $V "quoted"\n$V' ]
	[ "$(inside stat -c %a /h/one)" = 644 ]
}

@test "COPY: the ignore file hides, also from patterns, and is looked for in its places" {
	mkdir -p src/deep node_modules/x && touch src/a.c src/a.o src/deep/keep node_modules/x/y secret
	printf '**/*.o\nnode_modules\nsecret\nsrc/deep\n!src/deep/keep\n' >.dockerignore
	printf 'FROM localhost/busybox\nCOPY . /all/\n' >Containerfile
	build
	[ "$(inside sh -c 'cd /all && find . -type f | sort')" = $'./.dockerignore\n./Containerfile\n./src/a.c\n./src/deep/keep' ]
	printf 'FROM localhost/busybox\nCOPY secret /\n' >Containerfile
	run -125 --separate-stderr build
	[[ "$stderr" == *"secret: left out by the ignore file"* ]]
	echo '*' >none
	printf 'FROM localhost/busybox\nCOPY . /all/\n' >Containerfile
	build --ignorefile none
	[ -z "$(inside ls /all)" ]
	echo src >Containerfile.containerignore
	build -f Containerfile
	[ "$(inside ls /all)" = $'Containerfile\nContainerfile.containerignore\nnode_modules\nnone\nsecret' ]
}

@test "cache: what did not change is not done again; content counts, not times or names" {
	echo 1 >f
	file <<-'E'
		FROM localhost/busybox
		RUN head -c 16 /dev/urandom | md5sum >/rand
		COPY f /f
		RUN head -c 16 /dev/urandom | md5sum >/rand2
		LABEL a=1
	E
	first=$(build)
	one=$(inside cat /rand /rand2)
	touch -d 2001-01-01 f
	[ "$(build)" = "$first" ]
	run -0 --separate-stderr cuddy build -t localhost/t .
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 3 ]
	sed -i s/a=1/a=2/ Containerfile
	[ "$(build)" != "$first" ]
	[ "$(inside cat /rand /rand2)" = "$one" ]
	echo 2 >f
	build
	two=$(inside cat /rand /rand2)
	[ "${two%%$'\n'*}" = "${one%%$'\n'*}" ]
	[ "${two##*$'\n'}" != "${one##*$'\n'}" ]
	build --no-cache
	three=$(inside cat /rand)
	[ "$three" != "${one%%$'\n'*}" ]
}

@test "cache: an ARG, ENV or base image that changes runs the step again; a secret's value does not (K1)" {
	file <<-'E'
		FROM localhost/busybox
		ARG A
		RUN --mount=type=secret,id=s head -c 16 /dev/urandom | md5sum >/rand
	E
	build --build-arg A=1
	one=$(inside cat /rand)
	S=new build --build-arg A=1 --secret id=s,env=S
	[ "$(inside cat /rand)" = "$one" ]
	build --build-arg A=2
	[ "$(inside cat /rand)" != "$one" ]
}

@test "--timestamp: the same digest whenever it is built, and no later time inside (O2)" {
	echo 1 >f
	printf 'FROM localhost/busybox\nCOPY f /d/f\nRUN echo x >/y && rm -r /var/tmp\n' >Containerfile
	a=$(build --no-cache --timestamp 1000000000)
	touch f
	b=$(build --no-cache --timestamp 1000000000)
	[ "$a" = "$b" ]
	[ "$(SOURCE_DATE_EPOCH=1000000000 build --no-cache --rewrite-timestamp -o type=image,rewrite-timestamp=true)" = "$a" ]
	[ "$(build --build-arg SOURCE_DATE_EPOCH=1000000000 --rewrite-timestamp)" = "$a" ]
	[ "$(inside stat -c %Y /d/f /y)" = $'1000000000\n1000000000' ]
	[[ "$(cuddy image inspect --format '{{.Created}}' localhost/t)" == 2001-09-09* ]]
	# What the base image has stays as it is.
	base() { cuddy image inspect "$1" | jq -cS '[.[0].RootFS.Layers[0], .[0].History[0]]'; }
	[ "$(base localhost/t)" = "$(base localhost/busybox)" ]
	# Nothing that was made is later: directories made on the way and whiteouts too.
	cuddy save -q --format oci-dir -o "$WORK/layout" localhost/t
	run -0 python3 - "$WORK/layout" <<-'P'
		import json, sys, tarfile
		blob = lambda d: f"{sys.argv[1]}/blobs/sha256/{d[7:]}"
		m = json.load(open(blob(json.load(open(f"{sys.argv[1]}/index.json"))["manifests"][0]["digest"])))
		new = [e for l in m["layers"][1:] for e in tarfile.open(blob(l["digest"]))]
		print(sorted({e.name for e in new} & {"d", "d/f", "y", "var/.wh.tmp"}), max(e.mtime for e in new) <= 1000000000)
	P
	[ "$output" = "['d', 'd/f', 'var/.wh.tmp', 'y'] True" ]
}

@test "FROM scratch, -f from elsewhere and from standard input, --iidfile, several tags (G4)" {
	echo data >f
	printf 'FROM scratch\nCOPY f /f\n' >"$WORK/other"
	printf 'FROM nosuch/image\n' >"$WORK/bad"
	run -125 cuddy build -q --pull=never -f "$WORK/bad" --iidfile "$WORK/iid" .
	[ ! -e "$WORK/iid" ]
	run -0 cuddy build -q -f "$WORK/other" -t localhost/a -t localhost/b:2 --iidfile "$WORK/iid" .
	[ "$(cat "$WORK/iid")" = "sha256:$output" ]
	[ "$(cuddy image inspect --format '{{.Id}}' localhost/b:2)" = "$output" ]
	[ "$(cuddy build -q -f - . <"$WORK/other")" = "$output" ]
	[ "$(cuddy image inspect --format '{{len .RootFS.Layers}}' localhost/a)" = 1 ]
	printf 'FROM localhost/a\nCOPY --from=localhost/busybox /bin /bin\nRUN ["/bin/cat", "/f"]\n' >Containerfile
	run -0 --separate-stderr cuddy build .
	[[ "$stderr" == *$'\ndata'* ]]
	run -125 --separate-stderr cuddy build - <"$WORK/other"
	[[ "$stderr" == *"no context"* ]]
}

@test "history has a line for each instruction, and a layer only where files changed (O1)" {
	printf 'FROM localhost/busybox\nARG A=1\nWORKDIR /tmp\nRUN true\nRUN touch /x\nCMD a\n' >Containerfile
	build
	base=$(cuddy image inspect --format '{{len .RootFS.Layers}}' localhost/busybox)
	[ "$(cuddy image inspect --format '{{len .RootFS.Layers}}' localhost/t)" = $((base + 1)) ]
	run -0 cuddy history --no-trunc --format '{{.CreatedBy}}' localhost/t
	[ "${lines[0]}" = 'CMD ["/bin/sh" "-c" "a"]' ]
	[ "${lines[1]}" = 'RUN |1 A=1 /bin/sh -c touch /x' ]
	[ "${lines[2]}" = 'RUN |1 A=1 /bin/sh -c true' ]
	[ "${lines[3]}" = 'WORKDIR /tmp' ]
}

@test "ADD: archives are unpacked, whatever they are called; owners are theirs; links to them are not" {
	mkdir -p t/sub && echo deep >t/sub/f && ln -s sub/f t/link && chmod 2750 t/sub
	for z in '' z J j; do tar -c${z}f "a$z" --owner=5 --group=6 t; done
	tar -c --zstd -f azst --owner=5 --group=6 t
	ln -s a alias.tar
	gzip -c t/sub/f >text.gz
	file <<-'E'
		FROM localhost/busybox
		RUN mkdir -p /3/t/sub && echo old >/3/t/sub/f && echo stays >/3/t/other
		ADD a /1
		ADD az /2/
		ADD aJ aj azst /3/
		ADD --chown=9:9 a /4
		ADD --unpack=false a /5/
		COPY a /6/
		ADD alias.tar /7/
		ADD t /8
	E
	build
	for d in 1 2 3; do
		[ "$(inside sh -c "cd /$d/t && cat sub/f link && stat -c '%u:%g %a' sub")" = $'deep\ndeep\n5:6 2750' ]
	done
	[ "$(inside cat /3/t/other)" = stays ]
	[ "$(inside stat -c %u:%g /4/t/sub/f)" = 9:9 ]
	[ "$(inside sh -c 'ls /5 /6 /7')" = "$(printf '/5:\na\n\n/6:\na\n\n/7:\nalias.tar')" ]
	[ "$(inside cat /8/sub/f)" = deep ]
	printf 'FROM localhost/busybox\nADD text.gz /\n' >Containerfile
	run -125 --separate-stderr build
	[[ "$stderr" == *"unpack text.gz"*"--unpack=false"* ]]
}

@test "COPY of a directory: its mode becomes the destination's only where that is new and not written with a slash" {
	mkdir -m 711 d
	mkdir -m 750 d/sub
	touch d/sub/f
	file <<-'E'
		FROM localhost/busybox
		RUN mkdir -m 700 /there
		COPY d /named
		COPY --chown=3:4 d /slash/new/
		COPY d /there
		COPY d /there/
	E
	build
	[ "$(inside stat -c '%n %a %u' /named /named/sub /slash /slash/new /slash/new/sub /there)" = \
		$'/named 711 0\n/named/sub 750 0\n/slash 755 3\n/slash/new 755 3\n/slash/new/sub 750 3\n/there 700 0' ]
}
