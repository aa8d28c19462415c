#!/usr/bin/env bats
# What RUN sees and leaves, rule by rule (requirements M and G, named at the end of each sentence): what build.bats does not show.
load helpers
load build

fails() { # fails TEXT - the Containerfile on stdin does not build, and the line that says so holds TEXT
	file
	run --separate-stderr build
	[ "$status" = 125 ]
	[[ "$stderr" == *"$1"* ]] || { echo "$stderr"; false; }
}

@test "mounts: kinds, places and keys, and what may not be (M1)" {
	mkdir d; echo x >d/f
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox
		WORKDIR /w
		RUN --network=none --mount=source=d,target=rel cat /w/rel/f >/1 && { echo y >/w/rel/f; } 2>/dev/null; cat rel/f >>/1
		RUN --network=none --mount=source=d/f,target=/file,readonly=false echo z >/file && cat /file >/2
		RUN --network=none --mount=type=tmpfs,target=/t,size=1m df -k /t | tail -n 1 | awk '{ print $2 }' >/3
		ARG place=/c
		RUN --network=none --mount=type=cache,target=$place,mode=0700,uid=3,gid=4 stat -c '%a %u %g' /c >/4
	EOF
	build
	[ "$(inside cat /1 /2 /3 /4)" = $'x\nx\nz\n1024\n700 3 4' ]
	[ "$(cat d/f)" = x ]
	# Words of buildah's.
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox
		RUN --network=none mkdir /t && echo in >/t/image
		RUN --network=none --mount=type=tmpfs,target=/t,tmpcopyup,tmpfs-size=2m,tmpfs-mode=0750,noexec cat /t/image >/1; df -k /t | tail -n 1 | awk '{ print $2 }' >>/1; \
			stat -c %a /t >>/1; echo lost >/t/lost; printf '#!/bin/sh\n' >/t/x; chmod +x /t/x; /t/x || echo $? >>/1
		RUN --network=none --mount=source=d,target=/m,z,Z,relabel=private,bind-propagation=rprivate,noexec,consistency=cached,bind-nonrecursive,no-dereference=false cat /m/f >>/1
	EOF
	build
	[ "$(inside sh -c 'cat /1; ls /t')" = $'in\n2048\n750\n126\nx\nimage' ] || fail "$(inside cat /1)"
	printf 'FROM localhost/busybox\nRUN --mount=type=cache,target=/c,U true\n' | fails 'write uid= and gid='
	printf 'FROM localhost/busybox\nRUN --mount=source=d,target=/c,bind-propagation=shared true\n' | fails 'only private and rprivate'
	printf 'FROM localhost/busybox\nRUN --mount=source=d,target=/c,relabel=x true\n' | fails 'use shared or private'
	printf 'FROM localhost/busybox\nRUN --mount=source=d,target=/c,no-dereference true\n' | fails 'what is mounted is what a link leads to'
	printf 'FROM localhost/busybox\nRUN --mount=type=tmpfs,target=/ true\n' | fails Containerfile:2
	printf 'FROM localhost/busybox\nRUN --mount=source=d,target=/x,mode=0700 true\n' | fails mode
	printf 'FROM localhost/busybox\nRUN --mount=source=none,target=/x true\n' | fails none
	printf 'FROM localhost/busybox\nARG x=localhost/busybox\nRUN --mount=from=$x,target=/x true\n' | fails 'from= takes no variables; give it a stage: FROM $x AS NAME'
}

@test "mounts: what is mounted below the source comes along, or as little as the kernel lets us hide it (M1)" {
	mkdir -p d/below
	cat >"$WORK/script" <<-'EOF'
		mount -t tmpfs t d/below && echo over >d/below/f
		try() {
			printf 'FROM localhost/busybox\nRUN --network=none --mount=source=d,target=/m%s cat /m/below/f; { echo >/m/n; } 2>/dev/null; true\n' "$1" >Containerfile
			"$CUDDY" build --progress plain . 2>&1 | grep -c "$2"
		}
		try "" '^over$'
		try ,rw '^over$'
		try ,bind-nonrecursive 'below it.* the kernel lets'
		try ,bind-nonrecursive,rw 'below it.* the kernel lets'
		ls d
	EOF
	run -0 --separate-stderr cuddy unshare sh "$WORK/script"
	[ "$output" = $'1\n1\n1\n1\nbelow' ] || fail "$output"
}

@test "caches: of one id, seeded, shared, locked and private, of several builds at once; emptied meanwhile (M2)" {
	mkdir seed; echo s >seed/f
	# Both are there before either goes on, if they can be.
	meet='touch /h/$N; i=0; while [ ! -e /h/$O ] && [ $i -lt $T ]; do sleep 0.1; i=$((i+1)); done; [ -e /h/$O ] && echo met || echo alone; cat /c/f 2>/dev/null; echo >>/c/n; wc -l </c/n'
	mkdir -m 777 "$WORK/h"
	both() { # both SHARING TENTHS - what two builds at once print that use one cache so, and wait that long for each other
		rm -f "$WORK"/h/*
		printf 'FROM localhost/busybox\nARG N\nARG O\nARG T\nRUN --network=none --mount=type=cache,target=/c,id=%s,sharing=%s,source=seed,from=seeds { %s; } >/out\n' "$1" "$1" "$meet" >"$1"
		cuddy build -q -t localhost/a -f "$1" --no-cache --build-context seeds=. -v "$WORK/h:/h" --build-arg T=$2 --build-arg N=1 --build-arg O=2 . >/dev/null &
		cuddy build -q -t localhost/b -f "$1" --no-cache --build-context seeds=. -v "$WORK/h:/h" --build-arg T=$2 --build-arg N=2 --build-arg O=1 . >/dev/null
		wait $!
		{ cuddy run --rm --network none localhost/a cat /out; cuddy run --rm --network none localhost/b cat /out; } | sort | xargs
	}
	[[ "$(both shared 300)" == [12]' 2 met met s s' ]]
	[ "$(both locked 10)" = '1 2 alone met s s' ]
	[ "$(both private 300)" = '1 1 met met s s' ]
	# In a namespace of its own the same id is another cache.
	printf 'FROM localhost/busybox\nARG N\nRUN --network=none --mount=type=cache,target=/c,id=ns echo $N >>/c/n; wc -l </c/n >/out\n' >Ns
	lines_of() { cuddy build -q -t localhost/a -f Ns --build-arg N=$RANDOM "$@" . >/dev/null && cuddy run --rm --network none localhost/a cat /out; }
	[ "$(lines_of; lines_of --build-arg BUILDKIT_CACHE_MOUNT_NS=other; lines_of | tail -n 1)" = $'1\n1\n2' ]
	# It may be emptied while nobody uses it.
	cuddy image prune -f --build-cache >/dev/null
	[ "$(both locked 10)" = '1 2 alone met s s' ]
}

@test "places for mounts, hosts and resolv.conf are not in the layer, and directories keep their times (M5)" {
	printf 'FROM localhost/busybox\nRUN --network=none mkdir -p /etc/d /have && touch -d @978307200 /have /etc/d /etc\nRUN --mount=type=tmpfs,target=/have/new/deep --mount=type=cache,target=/etc/d/x true\n' | file
	build --network none --add-host a:1.2.3.4 --device /dev/null:/apart/null
	[ "$(inside stat -c %Y /have /etc/d)" = $'978307200\n978307200' ]
	[ "$(cuddy image inspect --format '{{len .RootFS.Layers}}' localhost/t)" = "$(($(cuddy image inspect --format '{{len .RootFS.Layers}}' localhost/busybox) + 1))" ]
}

@test "processes that a command leaves behind are gone before its files are a layer (M6)" {
	printf 'FROM localhost/busybox\nRUN --network=none (while :; do echo x >>/log; done) & sleep 0.1; (setsid sh -c "trap : TERM; while :; do echo y >>/log; done" &)\nRUN --network=none wc -c </log >/1; sleep 0.1; wc -c </log >/2\n' | file
	build
	[ "$(inside cat /1)" = "$(inside cat /2)" ]
	printf 'FROM localhost/busybox\nRUN --security=insecure true\n' | fails insecure
	printf 'FROM localhost/busybox\nRUN --network=host true\n' | fails host
}

@test "stages that nobody needs are read all the same; of several platforms one that fails leaves no list (G1 G3)" {
	printf 'FROM localhost/busybox AS no\nRUNN x\nFROM localhost/busybox\n' | fails Containerfile:2
	printf 'FROM localhost/busybox\nARG TARGETARCH\nCOPY $TARGETARCH /\n' | file
	mkdir amd64
	run --separate-stderr cuddy build -q --platform linux/amd64,linux/arm64 -t localhost/list .
	[ "$status" != 0 ]
	run ! cuddy image exists localhost/list
	run ! cuddy manifest exists localhost/list
}

@test "RUN --device: devices by their CDI names, as far as --allow has them, for that command only" {
	export CDI_SPEC_DIRS=$WORK/cdi
	mkdir "$WORK/cdi" "$WORK/lib" && echo library >"$WORK/lib/one"
	cat >"$WORK/cdi/v.json" <<-EOT
		{"cdiVersion": "0.6.0", "kind": "vendor.example/thing",
		 "containerEdits": {"mounts": [{"hostPath": "$WORK/lib", "containerPath": "/vendor/lib", "options": ["ro", "bind"]}]},
		 "devices": [
		  {"name": "b", "containerEdits": {"env": ["B=b"], "deviceNodes": [{"path": "/dev/b", "hostPath": "/dev/zero"}]}},
		  {"name": "a", "containerEdits": {"env": ["A=a"], "deviceNodes": [{"path": "/dev/a", "hostPath": "/dev/null"}]}},
		  {"name": "c", "annotations": {"org.mobyproject.buildkit.device.class": "open", "org.mobyproject.buildkit.device.autoallow": "true"}, "containerEdits": {"env": ["C=c"]}}]}
	EOT
	chmod -R go-w "$WORK/cdi"
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox
		RUN --network=none --device=vendor.example/thing=b,required stat -c %t:%T /dev/b >/1 && cat /vendor/lib/one >>/1 && echo "$A$B$C" >>/1
		RUN --network=none --device=vendor.example/thing=* echo "$A$B$C" >/2
		RUN --network=none --device=vendor.example/thing echo "$A$B$C" >/3
		RUN --network=none --device=name=vendor.example/thing=open,required=true echo "$A$B$C" >/4
		RUN --network=none --device=vendor.example/none echo "$A$B$C$(ls /vendor /dev/a /dev/b 2>/dev/null)" >/5
	EOF
	build --allow device
	[ "$(inside cat /1 /2 /3 /4 /5)" = $'1:5\nlibrary\nb\nabc\na\nc' ] || fail "$(inside cat /1 /2 /3 /4 /5)"
	run ! inside ls /vendor /dev/b
	[ "$(build --allow device)" = "$(build --allow device)" ]
	# What is not allowed is not even taken from an earlier build.
	run --separate-stderr build --allow device=vendor.example/thing=a
	one_line_error 125 "Containerfile:2: RUN --network=none --device=vendor.example/thing=b,required"
	[[ "$stderr" == *"needs 'build --allow device=vendor.example/thing=b'"* ]]
	printf 'FROM localhost/busybox\nRUN --network=none --device=vendor.example/thing=open --device=vendor.example/thing=b echo "$B$C" >/1\n' | file
	build --allow device=vendor.example/thing=b
	[ "$(inside cat /1)" = bc ]
	printf 'FROM localhost/busybox\nRUN --device=vendor.example/none,required true\n' | fails 'no CDI specification in'
	printf 'FROM localhost/busybox\nRUN --device=/dev/null true\n' | fails 'write VENDOR/CLASS=NAME'
	printf 'FROM localhost/busybox\nRUN --device=a/b,optional true\n' | fails "'optional' is not required"
	printf '{' >"$WORK/cdi/v.json"
	printf 'FROM localhost/busybox\nRUN --device=a/b true\n' | fails v.json
	printf 'FROM localhost/busybox\nRUN --network=none true\n' | file
	build
}
