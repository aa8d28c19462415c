# Words about cgroups for the files of this folder.

cgroup_dir() { # cgroup_dir CONTAINER - its cgroup as a directory
	echo "/sys/fs/cgroup$(cuddy inspect --format '{{.State.CgroupPath}}' "$1")"
}
cgroup_of_pid() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"; }
gone() { ! [ -e "$1" ]; }
no_unit() { [ "$(systemctl --user show -P LoadState -- "$1")" = not-found ] || [ "$(systemctl --user is-active -- "$1")" = inactive ]; }
limit_of() { cat "$(cgroup_dir "$1")/$2"; } # limit_of CONTAINER FILE
