/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *   One pass over the tar. What is not content (headers, padding, the end) collects in ->framing, and
 *   becomes a frame when content begins; the same bytes go, header by header, into lines of the
 *   tar-split. Content is cut into chunks: small files are one; larger ones are cut where a rolling
 *   sum of the last bytes has zeros, so that what is inserted into a file moves no later cut. Each
 *   chunk is a frame. Table and tar-split are compressed as they grow, and follow at the end.
 */
#include "pkg/transfer/chunked_write.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "pkg/archive/frames.h"
#include "pkg/archive/tar.h"
#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/sha256.h"
#include "pkg/base/utf8.h"
#include "pkg/json/json.h"

#define ONE_CHUNK_MAX (256U << 10)
#define CHUNK_MIN (64U << 10)
#define CHUNK_MAX (1U << 20)
#define CHUNK_MASK ((1U << 18) - 1) /* one cut in 256 KiB, at random */
#define FRAMING_MAX (256U << 10)
#define SKIPPED_FRAME 0x184d2a50U
#define FOOTER_WORDS 8

struct chunk {
	uint64_t at, size; /* in the file */
	uint64_t offset; /* in the blob */
	char hex[65];
};

struct writer {
	struct out *out;
	uint64_t at; /* of the blob */
	struct frames *frames;
	struct sbuf frame, framing, segment, content;
	struct out *table, *split;
	struct sbuf table_z, split_z;
	uint64_t table_plain, split_plain, position;
	bool any; /* the table has an entry */
	struct strv seen; /* of the names with content: readers find content by name */
	struct chunk *chunks;
	unsigned n_chunks;
	struct sbuf *where;
	int error; /* of what a callback did */
	uint64_t crc_table[256], gear[256];
};

static void make_tables(struct writer *w)
{
	uint64_t seed = 0;

	for (unsigned i = 0; i < 256; i++) {
		uint64_t c = i, g;

		for (unsigned k = 0; k < 8; k++) /* CRC-64 of ISO 3309 */
			c = c & 1 ? c >> 1 ^ 0xd800000000000000ULL : c >> 1;
		w->crc_table[i] = c;
		seed += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
		g = seed;
		g = (g ^ g >> 30) * 0xbf58476d1ce4e5b9ULL;
		g = (g ^ g >> 27) * 0x94d049bb133111ebULL;
		w->gear[i] = g ^ g >> 31;
	}
}

/* --- what comes out ---------------------------------------------------------------------------- */

static int put(struct writer *w, const void *p, size_t n)
{
	w->at += n;
	return out_write(w->out, p, n);
}

static int put_frame(struct writer *w, const void *p, size_t n)
{
	int r;

	sbuf_reset(&w->frame);
	r = frames_add(w->frames, p, n, &w->frame);
	return r < 0 ? r : put(w, w->frame.s, w->frame.len);
}

static int flush_framing(struct writer *w)
{
	int r = w->framing.len ? put_frame(w, w->framing.s, w->framing.len) : 0;

	sbuf_reset(&w->framing);
	return r;
}

static int put_skipped(struct writer *w, const void *p, size_t n)
{
	uint32_t head[2] = {htole32(SKIPPED_FRAME), htole32((uint32_t)n)};
	int r = put(w, head, sizeof(head));

	return r < 0 ? r : put(w, p, n);
}

/* --- the tar-split ----------------------------------------------------------------------------- */

/* Takes @o. */
static int put_line(struct writer *w, struct json_object *o)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	json_set_i64(o, "position", (int64_t)w->position++);
	json_write(o, false, &b);
	(void)json_object_put(o);
	sbuf_addc(&b, '\n');
	w->split_plain += b.len;
	return out_write(w->split, b.s, b.len);
}

static int put_segment(struct writer *w)
{
	AUTO_FREE char *payload = NULL;
	struct json_object *o;

	if (!w->segment.len)
		return 0;
	payload = base64_encode(w->segment.s, w->segment.len);
	sbuf_reset(&w->segment);
	o = json_object_new_object();
	json_set_i64(o, "type", 2);
	json_set_str(o, "payload", payload);
	return put_line(w, o);
}

/* Every entry has one, also those without content; then without a sum. */
static int put_file(struct writer *w, const struct tar_entry *e, uint64_t crc)
{
	uint64_t big = htobe64(crc);
	AUTO_FREE char *sum = e->size ? base64_encode(&big, sizeof(big)) : NULL;
	struct json_object *o = json_object_new_object();

	json_set_i64(o, "type", 1);
	json_set_str(o, "name", e->raw_path);
	if (e->size)
		json_set_i64(o, "size", (int64_t)e->size);
	json_set_str(o, "payload", sum);
	return put_line(w, o);
}

static void on_framing(void *data, const void *p, size_t n)
{
	struct writer *w = data;

	sbuf_add(&w->framing, p, n);
	sbuf_add(&w->segment, p, n);
	if (w->error == 0 && w->segment.len >= FRAMING_MAX)
		w->error = put_segment(w);
	if (w->error == 0 && w->framing.len >= FRAMING_MAX)
		w->error = flush_framing(w);
}

/* --- the table --------------------------------------------------------------------------------- */

static int put_table(struct writer *w, const char *s, size_t n)
{
	w->table_plain += n;
	return out_write(w->table, s, n);
}

/* Takes @o. */
static int put_entry(struct writer *w, struct json_object *o)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (w->any)
		sbuf_addc(&b, ',');
	w->any = true;
	json_write(o, false, &b);
	(void)json_object_put(o);
	return put_table(w, b.s, b.len);
}

static void set_number(struct json_object *o, const char *key, uint64_t v)
{
	if (v)
		json_set_i64(o, key, (int64_t)v);
}

static void set_digest(struct json_object *o, const char *key, const char *hex)
{
	AUTO_FREE char *digest = xasprintf("sha256:%s", hex);

	json_set_str(o, key, digest);
}

static void set_chunk(struct json_object *o, const struct chunk *c)
{
	set_number(o, "chunkSize", c->size);
	set_number(o, "chunkOffset", c->at);
	set_digest(o, "chunkDigest", c->hex);
}

static struct json_object *entry_of(const struct tar_entry *e)
{
	static const char *const types[] = {
		[TAR_FILE] = "reg",	  [TAR_HARDLINK] = "hardlink", [TAR_SYMLINK] = "symlink",
		[TAR_CHAR] = "char",	  [TAR_BLOCK] = "block",       [TAR_DIR] = "dir",
		[TAR_FIFO] = "fifo",
	};
	struct json_object *o = json_object_new_object(), *xattrs;
	char time[CLOCK_TEXT_MAX];

	json_set_str(o, "type", types[e->type]);
	json_set_str(o, "name", e->raw_path);
	if (*e->raw_link)
		json_set_str(o, "linkName", e->raw_link);
	set_number(o, "mode", e->raw_mode);
	set_number(o, "size", e->size);
	set_number(o, "uid", e->uid);
	set_number(o, "gid", e->gid);
	if (e->mtime_s || e->mtime_ns) {
		clock_format_rfc3339(e->mtime_s * NS_PER_S + e->mtime_ns, time);
		json_set_str(o, "modtime", time);
	}
	set_number(o, "devMajor", e->major);
	set_number(o, "devMinor", e->minor);
	if (!e->n_xattrs)
		return o;
	xattrs = json_object_new_object();
	for (unsigned i = 0; i < e->n_xattrs; i++) {
		AUTO_FREE char *value = base64_encode(e->xattrs[i].value, e->xattrs[i].len);

		json_set_str(xattrs, e->xattrs[i].name, value);
	}
	json_set(o, "xattrs", xattrs);
	return o;
}

static int describe(struct writer *w, const struct tar_entry *e, const char *hex)
{
	struct json_object *o = entry_of(e);
	int r;

	if (w->n_chunks) {
		set_digest(o, "digest", hex);
		set_number(o, "offset", w->chunks[0].offset);
		set_number(o, "endOffset", w->at);
	}
	if (w->n_chunks > 1)
		set_chunk(o, &w->chunks[0]);
	r = put_entry(w, o);
	for (unsigned i = 1; r == 0 && i < w->n_chunks; i++) {
		o = json_object_new_object();
		json_set_str(o, "type", "chunk");
		json_set_str(o, "name", e->raw_path);
		set_number(o, "offset", w->chunks[i].offset);
		set_chunk(o, &w->chunks[i]);
		r = put_entry(w, o);
	}
	return r;
}

static void put_where(struct writer *w, const struct tar_entry *e, const char *hex, uint64_t at,
		      uint64_t size)
{
	struct chunked_where where = {.offset = at, .size = size, .path = e->path};

	memcpy(where.digest, hex, sizeof(where.digest));
	chunked_where_put(w->where, &where);
}

/* --- content ----------------------------------------------------------------------------------- */

static int put_chunk(struct writer *w, uint64_t at)
{
	struct chunk *c;

	w->chunks = xreallocarray(w->chunks, w->n_chunks + 1, sizeof(*w->chunks));
	c = &w->chunks[w->n_chunks++];
	*c = (struct chunk){.at = at, .size = w->content.len, .offset = w->at};
	sha256_hex(w->content.s, w->content.len, c->hex);
	return put_frame(w, w->content.s, w->content.len);
}

/* How many of these bytes still belong to the chunk that ->content holds the beginning of; @ret_cut: it ends there. */
static size_t find_cut(struct writer *w, const unsigned char *p, size_t n, uint64_t *sum,
		       bool *ret_cut)
{
	size_t have = w->content.len;

	for (size_t i = 0; i < n; i++) {
		*sum = (*sum << 1) + w->gear[p[i]];
		if (have + i + 1 == CHUNK_MAX ||
		    (have + i + 1 >= CHUNK_MIN && (*sum >> 40 & CHUNK_MASK) == 0)) {
			*ret_cut = true;
			return i + 1;
		}
	}
	*ret_cut = false;
	return n;
}

static uint64_t add_crc(const struct writer *w, uint64_t crc, const unsigned char *p, size_t n)
{
	crc = ~crc;
	for (size_t i = 0; i < n; i++)
		crc = w->crc_table[(unsigned char)crc ^ p[i]] ^ crc >> 8;
	return ~crc;
}

static int put_content(struct writer *w, struct tar *t, const struct tar_entry *e, char hex[65],
		       uint64_t *ret_crc)
{
	uint64_t at = 0, rolling = 0;
	struct sha256 whole;
	const unsigned char *p;
	ssize_t got;
	int r = 0;

	sha256_init(&whole);
	*ret_crc = 0;
	w->n_chunks = 0;
	sbuf_reset(&w->content);
	while (r == 0 && (got = tar_content(t, &p)) != 0) {
		if (got < 0)
			return (int)got;
		sha256_add(&whole, p, (size_t)got);
		*ret_crc = add_crc(w, *ret_crc, p, (size_t)got);
		for (size_t left = (size_t)got; r == 0 && left;) {
			bool cut = false;
			size_t n = e->size <= ONE_CHUNK_MAX
					   ? left
					   : find_cut(w, p, left, &rolling, &cut);

			sbuf_add(&w->content, p, n);
			p += n;
			left -= n;
			if (!cut)
				continue;
			r = put_chunk(w, at);
			at += w->content.len;
			sbuf_reset(&w->content);
		}
	}
	if (r == 0 && w->content.len)
		r = put_chunk(w, at);
	sha256_end_hex(&whole, hex);
	return r;
}

/* --- all --------------------------------------------------------------------------------------- */

static bool is_text(const char *s)
{
	return utf8_is_valid(s, strlen(s));
}

static int check_entry(struct writer *w, const struct tar_entry *e)
{
	bool ok = is_text(e->raw_path) && is_text(e->raw_link);

	for (unsigned i = 0; ok && i < e->n_xattrs; i++)
		ok = is_text(e->xattrs[i].name);
	if (!ok)
		return err_new(-CE_UNSUPPORTED, "a name that is no UTF-8");
	strv_add(&w->seen, e->raw_path);
	return 0;
}

static int one_entry(struct writer *w, struct tar *t, const struct tar_entry *e)
{
	char hex[65] = "";
	uint64_t crc = 0;
	int r = check_entry(w, e);

	w->n_chunks = 0;
	if (r == 0)
		r = put_segment(w);
	if (r == 0 && e->size)
		r = flush_framing(w);
	if (r == 0 && e->size)
		r = put_content(w, t, e, hex, &crc);
	if (r == 0)
		r = put_file(w, e, crc);
	if (r == 0)
		r = describe(w, e, hex);
	if (r < 0 || !w->where)
		return r;
	if (w->n_chunks)
		put_where(w, e, hex, 0, e->size);
	for (unsigned i = 0; w->n_chunks > 1 && i < w->n_chunks; i++)
		put_where(w, e, w->chunks[i].hex, w->chunks[i].at, w->chunks[i].size);
	return 0;
}

static int check_names(struct writer *w)
{
	strv_sort(&w->seen);
	for (size_t i = 1; i < w->seen.n; i++)
		if (strcmp(w->seen.v[i - 1], w->seen.v[i]) == 0)
			return err_new(-CE_UNSUPPORTED, "'%s' twice", w->seen.v[i]);
	return 0;
}

static int put_entries(struct writer *w, struct feed *f)
{
	AUTO(tar_freep) struct tar *t = tar_new(f);
	struct tar_entry e;
	int r;

	tar_on_framing(t, on_framing, w);
	while ((r = tar_next(t, &e)) > 0) {
		r = w->error < 0 ? w->error : one_entry(w, t, &e);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = tar_drain(t);
	if (r == 0)
		r = w->error;
	if (r == 0)
		r = put_segment(w);
	if (r == 0)
		r = flush_framing(w);
	return r < 0 ? r : check_names(w);
}

static int put_footer(struct writer *w, const struct chunked *c)
{
	uint64_t footer[FOOTER_WORDS] = {
		htole64(c->table.offset), htole64(c->table.bytes), htole64(c->table.plain),
		htole64(1), htole64(c->split.offset), htole64(c->split.bytes),
		htole64(c->split.plain)};

	memcpy(&footer[FOOTER_WORDS - 1], "GNUlInUx", 8);
	return put_skipped(w, footer, sizeof(footer));
}

static int put_end(struct writer *w, struct chunked *ret)
{
	AUTO_SBUF struct sbuf end = SBUF_INIT;
	struct chunked c = {0};
	char hex[65];
	int r = out_finish(w->split);

	sha256_hex(w->split_z.s, w->split_z.len, hex);
	sbuf_addf(&end, "],\"tarSplitDigest\":\"sha256:%s\"}", hex);
	if (r == 0)
		r = put_table(w, end.s, end.len);
	if (r == 0)
		r = out_finish(w->table);
	if (r == 0 && (w->table_plain > CHUNKED_TABLE_MAX || w->split_plain > CHUNKED_TABLE_MAX))
		r = err_new(-CE_UNSUPPORTED, "too many files");
	if (r < 0)
		return r;
	sha256_hex(w->table_z.s, w->table_z.len, hex);
	(void)snprintf(c.digest, sizeof(c.digest), "sha256:%s", hex);
	c.table = (struct chunked_part){w->at + 8, w->table_z.len, w->table_plain};
	c.split = (struct chunked_part){c.table.offset + c.table.bytes + 8, w->split_z.len,
					w->split_plain};
	r = put_skipped(w, w->table_z.s, w->table_z.len);
	if (r == 0)
		r = put_skipped(w, w->split_z.s, w->split_z.len);
	if (r == 0)
		r = put_footer(w, &c);
	if (r == 0)
		r = out_finish(w->out);
	*ret = c;
	return r;
}

static void writer_free(struct writer *w)
{
	frames_free(w->frames);
	out_close(w->table);
	out_close(w->split);
	sbuf_done(&w->frame);
	sbuf_done(&w->framing);
	sbuf_done(&w->segment);
	sbuf_done(&w->content);
	sbuf_done(&w->table_z);
	sbuf_done(&w->split_z);
	strv_done(&w->seen);
	free(w->chunks);
	free(w);
}

int chunked_encode(struct stream *tar, int level, struct out *out, struct sbuf *where,
		   struct chunked *ret)
{
	static const char begin[] = "{\"version\":1,\"entries\":[";
	AUTO(feed_freep) struct feed *f = feed_new_plain(tar);
	struct writer *w = xcalloc(1, sizeof(*w));
	int r;

	w->out = out;
	w->where = where;
	w->frames = frames_new(level);
	w->frame = w->framing = w->segment = w->content = (struct sbuf)SBUF_INIT;
	w->table_z = w->split_z = (struct sbuf)SBUF_INIT;
	make_tables(w);
	r = out_encode(out_to_memory(&w->table_z), OUT_ZSTD, level, &w->table);
	if (r == 0)
		r = out_encode(out_to_memory(&w->split_z), OUT_ZSTD, level, &w->split);
	if (r == 0)
		r = put_table(w, begin, sizeof(begin) - 1);
	if (where)
		sbuf_adds(where, CHUNKED_WHERE_MAGIC);
	if (r == 0)
		r = put_entries(w, f);
	if (r == 0)
		r = put_end(w, ret);
	writer_free(w);
	return r;
}
