/* SPDX-License-Identifier: MIT */
/* "cuddy runtime create", "start", "run" and "exec". */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd/runtime.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/bundle/container.h"
#include "pkg/container/exec_relay.h"
#include "pkg/runtime/create.h"

struct create_args {
	struct runtime_args g;
	const char *bundle, *console_socket, *pid_file;
	unsigned preserve_fds;
	bool no_pivot, no_new_keyring, no_subreaper, detach, keep;
};

#define C struct create_args

static const struct opt shared_opts[] = {
	OPT_STR('b', "bundle", "DIR", C, bundle,
		"Directory of config.json; here when it is not given", .complete = COMPLETE_DIR),
	OPT_STR(0, "console-socket", "SOCKET", C, console_socket,
		"Unix socket that takes the terminal's master", .complete = COMPLETE_FILE),
	OPT_STR(0, "pid-file", "FILE", C, pid_file, "Write the first process's number there",
		.complete = COMPLETE_FILE),
	OPT_UINT(0, "preserve-fds", "N", C, preserve_fds, "Pass on N more descriptors, from 3",
		 .max = 512),
	OPT_BOOL(0, "no-new-keyring", C, no_new_keyring, "Leave the caller's session keyring"),
	OPT_BOOL(0, "no-pivot", C, no_pivot,
		 "Accepted; the root is changed by pivot_root all the same"),
	OPT_REFUSED('f', "config", "FILE", "a bundle's configuration is its config.json",
		    "config.json"),
	OPT_REFUSED(0, "pidfd-socket", "SOCKET",
		    "no descriptor of the process is sent; --pid-file has its number", NULL),
	OPT_BOOL(0, "no-subreaper", C, no_subreaper, "Accepted; we are none", .hidden = true),
	OPT_GROUP(runtime_opts, C, g),
	OPT_END,
};

static const struct opt run_opts[] = {
	OPT_BOOL('d', "detach", C, detach, "Do not wait for its end"),
	OPT_BOOL(0, "keep", C, keep, "Do not delete it afterwards"),
	OPT_ROWS(shared_opts), /* of the same struct */
	OPT_END,
};

static struct oci_create wanted(const struct create_args *a, const char *id)
{
	const char *m = a->g.cgroup_manager;

	return (struct oci_create){
		.root = a->g.root,
		.id = id,
		.bundle = a->bundle ? a->bundle : ".",
		.pid_file = a->pid_file,
		.console_socket = a->console_socket,
		.preserve_fds = a->preserve_fds,
		.systemd_cgroup = a->g.systemd_cgroup || (m && strcmp(m, "systemd") == 0),
		.cgroupfs = m && strcmp(m, "cgroupfs") == 0,
		.no_cgroup = m && strcmp(m, "disabled") == 0,
		.no_new_keyring = a->no_new_keyring,
		.stdio = {0, 1, 2},
	};
}

/* What is not given is told in any case: it may be why it fails. */
static int create(const struct create_args *a, struct oci_create *q, pid_t *ret_pid, int *ret_pty)
{
	AUTO_STRV struct strv warnings = STRV_INIT;
	int r;

	q->warnings = &warnings;
	r = oci_create(q, ret_pid, ret_pty);
	q->warnings = NULL;
	runtime_warn_all(&a->g, &warnings);
	return r;
}

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;
	struct oci_create q = wanted(a, argv[0]);

	(void)ctx;
	(void)argc;
	runtime_begin(&a->g);
	return runtime_ended(&a->g, create(a, &q, NULL, NULL));
}

static int start(const struct runtime_args *g, const char *id)
{
	int hooks = 0, r = oci_start(g->root, id, &hooks);

	if (r == 0)
		runtime_warn(g, hooks);
	return r;
}

static int start_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;

	(void)ctx;
	(void)argc;
	runtime_begin(&a->g);
	return runtime_ended(&a->g, start(&a->g, argv[0]));
}

static void delete_one(const struct runtime_args *g, const char *id)
{
	AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;
	int hooks = 0, r = oci_container_open(g->root, id, true, &c);

	if (r == 0)
		r = oci_delete(&c, true, &hooks);
	runtime_warn(g, r < 0 ? r : hooks);
}

/* In front: we are its parent's stand-in, its terminal and its signals. */
static int run_in_front(const struct create_args *a, struct oci_create *q, int *ret_exit)
{
	AUTO(exec_stdio_done) struct exec_stdio io = EXEC_STDIO_INIT;
	struct rt_exec_started s = {
		.stage_pidfd = -EBADF, .payload_pidfd = -EBADF, .pty_master = -EBADF};
	AUTO_FREE char *words = NULL;
	struct bundle b;
	bool terminal;
	int r = bundle_load(q->bundle, &b);

	terminal = b.spec.process.terminal;
	bundle_done(&b);
	if (r == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		r = err_new(-errno, "become subreaper");
	if (r == 0)
		r = exec_stdio_open(&io, true, false, terminal);
	if (r < 0)
		return r;
	q->own_terminal = true;
	for (unsigned i = 0; i < 3; i++)
		q->stdio[i] = terminal ? -EBADF : io.child[i];
	r = create(a, q, &s.stage_pid, &s.pty_master);
	if (r < 0)
		return r;
	s.stage_pidfd = pidfd_open_pid(s.stage_pid);
	s.payload_pidfd = pidfd_open_pid(s.stage_pid);
	r = s.payload_pidfd < 0 ? s.payload_pidfd : start(&a->g, q->id);
	if (r == 0)
		r = exec_relay(&io, &s, "", true, ret_exit);
	closep(&s.stage_pidfd);
	closep(&s.payload_pidfd);
	closep(&s.pty_master);
	if (r < 0)
		words = strdup(err_trail());
	if (r < 0 || !a->keep)
		delete_one(&a->g, q->id);
	return r < 0 ? err_set(r, words ? words : "") : 0;
}

static int run_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;
	struct oci_create q = wanted(a, argv[0]);
	AUTO_FREE char *words = NULL;
	int r;

	(void)argc;
	runtime_begin(&a->g);
	if (!a->detach)
		return runtime_ended(&a->g, run_in_front(a, &q, &ctx->status));
	r = create(a, &q, NULL, NULL);
	if (r < 0)
		return runtime_ended(&a->g, r);
	r = start(&a->g, argv[0]);
	if (r < 0) {
		words = strdup(err_trail());
		delete_one(&a->g, argv[0]);
		(void)err_set(r, words ? words : "");
	}
	return runtime_ended(&a->g, r);
}

/* --- exec ------------------------------------------------------------------------------------- */

struct exec_args {
	struct runtime_args g;
	const char *process, *cwd, *user, *apparmor, *pid_file, *console_socket;
	struct strv env, caps, groups;
	bool detach, tty;
	int no_new_privs;
	unsigned preserve_fds;
};

#define E struct exec_args

static const struct opt exec_opts[] = {
	OPT_STR('p', "process", "FILE", E, process, "JSON of the process, instead of flags",
		.complete = COMPLETE_FILE),
	OPT_BOOL('d', "detach", E, detach, "Do not wait for its end"),
	OPT_BOOL('t', "tty", E, tty, "Give it a terminal of its own"),
	OPT_STR(0, "console-socket", "SOCKET", E, console_socket,
		"Unix socket that takes the terminal's master", .complete = COMPLETE_FILE),
	OPT_STR(0, "pid-file", "FILE", E, pid_file, "Write its number there",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "cwd", "DIR", E, cwd, "Working directory in the container"),
	OPT_LIST('e', "env", "NAME=VALUE", E, env, "Set an environment variable"),
	OPT_STR('u', "user", "UID[:GID]", E, user, "Ids to run as"),
	OPT_LIST('g', "additional-gids", "GID", E, groups, "A further group"),
	OPT_LIST('c', "cap", "CAP", E, caps, "A further capability"),
	OPT_TRI(0, "no-new-privs", E, no_new_privs, "Nothing it executes may gain privileges"),
	OPT_STR(0, "apparmor", "PROFILE", E, apparmor, "AppArmor profile"),
	OPT_REFUSED(0, "process-label", "LABEL", "there are no labels of SELinux", ""),
	OPT_REFUSED(0, "cgroup", "PATH", "processes live in the container's own cgroup", "/"),
	OPT_REFUSED(0, "ignore-paused", NULL, "a paused container runs nothing; resume it first",
		    NULL),
	OPT_UINT(0, "preserve-fds", "N", E, preserve_fds, "Pass on N more descriptors, from 3",
		 .max = 512),
	OPT_GROUP(runtime_opts, E, g),
	OPT_END,
};
static const struct exec_args exec_defaults = {.no_new_privs = -1};

static int exec(const struct exec_args *a, const struct oci_exec *q, int *ret_exit)
{
	AUTO(exec_stdio_done) struct exec_stdio io = EXEC_STDIO_INIT;
	AUTO(oci_container_done) struct oci_container c = OCI_CONTAINER_INIT;
	struct rt_exec_started s = {
		.stage_pidfd = -EBADF, .payload_pidfd = -EBADF, .pty_master = -EBADF};
	struct rt_process p;
	struct bundle b;
	const int plain[3] = {0, 1, 2}, *stdio = plain;
	int r = oci_exec_prepare(q, &c, &b, &p);

	if (r == 0 && !a->detach) {
		r = exec_stdio_open(&io, true, false, p.terminal);
		stdio = io.child;
	}
	if (r == 0)
		r = oci_exec_start(q, &c, &p, stdio, &s);
	if (r == 0 && !a->detach)
		r = exec_relay(&io, &s, "", true, ret_exit);
	closep(&s.stage_pidfd);
	closep(&s.payload_pidfd);
	closep(&s.pty_master);
	bundle_done(&b);
	return r;
}

static int exec_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct exec_args *a = args;
	struct oci_exec q = {
		.root = a->g.root,
		.id = argv[0],
		.process = a->process,
		.argv = argc > 1 ? argv + 1 : NULL,
		.cwd = a->cwd,
		.user = a->user,
		.apparmor = a->apparmor,
		.env = a->env,
		.caps = a->caps,
		.groups = a->groups,
		.tty = a->tty,
		.no_new_privs = a->no_new_privs,
		.detach = a->detach,
		.pid_file = a->pid_file,
		.console_socket = a->console_socket,
		.preserve_fds = a->preserve_fds,
	};

	runtime_begin(&a->g);
	return runtime_ended(&a->g, exec(a, &q, &ctx->status));
}

const struct command cmd_runtime_create = {
	.name = "create",
	.group = "runtime",
	.synopsis = "[OPTIONS] ID",
	.summary = "Make a container from a bundle; its process waits for start",
	.opts = shared_opts,
	.args_size = sizeof(struct create_args),
	.min_args = 1,
	.max_args = 1,
	.run = create_run,
};

static const struct opt start_opts[] = {OPT_GROUP(runtime_opts, C, g), OPT_END};

const struct command cmd_runtime_start = {
	.name = "start",
	.group = "runtime",
	.synopsis = "[OPTIONS] ID",
	.summary = "Let the process of a created container go on",
	.opts = start_opts,
	.args_size = sizeof(struct create_args),
	.min_args = 1,
	.max_args = 1,
	.run = start_run,
};

const struct command cmd_runtime_run = {
	.name = "run",
	.group = "runtime",
	.synopsis = "[OPTIONS] ID",
	.summary = "Create, start, and delete after its end",
	.opts = run_opts,
	.args_size = sizeof(struct create_args),
	.min_args = 1,
	.max_args = 1,
	.run = run_run,
};

const struct command cmd_runtime_exec = {
	.name = "exec",
	.group = "runtime",
	.synopsis = "[OPTIONS] ID [COMMAND [ARG...]]",
	.summary = "Run a further process in a running container",
	.opts = exec_opts,
	.args_size = sizeof(struct exec_args),
	.defaults = &exec_defaults,
	.min_args = 1,
	.max_args = -1,
	.no_interspersed = true,
	.run = exec_run,
};
