/* SPDX-License-Identifier: MIT */
/* Resource limits of every process that is started in a container: its first and those of exec. */
#include <string.h>
#include <sys/resource.h>

#include "pkg/container/make.h"
#include "pkg/container/plan.h"

#define NOFILE_SOFT 1024

static rlim_t own_hard_limit(unsigned resource)
{
	struct rlimit now = {.rlim_max = RLIM_INFINITY};

	(void)getrlimit((int)resource, &now);
	return now.rlim_max;
}

/* The container may have been started from a shell that had higher limits than this one has. */
static void cut(struct rt_rlimit *l)
{
	rlim_t hard = own_hard_limit(l->resource);

	l->hard = l->hard > hard ? hard : l->hard;
	l->soft = l->soft > hard ? hard : l->soft;
}

int container_rlimits(const struct container_record *rec, bool start, struct rt_rlimit *ret,
		      unsigned *ret_n)
{
	rlim_t hard = own_hard_limit(RLIMIT_NOFILE);
	unsigned n = strv_has(&rec->ulimits, "host") ? 0 : 2; /* what is not set stays as it is */

	ret[0] = (struct rt_rlimit){RLIMIT_NOFILE, hard < NOFILE_SOFT ? hard : NOFILE_SOFT, hard};
	ret[1] = (struct rt_rlimit){RLIMIT_CORE, 0, 0};
	for (size_t i = 0; i < rec->ulimits.n; i++) {
		struct rt_rlimit l;
		unsigned k = 0;
		int r;

		if (strcmp(rec->ulimits.v[i], "host") == 0)
			continue;
		r = start ? ulimit_parse(rec->ulimits.v[i], &l)
			  : ulimit_read(rec->ulimits.v[i], &l);

		if (r < 0)
			return r;
		cut(&l);
		while (k < n && ret[k].resource != l.resource)
			k++;
		ret[k] = l;
		n += k == n;
	}
	*ret_n = n;
	return 0;
}
