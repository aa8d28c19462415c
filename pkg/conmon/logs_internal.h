/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

#include "pkg/conmon/config.h"

#define LOG_FILES_MAX 1000

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
