/* SPDX-License-Identifier: MIT */
#include "pkg/container/view.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/copied_root.h"
#include "pkg/container/plan.h"
#include "pkg/image/view.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"
#include "storage/store.h"

void container_view_done(struct container_view *v)
{
	closep(&v->root);
	closep(&v->upper);
	strv_done(&v->lower);
	free(v->uids);
	free(v->gids);
	v->uids = v->gids = NULL;
}

struct tree_ids *container_ids(const struct rt_idmap *m, unsigned n)
{
	struct tree_ids *v = xcalloc(n + 1, sizeof(*v));

	for (unsigned i = 0; i < n; i++)
		v[i] = (struct tree_ids){m[i].inside, m[i].outside, m[i].count};
	return v;
}

static int open_upper(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_new(-errno, "open what the container changed") : fd;
}

/* --- what fuse-overlayfs wrote ------------------------------------------------------------------ */

static int mark_if_opaque(int dir)
{
	char v[2];
	struct stat st;
	bool is = fgetxattr(dir, "user.fuseoverlayfs.opaque", v, sizeof(v)) == 1 && v[0] == 'y';

	if (!is && fstatat(dir, ".wh..wh..opq", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (fsetxattr(dir, "user.overlay.opaque", "y", 1, 0) < 0)
		return err_new(-errno, "mark a directory that the container replaced");
	return 0;
}

/*
 * Its directories that hide those of the image have a mark that the kernel does not know. They get
 * the kernel's as well, which says the same to both, so that the kernel can show the layers.
 */
static int view_mark_opaque(int dir, unsigned depth)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = mark_if_opaque(dir);

	if (r == 0)
		r = dir_names(dir, &names);
	if (r == 0 && depth > TAR_DEPTH_MAX)
		r = err_new(-CE_LIMIT, "directories nested deeper than %d", TAR_DEPTH_MAX);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_CLOSE int sub = open_nofollow(dir, names.v[i], O_RDONLY | O_DIRECTORY, 0);

		if (sub >= 0)
			r = view_mark_opaque(sub, depth + 1);
		else
			err_drop(); /* no directory, or gone */
	}
	return r;
}

/* --- the view ----------------------------------------------------------------------------------- */

static int open_overlay(struct store *st, const struct rt_root *root, struct container_view *v)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	int r = 0;

	v->upper = open_upper(root->upper);
	if (v->upper < 0)
		return v->upper;
	v->fuse = root->driver == RT_ROOT_FUSE_OVERLAY;
	if (v->fuse && !store_has_file_marks(st))
		r = view_mark_opaque(v->upper, 0);
	if (r < 0)
		return r;
	strv_add(&dirs, root->upper);
	for (unsigned i = 0; i < root->n_lower; i++) {
		strv_add(&dirs, root->lower[i]);
		strv_add(&v->lower, root->lower[i]);
	}
	/* One that was never started has nothing of its own yet, not even attributes of its root. */
	v->root = image_view_dirs(st, &dirs);
	return v->root < 0 ? v->root : 0;
}

static int open_root(struct store *st, const struct rt_root *root, struct container_view *v)
{
	if (root->driver != RT_ROOT_DIR)
		return open_overlay(st, root, v);
	v->root = open(root->lower[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return v->root < 0 ? err_new(-errno, "open %s", root->lower[0]) : 0;
}

/* Driver vfs: what the copy was made of. */
static int find_copied(const struct plan_input *in, struct container_plan *p,
		       struct container_view *v)
{
	int r;

	if (store_driver(in->store) != STORE_VFS || in->record->rootfs)
		return 0;
	v->copied = copied_root_time(in->dirs->data_fd);
	r = layer_stack(in->store, &in->record->layers, &v->lower);
	return r < 0 ? r : plan_own_layers(in, p, &v->lower);
}

int container_view_open(struct store *st, const struct container *c, struct container_view *ret)
{
	AUTO(base_grant_done) struct base_grant grant = {0};
	AUTO(plan_done) struct container_plan p = CONTAINER_PLAN_INIT;
	struct plan_input in = {.store = st, .record = c->rec, .dirs = &c->dirs, .grant = &grant};
	int r = base_grant_load(&grant);

	if (r < 0)
		return r;
	in.single_id = base_grant_is_single(&grant);
	in.bare = true;
	r = plan_root(&in, &p);
	if (r == 0)
		r = plan_ids(&in, &p);
	*ret = (struct container_view)CONTAINER_VIEW_INIT;
	if (r == 0)
		r = find_copied(&in, &p, ret);
	if (r == 0)
		r = base_enter(store_runtime_fd(st), &grant);
	if (r < 0) {
		container_view_done(ret);
		return r;
	}
	ret->single_id = in.single_id;
	ret->uids = container_ids(p.rt.uid_map, p.rt.n_uid_map);
	ret->gids = container_ids(p.rt.gid_map, p.rt.n_gid_map);
	ret->n_uids = p.rt.n_uid_map;
	ret->n_gids = p.rt.n_gid_map;
	r = open_root(st, &p.rt.root, ret);
	if (r < 0)
		container_view_done(ret);
	return r;
}
