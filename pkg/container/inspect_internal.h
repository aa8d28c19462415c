/* SPDX-License-Identifier: MIT */
/* Parts of `inspect`. */
#pragma once
#include "pkg/container/container.h"

struct json_object;

/** health_of() - .State.Health of a container that has checks. */
struct json_object *health_of(const struct container *c);
/** set_health_config() - what stands in .Config about them, if there are any. */
void set_health_config(struct json_object *config, const struct container_record *rec);
/** inspect_limits() - into HostConfig. */
void inspect_limits(struct json_object *host_config, const struct container *c);
