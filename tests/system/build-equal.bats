#!/usr/bin/env bats
# The same Containerfile, built by buildah and by cuddy: the same files and the same config.
load helpers

# What either tool puts into a root to run something there.
OURS='etc/hosts etc/hostname etc/resolv.conf etc/mtab dev proc sys run .dockerenv'
# Known differences of the config: buildah's label; BuildKit, and so cuddy, keeps the order in which ENV was set.
CONFIG='{User, ExposedPorts, Env: (.Env | sort), Entrypoint, Cmd, Volumes, WorkingDir, StopSignal, OnBuild, Shell, Healthcheck,
	Labels: (.Labels // {} | del(.["io.buildah.version"]))} | del(.. | select(. == null or . == {} or . == "" or . == []))'

teardown() {
	cd "$WORK"
	unshare --user --map-auto --map-root-user rm -rf "$WORK/b" "$WORK/bundle"
	test_end
}

by_buildah() { # manifest and config into $WORK/want.*
	local b="buildah --storage-driver vfs --root $WORK/b/root --runroot $WORK/b/run"
	$b pull -q "docker-archive:$(image_file busybox)" >/dev/null
	$b bud -q --isolation chroot --format docker -t localhost/t "$@" . >/dev/null
	$b push -q localhost/t "oci:$WORK/oci:x" >/dev/null
	$b inspect --type image localhost/t | jq -S ".Docker.config | $CONFIG" >"$WORK/want.config"
	unshare --user --map-auto --map-root-user sh -c "
		umoci unpack --image '$WORK/oci:x' '$WORK/bundle' >/dev/null && '$FIXTURES/fsmanifest.py' '$WORK/bundle/rootfs' $OURS
		rm -rf '$WORK/bundle' '$WORK/b' '$WORK/oci'" | sed 's/ mtime=[0-9]*//' >"$WORK/want.files"
}

SLEEP=(--entrypoint sleep) # how a container of the image is kept
by_cuddy() {
	local id p
	id=$(cuddy build -q --format docker -t localhost/t "$@" .)
	jq -S ".config | $CONFIG" <"$CUDDY_ROOT/images/$id/config" >"$WORK/got.config"
	id=$(cuddy run -d --network none --no-hosts --user 0 "${SLEEP[@]}" localhost/t 1000)
	p=$(container_pid "$id")
	nsenter --preserve-credentials --user -t "$p" "$FIXTURES/fsmanifest.py" "/proc/$p/root" $OURS |
		sed 's/ mtime=[0-9]*//' >"$WORK/got.files"
	cuddy rm -f -t 0 "$id" >/dev/null
}

same() {
	[ "$(wc -l <"$WORK/want.files")" -gt 20 ]
	diff "$WORK/want.config" "$WORK/got.config"
	diff "$WORK/want.files" "$WORK/got.files" | cut -c1-300
	cmp -s "$WORK/want.files" "$WORK/got.files"
}

@test "buildah: stages, files of every kind, owners, modes, and all of the config" {
	mkdir -p "$WORK/ctx/dir/sub" && cd "$WORK/ctx"
	echo one >dir/one && echo two >dir/sub/two && ln -s one dir/link && ln -s nowhere dir/dangling
	echo text >file.txt && echo '#!/bin/sh' >tool && chmod 755 tool dir dir/sub && chmod 640 file.txt
	tar -cf "$WORK/ctx/ar.tar" --owner=7 --group=8 -C dir one sub
	printf 'ignored\n*.o\n!keep.o\n' >.dockerignore && touch ignored x.o keep.o
	cat >Containerfile <<-'E'
		ARG TAG=latest
		FROM localhost/busybox:${TAG} AS make
		RUN mkdir -p /o/p && echo made >/o/p/f && chmod 711 /o/p && chown 3:4 /o/p/f && ln /o/p/f /o/p/g && ln -s f /o/p/l
		FROM localhost/busybox
		ARG V=1
		ENV A=b C="d e" PATH=/opt/bin:$PATH
		LABEL k=v "k 2"="v 2"
		WORKDIR /work/dir
		WORKDIR rel
		COPY --from=make /o /oo/
		COPY dir /copied
		COPY dir/one file.txt some/
		COPY *.txt /globbed/
		COPY . /all
		COPY --chown=5:6 --chmod=600 file.txt /owned
		COPY --chown=user tool /by-name
		ADD ar.tar /unpacked/
		RUN echo "$V $A" >/v && rm -r /home/user && mkdir -m 700 /home/user && chmod 4755 /by-name
		USER user
		RUN id -u >/tmp/id && pwd >>/tmp/id
		EXPOSE 80 81/udp 90-92
		VOLUME /vol /w2
		VOLUME ["/v 3"]
		CMD echo dropped
		ENTRYPOINT ["/bin/sh", "-c"]
		CMD ["x"]
		STOPSIGNAL SIGUSR1
		HEALTHCHECK --interval=3s --timeout=1m --retries=4 CMD true
		SHELL ["/bin/ash", "-c"]
		ONBUILD RUN x
	E
	by_buildah --build-arg V=2
	by_cuddy --build-arg V=2
	same
}

@test "buildah: from scratch" {
	mkdir -p "$WORK/ctx" && cd "$WORK/ctx"
	cat >Containerfile <<-'E'
		FROM localhost/busybox AS b
		FROM scratch
		COPY --from=b /bin /bin
		COPY --from=b /etc/passwd /etc/group /etc/
		WORKDIR /x/y
		RUN ["/bin/touch", "made"]
		ENTRYPOINT exec sleep 1
	E
	OURS="$OURS tmp" # a container has one in any case
	by_buildah
	by_cuddy
	same
}

# Projects as they come, each in a stage that has its tools: this machine's own, bound to where they belong.
@test "buildah: a library and a program in C, a Python package in a venv, a Perl module by its Makefile.PL" {
	local r=$WORK/ctx/base d
	mkdir -p "$r"/{usr,opt,proc,sys,dev,run,root,var,tmp,etc}
	for d in bin sbin lib lib64; do ln -s "usr/$d" "$r/$d"; done
	chmod 1777 "$r/tmp"
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n' >"$r/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$r/etc/group"
	cp -a /etc/ld.so.cache /etc/alternatives "$r/etc/"
	cd "$WORK/ctx"
	tar -C base --owner=0 --group=0 -cf base.tar . && rm -r base
	printf 'base\n**/*.o\n**/*.pyc\n' >.dockerignore
	mkdir -p c/include py/shop perl/lib
	printf 'int add(int, int);\n' >c/include/add.h
	printf '#include "add.h"\nint add(int a, int b) { return a + b; }\n' >c/add.c
	printf '#include <stdio.h>\n#include "add.h"\nint main(void) { return printf("%%s %%d\\n", VERSION, add(1, 2)) < 0; }\n' >c/main.c
	echo stale >c/add.o
	OURS="$OURS busybox"
	cat >c/Makefile <<-'M'
		.RECIPEPREFIX = >
		PREFIX ?= /usr
		CFLAGS = -O1 -Iinclude -DVERSION='"$(VERSION)"'
		all: libadd.a sum
		libadd.a: add.o
		> ar rcD $@ $^
		sum: main.o libadd.a
		> $(CC) -static -o $@ $^
		install: all
		> install -Dm755 sum $(DESTDIR)$(PREFIX)/bin/sum
		> install -Dm644 libadd.a $(DESTDIR)$(PREFIX)/lib/libadd.a
		> install -Dm644 -t $(DESTDIR)$(PREFIX)/include include/*.h
		> ln -sf sum $(DESTDIR)$(PREFIX)/bin/total
	M
	printf 'from .price import price\n' >py/shop/__init__.py
	printf 'def price(n):\n    return 3 * n\n' >py/shop/price.py
	printf 'import shop, sys\nprint(shop.price(int(sys.argv[1])))\n' >py/shop/__main__.py
	printf 'use ExtUtils::MakeMaker;\nWriteMakefile(NAME => "Greet", VERSION_FROM => "lib/Greet.pm", EXE_FILES => ["greet"]);\n' >perl/Makefile.PL
	printf 'package Greet;\nour $VERSION = "0.3";\nsub hello { "hello $_[1]" }\n1;\n' >perl/lib/Greet.pm
	printf '#!/usr/bin/perl\nuse Greet;\nprint Greet->hello(shift), "\\n";\n' >perl/greet
	cat >Containerfile <<-'E'
		ARG VERSION=1.0
		FROM scratch AS tools
		ADD base.tar /
		FROM tools AS c
		ARG VERSION
		COPY c/ /src/
		WORKDIR /src
		RUN make VERSION="$VERSION" && make VERSION="$VERSION" install DESTDIR=/out && rm -f *.o
		FROM tools AS py
		ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH
		RUN python3 -m venv --without-pip $VIRTUAL_ENV
		COPY py/ /src
		RUN cp -r /src/shop $VIRTUAL_ENV/lib/python3*/site-packages/ && \
			python3 -m compileall -q --invalidation-mode unchecked-hash -s /opt $VIRTUAL_ENV/lib && \
			python3 -m shop 4 | tee /opt/venv/checked
		FROM tools AS perl
		WORKDIR /src
		COPY perl .
		RUN perl Makefile.PL INSTALLDIRS=vendor && make && make pure_install DESTDIR=/out && \
			find /out -name .packlist -delete
		FROM tools
		COPY --from=c /out /
		COPY --from=c --chown=user /src/Makefile /etc/sum.mk
		COPY --from=py /opt/venv /opt/venv
		COPY --from=perl /out/usr/ /opt/perl/
		ENV PATH=/opt/venv/bin:/opt/perl/bin:$PATH PERL5LIB=/opt/perl/share/perl5
		RUN greet world >/opt/said && python3 -m shop 5 >>/opt/said
		USER user
		LABEL version=$VERSION
		EXPOSE 8080/tcp
		ENTRYPOINT ["/usr/bin/sum"]
		CMD ["--all"]
	E
	by_buildah -v /usr:/usr:ro --build-arg VERSION=1.2
	SLEEP=(-v "$(command -v busybox):/busybox:ro" --entrypoint '["/busybox", "sleep"]')
	by_cuddy -v /usr:/usr:ro --build-arg VERSION=1.2
	same
	grep -q "usr/bin/sum'" "$WORK/got.files"
	run -0 cuddy run --rm --network none localhost/t
	[ "$output" = "1.2 3" ]
}
