/* SPDX-License-Identifier: MIT */
/* `wait`: until containers are in a state that somebody waits for. */
#pragma once
#include "pkg/container/container.h"

/* What to wait for: a set. */
enum {
	WAIT_CREATED = 1 << 0,
	WAIT_RUNNING = 1 << 1,
	WAIT_PAUSED = 1 << 2,
	WAIT_STOPPING = 1 << 3,
	WAIT_EXITED = 1 << 4,
	WAIT_REMOVED = 1 << 5,
	WAIT_HEALTHY = 1 << 6,
	WAIT_UNHEALTHY = 1 << 7,
	WAIT_INITIALIZED = 1 << 8,
};

struct wait_for {
	unsigned set;
	int64_t interval_ns; /* between looks at what nobody announces; the end is announced */
	bool first; /* until one of the containers is there */
};

struct waited {
	char id[65];
	bool done;
	int code; /* exit code; -1: it came into another state, or is gone */
	int watch; /* the waiting function's own */
};

/** wait_parse() - add the condition @name to @set; -CE_USAGE. */
int wait_parse(const char *name, unsigned *set);
/** container_wait() - returns when all (or the first) of @v, with ids filled in, are done; each of them exists. */
int container_wait(struct store *st, const struct wait_for *f, struct waited *v, size_t n);
