#!/usr/bin/env bats
# update --publish-add and --publish-rm: ports of a container that runs, and of one that does not.
load helpers
load network

setup_file() { network_file_begin; }
teardown_file() { file_end; }
teardown() { end_host_probe; test_end; }

echoes() { [ "$("$PROBE" tcp-ask 127.0.0.1 "$1" word)" = word ]; }

@test "publish-add: the first and further ports of a running container, TCP and UDP" {
	require_tun
	a=$(free_port)
	probe_in -- c tcp-echo 7
	nobody_listens "$a"
	run -0 cuddy update --publish-add "127.0.0.1:$a:7" c
	echoes "$a"
	run -0 cuddy update --publish-add 127.0.0.1::7 --publish-add "127.0.0.1:$a:9/udp" c
	run -0 cuddy port c
	[ "${#lines[@]}" = 3 ]
	b=$(cuddy port c 7 | sed -n "s/.*://; /^$a$/!p")
	echoes "$b"
	cuddy exec -d c /probe udp-echo 9
	udp_answers() { [ "$("$PROBE" udp-ask 127.0.0.1 "$a" up)" = up ]; }
	wait_until 20 udp_answers
	run -0 cuddy ps --format '{{.Ports}}'
	[ "$output" = "127.0.0.1:$a->7/tcp, 127.0.0.1:$b->7/tcp, 127.0.0.1:$a->9/udp" ]
	cuddy stop -t 0 c
	nobody_listens "$a" && nobody_listens "$b"
	cuddy start c                                   # what was added is there again
	wait_log c ready
	wait_until 20 echoes "$a"
}

@test "publish-rm: the listener is gone at once, a connection in use goes on, the others stay" {
	require_tun
	a=$(free_port)
	probe_in -p "127.0.0.1:$a:7" -p 127.0.0.1::7 -p 127.0.0.1::8/udp -- c tcp-echo 7
	b=$(cuddy port c 7 | sed -n 2p | sed 's/.*://')
	exec 8<>"/dev/tcp/127.0.0.1/$a"
	echo before >&8
	read -r -t 20 line <&8
	[ "$line" = before ]
	run -0 cuddy update --publish-rm "127.0.0.1:$a:7" c
	nobody_listens "$a"
	echo after >&8
	read -r -t 20 line <&8
	[ "$line" = after ]
	exec 8>&-
	echoes "$b"
	run -0 cuddy port c
	[ "${#lines[@]}" = 2 ]
	cuddy run --rm -p "127.0.0.1:$a:7" "$IMAGE" true        # free for another
	run -0 cuddy update --publish-rm 7 --publish-rm 8/udp --publish-add "127.0.0.1:$a:7" c
	run -0 cuddy port c
	[ "$output" = "7/tcp -> 127.0.0.1:$a" ]
	echoes "$a"
	nobody_listens "$b"
}

@test "publish-add: ports survive a restart by policy and by command; removed ones stay away" {
	require_tun
	a=$(free_port 2)
	probe_in --restart always -p "127.0.0.1:$((a + 1)):7" -- c tcp-echo 7
	cuddy update --publish-add "127.0.0.1:$a:7" --publish-rm 127.0.0.1:$((a + 1)):7 c
	kill -KILL "$(container_pid c)"
	restarted() { [ "$(cuddy inspect --format '{{.RestartCount}}' c)" = 1 ] && echoes "$a"; }
	wait_until 20 restarted
	nobody_listens $((a + 1))
	cuddy restart -t 0 c
	wait_until 20 echoes "$a"
	nobody_listens $((a + 1))
}

@test "publish: an update that cannot be is refused in one line and changes nothing" {
	require_tun
	a=$(free_port)
	cuddy run -d --name c -p "127.0.0.1:$a:7" "$IMAGE" sleep 1000
	cuddy run -d --name other -p 127.0.0.1::7 "$IMAGE" sleep 1000
	taken=$(cuddy port other 7)
	cuddy run -d --name none --network none "$IMAGE" sleep 1000
	before=$(cuddy port c)
	while read -r flags; do
		run -125 --separate-stderr cuddy update $flags
		one_line_error 125 "${flags##* }|publish"
	done <<-END
		--publish-rm 7 --publish-add $taken:9 c
		--publish-rm 9 c
		--publish-rm 7/udp c
		--publish-add x c
		--publish-add 80/sctp c
		--publish-add 80 none
	END
	[ "$(cuddy port c)" = "$before" ]
	cuddy stop -t 0 c
	cuddy update --publish-rm 7 --publish-add "127.0.0.1:$a:9" c
	run -0 cuddy inspect --format '{{json .HostConfig.PortBindings}}' c
	[ "$output" = '{"9/tcp":[{"HostIp":"127.0.0.1","HostPort":"'"$a"'"}]}' ]
	cuddy start c
	[ "$(cuddy port c)" = "9/tcp -> 127.0.0.1:$a" ]
}
