#!/usr/bin/env bats
# cuddy container clone: the settings of a container once more, without its changes.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

@test "clone: settings are the original's, files are the image's, anonymous volumes are its own" {
	cuddy run --name c -e A=1 -l l=x -v /anon -v named:/vol -w /tmp "$IMAGE" sh -c 'echo $A; pwd; ls /made /anon /vol 2>&1; touch /made /anon/a /vol/n'
	id=$(cuddy container clone c)
	[[ "$id" =~ ^[0-9a-f]{64}$ ]]
	[ "$(cuddy inspect --format '{{.Id}} {{.State.Status}} {{index .Config.Labels "l"}}' c-clone)" = "$id created x" ]
	run -0 cuddy start -a c-clone
	[ "$output" = "1
/tmp
ls: /made: No such file or directory
/anon:

/vol:
n" ]
	cuddy container clone c >/dev/null
	[ "$(cuddy ps -a --format '{{.Names}}' | sort | xargs)" = 'c c-clone c-clone1' ]
	cuddy rm -v c c-clone c-clone1
	[ "$(cuddy volume ls -q)" = named ]
	cuddy volume rm named
}

@test "clone: a name, another image, --run, --destroy" {
	# Names that no id begins with: who is gone must not be found by another's id.
	cuddy run -d --name orig --stop-signal KILL "$IMAGE" sleep 1000
	run --separate-stderr cuddy container clone --destroy orig twin
	one_line_error 125 force
	run -1 cuddy container exists twin
	cuddy tag "$IMAGE" localhost/other:1
	cuddy container clone --run orig twin localhost/other:1 >/dev/null
	status_is twin running
	status_is orig running
	[ "$(cuddy inspect --format '{{.ImageName}}' twin)" = localhost/other:1 ]
	cuddy container clone --destroy --force --name third orig >/dev/null
	run -1 cuddy container exists orig
	cuddy start third
	status_is third running
	cuddy rm -f -t 0 twin third
	cuddy rmi localhost/other:1
}

@test "clone: bad input changes nothing" {
	cuddy create --name c -v /anon "$IMAGE" true
	cuddy create --name taken "$IMAGE" true
	volumes=$(cuddy volume ls -q)
	for bad in 'c taken' 'c /bad' 'c new nosuch:1' 'nosuch' '--force c' '--name a c b'; do
		run --separate-stderr cuddy container clone $bad
		one_line_error 125 clone
	done
	[ "$(cuddy ps -a --format '{{.Names}}' | sort | xargs)" = 'c taken' ]
	[ "$(cuddy volume ls -q)" = "$volumes" ]
}
