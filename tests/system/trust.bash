# A registry, a home with a policy of its own, and keys. Shared by the tests of trust and of signing.

setup() {
	test_begin
	registry_begin
	export HOME=$WORK/home GNUPGHOME=$WORK/gnupg XDG_CONFIG_HOME=$WORK/home/.config
	CONF=$XDG_CONFIG_HOME/containers
	mkdir -p -m 0700 "$GNUPGHOME" "$CONF/registries.d" "$WORK/signatures" "$HOME/.local"
}

teardown() {
	gpgconf --kill all 2>/dev/null || true
	[ -z "${web:-}" ] || { kill $web; wait $web 2>/dev/null || true; }
	registry_end
	test_end
}

pull() { cuddy pull -q --tls-verify=false "$@"; }
gpg_key() { # NAME: its fingerprint; the public key goes to $WORK/NAME.pub (armored) and .gpg
	gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key "$1" ed25519 sign never
	gpg --armor --export "$1" >"$WORK/$1.pub"
	gpg --export "$1" >"$WORK/$1.gpg"
	gpg --list-keys --with-colons "$1" | awk -F: '$1 == "fpr" { print $10; exit }'
}
# policy DEFAULT [SCOPE REQUIREMENTS]...
policy() {
	local p
	p=$(jq -n --argjson d "$1" '{default: $d, transports: {docker: {}}}')
	shift
	while [ $# -gt 0 ]; do
		p=$(jq --arg s "$1" --argjson r "$2" '.transports.docker[$s] = $r' <<<"$p")
		shift 2
	done
	printf '%s\n' "$p" >"$CONF/policy.json"
}
reject='[{"type":"reject"}]' any='[{"type":"insecureAcceptAnything"}]'
signed() { # KEYFILE [IDENTITY]
	jq -nc --arg k "$1" --argjson i "${2:-null}" '[{type: "signedBy", keyType: "GPGKeys", keyPath: $k} + if $i then {signedIdentity: $i} else {} end]'
}
refused() { # PATTERN NAME
	run --separate-stderr pull "$2"
	one_line_error 125 "$1"
	[ -z "$(cuddy images -q --filter "reference=$2")" ]
}
