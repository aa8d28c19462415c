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

bool cmd_confirmed(const char *what)
{
	int c, first;

	(void)fprintf(stderr, "%s Go on? [y/N] ", what);
	first = getchar();
	for (c = first; c != '\n' && c != EOF;)
		c = getchar();
	return first == 'y' || first == 'Y';
}
