/* SPDX-License-Identifier: MIT */
/*
 * /dev of a container: a tmpfs with a fixed list of the host's nodes bound into it, a devpts of its
 * own, and the masks made of the same verified /dev/null (threats D5, R07, R08, K06, K07).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"
#include "pkg/sys/tty.h"

static const struct {
	const char *name, *host;
	unsigned major, minor;
} nodes[] = {
	{"null", "/dev/null", 1, 3},       {"zero", "/dev/zero", 1, 5},
	{"full", "/dev/full", 1, 7},       {"random", "/dev/random", 1, 8},
	{"urandom", "/dev/urandom", 1, 9}, {"tty", "/dev/tty", 5, 0},
};

static const struct {
	const char *name, *to;
} links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

/* Places of the usual mounts below: made here, they need no look-up first. */
static const char *const dirs[] = {"pts", "shm", "mqueue"};

int dev_open_nodes(struct rt_child *x)
{
	for (unsigned i = 0; i < ARRAY_LEN(nodes); i++) {
		struct stat st;

		x->nodes[i] = open(nodes[i].host, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (x->nodes[i] < 0 || fstat(x->nodes[i], &st) < 0)
			return err_new(-errno, "open %s of the host", nodes[i].host);
		if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(nodes[i].major, nodes[i].minor))
			return err_new(-CE_HOST_SETUP, "%s of the host is not device %u:%u",
				       nodes[i].host, nodes[i].major, nodes[i].minor);
	}
	x->null = x->nodes[0];
	return 0;
}

/* Bind @source over @target with flags that only ever get stricter. */
static int bind_fd(int source, int target, uint64_t attrs, const char *what)
{
	AUTO_CLOSE int m = mount_clone(source, "", false);
	int r = m < 0 ? m : mount_set(m, false, attrs, MS_PRIVATE);

	if (r == 0)
		r = mount_attach(m, target);
	return r < 0 ? err_wrap(r, "%s", what) : 0;
}

static int bind_node(int dev, int source, const char *name)
{
	AUTO_CLOSE int target = -EBADF;

	if (mknodat(dev, name, S_IFREG | 0666, 0) < 0 && errno != EEXIST)
		return err_new(-errno, "make /dev/%s", name);
	target = open_nofollow(dev, name, O_PATH, 0);
	return target < 0 ? target
			  : bind_fd(source, target, MNT_ATTR_NOSUID | MNT_ATTR_NOEXEC, name);
}

int dev_populate(struct rt_child *x)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(nodes); i++)
		r = bind_node(x->dev, x->nodes[i], nodes[i].name);
	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(dirs); i++)
		if (mkdirat(x->dev, dirs[i], 0755) < 0)
			r = err_new(-errno, "make /dev/%s", dirs[i]);
	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].to, x->dev, links[i].name) < 0)
			r = err_new(-errno, "make /dev/%s", links[i].name);
	return r;
}

/* What stands there already is left as it is. */
static int add_fifo(struct rt_child *x, const struct rt_fifo *f)
{
	AUTO_FREE char *head = xstrdup(f->target);
	char *name = strrchr(head, '/');
	AUTO_CLOSE int parent = -EBADF;
	struct stat st;

	*name++ = '\0';
	parent = target_ensure(x->root, *head ? head : "/", true);
	if (parent < 0)
		return parent;
	if (mknodat(parent, name, S_IFIFO | f->mode, 0) == 0)
		return fchownat(parent, name, f->uid, f->gid, AT_SYMLINK_NOFOLLOW) < 0
			       ? err_new(-errno, "chown to %u:%u", f->uid, f->gid)
			       : 0;
	if (errno != EEXIST || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "make a FIFO");
	return S_ISFIFO(st.st_mode) ? 0 : err_new(-EEXIST, "what stands there is no FIFO");
}

int dev_add_devices(struct rt_child *x)
{
	for (unsigned i = 0; i < x->plan->n_devices; i++) {
		const struct rt_device *d = &x->plan->devices[i];
		AUTO_CLOSE int target = target_ensure(x->root, d->target, false);
		int r = target < 0 ? target
				   : bind_fd(x->devices[i], target,
					     MNT_ATTR_NOSUID | MNT_ATTR_NOEXEC, d->target);

		if (r < 0)
			return err_wrap(r, "device %s", d->source);
	}
	for (unsigned i = 0; i < x->plan->n_fifos; i++) {
		int r = add_fifo(x, &x->plan->fifos[i]);

		if (r < 0)
			return err_wrap(r, "device %s", x->plan->fifos[i].target);
	}
	return 0;
}

int dev_open_pty(struct rt_child *x)
{
	int slave, r;

	if (x->devpts < 0)
		return err_new(-CE_BAD_FORMAT, "a terminal needs a devpts on /dev/pts");
	r = tty_open_pair(x->devpts, &x->pty_master, &slave);
	if (r < 0)
		return r;
	x->stdio[0] = x->stdio[1] = x->stdio[2] = slave;
	(void)tty_set_size(x->pty_master, x->process->rows, x->process->cols);
	return x->dev < 0 ? 0 : bind_node(x->dev, slave, "console");
}

/* One read-only empty tmpfs serves every masked directory. */
static int mask_directory(int target, int *shared)
{
	AUTO_CLOSE int m = -EBADF;
	int r;

	if (*shared < 0) {
		*shared = mount_new("tmpfs", "size=4k,nr_inodes=2,mode=555",
				    MNT_ATTR_RDONLY | MNT_ATTR_NOSUID | MNT_ATTR_NODEV |
					    MNT_ATTR_NOEXEC);
		return *shared < 0 ? *shared : mount_attach(*shared, target);
	}
	m = mount_clone(*shared, "", false);
	r = m < 0 ? m : mount_attach(m, target);
	return r;
}

int dev_mask(struct rt_child *x, const char *const *paths)
{
	AUTO_CLOSE int shared = -EBADF;

	for (; paths && *paths; paths++) {
		AUTO_CLOSE int target = open_in(x->root, *paths, O_PATH, 0);
		struct stat st;
		int r;

		if (target == -ENOENT || target == -ENOTDIR) {
			err_drop(); /* this kernel does not have it */
			continue;
		}
		r = target < 0 ? target : fstat(target, &st) < 0 ? err_new(-errno, "stat") : 0;
		if (r == 0)
			r = S_ISDIR(st.st_mode)
				    ? mask_directory(target, &shared)
				    : bind_fd(x->null, target, MNT_ATTR_NOSUID | MNT_ATTR_NOEXEC,
					      "null");
		if (r < 0)
			return err_wrap(r, "mask %s", *paths);
	}
	return 0;
}
