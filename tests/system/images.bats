#!/usr/bin/env bats
# Images on this machine: list, name, inspect, remove.
load helpers

image_id() { cuddy image inspect --format '{{.Id}}' "$1"; }

@test "images: one line each, with the columns people and scripts read" {
	run -0 cuddy images
	[[ "${lines[0]}" =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
	[[ "${lines[1]}" == "localhost/busybox "*latest* ]]
	run -0 cuddy images --format '{{.Repository}}:{{.Tag}}'
	[ "$output" = localhost/busybox:latest ]
	run -0 cuddy images --format json
	[ "$(jq length <<<"$output")" = 1 ]
	run -0 cuddy images -q --no-trunc
	[[ "$output" =~ ^sha256:[0-9a-f]{64}$ ]]
	run -0 cuddy images -q
	[[ "$output" =~ ^[0-9a-f]{12}$ ]]
	run -0 cuddy images localhost/nosuch -q
	[ -z "$output" ]
	# A format has all fields and each name, --quiet or not.
	cuddy tag "$IMAGE" other:1
	for f in json '{{.Names}} {{.Digest}} {{.Id}}' '{{json .}}' '{{.History}}'; do
		[ "$(cuddy images -q --format "$f")" = "$(cuddy images --format "$f")" ]
	done
	[ "$(cuddy images -q --format '{{.Tag}}' | sort | xargs)" = "1 latest" ]
	[ "$(cuddy images -q | wc -l)" = 1 ]
}

@test "tag: a second name for the same image; the first stays; an existing name moves" {
	cuddy tag "$IMAGE" localhost/second:v1 localhost/third
	[ "$(image_id localhost/second:v1)" = "$(image_id "$IMAGE")" ]
	[ "$(image_id localhost/third:latest)" = "$(image_id "$IMAGE")" ]
	[ "$(cuddy images -q | wc -l)" -eq 1 ] # an id is told once, a name on a line of its own
	[ "$(cuddy images -n | wc -l)" -eq 3 ]
	tar -c -C "$FIXTURES" mkimg.py | cuddy import -q - localhost/second:v1
	[ "$(image_id localhost/second:v1)" != "$(image_id "$IMAGE")" ]
}

@test "images: a short name finds what ends like it, by whole components; two that do are told; builds do not take it" {
	cuddy tag "$IMAGE" reg.example:5000/team/app:1
	[ "$(image_id app:1)" = "$(image_id "$IMAGE")" ]
	[ "$(cuddy run --rm --pull never team/app:1 echo ran)" = ran ]
	for name in pp:1 app app:2 x/team/app:1; do
		run --separate-stderr cuddy history "$name"
		one_line_error 125 "no such image"
	done
	printf 'FROM app:1\n' >"$WORK/Containerfile"
	run --separate-stderr cuddy build -q --pull=never "$WORK"
	one_line_error 125 'app:1'
	cuddy tag "$IMAGE" other.example/app:1 # another name of the same image
	[ "$(image_id app:1)" = "$(image_id "$IMAGE")" ]
	tar -c -C "$FIXTURES" mkimg.py | cuddy import -q - other.example/app:1 >/dev/null
	run --separate-stderr cuddy run --rm app:1 true
	one_line_error 125 'app:1: other.example/app:1 or reg.example:5000/team/app:1'
	run -0 cuddy rmi team/app:1
	[ "$(cuddy images --format '{{.Repository}}' | sort | xargs)" = "${IMAGE%:*} other.example/app" ]
}

@test "rmi: takes away a name; with the last name the image and its layers go" {
	cuddy tag "$IMAGE" localhost/second
	run -0 cuddy rmi localhost/second
	run -0 cuddy run --rm "$IMAGE" true
	run -0 cuddy rmi "$IMAGE"
	[ -z "$(cuddy images -q)" ]
	cuddy ps >/dev/null
	for d in layers images refs; do
		wait_until 5 empty_dir "$CUDDY_ROOT/$d"
	done
}

@test "rmi: an image with several names is not removed by id without --force" {
	cuddy tag "$IMAGE" localhost/second
	id=$(cuddy images -q | head -n 1)
	run --separate-stderr cuddy rmi "$id"
	one_line_error 125 "$id|more than one"
	run -0 cuddy rmi -f "$id"
	[ -z "$(cuddy images -q)" ]
}

@test "rmi: an image that a container uses is refused, and goes when the container has gone" {
	cuddy create --name c "$IMAGE" true
	run --separate-stderr cuddy rmi "$IMAGE"
	one_line_error 2 'in use'
	run --separate-stderr cuddy rmi -a
	one_line_error 2 'in use'
	run -0 cuddy start -a c
	cuddy rm c
	run -0 cuddy rmi "$IMAGE"
}

@test "rmi: --force removes the containers too, running ones as well" {
	cuddy create --name c "$IMAGE" true
	cuddy run -d --name d "$IMAGE" sleep 1000
	run -0 cuddy rmi -f "$IMAGE"
	[[ "$output" == *"Untagged: localhost/busybox:latest"*"Deleted: "* ]]
	[ -z "$(cuddy ps -aq)" ]
	[ -z "$(cuddy images -q)" ]
}

@test "rmi: several, some of them unknown: the known go, the rest is told" {
	cuddy tag "$IMAGE" localhost/second
	run -1 --separate-stderr cuddy rmi localhost/nosuch localhost/second
	[[ "$stderr" == *nosuch* ]]
	run -125 --separate-stderr cuddy image inspect localhost/second
	run -0 --separate-stderr cuddy rmi --ignore localhost/nosuch
	[ -z "$output$stderr" ]
	run -0 --separate-stderr cuddy rmi --force localhost/nosuch
	[ -z "$output$stderr" ]
}

@test "rmi: twenty at once of one image with as many names: no error but that, and nothing is left" {
	for i in {1..20}; do cuddy tag "$IMAGE" "localhost/x:$i"; done
	cuddy rmi "$IMAGE"
	jobs=
	for i in {1..20}; do
		cuddy rmi "localhost/x:$i" >"$WORK/out.$i" 2>&1 3>&- &
		jobs+=" $!"
	done
	wait $jobs
	[ "$(cat "$WORK"/out.* | grep -c ^Untagged:)" -eq 20 ]
	[ "$(cat "$WORK"/out.* | grep -c ^Deleted:)" -eq 1 ]
	[ "$(cat "$WORK"/out.* | wc -l)" -eq 21 ]
	empty_dir "$CUDDY_ROOT/layers"
}

@test "untag: a name, and all names; the image stays, without one" {
	id=$(image_id "$IMAGE")
	cuddy tag "$IMAGE" second localhost/third
	run -0 cuddy untag "$IMAGE" second
	run --separate-stderr cuddy untag "$IMAGE" localhost/nosuch
	one_line_error 125 nosuch
	run -0 cuddy images --format '{{.Repository}}'
	[ "$output" = $'localhost/busybox\nlocalhost/third' ]
	run -0 cuddy untag "$IMAGE"
	run -0 cuddy images --format '{{.Repository}}:{{.Tag}} {{.Id}}'
	[ "$output" = "<none>:<none> $id" ]
	run -0 cuddy run --rm "$id" echo by id
	[ "$output" = "by id" ]
}

@test "image exists: the status is the answer" {
	run -0 cuddy image exists "$IMAGE"
	[ -z "$output" ]
	run -0 cuddy image exists "$(image_id "$IMAGE")"
	run -1 cuddy image exists localhost/nosuch
	[ -z "$output" ]
}

# import CHANGES... NAME: a small image of our own
small() {
	local args=() name=${!#}
	for c in "${@:1:$#-1}"; do args+=(-c "$c"); done
	mkdir -p "$WORK/small"
	echo "$name" >"$WORK/small/file"
	tar -c -C "$WORK/small" . | cuddy import -q "${args[@]}" - "$name"
}

@test "images: filters, each alone, the same twice, and together" {
	small 'LABEL kind=app tier=1' localhost/team/app:1 >/dev/null
	small 'LABEL kind=db' registry.example.com:5000/team/db:2 >/dev/null
	only() { # only NAMES FILTER...
		local want=$1 args=()
		shift
		for f in "$@"; do args+=(--filter "$f"); done
		run -0 cuddy images "${args[@]}" --format '{{.Repository}}:{{.Tag}}' --sort repository
		[ "$(tr '\n' ' ' <<<"$output")" = "$want " ] || fail "$*: $output"
	}
	app=localhost/team/app:1 db=registry.example.com:5000/team/db:2 bb=localhost/busybox:latest
	only "$app" label=kind=app
	only "$app $db" label=kind
	only "$app" label=kind label=tier=1
	only "$bb $db" label!=tier
	only "$db" reference=db
	only "$app $db" reference='*/team/*'
	only "$app" reference=team/app:1
	only "$app $db" reference=app reference='d?:2'
	only "$app" reference=app label=kind
	only "" reference='*'$RANDOM
	only "$app $db" since="$IMAGE"
	only "$app $db" after="$IMAGE"
	only "$bb" before="$app"
	only "$bb" until=24h
	only "$bb" until=2024-01-01
	only "$bb" until=2024-01-01T10:30
	TZ=Asia/Tokyo only "" until=2023-11-15T07:13:10 # without a zone: here
	TZ=Asia/Tokyo only "$bb" until=2023-11-15T07:13:30
	# What is not so; all of it must hold. A comma begins another one where a key follows.
	only "$app $db" reference!=busybox
	only "$bb $db" reference!='*/team/app'
	only "$bb" reference!=app reference!=db
	only "$app $db" until!=24h
	only "$bb" since!="$IMAGE"
	only "$bb $app $db" dangling!=true
	only "" dangling!=false
	only "$bb $db" id!="$(image_id "$app" | cut -c1-20)"
	only "$app" label=kind=app,label=tier=1
	only "$app $db" reference=app,reference=db
	only "$db" label=kind,label!=tier
	only "" label=kind=app,tier # a value with a comma
	only "$app" id="$(image_id "$app" | cut -c1-20)"
	only "" dangling=true
	only "$bb $app $db" dangling=false
	cuddy create --name c "$db" /x >/dev/null
	only "$db" containers=true
	only "$bb $app" containers=false
	only "" readonly=true
	run -0 cuddy images --format '{{.Repository}}' db
	[ "$output" = registry.example.com:5000/team/db ]
	for bad in nosuch=x label dangling=perhaps until=tomorrow before=localhost/nosuch =x nosuch!=x dangling=true,until=tomorrow; do
		run --separate-stderr cuddy images --filter "$bad"
		one_line_error 125 "$(sed 's/.*,//; s/=.*//' <<<"$bad")"
	done
	# A nameless one that another was built on is shown when it is asked for.
	id=sha256:$(image_id "$app")
	printf 'FROM %s\nLABEL a=b\n' "$app" | cuddy build -q -t child - >/dev/null
	cuddy untag "$app"
	[ "$(cuddy images -a -q --no-trunc --filter intermediate=true)" = "$id" ]
	cuddy images -a -q --no-trunc | grep -qx "$id"
	! cuddy images -q --no-trunc | grep -qx "$id" || fail "it is shown"
	! cuddy images -a -q --no-trunc --filter intermediate=false | grep -qx "$id" || fail "it is shown"
}

@test "images: each file is opened once, however many images there are, and with nameless ones among them" {
	require_program strace
	for i in {1..30}; do
		printf 'FROM %s\nLABEL n=%d\n' "$IMAGE" "$i" | cuddy build -q -t localhost/many:$i - >/dev/null
	done
	cuddy untag localhost/many:1
	opened() { # opened COMMAND...
		strace -f -qq -e trace=openat -o "$WORK/trace" "$CUDDY" "$@" >/dev/null
		grep -c 'openat(' "$WORK/trace"
	}
	# A record, a name and perhaps the config of each of 31, and what there is besides.
	[ "$(opened images)" -le $((3 * 31 + 50)) ]
	[ "$(opened images --filter dangling=true)" -le $((3 * 31 + 50)) ]
	[ "$(opened images --filter label=n=3)" -le $((3 * 31 + 50)) ]
	[ "$(opened images --format '{{.ParentId}}')" -le $((6 * 31 + 50)) ] # and what digests are made of
	[ "$(cuddy images -q --filter dangling=true | wc -l)" = 1 ]
}

@test "images: sorted by what is asked for; --digests has a column more" {
	small localhost/a:2 >/dev/null
	cuddy tag localhost/a:2 localhost/z:1
	names() { cuddy images --sort "$1" --format '{{.Repository}}:{{.Tag}}' | tr '\n' ' '; }
	[ "$(names repository)" = "localhost/a:2 localhost/busybox:latest localhost/z:1 " ]
	[ "$(names tag)" = "localhost/z:1 localhost/a:2 localhost/busybox:latest " ]
	[ "$(names size)" = "localhost/a:2 localhost/z:1 localhost/busybox:latest " ]
	[ "$(names created)" = "localhost/a:2 localhost/z:1 localhost/busybox:latest " ]
	run --separate-stderr cuddy images --sort colour
	one_line_error 125 colour
	run -0 cuddy images --digests
	[[ "${lines[0]}" =~ ^REPOSITORY\ +TAG\ +DIGEST\ +IMAGE\ ID ]]
	run -0 cuddy images --format json
	[ "$(jq -r '.[] | select(.Names | length == 2) | .RepoTags | join(" ")' <<<"$output")" = "localhost/a:2 localhost/z:1" ]
}

@test "images: --history and the template's numbers, as podman has them" {
	small localhost/a:1 >/dev/null
	cuddy tag localhost/a:1 localhost/b:2
	run -0 cuddy images --history --digests localhost/a:1
	[[ "${lines[0]}" =~ ^REPOSITORY\ +TAG\ +DIGEST\ +IMAGE\ ID\ +CREATED\ +SIZE\ +HISTORY ]]
	[[ "${lines[1]}" == *"localhost/a:1, localhost/b:2"* ]]
	[[ "$(cuddy images | head -1)" != *HISTORY* ]]
	[ "$(cuddy images -a -q localhost/a)" = "$(cuddy images -q localhost/a:1)" ] # a name and --all together
	run -0 cuddy images --format '{{.History}}|{{.VirtualSize}}|{{.SharedSize}}' localhost/a:1
	[ "$output" = "localhost/a:1, localhost/b:2|$(cuddy image inspect --format '{{.VirtualSize}}' localhost/a:1)|0" ]
	[ "$(cuddy images --format json localhost/a:1 | jq -c '.[0].History')" = '["localhost/a:1","localhost/b:2"]' ]
}

@test "history: a line for each step, newest first, with sizes" {
	load_image layers12
	run -0 cuddy history localhost/layers12
	[[ "${lines[0]}" =~ ^ID\ +CREATED\ +CREATED\ BY\ +SIZE\ +COMMENT ]]
	[ "${#lines[@]}" -eq 13 ]
	[[ "${lines[1]}" == "$(image_id localhost/layers12 | cut -c1-12) "* ]]
	[[ "${lines[2]}" == "<missing> "* ]]
	run -0 cuddy history --format '{{.Size}}' --human=false localhost/layers12
	total=$(($(tr '\n' '+' <<<"$output" | sed 's/+$//')))
	[ "$total" -eq "$(cuddy image inspect --format '{{.Size}}' localhost/layers12)" ]
	run -0 cuddy history --format '{{.CreatedAt}}' localhost/layers12
	[[ "${lines[0]}" =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}\ [0-9:]{8}\ \+0000\ UTC$ ]]
	run -0 cuddy history --format '{{.Created}}' --human=false localhost/layers12
	[[ "${lines[0]}" =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$ ]]
	created=${lines[0]}
	run -0 cuddy image history --format json localhost/layers12
	[ "$(jq -r '.[0].Created' <<<"$output")" = "$created" ]
	[ "$(jq -r '.[0].tags[0]' <<<"$output")" = localhost/layers12:latest ]
	[ "$(jq length <<<"$output")" = 12 ]
	# A step that made another image which is here has its id and names, as with podman and docker.
	printf 'FROM %s\nLABEL a=b\n' "$IMAGE" >"$BATS_TEST_TMPDIR/Containerfile"
	cuddy build -q -t made -f "$BATS_TEST_TMPDIR/Containerfile" "$BATS_TEST_TMPDIR"
	[ "$(cuddy history -q --no-trunc made | tr '\n' ' ')" = "$(image_id made) $(image_id "$IMAGE") " ]
	cuddy history --format json made | jq -e --arg n "$IMAGE:latest" 'map(.tags[0]) == ["localhost/made:latest", $n] and
		all(has("comment") | not) and (.[1].created | test("T[0-9:]{8}([.][0-9]*[1-9])?Z$"))'
}

@test "image prune: what has no name goes; with --all also what no container uses; nothing without a yes" {
	small localhost/used >/dev/null
	small localhost/unused >/dev/null
	id=$(small localhost/nameless)
	cuddy untag localhost/nameless
	cuddy create --name c localhost/used /x >/dev/null
	run -0 --separate-stderr cuddy image prune </dev/null
	[ -z "$output" ]
	[ "$(cuddy images -q | wc -l)" -eq 4 ]
	run -0 --separate-stderr cuddy image prune --filter label=none -f
	[ -z "$output" ]
	run -0 --separate-stderr cuddy image prune <<<y
	[[ "$id" == *"$output" ]]
	[ -n "$output" ]
	[ "$(cuddy images -q | wc -l)" -eq 3 ]
	run -0 --separate-stderr cuddy image prune -a -f
	[ "${#lines[@]}" -eq 2 ]
	run -0 cuddy images --format '{{.Repository}}'
	[ "$output" = localhost/used ]
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -eq 1 ]
}

@test "images: a damaged record hides nothing else, can be removed, and its layers go with a prune" {
	small localhost/good >/dev/null
	id=$(image_id "$IMAGE")
	echo '{' >"$CUDDY_ROOT/images/$id/record.json"
	run -0 cuddy images --format '{{.Repository}} {{.Id}}' --sort repository
	[ "${lines[0]}" = "localhost/busybox $id" ]
	[[ "${lines[1]}" == "localhost/good "* ]]
	run -0 cuddy rmi "$id"
	run -0 cuddy image prune -f
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -eq 1 ]
}

@test "image inspect: what the image says, for templates and for other programs" {
	run -0 cuddy image inspect "$IMAGE"
	[ "$(jq -r '.[0].Config.Cmd[0]' <<<"$output")" = sh ]
	[ "$(jq -r '.[0].RepoTags[0]' <<<"$output")" = localhost/busybox:latest ]
	[ "$(jq -r '.[0].RootFS.Layers | length' <<<"$output")" = 1 ]
	[ "$(jq -r '.[0].Os + "/" + .[0].Architecture' <<<"$output")" = linux/amd64 ]
	run -0 cuddy inspect --format '{{.Architecture}} {{len .RootFS.Layers}}' "$IMAGE"
	[ "$output" = "amd64 1" ]
}

@test "a container keeps running when its image's name moves or goes" {
	cuddy run -d --name c "$IMAGE" sleep 1000
	cuddy tag "$IMAGE" localhost/second
	run -0 cuddy rmi "$IMAGE"
	run -0 cuddy exec c echo here
	cuddy stop -t 0 c
	run -0 cuddy start c
}

@test "version and info answer, in words, templates and json" {
	run -0 cuddy version
	[[ "$output" == *[0-9].[0-9]* ]]
	run -0 cuddy --version
	[[ "$output" == cuddy*[0-9].[0-9]* ]]
	run -0 cuddy info
	run -0 cuddy info --format '{{.Store.GraphRoot}}'
	[ "$output" = "$CUDDY_ROOT" ]
	run -0 bash -c '"$CUDDY" info --format json | jq -e .'
	run -0 bash -c '"$CUDDY" version --format json | jq -e .'
}

@test "images: what was made here has a digest before it is pushed, by which it is found, and the same after it is saved and loaded" {
	printf 'FROM %s\nCOPY f /f\nRUN --network=none head -c 3000000 /dev/zero >/big\n' "$IMAGE" >"$WORK/Containerfile"
	echo content >"$WORK/f"
	cuddy build -q -t made "$WORK" >/dev/null
	d=$(cuddy image inspect --format '{{.Digest}}' made)
	[[ "$d" =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "$(cuddy images --format '{{.Digest}}' made)" = "$d" ]
	[ "$(cuddy images --digests --noheading made | awk '{ print $3 }')" = "$d" ]
	[ "$(cuddy image inspect --format '{{json .RepoDigests}}' made)" = "[\"localhost/made@$d\"]" ]
	[ "$(cuddy images --format json made | jq -r '.[0] | .Digest + " " + .RepoDigests[0]')" = "$d localhost/made@$d" ]
	[ "$(cuddy images -q --no-trunc --filter digest="$d")" = "sha256:$(image_id made)" ]
	[ "$(cuddy run --rm "localhost/made@$d" cat /f)" = content ]
	run --separate-stderr cuddy run --rm --pull never "localhost/other@$d" true
	one_line_error 125 .
	# It is that of the manifest with the layers as they are, which an archive of OCI's can hold.
	cuddy save -q --format oci-archive --uncompressed -o "$WORK/made.tar" made
	[ "$(skopeo inspect --raw "oci-archive:$WORK/made.tar" | sha256sum | cut -d' ' -f1)" = "${d#sha256:}" ]
	cuddy tag made localhost/second:1
	[ "$(cuddy image inspect --format '{{len .RepoDigests}}' made)" = 2 ]
	cuddy create --name c made true >/dev/null
	cuddy commit -q c localhost/committed >/dev/null
	[[ "$(cuddy image inspect --format '{{.Digest}}' localhost/committed)" == sha256:* ]]
}

@test "images: --tree shows lists with their platforms, what is in use, and sizes" {
	cuddy manifest create l "$IMAGE" >/dev/null
	tar -c -C "$FIXTURES" mkimg.py | cuddy import -q --platform linux/arm64/v8 - localhost/arm >/dev/null
	cuddy manifest add l localhost/arm >/dev/null
	cuddy create --name c "$IMAGE" true >/dev/null
	run -0 cuddy images --tree
	[[ "${lines[0]}" =~ ^IMAGE\ +ID\ +DISK\ USAGE\ +CONTENT\ SIZE\ +EXTRA ]]
	size=$(cuddy images --format '{{.Size}}' "$IMAGE")
	grep -Eq "^localhost/busybox:latest +$(image_id "$IMAGE" | cut -c1-12) +$size +[1-9][0-9.]* [kM]?B +U *\$" <<<"$output"
	at=$(grep -n '^localhost/l:latest ' <<<"$output" | cut -d: -f1)
	[[ "${lines[at]}" =~ ^├─\ linux/amd64\ +[0-9a-f]{12}\ +$size ]]
	[[ "${lines[at + 1]}" =~ ^└─\ linux/arm64/v8\ +[0-9a-f]{12}\ +[1-9] ]]
	[ "$(cuddy manifest inspect l | jq -r '.manifests[1].digest' | cut -c8-19)" = "$(awk '{ print $3 }' <<<"${lines[at + 1]}")" ]
	run -0 cuddy images --tree --noheading --filter reference=arm
	[ "${#lines[@]}" -eq 1 ]
	for other in -q --digests --history --no-trunc '--format json'; do
		run --separate-stderr cuddy images --tree $other
		one_line_error 125 'images: --tree goes not with'
	done
}

@test "rmi: --platform takes an image out of a list, and away when nothing else has it" {
	tar -c -C "$FIXTURES" mkimg.py | cuddy import -q --platform linux/arm64 - localhost/arm >/dev/null
	cuddy manifest create l "$IMAGE" localhost/arm >/dev/null
	cuddy manifest create other localhost/arm >/dev/null
	platforms() { cuddy manifest inspect "$1" | jq -r '[.manifests[].platform.architecture] | join(" ")'; }
	arm=$(image_id localhost/arm)
	run --separate-stderr cuddy rmi --platform linux/s390x l
	one_line_error 1 'nothing for linux/s390x'
	[ "$(platforms l)" = 'amd64 arm64' ]
	run --separate-stderr cuddy rmi --platform linux/arm64 "$IMAGE"
	one_line_error 125 'is for linux/amd64'
	run --separate-stderr cuddy rmi -a --platform linux/arm64
	one_line_error 125 'by name'
	cuddy rmi --platform linux/arm64 l
	[ "$(platforms l)" = amd64 ]
	cuddy image exists localhost/arm # it has a name
	cuddy untag localhost/arm
	cuddy manifest create third "$arm" >/dev/null
	cuddy rmi --platform linux/arm64 other
	cuddy image exists "$arm"        # another list has it
	run -0 cuddy rmi --platform linux/arm64 third
	[[ "$output" == *"Deleted: $arm"* ]]
	run -1 cuddy image exists "$arm"
	run -0 cuddy rmi --platform linux/amd64 "$IMAGE"
	[[ "$output" == "Untagged: $IMAGE:latest"* ]]
	run -0 cuddy rmi -a
}

@test "image scp: to a host, from one, from one to another; what goes wrong there is told" {
	mkdir "$WORK/bin"
	export PATH=$WORK/bin:$PATH
	# A host is a store of its own, where a shell runs what ssh was told.
	cat >"$WORK/bin/ssh" <<-P
		#!/bin/sh
		[ "\$1" = -- ] || exit 99
		[ "\$2" != broken ] || { echo cannot reach it >&2; exit 255; }
		export CUDDY_ROOT=$WORK/hosts/\$2/root CUDDY_RUNROOT=$WORK/hosts/\$2/run
		shift 2
		exec sh -c "\$*"
	P
	printf '#!/bin/sh\nexec %s "$@"\n' "$CUDDY" >"$WORK/bin/cuddy"
	chmod +x "$WORK/bin"/*
	on() { CUDDY_ROOT=$WORK/hosts/$1/root CUDDY_RUNROOT=$WORK/hosts/$1/run "${@:2}"; }
	for h in me@one two; do mkdir -p "$WORK/hosts/$h/root" "$WORK/hosts/$h/run"; chmod 700 "$WORK/hosts/$h"/*; done
	id=$(image_id "$IMAGE")
	run -0 --separate-stderr cuddy image scp -q "$IMAGE" me@one::
	[ "$output" = localhost/busybox:latest ]
	[ "$(on me@one image_id "$IMAGE")" = "$id" ]
	cuddy image scp -q me@one::localhost/busybox two::
	[ "$(on two image_id "$IMAGE")" = "$id" ]
	cuddy rmi "$IMAGE" >/dev/null
	run -0 --separate-stderr cuddy image scp -q --format oci-archive two::localhost/busybox:latest
	[ "$output" = localhost/busybox:latest ]
	[ "$(image_id "$IMAGE")" = "$id" ]
	for bad in "$IMAGE broken::" "broken::$IMAGE" "nosuch two::" "two::nosuch" "$IMAGE" "$IMAGE other" "two:: $IMAGE" "two::a;id" "-oProxyCommand=x::a" "$IMAGE two::name" "::x" "a'b::c"; do
		run --separate-stderr cuddy image scp -q $bad
		[ "$status" -eq 125 ] && [ -n "$stderr" ] || fail "$bad: $status"
		[ "$(cuddy images -q | wc -l)" -eq 1 ]
	done
	run --separate-stderr cuddy image scp -q "$IMAGE" broken::
	[[ "$stderr" == *"cannot reach it"*"ssh broken: exit status 255"* ]]
	for h in me@one two; do on $h drop_root; done
}

@test "image prune: filters choose by label and by age; rmi: --all, --no-prune" {
	small 'LABEL keep=1' localhost/one >/dev/null
	small 'LABEL keep=2' localhost/two >/dev/null
	cuddy untag localhost/one
	cuddy untag localhost/two
	left() { cuddy images -a -q --filter dangling=true | wc -l; }
	for none in label=other label=keep=3 until=24h 'label!=keep'; do
		run -0 cuddy image prune -f --filter "$none"
		[ -z "$output" ] && [ "$(left)" = 2 ] || fail "$none: $output"
	done
	run --separate-stderr cuddy image prune -f --filter what=x
	one_line_error 125 what
	run -0 cuddy image prune -f --filter label=keep=1 --filter label=keep
	[ "${#lines[@]}" -eq 1 ]
	[ "$(left)" = 1 ]
	sleep 1.1
	run -0 cuddy image prune -f --filter until=1s
	[ "${#lines[@]}" -eq 1 ]
	[ "$(left)" = 0 ]
	small localhost/three >/dev/null
	cuddy tag localhost/three localhost/four
	cuddy rmi --no-prune localhost/four
	cuddy image exists localhost/three
	cuddy rmi -a >/dev/null
	[ -z "$(cuddy images -a -q)" ]
}
