#!/usr/bin/env bats
# Stages side by side, builds that come to the same step at the same time, and what builds keep.
load helpers

setup_file() {
	file_begin busybox
}
teardown_file() { file_end; }

setup() {
	test_begin
	mkdir -p "$WORK/ctx" "$WORK/d"
	cd "$WORK/ctx"
}

file() { cat >Containerfile; }
AWAIT='n=0; while ! test -e /d/%s; do n=$((n+1)); test $n -lt 600 || exit 77; sleep 0.1; done'
await() { printf "$AWAIT" "$1"; }

@test "stages that do not need each other run at the same time; lines say whose they are (G1)" {
	file <<-E
		FROM localhost/busybox AS one
		RUN --network=none touch /d/one; $(await two); echo one >/name; echo said by one
		FROM localhost/busybox AS two
		RUN --network=none touch /d/two; $(await one); echo two >/name
		FROM localhost/busybox
		COPY --from=one /name /1
		COPY --from=two /name /2
	E
	run -0 --separate-stderr cuddy build --jobs 2 -v "$WORK/d:/d" -t localhost/t .
	[ "$(cuddy run --rm --network none localhost/t cat /1 /2)" = $'one\ntwo' ]
	[[ "$stderr" == *"[one] said by one"* && "$stderr" == *"[two] STEP 4/7: RUN "* ]]
}

@test "when one stage fails the others are ended, and the failure is that of the build (G1)" {
	file <<-E
		FROM localhost/busybox AS one
		RUN --network=none touch /d/up; exec sleep 1000.125
		FROM localhost/busybox AS two
		RUN --network=none $(await up); exit 3
		FROM localhost/busybox
		COPY --from=one /etc /1
		COPY --from=two /etc /2
	E
	run -3 --separate-stderr cuddy build -v "$WORK/d:/d" .
	[[ "$stderr" == *"Containerfile:4: RUN "*": exit status 3" ]]
	gone() { ! pids_here -f 'sleep 1000[.]125' >/dev/null; }
	wait_until 20 gone
}

@test "two builds that come to the same step do it once (K8)" {
	file <<-E
		FROM localhost/busybox
		RUN --network=none echo x >>/d/count; $(await go)
	E
	"$CUDDY" build -q -v "$WORK/d:/d" . >"$WORK/1" &
	first=$!
	wait_until 20 test -s "$WORK/d/count"
	"$CUDDY" build -q -v "$WORK/d:/d" . >"$WORK/2" &
	second=$!
	wait_asleep $second
	touch "$WORK/d/go"
	wait $first
	wait $second
	[ "$(wc -l <"$WORK/d/count")" = 1 ]
	cmp "$WORK/1" "$WORK/2"
}

@test "a step begins on a large layer that has no digest yet: steps are done once, in order, and known afterwards" {
	file <<-E
		FROM localhost/busybox
		RUN --network=none echo x >>/d/count; head -c 40000000 /dev/zero >/tmp/big; touch -d @1 /tmp/big /tmp; chmod 700 /tmp
		ENV A=b
		RUN --network=none echo y >>/d/count; touch /d/begun; $(await go); stat -c '%a %s' /tmp /tmp/big >/n
		RUN --network=none cat /n; rm /tmp/big
	E
	"$CUDDY" build -q -v "$WORK/d:/d" . >"$WORK/1" &
	first=$!
	wait_until 20 test -e "$WORK/d/begun"
	# The first step's result is there while the second runs, so who waits has the one and then waits for the other.
	"$CUDDY" build -q -v "$WORK/d:/d" . >"$WORK/2" &
	second=$!
	known() { [ "$(find "$CUDDY_ROOT/locks" -name 'build-*' | wc -l)" = 1 ] && [ "$(ls "$CUDDY_ROOT/layers" | wc -l)" -ge 2 ]; }
	wait_until 20 known
	wait_asleep $second
	touch "$WORK/d/go"
	wait $first
	wait $second
	cmp "$WORK/1" "$WORK/2"
	[ "$(cat "$WORK/d/count")" = $'x\ny' ]
	run -0 cuddy history --format '{{.CreatedBy}}' "$(cat "$WORK/1")"
	[[ "${lines[0]}" == *"rm /tmp/big"* && "${lines[1]}" == *touch* && "${lines[2]}" == *"ENV A=b"* && "${lines[3]}" == *head* ]]
	# The same layer made once more, while another step stands on it.
	cuddy build -q --no-cache -v "$WORK/d:/d" -t localhost/t . >/dev/null
	[ "$(cuddy run --rm --network none localhost/t cat /n)" = $'700 4096\n644 40000000' ]
	run -0 cuddy run --rm --network none localhost/t ls /tmp
	[ -z "$output" ]
	# What was done before a step that fails stays done.
	echo 'RUN --network=none head -c 3000000 /dev/zero >/z && echo z >>/d/count' >>Containerfile
	echo 'RUN --network=none exit 5' >>Containerfile
	for i in 1 2; do run -5 cuddy build -q -v "$WORK/d:/d" .; done
	[ "$(tail -n 1 "$WORK/d/count"; grep -c z "$WORK/d/count")" = $'z\n1' ]
	empty() { [ -z "$(ls "$CUDDY_ROOT/staging")" ]; }
	wait_until 20 empty
	cuddy system check
}

@test "builder prune: results and caches go, with -a those that images hold too; the images stay" {
	cuddy builder prune -af >/dev/null
	file <<-'E'
		FROM localhost/busybox AS one
		RUN --network=none --mount=type=cache,target=/c echo kept >>/c/f && head -c 100000 /dev/urandom >/big
		FROM localhost/busybox
		COPY --from=one /etc/passwd /copied
		RUN --network=none --mount=type=cache,target=/c cp /c/f /n
	E
	cuddy build -q -t localhost/t . >/dev/null
	layers() { ls "$CUDDY_ROOT/layers" | wc -l; }
	before=$(layers)
	wait_until 20 no_strays # what still settles layers empties the trash as well
	run -0 cuddy builder prune -f --filter until=1h
	[ "${lines[0]}" = "Results: 0" ]
	[ "${lines[1]}" = "Caches: 0" ]
	for bad in label=x type=none until=never; do
		run -125 --separate-stderr cuddy builder prune -f --filter "$bad"
		one_line_error 125 "$bad"
	done
	[ "$(cuddy buildx du --filter type=exec.cachemount --verbose --format '{{.CacheType}}')" = exec.cachemount ]
	id=$(cuddy buildx du --filter type=regular --format '{{.CacheID}}' | tail -n 1)
	[ "$(cuddy buildx du --filter "id=$id" --format '{{.CacheID}}')" = "$id" ]
	run -0 cuddy buildx prune -f --verbose --filter type=exec.cachemount
	[ "${lines[1]} ${lines[2]}" = "Results: 0 Caches: 1" ]
	run -0 cuddy builder prune -a -f --verbose --filter "id=$id"
	[[ "${lines[0]}" = "$id"* && "${lines[1]} ${lines[2]}" = "Results: 1 Caches: 0" && "${lines[3]}" =~ ^"Total reclaimed space: "[1-9] ]]
	[ -z "$(cuddy buildx du --filter "id=$id" --format '{{.CacheID}}')" ]
	run -0 cuddy builder prune -f
	[ "${lines[1]}" = "Caches: 0" ]
	[ "$(layers)" = $((before - 1)) ]
	run -0 cuddy run --rm --network none localhost/t cat /n
	[ "$output" = kept ]
	run -0 --separate-stderr cuddy build -t localhost/t .
	[ "$(grep -c 'Using cache' <<<"$stderr")" = 2 ] # the image has /copied, found again by its content, and what followed
	cuddy builder prune -af >/dev/null
	run -0 --separate-stderr cuddy build -t localhost/t .
	[[ "$stderr" != *"Using cache"* ]]
	cuddy run --rm --network none localhost/t true
}
