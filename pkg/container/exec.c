/* SPDX-License-Identifier: MIT */
/*
 * `exec`: cuddy itself starts the process, owns its terminal or pipes and waits; no monitor stays.
 *
 * Descriptors   A caller's terminal is never handed to the payload (it could push keys into it):
 *               with a terminal the payload gets a pty of its own, else pipes stand in for those of
 *               the caller's descriptors that are terminals. Files and pipes pass as they are.
 * Detached      the stage process is left behind as the payload's parent; nothing of cuddy waits.
 *               Who leaves it by the detach keys, or at once (-d -t), leaves one that holds the pty as well.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"
#include "pkg/container/exec_relay.h"
#include "pkg/container/make.h"
#include "pkg/container/plan.h"
#include "pkg/container/secrets.h"
#include "pkg/runtime/exec.h"
#include "pkg/sys/random.h"
#include "storage/event.h"

static int exec_env(const struct container *c, const struct exec_request *e, struct strv *env)
{
	int r = 0;

	strv_add_all(env, &c->rec->env);
	plan_hostname_env(c->rec, env);
	if (e->store)
		r = secrets_add_env(e->store, c->rec, env);
	if (e->tty)
		strv_env_set(env, "TERM=xterm");
	for (size_t i = 0; r == 0 && i < e->env_file.n; i++)
		r = env_add_file(env, e->env_file.v[i]);
	for (size_t i = 0; r == 0 && i < e->env.n; i++)
		r = env_add(env, e->env.v[i]);
	return r;
}

static void window_size(uint16_t *rows, uint16_t *cols)
{
	struct winsize w;

	for (int fd = 0; fd < 3; fd++) {
		if (ioctl(fd, TIOCGWINSZ, &w) == 0) {
			*rows = w.ws_row;
			*cols = w.ws_col;
			return;
		}
	}
}

/* Return: as exec_relay(). */
static int run_it(const struct exec_request *e, struct rt_exec *x, int *ret_exit)
{
	AUTO(exec_stdio_done) struct exec_stdio io = EXEC_STDIO_INIT;
	struct rt_exec_started s = {
		.stage_pidfd = -EBADF, .payload_pidfd = -EBADF, .pty_master = -EBADF};
	char keys[32];
	int r = conmon_detach_keys(e->detach_keys ? e->detach_keys : "ctrl-p,ctrl-q", keys);

	if (r == 0)
		r = exec_stdio_open(&io, e->interactive && !e->detach, e->detach,
				    x->process.terminal);
	if (r < 0)
		return r;
	memcpy(x->stdio, io.child, sizeof(x->stdio));
	r = rt_exec_start(x, &s);
	if (r < 0)
		return r;
	*ret_exit = 0;
	if (!e->detach)
		r = exec_relay(&io, &s, keys, e->interactive, ret_exit);
	else if (e->tty)
		r = exec_leave(&s);
	closep(&s.stage_pidfd);
	closep(&s.payload_pidfd);
	closep(&s.pty_master);
	return r;
}

/* What --cap-add named was given to the container's own user: as root it gives nobody else anything. */
static bool is_other_user(const struct exec_request *e, const struct container_record *rec)
{
	return e->user && strcmp(e->user, rec->user ? rec->user : "") != 0;
}

int exec_process(const struct container_record *rec, const struct exec_request *e,
		 const struct strv *env, struct sbuf *seccomp, struct rt_rlimit *rlimits,
		 struct rt_process *ret)
{
	unsigned n;
	int r = container_rlimits(rec, false, rlimits, &n);
	bool keep_groups = strv_has(&rec->group_add, "keep-groups");
	uint32_t mask = 0022;

	if (r < 0)
		return r;
	if (rec->umask)
		(void)parse_octal(rec->umask, 0777, &mask);
	*ret = (struct rt_process){
		.argv = (const char *const *)e->command,
		.envp = (const char *const *)env->v,
		.cwd = e->workdir ? e->workdir : rec->workdir,
		.user = e->user ? e->user : rec->user,
		.groups = keep_groups ? NULL : (const char *const *)rec->group_add.v,
		.keep_groups = keep_groups,
		.umask = mask,
		.terminal = e->tty,
		.no_new_privs = rec->no_new_privs,
		.privileged = e->privileged || rec->privileged,
		.caps = e->privileged ? caps_all() : rec->caps,
		/* Privileged bounds what may be had; a user who is not root has nothing by it (R17). */
		.caps_added = is_other_user(e, rec) ? 0 : rec->caps_added,
		.linux32 = rec->linux32,
		.has_oom_score_adj = rec->has_oom_score_adj,
		.oom_score_adj = (int32_t)rec->oom_score_adj,
		.apparmor = rec->apparmor,
		.keep_keyring = rec->keep_keyring,
		.rlimits = rlimits,
		.n_rlimits = n,
	};
	return plan_security(rec, ret->privileged, ret, seccomp);
}

/* The runtime directory of all containers holds that of this one. */
static void tell(const struct container *c, const char *id, const char *status, const char *extra)
{
	AUTO_CLOSE int dir = openat(c->dirs.runtime_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_STRV struct strv attributes = STRV_INIT;
	AUTO_SBUF struct sbuf body = SBUF_INIT;

	if (dir < 0)
		return;
	strv_add_all(&attributes, &c->rec->labels);
	strv_addf(&attributes, "execID=%s", id);
	event_body_with(c->rec, &attributes, &body);
	event_write(dir, "container", status, c->rec->id, c->rec->name, body.s, extra);
}

int container_exec(struct container *c, const struct exec_request *e, int *ret_exit)
{
	AUTO_STRV struct strv env = STRV_INIT;
	AUTO_FREE char *cgroup = NULL;
	AUTO_SBUF struct sbuf seccomp = SBUF_INIT;
	struct rt_rlimit rlimits[RLIM_NLIMITS];
	struct rt_exec x = {.init = c->state.init, .monitor = c->state.monitor};
	char extra[48], id[65];
	int r;

	if (c->state.status == CONMON_PAUSED)
		return err_new(-CE_BAD_STATE, "it is paused, so nothing can be started in it");
	/* What takes long to stop is what one wants to look at. */
	if (!conmon_can_join(&c->state))
		return err_new(-CE_BAD_STATE, "it does not run, so nothing can be started in it");
	if (conmon_is_pinned(&c->state))
		return err_new(-CE_BAD_STATE,
			       "the infra container of a pod has neither programs nor a process; "
			       "execute in a container of the pod");
	r = e->user ? user_check(e->user) : 0;
	if (r == 0 && e->workdir && *e->workdir != '/')
		r = err_usage("--workdir '%s': must be absolute", e->workdir);
	if (r == 0)
		r = exec_env(c, e, &env);
	if (r < 0)
		return r;
	r = exec_process(c->rec, e, &env, &seccomp, rlimits, &x.process);
	if (r < 0)
		return r;
	if (x.process.terminal)
		window_size(&x.process.rows, &x.process.cols);
	x.process.keep_fds = e->keep.v;
	x.process.n_keep_fds = e->keep.n;
	x.detached = e->detach && !e->tty; /* with a terminal it is left, as by the detach keys */
	x.cgroup_dir = cgroup = container_cgroup(c);
	random_hex(id, 64);
	tell(c, id, "exec", NULL);
	r = run_it(e, &x, ret_exit);
	(void)snprintf(extra, sizeof(extra), "\"ContainerExitCode\":%d",
		       r < 0 ? err_exit_status(r) : *ret_exit);
	if (r < 0 || (r == 0 && !e->detach)) /* else it lives on */
		tell(c, id, "exec_died", extra);
	return r < 0 ? r : 0;
}
