/* SPDX-License-Identifier: MIT */
/* One record of a log file, as log_write.c wrote it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"
#include "pkg/conmon/config.h"

struct log_record {
	int64_t time_ns;
	int stream; /* 1 or 2 */
	bool whole; /* the line ends here (its newline is not in text) */
	const char *text;
	size_t len;
};

/**
 * log_record_parse() - one line of the file, without its newline
 * @scratch: holds the text when it had to be decoded; reused by the next call.
 * Return: false when it is no record (torn by a crash, or foreign): skip it.
 */
bool log_record_parse(enum conmon_log driver, const char *line, size_t n, struct sbuf *scratch,
		      struct log_record *ret);
