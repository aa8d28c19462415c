#!/usr/bin/env bats
# Rows of threats against builds: a hostile context, base image, Containerfile or command of RUN.
load hostile

setup() {
	test_begin
	victim_begin
	mkdir -p "$WORK/ctx"
	cd "$WORK/ctx"
}
teardown() { test_end; }

file() { cat >Containerfile; }
build() { cuddy build -q -t localhost/t "$@" .; }
inside() { cuddy run --rm --network none localhost/t "$@"; }
as_root() { unshare --user --map-auto --map-root-user "$@"; }

@test "B01: the source of a bind mount is looked up inside the stage it is from" {
	file <<-'E'
		FROM localhost/busybox AS base
		RUN ln -s / /rootdir && ln -s ../../../../../../../.. /up && echo inside >/mark
		FROM localhost/busybox
		RUN --mount=type=bind,from=base,source=/rootdir,destination=/e,rw cat /e/mark >/1 && touch /e/BIND_BREAKOUT
		RUN --mount=type=bind,from=base,source=/up,destination=/e,rw cat /e/mark >/2 && touch /e/BIND_BREAKOUT
	E
	build
	[ "$(inside cat /1 /2)" = $'inside\ninside' ]
	[ ! -e /BIND_BREAKOUT ]
	[ -z "$(as_root find "$CUDDY_ROOT" -name BIND_BREAKOUT)" ]
}

@test "B02: keys of a mount are a closed set, each given once, with a value of its own kind" {
	for spec in type=bind,bind-propagation=shared,source=/,target=/x relabel=x,src=/etc,target=/x U,src=/,target=/x rw=1x,target=/x \
		'type=tmpfs,target=/x,size=1;' type=tmpfs,target=/x,size=1m,noswap target=/x,target=/y \
		type=devpts,target=/x type=cache,target=/ target=/x,source=a:b,uid=1 type=cache,target=/x,mode=9; do
		printf 'FROM localhost/busybox\nRUN --mount=%s true\n' "$spec" >Containerfile
		run -125 --separate-stderr build
		[[ "$stderr" == "cuddy: build: Containerfile:2: RUN --mount="*": --mount="* ]] || fail "$stderr"
	done
	# A label is asked of what the context has there, never of the host's, and nothing gets one.
	printf 'FROM localhost/busybox\nRUN --mount=Z,src=/etc,target=/x true\n' >Containerfile
	run -125 --separate-stderr build
	[[ "$stderr" == "cuddy: build: Containerfile:2: RUN --mount=Z,src=/etc,target=/x true: "*etc* ]] || fail "$stderr"
}

@test "B03: the id and the source of a cache name no place outside of the cache" {
	file <<-'E'
		FROM localhost/busybox
		ARG V
		RUN --mount=type=cache,id=../../../../../../..$V,target=/c echo x >/c/planted && ln -s / /c/root && ln -s ../../.. /c/up
		RUN --mount=type=cache,id=../../../../../../..$V,source=../../..,target=/c ls -A /c >/1
		RUN --mount=type=cache,id=../../../../../../..$V,source=root,target=/c ls -A /c >/2
		RUN --mount=type=cache,id=../../../../../../..$V,source=up,target=/c ls -A /c >/3
	E
	build --build-arg "V=$VICTIM"
	for f in 1 2 3; do [ "$(inside cat /$f | tr '\n' ' ')" = "planted root up " ]; done
	victim_is_unchanged
}

@test "B05: places made for mounts are not removed through what the command put there" {
	file <<-'E'
		FROM localhost/busybox
		ARG V
		RUN --mount=type=tmpfs,target=/a/b/c mv /a /gone 2>/dev/null; rm -rf /a 2>/dev/null; ln -s $V /a 2>/dev/null; true
		RUN --mount=type=secret,id=s,target=/k/f mv /k /gone2 2>/dev/null; ln -s $V/dir /k 2>/dev/null; true
	E
	S=x build --build-arg "V=$VICTIM" --secret id=s,env=S
	victim_is_unchanged
}

@test "B06: no frontend is fetched, no command gets more power than asked for" {
	printf '# syntax=localhost:1/evil/img\nFROM localhost/busybox\nRUN grep CapEff /proc/self/status >/1\n' >Containerfile
	build
	[ "$(inside cat /1)" = $'CapEff:\t00000000800405fb' ]
	printf 'FROM localhost/busybox\nRUN --security=insecure true\n' >Containerfile
	run -125 build
}

@test "B07: what a command writes into a mounted context is thrown away, also when the builder is killed" {
	mkdir d && echo x >d/f
	file <<-'E'
		FROM localhost/busybox
		RUN --mount=type=bind,source=d,target=/c,rw echo leak-of-b07 >/c/leak && echo leak-of-b07 >/c/f
	E
	build
	[ "$(ls d)" = f ]
	[ "$(cat d/f)" = x ]
	printf 'FROM localhost/busybox\nRUN --network=none --mount=source=d,target=/c,rw echo leak-of-b07 >/c/leak; exec sleep 1000.75\n' >Containerfile
	"$CUDDY" build -q . &
	pid=$!
	sleeps() { pids_here -f 'sleep 1000[.]75' >/dev/null; }
	wait_until 20 sleeps
	kill -9 $pid
	wait $pid || true
	clean() { cuddy ps >/dev/null; ! as_root grep -rqs leak-of-b07 "$CUDDY_ROOT/staging" "$CUDDY_ROOT/trash" "$CUDDY_RUNROOT"; }
	wait_until 20 clean
	[ "$(ls d)" = f ]
}

@test "B09: links of a context lead to nothing outside of it: sources, Containerfile, ignore file" {
	ln -s "$VICTIM/f" abs
	ln -s ../../../../../../../../../../../../..$VICTIM/f rel
	ln -s "$VICTIM/dir" dir
	mkdir real && echo ok >real/f && ln -s real in && ln -s /real/f infile
	for s in abs rel dir dir/inner dir/ '../../../../../../..'"$VICTIM/f" "$VICTIM/f"; do
		printf 'FROM localhost/busybox\nCOPY %s /x\n' "$s" >Containerfile
		run -125 --separate-stderr build
		[[ "$stderr" == *"not found in the context"* && "$stderr" != *canary* ]]
		printf 'FROM localhost/busybox\nRUN --mount=source=%s,target=/x cat /x\n' "$s" >Containerfile
		run -125 --separate-stderr build
		[[ "$stderr" != *canary* ]]
	done
	printf 'FROM localhost/busybox\nCOPY in /in\nCOPY infile /infile\nCOPY abs* /none/\n' >Containerfile
	build
	[ "$(inside cat /in/f /infile)" = $'ok\nok' ]
	rm Containerfile
	echo 'FROM localhost/busybox' >"$WORK/outside"
	ln -s ../outside Containerfile
	run -125 build
	ln -sfn "$WORK/outside" Containerfile
	run -125 build
	rm Containerfile
	echo 'FROM localhost/busybox' >Containerfile
	ln -s "$VICTIM/f" .containerignore
	cuddy build -q . >/dev/null # as if there were none
	victim_is_unchanged
}

@test "B09: links and pipes among what a scanner of --sbom wrote lead to nothing; its sources it cannot change" {
	cat >scan <<-'E'
		#!/bin/sh
		cd "$BUILDKIT_SCAN_DESTINATION"
		case $BUILDKIT_SCAN_HOW in
		file) ln -s "$BUILDKIT_SCAN_VICTIM/f" sbom.spdx.json ;;
		pipe) mkfifo sbom.spdx.json ;;
		dir) mkdir sbom.spdx.json ;;
		place) rm -rf /run/out && ln -s "$BUILDKIT_SCAN_VICTIM" /run/out ;;
		write) mount -o remount,rw "$BUILDKIT_SCAN_SOURCE"; rm -rf "$BUILDKIT_SCAN_SOURCE"/*; mkdir -p "$BUILDKIT_SCAN_SOURCE/own"
			echo '{"spdxVersion": "SPDX-2.3"}' >sbom.spdx.json ;;
		esac
		exit 0
	E
	file <<<$'FROM localhost/busybox\nCOPY --chmod=755 scan /scan\nENTRYPOINT ["/scan"]'
	cuddy build -q -t localhost/scan . >/dev/null
	file <<<$'FROM localhost/busybox\nCOPY Containerfile /'
	for how in file pipe dir place; do
		run -125 --separate-stderr timeout 60 cuddy build --network none --sbom="generator=localhost/scan,HOW=$how,VICTIM=$VICTIM" .
		[[ "$stderr" == *"--sbom: localhost/scan:latest: "* && "$stderr" != *canary* ]]
	done
	build --network none --sbom=generator=localhost/scan,HOW=write
	[ -z "$(inside ls /own 2>/dev/null)" ] && inside test -e /Containerfile
}

@test "B11: an image that says it was made so is not taken for a result of ours" {
	hostile docker "$WORK/fake.tar" <<'EOT'
layers = [BASE(), [("poison", "f", "poison")]]
tags = ["localhost/fake:latest"]
config = {}
EOT
	cuddy load -q -i "$WORK/fake.tar"
	printf 'FROM localhost/busybox\nRUN touch /made\n' >Containerfile
	run -0 --separate-stderr cuddy build -t localhost/t .
	[[ "$stderr" != *"Using cache"* ]]
	run -1 inside test -e /poison
}

@test "B12: values of build arguments that nothing declares are in no image; secrets in nothing at all" {
	file <<-'E'
		FROM localhost/busybox
		RUN --mount=type=secret,id=k cat /run/secrets/k >/dev/null && test -z "$UNDECLARED"
		RUN test -n "$http_proxy"
	E
	K=key-of-b12 build --secret id=k,env=K --build-arg UNDECLARED=undeclared-b12 \
		--build-arg http_proxy=http://user:proxy-pw-b12@localhost
	run -1 as_root grep -rqsE 'key-of-b12|undeclared-b12|proxy-pw-b12' "$CUDDY_ROOT" "$CUDDY_RUNROOT"
}

@test "B13: triggers of a base image are checked, limits hold, and stages cannot go in circles" {
	for t in '"FROM evil"' '"ONBUILD RUN x"' '"MAINTAINER x"' '"NOSUCH x"' '"RUN <<E"'; do
		hostile docker "$WORK/o.tar" <<<"layers = [BASE()]; tags = ['localhost/o:latest']; config = {'OnBuild': [$t]}"
		cuddy load -q -i "$WORK/o.tar"
		printf 'FROM localhost/o\n' >Containerfile
		run -125 --separate-stderr build
		[[ "$stderr" == *"Containerfile:1: FROM localhost/o: ONBUILD of the base image: "* ]]
	done
	printf 'FROM localhost/busybox AS a\nCOPY --from=a / /\n' >Containerfile
	run -125 build
	printf 'FROM localhost/busybox AS a\nCOPY --from=b / /\nFROM localhost/busybox AS b\n' >Containerfile
	run -125 --separate-stderr build --target a
	[[ "$stderr" == *"only stages above"* ]]
	python3 -c 'print("FROM localhost/busybox\nRUN a" + "\\\n" * 1000000)' >Containerfile
	run -125 --separate-stderr timeout 20 "$CUDDY" build -q .
	[[ "$stderr" == *"over the limit"* ]]
	python3 -c 'print("FROM localhost/busybox\nARG A=" + "x" * 1000 + "\n" + "ENV A=$A$A$A$A\n" * 20)' >Containerfile
	run -125 --separate-stderr timeout 20 "$CUDDY" build -q .
	[[ "$stderr" == *"over the limit"* ]]
}

@test "B15: a layer holds what the command left when all its processes were gone, and no marks of overlay" {
	file <<-'E'
		FROM localhost/busybox
		RUN mkdir /d && (setsid sh -c 'exec 3>/d/f; while :; do echo x >&3; done' &) ; while ! test -s /d/f; do :; done; rm -r /home/user; mkdir /home/user; touch /home/user/n
	E
	build
	one=$(inside md5sum /d/f)
	[ "$(inside md5sum /d/f)" = "$one" ]
	[ "$(inside ls /home/user)" = n ]
	layer=$(cuddy image inspect --format '{{index .RootFS.Layers 1}}' localhost/t)
	layer=$CUDDY_ROOT/layers/${layer#sha256:}/tree
	run -0 as_root sh -c "cd '$layer' && find . -exec getfattr -h -d -m user.overlay {} + 2>/dev/null | grep -v opaque= | grep -c '^user' || true"
	[ "$output" = 0 ]
}
