# Where builds take files from: a web server and a git daemon on loopback, of one test.

# A web server for $WORK/www on loopback: WWW is its address, $WORK/www.log what it was asked for. With an argument one
# that has entity tags, else one that has times.
www_begin() {
	local port server
	port=$(free_port)
	server=(-m http.server --bind 127.0.0.1 --directory "$WORK/www" "$port")
	[ -z "${1:-}" ] || server=("$FIXTURES/etagweb.py" "$WORK/www" "$port")
	WWW=http://127.0.0.1:$port
	mkdir -p "$WORK/www"
	: >"$WORK/www/index.html"
	python3 "${server[@]}" >"$WORK/www.log" 2>&1 3>&- &
	WWW_PID=$!
	wait_until 20 curl -sf "$WWW/index.html"
}

# git daemon for $WORK/repos; GIT is its address. A repository "r" with two branches, a tag and a link.
git_begin() {
	local port r=$WORK/repos/r
	export HOME=$WORK GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
	mkdir -p "$r/sub"
	git -c init.defaultBranch=main init -q "$r"
	printf 'FROM scratch\nCOPY . /\n' | tee "$r/Containerfile" >"$r/sub/Containerfile"
	echo main >"$r/branch"
	ln -s / "$r/root"
	chmod 755 "$r/sub/Containerfile"
	git -C "$r" add . && git -C "$r" commit -q -m one && git -C "$r" tag v1
	git -C "$r" checkout -q -b other && echo other >"$r/branch" && git -C "$r" commit -q -a -m two
	git -C "$r" checkout -q main
	port=$(free_port)
	GITD=git://127.0.0.1:$port
	git daemon --reuseaddr --listen=127.0.0.1 --port="$port" --export-all --base-path="$WORK/repos" >"$WORK/git.log" 2>&1 3>&- &
	GIT_PID=$!
	wait_until 20 git ls-remote "$GITD/r"
}

end_server() {
	kill "$1"
	wait "$1" 2>/dev/null || true
}

sources_end() {
	[ -z "${WWW_PID:-}" ] || end_server "$WWW_PID"
	[ -z "${GIT_PID:-}" ] || end_server "$GIT_PID"
}
