/* SPDX-License-Identifier: MIT */
/* The option rows that run and create share. */
#pragma once
#include "cmd/registry_opts.h"
#include "pkg/cli/options.h"
#include "pkg/container/request.h"

extern const struct opt create_opts[];
extern const struct opt health_opts[]; /* of struct health_request */
/* Initial values of a request, before parsing. */
#define CONTAINER_REQUEST_DEFAULTS                                                         \
	{                                                                                  \
		.stop_timeout = STOP_TIMEOUT_DEFAULT, .read_only_tmpfs = -1,               \
		.oom_score_adj = INT64_MIN, .passwd = -1, .limits = LIMIT_REQUEST_DEFAULTS \
	}

struct cmd_ctx;
/** request_globals() - the operands, and what the options before the verb say. */
void request_globals(const struct cmd_ctx *ctx, char **argv, struct container_request *q);

/* What run and create take besides, and what no container of a user can have (create_refused.c). */
extern const struct opt refused_opts[];
