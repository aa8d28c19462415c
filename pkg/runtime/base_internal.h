/* SPDX-License-Identifier: MIT */
/* Shared by base.c, base_join.c and base_make.c. */
#pragma once
#include "pkg/runtime/base.h"

/** base_join_any() - a descriptor of a living B with these @maps, or -ESRCH (no trail); @ret_pidfd: who led to it. */
int base_join_any(int runtime_dir, const char *maps, int *ret_pidfd);
/** base_is_offered() - is there a candidate at all, whatever it is worth? */
bool base_is_offered(int runtime_dir);
/** base_lives() - has the process of @pidfd not ended? */
bool base_lives(int pidfd);
/** base_make() - a descriptor of a new B. */
int base_make(const struct base_grant *g, const char *maps);

/* The same in two steps, between which the helpers that write the maps are at work. */
struct base_mapper {
	const char *prog;
	int pidfd, err_fd; /* of what it says when it fails */
};
struct base_making {
	pid_t pid; /* who holds it; <= 0: nothing is being made */
	int wait_fd, ns;
	char *maps;
	struct base_mapper uids, gids;
};
#define BASE_MAKING_INIT                                                 \
	{                                                                \
		.wait_fd = -EBADF, .ns = -EBADF,                         \
		.uids = {.pidfd = -EBADF, .err_fd = -EBADF},             \
		.gids = {.pidfd = -EBADF, .err_fd = -EBADF},             \
	}
/** base_make_begin() - on an error nothing is left of it. */
int base_make_begin(const struct base_grant *g, const char *maps, struct base_making *m);
/** base_make_end() - waits for them; a descriptor of B. @m is empty afterwards in either case. */
int base_make_end(struct base_making *m);
/** base_make_abandon() - somebody else has made one; also of an empty @m. */
void base_make_abandon(struct base_making *m);
/** base_host_problem() - why the kernel would not give us a user namespace (@r), as one line that mends it. Return: < 0. */
int base_host_problem(int r);
