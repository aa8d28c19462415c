/* SPDX-License-Identifier: MIT */
#include "pkg/config/conf_file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/file.h"
#include "pkg/sys/userns.h"

#define OVERFLOW_ID 65534 /* what an id looks like that the namespace does not have */

/* Seen from another namespace, as B is one, root's and a stranger's files look alike; a container's do not. */
static bool is_trusted(unsigned id, unsigned own)
{
	return id == own || id == 0 || (id == OVERFLOW_ID && userns_is_initial() == 0);
}

/* A group of one's own (umask 002) is nobody else. */
static bool written_by_others(const struct stat *st)
{
	return !is_trusted(st->st_uid, geteuid()) || (st->st_mode & 02) ||
	       ((st->st_mode & 020) && !is_trusted(st->st_gid, getegid()));
}

int conf_file_read(const char *path, size_t max, struct sbuf *out)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_new(-errno, "open %s", path);
	if (S_ISREG(st.st_mode) && written_by_others(&st))
		return err_new(
			-CE_UNSAFE,
			"%s can be written by others: look what is in it, then chmod go-w it",
			path);
	r = file_read_fd(fd, max, out);
	return r < 0 ? err_wrap(r, "%s", path) : 0;
}
