#!/usr/bin/env bats
# Long lists keep what they read of settled containers (storage/listed.h): what changes is seen all the same.
load helpers

names() { cuddy ps -a --format '{{.Names}} {{.State}}' | sort; }

# Without the file, and with it, the same is said.
same_as_read() {
	names >"$WORK/kept"
	rm -f "$CUDDY_RUNROOT/listed"
	names >"$WORK/read"
	diff "$WORK/kept" "$WORK/read"
}

# keep N: once they have settled, a list keeps at least N, which are the oldest.
keep() {
	is_kept() {
		names >/dev/null
		[ -s "$CUDDY_RUNROOT/listed" ] && [ "$(grep -ao '"Name":"' "$CUDDY_RUNROOT/listed" | wc -l)" -ge "$1" ]
	}
	wait_until 60 is_kept "$1"
}

@test "listed: of 70 containers, those renamed, started, removed, updated and made since are seen as they are" {
	for i in $(seq 70); do cuddy create --name "c$i" --network none "$IMAGE" sh -c "exit $i"; done >/dev/null
	keep 66
	same_as_read
	[ "$(wc -l <"$WORK/read")" -eq 70 ]
	keep 66
	cuddy rename c1 other
	cuddy start -a c7 || [ $? -eq 7 ]
	cuddy rm c3
	cuddy create --name late --network none "$IMAGE" true
	run -0 names
	[[ "$output" == *"c7 exited"*"late created"*"other created"* ]]
	[[ "$output"$'\n' != *"c1 "* && "$output" != *"c3 "* ]]
	same_as_read
	keep 66
	same_as_read
	# As after a restart of the machine: that it ran is known by the store alone.
	rm -rf "$CUDDY_RUNROOT/$(cuddy inspect --format '{{.Id}}' c7)"
	same_as_read
	grep -q '^c7 exited' "$WORK/kept"
}

@test "listed: a file that is cut, of another store, or no such file at all, is not believed" {
	for i in $(seq 66); do cuddy create --name "c$i" --network none "$IMAGE" true; done >/dev/null
	keep 62
	cp "$CUDDY_RUNROOT/listed" "$WORK/whole"
	[ "$(stat -c %a "$CUDDY_RUNROOT/listed")" = 600 ]
	for n in 0 10 40 1000 5000; do
		head -c "$n" "$WORK/whole" >"$CUDDY_RUNROOT/listed"
		same_as_read
	done
	head -c 20000 /dev/urandom >"$CUDDY_RUNROOT/listed"
	same_as_read
	{ head -c 32 "$WORK/whole"; head -c 20000 /dev/urandom; } >"$CUDDY_RUNROOT/listed"
	same_as_read
	sed 's/"Name":"c/"Name":"x/' "$WORK/whole" | { head -c 16; head -c 8 /dev/zero; cat; } >"$CUDDY_RUNROOT/listed"
	same_as_read
	ln -sf "$WORK/whole" "$CUDDY_RUNROOT/listed"
	same_as_read
}
