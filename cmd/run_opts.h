/* SPDX-License-Identifier: MIT */
/* The words of "run", which "explain run" takes as well. */
#pragma once
#include "cmd/create_opts.h"
#include "pkg/container/defaults.h"

struct cmd_ctx;

struct run_args {
	struct container_request request;
	bool detach;
	int sig_proxy;
	unsigned preserve_fds;
	struct strv preserve_fd;
	bool rmi;
	struct registry_args registry;
};
extern const struct opt run_opts[];
/* Initial values, before parsing. */
#define RUN_ARGS_DEFAULTS                                                                  \
	{                                                                                  \
		.request = CONTAINER_REQUEST_DEFAULTS, .registry = REGISTRY_ARGS_DEFAULTS, \
		.sig_proxy = -1                                                            \
	}

/**
 * run_args_check() - contradictions refused
 * @argv: the image and its command. What follows is pod_join(), then request_defaults_apply().
 */
int run_args_check(const struct cmd_ctx *ctx, struct run_args *a, char **argv);
