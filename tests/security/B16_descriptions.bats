#!/usr/bin/env bats
# Descriptions of containers by others: Kubernetes YAML and unit files. Whoever writes one decides what a container is, and
# nothing else: no memory of ours, no file of the host's, no line of a service but the one meant.
load hostile

setup() {
	test_begin
	victim_begin
	export HOME=$WORK/home XDG_CONFIG_HOME=$WORK/home/.config
	unset QUADLET_UNIT_DIRS
	units=$XDG_CONFIG_HOME/containers/systemd
	mkdir -p "$units"
}

one_line() { # one_line COMMAND...: refused in one line, in little memory and time
	local bound=1000000
	[[ "${BUILD:-}" != *san-* ]] || bound=unlimited       # a sanitizer reserves more for itself
	run -125 --separate-stderr timeout 20 bash -c 'ulimit -v "$1"; shift; exec "$@"' _ "$bound" "$@"
	[ "$(wc -l <<<"$stderr")" = 1 ] || fail "$stderr"
	[[ "$stderr" == cuddy:* ]]
}

@test "B16: YAML that unfolds to more than it says, is deep, long, or leads out of the volume it makes" {
	{
		echo 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]'
		for i in 1 2 3 4 5 6 7 8 9; do
			printf 'a%d: &a%d [%s]\n' $i $i "$(printf "*a$((i - 1)),%.0s" 1 2 3 4 5 6 7 8 9)*a$((i - 1))"
		done
		printf 'kind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: %s, args: *a9}]}\n' "$IMAGE"
	} >"$WORK/laughs.yaml"
	one_line "$CUDDY" kube play "$WORK/laughs.yaml"
	printf 'a: &a [*a]\nkind: Pod\n' >"$WORK/self.yaml"
	one_line "$CUDDY" kube play "$WORK/self.yaml"
	{ printf 'kind: Pod\nmetadata: '; head -c 100000 /dev/zero | tr '\0' '['; } >"$WORK/deep.yaml"
	one_line "$CUDDY" kube play "$WORK/deep.yaml"
	{ printf 'kind: Pod\nmetadata: {name: '; head -c 20000000 /dev/zero | tr '\0' x; echo '}'; } >"$WORK/long.yaml"
	one_line "$CUDDY" kube play "$WORK/long.yaml"
	# Names of a map's keys are files of a volume.
	for key in ../../out "../../../../../../../../..$VICTIM/own" /abs; do
		printf 'kind: ConfigMap\nmetadata: {name: m}\ndata: {"%s": own}\n---\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: %s}], volumes: [{name: v, configMap: {name: m}}]}\n' "$key" "$IMAGE" >"$WORK/key.yaml"
		run timeout 20 "$CUDDY" kube play --start=false "$WORK/key.yaml"
		[ "$status" = 125 ] || cuddy kube down "$WORK/key.yaml"
		[ ! -e "$VICTIM/own" ]
		[ -z "$(find "$WORK" -name out)" ]
		printf 'kind: ConfigMap\nmetadata: {name: m}\ndata: {k: own}\n---\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: %s, volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, configMap: {name: m, items: [{key: k, path: "%s"}]}}]}\n' "$IMAGE" "$key" >"$WORK/path.yaml"
		one_line "$CUDDY" kube play "$WORK/path.yaml"
	done
	[ -z "$(cuddy pod ps -q; cuddy ps -aq)" ]
	victim_is_unchanged
}

@test "B16: a volume that a container made links of is written to again, and nothing outside of it is" {
	cat >"$WORK/p.yaml" <<-Y
		kind: ConfigMap
		metadata: {name: m}
		data: {f: own-words, d: own-words}
		---
		kind: Pod
		metadata: {name: p}
		spec:
		  restartPolicy: Never
		  containers: [{name: c, image: $IMAGE, command: [sh, -c, "rm -rf /v/f /v/d; ln -s $VICTIM/f /v/f; ln -s $VICTIM/new /v/d"], volumeMounts: [{name: v, mountPath: /v}]}]
		  volumes: [{name: v, configMap: {name: m}}]
	Y
	cuddy kube play "$WORK/p.yaml" >/dev/null
	cuddy wait p-c >/dev/null
	cuddy kube play --replace "$WORK/p.yaml" >/dev/null
	cuddy wait p-c >/dev/null
	[ ! -e "$VICTIM/new" ]
	victim_is_unchanged
	cuddy kube down --force "$WORK/p.yaml" >/dev/null
}

# Every line of a service that runs something, and how many there are.
runs() { cuddy unit generate --dry-run 2>/dev/null | grep -cE '^Exec(Start|StartPre|StartPost|Stop|StopPost|Reload|Condition)='; }

@test "B16: no value of a unit file makes a line of the service that it is not" {
	printf '[Container]\nImage=localhost/x\n' >"$units/a.container"
	want=$(runs)
	local bad='ExecStartPre=/bin/touch '"$VICTIM/own" v
	for v in 'Environment="A=1\n'"$bad"'"' 'Exec=sh -c "x\n'"$bad"'"' 'Label="l=1\x0a'"$bad"'"' 'ContainerName=a\n'"$bad" \
		'HostName=a\n'"$bad" 'PodmanArgs="--name=a\n'"$bad"'"' 'Volume=/a:/b\n'"$bad" 'Annotation="x=\012'"$bad"'"' \
		'Secret=a\n'"$bad" 'Exec=%n $(touch '"$VICTIM"'/own) `touch '"$VICTIM"'/own` ; touch '"$VICTIM"'/own' 'Exec=-/bin/x @y +z !w' \
		$'Environment=A=1 \\\n'"  $bad"; do
		printf '[Container]\nImage=localhost/x\n%s\n' "$v" >"$units/a.container"
		# Refused, or one service with the same number of lines.
		if cuddy unit generate --dry-run >"$WORK/out" 2>"$WORK/err" && grep -q '^ExecStart=' "$WORK/out"; then
			[ "$(runs)" = "$want" ] || fail "$v: $(cat "$WORK/out")"
			run -1 grep -E '^ExecStartPre=/bin/touch' "$WORK/out"
			grep -E '^ExecStart=[^-@+!:]' "$WORK/out" >/dev/null
		fi
	done
	printf '[Container]\nImage=localhost/x\n' >"$units/b.container"
	rm "$units/a.container"
	# A unit that is a link, and names that would be other places.
	mkdir -p "$WORK/gen"
	cuddy unit generate "$WORK/gen"
	printf '[Container]\nImage=localhost/x\nServiceName=../../own\n' >"$units/b.container"
	run cuddy unit generate "$WORK/gen"
	[ -z "$(find "$WORK" -name 'own*' -not -path "$VICTIM/*")" ]
	victim_is_unchanged
}
