/* SPDX-License-Identifier: MIT */
#include "pkg/build/annotation.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/oci/manifest.h"

static const struct {
	const char *name;
	enum annotation_target target;
} types[] = {
	{"manifest", ANNOTATE_MANIFEST},
	{"manifest-descriptor", ANNOTATE_DESCRIPTOR},
	{"index", ANNOTATE_INDEX},
	{"index-descriptor", ANNOTATE_INDEX_DESCRIPTOR},
};

static int take_platform(struct annotation *a, const char *s, size_t n)
{
	AUTO_FREE char *text = xstrndup(s, n);
	struct platform p = {0};
	int r = platform_parse(text, &p);

	if (r < 0)
		return r;
	freep(&a->platform);
	a->platform = platform_text(&p);
	platform_done(&p);
	return 0;
}

/* "manifest", or "manifest[linux/arm64]". */
static int take_type(struct annotation *a, const char *word)
{
	const char *open = strchr(word, '[');
	size_t n = open ? (size_t)(open - word) : strlen(word), end = strlen(word);

	if (open && (word[end - 1] != ']' || strncmp(word, "index", 5) == 0))
		return err_usage("'%s': only manifest[PLATFORM] and manifest-descriptor[PLATFORM] "
				 "are of one platform",
				 word);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strlen(types[i].name) != n || strncmp(types[i].name, word, n) != 0)
			continue;
		a->target = types[i].target;
		return open ? take_platform(a, open + 1, end - n - 2) : 0;
	}
	return err_usage("'%s': use manifest, manifest-descriptor, index or index-descriptor", word);
}

/* A key may have colons itself: what is no list of words before one is a key. */
static size_t types_len(const char *s)
{
	size_t n = strcspn(s, ":=");
	const char *slash = memchr(s, '[', n);

	if (s[n] != ':' || (strncmp(s, "manifest", 8) != 0 && strncmp(s, "index", 5) != 0))
		return 0;
	return slash || strspn(s, "abcdefghijklmnopqrstuvwxyz-,") == n ? n : 0;
}

int annotations_add(struct annotations *a, const char *typed)
{
	AUTO_STRV struct strv words = STRV_INIT;
	size_t n = types_len(typed);
	const char *pair = n ? typed + n + 1 : typed, *eq = strchr(pair, '=');
	AUTO_FREE char *head = n ? xstrndup(typed, n) : xstrdup("manifest");
	int r = eq && eq != pair ? 0 : err_usage("write KEY=VALUE");

	strv_split(&words, head, ',');
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		struct annotation one = {.platform = NULL};

		r = take_type(&one, words.v[i]);
		if (r < 0)
			break;
		one.pair = xstrdup(pair);
		a->v = xreallocarray(a->v, a->n + 1, sizeof(*a->v));
		a->v[a->n++] = one;
	}
	return r < 0 ? err_wrap(r, "--annotation %s", typed) : 0;
}

void annotations_done(struct annotations *a)
{
	for (unsigned i = 0; i < a->n; i++) {
		free(a->v[i].platform);
		free(a->v[i].pair);
	}
	free(a->v);
	*a = (struct annotations){.n = 0};
}

void annotations_for(const struct annotations *a, enum annotation_target target,
		     const char *platform, struct strv *ret)
{
	AUTO(platform_done) struct platform p = {0};
	AUTO_FREE char *text = NULL;

	if (platform && platform_parse(platform, &p) == 0)
		text = platform_text(&p);
	for (unsigned i = 0; i < a->n; i++) {
		const struct annotation *one = &a->v[i];

		if (one->target == target &&
		    (!one->platform || (text && strcmp(one->platform, text) == 0)))
			strv_env_set(ret, one->pair);
	}
}

bool annotations_of_index(const struct annotations *a)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->v[i].target != ANNOTATE_MANIFEST)
			return true;
	return false;
}

bool annotations_of_archive(const struct annotations *a)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->v[i].target == ANNOTATE_INDEX_DESCRIPTOR)
			return true;
	return false;
}
