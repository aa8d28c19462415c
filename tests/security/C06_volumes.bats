#!/usr/bin/env bats
# C06, C07, C08, C09, H01, H10, H11: volumes, shared memory, the store's own directories, removal and configuration.
load hostile

@test "C06: what an image has is copied into a new volume only, and nothing from outside of it" {
	load_as localhost/copy <<'EOT'
layers = [BASE(), [("data", "d"), ("data/image", "f", "from image"), ("data/out", "s", V), ("link", "s", V), ("data/sub", "d"), ("data/sub/up", "s", "../../../../../../.." + V)]]
EOT
	cuddy volume create old >/dev/null
	cuddy run --rm --network none -v old:/mnt "$IMAGE" sh -c 'echo mine >/mnt/image'
	run -0 cuddy run --rm --network none -v old:/data localhost/copy sh -c 'ls /data; cat /data/image'
	[ "$(echo $output)" = "image mine" ]
	run -0 cuddy run --rm --network none -v new:/data localhost/copy sh -c 'ls /data; cat /data/image'
	[ "$(echo $output)" = "image out sub from image" ]
	# What somebody has put in before any container had it stays; and one that was used is not new again by being empty.
	cuddy volume create byhand >/dev/null
	cuddy unshare sh -c "echo mine >'$(cuddy volume inspect --format '{{.Mountpoint}}' byhand)/image'"
	run -0 cuddy run --rm --network none -v byhand:/data localhost/copy sh -c 'ls /data; cat /data/image'
	[ "$(echo $output)" = "image mine" ]
	cuddy run --rm --network none -v old:/mnt "$IMAGE" rm /mnt/image
	run -0 cuddy run --rm --network none -v old:/data localhost/copy ls /data
	[ -z "$output" ]
	run -0 cuddy run --rm --network none -v behind:/link localhost/copy ls -A /link/
	[ -z "$output" ]                                # the link leads to nothing inside
	run -0 unshare --user --map-auto --map-root-user grep -rl canary-bytes "$CUDDY_ROOT/volumes" || [ "$status" -eq 1 ]
	[ -z "$output" ]
	victim_is_unchanged
	cuddy volume rm old new behind byhand >/dev/null
}

@test "C07: an image's volumes lie inside its root" {
	for v in '/../../tmp/victim' 'v/../../x' '' '/..' '/a/../../b' '.'; do
		hostile docker "$WORK/v.tar" <<<"layers = [BASE()]; tags = ['localhost/v:latest']; config = {'Volumes': {'$v': {}}}"
		run --separate-stderr cuddy load -q -i "$WORK/v.tar"
		[ "$status" -ne 0 ] || {
			run --separate-stderr cuddy run --rm --network none localhost/v sh -c 'grep volumes /proc/self/mountinfo | cut -d" " -f5'
			[ "$status" -eq 125 ] || [[ "$output" == /* ]]
		}
		victim_is_unchanged
	done
}

@test "C08: :U changes no owner outside of the volume, and not those of a home or the system" {
	mkdir -p "$WORK/v/d"
	ln -s "$VICTIM/f" "$WORK/v/l"
	ln -s "$VICTIM" "$WORK/v/d/l"
	run -0 cuddy run --rm --network none -u 1000 -v "$WORK/v:/v:U" "$IMAGE" stat -c %u /v /v/d
	[ "$(echo $output)" = "1000 1000" ]
	victim_is_unchanged
	export HOME=$WORK/above/home                    # not the real one: the attack must not succeed on it
	mkdir -p "$HOME/sub"
	ln -s "$HOME" "$WORK/alias"
	for d in / /home /etc /usr /tmp "$HOME" "$WORK/above" "$HOME/../home" "$WORK/alias"; do
		run --separate-stderr cuddy run --rm --network none -u 1000 -v "$d:/v:U" "$IMAGE" true
		[ "$status" -eq 125 ] || fail "-v $d:/v:U was accepted"
		run --separate-stderr cuddy run --rm --network none -u 1000 --mount "type=bind,src=$d,dst=/v,U=true" "$IMAGE" true
		[ "$status" -eq 125 ] || fail "--mount of $d with U was accepted"
	done
	[ "$(stat -c %u "$HOME" "$HOME/sub" "$WORK/above" | sort -u)" = "$(id -u)" ]
	run -0 cuddy run --rm --network none -u 1000 -v "$HOME/sub:/v:U" "$IMAGE" stat -c %u /v
	[ "$output" = 1000 ]
	unshare --user --map-auto --map-root-user chown -hR 0:0 "$WORK/v" "$HOME/sub"
}

@test "C09: shared memory is limited in bytes and in files" {
	cuddy run -d --name a --network none --shm-size 1m "$IMAGE" sleep 1000
	run cuddy exec a dd if=/dev/zero of=/dev/shm/x bs=64k count=64
	[ "$status" -ne 0 ]
	[[ "$output" == *"o space left"* ]]
	run cuddy exec a sh -c 'rm /dev/shm/*; i=0; while touch /dev/shm/f$i 2>/dev/null; do i=$((i + 1)); [ $i -lt 20000 ] || break; done; [ $i -lt 20000 ] && echo stopped'
	[[ "$output" == *stopped* ]]
}

@test "C09: who joins another container's shared memory is held to its limits, and it goes with both" {
	cuddy run -d --name owner --ipc shareable --shm-size 1m "$IMAGE" sleep 1000
	run cuddy run --rm --ipc container:owner "$IMAGE" dd if=/dev/zero of=/dev/shm/big bs=64k count=64
	[ "$status" -ne 0 ]
	[[ "$output" == *"o space left"* ]]
	run -0 cuddy exec owner sh -c 'wc -c </dev/shm/big'
	[ "$output" -le 1048576 ]
	cuddy rm -f -t 0 owner
	cuddy run -d --name owner --ipc shareable --shm-size 1m "$IMAGE" sleep 1000
	run -0 cuddy exec owner ls /dev/shm
	[ -z "$output" ]
}

@test "H01: directories of the store are closed to others, whatever the umask, and a foreign one is not used" {
	require_other_user
	chmod 0755 "$BATS_TEST_TMPDIR"
	for m in 000 777; do
		r=$BATS_TEST_TMPDIR/m$m
		(umask $m; CUDDY_ROOT=$r/root CUDDY_RUNROOT=$r/run "$CUDDY" load -q -i "$(image_file busybox)" >/dev/null)
		chmod 0755 "$r"
		[ "$(find "$r"/root "$r"/run -maxdepth 1 -type d -perm /077 | wc -l)" -eq 0 ] || fail "umask $m: $(find "$r" -maxdepth 2 -type d -perm /077)"
		run as_other find "$r/root" "$r/run"
		[ "$(grep -vc 'ermission denied' <<<"$output")" -le 2 ]
		unshare --user --map-auto --map-root-user rm -rf "$r"
	done
	mkdir -m 0755 "$BATS_TEST_TMPDIR/open"
	run --separate-stderr env CUDDY_ROOT="$BATS_TEST_TMPDIR/open" "$CUDDY" images
	[ "$status" -eq 0 ] && [ "$(stat -c %a "$BATS_TEST_TMPDIR/open")" = 700 ] || one_line_error 125 open
	as_other mkdir -m 0777 /var/tmp/cuddy-foreign.$$
	run --separate-stderr env CUDDY_ROOT=/var/tmp/cuddy-foreign.$$ "$CUDDY" images
	as_other rm -rf /var/tmp/cuddy-foreign.$$
	one_line_error 125 foreign
	mkdir -m 0700 "$WORK/real"
	ln -s "$WORK/real" "$WORK/link"
	run --separate-stderr env CUDDY_ROOT="$WORK/link" "$CUDDY" images
	one_line_error 125 link
}

@test "H10: removal follows no link out of what it removes" {
	cuddy run --name a --network none -v vol:/v "$IMAGE" sh -c "ln -s $VICTIM /v/l; ln -s $VICTIM /l; mkdir /v/d; ln -s $VICTIM/f /v/d/f; mkdir -p /deep/a; chmod 0 /deep /deep/a"
	run -0 cuddy rm -v a
	run -0 cuddy volume rm vol
	victim_is_unchanged
	# What is mounted in a volume is not the volume's, for "rm -v" and for the end of all.
	cuddy create --name b -v anon:/x -v /v "$IMAGE" true
	run -0 unshare --user --map-auto --map-root-user --mount sh -ec '
		for d in "$CUDDY_ROOT"/volumes/*/_data "$CUDDY_ROOT"/volumes/*/data; do
			[ -d "$d" ] || continue
			case $d in */anon/*) ;; *) d=$d/m; mkdir "$d" ;; esac # on the data itself, and deeper
			mount --bind "$VICTIM" "$d"
			echo mounted "$d"
		done
		"$CUDDY" rm -v b >/dev/null || true
		"$CUDDY" volume rm anon >/dev/null || true
		"$CUDDY" system prune -f >/dev/null || true
		"$CUDDY" system reset -f >/dev/null || true'
	[ "$(grep -c "^mounted .*/\(anon/_data\|m\)$" <<<"$output")" = 2 ] || fail "$output"
	victim_is_unchanged
	load_image busybox
	run --separate-stderr cuddy --root "$HOME" ps
	one_line_error 125 .
	run --separate-stderr cuddy --root / ps
	one_line_error 125 .
}

@test "H11: what others could write is no configuration, and nothing of the working directory is" {
	require_other_user
	export XDG_CONFIG_HOME=$WORK/config
	mkdir -p "$XDG_CONFIG_HOME/containers" "$WORK/cwd/containers"
	echo 'this is [ no configuration' >"$WORK/cwd/registries.conf"
	cp "$WORK/cwd/registries.conf" "$WORK/cwd/containers/"
	run --separate-stderr bash -c "cd '$WORK/cwd' && '$CUDDY' pull -q --retry 0 localhost:1/x"
	one_line_error 125 'localhost:1'
	[[ "$stderr" != *configuration* ]]
	evil() { # evil FILE: what could stand there
		case $1 in
		registries.conf) printf '[[registry]]\nlocation = "localhost:1"\n[[registry.mirror]]\nlocation = "127.0.0.1:2"\n' ;;
		containers.conf) printf '[containers]\nenv = ["EVIL=1"]\n' ;;
		storage.conf) printf '[storage.options]\nadditionalimagestores = ["/nonexistent"]\n' ;;
		policy.json) echo '{"default":[{"type":"insecureAcceptAnything"}]}' ;;
		esac
	}
	theirs=/var/tmp/cuddy-theirs.$$
	as_other mkdir -m 0755 $theirs
	while IFS=: read -r name words; do
		f=$XDG_CONFIG_HOME/containers/$name
		for kind in fine open link theirs fifo huge junk; do
			# cuddy-transfer reads it in the base namespace, where root's files and a stranger's look alike
			[ "$name $kind" != "policy.json theirs" ] || continue
			evil "$name" >"$WORK/evil"
			chmod 0644 "$WORK/evil"
			case $kind in
			fine) cp "$WORK/evil" "$f" ;;
			open) cp "$WORK/evil" "$f"; chmod 0666 "$f" ;;
			link) ln -s "$WORK/evil" "$f"; chmod 0666 "$WORK/evil" ;;
			theirs) as_other sh -c "echo '$(evil "$name")' >$theirs/f"; ln -s $theirs/f "$f" ;;
			fifo) mkfifo "$f" ;;
			huge) truncate -s 2G "$f" ;;
			junk) head -c 4000 /dev/urandom >"$f" ;;
			esac
			run --separate-stderr timeout 10 "$CUDDY" $words
			echo "$name $kind: $status $stderr"
			case $kind in
			fine) [[ "$stderr" != *"$name"* ]] ;;
			open | link | theirs) one_line_error 125 "$name.* can be written by others" ;;
			*) one_line_error 125 "$name" ;;
			esac
			rm -f "$f"
		done
	done <<-EOT
		registries.conf:pull -q --retry 0 localhost:1/x
		containers.conf:create --name h11 $IMAGE true
		storage.conf:images -q
		policy.json:load -q -i $(image_file busybox)
	EOT
	as_other rm -rf $theirs
}
