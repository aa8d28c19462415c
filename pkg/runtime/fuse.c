/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: fuse-overlayfs
 *
 * Processes     F fuse-overlayfs, a child of the monitor M in B: what I's root is lives behind it.
 *               Not in C: root of a container that sees the host's processes could trace it there.
 * /dev/fuse     the kernel wants it opened in the user namespace that mounts it, and mounted before a
 *               server reads it: I opens it, mounts, gives it to M by a socket of its own and closes
 *               its copy; M closes its own once F has one. So F alone holds it, and when F dies the
 *               kernel ends the file system at once: nobody waits for ever for an answer.
 * Ids           the kernel translates a request's ids to C's; F lives in B. Where C's map is not the
 *               identity F is told the map.
 * Names         F gets its directories as descriptors: paths hold what its options cannot (H12).
 * Last words    F's standard error is a memory file of M's.
 */
#include "pkg/runtime/fuse.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"

#define FDS_MAX 512
#define WORDS_MAX 1000

int fuse_open_device(void)
{
	AUTO_CLOSE int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	bool missing = fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO);
	int e = errno;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		missing = !S_ISCHR(st.st_mode) || st.st_rdev != makedev(10, 229);
	if (missing)
		return err_new(
			-CE_HOST_SETUP,
			"/dev/fuse is missing, which fuse-overlayfs needs; as root: modprobe "
			"fuse; [ -e /dev/fuse ] || mknod -m 0666 /dev/fuse c 10 229");
	if (fd < 0)
		return err_new(-CE_HOST_SETUP,
			       "/dev/fuse cannot be opened (%s), which fuse-overlayfs needs; as "
			       "root: chmod 0666 /dev/fuse",
			       err_text(-e));
	return TAKE_FD(fd);
}

int fuse_mount(int *device, int sock, const char *target)
{
	char data[96];
	int r;

	/* allow_other: all users of the container, and nobody else ever sees this mount. */
	(void)snprintf(data, sizeof(data),
		       "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions",
		       *device);
	if (mount("fuse-overlayfs", target, "fuse", 0, data) < 0)
		return err_new(-errno, "mount fuse-overlayfs");
	r = socket_send(sock, "f", 1, device, 1);
	closep(device);
	return r < 0 ? err_new(r, "hand over /dev/fuse") : 0;
}

/* --- the monitor's side ----------------------------------------------------------------------- */

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

static void add_map(const char *name, const struct rt_idmap *m, unsigned n, struct sbuf *options)
{
	bool identity = true;

	for (unsigned i = 0; i < n; i++)
		identity &= m[i].inside == m[i].outside;
	for (unsigned i = 0; !identity && i < n; i++)
		sbuf_addf(options, "%s%u:%u:%u", i ? ":" : name, m[i].inside, m[i].outside,
			  m[i].count);
}

static int make_options(const struct rt_plan *p, struct keep *k, struct sbuf *o)
{
	const struct rt_root *root = &p->root;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < root->n_lower; i++)
		r = add_dir(k, root->lower[i], i ? ":" : "lowerdir=", o);
	if (r == 0)
		r = add_dir(k, root->upper, ",upperdir=", o);
	if (r == 0)
		r = add_dir(k, root->work, ",workdir=", o);
	if (root->is_volatile)
		sbuf_adds(o, ",volatile");
	if (p->ns[RT_NS_USER].mode == RT_NS_NEW) {
		add_map(",uidmapping=", p->uid_map, p->n_uid_map, o);
		add_map(",gidmapping=", p->gid_map, p->n_gid_map, o);
	}
	return r;
}

static int spawn_server(const struct rt_plan *p, int device, struct fuse_server *ret)
{
	AUTO_SBUF struct sbuf options = SBUF_INIT;
	char prog[] = "fuse-overlayfs", fg[] = "-f", oo[] = "-o", at[32];
	char *argv[] = {prog, fg, oo, NULL, at, NULL}, *envp[] = {NULL};
	struct spawn s = {.path = p->root.fuse_program,
			  .argv = argv,
			  .envp = envp,
			  .stdio = {-1, -1, ret->words_fd},
			  .death_signal = SIGKILL,
			  .new_session = true};
	struct keep k = {.n = 0};
	int r = make_options(p, &k, &options);

	if (r == 0) {
		(void)snprintf(at, sizeof(at), "/dev/fd/%d", device);
		argv[3] = options.s;
		s.keep = k.fd;
		s.n_keep = k.n + 1;
		if (k.n == FDS_MAX)
			r = err_new(-CE_LIMIT, "more than %d layers", FDS_MAX);
		else
			k.fd[k.n] = device;
	}
	if (r == 0)
		r = spawn_start(&s, &ret->pid);
	for (unsigned i = 0; i < k.n; i++)
		(void)close(k.fd[i]);
	if (r < 0)
		return r;
	ret->pidfd = r;
	log_debug("runtime", "fuse-overlayfs is %d", (int)ret->pid);
	return 0;
}

int fuse_server_start(const struct rt_plan *p, int sock, struct fuse_server *ret)
{
	int device = -EBADF, r;
	unsigned n = 0;
	char c;

	if (socket_recv(sock, &c, 1, &device, 1, &n) != 1 || n != 1)
		return 0; /* I failed before; it says why where M listens next */
	ret->words_fd = memfd_create("fuse-overlayfs", MFD_CLOEXEC);
	r = ret->words_fd < 0 ? err_new(-errno, "memfd_create") : spawn_server(p, device, ret);
	(void)close(device);
	return r < 0 ? err_wrap(r, "start fuse-overlayfs") : 0;
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
