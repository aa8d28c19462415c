/* SPDX-License-Identifier: MIT */
/* Finding a base namespace that lives: candidates, and what must be true of one (base.c, "Trust"). */
#include "pkg/runtime/base_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/candidate.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/file.h"
#include "pkg/sys/names.h"
#include "pkg/sys/process.h"
#include "pkg/sys/userns.h"

#define RECORD_MAX 16384
#define CANDIDATES_MANY 128

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

bool base_lives(int pidfd)
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
	if (!base_lives(pidfd)) /* still the same process after we opened its file */
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

bool base_is_offered(int runtime_dir)
{
	AUTO_CLOSE int dir = openat(runtime_dir, "base",
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_STRV struct strv names = STRV_INIT;
	bool any = false;

	if (dir >= 0 && dir_names(dir, &names) < 0)
		err_drop();
	for (size_t i = 0; i < names.n; i++)
		any = any || *names.v[i] != '.';
	return any;
}

int base_join_any(int runtime_dir, const char *maps, int *ret_pidfd)
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
