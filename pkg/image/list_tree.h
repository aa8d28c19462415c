/* SPDX-License-Identifier: MIT */
/* "images --tree": below each image that came from a list, and below each list, its platforms. */
#pragma once
#include <json-c/json.h>

#include "storage/store.h"

/** image_tree_rows() - @images: as image_list() gives them in JSON. @ret: rows for tables. */
int image_tree_rows(struct store *st, struct json_object *images, struct json_object **ret);
