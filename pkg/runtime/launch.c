/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: starting pid 1
 *
 * Processes     M monitor ─clone3→ I init (pid 1 inside), both from the monitor's small static image
 *   M  lives in B with all capabilities there and a mount namespace of its own. Writes the id maps,
 *      clones I into its cgroup, starts the network helper and the port proxy, waits, reports.
 *   I  is born in all its namespaces at once. Opens every host path while it is still the caller's
 *      user, builds the root file system, pivots, confines itself and execs the payload.
 *   J  only when a namespace of another container is entered, or the network namespace stays B's: a
 *      short-lived child of M that enters or makes it while it still has B's rights over it, then
 *      clones I as M's child (CLONE_PARENT).
 *   F  only with fuse-overlayfs: a child of M that serves I's root, see fuse.c.
 * Sync          #1 M→I maps written      #2 I→M root built and pivoted (carries the pty master)
 *               #3 M→I the network is ready              #4 end of file: exec closed I's socket
 *               Each number stands at both ends; sync_wait() checks it, and an early end means that
 *               the peer died. I does not wait for #3 when M has nothing to do there (no network
 *               helper, no ports, no terminal): a hand-over costs 50 us. With CUDDY_STOP_AT=n M stops
 *               itself (SIGSTOP) at point n, before it sends or after it received that number; 0 is
 *               "cloned, nothing done". I waits then, so the whole start stands still.
 *               Hooks that see the mounts: #5 I→M mounted, #6 M→I they have run, before #2. A start in
 *               two steps (rt_plan.hold): #7 I→M instead of #4; M may go then. I waits for a
 *               connection at the socket it was given, #8 comes over that, and #4 ends it.
 *               Before #5 and #2 I may ask for owners of a volume's files, #9, and hears #10: owner.c.
 *               What is only to be pinned (rt_plan.pin): M opens I's namespaces at #2; after #3 I ends,
 *               which is #4, and M reaps it.
 * Who holds     sync pair: M[0], I[1], ended by I's exec          stdio: M's copies; I's become 0..2
 *               pty master: made by I in its own devpts (no path on the host), sent with #2, M's
 *               root: a descriptor goes to M with #2 and outlives I, so that the sync at the last
 *               unmount (seconds on a busy disk, unless volatile) is not in the way of I's exit status
 *               pidfd of I and helpers: M, handed to rt_launch()'s caller on success
 * If M dies     I has PR_SET_PDEATHSIG (set again after each change of ids, which clears it), and at
 *               #1 and #3 it reads the end of the socket. A payload may clear the signal; whoever finds
 *               the container's lock free kills what still runs by pidfd.
 * If I fails    it sends code and trail over the socket; M kills and reaps all and returns them.
 */
#include "pkg/runtime/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/keeper.h"
#include "net/ports.h"
#include "net/helper.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sbuf.h"
#include "pkg/runtime/fuse.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/open.h"
#include "pkg/sys/socket.h"
#include "pkg/sys/userns.h"

#define NETWORK_READY_MS 10000
#define EXTENTS_MAX 340

static const uint64_t ns_flag[RT_NS_COUNT] = {
	[RT_NS_USER] = CLONE_NEWUSER, [RT_NS_PID] = CLONE_NEWPID, [RT_NS_UTS] = CLONE_NEWUTS,
	[RT_NS_IPC] = CLONE_NEWIPC,   [RT_NS_NET] = CLONE_NEWNET, [RT_NS_CGROUP] = CLONE_NEWCGROUP,
	[RT_NS_TIME] = CLONE_NEWTIME,
};

struct launch {
	const struct rt_plan *plan;
	const struct rt_meanwhile *meanwhile;
	int sync;
	int pidfd;
	pid_t pid;
	struct fuse_server fuse;
	int root_mount; /* of it, for I */
	int *joined; /* mounts of another container, for I */
	struct net_helper helper;
	int keeper_fd, netns_fd;
	int proxy_pidfd, proxy_ctl;
	int built[RT_SYNC_FDS]; /* the root, the pty master */
	int pins[RT_PINS];
};

/* --- id maps -------------------------------------------------------------------------------- */

static void map_lines(const struct rt_idmap *m, unsigned n, struct sbuf *out)
{
	for (unsigned i = 0; i < n; i++)
		sbuf_addf(out, "%u %u %u\n", m[i].inside, m[i].outside, m[i].count);
}

/* The kernel refuses a range that spans two extents of the parent: cut it at each (B's are our own). */
static int cut_at_extents(const char *own_map, const struct rt_idmap *m, unsigned n,
			  struct sbuf *out)
{
	char text[8192], *save = NULL;
	AUTO_CLOSE int fd = open(own_map, O_RDONLY | O_CLOEXEC);
	uint32_t start[EXTENTS_MAX], count[EXTENTS_MAX];
	unsigned extents = 0;
	ssize_t got;

	got = fd < 0 ? -errno : read_upto(fd, text, sizeof(text) - 1);
	if (got < 0)
		return err_new((int)got, "read %s", own_map);
	text[got] = '\0';
	for (char *l = strtok_r(text, "\n", &save); l && extents < EXTENTS_MAX;
	     l = strtok_r(NULL, "\n", &save))
		if (sscanf(l, "%u %*u %u", &start[extents], &count[extents]) == 2)
			extents++;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned e = 0; e < extents; e++) {
			uint64_t lo = m[i].outside, hi = lo + m[i].count;
			uint64_t elo = start[e], ehi = elo + count[e];

			if (elo > lo)
				lo = elo;
			if (ehi < hi)
				hi = ehi;
			if (lo < hi)
				sbuf_addf(out, "%llu %llu %llu\n",
					  (unsigned long long)(m[i].inside + (lo - m[i].outside)),
					  (unsigned long long)lo, (unsigned long long)(hi - lo));
		}
	}
	return 0;
}

static int write_map(pid_t pid, const char *file, const struct rt_idmap *m, unsigned n)
{
	AUTO_SBUF struct sbuf whole = SBUF_INIT, cut = SBUF_INIT;
	char own[32];
	int r;

	map_lines(m, n, &whole);
	r = userns_write(pid, file, whole.s);
	if (r != -EPERM)
		return r;
	(void)snprintf(own, sizeof(own), "/proc/self/%s", file);
	r = cut_at_extents(own, m, n, &cut);
	return r < 0 ? r : userns_write(pid, file, cut.s);
}

static int write_maps(const struct launch *l)
{
	const struct rt_plan *p = l->plan;
	int r = 0;

	if (p->ns[RT_NS_USER].mode != RT_NS_NEW)
		return 0;
	r = write_map(l->pid, "uid_map", p->uid_map, p->n_uid_map);
	/* Where B itself may not use setgroups neither may C: the kernel inherits "deny" (H05). */
	if (r == 0)
		r = write_map(l->pid, "gid_map", p->gid_map, p->n_gid_map);
	return r;
}

/* --- cloning -------------------------------------------------------------------------------- */

static uint64_t clone_flags(const struct rt_plan *p)
{
	uint64_t flags = CLONE_NEWNS;

	/*
	 * Not the cgroup namespace: its root would be M's cgroup. I makes it, from within its own. Nor that
	 * of time: its clocks stand still for good once somebody is in it.
	 */
	for (unsigned k = 0; k < RT_NS_COUNT; k++)
		if (p->ns[k].mode == RT_NS_NEW && k != RT_NS_CGROUP && k != RT_NS_TIME)
			flags |= ns_flag[k];
	return flags;
}

/* With a cgroup, I is in it from its first instruction: nothing of it is ever accounted elsewhere. */
static pid_t clone_child(const struct launch *l, uint64_t flags, int *ret_pidfd)
{
	AUTO_CLOSE int cgroup = -EBADF;

	if (!l->plan->cgroup_dir)
		return clone_fork(flags, ret_pidfd);
	cgroup = open(l->plan->cgroup_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		return err_new(-errno, "open cgroup %s", l->plan->cgroup_dir);
	return clone_fork_into(flags, cgroup, ret_pidfd);
}

static bool has_joins(const struct rt_plan *p)
{
	for (unsigned k = 0; k < RT_NS_COUNT; k++)
		if (p->ns[k].mode == RT_NS_JOIN || p->ns[k].mode == RT_NS_KEPT)
			return true;
	return false;
}

static int enter_path(const char *path, int flag)
{
	AUTO_CLOSE int ns = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (ns < 0)
		return err_new(-errno, "open namespace %s", path);
	if (setns(ns, flag) < 0)
		return err_new(-errno,
			       "enter namespace %s (it must be of the kind that is asked for, and "
			       "belong to you)",
			       path);
	return 0;
}

static int enter_pinned(const struct rt_ns *ns, int flag)
{
	AUTO_CLOSE int fd = pin_open(&ns->target, ns->fd);

	if (fd < 0)
		return err_new(fd, "the pod whose namespace is to be shared");
	return setns(fd, flag) < 0 ? err_new(-errno, "enter the pod's namespace") : 0;
}

int joined_enter(const struct rt_plan *p, enum rt_ns_kind kind)
{
	const struct rt_ns *ns = &p->ns[kind];
	AUTO_CLOSE int pidfd = -EBADF;

	if (ns->mode != RT_NS_JOIN)
		return 0;
	if (ns->path)
		return enter_path(ns->path, (int)ns_flag[kind]);
	if (ns->fd)
		return enter_pinned(ns, (int)ns_flag[kind]);
	pidfd = pidfd_of(&ns->target);
	if (pidfd < 0)
		return err_new(pidfd, "the container whose namespace is to be shared");
	if (setns(pidfd, (int)ns_flag[kind]) < 0)
		return err_new(-errno, "enter another container's namespace");
	return 0;
}

/* J: enter the other containers' namespaces, their user namespace last. */
static int enter_joined(const struct rt_plan *p)
{
	int r = 0;

	for (unsigned i = 1; r == 0 && i <= RT_NS_COUNT;
	     i++) /* RT_NS_USER, the first, comes last */
		r = joined_enter(p, (enum rt_ns_kind)(i % RT_NS_COUNT));
	return r;
}

static void __attribute__((noreturn))
joiner_main(struct launch *l, const struct rt_stdio *stdio, int child_sync, int out)
{
	pid_t pid;
	int r;

	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = l->plan->ns[RT_NS_NET].mode == RT_NS_KEPT ? netns_make_kept(l->plan) : 0;
	if (r == 0)
		r = enter_joined(l->plan);
	if (r == 0) {
		pid = clone_child(l, clone_flags(l->plan) | CLONE_PARENT, NULL);
		if (pid == 0)
			child_main(l->plan, stdio, child_sync, l->root_mount, l->joined);
		r = pid < 0 ? (int)pid : write_full(out, &pid, sizeof(pid));
	}
	if (r < 0)
		sync_fail(child_sync, r);
	_exit(r < 0);
}

static int clone_joined(struct launch *l, const struct rt_stdio *stdio, int child_sync)
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, joiner = -EBADF;
	pid_t j, pid = -1;
	int p[2], r;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	j = clone_fork(0, &joiner);
	if (j < 0)
		return j;
	if (j == 0)
		joiner_main(l, stdio, child_sync, wr);
	closep(&wr);
	r = read_full(rd, &pid, sizeof(pid));
	while (waitpid(j, NULL, 0) < 0 && errno == EINTR)
		;
	if (r < 0) {
		r = sync_wait(l->sync, RT_POINT_BUILT, NULL);
		return r < 0 ? r : err_new(-CE_PROTOCOL, "join namespaces");
	}
	l->pid = pid;
	l->pidfd = pidfd_open_pid(
		pid); /* our own child and not reaped: it cannot be another process */
	return l->pidfd < 0 ? l->pidfd : 0;
}

static int clone_init(struct launch *l, const struct rt_stdio *stdio, int child_sync)
{
	if (has_joins(l->plan))
		return clone_joined(l, stdio, child_sync);
	l->pid = clone_child(l, clone_flags(l->plan), &l->pidfd);
	if (l->pid == 0)
		child_main(l->plan, stdio, child_sync, l->root_mount, l->joined);
	return l->pid < 0 ? (int)l->pid : 0;
}

/* --- the monitor's side --------------------------------------------------------------------- */

static bool has_own_network(const struct rt_plan *p)
{
	return p->ns[RT_NS_NET].mode == RT_NS_NEW || p->ns[RT_NS_NET].mode == RT_NS_KEPT;
}

static bool wants_network(const struct rt_plan *p)
{
	return net_mode_has_helper(p->net.mode) && has_own_network(p);
}

static bool wants_keeper(const struct rt_plan *p)
{
	return p->net.keeper_dir && has_own_network(p);
}

/* Not before I is done with its namespace: devices take over what it wrote there as default. */
static int join_keeper(struct launch *l)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)l->pid);
	l->netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (l->netns_fd < 0)
		return err_new(-errno, "open %s", path);
	l->keeper_fd = keeper_join(&l->plan->net, l->netns_fd, l->plan->net.lease);
	return l->keeper_fd < 0 ? l->keeper_fd
				: net_plan_write_hosts(&l->plan->net, l->plan->net.lease);
}

bool rt_plan_is_met(const struct rt_plan *p)
{
	return p->process.terminal || p->pin || wants_network(p) || wants_keeper(p) ||
	       p->net.n_ports > 0 || sync_is_stepped();
}

static int network_ready(struct launch *l, const int *port_fds)
{
	int r;

	if (wants_network(l->plan)) {
		r = net_helper_wait_ready(&l->helper, NETWORK_READY_MS);
		if (r < 0)
			return r;
	}
	if (wants_keeper(l->plan)) {
		r = join_keeper(l);
		if (r < 0)
			return r;
	}
	if (l->plan->net.n_ports == 0)
		return 0;
	r = net_proxy_start(&l->plan->net, port_fds, l->pid, &l->proxy_ctl);
	if (r < 0)
		return r;
	l->proxy_pidfd = r;
	return 0;
}

/* A child that failed early has closed its end, but its last words wait in ours. */
static int tell(struct launch *l, enum rt_point point)
{
	int r = sync_send(l->sync, point, NULL, 0);

	if (r == -EPIPE || r == -ECONNRESET) {
		r = sync_wait(l->sync, RT_POINT_EXEC, NULL);
		r = r < 0 ? r
			  : err_new(-EPIPE, "the container's first process died before sync #%d",
				    (int)point);
	}
	return r;
}

/* A child that is gone cannot be given maps; why it went is what counts. */
static int last_words(const struct launch *l, int r)
{
	struct pollfd p = {.fd = l->sync, .events = POLLIN};
	int own;

	if (poll(&p, 1, 0) <= 0)
		return r;
	own = sync_wait(l->sync, RT_POINT_EXEC, NULL);
	return own < 0 ? own : r;
}

/* The namespaces are there, all is mounted, and nothing of the container has run. */
static int run_hooks(struct launch *l)
{
	int r = owner_attend(l->plan, l->sync, RT_POINT_MOUNTED, NULL);

	if (r == 0)
		r = hooks_run(l->plan, RT_HOOK_PRESTART, l->pid, "creating");
	if (r == 0)
		r = hooks_run(l->plan, RT_HOOK_CREATE_RUNTIME, l->pid, "creating");
	return r < 0 ? r : tell(l, RT_POINT_HOOKED);
}

static int do_meanwhile(const struct launch *l)
{
	return l->meanwhile ? l->meanwhile->call(l->meanwhile->arg) : 0;
}

static bool pins(const struct rt_plan *p)
{
	return p->pin && !p->hold;
}

/* I has done its part and ends, unless it said why not. */
static int see_it_end(struct launch *l)
{
	int status = 0, r = pidfd_wait(l->pidfd, -1, &status);

	if (r == 0 && status)
		r = err_new(-CE_PROTOCOL, "the process that made the namespaces was killed");
	closep(&l->pidfd);
	l->pid = 0;
	return r;
}

static int conduct(struct launch *l, const int *port_fds)
{
	int r;

	sync_stop_at(0);
	r = write_maps(l);
	if (r < 0)
		r = last_words(l, r);
	sync_stop_at(RT_POINT_MAPPED);
	if (r == 0)
		r = tell(l, RT_POINT_MAPPED);
	if (r == 0 && wants_network(l->plan))
		r = net_helper_start(&l->plan->net, l->pid, &l->helper);
	if (r == 0)
		r = do_meanwhile(l);
	if (r < 0)
		return r;
	if (hooks_any(l->plan, RT_HOOKS_AT_MOUNTED))
		r = run_hooks(l);
	if (r == 0)
		r = owner_attend(l->plan, l->sync, RT_POINT_BUILT, l->built);
	sync_stop_at(RT_POINT_BUILT);
	if (r == 0 && pins(l->plan))
		r = pins_open(l->pid, l->pins);
	if (r < 0)
		return r;
	if (rt_plan_is_met(l->plan)) {
		r = network_ready(l, port_fds);
		sync_stop_at(RT_POINT_GO);
		if (r == 0)
			r = tell(l, RT_POINT_GO);
		if (r < 0)
			return r;
	}
	r = sync_wait(l->sync, l->plan->hold ? RT_POINT_HELD : RT_POINT_EXEC, NULL);
	sync_stop_at(RT_POINT_EXEC);
	return r == 0 && pins(l->plan) ? see_it_end(l) : r;
}

/* The runtime has made all namespaces and mounts: the network, then it may run the payload. */
static int conduct_foreign(struct launch *l, const struct rt_stdio *stdio, const int *port_fds)
{
	struct foreign_made made = {.pidfd = -EBADF, .pty_master = -EBADF, .root_fd = -EBADF};
	int r = do_meanwhile(l);

	if (r < 0)
		return r;
	r = foreign_create(l->plan, stdio, l->root_mount, &made);

	l->pid = made.pid;
	l->pidfd = made.pidfd;
	l->built[0] = made.root_fd;
	l->built[1] = made.pty_master;
	sync_stop_at(RT_POINT_BUILT);
	if (r == 0 && wants_network(l->plan))
		r = net_helper_start(&l->plan->net, l->pid, &l->helper);
	if (r == 0)
		r = network_ready(l, port_fds);
	sync_stop_at(RT_POINT_GO);
	return r < 0 ? r : foreign_start(l->plan);
}

static void end_child(int *pidfd)
{
	siginfo_t si;

	if (*pidfd >= 0) {
		(void)syscall(SYS_pidfd_send_signal, *pidfd, SIGKILL, NULL,
			      0U); /* raw: the trail is kept */
		while (waitid((idtype_t)3 /* P_PIDFD */, (id_t)*pidfd, &si, WEXITED) < 0 &&
		       errno == EINTR)
			;
	}
	closep(pidfd);
}

static int undo_foreign(const struct rt_plan *plan, int r)
{
	char trail[2048];

	(void)snprintf(trail, sizeof(trail), "%s", err_trail());
	rt_foreign_delete(plan);
	return err_set(r, trail);
}

/* A file system whose server is gone answers with little more than ENOTCONN: what it said is better. */
static int explain_fuse(const struct launch *l, int r)
{
	const char *words = l->fuse.pidfd < 0 ? "" : fuse_server_words(&l->fuse);

	return *words && (r == -ENOTCONN || r == -ECONNABORTED || r == -EIO)
		       ? err_new(r, "fuse-overlayfs: %s", words)
		       : r;
}

int rt_launch(const struct rt_plan *plan, const struct rt_stdio *stdio, const int *port_fds,
	      const struct rt_meanwhile *meanwhile, struct rt_launched *ret)
{
	struct launch l = {
		.plan = plan,
		.meanwhile = meanwhile,
		.sync = -EBADF,
		.pidfd = -EBADF,
		.root_mount = -EBADF,
		.fuse = {.pidfd = -EBADF, .words_fd = -EBADF},
		.keeper_fd = -EBADF,
		.netns_fd = -EBADF,
		.proxy_pidfd = -EBADF,
		.proxy_ctl = -EBADF,
		.built = {-EBADF, -EBADF},
		.pins = RT_PINS_INIT,
		.helper = {
			.pidfd = -EBADF, .ready_fd = -EBADF, .exit_fd = -EBADF, .log_fd = -EBADF}};
	AUTO_CLOSE int sync = -EBADF, theirs = -EBADF;
	int pair[2], r;

	r = socket_pair(pair);
	if (r < 0)
		return r;
	l.sync = sync = pair[0];
	theirs = pair[1];
	if (plan->root.driver == RT_ROOT_FUSE_OVERLAY)
		r = l.root_mount = fuse_mount(&plan->root, &l.fuse);
	if (r >= 0 && plan->foreign.program) {
		r = conduct_foreign(&l, stdio, port_fds);
	} else {
		if (r >= 0)
			r = joined_open(plan, &l.joined);
		if (r == 0)
			r = clone_init(&l, stdio, theirs);
		joined_close(plan, l.joined);
		closep(&theirs);
		closep(&l.root_mount);
		if (r == 0)
			r = conduct(&l, port_fds);
	}
	closep(&l.root_mount);
	closep(&l.helper.ready_fd);
	closep(&l.helper.log_fd);
	if (r < 0) {
		end_child(&l.pidfd);
		pins_close(l.pins);
		end_child(&l.proxy_pidfd);
		closep(&l.proxy_ctl);
		closep(&l.keeper_fd);
		closep(&l.netns_fd);
		closep(&l.helper.exit_fd);
		end_child(&l.helper.pidfd);
		r = explain_fuse(&l, r);
		end_child(&l.fuse.pidfd);
		closep(&l.fuse.words_fd);
		closep(&l.built[0]);
		closep(&l.built[1]);
		return plan->foreign.program ? undo_foreign(plan, r) : r;
	}
	closep(&l.fuse.words_fd);
	*ret = (struct rt_launched){.pid = l.pid,
				    .pidfd = l.pidfd,
				    .pty_master = l.built[1],
				    .root_fd = l.built[0],
				    .root_server = l.fuse.pidfd < 0 ? 0 : l.fuse.pid,
				    .root_server_pidfd = l.fuse.pidfd,
				    .helper_pidfd = l.helper.pidfd,
				    .helper_exit_fd = l.helper.exit_fd,
				    .keeper_fd = l.keeper_fd,
				    .netns_fd = l.netns_fd,
				    .proxy_pidfd = l.proxy_pidfd,
				    .proxy_ctl = l.proxy_ctl};
	memcpy(ret->pins, l.pins, sizeof(l.pins));
	return 0;
}
