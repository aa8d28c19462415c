#!/bin/bash
# The guest of tests/vm: a directory with a Debian 12 root disk (ext4, as few units as possible) and its kernel.
# The kernel of clouds has NVMe and ext4 built in, so it needs no initrd. The disk's last unit unpacks the
# archive found on the second disk and runs what is in it (tests/vm/guest).
# suffix: dir
set -eu
out=$1
scratch=$(mktemp -d /var/tmp/cuddy-image.XXXXXX)
chmod 711 "$scratch"
export TMPDIR=$scratch
trap 'unshare --user --map-auto --map-root-user rm -rf "$scratch"' EXIT

cat >"$scratch/setup" <<'SH'
#!/bin/sh
set -eu
root=$1
PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd "$root"
kernel=$(APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
(cd tmp && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q -o APT::Sandbox::User=root download "$kernel")
dpkg-deb --fsys-tarfile tmp/linux-image-*.deb | tar -x --keep-directory-symlink # /lib is a link into /usr
rm -f tmp/*.deb boot/System.map*
chroot . depmod "${kernel#linux-image-}"
chroot . useradd -m -s /bin/bash user
# Somebody who has no services of his own: when he logs out, what he runs ends.
chroot . useradd -m -d /var/lib/visitor -s /bin/bash visitor
for f in subuid subgid; do printf '%s\n' user:100000:65536 visitor:200000:65536 >etc/$f; done
chroot . systemctl --quiet disable cron ssh nginx # started by the tests that want them
echo 'user ALL=(ALL:ALL) NOPASSWD: ALL' >etc/sudoers.d/user
mkdir -p etc/systemd/logind.conf.d
printf '[Login]\nUserStopDelaySec=0\n' >etc/systemd/logind.conf.d/at-once.conf
mkdir -p var/lib/systemd/linger etc/systemd/system/user@.service.d etc/modules-load.d
touch var/lib/systemd/linger/user
printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >etc/systemd/system/user@.service.d/delegate.conf
printf 'overlay\nfuse\ntun\n' >etc/modules-load.d/cuddy.conf
echo guest >etc/hostname
printf '127.0.0.1 localhost guest\n::1 localhost\n' >etc/hosts
# The user's home is a disk of its own, with a journal: it is what a power cut leaves behind.
printf '%s\n' '/dev/nvme0n1 / ext4 rw,relatime 0 0' '/dev/nvme2n1 /home ext4 rw,relatime 0 0' >etc/fstab
cat >etc/systemd/system/guest.service <<'UNIT'
[Unit]
Description=Run what came on the second disk
After=systemd-user-sessions.service dbus.service systemd-logind.service
[Service]
Type=exec
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
ExecStart=/bin/sh -c 'mkdir -p /srv/tree && tar -x -f /dev/nvme1n1 -C /srv/tree && cd /srv/tree && exec tests/vm/guest'
UNIT
mkdir -p etc/systemd/system/multi-user.target.wants
ln -s ../guest.service etc/systemd/system/multi-user.target.wants/
for u in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
	fstrim.timer systemd-tmpfiles-clean.timer getty@tty1.service serial-getty@ttyS0.service getty-static.service \
	systemd-networkd.service systemd-timesyncd.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
	systemd-pstore.service systemd-random-seed.service systemd-hwdb-update.service systemd-journal-flush.service \
	systemd-machine-id-commit.service ldconfig.service kmod-static-nodes.service dev-hugepages.mount \
	systemd-rfkill.socket systemd-binfmt.service proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount \
	sys-kernel-tracing.mount systemd-udev-settle.service; do
	ln -sf /dev/null "etc/systemd/system/$u"
done
rm -rf var/lib/apt/lists/* var/cache/apt/* usr/share/doc/* usr/share/locale/* usr/share/man/*
SH
chmod 755 "$scratch/setup"
mmdebstrap --quiet --mode=unshare --variant=minbase --include=systemd-sysv,dbus,dbus-user-session,libpam-systemd,kmod \
	--include=udev,procps,iproute2,util-linux,uidmap,slirp4netns,libmnl0,libnftables1,fuse-overlayfs,fuse3,bats,python3,jq,busybox-static \
	--include=cron,openssh-server,openssh-client,sudo,nginx-light,crun,runc \
	--include=libcurl4,libssl3,libzstd1,libisal2,liblzma5,libbz2-1.0,libjson-c5,libcap2,libseccomp2,strace \
	--aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
	--customize-hook="$scratch/setup" bookworm "$scratch/root.tar"
rm -rf "$out"
mkdir -p "$out"
# Owners and modes of the tree must be the guest's: made as root of a user namespace.
unshare --user --map-auto --map-root-user sh -euc '
	mkdir "$1/root"
	tar -x --numeric-owner --exclude=./dev/* --xattrs --xattrs-include="*" -f "$1/root.tar" -C "$1/root"
	cp "$1"/root/boot/vmlinuz-* "$2/vmlinuz"
	rm -rf "$1/root/boot" "$1/root.tar"
	truncate -s 4G "$2/root.img"
	/sbin/mke2fs -q -t ext4 -O ^metadata_csum,^has_journal -E lazy_itable_init=1,root_owner=0:0 -d "$1/root" "$2/root.img"
' sh "$scratch" "$out"
