/* SPDX-License-Identifier: MIT */
/* The parts of a reader; only for the files of this folder. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "pkg/base/sbuf.h"
#include "pkg/conmon/config.h"
#include "pkg/conmon/log_record.h"
#include "pkg/conmon/logs.h"

#define LOG_FILES_MAX 1000

/* Records on their way to descriptors 1 and 2. */
struct log_printer {
	const struct logs_options *o;
	const char *label;
	struct sbuf out[2];
	bool in_line[2]; /* the last record of this stream was partial */
	int last; /* stream whose bytes wait */
	bool same_target; /* 1 and 2 are one file: keep the order between them */
	bool past_until;
};

void log_printer_init(struct log_printer *p, const struct logs_options *o, const char *label);
void log_printer_done(struct log_printer *p);
int log_printer_add(struct log_printer *p, const struct log_record *rec);
/** log_printer_flush() - @at_end: no more comes; a label's line that is unfinished ends here. */
int log_printer_flush(struct log_printer *p, bool at_end);

/* Open log files, newest first. */
struct log_set {
	int fds[LOG_FILES_MAX];
	unsigned n;
};

void log_set_done(struct log_set *s);
/**
 * log_set_tail() - leave only what holds the last @lines lines: older files are closed, and the
 * oldest that is left stands at the first record to print.
 */
int log_set_tail(struct log_set *s, enum conmon_log driver, uint64_t lines);

/* A log in files (logs_file.c). */
struct log_files {
	const char *path;
	enum conmon_log driver;
	struct log_printer *p;
	int watch; /* inotify on its directory, while following */
	int cur; /* the newest file met so far */
	struct sbuf in, scratch;
};

int log_files_open(struct log_files *l, const char *path, enum conmon_log driver,
		   struct log_printer *p, bool follow);
void log_files_done(struct log_files *l);
/** log_files_first() - what is there, within --tail. */
int log_files_first(struct log_files *l);
/** log_files_more() - what came since. */
int log_files_more(struct log_files *l);

/* A log in the journal, read by journalctl (logs_journal.c). */
struct log_journal_reader {
	const char *id; /* of the container */
	struct log_printer *p;
	int out, pidfd, err; /* of journalctl; its stderr goes to a file */
	bool quiet; /* the last entry was the monitor's last */
	bool fresh; /* the last look found something */
	struct sbuf in, cursor; /* bytes of journalctl; of the last entry seen */
};

void log_journal_init(struct log_journal_reader *j, const char *id, struct log_printer *p);
void log_journal_done(struct log_journal_reader *j);
/** log_journal_first() - what is there, within --tail. */
int log_journal_first(struct log_journal_reader *j);
/** log_journal_follow() - go on behind it; out is then to be polled. */
int log_journal_follow(struct log_journal_reader *j);
/** log_journal_more() - what came since, without waiting. */
int log_journal_more(struct log_journal_reader *j);
