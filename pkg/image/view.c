/* SPDX-License-Identifier: MIT */
#include "pkg/image/view.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/runtime/overlay.h"

static int view(struct store *st, const struct strv *diffids, bool mount_points)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	const char *fuse = NULL;
	int r = mount_points ? layer_stack(st, diffids, &dirs)
			     : layer_stack_bare(st, diffids, &dirs);

	if (r == 0 && store_has_file_marks(st))
		r = driver_fuse_program(&fuse);
	return r < 0 ? r : overlay_view((const char *const *)dirs.v, (unsigned)dirs.n, fuse);
}

int image_view(struct store *st, const struct strv *diffids, size_t n)
{
	AUTO_STRV struct strv lowest = STRV_INIT;

	if (n == 0)
		return -EBADF;
	for (size_t i = 0; i < n; i++)
		strv_add(&lowest, diffids->v[i]);
	return view(st, &lowest, false);
}

int image_view_to_run(struct store *st, const struct strv *diffids)
{
	return view(st, diffids, true);
}

int image_layer(struct store *st, const char *diffid)
{
	AUTO_FREE char *name = path_join(diffid, "tree");
	int fd = openat(store_fd(st, STORE_LAYERS), name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_new(-errno, "open layer %.12s", diffid) : fd;
}

bool image_layer_hides(int dir)
{
	char v[2];

	return fgetxattr(dir, "user.overlay.opaque", v, sizeof(v)) == 1 && v[0] == 'y';
}
