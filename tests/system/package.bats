#!/usr/bin/env bats
# The Debian package that "make deb" makes: what is in it, what it asks for, and that it runs where it is put.
load helpers

setup() {
	test_begin
	require_program dpkg-deb
	deb=$(ls "$TOP/${BUILD:-build}"/cuddy_*.deb) || fail "no package: run make deb first"
	installed=$WORK/installed
	dpkg-deb -x "$deb" "$installed"
}

field() { dpkg-deb -f "$deb" "$1"; }

# without PROGRAM COMMAND...: fails while the package's own is not there, though there is one in the build tree
without() {
	local p=$installed/usr/libexec/cuddy/$1
	mv "$p" "$WORK/away"
	run --separate-stderr "${@:2}"
	mv "$WORK/away" "$p"
	one_line_error 125 "$p"
}

@test "package: its programs run containers, read archives and serve networks, and none is of the build tree" {
	PATH=$installed/usr/bin:$PATH
	[ "$(command -v cuddy)" = "$installed/usr/bin/cuddy" ]
	file=$(image_file busybox)
	without cuddy-transfer cuddy load -q -i "$file"
	cuddy load -q -i "$file"
	without cuddy-conmon cuddy run --rm "$IMAGE" true
	run -0 cuddy run --rm "$IMAGE" sh -c 'echo $$; id -u; cat /proc/self/uid_map | wc -l'
	[ "$output" = $'1\n0\n2' ]
	cuddy network create --internal near
	without cuddy-net cuddy run --rm --network near "$IMAGE" true
	cuddy run -d --name one --network near "$IMAGE" sleep 1000
	run -0 cuddy run --rm --network near "$IMAGE" nslookup one
	cuddy rm -f -t 0 one
	cuddy network rm near
	run -0 cuddy-runtime --version
	[[ "$output" == *"$(field Version)"* ]]
}

@test "package: the manual, three shells' completions and the generator are where Debian's programs look" {
	local u=$installed/usr name
	for name in $("$CUDDY" __complete -- '' | cut -f 1); do
		gzip -t "$u/share/man/man1/cuddy-$name.1.gz"
	done
	require_program man
	run -0 --separate-stderr env MANPATH="$u/share/man" MAN_KEEP_STDERR=1 man --warnings cuddy-run
	[[ -z "$stderr" && "$output" == *--publish* ]]
	cmp "$u/share/bash-completion/completions/cuddy" <("$CUDDY" completion bash)
	cmp "$u/share/fish/vendor_completions.d/cuddy.fish" <("$CUDDY" completion fish)
	cmp "$u/share/zsh/vendor-completions/_cuddy" <("$CUDDY" completion zsh)
	require_program zsh
	zsh -c 'print -l $fpath' | grep -qx /usr/share/zsh/vendor-completions
	mkdir -p "$WORK/config/containers/systemd" "$WORK/out"
	printf '[Container]\nImage=x\n' >"$WORK/config/containers/systemd/web.container"
	XDG_CONFIG_HOME=$WORK/config "$u/lib/systemd/user-generators/cuddy-user-generator" "$WORK/out" "$WORK/out" "$WORK/out"
	grep -q '^ExecStart=.*/usr/bin/cuddy run ' "$WORK/out/web.service"
	zcat "$u/share/doc/cuddy/changelog.gz" | grep -q "^cuddy ($(field Version))"
	grep -qx 'License: Expat' "$u/share/doc/cuddy/copyright"
}

@test "package: all is root's, nothing is setuid or anybody's to write, and the sums are right" {
	run -0 dpkg-deb -c "$deb"
	[ -z "$(awk '$2 != "root/root" || $1 !~ /^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--|lrwxrwxrwx)$/' <<<"$output")" ]
	[ -z "$(awk '$6 !~ /^\.\/(usr\/.*)?$/' <<<"$output")" ]
	dpkg-deb -e "$deb" "$WORK/control"
	[ "$(ls "$WORK/control" | xargs)" = "control md5sums" ]
	(cd "$installed" && md5sum --quiet -c "$WORK/control/md5sums")
	[ "$(cd "$installed" && find usr -type f | wc -l)" -eq "$(wc -l <"$WORK/control/md5sums")" ]
	# No debugging symbols: it is small.
	[ "$(stat -c %s "$deb")" -lt 4000000 ] || [[ ${BUILD:-} == *san-* ]]
}

@test "package: it depends on what its programs are linked to, and names all that they look for" {
	local p lib path owner asked
	asked=$(for f in Depends Recommends Suggests; do field $f; done | tr ',|' '\n\n' | sed 's/(.*//; s/ //g')
	for p in "$installed/usr/bin/cuddy" "$installed"/usr/libexec/cuddy/*; do
		for lib in $(objdump -p "$p" | awk '$1 == "NEEDED" { print $2 }'); do
			path=$(ldd "$p" | awk -v l="$lib" '$1 == l || $1 ~ "/" l "$" { print $3 ~ /^\// ? $3 : $1 }')
			owner=$(dpkg -S "$path" "/usr$path" 2>/dev/null | head -n 1 | cut -d : -f 1)
			grep -qxF "$owner" <<<"$asked" || fail "$p needs $lib, of $owner: $(field Depends)"
		done
	done
	# What a machine without the package would be given (tests/deps run).
	for p in $(sed -n 's/^run=(\(.*\))$/\1/p' "$TOP/tests/deps"); do
		grep -qxF "$p" <<<"$asked" || fail "$p is not asked for: $asked"
	done
	require_program apt-get
	run -0 apt-get -s install "$deb"
	[[ "$output" == *"Inst cuddy "* && "$output" != *"Remv "* ]]
}

@test "package: dpkg installs it, finds it whole, and takes all away again" {
	local at=$WORK/system before
	mkdir -p "$at/var/lib/dpkg/info" "$at/var/lib/dpkg/updates" "$at/var/lib/dpkg/triggers"
	: >"$at/var/lib/dpkg/status"
	in_root() { cuddy unshare dpkg --root="$at" --log=/dev/null --force-depends,not-root,script-chrootless "$@"; }
	in_root -i "$deb" 2>/dev/null
	[ -x "$at/usr/bin/cuddy" ]
	run -0 in_root -V cuddy
	[ -z "$output" ]
	echo x >>"$at/usr/share/doc/cuddy/copyright"
	run in_root -V cuddy
	[[ "$output" == *copyright* ]]
	in_root -P cuddy
	[ -z "$(find "$at" -path "$at/var/lib/dpkg" -prune -o ! -type d -print)" ]
	[ ! -e "$at/usr" ]
}
