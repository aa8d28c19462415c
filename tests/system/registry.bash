# Debian's docker-registry on loopback, and a line to it that goes dead. Shared by the tests of pulling.

# registry_file_begin, in setup_file: one that runs for all tests of the file, since a start costs half a second. The
# first registry_begin of each test that wants no TLS then empties that one, and registry_end leaves it running.
# registry_file_end, in teardown_file.
registry_file_begin() {
	command -v docker-registry >/dev/null || return 0
	FILE_ROOT=$BATS_FILE_TMPDIR registry_begin
	SHARED_REG=$REG SHARED_REG_DIR=$REG_DIR SHARED_REG_PID=$REG_PID REG_PID=
}
registry_file_end() { [ -z "${SHARED_REG_PID:-}" ] || { kill "$SHARED_REG_PID"; wait "$SHARED_REG_PID" 2>/dev/null || true; }; }

# registry_begin [tls]: REG is its host:port, REG_DIR its directory, REG_DIR/log its access log.
# With "tls": HTTPS by a certificate of our own authority (REG_DIR/certs), user u with password secret.
registry_begin() {
	local port more=
	require_program docker-registry
	if [ -n "${SHARED_REG:-}" ] && [ $# -eq 0 ]; then
		REG=$SHARED_REG REG_DIR=$SHARED_REG_DIR REG_PID=
		rm -rf "$REG_DIR/data" # it keeps nothing in memory
		: >"$REG_DIR/log"
		SHARED_REG= # a second one is another
		return
	fi
	REG_DIR=$(mktemp -d "${FILE_ROOT:-$WORK}/registry.XXXXXX")
	port=$(free_port)
	REG=127.0.0.1:$port
	if [ "${1:-}" = tls ]; then
		mkdir "$REG_DIR/certs"
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority \
			-keyout "$REG_DIR/ca.key" -out "$REG_DIR/certs/ca.crt" 2>/dev/null
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=registry \
			-keyout "$REG_DIR/key" -out "$REG_DIR/csr" 2>/dev/null
		openssl x509 -req -in "$REG_DIR/csr" -CA "$REG_DIR/certs/ca.crt" -CAkey "$REG_DIR/ca.key" -CAcreateserial -days 2 \
			-extfile <(echo subjectAltName=IP:127.0.0.1) -out "$REG_DIR/cert" 2>/dev/null
		htpasswd -Bbn u secret >"$REG_DIR/htpasswd"
		more="  tls: {certificate: $REG_DIR/cert, key: $REG_DIR/key}
auth: {htpasswd: {realm: test, path: $REG_DIR/htpasswd}}"
	fi
	cat >"$REG_DIR/config.yml" <<-EOF
		version: 0.1
		storage: {filesystem: {rootdirectory: $REG_DIR/data}, delete: {enabled: true}}
		http:
		  addr: $REG
		$more
	EOF
	docker-registry serve "$REG_DIR/config.yml" >>"$REG_DIR/log" 2>&1 3>&- &
	REG_PID=$!
	wait_until 20 port_listens "$port"
}

registry_end() {
	[ -z "${REG_PID:-}" ] || { kill "$REG_PID"; wait "$REG_PID" 2>/dev/null || true; REG_PID=; }
}

# registry_pair: two of them: REG, and A with A_DIR, which may be killed (A_PID) and is ended by registry_pair_end
registry_pair() {
	local first dir pid
	registry_begin
	first=$REG dir=$REG_DIR pid=$REG_PID
	registry_begin
	A=$REG A_DIR=$REG_DIR A_PID=$REG_PID
	REG=$first REG_DIR=$dir REG_PID=$pid
}
registry_pair_end() {
	registry_end
	[ -z "${A_PID:-}" ] || { kill "$A_PID"; wait "$A_PID" 2>/dev/null || true; }
}

# push ARCHIVE NAME [SKOPEO OPTION...]: into the registry; plain HTTP when no options say otherwise
push() {
	local from=$1 name=$2 kind=oci-archive
	shift 2
	tar -tf "$from" oci-layout >/dev/null 2>&1 || kind=docker-archive
	skopeo copy -q --dest-tls-verify=false "$@" "$kind:$from" "docker://$REG/$name"
}

# pull_image NAME REFERENCE [tls]: the image NAME of tests/images, pushed by skopeo and pulled back as REFERENCE
pull_image() {
	local name=$1 as=$2 tls=${3:-} to=() from=(--tls-verify=false)
	registry_begin $tls
	if [ -n "$tls" ]; then
		to=(--dest-tls-verify=true --dest-cert-dir "$REG_DIR/certs" --dest-creds u:secret)
		from=(--cert-dir "$REG_DIR/certs" --creds u:secret)
	fi
	push "$(image_file "$name")" "team/$name:1" "${to[@]}"
	cuddy pull -q "${from[@]}" "$REG/team/$name:1" >/dev/null
	cuddy tag "$REG/team/$name:1" "$as"
	cuddy untag "$as" "$REG/team/$name:1"
	registry_end
	[ "$REG_DIR" = "${SHARED_REG_DIR:-}" ] || rm -rf "$REG_DIR"
}

# blob_gets [REPOSITORY]: how many blobs were handed out since blob_gets_begin
blob_gets_begin() { GETS_FROM=$(wc -l <"$REG_DIR/log"); }
blob_gets() { tail -n +$((GETS_FROM + 1)) "$REG_DIR/log" | grep -c "\"GET /v2/${1:-.*}/blobs/[^ ]* HTTP/1.1\" 200" || true; }

# requests: "METHOD PATH STATUS" of each that the registry answered since requests_begin
requests_begin() { REQUESTS_FROM=$(wc -l <"$REG_DIR/log"); }
requests() { tail -n +$((REQUESTS_FROM + 1)) "$REG_DIR/log" | sed -nE 's|.*"([A-Z]+ [^ ]+) HTTP/[0-9.]+" ([0-9]+).*|\1 \2|p'; }

# slow_line BYTES: LINE is a host:port that leads to the registry and stops after that many bytes, until line_go
slow_line() {
	LINE_DIR=$(mktemp -d "$WORK/line.XXXXXX")
	python3 "$FIXTURES/slowproxy.py" "$LINE_DIR" "${REG#*:}" "$1" 3>&- &
	LINE_PID=$!
	wait_until 10 test -s "$LINE_DIR/proxy"
	LINE=127.0.0.1:$(cat "$LINE_DIR/proxy")
}
# broken_line BYTES [norange]: LINE is a host:port that leads to the registry and cuts every connection after that many bytes
broken_line() {
	LINE_DIR=$(mktemp -d "$WORK/line.XXXXXX")
	python3 "$FIXTURES/dropproxy.py" "$LINE_DIR" "${REG#*:}" "$@" 3>&- &
	LINE_PID=$!
	wait_until 10 test -s "$LINE_DIR/proxy"
	LINE=127.0.0.1:$(cat "$LINE_DIR/proxy")
}
line_bytes() { cat "$LINE_DIR/bytes"; }
line_stuck() { wait_until 20 test -e "$LINE_DIR/stuck"; }
line_go() { : >"$LINE_DIR/go"; }
line_end() { [ -z "${LINE_PID:-}" ] || { kill "$LINE_PID"; wait "$LINE_PID" 2>/dev/null || true; LINE_PID=; }; }
