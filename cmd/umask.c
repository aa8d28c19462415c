/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "cmd/cmd.h"

static mode_t callers;

void cmd_take_umask(void)
{
	callers = umask(077);
}

mode_t cmd_umask(void)
{
	return callers;
}
