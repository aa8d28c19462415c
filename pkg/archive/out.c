/* SPDX-License-Identifier: MIT */
#include "pkg/archive/out.h"

#include <stdlib.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/sha256.h"

int out_write(struct out *o, const void *p, size_t n)
{
	return o->ops->write(o, p, n);
}

int out_finish(struct out *o)
{
	return o->ops->finish(o);
}

void out_close(struct out *o)
{
	if (o)
		o->ops->close(o);
}

void out_closep(struct out **o)
{
	out_close(*o);
	*o = NULL;
}

static int no_finish(struct out *o)
{
	(void)o;
	return 0;
}

static void free_out(struct out *o)
{
	free(o);
}

/* --- descriptors ------------------------------------------------------------------------------- */

struct fd_out {
	struct out base;
	int fd;
};

static int fd_write(struct out *o, const void *p, size_t n)
{
	int r = write_full(((struct fd_out *)o)->fd, p, n);

	return r < 0 ? err_new(r, "write the archive") : 0;
}

struct out *out_to_fd(int fd)
{
	static const struct out_ops ops = {fd_write, no_finish, free_out};
	struct fd_out *f = xcalloc(1, sizeof(*f));

	f->base.ops = &ops;
	f->fd = fd;
	return &f->base;
}

/* --- memory ------------------------------------------------------------------------------------ */

struct memory_out {
	struct out base;
	struct sbuf *b;
};

static int memory_write(struct out *o, const void *p, size_t n)
{
	sbuf_add(((struct memory_out *)o)->b, p, n);
	return 0;
}

struct out *out_to_memory(struct sbuf *b)
{
	static const struct out_ops ops = {memory_write, no_finish, free_out};
	struct memory_out *m = xcalloc(1, sizeof(*m));

	m->base.ops = &ops;
	m->b = b;
	return &m->base;
}

/* --- nothing ----------------------------------------------------------------------------------- */

static int drop_write(struct out *o, const void *p, size_t n)
{
	(void)o;
	(void)p;
	(void)n;
	return 0;
}

struct out *out_to_nothing(void)
{
	static const struct out_ops ops = {drop_write, no_finish, free_out};
	struct out *o = xcalloc(1, sizeof(*o));

	o->ops = &ops;
	return o;
}

/* --- digests ----------------------------------------------------------------------------------- */

struct digest_out {
	struct out base;
	struct out *below;
	struct out_digest *ret;
	struct sha256 sum;
};

static int digest_write(struct out *o, const void *p, size_t n)
{
	struct digest_out *d = (struct digest_out *)o;

	sha256_add(&d->sum, p, n);
	d->ret->bytes += n;
	return out_write(d->below, p, n);
}

static int digest_finish(struct out *o)
{
	struct digest_out *d = (struct digest_out *)o;

	sha256_end_hex(&d->sum, d->ret->hex);
	return out_finish(d->below);
}

static void digest_close(struct out *o)
{
	out_close(((struct digest_out *)o)->below);
	free(o);
}

struct out *out_digest(struct out *below, struct out_digest *ret)
{
	static const struct out_ops ops = {digest_write, digest_finish, digest_close};
	struct digest_out *d = xcalloc(1, sizeof(*d));

	d->base.ops = &ops;
	d->below = below;
	d->ret = ret;
	*ret = (struct out_digest){0};
	sha256_init(&d->sum);
	return &d->base;
}
