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

# rows: from lines "NAMES|COMMAND": what commands list, sorted; a "!" for names: one line and 125
rows() {
	local want words got st
	while IFS='|' read -r want words; do
		st=0
		got=$(eval "$words" 2>"$WORK/err" | sort | xargs) || st=$?
		[ "$(wc -l <"$WORK/err")" = 0 ] || got='!'
		[ "$got" = "$want" ] || echo "$words: '$got', not '$want': $(cat "$WORK/err")"
	done
}

@test "filters: of pods, networks, secrets, containers by port and command, each alone, several, negated, and unknown" {
	cuddy network create --label l=1 --internal net1 >/dev/null
	cuddy network create --label l=2 net2 >/dev/null
	cuddy pod create --name pod3 --network net1 --label p=3 >/dev/null
	cuddy create --name ports --network net2 -p 127.0.0.1:18080:80 --expose 90/udp --annotation k=v "$IMAGE" sleep 77 >/dev/null
	echo x >"$WORK/s"
	sid=$(cuddy secret create --label s=1 sec1 "$WORK/s")
	cuddy secret create --label s=2 sec2 "$WORK/s" >/dev/null
	pid1=$(cuddy pod inspect --format '{{.ID}}' pod1)
	cid=$(cuddy inspect --format '{{.Id}}' inpod)
	nid=$(cuddy network inspect --format '{{.ID}}' net1)
	run -0 rows <<-'E'
		pod1|cuddy pod ps --format '{{.Name}}' --filter id=$pid1
		pod1|cuddy pod ps --format '{{.Name}}' --filter id=${pid1:0:12}
		pod1|cuddy pod ps --format '{{.Name}}' --filter ctr-ids=$cid
		pod1|cuddy pod ps --format '{{.Name}}' --filter ctr-names=inpod
		pod3|cuddy pod ps --format '{{.Name}}' --filter network=net1
		|cuddy pod ps --format '{{.Name}}' --filter network=net2
		pod1 pod2 pod3|cuddy pod ps --format '{{.Name}}' --filter until=0s
		|cuddy pod ps --format '{{.Name}}' --filter until=24h
		pod1 pod3|cuddy pod ps --format '{{.Name}}' --filter 'label!=p=2'
		|cuddy pod ps --format '{{.Name}}' --filter 'label!=p'
		pod1 pod2|cuddy pod ps --format '{{.Name}}' --filter name=pod1 --filter name=pod2
		pod2|cuddy pod ps --format '{{.Name}}' --filter name=pod --filter label=p=2
		!|cuddy pod ps --filter nosuch=1
		net1|cuddy network ls --format '{{.Name}}' --filter id=${nid:0:12}
		net1|cuddy network ls --format '{{.Name}}' --filter label=l=1
		net1 net2|cuddy network ls --format '{{.Name}}' --filter label=l
		net2|cuddy network ls --format '{{.Name}}' --filter label=l --filter name=net2
		net1 net2|cuddy network ls --format '{{.Name}}' --filter name=net1 --filter name=net2
		net1 net2 podman|cuddy network ls --format '{{.Name}}' --filter driver=bridge
		!|cuddy network ls --filter nosuch=1
		sec1|cuddy secret ls --format '{{.Name}}' --filter id=$sid
		sec1 sec2|cuddy secret ls --format '{{.Name}}' --filter name=sec
		sec1 sec2|cuddy secret ls --format '{{.Name}}' --filter name=sec1 --filter name=sec2
		sec2|cuddy secret ls --format '{{.Name}}' --filter label=s=2
		!|cuddy secret ls --filter nosuch=1
		ports|cuddy ps -a --format '{{.Names}}' --filter publish=80
		ports|cuddy ps -a --format '{{.Names}}' --filter publish=80/tcp
		|cuddy ps -a --format '{{.Names}}' --filter publish=80/udp
		|cuddy ps -a --format '{{.Names}}' --filter publish=90/udp
		ports|cuddy ps -a --format '{{.Names}}' --filter expose=80
		ports|cuddy ps -a --format '{{.Names}}' --filter expose=90/udp
		ports|cuddy ps -a --format '{{.Names}}' --filter expose=80-100
		ports|cuddy ps -a --format '{{.Names}}' --filter network=net2
		ports|cuddy ps -a --format '{{.Names}}' --filter annotation=k=v
		|cuddy ps -a --format '{{.Names}}' --filter annotation=k=v --filter annotation=note=x
		ports|cuddy ps -a --format '{{.Names}}' --filter command=sleep
		ports web|cuddy ps -a --format '{{.Names}}' --filter name=ports --filter name=^web$
		inpod|cuddy ps -a --format '{{.Names}}' --filter id=$cid
		!|cuddy container prune -f --filter nosuch=1
		!|cuddy network prune -f --filter nosuch=1
		!|cuddy volume prune -f --filter nosuch=1
		!|cuddy image prune -f --filter nosuch=1
		!|cuddy system prune -f --filter nosuch=1
		|cuddy network prune -f --filter label=l=9
		net2|cuddy rm ports >/dev/null; cuddy network prune -f --filter label=l=2 --filter until=0s
		|cuddy network prune -f --filter label=l=1
	E
	[ -z "$output" ] || fail "$output"
	cuddy create --name annotated --annotation gone=yes "$IMAGE" true >/dev/null
	cuddy container prune -f --filter annotation=gone=no >/dev/null
	cuddy container prune -f --filter annotation=gone=yes --filter until=24h >/dev/null
	cuddy container exists annotated
	cuddy container prune -f --filter annotation=gone=yes >/dev/null
	! cuddy container exists annotated || fail "it is there"
	cuddy pod rm pod3 >/dev/null
	cuddy network rm net1 >/dev/null
	cuddy secret rm sec1 sec2 >/dev/null
	[ "$(ask ps)" = "done0 done3 inpod web webdb" ]
}
