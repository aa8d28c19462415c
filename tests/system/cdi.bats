#!/usr/bin/env bats
# Devices by CDI name, with specifications of our own.
load helpers

setup() {
	test_begin
	export CDI_SPEC_DIRS=$WORK/cdi
	mkdir "$WORK/cdi" "$WORK/lib"
	echo library >"$WORK/lib/one"
	cat >"$WORK/cdi/vendor.json" <<-EOT
		{"cdiVersion": "0.6.0", "kind": "vendor.example/thing",
		 "containerEdits": {"env": ["COMMON=yes"], "mounts": [{"hostPath": "$WORK/lib", "containerPath": "/vendor/lib", "options": ["ro", "nosuid", "nodev", "bind"]}]},
		 "devices": [
		  {"name": "a", "containerEdits": {"env": ["THING=a"], "deviceNodes": [{"path": "/dev/thing-a", "hostPath": "/dev/null", "permissions": "rw"}]}},
		  {"name": "b", "containerEdits": {"env": ["OTHER=b"], "deviceNodes": [{"path": "/dev/zero"}]}}]}
	EOT
	cat >"$WORK/cdi/gpu.json" <<-'EOT'
		{"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [
		  {"name": "0", "containerEdits": {"env": ["GPU0=1"]}}, {"name": "1", "containerEdits": {"env": ["GPU1=1"]}},
		  {"name": "all", "containerEdits": {"env": ["GPUS=all"], "hooks": [{"hookName": "createContainer", "path": "/bin/false"}]}}]}
	EOT
	echo 'kind: vendor.example/yaml' >"$WORK/cdi/other.yaml"
	chmod -R go-w "$WORK/cdi"
}

run_() { cuddy run --rm --network none "$@"; }

@test "a device brings its nodes, mounts and variables, and what all of its kind need" {
	run -0 run_ --device vendor.example/thing=a "$IMAGE" sh -c 'echo $COMMON $THING [$OTHER]; stat -c %t:%T /dev/thing-a; cat /vendor/lib/one; touch /vendor/lib/x 2>/dev/null || echo ro'
	[ "$(echo $output)" = "yes a [] 1:3 library ro" ]
	run -0 run_ --device vendor.example/thing=a --device vendor.example/thing=b "$IMAGE" sh -c 'echo $COMMON $THING $OTHER; cat /vendor/lib/one'
	[ "$(echo $output)" = "yes a b library" ]
	run -0 run_ "$IMAGE" sh -c 'echo [$COMMON]; ls /vendor 2>/dev/null || echo none'
	[ "$(echo $output)" = "[] none" ]
	run -0 run_ --cdi-spec-dir "$WORK/cdi" --device vendor.example/thing=b "$IMAGE" sh -c 'echo $OTHER'
	[ "$output" = b ]
}

@test "--gpus is nvidia.com/gpu by number, name or all; hooks are named and not run" {
	run -0 --separate-stderr run_ --gpus all "$IMAGE" sh -c 'echo $GPUS'
	[ "$output" = all ]
	[[ "$stderr" == *hooks* ]]
	run -0 run_ --gpus 2 "$IMAGE" sh -c 'echo $GPU0 $GPU1'
	[ "$output" = "1 1" ]
	run -0 run_ --gpus device=1 "$IMAGE" sh -c 'echo [$GPU0] $GPU1'
	[ "$output" = "[] 1" ]
	run --separate-stderr run_ --gpus some "$IMAGE" true
	one_line_error 125 gpus
}

@test "names that nothing has, files that others could write or that are none: refused in one line" {
	run --separate-stderr run_ --device vendor.example/thing=nosuch "$IMAGE" true
	one_line_error 125 'YAML'
	run --separate-stderr run_ --cdi-spec-dir "$WORK/nowhere" --device vendor.example/thing=a "$IMAGE" true
	one_line_error 125 nowhere
	chmod 0666 "$WORK/cdi/vendor.json"
	run --separate-stderr run_ --device vendor.example/thing=a "$IMAGE" true
	one_line_error 125 'vendor.json'
	chmod 0644 "$WORK/cdi/vendor.json"
	for text in '{' '{}' '{"kind":1}' '{"kind":"vendor.example/x","devices":[{"name":"d","containerEdits":{"deviceNodes":[{"path":"/dev/nosuch"}]}}]}' \
		'{"kind":"vendor.example/x","devices":[{"name":"d","containerEdits":{"env":["NOVALUE"]}}]}' \
		'{"kind":"vendor.example/x","devices":[{"name":"d","containerEdits":{"mounts":[{"hostPath":"x","containerPath":"/y"}]}}]}' \
		'{"kind":"vendor.example/x","devices":[{"name":"d","containerEdits":{"mounts":[{"hostPath":"/etc","containerPath":"/proc/x"}]}}]}'; do
		echo "$text" >"$WORK/cdi/x.json"
		run --separate-stderr run_ --device vendor.example/x=d "$IMAGE" true
		echo "$text: $stderr"
		one_line_error 125 .
	done
}
