/* SPDX-License-Identifier: MIT */
#include "pkg/build/url_note.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"

#define NOTE_MAX 512

static void name_of(const char *url, bool verified, char ret[65])
{
	struct sha256 h;

	key_begin(&h, verified ? "url" : "url, certificate not looked at");
	key_add(&h, url);
	sha256_end_hex(&h, ret);
}

/* "<digest> <Last-Modified in ns> <entity tag or ->\n"; a power loss may have left anything. */
static bool parse(const struct sbuf *b, struct url_note *ret)
{
	struct url_note n = {.modified_ns = 0};
	long long ns;

	if (!b->len || b->s[b->len - 1] != '\n' ||
	    sscanf(b->s, "%64s %lld %255s\n", n.digest, &ns, n.etag) != 3 ||
	    !hex_is_exactly(n.digest, 64))
		return false;
	if (strcmp(n.etag, "-") == 0)
		n.etag[0] = '\0';
	n.modified_ns = ns;
	*ret = n;
	return n.etag[0] || n.modified_ns;
}

int url_note_find(struct store *st, const char *url, bool verified, struct url_note *ret)
{
	AUTO_CLOSE int dir = cache_dir_make(st, CACHE_URLS);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char name[65];
	int r;

	name_of(url, verified, name);
	r = dir < 0 ? dir : file_read_at(dir, name, NOTE_MAX, &b);
	if (r == -ENOENT) {
		err_drop();
		return 0;
	}
	if (r < 0)
		return err_wrap(r, "build cache");
	if (!parse(&b, ret))
		return 0;
	(void)utimensat(dir, name, NULL, 0); /* used: for cache_prune() */
	return 1;
}

int url_note_put(struct store *st, const char *url, bool verified, const struct url_note *n)
{
	AUTO_CLOSE int dir = cache_dir_make(st, CACHE_URLS);
	char name[65], text[NOTE_MAX];
	int len = snprintf(text, sizeof(text), "%s %lld %s\n", n->digest, (long long)n->modified_ns,
			   n->etag[0] ? n->etag : "-");

	name_of(url, verified, name);
	return dir < 0 ? dir : file_replace(dir, name, text, (size_t)len, 0600, FILE_NO_SYNC);
}
