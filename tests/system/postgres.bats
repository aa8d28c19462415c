#!/usr/bin/env bats
# PostgreSQL with its data on a named volume: first start, work, stop, start, remove, again.
load helpers
load registry

setup_file() {
	file_begin
	pull_image postgres localhost/postgres:15 tls
}
teardown_file() { file_end; }

sql() { cuddy exec "$1" psql -h 127.0.0.1 -U postgres -Atc "$2"; }
answers() { sql "$1" 'select 1'; }

@test "postgres: initdb as the image's user on a new volume, psql through exec, data outlives the container" {
	cuddy run -d --name db -v pgdata:/var/lib/postgresql/data localhost/postgres:15
	wait_until 60 answers db
	run -0 cuddy exec db id -un
	[ "$output" = postgres ]
	run -0 cuddy exec db stat -c '%U %a' /var/lib/postgresql/data
	[ "$output" = "postgres 700" ]
	sql db 'create table t (i int primary key, w text)'
	sql db "insert into t select g, md5(g::text) from generate_series(1, 20000) g"
	sum=$(sql db 'select md5(string_agg(w, chr(10) order by i)) from t')

	run -0 cuddy stop db
	[ "$(cuddy inspect --format '{{.State.ExitCode}}' db)" = 0 ]
	cuddy start db
	wait_until 60 answers db
	[ "$(sql db 'select md5(string_agg(w, chr(10) order by i)) from t')" = "$sum" ]

	cuddy kill db                                   # recovery after a crash
	wait_exited db
	cuddy rm db
	cuddy run -d --name db2 -v pgdata:/var/lib/postgresql/data localhost/postgres:15
	wait_until 60 answers db2
	[ "$(sql db2 'select count(*) from t')" = 20000 ]
	[ "$(sql db2 'select md5(string_agg(w, chr(10) order by i)) from t')" = "$sum" ]
}

@test "postgres: the host reaches it through a published port" {
	require_tun
	port=$(free_port)
	cuddy run -d --name db -p "127.0.0.1:$port:5432" localhost/postgres:15
	wait_until 60 answers db
	# The first packet of the protocol, by hand: SSLRequest is answered by one letter.
	run -0 python3 -c "
import socket, struct
s = socket.create_connection(('127.0.0.1', $port), 10)
s.sendall(struct.pack('>ii', 8, 80877103))
print(s.recv(1).decode())"
	[[ "$output" == [NS] ]]
}

@test "postgres: exec -i feeds a script and returns its status" {
	cuddy run -d --name db localhost/postgres:15
	wait_until 60 answers db
	run -0 cuddy exec -i db psql -h 127.0.0.1 -U postgres -qAt -v ON_ERROR_STOP=1 <<<'create table x(i int); insert into x values (7); select i from x;'
	[ "$output" = 7 ]
	run -3 cuddy exec -i db psql -h 127.0.0.1 -U postgres -qAt -v ON_ERROR_STOP=1 <<<'select no_such_column;'
}
