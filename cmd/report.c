/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "pkg/base/err.h"

int cmd_report(int r)
{
	int status = err_exit_status(r);

	(void)fflush(stdout);
	(void)fprintf(stderr, "cuddy: %s\n", err_message(r));
	err_drop();
	return status;
}
