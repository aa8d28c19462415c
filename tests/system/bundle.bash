# For tests of the OCI runtime role: bundles of a busybox, made without an image.
#
#	bundle NAME COMMAND...     $WORK/NAME with a rootfs and a config.json that runs COMMAND as root
#	config NAME FILTER [JQ…]   change its config.json by jq
#	rt VERB ARGS...            cuddy runtime, with a state directory of the test's own; what stays behind
#	                           (create, --detach) as: quiet rt …

rt() { "$CUDDY" runtime --root "$WORK/state" "$@"; }

bundle() {
	local b=$WORK/$1 a
	shift
	if [ ! -d "$b/rootfs" ]; then
		mkdir -p "$b"/rootfs/{bin,etc,tmp,root,proc,sys,dev}
		chmod 1777 "$b/rootfs/tmp"
		cp /bin/busybox "$b/rootfs/bin/"
		for a in sh cat ls id touch sleep true false echo env pwd mount readlink kill ps tty hostname grep stat wc; do
			ln -s busybox "$b/rootfs/bin/$a"
		done
		echo 'root:x:0:0::/root:/bin/sh' >"$b/rootfs/etc/passwd"
	fi
	rm -f "$b/config.json"
	"$CUDDY" runtime spec --rootless --bundle "$b"
	config "${b##*/}" --argjson args "$(python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@")" \
		'.process.terminal = false | .process.args = $args | .root.readonly = false'
}

config() {
	local b=$WORK/$1
	shift
	jq "$@" <"$b/config.json" >"$b/new" && mv "$b/new" "$b/config.json"
}

# quiet COMMAND... - what it leaves running holds no pipe of ours
quiet() { "$@" >"$WORK/out" 2>&1 3>&- </dev/null || fail "$*: $(cat "$WORK/out")"; }

state_is() { [ "$(rt state "$1" | jq -r .status)" = "$2" ]; }
nothing_of_ours() { [ -z "$(ls -A "$WORK/state" 2>/dev/null)" ]; }

# Every test ends with no container of this role left.
drop_bundles() {
	local id
	for id in $(rt list -q 2>/dev/null); do rt delete --force "$id"; done
}
