/* SPDX-License-Identifier: MIT */
/* "exec" of the runtime role. */
#include "pkg/runtime/exec.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/bundle/internal.h"
#include "pkg/bundle/state.h"
#include "pkg/config/paths.h"
#include "pkg/json/json.h"
#include "pkg/oci/linux_names.h"
#include "pkg/sys/file.h"

/* The new process replaces the configuration's own: the same code then makes a plan of it. */
static int read_process(const struct oci_exec *q, struct bundle *b)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct json_object *o = NULL;
	int r = file_read_at(AT_FDCWD, q->process, OCI_SPEC_MAX, &text);

	if (r == 0)
		r = json_parse(text.s, text.len, &o);
	if (r == 0) {
		oci_process_done(&b->spec.process);
		json_set(b->spec.doc, "process", o); /* which owns its strings */
		r = oci_process_parse(o, &b->spec.process);
	}
	return r < 0 ? err_wrap(r, "--process %s", q->process) : 0;
}

static int set_user(const char *spec, struct oci_process *p)
{
	AUTO_FREE char *user = xstrdup(spec);
	char *colon = strchr(user, ':');

	if (colon)
		*colon++ = '\0';
	if (parse_u32(user, INT32_MAX, &p->uid) < 0 ||
	    (colon && parse_u32(colon, INT32_MAX, &p->gid) < 0))
		return err_usage("--user '%s': write UID[:GID] in numbers", spec);
	return 0;
}

static int set_groups(const struct strv *groups, struct oci_process *p)
{
	p->groups = xreallocarray(p->groups, (size_t)p->n_groups + groups->n + 1,
				  sizeof(*p->groups));
	for (size_t i = 0; i < groups->n; i++) {
		if (parse_u32(groups->v[i], INT32_MAX, &p->groups[p->n_groups]) < 0)
			return err_usage("--additional-gids '%s': not a number", groups->v[i]);
		p->n_groups++;
	}
	return 0;
}

static int add_caps(const struct strv *caps, struct oci_process *p)
{
	for (size_t i = 0; i < caps->n; i++) {
		AUTO_STRV struct strv names = STRV_INIT;
		uint64_t mask;
		int r = caps_parse(caps->v[i], &mask);

		if (r < 0)
			return r;
		caps_names(mask, &names);
		for (unsigned s = 0; s < OCI_CAP_SETS; s++)
			if (s != OCI_CAP_AMBIENT && s != OCI_CAP_INHERITABLE)
				strv_add_all(&p->caps[s], &names);
	}
	return 0;
}

static int adjust(const struct oci_exec *q, struct oci_process *p)
{
	int r = 0;

	if (!q->argv || !q->argv[0])
		return err_usage("which command? write it after the container's id, or --process");
	strv_done(&p->args);
	for (char *const *a = q->argv; *a; a++)
		strv_add(&p->args, *a);
	for (size_t i = 0; i < q->env.n; i++) {
		if (!strchr(q->env.v[i], '='))
			return err_usage("--env '%s': write NAME=VALUE", q->env.v[i]);
		strv_env_set(&p->env, q->env.v[i]);
	}
	if (q->cwd && *q->cwd != '/')
		return err_usage("--cwd '%s': must be absolute", q->cwd);
	p->cwd = q->cwd ? q->cwd : p->cwd;
	p->terminal = q->tty;
	p->apparmor = q->apparmor ? q->apparmor : p->apparmor;
	if (q->no_new_privs >= 0)
		p->no_new_privileges = q->no_new_privs;
	if (q->user)
		r = set_user(q->user, p);
	if (r == 0)
		r = set_groups(&q->groups, p);
	return r < 0 ? r : add_caps(&q->caps, p);
}

static int keep_fds(const struct oci_exec *q, struct bundle *b, struct rt_process *p)
{
	uint32_t *fds = bundle_keep(b, q->preserve_fds, sizeof(*fds));

	for (unsigned i = 0; i < q->preserve_fds; i++) {
		fds[i] = 3 + i;
		if (fcntl(3 + (int)i, F_GETFD) < 0)
			return err_usage("--preserve-fds %u: descriptor %u is not open",
					 q->preserve_fds, 3 + i);
	}
	p->keep_fds = fds;
	p->n_keep_fds = q->preserve_fds;
	return 0;
}

int oci_exec_prepare(const struct oci_exec *q, struct oci_container *c, struct bundle *b,
		     struct rt_process *ret)
{
	int r = oci_container_open(q->root, q->id, false, c);

	*b = (struct bundle){.text = SBUF_INIT, .seccomp = SBUF_INIT};
	if (r < 0)
		return r;
	if (c->status == OCI_PAUSED)
		return err_new(-CE_BAD_STATE, "container `%s` is paused", q->id);
	if (c->status != OCI_RUNNING)
		return err_new(-CE_BAD_STATE, "cannot exec in container `%s` in state %s", q->id,
			       oci_status_text(c->status));
	r = oci_container_bundle(c, b);
	if (r == 0)
		r = q->process ? read_process(q, b) : adjust(q, &b->spec.process);
	if (r == 0)
		r = bundle_process(b, &b->spec.process, ret);
	if (r < 0)
		return r;
	ret->outlives = q->detach;
	ret->make_cwd = false;
	if (ret->terminal && q->detach && !q->console_socket)
		return err_usage("a terminal wants --console-socket with --detach");
	return keep_fds(q, b, ret);
}

static bool own_time(const struct proc_id *init)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/ns/time", (int)init->pid);
	struct stat theirs, ours;

	return stat(path, &theirs) == 0 && stat("/proc/self/ns/time", &ours) == 0 &&
	       theirs.st_ino != ours.st_ino;
}

int oci_exec_start(const struct oci_exec *q, const struct oci_container *c,
		   const struct rt_process *p, const int stdio[3], struct rt_exec_started *ret)
{
	AUTO_FREE char *program = NULL;
	AUTO_CLOSE int sealed = -EBADF;
	int status;
	struct rt_exec x = {.init = c->init,
			    .cgroup_dir = *c->cgroup ? c->cgroup : NULL,
			    .process = *p,
			    .stdio = {stdio[0], stdio[1], stdio[2]},
			    .detached = q->detach,
			    .own_time = own_time(&c->init),
			    .adopted = q->detach};
	int r = paths_helper("cuddy-conmon", &program);

	/*
	 * Whoever called gets one process from us, the payload, and not before we end. conmon takes any
	 * other that ends for the payload, and with a terminal a payload that ended before us for a
	 * runtime that failed. So it comes to us when the stage has handed it on, which ends here.
	 */
	if (r == 0 && q->detach && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		r = err_new(-errno, "become subreaper");
	if (r == 0)
		r = x.program = sealed = rt_program_seal(program);
	if (r >= 0)
		r = rt_exec_start(&x, ret);
	if (r < 0)
		return r;
	if (q->detach)
		r = pidfd_wait(ret->stage_pidfd, -1, &status);
	if (r == 0 && q->console_socket && ret->pty_master >= 0)
		r = oci_send_console(q->console_socket, ret->pty_master);
	if (r == 0)
		r = oci_write_pid_file(q->pid_file, rt_exec_pid(ret));
	if (r < 0)
		(void)pidfd_signal(ret->payload_pidfd, SIGKILL);
	return r;
}
