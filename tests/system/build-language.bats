#!/usr/bin/env bats
# The language of Containerfiles, rule by rule (requirements P and I, named at the end of each sentence): what is not shown where a feature is tested.
load helpers
load build

label() { cuddy image inspect --format "{{index .Config.Labels \"$1\"}}" localhost/t; }
env_of() { cuddy image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' localhost/t | sed -n "s/^$1=//p"; }
fails() { # fails TEXT - the Containerfile on stdin is refused with one line that holds TEXT
	file
	run --separate-stderr build
	one_line_error 125 "$1"
}

@test "directives stand before all else, once; BOM, CRLF and lines without end are read (P1 P2)" {
	printf '# syntax=docker/dockerfile:1\n# ESCAPE=`\nFROM scratch\nLABEL a=x`\n y=1 p="c:\\\\d"\n' | file
	build
	[ "$(label a)" = x ]
	[ "$(label y)" = 1 ]
	printf '# escape=`\n# escape=\\\nFROM scratch\n' | fails 'escape'
	printf '# just words\n# escape=`\nFROM scratch\nLABEL a=x\\\n y=1\n' | file      # too late: a comment
	build
	[ "$(label y)" = 1 ]
	printf '\n# escape=`\nFROM scratch\nLABEL a=x\\\n z=1\n' | file                     # too late: a line
	build
	[ "$(label z)" = 1 ]
	printf '\xef\xbb\xbfFROM scratch\r\nLABEL a=x \\\r\n  b=y\r\nCMD ["/x"]\r\n' | file
	build
	[ "$(label a) $(label b) $(config Cmd)" = 'x y ["/x"]' ]
	{ printf 'FROM scratch\nLABEL a='; head -c 200000 /dev/zero | tr '\0' v; echo; } | file
	build
	[ "$(label a | wc -c)" = 200001 ]
}

@test "continuations with blanks and comments; exec form is JSON alone (P3 P4)" {
	printf 'FROM localhost/busybox\nRUN echo one \\  \n# a comment\n\n  two >/x; \\\n   echo "a\\\\b" >>/x; \\\n echo "c\\\n   d" >>/x\nCMD [\x27a\x27]\n' | file
	run -0 --separate-stderr cuddy build -t localhost/t .
	[[ "$stderr" == *"--check"* ]]
	[ "$(inside cat /x)" = $'one two\na\\b\nc   d' ]
	[ "$(config Cmd)" = '["/bin/sh","-c","['"'a'"']"]' ]
	printf 'FROM scratch\nCMD ["a", b]\n' | file
	build
	[ "$(config Cmd)" = '["/bin/sh","-c","[\"a\", b]"]' ]
	printf 'FROM scratch\nCMD ["a", 1]\n' | fails Containerfile:2
	# An escape character that is escaped itself goes on with nothing.
	printf 'FROM scratch\nENV a=x\\\\\nENV b=y\\\\\\\nz\n' | file
	build
	[ "$(env_of a) $(env_of b)" = 'x\ y\z' ] || { cat Containerfile; config Env; false; }
}

@test "a file for the C preprocessor, with what it includes from the context; from here alone (P10)" {
	printf '#define WORD one\n#include "more.inc"\nLABEL a=WORD b=MORE\n' >Containerfile.in
	echo 'FROM scratch' >more.inc
	build -f Containerfile.in --cpp-flag=-DMORE=two
	[ "$(label a) $(label b)" = 'one two' ]
	printf '#include "none.inc"\nFROM scratch\n' >Containerfile.in
	run --separate-stderr build -f Containerfile.in
	one_line_error 125 none.inc
	run --separate-stderr bash -c 'tar -c . | "$CUDDY" build -q -f Containerfile.in -'
	one_line_error 125 'of this machine'
}

@test "what is expanded where, with what was set before the instruction (P5 P6 P7)" {
	cat >Containerfile <<-'EOF'
		FROM scratch
		ENV old several  words
		ENV a=before
		ENV a=after b=$a c='$a' d="\$a" e=\$a
		ENV f=${none:-dash} g=${empty-unset} h=${a:+plus} i=${none+set} j=${a#af} k=${a%er} l=${a/t/T} m=${n:-${a}}
		ARG empty=
		ENV n=${empty-kept} o=${empty:-filled} p=aXbXc
		ENV q=${p#*X} r=${p##*X} s=${p%X*} t=${p%%X*} u=${p//X/-} v=$unset w=${none}x
		WORKDIR /$a
		STOPSIGNAL $sig
		EXPOSE $ports
		USER ${a}
		VOLUME /v$a
		LABEL "k$a"=v$a
		LABEL oldest several  words
		CMD echo $a
		ENTRYPOINT ["$a"]
		SHELL ["$a", "-c"]
	EOF
	sed -i 's/^STOPSIGNAL.*/ARG sig=SIGINT ports="80 90-91\/udp"\n&/' Containerfile
	build
	[ "$(env_of old)" = 'several  words' ]
	[ "$(for n in a b c d e f g h i j k l m; do echo "$(env_of $n)"; done | xargs -d '\n')" = 'after before $a $a $a dash unset plus  ter aft afTer after' ]
	[ "$(for n in n o q r s t u v w; do echo "$(env_of $n)"; done | xargs -d '\n')" = ' filled bXc c aXb a a-b-c  x' ]
	[ "$(config WorkingDir) $(config StopSignal) $(config User)" = '"/after" "SIGINT" "after"' ]
	[ "$(config ExposedPorts | tr -d ' ')" = '{"80/tcp":{},"90/udp":{},"91/udp":{}}' ]
	[ "$(config Volumes | tr -d ' ')" = '{"/vafter":{}}' ]
	[ "$(label kafter) $(label oldest) $(config Shell)" = 'vafter several  words ["$a","-c"]' ]
	[ "$(config Cmd) $(config Entrypoint)" = '["/bin/sh","-c","echo $a"] ["$a"]' ]
	printf 'FROM scratch\nENV a=${x:?is needed}\n' | fails 'is needed'
	printf 'FROM scratch\nENV a=${x\n' | fails Containerfile:2
	printf 'FROM scratch\nENV a=b c\n' | fails Containerfile:2
}

@test "here-documents, several and with tabs, expanded or not, as files, scripts and input (P8 P9)" {
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox
		ARG who=you
		COPY <<one <<"two" <<-three /d/
		a $who
		one
		a $who
		two
			  tab $who
			three
		ADD <<four /d/
		added
		four
		COPY ["<<five", "/d/five"]
		RUN <<end
		who=me
		echo "$who" >/script
		end
		RUN <<end cat >/fed
		fed $who
		end
		RUN <<end
		#!/bin/cat
		own
		end
		RUN cat <<x >/both; cat <<y >>/both
		1
		x
		2
		y
	EOF
	echo file >'<<five'
	build
	# A trigger keeps them, and what it expands is what the stage has that it runs in.
	printf 'FROM localhost/busybox AS with\nONBUILD COPY <<one <<"two" /t/\na $who\none\na $who\ntwo\nONBUILD RUN <<end\necho "$who" >/t/run\nend\nFROM with\nENV who=late\n' >Triggers
	printf 'FROM localhost/trigger\nRUN true\n' >Triggered
	cuddy build -q --target with -t localhost/trigger -f Triggers . >/dev/null
	cuddy build -q -t localhost/triggered -f Triggered . >/dev/null
	[ "$(cuddy run --rm --network none -e who=ran localhost/triggered sh -c 'cat /t/one /t/two /t/run; wc -c </t/run | grep -qx 1')" = $'a \na $who' ]
	[ "$(inside sh -c 'cat /d/one /d/two /d/three /d/four /d/five; stat -c %a /d/one; cat /script /both /fed')" = $'a you\na $who\n  tab you\nadded\nfile\n644\nme\n1\n2\nfed you' ]
}

@test "arguments: where they are seen, unset or empty, over ENV, and the proxies (I1 I2 I3 I4)" {
	cat >Containerfile <<-'EOF'
		ARG base=busybox
		ARG tag=${base}x
		FROM localhost/$base AS one
		RUN --network=none echo "${tag-unset}" >/a
		ARG tag
		ARG without
		ENV e=env
		RUN --network=none echo "$tag ${without-unset} ${TARGETARCH-unset} $http_proxy" >>/a
		ARG e=arg
		RUN --network=none echo "$e" >>/a
		FROM one
		ARG TARGETARCH TARGETSTAGE
		RUN --network=none echo "${tag-unset} $e ${TARGETARCH:+known} $TARGETSTAGE" >>/a
	EOF
	run -0 --separate-stderr cuddy build -t localhost/t --build-arg nobody=1 --build-arg http_proxy=http://p:1 .
	[[ "$stderr" == *nobody* ]]
	[ "$(inside cat /a)" = $'unset\nbusyboxx unset unset http://p:1\narg\nbusyboxx arg known default' ]
	run ! grep -q 'http://p:1' <(cuddy image inspect localhost/t; cuddy history --no-trunc localhost/t)
	printf 'FROM scratch\nARG http_proxy\nLABEL p=$http_proxy\n' >Declared
	cuddy build -q -t localhost/declared -f Declared --build-arg http_proxy=http://p:1 . >/dev/null
	grep -q 'ARG http_proxy=http://p:1' <(cuddy history --no-trunc localhost/declared)
	# Another proxy is no other step.
	run -0 --separate-stderr cuddy build -t localhost/t --build-arg http_proxy=http://q:2 .
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 4 ] || { echo "$stderr"; false; }
}

@test "names of stages in any case; a PATH for who has none; triggers run first, once, and pull in stages (I6 I7)" {
	printf 'FROM scratch AS Files\nCOPY f /f\nFROM localhost/busybox AS with\nONBUILD ARG v=1\nONBUILD COPY --from=fIlEs /f /got\nONBUILD ENV t=$v\nFROM with\nENV u=$t\n' | file
	echo x >f
	build
	[ "$(inside cat /got)" = x ]
	[ "$(env_of u) $(config OnBuild)" = '1 null' ]
	printf 'FROM scratch\nCOPY f /\n' | file
	build
	[ "$(env_of PATH)" = /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ]
	printf 'FROM scratch\nONBUILD ONBUILD RUN x\n' | fails ONBUILD
	printf 'FROM scratch\nONBUILD FROM x\n' | fails ONBUILD
	printf 'FROM scratch\nONBUILD MAINTAINER x\n' | fails ONBUILD
	printf 'FROM scratch AS 1x\n' | fails 1x
}

@test "FROM --after: another stage is done first, and is needed then; --target is TARGETSTAGE" {
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox AS first
		RUN --network=none sleep 0.3; date +%s%N >/d/first
		FROM --after=first localhost/busybox AS second
		ARG TARGETSTAGE
		RUN --network=none cat /d/first >/before && echo "$TARGETSTAGE" >>/before
		FROM --after=third scratch
	EOF
	mkdir "$WORK/d"
	build --target second -v "$WORK/d:/d"
	[ "$(inside cat /before)" = "$(cat "$WORK/d/first")"$'\nsecond' ]
	run --separate-stderr build
	one_line_error 125 'Containerfile:6: FROM --after=third scratch: --after=third: only a stage above'
}

@test "the shell in force, and what ENTRYPOINT does to CMD (I8)" {
	printf 'FROM scratch AS parent\nCMD ["p"]\nFROM parent\nSHELL ["/sh2","-e"]\nENTRYPOINT a b\n' | file
	build
	[ "$(config Cmd) $(config Entrypoint) $(config Shell)" = 'null ["/sh2","-e","a b"] ["/sh2","-e"]' ] || { config Cmd; config Entrypoint; config Shell; false; }
	printf 'FROM scratch AS parent\nCMD ["p"]\nFROM parent\nCMD ["own"]\nENTRYPOINT ["e"]\n' | file
	build
	[ "$(config Cmd) $(config Entrypoint)" = '["own"] ["e"]' ]
	printf 'FROM scratch AS parent\nENTRYPOINT ["e"]\nFROM parent\nENTRYPOINT []\nCMD ["c"]\n' | file
	build
	[ "$(config Cmd) $(config Entrypoint)" = '["c"] null' ]
}

@test "WORKDIR by links and owners, a layer only where it made something; USER by passwd (I9 I10)" {
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox
		RUN --network=none mkdir /real && ln -s /real /link && printf 'root:x:0:0::/root:/bin/sh\nme:x:7:8::/home/me:/bin/sh\nme:x:9:9::/other:/bin/sh\n1234:x:3:3::/:/bin/sh\n' >/etc/passwd && printf 'g:x:5:me\nh:x:6:\n' >/etc/group && mkdir -p /tmp && chmod 1777 /tmp
		USER me
		WORKDIR /link/sub
		WORKDIR rel
		RUN --network=none { pwd -P; id -u; id -g; id -G; echo $HOME; stat -c '%a %u' .; } >/tmp/a
		USER me:h
		RUN --network=none id -G >>/tmp/a
		USER 1234
		RUN --network=none { id -u; id -g; echo $HOME; } >/tmp/b
	EOF
	build
	[ "$(inside cat /tmp/a /tmp/b | xargs)" = '/real/sub/rel 7 8 8 5 /home/me 755 7 6 1234 0 /' ]
	run ! cuddy run --rm --network none --user 0 localhost/t grep :1234: /etc/passwd
	[ "$(config User)" = '"1234"' ]
	for u in nobodyknows 0:nosuchgrp; do
		printf 'FROM localhost/t\nUSER %s\nRUN true\n' "$u" | file
		run --separate-stderr cuddy build -q -t localhost/u .
		[ "$status" = 125 ]
		[[ "$stderr" == *"${u#0:}"* ]]
	done
	printf 'FROM localhost/t\nWORKDIR ..\n' | file
	cuddy build -q -t localhost/u .
	[ "$(cuddy image inspect --format '{{.Config.WorkingDir}}' localhost/u)" = /link/sub ]
	[ "$(cuddy image inspect --format '{{len .RootFS.Layers}}' localhost/u)" = "$(cuddy image inspect --format '{{len .RootFS.Layers}}' localhost/t)" ]
}

@test "volumes keep what comes later; HEALTHCHECK, STOPSIGNAL, EXPOSE and LABEL are checked here (I11 I12 I13)" {
	cat >Containerfile <<-'EOF'
		FROM localhost/busybox AS base
		LABEL a=base b=base
		FROM base
		VOLUME /v
		RUN --network=none mkdir /v && echo later >/v/f
		LABEL b=own
		HEALTHCHECK --interval=1m30s --timeout=2s --start-period=1ms --start-interval=3s --retries=4 CMD test -e /x
		STOPSIGNAL RTMIN+3
		COPY --from=base /bin/busybox /copy
	EOF
	cuddy build -q -t localhost/t --label b=flag --format oci .
	[ "$(inside cat /v/f)" = later ]
	[ "$(label a) $(label b)" = 'base flag' ]
	run -0 cuddy image inspect localhost/t
	[[ "$(tr -d ' \n' <<<"$output")" == *'"Test":["CMD-SHELL","test-e/x"]'* ]]
	[[ "$(tr -d ' \n' <<<"$output")" == *'"Interval":90000000000,"Timeout":2000000000'* ]] || { echo "$output" | grep -A10 -i health; false; }
	printf 'FROM scratch\nHEALTHCHECK --interval=1us CMD x\n' | fails Containerfile:2
	printf 'FROM scratch\nSTOPSIGNAL SIGNONE\n' | fails SIGNONE
	printf 'FROM scratch\nEXPOSE 80/xyz\n' | fails xyz
	printf 'FROM scratch\nEXPOSE 70000\n' | fails 70000
	printf 'FROM scratch\nHEALTHCHECK NONE\nEXPOSE 80/TCP 127.0.0.1:8080:81\nSTOPSIGNAL 9\n' | file
	build
	[ "$(config Healthcheck.Test) $(config ExposedPorts | tr -d ' ') $(config StopSignal)" = '["NONE"] {"80/tcp":{},"81/tcp":{}} "9"' ]
}
