/* SPDX-License-Identifier: MIT */
/*
 * As for containers (pkg/container/mount.c): the mount ends with the session at the latest, and only the
 * kernel knows that it is there. What stands on disk is an empty directory in the runtime directory,
 * since images of shared stores have none of their own here.
 */
#include "pkg/image/mount.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/runtime/base.h"
#include "pkg/runtime/fuse.h"
#include "pkg/runtime/overlay.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"
#include "pkg/sys/statx.h"
#include "storage/driver.h"
#include "storage/event.h"
#include "storage/layer.h"

#define MOUNTS "mounts"

static char *place_of(const char *id)
{
	return path_join(MOUNTS, id);
}

bool image_is_mounted(struct store *st, const char *id)
{
	AUTO_FREE char *place = place_of(id);

	return statx_is_mount_point(store_runtime_fd(st), place);
}

char *image_mount_point(struct store *st, const char *id)
{
	AUTO_FREE char *place = place_of(id);

	return path_join(store_runroot(st), place);
}

static int make_place(struct store *st, const char *id)
{
	AUTO_FREE char *place = place_of(id);
	int runtime = store_runtime_fd(st);

	if ((mkdirat(runtime, MOUNTS, 0700) < 0 && errno != EEXIST) ||
	    (mkdirat(runtime, place, 0700) < 0 && errno != EEXIST))
		return err_new(-errno, "make %s/%s", store_runroot(st), place);
	return open_beneath(runtime, place, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* What is mounted on is busy, and stays. */
static void remove_place(struct store *st, const char *id)
{
	AUTO_FREE char *place = place_of(id);

	(void)unlinkat(store_runtime_fd(st), place, AT_REMOVEDIR);
	(void)unlinkat(store_runtime_fd(st), MOUNTS, AT_REMOVEDIR);
}

/* One directory shows itself; an overlay without an upper directory is read-only anyway. */
static int mount_dirs(const struct strv *dirs, int place)
{
	AUTO_FREE int *fds = xcalloc(dirs->n, sizeof(*fds));
	AUTO_CLOSE int mnt = -EBADF;
	char name[16];
	int r = 0;

	for (size_t i = 0; i < dirs->n; i++) {
		fds[i] = open(dirs->v[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fds[i] < 0 && r == 0)
			r = err_new(-errno, "open %s", dirs->v[i]);
	}
	(void)snprintf(name, sizeof(name), "%d", place);
	if (r == 0 && dirs->n > 1)
		r = overlay_mount(fds, (unsigned)dirs->n, -EBADF, -EBADF, name, ",index=off");
	if (r == 0 && dirs->n == 1) {
		r = mnt = mount_clone(fds[0], "", false);
		if (mnt >= 0)
			r = mount_set(mnt, false, MNT_ATTR_RDONLY, MS_PRIVATE);
		if (r == 0)
			r = mount_attach(mnt, place);
	}
	for (size_t i = 0; i < dirs->n; i++)
		closep(&fds[i]);
	return r;
}

static int mount_by_server(const struct strv *dirs, int place)
{
	struct rt_root root = {.lower = (const char *const *)dirs->v, .n_lower = (unsigned)dirs->n};
	AUTO_CLOSE int mnt = -EBADF;
	int r = driver_fuse_program(&root.fuse_program);

	if (r == 0)
		r = mnt = fuse_leave(&root);
	return r < 0 ? r : mount_attach(mnt, place);
}

int image_mount(struct store *st, const char *id, const struct strv *diffids)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	AUTO_CLOSE int place = -EBADF;
	int r;

	if (image_is_mounted(st, id))
		return 0;
	if (!diffids->n)
		return err_usage("it is empty: there is nothing to mount");
	r = layer_stack_bare(st, diffids, &dirs);
	if (r < 0)
		return r;
	place = make_place(st, id);
	if (place < 0)
		return place;
	/* The kernel's overlay does not know the marks of such a store. */
	r = dirs.n > 1 && store_has_file_marks(st) ? mount_by_server(&dirs, place)
						   : mount_dirs(&dirs, place);
	if (r < 0)
		remove_place(st, id);
	else
		event_named(store_runtime_fd(st), "image", "mount", id, "");
	return r;
}

int image_mounts(struct store *st, struct strv *ret)
{
	AUTO_CLOSE int dir = openat(store_runtime_fd(st), MOUNTS,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_STRV struct strv names = STRV_INIT;
	int r;

	if (dir < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "open " MOUNTS);
	r = dir_names(dir, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (image_is_mounted(st, names.v[i]))
			strv_add(ret, names.v[i]);
	strv_sort(ret);
	return r;
}

int image_unmount(struct store *st, const char *id, bool force)
{
	AUTO_FREE char *path = image_mount_point(st, id);

	if (!image_is_mounted(st, id))
		return err_new(-CE_BAD_STATE, "it is not mounted");
	if (umount2(path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) < 0)
		return err_new(-errno, "unmount %s", path);
	remove_place(st, id);
	event_named(store_runtime_fd(st), "image", "unmount", id, "");
	return 0;
}
