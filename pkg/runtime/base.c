/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the base namespace B
 *
 * B is one user namespace per user: 0 is the user, 1… are all his subordinate ids in order. It lives
 * as long as somebody is in it or holds a descriptor of it; nobody exists only to hold it.
 *
 * Candidates    runtime_dir/base/<pid>: written aside, flock'ed exclusively by its writer for the
 *               writer's life, then renamed into place, so a visible unlocked file is a dead one.
 *               (pkg/sys/candidate.c, base_join.c). Monitors, and the keeper of the user's bridges, point at
 *               /proc/<pid>/ns/user; a process that has just made a B, or is about to start
 *               something in it, points at its own descriptor.
 * Trust         the file is a hint. What we join must be: reached through a living process of that
 *               start time, the recorded inode, owned by our uid, a child of our own namespace, with
 *               the maps we want. A container's namespace is a grandchild of ours (threats R32).
 * Creation      (base_make.c) under base.lock: a child in a new user namespace waits on a pipe while newuidmap and
 *               newgidmap run side by side. The child is ours and not reaped until both are done, so
 *               its pid cannot become another process's meanwhile (H06).
 *               Who is sure to need one has it begun first thing, without the lock (base_prepare()); when
 *               somebody was faster it is given up again.
 * Inherited     who is root of a namespace with the maps of his B, as after "cuddy unshare", is in his B;
 *               a monitor started there is a candidate as any other.
 * Order         the maps a candidate was made with must be those we would make now; after a change of
 *               /etc/subuid a new B is made and the old one runs out with its containers.
 */
#include "pkg/runtime/base_internal.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/apart.h"
#include "pkg/sys/candidate.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"
#include "pkg/sys/userns.h"

static bool entered;
/* The B that we offer to others. */
static int kept_ns = -EBADF;
/* One that was begun before it was asked for. */
static struct base_making ahead = BASE_MAKING_INIT;

/* "0:1005:1,1:362144:65536;…": what /proc/PID/uid_map and gid_map of B would say. */
static void map_text(const struct subid_range *v, unsigned n, uint32_t own, struct sbuf *out)
{
	uint32_t inside = 1;

	sbuf_addf(out, "0:%u:1", own);
	for (unsigned i = 0; i < n; i++) {
		sbuf_addf(out, ",%u:%u:%u", inside, v[i].start, v[i].count);
		inside += v[i].count;
	}
}

static char *grant_text(const struct base_grant *g)
{
	struct sbuf b = SBUF_INIT;
	bool single = base_grant_is_single(g);

	map_text(g->uids, single ? 0 : g->n_uids, g->uid, &b);
	sbuf_addc(&b, ';');
	map_text(g->gids, single ? 0 : g->n_gids, g->gid, &b);
	return sbuf_steal(&b);
}

int base_register(int runtime_dir)
{
	int r = candidate_offer_own(runtime_dir);

	return r < 0 ? err_wrap(r, "register with the base namespace") : 0;
}

/* What we hold is offered to others until we end or withdraw it. */
static int offer_held(int runtime_dir, int ns, const char *maps)
{
	char where[32];
	uint64_t inode;
	int r = userns_inode(ns, &inode);

	if (r < 0)
		return r;
	closep(&kept_ns);
	kept_ns = fd_dup(ns);
	if (kept_ns < 0)
		return err_new(kept_ns, "keep the base namespace");
	(void)snprintf(where, sizeof(where), "fd/%d", kept_ns);
	return candidate_offer(runtime_dir, where, inode, maps);
}

void base_release(int runtime_dir)
{
	candidate_withdraw(runtime_dir);
	closep(&kept_ns);
}

/* Real root gains nothing from us: its files would be the container's, and uid 0 owns all of /proc/sys. */
static int refuse_root(void)
{
	int r;

	if (geteuid() != 0)
		return 0;
	r = userns_is_initial();
	if (r <= 0)
		return r;
	return err_new(-CE_HOST_SETUP,
		       "containers are not started as root of the machine; "
		       "use an ordinary user, for example: runuser -u USER -- cuddy …");
}

static int make_and_register(int runtime_dir, const struct base_grant *g, const char *maps)
{
	AUTO_CLOSE int lock = lock_open(runtime_dir, "base.lock", LOCK_EXCLUSIVE), ns = -EBADF;
	AUTO_CLOSE int led = -EBADF;
	int r;

	if (lock < 0)
		return lock;
	ns = base_join_any(runtime_dir, maps, &led); /* somebody was faster */
	if (ns < 0)
		ns = ahead.pid > 0 && strcmp(ahead.maps, maps) == 0 ? base_make_end(&ahead)
								    : base_make(g, maps);
	if (ns < 0)
		return ns;
	r = offer_held(runtime_dir, ns, maps);
	return r < 0 ? r : TAKE_FD(ns);
}

/* Looked at once: after base_enter() it would be true of everybody. */
bool base_is_inherited(const struct base_grant *g)
{
	static enum { UNKNOWN, NO, YES } answer;
	AUTO_SBUF struct sbuf have = SBUF_INIT;
	AUTO_FREE char *want = NULL;

	if (answer == UNKNOWN && !entered) {
		answer = NO;
		if (geteuid() == 0 && userns_is_initial() == 0) {
			want = grant_text(g);
			if (candidate_maps("self", &have) == 0 && strcmp(have.s, want) == 0)
				answer = YES;
		}
		err_drop();
	}
	return answer == YES;
}

/* Nothing to verify, and nobody can join the namespace he is in. */
static int open_entered(void)
{
	int ns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);

	return ns < 0 ? err_new(-errno, "open our user namespace") : ns;
}

/*
 * Who led us there may end before what we start there is a candidate itself, and then somebody else
 * finds nobody and makes a second B. So we are one meanwhile: if the other still lives once we are,
 * nobody can have looked in vain.
 */
static int join_and_hold(int runtime_dir, const char *maps)
{
	AUTO_CLOSE int led = -EBADF, ns = base_join_any(runtime_dir, maps, &led);

	if (ns < 0)
		return ns;
	if (offer_held(runtime_dir, ns, maps) == 0 && base_lives(led))
		return TAKE_FD(ns);
	err_drop(); /* there is another way */
	base_release(runtime_dir);
	return -ESRCH;
}

static int open_or_make(int runtime_dir, const struct base_grant *g, bool hold)
{
	AUTO_FREE char *maps = grant_text(g);
	AUTO_CLOSE int led = -EBADF;
	int ns = refuse_root();

	if (ns < 0)
		return ns;
	ns = hold ? join_and_hold(runtime_dir, maps) : base_join_any(runtime_dir, maps, &led);
	if (ns < 0)
		ns = make_and_register(runtime_dir, g, maps);
	base_unprepare();
	return ns;
}

void base_unprepare(void)
{
	base_make_abandon(&ahead);
}

void base_prepare(int runtime_dir)
{
	AUTO(base_grant_done) struct base_grant g = {0};
	AUTO_FREE char *maps = NULL;

	/* That one which is offered serves is looked at once, by who opens it. */
	if (ahead.pid > 0 || entered || base_is_offered(runtime_dir) || base_grant_load(&g) < 0 ||
	    base_is_inherited(&g) || base_grant_is_single(&g) || refuse_root() < 0) {
		err_drop();
		return;
	}
	maps = grant_text(&g);
	if (base_make_begin(&g, maps, &ahead) < 0)
		err_drop();
}

static int open_base(int runtime_dir, const struct base_grant *g, bool hold, bool *ret_single)
{
	int ns = entered || base_is_inherited(g) ? open_entered()
						 : open_or_make(runtime_dir, g, hold);

	if (ns < 0)
		return err_wrap(ns, "base namespace");
	if (ret_single)
		*ret_single = base_grant_is_single(g);
	return ns;
}

int base_open(int runtime_dir, const struct base_grant *g, bool *ret_single)
{
	return open_base(runtime_dir, g, false, ret_single);
}

int base_open_held(int runtime_dir, const struct base_grant *g, bool *ret_single)
{
	return open_base(runtime_dir, g, true, ret_single);
}

int base_enter(int runtime_dir, const struct base_grant *g)
{
	AUTO_CLOSE int ns = -EBADF;

	if (entered)
		return 0;
	ns = base_open(runtime_dir, g, NULL);
	if (ns < 0)
		return ns;
	if (!base_is_inherited(g) && setns(ns, CLONE_NEWUSER) < 0)
		return err_new(-errno, "enter the base namespace");
	if (unshare(CLONE_NEWNS) < 0)
		return base_host_problem(-errno);
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_new(-errno, "make mounts private");
	entered = true;
	return 0;
}

int base_enter_own(int runtime_dir)
{
	AUTO(base_grant_done) struct base_grant g = {0};
	int r = base_grant_load(&g);

	return r < 0 ? r : base_enter(runtime_dir, &g);
}

bool base_is_entered(void)
{
	return entered;
}

static int try_inside(const void *arg, struct sbuf *out)
{
	const struct base_grant *g = arg;
	AUTO_FREE char *maps = grant_text(g);
	int r = refuse_root();

	(void)out;
	if (r == 0)
		r = base_make(g, maps);
	if (r >= 0 && setns(r, CLONE_NEWUSER) < 0)
		return err_new(-errno, "enter the base namespace");
	if (r >= 0 && unshare(CLONE_NEWNS) < 0)
		return base_host_problem(-errno);
	return r < 0 ? r : 0;
}

int base_new_proc(const char *options)
{
	int r = mount_new("proc", options, MNT_ATTR_NOSUID | MNT_ATTR_NODEV | MNT_ATTR_NOEXEC);

	if (r == -EPERM)
		return err_wrap(
			-CE_HOST_SETUP,
			"the host hides parts of its own /proc (are we in a container?), so a "
			"new one may not be mounted; mend it by running the outer one with "
			"--security-opt unmask=ALL, or share its processes with --pid host");
	return r;
}

static int mount_proc(const void *arg, struct sbuf *out)
{
	AUTO_CLOSE int fd = base_new_proc(NULL);

	(void)arg;
	(void)out;
	return fd < 0 ? fd : 0;
}

static int try_proc_inside(const void *arg, struct sbuf *out)
{
	int r = try_inside(arg, out);

	if (r == 0 && unshare(CLONE_NEWPID) < 0)
		return base_host_problem(-errno);
	return r < 0 ? r : apart_run(mount_proc, NULL, NULL);
}

/* A child tries, for there is no way back out of a user namespace. */
static int try_apart(const struct base_grant *g, int (*job)(const void *arg, struct sbuf *out))
{
	char words[2048];
	int r = base_is_inherited(g) ? 0 : apart_run(job, g, NULL);

	if (r == 0)
		return 0;
	(void)snprintf(words, sizeof(words), "%s", err_trail());
	return err_set(-CE_HOST_SETUP, words);
}

int base_try(const struct base_grant *g)
{
	return try_apart(g, try_inside);
}

int base_try_proc(const struct base_grant *g)
{
	return try_apart(g, try_proc_inside);
}
