# What a test must leave: nothing. Part of helpers.bash. Without forks where bash can (see waiting.bash).

clean_containers() {
	local out
	empty_dir "$CUDDY_ROOT/pods" || cuddy pod rm -f -a -t 0 >/dev/null || return 1
	empty_dir "$CUDDY_ROOT/containers" && return 0
	out=$(cuddy rm -f -a -v -t 0 2>&1) || { echo "cleaning up: $out" >&2; return 1; }
}

# Whatever a test started, daemonized or not, is a child of the subreaper beside bats itself.
# find_strays - STRAYS are their pids
find_strays() {
	local p stat children=()
	STRAYS=()
	read -ra children 2>/dev/null <"/proc/$CUDDY_REAPER/task/$CUDDY_REAPER/children" || true
	for p in "${children[@]}"; do
		[ "$p" = "$CUDDY_REAPER_MAIN" ] && continue
		read -r stat 2>/dev/null <"/proc/$p/stat" || continue
		[[ ${stat##*) } == Z* ]] || STRAYS+=("$p")
	done
}
no_strays() { find_strays; [ ${#STRAYS[@]} -eq 0 ]; }
strays() { # a line each: its pid and its words
	local p
	find_strays
	for p in "${STRAYS[@]}"; do echo "$p $(tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline")"; done
}
empty_dir() { ! compgen -G "$1/*" >/dev/null && ! compgen -G "$1/.[!.]*" >/dev/null; } # or none
no_runtime_dirs() {
	local d
	for d in "$CUDDY_RUNROOT"/*; do
		[[ ${d##*/} =~ ^[0-9a-f]+$ ]] && return 1
	done
	return 0
}
no_mounts() {
	local mounts
	mapfile mounts </proc/self/mountinfo
	[[ ${mounts[*]} != *"$CUDDY_ROOT"* && ${mounts[*]} != *"$CUDDY_RUNROOT"* ]]
}
no_locks() {
	local inode locks files=()
	mapfile locks </proc/locks
	[ ${#locks[@]} -gt 0 ] || return 0
	for inode in "$CUDDY_ROOT"/locks/* "$CUDDY_RUNROOT"/*.lock "$CUDDY_RUNROOT"/*/lock; do
		[ ! -e "$inode" ] || files+=("$inode")
	done
	[ ${#files[@]} -gt 0 ] || return 0
	for inode in $(stat -c %i "${files[@]}" 2>/dev/null); do
		[[ ${locks[*]} != *":$inode "* ]] || return 1
	done
	return 0
}

# A monitor tells its clients first and cleans up then: each check waits a moment for it.
expect_no_container_left() {
	local -
	set +T
	untraced_expect_no_container_left
}

untraced_expect_no_container_left() {
	local st=0 d
	wait_until 5 no_strays || { echo "leaked processes:"; strays; st=1; }
	[ ${#STRAYS[@]} -eq 0 ] || kill -KILL "${STRAYS[@]}" 2>/dev/null || true
	for d in containers names; do
		wait_until 5 empty_dir "$CUDDY_ROOT/$d" || { echo "leaked in $d: $(ls -A "$CUDDY_ROOT/$d")"; st=1; }
	done
	wait_until 5 no_runtime_dirs || { echo "leaked in the runtime directory: $(ls "$CUDDY_RUNROOT")"; st=1; }
	wait_until 5 no_mounts || { echo "leaked mounts:"; grep -F "$CUDDY_ROOT" /proc/self/mountinfo; st=1; }
	wait_until 5 no_locks || { echo "leaked lock:"; cat /proc/locks; st=1; }
	return $st
}

expect_nothing_left() {
	local st=0 d
	expect_no_container_left || st=1
	# Any next command tidies up.
	empty_dir "$CUDDY_ROOT/staging" && empty_dir "$CUDDY_ROOT/trash" || cuddy ps -q >/dev/null 2>&1
	for d in staging trash; do
		wait_until 5 empty_dir "$CUDDY_ROOT/$d" || { echo "leaked in $d: $(ls -A "$CUDDY_ROOT/$d")"; st=1; }
	done
	return $st
}
