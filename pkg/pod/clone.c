/* SPDX-License-Identifier: MIT */
/*
 * A pod like another: its record and those of its containers hold all that was decided when they were
 * made, so copies are made of them, in which what names the old pod and its containers names the new.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/container/make.h"
#include "pkg/pod/internal.h"
#include "pkg/sys/random.h"

#define NAMES_MAX 1000

struct cloning {
	const struct pod_record *from;
	struct pod_record *pod;
	const struct pod_clone_request *q;
	struct strv ids, volumes; /* "old=new" */
};

static void set(char **to, const char *s)
{
	char *copy = s ? xstrdup(s) : NULL; /* @s may be what goes */

	free(*to);
	*to = copy;
}

static void rename_mode(char **mode, const struct strv *ids)
{
	const char *new = *mode && strncmp(*mode, "container:", 10) == 0
				  ? strv_env_get(ids, *mode + 10)
				  : NULL;

	if (new) {
		AUTO_FREE char *text = xasprintf("container:%s", new);

		set(mode, text);
	}
}

static void rename_id(char **id, const struct strv *ids)
{
	const char *new = *id ? strv_env_get(ids, *id) : NULL;

	if (new)
		set(id, new);
}

/* Volumes without a name that several of them share are shared by their copies. */
static void rename_volumes(struct container_record *rec, const struct container_record *old,
			   struct strv *volumes)
{
	for (unsigned i = 0; i < rec->n_mounts; i++) {
		struct mount_spec *m = &rec->mounts[i];
		const char *new;

		if (m->kind != MOUNT_VOLUME || !m->anonymous)
			continue;
		new = strv_env_get(volumes, old->mounts[i].source);
		if (new)
			set(&m->source, new);
		else
			strv_addf(volumes, "%s=%s", old->mounts[i].source, m->source);
	}
}

static int change_infra(struct container_record *rec, const struct cloning *c)
{
	const struct pod_clone_request *q = c->q;
	AUTO_FREE char *hostname = c->pod->hostname ? pod_hostname(c->pod) : NULL;

	if (hostname) {
		AUTO_FREE char *pair = xasprintf("HOSTNAME=%s", hostname);

		set(&rec->hostname, hostname);
		if (strv_env_get(&rec->env, "HOSTNAME"))
			strv_env_set(&rec->env, pair);
	}
	for (size_t i = 0; i < q->sysctl.n; i++)
		strv_env_set(&rec->sysctls, q->sysctl.v[i]);
	if (q->shm_size)
		rec->shm_size = q->shm_size;
	return 0;
}

static int change_member(struct container_record *rec, const struct cloning *c)
{
	const char *restart = c->q->restart;

	if (c->pod->hostname && c->from->hostname && strv_env_get(&rec->env, "HOSTNAME")) {
		AUTO_FREE char *pair = xasprintf("HOSTNAME=%.63s", c->pod->hostname);

		strv_env_set(&rec->env, pair);
	}
	if (c->pod->limited)
		set(&rec->pod_limits, c->pod->infra);
	return restart && !rec->init_ctr && !rec->auto_remove ? restart_parse(restart, rec) : 0;
}

static int change(struct container_record *rec, const struct container *old, void *arg)
{
	struct cloning *c = arg;
	char **const modes[] = {&rec->ns_user, &rec->ns_pid, &rec->ns_ipc,
				&rec->ns_uts,  &rec->ns_net, &rec->ns_cgroup};

	strv_addf(&c->ids, "%s=%s", old->rec->id, rec->id);
	set(&rec->pod, c->pod->id);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		rename_mode(modes[i], &c->ids);
	for (size_t i = 0; i < rec->requires.n; i++)
		rename_id(&rec->requires.v[i], &c->ids);
	rename_id(&rec->holder, &c->ids);
	rename_id(&rec->pod_limits, &c->ids);
	rename_volumes(rec, old->rec, &c->volumes);
	if (c->q->cgroup_parent)
		set(&rec->cgroup_parent, *c->q->cgroup_parent ? c->q->cgroup_parent : NULL);
	return rec->is_infra ? change_infra(rec, c) : change_member(rec, c);
}

/* The infra container comes first, so that the others find its new id. */
static int clone_members(struct store *st, struct cloning *c)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	int r = pod_members(st, c->from, &m);

	for (size_t i = 0; r == 0 && i < m.n; i++) {
		const struct container_record *rec = m.v[i].rec;
		AUTO_FREE char *infra_name = c->q->infra_name
						     ? xstrdup(c->q->infra_name)
						     : xasprintf("%.12s-infra", c->pod->id);
		const struct clone_options o = {
			.name = rec->is_infra ? infra_name : NULL,
			.limits = rec->is_infra && limits_given(&c->q->limits) ? &c->q->limits
									       : NULL,
			.change = change,
			.arg = c};
		struct container new;

		r = container_clone(st, &m.v[i], &o, &new);
		if (r < 0)
			return err_wrap(r, "clone %s", rec->name);
		if (rec->is_infra)
			set(&c->pod->infra, new.rec->id);
		container_done(&new);
	}
	return r;
}

static int name_of(struct store *st, const struct pod_record *from, const char *asked, char **ret)
{
	AUTO_FREE char *name = NULL;
	char number[12] = "";
	int r = 0;

	for (unsigned i = 0; r == 0 && !asked && i < NAMES_MAX; i++) {
		AUTO(pod_record_done) struct pod_record other = {0};

		if (i)
			(void)snprintf(number, sizeof(number), "%u", i);
		free(name);
		name = xasprintf("%s-clone%s", from->name, number);
		r = pod_load(st, name, &other);
	}
	if (r < 0 && r != -CE_NO_POD)
		return r;
	err_drop();
	if (asked)
		name = xstrdup(asked);
	r = pod_name_check(name);
	if (r == 0)
		*ret = TAKE_PTR(name);
	return r;
}

static int make_record(struct store *st, const struct pod_record *from,
		       const struct pod_clone_request *q, struct pod_record *pod)
{
	AUTO(record_freep) struct container_record *trial = record_new();
	char id[65];
	int r;

	random_hex(id, 64);
	pod->id = xstrdup(id);
	r = name_of(st, from, q->name, &pod->name);
	if (r == 0 && q->hostname && !from->hostname)
		r = err_usage("--hostname: the pod does not share its UTS namespace");
	if (r == 0 && !from->infra && (limits_given(&q->limits) || q->sysctl.n || q->shm_size))
		r = err_usage("limits, --sysctl and --shm-size need an infra container, which "
			      "the pod does not have");
	if (r == 0 && q->restart)
		r = restart_parse(q->restart, trial);
	if (r < 0)
		return r;
	pod->created_ns = clock_now_ns();
	pod->limited = from->limited || limits_given(&q->limits);
	pod->own_parents = from->own_parents;
	pod->no_hosts = from->no_hosts;
	pod->no_hostname = from->no_hostname;
	set(&pod->hostname, q->hostname ? q->hostname : from->hostname ? pod->name : NULL);
	set(&pod->exit_policy, from->exit_policy);
	set(&pod->restart, q->restart ? q->restart : from->restart);
	set(&pod->cgroup_parent, q->cgroup_parent ? q->cgroup_parent : from->cgroup_parent);
	set(&pod->gpus, from->gpus);
	set(&pod->systemd_tmpfs, from->systemd_tmpfs);
	strv_add_all(&pod->share, &from->share);
	strv_add_all(&pod->labels, &from->labels);
	strv_add_all(&pod->security_opts, &from->security_opts);
	strv_add_all(&pod->devices, &from->devices);
	for (size_t i = 0; q->create_argv && q->create_argv[i]; i++)
		strv_add(&pod->create_command, q->create_argv[i]);
	return pod_add_labels(pod, &q->label_file, &q->label);
}

int pod_clone(struct store *st, const struct pod_record *from, const struct pod_clone_request *q,
	      struct pod_record *ret)
{
	AUTO(pod_record_done) struct pod_record pod = {0};
	struct cloning c = {.from = from, .pod = &pod, .q = q};
	AUTO_CLOSE int lock = pod_lock(st);
	int r = lock < 0 ? lock : make_record(st, from, q, &pod);

	if (r == 0)
		r = pod_begin(st, &pod, false);
	if (r < 0)
		return r;
	r = pod_end(st, &pod, clone_members(st, &c));
	strv_done(&c.ids);
	strv_done(&c.volumes);
	if (r < 0)
		return r;
	*ret = pod;
	pod = (struct pod_record){0};
	return 0;
}
