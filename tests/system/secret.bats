#!/usr/bin/env bats
# Secrets: the verbs, and what containers get; that the bytes are nowhere else.
load helpers

run_() { cuddy run --rm --network none "$@"; }
field() { cuddy secret inspect --format "{{.$2}}" "$1"; }

@test "secret create: from a file, standard input and a variable; a name is taken once, --replace gives a new value" {
	echo -n from-file >"$WORK/f"
	run -0 cuddy secret create -l a=1 one "$WORK/f"
	[[ "$output" =~ ^[0-9a-f]{25}$ ]]
	first=$output
	run -0 bash -c 'echo -n from-stdin | "$CUDDY" secret create two -'
	SECRET_VALUE=from-env run -0 cuddy secret create --env three SECRET_VALUE
	[ "$(cuddy secret inspect --showsecret --format '{{.SecretData}}' one two three | xargs)" = "from-file from-stdin from-env" ]
	run --separate-stderr cuddy secret create one "$WORK/f"
	one_line_error 125 one
	run -0 cuddy secret create --ignore one "$WORK/f"
	[ "$output" = "$first" ]
	created=$(field one CreatedAt)
	echo -n second >"$WORK/f"
	run -0 cuddy secret create --replace one "$WORK/f"
	[ "$output" != "$first" ]
	[ "$(cuddy secret inspect --showsecret --format '{{.SecretData}}' one)" = second ]
	[ "$(field one CreatedAt)" = "$created" ]
	[ "$(field one UpdatedAt)" != "$created" ]
	[ "$(find "$CUDDY_ROOT/secrets" -name '*.data' | wc -l)" -eq 3 ]
	[ "$(find "$CUDDY_ROOT/secrets" -type f ! -perm 0600 | wc -l)" -eq 0 ]
	[ "$(stat -c %a "$CUDDY_ROOT/secrets")" = 700 ]
}

@test "secret create: what cannot be one is refused, and nothing is kept" {
	: >"$WORK/empty"
	head -c 512000 /dev/zero >"$WORK/big"
	for args in "x $WORK/empty" "x $WORK/big" "x $WORK/missing" "bad/name $WORK/big" "--env x NOT_SET_AT_ALL" "-d pass x /etc/hostname" \
		"--driver-opts path=/x x /etc/hostname" "-l =v x /etc/hostname"; do
		run --separate-stderr cuddy secret create $args
		echo "$args: $stderr"
		one_line_error 125 .
	done
	[ -z "$(cuddy secret ls -q)" ]
	head -c 511999 /dev/zero >"$WORK/big"
	cuddy secret create x "$WORK/big"
}

@test "secret ls, inspect, exists, rm: names, ids and their beginnings" {
	id=$(echo a | cuddy secret create alpha -)
	echo b | cuddy secret create -l k=v beta -
	run -0 cuddy secret ls
	[[ "${lines[0]}" =~ ^ID\ +NAME\ +DRIVER\ +CREATED\ +UPDATED$ ]]
	[[ "${lines[1]}" =~ ^$id\ +alpha\ +file\ +.*ago$ ]]
	[ "$(cuddy secret ls --format '{{.Name}}' | xargs)" = "alpha beta" ]
	[ "$(cuddy secret ls -n --filter name=bet --format '{{.Name}}')" = beta ]
	[ "$(cuddy secret ls -q --filter id="${id:0:10}")" = "$id" ]
	[ "$(cuddy secret ls -q --filter label=k=v --format '{{.Name}}')$(cuddy secret ls -q --filter label=k --filter label=x)" = beta ]
	run --separate-stderr cuddy secret ls --filter nosuch=1
	one_line_error 125 nosuch
	[ "$(field "${id:0:12}" Spec.Name)" = alpha ]
	[ "$(cuddy secret inspect --format '{{json .Spec.Labels}} {{.Spec.Driver.Name}}' beta)" = '{"k":"v"} file' ]
	run -0 cuddy secret inspect alpha
	[[ "$output" != *SecretData* ]]
	run -0 cuddy secret inspect --pretty beta
	[[ "$output" == *"Name:"*beta*k=v* ]]
	run --separate-stderr cuddy secret inspect nosuch alpha
	[ "$status" -eq 125 ]
	[[ "$output" == *alpha* ]]
	run -0 cuddy secret exists alpha
	run -0 cuddy secret exists "$id"
	run -1 cuddy secret exists nosuch
	run -0 cuddy secret rm "$id"
	[ "$output" = "$id" ]
	run --separate-stderr cuddy secret rm alpha
	one_line_error 125 alpha
	run -0 cuddy secret rm -i alpha
	run --separate-stderr cuddy secret rm
	one_line_error 125 all
	run -0 cuddy secret rm --all
	empty_dir "$CUDDY_ROOT/secrets"
}

@test "run --secret: a file in memory with owner and mode, at any place, read-only; or a variable" {
	echo -n top-secret | cuddy secret create s -
	printf 'a\0b' | cuddy secret create bin -
	run -0 run_ --secret s "$IMAGE" sh -c 'exec 2>&1; cat /run/secrets/s; echo; stat -c %u:%g:%a /run/secrets/s; stat -f -c %T /run/secrets; echo x >/run/secrets/s || echo ro; touch /run/secrets/t || echo ro'
	[ "${lines[0]} ${lines[1]} ${lines[2]}" = "top-secret 0:0:444 tmpfs" ]
	[ "$(grep -c '^ro$' <<<"$output")" -eq 2 ]
	run -0 run_ --secret s,target=other,uid=1000,gid=50,mode=0400 --secret source=bin "$IMAGE" sh -c 'stat -c %u:%g:%a /run/secrets/other; wc -c </run/secrets/bin; ls /run/secrets'
	[ "$(echo $output)" = "1000:50:400 3 bin other" ]
	run -0 run_ --secret s,target=/etc/app/key,mode=0600 --secret s,target=/etc/passwd2 "$IMAGE" sh -c 'exec 2>&1; cat /etc/app/key /etc/passwd2; stat -c :%a /etc/app/key; echo x >/etc/app/key || echo ro; ls /run/secrets'
	[ "${lines[0]}" = "top-secrettop-secret:600" ]
	[ "$(grep -c '^ro$' <<<"$output")" -eq 1 ]
	run -0 run_ --secret s,type=env --secret s,type=env,target=KEY -u 1000 "$IMAGE" sh -c 'echo $s $KEY; ls /run/secrets'
	[ "$output" = "top-secret top-secret" ]
	run -0 run_ --read-only --secret s "$IMAGE" cat /run/secrets/s
	[ "$output" = top-secret ]
	for bad in nosuch s,type=file s,mode=9 s,uid=x s,target= s,target=a/b s,nosuch=1 s,type=env,target=A=B type=env "s --secret s" s,target=/proc/x s,target=..; do
		run --separate-stderr run_ --secret $bad "$IMAGE" true
		echo "$bad: $stderr"
		one_line_error 125 secret
	done
	run --separate-stderr run_ --secret bin,type=env "$IMAGE" true
	one_line_error 125 NUL
}

@test "secrets are read at each start; exec has the variables; one that is gone stops the start" {
	echo -n old | cuddy secret create s -
	cuddy create --name c --network none --secret s --secret s,type=env,target=V "$IMAGE" sh -c 'cat /run/secrets/s; echo " $V"'
	run -0 cuddy start -a c
	[ "$output" = "old old" ]
	echo -n new | cuddy secret create --replace s -
	run -0 cuddy start -a c
	[ "$output" = "new new" ]
	cuddy run -d --name d --network none --secret s,type=env,target=V "$IMAGE" sleep 1000
	run -0 cuddy exec d sh -c 'echo $V'
	[ "$output" = new ]
	[ "$(cuddy inspect --format '{{range .Config.Secrets}}{{.Name}} {{.Type}} {{.Target}}{{end}}' d)" = "s env V" ]
	cuddy secret rm s
	run --separate-stderr cuddy start c
	[ "$status" -eq 125 ]
	[[ "$stderr" == *"s: no such secret"* || "$stderr" == *"no such secret"* ]]
}

@test "the bytes of a secret are in its own file and in memory, and nowhere else" {
	word=needle-$RANDOM$RANDOM$RANDOM$RANDOM
	printf %s "$word" | cuddy secret create s -
	printf %s "$word" >"$WORK/pattern"
	cuddy run -d --name c --network none --secret s --secret s,target=/deep/er/file --secret s,type=env,target=V "$IMAGE" \
		sh -c 'cat /run/secrets/s >/dev/null; echo started; exec sleep 1000'
	wait_until 20 eval '[ "$(cuddy logs c)" = started ]'
	run -0 cuddy exec c cat /deep/er/file
	[ "$output" = "$word" ]
	cuddy inspect c >"$WORK/shown"
	cuddy ps -a --no-trunc --format json >>"$WORK/shown"
	cuddy diff c >>"$WORK/shown"
	cuddy export c >>"$WORK/shown"
	cuddy commit -q c localhost/committed >>"$WORK/shown"
	cuddy image inspect localhost/committed >>"$WORK/shown"
	run -1 grep -qaF "$word" "$WORK/shown"
	for p in $(pids_here -f cuddy); do
		tr '\0' '\n' <"/proc/$p/cmdline" 2>/dev/null || :
		tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null || :
	done | grep -v bats >"$WORK/processes" || :
	run -1 grep -qF "$word" "$WORK/processes"
	found() { unshare --user --map-auto --map-root-user grep -rlaF -f "$WORK/pattern" "$CUDDY_ROOT" "$CUDDY_RUNROOT" | grep -v '/secrets/.*\.data$' || :; }
	[ -z "$(found)" ] || fail "$(found)"
	cuddy stop -t 0 c
	[ -z "$(found)" ] || fail "$(found)"
	cuddy rm c
	cuddy secret rm s
	run unshare --user --map-auto --map-root-user grep -rlaF -f "$WORK/pattern" "$CUDDY_ROOT"
	[ -z "$output" ]
}
