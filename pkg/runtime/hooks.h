/* SPDX-License-Identifier: MIT */
/* Running hooks outside of a launch: those of poststart and poststop. */
#pragma once
#include "pkg/runtime/plan.h"

/**
 * rt_hooks_run() - those of @stage, one after the other, each to its end; the first that fails ends it
 * @state: as rt_plan.hook_state. @pid: 0 is left out. Allocates: the monitor only before and after its loop.
 */
int rt_hooks_run(const struct rt_hook *hooks, unsigned n, enum rt_hook_stage stage,
		 const char *state, pid_t pid, const char *status);
/** rt_hook_stage_name() - "createRuntime". */
const char *rt_hook_stage_name(enum rt_hook_stage s);
