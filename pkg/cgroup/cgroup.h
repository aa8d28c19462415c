/* SPDX-License-Identifier: MIT */
/*
 * Control groups, version 2 only: where a container's processes live, what bounds them, what they use.
 *
 * Theory. Every container with a cgroup has one directory, the *container's cgroup*, which belongs to
 * the user and in which nothing but its processes are; limits are written there before pid 1 is cloned
 * into it. Three managers say where it is:
 *
 *	systemd    a transient scope of the user's systemd, cuddy-ID.scope, delegated to us: below it
 *	           "supervisor" (the monitor) and "container". systemd removes all when it is empty, so
 *	           a monitor that was killed leaves nothing. Needs one call over the session bus.
 *	cgroupfs   BASE/cuddy-ID, where BASE is the nearest ancestor of ours that is delegated and has
 *	           no processes of its own (a cgroup with processes cannot give controllers on). The
 *	           monitor stays where its caller was, and removes the directory at its end.
 *	none       hosts with a v1 or hybrid tree, or nothing delegated: containers run in the cgroup
 *	           of their caller, and a limit that was asked for is refused.
 *
 * A pod with limits has a cgroup of its own, and those of its containers lie in it: with cgroupfs
 * BASE/cuddy-pod-ID, which goes with the last of them; with systemd one scope cuddy-pod-ID.scope for all
 * of them, with "supervisor" for their monitors and "pod" for the rest. A slice would be systemd's to
 * write limits to, and stay when the pod has ended.
 *
 * The kernel lets a process be moved only by who may write the common ancestor of both cgroups: a
 * session of a login is not below the user's systemd, so from there only systemd can move somebody.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_PATH_MAX 1024
#define CGROUP_POD_PREFIX "cuddy-pod-"

enum cgroup_manager { CGROUP_AUTO, CGROUP_SYSTEMD, CGROUP_FS, CGROUP_NONE };
enum cgroup_mode {
	CGROUP_ENABLED,
	CGROUP_DISABLED, /* the container stays in the monitor's cgroup */
	CGROUP_NO_CONMON, /* the monitor stays in its caller's */
	CGROUP_SPLIT, /* the caller's own cgroup is divided into "supervisor" and "container" */
};

/** cgroup_manager_parse() - "systemd", "cgroupfs", "none"; -EINVAL without a trail. */
int cgroup_manager_parse(const char *s, enum cgroup_manager *ret);
const char *cgroup_manager_name(enum cgroup_manager m);

/* --- what the host gives (host.c) ------------------------------------------------------------- */

bool cgroup_is_v2(void);
/** cgroup_manager_here() - what CGROUP_AUTO comes to on this host, by looks only. */
enum cgroup_manager cgroup_manager_here(void);
/** cgroup_controllers_here() - those that containers can be limited by here; none without a manager. */
void cgroup_controllers_here(struct strv *ret);
/** cgroup_bus_check() - does the user's systemd answer? -CE_HOST_SETUP, or whatever the bus says. */
int cgroup_bus_check(void);
/** cgroup_of() - the cgroup of a process (0: ours) as a directory below CGROUP_ROOT; -CE_HOST_SETUP without v2. */
int cgroup_of(pid_t pid, struct sbuf *ret_dir);
/** cgroup_base() - directory for the manager cgroupfs; -CE_HOST_SETUP when nothing is delegated to us. */
int cgroup_base(struct sbuf *ret_dir);
/** cgroup_may_move() - may we ourselves move a process of cgroup @from to @to? */
bool cgroup_may_move(const char *from, const char *to);
/** cgroup_mending() - what an administrator does so that limits can be set here; static storage. */
const char *cgroup_mending(void);
/** cgroup_mending_of() - the same for the file of one controller, "hugetlb.2MB.max": some are not systemd's to delegate. */
const char *cgroup_mending_of(const char *file);

/* --- a container's cgroup (place.c) ----------------------------------------------------------- */

/* One file to write: "memory.max" and its value, and the flag that asked for it. */
struct cgroup_limit {
	const char *file, *value;
	const char *flag; /* for words; NULL: a default, left out where the controller is missing */
};

struct cgroup_request {
	enum cgroup_manager manager;
	enum cgroup_mode mode;
	const char *id;
	const char *parent; /* --cgroup-parent; NULL: the manager's own */
	const char *scope; /* CGROUP_SYSTEMD: the name of the scope without ".scope"; NULL: ours */
	/*
	 * CGROUP_FS: the container's cgroup itself, by somebody else's name: below CGROUP_ROOT when it begins
	 * with '/', else below the manager's base; without '..'. What is there already is taken when no
	 * process is in it. NULL: one of ours.
	 */
	const char *path;
	const struct cgroup_limit *limits;
	unsigned n_limits;
	const char *pod; /* id of the pod with limits that it is in; NULL */
	const struct cgroup_limit *pod_limits;
	unsigned n_pod_limits;
	uint32_t stop_timeout_s;
};

/**
 * cgroup_check() - everything about a request that can be known beforehand
 * Errors: -CE_USAGE (a bad parent), -CE_HOST_SETUP (a limit, and no manager here).
 */
int cgroup_check(const struct cgroup_request *q);

struct cgroup_made {
	struct sbuf dir; /* the container's cgroup; empty when it has none of its own */
	int stand_in_pidfd; /* keeps a scope alive until pid 1 is in it */
};
#define CGROUP_MADE_INIT                                   \
	(struct cgroup_made)                               \
	{                                                  \
		.dir = SBUF_INIT, .stand_in_pidfd = -EBADF \
	}

/**
 * cgroup_make() - make the container's cgroup with its limits, and move @monitor where it belongs
 * With CGROUP_AUTO and nothing asked for, a host that does not play along is no error.
 */
int cgroup_make(const struct cgroup_request *q, pid_t monitor, struct cgroup_made *made);
/** cgroup_made_done() - once pid 1 runs, or is not going to. */
void cgroup_made_done(struct cgroup_made *made);
/** cgroup_limit_all() - write limits to the cgroup @dir; stops at the first that fails. */
int cgroup_limit_all(const char *dir, const struct cgroup_limit *limits, unsigned n);
/** cgroup_enter() - move @pid into the container's cgroup @dir, by systemd where we may not. */
int cgroup_enter(const char *dir, pid_t pid);

/* --- files of a cgroup (files.c); no allocation, so the monitor may use them -------------------- */

/** cgroup_write() - one value to @file of the cgroup; -errno without a trail. */
int cgroup_write(int dir, const char *file, const char *value);
/** cgroup_read() - a small file into @out, end trimmed; its length or -errno without a trail. */
ssize_t cgroup_read(int dir, const char *file, char *out, size_t room);
/** cgroup_key() - the number behind @key ("oom_kill 3") in a flat keyed file. */
int cgroup_key(int dir, const char *file, const char *key, uint64_t *ret);
/** cgroup_key_of() - the same of an open file, from its beginning: what poll(2) announced is seen then. */
int cgroup_key_of(int fd, const char *key, uint64_t *ret);
/** cgroup_freeze() - freeze or thaw, and wait until the kernel says that it is so. */
int cgroup_freeze(int dir, bool frozen, int timeout_ms);
/** cgroup_remove() - the directory and what containers made below it; 0 when it is gone. */
int cgroup_remove(const char *dir);
