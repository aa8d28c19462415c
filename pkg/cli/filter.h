/* SPDX-License-Identifier: MIT */
/* --filter key=value: what the verbs of containers, images and volumes have in common. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/strv.h"

/** filter_split() - the key, malloc'ed, and the value inside @f ("label!=x" is the key "label!"); NULL: no key=value. */
char *filter_split(const char *f, const char **ret_value);
/** filter_one_of() - is @word, which may be NULL, one of the @n @words? */
bool filter_one_of(const char *word, const char *const *words, size_t n);
/**
 * filter_all() - does @x pass @filters (may be NULL; each with a known key)?
 * Values of one key mean or; those of labels and annotations, and different keys, mean and.
 */
bool filter_all(const struct strv *filters,
		bool (*one)(const void *x, const char *key, const char *value), const void *x);
/** filter_label() - do @labels ("k=v") have @want: "k" (or "k=", as in podman), or "k=v"? */
bool filter_label(const struct strv *labels, const char *want);
/** filter_name() - an unanchored regular expression, as in podman and docker; text that is none is looked for as it is. */
bool filter_name(const char *name, const char *pattern);
/** filter_time() - an instant: RFC 3339, a day, seconds, or a duration before now. 0 or -EINVAL. */
int filter_time(const char *value, int64_t *ret_ns);
