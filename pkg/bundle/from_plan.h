/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/runtime/plan.h"

struct json_object;

/** bundle_from_plan() - a config.json that says what @p says; ids outside are those of the base namespace. */
struct json_object *bundle_from_plan(const struct rt_plan *p);
struct strv;
/**
 * bundle_for_runtime() - the same for a runtime of others, in three parts with gaps (rt_foreign.config); malloc'ed
 * The files that optional mounts bind must be there by now. @seccomp: NULL for none. @annotations: "k=v".
 */
int bundle_for_runtime(const struct rt_plan *p, struct json_object *seccomp,
		       const struct strv *annotations, char *ret[3]);
