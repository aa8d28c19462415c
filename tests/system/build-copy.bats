#!/usr/bin/env bats
# COPY, ADD and ignore files, rule by rule (requirements C and D, named at the end of each sentence): what build-files.bats does not show.
load helpers
load build

# What lies where in the image: "PATH MODE UID:GID" a line.
look() { inside sh -c 'for p; do stat -c "%n %a %u:%g" "$p"; done' sh "$@"; }
fails() { # fails TEXT - the Containerfile on stdin does not build, and the line that says so holds TEXT
	file
	run --separate-stderr build
	[ "$status" = 125 ]
	[[ "$stderr" == *"$1"* ]] || { echo "$stderr"; false; }
}
same_layers() { cuddy image inspect --format '{{json .RootFS.Layers}}' "$1"; }

@test "paths are clipped at their root; into directories and over files, merged file by file (C1 C2)" {
	mkdir -p d/sub tree
	echo 1 >a; echo 2 >d/b; echo 3 >d/sub/c; echo new >tree/f
	ln -s /d abs; ln -s ../../../../a up
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox
		RUN --network=none mkdir -p /have /t && echo old >/t/f && echo kept >/t/g && ln -s /have /tohave
		COPY ../../a /clipped
		COPY d /contents
		COPY a /have
		COPY a /new/
		COPY a /dot/.
		COPY a d/b /two/
		COPY a /tohave/through
		COPY abs/b /abs
		COPY up /up
		COPY tree /t
	EOF
	build
	[ "$(inside sh -c 'cat /clipped /contents/b /contents/sub/c /have/a /new/a /dot/a /two/a /two/b /have/through /abs /up /t/f /t/g' | xargs)" = '1 2 3 1 1 1 1 2 1 2 1 new kept' ]
	printf 'FROM localhost/busybox\nCOPY a d/b /two\n' | fails 'two'
	printf 'FROM localhost/busybox\nRUN --network=none touch /x\nCOPY d /x\n' | fails '/x'
	printf 'FROM localhost/busybox\nRUN --network=none mkdir -p /y/a\nCOPY a /y/\n' | fails 'a'
}

@test "patterns are Go's; one that matches nothing is a warning, a name that is not there an error (C3)" {
	touch a.c b.c '[x].h' .hidden; mkdir sub; touch sub/c.c
	cat >Containerfile <<-'EOF'
		FROM scratch
		ARG p=*.c
		COPY $p /1/
		COPY [^a].c /2/
		COPY [[]x].h /3/
		COPY ?.c sub/*.c /4/
		COPY *.none /5/
	EOF
	run -0 --separate-stderr cuddy build -t localhost/t .
	[[ "$stderr" == *'*.none'* ]]
	cuddy create --name c localhost/t x
	[ "$(cuddy export c | tar -t | grep '^[1-5]/.' | xargs)" = '1/a.c 1/b.c 2/b.c 3/[x].h 4/a.c 4/b.c 4/c.c' ]
	printf 'FROM scratch\nCOPY none /\n' | fails 'none'
	printf 'FROM scratch\nCOPY [ /\n' | fails Containerfile:2
}

@test "owners and modes, of what is copied, of parents and of what was there (C4 C5 C6 C7)" {
	mkdir -p d/sub; echo x >d/sub/f; echo y >s; chmod 700 d d/sub; chmod 4711 s; mkdir both; ln s both/s; ln s both/hard; setfattr -n user.k -v v s
	touch -d 2001-01-01T00:00:00Z s
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox AS from
		RUN --network=none touch /theirs && chown 5:6 /theirs && mkdir -m 750 /top /top/sub && printf 'u:x:7:8::/:\n' >>/etc/passwd && printf 'grp:x:9:\n' >>/etc/group
		FROM from
		COPY --from=from /theirs /kept
		COPY s /plain
		COPY --chown=u d /n/m/dst
		COPY d /top
		ARG who=u:grp mode=0640
		COPY --chown=$who s /1
		COPY --chown=77 s /2
		COPY --chown=0:grp s /3
		COPY --chmod=$mode s /o/4
		COPY --chmod=u=rwX,go=rX d /5
		COPY both /6/
	EOF
	build
	diff - <(look /kept /plain /n /n/m /n/m/dst /n/m/dst/sub /n/m/dst/sub/f /top /top/sub /1 /2 /3 /o /o/4 /5/sub /5/sub/f) <<-'EOF'
		/kept 644 5:6
		/plain 4711 0:0
		/n 755 7:8
		/n/m 755 7:8
		/n/m/dst 700 7:8
		/n/m/dst/sub 700 7:8
		/n/m/dst/sub/f 644 7:8
		/top 750 0:0
		/top/sub 700 0:0
		/1 4711 7:9
		/2 4711 77:77
		/3 4711 0:9
		/o 755 0:0
		/o/4 640 0:0
		/5/sub 755 0:0
		/5/sub/f 644 0:0
	EOF
	[ "$(inside stat -c %Y /plain)" = 978307200 ]
	cuddy create --name c localhost/t x
	[ "$(cuddy unshare sh -c 'getfattr --absolute-names --only-values -n user.k "$("$CUDDY" mount c)/plain"')" = v ]
	[ "$(inside sh -c 'stat -c %i /6/s /6/hard' | sort -u | wc -l)" = 1 ]
	printf 'FROM localhost/t\nCOPY --chown=nobodyhere s /x\n' | fails nobodyhere
	printf 'FROM localhost/t\nCOPY --chown=0:nosuchgrp s /x\n' | fails nosuchgrp
	printf 'FROM localhost/t\nCOPY --chmod=99 s /x\n' | fails 99
	printf 'FROM localhost/t\nCOPY --chmod=17777 s /x\n' | fails 17777
}

@test "capabilities of files are copied, as an image has them whoever builds it (C7 O4)" {
	load_image layers12
	printf 'FROM scratch\nCOPY --from=localhost/layers12 /xa/cap /file\nCOPY --link --from=localhost/layers12 /xa /dir/\nCOPY --from=localhost/layers12 /xa /again/\n' | file
	cuddy build -q -o type=tar,dest="$WORK/t.tar" .
	run -0 python3 - "$WORK/t.tar" <<-'P'
		import sys, tarfile
		caps = {e.name: v for e in tarfile.open(sys.argv[1]) for k, v in e.pax_headers.items() if k.endswith("security.capability")}
		print(*(n + " " + v.encode("utf-8", "surrogateescape")[:6].hex() for n, v in caps.items()), sep="\n")
	P
	# Version 2, which names no user namespace, and CAP_NET_RAW.
	[ "$(sort <<<"$output")" = $'again/cap 010000020020\ndir/cap 010000020020\nfile 010000020020' ] || fail "$output"
}

@test "--link makes a layer that no base decides, and follows no link of the base (C8)" {
	echo x >f
	printf 'ARG base\nFROM $base\nCOPY --link f /tmp/in/\nCOPY --link --chown=3:4 f /l/g\n' | file
	printf 'FROM localhost/busybox\nRUN --network=none mkdir -p /tmp /real && chmod 1777 /tmp && ln -s /real /l\n' >other
	cuddy build -q -t localhost/other -f other . >/dev/null
	cuddy build -q -t localhost/a --build-arg base=localhost/busybox . >/dev/null
	cuddy build -q -t localhost/t --build-arg base=localhost/other . >/dev/null
	[ "$(same_layers localhost/a | jq -c '.[-2:]')" = "$(same_layers localhost/t | jq -c '.[-2:]')" ]
	[ "$(inside sh -c 'cat /tmp/in/f; stat -c "%a %u" /l/g; ls /real')" = $'x\n644 3' ]
	[ "$(look /tmp)" = '/tmp 1777 0:0' ]
	# As it says of itself: sent elsewhere, it is the same.
	run -0 cuddy system check
	id=$(cuddy image inspect --format '{{.Id}}' localhost/t)
	cuddy save -q -o "$WORK/t.tar" localhost/t
	cuddy rmi -f localhost/t localhost/a >/dev/null
	cuddy load -q -i "$WORK/t.tar"
	[ "$(cuddy image inspect --format '{{.Id}}' localhost/t)" = "$id" ]
	[ "$(look /tmp)" = '/tmp 1777 0:0' ]
}

@test "--parents with a pivot and any depth, --exclude, from stages by name, number and variable (C9 C10)" {
	mkdir -p p/q/r; touch p/1.x p/q/2.x p/q/r/3.x p/q/r/4.y
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox AS first
		COPY p /p
		FROM localhost/busybox AS second
		ARG which=first
		COPY --parents p/./q/**/*.x /a/
		COPY --parents p/**/*.y /b/
		COPY --exclude=**/*.x --exclude=q/r p /c
		COPY --from=0 --exclude=**/*.x /p /d
		COPY --from=FIRST --parents /p/./q/2.x /e/
		COPY --from=$which /p/1.x /f
		FROM scratch
		COPY --from=second /a /b /c /d /e /f /
	EOF
	run -0 build
	cat >>Containerfile <<-'EOF'
		FROM second
	EOF
	build
	diff - <(inside sh -c 'cd /; find a b c d e f | sort') <<-'EOF'
		a
		a/q
		a/q/2.x
		a/q/r
		a/q/r/3.x
		b
		b/p
		b/p/q
		b/p/q/r
		b/p/q/r/4.y
		c
		c/q
		d
		d/q
		d/q/r
		d/q/r/4.y
		e
		e/q
		e/q/2.x
		f
	EOF
	printf 'FROM localhost/busybox AS a\nCOPY --from=later /x /\nFROM a AS later\n' | fails 'later'
}

@test "what is an archive is told by its content, of every compression, and is unpacked below a directory (C12)" {
	mkdir in; echo x >in/f
	tar -cf plain -C in .; gzip -c plain >gz; bzip2 -c plain >bz; xz -c plain >xz; zstd -qc plain >zst
	cp in/f text.tar.gz; ln -s gz link
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox
		ADD plain /1
		ADD gz /2
		ADD bz /3
		ADD xz /4
		ADD --chown=5:6 zst /5
		ADD text.tar.gz /6
		ADD link /7
	EOF
	build
	[ "$(inside sh -c 'cat /1/f /2/f /3/f /4/f /5/f /6; stat -c "%u:%g" /5/f; ls -d /7*' | xargs)" = 'x x x x x x 5:6 /7' ]
	[ "$(inside sh -c '[ -f /7 ] && echo file')" = file ]
}

@test "which ignore file counts, and what its patterns mean (D1 D2 D3 D4)" {
	mkdir -p a/b/c keep/deep node_modules/m src/node_modules
	touch a/x a/b/x a/b/c/x top.x topx keep/deep/f keep/g node_modules/m/f src/node_modules/f src/f '#hash' w1 w2 '[z]'
	printf 'FROM localhost/busybox\nCOPY . /o\n' | file
	seen() { # seen PATTERNS - what is copied with these as .dockerignore
		printf '%b' "$1" >.dockerignore
		build >/dev/null
		inside sh -c 'cd /o; find . -type f | sort' | sed 's/^..//' | grep -v -e '^Containerfile' -e ignore$ | xargs
	}
	[ "$(seen '\xef\xbb\xbfa\r\n /top.x/ \n#hash\n')" = '#hash [z] keep/deep/f keep/g node_modules/m/f src/f src/node_modules/f topx w1 w2' ]
	[ "$(seen '*\n! keep/deep\n')" = 'keep/deep/f' ]
	[ "$(seen '**/node_modules\n**/x\nkeep/**\nw?\n\\[z]\n')" = '#hash src/f top.x topx' ]
	[ "$(seen '**x\nsrc\nnode_modules/*\nkeep\n\\#hash\nw[1-1]\n')" = '[z] w2' ]
	[ "$(seen '*\n!a\na/b\n!a/b/c/x\n')" = 'a/b/c/x a/x' ]
	printf '[' >.dockerignore
	run --separate-stderr build
	[ "$status" = 125 ]
	[[ "$stderr" == *.dockerignore* ]]
	# The nearest counts: --ignorefile, by the Containerfile, .containerignore, .dockerignore.
	ls_o() { inside sh -c 'cd /o; echo *'; }
	rm -r a keep node_modules src top.x '#hash' '[z]'
	echo w1 >.dockerignore
	build && [[ "$(ls_o)" == *topx*w2* && "$(ls_o)" != *w1* ]]
	echo w2 >.containerignore
	build && [[ "$(ls_o)" == *w1* && "$(ls_o)" != *w2* ]]
	echo topx >Containerfile.dockerignore
	build && [[ "$(ls_o)" == *w1*w2* && "$(ls_o)" != *topx* ]]
	printf 'w*\n' >mine
	build --ignorefile mine && [[ "$(ls_o)" == *topx* && "$(ls_o)" != *w1* ]]
	# Also when the file was found in the context, and for its other name.
	rm Containerfile.dockerignore mine; mkdir "$WORK/else"
	mv Containerfile Mine; echo w1 >Mine.containerignore
	(cd "$WORK/else" && cuddy build -q -t localhost/t -f Mine "$WORK/ctx")
	[[ "$(ls_o)" == *topx*w2* && "$(ls_o)" != *w1* ]]
	# Not for stages.
	printf 'FROM localhost/busybox AS s\nRUN --network=none touch /topx\nFROM localhost/busybox\nCOPY --from=s /topx /o/\n' | file
	build && [ "$(ls_o)" = topx ]
}

@test "of a context only what an instruction names is read, and of what is left out nothing (D4 D5)" {
	mkdir -p big/deep used; touch big/f big/deep/f used/f
	touch -a -d 2001-01-01 big big/deep used; touch -m -d 2002-01-01 big big/deep used     # read: seen by its time of access
	printf 'FROM localhost/busybox\nCOPY used /u\n' | file
	build
	[ "$(stat -c %X big)" = "$(stat -c %X big/deep)" ]
	[ "$(stat -c %X big)" = "$(date -d 2001-01-01 +%s)" ]
	[ "$(stat -c %X used)" -gt "$(stat -c %X big)" ]
	printf '*\n!used\n' >.dockerignore
	printf 'FROM localhost/busybox\nCOPY . /u\n' | file
	build
	[ "$(inside sh -c 'cd /u; find . -type f')" = ./used/f ]
	[ "$(stat -c %X big)" = "$(date -d 2001-01-01 +%s)" ]
}
