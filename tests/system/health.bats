#!/usr/bin/env bats
# Health checks: made on time by the monitor alone.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

health() { cuddy inspect --format "{{.State.Health.$2}}" "$1"; }
health_is() { [ "$(health "$1" Status)" = "$2" ]; }
streak_is() { [ "$(health "$1" FailingStreak)" -ge "$2" ]; }
restarted() { [ "$(cuddy inspect --format '{{.RestartCount}}' "$1")" -ge "$2" ]; }
state() { cuddy inspect --format "{{.State.$2}}" "$1"; }
config() { cuddy inspect --format "{{json .Config.$2}}" "$1"; }

@test "health: starting, unhealthy after so many failures, healthy at once when it is well" {
	cuddy run -d --name c --health-cmd 'echo "looks for it"; test -e /good' --health-interval 100ms --health-retries 3 "$IMAGE" sleep 1000
	cuddy wait --condition unhealthy -i 20ms c
	[ "$(health c FailingStreak)" -ge 3 ]
	[[ "$(cuddy ps --format '{{.Status}}')" == *"(unhealthy)" ]]
	[ "$(cuddy ps -q --filter health=unhealthy | wc -l)" -eq 1 ]
	[ "$(cuddy ps -q --filter health=healthy | wc -l)" -eq 0 ]
	cuddy exec c touch /good
	cuddy wait --condition healthy -i 20ms c
	[ "$(health c FailingStreak)" = 0 ]
	[[ "$(cuddy ps --format '{{.Status}}')" == *"(healthy)" ]]
	[ "$(cuddy inspect --format '{{.State.Healthcheck.Status}}' c)" = healthy ]
	results() { [ "$(cuddy inspect --format '{{len .State.Health.Log}}' c)" = 5 ]; }
	wait_until 20 results                           # and no more are kept
	[ "$(cuddy inspect --format '{{with index .State.Health.Log 4}}{{.ExitCode}} {{.Output}}{{end}}' c)" = $'0 looks for it' ]
	[ -z "$(cuddy logs c)" ]                        # what a check prints is not the container's output
}

@test "health: the check is a process of the container: its user, directory, environment, capabilities" {
	cuddy run -d --name c -u 1234:56 -w /tmp -e WHO=me --cap-drop all --health-interval disable \
		--health-cmd 'id -u; id -g; pwd; echo $WHO; hostname; grep CapBnd /proc/self/status; cat /proc/1/comm' "$IMAGE" sleep 1000
	run -0 cuddy healthcheck run c
	[ -z "$output" ]
	host=$(cuddy inspect --format '{{.Config.Hostname}}' c)
	[ "$(health c Log)" != "[]" ]
	[ "$(cuddy inspect --format '{{(index .State.Health.Log 0).Output}}' c)" = "1234
56
/tmp
me
$host
CapBnd:	0000000000000000
sleep" ]
}

@test "healthcheck run: 0 when it is well, 1 when not, and the result is kept; without a timer only that makes one" {
	cuddy run -d --name c --health-cmd 'test -e /good' --health-interval disable --health-retries 1 "$IMAGE" sleep 1000
	[ "$(health c Status)" = starting ]
	run -1 cuddy healthcheck run c
	[ "$output" = unhealthy ]
	[ "$(health c Status)" = unhealthy ]
	run -0 cuddy healthcheck run --ignore-result c
	cuddy exec c touch /good
	run -0 cuddy healthcheck run -l
	[ "$(health c Status)" = healthy ]
	[ "$(cuddy inspect --format '{{len .State.Health.Log}}' c)" = 3 ]
	cuddy stop -t 0 c
	run --separate-stderr cuddy healthcheck run c
	one_line_error 125 'does not run'
	cuddy run -d --name plain "$IMAGE" sleep 1000
	run --separate-stderr cuddy healthcheck run plain
	one_line_error 125 'no health check'
	[ "$(cuddy ps -a --filter health=none --format '{{.Names}}')" = plain ]
}

@test "health: a command that is not there, one as an array, much and wild output" {
	cuddy run -d --name none --health-cmd '["/no/such", "x"]' --health-interval disable --health-retries 1 "$IMAGE" sleep 1000
	run -1 cuddy healthcheck run none
	[[ "$(cuddy inspect --format '{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}' none)" == "127 "*"/no/such"* ]]
	cuddy run -d --name array --health-cmd '["CMD", "echo", "two  words"]' --health-interval disable "$IMAGE" sleep 1000
	run -0 cuddy healthcheck run array
	[ "$(cuddy inspect --format '{{(index .State.Health.Log 0).Output}}' array)" = "two  words" ]
	cuddy run -d --name wild --health-cmd "printf 'a\\\\b\\377\\001\\303\\244'; head -c 1000000 /dev/zero | tr '\\0' x" \
		--health-interval disable "$IMAGE" sleep 1000
	run -0 cuddy healthcheck run wild
	cuddy inspect wild | python3 -c '
import json, sys
o = json.load(sys.stdin)[0]["State"]["Health"]["Log"][0]["Output"]
assert o.startswith("a\\b\ufffd\u0001\u00e4xxx"), o
assert len(o.encode()) <= 502, len(o)'
}

@test "health: in the start period failures do not count" {
	cuddy run -d --name c --health-cmd 'test -e /good' --health-interval 50ms --health-retries 1 --health-start-period 1h "$IMAGE" sleep 1000
	several() { [ "$(cuddy inspect --format '{{len .State.Health.Log}}' c)" -ge 3 ]; }
	wait_until 20 several
	[ "$(health c Status)" = starting ]
	[ "$(health c FailingStreak)" = 0 ]
	cuddy exec c touch /good
	cuddy wait --condition healthy -i 20ms c
	cuddy exec c rm /good                           # what was well once is judged
	cuddy wait --condition unhealthy -i 20ms c
}

@test "health: what the image says, and flags over it" {
	python3 - "$WORK/image.tar" <<-'P'
		import sys
		from mkimg import *
		health = {"Test": ["CMD-SHELL", "test -e /good"], "Interval": 50000000, "Timeout": 2000000000, "Retries": 2, "StartPeriod": 7}
		Image([busybox_layer()], config={"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"], "Healthcheck": health}).docker_archive(sys.argv[1], ["localhost/checked:latest"])
	P
	cuddy load -q -i "$WORK/image.tar"
	cuddy run -d --name c localhost/checked
	cuddy wait --condition unhealthy -i 20ms c
	[ "$(config c Healthcheck)" = '{"Test":["CMD-SHELL","test -e /good"],"Interval":50000000,"Timeout":2000000000,"Retries":2,"StartPeriod":7}' ]
	cuddy run -d --name over --health-retries 9 --health-interval disable localhost/checked
	[ "$(config over Healthcheck.Retries)" = 9 ]
	[ "$(config over Healthcheck.Interval)" = 0 ]
	cuddy run -d --name none --no-healthcheck localhost/checked
	run --separate-stderr cuddy healthcheck run none
	one_line_error 125 'no health check'
	cuddy run -d --name none2 --health-cmd none localhost/checked
	[ "$(cuddy ps --filter health=none --format '{{.Names}}' | sort)" = $'none\nnone2' ]
	cuddy rm -f -a -t 0
	cuddy rmi localhost/checked
}

@test "health: where its log is, how many results it has and how much of each; also changed while it runs" {
	mkdir "$WORK/logs" "$WORK/other"
	log() { python3 -c 'import json, sys; h = json.load(open(sys.argv[1])); print(h["Status"], h["FailingStreak"], *("%d:%s" % (e["ExitCode"], e["Output"]) for e in h["Log"]))' "$1"; }
	limits() { cuddy inspect --format '{{.Config.HealthLogDestination}} {{.Config.HealthcheckMaxLogCount}} {{.Config.HealthcheckMaxLogSize}}' "$1"; }
	id=$(cuddy run -d --name c --network none --health-interval disable --health-retries 1 --health-cmd 'cat /said; test -e /good' --health-log-destination "$WORK/logs" \
		--health-max-log-count 2 --health-max-log-size 5 "$IMAGE" sh -c 'printf 1abcdefg >/said; exec sleep 1000')
	[ "$(limits c)" = "$WORK/logs 2 5" ]
	cuddy exec c sh -c 'until test -s /said; do :; done'
	for n in 1 2 3; do
		run -1 cuddy healthcheck run c
		cuddy exec c sh -c "printf $((n + 1))abcdefg >/said"
	done
	[ "$(log "$WORK/logs/$id-healthcheck.log")" = "unhealthy 3 1:2abcd 1:3abcd" ]
	[ "$(stat -c %a "$WORK/logs/$id-healthcheck.log")" = 600 ]
	[ "$(cuddy inspect --format '{{.State.Health.FailingStreak}}{{range .State.Health.Log}} {{.Output}}{{end}}' c)" = "3 2abcd 3abcd" ]
	cuddy restart -t 0 c                            # what is in a directory stays
	[ "$(log "$WORK/logs/$id-healthcheck.log")" = "starting 0 1:2abcd 1:3abcd" ]
	cuddy update --health-max-log-count 0 --health-max-log-size 0 --health-log-destination "$WORK/other" c
	[ "$(log "$WORK/other/$id-healthcheck.log")" = "starting 0" ]
	cuddy exec c sh -c 'touch /good; head -c 70000 /dev/zero | tr "\0" x >/said'
	[ "$(limits c)" = "$WORK/other 0 0" ]
	for n in 1 2 3; do cuddy healthcheck run c; done
	[ "$(log "$WORK/other/$id-healthcheck.log" | wc -c)" -eq $((9 + 3 * 70003 + 1)) ]
	cuddy update --health-max-log-count 1 c         # at once
	[ "$(log "$WORK/other/$id-healthcheck.log" | wc -c)" -eq $((9 + 70003 + 1)) ]
	rm -r "$WORK/other"                             # nowhere to write is no reason to fail
	cuddy healthcheck run c
	cuddy update --health-log-destination events_logger --health-max-log-size 2 c
	cuddy healthcheck run c
	cuddy events --stream=false --filter event=health_status --format json | tail -n 1 | python3 -c '
import json, sys
e = json.load(sys.stdin)
assert e["HealthStatus"] == e["health_status"] == "healthy" and e["health_failing_streak"] == 0, e
log = json.loads(e["health_log"])
assert log["Output"] == "xx" and log["ExitCode"] == 0, log'
	[ "$(cuddy inspect --format '{{range .State.Health.Log}} {{.Output}}{{end}}' c)" = " xx" ]
}

@test "health: bad values are one clear line" {
	for bad in "--health-cmd [1]" "--health-cmd []" "--health-cmd true --health-interval soon" "--health-cmd true --health-timeout 10ms" \
		"--health-cmd true --health-retries 0" "--health-cmd true --health-on-failure cry" "--health-retries 3" \
		"--health-log-destination /no/such" "--health-log-destination /etc/passwd" "--health-max-log-count -1" "--health-max-log-size many" \
		"--health-cmd true --health-startup-retries 3" "--no-healthcheck --health-cmd true"; do
		run --separate-stderr cuddy create $bad "$IMAGE" true
		one_line_error 125 health
	done
	run --separate-stderr cuddy ps --filter health=fine
	one_line_error 125 "fine"
	[ -z "$(cuddy ps -aq)" ]
}
