#!/usr/bin/env bats
# What commit makes goes to a registry and comes back the same, for cuddy and for other tools.
load helpers
load registry

setup() { test_begin; }
teardown() { registry_end; test_end; }

@test "commit and push: in both formats; skopeo, umoci and another store see the container's files" {
	registry_begin
	cuddy run --name c "$IMAGE" sh -c 'mkdir /n; echo hello >/n/f; ln /n/f /n/h; rm /etc/group; rm -r /home; mkdir /home; echo >/home/new; touch -d 2001-02-03 /n/f'
	cuddy export -o "$WORK/c.tar" c
	cuddy commit c "$REG/made:oci" >/dev/null
	cuddy commit --format docker c "$REG/made:docker" >/dev/null
	cuddy push -q --tls-verify=false "$REG/made:oci"
	cuddy push -q --tls-verify=false "$REG/made:docker"
	skopeo inspect --raw --tls-verify=false "docker://$REG/made:oci" | grep -q '"mediaType":"application/vnd.oci.image.manifest.v1+json"'
	skopeo inspect --raw --tls-verify=false "docker://$REG/made:docker" | grep -q '"mediaType":"application/vnd.docker.distribution.manifest.v2+json"'
	skopeo copy -q --src-tls-verify=false "docker://$REG/made:oci" "oci:$WORK/oci:x"
	umoci unpack --rootless --image "$WORK/oci:x" "$WORK/bundle" >/dev/null
	(cd "$WORK/bundle/rootfs" && [ "$(cat n/h)" = hello ] && [ n/f -ef n/h ] && [ ! -e etc/group ] && [ "$(ls -A home)" = new ])
	use_root "$WORK/second"
	cuddy pull -q --tls-verify=false "$REG/made:docker" >/dev/null
	cuddy create --name d "$REG/made:docker" true
	cuddy export d | cmp - "$WORK/c.tar"
}
