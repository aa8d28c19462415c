/* SPDX-License-Identifier: MIT */
#include "pkg/image/weight.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/inode_map.h"
#include "pkg/image/secrets.h"
#include "pkg/image/view.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"
#include "pkg/sys/whiteout.h"

#define DEPTH_MAX 512

/* A file with several names: its bytes are dead when the last of them is. */
struct inode {
	uint64_t bytes;
	size_t names;
};

/* The image as it looks after the layers so far. */
struct node {
	char *name;
	bool is_dir;
	uint64_t bytes;
	struct inode *inode; /* of a file with several names, counted there */
	unsigned layer;
	const char *secret;
	struct node **sub; /* by name */
	size_t n_sub;
};

struct walk {
	struct weight *w;
	struct inode_map links; /* of the layer at work */
	struct sbuf path;
	unsigned layer, depth;
	bool secrets, file_marks;
};

void weight_done(struct weight *w)
{
	for (size_t i = 0; i < w->n_files; i++)
		free(w->files[i].path);
	free(w->files);
	free(w->layers);
	*w = (struct weight){0};
}

static void node_free(struct node *n)
{
	for (size_t i = 0; i < n->n_sub; i++)
		node_free(n->sub[i]);
	free(n->sub);
	free(n->name);
	if (n->inode && --n->inode->names == 0)
		free(n->inode);
	free(n);
}

/* Where @name is among the entries of @dir, or would be. */
static size_t place_of(const struct node *dir, const char *name, bool *ret_there)
{
	size_t low = 0, high = dir->n_sub;

	*ret_there = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(dir->sub[mid]->name, name);

		if (c == 0) {
			*ret_there = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct node *insert(struct node *dir, size_t at, const char *name)
{
	struct node *n = xcalloc(1, sizeof(*n));

	/* Doubled at each power of two; room that a removal left is not given back. */
	if ((dir->n_sub & (dir->n_sub - 1)) == 0)
		dir->sub = xreallocarray(dir->sub, dir->n_sub ? dir->n_sub * 2 : 1, sizeof(n));
	memmove(dir->sub + at + 1, dir->sub + at, (dir->n_sub - at) * sizeof(n));
	dir->sub[at] = n;
	dir->n_sub++;
	n->name = xstrdup(name);
	return n;
}

/* --- what is found ----------------------------------------------------------------------------- */

static void report(struct walk *k, const struct node *n, uint64_t bytes, unsigned hidden_by)
{
	struct weight *w = k->w;

	if ((w->n_files & (w->n_files - 1)) == 0)
		w->files = xreallocarray(w->files, w->n_files ? w->n_files * 2 : 1,
					 sizeof(*w->files));
	w->files[w->n_files++] = (struct weight_file){.path = xstrdup(k->path.s),
						      .bytes = bytes,
						      .layer = n->layer,
						      .hidden_by = hidden_by,
						      .secret = n->secret};
}

static size_t push(struct walk *k, const char *name)
{
	size_t len = k->path.len;

	sbuf_addc(&k->path, '/');
	sbuf_adds(&k->path, name);
	return len;
}

static void pop(struct walk *k, size_t len)
{
	k->path.len = len;
	k->path.s[len] = '\0';
}

static void hide_below(struct walk *k, struct node *n);

/* @n and all below it is hidden by the layer at work, and gone; k->path is its path. */
static void hide(struct walk *k, struct node *n)
{
	uint64_t dead = !n->inode ? n->bytes : n->inode->names == 1 ? n->inode->bytes : 0;

	if (dead || n->secret)
		report(k, n, n->secret ? n->bytes : dead, k->layer);
	if (n->layer)
		k->w->layers[n->layer - 1].dead += dead;
	hide_below(k, n);
	node_free(n);
}

static void hide_below(struct walk *k, struct node *n)
{
	for (size_t i = 0; i < n->n_sub; i++) {
		size_t len = push(k, n->sub[i]->name);

		hide(k, n->sub[i]);
		pop(k, len);
	}
	free(n->sub);
	n->sub = NULL;
	n->n_sub = 0;
}

/* --- one layer onto those below ---------------------------------------------------------------- */

static int walk_dir(struct walk *k, int dir, const char *dir_name, struct node *here);

static void drop(struct walk *k, struct node *here, size_t at)
{
	hide(k, here->sub[at]);
	memmove(here->sub + at, here->sub + at + 1, (here->n_sub - at - 1) * sizeof(*here->sub));
	here->n_sub--;
}

static int enter_dir(struct walk *k, int parent, const char *name, struct node *n)
{
	AUTO_CLOSE int fd = open_nofollow(parent, name, O_RDONLY | O_DIRECTORY, 0);
	int r;

	if (fd < 0)
		return fd;
	if (n->n_sub && whiteout_is_opaque(fd))
		hide_below(k, n);
	r = ++k->depth > DEPTH_MAX
		    ? err_new(-CE_LIMIT, "directories nested deeper than %d", DEPTH_MAX)
		    : walk_dir(k, fd, name, n);
	k->depth--;
	return r;
}

/* Return: what this name adds to its layer. */
static uint64_t count(struct walk *k, const struct stat *sb, struct node *n)
{
	void **seen;

	if (!S_ISREG(sb->st_mode))
		return 0;
	n->bytes = (uint64_t)sb->st_size;
	if (sb->st_nlink < 2)
		return n->bytes;
	seen = inode_map_at(&k->links, sb->st_dev, sb->st_ino);
	if (!*seen) {
		n->inode = xcalloc(1, sizeof(*n->inode));
		n->inode->bytes = n->bytes;
		*seen = n->inode;
	}
	n->inode = *seen;
	return n->inode->names++ == 0 ? n->bytes : 0;
}

static void set_file(struct walk *k, int dir, const char *dir_name, const struct stat *sb,
		     struct node *n)
{
	n->layer = k->layer;
	k->w->layers[k->layer - 1].bytes += count(k, sb, n);
	if (k->secrets)
		n->secret = secret_look(dir, dir_name, n->name, sb);
}

static int walk_name(struct walk *k, int dir, const char *dir_name, const char *name,
		     struct node *here)
{
	struct stat sb;
	struct node *n;
	bool there;
	size_t at = place_of(here, name, &there);
	if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "%s", name);
	if (S_ISDIR(sb.st_mode) && there && here->sub[at]->is_dir)
		return enter_dir(k, dir, name, here->sub[at]);
	if (there)
		drop(k, here, at);
	if (whiteout_is(&sb))
		return 0;
	n = insert(here, at, name);
	n->is_dir = S_ISDIR(sb.st_mode);
	if (n->is_dir)
		return enter_dir(k, dir, name, n);
	set_file(k, dir, dir_name, &sb, n);
	return 0;
}

/* By a mark that is a file. A layer has none beside a thing of its own. */
static void delete (struct walk *k, struct node *here, const char *name)
{
	bool there;
	size_t at = place_of(here, name, &there);

	if (there)
		drop(k, here, at);
}

static int walk_dir(struct walk *k, int dir, const char *dir_name, struct node *here)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = dir_names(dir, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *victim = k->file_marks ? whiteout_names(names.v[i]) : NULL;
		size_t len = push(k, victim ? victim : names.v[i]);

		if (victim)
			delete (k, here, victim);
		else
			r = walk_name(k, dir, dir_name, names.v[i], here);
		pop(k, len);
	}
	return r;
}

/* --- all of them ------------------------------------------------------------------------------- */

static void report_secrets(struct walk *k, const struct node *n)
{
	if (n->secret)
		report(k, n, n->bytes, 0);
	for (size_t i = 0; i < n->n_sub; i++) {
		size_t len = push(k, n->sub[i]->name);

		report_secrets(k, n->sub[i]);
		pop(k, len);
	}
}

static int compare(const void *pa, const void *pb)
{
	const struct weight_file *a = pa, *b = pb;

	if (!a->secret != !b->secret)
		return a->secret ? -1 : 1;
	if (!a->secret && a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return strcmp(a->path, b->path) ? strcmp(a->path, b->path) : (int)a->layer - (int)b->layer;
}

int weight_of(struct store *st, const struct strv *diffids, bool secrets, struct weight *ret)
{
	struct node *root = xcalloc(1, sizeof(*root));
	struct walk k = {.w = ret,
			 .path = SBUF_INIT,
			 .secrets = secrets,
			 .file_marks = store_has_file_marks(st)};
	int r = base_enter_own(store_runtime_fd(st));

	*ret = (struct weight){.layers = xcalloc(diffids->n + 1, sizeof(*ret->layers)),
			       .n_layers = diffids->n};
	root->is_dir = true;
	sbuf_grow(&k.path, 1);
	for (size_t i = 0; r == 0 && i < diffids->n; i++) {
		AUTO_CLOSE int layer = image_layer(st, diffids->v[i]);

		k.layer = (unsigned)i + 1;
		r = layer < 0 ? layer : walk_dir(&k, layer, "", root);
		inode_map_done(&k.links, NULL);
	}
	if (r == 0)
		report_secrets(&k, root);
	if (ret->n_files)
		qsort(ret->files, ret->n_files, sizeof(*ret->files), compare);
	sbuf_done(&k.path);
	node_free(root);
	return r;
}
