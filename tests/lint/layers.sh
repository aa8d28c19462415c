#!/bin/sh
# A file includes only lower ranks or its own folder (the map is in README.md, "The house").
rank() {
	case $1 in
	cmd/*) echo 11 ;;
	pkg/kube/*) echo 10 ;;
	pkg/build/* | pkg/pod/* | pkg/unit/* | pkg/doctor/*) echo 9 ;;
	pkg/container/*) echo 8 ;;
	pkg/image/*) echo 7 ;;
	pkg/conmon/* | pkg/bundle/*) echo 6 ;;
	pkg/runtime/* | pkg/transfer/* | pkg/net/*) echo 5 ;;
	storage/* | net/* | pkg/cgroup/*) echo 4 ;;
	pkg/oci/* | pkg/config/* | pkg/cli/* | pkg/seccomp/*) echo 3 ;;
	pkg/json/* | pkg/http/* | pkg/archive/*) echo 2 ;;
	pkg/sys/*) echo 1 ;;
	pkg/base/*) echo 0 ;;
	*) echo 99 ;;
	esac
}
st=0
for f in $(git ls-files -co --exclude-standard 'cmd/*.[ch]' 'pkg/*.[ch]' 'storage/*.[ch]' 'net/*.[ch]'); do
	mine=$(rank "$f")
	for inc in $(sed -n 's/^#include "\([^"]*\/[^"]*\)".*/\1/p' "$f"); do
		[ "$(dirname "$inc")" = "$(dirname "$f")" ] && continue
		theirs=$(rank "$inc")
		if [ "$theirs" -ge "$mine" ]; then
			echo "$f (rank $mine) includes $inc (rank $theirs)"
			st=1
		fi
	done
done
exit $st
