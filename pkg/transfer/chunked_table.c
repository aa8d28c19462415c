/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/chunked_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/archive/tar.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/scan.h"
#include "pkg/oci/digest.h"

#define FILES_MAX 2000000
#define PIECES_MAX 8000000
#define GAP_MIN (32U << 10)

void chunked_table_done(struct chunked_table *t)
{
	for (unsigned i = 0; i < t->n_files; i++)
		free(t->files[i].name);
	free(t->files);
	free(t->pieces);
	*t = (struct chunked_table){0};
}

/* One object of "entries". */
struct entry {
	char type[16], *name;
	char digest[80], chunk_digest[80], chunk_type[16];
	uint64_t size, offset, end, chunk_size, chunk_offset;
};

static void entry_done(struct entry *e)
{
	free(e->name);
}

static int take_string(struct json_scan *s, char *ret, size_t max)
{
	int r = json_scan_string(s);

	if (r == 0 && s->text.len >= max)
		r = json_scan_bad(s, "too long");
	if (r == 0)
		memcpy(ret, s->text.s, s->text.len + 1);
	return r;
}

static int take_name(struct json_scan *s, struct entry *e)
{
	int r = json_scan_string(s);

	if (r == 0 && (s->text.len == 0 || s->text.len > TAR_PATH_MAX))
		r = json_scan_bad(s, "name");
	if (r == 0) {
		free(e->name);
		e->name = xstrdup(s->text.s);
	}
	return r;
}

static int take_field(struct json_scan *s, struct entry *e)
{
	static const struct {
		const char *key;
		size_t at, max; /* max 0: a number */
	} fields[] = {
		{"type", offsetof(struct entry, type), sizeof(e->type)},
		{"digest", offsetof(struct entry, digest), sizeof(e->digest)},
		{"chunkDigest", offsetof(struct entry, chunk_digest), sizeof(e->chunk_digest)},
		{"chunkType", offsetof(struct entry, chunk_type), sizeof(e->chunk_type)},
		{"size", offsetof(struct entry, size), 0},
		{"offset", offsetof(struct entry, offset), 0},
		{"endOffset", offsetof(struct entry, end), 0},
		{"chunkSize", offsetof(struct entry, chunk_size), 0},
		{"chunkOffset", offsetof(struct entry, chunk_offset), 0},
	};

	if (strcmp(s->text.s, "name") == 0)
		return take_name(s, e);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		void *where = (char *)e + fields[i].at;

		if (strcmp(s->text.s, fields[i].key) == 0)
			return fields[i].max ? take_string(s, where, fields[i].max)
					     : json_scan_u64(s, where);
	}
	return json_scan_skip(s);
}

static int take_entry(struct json_scan *s, struct entry *e)
{
	int r = json_scan_open(s, '{'), more = 0;

	while (r == 0 && (more = json_scan_key(s)) > 0)
		r = take_field(s, e);
	if (r == 0 && more == 0 && !e->name)
		r = json_scan_bad(s, "an entry without a name");
	return r < 0 ? r : more;
}

/* --- files and their pieces -------------------------------------------------------------------- */

struct building {
	struct chunked_table *t;
	uint64_t blob;
	struct chunked_file *file; /* whose pieces may follow */
	uint64_t end; /* of it, in the blob */
	char digest[80];
};

static int bad(const struct building *b, const char *what)
{
	return err_new(-CE_BAD_FORMAT, "table of contents: '%.200s': %s", b->file->name, what);
}

static int set_digest(const struct building *b, struct chunked_piece *p, const char *digest)
{
	if (!digest_is_valid(digest) || strncmp(digest, "sha256:", 7) != 0)
		return bad(b, "digest");
	memcpy(p->digest, digest_hex(digest), sizeof(p->digest));
	return 0;
}

static struct chunked_piece *add_piece(struct chunked_table *t)
{
	if (!(t->n_pieces & (t->n_pieces - 1)))
		t->pieces = xreallocarray(t->pieces, t->n_pieces ? 2U * t->n_pieces : 1,
					  sizeof(*t->pieces));
	t->pieces[t->n_pieces] = (struct chunked_piece){0};
	return &t->pieces[t->n_pieces++];
}

/* Where the next one begins, or the file ends, is where the last one ends. */
static int end_piece(const struct building *b, uint64_t end)
{
	struct chunked_piece *p = &b->t->pieces[b->t->n_pieces - 1];

	p->end = end;
	if (p->end < p->begin || p->end > b->blob || (p->begin == p->end && !p->zeros))
		return bad(b, "place in the blob");
	return 0;
}

static int end_file(struct building *b)
{
	struct chunked_file *f = b->file;
	struct chunked_piece *p;
	uint64_t sum = 0;
	int r;

	if (!f)
		return 0;
	r = end_piece(b, b->end);
	if (r < 0)
		return r;
	p = &b->t->pieces[f->first];
	if (f->n == 1) {
		p->size = f->size;
		r = set_digest(b, p, b->digest);
	}
	for (unsigned i = 0; r == 0 && i < f->n; i++) {
		if (p[i].size == 0 || p[i].size > f->size - sum)
			return bad(b, "sizes of its pieces");
		sum += p[i].size;
	}
	if (r == 0 && sum != f->size)
		r = bad(b, "sizes of its pieces");
	if (r == 0 && f->n > 1) {
		f->whole = b->t->n_pieces;
		p = add_piece(b->t);
		p->size = f->size;
		r = set_digest(b, p, b->digest);
	}
	b->file = NULL;
	return r;
}

static int begin_piece(struct building *b, const struct entry *e)
{
	struct chunked_piece *p;

	if (b->t->n_pieces >= PIECES_MAX)
		return err_new(-CE_LIMIT, "table of contents");
	p = add_piece(b->t);
	b->file->n++;
	p->begin = e->offset;
	p->size = e->chunk_size;
	p->zeros = strcmp(e->chunk_type, "zeros") == 0;
	if (*e->chunk_type && !p->zeros)
		return bad(b, "kind of piece");
	return *e->chunk_digest ? set_digest(b, p, e->chunk_digest) : 0;
}

static int begin_file(struct building *b, struct entry *e)
{
	struct chunked_table *t = b->t;

	if (t->n_files >= FILES_MAX || e->size > TAR_SIZE_MAX)
		return err_new(-CE_LIMIT, "table of contents");
	if (!(t->n_files & (t->n_files - 1)))
		t->files = xreallocarray(t->files, t->n_files ? 2U * t->n_files : 1,
					 sizeof(*t->files));
	b->file = &t->files[t->n_files++];
	*b->file = (struct chunked_file){
		.name = TAKE_PTR(e->name), .size = e->size, .first = t->n_pieces};
	b->end = e->end;
	memcpy(b->digest, e->digest, sizeof(b->digest));
	t->bytes += e->size;
	return begin_piece(b, e);
}

static int add_entry(struct building *b, struct entry *e)
{
	int r;

	if (strcmp(e->type, "chunk") == 0) {
		if (!b->file || strcmp(b->file->name, e->name) != 0)
			return err_new(-CE_BAD_FORMAT, "table of contents: a piece of no file");
		r = end_piece(b, e->offset);
		return r < 0 ? r : begin_piece(b, e);
	}
	r = end_file(b);
	if (r == 0 && strcmp(e->type, "reg") == 0 && e->size)
		r = begin_file(b, e);
	return r;
}

static int take_entries(struct json_scan *s, struct building *b)
{
	int r = json_scan_open(s, '['), more = 0;

	while (r == 0 && (more = json_scan_element(s)) > 0) {
		AUTO(entry_done) struct entry e = {0};

		r = take_entry(s, &e);
		if (r == 0)
			r = add_entry(b, &e);
	}
	if (r == 0)
		r = more < 0 ? more : end_file(b);
	return r;
}

static int by_name(const void *a, const void *b)
{
	const struct chunked_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int sort_files(struct chunked_table *t)
{
	if (t->n_files)
		qsort(t->files, t->n_files, sizeof(*t->files), by_name);
	for (unsigned i = 1; i < t->n_files; i++)
		if (by_name(&t->files[i - 1], &t->files[i]) == 0)
			return err_new(-CE_UNSUPPORTED, "table of contents: '%.200s' twice",
				       t->files[i].name);
	return 0;
}

static int parse(struct json_scan *s, struct building *b)
{
	uint64_t version = 0;
	int r = json_scan_open(s, '{'), more = 0;

	while (r == 0 && (more = json_scan_key(s)) > 0) {
		if (strcmp(s->text.s, "entries") == 0 && !b->t->n_files)
			r = take_entries(s, b);
		else if (strcmp(s->text.s, "version") == 0)
			r = json_scan_u64(s, &version);
		else if (strcmp(s->text.s, "tarSplitDigest") == 0)
			r = take_string(s, b->t->split_digest, sizeof(b->t->split_digest));
		else
			r = json_scan_skip(s);
	}
	if (r == 0)
		r = more < 0 ? more : json_scan_end(s);
	if (r == 0 && (version != 1 || !digest_is_valid(b->t->split_digest)))
		r = err_new(-CE_UNSUPPORTED, "table of contents: version %llu, tar-split '%.20s'",
			    (unsigned long long)version, b->t->split_digest);
	return r < 0 ? r : sort_files(b->t);
}

int chunked_table_parse(const char *text, size_t n, uint64_t blob, struct chunked_table *ret)
{
	AUTO(chunked_table_done) struct chunked_table t = {0};
	struct building b = {.t = &t, .blob = blob};
	struct json_scan s;
	int r;

	json_scan_init(&s, text, n);
	r = parse(&s, &b);
	json_scan_done(&s);
	if (r < 0)
		return r;
	*ret = t;
	t = (struct chunked_table){0};
	return 0;
}

const struct chunked_file *chunked_table_find(const struct chunked_table *t, const char *name)
{
	const struct chunked_file key = {.name = (char *)(size_t)name};

	return t->n_files ? bsearch(&key, t->files, t->n_files, sizeof(*t->files), by_name) : NULL;
}

/* --- what is missing --------------------------------------------------------------------------- */

static int by_begin(const void *a, const void *b)
{
	const struct chunked_range *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static unsigned merge(struct chunked_range *v, unsigned n, uint64_t gap)
{
	unsigned out = 0;

	for (unsigned i = 1; i < n; i++) {
		if (v[i].begin <= v[out].end || v[i].begin - v[out].end <= gap) {
			if (v[i].end > v[out].end)
				v[out].end = v[i].end;
		} else {
			v[++out] = v[i];
		}
	}
	return n ? out + 1 : 0;
}

void chunked_table_missing(const struct chunked_table *t, unsigned max, struct chunked_range **ret,
			   unsigned *ret_n)
{
	struct chunked_range *v = xcalloc(t->n_pieces + 1UL, sizeof(*v));
	unsigned n = 0;

	for (unsigned i = 0; i < t->n_files; i++) {
		const struct chunked_file *f = &t->files[i];

		if (f->n > 1 && t->pieces[f->whole].path)
			continue;
		for (unsigned k = f->first; k < f->first + f->n; k++)
			if (!t->pieces[k].path && !t->pieces[k].zeros)
				v[n++] = (struct chunked_range){t->pieces[k].begin,
								t->pieces[k].end};
	}
	if (n)
		qsort(v, n, sizeof(*v), by_begin);
	/* A request costs about as much as what comes meanwhile; many of them make the server tired. */
	n = merge(v, n, GAP_MIN);
	for (uint64_t gap = GAP_MIN; n > max; gap *= 2)
		n = merge(v, n, gap);
	*ret = v;
	*ret_n = n;
}
