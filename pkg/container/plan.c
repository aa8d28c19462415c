/* SPDX-License-Identifier: MIT */
#include "pkg/container/plan.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/conmon/client.h"
#include "pkg/container/copied_root.h"
#include "pkg/container/events.h"
#include "pkg/container/make.h"
#include "pkg/container/notify.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"
#include "storage/layer.h"
#include "storage/secret.h"
#include "storage/store.h"

void plan_done(struct container_plan *p)
{
	for (unsigned i = 0; p->port_fds && i < p->ports.n; i++)
		closep(&p->port_fds[i]);
	free(p->port_fds);
	closep(&p->mon.health.fd);
	closep(&p->mon.startup.fd);
	net_port_list_done(&p->ports);
	strv_done(&p->lower);
	strv_done(&p->masked);
	strv_done(&p->read_only);
	strv_done(&p->volumes);
	strv_done(&p->keep);
	strv_done(&p->pod_volumes);
	strv_done(&p->argv);
	strv_done(&p->env);
	strv_done(&p->runtime_flags);
	free(p->mounts);
	free(p->devices);
	free(p->uid_map);
	free(p->gid_map);
	free(p->rlimits);
	free(p->hooks);
	hook_set_done(&p->hook_set);
	for (unsigned i = 0; i < p->n_secrets; i++)
		secret_wipe(&p->secret_data[i]);
	free(p->secret_data);
	free(p->secrets);
	sbuf_done(&p->seccomp);
	*p = (struct container_plan)CONTAINER_PLAN_INIT;
}

char *plan_keep(struct container_plan *p, char *s)
{
	strv_take(&p->keep, s);
	return s;
}

char *plan_hostname(const struct container_record *r)
{
	return r->hostname ? xstrdup(r->hostname) : xstrndup(r->id, 12);
}

/* Images bring their stack along; one that was dropped since is made again, in B, where its ids are ours. */
static void make_stack_in_base(const struct plan_input *in)
{
	AUTO_CLOSE int pidfd = -EBADF;
	int status, r = clone_fork(0, &pidfd);

	if (r == 0) {
		r = base_enter(store_runtime_fd(in->store), in->grant);
		if (r == 0)
			r = layer_stack_make(in->store, &in->record->layers);
		_exit(r < 0);
	}
	/* What went wrong will go wrong for the caller too, who can say it. */
	if (r < 0 || pidfd_wait(pidfd, -1, &status) < 0)
		err_drop();
}

static const enum rt_root_driver root_drivers[] = {
	[STORE_OVERLAY] = RT_ROOT_OVERLAY,
	[STORE_FUSE_OVERLAY] = RT_ROOT_FUSE_OVERLAY,
};

/* The copy has the container's owners: it is made of layers that have them. */
static int plan_copied_root(const struct plan_input *in, struct container_plan *p)
{
	int r = 0;

	if (!in->dry && !copied_root_is_made(in->dirs->data_fd)) {
		AUTO_STRV struct strv dirs = STRV_INIT;

		r = layer_stack(in->store, &in->record->layers, &dirs);
		if (r == 0)
			r = plan_own_layers(in, p, &dirs);
		if (r == 0)
			r = copied_root_make(in, &dirs);
	}
	if (r < 0)
		return r;
	strv_take(&p->lower, path_join(in->dirs->data_path, "root"));
	p->rt.root = (struct rt_root){
		.driver = RT_ROOT_DIR,
		.lower = (const char *const *)p->lower.v,
		.n_lower = 1,
		.read_only = in->record->read_only,
	};
	return 0;
}

/* The user's own directory, as it is: its files keep their owners, whatever the maps. */
static int plan_directory(const struct plan_input *in, struct container_plan *p)
{
	strv_add(&p->lower, in->record->rootfs);
	p->rt.root = (struct rt_root){
		.driver = RT_ROOT_DIR,
		.lower = (const char *const *)p->lower.v,
		.n_lower = 1,
		.read_only = in->record->read_only,
	};
	return plan_ids(in, p);
}

static int plan_lower(const struct plan_input *in, struct container_plan *p)
{
	int r = 0;

	/* Nobody copies what is the user's; only the placeholder layer may need other owners. */
	if (in->record->rootfs) {
		strv_add(&p->lower, in->record->rootfs);
		return in->bare ? 0 : layer_stack(in->store, &in->record->layers, &p->lower);
	}
	r = in->bare ? layer_stack_bare(in->store, &in->record->layers, &p->lower)
		     : layer_stack(in->store, &in->record->layers, &p->lower);
	return r < 0 ? r : plan_own_layers(in, p, &p->lower);
}

int plan_root(const struct plan_input *in, struct container_plan *p)
{
	enum store_driver driver = store_driver(in->store);
	const char *program = NULL;
	int r;

	if (in->record->rootfs && !in->record->rootfs_overlay)
		return plan_directory(in, p);
	if (in->record->rootfs && driver == STORE_VFS)
		return err_new(-CE_UNSUPPORTED,
			       "--rootfs %s:O: this store has no overlays (driver vfs)",
			       in->record->rootfs);
	r = driver == STORE_FUSE_OVERLAY ? driver_fuse_program(&program) : 0;
	if (r < 0)
		return err_wrap(r, "the storage driver fuse-overlayfs");
	if (!in->dry && !layer_stack_is_made(in->store, &in->record->layers))
		make_stack_in_base(in);
	r = plan_ids(in, p);
	if (r == 0 && driver == STORE_VFS)
		return plan_copied_root(in, p);
	if (r == 0)
		r = plan_lower(in, p);
	if (r < 0)
		return r;
	p->rt.root = (struct rt_root){
		.driver = root_drivers[driver],
		.fuse_program = program,
		.lower = (const char *const *)p->lower.v,
		.n_lower = (unsigned)p->lower.n,
		.upper = plan_keep(p, path_join(in->dirs->data_path, "upper")),
		.work = plan_keep(p, path_join(in->dirs->data_path, "work")),
		.read_only = in->record->read_only,
		.is_volatile = in->record->auto_remove,
		.fresh_mode = CONTAINER_UPPER_FRESH,
	};
	return 0;
}

void plan_hostname_env(const struct container_record *rec, struct strv *env)
{
	AUTO_FREE char *h = plan_hostname(rec);

	if (!strv_env_get(env, "HOSTNAME") && strcmp(rec->ns_uts, "private") == 0)
		strv_addf(env, "HOSTNAME=%s", h);
}

static int plan_rlimits(const struct container_record *rec, struct container_plan *p)
{
	p->rlimits = xcalloc(RLIM_NLIMITS, sizeof(*p->rlimits));
	p->rt.process.rlimits = p->rlimits;
	return container_rlimits(rec, true, p->rlimits, &p->rt.process.n_rlimits);
}

int plan_process(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	struct rt_process *proc = &p->rt.process;
	bool keep_groups = strv_has(&rec->group_add, "keep-groups");
	uint32_t mask = 0022;
	int r;

	if (rec->init_path) {
		strv_add(&p->argv, PLAN_INIT);
		strv_add(&p->argv, "--");
	}
	strv_add_all(&p->argv, &rec->entrypoint);
	strv_add_all(&p->argv, &rec->cmd);
	strv_add_all(&p->env, &rec->env);
	if (in->notifies)
		strv_env_set(&p->env, "NOTIFY_SOCKET=" NOTIFY_PLACE "/" CONMON_NOTIFY_SOCKET);
	if (in->notifies && in->watchdog) {
		AUTO_FREE char *usec = xasprintf("WATCHDOG_USEC=%s", in->watchdog);

		strv_env_set(&p->env, usec);
	}
	r = plan_secrets(in, p);
	if (r < 0)
		return r;
	if (rec->systemd)
		plan_systemd_env(rec, p);
	plan_hostname_env(rec, &p->env);
	if (rec->umask)
		(void)parse_octal(rec->umask, 0777, &mask);
	*proc = (struct rt_process){
		.argv = (const char *const *)p->argv.v,
		.envp = (const char *const *)p->env.v,
		.cwd = rec->workdir,
		.make_cwd = true,
		.user = rec->user,
		.groups = keep_groups ? NULL : (const char *const *)rec->group_add.v,
		.keep_groups = keep_groups,
		.umask = mask,
		.terminal = rec->tty,
		.no_new_privs = rec->no_new_privs,
		.privileged = rec->privileged,
		.caps = rec->caps,
		.caps_added = rec->caps_added,
		.has_oom_score_adj = rec->has_oom_score_adj,
		.oom_score_adj = (int32_t)rec->oom_score_adj,
		.linux32 = rec->linux32,
		.apparmor = rec->apparmor,
		.keep_keyring = rec->keep_keyring,
	};
	plan_accounts(in, p);
	r = plan_security(rec, false, proc, &p->seccomp);
	return r < 0 ? r : plan_rlimits(rec, p);
}

static int plan_monitor(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	struct sbuf body = SBUF_INIT;
	struct conmon_config *m = &p->mon;
	int r = conmon_detach_keys(rec->detach_keys ? rec->detach_keys : "ctrl-p,ctrl-q",
				   p->detach_keys);

	if (r < 0)
		return r;
	event_body(rec, &body);
	*m = (struct conmon_config){
		.id = rec->id,
		.name = rec->name,
		.event_body = plan_keep(p, sbuf_steal(&body)),
		.state_dir = in->dirs->runtime_path,
		.data_dir = in->dirs->data_path,
		.terminal = rec->tty,
		.keep_stdin = rec->interactive,
		.detach_keys = p->detach_keys,
		.stop_signal = (int)rec->stop_signal,
		.stop_timeout_s = rec->stop_timeout < 0 ? UINT32_MAX : (uint32_t)rec->stop_timeout,
		.timeout_s = (uint32_t)rec->timeout,
		.health.fd = -EBADF,
		.startup.fd = -EBADF,
		.restart = restart_policy(rec),
		.restart_max = (uint32_t)rec->restart_max,
		.ends_with_members = rec->ends_with_members,
		.auto_remove = rec->auto_remove,
		.runtime_dir_fd = store_runtime_fd(in->store),
		.lock_fd = -EBADF,
		.control_fd = -EBADF,
	};
	if (rec->auto_remove) {
		r = in->dry ? 0
			    : store_fd(in->store,
				       STORE_TRASH); /* made: the monitor only opens it */
		if (r < 0)
			return r;
		for (unsigned i = 0; i < rec->n_mounts; i++)
			if (rec->mounts[i].anonymous)
				strv_take(&p->volumes, store_path(in->store, STORE_VOLUMES,
								  rec->mounts[i].source));
		m->anonymous_volumes = (const char *const *)p->volumes.v;
		m->trash_dir = plan_keep(p, store_path(in->store, STORE_TRASH, ""));
		m->name_link = plan_keep(p, store_path(in->store, STORE_NAMES, rec->name));
	}
	if (rec->remove_image) {
		char *self = NULL;

		r = paths_self(&self);
		if (r < 0)
			return r;
		m->engine = plan_keep(p, self);
		m->engine_root = store_root(in->store);
		m->engine_runroot = store_runroot(in->store);
	}
	return plan_log(in, p, m);
}

int plan_make(const struct plan_input *in, struct container_plan *p)
{
	int r;

	*p = (struct container_plan){.mon.health.fd = -EBADF,
				     .mon.startup.fd = -EBADF,
				     .rt.id = in->record->id,
				     .rt.init = in->record->init && !in->record->init_path,
				     .seccomp = SBUF_INIT};
	r = plan_root(in, p);
	if (r == 0)
		r = plan_namespaces(in, p);
	if (r == 0)
		r = plan_network(in, p);
	if (r == 0)
		r = plan_mounts(in, p);
	if (r == 0)
		r = plan_own(in, p);
	if (r == 0)
		r = plan_process(in, p);
	if (r == 0)
		r = plan_hooks(in, p);
	if (r == 0)
		r = plan_monitor(in, p);
	if (r == 0)
		r = plan_health(in->record, p);
	if (r < 0)
		return r;
	/* Hooks are told of a process. */
	p->rt.pin = in->record->pins && p->rt.n_hooks == 0;
	p->rt.mounts = p->mounts;
	p->rt.n_mounts = p->n_mounts;
	p->rt.masked = (const char *const *)p->masked.v;
	p->rt.read_only = (const char *const *)p->read_only.v;
	p->rt.sysctls = (const char *const *)in->record->sysctls.v;
	return 0;
}
