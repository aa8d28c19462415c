#!/usr/bin/env bats
# --cache-to and --cache-from: what steps made, carried to a store that has nothing.
load helpers
load build
load registry

setup_file() {
	file_begin busybox
	registry_begin
	export REG REG_DIR
	echo "$REG_PID" >"$FILE_ROOT/registry.pid"
}
teardown_file() {
	kill "$(cat "$FILE_ROOT/registry.pid")"
	file_end
}
setup() {
	test_begin
	mkdir -p "$WORK/ctx"
	cd "$WORK/ctx"
	export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REG" >"$CONTAINERS_REGISTRIES_CONF"
}

# As a store on another machine: the base image, and nothing of what was built.
forget() {
	cuddy rmi -f localhost/t >/dev/null 2>&1 || true
	cuddy image prune -f >/dev/null
	cuddy builder prune -a -f >/dev/null
	[ "$(ls "$CUDDY_ROOT/layers" | wc -l)" = 1 ]
}
# Two stages, random bytes: only who did not run it again has the same image.
containerfile() {
	echo "${1:-text}" >f
	file <<-'E'
		FROM localhost/busybox AS make
		RUN head -c 32 /dev/urandom >/made && head -c 3000000 /dev/urandom >/large
		COPY f /f
		RUN true
		FROM localhost/busybox
		WORKDIR /work/dir
		COPY --from=make /made /f /got/
		RUN head -c 32 /dev/urandom | sha1sum >/own && cat /got/f >>/own
		LABEL k=v
	E
}
blobs() { tail -n +$((GETS_FROM + 1)) "$REG_DIR/log" | grep -cE '"GET /v2/[^ ]*/blobs/[^ ]* HTTP/1.1" 200' || true; }
only_named() { [ "$(cuddy images -a --format '{{.Repository}}' | sort -u | tr '\n' ' ')" = "$*" ]; }
# edit_config DIR PYTHON: a layout whose config was changed, as somebody would who has no keys of ours
edit_config() {
	python3 - "$1" "$2" <<-'P'
		import hashlib, json, os, sys
		d = sys.argv[1]
		blob = lambda x: os.path.join(d, 'blobs/sha256', x.split(':')[1])
		def put(o):
		    t = json.dumps(o).encode()
		    x = 'sha256:' + hashlib.sha256(t).hexdigest()
		    open(blob(x), 'wb').write(t)
		    return x, len(t)
		index = json.load(open(os.path.join(d, 'index.json')))
		m = json.load(open(blob(index['manifests'][0]['digest'])))
		c = json.load(open(blob(m['config']['digest'])))
		records = c['io.cuddy.build.cache']
		exec(sys.argv[2])
		m['config']['digest'], m['config']['size'] = put(c)
		index['manifests'][0]['digest'], index['manifests'][0]['size'] = put(m)
		json.dump(index, open(os.path.join(d, 'index.json'), 'w'))
	P
}

@test "a registry: a store that has nothing gets all steps from there, and of their layers only what it needs (O7)" {
	containerfile
	first=$(build --cache-to "$REG/team/c")
	only_named "localhost/busybox localhost/t "
	forget
	blob_gets_begin
	run -0 --separate-stderr cuddy build -t localhost/t --cache-from "$REG/team/c" .
	[ "$output" = "$first" ]
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 6 ]
	[[ $stderr != *warning* ]]
	only_named "localhost/busybox localhost/t "
	# By now they are our own.
	blob_gets_begin
	[ "$(build)" = "$first" ]
	[ "$(blobs)" = 0 ]
	# What changed is done anew, and all that stands on it; what does not, is not.
	forget
	containerfile other
	run -0 --separate-stderr cuddy build -t localhost/t --cache-from "$REG/team/c" --cache-to "type=registry,ref=$REG/team/c:two,compression=zstd" .
	[ "$output" != "$first" ]
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 2 ]
	second=$output
	[ "$(inside tail -n 1 /own)" = other ]
	forget
	run -0 --separate-stderr cuddy build -q -t localhost/t --cache-from "$REG/team/c" --cache-from "type=registry,ref=$REG/team/c:two" .
	[ "$output" = "$second" ]
	# --no-cache asks nobody.
	blob_gets_begin
	[ "$(build --no-cache --cache-from "$REG/team/c:two")" != "$second" ]
	[ "$(blobs)" = 0 ]
}

@test "a registry: what is there already is not sent, what another repository has is mounted; mode=min is the target's own (O7)" {
	containerfile
	cuddy build -q -t "$REG/team/app:1" --push . >/dev/null
	# The image's layers come from its repository; only the other stage's two and the config are sent.
	requests_begin
	cuddy build -q --cache-to "type=registry,ref=$REG/team/far" . >/dev/null
	[ "$(requests | grep -c '^POST .*mount=.*from=team%2Fapp.* 201$')" = 3 ] || fail "$(requests)"
	[ "$(requests | grep -c '^PUT .*/blobs/uploads/.* 201$')" = 3 ] || fail "$(requests)"
	# The same again, and then only what came: a layer, and the config that names it.
	requests_begin
	cuddy build -q --cache-to "type=registry,ref=$REG/team/far" . >/dev/null
	[ "$(requests | grep -c '/blobs/uploads/')" = 0 ] || fail "$(requests)"
	echo 'RUN echo more >/more' >>Containerfile
	requests_begin
	build --cache-to "type=registry,ref=$REG/team/far" >/dev/null
	[ "$(requests | grep -c '^PUT .*/blobs/uploads/.* 201$')" = 2 ] || fail "$(requests)"
	# Both at once: what the cache got is there for the image, of one platform and of several.
	echo 'RUN echo both >/both' >>Containerfile
	requests_begin
	cuddy build -q -t "$REG/team/both:1" --push --cache-to "type=registry,ref=$REG/team/far" . >/dev/null
	[ "$(requests | grep -c '^PUT .*/team/both/blobs/uploads/.* 201$')" = 1 ] || fail "$(requests)" # the config
	[ "$(requests | grep -c '^POST .*/team/both/blobs/uploads/.*mount=.*from=team%2Ffar.* 201$')" = 2 ] || fail "$(requests)"
	requests_begin
	cuddy rmi -f "$REG/team/both:1" "$REG/team/app:1" >/dev/null
	cuddy build -q -t "$REG/team/all:1" --push --provenance=true --cache-to "type=registry,ref=$REG/team/far" . >/dev/null
	[ "$(requests | grep -c '^PUT .*/team/all/blobs/uploads/.* 201$')" = 4 ] || fail "$(requests)" # the base's layer, configs, a statement
	cuddy manifest rm "$REG/team/all:1" >/dev/null
	layers_in() { jq -c .rootfs.diff_ids "$1/blobs/sha256/$(jq -r .config.digest "$1/blobs/sha256/$(jq -r '.manifests[0].digest' "$1/index.json" | cut -d: -f2)" | cut -d: -f2)"; }
	build --cache-to "type=local,dest=$WORK/min,mode=min" --cache-to "type=local,dest=$WORK/max" >/dev/null
	[ "$(layers_in "$WORK/min")" = "$(cuddy image inspect localhost/t | jq -c '.[0].RootFS.Layers[1:]')" ]
	[ "$(layers_in "$WORK/max" | jq length)" = 7 ]
	forget
}

@test "a directory, and an image with its own cache in it; what cannot be had is a warning" {
	containerfile
	run -0 --separate-stderr cuddy build -q -t localhost/t --cache-from "type=local,src=$WORK/c" --cache-to "type=local,dest=$WORK/c" .
	first=$output
	[[ $stderr == *"warning: --cache-from type=local,src=$WORK/c: "* ]]
	forget
	# In the place of what it was read from.
	[ "$(build --cache-from "type=local,src=$WORK/c" --cache-to "type=local,dest=$WORK/c,mode=max")" = "$first" ]
	[ "$(find "$WORK" -maxdepth 1 -name '.cuddy-cache*' | wc -l)" = 0 ]
	skopeo inspect "oci:$WORK/c" >/dev/null
	# In the image: the steps of its own stages.
	forget
	file <<<$'FROM localhost/busybox\nRUN head -c 32 /dev/urandom >/a\nRUN head -c 32 /dev/urandom >/b\nENV x=y'
	first=$(cuddy build -q -t "$REG/team/app:latest" --cache-to type=inline --push .)
	sum=$(cuddy run --rm --network none "$REG/team/app:latest" sha1sum /a /b)
	cuddy rmi -f "$REG/team/app:latest" >/dev/null
	forget
	blob_gets_begin
	run -0 --separate-stderr cuddy build -t localhost/t --cache-from "$REG/team/app" .
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 2 ]
	[ "$(inside sha1sum /a /b)" = "$sum" ]
	# What is built on it says nothing of its steps.
	cuddy tag localhost/t localhost/base
	file <<<$'FROM localhost/base\nRUN true >/c'
	id=$(build)
	run ! grep -q build.cache "$CUDDY_ROOT/images/$id/config"
	# As old tools ask for it.
	grep -q build.cache "$CUDDY_ROOT/images/$(build --build-arg BUILDKIT_INLINE_CACHE=1)/config"
	cuddy rmi -f localhost/base >/dev/null
	file <<<$'FROM localhost/busybox\nRUN true >/d'
	run -0 --separate-stderr cuddy build -q --cache-from "$REG/team/none:1" .
	[[ $stderr == *"warning: --cache-from $REG/team/none:1: "* ]]
	# Words that mean nothing here, and places that hold something else.
	mkdir "$WORK/full" && touch "$WORK/full/mine"
	for spec in "type=local,dest=$WORK/full" type=gha "type=registry,ref=$REG/x,mode=all" "type=local" "type=registry,dest=x" "type=local,dest=x,what=1" "type=local,dest=/" nohost; do
		run -125 --separate-stderr cuddy build -q --cache-to "$spec" .
		[[ $stderr == "cuddy: build: --cache-to $spec: "* ]]
		[ "${#stderr_lines[@]}" = 1 ]
	done
	[ -e "$WORK/full/mine" ]
	run -125 --separate-stderr cuddy build -q --cache-to "$REG/UPPER" .
	run -0 --separate-stderr cuddy build -q --cache-to "type=registry,ref=127.0.0.1:1/c,ignore-error=true" --retry 0 .
	[[ $stderr == *"warning: --cache-to type=registry"* ]]
}

@test "only what was made of the same things counts: entries of other keys, damaged ones and damaged layers do not" {
	file <<<$'FROM localhost/busybox\nRUN head -c 32 /dev/urandom >/a\nRUN head -c 32 /dev/urandom >/b'
	first=$(build --cache-to "type=local,dest=$WORK/c")
	cp -r "$WORK/c" "$WORK/other"
	# The same steps over another base, or with another argument.
	forget
	echo x >x
	cat >Other <<<$'FROM localhost/busybox\nCOPY x /x\nRUN head -c 32 /dev/urandom >/a\nRUN head -c 32 /dev/urandom >/b'
	run -0 --separate-stderr cuddy build -t localhost/t -f Other --cache-from "type=local,src=$WORK/c" .
	run ! grep -q 'Using cache' <<<"$stderr"
	# Entries that are none: of a layer that is not among them, with a key that is none, of another kind.
	forget
	edit_config "$WORK/other" 'records[0]["layer"] = "sha256:" + "0" * 64; records[1]["key"] = "../../x"; records.append(1); records.append({"key": "a" * 64, "layer": 7, "created": 1})'
	run -0 --separate-stderr cuddy build -t localhost/t --cache-from "type=local,src=$WORK/other" .
	run ! grep -q 'Using cache' <<<"$stderr"
	# Another layer than the config says.
	forget
	rm -rf "$WORK/other"
	cp -r "$WORK/c" "$WORK/other"
	edit_config "$WORK/other" 'm["layers"].reverse()'
	run -0 --separate-stderr cuddy build -t localhost/t --cache-from "type=local,src=$WORK/other" .
	[[ $stderr == *"warning: --cache-from type=local"* ]]
	run ! grep -q 'Using cache' <<<"$stderr"
	# And the true one still does.
	forget
	[ "$(build --cache-from "type=local,src=$WORK/c")" = "$first" ]
}
