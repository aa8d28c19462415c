#!/usr/bin/env bats
# --filter, of every verb that has one: the answers are podman's, kept in tests/golden/filters.txt.
load helpers

setup_file() {
	file_begin busybox
	objects >/dev/null
}
teardown_file() {
	cuddy pod rm -f -a >/dev/null
	cuddy volume rm -a -f >/dev/null
	file_end
}
setup() { test_begin; }
teardown() { :; } # the objects are all tests'

objects() {
	cuddy tag "$IMAGE" localhost/other:1
	cuddy volume create --label a=b vol1
	cuddy volume create --label c= vol2
	cuddy volume create unused
	cuddy pod create --name pod1 --infra=false --label p=1
	cuddy pod create --name pod2 --infra=false --label p=2
	cuddy create --name web --network none --label app=web --label tier=front -v vol1:/data --annotation note=x "$IMAGE" true
	cuddy create --name webdb --network none --label app=db --restart on-failure:3 -v vol2:/data localhost/other:1 true
	cuddy run --name done0 --network none --label app=web "$IMAGE" true
	cuddy run --name done3 --network none --label empty= "$IMAGE" sh -c 'exit 3' || true
	cuddy create --name inpod --pod pod1 --label app=pod "$IMAGE" true
}

# ask VERB FILTER...: the names it lists, sorted, on one line; the status is that of the verb
ask() {
	local verb=$1 f args=() out
	shift
	for f; do args+=(--filter "$f"); done
	case $verb in
	ps) out=$(cuddy ps -a --format '{{.Names}}' "${args[@]}") ;;
	volume) out=$(cuddy volume ls --format '{{.Name}}' "${args[@]}") ;;
	images) out=$(cuddy images --format '{{.Repository}}:{{.Tag}}' "${args[@]}") ;;
	pod) out=$(cuddy pod ps --format '{{.Name}}' "${args[@]}") ;;
	esac || return
	sort <<<"$out" | xargs
}

@test "filters: ps, volume ls, images and pod ps answer as podman, but where the table says why not" {
	n=0 wrong=
	while IFS='|' read -r words status names own_status own_names why; do
		[[ "$words" != '#'* ]] || continue
		[ -z "$why" ] || { status=$own_status names=$own_names; }
		st=0
		# shellcheck disable=SC2086
		got=$(ask $words 2>"$WORK/err") || st=$?
		[ "$st|$got" = "$status|$names" ] || wrong+="$words: $st|$got, not $status|$names"$'\n'
		[ "$st" = 0 ] || [ "$(wc -l <"$WORK/err")" = 1 ] || wrong+="$words: $(cat "$WORK/err")"$'\n'
		n=$((n + 1))
	done <"$TOP/tests/golden/filters.txt"
	[ -z "$wrong" ] || fail "$wrong"
	[ "$n" = 118 ]
	[ "$(cuddy ps --filter status=exited --format '{{.Names}}' | sort | xargs)" = "done0 done3" ] # without -a
}

@test "filters: start, stop, restart, kill, rm and prune act on what matches, and on nothing else" {
	states() { cuddy ps -a --filter label=act --format '{{.Names}}:{{.State}}' --sort names | xargs; }
	for i in 1 2 3; do
		cuddy create --name act$i --network none --label act=$((i % 2)) --annotation n=$i "$IMAGE" sleep 1000 >/dev/null
	done
	cuddy start --all --filter label=act=1 >/dev/null
	[ "$(states)" = "act1:running act2:created act3:running" ]
	cuddy stop -t 0 --filter annotation=n=1 >/dev/null
	[ "$(states)" = "act1:exited act2:created act3:running" ]
	pid=$(container_pid act3)
	cuddy restart -t 0 --filter name=act3 >/dev/null
	[ "$(container_pid act3)" != "$pid" ]
	cuddy kill --filter status=running >/dev/null
	wait_exited act3
	[ "$(states)" = "act1:exited act2:created act3:exited" ]
	cuddy rm --filter label=act=0 --filter status=created >/dev/null
	[ "$(states)" = "act1:exited act3:exited" ]
	cuddy container prune -f --filter label=act --filter until=24h >/dev/null
	[ "$(states)" = "act1:exited act3:exited" ]
	cuddy container prune -f --filter label=act --filter label!=app --filter until=0s >/dev/null
	[ -z "$(states)" ]
	for verb in start stop restart kill rm; do
		run --separate-stderr cuddy $verb --filter bogus=1
		one_line_error 125 'unknown key'
	done
	[ "$(ask ps)" = "done0 done3 inpod web webdb" ]
}
