/* SPDX-License-Identifier: MIT */
/* How much builds keep for the next one: CUDDY_BUILD_CACHE_MAX, CUDDY_BUILD_CACHE_AGE, containers.conf. */
#include <stdlib.h>

#include "cmd/build.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/config/containers_conf.h"

static int take(const char *name, const char *max, const char *age, struct cache_policy *p)
{
	if (max && *max && parse_size(max, &p->max_bytes) < 0)
		return err_usage("%smax '%s': a size, such as 20GB; 0 for all", name, max);
	if (age && *age && parse_duration(age, &p->age_ns) < 0)
		return err_usage("%sage '%s': a duration, such as 168h; 0 for ever", name, age);
	if ((max && *max) || (age && *age))
		p->by_default = false;
	return 0;
}

int build_policy_of(struct store *st, struct cache_policy *ret)
{
	const struct containers_conf *c;
	int r = containers_conf(&c);

	cache_policy_default(st, ret);
	if (r == 0)
		r = take("containers.conf: build_cache_", c->build_cache_max, c->build_cache_age,
			 ret);
	if (r == 0)
		r = take("build cache: ", getenv("CUDDY_BUILD_CACHE_MAX"),
			 getenv("CUDDY_BUILD_CACHE_AGE"), ret);
	return r;
}
