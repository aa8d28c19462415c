/* SPDX-License-Identifier: MIT */
#include "pkg/container/image_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"
#include "storage/store.h"

/* A device there is the mark of a deletion. */
static int read_below(int layer, const char *path, size_t max, struct sbuf *out)
{
	AUTO_CLOSE int tree = openat(layer, "tree", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
	struct stat st;

	if (tree < 0)
		return err_new(-errno, "open its tree");
	fd = open_in(tree, path, O_PATH, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode))
		return err_new(-ENODEV, "%s", path);
	/* Content of a shared store is a pointer here, which only the kernel's overlay follows. */
	if (faccessat(layer, "shared", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_new(-CE_UNSUPPORTED, "%s: to read a file of an image that lies in a "
						"shared store, while it is not mounted, is", path);
	return file_read_in(tree, path, max, out);
}

int image_file_read(struct store *st, const struct strv *layers, const char *path, size_t max,
		    struct sbuf *out)
{
	int dir = store_fd(st, STORE_LAYERS);

	for (size_t i = layers->n; dir >= 0 && i-- > 0;) {
		AUTO_CLOSE int layer =
			openat(dir, layers->v[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int r = layer < 0 ? err_new(-errno, "open layer %.12s", layers->v[i])
				  : read_below(layer, path, max, out);

		if (r == -ENODEV)
			break;
		if (r != -ENOENT || layer < 0)
			return r;
		err_drop();
	}
	err_drop();
	return dir < 0 ? dir : -ENOENT;
}
