#!/usr/bin/env bats
# kill -9 and a full disk at every step of a build: nothing is left but cache that the next build uses.
#	CUDDY_TEST_SEED=N	the same moments again
load helpers
load build
load crash

setup_file() {
	file_begin busybox
}

# Every kind of step, two stages side by side, a secret, caches, a layer that is not small.
containerfile() {
	options=(-q -t localhost/t --secret "id=s,src=$WORK/s")
	mkdir -p d
	for i in $(seq 200); do echo "$i" >"d/f$i"; done
	tar -cf a.tar d
	echo very-secret-word >"$WORK/s"
	file <<-'E'
		FROM localhost/busybox AS one
		WORKDIR /w/x
		COPY d /d/
		RUN --network=none --mount=type=secret,id=s --mount=type=cache,target=/c cat /run/secrets/s | wc -c >/n; echo x >>/c/x; head -c 1500000 /dev/zero >/z
		RUN --network=none --mount=type=cache,target=/c wc -c /z >/zn
		FROM localhost/busybox AS two
		ADD a.tar /a/
		RUN --network=none --mount=type=bind,rw,target=/c rm -r /a/d && echo leak-word >/c/leak && mkdir /b && cp /etc/passwd /b
		FROM localhost/busybox
		COPY --from=one /n /z /d /one/
		COPY --from=two --link /b /two/
		RUN --network=none find /one /two | sort | md5sum >/sum
		LABEL done=yes
	E
}
build_all() { cuddy build "${options[@]}" .; }
# The mounts are gone with their namespaces; what lies in staging goes with the next command.
tidy() {
	# What a killed builder started ends a moment after it; until then its stage is in use.
	swept() { cuddy ps -q >/dev/null && empty_dir "$CUDDY_ROOT/staging"; }
	wait_until 20 no_strays
	wait_until 20 swept
	no_mounts
	no_locks
	empty_dir "$CUDDY_ROOT/containers"
	whole
	run ! grep -rqs 'very-secret-word\|leak-word' "$CUDDY_ROOT" "$CUDDY_RUNROOT" "$WORK/ctx/d"
}

@test "builds are killed at random moments: nothing of them runs or stays, and what they had done is used" {
	seed
	containerfile
	start=${EPOCHREALTIME/./}
	build_all >/dev/null
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	want=$(inside cat /sum /one/n)
	for ((i = 0; i < 4; i++)); do
		if [ $((i % 2)) = 0 ]; then
			cuddy rmi -f localhost/t >/dev/null 2>&1 || true
			cuddy image prune -f >/dev/null
			cuddy builder prune -a -f >/dev/null
		fi
		"$CUDDY" build "${options[@]}" . >/dev/null 2>&1 3>&- &
		ms=$((RANDOM % (took + 20)))
		echo "killed after $ms of $took ms"
		sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
		kill9 $!
	done
	tidy
	id=$(build_all)
	[ "$(inside cat /sum /one/n)" = "$want" ]
	[ "$(build_all)" = "$id" ]
	tidy
}

@test "killed as each step begins: what was done before is used, and nothing else is left" {
	containerfile
	local done_by=(0 0 1 2 3 4 4 5 6 6 7 8 9) steps=13 n cached line
	mkfifo "$WORK/fifo"
	for ((n = 2; n <= steps; n++)); do
		"$CUDDY" build --jobs 1 -t localhost/t --secret "id=s,src=$WORK/s" . >/dev/null 2>"$WORK/fifo" 3>&- &
		cached=0
		while read -r line; do
			[[ "$line" != "--> Using cache" ]] || cached=$((cached + 1))
			[[ "$line" != "STEP $n/$steps:"* ]] || kill -9 $! 2>/dev/null || true # it may be done
		done <"$WORK/fifo"
		wait $! || true
		# The last one before the kill may have been on its way to the disk; all others are there.
		[ "$cached" -ge "${done_by[n < 3 ? 0 : n - 3]}" ] || fail "at step $n only $cached were used"
	done
	tidy
	id=$(build_all)
	[ "$(build_all)" = "$id" ]
}

@test "who waits for a step takes it over when the build that does it is killed" {
	mkdir "$WORK/d"
	file <<-'E'
		FROM localhost/busybox
		RUN --network=none echo x >>/d/count; n=0; while ! test -e /d/go; do n=$((n+1)); test $n -lt 600 || exit 77; sleep 0.1; done
	E
	"$CUDDY" build -q -v "$WORK/d:/d" . >"$WORK/1" 2>&1 3>&- &
	first=$!
	wait_until 20 test -s "$WORK/d/count"
	"$CUDDY" build -q -v "$WORK/d:/d" . >"$WORK/2" 3>&- &
	second=$!
	wait_asleep $second
	kill9 $first
	again() { [ "$(wc -l <"$WORK/d/count")" = 2 ]; }
	wait_until 20 again
	touch "$WORK/d/go"
	wait $second
	[[ "$(cat "$WORK/2")" =~ ^[0-9a-f]{64}$ ]]
	[ "$(wc -l <"$WORK/d/count")" = 2 ]
	tidy
}

@test "a disk that is full at one step after the other: one line says so, the store is whole, and with room it goes on" {
	containerfile
	mkdir "$WORK/small"
	cat >"$WORK/script" <<-'SH'
		fail() { echo "$*" >&2; exit 1; }
		mount -t tmpfs -o size=30m,mode=0700 none "$SMALL" || exit 99
		export CUDDY_ROOT=$SMALL/root CUDDY_RUNROOT=$SMALL/run
		mkdir -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
		"$CUDDY" load -q -i "$IMAGE_FILE" >/dev/null || exit 99
		size=$(($(df --output=used -B1k "$SMALL" | tail -n 1) + 40))
		n=0
		# A little more room each time, so that each step once is the one that has none.
		while :; do
			mount -o remount,size=${size}k "$SMALL" || exit 99
			out=$("$CUDDY" build -q -t localhost/t --secret "id=s,src=$SECRET" . 2>&1 >/dev/null) && break
			[ "$(printf '%s\n' "$out" | grep -c '^cuddy:')" = 1 ] || fail "at $size: $out"
			case $out in *"No space left on device"* | *"exit status"*) ;; *) fail "at $size: $out" ;; esac
			printf '%s\n' "$out" | sed 's/.*Containerfile:\([0-9]*\):.*/\1/' >>"$SMALL/../at"
			"$CUDDY" ps -q >/dev/null || fail "ps at $size"
			[ -z "$(ls "$CUDDY_ROOT/containers")" ] || fail "containers at $size"
			[ -z "$("$CUDDY" system check 2>&1)" ] || fail "check at $size: $("$CUDDY" system check 2>&1)"
			size=$((size + 400 + n * 80))
			n=$((n + 1))
			[ $n -lt 60 ] || fail "it never worked: $out"
		done
		[ "$n" -ge 3 ] || fail "it was full $n times only"
		"$CUDDY" image inspect localhost/t >/dev/null || fail "no image"
		[ -z "$("$CUDDY" system check 2>&1)" ] || fail "check at the end"
		# Whatever still settles layers has its mounts here.
		n=0
		while [ -n "$(ls "$CUDDY_ROOT/staging")" ] && [ $n -lt 200 ]; do n=$((n + 1)); sleep 0.1; done
		[ -z "$(ls "$CUDDY_ROOT/staging")" ] || fail "staging"
	SH
	run env SMALL="$WORK/small" SECRET="$WORK/s" IMAGE_FILE="$(image_file busybox)" CUDDY="$CUDDY" \
		unshare --user --map-auto --map-root-user --mount sh "$WORK/script"
	[ "$status" = 0 ] || fail "$output"
	[ "$(sort -u "$WORK/at" | wc -l)" -ge 3 ]   # several steps were the one
}

@test "a disk without any room as each step begins: it is that step which says so, and with room it is done" {
	containerfile
	mkdir "$WORK/small"
	cat >"$WORK/script" <<-'SH'
		fail() { echo "$*" >&2; exit 1; }
		mount -t tmpfs -o size=30m,mode=0700 none "$SMALL" || exit 99
		export CUDDY_ROOT=$SMALL/root CUDDY_RUNROOT=$SMALL/run
		mkdir -m 0700 "$CUDDY_ROOT" "$CUDDY_RUNROOT"
		"$CUDDY" load -q -i "$IMAGE_FILE" >/dev/null || exit 99
		n=1
		while [ $n -le "$(wc -l <Containerfile)" ]; do
			head -n $n Containerfile >"$SMALL/../File"
			build() { "$CUDDY" build -q --secret "id=s,src=$SECRET" -f "$SMALL/../File" . 2>&1; }
			dd if=/dev/zero of="$SMALL/fill" bs=64k 2>/dev/null
			truncate -s -8k "$SMALL/fill" # for the lease
			if out=$(build); then
				case $n in 6 | 9) ;; *) fail "line $n was done without room: $out" ;; esac # an image that is there
				out="cuddy: No space left on device"
			fi
			[ "$(printf '%s\n' "$out" | grep -c '^cuddy:')" = 1 ] || fail "line $n: $out"
			case $(sed -n ${n}p Containerfile) in
			FROM* | LABEL*) want="No space left on device" ;; # the image itself
			RUN*) want="File:$n: RUN " ;; # whatever the command makes of it
			*) want="File:$n: .*No space left on device" ;;
			esac
			printf '%s\n' "$out" | grep -q "$want" || fail "line $n: $out"
			rm "$SMALL/fill"
			out=$(build) || fail "line $n with room: $out"
			[ -z "$("$CUDDY" system check 2>&1)" ] || fail "check after line $n"
			n=$((n + 1))
		done
		[ $n = 14 ] || fail "only $n lines"
	SH
	run env SMALL="$WORK/small" SECRET="$WORK/s" IMAGE_FILE="$(image_file busybox)" CUDDY="$CUDDY" \
		unshare --user --map-auto --map-root-user --mount sh "$WORK/script"
	[ "$status" = 0 ] || fail "$output"
}
