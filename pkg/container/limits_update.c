/* SPDX-License-Identifier: MIT */
/* `update`: other limits for a container, at once when it runs. */
#include "pkg/base/err.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"

/* To the running container; where the kernel refuses one, those it had come back. */
static int apply(const struct container *c, const struct limit_files *f,
		 const struct limit_files *old)
{
	char words[1024];
	int r;

	if (!*c->state.cgroup)
		return err_new(-CE_HOST_SETUP,
			       "it runs without a cgroup of its own; %s, and start "
			       "the container again",
			       cgroup_mending());
	r = cgroup_limit_all(c->state.cgroup, f->v, f->n);
	if (r < 0) {
		(void)snprintf(words, sizeof(words), "%s", err_trail());
		(void)cgroup_limit_all(c->state.cgroup, old->v, old->n);
		r = err_set(r, words);
	}
	return r;
}

int container_set_limits(struct store *st, struct container *c, const struct limit_request *q)
{
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id);
	AUTO(limits_files_done) struct limit_files old = {0};
	struct cgroup_start s;
	int r = lock < 0 ? lock : container_reload(st, c);

	if (r == 0 && c->rec->is_infra)
		r = err_usage("it is the infra container of a pod, whose limits are given to pod "
			      "create");
	if (r == 0)
		r = limits_files(c->rec, &old);
	if (r == 0)
		r = limits_merge(q, c->rec);
	if (r == 0)
		r = cgroup_start_init(c->rec, NULL, &s);
	if (r < 0)
		return r;
	if (container_is_running(c))
		r = apply(c, &s.files, &old);
	if (r == 0)
		r = container_save(st, c);
	if (r == 0)
		container_event(st, c->rec, "update", NULL);
	cgroup_start_done(&s);
	return r;
}
