#!/usr/bin/env bats
# What a step's result is kept under, rule by rule (requirements K, named at the end of each sentence).
load helpers
load build

# how many steps are done anew; arguments go to build
anew() {
	local r
	r=$(cuddy build --explain -t localhost/t "$@" . 2>&1) || { echo "$r"; return 1; }
	grep -cE '^--> done' <<<"$r" || true
}
differs() { [ "$(anew "$@")" != 0 ] && [ "$(anew "$@")" = 0 ]; }

@test "RUN: what it is, runs as and is given; not what bounds it, its proxies, secrets and caches (K1 K9)" {
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox
		ARG A
		WORKDIR /w
		USER 7
		RUN --network=none --mount=type=secret,id=s --mount=type=cache,target=/c,mode=0777 touch /c/x || true
	EOF
	differs
	differs --add-host name:5.6.7.8
	[ "$(anew --build-arg http_proxy=http://a:1 --add-host name:1.2.3.4)" = 0 ]
	echo one >"$WORK/s"; [ "$(anew --secret id=s,src="$WORK/s" --add-host name:1.1.1.1)" = 0 ]
	# What is done is not run, so that nothing has to be bounded.
	[ "$(anew --add-host name:1.1.1.1 --memory 100m --memory-swap 200m --cpu-shares 100 --cpu-period 50000 --cpu-quota 20000 --cpuset-cpus 0)" = 0 ]
	differs --build-arg A=1
	differs --ulimit nofile=100:100
	for change in 's/touch/: ;&/' 's/^USER 7/USER 8/' 's,/w,/v,' 's/network=none/network=default/' 's/mode=0777/mode=0770/' 's/^USER/ENV e=f\nUSER/'; do
		sed -i "$change" Containerfile
		differs || { echo "$change"; false; }
	done
}

@test "mounts and copies count by content: under another name, with another time, of a stage made again (K2 K3 K5 K6 K10)" {
	mkdir d; echo 1 >d/f; chmod 644 d/f; echo x >other
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox AS s
		RUN --network=none echo same >/out; : one
		FROM localhost/busybox
		ARG word=1
		COPY d/f /f
		RUN --network=none --mount=type=bind,source=d,target=/m cat /m/f >/g
		COPY --from=s /out /out
		COPY <<here /h
		$word
		here
		LABEL l=1
		CMD ["c"]
		RUN --network=none true
	EOF
	differs
	touch -d 2001-01-01 d/f; echo y >other
	sed -i 's/l=1/l=2/; s/"c"/"d"/' Containerfile
	[ "$(anew)" = 0 ]
	mv d e; sed -i 's, d/f, e/f,; s/source=d/source=e/' Containerfile
	[ "$(anew)" -le 1 ]                                  # where a mount is from is part of the command
	sed -i 's/: one/: two/' Containerfile
	[ "$(anew)" = 1 ]                                    # the stage; what is copied from it is the same
	differs --build-arg word=2
	chmod 755 e/f
	differs
	# A variable is no part of a copy, and what a link says is.
	mkdir l; ln -s one l/s
	printf 'FROM localhost/busybox\nENV a=1\nCOPY l /l\n' | file
	differs
	sed -i s/a=1/a=2/ Containerfile
	[ "$(anew)" = 0 ]
	ln -sfn two l/s
	differs
}

@test "--chown by name counts by passwd and group, not by the rest of the stage (K4)" {
	echo x >f
	printf 'FROM localhost/busybox\nARG A\nRUN --network=none echo $A >/a; printf "u:x:7:7::/:\\n" >>/etc/passwd\nCOPY --link --chown=7 f /x\nCOPY --chown=u f /y\n' | file
	differs
	[ "$(inside stat -c %u /y)" = 7 ]
	sed -i 's/u:x:7/u:x:9/' Containerfile
	differs
	[ "$(inside stat -c %u /y)" = 9 ]
}

@test "a result needs nothing of what is below it until something runs (K7)" {
	printf 'FROM localhost/busybox\nRUN --network=none echo 1 >/a\nRUN --network=none echo 2 >/b\n' | file
	build
	# Nothing is mounted: not even the base namespace is needed.
	run -0 --separate-stderr unshare --user "$CUDDY" build -q -t localhost/t . || { echo "$stderr"; false; }
}
