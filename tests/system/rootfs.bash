# A container's root file by file, beside what umoci unpacks of the same image.

# What cuddy itself puts into a root; umoci's has none of it.
OURS='etc/hosts etc/hostname etc/resolv.conf etc/mtab dev proc sys run/.containerenv run/secrets .dockerenv'

by_umoci() { # by_umoci ARCHIVE OUT
	local d=$BATS_TEST_TMPDIR
	skopeo copy -q "oci-archive:$1" "oci:$d/oci:x"
	unshare --user --map-auto --map-root-user sh -c "
		umoci unpack --image '$d/oci:x' '$d/bundle' >/dev/null && '$FIXTURES/fsmanifest.py' '$d/bundle/rootfs' $OURS" >"$2"
	unshare --user --map-auto --map-root-user rm -rf "$d/bundle" "$d/oci"
}

by_cuddy() { # by_cuddy IMAGE OUT
	local image=$1 out=$2 id p
	id=$(cuddy run -d --network none --no-hosts --entrypoint sleep "$image" 1000)
	p=$(container_pid "$id")
	nsenter --preserve-credentials --user -t "$p" "$FIXTURES/fsmanifest.py" "/proc/$p/root" $OURS >"$out"
	cuddy rm -f -t 0 "$id" >/dev/null
}

same() { # same EXPECTED GOT
	[ "$(wc -l <"$1")" -gt 20 ]
	diff "$1" "$2" | cut -c1-300 | head -n 40
	cmp -s "$1" "$2"
}
