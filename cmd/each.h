/* SPDX-License-Identifier: MIT */
/*
 * Verbs that take several containers: names, --all, --filter, --cidfile and --ignore mean the same
 * in each of them. One failure is reported and the rest goes on.
 */
#pragma once
#include "cmd/cmd.h"
#include "pkg/container/container.h"

struct each_args {
	bool all, ignore, latest;
	struct strv filters, cidfiles;
};

extern const struct opt each_opts[]; /* --all --filter --cidfile --ignore --latest */

/** What verbs of a single container have in place of its name. */
struct each_one {
	bool latest;
	const char *cidfile;
};

/**
 * each_open() - the container that @o or else the first operand names, which is then taken off
 * Opens the store too. Messages begin with @verb. -CE_NO_CONTAINER, -CE_USAGE.
 */
int each_open(struct cmd_ctx *ctx, const char *verb, const struct each_one *o, int *argc,
	      char ***argv, struct container *ret);

struct each {
	const struct each_args *args;
	bool running_only; /* what --all and --filter select */
	const char *verb; /* for messages */
	int missing_status; /* exit status when one does not exist (rm: 1), 0: 125 */
	int (*one)(struct store *st, struct container *c, const void *arg);
	const void *arg;
	bool silent; /* do not print the name as given on success */
};

/** each_select() - names and ids of what operands and e->args choose; -CE_USAGE when they contradict. */
int each_select(struct store *st, const struct each *e, int argc, char **argv,
		struct strv *ret_names);
/** each_signal() - the value of --signal; a usage error when it is none. */
int each_signal(const char *s, int *ret);
/** each_container() - 0 with ctx->status set by what failed; negative for a usage error before anything was done. */
int each_container(struct cmd_ctx *ctx, const struct each *e, int argc, char **argv);
