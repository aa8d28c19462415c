/* SPDX-License-Identifier: MIT */
#include "pkg/archive/tar.h"

#include <string.h>

#include "pkg/archive/pax.h"
#include "pkg/archive/tar_number.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

#define BLOCK 512

/* The header block, POSIX.1-1988 with the extensions of GNU and star. */
struct header {
	unsigned char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	unsigned char link[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8];
	unsigned char prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar block");

struct tar {
	struct feed *feed;
	void (*tell)(void *data, const void *p, size_t n);
	void *data;
	const unsigned char *p; /* unread part of the current piece */
	size_t left;
	uint64_t content_left, pad_left;
	bool begun, ended; /* a whole block was read; the end was seen */
	struct sbuf long_path, long_link, extension, raw_path, raw_link;
	bool has_long_path, has_long_link;
	struct pax pax;
	char path[TAR_PATH_MAX + 1], link[TAR_PATH_MAX + 1];
};

struct tar *tar_new(struct feed *f)
{
	struct tar *t = xcalloc(1, sizeof(*t));

	t->feed = f;
	t->long_path = t->long_link = t->extension = (struct sbuf)SBUF_INIT;
	t->raw_path = t->raw_link = (struct sbuf)SBUF_INIT;
	t->pax = (struct pax)PAX_INIT;
	return t;
}

void tar_on_framing(struct tar *t, void (*tell)(void *data, const void *p, size_t n), void *data)
{
	t->tell = tell;
	t->data = data;
}

void tar_free(struct tar *t)
{
	if (!t)
		return;
	sbuf_done(&t->long_path);
	sbuf_done(&t->long_link);
	sbuf_done(&t->raw_path);
	sbuf_done(&t->raw_link);
	sbuf_done(&t->extension);
	pax_done(&t->pax);
	free(t);
}

void tar_freep(struct tar **t)
{
	tar_free(*t);
	*t = NULL;
}

/* --- bytes ------------------------------------------------------------------------------------- */

/* Up to @max bytes where they lie. 0 only at the end of the archive. */
static ssize_t piece(struct tar *t, size_t max, const unsigned char **ret)
{
	if (!t->left) {
		ssize_t got = feed_next(t->feed, &t->p);

		if (got <= 0)
			return got;
		t->left = (size_t)got;
	}
	if (max > t->left)
		max = t->left;
	*ret = t->p;
	t->p += max;
	t->left -= max;
	return (ssize_t)max;
}

/* The same, of what is not a file's content. */
static ssize_t framing(struct tar *t, size_t max, const unsigned char **ret)
{
	ssize_t got = piece(t, max, ret);

	if (got > 0 && t->tell)
		t->tell(t->data, *ret, (size_t)got);
	return got;
}

static int truncated(void)
{
	return err_new(-CE_BAD_FORMAT, "the archive is truncated");
}

static int skip(struct tar *t, uint64_t n)
{
	while (n) {
		const unsigned char *p;
		ssize_t got = framing(t, n > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)n, &p);

		if (got <= 0)
			return got < 0 ? (int)got : truncated();
		n -= (uint64_t)got;
	}
	return 0;
}

/* 1, or 0 when the archive ends before the block. */
static int read_block(struct tar *t, struct header *h)
{
	size_t have = 0;

	while (have < BLOCK) {
		const unsigned char *p;
		ssize_t got = framing(t, BLOCK - have, &p);

		if (got < 0)
			return (int)got;
		if (got == 0 && have && !t->begun)
			return err_new(-CE_BAD_FORMAT, "not a tar archive");
		if (got == 0)
			return have ? truncated() : 0;
		memcpy((unsigned char *)h + have, p, (size_t)got);
		have += (size_t)got;
	}
	t->begun = true;
	return 1;
}

static int read_extension(struct tar *t, uint64_t size)
{
	uint64_t pad = (BLOCK - size % BLOCK) % BLOCK;

	if (size > TAR_EXTENSION_MAX)
		return err_new(-CE_LIMIT, "an extended header of %llu bytes",
			       (unsigned long long)size);
	sbuf_reset(&t->extension);
	while (size) {
		const unsigned char *p;
		ssize_t got = framing(t, (size_t)size, &p);

		if (got <= 0)
			return got < 0 ? (int)got : truncated();
		sbuf_add(&t->extension, p, (size_t)got);
		size -= (uint64_t)got;
	}
	return skip(t, pad);
}

/* --- names ------------------------------------------------------------------------------------- */

int tar_clean_path(const char *in, size_t n, char *out)
{
	size_t len = 0, depth = 0;

	if (memchr(in, '\0', n))
		return err_new(-CE_BAD_FORMAT, "NUL in a name");
	for (size_t i = 0; i < n;) {
		const char *slash = memchr(in + i, '/', n - i);
		size_t part = slash ? (size_t)(slash - (in + i)) : n - i;

		if (part == 2 && in[i] == '.' && in[i + 1] == '.')
			return err_new(-CE_BAD_FORMAT, "name '%.200s' leaves the tree", in);
		if (part > TAR_NAME_MAX || ++depth > TAR_DEPTH_MAX)
			return err_new(-CE_LIMIT, "name '%.60s…' is too %s", in,
				       part > TAR_NAME_MAX ? "long" : "deep");
		if (part == 0 || (part == 1 && in[i] == '.')) {
			depth--;
		} else {
			if (len + part + 1 > TAR_PATH_MAX)
				return err_new(-CE_LIMIT, "name '%.60s…' is too long", in);
			if (len)
				out[len++] = '/';
			memcpy(out + len, in + i, part);
			len += part;
		}
		i += part + 1;
	}
	out[len] = '\0';
	return 0;
}

static size_t field_len(const unsigned char *p, size_t max)
{
	const unsigned char *nul = memchr(p, '\0', max);

	return nul ? (size_t)(nul - p) : max;
}

/* prefix/name of ustar; GNU and v7 keep other things, or nothing, in the prefix. */
static size_t header_name(const struct header *h, char out[257])
{
	size_t n = 0, name = field_len(h->name, sizeof(h->name));

	if (memcmp(h->magic, "ustar\0", 6) == 0) {
		bool star = memcmp(h->pad + 8, "tar\0", 4) == 0;

		n = field_len(h->prefix, star ? 131 : sizeof(h->prefix));
		memcpy(out, h->prefix, n);
		if (n)
			out[n++] = '/';
	}
	memcpy(out + n, h->name, name);
	out[n + name] = '\0';
	return n + name;
}

/* The content of an L or K entry: a name, its NUL, nothing else. */
static int keep_long_name(struct tar *t, struct sbuf *b, bool *has)
{
	size_t n = strlen(t->extension.s);

	for (size_t i = n; i < t->extension.len; i++)
		if (t->extension.s[i])
			return err_new(-CE_BAD_FORMAT, "NUL in a long name");
	sbuf_reset(b);
	sbuf_add(b, t->extension.s, n);
	*has = true;
	return 0;
}

static int set_path(struct tar *t, const struct header *h, bool *ret_slash)
{
	char name[257];
	const char *s = name;
	size_t n;

	if (t->has_long_path) {
		s = t->long_path.s;
		n = t->long_path.len;
	} else if (t->pax.has & PAX_PATH) {
		s = t->pax.path.s;
		n = t->pax.path.len;
	} else {
		n = header_name(h, name);
	}
	*ret_slash = n && s[n - 1] == '/';
	sbuf_reset(&t->raw_path);
	sbuf_add(&t->raw_path, s, n);
	return tar_clean_path(s, n, t->path);
}

static int set_link(struct tar *t, const struct header *h, enum tar_type type)
{
	char name[101];
	const char *s = name;
	size_t n;

	t->link[0] = '\0';
	sbuf_reset(&t->raw_link);
	sbuf_add(&t->raw_link, "", 0);
	if (type != TAR_HARDLINK && type != TAR_SYMLINK)
		return 0;
	if (t->has_long_link) {
		s = t->long_link.s;
		n = t->long_link.len;
	} else if (t->pax.has & PAX_LINK) {
		s = t->pax.link.s;
		n = t->pax.link.len;
	} else {
		n = field_len(h->link, sizeof(h->link));
		memcpy(name, h->link, n);
		name[n] = '\0';
	}
	sbuf_add(&t->raw_link, s, n);
	if (type == TAR_HARDLINK) {
		int r = tar_clean_path(s, n, t->link);

		return r < 0 ? err_wrap(r, "hard link target of '%.200s'", t->path) : 0;
	}
	if (n == 0 || n > TAR_PATH_MAX)
		return err_new(-CE_BAD_FORMAT, "'%.200s': symbolic link target empty or too long",
			       t->path);
	memcpy(t->link, s, n);
	t->link[n] = '\0';
	return 0;
}

/* --- headers ----------------------------------------------------------------------------------- */

static bool is_zero(const struct header *h)
{
	const unsigned char *p = (const unsigned char *)h;

	return p[0] == 0 && memcmp(p, p + 1, BLOCK - 1) == 0;
}

/* Some old writers summed signed characters; both sums are accepted, as everywhere. */
static int check_sum(const struct header *h)
{
	const unsigned char *p = (const unsigned char *)h;
	size_t at = offsetof(struct header, checksum);
	int64_t want, sum = 0, signed_sum = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		unsigned char c = i >= at && i < at + 8 ? ' ' : p[i];

		sum += c;
		signed_sum += (signed char)c;
	}
	if (tar_field(h->checksum, sizeof(h->checksum), &want) < 0 ||
	    (want != sum && want != signed_sum))
		return err_new(-CE_BAD_FORMAT,
			       "not a tar archive, or a damaged one (header checksum)");
	return 0;
}

static int number(const char *path, const char *what, const unsigned char *p, size_t n, int64_t max,
		  int64_t *ret)
{
	int64_t v = 0;

	if (tar_field(p, n, &v) < 0 || v < 0 || v > max)
		return err_new(-CE_BAD_FORMAT, "'%.200s': %s out of range", path, what);
	*ret = v;
	return 0;
}

static int set_type(const struct header *h, bool slash, enum tar_type *ret)
{
	switch (h->type) {
	case '\0':
	case '0':
	case '7':
		*ret = slash ? TAR_DIR : TAR_FILE; /* v7 has no type for directories */
		return 0;
	case '1':
		*ret = TAR_HARDLINK;
		return 0;
	case '2':
		*ret = TAR_SYMLINK;
		return 0;
	case '3':
		*ret = TAR_CHAR;
		return 0;
	case '4':
		*ret = TAR_BLOCK;
		return 0;
	case '5':
		*ret = TAR_DIR;
		return 0;
	case '6':
		*ret = TAR_FIFO;
		return 0;
	case 'S':
		return err_new(-CE_UNSUPPORTED, "sparse files in an archive");
	default:
		return err_new(-CE_UNSUPPORTED, "archive entry of type 0x%02x", h->type);
	}
}

static int set_owner(struct tar *t, const struct header *h, struct tar_entry *e)
{
	int64_t uid = 0, gid = 0;
	int r = 0;

	/* The header's field may be cut when the record has the whole number. */
	if (!(t->pax.has & PAX_UID))
		r = number(t->path, "uid", h->uid, sizeof(h->uid), TAR_ID_MAX, &uid);
	if (r == 0 && !(t->pax.has & PAX_GID))
		r = number(t->path, "gid", h->gid, sizeof(h->gid), TAR_ID_MAX, &gid);
	e->uid = t->pax.has & PAX_UID ? (uint32_t)t->pax.uid : (uint32_t)uid;
	e->gid = t->pax.has & PAX_GID ? (uint32_t)t->pax.gid : (uint32_t)gid;
	return r;
}

static int set_numbers(struct tar *t, const struct header *h, struct tar_entry *e)
{
	int64_t v = 0;
	int r = number(t->path, "mode", h->mode, sizeof(h->mode), 0xffffff, &v);

	e->raw_mode = (uint32_t)v;
	e->mode = (uint32_t)v & 07777; /* old writers leave the file type in the bits above */
	if (r == 0)
		r = set_owner(t, h, e);
	if (r < 0)
		return r;
	if (t->pax.has & PAX_MTIME) {
		e->mtime_s = t->pax.mtime_s;
		e->mtime_ns = t->pax.mtime_ns;
	} else {
		if (tar_field(h->mtime, sizeof(h->mtime), &v) < 0)
			return err_new(-CE_BAD_FORMAT, "'%.200s': mtime out of range", t->path);
		e->mtime_s = tar_clamp_time(v);
		e->mtime_ns = 0;
	}
	v = 0;
	if (t->pax.has & PAX_SIZE)
		v = (int64_t)t->pax.size;
	else
		r = number(t->path, "size", h->size, sizeof(h->size), TAR_SIZE_MAX, &v);
	if (r < 0)
		return r;
	/* Only files have content, whatever a header says; readers that differ here see another tree. */
	e->size = e->type == TAR_FILE ? (uint64_t)v : 0;
	e->major = e->minor = 0;
	if (e->type != TAR_CHAR && e->type != TAR_BLOCK)
		return 0;
	r = number(t->path, "device number", h->major, sizeof(h->major), UINT32_MAX, &v);
	e->major = (uint32_t)v;
	if (r == 0)
		r = number(t->path, "device number", h->minor, sizeof(h->minor), UINT32_MAX, &v);
	e->minor = (uint32_t)v;
	return r;
}

static int set_entry(struct tar *t, const struct header *h, struct tar_entry *e)
{
	bool slash = false;
	int r = set_path(t, h, &slash);

	if (r == 0)
		r = set_type(h, slash, &e->type);
	if (r == 0)
		r = set_link(t, h, e->type);
	if (r == 0)
		r = set_numbers(t, h, e);
	if (r < 0)
		return r;
	e->path = t->path;
	e->link = t->link;
	e->raw_path = t->raw_path.s;
	e->raw_link = t->raw_link.s;
	e->xattrs = t->pax.xattrs;
	e->n_xattrs = t->pax.n_xattrs;
	t->content_left = e->size;
	t->pad_left = (BLOCK - e->size % BLOCK) % BLOCK;
	return 1;
}

/* x, g, L or K: 1 when it was one and has been read. */
static int extension(struct tar *t, const struct header *h)
{
	int64_t size = 0;
	int r;

	if (!h->type || !strchr("xgLK", h->type))
		return 0;
	r = number("extended header", "size", h->size, sizeof(h->size), TAR_SIZE_MAX, &size);
	if (r == 0)
		r = read_extension(t, (uint64_t)size);
	if (r < 0)
		return r;
	if (h->type == 'L') {
		r = keep_long_name(t, &t->long_path, &t->has_long_path);
	} else if (h->type == 'K') {
		r = keep_long_name(t, &t->long_link, &t->has_long_link);
	} else if (h->type == 'x') {
		r = pax_parse(&t->pax, t->extension.s, t->extension.len);
	} else {
		struct pax *ignored = xcalloc(1, sizeof(*ignored));

		*ignored = (struct pax)PAX_INIT;
		r = pax_parse(ignored, t->extension.s, t->extension.len);
		pax_done(ignored);
		free(ignored);
	}
	return r < 0 ? r : 1;
}

/* Some writers (umoci's) end with the last byte of the last file: that is an end, too. */
static int skip_padding(struct tar *t, uint64_t n)
{
	while (n) {
		const unsigned char *p;
		ssize_t got = framing(t, (size_t)n, &p);

		if (got <= 0)
			return (int)got;
		n -= (uint64_t)got;
	}
	return 0;
}

static int finish_entry(struct tar *t)
{
	uint64_t content = t->content_left, pad = t->pad_left;
	int r;

	t->content_left = t->pad_left = 0;
	t->has_long_path = t->has_long_link = false;
	pax_reset(&t->pax);
	r = skip(t, content);
	return r < 0 ? r : skip_padding(t, pad);
}

int tar_next(struct tar *t, struct tar_entry *ret)
{
	struct header h;
	int r;

	if (t->ended)
		return 0;
	r = finish_entry(t);
	while (r >= 0) {
		r = read_block(t, &h);
		if (r <= 0)
			break;
		if (is_zero(&h)) {
			r = 0;
			break;
		}
		r = check_sum(&h);
		if (r == 0)
			r = extension(t, &h);
		if (r == 0)
			return set_entry(t, &h, ret);
	}
	t->ended = true;
	return r;
}

ssize_t tar_content(struct tar *t, const unsigned char **ret)
{
	ssize_t got;

	if (!t->content_left)
		return 0;
	got = piece(t, t->content_left > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)t->content_left,
		    ret);
	if (got == 0)
		return truncated();
	if (got > 0)
		t->content_left -= (uint64_t)got;
	return got;
}

int tar_drain(struct tar *t)
{
	const unsigned char *p;
	ssize_t got;

	do {
		got = framing(t, SIZE_MAX / 2, &p);
	} while (got > 0);
	return (int)got;
}
