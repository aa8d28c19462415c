# What tests of pods share.

infra() { cuddy pod inspect --format '{{.InfraContainerID}}' "$1"; }
pod_is() { [ "$(cuddy pod inspect --format '{{.State}}' "$1")" = "$2" ]; }

# ns CONTAINER KIND: as the kernel names it, of its pid 1, or pinned by the monitor of one without
ns() {
	local pid
	pid=$(container_pid "$1")
	if [ "$pid" != 0 ]; then
		readlink "/proc/$pid/ns/$2"
	else
		find "/proc/$(conmon_pid "$1")/fd" -lname "$2:*" -printf '%l\n' | sort -u
	fi
}

# pids_in KIND NAME: processes that are in a namespace
pids_in() { find /proc/[0-9]*/ns -maxdepth 1 -name "$1" -lname "${2//[\[\]]/?}" -printf '%h\n' 2>/dev/null | cut -d / -f 3; }
# pins_of NAME: descriptors that are open of one
pins_of() { find /proc/[0-9]*/fd -lname "${1//[\[\]]/?}" 2>/dev/null; }
# helpers_of CONTAINER: children of its monitor but pid 1
helpers_of() { cat "/proc/$(conmon_pid "$1")/task/"*/children | xargs; }
