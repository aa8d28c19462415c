/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/chunked.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/oci/digest.h"

#define PREFIX "io.github.containers.zstd-chunked."
#define CHECKSUM PREFIX "manifest-checksum"
#define POSITION PREFIX "manifest-position"
#define SPLIT_POSITION PREFIX "tarsplit-position"
#define KIND 1 /* of a table as CRFS has it */
#define PATH_LENGTH_MAX 4095
#define DIGITS 64

void chunked_annotate(const struct chunked *c, struct strv *ret)
{
	strv_addf(ret, CHECKSUM "=%s", c->digest);
	strv_addf(ret, POSITION "=%llu:%llu:%llu:%d", (unsigned long long)c->table.offset,
		  (unsigned long long)c->table.bytes, (unsigned long long)c->table.plain, KIND);
	strv_addf(ret, SPLIT_POSITION "=%llu:%llu:%llu", (unsigned long long)c->split.offset,
		  (unsigned long long)c->split.bytes, (unsigned long long)c->split.plain);
}

/* "offset:bytes:plain", and a fourth number when @kind is wanted. */
static bool read_part(const char *text, bool kind, uint64_t size, struct chunked_part *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;
	uint64_t n[4] = {0};

	if (!text)
		return false;
	strv_split(&words, text, ':');
	if (words.n != (kind ? 4U : 3U))
		return false;
	for (size_t i = 0; i < words.n; i++) {
		if (parse_u64(words.v[i], UINT64_MAX, &n[i]) < 0) {
			err_drop();
			return false;
		}
	}
	if (n[1] == 0 || n[0] > size || n[1] > size - n[0] || n[1] > CHUNKED_TABLE_MAX ||
	    n[2] > CHUNKED_TABLE_MAX || (kind && n[3] != KIND))
		return false;
	*ret = (struct chunked_part){.offset = n[0], .bytes = n[1], .plain = n[2]};
	return true;
}

bool chunked_of(const struct strv *annotations, uint64_t size, struct chunked *ret)
{
	const char *digest = strv_env_get(annotations, CHECKSUM);
	struct chunked c = {0};

	if (!digest || !digest_is_valid(digest) || strncmp(digest, "sha256:", 7) != 0 ||
	    !read_part(strv_env_get(annotations, POSITION), true, size, &c.table) ||
	    !read_part(strv_env_get(annotations, SPLIT_POSITION), false, size, &c.split))
		return false;
	(void)snprintf(c.digest, sizeof(c.digest), "%s", digest);
	*ret = c;
	return true;
}

void chunked_where_put(struct sbuf *b, const struct chunked_where *w)
{
	uint64_t offset = htole64(w->offset), size = htole64(w->size);

	sbuf_add(b, w->digest, DIGITS);
	sbuf_add(b, &offset, sizeof(offset));
	sbuf_add(b, &size, sizeof(size));
	sbuf_add(b, w->path, strlen(w->path) + 1);
}

bool chunked_where_next(const char *text, size_t n, size_t *at, struct chunked_where *ret)
{
	enum { HEAD = DIGITS + 8 + 8 };
	const char *p = text + *at, *nul;
	size_t left = n - *at, max;

	if (left <= HEAD)
		return false;
	max = left - HEAD < PATH_LENGTH_MAX + 1 ? left - HEAD : PATH_LENGTH_MAX + 1;
	nul = memchr(p + HEAD, '\0', max);
	if (!nul || nul == p + HEAD)
		return false;
	memcpy(ret->digest, p, DIGITS);
	ret->digest[DIGITS] = '\0';
	memcpy(&ret->offset, p + DIGITS, 8);
	memcpy(&ret->size, p + DIGITS + 8, 8);
	ret->offset = le64toh(ret->offset);
	ret->size = le64toh(ret->size);
	ret->path = p + HEAD;
	*at += (size_t)(nul + 1 - p);
	return true;
}
