#!/usr/bin/env bats
# The repository's own Containerfile: cuddy builds cuddy, whose unit tests run inside, and the image runs containers.
# The bases are made of this machine's own programs, bound to where they belong, so nothing is fetched and apt has
# nothing to do. CUDDY_TEST_DEBIAN=1: on a real Debian, by its packages; that wants its mirror and minutes.
load helpers

setup_file() {
	[ -z "${CUDDY_TEST_DEBIAN:-}" ] || export BATS_TEST_TIMEOUT=900 # it compiles all of cuddy
	file_begin
	[ -z "${CUDDY_TEST_DEBIAN:-}" ] || load_image debian
}
teardown_file() { file_end; }

# A root without programs, as an image.
host_base() {
	local r=$WORK/base d
	mkdir -p "$r"/{usr,opt,proc,sys,dev,run,root,home,var/tmp,var/lib/dpkg,tmp,etc}
	for d in bin sbin lib lib64; do ln -s "usr/$d" "$r/$d"; done
	chmod 1777 "$r/tmp" "$r/var/tmp"
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$r/etc/passwd"
	printf 'root:x:0:\n' >"$r/etc/group"
	cp -a /etc/ld.so.cache /etc/alternatives "$r/etc/"
	tar -C "$r" --owner=0 --group=0 -c . | cuddy import - localhost/host >/dev/null
}

# To compile all takes minutes: of the objects an eighth is compiled there, another one each time; the others, of the same
# compiler, are this tree's own (CUDDY_TEST_SEED=N: that eighth again).
most_objects() {
	[ -n "${CUDDY_TEST_SEED:=$((RANDOM % 8))}" ]
	echo "CUDDY_TEST_SEED=$CUDDY_TEST_SEED"
	mkdir "$WORK/build"
	cp -a "$TOP/${BUILD:-build}"/{obj,static,gen,flags} "$WORK/build/"
	find "$WORK/build" -name '*.o' | sort | awk -v k=$((CUDDY_TEST_SEED % 8)) 'NR % 8 == k' | xargs rm
}

@test "own: cuddy builds cuddy, its unit tests pass inside, and the image runs a container for a user without rights" {
	[[ "${BUILD:-}" != *san-* ]] || skip "the compiler is the same"
	local base=localhost/host binds=(-v /usr:/usr:ro -v /var/lib/dpkg:/var/lib/dpkg:ro -v "$WORK/build:/src/build") flags=() lib make
	lib=/usr/lib/$(gcc -print-multiarch)
	if [ -n "${CUDDY_TEST_DEBIAN:-}" ]; then
		base=localhost/debian:bookworm binds=(--network host) make=OPT=-O0
	else
		host_base
		most_objects
		make=WERROR=
		! grep -q -- -Werror "$WORK/build/flags" || make+=1
		flags=(-v "$lib:$lib:ro" -v /usr/lib64:/usr/lib64:ro -v "$(command -v busybox):/usr/bin/sh:ro")
	fi
	own() {
		cuddy build -q "${binds[@]}" --build-arg "MAKE_FLAGS=$make" "$@" \
			--build-context "docker.io/library/debian:bookworm=container-image://$base" \
			--build-context "docker.io/library/debian:bookworm-slim=container-image://$base" "$TOP" 2>"$WORK/log" ||
			fail "$(tail -n 20 "$WORK/log")"
	}
	own -t localhost/cuddy
	own --target test --build-arg T=pkg/base
	run cuddy image inspect --format '{{.Config.User}} {{.Config.Entrypoint}} {{.Config.WorkingDir}}' localhost/cuddy
	[ "$output" = "cuddy [cuddy] /home/cuddy" ]
	# What a CI job is given: neither capabilities nor devices; inside, all ids of a user who has subordinate ones.
	cp "$(image_file busybox)" "$WORK/busybox.tar"
	chmod 644 "$WORK/busybox.tar"
	run -0 timeout 100 "$CUDDY" run --rm --network none --security-opt seccomp=unconfined --security-opt unmask=ALL "${flags[@]}" \
		-v "$WORK/busybox.tar:/busybox.tar:ro" --entrypoint sh localhost/cuddy -c '
			exec 2>&1
			cuddy --version; command -v cuddy; id -un
			cuddy load -q -i /busybox.tar
			cuddy run --rm --network none localhost/busybox sh -c "id -u; chown 7:7 /tmp && stat -c %u /tmp"
			printf "FROM localhost/busybox\nRUN --network=none echo built >/f\nCMD cat /f\n" >Containerfile
			cuddy build -q -t b . >/dev/null && cuddy run --rm --network none b
			cuddy info --format "{{.Store.GraphDriverName}}"'
	echo "$output"
	[ "$(sed -n 1p <<<"$output")" = "$(cuddy --version)" ]
	[ "$(sed -n 2,3p <<<"$output" | xargs)" = "/usr/bin/cuddy cuddy" ]
	[ "$(tail -n 4 <<<"$output" | xargs)" = "0 7 built overlay" ]
}
