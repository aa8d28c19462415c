#!/bin/sh
# A file of at most 700 lines, a function of at most 80: what is longer has two jobs.
git ls-files -co --exclude-standard 'cmd/*.[ch]' 'pkg/*.[ch]' 'storage/*.[ch]' 'net/*.[ch]' | xargs awk '
	FNR == 1 { begun = 0 }
	FNR == 701 { print FILENAME ": more than 700 lines"; bad = 1 }
	/^[a-z].*\(/ && !begun { head = $0 }
	/^\{/ { begun = FNR }
	/^\}/ && begun {
		if (FNR - begun > 80) { print FILENAME ":" begun ": " FNR - begun " lines: " head; bad = 1 }
		begun = 0
	}
	END { if (!NR) print "sizes: found no file"; exit bad || !NR }'
