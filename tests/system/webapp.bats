#!/usr/bin/env bats
# A web application as people run it: nginx before an application before PostgreSQL and Redis, each in a container,
# one network, one published port. Each part is restarted, and the whole goes on.
load helpers
load registry

setup_file() {
	require_tun
	file_begin
	pull_image nginx localhost/nginx
	pull_image postgres localhost/postgres:15
	load_image programs
}
teardown_file() { [ -z "${FILE_ROOT:-}" ] || file_end; }

# What it answers: a number that the database keeps, and one that Redis keeps.
hits() { curl -fsS --max-time 10 "http://127.0.0.1:$port/count"; }
counts() { [[ "$(hits 2>/dev/null)" =~ ^[0-9]+\ [0-9]+$ ]]; }
more_than() { local a b; read -r a b < <(hits); [ "$a" -gt "${1% *}" ] && [ "$b" -gt "${1#* }" ]; }
sql() { cuddy exec db psql -h 127.0.0.1 -U postgres -Atc "$1"; }
db_ready() { sql 'select 1'; }

@test "webapp: four containers on a network, published to the host, survive a restart of each" {
	local part before
	port=$(free_port)
	cuddy network create app
	cuddy run -d --name db --network app --network-alias database -v data:/var/lib/postgresql/data localhost/postgres:15
	wait_until 60 db_ready
	sql 'create table hits (n int); insert into hits values (0)'
	cuddy run -d --name cache --network app --user redis -v cache:/var/lib/redis -w /var/lib/redis localhost/programs \
		redis-server --bind 0.0.0.0 --protected-mode no --save '' --appendonly yes --appendfsync always
	# An answer to each request, from the two that it finds by name.
	cat >"$BATS_TEST_TMPDIR/app.pl" <<-'PL'
		use IO::Socket::INET;
		my $s = IO::Socket::INET->new(LocalPort => 8000, Listen => 16, ReuseAddr => 1) or die;
		sub cached {
			my $r = IO::Socket::INET->new(PeerAddr => "cache:6379", Timeout => 5) or return;
			print $r "INCR hits\r\n";
			return (<$r> // "") =~ /^:(\d+)/ ? $1 : undef;
		}
		while (my $c = $s->accept) {
			while (my $l = <$c>) { last if $l =~ /^\r?$/ }
			my $n = `PGCONNECT_TIMEOUT=5 psql -h database -U postgres -qAtc 'update hits set n = n + 1 returning n' 2>&1`;
			my $code = $? ? "503 No Database" : "200 OK";
			my $r = cached() // ($code = "503 No Cache");
			$n =~ s/\s*$/ $r\n/;
			print $c "HTTP/1.0 $code\r\nContent-Length: " . length($n) . "\r\n\r\n$n";
			close $c;
		}
	PL
	cat >"$BATS_TEST_TMPDIR/site" <<-EOF
		server {
			listen 80;
			resolver $(cuddy network inspect app | jq -r '.[0].subnets[0].gateway') valid=1s ipv6=off;
			location / { set \$up http://back:8000; proxy_pass \$up; proxy_connect_timeout 5s; }
		}
	EOF
	chmod 755 "$BATS_TEST_TMPDIR"
	chmod 644 "$BATS_TEST_TMPDIR"/{app.pl,site}
	cuddy run -d --name back --network app --entrypoint perl -v "$BATS_TEST_TMPDIR/app.pl:/app.pl:ro" localhost/postgres:15 /app.pl
	cuddy run -d --name front --network app -p "127.0.0.1:$port:80" -v "$BATS_TEST_TMPDIR/site:/etc/nginx/sites-enabled/default:ro" localhost/nginx
	wait_until 60 counts
	before=$(hits)
	[ "$(hits)" = "$((${before% *} + 1)) $((${before#* } + 1))" ]
	for part in db cache back front; do
		before=$(hits)
		cuddy restart -t 10 "$part"
		wait_until 60 counts
		more_than "$before"
	done
	# Stopped and started, under another address maybe.
	cuddy stop -t 10 back
	cuddy run -d --name guest --network app localhost/nginx
	cuddy start back
	wait_until 60 counts
	[ "$(seq 40 | xargs -P 8 -I{} curl -fsS --max-time 20 -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/" | grep -c 200)" = 40 ]
	cuddy rm -f -t 0 guest front back cache db
	cuddy volume rm data cache
	cuddy network rm app
}
