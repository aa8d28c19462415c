#!/usr/bin/env bats
# C05: who exports a container packs files of the container, whatever its processes do meanwhile.
load hostile

@test "C05: a file and a link to the host's file change places all the time" {
	cuddy run -d --name c --network none "$IMAGE" sh -c "mkdir /d; echo mine >/d/f; ln -s $VICTIM/f /d/l; ln -s $VICTIM /d/k; mkdir /d/dir; echo mine >/d/dir/f
		while :; do mv /d/f /d/t; mv /d/l /d/f; mv /d/t /d/l; mv /d/dir /d/t; mv /d/k /d/dir; mv /d/t /d/k; mv /d/f /d/t; mv /d/l /d/f; mv /d/t /d/l; mv /d/dir /d/t; mv /d/k /d/dir; mv /d/t /d/k; done"
	wait_until 20 cuddy exec c test -e /d/dir/f
	for i in $(seq "${CUDDY_TEST_ROUNDS:-150}"); do
		cuddy export -o "$WORK/c.tar" c || true        # what vanishes between list and look is no error, but files may
		! grep -q -s -a canary-bytes "$WORK/c.tar" || fail "the host's file came out"
	done
	tar -t -f "$WORK/c.tar" >/dev/null
	victim_is_unchanged
}

@test "C05: FIFOs and links to endless devices stop nothing" {
	cuddy run -d --name c --network none "$IMAGE" sh -c 'mkfifo /p; ln -s /dev/zero /z; touch /ready; exec sleep 1000'
	wait_until 20 cuddy exec c test -e /ready
	run -0 timeout 60 "$CUDDY" export -o "$WORK/c.tar" c
	tar -t -v -f "$WORK/c.tar" >"$WORK/list"
	grep -q '^p.* p$' "$WORK/list"
	grep -q '^l.* z -> /dev/zero$' "$WORK/list"
}
