/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "cmd/persona.h"
#include "pkg/base/err.h"

int cmd_report(int r)
{
	int status = err_exit_status(r);

	(void)fflush(stdout);
	(void)fprintf(stderr, "%s: %s\n", persona() == PERSONA_CUDDY ? "cuddy" : "Error",
		      err_message(r));
	err_drop();
	return status;
}

void cmd_report_removal(int *status, int r, int missing)
{
	int s = cmd_report(r);

	s = r == missing ? 1 : r == -CE_IN_USE ? 2 : s;
	if (s > *status)
		*status = s;
}

int cmd_exists(struct cmd_ctx *ctx, int r, int missing)
{
	if (r != missing)
		return r;
	err_drop();
	ctx->status = 1;
	return 0;
}

bool cmd_confirmed(const char *what)
{
	int c, first;

	(void)fprintf(stderr, "%s Go on? [y/N] ", what);
	first = getchar();
	for (c = first; c != '\n' && c != EOF;)
		c = getchar();
	return first == 'y' || first == 'Y';
}
