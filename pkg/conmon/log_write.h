/* SPDX-License-Identifier: MIT */
/*
 * The monitor's log file: records of at most 16 KiB, written in batches, rotated by size.
 *
 *	k8s-file    "<RFC3339 with nanoseconds> stdout|stderr P|F <bytes>\n"; P: the line goes on
 *	json-file   {"log":"<text>","stream":"stdout","time":"…"}\n; a complete line ends in "\n" inside
 *	            log; bytes that are not UTF-8 stand as lone surrogates \udc80..\udcff, which other
 *	            readers show as U+FFFD and ours turns back into the very bytes
 *	journald    no file: an entry of the journal for each record (log_journal.h)
 *
 * A full disk costs records, never the container: torn records are cut off again, and how much was
 * lost is said in a record of its own once there is room. Allocates nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/conmon/config.h"
#include "pkg/conmon/log_journal.h"

#define LOG_RECORD_MAX 16384
#define LOG_BUFFER 69632 /* a chunk of output with its records' frames, when lines are long */

struct log_writer {
	enum conmon_log driver;
	int dir, fd;
	char name[256];
	uint64_t size, max_bytes;
	uint32_t max_files;
	uint64_t lost; /* bytes of records that could not be written */
	struct log_journal journal;
	size_t piece_max, len;
	size_t most; /* of buf in use since stream_trim(): short lines take many times their size */
	char buf[LOG_BUFFER];
};

/** log_open() - continue (or make) the log at @path; a no-op for drivers that keep nothing. */
int log_open(struct log_writer *w, enum conmon_log driver, const char *path, uint64_t max_bytes,
	     uint32_t max_files);
/** log_open_journal() - @fields of each entry, kept by the caller. */
int log_open_journal(struct log_writer *w, const char *path, const char *fields);
/** log_add() - record @n bytes of @stream (1 or 2) read now; written when it returns: was the file full, and is another? */
bool log_add(struct log_writer *w, int stream, const char *p, size_t n);
void log_close(struct log_writer *w);
