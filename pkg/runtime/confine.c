/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: giving up privilege, the same for pid 1 and for exec (threats K05)
 *
 * 1 keyring     a new session keyring, before a filter may forbid keyctl (K03)
 * 2 (mounts, pivot: rootfs.c)
 * 3 stdio       pipes and ptys of ours are given to the user, so that /dev/stdout can be reopened
 * 4 limits      rlimits, oom score, umask: raising some needs the ids we are about to leave
 * 5 groups → gid → uid, keeping permitted capabilities across the change
 * 6 bounding set, ambient set
 * 7 without no_new_privs: filter (needs CAP_SYS_ADMIN), then capabilities;
 *   with no_new_privs: capabilities, then the flag, then the filter
 * 8 everything is read back; a difference stops the start (R18, R30)
 * 9 close_range, execve (process.c)
 * After 5 the parent-death signal and "not dumpable" are set again, since the kernel clears the first
 * and resets the second when ids change.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/caps.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/procfs.h"

#define KEYCTL_JOIN_SESSION_KEYRING 1
#define KEYCTL_GET_KEYRING_ID 0
#define KEY_SPEC_SESSION_KEYRING (-3)
#define IOPRIO_WHO_PROCESS 1
#define PIPEFS_MAGIC 0x50495045
#define CAP_BIT(c) ((uint64_t)1 << (c))

int confine_death(const struct rt_process *p)
{
	if (prctl(PR_SET_PDEATHSIG, p->outlives ? 0 : SIGKILL, 0, 0, 0) < 0)
		return err_new(-errno, "set process flags");
	return 0;
}

int confine_keyring(const struct rt_process *p)
{
	if (p->keep_keyring || syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 ||
	    errno == ENOSYS)
		return 0;
	/* The quota of 200 keyrings counts per user: with a filter keyctl is out of reach anyway. */
	if (errno == EDQUOT && p->seccomp)
		return 0;
	/* A filter around us refuses keyctl, whatever is asked: to the payload as well, which inherits it. */
	if (errno == EPERM &&
	    syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) < 0 &&
	    errno == EPERM)
		return 0;
	return err_new(-errno, "new session keyring");
}

/* Pipes and terminals were made by us for this process; files and sockets are the caller's own. */
int confine_stdio(const int stdio[3], bool terminal, uid_t uid)
{
	for (int i = 0; i < 3; i++) {
		if (uid == 0)
			return 0;
		if (!terminal && mount_is_fs(stdio[i], PIPEFS_MAGIC) != 1)
			continue;
		/*
		 * EPERM: a pipe of somebody else that was passed through; it stays his.
		 * EINVAL: no such user in here, as change_ids() will say.
		 */
		if (fchown(stdio[i], uid, (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL)
			return err_new(-errno, "hand standard stream %d to the container's user",
				       i);
	}
	return 0;
}

/* @files: that of open files, else all others. */
static int set_rlimits(const struct rt_process *p, bool files)
{
	for (unsigned i = 0; i < p->n_rlimits; i++) {
		const struct rt_rlimit *l = &p->rlimits[i];
		struct rlimit rl = {.rlim_cur = (rlim_t)l->soft, .rlim_max = (rlim_t)l->hard};

		if ((l->resource == RLIMIT_NOFILE) == files && setrlimit(l->resource, &rl) < 0)
			return err_new(-errno, "set limit %u to %llu:%llu", l->resource,
				       (unsigned long long)l->soft, (unsigned long long)l->hard);
	}
	return 0;
}

/* As the kernel has it; C libraries of the day have it not, or under a name of their own. */
struct k_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

int confine_cpus(const void *mask, size_t n)
{
	if (mask && syscall(SYS_sched_setaffinity, 0, n, mask) < 0)
		return err_new(-errno, "execCPUAffinity");
	return 0;
}

int confine_scheduling(const struct rt_process *p, bool late)
{
	const struct rt_scheduling *s = &p->scheduling;
	struct k_sched_attr a = {.size = sizeof(a),
				 .policy = s->policy,
				 .flags = s->flags,
				 .nice = s->nice,
				 .priority = s->priority,
				 .runtime = s->runtime_ns,
				 .deadline = s->deadline_ns,
				 .period = s->period_ns};

	if (late != (s->has_policy && s->policy == SCHED_DEADLINE))
		return 0;
	if (s->io && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, s->io) < 0)
		return err_new(-errno, "ioPriority");
	if (s->has_policy && syscall(SYS_sched_setattr, 0, &a, 0U) < 0)
		return err_new(-errno, "scheduler");
	return 0;
}

int confine_oom(int proc, const struct rt_process *p)
{
	char path[48], text[16];
	pid_t self;
	int r;

	if (!p->has_oom_score_adj)
		return 0;
	r = procfs_self(proc, &self);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%d/oom_score_adj", (int)self);
	(void)snprintf(text, sizeof(text), "%d", (int)p->oom_score_adj);
	return procfs_write(proc, path, text);
}

int confine_limits(int proc, const struct rt_process *p)
{
	int r = confine_oom(proc, p);

	if (r == 0)
		r = set_rlimits(p, false);
	if (r == 0)
		r = confine_scheduling(p, false);
	if (r == 0 && p->linux32 && personality(PER_LINUX32) < 0)
		r = err_new(-errno, "set personality LINUX32");
	(void)umask(p->umask & 0777);
	return r;
}

/* The kernel's word on this user namespace, which those below it inherit: groups stay as they are (H05). */
static bool groups_are_denied(int proc)
{
	AUTO_CLOSE int host = proc < 0 ? procfs_open_host() : -EBADF;
	int from = proc < 0 ? host : proc;
	char path[32], text[16];
	pid_t self;

	if (from < 0 || procfs_self(from, &self) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "%d/setgroups", (int)self);
	return procfs_read(from, path, text, sizeof(text)) > 0 && strcmp(text, "deny\n") == 0;
}

int confine_drop_groups(int proc, const struct rt_process *p)
{
	int e;

	if (p->keep_groups || setgroups(0, NULL) == 0)
		return 0;
	e = errno;
	/* A filter around us may refuse it too: then the caller's groups would go to the payload (H08). */
	if (e == EPERM && (getgroups(0, NULL) == 0 || groups_are_denied(proc)))
		return 0;
	return err_new(-e, "drop the caller's groups");
}

/* @ret_denied: there is one id to be had, nobody's but the user's own. */
static int change_groups(int proc, const struct rt_process *p, const struct rt_ids *ids,
			 bool *ret_denied)
{
	int e;

	*ret_denied = p->keep_groups && groups_are_denied(proc);
	if (p->keep_groups || setgroups(ids->n_groups, ids->groups) == 0)
		return 0;
	e = errno;
	/*
	 * With one mapped id the kernel forbids setgroups (H07). What the image's group file says of
	 * the user is then not to be had, and no reason to stop; what was asked for is.
	 */
	*ret_denied = e == EPERM && groups_are_denied(proc);
	if (*ret_denied && (!p->groups || !p->groups[0]))
		return 0;
	return err_new(-e,
		       "set %u supplementary groups (are they within the container's id range?)",
		       ids->n_groups);
}

static int change_ids(int proc, const struct rt_process *p, const struct rt_ids *ids,
		      bool *ret_denied)
{
	int r = change_groups(proc, p, ids, ret_denied);

	if (r < 0)
		return r;
	if (setresgid(ids->gid, ids->gid, ids->gid) < 0)
		return err_new(-errno, "become group %u (is it within the container's id range?)",
			       (unsigned)ids->gid);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_new(-errno, "keep capabilities");
	if (setresuid(ids->uid, ids->uid, ids->uid) < 0)
		return err_new(-errno, "become user %u (is it within the container's id range?)",
			       (unsigned)ids->uid);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_new(-errno, "set process flags");
	return confine_death(p);
}

static int load_filter(const struct rt_process *p)
{
	struct sock_fprog prog = {
		.len = (unsigned short)(p->seccomp_len / sizeof(struct sock_filter))};

	if (!p->seccomp)
		return 0;
	memcpy(&prog.filter, &p->seccomp,
	       sizeof(prog.filter)); /* the kernel copies; it does not care for alignment */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->seccomp_flags, &prog) < 0)
		return err_new(-errno, "load the system call filter");
	return 0;
}

static uint64_t known(uint64_t set)
{
	int last = caps_last();

	return last >= 63 ? set : set & (CAP_BIT(last + 1) - 1);
}

static int compare_gids(const void *a, const void *b)
{
	gid_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* The kernel has them in an order of its own. */
static int read_back_groups(const struct rt_ids *ids)
{
	AUTO_FREE gid_t *have = xcalloc((size_t)ids->n_groups + 1, sizeof(*have));
	int n = getgroups((int)ids->n_groups, have);

	if (n >= 0 && (unsigned)n == ids->n_groups) {
		qsort(have, ids->n_groups, sizeof(*have), compare_gids);
		qsort(ids->groups, ids->n_groups, sizeof(*have), compare_gids);
	}
	if (n < 0 || (unsigned)n != ids->n_groups ||
	    memcmp(have, ids->groups, ids->n_groups * sizeof(*have)) != 0)
		return err_new(-EPERM, "supplementary groups are not what was set");
	return 0;
}

static int read_back(const struct rt_process *p, const struct rt_ids *ids, const struct caps *want,
		     bool nothing_new)
{
	uid_t u[3];
	gid_t g[3];
	struct caps have;
	int r = caps_get(&have);

	if (r < 0)
		return r;
	if (getresuid(&u[0], &u[1], &u[2]) < 0 || getresgid(&g[0], &g[1], &g[2]) < 0)
		return err_new(-errno, "read ids");
	for (int i = 0; i < 3; i++)
		if (u[i] != ids->uid || g[i] != ids->gid)
			return err_new(-EPERM, "ids are %u:%u, not %u:%u", (unsigned)u[i],
				       (unsigned)g[i], (unsigned)ids->uid, (unsigned)ids->gid);
	if (have.effective != want->effective || have.permitted != want->permitted ||
	    have.inheritable != want->inheritable)
		return err_new(-EPERM, "capabilities are not what was set");
	if (caps_bounding() & ~p->caps)
		return err_new(-EPERM, "the bounding set is larger than asked for");
	if (nothing_new && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_new(-EPERM, "no_new_privs is not set");
	if (p->seccomp && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0)
		return err_new(-EPERM, "the system call filter is not in force");
	return 0;
}

/* root: the bounding set. Others: nothing, but what the user named with --cap-add, as ambient set. */
static void wanted_caps(const struct rt_process *p, const struct rt_ids *ids, struct caps *ret,
			uint64_t *ret_ambient)
{
	uint64_t named = known(p->caps_added & p->caps);

	if (p->own_sets) {
		*ret = (struct caps){.effective = known(p->effective),
				     .permitted = known(p->permitted),
				     .inheritable = known(p->inheritable)};
		/* The kernel's rule; engines ask for more than it gives. */
		*ret_ambient = known(p->ambient) & ret->permitted & ret->inheritable;
		return;
	}
	if (ids->uid == 0)
		*ret = (struct caps){.effective = known(p->caps), .permitted = known(p->caps)};
	else
		*ret = (struct caps){.effective = named, .permitted = named, .inheritable = named};
	*ret_ambient = ids->uid == 0 ? 0 : named;
}

int confine_process(int proc, const struct rt_process *p, const struct rt_ids *ids)
{
	struct caps all, want;
	uint64_t ambient;
	bool denied = false, nothing_new;
	int r = change_ids(proc, p, ids, &denied);

	/* Where the user's own id is all there is, nothing that is executed has more to give (H07). */
	nothing_new = denied || p->no_new_privs;
	if (r == 0 && !p->keep_groups && !denied)
		r = read_back_groups(ids);
	if (r == 0) /* from here on nothing is opened */
		r = set_rlimits(p, true);
	if (r == 0)
		r = caps_get(&all);
	if (r < 0)
		return r;
	all.effective = all.permitted;
	r = caps_set(&all); /* leaving uid 0 emptied the effective set */
	if (r == 0)
		r = caps_bound(p->caps);
	wanted_caps(p, ids, &want, &ambient);
	want.permitted &= all.permitted;
	want.effective &= all.permitted;
	want.inheritable &= all.permitted;
	ambient &= all.permitted;
	if (r == 0 && !nothing_new)
		r = load_filter(p);
	if (r == 0)
		r = caps_set(&want);
	if (r == 0)
		r = caps_ambient(ambient);
	if (r == 0 && nothing_new && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = err_new(-errno, "set no_new_privs");
	if (r == 0 && nothing_new)
		r = load_filter(p);
	if (r == 0)
		r = read_back(p, ids, &want, nothing_new);
	return r < 0 ? err_wrap(r, "confine the process") : 0;
}
