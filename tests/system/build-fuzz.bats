load helpers
load build

# Random small Containerfiles by the grammar, built by buildah and by cuddy: the same files, the same config.
# CUDDY_FUZZ_SEED and CUDDY_FUZZ_COUNT choose others than these.
SEED=${CUDDY_FUZZ_SEED:-1}
COUNT=${CUDDY_FUZZ_COUNT:-5}
CONFIG='{User, ExposedPorts, Env: (.Env | sort), Entrypoint, Cmd, Volumes, WorkingDir,
	Labels: (.Labels // {} | del(.["io.buildah.version"]))} | del(.. | select(. == null or . == {} or . == "" or . == []))'

teardown() {
	cd "$WORK"
	unshare --user --map-auto --map-root-user rm -rf "$WORK/b"
	test_end
}

buildah_here() { buildah --storage-driver vfs --root "$WORK/b/root" --runroot "$WORK/b/run" "$@"; }

# All files of buildah's image as a tar.
by_buildah() {
	local from
	buildah_here bud -q --layers=false --isolation chroot -t localhost/t . >"$WORK/buildah.log" 2>&1 || return
	from=$(buildah_here from localhost/t)
	unshare --user --map-auto --map-root-user sh -c '
		m=$(buildah --storage-driver vfs --root "$1/b/root" --runroot "$1/b/run" mount "$2") && tar --numeric-owner -C "$m" -cf "$1/want.tar" .' _ "$WORK" "$from"
	buildah_here rm "$from" >/dev/null
	buildah_here inspect --type image localhost/t | jq -S ".OCIv1.config | $CONFIG" >"$WORK/want.config"
}

by_cuddy() {
	cuddy build -q -t localhost/t -o type=tar,dest="$WORK/got.tar" . >"$WORK/cuddy.log" 2>&1 || return
	cuddy image inspect localhost/t | jq -S ".[0].Config | $CONFIG" >"$WORK/got.config"
}

@test "random Containerfiles give the files and the config that buildah gives them" {
	buildah_here pull -q "docker-archive:$(image_file busybox)" >/dev/null
	for ((seed = SEED; seed < SEED + COUNT; seed++)); do
		rm -rf "$WORK/fuzz"
		mkdir "$WORK/fuzz"
		cd "$WORK/fuzz"
		"$FIXTURES/containerfile_fuzz.py" make "$seed" .
		by_buildah || fail "seed $seed: buildah: $(tail -n 1 "$WORK/buildah.log")"
		by_cuddy || fail "seed $seed: $(cat "$WORK/cuddy.log")"
		"$FIXTURES/containerfile_fuzz.py" same "$WORK/want.tar" "$WORK/got.tar" || fail "seed $seed: the files"
		diff "$WORK/want.config" "$WORK/got.config" || fail "seed $seed: the config"
	done
}
