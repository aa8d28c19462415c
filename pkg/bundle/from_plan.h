/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/runtime/plan.h"

struct json_object;

/** bundle_from_plan() - a config.json that says what @p says; ids outside are those of the base namespace. */
struct json_object *bundle_from_plan(const struct rt_plan *p);
