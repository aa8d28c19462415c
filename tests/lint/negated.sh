#!/bin/sh
# "! command" fails no test where another line comes after it (set -e leaves it out): it wants "|| fail WHY".
awk '
	FNR == 1 { line = "" }
	line != "" && !/^\t*}/ { print line; bad = 1 }
	{ line = /^\t+! / && !/\|\|/ && !/\\$/ ? FILENAME ":" FNR ":" $0 : "" }
	END { if (bad) print "  -> say || fail WHY, or it cannot fail"; exit bad }
' tests/*/*.bats tests/*/*.bash
