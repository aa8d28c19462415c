/* SPDX-License-Identifier: MIT */
#include "pkg/container/diff.h"

#include "pkg/base/err.h"
#include "pkg/container/view.h"
#include "pkg/image/image.h"
#include "pkg/image/view.h"
#include "pkg/runtime/base.h"

/* An object's files, what they were made of, and the directory that makes the difference. */
struct side {
	int root, below, guide;
	bool marks; /* names with .wh. are marks: of the guide, or of what the others show */
	int64_t copied;
};

#define SIDE_INIT                                                \
	{                                                        \
		.root = -EBADF, .below = -EBADF, .guide = -EBADF \
	}

static void side_done(struct side *s)
{
	closep(&s->root);
	closep(&s->below);
	closep(&s->guide);
}

static int open_container(struct store *st, const char *name, struct side *s)
{
	AUTO(container_view_done) struct container_view v = CONTAINER_VIEW_INIT;
	struct container c;
	int r = container_open(st, name, &c);

	if (r < 0)
		return r;
	if (c.rec->rootfs && !c.rec->rootfs_overlay)
		r = err_new(-CE_UNSUPPORTED,
			    "it runs in the directory %s: there is nothing to compare that with",
			    c.rec->rootfs);
	else
		r = container_view_open(st, &c, &v);
	if (r == 0 && v.lower.n)
		s->below = image_view_dirs(st, &v.lower);
	if (r == 0 && s->below < 0 && s->below != -EBADF)
		r = s->below;
	s->root = TAKE_FD(v.root);
	s->guide = TAKE_FD(v.upper);
	s->marks = v.fuse;
	s->copied = v.copied;
	container_done(&c);
	return r;
}

static int open_image(struct store *st, const char *name, struct side *s)
{
	struct image_record *rec = NULL;
	int r = image_find(st, name, &rec, NULL);

	if (r == 0)
		r = base_enter_own(store_runtime_fd(st));
	if (r == 0) {
		size_t n = rec->diffids.n;

		s->root = image_view(st, &rec->diffids, n);
		if (n > 1)
			s->below = image_view(st, &rec->diffids, n - 1);
		/* Not for one layer: the root of its tree may be opaque, and there is nothing below. */
		if (n > 1 && s->root >= 0)
			s->guide = image_layer(st, rec->diffids.v[n - 1]);
		s->marks = store_has_file_marks(st);
		r = n && s->root < 0 ? s->root : n > 1 && s->below < 0 ? s->below : 0;
	}
	image_record_free(rec);
	return r;
}

static int open_side(struct store *st, enum diff_of of, const char *name, struct side *s)
{
	int r = -CE_NO_CONTAINER;

	*s = (struct side)SIDE_INIT;
	if (of != DIFF_IMAGE)
		r = open_container(st, name, s);
	if (of == DIFF_IMAGE || (of == DIFF_ANY && r == -CE_NO_CONTAINER)) {
		err_drop();
		r = open_image(st, name, s);
	}
	if (of == DIFF_ANY && r == -CE_NO_IMAGE)
		return err_new(-CE_NO_OBJECT, "%s: neither a container nor an image", name);
	return r;
}

int diff_objects(struct store *st, enum diff_of of, const char *name, const char *against,
		 struct tree_changes *ret)
{
	AUTO(side_done) struct side s = SIDE_INIT, other = SIDE_INIT;
	int r = open_side(st, of, name, &s);

	if (r == 0 && against)
		r = open_side(st, DIFF_ANY, against, &other);
	if (r < 0)
		return r;
	return against ? tree_diff(other.root, s.root, -EBADF, s.marks || other.marks, 0, ret)
		       : tree_diff(s.below, s.root, s.guide, s.marks, s.copied, ret);
}
