#!/usr/bin/env bats
# How registries are spoken to, and what is said when that does not work.
load helpers
load registry

setup() { test_begin; }
teardown() {
	local pid
	for pid in ${FAKE_PID:-} ${FULL_PID:-} ${WEB_PID:-}; do
		kill "$pid"
		wait "$pid" 2>/dev/null || true
	done
	registry_end
	test_end
}

# images: R11
@test "connections: an address of the name that does not answer holds nothing up" {
	mkdir "$WORK/reg"
	python3 "$FIXTURES/fakereg.py" "$WORK/reg" 3>&- &
	FAKE_PID=$!
	wait_until 30 test -e "$WORK/reg/port"
	# Whose queue is full does not answer to a connection. curl has its own order of families: each is the dead one once.
	for dead in ::1 127.0.0.1; do
		port=$(free_port)
		python3 - "$dead" "$port" "$WORK/full" 3>&- <<-'PY' &
			import socket, sys, time
			where = sys.argv[1], int(sys.argv[2])
			family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
			s, held = socket.socket(family), []
			s.bind(where)
			s.listen(0)
			while len(held) < 10:
			    c = socket.socket(family)
			    c.settimeout(1)
			    try:
			        c.connect(where)
			    except TimeoutError:
			        break
			    held.append(c)
			open(sys.argv[3], "w").write("full" if len(held) < 10 else "open")
			time.sleep(300)
		PY
		FULL_PID=$!
		if [ $dead = ::1 ]; then alive=TCP4-LISTEN:$port,bind=127.0.0.1; else alive=TCP6-LISTEN:$port,bind=[::1],ipv6only=1; fi
		socat "$alive,fork" "TCP4:127.0.0.1:$(cat "$WORK/reg/port")" 3>&- &
		WEB_PID=$!
		wait_until 20 test -s "$WORK/full"
		[ "$(cat "$WORK/full")" = full ]
		wait_until 10 port_open $([ $dead = ::1 ] && echo 127.0.0.1 || echo ::1) "$port"
		begun=$SECONDS
		run -0 timeout 60 "$CUDDY" pull -q --tls-verify=false "localhost:$port/ok"
		took=$((SECONDS - begun))
		grep -q "^registry GET localhost:$port /v2/ok/blobs" "$WORK/reg/log"
		[ "$took" -lt 8 ] || fail "$dead: $took s"
		cuddy rmi "localhost:$port/ok" >/dev/null
		kill "$FULL_PID" "$WEB_PID"
		wait "$FULL_PID" "$WEB_PID" || true
		rm "$WORK/full"
		FULL_PID= WEB_PID=
	done
}
port_open() { python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)' "$@" 2>/dev/null; }

# images: R11
@test "connections: HTTP/2 where the server has it, and connections are used again" {
	if [ ! -x /usr/sbin/apache2 ]; then skip "no apache2"; fi
	registry_begin
	push "$(image_file layers12gz)" team/i:1
	port=$(free_port)
	mkdir -p "$WORK/h2/certs"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=web -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$WORK/h2/key" -out "$WORK/h2/certs/ca.crt" 2>/dev/null
	{
		for m in mpm_event http2 ssl proxy proxy_http log_config authz_core; do
			[ ! -e /usr/lib/apache2/modules/mod_$m.so ] || echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so"
		done
		cat <<-EOF
			ServerName 127.0.0.1
			ServerRoot $WORK/h2
			DefaultRuntimeDir $WORK/h2
			PidFile pid
			ErrorLog errors
			LogFormat "%H %{remote}p %m %U %>s" how
			CustomLog log how
			Listen 127.0.0.1:$port
			Protocols h2 http/1.1
			SSLEngine on
			SSLCertificateFile $WORK/h2/certs/ca.crt
			SSLCertificateKeyFile $WORK/h2/key
			ProxyPass / http://$REG/
		EOF
	} >"$WORK/h2/conf"
	apache2 -X -f "$WORK/h2/conf" >"$WORK/h2/out" 2>&1 3>&- &
	WEB_PID=$!
	wait_until 20 port_listens "$port" || { cat "$WORK/h2/out" "$WORK/h2/errors"; fail "no apache2"; }
	run --separate-stderr cuddy pull -q --cert-dir "$WORK/h2/certs" "127.0.0.1:$port/team/i:1"
	# It writes of a request when it is over, a moment after the client has its answer.
	fetched() { [ "$(grep -c '^HTTP/2.0 .* GET /v2/team/i/blobs/.* 200$' "$WORK/h2/log")" -eq 13 ]; } # layers, config
	wait_until 10 fetched || true
	kill "$WEB_PID"
	wait "$WEB_PID" || true
	WEB_PID=
	cat "$WORK/h2/log"
	[ "$status" -eq 0 ] || fail "$stderr"
	fetched
	[ "$(grep -vc '^HTTP/2.0' "$WORK/h2/log")" -eq 0 ]
	[ "$(cut -d' ' -f2 "$WORK/h2/log" | sort -u | wc -l)" -lt 8 ] # of fifteen requests
	[ "$(cuddy run --rm --network none -v /bin/busybox:/bin/ls:ro "127.0.0.1:$port/team/i:1" ls / | wc -l)" -gt 0 ]
}

# images: R9
@test "connections: nobody there, no such repository, tag or digest, no right to it, no TLS: one line each, and nothing changes" {
	registry_begin tls
	tls=(--cert-dir "$REG_DIR/certs" --creds u:secret)
	push "$(image_file busybox)" team/i:1 --dest-tls-verify=true --dest-cert-dir "$REG_DIR/certs" --dest-creds u:secret
	nobody=127.0.0.1:$(free_port)
	digest=sha256:$(printf '1%.0s' {1..64})
	before=$(snapshot)
	says() { # says WORDS COMMAND...
		run --separate-stderr timeout 60 "$CUDDY" "${@:2}" </dev/null
		echo "${*:2}: $status $stderr"
		one_line_error 125 "$1"
		[ -z "$output" ]
		[ "$(snapshot)" = "$before" ] || { diff <(echo "$before") <(snapshot); fail "something changed"; }
	}
	for way in pull "push $IMAGE" "run --network none"; do
		says "$nobody/.*: .*onnect.*: network failure$" $way --tls-verify=false "$nobody/a/b:1"
		says "$REG.*(certificate is not trusted)" $way "$REG/team/i:1"
		says "$REG.*no credentials for it: cuddy login, or --creds" $way --cert-dir "$REG_DIR/certs" "$REG/team/i:1"
		says "$REG.*(refused by the registry)" $way --cert-dir "$REG_DIR/certs" --creds u:wrong "$REG/team/i:1"
	done
	says 'team/i:nosuch at .*manifest unknown: no such image$' pull "${tls[@]}" "$REG/team/i:nosuch"
	says 'team/nosuch:latest at .*manifest unknown: no such image$' pull "${tls[@]}" "$REG/team/nosuch"
	says "team/i@$digest at .*: no such image\$" pull "${tls[@]}" "$REG/team/i@$digest"
	says 'tags of team/nosuch: .*: no such image$' pull -a "${tls[@]}" "$REG/team/nosuch"
	says 'team/nosuch:latest at .*manifest unknown: no such image$' run "${tls[@]}" "$REG/team/nosuch" true
	says 'Could not resolve host: nosuch.invalid' pull nosuch.invalid/x
	says 'library/nosuch:latest: no such image$' push nosuch "$REG/x"
	says 'library/nosuch:latest: no such image$' run --pull never nosuch
	says 'repositories are lower case' pull "$REG/Team/i"
	says 'repositories are lower case' push "$IMAGE" "$REG/Team/i"
	registry_end
	registry_begin
	says 'does not speak TLS .--tls-verify=false allows plain HTTP.' pull "$REG/team/i:1"
	says 'does not speak TLS .--tls-verify=false allows plain HTTP.' push "$IMAGE" "$REG/team/i:1"
}
