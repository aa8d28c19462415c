/* SPDX-License-Identifier: MIT */
#include "pkg/container/size.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/open.h"
#include "storage/layer.h"

/* The files of one directory; its directories go onto @todo. A running container may change it under us. */
static int count_dir(int root, const char *path, struct strv *todo, uint64_t *sum)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int fd = open_beneath(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	struct dirent *e;
	struct stat sb;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -ENAMETOOLONG) {
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
		if (S_ISDIR(sb.st_mode))
			strv_addf(todo, "%s/%s", path, e->d_name);
		else if (S_ISREG(sb.st_mode))
			*sum += (uint64_t)sb.st_size;
	}
	return 0;
}

static int count_tree(int root, uint64_t *sum)
{
	AUTO_STRV struct strv todo = STRV_INIT;
	int r = 0;

	strv_add(&todo, ".");
	while (r == 0 && todo.n) {
		AUTO_FREE char *path = xstrdup(todo.v[todo.n - 1]);

		strv_remove(&todo, todo.n - 1);
		r = count_dir(root, path, &todo, sum);
	}
	return r;
}

int container_size(struct store *st, const struct container_record *rec, struct container_size *ret)
{
	struct container_dirs dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	AUTO_CLOSE int upper = -EBADF;
	int r = base_enter_own(store_runtime_fd(st));

	*ret = (struct container_size){0};
	if (r == 0)
		r = container_store_look(st, rec->id, &dirs);
	if (r < 0)
		return r;
	upper = open_nofollow(dirs.data_fd, "upper", O_PATH | O_DIRECTORY, 0);
	container_dirs_done(&dirs);
	r = upper < 0 ? upper : count_tree(upper, &ret->rw);
	ret->root_fs = ret->rw;
	for (size_t i = 0; r == 0 && i < rec->layers.n; i++) {
		struct layer_record l = {0};

		r = layer_record_load(st, rec->layers.v[i], &l);
		ret->root_fs += l.tree_bytes;
		layer_record_done(&l);
	}
	return r;
}
