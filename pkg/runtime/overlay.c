/* SPDX-License-Identifier: MIT */
/*
 * Overlay takes its directories as text. We stand in /proc/self/fd and say "7:8:9": names short
 * enough for hundreds of layers on every kernel, and free of ',' ':' and '\' (threats H12).
 */
#include "pkg/runtime/overlay.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/fuse.h"
#include "pkg/sys/overlay_data.h"

#define OPTIONS_MAX 4095 /* one page, the kernel's limit for mount(2) */

int overlay_mount(const int *lower, unsigned n, int upper, int work, const char *target,
		  const char *more)
{
	AUTO_CLOSE int fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char data[OPTIONS_MAX + 1];
	int len = snprintf(data, sizeof(data), "userxattr%s,", more);
	unsigned shown = n; /* the others hold content alone */

	if (fds < 0 || fchdir(fds) < 0)
		return err_new(-errno, "enter /proc/self/fd");
	if (upper >= 0)
		len += snprintf(data + len, sizeof(data) - (size_t)len, "upperdir=%d,workdir=%d,",
				upper, work);
	while (shown > 1 && overlay_data_is(lower[shown - 1]))
		shown--;
	len += snprintf(data + len, sizeof(data) - (size_t)len, "lowerdir=");
	for (unsigned i = 0; i < n && len < OPTIONS_MAX; i++)
		len += snprintf(data + len, sizeof(data) - (size_t)len, "%s%d",
				i == 0       ? ""
				: i >= shown ? "::"
					     : ":",
				lower[i]);
	if (len >= OPTIONS_MAX)
		return err_new(-CE_LIMIT, "%u layers are too many for one overlay", n);
	if (mount("overlay", target, "overlay", upper < 0 ? MS_RDONLY : 0, data) < 0)
		return err_new(-errno, "mount overlay (%u layers)", n);
	return 0;
}

/* Over the first directory: it exists, and nobody else sees this namespace. Taken off at once. */
static int mount_view(const int *dirs, unsigned n, const char *path)
{
	AUTO_CLOSE int root = -EBADF, cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char target[16];
	int r;

	(void)snprintf(target, sizeof(target), "%d", dirs[0]);
	r = overlay_mount(dirs, n, -EBADF, -EBADF, target, ",index=off");
	if (cwd >= 0)
		(void)!fchdir(cwd);
	if (r < 0)
		return r;
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		r = err_new(-errno, "open the merged view");
	if (umount2(path, MNT_DETACH) < 0 && r == 0)
		r = err_new(-errno, "detach the merged view");
	return r < 0 ? r : TAKE_FD(root);
}

int overlay_view(const char *const *dirs, unsigned n, const char *fuse_program)
{
	AUTO_FREE int *fds = xcalloc(n, sizeof(*fds));
	int r = 0;

	if (fuse_program)
		return fuse_open(&(struct rt_root){.lower = dirs,
						   .n_lower = n,
						   .fuse_program = fuse_program},
				 NULL);
	for (unsigned i = 0; i < n; i++) {
		fds[i] = open(dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fds[i] < 0 && r == 0)
			r = err_new(-errno, "open %s", dirs[i]);
	}
	if (r == 0)
		r = n == 1 ? TAKE_FD(fds[0]) : mount_view(fds, n, dirs[0]);
	for (unsigned i = 0; i < n; i++)
		closep(&fds[i]);
	return r;
}
