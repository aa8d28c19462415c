/* SPDX-License-Identifier: MIT */
#include "pkg/image/view.h"

#include <fcntl.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/runtime/overlay.h"
#include "storage/flatten.h"
#include "storage/scratch.h"

static int view_by_copy(struct store *st, const struct strv *dirs)
{
	AUTO_CLOSE int to = scratch_dir(st);
	uint64_t bytes;
	int r = to < 0 ? to : layer_flatten(dirs, to, &bytes);

	return r < 0 ? err_wrap(r, "copy the image to look at it") : TAKE_FD(to);
}

int image_view_dirs(struct store *st, const struct strv *dirs)
{
	const char *const *v = (const char *const *)dirs->v;
	enum store_driver driver = store_driver(st);
	const char *fuse = NULL;
	int fd;

	if (!store_has_file_marks(st)) {
		fd = overlay_view(v, (unsigned)dirs->n, NULL);
		if (fd >= 0 || driver == STORE_OVERLAY)
			return fd;
		err_drop(); /* the kernel's overlay may be what this store does without */
	}
	if (driver == STORE_VFS)
		return view_by_copy(st, dirs);
	fd = driver_fuse_program(&fuse);
	return fd < 0 ? fd : overlay_view(v, (unsigned)dirs->n, fuse);
}

int image_view(struct store *st, const struct strv *diffids, size_t n)
{
	AUTO_STRV struct strv lowest = STRV_INIT, dirs = STRV_INIT;
	int r;

	if (n == 0)
		return -EBADF;
	for (size_t i = 0; i < n; i++)
		strv_add(&lowest, diffids->v[i]);
	r = layer_stack_bare(st, &lowest, &dirs);
	return r < 0 ? r : image_view_dirs(st, &dirs);
}

int image_layer(struct store *st, const char *diffid)
{
	AUTO_FREE char *name = path_join(diffid, "tree");
	int fd = openat(store_fd(st, STORE_LAYERS), name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_new(-errno, "open layer %.12s", diffid) : fd;
}
