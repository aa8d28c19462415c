#!/usr/bin/env bats
# User namespaces: whose ids are whose, seen from inside, from outside and in /proc.
load helpers

UID_=$(id -u)
GID_=$(id -g)

setup() {
	test_begin
	[ "$(awk -F: -v u="$(id -un)" '$1 == u { n += $3 } END { print n + 0 }' /etc/subuid)" -ge 20000 ] || lacks "no subordinate ids"
}

map() { echo "awk '{ print \$1, \$2, \$3 }' /proc/self/$1"; }   # in the container
host_map() { awk '{ print $1, $2, $3 }' "/proc/$(cuddy inspect --format '{{.State.Pid}}' "$1")/uid_map"; }

@test "private: root inside is the caller, each container has a namespace of its own" {
	cuddy run --network none -d --name a "$IMAGE" sleep 1000
	cuddy run --network none -d --name b --userns private "$IMAGE" sleep 1000
	[ "$(host_map a | head -1)" = "0 $UID_ 1" ]
	ns() { readlink "/proc/$(cuddy inspect --format '{{.State.Pid}}' "$1")/ns/user"; }
	[ "$(ns a)" != "$(ns b)" ]
	run -0 cuddy run --network none --rm --userns container:a "$IMAGE" readlink /proc/self/ns/user
	[ "$output" = "$(ns a)" ]
	run --separate-stderr cuddy run --network none --rm --userns container:nosuch "$IMAGE" true
	one_line_error 125 nosuch
	run -0 cuddy run --network none --rm --userns host "$IMAGE" sh -c 'cat /proc/self/uid_map; readlink /proc/self/ns/user'
	[ "$(awk '{ print $2 }' <<<"${lines[0]}")" = "$UID_" ]
	[ "${lines[-1]}" = "$(cuddy unshare readlink /proc/self/ns/user)" ]
}

# images: S14
@test "keep-id: the caller is himself, files of the image keep their owners, what he makes is his" {
	mkdir "$WORK/d"
	echo mine >"$WORK/d/f"
	chmod 0600 "$WORK/d/f"
	run -0 cuddy run --network none --rm --userns keep-id -v "$WORK/d:/d" "$IMAGE" sh -c "id -u; id -g; $(map uid_map); $(map gid_map); stat -c %u:%g / /bin/sh /home/user /d/f; cat /d/f; echo new >/d/g; touch /x 2>/dev/null || echo no"
	[ "${lines[0]} ${lines[1]}" = "$UID_ $GID_" ]
	[ "${lines[2]}" = "0 1 $UID_" ]
	[ "${lines[3]}" = "$UID_ 0 1" ]
	[[ "${lines[4]}" == "$((UID_ + 1)) $((UID_ + 1)) "* ]]
	[ "${lines[5]}" = "0 1 $GID_" ]
	[ "$(tail -n 7 <<<"$output" | xargs)" = "0:0 0:0 1000:1000 $UID_:$GID_ mine no" ] || [ "$(tail -n 6 <<<"$output" | xargs)" = "0:0 0:0 1000:1000 $UID_:$GID_ mine no" ]
	[ "$(stat -c %u:%g "$WORK/d/g")" = "$UID_:$GID_" ]
}

@test "keep-id: root inside may do as root does, a user of the image and setuid work, --user wins" {
	run -0 cuddy run --network none --rm --userns keep-id -u 0 "$IMAGE" sh -c 'touch /x && chown 1000:50 /x && stat -c %u:%g /x /; id -u'
	[ "$(echo $output)" = "1000:50 0:0 0" ]
	run -0 cuddy run --network none --rm --userns keep-id -u user "$IMAGE" sh -c 'id -u; touch /home/user/f; stat -c %u /home/user/f'
	[ "$(echo $output)" = "1000 1000" ]
	cuddy create --name c --userns keep-id -u 0 "$IMAGE" sh -c 'echo $(cat /n 2>/dev/null)x >/n; chown 5 /n; stat -c %u /n; cat /n'
	run -0 cuddy start -a c
	[ "$(echo $output)" = "5 x" ]
	run -0 cuddy start -a c
	[ "$(echo $output)" = "5 xx" ]
	[ "$(cuddy inspect --format '{{.HostConfig.UsernsMode}}' c)" = keep-id ]
}

@test "keep-id: with uid=, gid= and size= of one's choice" {
	run -0 cuddy run --network none --rm --userns keep-id:uid=1000,gid=50 -v "$WORK:/w" "$IMAGE" sh -c "id -u; id -g; $(map uid_map); stat -c %u:%g /w /home/user"
	[ "${lines[0]} ${lines[1]} ${lines[2]} ${lines[3]}" = "1000 50 0 1 1000 1000 0 1" ]
	[ "$(tail -n 2 <<<"$output" | xargs)" = "1000:50 1000:1000" ]
	run -0 cuddy run --network none --rm --userns keep-id:uid=100,gid=100,size=2000 -u 0 "$IMAGE" sh -c "$(map uid_map)"
	[ "$(awk '{ n += $3 } END { print n }' <<<"$output")" = 2001 ]
	for m in keep-id:nosuch=1 keep-id:uid=x keep-id:uid keepid auto:uid=1 auto:size=x nomap:size=1 ns:/proc/self/ns/user; do
		run --separate-stderr cuddy run --network none --rm --userns "$m" "$IMAGE" true
		one_line_error 125 "${m%%:*}"
	done
}

@test "nomap: the caller is nobody inside, and what the container makes is not his" {
	mkdir "$WORK/d"
	chmod 0777 "$WORK/d"
	run -0 cuddy run --network none --rm --userns nomap -v "$WORK/d:/d" -v v:/v -v w:/home "$IMAGE" sh -c "id -u; stat -c %u / /bin/sh /home/user /d /v; touch /x /v/f /home/g /d/h; $(map uid_map)"
	[ "$(head -n 6 <<<"$output" | xargs)" = "0 0 0 1000 65534 0" ]
	[[ "${lines[6]}" == "0 1 "* ]]
	[ "$(stat -c %u "$WORK/d/h")" != "$UID_" ]
	run -0 cuddy run --network none --rm --userns nomap -v v:/v "$IMAGE" ls /v
	[ "$output" = f ]
	rm -f "$WORK/d/h"
}

@test "auto: ranges of their own, large enough for the image, free again when the container is gone" {
	cuddy run --network none -d --name a --userns auto "$IMAGE" sleep 1000
	cuddy run --network none -d --name b --userns auto:size=3000 "$IMAGE" sleep 1000
	cuddy run --network none -d --name c --userns auto -u 5000 "$IMAGE" sleep 1000
	read -r _ a an <<<"$(host_map a)"
	read -r _ b bn <<<"$(host_map b)"
	read -r _ c cn <<<"$(host_map c)"
	[ "$an" -ge 1001 ]
	[ "$bn" -eq 3000 ]
	[ "$cn" -ge 5001 ]
	for pair in "$a $an $b $bn" "$a $an $c $cn" "$b $bn $c $cn"; do
		read -r x xn y yn <<<"$pair"
		[ $((x + xn)) -le "$y" ] || [ $((y + yn)) -le "$x" ] || fail "overlap: $pair"
	done
	run -0 cuddy exec b stat -c %u / /home/user
	[ "$(echo $output)" = "0 1000" ]
	cuddy exec -u 0 b sh -c 'touch /x && chown 2999 /x'
	run cuddy exec -u 0 b chown 3000 /x
	[ "$status" -ne 0 ]
	cuddy rm -f -t 0 a
	cuddy run --network none -d --name a --userns auto "$IMAGE" sleep 1000
	[ "$(host_map a)" = "0 $a $an" ]
	run -0 cuddy run --network none --rm --userns auto:size=2000,uidmapping=0:5:1,gidmapping=3:6:2 "$IMAGE" sh -c "$(map uid_map) | xargs -n 3 | sort -n; echo; $(map gid_map) | sort -n"
	[[ "$output" == $'0 5 1\n'*$'\n\n'*$'\n3 6 2\n'* ]]
	run --separate-stderr cuddy run --network none --rm --userns auto:size=100000000 "$IMAGE" true
	one_line_error 125 'auto'
}
