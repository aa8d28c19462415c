#!/usr/bin/env bats
# What a registry may answer besides yes: busy, broken, no parts, no mount, another digest; and layers that go side by side.
load helpers

setup() {
	test_begin
	mkdir -p "$WORK/reg"
	python3 "$FIXTURES/fakereg.py" "$WORK/reg" 3>&- &
	REGISTRY_PID=$!
	wait_until 30 test -e "$WORK/reg/port"
	FAKE=127.0.0.1:$(cat "$WORK/reg/port")
}

teardown() {
	kill "$REGISTRY_PID"
	wait "$REGISTRY_PID" 2>/dev/null || true
	test_end
}

pull() { run --separate-stderr timeout 60 "$CUDDY" pull -q --tls-verify=false "${@:2}" "$FAKE/$1"; }
send() { : >"$WORK/reg/log"; run --separate-stderr timeout 60 "$CUDDY" push -q --tls-verify=false --retry 2 --retry-delay 0 "${2:-$IMAGE}" "$FAKE/$1"; }
asked() { grep -c "^registry $1" "$WORK/reg/log" || true; } # "METHOD HOST PATH"

# images: R4, R5, R1, R2, R9, R10, F3
@test "answers: who is busy is asked again; 500 is said; parts that are refused and bytes that come from the start are right in the end" {
	for name in busy-429 busy-503 busy-502 part-416 part-200 part-other sha512 realm-brief; do # F3, R1: each token good for one request
		pull $name --retry 3 --retry-delay 0
		[ "$status" -eq 0 ] || fail "$name: $stderr"
		[ "$(cuddy run --rm -v /bin/busybox:/bin/cat:ro "$FAKE/$name")" = "from the registry" ]
		cuddy rmi "$FAKE/$name" >/dev/null
	done
	grep -q '^registry GET [^ ]* /v2/part-416/blobs' "$WORK/reg/log"
	[ "$(asked 'GET [^ ]* /v2/part-other/blobs')" -eq 4 ] # config; cut, another part, all of it
	pull note # what a registry wants its users to know is said once
	[ "$status" -eq 0 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "$stderr" = "cuddy: warning: $FAKE: moves to new.example on Friday" ]
	cuddy rmi "$FAKE/note" >/dev/null
	# R5: how many pulls are left, when they are few, and only then
	for name in rate-3-100 rate-70-5000; do
		pull $name
		[ "$status" -eq 0 ] && [ "${#stderr_lines[@]}" -eq 1 ] || fail "$name: $stderr"
		left=${name#rate-}
		[ "$stderr" = "cuddy: warning: $FAKE: ${left%-*} of ${left#*-} pulls are left for the next 6 hours; 'cuddy login $FAKE' may give more" ]
	done
	for name in rate-90-100 rate-x-100; do
		pull $name
		[ "$status" -eq 0 ] && [ -z "$stderr" ] || fail "$name: $stderr"
	done
	# R2: the scope that the registry says is wanted, once; not for ever
	pull realm-scope
	[ "$status" -eq 0 ] || fail "$stderr"
	[ "$(asked 'GET [^ ]* /scoped?.*realm-scope')" -eq 2 ]
	pull realm-never --retry 0
	one_line_error 125 'realm-never'
	[ "$(asked 'GET [^ ]* /scoped?.*realm-never')" -le 3 ]
	cuddy rmi -a >/dev/null
	pull busy-429b --retry 0
	[ "$status" -eq 0 ]
	before=$(snapshot)
	pull busy-500 --retry 0
	one_line_error 125 'not now'
	pull busy-401 --retry 0 # R10: some say so of what is not there
	one_line_error 125 'no credentials for it: cuddy login, or --creds; or there is no such repository'
	[ "$(snapshot)" = "$before" ]
}

# images: R9
@test "answers: pages of tags follow each other by what the registry says, whatever is on them" {
	run -0 --separate-stderr cuddy search --list-tags --limit 10000 --tls-verify=false --format '{{.Tag}}' "$FAKE/tags-pages"
	[ "${#lines[@]}" -eq 1502 ]
	[ "${lines[0]} ${lines[1]} ${lines[1501]}" = "one t0 end" ]
}

# images: F1, F7, R6, S17
@test "answers: what does not fit is not begun, another platform is said, and some layers are not passed on" {
	before=$(snapshot)
	: >"$WORK/reg/log"
	pull size-huge
	one_line_error 125 'layers of 1.13 PB compressed are to come, and [0-9.]+ [kMGT]?B is free: No space left'
	[ "$(asked 'GET [^ ]* /v2/size-huge/blobs/sha256:')" -le 1 ] # the config
	[ "$(snapshot)" = "$before" ]
	pull ok --platform linux/riscv64
	[ "$status" -eq 0 ] && [ "$stderr" = "cuddy: warning: the image is for linux/amd64/v1, wanted was linux/riscv64" ] || fail "$status $stderr"
	pull not-passed-on
	[ "$status" -eq 0 ]
	send push-less "$FAKE/not-passed-on"
	[ "$status" -eq 0 ] || fail "$stderr"
	[ "$(asked 'PATCH [^ ]* /v2/push-less/')" -eq 1 ] # the config
	[ "$(asked 'PUT [^ ]* /v2/push-less/manifests/latest')" -eq 1 ]
}

# images: R6
@test "answers: a mount that is an upload instead is cancelled and the layer sent; another digest and 500 end it before the manifest" {
	pull ok
	send push-mount "$FAKE/ok"
	[ "$status" -eq 0 ] || fail "$stderr"
	[ "$(asked 'POST [^ ]* /v2/push-mount/blobs/uploads/?mount=[^ ]*from=ok')" -ge 1 ]
	[ "$(asked 'DELETE [^ ]* /v2/push-mount/blobs/uploads/1')" -ge 1 ]
	[ "$(asked 'PATCH [^ ]* /v2/push-mount/')" -eq 2 ] # layer and config
	for name in push-500 push-digest; do
		send $name
		one_line_error 125 'disk on fire|made sha256:1111'
		[ "$(asked "PUT [^ ]* /v2/$name/manifests")" -eq 0 ]
	done
}

# images: R7
@test "answers: all tags of an image go at once, where the registry says which it took; the others by themselves" {
	cuddy tag "$IMAGE" "$FAKE/push-tags:a" "$FAKE/push-tags:b" "$FAKE/push-tags:left" "$FAKE/push:a" "$FAKE/push:b"
	: >"$WORK/reg/log"
	cuddy push -qa --tls-verify=false "$FAKE/push-tags"
	[ "$(asked 'HEAD [^ ]* /v2/push-tags/blobs/')" -eq 2 ] # layer and config
	[ "$(asked 'PUT [^ ]* /v2/push-tags/manifests/sha256:[0-9a-f]*?tag=a&tag=b&tag=left ')" -eq 1 ]
	[ "$(asked 'PUT [^ ]* /v2/push-tags/manifests/')" -eq 2 ]
	[ "$(asked 'PUT [^ ]* /v2/push-tags/manifests/left ')" -eq 1 ]
	cuddy push -qa --tls-verify=false "$FAKE/push" # knows nothing of it
	[ "$(asked 'HEAD [^ ]* /v2/push/blobs/')" -eq 2 ]
	[ "$(asked 'PUT [^ ]* /v2/push/manifests/[ab] ')" -eq 2 ]
}

# images: R11
@test "answers: an upload that ^C ends is taken back" {
	: >"$WORK/reg/log"
	env --default-signal=INT "$CUDDY" push -q --tls-verify=false --retry 0 "$IMAGE" "$FAKE/push-hang" >"$WORK/out" 2>&1 3>&- &
	wait_until 20 grep -q '^registry PATCH' "$WORK/reg/log"
	kill -INT $!
	wait $! && fail "no error"
	[ "$(asked 'DELETE [^ ]* /v2/push-hang/blobs/uploads/1')" -ge 1 ]
	[ "$(asked 'PUT [^ ]* /v2/push-hang/')" -eq 0 ]
}

# images: S6
@test "answers: two layers of an image are on their way at the same time" {
	cuddy load -q -i "$("$TOP/tests/images/make" layers12)" >/dev/null
	send push-side "$(cuddy images -q --filter 'reference=*layers12*' | head -1)"
	[ "$status" -eq 0 ] || fail "$stderr"
	[ "$(asked 'PATCH [^ ]* /v2/push-side/')" -ge 13 ]
}
