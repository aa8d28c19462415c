/* SPDX-License-Identifier: MIT */
#include "pkg/base/io.h"

#include <errno.h>
#include <unistd.h>

int write_full(int fd, const void *p, size_t n)
{
	const char *c = p;

	while (n) {
		ssize_t w = write(fd, c, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		c += w;
		n -= (size_t)w;
	}
	return 0;
}

ssize_t read_upto(int fd, void *p, size_t n)
{
	char *c = p;
	size_t got = 0;

	while (got < n) {
		ssize_t k = read(fd, c + got, n - got);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		if (k == 0)
			break;
		got += (size_t)k;
	}
	return (ssize_t)got;
}

int read_full(int fd, void *p, size_t n)
{
	ssize_t k = read_upto(fd, p, n);

	if (k < 0)
		return (int)k;
	return (size_t)k == n ? 0 : -ENODATA;
}

int copy_stream(int from, int to)
{
	char piece[64 << 10];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(from, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : write_full(to, piece, (size_t)n);
	}
	return r;
}
