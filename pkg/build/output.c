/* SPDX-License-Identifier: MIT */
/* The files of the result for outside of the store: a directory of the caller's, or a tar. */
#include "pkg/archive/tree_put.h"
#include "pkg/base/err.h"
#include "pkg/build/builder.h"

static int view(struct builder *b)
{
	const struct strv *layers = &b->layers[b->target];
	int r;

	if (!layers->n)
		return err_usage("the image is empty: there are no files to put out");
	r = step_enter(b);
	return r < 0 ? r : layers_view(b->st, layers);
}

/* All is the caller's own there, whoever it belonged to; without set-id bits. */
static int to_directory(int root, int dir)
{
	const struct tree_tar_options from = {.hide_markers = false};
	const struct tree_put_options o = {.overwrite = true, .plain = true, .has_owner = true};
	AUTO(tree_put_freep) struct tree_put *put = tree_put_new(dir, &o);
	AUTO(tree_tar_freep) struct tree_tar *walk = tree_tar_new(tree_put_sink(put), &from);
	int r = tree_tar_add(walk, root, ".", "");

	return r < 0 ? r : tree_put_end(put);
}

static int to_tar(struct builder *b, int root, int fd)
{
	const struct tree_tar_options o = {.single_id = base_grant_is_single(&b->grant)};
	AUTO(out_closep) struct out *out = out_to_fd(fd);
	struct tree_tar_result result = {0};

	return tree_tar(root, out, NULL, &o, &result);
}

int output_files(struct builder *b)
{
	AUTO_CLOSE int root = -EBADF;
	int r = 0;

	if (b->o->tree_dir < 0 && b->o->tree_tar < 0)
		return 0;
	root = view(b);
	if (root < 0)
		r = root;
	if (r == 0 && b->o->tree_dir >= 0)
		r = to_directory(root, b->o->tree_dir);
	if (r == 0 && b->o->tree_tar >= 0)
		r = to_tar(b, root, b->o->tree_tar);
	return r < 0 ? err_wrap(r, "--output") : 0;
}
