/* SPDX-License-Identifier: MIT */
#include "pkg/sys/overlay_data.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/open.h"

#define METACOPY "user.overlay.metacopy"
#define REDIRECT "user.overlay.redirect"
#define PLACE_MAX 256

bool overlay_data_is(int dir)
{
	return faccessat(dir, OVERLAY_DATA_MARK, F_OK, 0) == 0;
}

bool overlay_data_is_at(const char *path)
{
	AUTO_FREE char *mark = path_join(path, OVERLAY_DATA_MARK);

	return access(mark, F_OK) == 0;
}

int overlay_data_point(int fd, const char *place, off_t size)
{
	if (fsetxattr(fd, METACOPY, "", 0, 0) < 0 ||
	    fsetxattr(fd, REDIRECT, place, strlen(place), 0) < 0 || ftruncate(fd, size) < 0)
		return err_new(-errno, "point at %s", place);
	return 0;
}

bool overlay_data_is_elsewhere(int fd)
{
	return fgetxattr(fd, METACOPY, NULL, 0) >= 0;
}

int overlay_data_copy(int from, int to)
{
	char place[PLACE_MAX + 1];
	ssize_t n = fgetxattr(from, REDIRECT, place, PLACE_MAX);
	struct stat st;

	if (n <= 0 || fstat(from, &st) < 0)
		return err_new(-CE_CORRUPT, "a file of a shared layer says not where it is");
	place[n] = '\0';
	return overlay_data_point(to, place, st.st_size);
}

int overlay_data_open(int fd, int root)
{
	char place[PLACE_MAX + 1];
	AUTO_CLOSE int data = -EBADF;
	struct stat want, have;
	ssize_t n;

	if (!overlay_data_is_elsewhere(fd))
		return -ENOENT;
	n = fgetxattr(fd, REDIRECT, place, PLACE_MAX);
	if (n <= 0 || place[0] != '/')
		return err_new(-CE_CORRUPT, "a file of a shared layer says not where it is");
	place[n] = '\0';
	data = open_in(root, place + 1, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (data < 0)
		return data == -ENOENT
			       ? err_new(-CE_CORRUPT, "%s is gone from the shared store", place)
			       : data;
	if (fstat(fd, &want) < 0 || fstat(data, &have) < 0 || !S_ISREG(have.st_mode) ||
	    want.st_size != have.st_size)
		return err_new(-CE_CORRUPT, "%s of the shared store is another file", place);
	return TAKE_FD(data);
}
