#!/usr/bin/env bats
# R13, R17-R22, R24, R31: what an image's config, passwd and group, and what a user's own words, may bring about.
load hostile

@test "R13: a line that is generated holds no second line" {
	cuddy run --rm --network none "$IMAGE" true
	wait_until 5 empty_dir "$CUDDY_ROOT/trash"
	before=$(snapshot)
	for o in $'--hostname=a\nb' $'--hostname=a b' '--hostname=' $'--add-host=h:1.1.1.1\n2.2.2.2 x' $'--add-host=h\n1.1.1.1 x:1.1.1.1' $'--add-host=h x:1.1.1.1' \
		$'--dns=1.1.1.1\nsearch x' $'--dns-search=a\nnameserver 6.6.6.6' $'--dns-option=ndots:1\nnameserver 6.6.6.6' $'--dns-search=a\tb' \
		$'--name=a\nb' $'--env=HOME=/x\nevil::0:0::/:/bin/sh' $'--sysctl=net.ipv4.ip_forward=1\n2' $'--label-file=/dev/null\n' $'--user=a\nb' $'--group-add=a\nb' $'--log-opt=path=/x\ny'; do
		[ "$o" != --hostname= ] || continue
		run --separate-stderr cuddy run --rm --network none "$o" "$IMAGE" true
		echo "$o: $status $stderr"
		[ "$status" -eq 125 ]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
	left_over "$before" "$(snapshot)"
	# An image's: data, which no generated file has anything of.
	load_as localhost/home <<<'layers = [BASE()]; config = {"Env": ["HOME=/x\nevil::0:0::/:/bin/sh"], "User": "1000"}'
	run -0 cuddy run --rm --network none localhost/home sh -c 'grep -c evil /etc/passwd /etc/group /etc/hosts; true'
	[ "$(grep -c ':0$' <<<"$output")" -eq 3 ]
}

@test "R17, K05: capabilities of files in an image give an ordinary user nothing that the container does not have" {
	load_as localhost/fcaps <<'EOT'
bb = open("/bin/busybox", "rb").read()
def cap(perm, inh, eff):
    return struct.pack("<IIIII", 0x02000000 | eff, perm & 0xffffffff, inh & 0xffffffff, 0, 0).decode("latin-1").encode("latin-1")
def f(name, value): return (name, "f", bb, 0o755, 0, 0, {"SCHILY.xattr.security.capability": value})
raw, chown, admin = 1 << 13, 1, 1 << 21
layers = [BASE(), [f("bin/busybox-inh", cap(0, raw | chown, 1)), f("bin/busybox-adm", cap(admin, 0, 0)), f("bin/busybox-own", cap(chown, 0, 1))]]
EOT
	run -0 cuddy run --rm --network none -u 1000 localhost/fcaps /bin/busybox-inh grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status
	[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
	run -0 cuddy run --rm --network none -u 1000 localhost/fcaps /bin/busybox-adm grep CapPrm /proc/self/status
	[[ "$output" == *0000000000000000 ]]
	run -0 cuddy run --rm --network none -u 1000 --security-opt no-new-privileges localhost/fcaps /bin/busybox-own grep CapPrm /proc/self/status
	[[ "$output" == *0000000000000000 ]]
	cuddy run -d --name a --network none -u 1000 localhost/fcaps sleep 1000
	for u in 1000 0 user; do
		run -0 cuddy exec -u $u a grep -E 'Cap(Inh|Amb)' /proc/self/status
		[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
	done
	cuddy rm -f -t 0 a
	# Nor is anything inheritable where it is more than usual: privileged, by a check, by a build's command. Of these two: all
	# that R17_privilege.bats compares for run and exec.
	k05='sed -n "s/^\(Cap[A-Z][a-z]*\|NoNewPrivs\|Seccomp\):.//p" /proc/self/status | xargs' z=0000000000000000 d=00000000800405fb
	inh='sed -n "s/^Cap\(Inh\|Amb\):.//p" /proc/self/status'
	cuddy run -d --name a --network none -u 1000 --cap-drop all --health-interval disable --health-cmd "$k05" localhost/fcaps sleep 1000
	for u in 1000 0; do
		run -0 cuddy exec --privileged -u $u a sh -c "$inh"
		[ "$(sort -u <<<"$output")" = 0000000000000000 ]
	done
	cuddy healthcheck run a
	[ "$(cuddy inspect --format '{{range .State.Health.Log}}{{.Output}}{{end}}' a | grep .)" = "$z $z $z $z $z 0 2" ]
	mkdir "$WORK/ctx"
	printf 'FROM localhost/fcaps\nRUN %s >/k05 && cat /proc/*/environ >/env\nUSER 1000:50\nRUN %s >>/tmp/k05 && id -G >/tmp/groups\n' "$k05" "$k05" >"$WORK/ctx/Containerfile"
	SECRET=hunter2 cuddy build -q -t localhost/fcaps:built "$WORK/ctx" >/dev/null
	run -0 cuddy run --rm --network none localhost/fcaps:built sh -c 'cat /k05 /tmp/k05 /tmp/groups; grep -c hunter2 /env; true'
	[ "${lines[*]}" = "$z $d $d $d $z 0 2 $z $z $z $d $z 0 2 50 0" ] || fail "$output"
	run -0 cuddy exec -u 1000 a /bin/busybox-inh grep -E 'Cap(Prm|Eff)' /proc/self/status
	[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
}

@test "R18: an ordinary user has no capability, and with none allowed there is none to bound" {
	for u in 1000 user mail 1000:50; do
		run -0 cuddy run --rm --network none -u $u "$IMAGE" grep -E 'Cap(Prm|Eff|Inh|Amb)' /proc/self/status
		[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
	done
	load_as localhost/user <<<'layers = [BASE()]; config = {"User": "1000"}'
	run -0 cuddy run --rm --network none localhost/user grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status
	[ "$(awk '{ print $2 }' <<<"$output" | xargs)" = "0000000000000000 0000000000000000 00000000800405fb" ]
	run -0 cuddy run --rm --network none --cap-drop all localhost/user grep Cap /proc/self/status
	[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
}

@test "R19: what is closed to a group stays closed, at run and exec" {
	load_as localhost/group <<EOT
sg = open("${CUDDY%/*}/tools/sysprobe", "rb").read()
layers = [BASE(), [("sg", "f", sg, 0o2755, 0, 60), ("secret", "d", b"", 0o705, 0, 50), ("secret/x", "f", "no"),
                   ("etc/passwd", "f", "root:x:0:0::/:/bin/sh\nu:x:1500:50::/:/bin/sh\n"), ("etc/group", "f", "root:x:0:\ng50:x:50:\nother:x:60:u\n")]]
config = {"User": "u"}
EOT
	# A setgid program makes another group the first one: 50 must stay among the others.
	seen='id -G; ls /secret 2>&1; /sg enter /secret'
	mkdir "$WORK/sg"
	printf 'FROM localhost/group\nRUN (%s) >/tmp/seen\n' "$seen" >"$WORK/sg/Containerfile"
	cuddy build -q -t localhost/group:built "$WORK/sg" >/dev/null
	cuddy run -d --name a --network none localhost/group sleep 1000
	for how in "run --rm --network none localhost/group sh -c" "exec a sh -c" "run --rm --network none localhost/group:built sh -c"; do
		[[ "$how" != *built* ]] || seen='cat /tmp/seen'
		# shellcheck disable=SC2086
		run -0 cuddy $how "$seen"
		[ "${lines[0]}" = "50 60" ]
		[[ "${lines[1]}" == *ermission* ]]
		[ "${lines[2]}" = "60: 50 60: Permission denied" ] || fail "$how: ${lines[2]}"
	done
	run -0 cuddy exec -u u:60 a id -G
	[ "$output" = 60 ]
}

@test "R20: digits are an id, never a name, and what is neither is refused" {
	load_as localhost/num <<'EOT'
layers = [BASE(), [("etc/passwd", "f", "root:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\n2000:x:0:0::/:/bin/sh\nplus:x:+0:0::/:/bin/sh\nbig:x:4294967296:4294967296::/:/bin/sh\n")]]
EOT
	run -0 cuddy run --rm --network none -u 1000 localhost/num id -u
	[ "$output" = 1000 ]
	run -0 cuddy run --rm --network none -u 1 localhost/num id -u
	[ "$output" = 1 ]
	for u in 4294967295 4294967296 2147483648 -1 +1 ' 1' 0x0 1: :1 1:2:3 nobodyhere plus big '0 ' 00x 1:nogroup; do
		run --separate-stderr cuddy run --rm --network none -u "$u" localhost/num echo started
		echo "$u: $status $stderr"
		one_line_error 125 .
	done
	cuddy run -d --name a --network none localhost/num sleep 1000
	run -0 cuddy exec -u 1 a id -u
	[ "$output" = 1 ]
	run -0 cuddy exec -u 2000 a id -u
	[ "$output" = 2000 ]
	for u in 4294967296 -1 1: plus nobodyhere; do
		run cuddy exec -u "$u" a echo started
		[ "$status" -ne 0 ]
		[[ "$output" != *started* ]]
	done
	for u in 4294967296 '-1' '0\n1' 'a:b:c'; do
		hostile docker "$WORK/u.tar" <<<"layers = [BASE()]; tags = ['localhost/u:latest']; config = {'User': '$u'}"
		if cuddy load -q -i "$WORK/u.tar" 2>/dev/null; then
			run --separate-stderr cuddy run --rm --network none localhost/u echo started
			one_line_error 125 .
		fi
	done
}

@test "R21: user and group files that are huge, endless or no files end soon and small" {
	while IFS= read -r e; do
		hostile docker "$WORK/p.tar" <<<"layers = [BASE(), [$e]]; tags = ['localhost/p:latest']"
		cuddy load -q -i "$WORK/p.tar" 2>/dev/null
		start=$SECONDS
		run --separate-stderr peak timeout 20 "$CUDDY" run --rm --network none -u user localhost/p echo started
		echo "$e: $status $stderr $(cat "$WORK/peak") KiB, $((SECONDS - start)) s"
		one_line_error 125 'passwd|group'
		[ "$(cat "$WORK/peak")" -lt 65536 ]
		[ $((SECONDS - start)) -le 5 ]
	done <<'EOT'
("etc/passwd", "s", V + "/fifo")
("etc/passwd", "p")
("etc/group", "p")
("etc/passwd", "d")
("etc/passwd", "s", "/etc/passwd")
("etc/passwd", "f", "x" * 70000)
("etc/passwd", "f", "a:x:1:1::/:\n" * 200000)
("etc/group", "f", "g:x:1:user\n" * 300000)
("etc/group", "f", b"".join(b"g%d:x:%d:user\n" % (i, i + 5) for i in range(68000)))
("etc/group", "f", "g:x:1:" + "user," * 20000)
("etc/passwd", "f", b"user:x:0:0::/:\0\n")
EOT
	# A device is to be had only in one that runs.
	cuddy run -d --name a --network none "$IMAGE" sh -c 'ln -sf /dev/zero /etc/passwd; ln -sf /dev/zero /etc/group; echo ready; exec sleep 1000'
	wait_log a ready
	run --separate-stderr timeout 5 "$CUDDY" exec -u user a echo started
	one_line_error 125 passwd
	victim_is_unchanged
}

@test "R22: an image's environment is data" {
	hostile docker "$WORK/e.tar" <<<'layers = [BASE()]; tags = ["localhost/env:latest"]; config = {"Env": ["TOK", "TOK*", "*", "=x", "", "GOOD=1", "A=B=C"]}'
	export TOK=hunter2
	run --separate-stderr cuddy load -q -i "$WORK/e.tar"
	[ "$status" -eq 0 ]
	run -0 cuddy run --rm --network none localhost/env env
	[[ "$output" != *hunter2* ]]
	[[ "$output" == *GOOD=1* ]]
	[[ "$output" == *A=B=C* ]]
	mkdir "$WORK/ctx"
	printf 'FROM localhost/env\nRUN env >/seen\n' >"$WORK/ctx/Containerfile"
	cuddy build -q -t localhost/env:built "$WORK/ctx" >/dev/null
	run -0 cuddy run --rm --network none localhost/env:built sh -c 'cat /seen; env'
	[ "$(grep -c A=B=C <<<"$output")" = 2 ]
	[[ "$output" != *hunter2* ]]
	hostile docker "$WORK/n.tar" <<<'layers = [BASE()]; tags = ["localhost/null:latest"]; config = {"Env": [None]}'
	run --separate-stderr cuddy load -q -i "$WORK/n.tar"
	[ "$status" -eq 125 ] || { run -0 cuddy run --rm --network none localhost/null env; [[ "$output" != *hunter2* ]]; }
}

@test "R24: labels and annotations of an image switch nothing" {
	labels='{"io.crun.keep_original_groups": "1", "run.oci.keep_original_groups": "1", "run.oci.hooks.stdout": "/tmp/x", "io.podman.annotations.privileged": "TRUE",
		"io.podman.annotations.seccomp": "unconfined", "containerd.io/restart.loguri": "binary:///bin/sh", "com.docker.security.privileged": "1",
		"io.podman.annotations.autoremove": "TRUE", "io.containers.capabilities": "SYS_ADMIN", "run": "sh -c evil", "cuddy.privileged": "true"}'
	load_as localhost/plain <<<'layers = [BASE()]; config = {"Cmd": ["sleep", "1000"]}'
	load_as localhost/labelled <<<"layers = [BASE()]; config = {'Cmd': ['sleep', '1000'], 'Labels': $labels}"
	for i in plain labelled; do
		cuddy run -d --name $i --network none localhost/$i
		cuddy exec $i sh -c 'cat /proc/self/status; cat /proc/self/mountinfo; ls -l /proc/1/ns; env; id; ls /dev; ulimit -a' |
			grep -E '^(Cap|Seccomp|NoNewPrivs|Groups|Uid)|uid=| [a-z]*->|/' | sed -E "s/$(cuddy inspect --format '{{.Id}}' $i | cut -c1-12)[0-9a-f]*/ID/g; s/[0-9]+//g" >"$WORK/$i.seen"
	done
	diff "$WORK/plain.seen" "$WORK/labelled.seen"
}

@test "R31: a config field of another type, size or range is refused, and the store still works" {
	n=0
	while IFS= read -r c; do
		hostile docker "$WORK/c.tar" <<<"layers = [[('a', 'f', '1')]]; tags = ['localhost/c:latest']; config = $c"
		run --separate-stderr timeout 20 "$CUDDY" load -q -i "$WORK/c.tar"
		echo "$c: $status ${stderr:0:200}"
		[ "$status" -ne 124 ]
		if [ "$status" -eq 0 ]; then
			run --separate-stderr timeout 20 "$CUDDY" run --rm --network none localhost/c
			echo "  run: $status ${stderr:0:200}"
			[ "$status" -ge 125 ]
			[ "$status" -le 127 ]
		fi
		[ "${#stderr_lines[@]}" -le 2 ]
		n=$((n + 1))
		run -0 cuddy images -q
	done <<'EOT'
{"Cmd": 1}
{"Cmd": "sh"}
{"Cmd": [["sh"]]}
{"Cmd": [None]}
{"Cmd": ["a\0b"]}
{"Cmd": ["x" * (2 << 20)]}
{"Cmd": ["x"] * 5000}
{"Entrypoint": {"a": 1}}
{"Entrypoint": [1, 2]}
{"Env": "A=B"}
{"Env": [1]}
{"Env": ["A\0B=C"]}
{"Env": ["A=" + "x" * (2 << 20)]}
{"User": 0}
{"User": ["root"]}
{"User": "a\0b"}
{"WorkingDir": 7}
{"WorkingDir": "/a\0b"}
{"WorkingDir": "/" + "d/" * 4000}
{"StopSignal": "SIGKILL;x"}
{"StopSignal": 9}
{"StopSignal": "0"}
{"StopSignal": "999"}
{"Healthcheck": {"Interval": -1}}
{"Healthcheck": {"Interval": 2 ** 63}}
{"Healthcheck": {"Test": "x"}}
{"Healthcheck": {"Interval": 1e30, "Test": ["CMD", "x"]}}
{"ExposedPorts": ["80"]}
{"ExposedPorts": {"80; rm -rf": {}}}
{"ExposedPorts": {"99999/tcp": {}}}
{"Volumes": ["/v"]}
{"Volumes": {"": {}}}
{"Volumes": {"/../../tmp/victim": {}}}
{"Volumes": {"v/../../x": {}}}
{"Labels": ["a"]}
{"Labels": {"a": 1}}
{"Labels": {"a\0": "b"}}
{"OnBuild": {"a": 1}}
{"Shell": 5}
EOT
	[ $n -eq 39 ]
	for doc in '[]' 'null' '{}' '{"config": 5}' '{"config": {}, "rootfs": []}' '{"rootfs": {"type": "layers", "diff_ids": [5]}}' '{"rootfs": {"type": "layers", "diff_ids": "x"}}' \
		'{"config": {}, "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}' '{"a": 1e999}' '{"a": "\ud800"}' '{"a"' ''; do
		hostile docker "$WORK/c.tar" <<<"layers = [[('a', 'f', '1')]]; config_doc = b'''$doc'''"
		must_refuse "$WORK/c.tar"
	done
}
