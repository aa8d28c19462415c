/* SPDX-License-Identifier: MIT */
/*
 * Container output as entries of the system's journal, by journald's native protocol: a datagram of
 * "NAME=value\n" fields, or "NAME\n<length, 8 bytes little-endian><bytes>\n" for any bytes.
 *
 * A journal that takes nothing may hold the container for a second in all, which grows back
 * slowly; what it does not take then is lost and counted. Allocates nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_END_FIELD "CUDDY_LOG_END" /* in the monitor's last entry: no more comes from it */
#define JOURNAL_PARTIAL_FIELD "CONTAINER_PARTIAL_MESSAGE" /* the line goes on in the next entry */

struct log_journal {
	int fd;
	const char *path;
	const char *fields; /* of each entry, "NAME=value\n" for each */
	int64_t patience_ns, seen_ns;
	uint64_t lost; /* bytes that it did not take */
};

/** journal_open() - connect to the journal's socket @path. */
int journal_open(struct log_journal *j, const char *path, const char *fields);
/** journal_add() - one record of @stream (1 or 2). */
void journal_add(struct log_journal *j, int stream, const char *p, size_t n, bool whole);
/** journal_close() - say that this was all; safe on one that was never opened (fd negative). */
void journal_close(struct log_journal *j);
