/* SPDX-License-Identifier: MIT */
/*
 * Several layers as one: what they show together, by copying, and what they hide of the layers below
 * stays hidden. Remembered as a step is, by the layers it is made of.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/builder.h"
#include "storage/flatten.h"

/* Topmost first, as overlay wants them. */
static int dirs_of(struct builder *b, const struct strv *layers, size_t below, struct strv *ret)
{
	for (size_t i = layers->n; below && i > below; i--) {
		AUTO_FREE char *dir = store_path(b->st, STORE_LAYERS, layers->v[i - 1]);

		strv_take(ret, path_join(dir, "tree"));
	}
	if (below)
		return 0;
	return layer_stack_bare(b->st, layers, ret);
}

static int squash(struct builder *b, const struct strv *layers, size_t below, const char *key,
		  struct op *ret)
{
	AUTO(workspace_donep) struct workspace w = WORKSPACE_INIT;
	AUTO_STRV struct strv base = STRV_INIT, dirs = STRV_INIT;
	uint64_t bytes = 0;
	int r = step_enter(b);

	for (size_t i = 0; i < below; i++)
		strv_add(&base, layers->v[i]);
	if (r == 0)
		r = layer_stack_make(b->st, layers);
	if (r == 0)
		r = dirs_of(b, layers, below, &dirs);
	if (r == 0)
		r = workspace_begin(b->st, &base, NULL, &w);
	if (r < 0)
		return r;
	w.files_are_ours = true;
	r = below ? layer_merge(&dirs, w.stage.tree_fd, store_has_file_marks(b->st), &bytes)
		  : layer_flatten(&dirs, w.stage.tree_fd, &bytes);
	return r < 0 ? r : step_seal(b, ret, &w, key);
}

int squash_layers(struct builder *b)
{
	struct strv *layers = &b->layers[b->target];
	struct op result = {.kind = OP_META};
	const struct stage_plan *p = &b->stages[b->target];
	struct sha256 h;
	size_t below = 0;
	char key[65];
	int r;

	while (p->parent >= 0)
		p = &b->stages[p->parent];
	if (b->o->squash == SQUASH_NEW)
		below = p->base_layers.n;
	if (layers->n < below + 2)
		return 0;
	key_begin(&h, b->o->squash == SQUASH_NEW ? "squash" : "squash all");
	step_key_layers(b, &h, layers);
	sha256_end_hex(&h, key);
	r = step_cached(b, &result, key);
	if (r == 0)
		r = squash(b, layers, below, key, &result);
	step_unlock(b);
	if (r < 0)
		return err_wrap(r, "squash");
	while (layers->n > below)
		strv_remove(layers, layers->n - 1);
	if (result.layer[0])
		strv_add(layers, result.layer);
	return 0;
}
