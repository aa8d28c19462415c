#!/bin/sh
# completions/ is what the program built last prints; without a build there is nothing to compare with.
[ -x build/cuddy ] || exit 0
st=0
for pair in bash:cuddy.bash zsh:_cuddy fish:cuddy.fish; do
	file=completions/${pair#*:}
	build/cuddy completion "${pair%%:*}" | cmp -s - "$file" || {
		echo "$file is not what 'cuddy completion ${pair%%:*}' prints: run 'make completions'"
		st=1
	}
done
exit $st
