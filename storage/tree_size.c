/* SPDX-License-Identifier: MIT */
#include "storage/tree_size.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/strv.h"
#include "pkg/sys/open.h"

#define BLOCK 512U /* the unit of st_blocks, on every file system */

void tree_size_done(struct tree_size *s)
{
	inode_map_done(&s->links, NULL);
}

static void count(const struct stat *sb, struct tree_size *s)
{
	if (S_ISREG(sb->st_mode))
		s->files += (uint64_t)sb->st_size;
	if (!S_ISDIR(sb->st_mode) && sb->st_nlink > 1) {
		void **seen = inode_map_at(&s->links, sb->st_dev, sb->st_ino);

		if (*seen)
			return;
		*seen = s;
	}
	s->disk += (uint64_t)sb->st_blocks * BLOCK;
}

/* It went away, or became something else, while we looked. */
static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ENAMETOOLONG;
}

/* The entries of one directory; its directories go onto @todo. */
static int count_dir(int root, const char *path, struct strv *todo, struct tree_size *s)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int fd = open_beneath(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	struct dirent *e;
	struct stat sb;

	if (is_gone(fd)) {
		err_drop();
		return 0;
	}
	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return err_new(-errno, "list %s", path);
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    fstatat(fd, e->d_name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		count(&sb, s);
		if (S_ISDIR(sb.st_mode))
			strv_addf(todo, "%s/%s", path, e->d_name);
	}
	return 0;
}

int tree_size_add(int dir, const char *name, struct tree_size *s)
{
	AUTO_STRV struct strv todo = STRV_INIT;
	struct stat sb;
	int r = 0;

	if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "%s", name);
	count(&sb, s);
	if (S_ISDIR(sb.st_mode))
		strv_add(&todo, name);
	while (r == 0 && todo.n) {
		AUTO_FREE char *path = xstrdup(todo.v[todo.n - 1]);

		strv_remove(&todo, todo.n - 1);
		r = count_dir(dir, path, &todo, s);
	}
	return r;
}

int tree_size_add_self(int dir, struct tree_size *s)
{
	struct stat sb;

	if (fstat(dir, &sb) < 0)
		return err_new(-errno, "look at a directory");
	count(&sb, s);
	return 0;
}
