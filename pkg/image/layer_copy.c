/* SPDX-License-Identifier: MIT */
#include "pkg/image/layer_copy.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/tree_diff.h"
#include "pkg/image/view.h"
#include "pkg/sys/whiteout.h"

static int find_changes(struct store *st, const struct layer_copy *c, struct tree_changes *ret)
{
	AUTO_CLOSE int before = image_view_dirs(st, c->before);

	return before < 0 ? before : tree_diff(before, c->from, -EBADF, true, c->copied, ret);
}

static int delete (struct tree_sink *to, const char *path)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *mark = xasprintf("%.*s" WHITEOUT "%s", (int)(slash - path), path + 1,
					 slash + 1);
	const struct tar_entry e = {.path = mark, .type = TAR_FILE};

	return to->entry(to, &e);
}

static int delete_all(struct tree_sink *to, const struct tree_changes *v)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->n; i++)
		if (v->v[i].kind == TREE_DELETED)
			r = delete (to, v->v[i].path);
	return r;
}

int layer_copy(struct store *st, const struct layer_copy *c, int to, uint64_t *ret_bytes)
{
	AUTO(tree_changes_done) struct tree_changes changes = {0};
	AUTO_STRV struct strv only = STRV_INIT;
	struct tree_tar_options read = *c->read;
	const struct tree_put_options write = {
		.overlay = true, .file_marks = store_has_file_marks(st), .single_id = c->single_id};
	AUTO(tree_put_freep) struct tree_put *put = tree_put_new(to, &write);
	AUTO(tree_tar_freep) struct tree_tar *walk = NULL;
	int r = c->before ? find_changes(st, c, &changes) : 0;

	for (size_t i = 0; i < changes.n; i++)
		if (changes.v[i].kind != TREE_DELETED)
			strv_add(&only, changes.v[i].path + 1);
	strv_sort(&only);
	read.only = c->before ? &only : NULL;
	walk = tree_tar_new(tree_put_sink(put), &read);
	if (r == 0)
		r = tree_tar_add(walk, c->from, ".", "");
	if (r == 0)
		r = delete_all(tree_put_sink(put), &changes);
	if (r == 0)
		r = tree_put_end(put);
	*ret_bytes = tree_tar_result(walk)->bytes;
	return r;
}
