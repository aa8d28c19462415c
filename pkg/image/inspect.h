/* SPDX-License-Identifier: MIT */
/* What `image inspect` and `history` tell. Needs no namespace. */
#pragma once
#include <json-c/json.h>

#include "storage/store.h"

/** image_inspect() - the object podman prints, by name or id; -CE_NO_IMAGE. */
int image_inspect(struct store *st, const char *name, struct json_object **ret);

/**
 * image_history() - how it was made, newest step first
 * @human: sizes and times for people, not numbers. @ret_rows: for tables and templates;
 * @ret_json: what --format json prints.
 */
int image_history(struct store *st, const char *name, bool human, bool no_trunc,
		  struct json_object **ret_rows, struct json_object **ret_json);
