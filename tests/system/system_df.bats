#!/usr/bin/env bats
# What is on disk, and who needs it.
load helpers

# du_in_b DIRECTORY...: what du says of the store's directories, seen with the subordinate ids.
du_in_b() {
	(cd "$CUDDY_ROOT" && unshare --user --map-auto --map-root-user du -c -s -B1 $* | awk 'END { print $1 }')
}

raw() { # raw KIND FIELD
	cuddy system df --format "{{.Type}}:{{.$2}}" | sed -n "s/^$1://p"
}

# images: S11
@test "system df: the sizes are what du says of the store, hard links and layers once" {
	cuddy tag "$IMAGE" localhost/second:name
	cuddy run --name c -v data:/data "$IMAGE" sh -c 'dd if=/dev/zero of=/data/x bs=64k count=40 2>/dev/null; ln /data/x /data/y; echo hello >/file'
	[ $(($(raw Images RawSize) + $(raw "Build Cache" RawSize))) = "$(du_in_b layers images refs blobs cache staging locks parts)" ]
	[ "$(raw Containers RawSize)" = "$(du_in_b containers names)" ]
	[ "$(raw "Local Volumes" RawSize)" = "$(du_in_b volumes)" ]
	[ "$(raw "Local Volumes" RawSize)" -gt $((40 * 65536)) ]
	[ "$(raw "Local Volumes" RawSize)" -lt $((80 * 65536)) ]
}

@test "system df: active is what a container needs or what runs, the rest could go" {
	cuddy volume create spare
	cuddy create --name c -v data:/data "$IMAGE" sleep 1000
	run -0 cuddy system df --format '{{.Type}} {{.Total}} {{.TotalCount}} {{.Active}}'
	[ "$output" = "Images 1 1 1
Containers 1 1 0
Local Volumes 2 2 1
Build Cache 0 0 0" ]
	[ "$(raw Images RawReclaimable)" = 0 ]
	[ "$(raw Containers RawReclaimable)" = "$(du_in_b containers/*)" ]
	[ "$(raw "Local Volumes" RawReclaimable)" = "$(du_in_b volumes/spare)" ]
	cuddy start c
	[ "$(raw Containers Active)" = 1 ]
	[ "$(raw Containers RawReclaimable)" = 0 ]
	cuddy rm -f -t 0 c
	[ "$(raw Images RawReclaimable)" = "$(du_in_b layers/* images/*)" ]
	[[ "$(raw Images Reclaimable)" =~ ^[0-9.]+[kMG]?B\ \([0-9]+%\)$ ]]
}

# images: S3
@test "system df: two images with a layer in common share it" {
	(cd "$FIXTURES" && python3 - "$WORK") <<'PY'
import sys
from mkimg import *
common, one, two = [file("common", b"c" * 500000)], [file("one", b"1" * 100000)], [file("two", b"2" * 200000)]
Image([common, one]).docker_archive(sys.argv[1] + "/one.tar", ["localhost/one:v"])
Image([common, two]).docker_archive(sys.argv[1] + "/two.tar", ["localhost/two:v"])
PY
	cuddy load -q -i "$WORK/one.tar"
	cuddy load -q -i "$WORK/two.tar"
	[ $(($(raw Images RawSize) + $(raw "Build Cache" RawSize))) = "$(du_in_b layers images refs blobs cache staging locks parts)" ]
	run -0 cuddy system df -v
	[[ "${lines[0]}" = "Images space usage:" ]]
	[[ "${lines[1]}" =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE\ +SHARED\ SIZE\ +UNIQUE\ SIZE\ +CONTAINERS$ ]]
	grep -q 'Containers space usage:' <<<"$output"
	grep -Eq '^VOLUME NAME +LINKS +SIZE$' <<<"$output"
	# SIZE, SHARED SIZE and UNIQUE SIZE in kB: the common layer is 500 of them.
	for line in 'one 100' 'two 200'; do
		read -r name own <<<"$line"
		read -r size shared unique < <(sed -n "s|^localhost/$name .* ago *||p" <<<"$output" | awk '{ print int($1), int($2), int($3) }')
		[ "$shared" -ge 500 ]
		[ "$shared" -lt 540 ]
		[ "$unique" -ge "$own" ]
		[ "$unique" -lt $((own + 60)) ]
		[ "$size" -ge $((shared + unique - 1)) ]
		[ "$size" -le $((shared + unique + 2)) ]
	done
}

@test "system df: json is what scripts read; an empty store has zeroes; details are one object for templates" {
	cuddy system df --format json | python3 -c '
import json, sys
v = json.load(sys.stdin)
assert [k["Type"] for k in v] == ["Images", "Containers", "Local Volumes", "Build Cache"], v
assert all(set(k) >= {"Total", "Active", "Size", "Reclaimable", "RawSize", "RawReclaimable"} for k in v), v
assert v[1]["Total"] == 0 and v[1]["RawReclaimable"] == 0 and v[1]["Reclaimable"] == "0B (0%)", v'
	cuddy volume create details >/dev/null
	[ "$(cuddy system df -v --format '{{range .Images}}{{.Repository}} {{.Containers}}{{end}}|{{len .Containers}}|{{range .Volumes}}{{.Name}} {{.Links}}{{end}}|{{len .BuildCache}}')" = "localhost/busybox 0|0|details 0|0" ]
	[ "$(cuddy system df -v --format json | jq -c '[keys[], .Volumes[0].Name]')" = '["BuildCache","Containers","Images","Volumes","details"]' ]
	cuddy volume rm details >/dev/null
	run -125 cuddy system df extra
}

# images: S11
@test "system df: what builds keep is a row of its own; builder prune takes what was used longest ago, until enough is left" {
	mkdir "$WORK/ctx" && cd "$WORK/ctx"
	# What only an earlier stage has is no image's.
	step() { printf 'FROM localhost/busybox AS a\nRUN --network=none head -c 2000000 /dev/urandom >/%s\nFROM scratch\nCOPY --from=a /etc/passwd /%s\n' "$1" "$1"; }
	step old >Old && step new >New
	printf 'FROM localhost/busybox\nRUN --network=none --mount=type=cache,target=/c head -c 500000 /dev/zero >/c/x\n' >Mount
	for f in Old New Mount; do cuddy build -q -f $f . >/dev/null; done
	# Nobody's layers, the caches of commands, and their lists.
	wait_until 20 no_strays
	loose=$(ls "$CUDDY_ROOT/layers" | grep -vFf <(jq -r '.rootfs.diff_ids[]' "$CUDDY_ROOT/images/"*/config | cut -d: -f2) | sed 's|^|layers/|')
	[ "$(wc -w <<<"$loose")" = 2 ]
	[ "$(raw "Build Cache" RawSize)" = "$(du_in_b cache $loose)" ]
	[ "$(raw "Build Cache" RawReclaimable)" = "$(raw "Build Cache" RawSize)" ]
	[ $(($(raw Images RawSize) + $(raw "Build Cache" RawSize))) = "$(du_in_b layers images refs blobs cache staging locks parts)" ]
	run -0 cuddy system df -v
	[[ "$output" == *"Build cache usage:"* ]]
	grep -Eq '^CACHE ID +CACHE TYPE +SIZE +CREATED +LAST USED +SHARED$' <<<"$output"
	[ "$(grep -c 'exec.cachemount' <<<"$output")" = 1 ]
	[ "$(grep -cE ' regular +2(\.[0-9]+)? ?MB ' <<<"$output")" = 2 ]
	# Old was used before New: it goes, and no more than that.
	cuddy build -q -f New . >/dev/null
	run -0 cuddy builder prune -f --max-used-space 3MB
	[[ "$output" == "Results: "*"Caches: 0"* ]]
	[ "$(raw "Build Cache" RawSize)" -lt 3200000 ]
	run -0 --separate-stderr cuddy build -f New .
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 2 ]
	run -0 --separate-stderr cuddy build -f Old .
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 1 ] # the image has its copy
	small() { [ "$(raw "Build Cache" RawSize)" -lt 1000000 ]; }
	run ! small
	run -0 cuddy builder prune -f --max-used-space 1kB --filter until=1h
	[ "${lines[0]}" = "Results: 0" ]
	# There is that much free, or what is kept is worth more than it.
	for few in '--keep-storage 100MB' '--reserved-space 100MB' '--min-free-space 1kB' '--min-free-space 900PB --reserved-space 100MB'; do
		run -0 cuddy builder prune -f $few
		[ "${lines[0]}" = "Results: 0" ] || fail "$few: $output"
	done
	# Without being asked, as the settings say: by size, and by age.
	printf '[engine]\nbuild_cache_max = "600kB"\n' >"$WORK/containers.conf"
	printf 'FROM localhost/busybox\nRUN --network=none touch /x\n' >Small
	CONTAINERS_CONF=$WORK/containers.conf cuddy build -q -f Small . >/dev/null
	wait_until 20 small
	printf 'FROM localhost/busybox\nRUN --network=none touch /y\n' >Small
	CUDDY_BUILD_CACHE_AGE=1ms cuddy build -q -f Small . >/dev/null
	no_mounts_left() { [ -z "$(ls "$CUDDY_ROOT/cache/mounts")" ]; }
	wait_until 20 no_mounts_left
	# By what is free: below the least it goes, on a disk with room it stays.
	cuddy build -q -f Old . >/dev/null
	printf 'FROM localhost/busybox\nRUN --network=none touch /z\n' >Small
	CUDDY_BUILD_CACHE_MIN_FREE=1kB cuddy build -q -f Small . >/dev/null
	wait_until 20 no_strays
	run ! small
	printf '[engine]\nbuild_cache_min_free = "900PB"\n' >"$WORK/containers.conf"
	printf 'FROM localhost/busybox\nRUN --network=none touch /zz\n' >Small
	CONTAINERS_CONF=$WORK/containers.conf cuddy build -q -f Small . >/dev/null
	wait_until 20 small
	CUDDY_BUILD_CACHE_MIN_FREE=some run -125 --separate-stderr cuddy build -q -f Small .
	[[ "$stderr" == "cuddy: build: build cache: min_free 'some': a size"* ]]
	CUDDY_BUILD_CACHE_MAX=many run -125 --separate-stderr cuddy build -q -f Small .
	[[ "$stderr" == "cuddy: build: build cache: max 'many': a size"* ]]
	wait_until 20 no_strays
	cuddy build -q -f Old . >/dev/null
	run ! small
	cuddy builder prune -a -f --min-free-space 900PB >/dev/null
	small
	cuddy builder prune -a -f >/dev/null
	[ "$(raw "Build Cache" Total)" = 0 ]
}
