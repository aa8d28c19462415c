/* SPDX-License-Identifier: MIT */
/* A vector of owned strings; v is NULL-terminated whenever n > 0, so it serves as an argv. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "pkg/base/auto.h"

struct strv {
	char **v; /* NULL while empty */
	size_t n;
	size_t cap;
};

#define STRV_INIT \
	{         \
		0 \
	}
#define AUTO_STRV AUTO(strv_done)

void strv_done(struct strv *sv);
void strv_add(struct strv *sv, const char *s); /* copies */
void strv_take(struct strv *sv, char *s); /* takes ownership of malloc'ed @s */
void strv_addf(struct strv *sv, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_add_all(struct strv *sv, const struct strv *from);
void strv_insert(struct strv *sv, size_t at, const char *s);
void strv_remove(struct strv *sv, size_t at); /* frees the element, keeps the order */
bool strv_has(const struct strv *sv, const char *s);
void strv_sort(struct strv *sv); /* byte order */
bool strv_begins_with(const struct strv *sv, const struct strv *prefix, size_t n); /* the first @n are equal */
bool strv_has_sorted(const struct strv *sv, const char *s); /* of what strv_sort() sorted */
/** strv_split() - append the pieces of @s between @sep; empty pieces are kept. */
void strv_split(struct strv *sv, const char *s, char sep);
/**
 * strv_split_csv() - the fields of a line of CSV (RFC 4180): one that begins with '"' ends with one, has
 * commas, and "" for a quote. false: a quote is not closed, or something follows it; @sv has what was before.
 */
bool strv_split_csv(struct strv *sv, const char *s);
/** strv_join() - malloc'ed string of all elements with @sep between. */
char *strv_join(const struct strv *sv, const char *sep);

/*
 * Environment lists ("NAME=value"): later sets replace earlier ones in place.
 * strv_env_get returns the value inside the vector, or NULL.
 */
void strv_env_set(struct strv *sv, const char *assignment);
const char *strv_env_get(const struct strv *sv, const char *name);
