/* SPDX-License-Identifier: MIT */
/*
 * --systemd: a container whose pid 1 is systemd finds what its container interface asks for: writable
 * /run, /run/lock, /tmp and /var/log/journal that begin empty, a cgroup of its own that it may divide,
 * $container and $container_uuid; and it is stopped by its own signal.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/log.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/container/make.h"
#include "pkg/container/plan.h"

static bool is_systemd(const char *program)
{
	static const char *const names[] = {"/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"};
	const char *slash = strrchr(program, '/');

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(program, names[i]) == 0)
			return true;
	return strcmp(slash ? slash + 1 : program, "systemd") == 0;
}

void make_systemd(const struct container_request *q, struct container_record *r)
{
	const char *when = q->systemd ? q->systemd : "true";
	const char *program = r->entrypoint.n ? r->entrypoint.v[0] : r->cmd.n ? r->cmd.v[0] : "";

	r->systemd = strcmp(when, "always") == 0 ||
		     (strcmp(when, "true") == 0 && is_systemd(program));
	r->systemd_tmpfs_size = q->systemd_tmpfs_size;
	if (strcmp(when, "always") == 0 && cgroup_manager_here() == CGROUP_NONE)
		log_warn("--systemd: there is no cgroup for it to divide: %s", cgroup_mending());
}

void plan_systemd_env(const struct container_record *rec, struct container_plan *p)
{
	const char *id = rec->id;
	AUTO_FREE char *uuid = xasprintf("container_uuid=%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8,
					 id + 12, id + 16, id + 20);

	if (!strv_env_get(&p->env, "container_uuid"))
		strv_env_set(&p->env, uuid);
}

void plan_systemd_mounts(const struct container_record *rec, struct container_plan *p)
{
	static const struct {
		const char *target, *mode;
		uint32_t flags;
	} places[] = {
		{"/run", "755", RT_MNT_COPYUP},
		{"/run/lock", "1777", 0},
		{"/tmp", "1777", RT_MNT_COPYUP},
		{"/var/log/journal", "755", RT_MNT_COPYUP},
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct rt_mount *m;
		char *data;

		if (plan_user_mounts_at(rec, places[i].target))
			continue;
		data = rec->systemd_tmpfs_size
			       ? xasprintf("mode=%s,size=%llu", places[i].mode,
					   (unsigned long long)rec->systemd_tmpfs_size)
			       : xasprintf("mode=%s", places[i].mode);
		m = plan_add_mount(p, RT_MOUNT_TMPFS, NULL, places[i].target);
		m->flags = RT_MNT_NOSUID | RT_MNT_NODEV | places[i].flags;
		m->data = plan_keep(p, data);
	}
}
