/* SPDX-License-Identifier: MIT */
/* "cuddy version". */
#include "cmd/cmd.h"

static int version_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)ctx;
	(void)args;
	(void)argc;
	(void)argv;
	puts("cuddy version " CUDDY_VERSION);
	return 0;
}

const struct command cmd_version = {
	.name = "version",
	.synopsis = "",
	.summary = "Print the version",
	.run = version_run,
};
