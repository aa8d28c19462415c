/* SPDX-License-Identifier: MIT */
#include "pkg/archive/tar_write.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"

#define BLOCK 512U
#define BUFFER (256U << 10) /* a multiple of BLOCK */
#define NAME_LEN 100U
#define PREFIX_LEN 155U
#define OCTAL_7 07777777U
#define OCTAL_11 077777777777LL
#define PAX_NAME "././@PaxHeader"

struct header {
	char name[NAME_LEN], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type;
	char link[NAME_LEN], magic[6], version[2], uname[32], gname[32], major[8], minor[8];
	char prefix[PREFIX_LEN], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

struct tar_writer {
	struct out *out;
	struct tar_write_options o;
	uint64_t left; /* of the entry's content */
	unsigned pad; /* bytes after it */
	struct sbuf records, path;
	size_t fill;
	unsigned char buf[BUFFER];
};

struct tar_writer *tar_writer_new(struct out *out, const struct tar_write_options *o)
{
	struct tar_writer *w = xmalloc(sizeof(*w));

	memset(w, 0, offsetof(struct tar_writer, buf));
	w->out = out;
	if (o)
		w->o = *o;
	w->records = (struct sbuf)SBUF_INIT;
	w->path = (struct sbuf)SBUF_INIT;
	return w;
}

void tar_writer_free(struct tar_writer *w)
{
	if (!w)
		return;
	sbuf_done(&w->records);
	sbuf_done(&w->path);
	free(w);
}

void tar_writer_freep(struct tar_writer **w)
{
	tar_writer_free(*w);
	*w = NULL;
}

/* --- bytes ------------------------------------------------------------------------------------- */

static int flush(struct tar_writer *w)
{
	int r = w->fill ? out_write(w->out, w->buf, w->fill) : 0;

	w->fill = 0;
	return r;
}

static int put(struct tar_writer *w, const void *p, size_t n)
{
	const unsigned char *c = p;

	while (n) {
		size_t take = BUFFER - w->fill;
		int r;

		if (take > n)
			take = n;
		if (c)
			memcpy(w->buf + w->fill, c, take);
		else
			memset(w->buf + w->fill, 0, take);
		w->fill += take;
		n -= take;
		c = c ? c + take : NULL;
		r = w->fill == BUFFER ? flush(w) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_zeros(struct tar_writer *w, size_t n)
{
	return put(w, NULL, n);
}

static unsigned padding(uint64_t size)
{
	return (unsigned)(-size % BLOCK);
}

/* --- headers ----------------------------------------------------------------------------------- */

/* @n bytes with the terminator; the caller knows that it fits. */
static void octal(char *field, size_t n, uint64_t v)
{
	field[n - 1] = '\0';
	for (size_t i = n - 1; i-- > 0; v >>= 3)
		field[i] = (char)('0' + (v & 7));
}

static int put_header(struct tar_writer *w, struct header *h)
{
	unsigned sum = 0;

	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->sum, ' ', sizeof(h->sum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const unsigned char *)h)[i];
	octal(h->sum, 7, sum);
	return put(w, h, sizeof(*h));
}

/* "<length> key=value\n", where the length counts its own digits. */
static void record(struct sbuf *b, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3, digits = 1, len;

	for (size_t ten = 10; rest + digits >= ten; ten *= 10)
		digits++;
	len = rest + digits;
	sbuf_addf(b, "%zu %s=", len, key);
	sbuf_add(b, value, n);
	sbuf_addc(b, '\n');
}

static void record_number(struct sbuf *b, const char *key, uint64_t v)
{
	char text[24];

	record(b, key, text, (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)v));
}

/* Split at a slash so that both halves fit; false: needs a pax record. */
static bool split_path(const char *path, size_t n, struct header *h)
{
	if (n <= NAME_LEN) {
		memcpy(h->name, path, n);
		return true;
	}
	/* The shortest prefix leaves the longest name; the slash of a directory is part of the name. */
	for (size_t i = n - NAME_LEN - 1; i <= PREFIX_LEN && i + 1 < n; i++) {
		if (path[i] != '/' || i == 0)
			continue;
		memcpy(h->prefix, path, i);
		memcpy(h->name, path + i + 1, n - i - 1);
		return true;
	}
	return false;
}

static void set_path(struct tar_writer *w, const struct tar_entry *e, struct header *h)
{
	size_t n;

	sbuf_reset(&w->path);
	sbuf_adds(&w->path, *e->path ? e->path : ".");
	if (e->type == TAR_DIR)
		sbuf_addc(&w->path, '/');
	n = w->path.len;
	if (split_path(w->path.s, n, h))
		return;
	record(&w->records, "path", w->path.s, n);
	memcpy(h->name, w->path.s, NAME_LEN - 1); /* for readers without pax: something */
}

static void set_link(struct tar_writer *w, const struct tar_entry *e, struct header *h)
{
	size_t n;

	if (e->type != TAR_SYMLINK && e->type != TAR_HARDLINK)
		return;
	n = strlen(e->link);
	if (n <= NAME_LEN) {
		memcpy(h->link, e->link, n);
		return;
	}
	record(&w->records, "linkpath", e->link, n);
	memcpy(h->link, e->link, NAME_LEN);
}

static void set_id(struct tar_writer *w, const char *key, char field[8], uint32_t id)
{
	octal(field, 8, id <= OCTAL_7 ? id : 0);
	if (id > OCTAL_7)
		record_number(&w->records, key, id);
}

static void set_time(struct tar_writer *w, const struct tar_entry *e, struct header *h)
{
	int64_t s = e->mtime_s;
	uint32_t ns = w->o.subsecond ? e->mtime_ns : 0;
	char text[48];
	int n;

	if (w->o.has_clamp && s >= w->o.clamp_s) {
		ns = s > w->o.clamp_s ? 0 : ns;
		s = w->o.clamp_s;
	}
	octal(h->mtime, sizeof(h->mtime), s >= 0 && s <= OCTAL_11 ? (uint64_t)s : 0);
	if (!ns && s >= 0 && s <= OCTAL_11)
		return;
	if (s < 0 && ns) /* -1.25 s is kept as -2 s and 0.75 s */
		n = snprintf(text, sizeof(text), "%s%lld.%09u", s == -1 ? "-" : "",
			     (long long)(s + 1), 1000000000U - ns);
	else if (ns)
		n = snprintf(text, sizeof(text), "%lld.%09u", (long long)s, ns);
	else
		n = snprintf(text, sizeof(text), "%lld", (long long)s);
	record(&w->records, "mtime", text, (size_t)n);
}

static void set_xattrs(struct tar_writer *w, const struct tar_entry *e)
{
	AUTO_SBUF struct sbuf key = SBUF_INIT;

	for (unsigned i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];

		if (strchr(x->name, '='))
			continue;
		sbuf_reset(&key);
		sbuf_addf(&key, "SCHILY.xattr.%s", x->name);
		record(&w->records, key.s, x->value, x->len);
	}
}

static int put_records(struct tar_writer *w)
{
	struct header h = {.name = PAX_NAME, .type = 'x'};
	int r;

	if (!w->records.len)
		return 0;
	if (w->records.len > TAR_EXTENSION_MAX)
		return err_new(-CE_LIMIT, "'%s': more than 1 MiB of extended attributes",
			       w->path.s);
	octal(h.mode, sizeof(h.mode), 0);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.mtime, sizeof(h.mtime), 0);
	octal(h.size, sizeof(h.size), w->records.len);
	r = put_header(w, &h);
	if (r == 0)
		r = put(w, w->records.s, w->records.len);
	return r < 0 ? r : put_zeros(w, padding(w->records.len));
}

int tar_write_entry(struct tar_writer *w, const struct tar_entry *e)
{
	static const char types[] = {
		[TAR_FILE] = '0',  [TAR_HARDLINK] = '1', [TAR_SYMLINK] = '2', [TAR_CHAR] = '3',
		[TAR_BLOCK] = '4', [TAR_DIR] = '5',      [TAR_FIFO] = '6'};
	uint64_t size = e->type == TAR_FILE ? e->size : 0;
	struct header h = {.type = types[e->type]};
	int r;

	if (w->left)
		return err_new(-EINVAL, "'%s': %llu bytes of the entry before are missing", e->path,
			       (unsigned long long)w->left);
	sbuf_reset(&w->records);
	set_path(w, e, &h);
	set_link(w, e, &h);
	octal(h.mode, sizeof(h.mode), e->mode & 07777);
	octal(h.size, sizeof(h.size), size <= (uint64_t)OCTAL_11 ? size : 0);
	if (size > (uint64_t)OCTAL_11)
		record_number(&w->records, "size", size);
	set_id(w, "uid", h.uid, e->uid);
	set_id(w, "gid", h.gid, e->gid);
	set_time(w, e, &h);
	set_xattrs(w, e);
	if (e->type == TAR_CHAR || e->type == TAR_BLOCK) {
		octal(h.major, sizeof(h.major), e->major & OCTAL_7);
		octal(h.minor, sizeof(h.minor), e->minor & OCTAL_7);
	}
	r = put_records(w);
	if (r == 0)
		r = put_header(w, &h);
	w->left = size;
	w->pad = padding(size);
	return r;
}

static int end_content(struct tar_writer *w)
{
	unsigned pad = w->pad;

	if (w->left)
		return 0;
	w->pad = 0;
	return put_zeros(w, pad);
}

int tar_write_content(struct tar_writer *w, const void *p, size_t n)
{
	int r;

	if (n > w->left)
		return err_new(-EINVAL, "more content than the header said");
	r = put(w, p, n);
	w->left -= n;
	return r < 0 ? r : end_content(w);
}

/* The bytes of one read go straight into the buffer. */
int tar_write_file(struct tar_writer *w, int fd)
{
	bool changed = false;
	char more;
	int r = 0;

	while (r == 0 && w->left) {
		size_t room = BUFFER - w->fill;
		ssize_t n = read(fd, w->buf + w->fill, w->left < room ? (size_t)w->left : room);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_new(-errno, "read '%s'", w->path.s);
		if (n == 0) {
			changed = true;
			break;
		}
		w->fill += (size_t)n;
		w->left -= (size_t)n;
		if (w->fill == BUFFER)
			r = flush(w);
	}
	while (r == 0 && w->left) {
		size_t n = w->left < BUFFER ? (size_t)w->left : BUFFER;

		r = put_zeros(w, n);
		w->left -= n;
	}
	if (r == 0 && !changed)
		changed = read(fd, &more, 1) > 0;
	if (r == 0)
		r = end_content(w);
	return r < 0 ? r : changed;
}

int tar_write_end(struct tar_writer *w)
{
	int r;

	if (w->left)
		return err_new(-EINVAL, "the last entry is not complete");
	r = put_zeros(w, (size_t)2 * BLOCK);
	return r < 0 ? r : flush(w);
}
