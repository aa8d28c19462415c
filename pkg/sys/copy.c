/* SPDX-License-Identifier: MIT */
#include "pkg/sys/copy.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"

#define AT_ONCE (64U << 20)

bool copy_share(struct copy_way *w, int from, int to)
{
	if (w && w->no_share)
		return false;
	if (ioctl(to, FICLONE, from) == 0)
		return true;
	/* Others are this file's alone, as when it is open to be executed. */
	if (w)
		w->no_share = errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY;
	return false;
}

/* 1: done, 0: not possible here. */
static int copy_in_kernel(struct copy_way *w, int from, int to)
{
	if (w && w->no_range)
		return 0;
	for (bool first = true;; first = false) {
		long n = syscall(SYS_copy_file_range, from, NULL, to, NULL, (size_t)AT_ONCE, 0U);

		if (n < 0 && errno == EINTR)
			continue;
		/* Some file systems answer 0 for a file that is not empty. */
		if (n == 0)
			return !first;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
			return err_new(-errno, "copy");
		if (n < 0) { /* what is left is read and written */
			if (w)
				w->no_range = errno == EOPNOTSUPP || errno == EXDEV ||
					      errno == ENOSYS;
			return 0;
		}
	}
}

int copy_content(struct copy_way *w, int from, int to)
{
	char buf[65536];
	int r;

	if (copy_share(w, from, to))
		return 0;
	r = copy_in_kernel(w, from, to);
	if (r != 0)
		return r < 0 ? r : 0;
	for (;;) {
		ssize_t n = read(from, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_new(-errno, "read") : 0;
		r = write_full(to, buf, (size_t)n);
		if (r < 0)
			return err_new(r, "write");
	}
}
