/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the base namespace B
 *
 * B is one user namespace per user: 0 is the user, 1… are all his subordinate ids in order. It lives
 * as long as somebody is in it or holds a descriptor of it; nobody exists only to hold it.
 *
 * Candidates    runtime_dir/base/<pid>: written aside, flock'ed exclusively by its writer for the
 *               writer's life, then renamed into place, so a visible unlocked file is a dead one.
 *               (pkg/sys/candidate.c). Monitors, and the keeper of the user's bridges, point at
 *               /proc/<pid>/ns/user; a process that has just made a B, or is about to start
 *               something in it, points at its own descriptor.
 * Trust         the file is a hint. What we join must be: reached through a living process of that
 *               start time, the recorded inode, owned by our uid, a child of our own namespace, with
 *               the maps we want. A container's namespace is a grandchild of ours (threats R32).
 * Creation      under base.lock: a child in a new user namespace waits on a pipe while newuidmap and
 *               newgidmap run side by side. The child is ours and not reaped until both are done, so
 *               its pid cannot become another process's meanwhile (H06).
 * Inherited     who is root of a namespace with the maps of his B, as after "cuddy unshare", is in his B;
 *               a monitor started there is a candidate as any other.
 * Order         the maps a candidate was made with must be those we would make now; after a change of
 *               /etc/subuid a new B is made and the old one runs out with its containers.
 */
#include "pkg/runtime/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "pkg/sys/candidate.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"
#include "pkg/sys/procfs.h"
#include "pkg/sys/random.h"
#include "pkg/sys/userns.h"

#define RECORD_MAX 16384
#define CANDIDATES_MANY 128
#define NEWUIDMAP "/usr/bin/newuidmap"
#define NEWGIDMAP "/usr/bin/newgidmap"

static bool entered;
/* The B that we offer to others. */
static int kept_ns = -EBADF;

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

/* --- joining ------------------------------------------------------------------------------- */

static int check_ns(int ns, uint64_t inode)
{
	AUTO_CLOSE int parent = -EBADF, own = -EBADF;
	uint64_t a = 0, b = 1;
	uid_t owner;
	int r;

	r = userns_inode(ns, &a);
	if (r == 0 && a != inode)
		return err_new(-ESTALE, "not the recorded namespace");
	if (r == 0)
		r = userns_owner(ns, &owner);
	if (r == 0 && owner != geteuid())
		return err_new(-EPERM, "the namespace is another user's");
	if (r < 0)
		return r;
	parent = userns_parent(ns);
	if (parent < 0)
		return parent;
	own = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return err_new(-errno, "open /proc/self/ns/user");
	r = userns_inode(parent, &a);
	if (r == 0)
		r = userns_inode(own, &b);
	if (r == 0 && a != b)
		return err_new(-EPERM, "the namespace is not a child of ours");
	return r;
}

static int compare_maps(const char *who, const char *want)
{
	AUTO_SBUF struct sbuf have = SBUF_INIT;
	int r = candidate_maps(who, &have);

	if (r == 0 && strcmp(have.s, want) != 0)
		r = err_new(-EPERM, "the namespace has other id ranges than its record says");
	return r;
}

/* Nobody may be in a namespace that is only held open, so somebody must go and look. */
static int check_maps_inside(int ns, const char *want)
{
	AUTO_CLOSE int pidfd = -EBADF;
	int status = 1, r = clone_fork(0, &pidfd);

	if (r == 0) {
		r = setns(ns, CLONE_NEWUSER) < 0 ? -errno : compare_maps("self", want);
		_exit(r < 0);
	}
	r = r < 0 ? r : pidfd_wait(pidfd, -1, &status);
	if (r == 0 && status != 0)
		r = err_new(-EPERM, "the namespace has other id ranges than its record says");
	return r;
}

static bool lives(int pidfd)
{
	struct pollfd gone = {.fd = pidfd, .events = POLLIN};

	return poll(&gone, 1, 0) == 0;
}

/* A record: "<pid> <start> <inode> <path>\n<maps>\n"; the path is "ns/user" or "fd/<n>". */
static int join_record(char *text, const char *maps, int *ret_pidfd)
{
	AUTO_CLOSE int pidfd = -EBADF, ns = -EBADF;
	char *w[4], *save = NULL, *line2 = strchr(text, '\n'), path[80];
	struct proc_id id;
	uint64_t inode;
	uint32_t pid, fd;
	int r;

	if (!line2)
		return err_new(-CE_BAD_FORMAT, "one line only");
	*line2++ = '\0';
	line2[strcspn(line2, "\n")] = '\0';
	for (unsigned i = 0; i < 4; i++) {
		w[i] = strtok_r(i ? NULL : text, " ", &save);
		if (!w[i])
			return err_new(-CE_BAD_FORMAT, "words are missing");
	}
	if (parse_u32(w[0], INT32_MAX, &pid) < 0 || parse_u64(w[1], UINT64_MAX, &id.start) < 0 ||
	    parse_u64(w[2], UINT64_MAX, &inode) < 0)
		return err_new(-CE_BAD_FORMAT, "not numbers");
	if (strcmp(w[3], "ns/user") != 0 &&
	    (strncmp(w[3], "fd/", 3) != 0 || parse_u32(w[3] + 3, INT32_MAX, &fd) < 0))
		return err_new(-CE_BAD_FORMAT, "unknown path");
	if (strcmp(line2, maps) != 0)
		return err_new(-ESTALE, "made with other id ranges");
	id.pid = (pid_t)pid;
	pidfd = pidfd_of(&id);
	if (pidfd < 0)
		return err_new(-ESRCH, "its process is gone");
	(void)snprintf(path, sizeof(path), "/proc/%u/%s", pid, w[3]);
	ns = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (ns < 0)
		return err_new(-errno, "open %s", path);
	r = strcmp(w[3], "ns/user") == 0 ? compare_maps(w[0], line2) : 0;
	if (r < 0)
		return err_wrap(-ESTALE, "refused");
	if (!lives(pidfd)) /* still the same process after we opened its file */
		return err_new(-ESRCH, "its process is gone");
	r = check_ns(ns, inode);
	if (r == 0 && strcmp(w[3], "ns/user") != 0)
		r = check_maps_inside(ns, line2);
	if (r < 0)
		return err_wrap(-ESTALE, "refused");
	*ret_pidfd = TAKE_FD(pidfd);
	return TAKE_FD(ns);
}

static int join_candidate(int dir, const char *name, const char *maps, int *ret_pidfd)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r;

	if (fd < 0)
		return err_new(-errno, "open");
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) { /* nobody holds it: its writer died */
		(void)unlinkat(dir, name, 0);
		return err_new(-ESRCH, "its lock is free");
	}
	r = file_read_fd(fd, RECORD_MAX, &b);
	return r < 0 ? r : join_record(b.s, maps, ret_pidfd);
}

/* Who was killed leaves his file, and whoever looks stops at the first that serves: seldom, all are looked at. */
static void sweep(DIR *d)
{
	rewinddir(d);
	for (struct dirent *e; (e = readdir(d));) {
		AUTO_CLOSE int fd = *e->d_name == '.' ? -EBADF
						      : openat(dirfd(d), e->d_name,
							       O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
								       O_CLOEXEC);

		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
}

/* Returns a descriptor, or -ESRCH when there is no B to join; @ret_pidfd: who led to it. */
static int join_any(int runtime_dir, const char *maps, int *ret_pidfd)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int dir = openat(runtime_dir, "base", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int found = -ESRCH;
	unsigned n = 0;

	if (dir < 0)
		return -ESRCH;
	d = fdopendir(dir);
	if (!d) {
		(void)close(dir);
		return -ESRCH;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (*e->d_name == '.')
			continue;
		n++;
		if (found >= 0)
			continue;
		found = join_candidate(dir, e->d_name, maps, ret_pidfd);
		if (found >= 0)
			continue;
		log_debug("base", "candidate %s: %s", e->d_name, err_message(found));
		err_drop(); /* a candidate that does not serve is no error */
		found = -ESRCH;
	}
	if (n > CANDIDATES_MANY)
		sweep(d);
	return found;
}

/* --- registering --------------------------------------------------------------------------- */

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

/* --- making -------------------------------------------------------------------------------- */

static bool setting_is(const char *path, char value)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = 0;

	return fd >= 0 && read_upto(fd, &c, 1) == 1 && c == value;
}

static bool is_filtered(void)
{
	AUTO_CLOSE int proc = procfs_open_host();
	char path[32], status[8192];
	pid_t self;

	if (proc < 0 || procfs_self(proc, &self) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "%d/status", (int)self);
	if (procfs_read(proc, path, status, sizeof(status)) < 0)
		return false;
	return strstr(status, "\nSeccomp:\t2") != NULL;
}

/* Why the kernel would not give us a user namespace, as one line that mends it. */
static int host_problem(int r)
{
	if (setting_is("/proc/sys/user/max_user_namespaces", '0'))
		return err_new(-CE_HOST_SETUP,
			       "user namespaces are switched off; "
			       "mend it as root with: sysctl -w user.max_user_namespaces=15000");
	if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		return err_new(
			-CE_HOST_SETUP,
			"user namespaces are closed to ordinary users; "
			"mend it as root with: sysctl -w kernel.unprivileged_userns_clone=1");
	if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
		return err_new(
			-CE_HOST_SETUP,
			"AppArmor takes all rights from user namespaces of ordinary users; mend "
			"it as root with: sysctl -w "
			"kernel.apparmor_restrict_unprivileged_userns=0");
	if (r == -ENOSPC || r == -EUSERS)
		return err_new(-CE_HOST_SETUP,
			       "the limit of user namespaces is reached; "
			       "mend it as root with: sysctl -w user.max_user_namespaces=65536");
	if (r == -EPERM && is_filtered())
		return err_new(-CE_HOST_SETUP,
			       "a system call filter around us (a container's?) refuses user "
			       "namespaces; start the outer one with --security-opt "
			       "seccomp=unconfined, or --privileged");
	return err_wrap(r, "make a user namespace");
}

static void __attribute__((noreturn)) hold_namespace(int wait_fd)
{
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_DUMPABLE, 1); /* newuidmap looks at the owner of /proc/PID */
	(void)!read(wait_fd, &c, 1);
	_exit(0);
}

static int start_mapper(const char *prog, pid_t pid, const char *maps, int err_fd)
{
	AUTO_STRV struct strv argv = STRV_INIT;
	AUTO_FREE char *copy = xstrdup(maps);
	char *save = NULL;
	int r;

	strv_add(&argv, prog);
	strv_addf(&argv, "%d", (int)pid);
	for (char *w = strtok_r(copy, ":,", &save); w; w = strtok_r(NULL, ":,", &save))
		strv_add(&argv, w);
	r = spawn_start(
		&(struct spawn){.path = prog, .argv = argv.v, .stdio = {-1, err_fd, err_fd}}, NULL);
	if (r == -ENOENT)
		return err_new(-CE_HOST_SETUP,
			       "%s is missing; mend it as root with: apt-get install uidmap", prog);
	return r;
}

struct mapper {
	const char *prog;
	int pidfd, err_fd; /* of what it says when it fails */
};

static void mapper_done(struct mapper *m)
{
	closep(&m->pidfd);
	closep(&m->err_fd);
}

static int mapper_start(struct mapper *m, pid_t pid, const char *maps)
{
	AUTO_CLOSE int wr = -EBADF;
	int p[2];

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_new(-errno, "pipe");
	m->err_fd = p[0];
	wr = p[1];
	m->pidfd = start_mapper(m->prog, pid, maps, wr);
	return m->pidfd < 0 ? m->pidfd : 0;
}

static int mapper_finish(const struct mapper *m)
{
	char words[512];
	ssize_t n;
	int status, r;

	r = pidfd_wait(m->pidfd, 30000, &status);
	if (r < 0) {
		(void)pidfd_signal(m->pidfd, SIGKILL);
		return err_wrap(r, "%s", m->prog);
	}
	if (status == 0)
		return 0;
	n = read(m->err_fd, words, sizeof(words) - 1);
	words[n > 0 ? n : 0] = '\0';
	words[strcspn(words, "\n")] = '\0';
	return err_new(-CE_HOST_SETUP,
		       "%s failed with status %d (%s); mend it as root with: apt-get install "
		       "--reinstall uidmap",
		       m->prog, status, *words ? words : "it said nothing");
}

/* Side by side; when both fail, what the first says is what the user reads. */
static int map_with_helpers(pid_t pid, const char *maps)
{
	AUTO_FREE char *uids = xstrdup(maps);
	AUTO(mapper_done) struct mapper u = {.prog = NEWUIDMAP, .pidfd = -EBADF, .err_fd = -EBADF};
	AUTO(mapper_done) struct mapper g = {.prog = NEWGIDMAP, .pidfd = -EBADF, .err_fd = -EBADF};
	char *gids = strchr(uids, ';');
	int r, r2 = 0;

	*gids++ = '\0';
	r = mapper_start(&u, pid, uids);
	if (r < 0)
		return r;
	r2 = mapper_start(&g, pid, gids);
	r = mapper_finish(&u);
	if (r2 == 0) {
		if (r < 0) {
			int status;

			(void)pidfd_wait(g.pidfd, 30000, &status);
			return r;
		}
		r2 = mapper_finish(&g);
	}
	return r < 0 ? r : r2;
}

static int map_single(pid_t pid, const struct base_grant *g)
{
	char text[48];
	int r;

	/* Without "deny" the user could shed groups that keep him out of files (H05). */
	r = userns_write(pid, "setgroups", "deny");
	(void)snprintf(text, sizeof(text), "0 %u 1\n", (unsigned)g->uid);
	if (r == 0)
		r = userns_write(pid, "uid_map", text);
	(void)snprintf(text, sizeof(text), "0 %u 1\n", (unsigned)g->gid);
	if (r == 0)
		r = userns_write(pid, "gid_map", text);
	return r;
}

static int make_base(const struct base_grant *g, const char *maps)
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, ns = -EBADF;
	char path[48];
	int p[2], r;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	pid = clone_fork(CLONE_NEWUSER, NULL);
	if (pid < 0)
		return host_problem(pid);
	if (pid == 0) {
		(void)close(wr);
		hold_namespace(rd);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	r = ns < 0 ? err_new(-errno, "open %s", path) : 0;
	if (r == 0)
		r = base_grant_is_single(g) ? map_single(pid, g) : map_with_helpers(pid, maps);
	closep(&wr);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? r : TAKE_FD(ns);
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
	ns = join_any(runtime_dir, maps, &led); /* somebody was faster */
	if (ns < 0)
		ns = make_base(g, maps);
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
	AUTO_CLOSE int led = -EBADF, ns = join_any(runtime_dir, maps, &led);

	if (ns < 0)
		return ns;
	if (offer_held(runtime_dir, ns, maps) == 0 && lives(led))
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
	ns = hold ? join_and_hold(runtime_dir, maps) : join_any(runtime_dir, maps, &led);
	return ns < 0 ? make_and_register(runtime_dir, g, maps) : ns;
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
		return host_problem(-errno);
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

static int try_inside(const struct base_grant *g)
{
	AUTO_FREE char *maps = grant_text(g);
	int r = refuse_root();

	if (r == 0)
		r = make_base(g, maps);
	if (r >= 0 && setns(r, CLONE_NEWUSER) < 0)
		return err_new(-errno, "enter the base namespace");
	if (r >= 0 && unshare(CLONE_NEWNS) < 0)
		return host_problem(-errno);
	return r < 0 ? r : 0;
}

/* A child tries, for there is no way back out of a user namespace. */
int base_try(const struct base_grant *g)
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	char words[2048];
	int p[2], status, r = 0;
	ssize_t n;

	if (base_is_inherited(g))
		return 0;
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	r = clone_fork(0, &pidfd);
	if (r == 0) {
		r = try_inside(g);
		if (r < 0)
			(void)write_full(wr, err_trail(), strlen(err_trail()));
		_exit(r < 0);
	}
	closep(&wr);
	if (r < 0)
		return r;
	n = read_upto(rd, words, sizeof(words) - 1);
	r = pidfd_wait(pidfd, -1, &status);
	if (r < 0 || status == 0)
		return r;
	words[n > 0 ? n : 0] = '\0';
	return err_set(-CE_HOST_SETUP, words);
}
