#!/usr/bin/env bats
# What scripts of docker ask before they build: contexts, and builders by name. There is one of each.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }
setup() {
	test_begin
	mkdir -p "$WORK/bin"
	ln -s "$CUDDY" "$WORK/bin/docker"
}
docker() { "$WORK/bin/docker" "$@"; }

@test "buildx: as the action that sets it up does: version, create --use, inspect --bootstrap, build, rm" {
	[[ "$(docker buildx version)" =~ ^github.com/docker/buildx\ v([0-9]+\.[0-9]+\.[0-9]+)\  ]]
	run -0 --separate-stderr docker buildx create --name builder-1 --driver docker-container \
		--buildkitd-flags '--allow-insecure-entitlement security.insecure --allow-insecure-entitlement network.host' --use
	[ "$output" = builder-1 ]
	docker buildx inspect --bootstrap --builder builder-1 >"$WORK/inspect"
	grep -qE '^Name: +builder-1$' "$WORK/inspect"
	grep -qE '^Driver: +docker-container$' "$WORK/inspect"
	grep -qE '^Status: +running$' "$WORK/inspect"
	grep -qE '^Platforms: .*linux/(amd64|arm64)' "$WORK/inspect"
	[ "$(docker buildx ls | awk '/\*/ { print $1 }')" = 'builder-1*' ]
	[ "$(docker buildx ls --format '{{.Name}} {{.Current}} {{.DriverEndpoint}}')" = $'default false docker\nbuilder-1 true docker-container' ]
	[ "$(BUILDX_BUILDER=default docker buildx inspect | sed -n 's/^Name: *//p' | head -n 1)" = default ]
	printf 'FROM %s\nRUN echo made >/made\n' "$IMAGE" >"$WORK/Dockerfile"
	docker buildx build -q --builder builder-1 --load -t made "$WORK" >/dev/null
	[ "$(cuddy run --rm --network none made cat /made)" = made ]
	docker buildx du | grep -qE '^Total:.*B$'
	docker buildx du --verbose --format '{{.CacheID}} {{.Size}}' | grep -qE '^[0-9a-f]+ [0-9.]+ ?[kM]?B$'
	docker buildx stop builder-1
	docker buildx use default
	[ "$(docker buildx ls --format '{{if .Current}}{{.Name}}{{end}}' | xargs)" = default ]
	[ "$(docker buildx rm builder-1)" = 'builder-1 removed' ]
	run -125 --separate-stderr cuddy buildx inspect builder-1
	one_line_error 125 builder-1
	run -125 --separate-stderr cuddy buildx create --buildkitd-config x.toml
	one_line_error 125 'registries.conf'
	name=$(docker buildx create --platform linux/amd64,linux/s390x)
	docker buildx inspect "$name" | grep -q linux/s390x
	docker buildx rm --all-inactive -f
	[ "$(docker buildx ls --format '{{.Name}}')" = default ]
	cuddy rmi made >/dev/null
}

@test "buildx: what no builder here can be is refused, and none is made" {
	while IFS='|' read -r words want; do
		# shellcheck disable=SC2086
		run --separate-stderr cuddy buildx $words
		one_line_error 125 "$want"
	done <<-'E'
		create --driver kubernetes|builds run on this machine
		create --driver remote tcp://1.2.3.4:1234|builds run on this machine
		create ssh://host|no server
		create --append --name x|one node
		create --config /x|no buildkitd
		create --driver-opt image=x|no container runs a builder
		create --buildkitd-flags --debug|no buildkitd
		create --name default|no name for a builder
		use nosuch|nosuch
		rm nosuch|nosuch
		rm default|always there
		stop nosuch|nosuch
		build --builder nosuch .|nosuch
	E
	[ "$(docker buildx ls --format '{{.Name}}')" = default ]
	docker buildx create --name twice >/dev/null
	run --separate-stderr cuddy buildx create --name twice
	one_line_error 125 'there is a builder of that name'
	docker buildx rm twice >/dev/null
}

@test "context: one, named default, and no other" {
	[ "$(docker context show)" = default ]
	[ "$(docker context ls -q)" = default ]
	[ "$(docker context ls --format '{{.Name}} {{.Current}}')" = 'default true' ]
	[[ "$(docker context ls)" == NAME*$'\n'default\ \** ]]
	[ "$(docker context use default 2>/dev/null)" = default ]
	[ "$(docker context inspect | jq -r '.[0].Name + .[0].Endpoints.docker.Host')" = default ]
	[ "$(docker context inspect -f '{{.Name}}' default)" = default ]
	for verb in use inspect; do
		run --separate-stderr cuddy context $verb far
		one_line_error 125 'default is the only one'
	done
}
