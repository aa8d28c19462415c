/* SPDX-License-Identifier: MIT */
/* "create" and "start" of the runtime role. */
#include "pkg/runtime/create.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/bundle/internal.h"
#include "pkg/bundle/state.h"
#include "pkg/config/paths.h"
#include "pkg/json/json.h"
#include "pkg/runtime/exec.h"
#include "pkg/runtime/hooks.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/passwd.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/rmtree.h"
#include "pkg/sys/socket.h"

/* Of the name of a unit (systemd.unit(5)), which has at most 255 bytes with its type and what makes it new. */
#define SCOPE_NAME_MAX 230
#define SCOPE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"

struct creation {
	const struct oci_create *q;
	struct bundle bundle;
	struct bundle_host host;
	struct cgroup_made made;
	int root, dir, lock, listener, program;
	struct rt_created run;
	bool made_dir;
};

/* Without a way up, as it is for runc. */
static const char *cgroup_path(struct bundle *b, const char *path)
{
	AUTO_FREE char *rooted = path_join("/", path), *clean = path_clean(rooted);

	return bundle_keep_str(b, xstrdup(*path == '/' ? clean : clean + 1));
}

/* "slice:prefix:name", as runc and crun read it: the scope prefix-name in that slice. */
static int scope_of_bundle(struct bundle *b, const char *path, struct cgroup_request *g)
{
	const char *prefix = strchr(path, ':'), *name = prefix ? strchr(prefix + 1, ':') : NULL;
	int n = name ? (int)(name - prefix - 1) : 0;
	AUTO_FREE char *scope = NULL;

	if (!name)
		return err_usage("linux.cgroupsPath '%s': for systemd write slice:prefix:name", path);
	scope = n ? xasprintf("%.*s-%s", n, prefix + 1, name + 1) : xstrdup(name + 1);
	if (!*scope || strlen(scope) > SCOPE_NAME_MAX ||
	    scope[strspn(scope, SCOPE_LETTERS)] != '\0')
		return err_usage("linux.cgroupsPath '%s': '%s.scope' is not the name of a unit", path,
				 scope);
	g->scope = bundle_keep_str(b, TAKE_PTR(scope));
	if (prefix > path)
		g->parent = bundle_keep_str(b, xstrndup(path, (size_t)(prefix - path)));
	return 0;
}

/* A path is that of the container's cgroup itself. */
static int cgroup_of_bundle(struct creation *c, struct cgroup_request *g)
{
	const char *path = c->bundle.spec.cgroups_path;
	const char *colon = path ? strchr(path, ':') : NULL;
	struct cgroup_limit *limits = NULL;
	AUTO_SBUF struct sbuf base = SBUF_INIT;
	unsigned n = 0;
	int r = bundle_limits(&c->bundle, c->bundle.spec.resources, &limits, &n);

	*g = (struct cgroup_request){.manager = cgroup_manager_here(),
				     .mode = CGROUP_NO_CONMON,
				     .id = c->q->id,
				     .limits = limits,
				     .n_limits = n};
	if (r < 0)
		return r;
	if (c->q->no_cgroup) {
		g->mode = CGROUP_DISABLED;
	} else if (path && *path && !colon && !c->q->systemd_cgroup && cgroup_is_v2() &&
		   (*path == '/' || cgroup_base(&base) == 0)) {
		g->manager = CGROUP_FS;
		g->path = cgroup_path(&c->bundle, path);
	} else if (c->q->cgroupfs && (n || cgroup_base(&base) == 0)) {
		g->manager = CGROUP_FS;
	} else if (c->q->systemd_cgroup && cgroup_is_v2()) {
		g->manager = CGROUP_SYSTEMD;
		if (colon)
			r = scope_of_bundle(&c->bundle, path, g);
		if (r < 0)
			return r;
	} else if (n == 0) {
		/* Nobody asked: a host that does not play along is no error. */
		g->manager = CGROUP_AUTO;
	}
	err_drop(); /* of cgroup_base() */
	if (path && *path && !colon && !g->path && !c->q->no_cgroup && c->q->warnings)
		strv_addf(c->q->warnings, "linux.cgroupsPath: no cgroup can be made at %s", path);
	return cgroup_check(g);
}

/*
 * Engines name a place that is not theirs to make, and crun passes over it: then the cgroup is where we
 * would have it, with the limits, and whoever asked is told.
 */
static int make_cgroup(struct creation *c, struct cgroup_request *g)
{
	int r = cgroup_make(g, getpid(), &c->made);

	if (!g->path || (r != -EACCES && r != -EPERM && r != -EROFS))
		return r;
	if (c->q->warnings)
		strv_addf(c->q->warnings, "linux.cgroupsPath: %s; it is elsewhere", err_message(r));
	err_drop();
	g->path = NULL;
	g->manager = g->n_limits ? cgroup_manager_here() : CGROUP_AUTO;
	r = cgroup_check(g);
	return r == 0 ? cgroup_make(g, getpid(), &c->made) : r;
}

static int open_terminal_socket(const char *path)
{
	AUTO_FREE char *absolute = path_absolute(path);
	char *slash = strrchr(absolute, '/');
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	AUTO_CLOSE int dir = -EBADF, fd = -EBADF;
	int n;

	*slash = '\0';
	dir = open(slash == absolute ? "/" : absolute, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (dir < 0 || fd < 0)
		return err_new(-errno, "--console-socket %s", path);
	n = snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir, slash + 1);
	if (n < 0 || (size_t)n >= sizeof(a.sun_path))
		return err_new(-ENAMETOOLONG, "--console-socket %s", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_new(-errno, "--console-socket %s", path);
	return TAKE_FD(fd);
}

int oci_send_console(const char *socket_path, int master)
{
	AUTO_CLOSE int fd = open_terminal_socket(socket_path);
	static const char name[] = "/dev/ptmx";
	int r = fd < 0 ? fd : socket_send(fd, name, sizeof(name) - 1, &master, 1);

	return fd < 0 ? fd : r < 0 ? err_new(r, "--console-socket %s", socket_path) : 0;
}

static int check_terminal(const struct creation *c)
{
	bool terminal = c->bundle.plan.process.terminal;

	if (terminal && !c->q->console_socket && !c->q->own_terminal)
		return err_usage("config.json: process.terminal wants --console-socket");
	return 0;
}

static int check_kept(struct creation *c)
{
	struct rt_process *p = &c->bundle.plan.process;
	uint32_t *fds = bundle_keep(&c->bundle, c->q->preserve_fds, sizeof(*fds));

	for (unsigned i = 0; i < c->q->preserve_fds; i++) {
		fds[i] = 3 + i;
		if (fcntl(3 + (int)i, F_GETFD) < 0)
			return err_usage("--preserve-fds %u: descriptor %u is not open",
					 c->q->preserve_fds, 3 + i);
	}
	p->keep_fds = fds;
	p->n_keep_fds = c->q->preserve_fds;
	return 0;
}

/* All that can be found wrong before anything is made. */
static int plan(struct creation *c, struct cgroup_request *g)
{
	int r = oci_check_id(c->q->id);

	if (r == 0)
		r = bundle_load(c->q->bundle, &c->bundle);
	if (r == 0)
		r = bundle_host_look(&c->bundle.spec, &c->host);
	if (r == 0)
		r = bundle_plan(&c->bundle, c->q->id, &c->host);
	if (c->q->warnings)
		strv_add_all(c->q->warnings, &c->bundle.warnings);
	c->bundle.plan.process.keep_keyring = c->q->no_new_keyring;
	if (r == 0)
		r = check_terminal(c);
	if (r == 0)
		r = check_kept(c);
	return r < 0 ? r : cgroup_of_bundle(c, g);
}

static int claim(struct creation *c)
{
	int r = c->root = oci_root_open(c->q->root, true);

	if (r < 0)
		return r;
	if (mkdirat(c->root, c->q->id, 0700) < 0)
		return errno == EEXIST ? err_new(-CE_NAME_IN_USE,
						 "container with id `%s` already exists", c->q->id)
				       : err_new(-errno, "make the state of %s", c->q->id);
	c->made_dir = true;
	c->dir = openat(c->root, c->q->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir < 0)
		return err_new(-errno, "open the state of %s", c->q->id);
	r = c->lock = lock_open(c->dir, OCI_LOCK_FILE, LOCK_EXCLUSIVE);
	if (r >= 0)
		r = file_replace(c->dir, OCI_CONFIG_FILE, c->bundle.text.s, c->bundle.text.len,
				 0600, FILE_NO_SYNC);
	if (r == 0)
		r = c->listener = socket_listen_at(c->dir, OCI_START_SOCKET);
	return r < 0 ? r : 0;
}

static int launch(struct creation *c)
{
	AUTO_FREE char *program = NULL;
	struct rt_create rc = {
		.plan = &c->bundle.plan, .base_ns = c->host.base_ns, .listener = c->listener};
	int r = paths_helper("cuddy-conmon", &program);

	if (r == 0)
		r = rc.program = c->program = rt_program_seal(program);
	if (r < 0)
		return r;
	memcpy(rc.stdio, c->q->stdio, sizeof(rc.stdio));
	if (c->made.dir.len)
		c->bundle.plan.cgroup_dir = c->made.dir.s;
	return rt_create(&rc, &c->run);
}

static int write_state(struct creation *c)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct passwd_entry owner = {0};
	char created[CLOCK_TEXT_MAX], boot[37];
	struct proc_id id;
	int r = proc_id_of(c->run.pid, &id);

	if (r == 0)
		r = proc_boot_id(boot);
	if (r < 0)
		return r;
	clock_format_utc(clock_now_ns(), created);
	json_set_str(o, "id", c->q->id);
	json_set_i64(o, "pid", id.pid);
	json_set_i64(o, "start", (int64_t)id.start);
	json_set_str(o, "bootId", boot);
	json_set_str(o, "bundle", c->bundle.dir);
	json_set_str(o, "rootfs", c->bundle.plan.root.lower[0]);
	json_set_str(o, "created", created);
	if (passwd_find(getuid(), &owner) < 0)
		err_drop();
	json_set_str(o, "owner", owner.name ? owner.name : "");
	passwd_entry_done(&owner);
	json_set_str(o, "cgroup", c->made.dir.s);
	json_set_bool(o, "ownPids", c->bundle.plan.ns[RT_NS_PID].mode == RT_NS_NEW);
	json_set(o, "annotations", json_from_map(&c->bundle.spec.annotations));
	json_write(o, false, &text);
	return file_replace(c->dir, OCI_STATE_FILE, text.s, text.len, 0600, FILE_NO_SYNC);
}

static int report(struct creation *c, pid_t *ret_pid, int *ret_pty)
{
	int r = write_state(c);

	if (r == 0 && c->run.pty_master >= 0 && c->q->console_socket)
		r = oci_send_console(c->q->console_socket, c->run.pty_master);
	if (r == 0)
		r = oci_write_pid_file(c->q->pid_file, c->run.pid);
	if (r < 0)
		return r;
	if (ret_pid)
		*ret_pid = c->run.pid;
	if (ret_pty)
		*ret_pty = TAKE_FD(c->run.pty_master);
	return 0;
}

static void undo(struct creation *c)
{
	if (c->run.pid > 0) {
		AUTO_CLOSE int pidfd = pidfd_open_pid(c->run.pid);

		if (pidfd >= 0)
			(void)pidfd_signal(pidfd, SIGKILL);
	}
	if (c->made.dir.len)
		(void)cgroup_remove(c->made.dir.s);
	if (c->made_dir)
		(void)rmtree(c->root, c->q->id);
}

int oci_create(const struct oci_create *q, pid_t *ret_pid, int *ret_pty)
{
	struct creation c = {.q = q,
			     .bundle = {.text = SBUF_INIT, .seccomp = SBUF_INIT},
			     .host = BUNDLE_HOST_INIT,
			     .made = CGROUP_MADE_INIT,
			     .root = -EBADF,
			     .dir = -EBADF,
			     .lock = -EBADF,
			     .listener = -EBADF,
			     .program = -EBADF,
			     .run = {.pty_master = -EBADF}};
	AUTO_FREE char *words = NULL;
	struct cgroup_request g;
	int r = plan(&c, &g);

	if (r == 0)
		r = claim(&c);
	if (r == 0)
		r = make_cgroup(&c, &g);
	if (r == 0)
		r = launch(&c);
	if (r == 0)
		r = report(&c, ret_pid, ret_pty);
	if (r < 0) {
		words = xstrdup(err_trail());
		undo(&c);
		(void)err_set(r, words);
	}
	cgroup_made_done(&c.made);
	bundle_done(&c.bundle);
	bundle_host_done(&c.host);
	closep(&c.run.pty_master);
	closep(&c.program);
	closep(&c.listener);
	closep(&c.lock);
	closep(&c.dir);
	closep(&c.root);
	return r;
}

/* --- start ------------------------------------------------------------------------------------ */

int oci_container_bundle(const struct oci_container *c, struct bundle *b)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = file_read_at(c->dir, OCI_CONFIG_FILE, OCI_SPEC_MAX, &text);

	*b = (struct bundle){.text = SBUF_INIT, .seccomp = SBUF_INIT};
	return r < 0 ? r : bundle_load_text(c->bundle, text.s, text.len, b);
}

static bool hooks_of_stage(const struct bundle *b, enum rt_hook_stage stage)
{
	for (unsigned i = 0; i < b->plan.n_hooks; i++)
		if (b->plan.hooks[i].stage == stage)
			return true;
	return false;
}

static int enter_base(void)
{
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int dir = -EBADF;
	struct bundle_host h;
	int r = bundle_host_look(NULL, &h);

	if (r < 0 || h.privileged)
		return r;
	r = paths_runtime(&path);
	if (r == 0)
		r = dir = private_dir_open(path, true);
	return r < 0 ? r : base_enter_own(dir);
}

int oci_container_hooks(const struct oci_container *c, enum rt_hook_stage stage, const char *status)
{
	struct bundle b;
	int r = oci_container_bundle(c, &b);

	if (r == 0)
		bundle_hooks(&b, c->id);
	if (r == 0 && hooks_of_stage(&b, stage))
		r = enter_base(); /* where those of create ran */
	if (r == 0)
		r = rt_hooks_run(b.plan.hooks, b.plan.n_hooks, stage, b.plan.hook_state,
				 stage == RT_HOOK_POSTSTOP ? 0 : c->init.pid, status);
	bundle_done(&b);
	return r;
}

int oci_start(const char *root, const char *id, int *ret_hooks)
{
	AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;
	AUTO_CLOSE int conn = -EBADF;
	int r = oci_container_open(root, id, true, &c);

	if (r < 0)
		return r;
	if (c.status != OCI_CREATED)
		return err_new(-CE_BAD_STATE, "cannot start container `%s` in state %s", id,
			       oci_status_text(c.status));
	conn = socket_connect_at(c.dir, OCI_START_SOCKET);
	/* From here on it is not "created" any more, whatever becomes of it. */
	(void)unlinkat(c.dir, OCI_START_SOCKET, 0);
	if (conn < 0)
		return err_new(conn, "container `%s`: its first process does not answer", id);
	r = rt_start(conn);
	if (r < 0)
		return err_wrap(r, "start container `%s`", id);
	*ret_hooks = oci_container_hooks(&c, RT_HOOK_POSTSTART, "running");
	return 0;
}
