#!/bin/sh
# Calls that have a better one of ours, and descriptors born without CLOEXEC.
st=0
bad() {
	hits=$(git grep -nE --untracked "$1" -- 'cmd/*.[ch]' 'pkg/*.[ch]' 'storage/*.[ch]' 'net/*.[ch]' |
		grep -v 'lint: ' | grep -vE "${3:-^$}")
	[ -z "$hits" ] && return
	echo "$hits"
	echo "  -> $2"
	st=1
}
bad '[^a-z_](strcpy|strcat|sprintf|strtok|atoi|atol|gets)\(' 'use sbuf, snprintf, parse.h'
bad '[^a-z_]dup\(' 'use fd_dup() (CLOEXEC)'
bad '[^a-z_0-9](pipe|accept)\(' 'use pipe2(), accept4() (CLOEXEC)'
bad '(^|[^a-z_])f?open\("/(proc|sys)[/"]' 'write below a proved root of procfs: pkg/sys/procfs.h (R06)' \
	'O_RDONLY|, "re"\)|"/proc/self/(fd|exe)", O_PATH|^pkg/sys/procfs\.c:'
bad '(^|[^a-z_])system\(|popen\(' 'use spawn_start(): no shell'
bad '//[^"]*$' 'committed comments are /* */' '("[^"]*//|/\*.*//|\*.*//)'
exit $st
