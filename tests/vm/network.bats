#!/usr/bin/env bats
# Named networks on Debian 12's own kernel, where veth, bridge and nf_tables are modules that nobody has loaded.
load ../system/helpers

no_keeper() { [ ! -e "$CUDDY_RUNROOT/net/socket" ]; }

@test "network: two containers of a named network find each other by name, with filters and an allow-list" {
	cuddy network create app
	cuddy run -d --name db --network app "$IMAGE" nc -ll -p 7 -e echo hello >/dev/null
	cuddy run --rm --network app "$IMAGE" sh -c 'nslookup db' >"$WORK/out" 2>"$WORK/err" || { cat "$WORK/out" "$WORK/err"; return 1; }
	[ ! -s "$WORK/err" ]
	local ip
	ip=$(sed -n 's/^Address: //p' "$WORK/out")
	[ "$ip" = "$(cuddy inspect --format '{{.NetworkSettings.Networks.app.IPAddress}}' db)" ]
	hello() { [ "$(cuddy run --rm --network app "$IMAGE" nc -w 20 "$ip" 7)" = hello ]; }
	wait_until 60 hello
	cuddy run -d --name lim --network app --egress allow=db:8 "$IMAGE" sleep 1000 >/dev/null
	run ! cuddy exec lim nc -w 5 "$ip" 7
	[ "$(cuddy inspect --format '{{.NetworkSettings.EgressRefused}}' lim)" -gt 0 ]
	cuddy rm -f -t 0 db lim
	wait_until 60 no_keeper
	cuddy network rm app
}
