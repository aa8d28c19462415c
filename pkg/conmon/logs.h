/* SPDX-License-Identifier: MIT */
/* Reading container logs: all rotated files in order, following across rotation. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/conmon/config.h"

struct logs_options {
	bool follow, timestamps;
	int64_t since_ns, until_ns; /* 0: no bound */
	int64_t tail; /* lines, -1: all */
	const char *prefix; /* --names: printed before each line; NULL for none */
};

/**
 * logs_print() - copy @path's records to descriptors 1 and 2 (raw bytes; partial records joined)
 * @still_running: asked while following, whether more may come; NULL: never.
 */
int logs_print(const char *path, enum conmon_log driver, const struct logs_options *o,
	       bool (*still_running)(void *), void *arg);
