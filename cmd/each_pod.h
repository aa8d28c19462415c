/* SPDX-License-Identifier: MIT */
/* Verbs that take several pods: names, --all, --latest and --pod-id-file mean the same in each of them. */
#pragma once
#include "cmd/cmd.h"
#include "pkg/pod/pod.h"

struct each_pod_args {
	bool all, latest, ignore;
	struct strv id_files;
};
extern const struct opt each_pod_opts[]; /* --all --latest --pod-id-file */

struct each_pod {
	const struct each_pod_args *args;
	const char *verb; /* for messages */
	int missing_status; /* exit status when one does not exist; 0: 125 */
	/* @said: print the name; what was not to be done is said by nobody. */
	int (*one)(struct store *st, const struct pod_record *pod, const void *arg, bool *said);
	const void *arg;
};
/** each_pod() - one failure is reported and the rest goes on; 0 with ctx->status set. */
int each_pod(struct cmd_ctx *ctx, const struct each_pod *e, int argc, char **argv);
/** each_pod_names() - what operands and e->args choose. */
int each_pod_names(struct store *st, const struct each_pod *e, int argc, char **argv,
		   struct strv *ret);
