/* SPDX-License-Identifier: MIT */
/*
 * The log of health checks: JSON, as podman's is, with a line for each result, oldest first:
 *
 *	{"Status":"unhealthy","FailingStreak":3,"Log":[
 *	{"Start":"…","End":"…","ExitCode":1,"Output":"…"},
 *	…
 *	]}
 *
 * It is state_dir/health, or DIR/<id>-healthcheck.log (--health-log-destination DIR). Only the monitor
 * writes it. Whether the container is well is also a line of the state file, which is what counts.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEALTH_MAX_COUNT 5U /* results kept, when nobody says how many; as podman */
#define HEALTH_MAX_SIZE 500U /* bytes kept of what a check prints; as podman */
#define HEALTH_DIR_MAX 3072U /* of the path of a DIR, with its NUL */

struct health_place {
	int state_dir;
	const char *id;
	const char *dir; /* NULL: state_dir */
};

struct health_verdict {
	const char *status; /* conmon_health_text() */
	uint32_t streak; /* failures in a row */
};

struct health_result {
	int64_t start_ns, end_ns;
	int exit_code; /* -1: it took too long */
	const char *output; /* any bytes; what is no UTF-8 is replaced in the log */
	size_t len;
};

/**
 * health_write() - replace the log. No allocation; not for two threads at a time.
 * @add: one more result, or NULL. @max_count: results that are kept, 0: all. @keep: those that are there.
 */
int health_write(const struct health_place *at, const struct health_verdict *v,
		 const struct health_result *add, uint32_t max_count, bool keep);
/** health_open() - the log, for reading; -ENOENT (no trail): there is none. */
int health_open(const struct health_place *at);

#define HEALTH_EVENT_OUTPUT 8192U /* bytes of the output in an event: a journal is no store */
#define HEALTH_EVENT_MAX (7U * HEALTH_EVENT_OUTPUT + 256U)
/** health_event() - a result as its line of the log has it, as the text of a JSON string. */
void health_event(const struct health_result *e, char out[HEALTH_EVENT_MAX]);
