#!/bin/bash
# localhost/postgres: PostgreSQL on the Debian base, its data on the volume /var/lib/postgresql/data,
# initdb at the first start, everything as the user postgres.
# needs: lib.bash debian.sh
. "$(dirname "$0")/lib.bash"
builder pull -q "oci-archive:$("$here/make" debian)" >/dev/null
c=$(builder from localhost/debian:bookworm)
install_packages "$c" postgresql-15
cat >"$scratch/start" <<'SH'
#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	initdb --no-sync --auth=trust --username=postgres -D "$PGDATA" >/dev/null
	echo "host all all all trust" >>"$PGDATA/pg_hba.conf"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c logging_collector=off "$@"
SH
chmod 755 "$scratch/start"
builder add -q "$c" "$scratch/start" /usr/local/bin/start >/dev/null
inside "$c" 'rm -rf /var/lib/postgresql/15 /etc/postgresql/15
	install -d -m 700 -o postgres -g postgres /var/lib/postgresql/data'
# --cmd: the base's "bash" would be the arguments
builder config --cmd '' --user postgres --env PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin \
	--env PGDATA=/var/lib/postgresql/data --volume /var/lib/postgresql/data --port 5432 --stop-signal SIGINT \
	--workingdir /var/lib/postgresql --entrypoint '["/usr/local/bin/start"]' "$c"
publish "$c" localhost/postgres:15 "$1"
