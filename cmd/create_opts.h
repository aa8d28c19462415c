/* SPDX-License-Identifier: MIT */
/* The option rows that run and create share. */
#pragma once
#include "pkg/cli/options.h"
#include "pkg/container/request.h"

extern const struct opt create_opts[];
extern const struct opt health_opts[]; /* of struct health_request */
/* Initial values of a request, before parsing. */
#define CONTAINER_REQUEST_DEFAULTS                                                     \
	{                                                                              \
		.stop_timeout = 10, .read_only_tmpfs = -1, .oom_score_adj = INT64_MIN, \
		.tls_verify = -1, .passwd = -1, .limits = LIMIT_REQUEST_DEFAULTS       \
	}
