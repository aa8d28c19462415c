/* SPDX-License-Identifier: MIT */
/* `inspect` of a container: podman's JSON shape (which holds docker's keys). */
#pragma once
#include <json-c/json.h>

#include "pkg/container/container.h"

/** container_inspect() - the caller owns the object. */
int container_inspect(struct store *st, const struct container *c, struct json_object **ret);
