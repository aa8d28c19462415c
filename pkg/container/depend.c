/* SPDX-License-Identifier: MIT */
/* Who cannot be without a container: those that require it, and those that live in its namespaces. */
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/container/container.h"

static bool depends(const struct container_record *r, const char *id)
{
	const char *const modes[] = {r->ns_user, r->ns_pid, r->ns_ipc,
				     r->ns_uts,  r->ns_net, r->ns_cgroup};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (modes[i] && strncmp(modes[i], "container:", 10) == 0 &&
		    strcmp(modes[i] + 10, id) == 0)
			return true;
	for (size_t i = 0; i < r->requires.n; i++)
		if (strcmp(r->requires.v[i], id) == 0)
			return true;
	return false;
}

/* Those of the last round may have dependents of their own. */
int container_dependents(struct store *st, const char *id, struct strv *ret_ids)
{
	AUTO_STRV struct strv all = STRV_INIT;
	size_t from = ret_ids->n;
	const char *of = id;
	int r = container_store_list(st, &all);

	while (r == 0 && of) {
		for (size_t i = 0; r == 0 && i < all.n; i++) {
			struct container c;

			if (strcmp(all.v[i], id) == 0 || strv_has(ret_ids, all.v[i]))
				continue;
			r = container_open_id(st, all.v[i], &c);
			if (r < 0) {
				r = err_forgive(r, -CE_NO_CONTAINER);
				continue;
			}
			if (depends(c.rec, of))
				strv_add(ret_ids, c.rec->id);
			container_done(&c);
		}
		of = from < ret_ids->n ? ret_ids->v[from++] : NULL;
	}
	return r;
}
