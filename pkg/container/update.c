/* SPDX-License-Identifier: MIT */
/* `update`: health checks at once, environment and ulimits for the next start. */
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"
#include "pkg/container/make.h"
#include "pkg/container/plan.h"
#include "pkg/runtime/plan.h"

bool settings_given(const struct settings_request *q)
{
	return health_given(&q->health) || q->env.n || q->unset_env.n || q->ulimits.n;
}

static int merge(const struct settings_request *q, struct container_record *r)
{
	int rc = health_given(&q->health) ? health_merge(&q->health, r) : 0;
	struct rt_rlimit unused;

	for (size_t i = 0; i < q->unset_env.n; i++)
		env_unset(&r->env, q->unset_env.v[i]);
	for (size_t i = 0; rc == 0 && i < q->env.n; i++)
		rc = env_add(&r->env, q->env.v[i]);
	for (size_t i = 0; rc == 0 && i < q->ulimits.n; i++) {
		if (strcmp(q->ulimits.v[i], "host") != 0)
			rc = ulimit_read(q->ulimits.v[i], &unused);
		strv_env_set(&r->ulimits, q->ulimits.v[i]);
	}
	return rc;
}

/* The running monitor learns of the checks; it has ended meanwhile: the next start reads the record. */
static int tell_monitor(const struct container *c)
{
	AUTO(plan_done) struct container_plan p = CONTAINER_PLAN_INIT;
	int r = plan_health(c->rec, &p);

	if (r == 0)
		r = conmon_set_health(c->dirs.runtime_fd, &p.mon);
	if (r == -ESRCH) {
		err_drop();
		return 0;
	}
	return r;
}

int container_set_settings(struct store *st, struct container *c, const struct settings_request *q)
{
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id);
	int r = lock < 0 ? lock : container_reload(st, c);

	if (r == 0)
		r = merge(q, c->rec);
	if (r == 0)
		r = container_save(st, c);
	if (r == 0 && health_given(&q->health) && container_is_running(c))
		r = tell_monitor(c);
	if (r == 0)
		container_event(st, c->rec, "update", NULL);
	return r;
}
