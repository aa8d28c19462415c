#!/usr/bin/env bats
# The same Containerfile, built by buildah and by cuddy: the same files and the same config.
load helpers
load sources

# What either tool puts into a root to run something there.
OURS='etc/hosts etc/hostname etc/resolv.conf etc/mtab dev proc sys run .dockerenv'
# Known differences of the config: buildah's label; BuildKit, and so cuddy, keeps the order in which ENV was set.
CONFIG='{User, ExposedPorts, Env: (.Env | sort), Entrypoint, Cmd, Volumes, WorkingDir, StopSignal, OnBuild, Shell, Healthcheck,
	Labels: (.Labels // {} | del(.["io.buildah.version"]))} | del(.. | select(. == null or . == {} or . == "" or . == []))'

# No ready root: how many names a link has is compared, too.
setup_file() {
	file_begin
	load_image busybox
}

teardown() {
	sources_end
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

# A root without programs as base.tar: what runs is this machine's own, bound to where it belongs.
host_base() {
	local r=$WORK/ctx/base d
	mkdir -p "$r"/{usr,opt,proc,sys,dev,run,root,var,tmp,etc}
	for d in bin sbin lib lib64; do ln -s "usr/$d" "$r/$d"; done
	chmod 1777 "$r/tmp"
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n' >"$r/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$r/etc/group"
	cp -a /etc/ld.so.cache /etc/alternatives "$r/etc/"
	cd "$WORK/ctx"
	tar -C base --owner=0 --group=0 -cf base.tar . && rm -r base
}

# Projects as they come, each in a stage that has its tools: this machine's own, bound to where they belong.
@test "buildah: a library and a program in C, a Python package in a venv, a Perl module by its Makefile.PL" {
	host_base
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

# package NAME VERSION JSON FILE...: what npm publish would send, into a registry of files
package() {
	local name=$1 version=$2 more=$3 dir=$WORK/pack tgz
	shift 3
	tgz=${name//[@\/]/_}-$version.tgz
	rm -rf "$dir" && mkdir -p "$dir/package" "$WORK/www/tgz" "$WORK/www/$(dirname "$name")"
	for f; do printf '%b' "${f#*=}" >"$dir/package/${f%%=*}"; done
	jq -n "{name: \"$name\", version: \"$version\"} + $more" >"$dir/package/package.json"
	tar -C "$dir" --sort=name --mtime=@0 --owner=0 --group=0 -czf "$WORK/www/tgz/$tgz" package
	[ -e "$WORK/www/$name" ] || jq -n "{name: \"$name\", versions: {}}" >"$WORK/www/$name"
	jq --arg v "$version" --arg tarball "$WWW/tgz/$tgz" \
		--arg integrity "sha512-$(openssl dgst -sha512 -binary "$WORK/www/tgz/$tgz" | base64 -w0)" \
		--slurpfile p "$dir/package/package.json" \
		'.["dist-tags"].latest = $v | .versions[$v] = $p[0] + {dist: {tarball: $tarball, integrity: $integrity}}' \
		"$WORK/www/$name" >"$WORK/www/.new"
	mv "$WORK/www/.new" "$WORK/www/$name"
}

@test "buildah: a Node.js project whose packages npm fetches from a registry" {
	command -v npm >/dev/null || skip "npm is not installed; Debian's is hundreds of packages"
	mkdir -p "$WORK/ctx"
	host_base
	www_begin
	package leftpad 1.0.0 '{main: "index.js"}' 'index.js=throw Error("too old");\n'
	package leftpad 1.3.0 '{main: "index.js"}' 'index.js=module.exports = (s, n) => String(s).padStart(n);\n'
	package leftpad 2.0.0 '{main: "index.js"}' 'index.js=throw Error("too new");\n'
	package @here/greet 1.2.3 '{type: "module", exports: "./index.mjs", bin: {greet: "cli.mjs"}, dependencies: {leftpad: "^1.1.0"}}' \
		'index.mjs=import pad from "leftpad";\nexport const greet = n => "hello" + pad(n, 6);\n' \
		'cli.mjs=#!/usr/bin/env node\nimport { greet } from "@here/greet";\nconsole.log(greet(process.argv[2]));\n'
	package bundle 0.1.0 '{bin: "bundle.js", scripts: {postinstall: "node make.js"}}' \
		'make.js=require("fs").writeFileSync("made", process.env.npm_package_name);\n' \
		'bundle.js=#!/usr/bin/env node\nconst fs = require("fs");\nfs.mkdirSync("dist");\nfs.writeFileSync("dist/main.mjs", "// " + fs.readFileSync(__dirname + "/made") + "\\n" + fs.readFileSync("main.mjs"));\n'
	mkdir -p app/node_modules
	jq -n '{name: "app", version: "0.1.0", private: true, dependencies: {"@here/greet": "~1.2.0"}, devDependencies: {bundle: "*"}, scripts: {build: "bundle"}}' >app/package.json
	echo 'import { greet } from "@here/greet"; console.log(greet(process.env.WHO));' >app/main.mjs
	printf 'app/node_modules\n' >.dockerignore
	echo 'throw Error("of the host")' >app/node_modules/leftpad.js
	cat >Containerfile <<-'E'
		FROM scratch AS tools
		ADD base.tar /
		FROM tools AS build
		ARG REGISTRY
		ENV npm_config_registry=$REGISTRY npm_config_cache=/tmp/npm npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false
		WORKDIR /app
		COPY app/package.json ./
		RUN npm install
		COPY app .
		RUN npm run build && npm prune --omit=dev && rm -rf /tmp/npm /tmp/node-compile-cache
		FROM tools
		ENV NODE_ENV=production WHO=you PATH=/app/node_modules/.bin:$PATH
		WORKDIR /app
		COPY --from=build --chown=user /app/package.json /app/package-lock.json ./
		COPY --from=build --chown=user /app/node_modules node_modules
		COPY --from=build --chown=user /app/dist dist
		RUN node dist/main.mjs >said && greet me >>said
		USER user
		CMD ["node", "dist/main.mjs"]
	E
	OURS="$OURS busybox"
	options=(-v /usr:/usr:ro --network host --build-arg "REGISTRY=$WWW/")
	by_buildah "${options[@]}"
	SLEEP=(-v "$(command -v busybox):/busybox:ro" --entrypoint '["/busybox", "sleep"]')
	by_cuddy "${options[@]}"
	same
	run -0 cuddy run --rm --network none -v /usr:/usr:ro localhost/t cat said
	[ "$output" = $'hello   you\nhello    me' ]
	grep -q "app/node_modules/.bin/greet'" "$WORK/got.files"
	grep -q "app/node_modules/leftpad/index.js'" "$WORK/got.files"
	run ! grep -q bundle "$WORK/got.files"
	run -0 cuddy run --rm --network none -v /usr:/usr:ro localhost/t head -n 1 dist/main.mjs
	[ "$output" = "// bundle" ]
}
