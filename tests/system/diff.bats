#!/usr/bin/env bats
# cuddy diff: what changed, told as podman tells it, of containers and images.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

CHANGES='echo hi >/x; rm /bin/vi; mkdir /opt; echo y >/opt/z; chown 5:6 /opt/z; chmod 700 /usr; rm -r /home; mkdir /home; echo >/home/new
	touch /etc/passwd; : >>/etc/group; rm -r /var; echo f >/var; ln -sf passwd /etc/link; mv /root /root2; mkdir -p /a/b/c; rm -r /a'
WANT='C /bin
D /bin/vi
C /etc
A /etc/link
C /etc/passwd
C /home
A /home/new
D /home/user
A /opt
A /opt/z
D /root
A /root2
C /usr
C /var
A /x'

@test "diff: added, changed and deleted, replaced directories and files, after it stopped and while it runs" {
	cuddy run --name c "$IMAGE" sh -c "$CHANGES"
	run -0 cuddy diff c
	[ "$output" = "$WANT" ]
	run -0 cuddy diff --latest
	[ "$output" = "$WANT" ]
	cuddy run -d --name up "$IMAGE" sh -c "$CHANGES; touch /dev/shm/ready; exec sleep 1000"
	wait_until 20 cuddy exec up test -e /dev/shm/ready
	run -0 cuddy container diff up
	[ "$output" = "$WANT" ]
}

@test "diff: as JSON, by kind" {
	cuddy run --name c "$IMAGE" sh -c 'echo >/a; rm /etc/group'
	run -0 cuddy diff --format json c
	[ "$(python3 -c 'import json,sys; d = json.load(sys.stdin); print(sorted(d), d["changed"], d["added"], d["deleted"])' <<<"$output")" = \
		"['added', 'changed', 'deleted'] ['/etc'] ['/a'] ['/etc/group']" ]
	cuddy create --name none "$IMAGE" true
	run -0 cuddy diff --format json none
	[ "$(python3 -c 'import json,sys; print(json.load(sys.stdin))' <<<"$output")" = '{}' ]
	run -0 cuddy diff none
	[ -z "$output" ]
}

@test "diff: what is mounted, and what is only read or opened for writing, is no change" {
	cuddy run --name c -v v:/tmp "$IMAGE" sh -c 'echo >/tmp/x; echo >/dev/shm/y; cat /etc/passwd >/dev/null; : >>/etc/group; chmod 755 /usr; hostname >/dev/null; echo 1.2.3.4 x >>/etc/hosts'
	run -0 cuddy diff c
	[ -z "$output" ]
	cuddy rm c
	cuddy volume rm v
}

@test "diff: of an image, its last layer; of two objects, the way from the second to the first" {
	cuddy run --name c "$IMAGE" sh -c 'rm /etc/group; echo >/new'
	cuddy create --name plain "$IMAGE" true
	run -0 cuddy diff "$IMAGE"
	[ "$(grep -c '^A ' <<<"$output")" = "$(wc -l <<<"$output")" ]
	grep -qx 'A /bin/busybox' <<<"$output"
	run -0 cuddy diff c "$IMAGE"
	[ "$output" = $'C /etc\nD /etc/group\nA /new' ]
	run -0 cuddy diff plain c
	[ "$output" = $'C /etc\nA /etc/group\nD /new' ]
	run -0 cuddy image diff "$IMAGE" c
	[ "$output" = $'C /etc\nA /etc/group\nD /new' ]
	run -0 cuddy diff plain "$IMAGE"
	[ -z "$output" ]
}

@test "diff: the last of several layers, found in its own directory" {
	load_image layers12
	run -0 cuddy image diff localhost/layers12
	[ "$output" = $'A /big\nC /hl' ]
	# twelve layers as one root are the same as the container's
	cuddy run --name c localhost/layers12 true
	run -0 cuddy diff c localhost/layers12
	[ -z "$output" ]
	run -0 cuddy diff localhost/layers12 "$IMAGE"
	grep -qx 'A /opq2/fresh' <<<"$output"
	grep -qx 'A /turns/dir-to-file' <<<"$output"
	! grep -q -e /opq2/one -e /short-lived -e /opq/old1 -e /a/gone <<<"$output" || fail "it was there"
}

@test "diff: bad input" {
	run --separate-stderr cuddy diff nosuch
	one_line_error 125 nosuch
	run --separate-stderr cuddy container diff "$IMAGE"
	one_line_error 125 'no such container'
	run --separate-stderr cuddy image diff nosuch
	one_line_error 125 'no such image'
	run --separate-stderr cuddy diff --format '{{.}}' nosuch
	one_line_error 125 json
	run -125 cuddy diff
	run -125 cuddy diff a b c
}
