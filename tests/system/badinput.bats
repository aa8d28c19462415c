#!/usr/bin/env bats
# Whatever is wrong with what a user typed or a host lacks: one line on stderr, the right status, nothing changed.
load helpers

refused() { # refused PATTERN COMMAND...: 125, one line, nothing changed
	local pattern=$1 before after
	shift
	before=$(snapshot)
	run --separate-stderr "$CUDDY" "$@"
	echo "cuddy $*: $stderr"
	one_line_error 125 "$pattern"
	after=$(snapshot)
	[ "$before" = "$after" ] || { diff <(echo "$before") <(echo "$after"); false; }
}

@test "badinput: an unknown command, with the one that was meant" {
	refused 'nosuchverb' nosuchverb
	refused "pull" pul
	refused 'nosuch' container nosuch
}

@test "badinput: an unknown flag of every verb" {
	for verb in pull images rmi tag inspect load import run create start ps logs exec attach stop kill wait rm version info; do
		refused 'no-such-flag' $verb --no-such-flag x y
	done
	refused 'no-such-flag' --no-such-flag ps
}

@test "badinput: a flag without its value, with a wrong value, with one it does not take" {
	refused 'name' run --name
	refused 'time' stop --time soon x
	refused 'shm-size' run --shm-size 12q "$IMAGE" true
	refused 'detach' run --detach=maybe "$IMAGE" true
	refused 'oom-score-adj' run --oom-score-adj 5000 "$IMAGE" true
	refused 'KEY=VALUE' run --annotation x "$IMAGE" true
	refused 'stop-signal|SIGNOPE' run --stop-signal SIGNOPE "$IMAGE" true
	refused "'x/y/z/w' is not a platform" run --platform x/y/z/w "$IMAGE" true
}

@test "badinput: too few and too many operands" {
	refused '' run
	refused '' exec
	refused '' stop
	refused '' rm
	refused '' tag "$IMAGE"
	refused '' images a b c
	refused '' rmi
}

@test "badinput: references that are none" {
	for ref in '' ' ' 'host/UPPER' 'a b' 'x:' ':tag' 'x@sha256:short' "x:$(printf 't%.0s' {1..130})" 'http://x/y' '../x' 'a//b' 'x@sha256:zz'; do
		refused '' run --rm --pull never "$ref" true
		refused '' pull -q "$ref"
		refused '' tag "$IMAGE" "$ref"
	done
}

@test "badinput: an image that is not here and may not be pulled" {
	refused 'nosuch' run --pull never localhost/nosuch true
	run --separate-stderr cuddy rmi localhost/nosuch
	one_line_error 1 nosuch
	refused 'nosuch' tag localhost/nosuch localhost/other
	# As with podman and docker the array is printed in any case: without what is not there.
	for verb in 'image inspect' inspect; do
		run --separate-stderr cuddy $verb localhost/nosuch
		[ "$status" -eq 125 ]
		[ "$output" = '[]' ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ "$stderr" == cuddy:*nosuch* ]]
	done
}

@test "badinput: ports, networks, hosts and name servers that are none" {
	for p in 0 65536 80:90:100:110 1.2.3.4 x:80 80:x 80/icmp 10-5:10-5 1-3:1-2 256.1.1.1:80:80 '[::1:80:80'; do
		refused '' run --rm -p "$p" "$IMAGE" true
	done
	refused 'nosuchnet' run --rm --network nosuchnet "$IMAGE" true
	refused '' run --rm --add-host nocolon "$IMAGE" true
	refused '' run --rm --add-host $'h:1.1.1.1\n2.2.2.2 x' "$IMAGE" true
	refused '' run --rm --dns 1.1.1 "$IMAGE" true
	refused '' run --rm --dns $'1.1.1.1\nsearch x' "$IMAGE" true
}

@test "badinput: options that do not go together" {
	refused '' run --network none -p 8080:80 "$IMAGE" true
	refused '' run --rm -e '=x' "$IMAGE" true
}

@test "badinput: archives that are none, empty, cut short or not there" {
	: >"$WORK/empty"
	echo 'this is no archive' >"$WORK/text"
	head -c 700000 "$(image_file busybox)" >"$WORK/short"
	refused '' load -q -i "$WORK/empty"
	refused 'not a tar archive' load -q -i "$WORK/text"
	refused 'truncated' load -q -i "$WORK/short"
	refused 'missing' load -q -i "$WORK/missing"
	refused 'not a tar archive' import -q "$WORK/text" localhost/x
	[ "$(cuddy images -q | wc -l)" -eq 1 ]
}

@test "badinput: a store that cannot be written to" {
	cuddy create --name c "$IMAGE" true
	chmod 500 "$CUDDY_ROOT" "$CUDDY_ROOT"/{containers,names,staging}
	run --separate-stderr cuddy create --name d "$IMAGE" true
	chmod 700 "$CUDDY_ROOT" "$CUDDY_ROOT"/{containers,names,staging}
	one_line_error 125 'ermission denied'
	run -0 cuddy ps -a --format '{{.Names}}'
	[ "$output" = c ]
}

@test "badinput: a full disk while an image is loaded: nothing of it is seen, and it loads when there is room" {
	# A small tmpfs in namespaces of our own is a disk that fills up. userxattr overlay works on it.
	full=$WORK/full
	mkdir "$full"
	run --separate-stderr unshare --user --map-auto --map-root-user --mount --fork sh -c "
		mount -t tmpfs -o size=1200k,mode=0700 none '$full' && mkdir -m 0700 '$full/root' '$full/run' &&
		CUDDY_ROOT='$full/root' CUDDY_RUNROOT='$full/run' '$CUDDY' load -q -i '$(image_file busybox)'; st=\$?
		CUDDY_ROOT='$full/root' CUDDY_RUNROOT='$full/run' '$CUDDY' images -q
		mount -o remount,size=20m '$full'
		CUDDY_ROOT='$full/root' CUDDY_RUNROOT='$full/run' '$CUDDY' load -q -i '$(image_file busybox)' >/dev/null || exit 99
		exit \$st"
	echo "$status $stderr"
	[ "$status" -eq 125 ]
	[ -z "$output" ]
	[[ "$stderr" == *"o space left"* ]]
	# root in there has no subordinate ids, which is said too.
	[ "$(grep -vc '^cuddy: warning: no subordinate ids' <<<"$stderr")" -eq 1 ]
}

@test "badinput: a home that is not there, a root that is a file or belongs to somebody else" {
	: >"$WORK/file"
	run --separate-stderr "$CUDDY" --root "$WORK/file" ps
	one_line_error 125 'file'
	run --separate-stderr "$CUDDY" --root / ps
	one_line_error 125 'the store cannot be /'
	run --separate-stderr env -u CUDDY_ROOT -u XDG_DATA_HOME HOME=/nonexistent "$CUDDY" images
	one_line_error 125 'nonexistent'
	ln -s /tmp "$WORK/link"
	run --separate-stderr "$CUDDY" --root "$WORK/link" ps
	[ "$status" -eq 125 ]
}

@test "badinput: errors hold no control characters of what was typed" {
	run --separate-stderr cuddy inspect $'evil\e[31m\x07name'
	[ "$status" -eq 125 ]
	! grep -q $'[\x01-\x08\x0b-\x1f\x7f]' <<<"$stderr" || fail "it was there"
}

@test "badinput: --help of every verb is on stdout, with status 0" {
	for verb in pull images rmi tag inspect load import run create start ps logs exec attach stop kill wait rm version info; do
		run -0 --separate-stderr cuddy $verb --help
		[ -n "$output" ]
		[ -z "$stderr" ]
	done
	run -0 --separate-stderr cuddy --help
	[ -z "$stderr" ]
}

@test "badinput: a closed stdout is an error, not silence" {
	run bash -c '"$CUDDY" images >/dev/full'
	[ "$status" -ne 0 ]
}
