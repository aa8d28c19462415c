#!/usr/bin/env bats
# R25: hooks are the host's; an image can neither bring one nor reach into one.
load ../system/helpers

@test "R25: a hook has nothing of the image's environment, its files or its directory; the image names no hook" {
	mkdir -p "$WORK/hooks" "$WORK/ctx"
	cat >"$WORK/note" <<-'EOF'
		#!/bin/sh
		tr '\0' '\n' </proc/self/environ >"$1.env"
		readlink /proc/self/cwd >"$1.cwd"
		cat /proc/self/maps >"$1.maps"
		ls -l /proc/self/fd >"$1.fds"
	EOF
	chmod 0755 "$WORK/note"
	for s in prestart createRuntime createContainer; do
		printf '{"version":"1.0.0","hook":{"path":"%s","args":["note","%s"]},"when":{"always":true},"stages":["%s"]}' \
			"$WORK/note" "$WORK/$s" $s >"$WORK/hooks/$s.json"
	done
	cat >"$WORK/ctx/Containerfile" <<-EOF
		FROM $IMAGE
		ENV LD_PRELOAD=/proc/self/cwd/x.so PATH=/evil BASH_ENV=/evil ENV=/evil
		LABEL hooks.prestart=/evil io.podman.hooks=/evil
		RUN mkdir -p /usr/share/containers/oci/hooks.d /etc/containers/oci/hooks.d && : >/x.so && echo '{' >/etc/containers/oci/hooks.d/x.json && cp /etc/containers/oci/hooks.d/x.json /usr/share/containers/oci/hooks.d
		WORKDIR /usr
	EOF
	cuddy build -q -t evil "$WORK/ctx" >/dev/null
	run env SECRET=hidden "$CUDDY" run --rm --network none --hooks-dir "$WORK/hooks" -e LD_AUDIT=/x.so evil /bin/true
	[ "$status" = 0 ] || fail "$output"
	for s in prestart createRuntime createContainer; do
		[ -e "$WORK/$s.env" ]
		[ -z "$(cat "$WORK/$s.env")" ]
		[ "$(cat "$WORK/$s.cwd")" = / ]
		run ! grep -q 'x\.so' "$WORK/$s.maps"
		[ "$(grep -c -- '->' "$WORK/$s.fds")" -le 4 ] # its own three and the directory that ls reads
	done
	cuddy rmi -f evil >/dev/null
}

@test "R25: files and programs that others can write are refused" {
	mkdir "$WORK/hooks"
	cp /bin/true "$WORK/prog"
	printf '{"version":"1.0.0","hook":{"path":"%s"},"when":{"always":true},"stages":["prestart"]}' "$WORK/prog" >"$WORK/hooks/a.json"
	run -0 cuddy run --rm --network none --hooks-dir "$WORK/hooks" "$IMAGE" true
	chmod 0775 "$WORK/prog"
	run --separate-stderr cuddy run --rm --network none --hooks-dir "$WORK/hooks" "$IMAGE" true
	one_line_error 125 'can be written by others'
	chmod 0755 "$WORK/prog"
	chmod 0666 "$WORK/hooks/a.json"
	run --separate-stderr cuddy run --rm --network none --hooks-dir "$WORK/hooks" "$IMAGE" true
	one_line_error 125 'can be written by others'
}
