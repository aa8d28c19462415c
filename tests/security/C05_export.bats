#!/usr/bin/env bats
# C05: who exports a container packs files of the container, whatever its processes do meanwhile.
load hostile

@test "C05: files and directories, of the root and of a volume, change places with links to the host's all the time" {
	pairs=()
	for d in /d /v; do
		for i in 1 2 3; do pairs+=($d/f$i $d/l$i $d/dir$i $d/k$i); done
	done
	cuddy run -d --name c --network none -v swapped:/v -v "${CUDDY%/*}/tools:/t:ro" "$IMAGE" sh -c "mkdir /d; for d in /d /v; do for i in 1 2 3; do
		echo mine >\$d/f\$i; ln -s $VICTIM/f \$d/l\$i; mkdir \$d/dir\$i; echo mine >\$d/dir\$i/f; ln -s $VICTIM \$d/k\$i; done; done; exec /t/procspy swap ${pairs[*]}"
	wait_log c ready
	one_export() { # what vanishes between list and look is no error, but files may
		local out=$WORK/c.$1.tar
		if [ $(($1 % 2)) = 0 ]; then "$CUDDY" volume export -o "$out" swapped; else "$CUDDY" export -o "$out" c; fi 2>/dev/null || true
		! grep -qsa canary-bytes "$out" || echo "$1" >>"$WORK/came-out"
		[ "$1" -le 2 ] || rm -f "$out"
	}
	export -f one_export
	export CUDDY WORK
	seq "${CUDDY_TEST_ROUNDS:-300}" | xargs -P 3 -I{} bash -c 'one_export {}'
	[ ! -e "$WORK/came-out" ] || fail "the host's file came out in $(wc -l <"$WORK/came-out")"
	[ "$(tar -t -f "$WORK/c.1.tar" | grep -c '^bin/')" -gt 10 ]
	[ "$(tar -t -f "$WORK/c.2.tar" | wc -l)" -ge 3 ]
	victim_is_unchanged
	status_is c running
	cuddy rm -f -t 0 c
	cuddy volume rm swapped
}

@test "C05: FIFOs and links to endless devices stop nothing" {
	cuddy run -d --name c --network none "$IMAGE" sh -c 'mkfifo /p; ln -s /dev/zero /z; touch /ready; exec sleep 1000'
	wait_until 20 cuddy exec c test -e /ready
	run -0 timeout 60 "$CUDDY" export -o "$WORK/c.tar" c
	tar -t -v -f "$WORK/c.tar" >"$WORK/list"
	grep -q '^p.* p$' "$WORK/list"
	grep -q '^l.* z -> /dev/zero$' "$WORK/list"
}
