#!/usr/bin/env bats
# Source policies: what builds may take from elsewhere, and what they take in its place (I5).
load helpers
load build
load registry
load sources

teardown() {
	registry_end
	sources_end
	test_end
}

# policy RULE...: each "ACTION IDENTIFIER [NEW-IDENTIFIER] [KEY=VALUE…]" into $WORK/p.json; "~" before an identifier: REGEX.
policy() {
	python3 - "$@" >"$WORK/p.json" <<-'P'
		import json, sys
		rules = []
		for rule in sys.argv[1:]:
		    action, name, *more = rule.split()
		    selector = {"identifier": name.lstrip("~")}
		    if name[0] == "~":
		        selector["matchType"] = "REGEX"
		    updates = {"attrs": {}}
		    for word in more:
		        if "://" in word.split("=")[0]:
		            updates["identifier"] = word
		        else:
		            updates["attrs"].update([word.split("=", 1)])
		    rules.append({"action": action, "selector": selector, **({"updates": updates} if more else {})})
		print(json.dumps({"version": 1, "rules": rules}))
	P
}
p=(--source-policy-file)
judged() { cuddy build -q --tls-verify=false "${p[@]}" "$WORK/p.json" -t localhost/t "$@" .; }
denied() { # denied LINE TEXT...: one line that begins so, and holds all of these
	run --separate-stderr judged "${@:3}"
	one_line_error 125 "$2"
	[[ "$stderr" == "cuddy: build: $1"* ]] || fail "$stderr"
}

@test "policy: images are denied with the line and the rule, by their full names, wherever they are named" {
	policy "DENY docker-image://docker.io/library/b?gone:*" "DENY docker-image://localhost/busybox:latest"
	file <<<$'FROM scratch\nCOPY . /\nFROM localhost/busybox\nRUN --network=none touch /ran'
	denied 'Containerfile:3: FROM localhost/busybox: ' "docker-image://localhost/busybox:latest is denied by rule 2 of $WORK/p.json .DENY docker-image://localhost/busybox:latest."
	# A short name is what it would be: here it is an image of this store.
	file <<<$'FROM busybox'
	denied 'Containerfile:1: FROM busybox: ' 'docker-image://localhost/busybox:latest is denied by rule 2'
	# And one that is not here what would be fetched, before it is.
	file <<<$'FROM scratch\nCOPY --from=begone /x /'
	denied 'Containerfile:2: COPY --from=begone /x /: ' 'docker-image://docker.io/library/begone:latest is denied by rule 1'
	file <<<$'FROM scratch AS base\nRUN --mount=from=begone:7,target=/m true'
	denied 'Containerfile:2: RUN --mount=' 'docker-image://docker.io/library/begone:7 is denied by rule 1'
	file <<<$'FROM what'
	denied 'Containerfile:1: FROM what: ' 'docker-image://localhost/busybox:latest is denied' --build-context what=docker-image://busybox
	denied 'Containerfile:1: FROM what: ' 'docker-image://localhost/busybox:latest is denied' --from busybox
	# Stages that nobody needs take nothing.
	file <<<$'FROM localhost/busybox\nFROM scratch\nCOPY Containerfile /'
	judged >/dev/null
	# The last rule that matches counts, and all files have to agree.
	policy "DENY docker-image://*" "ALLOW docker-image://localhost/*"
	file <<<$'FROM localhost/busybox'
	judged >/dev/null
	cp "$WORK/p.json" "$WORK/allows.json"
	policy "ALLOW docker-image://localhost/*" "DENY docker-image://*"
	denied 'Containerfile:1: ' 'denied by rule 2' --source-policy-file "$WORK/allows.json"
	export EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=$WORK/p.json
	cp "$WORK/p.json" "$WORK/env.json"
	policy "ALLOW *"
	EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=$WORK/env.json denied 'Containerfile:1: ' "rule 2 of $WORK/env.json"
	unset EXPERIMENTAL_BUILDKIT_SOURCE_POLICY
	policy "DENY local://context"
	denied 'context .: local://context is denied' 'rule 1'
	mkdir "$WORK/more"
	policy "DENY local://MORE" "DENY local://more"
	denied '--build-context: more: local://more is denied' 'rule 2' --build-context "more=$WORK/more"
	policy "DENY local://dockerfile"
	denied 'local://dockerfile is denied' 'rule 1'
}

@test "policy: images are pinned and moved, by wildcards and regular expressions; the file stays as it is" {
	registry_begin
	for v in 1 2; do
		file <<<$'FROM scratch\nCOPY Containerfile /f\nLABEL v='$v
		cuddy build -q --tls-verify=false --push -t "$REG/p:v$v" --digestfile "$WORK/d$v" . >/dev/null
		cuddy rmi "$REG/p:v$v" >/dev/null
	done
	v() { judged "$@" >/dev/null && config Labels | jq -r .v; }
	file <<<"FROM $REG/p:v2"
	policy "CONVERT docker-image://$REG/p:v2 docker-image://$REG/p:v2@$(cat "$WORK/d1")"
	[ "$(v)" = 1 ]
	[ -z "$(cuddy images -q --filter "reference=$REG/p:v2")" ]     # only what was taken was fetched
	policy "CONVERT docker-image://elsewhere.invalid/*/*:* docker-image://$REG/\${2}:\${3}"
	file <<<$'FROM scratch AS one\nCOPY --from=elsewhere.invalid/team/p:v2 /f /g\nFROM elsewhere.invalid/team/p:v1\nCOPY --from=one /g /g'
	[ "$(v)" = 1 ]
	run -0 cuddy history --no-trunc --format '{{.CreatedBy}}' localhost/t
	[[ "$output" != *"$REG"* ]]
	policy "CONVERT ~^docker-image://docker\.io/library/(p\d*):latest\$ docker-image://$REG/\$1:v2"
	file <<<$'FROM p'
	[ "$(v)" = 2 ]
	# What it becomes is judged, too; rules in circles end.
	policy "CONVERT docker-image://docker.io/library/p:latest docker-image://$REG/p:v1" "DENY docker-image://$REG/*"
	denied 'Containerfile:1: FROM p: ' "docker-image://$REG/p:v1 is denied by rule 2"
	policy "CONVERT docker-image://docker.io/library/p:latest docker-image://a/b:c" "CONVERT docker-image://a/b:c docker-image://docker.io/library/p:latest"
	denied 'Containerfile:1: FROM p: ' 'converted more than 20 times'
	policy "CONVERT docker-image://docker.io/library/p:* https://example.org/x"
	denied 'Containerfile:1: FROM p: ' 'cannot become https://example.org/x'
}

@test "policy: URLs and repositories: checksums, other places, commits; also as contexts and Containerfiles" {
	www_begin
	git_begin
	echo one >"$WORK/www/one"
	echo two >"$WORK/www/two"
	sum() { sha256sum <"$WORK/www/$1" | cut -d' ' -f1; }
	repo=git://${GITD#git://}/r
	first=$(git -C "$WORK/repos/r" rev-parse main)
	file <<<$'FROM scratch\nADD '"$WWW/one $WWW/two /"
	policy "CONVERT $WWW/one http.checksum=sha256:$(sum one)" "CONVERT $WWW/two http.checksum=sha256:$(sum one)"
	run --separate-stderr judged
	one_line_error 125 "Containerfile:2: ADD .*/two: it has sha256:$(sum two), not sha256:$(sum one)"
	policy "CONVERT $WWW/* http.checksum=sha256:$(sum one)" "CONVERT $WWW/two $WWW/one"
	out() { rm -rf "$WORK/out" && cuddy build -q "${p[@]}" "$WORK/p.json" -o "$WORK/out" "$@" >/dev/null; }
	out .
	[ "$(cat "$WORK/out/one" "$WORK/out/two")" = $'one\none' ]     # under the name that the file has for it
	policy "DENY http://*"
	denied 'Containerfile:2: ADD ' "$WWW/one is denied by rule 1"
	policy "CONVERT $WWW/one http.checksum=md5:1"
	denied 'Containerfile:2: ADD ' "'md5:1' is no checksum"
	policy "CONVERT $WWW/one $GITD/r"
	denied 'Containerfile:2: ADD ' 'cannot become'
	# A repository is git://, and stays at a commit.
	file <<<$'FROM scratch\nADD '"$GITD/r#other /r"
	policy "CONVERT $repo#other $repo#$first"
	out .
	[ "$(cat "$WORK/out/r/branch")" = main ]
	policy "CONVERT $repo#* git.checksum=$first"
	denied 'Containerfile:2: ADD ' "is at commit .*, not $first"
	policy "CONVERT git://* git.fullurl=${GITD/git:/http:}/r"
	denied 'Containerfile:2: ADD ' "cannot become http://.*#other"
	policy "DENY git://*"
	denied 'Containerfile:2: ADD ' "$repo#other is denied by rule 1"
	# The context, the file, named contexts.
	for what in "$GITD/r" "$WWW/one"; do
		policy "DENY *"
		run --separate-stderr cuddy build "${p[@]}" "$WORK/p.json" "$what"
		one_line_error 125 "build: context: $what is denied by rule 1"
	done
	policy "CONVERT $repo $repo#other" "CONVERT $WWW/file http.checksum=sha256:$(sum one)"
	out "$GITD/r"
	[ "$(cat "$WORK/out/branch")" = other ]
	file <<<$'FROM scratch\nCOPY --from=more branch /'
	out --build-context "more=$GITD/r" .
	[ "$(cat "$WORK/out/branch")" = other ]
	cp Containerfile "$WORK/www/file"
	run --separate-stderr judged -f "$WWW/file"
	one_line_error 125 "build: -f $WWW/file: it has sha256:"
}

@test "policy: what is not understood is an error before anything is done" {
	file <<<$'FROM scratch\nCOPY Containerfile /'
	while IFS='|' read -r text want; do
		printf %s "$text" >"$WORK/p.json"
		run --separate-stderr judged
		one_line_error 125 "build: source policy $WORK/p.json: $want"
	done <<-'E'
		{"rules": [|
		[]|not an object
		{"rules": {}}|
		{"version": 2}|version 2: only 1
		{"rule": []}|unknown key 'rule'
		{"rules": [{"action": "deny", "selector": {"identifier": "*"}}]}|rule 1: action 'deny': use ALLOW, DENY or CONVERT
		{"rules": [{"selector": {"identifier": "*"}}]}|rule 1: no action
		{"rules": [{"action": "DENY"}]}|rule 1: no selector
		{"rules": [{"action": "DENY", "selector": {}}]}|rule 1: selector: no identifier
		{"rules": [{"action": "DENY", "selector": {"identifier": "*", "matchtype": "EXACT"}}]}|rule 1: unknown key 'matchtype'
		{"rules": [{"action": "DENY", "selector": {"identifier": "*", "matchType": "GLOB"}}]}|rule 1: matchType 'GLOB': use WILDCARD, EXACT or REGEX
		{"rules": [{"action": "DENY", "selector": {"identifier": "a**"}}]}|rule 1: 'a..': .. is not known
		{"rules": [{"action": "DENY", "selector": {"identifier": "(?i)x", "matchType": "REGEX"}}]}|rule 1: .*not known
		{"rules": [{"action": "DENY", "selector": {"identifier": "(x", "matchType": "REGEX"}}]}|rule 1: '.x':
		{"rules": [{"action": "CONVERT", "selector": {"identifier": "*"}}]}|rule 1: CONVERT, and no updates
		{"rules": [{"action": "CONVERT", "selector": {"identifier": "*"}, "updates": {"attrs": {"http.header.x": "y"}}}]}|rule 1: attrs: http.header.x: only
	E
	run --separate-stderr cuddy build --source-policy-file "$WORK/none" .
	one_line_error 125 "source policy $WORK/none: .*No such file"

	echo '{}' >"$WORK/p.json"
	judged --policy disabled=true >/dev/null
}
