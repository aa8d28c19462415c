/* SPDX-License-Identifier: MIT */
#include "pkg/base/inode_map.h"

#include <stdint.h>
#include <stdlib.h>

#include "pkg/base/alloc.h"

#define CAP_MIN 256U

struct inode_slot {
	dev_t dev;
	ino_t ino;
	void *value; /* NULL: free */
};

static struct inode_slot *find(const struct inode_map *m, dev_t dev, ino_t ino)
{
	size_t i = ((size_t)ino * 0x9e3779b97f4a7c15ULL ^ (size_t)dev) & (m->cap - 1);

	while (m->v[i].value && (m->v[i].dev != dev || m->v[i].ino != ino))
		i = (i + 1) & (m->cap - 1);
	return &m->v[i];
}

static void grow(struct inode_map *m)
{
	struct inode_map old = *m;

	m->cap = old.cap ? old.cap * 2 : CAP_MIN;
	m->v = xcalloc(m->cap, sizeof(*m->v));
	m->n = 0;
	for (size_t i = 0; i < old.cap; i++)
		if (old.v[i].value) {
			*find(m, old.v[i].dev, old.v[i].ino) = old.v[i];
			m->n++;
		}
	free(old.v);
}

void **inode_map_at(struct inode_map *m, dev_t dev, ino_t ino)
{
	struct inode_slot *s;

	if (m->n * 2 >= m->cap)
		grow(m);
	s = find(m, dev, ino);
	if (!s->value) {
		s->dev = dev;
		s->ino = ino;
		m->n++; /* a caller who stores nothing costs a slot of growth, no more */
	}
	return &s->value;
}

void inode_map_done(struct inode_map *m, void (*drop)(void *value))
{
	for (size_t i = 0; drop && i < m->cap; i++)
		drop(m->v[i].value);
	free(m->v);
	*m = (struct inode_map){0};
}
