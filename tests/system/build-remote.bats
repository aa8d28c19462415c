load helpers
load build
load sources

teardown() {
	sources_end
	test_end
}
files() { (cd "$WORK/out" && find . -mindepth 1 | LC_ALL=C sort | xargs); }
out() { rm -rf "$WORK/out" && cuddy build -q -o "$WORK/out" "$@"; }

@test "context on standard input: a tar of any compression, or a Containerfile; -f and ignore file within (P10)" {
	mkdir -p d
	echo x >d/f
	echo y >hidden
	echo hidden >.dockerignore
	printf 'FROM scratch\nCOPY . /\n' >Containerfile
	printf 'FROM scratch\nCOPY d /other\n' >d/Other
	for z in "" -z -j -J --zstd; do
		tar $z -cf "$WORK/ctx.tar" .
		out - <"$WORK/ctx.tar"
		[ "$(files)" = "./.dockerignore ./Containerfile ./d ./d/Other ./d/f" ]
	done
	out -f d/Other - <"$WORK/ctx.tar"
	[ "$(files)" = "./other ./other/Other ./other/f" ]
	# The same files give the same image, from a directory and from a tar.
	[ "$(cuddy build -q --timestamp 1 .)" = "$(cuddy build -q --timestamp 1 - <"$WORK/ctx.tar")" ]
	run -125 --separate-stderr cuddy build -f - - <"$WORK/ctx.tar"
	[[ "$stderr" == *"-f -: standard input is the context"* ]]
	head -c 5000 /dev/zero >big
	tar -cf "$WORK/ctx.tar" Containerfile big
	head -c 4000 "$WORK/ctx.tar" >"$WORK/cut.tar"
	run -125 cuddy build - <"$WORK/cut.tar"
	run -125 --separate-stderr cuddy build -f Containerfile - <<<'FROM scratch'
	[[ "$stderr" == *"the context is a Containerfile itself"* ]]
}

@test "context by URL: a tar, or only a Containerfile; ADD of URLs with name, mode, time, checksum, --unpack (C11 P10)" {
	www_begin
	mkdir -p in
	printf 'FROM scratch\nCOPY in /in\n' >Containerfile
	echo data >in/data
	tar -czf "$WORK/www/ctx.tgz" .
	out "$WWW/ctx.tgz"
	[ "$(files)" = "./in ./in/data" ]
	printf 'FROM scratch\nCOPY <<E /only\ntext\nE\n' >"$WORK/www/Only"
	out "$WWW/Only"
	[ "$(cat "$WORK/out/only")" = text ]
	echo body >"$WORK/www/file.txt"
	touch -d '2001-02-03 04:05:06 UTC' "$WORK/www/file.txt"
	sum=$(sha256sum <"$WORK/www/file.txt" | cut -d' ' -f1)
	cat >Containerfile <<-E
		FROM localhost/busybox
		ADD --checksum=sha256:$sum $WWW/file.txt /checked
		ADD $WWW/file.txt?query=1 /into/
		ADD --chmod=644 --chown=3:4 $WWW/file.txt /named
		ADD $WWW/ctx.tgz /packed
		ADD --unpack $WWW/ctx.tgz /unpacked
	E
	build
	run -0 inside sh -c 'stat -c "%n %a %u:%g %Y" /into/file.txt /named; cat /checked /unpacked/in/data; head -c 2 /packed | od -An -tx1'
	[ "$output" = $'/into/file.txt 600 0:0 981173106\n/named 644 3:4 981173106\nbody\ndata\n 1f 8b' ]
	# Again: what has a checksum is not asked for, what has an old time is asked for and not fetched (K6), and what
	# is so young that its time says nothing is fetched, and found to be the same.
	: >"$WORK/www.log"
	run -0 --separate-stderr cuddy build -t localhost/t .
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 5 ]
	[ "$(grep -c 'HEAD /file.txt.* 304 ' "$WORK/www.log")" = 2 ]
	[ "$(grep -c 'GET /file.txt' "$WORK/www.log")" = 0 ]
	[ "$(grep -c 'GET /ctx.tgz' "$WORK/www.log")" = 2 ]
	echo other >"$WORK/www/file.txt"
	run -0 --separate-stderr cuddy build -t localhost/t .
	[ "$(inside cat /named /checked)" = $'other\nbody' ]
	run -125 --separate-stderr cuddy build --no-cache .
	[[ "$stderr" == *"Containerfile:2: ADD --checksum"*"it has sha256:"*", not sha256:$sum"* ]]
	run -125 --separate-stderr cuddy build - <<<$'FROM scratch\nADD '"$WWW/none /"
	[[ "$stderr" == *"standard input:2: ADD $WWW/none /: fetch: $WWW/none: the server says 404"* ]]
	run -125 --separate-stderr cuddy build - <<<$'FROM scratch\nCOPY '"$WWW/x /"
	[[ "$stderr" == *"COPY takes files of the context; ADD fetches"* ]]
	for bad in ftp://127.0.0.1/x ssh://127.0.0.1/x file:///etc/passwd git@127.0.0.1:x; do
		run -125 --separate-stderr cuddy build - <<<$'FROM scratch\nADD '"$bad /"
		[[ "$stderr" == *"only https://, http:// and git:// are fetched"* ]]
	done
}

@test "ADD of URLs with entity tags: the server is asked, and only what changed is fetched (K6)" {
	local asked='(HEAD|GET)'
	www_begin etag
	for f in plain loose nohead weak; do
		echo $f-1 >"$WORK/www/$f"
		echo "\"$f-1\"" >"$WORK/www/$f.etag"
	done
	echo 'W/"weak"' >"$WORK/www/weak.etag"
	printf 'FROM scratch\nADD %s /a/\n' "$WWW/plain" "$WWW/loose" "$WWW/nohead" "$WWW/weak" |
		sed '/^FROM/{1!d}' >Containerfile
	requests() { : >"$WORK/www.log" && out "$@" . && sed -En "s/.*\"$asked \/([a-z]*) .*\" ([0-9]*) .*/\1 \2 \3/p" "$WORK/www.log" | sort | xargs; }
	[ "$(requests)" = "GET loose 200 GET nohead 200 GET plain 200 GET weak 200" ]
	# A weak tag is not one of bytes; a server without HEAD is asked, and then for the file.
	[ "$(requests)" = "GET nohead 200 GET weak 200 HEAD loose 200 HEAD nohead 405 HEAD plain 304" ]
	[ "$(files)" = "./a ./a/loose ./a/nohead ./a/plain ./a/weak" ]
	for f in plain loose; do
		echo $f-2 >"$WORK/www/$f"
		echo "\"$f-2\"" >"$WORK/www/$f.etag"
	done
	[ "$(requests)" = "GET loose 200 GET nohead 200 GET plain 200 GET weak 200 HEAD loose 200 HEAD nohead 405 HEAD plain 200" ]
	[ "$(cat "$WORK/out/a/plain" "$WORK/out/a/loose")" = $'plain-2\nloose-2' ]
	# The same content under another tag is the same step.
	echo '"plain-3"' >"$WORK/www/plain.etag"
	run -0 --separate-stderr cuddy build .
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 4 ]
	# What is known of a server whose certificate was not looked at is not told to those who do look.
	[ "$(requests --tls-verify=false)" = "GET loose 200 GET nohead 200 GET plain 200 GET weak 200" ]
	# Contexts and Containerfiles of URLs: their bodies are kept, as long as the cache is, and looked at when they are used.
	mkdir -p "$WORK/c/in"
	printf 'FROM scratch\nCOPY in /in\n' >"$WORK/c/Containerfile"
	touch "$WORK/c/in/old"
	tar -czf "$WORK/www/plain" -C "$WORK/c" .
	echo '"ctx-1"' >"$WORK/www/plain.etag"
	printf 'FROM scratch\nCOPY --from=in in /of-url\n' >"$WORK/www/loose"
	echo '"file-1"' >"$WORK/www/loose.etag"
	asked_for() { : >"$WORK/www.log" && out "$@" && sed -En "s/.*\"$asked \/([a-z]*) .*\" ([0-9]*) .*/\1 \2 \3/p" "$WORK/www.log" | sort | xargs; }
	[ "$(asked_for "$WWW/plain")" = "GET plain 200 HEAD plain 200" ]
	[ "$(asked_for "$WWW/plain")" = "HEAD plain 304" ]
	[ "$(files)" = "./in ./in/old" ]
	[ "$(asked_for --build-context "in=$WWW/plain" -f "$WWW/loose" .)" = "GET loose 200 HEAD loose 200 HEAD plain 304" ]
	[ "$(files)" = "./of-url ./of-url/old" ]
	[ "$(asked_for --build-context "in=$WWW/plain" -f "$WWW/loose" .)" = "HEAD loose 200 HEAD plain 304" ]
	for n in "$CUDDY_ROOT"/cache/bodies/*; do printf x >"$n"; done
	[ "$(asked_for "$WWW/plain")" = "GET plain 200 HEAD plain 304" ]
	[ "$(asked_for --no-cache "$WWW/plain")" = "GET plain 200" ]
	echo '"ctx-2"' >"$WORK/www/plain.etag"
	mv "$WORK/c/in/old" "$WORK/c/in/new"
	tar -czf "$WORK/www/plain" -C "$WORK/c" .
	[ "$(asked_for "$WWW/plain")" = "GET plain 200 HEAD plain 200" ]
	[ "$(files)" = "./in ./in/new" ]
	[ -n "$(ls "$CUDDY_ROOT/cache/bodies")" ]
	cuddy builder prune -f --max-used-space 1 >/dev/null
	[ -z "$(ls "$CUDDY_ROOT/cache/bodies")" ]
	[ "$(asked_for "$WWW/plain")" = "GET plain 200 HEAD plain 304" ]
	printf 'FROM scratch\nADD %s /a/\n' "$WWW/plain" "$WWW/loose" "$WWW/nohead" "$WWW/weak" | sed '/^FROM/{1!d}' >Containerfile
	# A note that a power loss spoiled is no note, and notes go with the cache.
	for n in "$CUDDY_ROOT"/cache/urls/*; do printf 'x' >"$n"; done
	[ "$(requests)" = "GET loose 200 GET nohead 200 GET plain 200 GET weak 200" ]
	cuddy builder prune -a -f
	[ -z "$(ls "$CUDDY_ROOT/cache/urls" "$CUDDY_ROOT/cache/bodies" | grep -v :)" ]
}

@test "context and ADD by git: branches, tags, commits, subdirectories; .git only when asked for (P10 C11)" {
	git_begin
	out "$GITD/r"
	[ "$(files)" = "./Containerfile ./branch ./root ./sub ./sub/Containerfile" ]
	[ "$(cat "$WORK/out/branch")" = main ]
	[ "$(stat -c %a "$WORK/out/sub/Containerfile" "$WORK/out/branch" | xargs)" = "755 644" ]
	out "$GITD/r#other"
	[ "$(cat "$WORK/out/branch")" = other ]
	out "$GITD/r#v1:sub"
	[ "$(files)" = "./Containerfile" ]
	commit=$(git -C "$WORK/repos/r" rev-parse other)
	out "$GITD/r#$commit"
	[ "$(cat "$WORK/out/branch")" = other ]
	out --build-arg BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 "$GITD/r"
	[ -d "$WORK/out/.git" ]
	file <<-E
		FROM scratch
		ADD $GITD/r#v1:sub /sub
		ADD --keep-git-dir $GITD/r /whole
		ADD --checksum=$commit $GITD/r#other /other
	E
	out .
	[ -d "$WORK/out/whole/.git" ]
	[ ! -e "$WORK/out/other/.git" ]
	[ "$(cat "$WORK/out/other/branch")" = other ]
	[ "$(ls "$WORK/out/sub")" = Containerfile ]
	run -0 --separate-stderr cuddy build .
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 3 ]
	run -125 --separate-stderr cuddy build "$GITD/r#nosuch"
	[[ "$stderr" == *"there is no 'nosuch'"* ]]
	run -125 --separate-stderr cuddy build "$GITD/nosuch"
	[[ "$stderr" == *"context: git ls-remote: "* ]]
	run -125 --separate-stderr cuddy build "$GITD/r#:none"
	run -125 --separate-stderr cuddy build - <<<$'FROM scratch\nADD --checksum='"$commit $GITD/r /"
	[[ "$stderr" == *"is at commit "*", not $commit"* ]]
}

@test "-f URL, and named contexts that are URLs, repositories and layouts of images" {
	www_begin
	git_begin
	mkdir -p "$WORK/a" && echo inside >"$WORK/a/text"
	tar -czf "$WORK/www/a.tgz" -C "$WORK/a" .
	printf 'FROM scratch AS base\nCOPY --from=tar text /tar\nCOPY --from=git branch /git\n' >"$WORK/www/File"
	echo mine >own
	out -f "$WWW/File" --build-context "tar=$WWW/a.tgz" --build-context "git=$GITD/r#other" .
	[ "$(cat "$WORK/out/tar" "$WORK/out/git")" = $'inside\nother' ]
	run -125 --separate-stderr cuddy build -f "$WWW/None" .
	[[ "$stderr" == "cuddy: build: -f $WWW/None: "*404* ]]
	[ "${#stderr_lines[@]}" = 1 ]
	run -125 --separate-stderr cuddy build -f "$WWW/File" --build-context "tar=$WWW/File" .
	[[ "$stderr" == *"--build-context tar: it is no archive"* ]]
	# A layout: the only image, one of several, nothing that gets a name.
	printf 'FROM scratch\nCOPY own /one\nENV WHICH=one\n' >One
	printf 'FROM scratch\nCOPY own /two\nENV WHICH=two\n' >Two
	for n in One Two; do
		cuddy build -q -f $n -t "localhost/${n,}:x" . >/dev/null
		cuddy save -q -o "$WORK/$n.tar" --format oci-archive "localhost/${n,}:x"
		skopeo copy -q "oci-archive:$WORK/$n.tar" "oci:$WORK/layout:${n,}"
		cuddy rmi -f "localhost/${n,}:x" >/dev/null
	done
	printf 'FROM base\nCOPY --from=other two /from\n' >Containerfile
	id=$(cuddy build -q --build-context "base=oci-layout://$WORK/layout:one" --build-context "other=oci-layout://$WORK/layout:two" .)
	[ "$(cuddy image inspect --format '{{index .Config.Env 1}} {{len .RootFS.Layers}}' "$id")" = "WHICH=one 2" ]
	[ -z "$(cuddy images -q --filter reference='localhost/*ne')" ]
	digest=$(jq -r '.manifests[1].digest' "$WORK/layout/index.json")
	id=$(printf 'FROM base\n' | cuddy build -q -f - --build-context "base=oci-layout://$WORK/layout@$digest" .)
	[ "$(cuddy image inspect --format '{{index .Config.Env 1}}' "$id")" = WHICH=two ]
	run -125 --separate-stderr cuddy build --build-context "base=oci-layout://$WORK/layout:three" --build-context "other=oci-layout://$WORK/layout:two" .
	[[ "$stderr" == *"it has no 'three'"* ]]
}
