/* SPDX-License-Identifier: MIT */
/* I, the container's first process, from its birth to execve. The theory stands in launch.c. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/runtime/base.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"
#include "pkg/sys/procfs.h"

/* As M sees it: before we mount a procfs of our own. */
static int own_pid(pid_t *ret)
{
	AUTO_CLOSE int proc = procfs_open_host();

	return proc < 0 ? proc : procfs_self(proc, ret);
}

/* Before the maps exist: what needs no id. Host paths are opened here, as the caller's user. */
static int prepare(struct rt_child *x)
{
	int r = confine_death(x->process);

	if (r < 0)
		return r;
	/* A descriptor that was closed would become 0..2 and be taken for stdio. */
	for (int i = 0; !x->process->terminal && i < 3; i++)
		if (x->stdio[i] < 0)
			return err_new(-EBADF, "standard stream %d", i);
	(void)setsid();
	(void)umask(0);
	if (x->plan->n_hooks && (r = own_pid(&x->host_pid)) < 0)
		return r;
	x->may_open_later = x->plan->ns[RT_NS_USER].mode == RT_NS_NEW;
	return rootfs_open_sources(x);
}

/* Root inside, with none of the caller's groups. */
static int become_root(const struct rt_child *x)
{
	int r = confine_drop_groups(x->proc, x->process);

	if (r < 0)
		return r;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_new(-errno, "become root inside (id 0 must be mapped)");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_new(-errno, "set process flags");
	return confine_death(x->process);
}

/* The proc mount of the plan is made now, detached: nobody could touch it yet, so writes go there (D3). */
static int open_procfs(struct rt_child *x)
{
	const struct rt_plan *p = x->plan;

	x->proc_mount = -1;
	for (unsigned i = 0; i < p->n_mounts && x->proc_mount < 0; i++)
		if (p->mounts[i].type == RT_MOUNT_PROC)
			x->proc_mount = (int)i;
	if (x->proc_mount < 0) {
		x->proc = procfs_open_host();
	} else if (x->joined[x->proc_mount] >= 0) {
		x->proc = x->joined[x->proc_mount];
	} else {
		x->proc = base_new_proc(p->mounts[x->proc_mount].data);
	}
	return x->proc < 0 ? x->proc : 0;
}

/* A procfs of processes alone (subset=pid) has no parameters: they are set by another one, never attached. */
static int open_parameters(const struct rt_child *x)
{
	const char *data = x->proc_mount < 0 ? NULL : x->plan->mounts[x->proc_mount].data;

	if (!data || !strstr(data, "subset="))
		return fd_dup(x->proc);
	return mount_new("proc", NULL, MNT_ATTR_NOSUID | MNT_ATTR_NODEV | MNT_ATTR_NOEXEC);
}

/* A new time namespace is for children at first: its clocks are set before anybody is in it, then we enter. */
static int set_up_clocks(int proc, const char *clocks)
{
	AUTO_CLOSE int ns = -EBADF;
	char path[48];
	pid_t self;
	int r;

	if (unshare(CLONE_NEWTIME) < 0)
		return err_new(-errno, "new time namespace");
	r = procfs_self(proc, &self);
	(void)snprintf(path, sizeof(path), "%d/timens_offsets", (int)self);
	if (r == 0 && clocks)
		r = procfs_write(proc, path, clocks);
	if (r < 0)
		return err_wrap(r, "timeOffsets");
	(void)snprintf(path, sizeof(path), "%d/ns/time_for_children", (int)self);
	ns = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWTIME) < 0)
		return err_new(-errno, "enter the new time namespace");
	return 0;
}

static int set_up_namespaces(struct rt_child *x)
{
	const struct rt_plan *p = x->plan;
	AUTO_CLOSE int proc = open_parameters(x);
	int r = proc < 0 ? err_wrap(proc, "a procfs to set parameters by") : 0;

	if (r < 0)
		return r;

	if (p->ns[RT_NS_CGROUP].mode == RT_NS_NEW && unshare(CLONE_NEWCGROUP) < 0)
		return err_new(-errno, "new cgroup namespace");
	if (p->ns[RT_NS_TIME].mode == RT_NS_NEW && (r = set_up_clocks(proc, p->clocks)) < 0)
		return r;
	/* podman's filter refuses it to containers without CAP_SYS_ADMIN, in which we may be. */
	if (p->ns[RT_NS_UTS].mode == RT_NS_NEW && p->hostname &&
	    sethostname(p->hostname, strlen(p->hostname)) < 0 &&
	    !(errno == EPERM && p->hostname_may_fail))
		return err_new(-errno, "set the host name");
	if (p->ns[RT_NS_UTS].mode == RT_NS_NEW && p->domainname &&
	    setdomainname(p->domainname, strlen(p->domainname)) < 0)
		return err_new(-errno, "set the domain name");
	if (p->ns[RT_NS_NET].mode == RT_NS_NEW)
		r = netns_setup(proc, x->proc_mount < 0, &p->net, &x->conf6);
	if (r == 0)
		r = sysctl_apply(proc, p->sysctls, p->ns[RT_NS_NET].mode != RT_NS_KEPT, true);
	return r;
}

static int run_hooks(struct rt_child *x)
{
	int r;

	if (!hooks_any(x->plan, RT_HOOKS_AT_MOUNTED))
		return 0;
	r = sync_send(x->sync, RT_POINT_MOUNTED, NULL, 0);
	if (r == 0)
		r = sync_wait(x->sync, RT_POINT_HOOKED, NULL);
	return r < 0 ? r : hooks_run(x->plan, RT_HOOK_CREATE_CONTAINER, x->host_pid, "creating");
}

/* Ready: M may go, and whoever connects gives the word and hears how it went. */
static int hold(struct rt_child *x)
{
	int r = process_check(x->process), conn;

	if (r == 0)
		r = sync_send(x->sync, RT_POINT_HELD, NULL, 0);
	if (r < 0)
		return r;
	closep(&x->sync);
	do
		conn = accept4(x->given->start, NULL, NULL, SOCK_CLOEXEC);
	while (conn < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (conn < 0)
		return err_new(-errno, "wait for the start");
	x->sync = conn;
	return sync_wait(conn, RT_POINT_START, NULL);
}

static int build_root(struct rt_child *x)
{
	int r = rootfs_mount_root(x);

	if (r == 0)
		r = user_resolve(x->root, x->process, &x->ids);
	if (r == 0)
		r = accounts_add(x->root, x->plan, &x->ids);
	if (r == 0)
		r = rootfs_mount_all(x);
	if (r == 0)
		r = process_make_cwd(x->root, x->process, &x->ids);
	if (r == 0 && x->process->terminal)
		r = dev_open_pty(x);
	if (r == 0)
		r = run_hooks(x);
	if (r == 0)
		r = confine_limits(x->proc, x->process);
	return r < 0 ? r : rootfs_finish(x);
}

static int finish(struct rt_child *x)
{
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (root < 0)
		return err_new(-errno, "open the root");
	r = process_set_stdio(x->stdio, x->process->terminal);
	if (r == 0)
		r = process_place_kept(x->process, x->first_kept,
				       (int *const[]){&root, &x->proc, &x->sync}, 3);
	return r < 0 ? r : process_finish(root, x->proc, x->process, &x->ids, x->plan->init);
}

void child_main(const struct rt_plan *plan, const struct rt_stdio *stdio, int sync, int root_mount,
		const int *joined)
{
	struct rt_child x = {.plan = plan,
			     .process = &plan->process,
			     .given = stdio,
			     .sync = sync,
			     .root_mount = root_mount,
			     .joined = joined,
			     .first_kept = stdio->first_kept,
			     .stdio = {stdio->in, stdio->out, stdio->err},
			     RT_CHILD_NOTHING_OPEN};
	int r = prepare(&x);

	if (r == 0)
		r = sync_wait(sync, RT_POINT_MAPPED, NULL);
	if (r == 0)
		r = confine_keyring(&plan->process);
	if (r == 0)
		r = become_root(&x);
	if (r == 0)
		r = rootfs_open_rest(&x);
	if (r == 0)
		r = open_procfs(&x);
	if (r == 0)
		r = set_up_namespaces(&x);
	if (r == 0)
		r = build_root(&x);
	if (r == 0)
		r = sync_send(sync, RT_POINT_BUILT, (int[]){x.root, x.pty_master},
			      x.pty_master < 0 ? 1 : 2);
	closep(&x.pty_master);
	if (r == 0 && rt_plan_is_met(plan))
		r = sync_wait(sync, RT_POINT_GO, NULL);
	if (r == 0)
		r = netns_finish(x.conf6, &plan->net);
	if (r == 0 && plan->hold)
		r = hold(&x);
	else if (r == 0 && plan->pin)
		_exit(0);
	if (r == 0)
		r = hooks_run(plan, RT_HOOK_START_CONTAINER, x.host_pid, "created");
	if (r == 0)
		r = finish(&x);
	sync_fail(x.sync, r);
	_exit(125);
}
