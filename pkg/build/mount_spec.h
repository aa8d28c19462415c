/* SPDX-License-Identifier: MIT */
/* RUN --mount=type=…: a closed set of keys for each type, nothing of it reaches mount(2) as text (threats B02). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum run_mount_type {
	RUN_MOUNT_BIND,
	RUN_MOUNT_CACHE,
	RUN_MOUNT_TMPFS,
	RUN_MOUNT_SECRET,
	RUN_MOUNT_SSH
};
enum run_mount_sharing { SHARING_SHARED, SHARING_PRIVATE, SHARING_LOCKED };

struct run_mount {
	enum run_mount_type type;
	char *from; /* stage, image or context; NULL: the context (bind), nothing (cache) */
	char *source; /* within it; NULL: its root */
	char *target; /* absolute, clean; NULL: secret with env= and no file */
	char *id; /* cache, secret, ssh */
	char *env; /* secret: variable that gets the value */
	bool read_write; /* bind: rw; cache: not ro */
	bool required;
	bool no_exec;
	bool no_recurse; /* bind: without what is mounted below the source */
	bool copy_up; /* tmpfs: it begins with what the image has there */
	enum run_mount_sharing sharing;
	uint32_t mode, uid, gid;
	uint64_t size; /* tmpfs; 0: no limit of its own */
	int from_stage; /* filled by the planner; -1: none */
};

/** run_mount_parse() - @spec is expanded; @cwd: the working directory that relative targets join. */
int run_mount_parse(const char *spec, const char *cwd, struct run_mount *ret);
void run_mount_done(struct run_mount *m);
