#!/usr/bin/env bats
# auto-update: what it finds out. That it restarts units and goes back is seen in tests/vm.
load helpers
load registry

setup() { test_begin; }
teardown() {
	registry_end
	test_end
}
follow() { # follow NAME POLICY IMAGE
	PODMAN_SYSTEMD_UNIT=$1.service cuddy run -d --network none --name "$1" --label "io.containers.autoupdate=$2" "$3" sleep 1000
}
look() { cuddy auto-update --dry-run --tls-verify=false --format '{{.Unit}} {{.ContainerName}} {{.Image}} {{.Policy}} {{.Updated}}'; }

@test "auto-update --dry-run: registry and local, newer or not; nothing is changed by looking" {
	registry_begin
	push "$(image_file busybox)" team/app:1
	cuddy pull -q --tls-verify=false "$REG/team/app:1"
	old=$(cuddy image inspect --format '{{.Id}}' "$REG/team/app:1")
	cuddy tag "$IMAGE" localhost/own:1
	follow a registry "$REG/team/app:1"
	follow b local localhost/own:1
	follow c disabled localhost/own:1
	[ "$(cuddy inspect --format '{{index .Config.Labels "PODMAN_SYSTEMD_UNIT"}}' a)" = a.service ]
	run -0 look
	[ "$(sort <<<"$output")" = "$(printf '%s\n' "a.service a $REG/team/app:1 registry false" "b.service b localhost/own:1 local false")" ]
	# Newer ones: in the registry only, and here.
	skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$REG/team/app:1" "oci:$WORK/layout:x"
	umoci config --image "$WORK/layout:x" --config.env NEW=1
	skopeo copy -q --dest-tls-verify=false "oci:$WORK/layout:x" "docker://$REG/team/app:1"
	printf 'FROM %s\nENV NEW=2\n' "$IMAGE" | cuddy build -q -t localhost/own:1 -f - "$WORK" >/dev/null
	run -0 look
	[ "$(sort <<<"$output")" = "$(printf '%s\n' "a.service a $REG/team/app:1 registry pending" "b.service b localhost/own:1 local pending")" ]
	[ "$(cuddy image inspect --format '{{.Id}}' "$REG/team/app:1")" = "$old" ]
	run -0 cuddy auto-update --dry-run --tls-verify=false
	[[ "${lines[0]}" =~ ^UNIT\ +CONTAINER\ +IMAGE\ +POLICY\ +UPDATED$ ]]
}

@test "auto-update: one that cannot be followed is said, the others are looked at" {
	cuddy tag "$IMAGE" localhost/own:1
	follow good local localhost/own:1
	cuddy run -d --network none --name nounit --label io.containers.autoupdate=local localhost/own:1 sleep 1000
	follow bad sometimes localhost/own:1
	follow gone registry localhost/own:1
	run -125 --separate-stderr look
	[ "$(sort <<<"$output")" = "$(printf '%s\n' "gone.service gone localhost/own:1 registry failed" "good.service good localhost/own:1 local false")" ]
	[[ "$stderr" == *"container nounit: no unit of systemd started it"* && "$stderr" == *"container bad: the label io.containers.autoupdate=sometimes"* && "$stderr" == *"container gone:"* ]]
	cuddy rm -f -t 0 nounit bad gone
	run -0 look
}
