#!/bin/bash
# localhost/nginx: nginx on the Debian base, in the foreground, logging to stdout and stderr.
# needs: lib.bash debian.sh
. "$(dirname "$0")/lib.bash"
builder pull -q "oci-archive:$("$here/make" debian)" >/dev/null
c=$(builder from localhost/debian:bookworm)
install_packages "$c" nginx-light
inside "$c" 'ln -sf /dev/stdout /var/log/nginx/access.log; ln -sf /dev/stderr /var/log/nginx/error.log
	echo "<h1>it works in a container</h1>" >/var/www/html/index.html'
# --cmd: the base's "bash" would be the arguments
builder config --cmd '' --entrypoint '["nginx", "-g", "daemon off;"]' --port 80 --stop-signal SIGQUIT "$c"
publish "$c" localhost/nginx:latest "$1"
