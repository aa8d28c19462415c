#!/bin/bash
# localhost/programs: services of many kinds on the Debian base: redis, node, python3, a JVM, cron, sshd.
# needs: lib.bash debian.sh
. "$(dirname "$0")/lib.bash"
builder pull -q "oci-archive:$("$here/make" debian)" >/dev/null
c=$(builder from localhost/debian:bookworm)
inside "$c" "mkdir -p /usr/share/man/man1" # of which the JVM wants to be sure
install_packages "$c" redis-server nodejs openjdk-17-jre-headless cron openssh-server openssh-client
inside "$c" 'mkdir -p /run/sshd; rm -f /etc/ssh/ssh_host_*; echo "user:secret" | chpasswd'
builder config --cmd bash "$c"
publish "$c" localhost/programs:latest "$1"
