/* SPDX-License-Identifier: MIT */
/* Making a container's cgroup. The theory stands in cgroup.h. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/cgroup/scope.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"

#define DEFAULT_SLICE "user.slice"
#define POD_TRIES 16

/* To be without a bound needs no cgroup. */
static bool is_bound(const struct cgroup_limit *l)
{
	return l->flag &&
	       (!l->value || (strcmp(l->value, "max") != 0 && strncmp(l->value, "max ", 4) != 0));
}

static const struct cgroup_limit *first_asked(const struct cgroup_request *q)
{
	for (unsigned i = 0; i < q->n_limits; i++)
		if (is_bound(&q->limits[i]))
			return &q->limits[i];
	for (unsigned i = 0; i < q->n_pod_limits; i++)
		if (is_bound(&q->pod_limits[i]))
			return &q->pod_limits[i];
	return NULL;
}

static enum cgroup_manager choose(const struct cgroup_request *q)
{
	return q->manager == CGROUP_AUTO ? cgroup_manager_here() : q->manager;
}

static bool is_slice(const char *s)
{
	return has_ending(s, ".slice") && !strchr(s, '/');
}

static int check_parent(const struct cgroup_request *q, enum cgroup_manager m)
{
	if (!q->parent)
		return 0;
	if (q->mode != CGROUP_ENABLED && q->mode != CGROUP_NO_CONMON)
		return err_usage("--cgroup-parent '%s': there is no parent to choose with "
				 "--cgroups %s",
				 q->parent, q->mode == CGROUP_SPLIT ? "split" : "disabled");
	if (m == CGROUP_SYSTEMD && !is_slice(q->parent))
		return err_usage("--cgroup-parent '%s': the cgroup manager systemd wants the name "
				 "of a slice, such as work.slice",
				 q->parent);
	if (m == CGROUP_FS && (strstr(q->parent, "..") || is_slice(q->parent)))
		return err_usage("--cgroup-parent '%s': the cgroup manager cgroupfs wants a path "
				 "below %s without '..'",
				 q->parent, CGROUP_ROOT);
	return 0;
}

/* What went wrong, and what an administrator does about it. */
static int mending(int r)
{
	char words[512];

	(void)snprintf(words, sizeof(words), "%s", err_trail());
	return err_new(r, "%s; %s", words, cgroup_mending());
}

int cgroup_check(const struct cgroup_request *q)
{
	const struct cgroup_limit *asked = first_asked(q);
	enum cgroup_manager m = choose(q);
	AUTO_SBUF struct sbuf base = SBUF_INIT;
	int r = check_parent(q, m);

	if (r < 0)
		return r;
	if (q->pod && (q->mode == CGROUP_DISABLED || q->mode == CGROUP_SPLIT))
		return err_usage("--cgroups %s: the limits of its pod would not hold it",
				 q->mode == CGROUP_SPLIT ? "split" : "disabled");
	if (q->mode == CGROUP_DISABLED)
		return asked ? err_usage("%s: a container with --cgroups disabled has no cgroup to "
					 "limit",
					 asked->flag)
			     : 0;
	if (m == CGROUP_NONE) {
		const char *what = asked                     ? asked->flag
				   : q->parent               ? "--cgroup-parent"
				   : q->mode == CGROUP_SPLIT ? "--cgroups split"
							     : NULL;

		if (!what)
			return 0;
		if (q->manager == CGROUP_NONE)
			return err_usage("%s: not with --cgroup-manager none", what);
		return err_new(-CE_HOST_SETUP, "%s: no cgroup can be made here; %s", what,
			       cgroup_mending());
	}
	if (!cgroup_is_v2())
		return err_new(-CE_HOST_SETUP, "--cgroup-manager %s: %s", cgroup_manager_name(m),
			       cgroup_mending());
	if ((m == CGROUP_FS && !(q->path && *q->path == '/')) || q->mode == CGROUP_SPLIT) {
		r = cgroup_base(&base);
		if (r < 0)
			return mending(r);
	}
	return 0;
}

/* --- parts ---------------------------------------------------------------------------------- */

/* Users of the container other than root look into it too, whatever our umask is. */
static int make_dir(const char *dir)
{
	if (mkdir(dir, 0755) < 0)
		return errno == EEXIST ? 0 : err_new(-errno, "make cgroup %s", dir);
	(void)chmod(dir, 0755);
	return 0;
}

static int move_into(const char *dir, pid_t pid)
{
	AUTO_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[16];
	int r;

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	r = fd < 0 ? -errno : cgroup_write(fd, "cgroup.procs", text);
	return r < 0 ? err_new(r, "enter cgroup %s", dir) : 0;
}

/* All controllers that @dir has, for the cgroups below it; what cannot be is seen at the limits. */
static void give_controllers(const char *dir)
{
	AUTO_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char has[256], on[64], *save = NULL;

	if (fd < 0 || cgroup_read(fd, "cgroup.controllers", has, sizeof(has)) < 0)
		return;
	for (char *c = strtok_r(has, " ", &save); c; c = strtok_r(NULL, " ", &save)) {
		(void)snprintf(on, sizeof(on), "+%s", c);
		if (cgroup_write(fd, "cgroup.subtree_control", on) < 0)
			log_debug("cgroup", "%s: cannot give the controller %s on", dir, c);
	}
}

static bool has_controller(int fd, const char *name)
{
	char has[256], *save = NULL;

	if (cgroup_read(fd, "cgroup.controllers", has, sizeof(has)) < 0)
		return false;
	for (char *c = strtok_r(has, " ", &save); c; c = strtok_r(NULL, " ", &save))
		if (strcmp(c, name) == 0)
			return true;
	return false;
}

static int write_limit(int fd, const struct cgroup_limit *l)
{
	int r = cgroup_write(fd, l->file, l->value);

	if (r == -ENOENT && !l->flag)
		return 0;
	if (r == -ENOENT && strncmp(l->file, "hugetlb.", 8) == 0 && has_controller(fd, "hugetlb"))
		return err_new(-CE_HOST_SETUP,
			       "%s: no file %s: this kernel has no huge pages of that size",
			       l->flag, l->file);
	if (r == -ENOENT)
		return err_new(-CE_HOST_SETUP,
			       "%s: this container's cgroup has no file %s: the controller is not "
			       "delegated to this user; %s",
			       l->flag, l->file, cgroup_mending_of(l->file));
	if (r < 0)
		return err_new(r, "%s: write '%s' to %s", l->flag ? l->flag : "default limit",
			       l->value, l->file);
	return 0;
}

int cgroup_limit_all(const char *dir, const struct cgroup_limit *limits, unsigned n)
{
	AUTO_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? err_new(-errno, "open cgroup %s", dir) : 0;

	for (unsigned i = 0; r == 0 && i < n; i++)
		r = write_limit(fd, &limits[i]);
	return r;
}

/* A new one each time: counters and limits of an earlier run are not this one's. */
static int make_container(const struct cgroup_request *q, const char *dir)
{
	int r = cgroup_remove(dir);

	if (r < 0)
		return err_new(r, "remove the old cgroup %s", dir);
	r = make_dir(dir);
	if (r == 0)
		r = cgroup_limit_all(dir, q->limits, q->n_limits);
	if (r < 0)
		(void)cgroup_remove(dir);
	return r;
}

/* The cgroup of a pod, and in it that of a container. The last one that ended may take it away under us. */
static int make_in_pod(const struct cgroup_request *q, const char *pod, struct sbuf *ret_dir)
{
	int r = -ENOENT;

	sbuf_reset(ret_dir);
	sbuf_addf(ret_dir, "%s/cuddy-%s", pod, q->id);
	for (unsigned i = 0; i < POD_TRIES && (r == -ENOENT || r == -ENODEV); i++) {
		r = make_dir(pod);
		if (r == 0)
			r = cgroup_limit_all(pod, q->pod_limits, q->n_pod_limits);
		if (r == 0) {
			give_controllers(pod);
			r = make_container(q, ret_dir->s);
		}
	}
	if (r < 0)
		(void)rmdir(pod);
	return r;
}

/* --- the managers --------------------------------------------------------------------------- */

/* @top becomes "supervisor" with @monitor and "container". */
static int divide(const struct cgroup_request *q, const char *top, pid_t monitor,
		  struct sbuf *ret_dir)
{
	AUTO_FREE char *supervisor = path_join(top, "supervisor");
	int r = make_dir(supervisor);

	if (r == 0 && monitor)
		r = move_into(supervisor, monitor);
	if (r < 0)
		return r;
	give_controllers(top);
	sbuf_reset(ret_dir);
	sbuf_addf(ret_dir, "%s/container", top);
	return make_container(q, ret_dir->s);
}

/* A scope needs a process at its birth; with no-conmon it is this one, until pid 1 is there. */
static int stand_in(struct cgroup_made *made, pid_t *ret)
{
	*ret = clone_fork(0, &made->stand_in_pidfd);
	if (*ret == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	return *ret < 0 ? (int)*ret : 0;
}

/* @dir without "/supervisor" at its end; false: it was not there. */
static bool above_supervisor(struct sbuf *dir)
{
	size_t tail = strlen("/supervisor");

	if (dir->len <= tail || strcmp(dir->s + dir->len - tail, "/supervisor") != 0)
		return false;
	dir->len -= tail;
	dir->s[dir->len] = '\0';
	return true;
}

static int divide_for_pod(const struct cgroup_request *q, struct sbuf *top, pid_t first,
			  struct sbuf *ret_dir)
{
	bool joined = above_supervisor(top);
	AUTO_FREE char *supervisor = path_join(top->s, "supervisor"),
		       *pod = path_join(top->s, "pod");
	int r = joined ? 0 : make_dir(supervisor);

	if (r == 0 && !joined)
		r = move_into(supervisor, first);
	if (r < 0)
		return r;
	give_controllers(top->s);
	return make_in_pod(q, pod, ret_dir);
}

static int place_systemd(const struct cgroup_request *q, pid_t monitor, struct cgroup_made *made)
{
	AUTO_SBUF struct sbuf top = SBUF_INIT;
	pid_t first = monitor;
	int r = q->mode == CGROUP_NO_CONMON ? stand_in(made, &first) : 0;

	if (r == 0)
		r = q->pod ? scope_join(q->pod, q->parent ? q->parent : DEFAULT_SLICE, first,
					q->stop_timeout_s)
			   : scope_start(q->id, q->scope, q->parent ? q->parent : DEFAULT_SLICE,
					 first, q->stop_timeout_s);
	if (r == 0)
		r = cgroup_of(first, &top);
	if (r < 0)
		return r;
	return q->pod ? divide_for_pod(q, &top, first, &made->dir)
		      : divide(q, top.s, first, &made->dir);
}

/* Parents that are not there yet are made, and give on what they get. */
static int make_parents(const char *dir)
{
	AUTO_FREE char *path = xstrdup(dir);
	int r = 0;

	for (char *p = path + strlen(CGROUP_ROOT) + 1; r == 0; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (access(path, F_OK) < 0)
			r = make_dir(path);
		if (r == 0)
			give_controllers(path);
		*p = c;
		if (!c)
			break;
	}
	return r;
}

/* One that somebody else named is not ours to empty. */
static int make_named(const struct cgroup_request *q, const char *dir)
{
	bool made = mkdir(dir, 0755) == 0;
	AUTO_CLOSE int fd = made || errno == EEXIST ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)
						    : -EBADF;
	uint64_t populated = 0;
	int r;

	if (fd < 0)
		return err_new(-errno, "make cgroup %s", dir);
	if (!made && (cgroup_key(fd, "cgroup.events", "populated", &populated) < 0 || populated))
		return err_new(-EBUSY, "cgroup %s: there are processes in it", dir);
	r = cgroup_limit_all(dir, q->limits, q->n_limits);
	if (r < 0 && made)
		(void)rmdir(dir);
	return r;
}

static int place_named(const struct cgroup_request *q, const char *base, struct sbuf *ret_dir)
{
	AUTO_FREE char *dir = NULL, *above = NULL;
	int r;

	dir = xasprintf("%s/%s", *q->path == '/' ? CGROUP_ROOT : base,
			q->path + strspn(q->path, "/"));
	above = xstrndup(dir, (size_t)(strrchr(dir, '/') - dir));
	r = make_parents(above);
	if (r == 0)
		r = make_named(q, dir);
	if (r == 0)
		sbuf_adds(ret_dir, dir);
	return r;
}

static int place_fs(const struct cgroup_request *q, struct cgroup_made *made)
{
	AUTO_SBUF struct sbuf base = SBUF_INIT;
	int r = q->path && *q->path == '/' ? 0 : cgroup_base(&base);

	if (r < 0)
		return r;
	if (q->path)
		return place_named(q, base.s, &made->dir);
	if (q->parent) {
		if (*q->parent == '/') {
			sbuf_reset(&base);
			sbuf_adds(&base, CGROUP_ROOT);
		}
		sbuf_addf(&base, "/%s", q->parent + strspn(q->parent, "/"));
		sbuf_trim_end(&base, "/");
		r = make_parents(base.s);
	} else {
		give_controllers(base.s);
	}
	if (r < 0)
		return r;
	if (q->pod) {
		sbuf_addf(&base, "/" CGROUP_POD_PREFIX "%s", q->pod);
		return make_in_pod(q, base.s, &made->dir);
	}
	sbuf_addf(&made->dir, "%s/cuddy-%s", base.s, q->id);
	return make_container(q, made->dir.s);
}

/* Everybody in our cgroup, ourselves too, becomes the supervisor's: else it could not be divided. */
static int place_split(const struct cgroup_request *q, pid_t monitor, struct cgroup_made *made)
{
	AUTO_SBUF struct sbuf own = SBUF_INIT, procs = SBUF_INIT;
	AUTO_FREE char *supervisor = NULL, *list = NULL;
	char *save = NULL;
	int r = cgroup_of(0, &own);

	if (r < 0)
		return r;
	/* The unit was divided before, by the last start of its container. */
	if (above_supervisor(&own))
		return divide(q, own.s, monitor, &made->dir);
	supervisor = path_join(own.s, "supervisor");
	list = path_join(own.s, "cgroup.procs");
	r = make_dir(supervisor);
	if (r == 0)
		r = file_read_at(AT_FDCWD, list, 1 << 20, &procs);
	for (char *p = r < 0 ? NULL : strtok_r(procs.s, "\n", &save); p && r == 0;
	     p = strtok_r(NULL, "\n", &save)) {
		uint32_t pid;

		if (parse_u32(p, INT32_MAX, &pid) == 0)
			r = move_into(supervisor, (pid_t)pid);
		r = err_forgive(r, -ESRCH); /* it ended meanwhile */
	}
	return r < 0 ? r : divide(q, own.s, monitor, &made->dir);
}

static int place(const struct cgroup_request *q, enum cgroup_manager m, pid_t monitor,
		 struct cgroup_made *made)
{
	if (q->mode == CGROUP_SPLIT)
		return place_split(q, monitor, made);
	return m == CGROUP_SYSTEMD ? place_systemd(q, monitor, made) : place_fs(q, made);
}

/* Neither systemd (@r, @words) nor a directory of ours: what is told is why systemd did not, which would have. */
static int neither(const struct cgroup_request *q, int r, const char *words)
{
	const struct cgroup_limit *asked = first_asked(q);
	AUTO_FREE char *why = NULL;
	int bus = asked ? cgroup_bus_check() : 0;

	if (bus >= 0)
		return err_set(r, words);
	why = xstrdup(err_message(bus));
	return err_new(-CE_HOST_SETUP,
		       "%s: no cgroup can be made here: %s; mend it as root: apt-get install "
		       "dbus-user-session, then log in by ssh or machinectl shell (su and sudo "
		       "make no session)",
		       asked->flag, why);
}

int cgroup_make(const struct cgroup_request *q, pid_t monitor, struct cgroup_made *made)
{
	AUTO_SBUF struct sbuf base = SBUF_INIT;
	bool needed = q->manager != CGROUP_AUTO || q->parent || q->mode == CGROUP_SPLIT ||
		      first_asked(q);
	enum cgroup_manager m = choose(q);
	int r;

	*made = CGROUP_MADE_INIT;
	if (q->mode == CGROUP_DISABLED || m == CGROUP_NONE)
		return needed && q->mode != CGROUP_DISABLED && q->manager != CGROUP_NONE
			       ? cgroup_check(q)
			       : 0;
	r = place(q, m, monitor, made);
	if (r < 0 && m == CGROUP_SYSTEMD && q->manager == CGROUP_AUTO && !q->parent) {
		/* Nobody asked for this manager: a bus without systemd behind it is no reason to fail. */
		AUTO_FREE char *words = xstrdup(err_trail());
		int first = r;

		log_debug("cgroup", "%s", err_message(r));
		cgroup_made_done(made);
		r = place(q, CGROUP_FS, monitor, made);
		if (r < 0 && needed && cgroup_base(&base) < 0) {
			err_drop();
			r = neither(q, first, words);
		}
	}
	if (r < 0) {
		cgroup_made_done(made);
		if (!needed) {
			log_debug("cgroup", "%s", err_message(r));
			err_drop();
			r = 0;
		}
	}
	return r;
}

void cgroup_made_done(struct cgroup_made *made)
{
	int status;

	if (made->stand_in_pidfd >= 0) {
		(void)syscall(SYS_pidfd_send_signal, made->stand_in_pidfd, SIGKILL, NULL,
			      0U); /* raw: the trail is kept */
		(void)pidfd_wait(made->stand_in_pidfd, -1, &status);
	}
	closep(&made->stand_in_pidfd);
	sbuf_done(&made->dir);
}

int cgroup_enter(const char *dir, pid_t pid)
{
	AUTO_SBUF struct sbuf from = SBUF_INIT;
	int r = cgroup_of(pid, &from);

	if (r < 0)
		return r;
	return cgroup_may_move(from.s, dir) ? move_into(dir, pid) : scope_attach(dir, pid);
}
