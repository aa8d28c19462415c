#!/bin/sh
# "! command" fails no test where another line comes after it (set -e leaves it out): it wants "|| fail WHY". Nor does
# the first half of "[ a ] && [ b ]": each wants a line of its own.
awk '
	FNR == 1 { line = "" }
	line != "" && !/^\t*}/ { print line; bad = 1 }
	{ line = /^\t+! / && !/\|\|/ && !/\\$/ ? FILENAME ":" FNR ":" $0 : "" }
	/^@test/ { body = 1 }
	/^}/ { body = 0 }
	body && /\(\) \{$/ { inner = 1 }
	/^\t+}$/ { inner = 0 }
	body && !inner && /^\t+\[.*\] && \[.*\]$/ && !/\|\|/ && FILENAME !~ /harness/ { print FILENAME ":" FNR ":" $0; halves = 1 }
	END { if (halves) print "  -> a line for each, or the first cannot fail"; if (bad) print "  -> say || fail WHY, or it cannot fail"; exit bad || halves }
' tests/*/*.bats tests/*/*.bash
