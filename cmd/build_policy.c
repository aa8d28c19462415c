/* SPDX-License-Identifier: MIT */
/* How much builds keep for the next one: CUDDY_BUILD_CACHE_MAX, _AGE and _MIN_FREE, containers.conf. */
#include <stdlib.h>

#include "cmd/build.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/config/containers_conf.h"

static bool is_set(const char *s)
{
	return s && *s;
}

static int take(const char *name, const char *max, const char *age, const char *min_free,
		struct cache_policy *p)
{
	if (is_set(max) && parse_size(max, &p->max_bytes) < 0)
		return err_usage("%smax '%s': a size, such as 20GB; 0 for all", name, max);
	if (is_set(age) && parse_duration(age, &p->age_ns) < 0)
		return err_usage("%sage '%s': a duration, such as 168h; 0 for ever", name, age);
	if (is_set(min_free) && parse_size(min_free, &p->min_free_bytes) < 0)
		return err_usage("%smin_free '%s': a size, such as 10GB; 0 for any", name, min_free);
	/* What somebody says goes before what we think is worth keeping. */
	if (is_set(min_free))
		p->least_bytes = 0;
	else if (is_set(max) && p->by_default)
		p->min_free_bytes = 0;
	if (is_set(max) || is_set(age) || is_set(min_free))
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
			 c->build_cache_min_free, ret);
	if (r == 0)
		r = take("build cache: ", getenv("CUDDY_BUILD_CACHE_MAX"),
			 getenv("CUDDY_BUILD_CACHE_AGE"), getenv("CUDDY_BUILD_CACHE_MIN_FREE"),
			 ret);
	return r;
}
