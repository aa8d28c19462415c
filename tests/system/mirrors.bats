#!/usr/bin/env bats
# registries.conf with real registries: mirrors, where names really live, what is blocked, and what short names mean.
load helpers
load registry

setup_file() { registry_file_begin; }
teardown_file() { registry_file_end; }

setup() {
	test_begin
	registry_pair
	M=$REG
	f=$(image_file busybox)
	export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
}

teardown() {
	registry_pair_end
	test_end
}

to() { REG=$1 push "$f" "$2" "${@:3}"; } # REGISTRY NAME
conf() { cat >"$CONTAINERS_REGISTRIES_CONF"; }
asked() { grep -c "\"[A-Z]* /v2/$2" "$1/log" || true; } # DIR PATH: how many requests
id_at() { skopeo inspect --raw --tls-verify=false "docker://$1" | jq -r .config.digest | cut -d: -f2; }

# images: N2
@test "mirrors: the mirror is asked first and the registry when that fails; the name stays; pushes go to the registry" {
	conf <<-C
		[[registry]]
		prefix = "example.test/team"
		location = "$A/real"
		insecure = true
		[[registry.mirror]]
		location = "$M/cache"
		insecure = true
	C
	to "$M" cache/both:1
	to "$A" real/both:1
	to "$A" real/only:1
	run -0 --separate-stderr cuddy pull -q example.test/team/both:1
	[ "$output" = "$(id_at "$M/cache/both:1")" ]
	[ -z "$stderr" ]
	[ "$(asked "$A_DIR" 'real/both/.*cuddy')" -eq 0 ]
	cuddy images --format '{{.Repository}}:{{.Tag}}' | grep -qx example.test/team/both:1
	cuddy image inspect --format '{{json .RepoDigests}}' example.test/team/both:1 | grep -q '\["example.test/team/both@sha256:'
	# What may be pulled is said of the name, not of the place.
	export XDG_CONFIG_HOME=$WORK/config
	mkdir -p "$XDG_CONFIG_HOME/containers"
	for scope in "$M" example.test/team; do
		cuddy rmi example.test/team/both:1 >/dev/null
		printf '{"default": [{"type": "insecureAcceptAnything"}], "transports": {"docker": {"%s": [{"type": "reject"}]}}}' "$scope" \
			>"$XDG_CONFIG_HOME/containers/policy.json"
		run --separate-stderr cuddy pull -q --retry 0 example.test/team/both:1
		[ "$scope" = example.test/team ] || [ "$status" -eq 0 ] || fail "$stderr"
	done
	one_line_error 125 'example.test/team/both:1.*reject'
	rm "$XDG_CONFIG_HOME/containers/policy.json"
	cuddy pull -q example.test/team/both:1
	run -0 --separate-stderr cuddy pull -q example.test/team/only:1
	[ "$output" = "$(id_at "$A/real/only:1")" ]
	[[ "$stderr" == *"warning: $M: "* ]]
	cuddy push -q busybox example.test/team/new:1
	[ -n "$(id_at "$A/real/new:1")" ]
	run -1 skopeo inspect --raw --tls-verify=false "docker://$M/cache/new:1"
	# Neither has it, or the mirror is gone: the registry's word, or its image.
	run --separate-stderr cuddy pull -q --retry 0 example.test/team/nosuch:1
	[ "$status" -eq 125 ]
	[[ "${stderr_lines[-1]}" == *"real/nosuch:1 at $A: manifest unknown"* ]]
	registry_end
	cuddy rmi example.test/team/both:1 >/dev/null
	run -0 cuddy pull -q --retry 0 example.test/team/both:1
	wait_until 20 true
}

# images: N2
@test "mirrors: for digests only, for tags only, and the longest prefix; what is blocked is not asked" {
	to "$M" cache/a:1
	to "$A" real/a:1
	d=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$A/real/a:1")
	[ "$d" = "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$M/cache/a:1")" ]
	mirror() { # KEYS OF THE REGISTRY, KEYS OF THE MIRROR
		printf '[[registry]]\nprefix = "e.test"\nlocation = "%s/real"\ninsecure = true\n%s\n[[registry.mirror]]\nlocation = "%s/cache"\ninsecure = true\n%s\n' \
			"$A" "$1" "$M" "$2" | conf
	}
	from() { # NAME REGISTRY-DIR: pulled from there and nowhere else
		local a m
		: >"$A_DIR/log"; : >"$REG_DIR/log"
		cuddy pull -q "$1" >/dev/null
		a=$(asked "$A_DIR" real/) m=$(asked "$REG_DIR" cache/)
		[ "$2" = "$A_DIR" ] && [ "$a" -gt 0 ] && [ "$m" -eq 0 ] || { [ "$2" = "$REG_DIR" ] && [ "$a" -eq 0 ] && [ "$m" -gt 0 ]; }
	}
	mirror '' ''
	from e.test/a:1 "$REG_DIR"
	from "e.test/a@$d" "$REG_DIR"
	mirror 'mirror-by-digest-only = true' ''
	from e.test/a:1 "$A_DIR"
	from "e.test/a@$d" "$REG_DIR"
	mirror '' 'pull-from-mirror = "digest-only"'
	from e.test/a:1 "$A_DIR"
	from "e.test/a@$d" "$REG_DIR"
	mirror '' 'pull-from-mirror = "tag-only"'
	from e.test/a:1 "$REG_DIR"
	from "e.test/a@$d" "$A_DIR"
	conf <<-C
		[[registry]]
		prefix = "*.test"
		location = "$A/real"
		insecure = true
		[[registry]]
		prefix = "e.test/a"
		location = "$M/cache/a"
		insecure = true
		[[registry]]
		prefix = "e.test/secret"
		blocked = true
	C
	from e.test/a:1 "$REG_DIR"
	from f.test/a:1 "$A_DIR"
	for verb in "pull -q" "push -q busybox" "search --list-tags" "manifest inspect"; do
		run --separate-stderr cuddy $verb e.test/secret/x
		one_line_error 125 'blocked by registries.conf'
	done
	[ "$(asked "$A_DIR" .*secret)" -eq 0 ]
	for bad in 'x' '[[registry]]' '[registries.search]
registries = ["x"]' '[[registry]]
location = "x"
[[registry.mirror]]' '[[registry]]
location = "x"
mirror-by-digest-only = 3'; do
		conf <<<"$bad"
		run --separate-stderr cuddy pull -q e.test/a:1
		one_line_error 125 registries.conf
	done
}

# images: N3
@test "short names: aliases, the search list in order, and what the modes make of it" {
	to "$A" one:1
	to "$M" two:1
	to "$A" team/three:1
	search() { printf 'unqualified-search-registries = ["%s", "%s"]\n%s\n[[registry]]\nlocation = "%s"\ninsecure = true\n[[registry]]\nlocation = "%s"\ninsecure = true\n' \
		"$M" "$A" "$1" "$A" "$M" | conf; }
	search 'short-name-mode = "enforcing"'
	run --separate-stderr cuddy pull -q one:1
	one_line_error 125 "one could be $M/one or $A/one; .*\[aliases\]"
	for mode in permissive disabled; do
		search "short-name-mode = \"$mode\""
		cuddy pull -q two:1 2>/dev/null
		cuddy pull -q one:1 2>/dev/null
		cuddy images --format '{{.Repository}}' | grep -qx "$A/one"
		cuddy rmi "$M/two:1" "$A/one:1" >/dev/null
	done
	search 'short-name-mode = "enforcing"'
	printf '[aliases]\n"three" = "%s/team/three"\n' "$A" >>"$CONTAINERS_REGISTRIES_CONF"
	cuddy pull -q three:1
	[ "$(cuddy images --format '{{.Repository}}:{{.Tag}}' --filter "reference=$A/team/three")" = "$A/team/three:1" ]
	cuddy run --rm --pull never "$A/team/three:1" true
	printf 'unqualified-search-registries = ["%s"]\n[[registry]]\nlocation = "%s"\ninsecure = true\n' "$A" "$A" | conf
	cuddy pull -q one:1
}

# images: N3
@test "short names: at a terminal one is asked, once; the choice is kept when the pull worked" {
	to "$A" one:1
	to "$M" two:1
	printf 'unqualified-search-registries = ["%s", "%s"]\n[[registry]]\nlocation = "%s"\ninsecure = true\n[[registry]]\nlocation = "%s"\ninsecure = true\n' \
		"$M" "$A" "$A" "$M" | conf
	export XDG_CACHE_HOME=$WORK/cache
	kept=$XDG_CACHE_HOME/containers/short-name-aliases.conf
	python3 - "$CUDDY" "$A" "$M" "$FIXTURES" "$kept" <<-'PY'
		import os, sys
		sys.path.insert(0, sys.argv[4])
		from ptydrv import Pty
		cuddy, a, m, kept = sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode(), sys.argv[5]
		p = Pty([cuddy, "pull", "one:1"])                       # the first one has it not: said, and nothing is kept
		p.expect(rb"one:1 is not a full name"); p.expect(rb"1  " + m + rb"/one:1"); p.expect(rb"2  " + a + rb"/one:1")
		p.expect(rb"Number \[1\]: $"); p.send(b"\r")
		assert p.wait() == 125 and not os.path.exists(kept)
		p = Pty([cuddy, "pull", "one:1"])
		p.expect(rb"Number \[1\]: $"); p.send(b"7\r"); p.expect(rb"Number \[1\]: $"); p.send(b"2\r")
		p.expect(rb"\b[0-9a-f]{64}\b")
		assert p.wait() == 0
		p = Pty([cuddy, "run", "--rm", "-i", "two:1", "cat"])     # what is typed after the answer is the container's
		p.expect(rb"Number \[1\]: $"); p.send(b"1\rhello\r"); p.expect(rb"hello\r\n.*hello\r\n"); p.send(b"\x04")
		assert p.wait() == 0
		p = Pty([cuddy, "pull", "three:1"])
		p.expect(rb"Number \[1\]: $"); p.send(b"\x04")
		p.expect(rb"nothing was chosen")
		assert p.wait() == 125
	PY
	[ "$(cat "$kept")" = "$(printf '[aliases]\n  "one" = "%s/one"\n  "two" = "%s/two"' "$A" "$M")" ]
	[ "$(stat -c %a "$kept")" = 600 ]
	cuddy pull -q one:1 # without a terminal, and without a question
	cuddy run --rm --pull never one:1 true
	cuddy rmi one:1 two:1 >/dev/null
	printf '[aliases]\n"one" = "%s/nosuch"\n' "$M" >>"$CONTAINERS_REGISTRIES_CONF" # the choice wins
	cuddy pull -q one:1
	chmod o+w "$kept"
	run --separate-stderr cuddy pull -q one:1
	one_line_error 125 'short-name-aliases.conf can be written by others'
}
