/* SPDX-License-Identifier: MIT */
#include "pkg/build/seal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/open.h"

#define DEPTH_MAX 2000

static bool is_dots(const char *n)
{
	return n[0] == '.' && (!n[1] || (n[1] == '.' && !n[2]));
}

int seal_is_empty(int tree)
{
	AUTO_CLOSE int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return err_new(-errno, "list a directory");
	(void)TAKE_FD(fd);
	while ((e = readdir(d)) != NULL)
		if (!is_dots(e->d_name))
			return 0;
	return 1;
}

static bool says_something(int fd, const char *name, bool directory)
{
	char v[2];

	return directory && strcmp(name, "user.overlay.opaque") == 0 &&
	       fgetxattr(fd, name, v, sizeof(v)) == 1 && v[0] == 'y';
}

static int strip(int fd, bool directory)
{
	char names[65536];
	ssize_t n = flistxattr(fd, names, sizeof(names));

	if (n < 0 && errno != ENOTSUP)
		return err_new(-errno, "list extended attributes");
	for (char *p = names; n > 0 && p < names + n; p += strlen(p) + 1)
		if (strncmp(p, "user.overlay.", 13) == 0 && !says_something(fd, p, directory) &&
		    fremovexattr(fd, p) < 0 && errno != ENODATA)
			return err_new(-errno, "remove attribute %s", p);
	return 0;
}

static int clamp(int dir, const char *name, int64_t epoch_s)
{
	struct timespec t[2] = {{.tv_sec = epoch_s}, {.tv_sec = epoch_s}};
	struct stat st;

	if (epoch_s < 0)
		return 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "stat %s", name);
	if (st.st_mtim.tv_sec < epoch_s || (st.st_mtim.tv_sec == epoch_s && !st.st_mtim.tv_nsec))
		return 0;
	return utimensat(dir, name, t, AT_SYMLINK_NOFOLLOW) < 0
		       ? err_new(-errno, "set the time of %s", name)
		       : 0;
}

struct sealer {
	int64_t epoch_s;
	bool files_are_ours;
};

static int seal_level(const struct sealer *s, int dir, unsigned depth);

static int seal_entry(const struct sealer *s, int dir, const char *name, unsigned depth)
{
	AUTO_CLOSE int fd = -EBADF;
	struct stat st;
	int r = 0;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "stat %s", name);
	/* Only these can have attributes of the kind. */
	if (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && !s->files_are_ours)) {
		fd = open_nofollow(dir, name,
				   O_RDONLY | O_NONBLOCK | O_NOCTTY |
					   (S_ISDIR(st.st_mode) ? O_DIRECTORY : 0),
				   0);
		r = fd < 0 ? fd : strip(fd, S_ISDIR(st.st_mode));
	}
	if (r == 0 && S_ISDIR(st.st_mode))
		r = seal_level(s, fd, depth + 1);
	if (r == 0)
		r = clamp(dir, name, s->epoch_s);
	return r < 0 ? err_wrap(r, "%s", name) : 0;
}

static int seal_level(const struct sealer *s, int dir, unsigned depth)
{
	AUTO_CLOSE int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d)
		return err_new(-errno, "list a directory");
	(void)TAKE_FD(fd);
	if (depth > DEPTH_MAX)
		return err_new(-CE_LIMIT, "directories nested deeper than %d", DEPTH_MAX);
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (is_dots(e->d_name) ||
		    (s->files_are_ours && s->epoch_s < 0 && e->d_type == DT_REG))
			continue;
		r = seal_entry(s, dir, e->d_name, depth);
	}
	return r;
}

int seal_tree(int tree, int64_t epoch_s, bool files_are_ours)
{
	const struct sealer s = {.epoch_s = epoch_s, .files_are_ours = files_are_ours};
	int r = strip(tree, true);

	if (r == 0)
		r = seal_level(&s, tree, 0);
	if (r == 0)
		r = clamp(tree, ".", epoch_s);
	return r;
}
