load helpers
load build

# How many files of the context a build opens.
opened() {
	strace -f -qq -e trace=openat2 -o "$WORK/trace" "$CUDDY" build -q . >/dev/null
	grep -cE '"f[0-9]+"' "$WORK/trace" || true
}
none_opened() { [ "$(opened)" = 0 ]; }

@test "a context is read once: after that only what changed, however it changed (K11)" {
	mkdir many
	for i in $(seq 300); do echo "content $i" >"many/f$i"; done
	file <<<$'FROM scratch\nCOPY many /many\nCOPY many/f7 /again'
	first=$(cuddy build -q .)
	# What is younger than two seconds is not trusted: until then it is read again.
	wait_until 20 none_opened
	[ "$(cuddy build -q .)" = "$first" ]
	# The same size, and the time put back: the inode's own time tells.
	touch -r many/f7 "$WORK/time"
	echo "content X" >many/f7
	touch -r "$WORK/time" many/f7
	second=$(cuddy build -q .)
	[ "$second" != "$first" ]
	cuddy build -q -o "$WORK/out" .
	[ "$(cat "$WORK/out/many/f7" "$WORK/out/again")" = $'content X\ncontent X' ]
	# Another file under the name, by rename; and back.
	echo "content 7" >many/new
	mv many/new many/f7
	[ "$(cuddy build -q .)" = "$first" ]
	# A cache that is damaged is none.
	for f in "$CUDDY_ROOT"/cache/stat/*; do
		truncate -s 1000 "$f"
	done
	[ "$(cuddy build -q .)" = "$first" ]
	for f in "$CUDDY_ROOT"/cache/stat/*; do
		head -c 4096 /dev/urandom >"$f"
	done
	[ "$(cuddy build -q .)" = "$first" ]
	cuddy builder prune -a -f >/dev/null
	[ -z "$(ls -A "$CUDDY_ROOT/cache/stat")" ]
}

@test "a step that makes the same files as an earlier one: the layer comes twice, the image runs, saves and loads" {
	echo text >f
	file <<-'E'
		FROM localhost/busybox
		COPY f /d/a
		RUN rm -r /d && echo 1 >/other
		COPY f /d/a
		RUN cat /d/a /other >/seen
	E
	build --timestamp 1000
	run -0 cuddy image inspect --format '{{range .RootFS.Layers}}{{.}} {{end}}' localhost/t
	[ "$(tr ' ' '\n' <<<"$output" | sort | uniq -d | wc -w)" = 1 ]
	[ "$(inside cat /d/a /other /seen)" = $'text\n1\ntext\n1' ]
	cuddy save -q -o "$WORK/t.tar" localhost/t
	cuddy rmi -f localhost/t >/dev/null
	cuddy builder prune -a -f >/dev/null
	cuddy load -q -i "$WORK/t.tar" >/dev/null
	[ "$(inside cat /d/a /other /seen)" = $'text\n1\ntext\n1' ]
}
