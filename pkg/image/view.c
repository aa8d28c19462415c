/* SPDX-License-Identifier: MIT */
#include "pkg/image/view.h"

#include <fcntl.h>

#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/runtime/overlay.h"

int image_view(struct store *st, const struct strv *diffids, size_t n)
{
	AUTO_STRV struct strv lowest = STRV_INIT;
	AUTO_STRV struct strv dirs = STRV_INIT;
	int r;

	if (n == 0)
		return -EBADF;
	for (size_t i = 0; i < n; i++)
		strv_add(&lowest, diffids->v[i]);
	r = layer_stack(st, &lowest, &dirs);
	/* The last one holds mount points for the run time only. */
	return r < 0 ? r : overlay_view((const char *const *)dirs.v, (unsigned)dirs.n - 1);
}

int image_layer(struct store *st, const char *diffid)
{
	AUTO_FREE char *name = path_join(diffid, "tree");
	int fd = openat(store_fd(st, STORE_LAYERS), name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_new(-errno, "open layer %.12s", diffid) : fd;
}
