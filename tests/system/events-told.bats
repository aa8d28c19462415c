#!/usr/bin/env bats
# The events of every verb, in one table, and what each tells besides: podman's names, attributes and lines, and docker's.
load helpers

setup_file() { file_begin busybox; }
teardown_file() {
	cuddy pod rm -f -a -t 0 >/dev/null
	file_end
}
setup() { test_begin; rm -f "$CUDDY_RUNROOT"/events "$CUDDY_RUNROOT"/events.1; }

past() { cuddy events --stream=false "$@"; }

@test "events: what each verb tells" {
	wrong= TOLD=0
	printf 'FROM %s\nLABEL made=here\n' "$IMAGE" >"$WORK/Containerfile"
	echo secret >"$WORK/s"
	# A command that ends in "!" fails.
	while IFS='|' read -r words told; do
		st=0
		eval "${words%!*}" >"$WORK/out" 2>"$WORK/err" </dev/null || st=$?
		[ $st = 0 ] || [[ "$words" == *!* ]] || wrong+="$words: $(cat "$WORK/err")"$'\n'
		read -r told <<<"$told"
		as_told() {
			past --format '{{.Type}} {{.Status}} {{.Name}}' >"$WORK/all"
			got=$(tail -n "+$((TOLD + 1))" "$WORK/all" | sed "s#$WORK#DIR#" | if [[ "$told" == "in any order:"* ]]; then sort; else cat; fi | xargs)
			[ "$got" = "${told#in any order: }" ]
		}
		wait_until 5 as_told || wrong+="$words: '$got', not '$told'"$'\n' # a monitor may be a moment behind
		TOLD=$(wc -l <"$WORK/all")
	done <<-'E'
		cuddy create --name c --health-cmd true --health-interval disable "$IMAGE" sleep 1000 | container create c
		cuddy init c                                   | container init c
		cuddy start c                                  | container start c
		cuddy exec c true                              | container exec c container exec_died c
		cuddy exec -d c sleep 1000                     | container exec c
		cuddy healthcheck run c                        | container health_status c
		cuddy kill -s URG c                            | container kill c
		cuddy cp "$WORK/s" c:/s                        | container copy c
		cuddy export -o "$WORK/x.tar" c                | container export c
		cuddy commit -q c localhost/com                | container commit c
		cuddy rename c d                               | container rename d
		cuddy update --restart on-failure:3 d          | container update d
		cuddy unshare sh -c '"$0" mount d; "$0" umount d' "$CUDDY" | container mount d container unmount d
		cuddy restart -t 0 d                           | container died d container stop d container cleanup d container init d container start d container restart d
		timeout -k 3 1 cuddy attach --no-stdin --sig-proxy=false d ! | container attach d
		cuddy stop -t 0 d                              | container died d container stop d container cleanup d
		cuddy start -a d & sleep 0.3; cuddy kill d; wait | container init d container start d container attach d container kill d container died d container cleanup d
		cuddy container cleanup d                      | container cleanup d
		cuddy ps --sync                                | container sync d
		cuddy rm d                                     | container remove d
		cuddy run --rm --name e "$IMAGE" false !       | container create e container init e container start e container attach e container died e container remove e
		cuddy create --name f "$IMAGE" true            | container create f
		cuddy container clone --destroy f g            | container create g container remove f
		cuddy container prune -f                       | container remove g
		cuddy container checkpoint f !                 |
		cuddy network create n                         | network create n
		cuddy run -d --name h --network n "$IMAGE" sleep 1000 | container create h container init h container start h
		cuddy network disconnect n h                   | network disconnect h
		cuddy network connect n h                      | network connect h
		cuddy rm -f -t 0 h                             | container died h container stop h container cleanup h container remove h
		cuddy network prune -f                         | network remove n
		cuddy volume create v                          | volume create v
		cuddy volume rm v                              | volume remove v
		cuddy volume create w                          | volume create w
		cuddy volume prune -a -f                       | volume remove w volume prune w
		cuddy secret create s "$WORK/s"                | secret create s
		cuddy secret rm s                              | secret remove s
		cuddy pod create --infra=false --name p        | pod create p
		cuddy create --pod p --name m --network none "$IMAGE" sleep 1000 | container create m
		cuddy pod start p                              | container init m container start m pod start p
		cuddy pod kill p                               | in any order: container cleanup m container died m container kill m pod kill p
		cuddy pod restart p                            | pod stop p container init m container start m pod start p
		cuddy pod stop -t 0 p                          | container died m container stop m container cleanup m pod stop p
		cuddy pod rm p                                 | container remove m pod remove p
		cuddy tag "$IMAGE" t:1                         | image tag localhost/t:1
		cuddy untag t:1 t:1                            | image untag localhost/t:1
		cuddy save -q -o "$WORK/i.tar" localhost/com   | image save localhost/com:latest
		cuddy push -q localhost/com "dir:$WORK/dir"    | image push dir:DIR/dir
		cuddy rmi localhost/com                        | image remove localhost/com:latest
		cuddy load -q -i "$WORK/i.tar"                 | image loadfromarchive localhost/com:latest
		cuddy pull -q "dir:$WORK/dir"                  | image pull dir:DIR/dir
		cuddy pull -q --retry 0 127.0.0.1:1/x !        | image pull-error 127.0.0.1:1/x
		cuddy import -q "$WORK/x.tar" localhost/imp    | image import localhost/imp:latest
		cuddy build -q -t localhost/b -f "$WORK/Containerfile" "$WORK" | image build localhost/b:latest
		cuddy unshare sh -c '"$0" image mount localhost/b; "$0" image umount localhost/b' "$CUDDY" | image mount image unmount
		cuddy artifact add localhost/a "$WORK/s"       | artifact create localhost/a:latest
		cuddy artifact rm localhost/a                  | artifact remove localhost/a:latest
		cuddy rmi localhost/b localhost/imp            | image remove localhost/b:latest image remove localhost/imp:latest
		cuddy auto-update --dry-run                    | system auto-update
	E
	[ -z "$wrong" ] || fail "$wrong"
}

@test "events: what they tell besides is podman's, as JSON and as lines" {
	id=$(cuddy run -d --name c -l app=web --health-cmd false --health-interval disable --health-retries 1 "$IMAGE" sleep 1000)
	cuddy exec c sh -c 'exit 4' || true
	cuddy healthcheck run c || true
	cuddy network create n >/dev/null
	cuddy run -d --name g --network n "$IMAGE" sleep 1000 >/dev/null
	gid=$(cuddy inspect --format '{{.Id}}' g)
	nid=$(cuddy network inspect --format '{{.ID}}' n)
	cuddy network disconnect n g
	pod=$(cuddy pod create --infra=false --name p -l tier=1)
	cuddy create --pod p --name m --network none "$IMAGE" true >/dev/null
	run -125 cuddy pull -q --retry 0 127.0.0.1:1/x
	line() { past "$@" | sed 's/^[^ ]* [^ ]* [^ ]* [^ ]* //'; }
	image=image=localhost/busybox:latest
	[ "$(line --filter event=start --filter container=c)" = "container start $id ($image, name=c, app=web)" ]
	[ "$(line --filter event=health_status)" = "container health_status $id ($image, name=c, health_status=unhealthy, health_failing_streak=1, health_log=, app=web)" ]
	[ "$(line --filter type=network --filter event=create)" = "network create $nid (name=n, type=bridge)" ]
	[ "$(line --filter event=disconnect)" = "network disconnect $gid (container=$gid, name=n)" ]
	[ "$(line --filter type=pod)" = "pod create $pod (image=, name=p, tier=1)" ]
	[[ "$(line --filter container=m)" == "container create "*" ($image, name=m, pod_id=$pod)" ]]
	[[ "$(line --filter event=pull-error)" == "image pull-error 127.0.0.1:1/x "*"127.0.0.1"* ]]
	[ "$(past --filter container=m --format '{{.PodID}}')" = "$pod" ]
	[ "$(past --filter network=n --format '{{.Status}} {{.Network}}' | xargs)" = "create n disconnect n" ]
	[ "$(past --filter "network=$nid" --format '{{.Status}}' | xargs)" = "create disconnect" ]
	[ "$(past --filter event=disconnect --format '{{.ID}} {{.Name}} {{.Type}}')" = "$gid g network" ]
	[ "$(past --filter type=network --filter event=create --format '{{.Attributes.driver}}')" = bridge ]
	# Of an exec: the same id at its start and its end, and its exit code.
	past --filter event=exec --filter event=exec_died --format json | jq -se '.[0].Attributes.execID == .[1].Attributes.execID and
		(.[0].Attributes.execID | test("^[0-9a-f]{64}$")) and .[1].ContainerExitCode == 4 and .[1].Attributes.app == "web"'
	past --filter event=health_status --format json | jq -e '.health_status == "unhealthy" and .health_failing_streak == 1'
	past --filter event=pull-error --format json | jq -e '.error | test("127.0.0.1")'
	cuddy rm -f -a -t 0 >/dev/null
	cuddy network rm n >/dev/null
	cuddy pod rm p >/dev/null
	# The same as docker tells it.
	ln -s "$CUDDY" "$WORK/docker"
	d() { "$WORK/docker" events --since 1h --until 0s "$@"; }
	[ "$(d --filter event=exec_die --format '{{.Action}} {{.Actor.Attributes.exitCode}} {{.Actor.Attributes.app}}')" = "exec_die 4 web" ]
	[ "$(d --filter event=exec_start --format '{{.Action}}')" = exec_start ]
	[ "$(d --filter event=health_status --format '{{.Action}}')" = "health_status: unhealthy" ]
	[ "$(d --filter event=disconnect --format '{{.Type}} {{.Actor.ID}} {{.Actor.Attributes.container}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}')" = "network $nid $gid n bridge" ]
	[ "$(d --filter event=destroy --filter type=network --format '{{.Action}} {{.Actor.ID}}')" = "destroy $nid" ]
	[ "$(d --filter event=die --filter container=c --format '{{.Actor.ID}} {{.Actor.Attributes.exitCode}}')" = "$id 137" ]
}

@test "events: --since and --until, in every form, and filters together" {
	for i in 1 2 3; do
		cuddy create --name c$i -l n=$i -l all "$IMAGE" true >/dev/null
		[ $i = 3 ] || sleep 1.1
	done
	names() { past --format '{{.Name}}' "$@" | xargs; }
	at=$(past --filter container=c2 --format '{{.TimeNano}}')
	s=$((at / 1000000000))
	[ "$(names --since "$s")" = "c2 c3" ]                 # seconds
	[ "$(names --until "$((s + 1))")" = "c1 c2" ]
	[ "$(names --since "$s" --until "$((s + 1))")" = c2 ]
	[ "$(names --since "$(date -u -d "@$s" +%Y-%m-%dT%H:%M:%SZ)")" = "c2 c3" ]
	[ "$(names --since "$(date -d "@$s" +%Y-%m-%dT%H:%M:%S)")" = "c2 c3" ]
	[ "$(names --since "$(date -u -d "@$s" +%Y-%m-%d)")" = "c1 c2 c3" ]
	[ "$(names --since "$(past --filter container=c2 --format json | jq -r .Time)")" = "c2 c3" ]
	[ "$(names --since 1h)" = "c1 c2 c3" ]
	[ "$(names --since 1ms)" = "" ]
	[ "$(names --filter label=n=1 --filter label=n=3)" = "c1 c3" ] # values of a key: either
	[ "$(names --filter label=all)" = "c1 c2 c3" ]
	[ "$(names --filter container=c1 --filter container=c2 --filter event=create)" = "c1 c2" ]
	[ "$(names --filter container=c1 --filter type=volume)" = "" ]
	[ "$(names --filter "image=localhost/busybox:latest" --filter status=create)" = "c1 c2 c3" ]
	[ "$(past --filter container=c1 --format '{{.ID}} {{.Image}} {{.Name}} {{.Status}} {{.Type}} {{.ContainerExitCode}} {{.HealthStatus}}{{.Network}}{{.PodID}}{{.Error}}{{.OOMKilled}}{{.ContainerInspectData}} {{.Attributes.n}}')" = \
		"$(cuddy inspect --format '{{.Id}}' c1) localhost/busybox:latest c1 create container 0 false 1" ]
	[ "$(past --filter container=c1 --format '{{.Time.Unix}}' 2>/dev/null || past --filter container=c1 --format json | jq .time)" = "$(past --filter container=c1 --format json | jq '.timeNano / 1000000000 | floor')" ]
}
