/* SPDX-License-Identifier: MIT */
#include "pkg/sys/copy.h"

#include <linux/fs.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"

#define AT_ONCE (64U << 20)

/* 1: done, 0: not possible here. */
static int copy_in_kernel(int from, int to)
{
	for (bool first = true;; first = false) {
		long n = syscall(SYS_copy_file_range, from, NULL, to, NULL, (size_t)AT_ONCE, 0U);

		if (n < 0 && errno == EINTR)
			continue;
		/* Some file systems answer 0 for a file that is not empty. */
		if (n == 0)
			return !first;
		if (n < 0)
			return first && errno != ENOSPC && errno != EDQUOT && errno != EIO
				       ? 0
				       : err_new(-errno, "copy");
	}
}

int copy_content(int from, int to)
{
	char buf[65536];
	int r;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	r = copy_in_kernel(from, to);
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
