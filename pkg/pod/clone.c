/* SPDX-License-Identifier: MIT */
/*
 * A pod like another: its record and those of its containers hold all that was decided when they were
 * made, so copies are made of them, in which what names the old pod and its containers names the new.
 */
#include <inttypes.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/container/explain.h"
#include "pkg/container/make.h"
#include "pkg/container/mounts.h"
#include "pkg/pod/internal.h"
#include "pkg/sys/random.h"

#define NAMES_MAX 1000

struct cloning {
	const struct pod_record *from;
	struct pod_record *pod;
	const struct pod_request *q;
	struct container_record *given; /* what @q would make of an infra container */
	struct container infra; /* the new one; without a record: there is none */
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
	const char *new = *mode &&strncmp(*mode, "container:", 10) == 0
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

static bool maps_given(const struct container_request *q)
{
	return q->userns || q->uidmap.n || q->gidmap.n || q->subuidname || q->subgidname;
}

static void set_user(struct container_record *rec, const char *mode,
		     const struct container_record *maps)
{
	set(&rec->ns_user, mode);
	strv_done(&rec->uid_map);
	strv_done(&rec->gid_map);
	strv_add_all(&rec->uid_map, &maps->uid_map);
	strv_add_all(&rec->gid_map, &maps->gid_map);
}

static void set_hostname_env(struct container_record *rec, const char *hostname)
{
	AUTO_FREE char *pair = xasprintf("HOSTNAME=%s", hostname);

	strv_env_set(&rec->env, pair);
}

static int change_infra(struct container_record *rec, const struct cloning *c)
{
	const struct container_request *q = &c->q->infra;
	const struct container_record *given = c->given;
	AUTO_FREE char *hostname = c->pod->hostname ? pod_hostname(c->pod) : NULL;

	set(&rec->hostname, hostname);
	if (hostname && strv_env_get(&rec->env, "HOSTNAME"))
		set_hostname_env(rec, hostname);
	for (size_t i = 0; i < given->sysctls.n; i++)
		strv_env_set(&rec->sysctls, given->sysctls.v[i]);
	if (q->shm_size)
		rec->shm_size = given->shm_size;
	if (maps_given(q))
		set_user(rec, given->ns_user, given);
	if (q->pid)
		set(&rec->ns_pid, given->ns_pid);
	rec->pins = pod_pins(c->pod, *rec->image ? rec->image : NULL, rec->ns_pid);
	if (q->uts)
		set(&rec->ns_uts, given->ns_uts);
	/* Each monitor has its own file, so the original's is not the copy's. */
	set(&rec->conmon_pidfile, q->conmon_pidfile);
	if (q->conmon_pidfile && !rec->cgroups)
		set(&rec->cgroups, "no-conmon");
	if (c->q->infra_command) {
		strv_done(&rec->cmd);
		strv_split(&rec->cmd, c->q->infra_command, ' ');
	}
	for (unsigned i = 0; i < given->n_mounts; i++)
		mount_spec_copy(&given->mounts[i], record_add_mount(rec));
	strv_add_all(&rec->volumes_from, &given->volumes_from);
	return mounts_check(rec);
}

/* What the new pod's infra container has that the old one's had not. */
static int share_infra(struct container_record *rec, const struct cloning *c)
{
	const struct container_record *infra = c->infra.rec;
	AUTO_FREE char *mode = xasprintf("container:%s", infra->id);
	unsigned n_from = 0;

	set_user(rec, strcmp(infra->ns_user, "host") == 0 ? "host" : mode, infra);
	if (c->q->infra.pid && strcmp(rec->ns_pid, "private") == 0)
		set(&rec->ns_pid, mode);
	return mounts_add_from(rec, infra->id, c->given, &n_from);
}

static int change_member(struct container_record *rec, const struct cloning *c)
{
	const struct container_request *q = &c->q->infra;
	const char *restart = c->q->restart, *old = c->from->hostname, *new = c->pod->hostname;
	int r = c->infra.rec ? share_infra(rec, c) : 0;

	if (new && (!old || strv_env_get(&rec->env, "HOSTNAME"))) {
		AUTO_FREE char *hostname = xstrndup(new, 63);

		set_hostname_env(rec, hostname);
	} else if (old && !new) {
		env_unset(&rec->env, "HOSTNAME");
	}
	if (c->pod->limited)
		set(&rec->pod_limits, c->pod->infra);
	if (q->systemd_tmpfs_size)
		rec->systemd_tmpfs_size = q->systemd_tmpfs_size;
	if (r == 0)
		r = security_opts_make(&c->q->security_opt, rec);
	if (r == 0)
		r = devices_make(q, rec);
	if (r == 0)
		r = mounts_check(rec);
	if (r < 0 || !restart || rec->init_ctr || rec->auto_remove)
		return r;
	return restart_parse(restart, rec);
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
	for (size_t i = 0; i < rec->volumes_from.n; i++)
		rename_id(&rec->volumes_from.v[i], &c->ids);
	rename_id(&rec->holder, &c->ids);
	rename_id(&rec->pod_limits, &c->ids);
	rename_volumes(rec, old->rec, &c->volumes);
	if (c->q->infra.cgroup_parent)
		set(&rec->cgroup_parent,
		    *c->q->infra.cgroup_parent ? c->q->infra.cgroup_parent : NULL);
	return rec->is_infra ? change_infra(rec, c) : change_member(rec, c);
}

/* What was asked for, as a record of an infra container that nobody makes: all of it is checked. */
static int decide(struct store *st, const struct pod_request *q,
		  const struct container_record *infra, struct container_record **ret)
{
	struct container_request c = q->infra;

	if (q->infra_command && (!infra || !*infra->image))
		return err_usage("--infra-command: the pod's holder is no image and executes "
				 "nothing");
	c.is_infra = c.init = true;
	/* Sysctls depend on these; the original's they remain. */
	c.network = infra && strcmp(infra->ns_net, "host") == 0 ? "host" : "none";
	c.hostname = c.gpus = c.cgroup_parent = NULL;
	c.device = (struct strv)STRV_INIT;
	c.limits = (struct limit_request)LIMIT_REQUEST_DEFAULTS;
	c.create_argv = NULL;
	return container_decide(st, &c, ret);
}

static int clone_member(struct store *st, const struct container *old, struct cloning *c)
{
	const struct container_record *rec = old->rec;
	AUTO_FREE char *infra_name = c->q->infra_name ? xstrdup(c->q->infra_name)
						      : xasprintf("%.12s-infra", c->pod->id);
	const struct limit_request *limits = &c->q->infra.limits;
	const struct clone_options o = {.name = rec->is_infra ? infra_name : NULL,
					.limits = rec->is_infra && limits_given(limits) ? limits
											: NULL,
					.change = change,
					.arg = c};
	struct container new;
	int r = container_clone(st, old, &o, &new);

	if (r < 0)
		return err_wrap(r, "clone %s", rec->name);
	if (rec->is_infra) {
		set(&c->pod->infra, new.rec->id);
		c->infra = new;
	} else {
		container_done(&new);
	}
	return 0;
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

static int check(const struct pod_record *from, const struct pod_request *q)
{
	AUTO(record_freep) struct container_record *trial = record_new();
	const char *flag = from->infra ? NULL : pod_needs_infra(q);
	const char *uts = q->infra.uts;
	int r;

	if (flag)
		return err_usage("%s needs an infra container, which the pod does not have", flag);
	r = pod_check_shared(&q->infra, from);
	if (r < 0)
		return r;
	if (uts && !pod_shares(from, "uts"))
		return err_usage("--uts: the pod does not share its UTS namespace");
	if (q->infra.hostname && uts && strcmp(uts, "host") == 0)
		return err_usage("--hostname needs a UTS namespace of its own, not --uts host");
	if (q->infra.hostname && !uts && !from->hostname)
		return err_usage("--hostname: the pod has no UTS namespace of its own");
	if (q->infra.gpus && from->gpus)
		return err_usage("--gpus: the pod gives its containers GPUs already: %s",
				 from->gpus);
	if (q->restart && restart_parse(q->restart, trial) < 0)
		return -CE_USAGE;
	return pod_check_given(q);
}

static char *hostname_of(const struct pod_record *from, const struct pod_request *q,
			 const char *name)
{
	const char *uts = q->infra.uts;

	if (uts ? strcmp(uts, "host") == 0 : !from->hostname)
		return NULL;
	return xstrdup(q->infra.hostname ? q->infra.hostname : name);
}

static int make_record(struct store *st, const struct pod_record *from, const struct pod_request *q,
		       struct pod_record *pod)
{
	const struct container_request *c = &q->infra;
	char id[65];
	int r;

	random_hex(id, 64);
	pod->id = xstrdup(id);
	r = name_of(st, from, q->name, &pod->name);
	if (r == 0)
		r = check(from, q);
	if (r < 0)
		return r;
	pod->created_ns = clock_now_ns();
	pod->limited = from->limited || limits_given(&c->limits);
	pod->own_parents = from->own_parents;
	pod->no_hosts = from->no_hosts;
	pod->no_hostname = from->no_hostname;
	pod->hostname = hostname_of(from, q, pod->name);
	set(&pod->exit_policy, from->exit_policy);
	set(&pod->restart, q->restart ? q->restart : from->restart);
	set(&pod->cgroup_parent, c->cgroup_parent ? c->cgroup_parent : from->cgroup_parent);
	set(&pod->gpus, c->gpus ? c->gpus : from->gpus);
	set(&pod->systemd_tmpfs, from->systemd_tmpfs);
	if (c->systemd_tmpfs_size) {
		free(pod->systemd_tmpfs);
		pod->systemd_tmpfs = xasprintf("%" PRIu64, c->systemd_tmpfs_size);
	}
	strv_add_all(&pod->share, &from->share);
	if (c->pid && !pod_shares(pod, "pid"))
		strv_add(&pod->share, "pid");
	strv_add_all(&pod->labels, &from->labels);
	strv_add_all(&pod->security_opts, &from->security_opts);
	strv_add_all(&pod->security_opts, &q->security_opt);
	strv_add_all(&pod->devices, &from->devices);
	strv_add_all(&pod->devices, &c->device);
	for (size_t i = 0; c->create_argv && c->create_argv[i]; i++)
		strv_add(&pod->create_command, c->create_argv[i]);
	return pod_add_labels(pod, &q->label_file, &q->label);
}

/* With the lock. */
static int make_clone(struct store *st, struct cloning *c)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	int r = pod_members(st, c->from, &m);

	if (r == 0)
		r = decide(st, c->q, m.n && m.v[0].rec->is_infra ? m.v[0].rec : NULL, &c->given);
	if (r == 0)
		r = pod_begin(st, c->pod, false);
	if (r < 0)
		return r;
	/* The infra container comes first, so that the others find its new id. */
	for (size_t i = 0; r == 0 && i < m.n; i++)
		r = clone_member(st, &m.v[i], c);
	return pod_end(st, c->pod, r);
}

int pod_clone(struct store *st, const struct pod_record *from, const struct pod_request *q,
	      struct pod_record *ret)
{
	AUTO(pod_record_done) struct pod_record pod = {0};
	struct cloning c = {.from = from, .pod = &pod, .q = q};
	AUTO_CLOSE int lock = pod_lock(st);
	int r = lock < 0 ? lock : make_record(st, from, q, &pod);

	if (r == 0)
		r = make_clone(st, &c);
	record_free(c.given);
	if (c.infra.rec)
		container_done(&c.infra);
	strv_done(&c.ids);
	strv_done(&c.volumes);
	if (r < 0)
		return r;
	*ret = pod;
	pod = (struct pod_record){0};
	return 0;
}
