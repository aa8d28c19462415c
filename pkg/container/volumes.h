/* SPDX-License-Identifier: MIT */
/* Volumes as users name them: who uses one, inspect and list rows. */
#pragma once
#include "storage/volume.h"

struct json_object;

/** volume_inspect() - podman's shape; -CE_NO_VOLUME. The caller owns the object. */
int volume_inspect(struct store *st, const char *name, struct json_object **ret);
/** volume_users() - names of containers that have it in their record. */
int volume_users(struct store *st, const char *name, struct strv *ret);
/** volume_rows() - all volumes, sorted by name, as inspect objects. */
int volume_rows(struct store *st, struct json_object **ret);
