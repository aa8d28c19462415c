/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/unit/quadlet.h"

struct json_object;

/** quadlet_rows() - Name, UnitName, Path, Status, App of those that match; filters name= and status=. */
int quadlet_rows(const struct quadlet_set *all, const struct strv *filters,
		 struct json_object **ret);
