/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/dirtree.h"

#include <fcntl.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/sys/open.h"

#define NAMES_MAX (128U << 20)
#define DEPTH_MAX 256

static struct dir_node *new_node(struct dirtree *t)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->v = xreallocarray(t->v, t->cap, sizeof(*t->v));
	}
	return &t->v[t->n++];
}

void dirtree_init(struct dirtree *t, int root_fd)
{
	struct dir_node *root;

	*t = (struct dirtree){.names = SBUF_INIT, .n_heads = 1024};
	t->heads = xmalloc(sizeof(*t->heads) * t->n_heads);
	memset(t->heads, 0xff, sizeof(*t->heads) * t->n_heads);
	memset(t->open, 0xff, sizeof(t->open));
	root = new_node(t);
	*root = (struct dir_node){.parent = DIR_ROOT,
				  .first_child = DIR_NONE,
				  .next_sibling = DIR_NONE,
				  .next_hash = DIR_NONE,
				  .fd = root_fd};
	sbuf_addc(&t->names, '\0');
}

void dirtree_done(struct dirtree *t)
{
	for (unsigned i = 0; i < DIR_FDS; i++)
		if (t->open[i] != DIR_NONE)
			closep(&t->v[t->open[i]].fd);
	free(t->v);
	free(t->heads);
	sbuf_done(&t->names);
}

const char *dirtree_name(const struct dirtree *t, uint32_t node)
{
	return t->names.s + t->v[node].name;
}

/* FNV-1a: names are hostile, but a chain is bounded by the number of entries already paid for. */
static uint32_t hash_of(uint32_t parent, const char *name)
{
	uint32_t h = 2166136261U ^ (parent * 2654435761U);

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619U;
	return h ^ h >> 15;
}

static uint32_t *head_of(const struct dirtree *t, uint32_t parent, const char *name)
{
	return &t->heads[hash_of(parent, name) & (t->n_heads - 1)];
}

uint32_t dirtree_child(const struct dirtree *t, uint32_t parent, const char *name)
{
	uint32_t i = *head_of(t, parent, name);

	while (i != DIR_NONE && (t->v[i].parent != parent || strcmp(dirtree_name(t, i), name) != 0))
		i = t->v[i].next_hash;
	return i;
}

static void rehash(struct dirtree *t)
{
	t->n_heads *= 4;
	t->heads = xreallocarray(t->heads, t->n_heads, sizeof(*t->heads));
	memset(t->heads, 0xff, sizeof(*t->heads) * t->n_heads);
	for (uint32_t i = 1; i < t->n; i++) {
		uint32_t *head;

		if (t->v[i].dead)
			continue;
		head = head_of(t, t->v[i].parent, dirtree_name(t, i));
		t->v[i].next_hash = *head;
		*head = i;
	}
}

int dirtree_add(struct dirtree *t, uint32_t parent, const char *name, uint32_t *ret)
{
	struct dir_node *d;
	uint32_t *head;

	if (t->v[parent].depth >= DEPTH_MAX)
		return err_new(-CE_LIMIT, "directories more than %d deep", DEPTH_MAX);
	if (t->names.len > NAMES_MAX)
		return err_new(-CE_LIMIT, "too many directory names");
	if (t->n > t->n_heads)
		rehash(t);
	d = new_node(t);
	*d = (struct dir_node){.parent = parent,
			       .first_child = DIR_NONE,
			       .next_sibling = t->v[parent].first_child,
			       .name = (uint32_t)t->names.len,
			       .fd = -EBADF,
			       .depth = (uint16_t)(t->v[parent].depth + 1)};
	sbuf_add(&t->names, name, strlen(name) + 1);
	*ret = t->n - 1;
	t->v[parent].first_child = *ret;
	head = head_of(t, parent, name);
	d->next_hash = *head;
	*head = *ret;
	return 0;
}

static void unlink_hash(struct dirtree *t, uint32_t node)
{
	uint32_t *at = head_of(t, t->v[node].parent, dirtree_name(t, node));

	while (*at != node)
		at = &t->v[*at].next_hash;
	*at = t->v[node].next_hash;
}

static void bury(struct dirtree *t, uint32_t node)
{
	struct dir_node *d = &t->v[node];

	unlink_hash(t, node);
	d->dead = true;
	for (unsigned i = 0; d->fd >= 0 && i < DIR_FDS; i++)
		if (t->open[i] == node) {
			t->open[i] = DIR_NONE;
			closep(&d->fd);
		}
}

void dirtree_remove(struct dirtree *t, uint32_t node)
{
	uint32_t *link = &t->v[t->v[node].parent].first_child, i = node;

	while (*link != node)
		link = &t->v[*link].next_sibling;
	*link = t->v[node].next_sibling;
	/* Down to a leaf, bury it, on with its sibling or up: no recursion. */
	for (;;) {
		uint32_t child = t->v[i].first_child;

		if (child != DIR_NONE) {
			t->v[i].first_child = t->v[child].next_sibling;
			i = child;
			continue;
		}
		bury(t, i);
		if (i == node)
			return;
		i = t->v[i].parent;
	}
}

static void keep_fd(struct dirtree *t, uint32_t node, int fd)
{
	uint32_t *slot = &t->open[t->next_open];

	t->next_open = (t->next_open + 1) % DIR_FDS;
	if (*slot != DIR_NONE)
		closep(&t->v[*slot].fd);
	*slot = node;
	t->v[node].fd = fd;
}

int dirtree_fd(struct dirtree *t, uint32_t node)
{
	AUTO_CLOSE int at = -EBADF;
	uint32_t chain[DEPTH_MAX + 1];
	unsigned n = 0;
	int fd;

	for (uint32_t i = node; t->v[i].fd < 0; i = t->v[i].parent)
		chain[n++] = i;
	if (n == 0)
		return t->v[node].fd;
	fd = t->v[t->v[chain[n - 1]].parent].fd;
	/* Only the last one is kept: ancestors of it would push out what is in use. */
	while (n--) {
		int below = open_nofollow(fd, dirtree_name(t, chain[n]), O_RDONLY | O_DIRECTORY, 0);

		if (below < 0)
			return below;
		closep(&at);
		at = fd = below;
	}
	keep_fd(t, node, at);
	return TAKE_FD(at);
}

void dirtree_path(const struct dirtree *t, uint32_t node, struct sbuf *out)
{
	uint32_t chain[DEPTH_MAX + 1];
	unsigned n = 0;

	if (node == DIR_ROOT)
		sbuf_addc(out, '.');
	for (uint32_t i = node; i != DIR_ROOT; i = t->v[i].parent)
		chain[n++] = i;
	while (n--) {
		sbuf_adds(out, dirtree_name(t, chain[n]));
		if (n)
			sbuf_addc(out, '/');
	}
}
