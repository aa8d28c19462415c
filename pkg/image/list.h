/* SPDX-License-Identifier: MIT */
/* `images`: a row for each name, filtered and sorted. Needs no namespace. */
#pragma once
#include <json-c/json.h>

#include "pkg/base/strv.h"
#include "storage/store.h"

struct image_query {
	bool all; /* nameless ones that others were built on, too */
	bool no_trunc;
	bool digests; /* also of images without a manifest (local_digest.h) */
	bool history; /* the names of each */
	bool once; /* one row an image, however many names it has */
	bool detail; /* rows and JSON with what takes reading configs and containers */
	const char *reference; /* only names that match, NULL: any */
	const struct strv *filters; /* "key=value" */
	const char *sort; /* created id repository size tag; NULL: created, newest first */
};

/**
 * image_list() - @ret_rows: an object of strings for tables and templates for each name;
 * @ret_json: what --format json prints, an object for each image (NULL without @q->detail).
 */
int image_list(struct store *st, const struct image_query *q, struct json_object **ret_rows,
	       struct json_object **ret_json);
/** image_select() - ids of the images that match all @filters. */
int image_select(struct store *st, const struct strv *filters, struct strv *ret_ids);
