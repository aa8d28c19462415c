#!/usr/bin/env bats
# cuddy commit: an image with the container's files and settings; it runs, and is what export would give.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

field() { cuddy image inspect --format "$2" "$1"; }

CHANGES='mkdir /n; echo hello >/n/f; chown 5:6 /n/f; chmod 4711 /n/f; ln /n/f /n/hard; ln -s f /n/soft; mkfifo /n/p; touch -d "2001-02-03 04:05:06" /n/f
	rm /etc/group; rm -r /home; mkdir /home; echo >/home/new; chmod 700 /usr; rm -r /var; echo f >/var; chmod 711 /'

@test "commit: files, owners, modes, links and deletions are there when the image runs" {
	cuddy run --name c "$IMAGE" sh -c "$CHANGES"
	run -0 cuddy commit c made
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	[ "$(field localhost/made:latest '{{.Id}}')" = "$output" ]
	run -0 cuddy run --rm made sh -c 'stat -c "%n %a %u:%g %h %Y" /n/f; cat /n/hard; readlink /n/soft; [ -p /n/p ] && ls -A /home; cat /var; stat -c %a / /usr; ls /etc'
	[ "$output" = "/n/f 4711 5:6 2 981173106
hello
f
new
f
711
700
hostname
hosts
mtab
passwd
resolv.conf" ]
	[ "$(cuddy diff made)" = "$(cuddy diff c)" ]
	cuddy create --name again made true
	cuddy export -o "$WORK/c.tar" c
	cuddy export again | cmp - "$WORK/c.tar"
	cuddy rm again
	cuddy rmi made
}

# images: S3
@test "commit: two layers: the image's own, shared, and one of the changes; saved numbers and history fit" {
	cuddy run --name c "$IMAGE" sh -c 'echo 12345 >/new; rm /etc/group'
	cuddy commit -a 'A Name <a@x>' -m 'what it is' c made >/dev/null
	[ "$(field made '{{len .RootFS.Layers}} {{index .RootFS.Layers 0}}')" = "2 $(field "$IMAGE" '{{index .RootFS.Layers 0}}')" ]
	[ "$(field made '{{.Author}}|{{.Comment}}|{{.Os}}')" = 'A Name <a@x>|what it is|linux' ]
	[ "$(($(field made '{{.Size}}') - $(field "$IMAGE" '{{.Size}}')))" = 6 ]
	run -0 cuddy history --no-trunc --format '{{.CreatedBy}}|{{.Comment}}' made
	[ "${lines[0]}" = 'sh -c echo 12345 >/new; rm /etc/group|what it is' ]
	[ "$(cuddy history -q --notruncate made | head -n 1)" = "$(field made '{{.Id}}')" ]
	[ "${#lines[@]}" = 2 ]
	cuddy rmi made
}

# images: F9
@test "commit: the command, environment, labels and ports of the container, and --change on top" {
	cuddy create --name c -e A=1 -e B='two words' -l l=1 -l keep=yes --expose 99 -w /tmp -u 8 -t --entrypoint '["/bin/sh","-c"]' "$IMAGE" 'echo $A'
	cuddy commit c made >/dev/null
	[ "$(field made '{{json .Config.Env}}')" = '["PATH=/usr/sbin:/usr/bin:/sbin:/bin","A=1","B=two words"]' ]
	[ "$(field made '{{json .Config.Entrypoint}}{{json .Config.Cmd}}{{.Config.User}}{{.Config.WorkingDir}}')" = '["/bin/sh","-c"]["echo $A"]8/tmp' ]
	[ "$(field made '{{json .Config.Labels}}{{json .Config.ExposedPorts}}')" = '{"keep":"yes","l":"1"}{"99/tcp":{}}' ]
	cuddy commit -c 'ENV A=9 C=3' --change 'CMD=["echo $A$C"]' -c 'LABEL l=2' -c 'EXPOSE 80' -c 'VOLUME /data' -c 'WORKDIR=sub' -c 'USER=0' \
		-c 'STOPSIGNAL SIGINT' -c 'ONBUILD RUN x' c changed >/dev/null
	[ "$(field changed '{{json .Config.Env}}')" = '["PATH=/usr/sbin:/usr/bin:/sbin:/bin","A=9","B=two words","C=3"]' ]
	[ "$(field changed '{{.Config.User}}{{.Config.WorkingDir}}{{.Config.StopSignal}}{{json .Config.OnBuild}}{{json .Config.Volumes}}')" = '0/tmp/subSIGINT["RUN x"]{"/data":{}}' ]
	[ "$(field changed '{{json .Config.Labels}}{{json .Config.ExposedPorts}}')" = '{"keep":"yes","l":"2"}{"80/tcp":{},"99/tcp":{}}' ]
	[ "$(cuddy run --rm changed)" = 93 ]
	cuddy rmi made changed
}

@test "commit: while it runs, and it goes on; never started; what is mounted stays out" {
	cuddy run -d --name up -v v:/vol --tmpfs /run "$IMAGE" sh -c 'echo secret-word >/vol/x; echo secret-word >/run/y; echo 1 >/file; exec sleep 1000'
	wait_until 20 cuddy exec up test -e /file
	cuddy commit --pause=false up one >/dev/null
	cuddy exec up sh -c 'echo 2 >/file'
	cuddy commit up two >/dev/null
	status_is up running
	[ "$(cuddy run --rm one sh -c 'cat /file; ls /vol /run' | grep -v -e secrets -e containerenv | xargs)" = '1 /run: /vol:' ]
	[ "$(cuddy run --rm two cat /file)" = 2 ]
	if [ -z "$(cuddy inspect --format '{{.State.CgroupPath}}' up)" ]; then # tests/vm/pause.bats has the other case
		run --separate-stderr cuddy commit --pause up three
		one_line_error 125 pause
		run -1 cuddy image exists three
	fi
	cuddy create --name new "$IMAGE" true
	cuddy commit --pause new fresh >/dev/null
	[ "$(field fresh '{{index .RootFS.Layers 1}}')" = sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef ]
	[ "$(cuddy run --rm fresh stat -c '%a %u' /)" = "$(cuddy run --rm "$IMAGE" stat -c '%a %u' /)" ]
	cuddy rm -f -t 0 up
	cuddy rmi one two fresh
	cuddy volume rm v
}

@test "commit: --squash is one layer of all, --include-volumes names them, --iidfile and --quiet tell the id" {
	cuddy run --name c -v v:/vol "$IMAGE" sh -c 'rm /etc/group; echo x >/new'
	id=$(cuddy commit -q --squash --include-volumes --iidfile "$WORK/iid" c made)
	[ "$(cat "$WORK/iid")" = "$id" ]
	[ "$(field made '{{len .RootFS.Layers}}{{json .Config.Volumes}}{{len .History}}')" = '1{"/vol":{}}1' ]
	[ "$(cuddy run --rm made sh -c 'cat /new; ls /etc/group 2>&1; stat -c %a /tmp /home/user')" = "$(printf 'x\nls: /etc/group: No such file or directory\n1777\n755')" ]
	cuddy rm c
	cuddy create --name d made true
	cuddy export d | tar -t >/dev/null
	run -0 cuddy diff made "$IMAGE"
	[ "$(grep -v ' /vol$' <<<"$output")" = $'C /etc\nD /etc/group\nA /new' ]
	cuddy rm -v d
	cuddy rmi made
	cuddy volume rm v
}

@test "commit: the same changes are one layer; the image outlives its container and its base" {
	cuddy run --name a "$IMAGE" sh -c 'touch -d 2001-01-01 /new; touch -d 2001-01-01 /'
	cuddy commit a one >/dev/null
	cuddy commit a two >/dev/null
	[ "$(field one '{{.RootFS.Layers}}')" = "$(field two '{{.RootFS.Layers}}')" ]
	cuddy rm a
	cuddy rmi "$IMAGE"
	[ "$(cuddy run --rm one ls /new)" = /new ]
	cuddy rmi one two
	load_image busybox
}

@test "commit: no name, a name it must not have, and other bad input change nothing" {
	cuddy run --name c "$IMAGE" touch /new
	before=$(cuddy images -a --format '{{.ID}}' | sort)
	run --separate-stderr cuddy commit c 'Bad Name'
	one_line_error 125 'Bad Name'
	run --separate-stderr cuddy commit -c 'RUN x' c made
	one_line_error 125 'RUN'
	run --separate-stderr cuddy commit -c 'EXPOSE none' c made
	one_line_error 125 'none'
	run --separate-stderr cuddy commit --format v9 c made
	one_line_error 125 'v9'
	run --separate-stderr cuddy commit --iidfile "$WORK/no/dir" c made
	one_line_error 125 'no'
	run --separate-stderr cuddy commit nosuch made
	one_line_error 125 nosuch
	run -125 cuddy commit
	[ "$(cuddy images -a --format '{{.ID}}' | sort)" = "$before" ]
	id=$(cuddy commit --format docker c)
	[ "$(field "$id" '{{.ManifestType}}{{.RepoTags}}')" = 'application/vnd.docker.distribution.manifest.v2+json[]' ]
	cuddy rmi "$id"
}

@test "commit: killed on its way it leaves no image, and the next one works" {
	cuddy run --name c "$IMAGE" touch /new
	before=$(cuddy images -a --format '{{.ID}}' | sort)
	for point in layer-staged stage-before-rename stage-after-rename; do
		run env CUDDY_CRASH_AT=$point "$CUDDY" commit c made
		[ "$status" -eq 137 ]
		[ "$(cuddy images -a --format '{{.ID}}' | sort)" = "$before" ]
	done
	cuddy commit c made >/dev/null
	[ "$(cuddy run --rm made ls /new)" = /new ]
	cuddy rmi made
}

@test "commit: to a place outside of the store, where the image does not stay" {
	cuddy run --name c "$IMAGE" sh -c 'echo made >/made'
	before=$(cuddy images -q --no-trunc | sort)
	for to in "oci-archive:$WORK/o.tar:v1" "docker-archive:$WORK/d.tar:x/made:1" "dir:$WORK/dir"; do
		id=$(cuddy commit -q c "$to")
		[ "$(skopeo inspect --config --raw "$to" | sha256sum | cut -d' ' -f1)" = "$id" ]
		[ "$(cuddy images -q --no-trunc | sort)" = "$before" ]
	done
	[ "$(cuddy run --rm "oci-archive:$WORK/o.tar" cat /made)" = made ]
	run --separate-stderr cuddy commit -q c "docker-archive:$WORK/d.tar:x/made:1"
	one_line_error 125 'not changed'
	run --separate-stderr cuddy commit -q c docker-daemon:x
	one_line_error 125 'docker-daemon'
}
