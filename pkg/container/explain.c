/* SPDX-License-Identifier: MIT */
/*
 * "explain": the plan that a request comes to, without doing any of it. The same code decides as for a
 * container that is created and started; only what would be made on the way is left out (plan_input.dry).
 */
#include "pkg/container/explain.h"

#include <string.h>

#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/bundle/from_plan.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/notify.h"
#include "pkg/container/plan.h"
#include "pkg/container/userns.h"
#include "pkg/json/json.h"
#include "storage/store.h"

static const char *const drivers[] = {
	[RT_ROOT_OVERLAY] = "overlay",
	[RT_ROOT_FUSE_OVERLAY] = "fuse-overlayfs",
	[RT_ROOT_DIR] = "directory",
};

static struct json_object *storage(const struct rt_root *root)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();

	json_set_str(o, "driver", drivers[root->driver]);
	for (unsigned i = 0; i < root->n_lower; i++)
		(void)json_object_array_add(a, json_object_new_string(root->lower[i]));
	json_set(o, "lower", a);
	if (root->upper)
		json_set_str(o, "upper", root->upper);
	json_set_bool(o, "volatile", root->is_volatile);
	return o;
}

/* Whose address a server sees that has a published port: its client's, or the container's own (net/proxy_return.c). */
static struct json_object *peers(const struct net_port_list *l)
{
	struct json_object *o = json_object_new_object();

	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].proto == NET_TCP)
			json_set_str(o, "tcp",
				     net_shows_clients() ? "client" : "container");
		else
			json_set_str(o, "udp", "container");
	return o;
}

static struct json_object *network(const struct container_record *rec,
				   const struct net_port_list *ports)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "mode", rec->ns_net);
	json_set(o, "networks", json_from_strv(&rec->networks));
	json_set(o, "ports", json_from_strv(&rec->ports));
	json_set(o, "peers", peers(ports));
	return o;
}

static struct json_object *security(const struct container_record *rec, const struct rt_process *p)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "seccomp",
		     !p->seccomp    ? "unconfined"
		     : rec->seccomp ? rec->seccomp
				    : "default");
	json_set_i64(o, "seccompInstructions", (int64_t)(p->seccomp_len / 8));
	return o;
}

/* Without a cgroup to write them to, the limits that nobody asked for are not there. */
static int cgroup(const struct container_record *rec, struct json_object **ret)
{
	struct json_object *o = json_object_new_object(), *limits = json_object_new_object();
	struct cgroup_start s;
	enum cgroup_manager m;
	int r = cgroup_start_init(rec, NULL, &s);

	if (r == 0) {
		m = s.request.manager == CGROUP_AUTO ? cgroup_manager_here() : s.request.manager;
		json_set_str(o, "manager", s.wanted ? cgroup_manager_name(m) : "none");
		for (unsigned i = 0; s.wanted && i < s.files.n; i++)
			json_set_str(limits, s.files.v[i].file, s.files.v[i].value);
		cgroup_start_done(&s);
	}
	json_set(o, "limits", limits);
	*ret = o;
	return r;
}

static struct json_object *describe(const struct plan_input *in, const struct container_plan *p,
				    struct json_object *cgroup)
{
	struct json_object *o = json_object_new_object();
	const struct container_record *rec = in->record;

	json_set_str(o, "image", rec->image);
	json_set(o, "spec", bundle_from_plan(&p->rt));
	json_set(o, "storage", storage(&p->rt.root));
	json_set(o, "network", network(rec, &p->ports));
	json_set(o, "security", security(rec, &p->rt.process));
	json_set(o, "cgroup", cgroup);
	json_set_str(o, "runtime", rec->runtime ? rec->runtime : "cuddy");
	json_set_bool(o, "init", p->rt.init);
	json_set_bool(o, "remove", rec->auto_remove);
	return o;
}

static int check_name(struct store *st, const struct container_request *q)
{
	char id[65];
	int r = q->name ? container_store_resolve(st, q->name, id) : -CE_NO_CONTAINER;

	if (r < 0)
		err_drop();
	/* What has that id, or one that begins so, does not have the name. */
	if (r < 0 || strncmp(id, q->name, strlen(q->name)) == 0)
		return q->replace && !q->name ? err_usage("--replace needs --name") : 0;
	return q->replace ? 0
			  : err_new(-CE_NAME_IN_USE, "name %s belongs to container %.12s", q->name,
				    id);
}

int container_explain(struct store *st, const struct container_request *q, struct json_object **ret)
{
	static char nobody[] = "0000000000000000000000000000000000000000000000000000000000000000";
	AUTO(record_freep) struct container_record *rec = NULL;
	AUTO(base_grant_done) struct base_grant grant = {0};
	AUTO(plan_done) struct container_plan p = CONTAINER_PLAN_INIT;
	AUTO_FREE char *data = NULL, *runtime = NULL;
	AUTO_JSON struct json_object *limits = NULL;
	struct container_dirs dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	struct plan_input in = {.store = st, .dirs = &dirs, .grant = &grant, .dry = true};
	int r = container_decide(st, q, &rec);

	if (r == 0)
		r = check_name(st, q);
	if (r == 0)
		r = base_grant_load(&grant);
	if (r < 0)
		return r;
	rec->id = xstrdup(nobody);
	if (!rec->name)
		rec->name = xstrdup("");
	r = userns_allocate(st, rec, NULL);
	if (r < 0)
		return r;
	dirs.data_path = data = store_path(st, STORE_CONTAINERS, "ID");
	dirs.runtime_path = runtime = path_join(store_runroot(st), "ID");
	in.record = rec;
	in.single_id = base_grant_is_single(&grant);
	in.notifies = notify_who(rec) == CONMON_NOTIFY_CONTAINER;
	r = plan_make(&in, &p);
	if (r == 0)
		r = cgroup(rec, &limits);
	if (r == 0)
		*ret = describe(&in, &p, TAKE_PTR(limits));
	return r;
}
