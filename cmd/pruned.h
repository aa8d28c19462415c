/* SPDX-License-Identifier: MIT */
/* What prune verbs print. */
#pragma once
#include "cmd/cmd.h"
#include "pkg/container/prune.h"

struct pruned {
	struct cmd_ctx *ctx; /* whose status tells of failures */
	const char *heading; /* printed before the first; NULL: none */
};
/** cmd_pruned() - a prune_told: print what is gone, report what could not be removed. @arg: a struct pruned. */
void cmd_pruned(const char *id, int r, void *arg);
