/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/config/paths.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/container.h"
#include "pkg/container/keep_fds.h"
#include "pkg/container/notify.h"
#include "pkg/container/networks.h"
#include "pkg/container/plan.h"
#include "pkg/container/runtime.h"
#include "pkg/sys/lock.h"
#include "storage/store.h"
#include "storage/volume.h"

#define REQUIRES_DEPTH_MAX 32

/* The caller's terminal is never given to a payload; the monitor gets what the caller asked to see. */
static int open_stdio(const struct start_options *o, int stdio[3], int *null_fd)
{
	bool use[3] = {o->attach_stdin, o->attach_stdout, o->attach_stderr};

	*null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (*null_fd < 0)
		return err_new(-errno, "open /dev/null");
	for (int i = 0; i < 3; i++)
		stdio[i] = o->foreground && use[i] ? i : *null_fd;
	return 0;
}

/* Volumes that this start filled or gave an owner are left alone from now on. */
static void note_used_volumes(struct store *st, const struct container_record *rec)
{
	for (unsigned i = 0; i < rec->n_mounts; i++) {
		const struct mount_spec *m = &rec->mounts[i];
		AUTO(volume_record_done) struct volume_record v = {0};
		bool filled;
		int r;

		if (m->kind != MOUNT_VOLUME || m->overlay || m->subpath)
			continue;
		r = volume_load(st, m->source, &v);
		/* A tmpfs is empty again at the next start. */
		filled = r == 0 && v.needs_copy_up && !m->no_copy &&
			 !strv_env_get(&v.options, "type");
		if (r == 0 && (filled || v.needs_chown)) {
			v.needs_copy_up = v.needs_copy_up && !filled;
			v.needs_chown = false;
			r = volume_save(st, &v);
		}
		/* A short --rm run has taken its volumes along by now. */
		if (r < 0 && !(m->anonymous && rec->auto_remove))
			log_warn("volume %s: %s", m->source, err_trail());
		err_drop();
	}
}

/* With the limits of its pod, when that has any. */
static int pod_cgroup(struct store *st, const struct container_record *rec,
		      struct cgroup_start *ret)
{
	struct container infra;
	int r;

	if (!rec->pod_limits)
		return cgroup_start_init(rec, NULL, ret);
	r = container_open_id(st, rec->pod_limits, &infra);
	if (r < 0)
		return err_wrap(r, "the pod's infra container");
	r = cgroup_start_init(rec, infra.rec, ret);
	container_done(&infra);
	return r;
}

/* --log-opt path= of a directory: the container has its own in it. */
static int make_log_dir(const struct container_record *rec, const char *path)
{
	AUTO_FREE char *dir = NULL;

	if (!rec->log_path || !path || strcmp(path, rec->log_path) == 0)
		return 0;
	dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return 0;
	return err_new(-errno, "--log-opt path=%s: make %s", rec->log_path, dir);
}

static int launch(const struct plan_input *in, struct container *c, const struct start_options *o,
		  int base_ns, struct container_plan *p, struct conmon_started *m)
{
	AUTO_CLOSE int lock = -EBADF, null_fd = -EBADF;
	AUTO_FREE char *program = NULL;
	struct cgroup_start cgroup;
	int stdio[3], r;

	r = paths_helper("cuddy-conmon", &program);
	if (r == 0)
		r = open_stdio(o, stdio, &null_fd);
	if (r == 0 && p->mon.log_driver != CONMON_LOG_JOURNALD)
		r = make_log_dir(c->rec, p->mon.log_path);
	if (r < 0)
		return r;
	lock = container_monitor_lock(c, NULL);
	if (lock < 0)
		return lock;
	/* What the last run left must not be taken for this one's, nor be recorded any more. */
	(void)flock(c->dirs.data_fd, LOCK_EX);
	if ((unlinkat(c->dirs.data_fd, "exit", 0) < 0 && errno != ENOENT) ||
	    (unlinkat(c->dirs.data_fd, "started", 0) < 0 && errno != ENOENT) ||
	    (unlinkat(c->dirs.runtime_fd, "state", 0) < 0 && errno != ENOENT) ||
	    (unlinkat(c->dirs.runtime_fd, "health", 0) < 0 && errno != ENOENT))
		return err_new(-errno, "remove the last exit status");
	(void)flock(c->dirs.data_fd, LOCK_UN);
	p->mon.lock_fd = lock;
	p->mon.foreground = o->foreground;
	p->mon.hold = o->hold;
	if (o->detach_keys)
		p->mon.detach_keys = o->detach_keys;
	p->mon.stdin_once = o->foreground && o->attach_stdin;
	p->mon.no_stdout = o->foreground && !o->attach_stdout;
	p->mon.no_stderr = o->foreground && !o->attach_stderr;
	p->rt.process.rows = o->rows;
	p->rt.process.cols = o->cols;
	if (o->keep)
		keep_fds_plan(o->keep, p);
	r = plan_runtime(in, p);
	if (r < 0)
		return r;
	log_debug("container", "start monitor of %.12s", c->rec->id);
	r = pod_cgroup(in->store, c->rec, &cgroup);
	if (r < 0)
		return r;
	/* A service manager listens to, and takes for the main process, only who stays in its unit. */
	if (p->mon.notify != CONMON_NOTIFY_NONE && !c->rec->cgroups)
		cgroup.request.mode = CGROUP_NO_CONMON;
	/* Nobody would be in it. */
	if (p->rt.pin && cgroup.request.mode == CGROUP_NO_CONMON)
		cgroup.wanted = false;
	p->mon.await_cgroup = cgroup.wanted;
	r = conmon_start(program, base_ns, &p->rt, &p->mon, stdio, p->port_fds,
			 cgroup.wanted ? &cgroup.place : NULL, m);
	cgroup_start_done(&cgroup);
	if (r == 0)
		note_used_volumes(in->store, c->rec);
	return r;
}

/* One that was just created has none. */
static int with_runtime_dir(struct store *st, struct container *c)
{
	if (c->dirs.runtime_fd >= 0)
		return 0;
	container_dirs_done(&c->dirs);
	return container_store_open(st, c->rec->id, &c->dirs);
}

static int write_pid(const char *flag, const char *path, pid_t pid)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);
	char text[16];
	int r;

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	r = fd < 0 ? -errno : write_full(fd, text, strlen(text));
	return r < 0 ? err_new(r, "%s %s", flag, path) : 0;
}

static int write_pidfiles(struct container *c)
{
	const struct container_record *rec = c->rec;
	int r;

	if (!rec->pidfile && !rec->conmon_pidfile)
		return 0;
	r = conmon_state_read(c->dirs.runtime_fd, c->dirs.data_fd, &c->state);
	if (r == 0 && rec->pidfile && c->state.init.pid)
		r = write_pid("--pidfile", rec->pidfile, c->state.init.pid);
	if (r == 0 && rec->conmon_pidfile)
		r = write_pid("--conmon-pidfile", rec->conmon_pidfile, c->state.monitor.pid);
	return r;
}

int container_member(struct store *st, const char *holder)
{
	AUTO(container_dirs_done)
	struct container_dirs d = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	int r = container_store_open(st, holder, &d);

	if (r == 0)
		r = conmon_member(d.runtime_fd);
	return r < 0 ? err_wrap(r, "the pod's infra container %.12s", holder) : r;
}

/* Built before; now it goes on. */
static int begin(struct container *c)
{
	int r = conmon_begin(c->dirs.runtime_fd);

	if (r == -ESRCH)
		return err_new(-CE_BAD_STATE, "it ended or was started meanwhile");
	return r < 0 ? r : write_pidfiles(c);
}

static int start_one(struct store *st, struct container *c, const struct start_options *o,
		     struct conmon_started *ret_started)
{
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id);
	AUTO_CLOSE int base_ns = -EBADF, pod_fd = -EBADF;
	AUTO(base_grant_done) struct base_grant grant = {0};
	AUTO(plan_done) struct container_plan p = CONTAINER_PLAN_INIT;
	struct plan_input in = {.store = st, .record = c->rec, .dirs = &c->dirs, .grant = &grant};
	AUTO(notify_done) struct notify notify = {.fd = -EBADF};
	struct conmon_started m = {.pidfd = -EBADF, .control_fd = -EBADF};
	int r = lock < 0 ? lock : with_runtime_dir(st, c);

	if (r == 0)
		r = conmon_state_read(c->dirs.runtime_fd, c->dirs.data_fd, &c->state);
	if (r == 0 && c->state.status == CONMON_INITIALIZED && !o->hold)
		return begin(c);
	if (r == 0 && container_is_running(c))
		r = err_new(-CE_BAD_STATE, c->state.status == CONMON_INITIALIZED
						   ? "it is initialized already"
						   : "it already runs");
	if (r == 0 && o->hold && c->rec->runtime)
		r = err_new(-CE_UNSUPPORTED,
			    "a container of another OCI runtime (%s) is made when "
			    "it starts: to initialize it is",
			    c->rec->runtime_name);
	if (r == 0)
		r = base_grant_load(&grant);
	if (r == 0) {
		base_ns = base_open_held(store_runtime_fd(st), &grant, &in.single_id);
		r = base_ns < 0 ? base_ns : 0;
	}
	if (r == 0)
		r = notify_begin(c, &notify);
	in.notifies = notify.who == CONMON_NOTIFY_CONTAINER;
	in.watchdog = notify_watchdog();
	if (r == 0)
		r = plan_make(&in, &p);
	p.mon.notify = notify_monitor(&notify, o->foreground);
	p.mon.notify_fd = notify.fd;
	if (r == 0)
		r = plan_write_files(&in, &p);
	if (r == 0 && c->rec->holder) {
		r = pod_fd = container_member(st, c->rec->holder);
		p.mon.pod_fd = pod_fd < 0 ? 0 : pod_fd;
	}
	if (r >= 0)
		r = launch(&in, c, o, base_ns, &p, &m);
	base_release(store_runtime_fd(st));
	if (r < 0)
		return r;
	notify_started(&notify, o->foreground);
	networks_warn(c);
	r = write_pidfiles(c);
	if (r < 0)
		log_warn("%s: %s", err_trail(), err_text(r));
	err_drop();
	if (ret_started) {
		*ret_started = m;
	} else {
		closep(&m.pidfd);
		closep(&m.control_fd);
	}
	return 0;
}

/* --requires: what this one cannot be without runs first; started, not waited for. */
static int start_required(struct store *st, const struct container *c, unsigned depth)
{
	const struct start_options o = {.foreground = false};

	if (depth > REQUIRES_DEPTH_MAX)
		return err_new(-CE_LIMIT, "containers require each other more than %d deep",
			       REQUIRES_DEPTH_MAX);
	for (size_t i = 0; i < c->rec->requires.n; i++) {
		struct container other;
		int r = container_open_id(st, c->rec->requires.v[i], &other);

		if (r < 0)
			return err_wrap(r, "a container that is required");
		r = container_is_running(&other) ? 0 : start_required(st, &other, depth + 1);
		if (r == 0 && !container_is_running(&other))
			r = start_one(st, &other, &o, NULL);
		if (r == -CE_BAD_STATE && container_is_running(&other)) {
			err_drop(); /* somebody else was faster */
			r = 0;
		}
		if (r < 0)
			r = err_wrap(r, "start %s, which is required", other.rec->name);
		container_done(&other);
		if (r < 0)
			return r;
	}
	return 0;
}

int container_start(struct store *st, struct container *c, const struct start_options *o,
		    struct conmon_started *ret_started)
{
	int r = c->rec->requires.n ? start_required(st, c, 0) : 0;

	return r < 0 ? r : start_one(st, c, o, ret_started);
}
