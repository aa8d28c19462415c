/* SPDX-License-Identifier: MIT */
/* "kill", "delete", "pause", "resume", "update" and "ps" of the runtime role. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/bundle/state.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/names.h"
#include "pkg/sys/rmtree.h"

#define FREEZE_MS 10000
#define KILL_NS (10 * NS_PER_S)

/* --- who belongs to it ------------------------------------------------------------------------ */

struct pids {
	pid_t *v;
	unsigned n;
};

static void add(struct pids *p, pid_t pid)
{
	if ((p->n & (p->n - 1)) == 0)
		p->v = xreallocarray(p->v, p->n ? 2 * (size_t)p->n : 1, sizeof(*p->v));
	p->v[p->n++] = pid;
}

static int of_cgroup(const char *cgroup, struct pids *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_FREE char *path = xasprintf("%s/cgroup.procs", cgroup);
	char *save = NULL;
	int r = file_read_at(AT_FDCWD, path, 8U << 20, &text);

	for (char *p = r < 0 ? NULL : strtok_r(text.s, "\n", &save); p;
	     p = strtok_r(NULL, "\n", &save)) {
		uint32_t pid;

		if (parse_u32(p, INT32_MAX, &pid) == 0 && pid)
			add(ret, (pid_t)pid);
	}
	return r;
}

static ino_t pid_namespace(int proc, const char *pid)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/ns/pid", pid);
	return fstatat(proc, path, &st, 0) < 0 ? 0 : st.st_ino;
}

/* Without a cgroup: all that live in its pid namespace, when that is its own. */
static int of_namespace(const struct oci_container *c, struct pids *ret)
{
	AUTO_CLOSE int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *init = xasprintf("%d", (int)c->init.pid);
	bool own = false;
	ino_t ns;
	int r;

	if (proc < 0)
		return err_new(-errno, "open /proc");
	r = json_get_bool(c->doc, "ownPids", &own);
	ns = pid_namespace(proc, init);
	if (r < 0 || !own || !ns) {
		add(ret, c->init.pid);
		return r;
	}
	r = dir_names(proc, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		uint32_t pid;

		if (parse_u32(names.v[i], INT32_MAX, &pid) == 0 &&
		    pid_namespace(proc, names.v[i]) == ns)
			add(ret, (pid_t)pid);
	}
	return r;
}

int oci_processes(const struct oci_container *c, pid_t **ret, unsigned *ret_n)
{
	struct pids p = {0};
	int r = 0;

	if (c->status != OCI_STOPPED && c->status != OCI_CREATING)
		r = *c->cgroup ? of_cgroup(c->cgroup, &p) : of_namespace(c, &p);
	*ret = p.v;
	*ret_n = p.n;
	return r;
}

/* --- signals ---------------------------------------------------------------------------------- */

static int kill_all(const struct oci_container *c, int sig)
{
	AUTO_FREE pid_t *pids = NULL;
	unsigned n = 0;
	int r = oci_processes(c, &pids, &n);

	for (unsigned i = 0; r == 0 && i < n; i++) {
		AUTO_CLOSE int pidfd = pidfd_open_pid(pids[i]);

		if (pidfd >= 0)
			r = pidfd_signal(pidfd, sig);
		if (pidfd < 0 || r == -ESRCH) {
			err_drop(); /* it ended meanwhile */
			r = 0;
		}
	}
	return r;
}

int oci_kill(struct oci_container *c, int sig, bool all)
{
	AUTO_CLOSE int pidfd = -EBADF;

	if (c->status == OCI_STOPPED || c->status == OCI_CREATING) {
		if (all && c->status == OCI_STOPPED)
			return 0;
		return err_new(-CE_BAD_STATE, "cannot kill container `%s`: it is not running",
			       c->id);
	}
	if (all)
		return kill_all(c, sig);
	pidfd = pidfd_of(&c->init);
	return pidfd < 0 ? err_new(pidfd, "container `%s` is not running", c->id)
			 : pidfd_signal(pidfd, sig);
}

static int end(struct oci_container *c)
{
	const struct timespec pause_ = {.tv_nsec = 2 * NS_PER_MS};
	int64_t until = clock_monotonic_ns() + KILL_NS;
	int r = kill_all(c, SIGKILL);

	if (r == 0 && c->status == OCI_PAUSED)
		r = oci_pause(c, false);
	while (r == 0 && oci_is_alive(&c->init)) {
		if (clock_monotonic_ns() > until)
			return err_new(-CE_TIMEOUT, "container `%s` does not die", c->id);
		(void)nanosleep(&pause_, NULL);
	}
	return r;
}

int oci_delete(struct oci_container *c, bool force, int *ret_hooks)
{
	int r = 0;

	*ret_hooks = 0;
	if (c->status != OCI_STOPPED && !force)
		return err_new(-CE_BAD_STATE,
			       "cannot delete container `%s` that is not stopped: %s", c->id,
			       oci_status_text(c->status));
	if (c->status != OCI_STOPPED)
		r = end(c);
	c->status = OCI_STOPPED;
	if (r == 0 && *c->cgroup)
		r = cgroup_remove(c->cgroup);
	if (r < 0)
		return r;
	if (c->doc)
		*ret_hooks = oci_container_hooks(c, RT_HOOK_POSTSTOP, "stopped");
	return rmtree(c->root, c->id);
}

/* --- its cgroup ------------------------------------------------------------------------------- */

static int open_cgroup(const struct oci_container *c, const char *what)
{
	int fd;

	if (c->status == OCI_STOPPED || c->status == OCI_CREATING)
		return err_new(-CE_BAD_STATE, "cannot %s container `%s` in state %s", what, c->id,
			       oci_status_text(c->status));
	if (!*c->cgroup)
		return err_new(-CE_HOST_SETUP,
			       "cannot %s container `%s`: it has no cgroup of its own; %s", what,
			       c->id, cgroup_mending());
	fd = open(c->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open %s", c->cgroup) : fd;
}

int oci_pause(struct oci_container *c, bool pause)
{
	AUTO_CLOSE int dir = open_cgroup(c, pause ? "pause" : "resume");
	int r;

	if (dir < 0)
		return dir;
	if ((c->status == OCI_PAUSED) == pause)
		return err_new(-CE_BAD_STATE, "cannot %s container `%s` in state %s",
			       pause ? "pause" : "resume", c->id, oci_status_text(c->status));
	r = cgroup_freeze(dir, pause, FREEZE_MS);
	if (r < 0)
		return err_wrap(r, "%s container `%s`", pause ? "pause" : "resume", c->id);
	c->status = pause ? OCI_PAUSED : OCI_RUNNING;
	return 0;
}

/* Version 2 would kill for the lower limit, where version 1 refused it: for who asks, we refuse it. */
static int check_usage(int dir, struct json_object *resources)
{
	struct json_object *memory = NULL;
	int64_t limit = 0;
	bool check = false;
	uint64_t used;
	char text[32];
	int r = json_get_obj(resources, "memory", &memory);

	if (r == 0 && memory)
		r = json_get_bool(memory, "checkBeforeUpdate", &check);
	if (r == 0 && memory)
		r = json_get_i64(memory, "limit", &limit);
	if (r < 0 || !check || limit <= 0 ||
	    cgroup_read(dir, "memory.current", text, sizeof(text)) <= 0 ||
	    parse_u64(text, UINT64_MAX, &used) < 0 || used <= (uint64_t)limit)
		return r;
	return err_new(-EBUSY, "memory.limit: %lld, and it uses %llu bytes now", (long long)limit,
		       (unsigned long long)used);
}

int oci_update(struct oci_container *c, struct json_object *resources)
{
	AUTO_CLOSE int dir = open_cgroup(c, "update");
	struct cgroup_limit *limits = NULL;
	struct bundle b;
	unsigned n = 0;
	int r;

	if (dir < 0)
		return dir;
	r = oci_container_bundle(c, &b);
	if (r == 0)
		r = check_usage(dir, resources);
	if (r == 0)
		r = bundle_limits(&b, resources, &limits, &n);
	if (r == 0)
		r = cgroup_limit_all(c->cgroup, limits, n);
	bundle_done(&b);
	return r;
}
