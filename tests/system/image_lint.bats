#!/usr/bin/env bats
# What an image ships and nobody sees, and what it should not ship.
load helpers

setup_file() {
	cd "$BATS_TEST_DIRNAME/../fixtures" && python3 - "$BATS_FILE_TMPDIR" <<'PY'
import sys
from mkimg import *
key = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b"x" * 100 + b"\n-----END OPENSSH PRIVATE KEY-----\n"
one = [file("big", b"b" * 300000), file("same", b"s" * 1000), dir("old"), file("old/a", b"a" * 2000), file("old/b", b"b" * 3000),
       dir("dir"), file("dir/x", b"x" * 4000), hard("big2", "big"), dir("home"), file("home/id_rsa", key),
       file("cert.pem", b"-----BEGIN CERTIFICATE-----\n" + b"x" * 200), file(".env", ""), dir("app"), file("app/.env", "PASSWORD=x\n"),
       dir("root"), dir("root/.docker"), file("root/.docker/config.json", '{"auths": {"r": {"auth": "eDp5"}}}'),
       dir("etc"), file("etc/config.json", '{"auth": 1}'), file("etc/renamed", key.replace(b"OPENSSH ", b""))]
two = [file("same", b"S" * 1500), file(".wh.big"), file(".wh.old"), file("dir", b"now a file"), dir("home"), file("home/.wh.id_rsa")]
Image([one, two]).docker_archive(sys.argv[1] + "/one.tar", ["localhost/one:v"])
token = b"\nurl=https://x:ghp_" + b"a1B2" * 9 + b"@github.com/\n"
Image([one, two, [file("three", b"3" * (5000 - len(token)) + token)]]).docker_archive(sys.argv[1] + "/three.tar", ["localhost/three:v"])
Image([[dir("d"), file("d/gone", b"g" * 700), hard("d/twin", "d/gone")], [dir("d"), file("d/.wh..wh..opq"), file("d/new", b"n")]]).docker_archive(
    sys.argv[1] + "/opaque.tar", ["localhost/opaque:v"])
PY
}

@test "image lint: what a later layer deletes or overwrites, by path, the largest first; secrets before" {
	cuddy load -q -i "$BATS_FILE_TMPDIR/one.tar"
	run -1 cuddy image lint --format '{{.Kind}} {{.RawSize}} {{.Layer}} {{.HiddenBy}} {{.Path}}' localhost/one:v
	[ "$output" = "secret 11 1 0 /app/.env
secret 155 1 0 /etc/renamed
secret 171 1 2 /home/id_rsa
secret 34 1 0 /root/.docker/config.json
wasted 4000 1 2 /dir/x
wasted 3000 1 2 /old/b
wasted 2000 1 2 /old/a
wasted 1000 1 2 /same" ] || { echo "$output"; false; }
	run -1 cuddy image lint localhost/one:v
	[[ "${lines[0]}" =~ ^KIND\ +SIZE\ +LAYER\ +PATH\ +REASON$ ]]
	grep -q 'SSH private key; hidden by layer 2, still in the image' <<<"$output"
	[ "$(cuddy image lint -n localhost/one:v | tr -s " ")" = "$(tail -n +2 <<<"$output" | tr -s " ")" ] # widths are those of what is shown
	run -0 bash -c '"$CUDDY" image lint --format json localhost/one:v | python3 -c "import json, sys; print(len(json.load(sys.stdin)))"; exit 0'
	[ "$output" = 8 ]
	cuddy load -q -i "$BATS_FILE_TMPDIR/three.tar" # a token in the midst of a text
	run -1 cuddy image lint localhost/three:v
	grep -Eq '^secret +5 kB +3 +/three +GitHub token$' <<<"$output"
}

@test "image lint: an opaque directory hides what is below; without secrets the status is 0" {
	cuddy load -q -i "$BATS_FILE_TMPDIR/opaque.tar"
	run -0 cuddy image lint --format '{{.Kind}} {{.RawSize}} {{.Path}}' localhost/opaque:v
	[[ "$output" =~ ^wasted\ 700\ /d/(gone|twin)$ ]]       # under the last of its names
	run -0 cuddy image lint -n "$IMAGE"
	[ -z "$output" ]
	run -125 cuddy image lint nosuch/image
}

@test "image tree: layers with their sizes and waste, and the images built on one" {
	cuddy load -q -i "$BATS_FILE_TMPDIR/one.tar"
	cuddy load -q -i "$BATS_FILE_TMPDIR/three.tar"
	run -0 cuddy image tree localhost/one:v
	[[ "${lines[0]}" =~ ^Image\ ID:\ [0-9a-f]{12}$ ]]
	[ "${lines[1]}" = "Tags:     [localhost/one:v]" ]
	[[ "${lines[2]}" =~ ^Size:\ +3[0-9]+\ kB$ ]]
	[ "${lines[3]}" = "Image Layers" ]
	[[ "${lines[4]}" =~ ^├──\ ID:\ [0-9a-f]{12}\ Size:\ 311\ kB\ Wasted:\ 10\.2\ kB$ ]]
	[[ "${lines[5]}" =~ ^└──\ ID:\ [0-9a-f]{12}\ Size:\ 1\.51\ kB\ Top\ Layer\ of:\ \[localhost/one:v\]$ ]]
	[ "${#lines[@]}" = 6 ]
	run -0 cuddy image tree --whatrequires localhost/one:v
	[[ "${lines[4]}" =~ ^└──\ ID:\ [0-9a-f]{12}\ Size:\ 1\.51\ kB\ Top\ Layer\ of:\ \[localhost/one:v\]$ ]]
	[[ "${lines[5]}" =~ ^"    └── ID: "[0-9a-f]{12}\ Size:\ 5\ kB\ Top\ Layer\ of:\ \[localhost/three:v\]$ ]]
	[ "${#lines[@]}" = 6 ]
	printf 'FROM localhost/three:v\nLABEL a=b\n' | cuddy build -q - >/dev/null # without a name there is none to be told
	cuddy image tree localhost/three:v | grep -c 'Top Layer of: \[localhost/\(one\|three\):v\]$' | grep -qx 2
}
