#!/usr/bin/env bats
# cuddy port: what it prints is where the ports are; container exists.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }

@test "port: every port, or one of them, and the address answers" {
	require_tun
	a=$(free_port)
	probe_in -p "127.0.0.1:$a:7" -p 127.0.0.1::9/udp -- echo1 tcp-echo 7
	udp=$(cuddy inspect --format '{{(index (index .NetworkSettings.Ports "9/udp") 0).HostPort}}' echo1)
	[ "$udp" -gt 0 ]
	run -0 cuddy port echo1
	[ "$(printf '%s\n' "${lines[@]}" | sort)" = $'7/tcp -> 127.0.0.1:'"$a"$'\n9/udp -> 127.0.0.1:'"$udp" ]
	run -0 cuddy port echo1 7
	[ "$output" = "127.0.0.1:$a" ]
	[ "$("$PROBE" tcp-ask "${output%:*}" "${output##*:}" hello)" = hello ]
	run -0 cuddy container port echo1 7/tcp
	[ "$output" = "127.0.0.1:$a" ]
	run -0 cuddy port echo1 9/udp
	[ "$output" = "127.0.0.1:$udp" ]
	run -0 cuddy port -l 7
	[ "$output" = "127.0.0.1:$a" ]
	for none in 9 7/udp 8; do
		run --separate-stderr cuddy port echo1 "$none"
		one_line_error 125 'not published'
	done
}

@test "port: an IPv6 address stands in brackets" {
	require_tun
	require_ipv6
	a=$(free_port)
	cuddy run -d --name six -p "[::1]:$a:7" "$IMAGE" sleep 1000
	run -0 cuddy port six
	[ "$output" = "7/tcp -> [::1]:$a" ]
}

@test "port: --all is those that run, each with its id; a stopped one has none" {
	require_tun
	a=$(free_port)
	cuddy run -d --name web -p "127.0.0.1:$a:80" "$IMAGE" sleep 1000
	cuddy run -d --name plain --network none "$IMAGE" sleep 1000
	id=$(cuddy inspect --format '{{.Id}}' web)
	run -0 cuddy port --all
	[ "$output" = "${id:0:12}"$'\t'"80/tcp -> 127.0.0.1:$a" ]
	cuddy stop -t 0 web
	run -0 cuddy port -a
	[ -z "$output" ]
	run -0 cuddy port web
	[ -z "$output" ]
	run --separate-stderr cuddy port web 80
	one_line_error 125 'does not run'
	run -0 cuddy port plain
	[ -z "$output" ]
}

@test "port: bad words are one line" {
	for words in "c 0" "c 70000" "c x" "c 80/sctp" "c 80/" "c 080000000000" "-a c" "-l 1 2" "" "nosuch"; do
		run --separate-stderr cuddy port $words
		one_line_error 125 port
	done
}

@test "container exists: 0, 1, and --external finds the same" {
	cuddy create --name c "$IMAGE" true
	for flag in "" --external; do
		run -0 cuddy container exists $flag c
		[ -z "$output" ]
		run -1 --separate-stderr cuddy container exists $flag nosuch
		[ -z "$output$stderr" ]
	done
}
