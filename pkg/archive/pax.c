/* SPDX-License-Identifier: MIT */
#include "pkg/archive/pax.h"

#include <string.h>

#include "pkg/archive/tar_number.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

struct record {
	const char *key, *value;
	size_t key_len, len;
};

static int bad(const char *what)
{
	return err_new(-CE_BAD_FORMAT, "pax header: %s", what);
}

static void drop_xattrs(struct pax *x)
{
	for (unsigned i = 0; i < x->n_xattrs; i++) {
		free(x->xattrs[i].name);
		free(x->xattrs[i].value);
	}
	x->n_xattrs = 0;
}

void pax_reset(struct pax *x)
{
	x->has = 0;
	sbuf_reset(&x->path);
	sbuf_reset(&x->link);
	drop_xattrs(x);
}

void pax_done(struct pax *x)
{
	drop_xattrs(x);
	sbuf_done(&x->path);
	sbuf_done(&x->link);
}

/* --- extended attributes ----------------------------------------------------------------------- */

static int add_xattr(struct pax *x, const char *name, size_t name_len, const void *value,
		     size_t len)
{
	struct tar_xattr *a = NULL;

	if (name_len == 0 || name_len > 255)
		return bad("an attribute's name is empty or too long");
	if (len > TAR_XATTR_MAX)
		return err_new(-CE_LIMIT, "pax header: attribute above %u bytes", TAR_XATTR_MAX);
	for (unsigned i = 0; i < x->n_xattrs; i++)
		if (strlen(x->xattrs[i].name) == name_len &&
		    memcmp(x->xattrs[i].name, name, name_len) == 0)
			a = &x->xattrs[i];
	if (!a) {
		if (x->n_xattrs == TAR_XATTRS_MAX)
			return err_new(-CE_LIMIT, "pax header: more than %u attributes",
				       TAR_XATTRS_MAX);
		a = &x->xattrs[x->n_xattrs++];
		*a = (struct tar_xattr){.name = xstrndup(name, name_len)};
	}
	free(a->value);
	a->value = xmalloc(len + 1);
	memcpy(a->value, value, len);
	a->len = len;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int base64_digit(char c)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(set, c) : NULL;

	return at ? (int)(at - set) : -1;
}

/* LIBARCHIVE.xattr.<percent-encoded name>=<base64>, padding optional. */
static int libarchive_xattr(struct pax *x, const struct record *r, size_t prefix)
{
	AUTO_SBUF struct sbuf name = SBUF_INIT, value = SBUF_INIT;
	unsigned bits = 0, held = 0;

	for (size_t i = prefix; i < r->key_len; i++) {
		if (r->key[i] == '%' && i + 2 < r->key_len) {
			int hi = hex_digit(r->key[i + 1]), lo = hex_digit(r->key[i + 2]);

			if (hi < 0 || lo < 0 || (hi | lo) == 0)
				return bad("attribute name is badly encoded");
			sbuf_addc(&name, (char)(hi << 4 | lo));
			i += 2;
			continue;
		}
		sbuf_addc(&name, r->key[i]);
	}
	for (size_t i = 0; i < r->len && r->value[i] != '='; i++) {
		int d = base64_digit(r->value[i]);

		if (d < 0)
			return bad("attribute value is badly encoded");
		held = held << 6 | (unsigned)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			sbuf_addc(&value, (char)(held >> bits & 0xff));
		}
	}
	return add_xattr(x, name.s, name.len, value.s, value.len);
}

/* --- records ----------------------------------------------------------------------------------- */

static int set_text(struct pax *x, unsigned flag, struct sbuf *b, const struct record *r)
{
	if (memchr(r->value, '\0', r->len))
		return bad("NUL in a name");
	sbuf_reset(b);
	sbuf_add(b, r->value, r->len);
	x->has |= flag;
	return 0;
}

static int set_number(struct pax *x, unsigned flag, uint64_t max, uint64_t *n,
		      const struct record *r)
{
	if (tar_decimal(r->value, r->len, max, n) < 0)
		return err_new(-CE_BAD_FORMAT, "pax header: %.*s out of range", (int)r->key_len,
			       r->key);
	x->has |= flag;
	return 0;
}

static bool key_is(const struct record *r, const char *key)
{
	return strlen(key) == r->key_len && memcmp(r->key, key, r->key_len) == 0;
}

/* The length of @prefix if the key begins with it, else 0. */
static size_t key_under(const struct record *r, const char *prefix)
{
	size_t n = strlen(prefix);

	return r->key_len > n && memcmp(r->key, prefix, n) == 0 ? n : 0;
}

static int unset(struct pax *x, const struct record *r)
{
	static const struct {
		const char *key;
		unsigned flag;
	} keys[] = {{"path", PAX_PATH}, {"linkpath", PAX_LINK}, {"size", PAX_SIZE},
		    {"uid", PAX_UID},   {"gid", PAX_GID},       {"mtime", PAX_MTIME}};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (key_is(r, keys[i].key))
			x->has &= ~keys[i].flag;
	return 0;
}

static int apply(struct pax *x, const struct record *r)
{
	size_t n;

	n = key_under(r, "SCHILY.xattr.");
	if (n)
		return add_xattr(x, r->key + n, r->key_len - n, r->value, r->len);
	n = key_under(r, "LIBARCHIVE.xattr.");
	if (n)
		return libarchive_xattr(x, r, n);
	if (key_under(r, "GNU.sparse."))
		return err_new(-CE_UNSUPPORTED, "sparse files in an archive");
	if (r->len == 0)
		return unset(x, r); /* POSIX: an empty value takes the override back */
	if (key_is(r, "path"))
		return set_text(x, PAX_PATH, &x->path, r);
	if (key_is(r, "linkpath"))
		return set_text(x, PAX_LINK, &x->link, r);
	if (key_is(r, "size"))
		return set_number(x, PAX_SIZE, TAR_SIZE_MAX, &x->size, r);
	if (key_is(r, "uid"))
		return set_number(x, PAX_UID, TAR_ID_MAX, &x->uid, r);
	if (key_is(r, "gid"))
		return set_number(x, PAX_GID, TAR_ID_MAX, &x->gid, r);
	if (key_is(r, "mtime")) {
		if (tar_time(r->value, r->len, &x->mtime_s, &x->mtime_ns) < 0)
			return bad("mtime is not a time");
		x->has |= PAX_MTIME;
	}
	return 0;
}

/* "<length> <key>=<value>\n", the length counting itself. Returns the bytes used. */
static int next_record(const char *p, size_t n, struct record *ret, size_t *ret_used)
{
	const char *space = memchr(p, ' ', n < 8 ? n : 8);
	const char *equals;
	uint64_t len;

	if (!space || tar_decimal(p, (size_t)(space - p), n, &len) < 0)
		return bad("a record has a wrong length");
	if (len < (size_t)(space - p) + 3 || p[len - 1] != '\n')
		return bad("a record does not end where it says");
	ret->key = space + 1;
	equals = memchr(ret->key, '=', (size_t)(p + len - 1 - ret->key));
	if (!equals || equals == ret->key)
		return bad("a record without a key");
	ret->key_len = (size_t)(equals - ret->key);
	if (ret->key_len > TAR_KEY_MAX)
		return err_new(-CE_LIMIT, "pax header: key above %d bytes", TAR_KEY_MAX);
	if (memchr(ret->key, '\0', ret->key_len))
		return bad("NUL in a key");
	ret->value = equals + 1;
	ret->len = (size_t)(p + len - 1 - ret->value);
	*ret_used = len;
	return 0;
}

int pax_parse(struct pax *x, const char *p, size_t n)
{
	pax_reset(x);
	while (n) {
		struct record rec;
		size_t used = 0;
		int r = next_record(p, n, &rec, &used);

		if (r == 0)
			r = apply(x, &rec);
		if (r < 0)
			return r;
		p += used;
		n -= used;
	}
	return 0;
}
