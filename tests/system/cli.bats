#!/usr/bin/env bats
# The command line itself: info, version, other names, help, progress, and hosts that lack something.
load helpers

@test "info: podman's fields as JSON, in templates by Go's names, and as text that is YAML" {
	run -0 cuddy info --format json
	[ "$(jq -r '.host.arch + " " + .store.graphDriverName + " " + (.store.imageStore.number | tostring)' <<<"$output")" = "$(dpkg --print-architecture) overlay 1" ]
	[ "$(jq -r .store.graphRoot <<<"$output")" = "$CUDDY_ROOT" ]
	[ "$(jq -r '.host.missing | length' <<<"$output")" = 0 ]
	jq -e '.host.cpuUtilization | .idlePercent > 0 and .userPercent + .systemPercent + .idlePercent <= 100.02' <<<"$output"
	jq -e '.plugins.authorization == null and (.plugins.log | index("journald")) and (.store.configFile | endswith("/storage.conf"))' <<<"$output"
	[ "$(jq -r '[has("host", "store", "registries", "plugins", "version")] | all' <<<"$output")" = true ]
	run -0 cuddy system info --format '{{.Host.OCIRuntime.Name}} {{.Host.Security.Rootless}} {{.Store.RunRoot}} {{.Host.CPUUtilization.IdlePercent}}'
	[[ "$output" =~ ^"cuddy true $CUDDY_RUNROOT "[0-9.]+$ ]]
	cuddy create "$IMAGE" true
	run -0 cuddy info --format '{{.Store.ContainerStore.Number}} {{.Store.ContainerStore.Stopped}}'
	[ "$output" = '1 1' ]
	run -0 cuddy info
	grep -qx "  graphRoot: $CUDDY_ROOT" <<<"$output"
	run -125 --separate-stderr cuddy info --format '{{.Host.NoSuch}}'
	one_line_error 125 NoSuch
}

@test "version: the client, and a server for scripts that ask for one" {
	run -0 cuddy version --format '{{.Client.Version}} {{.Server.Version}}'
	[ "$output" = "$(cuddy --version | cut -d' ' -f3) $(cuddy --version | cut -d' ' -f3)" ]
	run -0 cuddy version --format json
	[ "$(jq -r .Client.OsArch <<<"$output")" = "linux/$(dpkg --print-architecture)" ]
}

@test "other names: called as podman or docker it says what scripts look for" {
	ln -s "$CUDDY" "$WORK/podman"
	ln -s "$CUDDY" "$WORK/docker"
	run -0 "$WORK/podman" --version
	[[ "$output" =~ ^podman\ version\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	run -0 "$WORK/docker" -v
	[[ "$output" =~ ^Docker\ version\ [0-9]+\.[0-9]+\.[0-9]+,\ build\ .+$ ]]
	run -0 "$WORK/docker" info --format '{{.ServerVersion}} {{.Driver}} {{.OSType}} {{.Images}}'
	[[ "$output" =~ ^[0-9.]+\ overlay\ linux\ 1$ ]]
	run -0 "$WORK/podman" info --format '{{.Host.CgroupsVersion}}'
	[[ "$output" =~ ^v[12]$ ]]
	run -125 --separate-stderr "$WORK/podman" inspect nosuch
	[[ "$stderr" == Error:* ]]
	cuddy create --name one "$IMAGE" true
	cuddy create --name two "$IMAGE" true
	[ "$("$WORK/docker" ps -a --format json | jq -r .Names | sort | xargs)" = 'one two' ]
	[ "$("$WORK/podman" ps -a --format json | jq -r '.[].Names[0]' | sort | xargs)" = 'one two' ]
	[ "$("$WORK/docker" images --format json | jq -r .Tag)" = latest ]
	run -0 "$WORK/podman" run --rm "$IMAGE" echo works
	[ "$output" = works ]
}

@test "help: every verb and group tells its usage, with no line beyond the screen" {
	run -0 cuddy --help
	for verb in $(cuddy __complete -- '' | cut -f 1); do
		run -0 --separate-stderr cuddy $verb --help
		[ -z "$stderr" ]
		[[ "${lines[0]}" == "Usage: cuddy $verb"* ]]
		for line in "${lines[@]}"; do
			[ ${#line} -le 100 ] || [[ "$line" == Also:* ]] || { echo "$verb: $line"; false; }
		done
		[ "$output" = "$(cuddy help $verb)" ]
	done
}

@test "help: examples stand below the flags" {
	run -0 cuddy run --help
	[[ "$output" == *$'\nExamples:\n  cuddy run --rm -it '* ]]
}

@test "manual: a page for every name, which man reads without a warning" {
	mkdir "$WORK/man" "$WORK/man/man1"
	cuddy __man "$WORK/man/man1"
	for verb in $(cuddy __complete -- '' | cut -f 1); do
		[ -s "$WORK/man/man1/cuddy-$verb.1" ]
	done
	require_program man
	for page in cuddy cuddy-run cuddy-container-run cuddy-ps cuddy-completion cuddy-volume; do
		run -0 --separate-stderr env MANPATH="$WORK/man" MAN_KEEP_STDERR=1 man --warnings "$page"
		[ -z "$stderr" ]
	done
	run -0 env MANPATH="$WORK/man" man cuddy-container-run
	[[ "$output" == *"cuddy run [OPTIONS] IMAGE"*"--publish"*"cuddy container run"* ]]
}

@test "progress: a bar on a terminal, nothing with --quiet or without one" {
	file=$(image_file busybox)
	run -0 python3 "$FIXTURES/ptydrv.py" env TERM=xterm "$CUDDY" load -i "$file"
	[[ "$output" == *"Reading archive"* && "$output" == *"Loaded image: localhost/busybox:latest"* ]]
	run -0 python3 "$FIXTURES/ptydrv.py" env TERM=xterm "$CUDDY" load -q -i "$file"
	[[ "$output" != *Reading* ]]
	run -0 python3 "$FIXTURES/ptydrv.py" env TERM=dumb "$CUDDY" load -i "$file"
	[[ "$output" != *$'\e'* ]]
	run -0 --separate-stderr cuddy load -i "$file"
	[ -z "$stderr" ]
}

# A user without subordinate ids: our own id in a namespace where /etc/subuid and /etc/subgid are empty.
without_subids() {
	: >"$WORK/empty"
	unshare --user --map-root-user --mount sh -c '
		mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid && u=$2 g=$3 && shift 3 &&
		exec unshare --user --map-user="$u" --map-group="$g" "$@"' - "$WORK/empty" "$(id -u)" "$(id -g)" "$@"
}

@test "host: without subordinate ids the line that mends it comes once, and images run as root" {
	use_root "$WORK/single"
	file=$(image_file busybox)
	run -0 --separate-stderr without_subids "$CUDDY" load -q -i "$file"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == "cuddy: warning: no subordinate ids in /etc/subuid for user $(id -un)"*"usermod --add-subuids"* ]]
	run -0 --separate-stderr without_subids "$CUDDY" run --rm --network none "$IMAGE" id -u
	[ "$output" = 0 ]
	[ -z "$stderr" ]
	run --separate-stderr without_subids "$CUDDY" run --rm --network none --user 1000:0 "$IMAGE" true
	one_line_error 125 'become user 1000'
	run --separate-stderr without_subids "$CUDDY" run --rm --network none --group-add 5 "$IMAGE" true
	one_line_error 125 'groups'
	run -0 without_subids "$CUDDY" info --format '{{index .Host.Missing 0}}'
	[[ "$output" == *usermod* ]]
}

@test "host: info tells of a registries.conf that is refused, and goes on" {
	printf 'unqualified-search-registries = [\n' >"$WORK/registries.conf"
	run -0 env CONTAINERS_REGISTRIES_CONF="$WORK/registries.conf" "$CUDDY" info --format '{{len .Host.Missing}} {{index .Host.Missing 0}}'
	[[ "$output" == "1 "*"registries.conf"* ]]
}

@test "progress: a pull prints the id alone on stdout, a plain line for each blob or bars on stderr" {
	mkdir "$WORK/reg"
	python3 "$FIXTURES/fakereg.py" "$WORK/reg" 3>&- &
	registry=$!
	wait_until 30 test -e "$WORK/reg/port"
	image=127.0.0.1:$(cat "$WORK/reg/port")/ok
	pull() { "$CUDDY" pull --tls-verify=false "$@" "$image"; }
	run -0 --separate-stderr pull
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	[[ "$stderr" =~ ^(Copying\ blob\ [0-9a-f]{12}\ done$'\n'?)+$ ]]
	run -0 --separate-stderr pull
	[[ "$stderr" =~ ^(Copying\ blob\ [0-9a-f]{12}\ exists$'\n'?)+$ ]]
	run -0 --separate-stderr pull -q
	[ -z "$stderr" ]
	cuddy rmi "$image"
	run -0 python3 "$FIXTURES/ptydrv.py" env TERM=xterm "$CUDDY" pull --tls-verify=false "$image"
	[[ "$output" == *"Copying blob "*$'\e[K'* ]]
	cuddy rmi "$image"
	run -0 python3 "$FIXTURES/ptydrv.py" env TERM=xterm "$CUDDY" run --rm --tls-verify=false --network none -v /bin/busybox:/bin/cat:ro "$image"
	[[ "$output" == *"Copying blob "*"from the registry"* ]]
	kill "$registry"
	wait "$registry" || true
}
