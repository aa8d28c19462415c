/* SPDX-License-Identifier: MIT */
#include "pkg/build/workspace.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/seal.h"
#include "pkg/image/layer_copy.h"
#include "pkg/image/view.h"
#include "pkg/runtime/fuse.h"
#include "pkg/runtime/overlay.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/rmtree.h"
#include "storage/flatten.h"
#include "storage/scratch.h"

#define MERGED "merged"

static int stack_of(struct store *st, const struct strv *layers, struct strv *ret)
{
	int r;

	if (!layers->n)
		return 0;
	r = layer_stack_is_made(st, layers) ? 0 : layer_stack_make(st, layers);
	return r < 0 ? r : layer_stack_bare(st, layers, ret);
}

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_new(-errno, "open %s", path) : fd;
}

/* The upper directory shows as the root: it starts as the root of what is below. */
static int dress(const struct workspace *w)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	AUTO_CLOSE int top = -EBADF, upper = -EBADF;
	int r = w->top ? 0 : stack_of(w->st, w->layers, &dirs);

	if (r < 0 || (!w->top && !dirs.n))
		return r;
	top = open_dir(w->top ? w->top : dirs.v[0]);
	r = top < 0 ? top : layer_copy_attributes(top, w->stage.tree_fd);
	if (r < 0 || store_driver(w->st) != STORE_FUSE_OVERLAY)
		return r;
	upper = openat(w->dir, WORKSPACE_UPPER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return upper < 0 ? err_new(-errno, "open the workspace")
			 : layer_copy_attributes(top, upper);
}

int workspace_begin(struct store *st, const struct strv *layers, const char *top,
		    struct workspace *ret)
{
	AUTO(workspace_donep) struct workspace w = WORKSPACE_INIT;
	int r;

	w.st = st;
	w.layers = layers;
	w.top = top;
	r = layer_stage_begin(st, &w.stage);
	if (r < 0)
		return r;
	w.path = store_path(st, STORE_STAGING, w.stage.name);
	w.dir = open_dir(w.path);
	if (w.dir < 0)
		return w.dir;
	if (mkdirat(w.dir, WORKSPACE_WORK, 0700) < 0 || mkdirat(w.dir, MERGED, 0700) < 0 ||
	    (store_driver(st) == STORE_FUSE_OVERLAY && mkdirat(w.dir, WORKSPACE_UPPER, 0755) < 0))
		return err_new(-errno, "make a workspace");
	r = dress(&w);
	if (r < 0)
		return r;
	*ret = w;
	w = (struct workspace)WORKSPACE_INIT;
	return 0;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		closep(&fds[i]);
}

static int mount_merged(struct workspace *w, const struct strv *dirs)
{
	AUTO_FREE int *fds = xcalloc(dirs->n + 1, sizeof(*fds));
	/* By path: the store's own descriptors may be of the mount namespace we came from. */
	AUTO_CLOSE int work = openat(w->dir, WORKSPACE_WORK, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		       target = openat(w->dir, MERGED, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		       upper = openat(w->dir, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[16];
	size_t n = 0;
	int r = work < 0 || target < 0 || upper < 0 ? err_new(-errno, "open the workspace") : 0;

	for (; r == 0 && n < dirs->n; n++) {
		fds[n] = open_dir(dirs->v[n]);
		if (fds[n] < 0)
			r = fds[n];
	}
	(void)snprintf(name, sizeof(name), "%d", target);
	if (r == 0)
		r = overlay_mount(fds, (unsigned)n, upper, work, name, ",volatile");
	close_all(fds, n);
	w->mounted = r == 0;
	return r;
}

static int mount_fuse(struct workspace *w, const struct strv *dirs)
{
	AUTO_FREE char *upper = path_join(w->path, WORKSPACE_UPPER),
		       *work = path_join(w->path, WORKSPACE_WORK);
	struct rt_root root = {.lower = (const char *const *)dirs->v,
			       .n_lower = (unsigned)dirs->n,
			       .upper = upper,
			       .work = work,
			       .is_volatile = true};
	int r = driver_fuse_program(&root.fuse_program);

	if (r == 0)
		r = w->root = fuse_open(&root, NULL);
	w->apart = true;
	return r < 0 ? r : 0;
}

static int make_copy(struct workspace *w, const struct strv *dirs)
{
	AUTO_CLOSE int to = -EBADF;
	uint64_t bytes;
	int r;

	if (mkdirat(w->dir, WORKSPACE_COPY, 0755) < 0)
		return err_new(-errno, "make a workspace");
	to = openat(w->dir, WORKSPACE_COPY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = to < 0 ? err_new(-errno, "open the workspace") : layer_flatten(dirs, to, &bytes);
	if (r < 0)
		return err_wrap(r, "copy the layers");
	strv_add_all(&w->before, dirs);
	w->copied = clock_now_ns() / 1000000000;
	w->root = TAKE_FD(to);
	w->apart = true;
	return 0;
}

int workspace_open(struct workspace *w)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	enum store_driver driver = store_driver(w->st);
	int r = stack_of(w->st, w->layers, &dirs);

	if (r == 0 && dirs.n && driver == STORE_FUSE_OVERLAY)
		return mount_fuse(w, &dirs);
	if (r == 0 && dirs.n && driver == STORE_VFS)
		return make_copy(w, &dirs);
	if (r == 0 && dirs.n)
		r = mount_merged(w, &dirs);
	if (r < 0)
		return r;
	w->root = openat(w->dir, dirs.n ? MERGED : "tree",
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return w->root < 0 ? err_new(-errno, "open the merged view") : 0;
}

void workspace_close(struct workspace *w)
{
	AUTO_FREE char *merged = w->mounted ? path_join(w->path, MERGED) : NULL;

	closep(&w->root);
	if (merged)
		(void)umount2(merged, MNT_DETACH);
	w->mounted = false;
}

/* Nothing in it, and its root is as it was. */
static int is_unchanged(const struct workspace *w)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	struct stat now, before = {.st_mode = S_IFDIR | 0755};
	int r = seal_is_empty(w->stage.tree_fd);

	if (r <= 0)
		return r;
	r = stack_of(w->st, w->layers, &dirs);
	if (r < 0)
		return r;
	if (fstat(w->stage.tree_fd, &now) < 0 || (dirs.n && stat(dirs.v[0], &before) < 0))
		return err_new(-errno, "stat the root");
	return now.st_mode == before.st_mode && now.st_uid == before.st_uid &&
	       now.st_gid == before.st_gid;
}

/* Into the layer to be what lies beside it. */
static int bring(struct workspace *w, bool single_id)
{
	const bool copy = w->before.n != 0;
	AUTO_CLOSE int from = openat(w->dir, copy ? WORKSPACE_COPY : WORKSPACE_UPPER,
				     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct tree_tar_options read = {.overlay = !copy,
					      .file_marks = !copy,
					      .hide_markers = copy,
					      .single_id = single_id};
	const struct layer_copy c = {.from = from,
				     .before = copy ? &w->before : NULL,
				     .copied = w->copied,
				     .read = &read,
				     .single_id = single_id};
	uint64_t bytes;
	int r = from < 0 ? err_new(-errno, "open the workspace")
			 : layer_copy(w->st, &c, w->stage.tree_fd, &bytes);

	scratch_clear(); /* what the copy was compared with */
	return r;
}

static int remove_rest(struct workspace *w)
{
	static const char *const rest[] = {WORKSPACE_WORK, MERGED, WORKSPACE_UPPER, WORKSPACE_COPY,
					   WORKSPACE_STUBS};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(rest); i++)
		r = rmtree(w->dir, rest[i]);
	return r;
}

int workspace_seal(struct workspace *w, int64_t epoch_s, bool single_id, struct layer_lease *lease,
		   struct digest_later *later, char ret_diffid[65])
{
	const struct tree_tar_options read = {.overlay = true,
					      .file_marks = store_has_file_marks(w->st),
					      .single_id = single_id,
					      .implied = w->implied.n ? &w->implied : NULL};
	struct layer_record rec = {.implied = w->implied}; /* lent */
	struct digest_sizes sizes = {0};
	AUTO_STRV struct strv chain = STRV_INIT;
	char diffid[65];
	int r;

	workspace_close(w);
	r = w->apart ? bring(w, single_id) : 0;
	if (r == 0)
		r = remove_rest(w);
	if (r == 0)
		r = is_unchanged(w);
	if (r != 0) {
		ret_diffid[0] = '\0';
		return r < 0 ? err_wrap(r, "look at what changed") : 0;
	}
	r = seal_tree(w->stage.tree_fd, epoch_s, w->files_are_ours);
	if (r == 0)
		r = digest_tree(w->stage.tree_fd, &read, w->implied.n ? NULL : later, diffid,
				&sizes);
	if (r == 1)
		return 1;
	rec.tree_bytes = sizes.tree;
	rec.tar_bytes = sizes.tar;
	if (r == 0)
		r = layer_lease_add(w->st, lease, diffid);
	if (r == 0)
		r = layer_stage_commit(w->st, &w->stage, diffid, &rec);
	if (r < 0)
		return err_wrap(r, "make a layer");
	strv_add_all(&chain, w->layers);
	strv_add(&chain, diffid);
	memcpy(ret_diffid, diffid, sizeof(diffid));
	return layer_stack_make(w->st, &chain);
}

void workspace_done(struct workspace *w)
{
	workspace_close(w);
	closep(&w->dir);
	layer_stage_abort(w->st, &w->stage);
	strv_done(&w->before);
	strv_done(&w->implied);
	free(w->path);
	*w = (struct workspace)WORKSPACE_INIT;
}

void workspace_donep(struct workspace *w)
{
	if (w->st)
		workspace_done(w);
}

int layers_view(struct store *st, const struct strv *layers)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	int r = stack_of(st, layers, &dirs);

	if (r < 0)
		return r;
	if (!dirs.n)
		return err_usage("it is empty: nothing can be copied from it");
	return image_view_dirs(st, &dirs);
}

/* At @at, by whatever the store does without the kernel's overlay. */
static int mount_other(struct store *st, const struct strv *dirs, int at, bool *ret_mounted)
{
	AUTO_CLOSE int root = -EBADF, mnt = -EBADF;
	struct rt_root v = {.lower = (const char *const *)dirs->v, .n_lower = (unsigned)dirs->n};
	uint64_t bytes;
	int r;

	*ret_mounted = false;
	if (store_driver(st) == STORE_VFS)
		return layer_flatten(dirs, at, &bytes);
	r = driver_fuse_program(&v.fuse_program);
	if (r == 0)
		r = root = fuse_open(&v, &mnt);
	if (r >= 0)
		r = mount_attach(mnt, at);
	*ret_mounted = r >= 0;
	return r;
}

int layers_mount(struct store *st, const struct strv *layers, const char *at, char **ret_path,
		 bool *ret_mounted)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	AUTO_FREE int *fds = NULL;
	AUTO_CLOSE int target = open_dir(at);
	char name[16];
	size_t n = 0;
	int r = target < 0 ? target : stack_of(st, layers, &dirs);

	if (r == 0 && !dirs.n)
		r = err_usage("it is empty: nothing of it can be mounted");
	if (r < 0)
		return r;
	if (store_driver(st) != STORE_OVERLAY) {
		r = mount_other(st, &dirs, target, ret_mounted);
		*ret_path = r < 0 ? NULL : xstrdup(at);
		return r;
	}
	*ret_mounted = dirs.n > 1;
	*ret_path = xstrdup(dirs.n > 1 ? at : dirs.v[0]);
	fds = xcalloc(dirs.n, sizeof(*fds));
	for (; r == 0 && dirs.n > 1 && n < dirs.n; n++) {
		fds[n] = open_dir(dirs.v[n]);
		if (fds[n] < 0)
			r = fds[n];
	}
	(void)snprintf(name, sizeof(name), "%d", target);
	if (r == 0 && dirs.n > 1)
		r = overlay_mount(fds, (unsigned)n, -EBADF, -EBADF, name, "");
	close_all(fds, n);
	if (r < 0) {
		freep(ret_path);
		*ret_mounted = false;
	}
	return r;
}
