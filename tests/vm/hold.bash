# Commands that are held in the middle of what they do, while the host takes what the disk holds at that moment: a power
# cut of which it is known what was going on. Part of tests/vm/workload.

held() { ps -eo pid=,stat=,comm= | awk -v want="$1" '$2 ~ /^T/ && $3 ~ /^cuddy/ { n++ } END { exit n != want }'; }

HELD=0
# hold POINT "WHAT" COMMAND...: begun, and stopped at that point of storage/ (crash_point())
hold() {
	local point=$1 what=$2
	shift 2
	echo "begin: $what"
	CUDDY_CRASH_AT=stop:$point "$@" >/dev/null 2>&1 3>&- &
	HELD=$((HELD + 1))
	until held $HELD; do sleep 0.1; done
}
# take_disk NAME: the host takes the disk as "NAME", and says so on a disk of its own
take_disk() {
	echo "cut: $1"
	until [ "$(dd if=/dev/nvme3n1 iflag=direct bs=512 count=1 2>/dev/null | tr -d '\0 ')" = "$1" ]; do sleep 0.1; done
}
# go_on: all that is held
go_on() {
	ps -eo pid=,stat=,comm= | awk '$2 ~ /^T/ && $3 ~ /^cuddy/ { print $1 }' | xargs -r kill -CONT
	HELD=0
}
