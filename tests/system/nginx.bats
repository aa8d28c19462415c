#!/usr/bin/env bats
# nginx in a container, serving a published port.
load helpers
load registry

setup_file() {
	require_tun
	file_begin
	pull_image nginx localhost/nginx
}
teardown_file() { [ -z "${FILE_ROOT:-}" ] || file_end; }

get() { curl -fsS --max-time 10 "$@"; }

@test "nginx: serves a published port of loopback, logs requests, stops by its own signal" {
	port=$(free_port)
	cuddy run -d --name web -p "127.0.0.1:$port:80" localhost/nginx
	wait_until 20 get "http://127.0.0.1:$port/"
	run -0 get "http://127.0.0.1:$port/"
	[ "$output" = "<h1>it works in a container</h1>" ]
	run -22 get "http://127.0.0.1:$port/missing"
	wait_log web 'GET /missing'
	run -0 cuddy stop web
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' web)" = 0 ]
	run -7 get "http://127.0.0.1:$port/"
	cuddy start web
	wait_until 20 get "http://127.0.0.1:$port/"
}

@test "nginx: -P takes a port of its own, and ps and inspect tell which" {
	cuddy run -d --name web -P localhost/nginx
	port=$(cuddy inspect --format '{{json .NetworkSettings.Ports}}' web | jq -r '.["80/tcp"][0].HostPort')
	[ "$port" -gt 0 ]
	wait_until 20 get "http://127.0.0.1:$port/"
	cuddy ps | grep -q ":$port->80/tcp"
}

@test "nginx: a hundred requests, twenty at a time, and a 20 MB file, arrive whole" {
	port=$(free_port)
	head -c 20000000 /dev/urandom >"$BATS_TEST_TMPDIR/big"
	chmod 644 "$BATS_TEST_TMPDIR/big"
	cuddy run -d --name web -p "127.0.0.1:$port:80" -v "$BATS_TEST_TMPDIR/big:/var/www/html/big:ro" localhost/nginx
	wait_until 20 get "http://127.0.0.1:$port/"
	get -o "$BATS_TEST_TMPDIR/got" "http://127.0.0.1:$port/big"
	cmp "$BATS_TEST_TMPDIR/big" "$BATS_TEST_TMPDIR/got"
	seq 100 | xargs -P 20 -I{} curl -fsS --max-time 20 -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/" >"$BATS_TEST_TMPDIR/codes"
	[ "$(grep -c 200 "$BATS_TEST_TMPDIR/codes")" -eq 100 ]
}

@test "nginx: a port in use is refused in one line and nothing stays" {
	port=$(free_port)
	cuddy run -d --name one -p "127.0.0.1:$port:80" localhost/nginx
	run --separate-stderr cuddy run -d --name two -p "127.0.0.1:$port:80" localhost/nginx
	one_line_error 125 "$port"
	[ "$(cuddy ps -q | wc -l)" -eq 1 ]
}

@test "nginx: another container shares its network" {
	cuddy run -d --name web localhost/nginx
	run -0 cuddy run --rm --entrypoint bash --network container:web localhost/nginx -c '
		i=0; until exec 3<>/dev/tcp/127.0.0.1/80 || [ $i -gt 100 ]; do i=$((i+1)); sleep 0.05; done 2>/dev/null
		printf "GET / HTTP/1.0\r\n\r\n" >&3; cat <&3'
	[[ "$output" == *"it works in a container"* ]]
}
