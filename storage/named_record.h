/* SPDX-License-Identifier: MIT */
/*
 * Records that are found by a reference: one file for each in an area of the store, named by its escaped
 * reference, which the record holds too (a long reference has no way back from its file's name).
 */
#pragma once
#include "pkg/json/fields.h"
#include "storage/store_internal.h"

struct named_kind {
	enum store_dir area;
	const struct json_field *fields;
	size_t size; /* of the struct; its first member is the reference, char * */
	int missing; /* the error when there is none: -CE_NO_… */
	const char *what; /* in messages: "an artifact" */
	const char *noun; /* "artifact" */
	/* What the fields cannot say; -CE_CORRUPT. NULL: nothing. */
	int (*check)(const void *record);
};

/** named_record_load_file() - by the name of its file; -ENOENT; -CE_CORRUPT when it is of another. @ret is filled only then with 0. */
int named_record_load_file(struct store *st, const struct named_kind *k, const char *file,
			   void *ret);
/** named_record_load() - by reference; k->missing when there is none. */
int named_record_load(struct store *st, const struct named_kind *k, const char *reference,
		      void *ret);
/** named_record_put() - durable, as a whole. With @fresh -EEXIST (no trail) when there is one. */
int named_record_put(struct store *st, const struct named_kind *k, const void *record, bool fresh);
/** named_record_remove() - durable; k->missing when there is none. */
int named_record_remove(struct store *st, const struct named_kind *k, const char *reference);
/** named_record_names() - the references, sorted. A damaged record has no name, and does not hide the others. */
int named_record_names(struct store *st, const struct named_kind *k, struct strv *ret);
