#!/usr/bin/env bats
# oci-hooks(5): hooks of the host's directories run for the containers that their "when" names.
load helpers

# hook NAME STAGES WHEN [FIELDS] - NAME.json in $WORK/hooks; the program notes its stage's name, directory, environment, state
hook() {
	mkdir -p "$WORK/hooks"
	cat >"$WORK/note" <<-'EOF'
		#!/bin/sh
		read -r state
		echo "$1 $(pwd) $(env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= | sort | paste -sd,) $state" >>"$2"
	EOF
	chmod 0755 "$WORK/note"
	jq -n --arg p "$WORK/note" --arg o "$WORK/noted" --arg n "$1" --argjson s "$2" --argjson w "$3" \
		'{version: "1.0.0", hook: ({path: $p, args: ["note", $n, $o]} + '"${4:-{\}}"'), when: $w, stages: $s}' >"$WORK/hooks/$1.json"
}
noted() { cut -d' ' -f1 "$WORK/noted" 2>/dev/null | paste -sd' '; }
noted_is() { [ "$(noted)" = "$1" ]; }

@test "hooks: all stages in order, a clean environment, the directory /, the state; poststop after its end" {
	all='["prestart", "createRuntime", "createContainer", "poststart", "poststop"]'
	hook a "$all" '{"always": true}' '{env: ["E=1", "PATH=/usr/bin:/bin"]}'
	SECRET=x cuddy run -d --name c --network none --hooks-dir "$WORK/hooks" --annotation k.x=v "$IMAGE" sleep 1000 >/dev/null
	[ "$(noted)" = "a a a a" ]
	id=$(cuddy inspect --format '{{.Id}}' c) pid=$(container_pid c)
	while read -r _ dir env state; do
		[ "$dir $env" = "/ E=1,PATH=/usr/bin:/bin" ]
		jq -e --arg i "$id" --argjson p "$pid" '.id == $i and .pid == $p and .annotations["k.x"] == "v"' <<<"$state"
	done <"$WORK/noted"
	[ "$(tail -n1 "$WORK/noted" | cut -d' ' -f4- | jq -r .status)" = running ]
	cuddy kill c
	wait_until 20 noted_is "a a a a a"
	[ "$(tail -n1 "$WORK/noted" | cut -d' ' -f4- | jq -r .status)" = stopped ]
	cuddy start c # remembered
	wait_until 20 noted_is "a a a a a a a a a"
	cuddy rm -f -t 0 c
}

@test "hooks: when says for which containers; of equal names the last directory's; order is by name" {
	s='["createRuntime"]'
	hook z "$s" '{"always": true}'
	hook cmd "$s" '{"commands": ["^/bin/(true|false)$"]}'
	hook ann "$s" '{"annotations": {"^org\\.x$": "^y+$"}}'
	hook mnt "$s" '{"hasBindMounts": true}'
	hook both "$s" '{"hasBindMounts": true, "annotations": {"^org": "."}}'
	hook never "$s" '{"always": false}'
	h() { rm -f "$WORK/noted"; cuddy --hooks-dir "$WORK/hooks" run --rm --network none "$@"; noted; }
	[ "$(h "$IMAGE" true)" = "z" ]
	[ "$(h "$IMAGE" /bin/true)" = "cmd z" ]
	[ "$(h --annotation org.x=yy "$IMAGE" true)" = "ann z" ]
	[ "$(h --annotation org.x=yx -v "$WORK:/m" "$IMAGE" true)" = "both mnt z" ]
	mkdir "$WORK/second"
	mv "$WORK/hooks/never.json" "$WORK/second/z.json" # replaces the other
	rm -f "$WORK/noted"
	cuddy run --rm --network none --hooks-dir "$WORK/hooks" --hooks-dir "$WORK/second" "$IMAGE" /bin/true
	[ "$(noted)" = cmd ]
}

@test "hooks: what fails, hangs or is malformed stops the start in one line; nothing stays" {
	go() { run --separate-stderr cuddy run --rm --network none --hooks-dir "$WORK/hooks" "$IMAGE" true; }
	hook a '["createContainer"]' '{"always": true}' '{path: "/bin/sh", args: ["sh", "-c", "echo no way >&2; exit 4"]}'
	go && one_line_error 125 'createContainer: hook /bin/sh: exit status 4: no way'
	hook a '["prestart"]' '{"always": true}' '{path: "/bin/sleep", args: ["sleep", "1000"], timeout: 1}'
	go && one_line_error 125 'killed after 1 s'
	for bad in '.version = "0.1.0"' '.stages = ["precreate"]' '.stages = []' 'del(.when)' '.when.commands = ["("]' '.hook.path = "sh"' '.hook.path = "/nosuch"' '.hook.timeout = 0'; do
		hook a '["prestart"]' '{"always": true}'
		jq "$bad" <"$WORK/hooks/a.json" >"$WORK/new" && mv "$WORK/new" "$WORK/hooks/a.json"
		go && one_line_error 125 'a\.json' || fail "$bad"
	done
	run --separate-stderr cuddy run --rm --network none --hooks-dir "$WORK/nosuch" "$IMAGE" true
	one_line_error 125 nosuch
	hook a '["poststart", "poststop"]' '{"always": true}' '{path: "/bin/false", args: ["false"]}'
	run -0 cuddy run --rm --network none --hooks-dir "$WORK/hooks" "$IMAGE" true # only told
}
