#!/usr/bin/env bats
# cuddy generate systemd: the text of services; that systemd runs them is in tests/vm.
load helpers

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

# in_section SECTION KEY: the values of $output, each on a line
in_section() { sed -n "/^\[$1\]/,/^\$/s/^$2=//p" <<<"$output"; }

@test "generate systemd: a container that is there is started in the foreground and stopped" {
	cuddy create --name web "$IMAGE" sleep 1000
	id=$(cuddy inspect --format '{{.Id}}' web)
	run -0 cuddy generate systemd web
	[ "${lines[0]}" = "# container-$id.service, made by cuddy" ]
	[[ "$(in_section Service ExecStart)" == */cuddy" start --attach $id" ]]
	[[ "$(in_section Service ExecStop)" == */cuddy" stop --ignore -t 10 $id" ]]
	[ "$(in_section Service Type) $(in_section Service Restart) $(in_section Service TimeoutStopSec)" = "exec on-failure 70" ]
	[ "$(in_section Install WantedBy)" = default.target ]
	[ "$(in_section Service SuccessExitStatus) $(in_section Service RestartForceExitStatus)" = "137 143 137 143" ]
	run -0 cuddy generate systemd --no-header -n -t 3 --container-prefix c --separator _ --restart-policy always --restart-sec 4 --start-timeout 9 \
		--after a.service --wants b.service --wants c.service --requires d.service -e 'X=1 2%' web
	[ "${lines[0]}" = "[Unit]" ]
	[ "$(in_section Unit Description)" = "cuddy c_web.service" ]
	[ "$(in_section Unit After) $(in_section Unit Wants | xargs) $(in_section Unit Requires)" = "a.service b.service c.service d.service" ]
	[ "$(in_section Service Restart) $(in_section Service RestartSec) $(in_section Service TimeoutStartSec) $(in_section Service TimeoutStopSec)" = "always 4 9 63" ]
	in_section Service Environment | grep -qxF '"X=1 2%%"'
	[ -z "$(in_section Service RestartForceExitStatus)" ]
	TOLD_A=1 TOLD_B=2 OTHER=5 run -0 cuddy generate systemd -e 'TOLD*' -e OTHER -e THERE_IS_NONE web
	[ "$(in_section Service Environment | grep -E 'TOLD|OTHER|NONE' | sort | xargs)" = "OTHER=5 TOLD_A=1 TOLD_B=2" ]
	# Without a word about it the container's own time; systemd waits longer.
	cuddy create --name slow --stop-timeout 300 "$IMAGE" sleep 1000
	run -0 cuddy generate systemd --name slow
	[[ "$(in_section Service ExecStop)" == *" stop --ignore -t 300 slow" && "$(in_section Service TimeoutStopSec)" = 360 ]] || fail "$output"
	cuddy rm slow
	cuddy create --name slow --stop-timeout -1 "$IMAGE" sleep 1000
	run -0 cuddy generate systemd --new --name slow
	[[ "$(in_section Service ExecStop)" == *" stop --ignore -t -1 "* && "$(in_section Service TimeoutStopSec)" = infinity ]] || fail "$output"
	cuddy rm slow
	run -125 --separate-stderr cuddy generate systemd --template web
	one_line_error 125 '--template goes with --new'
	cd "$WORK"
	run -0 cuddy generate systemd --files --name web
	[ "$output" = "$WORK/container-web.service" ]
	grep -q '^ExecStart=' "$WORK/container-web.service"
	run -0 cuddy generate systemd --name --format json web
	jq -e '."container-web" | contains("[Install]")' <<<"$output"
	cuddy rm web
}

@test "generate systemd --new: the words that made it, systemd's own signs taken from them" {
	cuddy create --name web -e 'A=100% $HOME "x"' --label=l -it --restart no "$IMAGE" sh -c 'echo $A; --rm'
	run -0 cuddy inspect --format '{{json .Config.CreateCommand}}' web
	[ "$(jq -r '.[1]' <<<"$output")" = create ]
	run -0 cuddy generate systemd --new --name web
	[[ "$(in_section Service ExecStart)" == *'/cuddy run --name web -e "A=100%% $$HOME \"x\"" --label=l -it --restart no --cidfile=%t/%n.ctr-id --cgroups=no-conmon --rm --sdnotify=conmon -d --replace '"$IMAGE"' sh -c "echo $$A; --rm"' ]]
	[[ "$(in_section Service ExecStop)" == *'/cuddy stop --ignore -t 10 --cidfile=%t/%n.ctr-id' ]]
	[[ "$(in_section Service ExecStopPost)" == *'/cuddy rm -f --ignore -t 10 --cidfile=%t/%n.ctr-id' ]]
	[ "$(in_section Service Type) $(in_section Service NotifyAccess)" = "notify all" ]
	cuddy --log-level error container create --name two --sdnotify container "$IMAGE" true
	run -0 cuddy generate systemd --new two
	[[ "$(in_section Service ExecStart)" == *'/cuddy --log-level error run --name two --sdnotify container --cidfile=%t/%n.ctr-id --cgroups=no-conmon --rm -d --replace '"$IMAGE"' true' ]]
	run -0 cuddy generate systemd --new --template --name --restart-policy always web
	[ "${lines[0]}" = "# container-web@.service, made by cuddy" ]
	[ "$(in_section Unit Description)" = "cuddy container-web@%i.service" ]
	[[ "$(in_section Service ExecStart)" == *' --sdnotify=conmon -d --name=web-%i --replace '"$IMAGE"' sh -c '* ]]
	cuddy create --name own --restart unless-stopped "$IMAGE" true
	run -0 cuddy generate systemd own
	[ "$(in_section Service Restart)" = always ]
	cuddy rm own
	cuddy container clone two three
	run -125 --separate-stderr cuddy generate systemd --name --container-prefix 'a/b' web
	one_line_error 125 "'a/b-web.service' is no name of a unit"
	run -125 --separate-stderr cuddy generate systemd nosuch
	one_line_error 125 'nosuch: no such container'
	run -125 --separate-stderr cuddy generate systemd --restart-policy sometimes web
	one_line_error 125 'sometimes'
	cuddy rm web two three
}

@test "generate systemd: a pod is a service of its own, and those of its containers are bound to it" {
	cuddy pod create --name shop --network none --label a=b
	cuddy create --pod shop --name one "$IMAGE" sleep 1000
	cuddy create --pod shop --name two --stop-timeout 40 "$IMAGE" sleep 1000
	run -0 cuddy generate systemd --name --no-header --pod-prefix p shop
	[ "$(in_section Unit Wants | xargs)" = "container-one.service container-two.service" ]
	[ "$(in_section Unit Before | xargs)" = "container-one.service container-two.service" ]
	[ "$(in_section Unit BindsTo | xargs)" = "p-shop.service p-shop.service" ]
	[ "$(in_section Service ExecStart | cut -d' ' -f2- | xargs)" = "pod start shop start --attach one start --attach two" ]
	[ "$(in_section Service ExecStop | head -n 1 | cut -d' ' -f2-)" = "pod stop --ignore -t 40 shop" ]
	[ "$(in_section Service TimeoutStopSec | xargs)" = "100 70 100" ]
	[ "$(in_section Service Type | xargs)" = "oneshot exec exec" ]
	[ "$(in_section Install WantedBy)" = default.target ]            # the pod's alone
	cd "$WORK"
	run -0 cuddy generate systemd --name --new --files shop
	[ "$output" = "$(printf "$WORK/%s.service\n" pod-shop container-one container-two)" ]
	output=$(cat pod-shop.service)
	[[ "$(in_section Service ExecStartPre)" == *"/cuddy pod create --exit-policy=stop --name shop --network none --label a=b --infra-conmon-pidfile=%t/%N.pid --pod-id-file=%t/%N.pod-id --replace" ]]
	[ "$(in_section Service ExecStart | cut -d' ' -f2-)" = "pod start --pod-id-file=%t/%N.pod-id" ]
	[ "$(in_section Service Type) $(in_section Service PIDFile)" = "forking %t/%N.pid" ]
	output=$(cat container-two.service)
	[[ "$(in_section Service ExecStart)" == *"/cuddy run --pod shop --name two --stop-timeout 40 "*" --replace --pod=shop $IMAGE sleep 1000" ]]
	run -0 cuddy generate systemd --name --format json shop
	[ "$(jq -r 'keys | join(" ")' <<<"$output")" = "container-one container-two pod-shop" ]
	run -125 --separate-stderr cuddy generate systemd --new --template shop
	one_line_error 125 'shop is a pod'
	run -125 --separate-stderr cuddy generate systemd nosuch
	one_line_error 125 'nosuch: no such container or pod'
	cuddy pod rm -f -t 0 shop
}
