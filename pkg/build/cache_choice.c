/* SPDX-License-Identifier: MIT */
/* Which of what builds keep: the filters of "builder prune" and "buildx du". */
#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/build/cache.h"
#include "pkg/cli/filter.h"

/* BuildKit's; of the last ones nothing is kept here by that name. */
static int take_type(const char *type, struct cache_choice *ret)
{
	static const char *const others[] = {"internal", "frontend", "source.local",
					     "source.git.checkout"};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(type, others[i]) == 0) {
			ret->no_results = ret->no_mounts = true;
			return 0;
		}
	if (strcmp(type, "regular") == 0)
		ret->no_mounts = true;
	else if (strcmp(type, "exec.cachemount") == 0)
		ret->no_results = true;
	else
		return err_usage("--filter type=%s: one of regular exec.cachemount internal "
				 "frontend source.local source.git.checkout",
				 type);
	return 0;
}

int cache_choice_parse(const struct strv *filters, struct cache_choice *ret)
{
	int r = 0;

	*ret = (struct cache_choice){.id = NULL};
	for (size_t i = 0; r == 0 && i < filters->n; i++) {
		const char *f = filters->v[i];

		if (strncmp(f, "type=", 5) == 0)
			r = take_type(f + 5, ret);
		else if (strncmp(f, "id=", 3) == 0 && f[3])
			ret->id = f + 3;
		else if (strncmp(f, "until=", 6) == 0 &&
			 filter_time(f + 6, &ret->before_ns) == 0)
			continue;
		else
			r = err_usage("--filter '%s': use type=, id=, or until= with a time or a "
				      "duration before now",
				      f);
	}
	return r;
}

bool cache_choice_has(const struct cache_choice *c, const char *id, bool is_mount, int64_t used_ns)
{
	return !(is_mount ? c->no_mounts : c->no_results) &&
	       (!c->id || strncmp(id, c->id, strlen(c->id)) == 0) &&
	       (!c->before_ns || used_ns < c->before_ns);
}
