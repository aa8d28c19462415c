/* SPDX-License-Identifier: MIT */
/* What the files of this directory share: the child's state and its steps. See launch.c for the theory. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pkg/runtime/launch.h"
#include "pkg/runtime/plan.h"
#include "pkg/runtime/user.h"

/* --- sync.c: numbered messages between monitor and child ------------------------------------ */

enum rt_point {
	RT_POINT_MAPPED = 1, /* M→I: id maps written */
	RT_POINT_BUILT = 2, /* I→M: pivoted; carries the root and the pty master */
	RT_POINT_GO = 3, /* M→I: the network is ready */
	RT_POINT_EXEC = 4, /* end of file: exec succeeded */
	/* only with hooks of these stages, between #1 and #2 */
	RT_POINT_MOUNTED = 5, /* I→M: all is mounted, the old root is still there */
	RT_POINT_HOOKED = 6, /* M→I: they have run */
	/* only with rt_plan.hold, instead of #4 */
	RT_POINT_HELD = 7, /* I→M: waits to be started */
	RT_POINT_START = 8, /* whoever starts it→I, over a connection of its own; then #4 */
	/* any number of times before #5 and #2, see owner.c */
	RT_POINT_OWNER = 9, /* I→M: carries what is to be given to the container's user */
	RT_POINT_OWNED = 10, /* M→I: it is his */
};

/* The first word of what a stage is told. */
enum { EXEC_DETACHED = 1, EXEC_GATHERS = 2, EXEC_OWN_TIME = 4 };

#define RT_SYNC_FDS 2
/** sync_send() - say that @point is reached; up to RT_SYNC_FDS descriptors go along. */
int sync_send(int sock, enum rt_point point, const int *fds, unsigned n);
/** sync_fail() - send code and trail of @r instead; the peer's sync_wait() returns it. */
void sync_fail(int sock, int r);
/**
 * sync_wait() - wait until the peer says @point; RT_POINT_EXEC is the end of the conversation
 * Any other number is -CE_PROTOCOL, an early end -EPIPE ("it died"), a reported failure its own code.
 * @ret_fds: NULL, or takes RT_SYNC_FDS descriptors sent along (-EBADF where there is none).
 */
int sync_wait(int sock, enum rt_point point, int *ret_fds);
/** sync_wait_either() - the same for two points of two peers at one socket: @ret is the one that was heard. */
int sync_wait_either(int sock, enum rt_point a, enum rt_point b, enum rt_point *ret, int *ret_fds);
struct sync_owner {
	uint32_t uid, gid; /* as the container counts them */
};
/** sync_ask_owner() - RT_POINT_OWNER with @what; returns after the answer. */
int sync_ask_owner(int sock, int what, const struct sync_owner *o);
/** sync_wait_owner() - sync_wait(), or 1: RT_POINT_OWNER was said instead, of ret_fds[0]. */
int sync_wait_owner(int sock, enum rt_point point, struct sync_owner *ret, int *ret_fds);
/** sync_stop_at() - raise SIGSTOP if CUDDY_STOP_AT names this point (0 is "cloned, nothing done"). */
void sync_stop_at(int point);
/** sync_is_stepped() - CUDDY_STOP_AT is set: no handshake may be skipped. */
bool sync_is_stepped(void);

/** user_db_has() - is @name a line of /etc/@file in the image? 1, 0 or a code. */
int user_db_has(int root, const char *file, const char *name);

/* accounts.c */
/** accounts_add() - what rt_accounts wants; before anything of others is mounted in @root. @ids: the home of a new user. */
int accounts_add(int root, const struct rt_plan *p, struct rt_ids *ids);

/* --- the child's state ---------------------------------------------------------------------- */

struct rt_child {
	const struct rt_plan *plan;
	const struct rt_process *process;
	int sync; /* socket to the monitor, ended by exec */
	int first_kept; /* see rt_stdio */
	int stdio[3]; /* what becomes 0..2; the pty's slave with a terminal */
	int proc; /* trusted procfs (D3) */
	int root; /* O_PATH: the new root, later "/" */
	int null; /* the host's /dev/null, verified (D5) */
	int devpts; /* devpts mounted in the root, or -EBADF */
	int dev; /* tmpfs on /dev, or -EBADF */
	int pty_master;
	bool may_open_later; /* by rootfs_open_rest() */
	int *lower; /* O_PATH of plan->root.lower */
	int upper, upper_parent, work;
	const int *joined; /* detached mounts, see joined_open() */
	int *sources; /* O_PATH of each mount's source, -EBADF where there is none */
	int **overlays; /* O_PATH of each overlay's upper, work, then lower; NULL for other mounts */
	int *devices; /* O_PATH of each plan->devices source */
	int nodes[6]; /* O_PATH of the host's nodes, see dev.c */
	int conf6; /* see netns_finish(), or -EBADF */
	int proc_mount; /* index of the proc mount in the plan, -1 */
	int root_mount; /* with fuse-overlayfs: the root, detached; else -EBADF */
	int places; /* with a runtime of others: where volumes are mounted for it; else not used */
	struct rt_ids ids;
	const struct rt_stdio *given; /* what M handed over */
	pid_t host_pid; /* for hooks */
};
/* Of an initializer: the descriptors that are opened on the way. */
#define RT_CHILD_NOTHING_OPEN                                                              \
	.proc = -EBADF, .conf6 = -EBADF, .root = -EBADF, .null = -EBADF, .devpts = -EBADF, \
	.dev = -EBADF, .pty_master = -EBADF, .upper = -EBADF, .upper_parent = -EBADF,      \
	.work = -EBADF

/* hooks.c */
/** hooks_any() - has the plan one of these stages (bits)? */
bool hooks_any(const struct rt_plan *p, unsigned stages);
/** hooks_run() - those of @stage, one after the other; the first that fails ends it. */
int hooks_run(const struct rt_plan *p, enum rt_hook_stage stage, pid_t pid, const char *status);
#define RT_HOOKS_OF_M (1U << RT_HOOK_PRESTART | 1U << RT_HOOK_CREATE_RUNTIME)
#define RT_HOOKS_AT_MOUNTED (RT_HOOKS_OF_M | 1U << RT_HOOK_CREATE_CONTAINER)

/* rootfs.c */
int rootfs_open_sources(struct rt_child *x); /* as the caller's user, before ids change */
int rootfs_open_rest(struct rt_child *x); /* as root inside: what was refused before */
int rootfs_mount_root(struct rt_child *x);
int rootfs_mount_all(struct rt_child *x);
/** rootfs_mount_places() - binds and overlays only, below x->places, for a runtime of others. */
int rootfs_mount_places(struct rt_child *x);
int rootfs_finish(struct rt_child *x); /* masks, read-only paths, read-only root, pivot */

/* owner.c */
/** owner_give() - I: @what, and all of it, to the container's user. */
int owner_give(const struct rt_child *x, int what);
/** owner_attend() - M: sync_wait(), and do meanwhile what I may not. */
int owner_attend(const struct rt_plan *p, int sock, enum rt_point point, int *ret_fds);

/* target.c: places inside the root, looked up or made without ever leaving it (D1, D2) */
/** target_ensure() - O_PATH of @path in @root, made as directory or empty file when missing; wrong type is an error. */
int target_ensure(int root, const char *path, bool directory);
/** target_check() - may @fd, found for @path, be mounted over? Right type, not in procfs or a cgroup tree. */
int target_check(int fd, const char *path, bool directory);

/* handed.c */
/** rt_place_fds() - fds[i] becomes descriptor i, all others are closed but *@exe, which moves. -errno. */
int rt_place_fds(int *fds, unsigned n, int *exe);
/** rt_pid_of_pidfd() - while it was not reaped that number is its own; -1 when it was. */
pid_t rt_pid_of_pidfd(int pidfd);

/* secrets.c */
int secrets_mount(struct rt_child *x); /* after all other mounts */

/* dev.c */
int dev_open_nodes(struct rt_child *x);
int dev_populate(struct rt_child *x);
int dev_add_devices(struct rt_child *x);
int dev_open_pty(struct rt_child *x);
int dev_mask(struct rt_child *x, const char *const *paths);

/* tree.c: whole trees by descriptors, never leaving them or crossing a mount */
int tree_copy(int from, int to); /* content, owners, modes, times, xattrs */
int tree_dress(int from, int to); /* of the directory itself only: owner, mode, times, xattrs */
int tree_chown(
	int dir, uid_t uid,
	gid_t gid); /* C08: no links followed, hard links of others' files refused by the kernel */
/** tree_set_owner() - of the directory itself; -1 leaves an owner, group or mode as it is. */
int tree_set_owner(int dir, uid_t uid, gid_t gid, int mode);
int tree_is_empty(int dir);

/* netns.c */
/** netns_setup() - @is_hosts: @proc is not one of our own making. @ret_conf6: with a network helper, a descriptor for netns_finish(); else untouched. */
int netns_setup(int proc, bool is_hosts, const struct net_plan *net, int *ret_conf6);
/**
 * netns_finish() - give the tap the IPv6 defaults of netns_setup(), once it is there
 * The helper makes it at its own pace, before or after these defaults are set. @conf6 < 0: nothing to do.
 */
int netns_finish(int conf6, const struct net_plan *net);
/** sysctl_apply() - @net: only those of the network; @others: only the others. */
int sysctl_apply(int proc, const char *const *sysctls, bool net, bool others);
/** netns_make_kept() - in a child of the monitor: the network namespace of RT_NS_KEPT, set up as the container cannot. */
int netns_make_kept(const struct rt_plan *p);

/* exec_leave.c */
/** exec_may_be_left() - the stage's side of rt_exec_leave(). */
int exec_may_be_left(void);

/* confine.c: the order of K05 */
int confine_keyring(const struct rt_process *p);
/** confine_death() - dies with its parent, unless it is to outlive it; again after each change of ids. */
int confine_death(const struct rt_process *p);
int confine_stdio(const int stdio[3], bool terminal, uid_t uid);
/** confine_oom() - oom_score_adj, if one is asked for; -EACCES: root inside may not go below where he is. */
int confine_oom(int proc, const struct rt_process *p);
/** confine_limits() - all but that of open files, which confine_process() sets: we ourselves still open some. */
int confine_limits(int proc, const struct rt_process *p);
/** confine_scheduling() - @late: right before exec. With SCHED_DEADLINE a process may not fork; all else is set early. */
int confine_scheduling(const struct rt_process *p, bool late);
int confine_cpus(const void *mask, size_t n);
/** confine_process() - groups, ids, capabilities, no_new_privs, filter; read back. Nothing but exec may follow. */
int confine_process(int proc, const struct rt_process *p, const struct rt_ids *ids);
/**
 * confine_drop_groups() - none of the caller's groups, where the plan does not keep them
 * @proc: of which we are a process; -EBADF: the /proc of now. Where the kernel denies it to the user namespace they stay.
 */
int confine_drop_groups(int proc, const struct rt_process *p);

/* process.c */
/** process_set_stdio() - make them 0..2; a terminal becomes the controlling one. */
int process_set_stdio(const int stdio[3], bool terminal);
/** process_make_cwd() - the working directory, if it is wanted and missing; before the root becomes read-only. */
int process_make_cwd(int root, const struct rt_process *p, const struct rt_ids *ids);
/**
 * process_finish() - working directory, privilege, execve; returns only on failure (126 and 127 codes too)
 * @root: O_PATH of "/" inside; @init: through pid1_split().
 */
int process_check(
	const struct rt_process *p); /* inside: is there what exec would find? 126, 127 codes */
int process_finish(int root, int proc, const struct rt_process *p, const struct rt_ids *ids,
		   bool init);
/**
 * process_place_kept() - what lies at @first and after it gets the numbers of p->keep_fds
 * @own: @n descriptors that are needed further on: they make room.
 */
int process_place_kept(const struct rt_process *p, int first, int *const own[], unsigned n);

/* pid1.c: --init */
/** pid1_split() - fork the payload (returns 0 in it); the caller itself becomes the reaper and never returns. */
int pid1_split(bool terminal);
/** pid1_hold() - with no payload: reap what is orphaned, and end when asked to. */
void pid1_hold(void) __attribute__((noreturn));

/** rt_plan_is_met() - does I wait for #3, or has M nothing to do before it? */
bool rt_plan_is_met(const struct rt_plan *p);

/* init.c */
void __attribute__((noreturn)) child_main(const struct rt_plan *plan, const struct rt_stdio *stdio,
					  int sync, int root_mount, const int *joined);

/* foreign.c */
struct foreign_made {
	pid_t pid;
	int pidfd, pty_master, root_fd; /* -EBADF: none yet */
};
/** foreign_create() - pid 1, built and waiting; after a failure too, rt_foreign_delete() is due. */
int foreign_create(const struct rt_plan *p, const struct rt_stdio *stdio, int root_mount,
		   struct foreign_made *ret);
int foreign_start(const struct rt_plan *p);

/* joined.c */
/** joined_enter() - of the process: the namespace that the plan shares with somebody, if it does. */
int joined_enter(const struct rt_plan *p, enum rt_ns_kind kind);
/**
 * joined_open() - clone the RT_MNT_JOINED mounts, make a procfs of a pid namespace that is joined
 * @ret: one detached mount or -EBADF for each of the plan's. joined_close() also after failure.
 */
int joined_open(const struct rt_plan *p, int **ret);
void joined_close(const struct rt_plan *p, int *mounts);
