/* SPDX-License-Identifier: MIT */
/* Reading container logs: all rotated files in order, or the journal; following across rotation. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/conmon/config.h"

struct logs_options {
	bool follow, timestamps;
	int64_t since_ns, until_ns; /* 0: no bound */
	int64_t tail; /* lines, -1: all */
};

/* The log of one container. */
struct logs_source {
	const char *path; /* of its file; CONMON_LOG_JOURNALD: the container's full id */
	enum conmon_log driver;
	/*
	 * Put before each line, when several containers are printed; NULL for one alone. With it
	 * only whole lines are printed, so that lines of several do not mix.
	 */
	const char *label;
	/* Asked while following, whether more may come; NULL: never. */
	bool (*still_running)(void *);
	void *arg;
};

/**
 * logs_print() - copy the records of @n sources to descriptors 1 and 2 (raw bytes; partial records joined)
 * One after the other; with follow then all as they come. What cannot be opened fails before anything
 * is printed.
 */
int logs_print(const struct logs_source *sources, unsigned n, const struct logs_options *o);
