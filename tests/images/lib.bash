# Shared by the scripts that make images with Debian's own tools, without privilege.
# storage: a throw-away buildah storage; publish CONTAINER NAME OUT: commit and write an OCI archive.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d /var/tmp/cuddy-image.XXXXXX)
# mmdebstrap unpacks as the first subordinate id, to which a directory of the caller alone is closed: all may pass
# through this one, and the tools make their own below it. (The tests' TMPDIR is the caller's alone.)
chmod 711 "$scratch"
export TMPDIR=$scratch
trap 'unshare --user --map-auto --map-root-user rm -rf "$scratch"' EXIT

builder() {
	local driver=overlay
	[ -e "$scratch/vfs" ] && driver=vfs
	buildah --root "$scratch/root" --runroot "$scratch/run" --storage-driver "$driver" "$@"
}

# Old kernels have no overlay for buildah in a user namespace: then plain copies do.
builder images -q >/dev/null 2>&1 || touch "$scratch/vfs"

inside() { # inside CONTAINER COMMAND: a shell line in it, with the host's network for apt
	builder run --isolation chroot --network host "$1" -- sh -euc "export DEBIAN_FRONTEND=noninteractive; $2"
}

install_packages() { # install_packages CONTAINER PACKAGE...
	local c=$1
	shift
	inside "$c" "apt-get -q update; apt-get -qy --no-install-recommends install $*
		rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/log/apt"
}

publish() { # publish CONTAINER NAME OUT
	builder commit -q "$1" "$2" >/dev/null
	builder push -q "$2" "oci-archive:$3:$2"
}
