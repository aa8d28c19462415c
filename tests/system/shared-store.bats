#!/usr/bin/env bats
# One image for all users of a machine: published into a directory, used in place by each with files of his own ids.
load helpers

setup_file() {
	file_begin
	export PUB=$FILE_ROOT/pub
	load_image busybox
	load_image layers12
	cuddy run --name setuid "$IMAGE" sh -c 'cp /bin/busybox /suid; chown 33:44 /suid; chmod 6755 /suid; echo top >/secret; chmod 600 /secret
		mkdir /private; chmod 700 /private; chown 1000:1000 /private; echo x >/private/x; ln /private/x /linked; ln -s /private/x /symbolic; rm /etc/group; mkfifo /fifo'
	cuddy commit -q -c 'CMD true' setuid localhost/odd:1 >/dev/null
	cuddy rm setuid
	cuddy image publish "$PUB" "$IMAGE" localhost/layers12 localhost/odd:1 >/dev/null
	OWN=$CUDDY_ROOT
	export OWN
}

teardown_file() { file_end; }

# A store of somebody who has nothing but the shared one; what runs, and what is found, is as with the publisher.
setup() {
	test_begin
	OLD_ROOT=$CUDDY_ROOT OLD_RUN=$CUDDY_RUNROOT
	use_root "$WORK"
	export STORAGE_OPTS=additionalimagestore=$PUB
}

teardown() {
	clean_containers
	expect_nothing_left
	drop_root
	unset STORAGE_OPTS
	export CUDDY_ROOT=$OLD_ROOT CUDDY_RUNROOT=$OLD_RUN
	test_end
}

own() { CUDDY_ROOT=$OWN CUDDY_RUNROOT=$OLD_RUN STORAGE_OPTS= "$@"; } # with the publisher's own store
manifest() { # manifest IMAGE [own]: all that the image shows there
	local tree=$WORK/tree
	mkdir "$tree"
	${2:-} cuddy create --name m "$1" true >/dev/null
	${2:-} cuddy export m | cuddy unshare tar -x -p -C "$tree"
	${2:-} cuddy rm m >/dev/null
	cuddy unshare "$FIXTURES/fsmanifest.py" "$tree"
	cuddy unshare rm -rf "$tree"
}
bytes() { cuddy unshare du -s -B1 --apparent-size "$CUDDY_ROOT/layers" "$CUDDY_ROOT/cache" | awk '{ n += $1 } END { print n }'; }
blocks() { cuddy unshare du -s -B1 "$CUDDY_ROOT/layers" "$CUDDY_ROOT/cache" | awk '{ n += $1 } END { print n }'; }

# images: S13
@test "shared store: images are listed as read-only, show the same files with the same owners, and are not copied" {
	# Locks of others there hold nobody up: none is taken.
	exec 9> >(exec python3 -c 'import fcntl, os, sys
held = [os.open(os.path.join(d, f), os.O_RDONLY) for d, _, names in os.walk(sys.argv[1]) for f in [".", *names]]
[fcntl.flock(f, fcntl.LOCK_EX) for f in held]
open(sys.argv[2], "w"); sys.stdin.read()' "$PUB" "$WORK/locked" 3>&-)
	wait_until 20 test -e "$WORK/locked"
	run -0 cuddy images --sort repository
	[[ "${lines[0]}" == *"R/O" ]]
	[ "$(grep -c ' true$' <<<"$output")" = 3 ]
	[ "$(cuddy images -q --filter readonly=true | wc -l)" = 3 ]
	[ -z "$(cuddy images -q --filter readonly=false)" ]
	for i in localhost/layers12 localhost/odd:1 "$IMAGE"; do
		manifest "$i" own >"$WORK/want"
		manifest "$i" >"$WORK/got"
		diff "$WORK/want" "$WORK/got"
		[ "$(cuddy image inspect --format '{{.Id}}' "$i")" = "$(own cuddy image inspect --format '{{.Id}}' "$i")" ]
	done
	[ "$(wc -l <"$WORK/want")" -gt 10 ]
	cuddy create --name keep localhost/odd:1 true
	# Where the kernel follows pointers (6.16) nothing of the content is written here.
	cuddy image prune -f >/dev/null
	if ls "$CUDDY_ROOT"/layers/*/shared >/dev/null 2>&1; then
		[ "$(blocks)" -lt 1000000 ]
		[ "$(bytes)" -gt 4000000 ]
	fi
	run -0 cuddy run --rm localhost/odd:1 sh -c 'ls -ln /suid; cat /secret; stat -c "%u %a %h" /private /private/x; test ! -e /etc/group; readlink /symbolic'
	[[ "${lines[0]}" == -rwsr-sr-x*" 33 "*" 44 "* ]]
	[ "${lines[1]}" = top ]
	[ "${lines[2]}" = "1000 700 2" ]
	[ "${lines[3]}" = "0 644 2" ]
	run -0 cuddy run --rm --userns keep-id localhost/odd:1 stat -c '%u:%g' /suid
	[ "$output" = 33:44 ]
	clean=$(cuddy system check 2>&1)
	[ -z "$clean" ]
	run -1 flock -n "$PUB/version" true # they were there all the time
	exec 9>&-
}

@test "shared store: run, commit, build, diff, cp, save and tags on top; rmi and prune leave it alone" {
	before=$(find "$PUB" -printf '%p %s %m %T@\n' | sort)
	run -125 --separate-stderr cuddy rmi "$IMAGE"
	one_line_error 125 "is in the shared store $PUB"
	run -125 cuddy rmi -f "$IMAGE"
	cuddy run --name c localhost/layers12 sh -c 'echo changed >/etc/new; rm -f /etc/passwd; true' || true
	cuddy run --name d "$IMAGE" sh -c 'echo more >>/etc/passwd; rm /etc/group; echo mine >/mine'
	[ "$(cuddy diff d | sort)" = $'A /mine\nC /etc\nC /etc/passwd\nD /etc/group' ]
	cuddy cp d:/mine "$WORK/mine"
	cuddy cp d:/bin/busybox "$WORK/busybox"
	cmp "$WORK/busybox" <(own cuddy run --rm "$IMAGE" cat /bin/busybox)
	cuddy commit -q d localhost/mine >/dev/null
	[ "$(cuddy run --rm localhost/mine sh -c 'cat /mine; tail -n 1 /etc/passwd')" = $'mine\nmore' ]
	printf 'FROM %s\nRUN --mount=type=tmpfs,target=/etc/stub/place stat -c %%a /etc /tmp >/modes && cat /mine >/built && rm /mine\nFROM %s\nLABEL a=b\nCOPY --from=0 /built /modes /bin/busybox /x/\n' localhost/mine "$IMAGE" >"$WORK/Containerfile"
	cuddy build -q -t localhost/built "$WORK" >/dev/null
	[ "$(cuddy run --rm localhost/built sh -c 'cat /x/built; cmp /x/busybox /bin/busybox && echo same')" = $'mine\nsame' ]
	[ "$(cuddy run --rm localhost/built cat /x/modes)" = $'755\n1777' ]
	[ "$(cuddy run --rm localhost/built ls /etc/stub 2>/dev/null)" = "" ]
	cuddy build -q --squash-all -t localhost/squashed "$WORK" >/dev/null
	[ "$(cuddy run --rm localhost/squashed cat /x/built)" = mine ]
	cuddy save -o "$WORK/built.tar" localhost/built
	cuddy tag "$IMAGE" localhost/other:name
	[ "$(cuddy run --rm localhost/other:name echo ok)" = ok ]
	cuddy rmi localhost/other:name
	run -125 cuddy image exists localhost/nosuch || true
	cuddy rm c d
	cuddy rmi localhost/mine localhost/built localhost/squashed
	cuddy system prune -af >/dev/null
	[ -z "$(ls "$CUDDY_ROOT/layers")" ]
	[ "$(cuddy images -q | wc -l)" = 3 ]
	# What was saved is whole without the shared store.
	STORAGE_OPTS= cuddy load -q -i "$WORK/built.tar" >/dev/null
	[ "$(STORAGE_OPTS= cuddy run --rm localhost/built cat /x/built)" = mine ]
	[ "$(find "$PUB" -printf '%p %s %m %T@\n' | sort)" = "$before" ]
}

@test "shared store: published once more, names move; what is there is not copied again, and running containers go on" {
	cuddy run -d --name up localhost/odd:1 sleep 1000
	data=$(find "$PUB/data" -type f -printf '%i\n' | sort)
	(
		export CUDDY_ROOT=$OWN CUDDY_RUNROOT=$OLD_RUN STORAGE_OPTS=
		cuddy tag localhost/odd:1 localhost/odd:old
		cuddy run --name n localhost/odd:1 sh -c 'echo new >/new'
		cuddy commit -q n localhost/odd:1 >/dev/null
		cuddy rm n
		cuddy image publish "$PUB" localhost/odd:1 >/dev/null
	)
	[ "$(cuddy run --rm localhost/odd:1 cat /new)" = new ]
	[ -z "$(comm -23 <(echo "$data") <(find "$PUB/data" -type f -printf '%i\n' | sort))" ]
	[ "$(find "$PUB/data" -type f | wc -l)" = $(($(wc -l <<<"$data") + 1)) ]
	run -0 cuddy exec up cat /secret
	[ "$output" = top ]
	run -125 --separate-stderr cuddy image publish "$WORK" "$IMAGE"
	one_line_error 125 "not empty and no image store"
	run -125 cuddy image publish "$PUB" localhost/nosuch
}

@test "shared store: storage.conf names it; other tools' stores, missing ones and other keys are passed over" {
	unset STORAGE_OPTS
	export CONTAINERS_STORAGE_CONF=$WORK/storage.conf
	mkdir "$WORK/foreign"
	printf '[storage]\ndriver = "btrfs"\ngraphroot = "/nowhere"\n[storage.options]\nadditionallayerstores = [ "/lazy:ref" ]\nadditionalimagestores = [ "%s", "/nonexistent", "%s" ]\n' "$WORK/foreign" "$PUB" >"$WORK/storage.conf"
	run -0 --separate-stderr cuddy run --rm "$IMAGE" echo ok
	[ "$output" = ok ]
	grep -q "storage.conf: .storage. driver: .*said once" <<<"$stderr"
	grep -q "storage.conf: .storage. graphroot: cuddy's store is apart from podman's" <<<"$stderr"
	grep -q "storage.conf: .storage.options. additionallayerstores: there are no additional layer stores" <<<"$stderr"
	[ "$(wc -l <<<"$stderr")" = 3 ]
	run -0 --separate-stderr cuddy run --rm "$IMAGE" echo ok
	[ "$output$stderr" = ok ]
	[ "$(cuddy --storage-opt additionalimagestore="$PUB" images -q | wc -l)" -ge 3 ]
	run -125 cuddy --storage-opt mount_program=/x images
	[[ "$output" == *"additionalimagestore=DIR"* ]]
	mkdir "$WORK/newer"
	echo "cuddy-shared 2" >"$WORK/newer/version"
	run -0 --separate-stderr cuddy --storage-opt additionalimagestore="$WORK/newer" run --rm "$IMAGE" echo ok
	[ "$output" = ok ]
	[ "$stderr" = "cuddy: warning: the image store $WORK/newer is of a newer cuddy: passed over" ]
	: >"$WORK/storage.conf"
	[ -z "$(cuddy images -q)" ]
	mkdir -m 0777 "$WORK/loose"
	cp -r "$PUB/." "$WORK/loose"
	chmod 0777 "$WORK/loose"
	run -125 --separate-stderr cuddy --storage-opt additionalimagestore="$WORK/loose" images
	one_line_error 125 "can be written by others"
}

@test "shared store: what was changed there is found by system check" {
	cp -r "$PUB" "$WORK/pub"
	export STORAGE_OPTS=additionalimagestore=$WORK/pub
	# One of before there was the mark, whose records say less and other things: used as well, by copies.
	mv "$WORK/pub/data/.cuddy-data" "$WORK"
	sed -i.kept 's/"TreeBytes"/"Other"/; s/"CreatedNs"/"More"/' "$WORK"/pub/layers/*/record.json "$WORK"/pub/images/*/record.json
	[ "$(cuddy run --rm localhost/odd:1 sh -c 'cat /secret; stat -c "%a %u" /suid')" = $'top\n6755 33' ]
	! ls "$CUDDY_ROOT"/layers/*/shared 2>/dev/null || fail "it points"
	run cuddy system check
	[ -z "$output" ] || fail "$output"
	cuddy image prune -f >/dev/null
	[ -z "$(ls "$CUDDY_ROOT/layers")" ]
	for f in "$WORK"/pub/*/*/record.json.kept; do mv "$f" "${f%.kept}"; done
	mv "$WORK/.cuddy-data" "$WORK/pub/data"
	cuddy run --name c "$IMAGE" true
	[ -z "$(cuddy system check)" ]
	ls "$CUDDY_ROOT"/layers/*/shared >/dev/null 2>&1 || return 0
	f=$(grep -rl '^root:x:0:0' "$WORK/pub/data")
	sed -i s/root/toor/ $f
	run -125 cuddy system check
	[[ "$output" == "layer "*": "* ]]
	rm $f
	run -125 cuddy system check
	[[ "$output" == *"gone from the shared store"* ]]
}

@test "shared store: a store with another driver, where nothing can point elsewhere, gets copies" {
	require_program fuse-overlayfs
	for d in vfs fuse-overlayfs; do
		[ $d = vfs ] || [ -w /dev/fuse ] || continue
		use_root "$WORK/$d"
		STORAGE_DRIVER=$d cuddy images -q >/dev/null 2>&1
		run -0 cuddy run --rm --network none localhost/odd:1 sh -c 'ls -ln /suid; cat /secret; test ! -e /etc/group'
		[[ "${lines[0]}" == -rwsr-sr-x*" 33 "*" 44 "* ]]
		[ "${lines[1]}" = top ]
		cuddy create --name keep localhost/odd:1 true
		! ls "$CUDDY_ROOT"/layers/*/shared 2>/dev/null || fail "it was there"
		cuddy system check
		cuddy rm keep
		drop_root
	done
	use_root "$WORK"
}
