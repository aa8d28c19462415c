/* SPDX-License-Identifier: MIT */
/* "cuddy image tree": the layers of an image, and what was built on it. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/cli/format.h"
#include "pkg/image/image.h"
#include "pkg/image/set.h"
#include "pkg/image/weight.h"
#include "storage/layer.h"

struct tree_args {
	bool what_requires;
};

static const struct opt tree_opts[] = {
	OPT_BOOL(0, "whatrequires", struct tree_args, what_requires,
		 "The images that were built on this one"),
	OPT_END,
};

static char *tags_of(const struct strv *names)
{
	AUTO_STRV struct strv tags = STRV_INIT;
	AUTO_FREE char *joined = NULL;

	image_tags_of(names, &tags);
	joined = strv_join(&tags, " ");
	return xasprintf("[%s]", joined ? joined : "");
}

static void print_size(const char *label, uint64_t bytes)
{
	char text[SIZE_TEXT_MAX];

	size_format(bytes, text);
	(void)printf("%s%s", label, text);
}

static void print_top_of(const struct strv *names)
{
	AUTO_FREE char *tags = tags_of(names);

	(void)fputs(" Top Layer of: ", stdout);
	put_untrusted(stdout, tags);
}

/* The names of every image whose layers are the first @n of @diffids; of one without a name there is nothing to say. */
static void print_tops(const struct image_set *set, const struct strv *diffids, size_t n)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].s.names.n && set->v[i].s.diffids.n == n &&
		    strv_begins_with(&set->v[i].s.diffids, diffids, n))
			print_top_of(&set->v[i].s.names);
}

static void print_layers(const struct image_record *rec, const struct image_set *set,
			 const struct weight *w)
{
	for (size_t i = 0; i < w->n_layers; i++) {
		bool last = i + 1 == w->n_layers;

		(void)printf("%s ID: %.12s", last ? "└──" : "├──", rec->diffids.v[i]);
		print_size(" Size: ", w->layers[i].bytes);
		if (w->layers[i].dead)
			print_size(" Wasted: ", w->layers[i].dead);
		print_tops(set, &rec->diffids, i + 1);
		(void)putchar('\n');
	}
}

/* ---- what was built on it ---- */

/* The images whose next layer after @n is one that no image before them in the set has there. */
static const struct image_entry *next_branch(const struct image_set *set, const struct strv *prefix,
					     size_t n, size_t *at)
{
	for (; *at < set->n; (*at)++) {
		const struct strv *d = &set->v[*at].s.diffids;
		bool seen = false;

		if (d->n <= n || !strv_begins_with(d, prefix, n))
			continue;
		for (size_t k = 0; k < *at && !seen; k++)
			seen = strv_begins_with(&set->v[k].s.diffids, d, n + 1);
		if (!seen)
			return &set->v[(*at)++];
	}
	return NULL;
}

/* One layer of an image, the last of the first @n of @diffids. */
static void print_layer(struct store *st, const struct image_set *set, const struct strv *diffids,
			size_t n)
{
	struct layer_record rec = {0};

	if (layer_record_load(st, diffids->v[n - 1], &rec) < 0)
		err_drop();
	(void)printf(" ID: %.12s", diffids->v[n - 1]);
	print_size(" Size: ", rec.tree_bytes);
	layer_record_done(&rec);
	print_tops(set, diffids, n);
	(void)putchar('\n');
}

static void print_branches(struct store *st, const struct image_set *set, const struct strv *prefix,
			   size_t n, const char *indent)
{
	size_t at = 0;
	const struct image_entry *e = next_branch(set, prefix, n, &at), *next;

	for (; e; e = next) {
		AUTO_FREE char *deeper = NULL;

		next = next_branch(set, prefix, n, &at);
		deeper = xasprintf("%s%s", indent, next ? "│   " : "    ");
		(void)printf("%s%s", indent, next ? "├──" : "└──");
		print_layer(st, set, &e->s.diffids, n + 1);
		print_branches(st, set, &e->s.diffids, n + 1, deeper);
	}
}

/* As podman: what was built on an image grows from its own top layer. */
static void print_growth(struct store *st, const struct image_set *set, const struct strv *diffids)
{
	if (diffids->n) {
		(void)fputs("└──", stdout);
		print_layer(st, set, diffids, diffids->n);
	}
	print_branches(st, set, diffids, diffids->n, diffids->n ? "    " : "");
}

static int tree_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct tree_args *a = args;
	AUTO(image_set_done) struct image_set set = {0};
	AUTO(weight_done) struct weight w = {0};
	AUTO_FREE char *tags = NULL;
	struct image_record *rec = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0)
		r = image_find(st, argv[0], &rec, NULL);
	if (r == 0)
		r = image_set_load(st, 0, &set);
	if (r == 0 && !a->what_requires)
		r = weight_of(st, &rec->diffids, false, &w);
	if (r == 0) {
		tags = tags_of(&rec->names);
		(void)printf("Image ID: %.12s\nTags:     ", rec->id);
		put_untrusted(stdout, tags);
		print_size("\nSize:     ", rec->size_bytes);
		(void)puts("\nImage Layers");
		if (a->what_requires)
			print_growth(st, &set, &rec->diffids);
		else
			print_layers(rec, &set, &w);
	}
	image_record_free(rec);
	return r < 0 ? err_wrap(r, "image tree") : 0;
}

const struct command cmd_image_tree = {
	.name = "tree",
	.group = "image",
	.synopsis = "[OPTIONS] IMAGE",
	.summary = "Show the layers of an image and what they waste",
	.opts = tree_opts,
	.args_size = sizeof(struct tree_args),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_IMAGE,
	.run = tree_run,
};
