/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: pid 1 by an OCI runtime of others (runc, crun)
 *
 * Processes     M monitor ─fork→ P, which becomes "RUNTIME create" ─fork→ I pid 1, M's once P is gone
 *   P  shares M's mount namespace: mounts the root over the upper directory's own place, and every
 *      volume below foreign.dir/m, as for a container of ours; then writes config.json, which names
 *      those places. What it allocates goes with it.
 *   M  is the subreaper that I comes to. It starts network and ports once I's namespaces are there,
 *      and has the runtime start the payload then.
 * Sync          #2 P→M root mounted (carries it)          #4 P has become the runtime; its end is awaited
 * In foreign.dir  config.json   m/N: mount number N of the plan   oci/: the runtime's own state
 *                 oci.pid   oci.log: why it failed        console: the socket for the pty master
 * The end       rt_foreign_delete(): the runtime forgets it, then what P mounted is unmounted
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "pkg/sys/rmtree.h"
#include "pkg/sys/socket.h"

#define PATIENCE_MS 60000
#define DELETE_MS 20000
#define LOG_MAX 65536
#define CONSOLE "console"
#define HYBRID "/sys/fs/cgroup/unified"
#define CGROUP2_MAGIC 0x63677270

/* --- calling it ----------------------------------------------------------------------------- */

static void common_words(const struct rt_foreign *f, struct strv *argv)
{
	strv_add(argv, f->program);
	for (unsigned i = 0; f->flags && f->flags[i]; i++)
		strv_add(argv, f->flags[i]);
	strv_addf(argv, "--root=%s/oci", f->dir);
	strv_addf(argv, "--log=%s/oci.log", f->dir);
	strv_add(argv, "--log-format=json");
}

/* In a child of its own: nothing of M's but the standard streams. */
static void __attribute__((noreturn)) become(struct strv *argv, int stdio[3], int sync)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *envp[] = {path, NULL};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 3; i++)
		if (dup2(stdio[i], i) < 0) /* lint: stays open across exec */
			_exit(125);
	(void)execve(argv->v[0], argv->v, envp);
	if (sync >= 0)
		sync_fail(sync, err_new(-errno, "execute %s", argv->v[0]));
	_exit(125);
}

/* "msg":"…" of the last line; engines' logs are JSON, this program reads no JSON. */
static void last_message(const struct rt_foreign *f, char *out, size_t max)
{
	AUTO_CLOSE int dir = open(f->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int fd = dir < 0 ? -1 : openat(dir, "oci.log", O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = xcalloc(1, LOG_MAX + 1);
	const char *p = NULL, *next = text;
	size_t n = 0;

	if (fd < 0 || read_upto(fd, text, LOG_MAX) < 0)
		*text = '\0';
	while ((next = strstr(next, "\"msg\":")) != NULL)
		p = next += strlen("\"msg\":");
	p = p ? strchr(p, '"') : NULL;
	for (p = p ? p + 1 : ""; *p && *p != '"' && n + 1 < max; p++) {
		if (*p == '\\' && p[1])
			p++;
		out[n++] = (unsigned char)*p < ' ' ? ' ' : *p;
	}
	out[n] = '\0';
}

/* The words that all engines look for: runtimes have no exit status for it. */
static int failed(const struct rt_foreign *f, const char *verb, int status)
{
	char words[1024];
	int code = -CE_HOST_SETUP;

	last_message(f, words, sizeof(words));
	if (!*words)
		return err_new(code, "%s %s: exit status %d", f->program, verb, status);
	if (strstr(words, "executable file") && strstr(words, "not found"))
		code = -CE_CMD_NOT_FOUND;
	else if (strstr(words, "exec") && strstr(words, "o such file or directory"))
		code = -CE_CMD_NOT_FOUND;
	else if (strstr(words, "exec") && strstr(words, "ermission denied"))
		code = -CE_CMD_NOT_EXEC;
	return err_new(code, "%s: %s", f->program, words);
}

static int call(const struct rt_plan *p, const char *verb, const char *flag, int timeout_ms)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC), pidfd = -EBADF;
	AUTO_STRV struct strv argv = STRV_INIT;
	int status, r;
	pid_t pid;

	common_words(&p->foreign, &argv);
	strv_add(&argv, verb);
	if (flag)
		strv_add(&argv, flag);
	strv_add(&argv, p->id);
	pid = null < 0 ? -errno : clone_fork(0, &pidfd);
	if (pid < 0)
		return err_wrap((int)pid, "%s %s", p->foreign.program, verb);
	if (pid == 0)
		become(&argv, (int[]){null, null, null}, -EBADF);
	r = pidfd_wait(pidfd, timeout_ms, &status);
	if (r < 0) {
		(void)pidfd_signal(pidfd, SIGKILL);
		(void)pidfd_wait(pidfd, -1, &status);
		return err_wrap(r, "%s %s", p->foreign.program, verb);
	}
	return status ? failed(&p->foreign, verb, status) : 0;
}

/* --- P -------------------------------------------------------------------------------------- */

static int write_config(const struct rt_foreign *f, int dir, const struct rt_process *p,
			const struct rt_ids *ids)
{
	AUTO_CLOSE int fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				   0600);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	size_t end = strlen(f->config[1]);
	bool has_home = false;
	int r;

	for (unsigned i = 0; p->envp && p->envp[i]; i++)
		has_home = has_home || strncmp(p->envp[i], "HOME=", 5) == 0;
	sbuf_addf(&b, "%s{\"uid\":%u,\"gid\":%u,\"umask\":%u", f->config[0], ids->uid, ids->gid,
		  p->umask);
	for (unsigned i = 0; i < ids->n_groups; i++)
		sbuf_addf(&b, "%s%u%s", i ? "," : ",\"additionalGids\":[", ids->groups[i],
			  i + 1 == ids->n_groups ? "]" : "");
	sbuf_addf(&b, "}%s", f->config[1]);
	if (!has_home) {
		sbuf_adds(&b, end && f->config[1][end - 1] == '[' ? "\"HOME=" : ",\"HOME=");
		/* A path of passwd: what JSON cannot hold bare is left out. */
		for (const char *c = ids->home; *c; c++)
			if ((unsigned char)*c >= ' ' && *c != '"' && *c != '\\')
				sbuf_addf(&b, "%c", *c);
		sbuf_adds(&b, "\"");
	}
	sbuf_adds(&b, f->config[2]);
	r = fd < 0 ? -errno : write_full(fd, b.s, b.len);
	return r < 0 ? err_new(r, "write config.json") : 0;
}

/* P is in the base namespace: what it gives to somebody of the container has that one's number there. */
static uint32_t outside(const struct rt_idmap *m, unsigned n, uint32_t id)
{
	(void)idmap_find(m, n, id, &id);
	return id;
}

static const struct rt_secret *secrets_outside(const struct rt_plan *p)
{
	struct rt_secret *v = xcalloc(p->n_secrets + 1, sizeof(*v));

	for (unsigned i = 0; i < p->n_secrets; i++) {
		v[i] = p->secrets[i];
		v[i].uid = outside(p->uid_map, p->n_uid_map, v[i].uid);
		v[i].gid = outside(p->gid_map, p->n_gid_map, v[i].gid);
	}
	return v;
}

static int prepare_root(struct rt_child *x, struct rt_ids *inside)
{
	const struct rt_plan *p = x->plan;
	int r = rootfs_open_sources(x);

	if (r == 0)
		r = rootfs_mount_root(x);
	if (r == 0)
		r = user_resolve(x->root, x->process, &x->ids);
	if (r == 0)
		r = accounts_add(x->root, x->plan, &x->ids);
	*inside = x->ids;
	if (p->ns[RT_NS_USER].mode == RT_NS_NEW) {
		x->ids.uid = outside(p->uid_map, p->n_uid_map, x->ids.uid);
		x->ids.gid = outside(p->gid_map, p->n_gid_map, x->ids.gid);
	}
	if (r == 0)
		r = rootfs_mount_places(x);
	return r < 0 ? r : process_make_cwd(x->root, x->process, &x->ids);
}

/*
 * Beside trees of version 1 a user has none of version 2, yet some runtimes refuse to work at the mere
 * sight of one with controllers: they do not see it.
 */
static int hide_hybrid_cgroup(void)
{
	AUTO_CLOSE int place = open(HYBRID, O_PATH | O_DIRECTORY | O_CLOEXEC), empty = -EBADF;

	if (place < 0 || mount_is_fs(place, CGROUP2_MAGIC) != 1) {
		err_drop();
		return 0;
	}
	empty = mount_new("tmpfs", "size=4k,nr_inodes=1,mode=555", MNT_ATTR_NOSUID);
	return empty < 0 ? empty : mount_attach(empty, place);
}

static int prepare(struct rt_child *x, int dir)
{
	struct rt_ids inside = {0};
	int r = hide_hybrid_cgroup();

	if (r < 0)
		return err_wrap(r, "hide " HYBRID);
	(void)umask(0);
	if (mkdirat(dir, "m", 0700) < 0)
		return err_new(-errno, "make a place for volumes");
	x->places = openat(dir, "m", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (x->places < 0)
		return err_new(-errno, "open the place for volumes");
	r = prepare_root(x, &inside);
	if (r == 0)
		r = write_config(&x->plan->foreign, dir, x->process, &inside);
	(void)umask(022);
	return r < 0 ? r : sync_send(x->sync, RT_POINT_BUILT, &x->root, 1);
}

static void __attribute__((noreturn))
stage_main(struct rt_child *x, int dir, const struct rt_stdio *given)
{
	const struct rt_foreign *f = &x->plan->foreign;
	struct rt_plan own = *x->plan;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int stdio[3] = {given->in, given->out, given->err};
	struct strv argv = STRV_INIT;
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (own.ns[RT_NS_USER].mode == RT_NS_NEW) {
		own.secrets = secrets_outside(x->plan);
		x->plan = &own;
	}
	r = prepare(x, dir);
	for (int i = 0; i < 3; i++)
		if (x->process->terminal || stdio[i] < 0)
			stdio[i] = null;
	common_words(f, &argv);
	strv_add(&argv, "create");
	strv_addf(&argv, "--bundle=%s", f->dir);
	strv_addf(&argv, "--pid-file=%s/oci.pid", f->dir);
	/* Relative: a socket's address is short. Runtimes go to the bundle anyway. */
	if (r == 0 && x->process->terminal && chdir(f->dir) < 0)
		r = err_new(-errno, "enter %s", f->dir);
	if (x->process->terminal)
		strv_add(&argv, "--console-socket=" CONSOLE);
	if (r == 0 && x->process->n_keep_fds) {
		/* They lie one after the other; the runtime counts them from 3. */
		for (unsigned i = 0; r == 0 && i < x->process->n_keep_fds; i++)
			r = fcntl(given->first_kept + (int)i, F_SETFD, 0) < 0 ? -errno : 0;
		strv_addf(&argv, "--preserve-fds=%u", x->process->n_keep_fds);
	}
	strv_add(&argv, x->plan->id);
	if (r == 0)
		become(&argv, stdio, x->sync);
	sync_fail(x->sync, r);
	_exit(125);
}

/* --- M -------------------------------------------------------------------------------------- */

/* One by one, and only what is empty: should anything be mounted there still, it stays. */
static void remove_places(const struct rt_plan *p, int dir)
{
	char path[32];

	for (unsigned i = 0; i <= p->n_mounts; i++) {
		(void)snprintf(path, sizeof(path), "m/%u", i);
		if (unlinkat(dir, path, 0) < 0)
			(void)unlinkat(dir, path, AT_REMOVEDIR);
	}
	(void)unlinkat(dir, "m/" RT_FOREIGN_ROOT, AT_REMOVEDIR);
	(void)unlinkat(dir, "m", AT_REMOVEDIR);
}

/* What a monitor left that was killed: its mounts went with it. */
static int fresh_dir(const struct rt_plan *p)
{
	static const char *const names[] = {"oci", "oci.log", "oci.pid", CONSOLE};
	int dir = open(p->foreign.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_new(-errno, "open %s", p->foreign.dir);
	remove_places(p, dir);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		(void)rmtree(dir, names[i]);
	err_drop();
	return dir;
}

static int read_pid(int dir, pid_t *ret)
{
	AUTO_CLOSE int fd = openat(dir, "oci.pid", O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t n = fd < 0 ? -errno : read_upto(fd, text, sizeof(text) - 1);
	uint32_t pid;

	if (n <= 0)
		return err_new(n < 0 ? (int)n : -CE_PROTOCOL, "the runtime's pid file");
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (parse_u32(text, INT32_MAX, &pid) < 0 || !pid)
		return err_new(-CE_PROTOCOL, "the runtime's pid file: '%.20s'", text);
	*ret = (pid_t)pid;
	return 0;
}

/* The runtime has connected and gone: what it sent waits there. */
static int take_terminal(int listener, int *ret)
{
	AUTO_CLOSE int conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char name[4096];
	unsigned n = 0;
	ssize_t got = conn < 0 ? -errno : socket_recv(conn, name, sizeof(name), ret, 1, &n);

	if (got < 0 || n != 1)
		return err_new(got < 0 ? (int)got : -CE_PROTOCOL,
			       "the runtime sent no terminal to its console socket");
	return 0;
}

static int await(const struct rt_plan *p, int sync, int pidfd, int *ret_root)
{
	int built[RT_SYNC_FDS], status, r = sync_wait(sync, RT_POINT_BUILT, built);

	if (r == 0) {
		*ret_root = built[0];
		r = sync_wait(sync, RT_POINT_EXEC, NULL);
	}
	if (r < 0) {
		(void)pidfd_wait(pidfd, -1, &status);
		return r;
	}
	r = pidfd_wait(pidfd, PATIENCE_MS, &status);
	if (r < 0) {
		(void)pidfd_signal(pidfd, SIGKILL);
		(void)pidfd_wait(pidfd, -1, &status);
		return err_wrap(r, "%s create", p->foreign.program);
	}
	return status ? failed(&p->foreign, "create", status) : 0;
}

static int take_child(const struct rt_plan *p, int dir, int listener, struct foreign_made *ret)
{
	int r = read_pid(dir, &ret->pid);

	if (r == 0) {
		ret->pidfd = pidfd_open_pid(ret->pid);
		r = ret->pidfd < 0 ? err_wrap(ret->pidfd, "the container's first process") : 0;
	}
	return r == 0 && p->process.terminal ? take_terminal(listener, &ret->pty_master) : r;
}

/*
 * Without a path for its cgroup in the bundle a runtime chooses one, runc beside ours, where no limit holds.
 * Nothing is executed yet: it goes back to where it was born. EBUSY: it is below ours, and so bounded.
 */
static int keep_in_cgroup(int cgroup, pid_t pid)
{
	char text[16];
	int r;

	if (cgroup < 0)
		return 0;
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	r = cgroup_write(cgroup, "cgroup.procs", text);
	return r < 0 && r != -EBUSY ? err_new(r, "move the container into its cgroup") : 0;
}

int foreign_create(const struct rt_plan *p, const struct rt_stdio *stdio, int root_mount,
		   struct foreign_made *ret)
{
	struct rt_child x = {.plan = p,
			     .process = &p->process,
			     .root_mount = root_mount,
			     RT_CHILD_NOTHING_OPEN,
			     .proc_mount = -1};
	AUTO_CLOSE int dir = fresh_dir(p), listener = -EBADF, ours = -EBADF, theirs = -EBADF,
		       cgroup = -EBADF, stage = -EBADF;
	int pair[2], r = dir < 0 ? dir : 0;
	pid_t pid;

	if (r == 0 && p->process.terminal)
		r = listener = socket_stream_listen_at(dir, CONSOLE);
	if (r >= 0)
		r = socket_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	x.sync = theirs = pair[1];
	if (p->cgroup_dir) {
		cgroup = open(p->cgroup_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (cgroup < 0)
			return err_new(-errno, "open cgroup %s", p->cgroup_dir);
	}
	pid = cgroup < 0 ? clone_fork(0, &stage) : clone_fork_into(0, cgroup, &stage);
	if (pid == 0)
		stage_main(&x, dir, stdio);
	if (pid < 0)
		return (int)pid;
	closep(&theirs);
	r = await(p, ours, stage, &ret->root_fd);
	if (r == 0)
		r = take_child(p, dir, listener, ret);
	return r < 0 ? r : keep_in_cgroup(cgroup, ret->pid);
}

int foreign_start(const struct rt_plan *p)
{
	return call(p, "start", NULL, PATIENCE_MS);
}

/* Whatever stands there: a mount of ours, or after a failure none. */
static void unmount(const char *path)
{
	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
}

void rt_foreign_delete(const struct rt_plan *p)
{
	const struct rt_foreign *f = &p->foreign;
	char path[4200];
	AUTO_CLOSE int dir = -EBADF;

	if (!f->program)
		return;
	(void)call(p, "delete", "--force", DELETE_MS);
	unmount(p->root.driver == RT_ROOT_DIR ? p->root.lower[0] : p->root.upper);
	(void)snprintf(path, sizeof(path), "%s/m/" RT_FOREIGN_ROOT, f->dir);
	unmount(path);
	for (unsigned i = 0; i <= p->n_mounts; i++) {
		(void)snprintf(path, sizeof(path), "%s/m/%u", f->dir, i);
		unmount(path);
	}
	dir = fresh_dir(p);
	err_drop();
}
