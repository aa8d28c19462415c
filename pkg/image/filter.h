/* SPDX-License-Identifier: MIT */
/*
 * --filter key=value for images: same key ORs (label ANDs), different keys AND; key!=value is what does not match, and
 * all of these AND. A comma begins another filter where a key follows it.
 */
#pragma once
#include "pkg/image/set.h"

struct image_filter {
	char *key, *value;
	bool negated;
	bool flag; /* value of keys that are yes or no */
	int64_t at; /* before, since, until: the instant */
	char id[65]; /* names: the image that is called just that, or "" */
};

struct image_filters {
	struct image_filter *v;
	size_t n;
	unsigned needs; /* IMAGE_SET_* to match them */
};

/** image_filters_parse() - unknown keys, malformed values and images that are not there are errors. */
int image_filters_parse(struct store *st, const struct strv *filters, struct image_filters *ret);
/** image_filters_add_operand() - names must match the operand of `images` as well. */
void image_filters_add_operand(struct store *st, const char *pattern, struct image_filters *f);
/** image_filters_have() - is there one of this key? */
bool image_filters_have(const struct image_filters *f, const char *key);
/** image_filters_match() - and @e->shown is what of its names the references ask for. */
bool image_filters_match(const struct image_filters *f, struct image_entry *e);
void image_filters_done(struct image_filters *f);

/** image_is_dangling() - no name, and nothing was built on it. */
bool image_is_dangling(const struct image_entry *e);
/** image_name_matches() - a name, or its beginning or end at a slash or the tag, as a shell pattern. */
bool image_name_matches(const char *reference, const char *pattern);
