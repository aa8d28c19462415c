#!/usr/bin/env bats
# Volumes, binds and tmpfs under each form of --userns: whose the files are inside, and for the kernel outside.
load helpers

setup_file() { file_begin busybox; }
teardown_file() { file_end; }

setup() {
	test_begin
	[ "$(awk -F: -v u="$(id -un)" '$1 == u { n += $3 } END { print n + 0 }' /etc/subuid)" -ge 20000 ] || lacks "no subordinate ids"
}

forms() { # each with who the process is then
	cat <<-E
		--userns private|0:0
		--userns private -u 1000:50|1000:50
		--userns host -u 1000:50|1000:50
		--userns keep-id|$(id -u):$(id -g)
		--userns keep-id -u 0|0:0
		--userns keep-id:uid=1000,gid=50|1000:50
		--userns nomap|0:0
		--userns nomap -u 1000:50|1000:50
		--userns auto|0:0
		--userns auto -u 1000:50|1000:50
		--uidmap 0:1:3000 --uidmap 3000:0:1 -u 7:8|7:8
		--userns container:base -u 7:8|7:8
	E
}

# host_id NAME uid|gid ID - its number on the host, by what the kernel says of the running container
host_id() { awk -v id="$3" '$1 <= id && id < $1 + $3 { print $2 + id - $1 }' "/proc/$(container_pid "$1")/$2_map"; }
host_ids() { echo "$(host_id "$1" uid "${2%:*}"):$(host_id "$1" gid "${2#*:}")"; }
drop() { unshare --user --map-auto --map-root-user rm -rf "$@"; }

@test "U: all below a bind is the container's user's, inside and for the kernel, under each --userns; also what is his alone" {
	cuddy run -d --name base --network none "$IMAGE" sleep 1000
	while IFS='|' read -r form who; do
		for mode in 0755 0700; do
			mkdir -p "$WORK/d/sub"
			echo x >"$WORK/d/sub/f"
			ln -s /etc/passwd "$WORK/d/sub/l"
			chmod $mode "$WORK/d"
			# shellcheck disable=SC2086
			cuddy run -d --name c --network none $form -v "$WORK/d:/d:U" "$IMAGE" sleep 1000 3>&-
			run -0 cuddy exec c sh -c 'echo "$(id -u):$(id -g)"; stat -c %u:%g /d /d/sub /d/sub/f /d/sub/l; touch /d/new && stat -c %u:%g /d/new /etc/passwd'
			[ "$(echo $output)" = "$who $who $who $who $who $who 0:0" ] || fail "$form: $output"
			[ "$(stat -c %u:%g "$WORK/d")" = "$(host_ids c "$who")" ] || fail "$form: $(stat -c %u:%g "$WORK/d") outside"
			[ $mode = 0700 ] || [ "$(stat -c %u:%g "$WORK/d/sub/f")" = "$(host_ids c "$who")" ]
			cuddy rm -f -t 0 c >/dev/null
			drop "$WORK/d"
		done
	done < <(forms)
	cuddy rm -f -t 0 base
}

@test "U: what a container with other ids left in a volume is the next one's, whichever maps they have" {
	cuddy run -d --name base --network none "$IMAGE" sleep 1000
	# Of a range that is not free meanwhile.
	cuddy run -d --name first --network none --userns auto -v v:/v "$IMAGE" sh -c 'mkdir /v/d; echo kept >/v/d/f; chmod 700 /v/d; touch /v/done; exec sleep 1000'
	wait_until 20 cuddy exec first test -e /v/done
	run -0 cuddy run --rm --network none --userns auto:size=2000 -v v:/v "$IMAGE" stat -c %u /v/d
	[ "$output" = 65534 ]
	while IFS='|' read -r form who; do
		# shellcheck disable=SC2086
		run -0 cuddy run --rm --network none $form -v v:/v:U "$IMAGE" sh -c 'stat -c %u:%g /v /v/d /v/d/f; cat /v/d/f; echo kept >/v/d/f' 3>&-
		[ "$(echo $output)" = "$who $who $who kept" ] || fail "$form: $output"
	done < <(forms)
	# The monitor hears of it before hooks that see the mounts, too.
	mkdir "$WORK/hooks"
	echo '{"version":"1.0.0","hook":{"path":"/bin/true"},"when":{"always":true},"stages":["createRuntime"]}' >"$WORK/hooks/a.json"
	run -0 cuddy run --rm --network none --hooks-dir "$WORK/hooks" --userns auto:size=1500 -v v:/v:U "$IMAGE" stat -c %u:%g /v/d/f
	[ "$output" = 0:0 ]
	if command -v crun >/dev/null; then
		run -0 cuddy run --rm --network none --runtime crun --userns keep-id:uid=1000,gid=50 -v v:/v:U "$IMAGE" sh -c 'stat -c %u:%g /v/d/f; cat /v/d/f'
		[ "$(echo $output)" = "1000:50 kept" ]
	fi
	cuddy rm -f -t 0 base first
	cuddy volume rm v
}

@test "U: an owner who has no id in the user's ranges is refused in one line, and the container is not started" {
	for form in private auto keep-id; do
		run --separate-stderr cuddy run --name c --network none --userns $form -v /usr/share/zoneinfo:/z:U "$IMAGE" true
		one_line_error 125 'chown: Operation not permitted'
		[ "$(cuddy inspect --format '{{.State.Pid}}' c)" = 0 ]
		cuddy rm c >/dev/null
	done
}

@test "volumes and tmpfs: a new volume has the owners of the image's place, an empty place the user's; tmpfs too; idmap says why not" {
	cuddy run -d --name base --network none "$IMAGE" sleep 1000
	mkdir -p "$WORK/d"
	while IFS='|' read -r form who; do
		# shellcheck disable=SC2086
		run -0 cuddy run --rm --network none $form -v full:/home -v new:/new/place --tmpfs /home/user/t --mount type=tmpfs,dst=/mem,U "$IMAGE" \
			sh -c 'stat -c %u:%g /home /home/user /new/place /mem' 3>&-
		[ "$(echo $output)" = "0:0 1000:1000 $who $who" ] || fail "$form: $output"
		cuddy volume rm full new >/dev/null
		# shellcheck disable=SC2086
		run --separate-stderr cuddy run --rm --network none $form -v "$WORK/d:/d:idmap" "$IMAGE" true
		one_line_error 125 'idmap: .*only root of the host'
	done < <(forms)
	cuddy rm -f -t 0 base
}
