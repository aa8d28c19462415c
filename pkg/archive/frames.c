/* SPDX-License-Identifier: MIT */
#include "pkg/archive/frames.h"

#include <zstd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

#define LEVEL 3

struct frames {
	ZSTD_CCtx *z;
};

struct frames *frames_new(int level)
{
	struct frames *f = xcalloc(1, sizeof(*f));

	f->z = ZSTD_createCCtx();
	if (f->z)
		(void)ZSTD_CCtx_setParameter(f->z, ZSTD_c_compressionLevel, level ? level : LEVEL);
	return f;
}

void frames_free(struct frames *f)
{
	if (!f)
		return;
	(void)ZSTD_freeCCtx(f->z);
	free(f);
}

int frames_add(struct frames *f, const void *p, size_t n, struct sbuf *out)
{
	size_t max = ZSTD_compressBound(n), r;

	if (!f->z)
		return err_new(-ENOMEM, "zstd");
	sbuf_grow(out, max);
	r = ZSTD_compress2(f->z, out->s + out->len, max, p, n);
	if (ZSTD_isError(r))
		return err_new(-EIO, "zstd: %s", ZSTD_getErrorName(r));
	out->len += r;
	out->s[out->len] = '\0';
	return 0;
}
