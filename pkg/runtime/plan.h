/* SPDX-License-Identifier: MIT */
/*
 * The plan: all that the launch path needs to know, decided before anything is touched.
 * Made by pkg/container in the cuddy process, handed to cuddy-conmon in a sealed memfd (wire.h
 * encoding), executed there. Knows no image, name or store: paths, numbers and bytes only.
 * Meaning of fields follows the OCI runtime-spec (config.md, config-linux.md) unless said otherwise.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/plan.h"
#include "pkg/sys/process.h"

#define RT_PORTS_MAX 4096U
#define RT_KEEP_MAX 512U /* of rt_process.keep_fds, and no number is above RT_KEEP_LAST */
#define RT_KEEP_LAST 900U

enum rt_ns_kind {
	RT_NS_USER,
	RT_NS_PID,
	RT_NS_UTS,
	RT_NS_IPC,
	RT_NS_NET,
	RT_NS_CGROUP,
	RT_NS_TIME,
	RT_NS_COUNT
};
enum rt_ns_mode {
	RT_NS_NEW,
	RT_NS_HOST, /* stay in the monitor's (for RT_NS_USER: in B itself) */
	RT_NS_JOIN, /* enter @target's, or the one that @path names */
	RT_NS_KEPT, /* RT_NS_NET: a new one that stays B's, so that nobody in the container has power over it */
};

struct rt_ns {
	enum rt_ns_mode mode;
	struct proc_id target;
	int fd; /* that descriptor of @target's, which pins it; 0: @target is in it */
	const char *path;
};

/* What a monitor keeps open of a container without a process: namespaces by their kind, then these. */
enum { RT_PIN_MOUNTS = RT_NS_COUNT, RT_PIN_ROOT, RT_PIN_COUNT };

struct rt_idmap {
	uint32_t inside; /* first id in the container */
	uint32_t outside; /* first id in B */
	uint32_t count;
};

/** idmap_find() - the id outside; false when it is not mapped. */
static inline bool idmap_find(const struct rt_idmap *v, unsigned n, uint32_t inside, uint32_t *ret)
{
	for (unsigned i = 0; i < n; i++) {
		if (inside < v[i].inside || inside - v[i].inside >= v[i].count)
			continue;
		*ret = v[i].outside + (inside - v[i].inside);
		return true;
	}
	return false;
}

enum rt_root_driver { RT_ROOT_OVERLAY, RT_ROOT_FUSE_OVERLAY, RT_ROOT_DIR };

struct rt_root {
	enum rt_root_driver driver;
	const char *const *lower; /* absolute host paths, topmost first; RT_ROOT_DIR: exactly one */
	unsigned n_lower;
	const char *upper; /* NULL with RT_ROOT_DIR */
	const char *work;
	const char *fuse_program; /* RT_ROOT_FUSE_OVERLAY */
	uint32_t propagation; /* MS_SHARED …, of all below the new root; 0: as each mount has it */
	bool read_only; /* remounted read-only once mount points exist */
	bool is_volatile; /* no sync at unmount: --rm and build steps */
	uint32_t
		fresh_mode; /* an upper with this mode was never used: it takes the attributes of lower[0]; 0: none */
};

enum rt_mount_type {
	RT_MOUNT_BIND, /* @source: host path (file or directory) */
	RT_MOUNT_TMPFS, /* @data: "size=…,mode=…" */
	RT_MOUNT_PROC,
	RT_MOUNT_SYSFS,
	RT_MOUNT_DEVPTS,
	RT_MOUNT_MQUEUE,
	RT_MOUNT_CGROUP2,
	RT_MOUNT_RAMFS,
	/* @source below, or all of @lower (an image, topmost first); @upper and @work above, or read-only without them. */
	RT_MOUNT_OVERLAY,
};

/* bits of rt_mount.flags */
#define RT_MNT_RO (1U << 0) /* recursive for binds */
#define RT_MNT_NOSUID (1U << 1)
#define RT_MNT_NODEV (1U << 2)
#define RT_MNT_NOEXEC (1U << 3)
#define RT_MNT_NONREC (1U << 4) /* bind this mount only, not what is mounted below it */
/*
 * A tmpfs, or a bind source that is an empty directory (a new volume), starts with the image's
 * content at the target; copied inside C by descriptors. A filled source stays. A tmpfs takes owner
 * and mode along where its options name none, a bind source with RT_MNT_DRESS.
 */
#define RT_MNT_COPYUP (1U << 5)
#define RT_MNT_OPTIONAL (1U << 6) /* a missing source is skipped */
#define RT_MNT_CHOWN (1U << 7) /* U: chown the source's tree to the container's user first */
#define RT_MNT_NOATIME (1U << 8)
/* @source is a path in the container that rt_plan.peer names; its flags are that mount's own. */
#define RT_MNT_JOINED (1U << 9)
/*
 * A new volume: an empty source gets owner and mode of the image's directory at the target, or the
 * container's user where the image has none.
 */
#define RT_MNT_DRESS (1U << 10)
#define RT_MNT_STRICTATIME (1U << 11)
#define RT_MNT_NODIRATIME (1U << 12)
#define RT_MNT_NOSYMFOLLOW (1U << 13)

struct rt_mount {
	enum rt_mount_type type;
	const char *source;
	const char *target; /* absolute, cleaned, inside the root */
	const char *data; /* mount options of the file system; NULL for none */
	const char *
		subpath; /* of a bind or overlay: what to mount of it, found without leaving it; NULL: all */
	const char *upper, *work; /* RT_MOUNT_OVERLAY */
	const char *const *lower;
	unsigned n_lower;
	uint32_t flags; /* RT_MNT_* */
	uint32_t
		propagation; /* MS_PRIVATE, MS_SLAVE, MS_SHARED …; 0 means MS_PRIVATE, always recursive */
};

/*
 * The plan lists every mount, those of a standard container too, in this order: proc on /proc, tmpfs
 * on /dev, devpts, tmpfs on /dev/shm, mqueue, sysfs, cgroup2 where possible, then files and volumes
 * sorted by target. The runtime adds only what is not a mount of its own: into a tmpfs mounted on
 * /dev it puts the fixed nodes (null zero full random urandom tty, bound from the host), the links
 * fd stdin stdout stderr ptmx, and the console of a terminal; rt_plan.devices come on top.
 * A namespace shared with the host or another container gets the parent's view bound instead of a
 * fresh proc, sysfs or mqueue: the planner lists RT_MOUNT_BIND then.
 */
struct rt_device {
	const char *source; /* host path of the node */
	const char *target; /* path in the container */
};

/* A FIFO, which needs nobody's permission: made, or there already. */
struct rt_fifo {
	const char *target;
	uint32_t mode, uid, gid; /* permissions; owner as the container counts */
};

struct rt_rlimit {
	uint32_t resource; /* RLIMIT_* */
	uint64_t soft, hard; /* UINT64_MAX: unlimited */
};

/* How the kernel is to treat a process: sched_setattr(2), ioprio_set(2), sched_setaffinity(2). */
struct rt_scheduling {
	bool has_policy; /* those of sched_setattr count */
	uint32_t policy, priority;
	int32_t nice;
	uint64_t flags, runtime_ns, deadline_ns, period_ns;
	uint32_t io; /* class << 13 | level; 0: leave */
	/* Of what `exec` starts: before it enters the container's cgroup, and from then on. NULL: leave. */
	const void *cpus_before, *cpus;
	size_t cpus_before_len, cpus_len;
};

/* One process to be started in a container: pid 1, or what `exec` starts. */
struct rt_process {
	const char *const *argv; /* NULL-terminated */
	const char *const *envp; /* NULL-terminated; HOME is added from passwd when it has none */
	const char *cwd; /* absolute; made when missing if @make_cwd */
	bool make_cwd;
	const char *user; /* "name|uid[:group|gid]"; "" or NULL is root */
	const char *const *groups; /* --group-add; NULL-terminated, may be NULL */
	bool keep_groups; /* leave the caller's supplementary groups */
	uint32_t umask;
	bool terminal;
	uint16_t rows, cols; /* 0: leave */
	bool no_new_privs;
	bool privileged; /* no masked paths, /sys writable; caps and seccomp say the rest */
	uint64_t caps; /* bounding set, bit = capability number; root gets it as effective set */
	uint64_t caps_added; /* what --cap-add named: a non-root user gets these (R18) */
	const struct rt_rlimit *rlimits;
	unsigned n_rlimits;
	int32_t oom_score_adj;
	bool has_oom_score_adj;
	bool linux32; /* uname(2) tells of the 32-bit machine */
	struct rt_scheduling scheduling;
	const void *seccomp; /* struct sock_filter array; NULL: unconfined */
	size_t seccomp_len; /* bytes */
	uint32_t seccomp_flags; /* SECCOMP_FILTER_FLAG_* */
	const char *apparmor; /* profile for exec, NULL for none */
	/* The caller's descriptors that the payload has too, under these numbers; ascending, from 3 on. */
	const uint32_t *keep_fds;
	unsigned n_keep_fds;
	bool listens; /* they are sockets of socket activation: LISTEN_PID is the payload's own number */
	bool own_sets; /* the four below count, instead of what @caps and @caps_added make of them */
	uint64_t effective, permitted, inheritable, ambient;
	bool keep_keyring; /* the caller's session keyring, instead of a new one */
	bool outlives; /* whoever started it may go: it is not killed then */
};

/* Programs of the host's that are told when a container comes and goes (runtime-spec, "hooks"). */
enum rt_hook_stage {
	RT_HOOK_PRESTART, /* mounts are made, the old root is still "/"; by M */
	RT_HOOK_CREATE_RUNTIME, /* the same, after those */
	RT_HOOK_CREATE_CONTAINER, /* then, in C's namespaces; by I */
	RT_HOOK_START_CONTAINER, /* right before exec, inside the new root; by I */
	RT_HOOK_POSTSTART, /* pid 1 runs; a failure is only told */
	RT_HOOK_POSTSTOP, /* all is gone; a failure is only told */
	RT_HOOK_STAGES
};

struct rt_hook {
	enum rt_hook_stage stage;
	const char *path; /* absolute */
	const char *const *argv, *const *envp; /* argv[0] included; envp is all it gets */
	uint32_t timeout_s; /* 0: none */
};

/* A file in memory: never in a layer or an upper directory. */
struct rt_secret {
	const char *target; /* absolute, or the name of a file in /run/secrets */
	uint32_t uid, gid, mode;
	const void *data;
	size_t len;
};

/*
 * Lines for /etc/passwd and /etc/group of the root, where the image's have none: for the process's user
 * when it is a bare number, and for @name when that is not NULL. Nothing of an image is replaced.
 */
struct rt_accounts {
	bool add;
	const char *name, *full_name, *home,
		*group; /* a user of the host that the container knows */
	uint32_t uid, gid; /* his, inside */
	const char *const *host_users; /* lines of passwd, NULL-terminated */
	const char *passwd_entry,
		*group_entry; /* instead of the usual lines; $USERNAME, $UID … are filled in */
};

/*
 * An OCI runtime of others that makes pid 1 in our place. Its config.json says what the plan says; for what
 * only the root's files tell there are gaps between the three parts: process.user, and
 * HOME at the end of process.env. Binds and overlays come from @dir/m/N, N being the mount's place in the plan; secrets without
 * a path of their own are mount number n_mounts.
 */
#define RT_FOREIGN_ROOT \
	"root" /* in @dir/m: with fuse-overlayfs; else the root is over its own directory */
struct rt_foreign {
	const char *program; /* absolute; NULL: none, we do it ourselves */
	const char *const *flags; /* before its verbs; NULL-terminated */
	const char *dir; /* its bundle, of this container alone */
	const char *config[3];
};

struct rt_plan {
	const char *id;
	const char *hostname, *domainname; /* NULL: leave the namespace's */
	bool hostname_may_fail; /* nobody asked for just that one */
	struct rt_ns ns[RT_NS_COUNT];
	/* Of RT_MNT_JOINED: @target's mounts, with @user's rights. Not pinned: both are the process's. */
	struct {
		struct proc_id target;
		int user_fd, mounts_fd; /* as rt_ns.fd */
	} peer;
	const struct rt_idmap *uid_map, *gid_map;
	unsigned n_uid_map, n_gid_map;
	struct rt_root root;
	const struct rt_mount *mounts; /* in order of mounting */
	unsigned n_mounts;
	const struct rt_device *devices;
	unsigned n_devices;
	const struct rt_fifo *fifos;
	unsigned n_fifos;
	const char *const *masked; /* NULL-terminated; missing ones are skipped */
	const char *const *read_only;
	const char *const *sysctls; /* "net.ipv4.x=1", checked by the planner */
	const char *
		clocks; /* of a new time namespace: lines of /proc/PID/timens_offsets; NULL: as outside */
	const char *
		cgroup_dir; /* absolute host directory of the cgroup that pid 1 is born in; NULL: M's own */
	struct net_plan net;
	const struct rt_secret *secrets;
	unsigned n_secrets;
	struct rt_accounts accounts;
	bool init; /* our own pid 1 reaps and forwards signals; without arguments it is all there is */
	/*
	 * There is no payload, and no pid namespace to be kept: pid 1 ends once all is built, and what it has
	 * made lives on in rt_launched.pins. Not with @hold.
	 */
	bool pin;
	bool hold; /* built and ready to exec, pid 1 waits at rt_stdio.start until it is told to go on */
	const struct rt_hook *hooks; /* in order, of all stages */
	unsigned n_hooks;
	const char *
		hook_state; /* what they are told: a JSON object without its braces, status and pid */
	struct rt_foreign foreign;
	struct rt_process process;
};

/** rt_plan_encode() - append the wire form (format version first). */
void rt_plan_encode(const struct rt_plan *p, struct sbuf *out);
/**
 * rt_plan_decode() - the reverse; strings point into @bytes, arrays into @arena
 * Checks every count and length (R29). Return: 0 or -CE_PROTOCOL.
 */
int rt_plan_decode(struct wire_reader *r, void *arena, size_t arena_size, struct rt_plan *ret);

void rt_process_encode(const struct rt_process *p, struct sbuf *out);
int rt_process_decode(struct wire_reader *r, void *arena, size_t arena_size,
		      struct rt_process *ret);

/** rt_arena_size() - an arena of this size holds whatever a message of @message bytes can say. */
static inline size_t rt_arena_size(size_t message)
{
	return message * 4 + RT_PORTS_MAX * sizeof(struct net_port) + 4096;
}
