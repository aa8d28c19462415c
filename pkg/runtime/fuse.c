/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: fuse-overlayfs
 *
 * Processes     F fuse-overlayfs, a child of the monitor M in B: what I's root is lives behind it.
 *               Not in C: root of a container that sees the host's processes could trace it there.
 * The mount     M makes it detached, in B, and gives I the descriptor, which I attaches in C. So ids
 *               are B's, as with the kernel's overlay, and whoever is in B may look in (cp, exec).
 * /dev/fuse     the kernel wants it mounted before a server reads it. M closes it once F has a copy: F
 *               alone holds it, and when F dies the kernel ends the file system at once: nobody
 *               waits for ever for an answer.
 * Names         F gets its directories as descriptors: paths hold what its options cannot (H12).
 * Last words    F's standard error is a memory file of M's.
 */
#include "pkg/runtime/fuse.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/fuse_device.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/process.h"

#define FDS_MAX 512
#define WORDS_MAX 1000

int fuse_check(void)
{
	AUTO_CLOSE int fd = fuse_device_open();

	return fd < 0 ? fd : 0;
}

struct keep {
	int fd[FDS_MAX];
	unsigned n;
};

static int keep_dir(struct keep *k, const char *path)
{
	int fd;

	if (k->n == FDS_MAX)
		return err_new(-CE_LIMIT, "more than %d layers", FDS_MAX);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_new(-errno, "open %s", path);
	k->fd[k->n++] = fd;
	return fd;
}

static int add_dir(struct keep *k, const char *path, const char *before, struct sbuf *options)
{
	int fd = keep_dir(k, path);

	if (fd >= 0)
		sbuf_addf(options, "%s/proc/self/fd/%d", before, fd);
	return fd < 0 ? fd : 0;
}

static int make_options(const struct rt_root *root, struct keep *k, struct sbuf *o)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < root->n_lower; i++)
		r = add_dir(k, root->lower[i], i ? ":" : "lowerdir=", o);
	if (r == 0 && root->upper)
		r = add_dir(k, root->upper, ",upperdir=", o);
	if (r == 0 && root->upper)
		r = add_dir(k, root->work, ",workdir=", o);
	if (root->is_volatile)
		sbuf_adds(o, ",volatile");
	return r;
}

static int spawn_server(const char *program, const struct sbuf *options, struct keep *k, int device,
			struct fuse_server *ret)
{
	char prog[] = "fuse-overlayfs", fg[] = "-f", oo[] = "-o", at[32];
	char *argv[] = {prog, fg, oo, options->s, at, NULL}, *envp[] = {NULL};
	struct spawn s = {.path = program,
			  .argv = argv,
			  .envp = envp,
			  .stdio = {-1, -1, ret->words_fd},
			  .keep = k->fd,
			  .n_keep = k->n + 1,
			  .death_signal = ret->stays ? 0 : SIGKILL,
			  .new_session = true,
			  .own_mounts = ret->stays};
	int r;

	if (k->n == FDS_MAX)
		return err_new(-CE_LIMIT, "more than %d layers", FDS_MAX);
	k->fd[k->n] = device;
	(void)snprintf(at, sizeof(at), "/dev/fd/%d", device);
	r = spawn_start(&s, &ret->pid);
	if (r < 0)
		return r;
	ret->pidfd = r;
	log_debug("runtime", "fuse-overlayfs is %d", (int)ret->pid);
	return 0;
}

static void keep_done(struct keep *k)
{
	for (unsigned i = 0; i < k->n; i++)
		(void)close(k->fd[i]);
}

/* allow_other: all users of the container; nobody else ever sees this mount. */
static int mount_device(int device, bool read_only)
{
	char data[96];

	(void)snprintf(data, sizeof(data),
		       "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions",
		       device);
	return mount_new("fuse", data, read_only ? MNT_ATTR_RDONLY : 0);
}

int fuse_mount(const struct rt_root *root, struct fuse_server *ret)
{
	AUTO_SBUF struct sbuf options = SBUF_INIT;
	AUTO(keep_done) struct keep k = {.n = 0};
	AUTO_CLOSE int device = fuse_device_open(), mnt = -EBADF;
	int r = device < 0 ? device : 0;

	if (r == 0)
		r = mnt = mount_device(device, !root->upper);
	if (r < 0)
		return r;
	ret->words_fd = memfd_create("fuse-overlayfs", MFD_CLOEXEC);
	r = ret->words_fd < 0 ? err_new(-errno, "memfd_create") : make_options(root, &k, &options);
	if (r == 0)
		r = spawn_server(root->fuse_program, &options, &k, device, ret);
	return r < 0 ? err_wrap(r, "start fuse-overlayfs") : TAKE_FD(mnt);
}

const char *fuse_server_words(const struct fuse_server *s)
{
	static char text[WORDS_MAX + 1];
	ssize_t n = s->words_fd < 0 ? 0 : pread(s->words_fd, text, WORDS_MAX, 0);
	char *line;

	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	if (strncmp(line, "unknown argument ignored", 24) ==
	    0) /* of a new libfuse, to every file system */
		return "";
	return strncmp(line, "fuse-overlayfs: ", 16) == 0 ? line + 16 : line;
}

/* --- without a monitor --------------------------------------------------------------------------- */

static int open_root(const struct rt_root *root, bool stays, int *ret_mount)
{
	struct fuse_server s = {.pidfd = -EBADF, .words_fd = -EBADF, .stays = stays};
	AUTO_CLOSE int mnt = fuse_mount(root, &s);
	int fd;

	if (mnt < 0)
		return mnt;
	fd = openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* waits for the server */
	if (fd < 0)
		fd = err_new(-errno, "fuse-overlayfs%s%s", *fuse_server_words(&s) ? ": " : "",
			     fuse_server_words(&s));
	closep(&s.words_fd);
	closep(&s.pidfd);
	if (fd >= 0 && ret_mount)
		*ret_mount = TAKE_FD(mnt);
	return fd;
}

int fuse_open(const struct rt_root *root, int *ret_mount)
{
	return open_root(root, false, ret_mount);
}

int fuse_leave(const struct rt_root *root)
{
	int mnt = -EBADF, fd = open_root(root, true, &mnt);

	if (fd < 0)
		return fd;
	(void)close(fd);
	return mnt;
}
