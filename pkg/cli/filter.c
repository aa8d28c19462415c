/* SPDX-License-Identifier: MIT */
#include "pkg/cli/filter.h"

#include <regex.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/parse.h"

char *filter_split(const char *f, const char **ret_value)
{
	const char *eq = strchr(f, '=');

	if (!eq || eq == f)
		return NULL;
	*ret_value = eq + 1;
	return xstrndup(f, (size_t)(eq - f));
}

bool filter_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; word && i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* Labels and annotations must all be there. */
static bool may_be_another(const char *key)
{
	return strncmp(key, "label", 5) != 0 && strncmp(key, "annotation", 10) != 0;
}

bool filter_all(const struct strv *filters,
		bool (*one)(const void *x, const char *key, const char *value), const void *x)
{
	for (size_t i = 0; filters && i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);
		bool hit = one(x, key, value);

		for (size_t k = 0; !hit && may_be_another(key) && k < filters->n; k++) {
			const char *other = NULL;
			AUTO_FREE char *same = filter_split(filters->v[k], &other);

			hit = k != i && strcmp(same, key) == 0 && one(x, key, other);
		}
		if (!hit)
			return false;
	}
	return true;
}

bool filter_label(const struct strv *labels, const char *want)
{
	const char *eq = strchr(want, '=');
	AUTO_FREE char *key = NULL;

	if (eq && eq[1])
		return strv_has(labels, want);
	key = eq ? xstrndup(want, (size_t)(eq - want)) : xstrdup(want);
	return strv_env_get(labels, key) != NULL;
}

bool filter_name(const char *name, const char *pattern)
{
	regex_t re;
	bool hit;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return strstr(name, pattern) != NULL;
	hit = regexec(&re, name, 0, NULL, 0) == 0;
	regfree(&re);
	return hit;
}

int filter_time(const char *value, int64_t *ret_ns)
{
	int64_t span;

	if (parse_duration(value, &span) < 0)
		return clock_parse_local(value, ret_ns);
	*ret_ns = clock_now_ns() - span;
	return 0;
}
