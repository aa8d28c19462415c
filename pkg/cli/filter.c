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

bool filter_label(const struct strv *labels, const char *want)
{
	return strchr(want, '=') ? strv_has(labels, want) : strv_env_get(labels, want) != NULL;
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
		return clock_parse(value, ret_ns);
	*ret_ns = clock_now_ns() - span;
	return 0;
}
