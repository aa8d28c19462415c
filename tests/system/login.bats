#!/usr/bin/env bats
# Credentials: asked of the registry, kept where podman and skopeo keep them, used by pull, forgotten again.
load helpers
load registry

setup() {
	test_begin
	export HOME=$WORK/home XDG_RUNTIME_DIR=$WORK/xdg
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME
	mkdir -m 700 "$HOME" "$XDG_RUNTIME_DIR"
	AUTH=$XDG_RUNTIME_DIR/containers/auth.json
}

teardown() {
	registry_end
	test_end
}

login() { cuddy login --cert-dir "$REG_DIR/certs" "$@" "$REG"; }
entry() { python3 -c 'import base64, json, sys; print(base64.b64decode(json.load(open(sys.argv[1]))["auths"][sys.argv[2]]["auth"]).decode())' "$1" "$2"; }

@test "G11: login keeps what the registry found good in a file of mode 600, and pull uses it" {
	registry_begin tls
	push "$(image_file busybox)" b:1 --dest-tls-verify=true --dest-cert-dir "$REG_DIR/certs" --dest-creds u:secret
	run --separate-stderr cuddy login --get-login "$REG"
	one_line_error 125 "not logged into $REG"
	run --separate-stderr login -u u --password-stdin <<<wrong
	one_line_error 125 "login to $REG.*(authentication|unauthorized|refused)"
	[[ "$stderr" != *wrong* ]]
	[ ! -e "$AUTH" ]
	umask 000
	run -0 --separate-stderr login -v -u u --password-stdin <<<secret
	umask 022
	[ "$output" = "Used: $AUTH"$'\n'"Login Succeeded!" ]
	[ -z "$stderr" ]
	[ "$(stat -c %a "$AUTH")" = 600 ]
	[ "$(stat -c %a "$XDG_RUNTIME_DIR/containers")" = 700 ]
	[ "$(entry "$AUTH" "$REG")" = u:secret ]
	run -0 cuddy login --get-login "$REG"
	[ "$output" = u ]
	run -0 cuddy pull -q --cert-dir "$REG_DIR/certs" "$REG/b:1"
	run -0 login # nothing has to be typed
	[ "${lines[1]}" = "Existing credentials are valid. Already logged in to $REG" ]
	run -0 skopeo inspect --cert-dir "$REG_DIR/certs" "docker://$REG/b:1" # reads the same file
	run -0 cuddy logout "$REG"
	[ "$output" = "Removed login credentials for $REG" ]
	run --separate-stderr cuddy logout "$REG"
	one_line_error 125 "not logged into $REG"
	run --separate-stderr cuddy pull -q --cert-dir "$REG_DIR/certs" "$REG/b:1"
	one_line_error 125 "cuddy login"
	! ls -A "$XDG_RUNTIME_DIR/containers" | grep -qv '^auth.json$' || fail "it was there"
}

# images: N4
@test "login: the certificate is checked; plain HTTP only when it is asked for" {
	registry_begin tls
	run --separate-stderr cuddy login -u u --password-stdin "$REG" <<<secret
	one_line_error 125 certificate
	[ ! -e "$AUTH" ]
	run -0 --separate-stderr cuddy login --tls-verify=false --username u --password secret "$REG"
	[[ "$stderr" == *--password-stdin* ]]
	registry_end
	registry_begin
	run --separate-stderr cuddy login -u u --password-stdin "$REG" <<<secret
	one_line_error 125 TLS
	run -0 cuddy login -u u --password-stdin --tls-verify=false "$REG" <<<secret # it asks nobody for anything
}

# images: N6
@test "login: --authfile and REGISTRY_AUTH_FILE; what else is in the file stays; logout --all" {
	registry_begin tls
	a=$WORK/mine.json
	printf '{"auths": {"quay.io": {"auth": "djpx"}, "https://%s/v1/": {"auth": "djpx"}}, "HttpHeaders": {"x": "y"}}' "$REG" >"$a"
	chmod 644 "$a"
	run -0 login --authfile "$a" -u u --password-stdin <<<secret
	[ "$(stat -c %a "$a")" = 600 ]
	[ ! -e "$AUTH" ]
	[ "$(entry "$a" quay.io)" = v:q ]
	[ "$(entry "$a" "$REG")" = u:secret ]
	run -0 python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(len(d["auths"]), d["HttpHeaders"])' "$a"
	[ "$output" = "2 {'x': 'y'}" ] # the old spelling is gone
	ln -s "$a" "$WORK/link.json"
	export REGISTRY_AUTH_FILE=$WORK/link.json
	run -0 cuddy login --get-login quay.io
	[ "$output" = v ]
	run -0 cuddy logout quay.io
	[ -L "$WORK/link.json" ]
	run -0 cuddy login --get-login "https://$REG"
	[ "$output" = u ]
	run -0 cuddy logout --all
	run -125 cuddy login --get-login "$REG"
	run -0 login --authfile "$WORK/new.json" -u u --password-stdin <<<secret # made when it is not there
	[ "$(entry "$WORK/new.json" "$REG")" = u:secret ]
	# docker's own file, and a password that is a secret of cuddy's
	printf secret | cuddy secret create u - >/dev/null
	printf wrong | cuddy secret create nobody - >/dev/null
	run --separate-stderr login --secret nobody --authfile "$WORK/compat.json"
	one_line_error 125 'login to'
	run -0 --separate-stderr login --secret u --compat-auth-file "$WORK/compat.json"
	[ "$(entry "$WORK/compat.json" "$REG")" = u:secret ]
	[ -z "$stderr" ]
	printf '{"auths": {"https://index.docker.io/v1/": {"auth": "djpx"}, "quay.io": {}}}' >"$WORK/docker.json"
	chmod 600 "$WORK/docker.json"
	[ "$(cuddy login --get-login --compat-auth-file "$WORK/docker.json" docker.io)" = v ]
	cuddy logout --compat-auth-file "$WORK/docker.json" docker.io
	[ "$(jq -c '.auths | keys' "$WORK/docker.json")" = '["quay.io"]' ]
	for bad in "--secret u -p x" "--secret nosuch" "--compat-auth-file x --authfile y" "--compat-auth-file x"; do
		run --separate-stderr cuddy login --cert-dir "$REG_DIR/certs" $bad "$REG/team"
		[ "$status" -eq 125 ]
	done
	chmod 000 "$WORK/new.json"
	run --separate-stderr cuddy logout --authfile "$WORK/new.json" "$REG"
	one_line_error 125 "new.json"
}

# images: R10, N6
@test "login: credentials of docker are found, and left to docker" {
	registry_begin tls
	mkdir "$HOME/.docker"
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$REG" "$(printf u:secret | base64)" >"$HOME/.docker/config.json"
	chmod 600 "$HOME/.docker/config.json"
	run -0 login
	[[ "$output" == *"Already logged in to $REG" ]]
	run --separate-stderr cuddy logout "$REG"
	one_line_error 125 docker
	run -0 cuddy login --get-login "$REG"
	run -0 login -u u -p secret # nearer than docker's
	sed -i s/dTpzZWNyZXQ=/dTp3cm9uZw==/ "$HOME/.docker/config.json"
	run -0 login
	[[ "$output" == *"Already logged in"* ]]
	# Of the days before there was a config.json.
	cuddy logout "$REG" 2>/dev/null
	rm "$HOME/.docker/config.json"
	printf '{"%s": {"auth": "%s"}}' "$REG" "$(printf u:secret | base64)" >"$HOME/.dockercfg"
	chmod 600 "$HOME/.dockercfg"
	run -0 login
	[[ "$output" == *"Already logged in to $REG" ]]
	# Of all the places the nearest counts.
	places=("$HOME/.dockercfg" "$HOME/.docker/config.json" "$HOME/.config/containers/auth.json" "$AUTH" "$WORK/named.json" "$WORK/flag.json")
	mkdir -p -m 700 "$HOME/.config/containers" "${AUTH%/*}"
	export REGISTRY_AUTH_FILE
	for i in "${!places[@]}"; do
		printf '{"auths": {"r.test": {"auth": "%s"}}}' "$(printf 'user%s:x' "$i" | base64)" >"${places[i]}"
		[ "$i" -gt 0 ] || printf '{"r.test": {"auth": "%s"}}' "$(printf user0:x | base64)" >"${places[0]}"
		chmod 600 "${places[i]}"
		flag=()
		case $i in
		4) REGISTRY_AUTH_FILE=${places[4]} ;;
		5) flag=(--authfile "${places[5]}") ;;
		esac
		[ "$(cuddy login "${flag[@]}" --get-login r.test)" = "user$i" ]
	done
}

# images: N7
@test "login: a credential helper keeps the password instead of the file" {
	registry_begin tls
	push "$(image_file busybox)" b:1 --dest-tls-verify=true --dest-cert-dir "$REG_DIR/certs" --dest-creds u:secret
	mkdir "$WORK/bin"
	cat >"$WORK/bin/docker-credential-box" <<-'EOF'
		#!/bin/sh
		box=$(dirname "$0")/box
		case $1 in
		store) cat >"$box" ;;
		erase) rm -f "$box" ;;
		get) if [ -e "$box" ]; then cat "$box"; else echo "credentials not found in native keychain"; exit 1; fi ;;
		esac
	EOF
	chmod 755 "$WORK/bin/docker-credential-box"
	export PATH=$WORK/bin:$PATH
	mkdir -m 700 "${AUTH%/*}"
	for how in '{"credsStore": "box"}' "{\"credHelpers\": {\"$REG\": \"box\"}}"; do
		echo "$how" >"$AUTH"
		run -0 login -u u --password-stdin <<<secret
		! grep -q "$(printf u:secret | base64)" "$AUTH" || fail "it was there"
		run -0 python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(d["ServerURL"], d["Username"], d["Secret"])' "$WORK/bin/box"
		[ "$output" = "$REG u secret" ]
		run -0 cuddy login --get-login "$REG"
		[ "$output" = u ]
		run -0 cuddy pull -q --cert-dir "$REG_DIR/certs" "$REG/b:1"
		run -0 cuddy logout "$REG"
		[ ! -e "$WORK/bin/box" ]
		run -125 cuddy login --get-login "$REG"
	done
	# N7: registries.conf names helpers before, after or instead of the files
	rm "$AUTH"
	export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
	echo 'credential-helpers = ["box", "containers-auth.json"]' >"$CONTAINERS_REGISTRIES_CONF"
	run -0 login -u u --password-stdin <<<secret
	[ -s "$WORK/bin/box" ]
	[ ! -e "$AUTH" ]
	run -0 cuddy login --get-login "$REG"
	[ "$output" = u ]
	cuddy rmi -f "$REG/b:1" >/dev/null
	run -0 cuddy pull -q --cert-dir "$REG_DIR/certs" "$REG/b:1"
	run --separate-stderr cuddy logout --all
	one_line_error 125 'name the registry'
	run -0 cuddy logout "$REG"
	[ ! -e "$WORK/bin/box" ]
	run -125 cuddy login --get-login "$REG"
	echo 'credential-helpers = ["containers-auth.json", "box"]' >"$CONTAINERS_REGISTRIES_CONF"
	run -0 login -u u --password-stdin <<<secret
	[ ! -e "$WORK/bin/box" ]
	[ "$(entry "$AUTH" "$REG")" = u:secret ]
	cuddy logout "$REG"
}

# threats: G11
@test "login: a credential helper that says nothing, too much or what is no answer is given up" {
	mkdir "$WORK/bin"
	printf '#!/bin/sh\nexec sleep 1000\n' >"$WORK/bin/docker-credential-mute"
	printf '#!/bin/sh\nexec yes\n' >"$WORK/bin/docker-credential-loud"
	printf '#!/bin/sh\nprintf "{\\"Username\\": \\"u\\", \\"Secret\\": \\"%%070000d\\"}" 1\n' >"$WORK/bin/docker-credential-long"
	printf '#!/bin/sh\necho "{\\"Username\\": [1]}"\n' >"$WORK/bin/docker-credential-odd"
	chmod 755 "$WORK"/bin/*
	export PATH=$WORK/bin:$PATH
	mkdir -m 700 "${AUTH%/*}"
	local start name
	for name in loud long odd mute; do
		start=$SECONDS
		echo "{\"credsStore\": \"$name\"}" >"$AUTH"
		run --separate-stderr timeout 60 "$CUDDY" login --get-login r.test
		one_line_error 125 "credential helper .*docker-credential-$name"
		[ $((SECONDS - start)) -lt $([ $name = mute ] && echo 30 || echo 8) ] || fail "$name: $((SECONDS - start)) s"
	done
	[ $((SECONDS - start)) -ge 9 ]                  # somebody may have to unlock his keys
	[ -z "$(pgrep -u "$(id -u)" -f "$WORK/bin/docker-credential" || true)" ]
}

@test "login: many at once all count" {
	registry_begin tls
	pids=
	for n in 1 2 3 4 5 6; do
		"$CUDDY" login --cert-dir "$REG_DIR/certs" -u u --password-stdin "$REG/team$n" <<<secret >/dev/null &
		pids+=" $!"
	done
	for p in $pids; do wait "$p"; done
	for n in 1 2 3 4 5 6; do
		[ "$(entry "$AUTH" "$REG/team$n")" = u:secret ]
	done
}

@test "login: asks at a terminal, and does not show the password" {
	registry_begin tls
	python3 - "$CUDDY" login --cert-dir "$REG_DIR/certs" "$REG" <<'PY'
import sys
from ptydrv import Pty, CTRL_C
p = Pty(sys.argv[1:])
p.expect(rb"Username: "); p.send(b"u\r")
p.expect(rb"Password: "); p.send(b"secret\r")
p.expect(rb"Login Succeeded!")
assert p.wait() == 0 and b"secret" not in p.all and p.modes() == p.before, (p.all, p.modes(), p.before)
p = Pty([sys.argv[1], "login", "-u", "v", *sys.argv[3:]])
p.expect(rb"Password: "); p.send(CTRL_C)
assert p.wait() == -2, p.status
assert p.modes() == p.before
PY
	run -0 cuddy login --get-login "$REG"
	[ "$output" = u ]
}

@test "login: what makes no sense is refused in one line" {
	for bad in "--password-stdin localhost" "-u u -p x --password-stdin localhost" "-u a:b -p x localhost" \
		"-u u -p x localhost/a:tag" "-u u -p x nohost" "localhost"; do
		run --separate-stderr cuddy login $bad </dev/null
		one_line_error 125 .
	done
	run --separate-stderr cuddy login -u u --password-stdin localhost </dev/null
	one_line_error 125 "no password"
	run --separate-stderr cuddy logout --all localhost
	one_line_error 125 "all"
	[ ! -e "$AUTH" ]
}

# images: N5
@test "login: certs.d of the user has the authority for HOST:PORT as it is typed, and the key that a registry wants to see" {
	registry_begin tls
	push "$(image_file busybox)" b:1 --dest-tls-verify=true --dest-cert-dir "$REG_DIR/certs" --dest-creds u:secret
	d=$HOME/.config/containers/certs.d
	mkdir -p "$d/127.0.0.1" # not for this port
	cp "$REG_DIR/certs/ca.crt" "$d/127.0.0.1/"
	run --separate-stderr cuddy login -u u --password-stdin "$REG" <<<secret
	one_line_error 125 certificate
	mkdir "$d/$REG"
	cp "$REG_DIR/certs/ca.crt" "$d/$REG/"
	run -0 cuddy login -u u --password-stdin "$REG" <<<secret
	run -0 cuddy pull -q "$REG/b:1"
	cuddy rmi "$REG/b:1" >/dev/null
	# The same registry, which now wants a certificate of its clients.
	kill "$REG_PID"
	wait "$REG_PID" 2>/dev/null || true
	sed -i "s|tls: {|tls: {clientcas: [$REG_DIR/certs/ca.crt], |" "$REG_DIR/config.yml"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=me -keyout "$d/$REG/me.key" -out "$WORK/csr" 2>/dev/null
	openssl x509 -req -in "$WORK/csr" -CA "$REG_DIR/certs/ca.crt" -CAkey "$REG_DIR/ca.key" -CAcreateserial -days 2 -out "$WORK/me.cert" 2>/dev/null
	docker-registry serve "$REG_DIR/config.yml" >>"$REG_DIR/log" 2>&1 3>&- &
	REG_PID=$!
	wait_until 20 port_listens "${REG##*:}"
	run --separate-stderr cuddy pull -q --retry 0 "$REG/b:1"
	one_line_error 125 .
	cp "$WORK/me.cert" "$d/$REG/me.cert"
	run -0 cuddy pull -q "$REG/b:1"
	cuddy rmi "$REG/b:1" >/dev/null
	# A directory that is named counts alone.
	mkdir "$WORK/none"
	run --separate-stderr cuddy pull -q --retry 0 --cert-dir "$WORK/none" "$REG/b:1"
	one_line_error 125 certificate
}

# images: N5
@test "login: of the directories certs.d that of the user comes first, then that of containers, then docker's; the first that exists counts alone" {
	registry_begin tls
	mkdir "$WORK/etc"
	cp -r /etc/{passwd,group,hosts,nsswitch.conf,ld.so.cache,ssl} "$WORK/etc/" 2>/dev/null || true # keys are not ours to read
	# A namespace in which that is /etc; the order is of directories, whoever asks.
	login() { run --separate-stderr unshare -rm sh -c 'mount --bind "$1" /etc && shift && echo secret | "$@"' sh "$WORK/etc" "$CUDDY" login --authfile "$WORK/auth.json" -u u --password-stdin "$REG"; }
	places=("$HOME/.config/containers/certs.d/$REG" "$WORK/etc/containers/certs.d/$REG" "$WORK/etc/docker/certs.d/$REG")
	login
	one_line_error 125 certificate
	for n in 2 1 0; do
		mkdir -p "${places[n]}"
		login
		one_line_error 125 certificate # it has none, and those behind it are not looked at
		cp "$REG_DIR/certs/ca.crt" "${places[n]}/"
		login
		[ "$status" -eq 0 ] || fail "${places[n]}: $stderr"
	done
	registry_end
}
