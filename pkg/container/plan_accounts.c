/* SPDX-License-Identifier: MIT */
/* Which users and groups the container's passwd and group are to know. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/path.h"
#include "pkg/container/plan.h"
#include "pkg/sys/passwd.h"

static bool user_mounts_on(const struct container_record *rec, const char *target)
{
	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (path_is_within(target, rec->mounts[i].target))
			return true;
	return false;
}

/* With keep-id the caller is somebody inside; his home is his own only where it was mounted. */
static void plan_caller(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	struct rt_accounts *a = &p->rt.accounts;
	struct passwd_entry e;
	uint32_t uid, gid;

	if (strncmp(rec->ns_user, "keep-id", 7) != 0 || strstr(rec->ns_user, "id=") ||
	    passwd_find(in->grant->uid, &e) < 0)
		return;
	uid = (uint32_t)in->grant->uid;
	gid = (uint32_t)in->grant->gid;
	a->uid = uid;
	a->gid = gid;
	a->name = plan_keep(p, xstrdup(e.name));
	a->full_name = plan_keep(p, xstrdup(*e.full_name ? e.full_name : e.name));
	a->home = user_mounts_on(rec, e.home) ? plan_keep(p, xstrdup(e.home)) : rec->workdir;
	a->group = plan_keep(p, passwd_group_name(gid));
	if (!a->group)
		a->group = a->name;
	passwd_entry_done(&e);
}

void plan_accounts(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	struct rt_accounts *a = &p->rt.accounts;

	a->add = !rec->no_passwd && !user_mounts_on(rec, "/etc/passwd") &&
		 !user_mounts_on(rec, "/etc/group");
	a->host_users = (const char *const *)rec->host_users.v;
	a->passwd_entry = rec->passwd_entry;
	a->group_entry = rec->group_entry;
	if (a->add)
		plan_caller(in, p);
}
