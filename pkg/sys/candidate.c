/* SPDX-License-Identifier: MIT */
#include "pkg/sys/candidate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/process.h"
#include "pkg/sys/random.h"
#include "pkg/sys/userns.h"

/* Held for the life of this process: the lock says that it lives. */
static int kept_lock = -EBADF;
static char kept_name[16];

/* The kernel shows a map in terms of the reader's namespace, or of the parent when the reader is in it. */
static int read_map(const char *who, const char *map, struct sbuf *out)
{
	char buf[8192], path[48], *save = NULL;
	AUTO_CLOSE int fd = -EBADF;
	bool first = true;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%s/%s", who, map);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_new(-errno, "open %s", path);
	n = read_upto(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return err_new((int)n, "read %s", path);
	buf[n] = '\0';
	for (char *l = strtok_r(buf, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save), first = false) {
		unsigned in, outside, count;

		if (sscanf(l, "%u %u %u", &in, &outside, &count) != 3)
			return err_new(-EPROTO, "read %s", path);
		sbuf_addf(out, "%s%u:%u:%u", first ? "" : ",", in, outside, count);
	}
	return 0;
}

int candidate_maps(const char *who, struct sbuf *out)
{
	int r = read_map(who, "uid_map", out);

	sbuf_addc(out, ';');
	return r < 0 ? r : read_map(who, "gid_map", out);
}

static int open_base(int runtime_dir)
{
	int dir = openat(runtime_dir, "base", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir >= 0 || errno != ENOENT)
		return dir < 0 ? -errno : dir;
	if (mkdirat(runtime_dir, "base", 0700) < 0 && errno != EEXIST)
		return -errno;
	dir = openat(runtime_dir, "base", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir < 0 ? -errno : dir;
}

int candidate_offer(int runtime_dir, const char *path, uint64_t inode, const char *maps)
{
	AUTO_CLOSE int dir = open_base(runtime_dir), fd = -EBADF;
	char id[17], aside[24], name[16];
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct proc_id me;
	int r;

	if (dir < 0)
		return err_new(dir, "open base/ in the runtime directory");
	r = proc_id_self(&me);
	if (r < 0)
		return r;
	sbuf_addf(&b, "%d %llu %llu %s\n%s\n", (int)me.pid, (unsigned long long)me.start,
		  (unsigned long long)inode, path, maps);
	random_hex(id, 16);
	(void)snprintf(aside, sizeof(aside), ".%s", id);
	(void)snprintf(name, sizeof(name), "%d", (int)me.pid);
	fd = openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_new(-errno, "write base/%s", aside);
	r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : write_full(fd, b.s, b.len);
	if (r == 0 && renameat(dir, aside, dir, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir, aside, 0);
		return err_new(r, "write base/%s", name);
	}
	closep(&kept_lock);
	kept_lock = TAKE_FD(fd);
	memcpy(kept_name, name, sizeof(name));
	return 0;
}

int candidate_offer_own(int runtime_dir)
{
	AUTO_CLOSE int ns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	AUTO_SBUF struct sbuf maps = SBUF_INIT;
	uint64_t inode;
	int r;

	if (ns < 0)
		return err_new(-errno, "open /proc/self/ns/user");
	r = userns_inode(ns, &inode);
	if (r == 0)
		r = candidate_maps("self", &maps);
	return r < 0 ? r : candidate_offer(runtime_dir, "ns/user", inode, maps.s);
}

void candidate_withdraw(int runtime_dir)
{
	AUTO_CLOSE int dir = kept_lock < 0 ? -EBADF : open_base(runtime_dir);

	/* The name is ours while the lock is: nobody else takes it away, or makes one for our pid. */
	if (dir >= 0)
		(void)unlinkat(dir, kept_name, 0);
	closep(&kept_lock);
}
