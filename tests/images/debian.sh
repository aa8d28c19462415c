#!/bin/bash
# localhost/debian:bookworm: a minimal Debian with bash, python3 and procps, by mmdebstrap and buildah.
# needs: lib.bash
. "$(dirname "$0")/lib.bash"
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
[ "$suite" = bookworm ] || suite=bookworm
mmdebstrap --quiet --mode=unshare --variant=minbase --include=python3-minimal,procps,libcap2-bin \
	--aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
	--customize-hook='chroot "$1" useradd -m -u 1000 -s /bin/bash user' \
	"$suite" "$scratch/base.tar"
c=$(builder from scratch)
builder add -q "$c" "$scratch/base.tar" / >/dev/null
builder config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$c"
publish "$c" localhost/debian:bookworm "$1"
