#!/usr/bin/env bats
# Rows of threats against builds: sources from elsewhere, and stages that are hostile themselves.
load hostile

setup() {
	test_begin
	victim_begin
	mkdir -p "$WORK/ctx"
	cd "$WORK/ctx"
}
teardown() {
	[ -z "${SWAPPER:-}" ] || { touch "$WORK/w/done" && wait "$SWAPPER"; } || true
	[ -z "${SERVER:-}" ] || { kill "$SERVER" && wait "$SERVER" 2>/dev/null; } || true
	victim_is_unchanged
	test_end
}

file() { cat >Containerfile; }
build() { cuddy build -q -t localhost/t "$@" .; }
inside() { cuddy run --rm --network none localhost/t "$@"; }
no_staging() { [ -z "$(ls -A "$CUDDY_ROOT/staging")" ]; }

# tar with python: what no archiver would write. $1: where; standard input: lines that use t (a TarFile) and add().
hostile_tar() {
	python3 -c '
import io, sys, tarfile
t = tarfile.open(sys.argv[1], "w")
V = sys.argv[2]
def add(name, data=b"", type=tarfile.REGTYPE, link="", mode=0o644):
    i = tarfile.TarInfo(name); i.size = len(data); i.type = type; i.linkname = link; i.mode = mode
    t.addfile(i, io.BytesIO(data))
exec(sys.stdin.read())
t.close()' "$1" "$VICTIM"
}

@test "B08: an archive as context leads to nothing outside, whole or cut off; ADD of one neither" {
	hostile_tar "$WORK/a.tar" <<-'E'
		add("Dockerfile", type=tarfile.SYMTYPE, link=V + "/f")
		add("Dockerfile2", b"FROM scratch\nCOPY . /\n")
	E
	for how in "cuddy build -" "cuddy build -f Dockerfile -"; do
		run -125 --separate-stderr $how <"$WORK/a.tar"
		[[ "$stderr" != *canary* ]]
	done
	(cat "$WORK/a.tar" | head -c 2048; head -c 3000 /dev/urandom) >"$WORK/garbage.tar"
	run -125 cuddy build - <"$WORK/garbage.tar"
	no_staging
	hostile_tar "$WORK/b.tar" <<-'E'
		add("Dockerfile", b"FROM scratch\nCOPY . /\n")
		add("d", type=tarfile.SYMTYPE, link=V)
		add("d/f", b"overwritten")
		add("../../../../../../.." + V + "/up", b"outside")
	E
	run cuddy build -q -o "$WORK/out" - <"$WORK/b.tar"
	victim_is_unchanged
	[ ! -e "$VICTIM/up" ]
	hostile_tar in.tar <<-'E'
		add("x", type=tarfile.SYMTYPE, link=V)
		add("x/f", b"overwritten")
		add("y", type=tarfile.LNKTYPE, link=V + "/f")
	E
	file <<<$'FROM localhost/busybox\nADD in.tar /z/'
	run cuddy build -q .
	victim_is_unchanged
	no_staging
}

@test "B10: repositories by a closed set of protocols, no options, no paths out of them, no hooks" {
	file <<<'FROM scratch'
	for url in "ext::sh -c touch% $VICTIM/own" "--upload-pack=touch $VICTIM/own" "file://$VICTIM" "ssh://-oProxyCommand=touch/x" \
		"git@-oProxyCommand=touch:x" "git://127.0.0.1:1/r#--upload-pack=x" "git://127.0.0.1:1/r#main:../.." "fd::7/x"; do
		run -125 --separate-stderr cuddy build -- "$url"
		[ "${#stderr_lines[@]}" = 1 ]
	done
	[ ! -e "$VICTIM/own" ]
	export HOME=$WORK GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
	r=$WORK/repos/r
	mkdir -p "$r/real/sub"
	git -c init.defaultBranch=main init -q "$r"
	printf 'FROM scratch\nCOPY . /\n' | tee "$r/Dockerfile" >"$r/real/sub/Dockerfile"
	ln -s / "$r/lnk" && ln -s "$VICTIM" "$r/victim" && ln -s real "$r/inner"
	printf '[submodule "s"]\n\tpath = s\n\turl = file://%s\n' "$VICTIM" >"$r/.gitmodules"
	git -C "$r" add . && git -C "$r" update-index --add --cacheinfo 160000,"$(printf '1%.0s' {1..40})",s && git -C "$r" commit -q -m one
	git -C "$r" checkout -q -b plain && git -C "$r" rm -q --cached s .gitmodules && git -C "$r" commit -q -m two
	port=$(free_port)
	git daemon --reuseaddr --listen=127.0.0.1 --port="$port" --export-all --base-path="$WORK/repos" >/dev/null 2>&1 3>&- &
	SERVER=$!
	wait_until 20 git ls-remote "git://127.0.0.1:$port/r"
	# A submodule that would be a local clone ends it.
	run -125 --separate-stderr cuddy build -o "$WORK/out" "git://127.0.0.1:$port/r#main"
	[[ "$stderr" == *"git submodule: "* ]]
	for sub in lnk "lnk$VICTIM" victim victim/dir; do
		run -125 --separate-stderr cuddy build -o "$WORK/out" "git://127.0.0.1:$port/r#plain:$sub"
		[[ "$stderr" != *canary* ]]
	done
	cuddy build -q -o "$WORK/out" "git://127.0.0.1:$port/r#plain:inner/sub"
	[ "$(ls -A "$WORK/out")" = Dockerfile ]
	cuddy build -q -o "$WORK/out2" "git://127.0.0.1:$port/r#plain"
	[ -L "$WORK/out2/victim" ]
	[ ! -e "$WORK/out2/.git" ]
	no_staging
}

@test "B14: destinations that an earlier stage made links of end inside of the image" {
	echo new >x
	mkdir dir && echo new >dir/f
	tar -cf t.tar x
	for to in "$VICTIM" ../../../../../../../..$VICTIM /proc/self/root$VICTIM; do
		printf 'FROM localhost/busybox AS one\nRUN ln -s %s /app && ln -s %s/f /file && ln -s / /slash\n' "$to" "$to" >Containerfile
		cat >>Containerfile <<-'E'
			FROM one
			COPY x /app/
			COPY --chown=7:7 --chmod=777 x /file
			COPY dir /app
			ADD t.tar /app
			COPY --from=one /bin/busybox /slash/bin/b2
			WORKDIR /app/n
			VOLUME /app/v
			RUN --mount=type=tmpfs,target=/app/t touch /app/t/x
		E
		run build
		victim_is_unchanged
		[ ! -e /bin/b2 ]
	done
}

@test "B04: a cache that one command swaps under another shows neither of them the host" {
	mkdir -m 0777 "$WORK/w"
	file <<-'E'
		FROM localhost/busybox AS swap
		RUN --mount=type=cache,id=shared,target=/c i=0; mkdir -p /c/d; until [ -e /w/done ]; do \
			rm -rf /c/d; ln -s /victim /c/d; rm /c/d; mkdir /c/d; i=$((i+1)); done; echo $i >/rounds
		FROM localhost/busybox AS use
		RUN --mount=type=cache,id=shared,target=/c true
	E
	"$CUDDY" build -q --target swap -v "$WORK/w:/w" . >"$WORK/log" 2>&1 3>&- &
	SWAPPER=$!
	for i in $(seq 25); do
		printf 'FROM localhost/busybox\nRUN --mount=type=cache,id=shared,target=/c,source=d ls -a /c; cat /c/*; echo %s\n' "$i" >"$WORK/use"
		run cuddy build -f "$WORK/use" .
		[[ "$output" != *canary* && "$output" != *inner* ]]
		[ "$status" = 0 ] || [[ "$output" == *"source=d"* ]]
	done
	touch "$WORK/w/done"
	wait $SWAPPER
	SWAPPER=
	victim_is_unchanged
}
