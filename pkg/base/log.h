/* SPDX-License-Identifier: MIT */
/*
 * Debug lines on stderr, off by default. CUDDY_DEBUG=runtime,net (or "all") or --log-level=debug.
 * Format: "[pid role] module: words". No allocation; one write() a line, safe after fork.
 */
#pragma once
#include <stdbool.h>

void log_init(const char *spec,
	      const char *role); /* @spec: NULL, "all" or a comma list; kept by reference */
void log_set_fd(int fd); /* where lines go; default 2; -1 silences */
bool log_wants(const char *module);
void log_line(const char *module, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** log_warn() - "cuddy: warning: words", always shown; for what the user should know and nothing failed. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The arguments are evaluated only when somebody reads them. */
#define log_debug(module, ...)                         \
	do {                                           \
		if (log_wants(module))                 \
			log_line(module, __VA_ARGS__); \
	} while (0)
