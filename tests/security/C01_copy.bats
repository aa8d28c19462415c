#!/usr/bin/env bats
# C01-C04: cp, while what it copies from or to is changed into links out of the container; foreign archives.
load hostile

swapping() { # swapping NAME - a container where files and directories, one above a volume, change places with links to the canary
	cuddy run -d --name "$1" --network none -v swapped:/par/d/dir -v "${CUDDY%/*}/tools:/t:ro" "$IMAGE" sh -c "echo mine >/par/d/dir/inner; ln -s $VICTIM /par/l; mkdir -p /a /keep/x; echo mine >/a/f; echo mine >/keep/f; echo mine >/keep/x/f
		ln -s $VICTIM /a/link; ln -s / /a/root; ln -s ../../../../../../../..$VICTIM /a/up; ln -s $VICTIM/f /a/file; mkdir /swap; ln -s $VICTIM /swap/l; mkdir /swap/d; echo mine >/swap/d/f; echo mine >/swap/f; ln -s $VICTIM/f /swap/k
		exec /t/procspy swap /swap/d /swap/l /swap/f /swap/k /par/d /par/l"
	wait_log "$1" ready
}

no_canary() { ! grep -r -q canary-bytes "$@" 2>/dev/null; }

@test "C01: links in a container lead nowhere outside of it, when it is copied from and to" {
	swapping c
	echo payload >"$WORK/p"
	mkdir "$WORK/out"
	for from in /a/link/f /a/root$VICTIM/f /a/up/f /a/file /a/link/. /a/link; do
		run cuddy cp "c:$from" "$WORK/out/x"
		no_canary "$WORK/out"
		run bash -c "'$CUDDY' cp 'c:$from' - | grep -q canary-bytes"
		[ "$status" -ne 0 ]
	done
	cuddy cp c:/a/. "$WORK/out"
	no_canary "$WORK/out/f"
	[ "$(readlink "$WORK/out/link")" = "$VICTIM" ]          # as it is: a link
	for to in /a/link/n /a/link/f /a/up/n /a/root$VICTIM/n /a/file /a/link/ /a/root/../../..$VICTIM/n; do
		run cuddy cp "$WORK/p" "c:$to"
		victim_is_unchanged
	done
	for to in /a/link /a/up /a/link/new; do # C04: a directory, whose mode and times its copy has
		mkdir -p -m 0700 "$WORK/dir/sub"
		run cuddy cp "$WORK/dir" "c:$to"
		run cuddy cp "$WORK/dir/." "c:$to"
		victim_is_unchanged
	done
	mkdir -p "$WORK/tree/link/dir"
	echo payload >"$WORK/tree/link/f"
	echo payload >"$WORK/tree/link/dir/inner"
	run --separate-stderr cuddy cp "$WORK/tree/." c:/a
	one_line_error 125 link
	victim_is_unchanged
	cuddy rm -f -t 0 c
	cuddy volume rm swapped
}

@test "C01, C02: many copies to and from a place that is now a directory, now a link to the host's" {
	swapping c
	echo payload >"$WORK/p"
	mkdir "$WORK/out" "$WORK/tree"
	echo payload >"$WORK/tree/f"
	copies() { # copies N: two of them, one there and one back, or what lies around
		local out=$WORK/out/$1
		mkdir "$out"
		case $(($1 % 3)) in
		0)
			"$CUDDY" cp "$WORK/p" c:/swap/d/f
			"$CUDDY" cp c:/swap/d/f "$out/f"
			;;
		1)
			"$CUDDY" cp "$WORK/tree" c:/swap/l
			"$CUDDY" cp c:/swap/. "$out/all"
			;;
		2)
			"$CUDDY" cp "$WORK/p" c:/par/d/dir/new
			"$CUDDY" cp c:/par/d/dir/inner "$out/inner"
			;;
		esac
		! grep -rqE 'canary-bytes|inner' "$out" || echo "$1" >>"$WORK/came-out" # what is a link is not followed
		find "$out" -type f >>"$WORK/copied"
		rm -rf "$out"
	} 2>/dev/null
	export -f copies
	export CUDDY WORK
	seq "${CUDDY_TEST_ROUNDS:-300}" | xargs -P 4 -I{} bash -c 'copies {}'
	[ ! -e "$WORK/came-out" ] || fail "the host's came out in $(wc -l <"$WORK/came-out")"
	for what in f all inner; do grep -q "/$what" "$WORK/copied" || fail "no $what was ever copied: nobody was at work"; done
	victim_is_unchanged
	status_is c running
	cuddy rm -f -t 0 c
	cuddy volume rm swapped
}

@test "C02, C04: nothing is mounted by path, and no path is given an owner, a mode or a time" {
	cuddy run -d --name other "$IMAGE" sleep 1000   # the base namespace is there: strace takes newuidmap its rights
	cuddy create --name c -v v:/vol "$IMAGE" true
	mkdir "$WORK/d"
	echo x >"$WORK/d/f"
	strace -f -qq -e trace=mount,chown,lchown,chmod,utimensat,fchownat,fchmodat,rename -o "$WORK/trace" "$CUDDY" cp "$WORK/d" c:/vol/
	# of the container's: only the overlay of its root, on /proc/self/fd/N
	grep 'mount("' "$WORK/trace" | grep -v -e 'mount("overlay", "[0-9]*", "overlay"' >"$WORK/bad" || true
	grep -E '(fchownat|utimensat)\((AT_FDCWD|[0-9]+), "[^"]*/' "$WORK/trace" >>"$WORK/bad" || true
	grep -E ' (chown|lchown|chmod)\("' "$WORK/trace" >>"$WORK/bad" || true
	cat "$WORK/bad"
	[ ! -s "$WORK/bad" ]
	cuddy rm c
	cuddy volume rm v
}

# of_the_root TRACE - what of libraries, names and character sets was opened below a directory, as a container's is;
# the host's own are opened by their whole path
of_the_root() {
	grep -q 'openat2([0-9].*RESOLVE_IN_ROOT' "$1" || echo "nothing of the container was opened"
	grep -E 'pivot_root\(|chroot\(|openat2?\([0-9]+, "[^"]*(\.so|nsswitch|gconv|locale)' "$1" || true
}

@test "C03: archives are decoded in the process: no program is started for one, no library of the root is loaded" {
	cuddy run -d --name c --network none "$IMAGE" sleep 1000
	mkdir "$WORK/d"
	echo x >"$WORK/d/f"
	for z in --gzip --xz --zstd --bzip2; do
		tar -c $z -f "$WORK/a" -C "$WORK" d
		strace -f -qq -e trace=execve,openat,openat2,pivot_root,chroot -o "$WORK/trace" "$CUDDY" cp - c:/tmp <"$WORK/a"
		[ -z "$(of_the_root "$WORK/trace")" ] || fail "$z: $(of_the_root "$WORK/trace")"
		[ "$(grep -c 'execve(' "$WORK/trace")" = 2 ]       # cuddy and cuddy-transfer
		[ "$(cuddy exec c cat /tmp/d/f)" = x ]
	done
}

@test "C01: an archive's names and links stay below the directory it is extracted into" {
	cuddy run -d --name c --network none "$IMAGE" sh -c "ln -s $VICTIM /tmp/out; mkdir /tmp/d; touch /ready; exec sleep 1000"
	wait_until 20 cuddy exec c test -e /ready
	python3 - "$WORK/a.tar" <<-EOT
		import io, os, sys, tarfile
		t = tarfile.open(sys.argv[1], "w")
		def add(name, kind=tarfile.REGTYPE, link="", data=b"payload"):
		    i = tarfile.TarInfo(name)
		    i.type, i.linkname, i.size = kind, link, len(data) if kind == tarfile.REGTYPE else 0
		    t.addfile(i, io.BytesIO(data))
		add("fine")
		add(sys.argv[1] and "out/n")
		t.close()
	EOT
	run --separate-stderr cuddy cp - c:/tmp <"$WORK/a.tar"
	one_line_error 125 out
	victim_is_unchanged
	for spec in "../x||" "d/l|2|$VICTIM" "d/h|1|../../$VICTIM/f" "d/h|1|out/f" "../../../../$VICTIM/n||"; do
		IFS='|' read -r name kind link <<<"$spec"
		python3 -c '
import io, sys, tarfile
t = tarfile.open(sys.argv[1], "w")
i = tarfile.TarInfo(sys.argv[2]); i.type = (sys.argv[3] or "0").encode(); i.linkname = sys.argv[4]
t.addfile(i)
if sys.argv[3] == "2":
    i = tarfile.TarInfo(sys.argv[2] + "/n"); i.size = 1; t.addfile(i, io.BytesIO(b"x"))
t.close()' "$WORK/b.tar" "$name" "$kind" "$link"
		run --separate-stderr cuddy cp - c:/tmp <"$WORK/b.tar"
		echo "$spec: $status $stderr"
		[ "$status" -eq 125 ]
		victim_is_unchanged
	done
}
