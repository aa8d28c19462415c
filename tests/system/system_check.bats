#!/usr/bin/env bats
# Is the store whole? Each kind of damage is found and named, and made right when there is something to make it from;
# what is whole, or the last copy of something, is never taken away.
load helpers
load registry

teardown() {
	registry_end
	test_end
}

check() { cuddy system check "$@"; }
clean() { run -0 --separate-stderr check "$@"; [ -z "$output$stderr" ]; }
layer_dir() { echo "$CUDDY_ROOT/layers/$(basename "$(ls -d "$CUDDY_ROOT"/layers/*)")"; }
image_dir() { echo "$CUDDY_ROOT/images/$(cuddy image inspect --format '{{.Id}}' "${1:-$IMAGE}")"; }
us() { cuddy unshare "$@"; } # files of the store belong to others

# configure_registry - that of registry_begin, over plain HTTP, for those who give no flags
configure_registry() {
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REG" >"$WORK/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
}

@test "system check: a store in use with all that can be in it is clean, and stays as it is" {
	cuddy run -d --name up -v data:/data -v /anonymous "$IMAGE" sh -c 'echo x >/data/x; touch /changed; sleep 1000'
	cuddy create --name made "$IMAGE" true
	cuddy commit -q made localhost/committed >/dev/null
	echo secret | cuddy secret create word - >/dev/null
	printf 'FROM %s\nRUN echo built >/built && rm /etc/passwd\nCOPY x /x\n' "$IMAGE" >"$WORK/Containerfile"
	echo x >"$WORK/x"
	cuddy build -q -t localhost/built "$WORK" >/dev/null
	cuddy load -q -i "$(image_file layers12)" >/dev/null
	before=$(snapshot)
	clean
	clean --quick
	clean --repair
	clean --force
	[ "$(snapshot)" = "$before" ]
	[ "$(cuddy exec up cat /data/x)" = x ]
	# A layer that nothing needs is one more thing to tell, when it is old enough.
	cp "$WORK/x" "$WORK/layer.tar"
	us cp -r "$(layer_of_image)" "$CUDDY_ROOT/layers/$(printf '%064d' 0)"
	clean --quick
	run -125 --separate-stderr check --quick --max 0s
	[ "$output" = "layer 000000000000: nothing needs it" ]
	run -0 check --quick --max 0s --repair
	[ "$output" = "layer 000000000000: nothing needs it; repaired: removed" ]
	clean
	run -125 check --max yesterday
	# A first command that was killed while it tried the file system out.
	mkdir -p "$CUDDY_ROOT"/.tmp-probe-{old,new}/x
	touch -d '1 hour ago' "$CUDDY_ROOT/.tmp-probe-old"
	clean --quick
	[ ! -e "$CUDDY_ROOT/.tmp-probe-old" ]
	[ -e "$CUDDY_ROOT/.tmp-probe-new" ]
}
layer_of_image() { echo "$CUDDY_ROOT/layers/$(cuddy image inspect --format '{{index .RootFS.Layers 0}}' "$IMAGE" | cut -d: -f2)"; }

# images: S10
@test "system check: every change of a layer's files is found; without a source nothing is removed but by force" {
	tree=$(layer_of_image)/tree
	us cp -a "$tree" "$WORK/tree"
	found() { # found PATTERN COMMAND...: after the command, in the tree; all is put back
		local pattern=$1
		shift
		(cd "$tree" && us "$@")
		clean --quick
		run -125 --separate-stderr check
		[ "${#lines[@]}" = 1 ] && [[ "$output" =~ ^layer\ [0-9a-f]{12}:\ .*$pattern ]] || fail "$*: $output"
		[[ "$stderr" == "cuddy: system check: 1 of the store's objects; see --repair: the store is damaged" ]]
		us rsync -aHX --delete "$WORK/tree/" "$tree/" 2>/dev/null || { us rm -rf "$tree" && us cp -a "$WORK/tree" "$tree"; }
		clean
	}
	found 'changed since it was made' sh -c 'f=$(readlink -f bin/busybox || echo bin/busybox); printf x | dd of=bin/busybox bs=1 seek=5000 conv=notrunc 2>/dev/null'
	found 'etc/passwd' rm etc/passwd
	found 'etc/passwd has another size' sh -c 'echo more >>etc/passwd'
	found 'etc/passwd has another mode' chmod 0666 etc/passwd
	found 'tmp has another mode' chmod 0755 tmp
	found 'etc/group has another owner' chown 7 etc/group
	found 'holds 1 files that its archive does not have' touch etc/more
	found 'etc/passwd is another kind of file' sh -c 'rm etc/passwd; ln -s group etc/passwd'
	# The files are right, and what says how they were packed is gone; then the record's word of it, too.
	layer=${tree%/tree}
	cp "$layer/record.json" "$layer/recipe" "$WORK/"
	rm "$layer/recipe"
	for words in 'what says how its files were packed is missing' \
		'its files changed since it was made, or what says how they were packed is lost'; do
		run -125 --separate-stderr check
		[[ "$output" =~ ^layer\ [0-9a-f]{12}:\ "$words"$ ]] || fail "$output"
		jq -c 'del(.Recipe)' "$WORK/record.json" >"$layer/record.json"
	done
	cp "$WORK/record.json" "$WORK/recipe" "$layer/"
	clean
	us rm "$tree/etc/passwd"
	run -125 check --repair
	[[ "$output" == *"etc/passwd"*"; not repaired: no registry is known to have it; --force removes its image"* ]]
	cuddy image exists "$IMAGE"
	cuddy run -d --name up "$IMAGE" sleep 1000
	run -125 check --force
	[[ "$output" == *"not repaired: a container runs on it; stop that, and repair again"* ]]
	cuddy exec up true
	cuddy stop -t 0 up
	run -125 check --force
	[[ "$output" == *"is used by container"* ]]
	cuddy rm up
	run -0 check --force
	[[ "$output" == *"; repaired: the image "*" was removed" ]]
	[ -z "$(cuddy images -q)" ]
	load_image busybox
	clean
	us rm -rf "$WORK/tree"
}

# images: S10
@test "system check --repair: layers come back from the archive that was kept, or from where they were pulled" {
	cuddy rmi "$IMAGE" >/dev/null
	registry_begin
	configure_registry
	push "$(image_file layers12gz)" team/l:1
	cuddy pull -q "$REG/team/l:1" >/dev/null
	cuddy create --name c "$REG/team/l:1" true
	cuddy export c | sha256sum >"$WORK/before"
	digest=$(cuddy image inspect --format '{{.Digest}}' "$REG/team/l:1")
	id=$(cuddy image inspect --format '{{.Id}}' "$REG/team/l:1")
	clean
	for l in "$CUDDY_ROOT"/layers/*; do
		if [ -e "$l/blob" ]; then blob=$l; fi
	done
	[ -n "$blob" ]
	us sh -c "rm -rf '$blob'/tree/*"
	blob_gets_begin
	run -0 check --repair
	[[ "$output" == "layer $(basename "$blob" | cut -c1-12): "*"; repaired: unpacked again from the archive that was kept of it" ]]
	[ "$(blob_gets)" = 0 ]
	[ "$(cuddy export c | sha256sum)" = "$(cat "$WORK/before")" ]
	clean
	# The archive alone: it is forgotten, and can be had from the registry.
	us sh -c "printf x | dd of='$blob/blob' bs=1 seek=20 conv=notrunc 2>/dev/null"
	run -0 check --repair
	[[ "$output" == "archive of layer "*"its digest is another; repaired: it is not kept any more" ]]
	clean
	# All layers at once, one of them gone with everything, and the image's documents.
	us sh -c "rm -rf '$blob'; cd '$CUDDY_ROOT/layers' && for l in */; do rm -f \$l/blob; rm -rf \$l/tree/*; done"
	echo '{' >"$CUDDY_ROOT/images/$id/config"
	run -125 --separate-stderr check
	[ "$(grep -c '^layer' <<<"$output")" -ge 2 ]
	grep -q "^image ${id:0:12}: its config is damaged" <<<"$output"
	run -0 check --repair
	grep -q "^image ${id:0:12}: .*; repaired: fetched again from $REG/team/l@sha256:" <<<"$output"
	[ "$(grep -c '^layer.*; repaired: fetched again' <<<"$output")" -ge 2 ]
	[ "$(cuddy export c | sha256sum)" = "$(cat "$WORK/before")" ]
	[ "$(cuddy image inspect --format '{{.Digest}} {{.RepoTags}}' "$id")" = "$digest [$REG/team/l:1]" ]
	clean
	# The registry is away: what is damaged stays, and is repaired when it is back.
	rm -f "$blob/blob"
	us sh -c "rm -rf '$blob/tree/'*"
	port=${REG#*:}
	kill -STOP "$REG_PID"; kill -KILL "$REG_PID"; wait "$REG_PID" 2>/dev/null || true
	run -125 check --repair
	[[ "$output" == *"; not repaired: "* ]]
	[ -d "$blob/tree" ]
	cuddy image exists "$id"
	docker-registry serve "$REG_DIR/config.yml" >>"$REG_DIR/log" 2>&1 3>&- &
	REG_PID=$!
	wait_until 20 port_listens "${REG##*:}"
	run -0 check --repair
	clean
}

@test "system check: what a power cut left of a --rm container is no damage, and is gone; of another one it is" {
	local id dir
	dir=$CUDDY_ROOT/containers
	for spoil in 'rm -f' 'truncate -s 0' 'truncate -s 0 FILE; truncate -s 500' 'truncate -s 20'; do
		id=$(cuddy create --rm --name gone "$IMAGE" true)
		bash -c "${spoil//FILE/$dir/$id/record.json} '$dir/$id/record.json'"
		run -0 cuddy ps -aq --no-trunc
		[ -z "$output" ]
		run -0 check --quick
		[ ! -e "$dir/$id" ]
		[ -z "$(ls "$CUDDY_ROOT/names")" ]
	done
	id=$(cuddy create --name kept "$IMAGE" true)
	truncate -s 0 "$dir/$id/record.json"
	run -125 --separate-stderr check --quick
	[[ "$output" == "container ${id:0:12}: it has no record" ]]
	run -125 --separate-stderr check --quick --repair
	[[ "$output" == "container ${id:0:12}: it has no record; not repaired"* ]]
	[ -e "$dir/$id/upper" ]
	run -0 check --quick --force
	run -0 check --quick
}

@test "system check: a name that is missing is told also when the container's id begins with it" {
	id=$(cuddy create --name c "$IMAGE" true)
	cuddy rename c "${id:0:3}"
	rm "$CUDDY_ROOT/names/${id:0:3}"
	run -125 --separate-stderr check --quick
	[[ "$output" == "container ${id:0:12}: its name ${id:0:3} does not lead to it"* ]]
	run -0 check --quick --repair
	[ -e "$CUDDY_ROOT/names/${id:0:3}" ]
	cuddy rm "${id:0:3}"
}

@test "system check --repair: records, names and directories are made again from what is there" {
	cuddy volume create --label a=b data >/dev/null
	cuddy run --name c -v data:/data "$IMAGE" sh -c 'echo mine >/data/x; echo changed >/changed'
	id=$(cuddy inspect --format '{{.Id}}' c)
	image=$(image_dir)
	before=$(cuddy image inspect "$IMAGE" | sed '/RepoDigests/,/\]/d')
	echo x >"$CUDDY_ROOT/volumes/data/record.json"
	echo '{}x' >"$image/record.json"
	echo x >"$CUDDY_ROOT/refs/localhost%2fbroken"
	printf '%064d\nlocalhost/gone:1\n' 0 >"$CUDDY_ROOT/refs/localhost%2fgone%3a1"
	rm "$CUDDY_ROOT/names/c"
	us rm -r "$CUDDY_ROOT/containers/$id/work"
	echo x >"$(ls -d "$CUDDY_ROOT"/cache/stack-* | head -n 1)/layers"
	run -125 --separate-stderr check --quick
	echo "$output"
	[ "${#lines[@]}" = 7 ]
	[ "$(check 2>/dev/null)" = "$output" ]
	run -0 check --quick --repair
	[ "${#lines[@]}" = 7 ]
	[ "$(grep -c '; repaired: ' <<<"$output")" = 7 ]
	grep -qx 'name localhost/gone:1: its image is not there; repaired: the name was removed' <<<"$output"
	clean
	[ "$(cuddy image inspect "$IMAGE" | sed '/RepoDigests/,/\]/d')" = "$before" ]
	[ "$(cuddy unshare cat "$CUDDY_ROOT/volumes/data/_data/x")" = mine ]
	run -0 cuddy run --rm -v data:/data "$IMAGE" cat /data/x
	[ "$output" = mine ]
	[ "$(cuddy cp c:/changed - | tar -xO)" = changed ]
	cuddy start c
}

@test "system check: the value of a secret whose creation was cut off goes; not while a record cannot be read" {
	orphan=$CUDDY_ROOT/secrets/0123456789012345678901234.data
	echo word | cuddy secret create word - >/dev/null
	cp "$CUDDY_ROOT/secrets/word.json" "$WORK/word"
	echo x >"$orphan"
	clean
	[ ! -e "$orphan" ]
	echo x >"$orphan"
	echo '{' >"$CUDDY_ROOT/secrets/word.json"
	run -125 --separate-stderr check --quick
	grep -q 'no secret has it' <<<"$output"
	[ -e "$orphan" ]
	cp "$WORK/word" "$CUDDY_ROOT/secrets/word.json"
	clean
	[ ! -e "$orphan" ]
}

@test "system check: a container without a readable record goes by force only, one that runs not even then" {
	cuddy run -d --name up "$IMAGE" sleep 1000
	cuddy run --name c "$IMAGE" sh -c 'echo mine >/mine'
	up=$(cuddy inspect --format '{{.Id}}' up)
	id=$(cuddy inspect --format '{{.Id}}' c)
	cp "$CUDDY_ROOT/containers/$up/record.json" "$WORK/up"
	for i in "$up" "$id"; do echo '{"Id":"'$i'","Na' >"$CUDDY_ROOT/containers/$i/record.json"; done
	run -125 check --repair
	[ "$(grep -c 'its record is damaged: .*; not repaired' <<<"$output")" = 2 ]
	[ "$(us cat "$CUDDY_ROOT/containers/$id/upper/mine")" = mine ]
	run -125 check --force
	grep -q "^container ${up:0:12}: .*; not repaired: it runs" <<<"$output"
	grep -q "^container ${id:0:12}: .*; repaired: the container was removed" <<<"$output"
	cp "$WORK/up" "$CUDDY_ROOT/containers/$up/record.json"
	cuddy exec up true
	clean
}

@test "system check: manifest lists, artifacts and networks, too; --force removes what nothing makes right" {
	cuddy manifest create localhost/list:1 "$IMAGE" >/dev/null
	cuddy manifest create localhost/empty:1 >/dev/null
	echo content >"$WORK/file"
	echo other >"$WORK/other"
	cuddy artifact add localhost/art:1 "$WORK/file" >/dev/null
	cuddy artifact add localhost/whole:1 "$WORK/other" >/dev/null
	cuddy network create net >/dev/null
	cuddy network create whole >/dev/null
	clean
	blob=$CUDDY_ROOT/blobs/$(sha256sum <"$WORK/file" | cut -d' ' -f1)
	chmod u+w "$blob"
	echo c0ntent >"$blob"
	clean --quick
	run -125 --separate-stderr check
	[[ "$output" == "artifact localhost/art:1: the content of its blob sha256:"*" is another"* ]]
	rm "$blob"
	echo x >"$CUDDY_ROOT/lists/localhost%2fempty%3a1"
	echo '{}' >"$CUDDY_ROOT/networks/net.json"
	run -125 --separate-stderr check --quick
	[ "${#lines[@]}" = 3 ]
	grep -q '^artifact localhost/art:1: its blob sha256:.* is missing' <<<"$output"
	grep -q '^manifest list localhost/empty:1: ' <<<"$output"
	grep -q '^network net: ' <<<"$output"
	run -125 check --quick --repair
	[ "$(grep -c 'repaired: it was removed' <<<"$output")" = 0 ]
	run -0 check --quick --repair --force
	clean
	[ "$(cuddy artifact ls --noheading --format '{{.Repository}}')" = localhost/whole ]
	[ "$(cuddy network ls -q | grep -x -e net -e whole)" = whole ]
	cuddy manifest inspect localhost/list:1 >/dev/null
}

@test "system check: what others are making and removing at the same time is no damage" {
	touch "$WORK/go"
	seq 200 | xargs -I{} touch "$WORK/f{}"
	tar -cf "$WORK/many.tar" -C "$WORK" $(cd "$WORK" && ls -d f*)
	loop() { while [ -e "$WORK/go" ]; do "$@"; done >/dev/null 2>&1 3>&-; }
	import() { cuddy import -q "$WORK/many.tar" localhost/many && cuddy rmi localhost/many; }
	commit() { cuddy create --name m -v vol:/v --network none "$IMAGE" true && cuddy commit -q m localhost/m && cuddy rm m && cuddy rmi localhost/m && cuddy volume rm vol; }
	loop import &
	one=$!
	loop commit &
	two=$!
	for i in $(seq 60); do
		clean --quick || { rm "$WORK/go"; wait "$one" "$two"; fail "$output$stderr"; }
	done
	rm "$WORK/go"
	wait "$one" "$two" || true
	clean
}
