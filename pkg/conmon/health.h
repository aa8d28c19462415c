/* SPDX-License-Identifier: MIT */
/*
 * The results of health checks, in state_dir/health, which only the monitor writes:
 *
 *	streak=<failures in a row>
 *	check=<start_ns> <end_ns> <exit code> <output>     oldest first, at most HEALTH_RESULTS
 *
 * Control characters and backslashes of the output stand as \xHH. What it all means (starting,
 * healthy, unhealthy) is a line of the state file.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HEALTH_RESULTS 5U
#define HEALTH_OUTPUT_MAX 500U /* bytes kept of what a check prints, as podman keeps */

struct health_result {
	int64_t start_ns, end_ns;
	int exit_code; /* -1: it took too long */
	size_t len;
	char output[HEALTH_OUTPUT_MAX];
};

struct health_results {
	uint32_t streak;
	unsigned n;
	struct health_result v[HEALTH_RESULTS]; /* oldest first */
};

/** health_write() - replace the file. No allocation. */
int health_write(int state_dir, const struct health_results *h);
/** health_read() - no file, or none that can be read, is no results. */
void health_read(int state_dir, struct health_results *ret);
