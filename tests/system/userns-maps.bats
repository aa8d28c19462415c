#!/usr/bin/env bats
# Maps of ids that users write themselves, and the copies of layers that every map needs.
load helpers

UID_=$(id -u)
GID_=$(id -g)

setup() {
	test_begin
	[ "$(awk -F: -v u="$(id -un)" '$1 == u { n += $3 } END { print n + 0 }' /etc/subuid)" -ge 20000 ] || lacks "no subordinate ids"
}

map() { echo "awk '{ print \$1, \$2, \$3 }' /proc/self/$1"; }   # in the container

@test "uidmap, gidmap: as written, one for both, with @ for ids of the host, with + into what there is" {
	run -0 cuddy run --network none --rm --uidmap 0:1:1000,1000:0:1 --uidmap 1001:1001:20 "$IMAGE" sh -c "$(map uid_map); $(map gid_map); stat -c %u:%g / /home/user"
	[ "$(echo $output)" = "0 1 1000 1000 0 1 1001 1001 20 0 1 1000 1000 0 1 1001 1001 20 0:0 1000:1000" ]
	run -0 cuddy run --network none --rm --uidmap 0:0:2000 --gidmap 0:5:2000 "$IMAGE" sh -c "$(map uid_map); $(map gid_map); stat -c %u:%g /"
	[ "$(echo $output)" = "0 0 1 1 1 1999 0 5 2000 0:0" ] || [ "$(echo $output)" = "0 0 2000 0 5 2000 0:0" ]
	run -0 cuddy run --network none --rm --uidmap "0:@$UID_:1" --uidmap 1:1:2000 --gidmap "0:@$GID_" --gidmap 1:1:2000 "$IMAGE" sh -c "$(map uid_map)"
	[ "$(echo $output)" = "0 0 1 1 1 2000" ]
	run -0 cuddy run --network none --rm --uidmap +7:9 "$IMAGE" awk '$1 <= 7 && 7 < $1 + $3 { print $2 + 7 - $1 }' /proc/self/uid_map
	[ "$output" = 9 ]
	run -0 cuddy run --network none --rm --gidmap +g7:9 "$IMAGE" sh -c "$(map uid_map); awk '\$1 <= 7 && 7 < \$1 + \$3 { print \$2 + 7 - \$1 }' /proc/self/gid_map"
	[ "${lines[*]:0:2} ${lines[-1]}" = "0 0 1 1 1 $(($(awk '{ n += $3 } END { print n }' <<<"$(cuddy unshare cat /proc/self/uid_map)") - 1)) 9" ]
	run -0 cuddy run --network none --rm --subuidname "$(id -un)" "$IMAGE" sh -c "$(map uid_map)"
	[[ "${lines[0]}" == "0 1 "* ]]
}

@test "uidmap: what is not ours, overlaps or lacks root is refused" {
	for m in "1:1:10" "0:0:4000000000" "0:1:100 --uidmap 50:200:100" "0:1:100 --uidmap 200:50:100" "0:@0:1" "0" "0:1:0" "x:1:1" "0:1:1:1"; do
		run --separate-stderr cuddy run --network none --rm --uidmap $m "$IMAGE" true
		echo "$m: $stderr"
		one_line_error 125 uidmap
	done
	run --separate-stderr cuddy run --network none --rm --userns keep-id --uidmap 0:0:1 "$IMAGE" true
	one_line_error 125 keep-id
	run --separate-stderr cuddy run --network none --rm --subuidname root "$IMAGE" true
	one_line_error 125 root
	[ -z "$(cuddy ps -aq)" ]
}

# images: S14
@test "files for other ids are copied once for each map, and go with the layer" {
	copies() { find "$CUDDY_ROOT/layers" -mindepth 2 -maxdepth 2 -name 'as-*' | wc -l; }
	[ "$(copies)" -eq 0 ]
	cuddy run --network none --rm --userns keep-id "$IMAGE" true
	n=$(copies)
	[ "$n" -ge 1 ]
	before=$(find "$CUDDY_ROOT/layers" -maxdepth 2 -name 'as-*' -printf '%i %T@\n' | sort)
	cuddy run --network none --rm --userns keep-id "$IMAGE" true
	[ "$(find "$CUDDY_ROOT/layers" -maxdepth 2 -name 'as-*' -printf '%i %T@\n' | sort)" = "$before" ]
	cuddy rmi "$IMAGE"
	wait_until 20 empty_dir "$CUDDY_ROOT/layers"
}

@test "copies for --userns auto: counted by system df, kept while a container has the map, swept by system prune, gone with the image" {
	copies() { find "$CUDDY_ROOT/layers" "$CUDDY_ROOT/cache" -mindepth 2 -maxdepth 2 -name 'as-*' -printf '%f\n' | sort -u; }
	images() { cuddy system df --format "{{.Type}} {{.$1}}" | sed -n 's/^Images //p'; }
	cuddy create --name plain "$IMAGE" true
	[ "$(images RawReclaimable)" -eq 0 ]
	size=$(images RawSize)
	cuddy run --network none --name a --userns auto "$IMAGE" true
	cuddy run --network none --name b --userns auto "$IMAGE" true
	[ "$(copies | wc -l)" -eq 2 ]
	[ "$(images RawSize)" -gt "$size" ]
	[ "$(images RawReclaimable)" -eq 0 ]
	cuddy rm a
	cuddy image prune -f
	[ "$(copies | wc -l)" -eq 1 ]
	cuddy start -a b
	cuddy rm b
	before=$(images RawReclaimable)
	[ "$before" -gt 0 ]
	cuddy system prune -f --filter label=nothing-has-this
	[ -z "$(copies)" ]
	[ "$(images RawReclaimable)" -eq 0 ]
	[ "$(images RawSize)" -eq "$size" ]
	cuddy run --network none --rm --userns auto "$IMAGE" true
	[ -n "$(copies)" ]
	cuddy rm plain
	cuddy rmi "$IMAGE"
	wait_until 20 empty_dir "$CUDDY_ROOT/layers"
	cuddy system prune -f
	[ -z "$(copies)" ]
}

@test "links, whiteouts, opaque directories, setuid and capabilities are the same under other ids" {
	python3 - "$WORK/i.tar" <<'EOT'
import sys, mkimg, rawimg
base = mkimg.layer_tar(mkimg.busybox_layer(extra=[
	mkimg.dir("d"), mkimg.file("d/one", b"1", mode=0o4755, uid=7, gid=8), mkimg.hard("d/two", "d/one"),
	mkimg.dir("o", uid=9), mkimg.file("o/old", b"x"), mkimg.file("gone", b"x"), mkimg.link("l", "d/one", uid=3, gid=4),
	mkimg.file("t", b"t", mode=0o640, mtime=1234567890)]))
top = mkimg.layer_tar([mkimg.file(".wh.gone"), mkimg.dir("o", uid=10), mkimg.file("o/.wh..wh..opq"), mkimg.file("o/new", b"n", uid=11)])
rawimg.docker_archive(sys.argv[1], [base, top], tags=("localhost/odd:latest",))
EOT
	cuddy load -q -i "$WORK/i.tar"
	look='stat -c "%n %u:%g %a %h" /d/one /d/two /o /o/new /t; stat -c "%u:%g" /l; readlink /l; ls /o; ls /gone 2>/dev/null; stat -c %Y /t; [ /d/one -ef /d/two ] && echo same'
	run -0 cuddy run --network none --rm localhost/odd sh -c "$look"
	plain=$output
	run -0 cuddy run --network none --rm --userns keep-id -u 0 localhost/odd sh -c "$look"
	[ "$output" = "$plain" ] || { diff <(echo "$plain") <(echo "$output"); false; }
	[[ "$output" == *"7:8 4755 2"*same* ]]
}
