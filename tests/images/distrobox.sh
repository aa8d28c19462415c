#!/bin/bash
# A directory with Debian's distrobox as it is packaged, unpacked: usr/bin/distrobox and its scripts.
# suffix: dir
set -eu
rm -rf "$1"
mkdir -p "$1"
cd "$1"
apt-get -q download distrobox
dpkg-deb -x distrobox_*.deb .
rm -f ./*.deb
