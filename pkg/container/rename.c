/* SPDX-License-Identifier: MIT */
/*
 * A new name for a container. The name is what finds it and is changed first: a crash before the
 * record follows leaves a container that is found by its new name, and shown by its old one until
 * it is renamed again.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"
#include "pkg/container/networks.h"
#include "pkg/container/plan.h"

/* What holds the name may be what a crash left of a --rm container: looking at it removes it. */
static int claim(struct store *st, const struct container *c, const char *name)
{
	int r = container_store_name(st, c->rec->id, c->rec->name, name);
	struct container holder;

	if (r != -CE_NAME_IN_USE)
		return r;
	if (container_open(st, name, &holder) == 0)
		container_done(&holder);
	return container_store_name(st, c->rec->id, c->rec->name, name);
}

int container_rename(struct store *st, struct container *c, const char *name)
{
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id);
	AUTO_FREE char *old = NULL;
	int r = lock < 0 ? lock : container_reload(st, c);

	if (r < 0)
		return r;
	if (strcmp(c->rec->name, name) == 0)
		return err_new(-CE_NAME_IN_USE, "%s is its name already", name);
	r = claim(st, c, name);
	if (r < 0)
		return r;
	old = c->rec->name;
	c->rec->name = xstrdup(name);
	r = container_save(st, c);
	if (r < 0) {
		AUTO_FREE char *trail = xstrdup(err_trail());

		(void)container_store_name(st, c->rec->id, name, old);
		return err_set(r, trail);
	}
	if (container_is_running(c) && conmon_set_name(c->dirs.runtime_fd, name) < 0)
		err_drop(); /* it has just ended */
	/* Others in its networks find it by the new name at once. */
	if (strcmp(c->rec->ns_net, "bridge") == 0 && container_is_running(c) &&
	    container_renew_networks(st, c) < 0)
		err_drop();
	container_pod_hosts(st, c->rec);
	container_event(st, c->rec, "rename", NULL);
	return 0;
}
