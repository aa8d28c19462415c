/* SPDX-License-Identifier: MIT */
#include "cmd/pruned.h"

#include <stdio.h>

void cmd_pruned(const char *id, int r, void *arg)
{
	struct pruned *p = arg;

	if (r < 0) {
		p->ctx->status = cmd_report(r);
		return;
	}
	if (p->heading)
		(void)puts(p->heading);
	p->heading = NULL;
	(void)puts(id);
}
