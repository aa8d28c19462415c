/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/bundle.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/archive/tar.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"
#include "pkg/transfer/source.h"

#define MEMBERS_MAX 4096
#define DOCUMENT_MAX (4U << 20)
#define DOCUMENTS_MAX (64U << 20)
#define WORKERS_MAX 4 /* still working while the next member streams by */

/* --- members ----------------------------------------------------------------------------------- */

static struct member *find(const struct bundle *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->v[i]->name, name) == 0)
			return b->v[i];
	return NULL;
}

static void member_clear(struct bundle *b, struct member *m)
{
	if (m->sink.running)
		b->n_running--;
	sink_done(b->ctx, &m->sink);
	b->doc_bytes -= m->doc.len;
	sbuf_done(&m->doc);
	free(m->target);
	m->target = NULL;
	m->doc = (struct sbuf)SBUF_INIT;
}

/* As when unpacking: of two members with one name, the later counts. */
static int member_new(struct bundle *b, const char *name, enum member_kind kind,
		      struct member **ret)
{
	struct member *m = find(b, name);

	if (m) {
		member_clear(b, m);
	} else {
		if (b->n == MEMBERS_MAX)
			return err_new(-CE_LIMIT, "more than %d members",
				       MEMBERS_MAX);
		if (b->n == b->cap) {
			b->cap = b->cap ? 2 * b->cap : 32;
			b->v = xreallocarray(b->v, b->cap, sizeof(struct member *));
		}
		m = xcalloc(1, sizeof(*m));
		m->name = xstrdup(name);
		m->doc = (struct sbuf)SBUF_INIT;
		b->v[b->n++] = m;
	}
	m->kind = kind;
	*ret = m;
	return 0;
}

void bundle_done(struct bundle *b)
{
	for (size_t i = 0; i < b->n; i++) {
		member_clear(b, b->v[i]);
		free(b->v[i]->name);
		free(b->v[i]);
	}
	free(b->v);
	closep(&b->dir);
	*b = (struct bundle){.dir = -EBADF};
}

/* Never more than a few workers: the oldest is waited for. */
static void wait_for_room(struct bundle *b)
{
	for (size_t i = 0; i < b->n && b->n_running >= WORKERS_MAX; i++) {
		if (!b->v[i]->sink.running)
			continue;
		sink_finish(&b->v[i]->sink);
		b->n_running--;
	}
}

/* --- an archive -------------------------------------------------------------------------------- */

/* These are documents whatever they hold; anything else is judged by its first bytes. */
static bool is_list(const char *name)
{
	return strcmp(name, "manifest.json") == 0 || strcmp(name, "index.json") == 0 ||
	       strcmp(name, "oci-layout") == 0;
}

const char *bundle_blob_hex(const struct bundle *b, const char *name)
{
	if (strncmp(name, "blobs/sha256/", 13) == 0)
		return name + 13;
	/* A directory of podman's transport "dir". */
	return b->dir >= 0 && hex_is_exactly(name, 64) ? name : NULL;
}

static bool looks_like_layer(const unsigned char *p, size_t n)
{
	enum stream_format f = STREAM_PLAIN;

	if (stream_detect(p, n, &f) < 0)
		return false;
	if (f != STREAM_PLAIN)
		return true;
	/* The magic of a header, or the zeros of an empty archive; v7 has none and is not guessed. */
	return n >= 512 &&
	       (memcmp(p + 257, "ustar", 5) == 0 || (p[0] == 0 && memcmp(p, p + 1, 511) == 0));
}

static bool looks_like_json(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\n' || p[i] == '\t' || p[i] == '\r'))
		i++;
	return i < n && (p[i] == '{' || p[i] == '[');
}

static int keep_document(struct bundle *b, struct tar *t, const struct tar_entry *e,
			 const unsigned char *p, size_t n)
{
	struct member *m;
	ssize_t got = (ssize_t)n;
	int r;

	if (e->size > DOCUMENT_MAX || b->doc_bytes + e->size > DOCUMENTS_MAX)
		return is_list(e->path) ? err_new(-CE_LIMIT, "%s has %llu bytes", e->path,
						  (unsigned long long)e->size)
					: 0;
	r = member_new(b, e->path, MEMBER_DOCUMENT, &m);
	for (; r == 0 && got > 0; got = tar_content(t, &p))
		sbuf_add(&m->doc, p, (size_t)got);
	if (r == 0)
		b->doc_bytes += m->doc.len;
	return r < 0 ? r : (int)got;
}

static int stream_layer(struct bundle *b, struct tar *t, const struct tar_entry *e,
			const unsigned char *p, size_t n)
{
	struct member *m;
	ssize_t got = (ssize_t)n;
	int r = member_new(b, e->path, MEMBER_LAYER, &m);

	if (r < 0)
		return r;
	wait_for_room(b);
	r = sink_open(b->ctx, &m->sink, LAYER_OF_IMAGE, bundle_blob_hex(b, e->path) != NULL);
	if (r < 0)
		return r;
	b->n_running++;
	for (; got > 0; got = tar_content(t, &p)) {
		r = sink_write(&m->sink, p, (size_t)got);
		if (r == 0)
			r = transfer_cancelled(b->ctx);
		if (r < 0)
			return r;
	}
	closep(&m->sink.job.input_fd); /* the worker may finish while we read on */
	return (int)got;
}

/* Older archives link a layer that several images share; the name is all that is taken from it. */
static int keep_link(struct bundle *b, const struct tar_entry *e)
{
	const char *slash = strrchr(e->path, '/');
	AUTO_FREE char *joined = NULL, *clean = NULL;
	struct member *m;
	int r;

	if (is_list(e->path))
		return err_new(-CE_BAD_FORMAT, "%s is a link", e->path);
	if (e->type == TAR_HARDLINK || !slash)
		joined = xstrdup(e->link);
	else
		joined = xasprintf("%.*s/%s", (int)(slash - e->path), e->path, e->link);
	clean = path_clean(joined);
	if (clean[0] == '/' || strncmp(clean, "..", 2) == 0)
		return 0; /* leads nowhere: whoever names it will not find it */
	r = member_new(b, e->path, MEMBER_LINK, &m);
	if (r == 0)
		m->target = TAKE_PTR(clean);
	return r;
}

static int take_member(struct bundle *b, struct tar *t, const struct tar_entry *e)
{
	const unsigned char *p = NULL;
	ssize_t got;

	if (e->type == TAR_SYMLINK || e->type == TAR_HARDLINK)
		return keep_link(b, e);
	if (e->type != TAR_FILE)
		return 0;
	got = e->size ? tar_content(t, &p) : 0;
	if (got < 0)
		return (int)got;
	if (is_list(e->path) || (got && looks_like_json(p, (size_t)got)))
		return keep_document(b, t, e, p, (size_t)got);
	/* The feed's pieces are multiples of a block, so a layer's first block is whole. */
	return looks_like_layer(p, (size_t)got) ? stream_layer(b, t, e, p, (size_t)got) : 0;
}

static int read_archive(struct bundle *b, int fd)
{
	AUTO(stream_closep) struct stream *s = NULL;
	AUTO(feed_freep) struct feed *f = NULL;
	AUTO(tar_freep) struct tar *t = NULL;
	struct tar_entry e;
	int r = stream_decode(source_new(b->ctx, fd), STREAM_DETECT, NULL, &s);

	if (r < 0)
		return r;
	f = feed_new_plain(TAKE_PTR(s));
	t = tar_new(f);
	while ((r = tar_next(t, &e)) > 0) {
		r = take_member(b, t, &e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < b->n; i++)
		sink_finish(&b->v[i]->sink);
	b->n_running = 0;
	return r;
}

/* --- a directory ------------------------------------------------------------------------------- */

static int open_beneath_dir(const struct bundle *b, const char *name)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	struct stat st;
	long fd = syscall(SYS_openat2, b->dir, name, &how, sizeof(how));

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_new(-errno, "open %s", name);
	if (fstat((int)fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close((int)fd);
		return err_new(-CE_BAD_FORMAT, "%s is not a regular file", name);
	}
	return (int)fd;
}

static int document_of_dir(struct bundle *b, const char *name)
{
	AUTO_CLOSE int fd = open_beneath_dir(b, name);
	struct member *m;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = member_new(b, name, MEMBER_DOCUMENT, &m);
	if (r == 0) {
		r = file_read_fd(fd, DOCUMENT_MAX, &m->doc);
		b->doc_bytes += m->doc.len;
	}
	if (r == 0 && b->doc_bytes > DOCUMENTS_MAX)
		r = err_new(-CE_LIMIT, "more than %u MiB of documents", DOCUMENTS_MAX >> 20);
	return r < 0 ? err_wrap(r, "%s", name) : 0;
}

static int layer_of_dir(struct bundle *b, const char *name)
{
	AUTO_CLOSE int fd = open_beneath_dir(b, name);
	AUTO_FREE unsigned char *buf = xmalloc(256U << 10);
	struct member *m;
	ssize_t got;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = member_new(b, name, MEMBER_LAYER, &m);
	if (r < 0)
		return r;
	r = sink_open(b->ctx, &m->sink, LAYER_OF_IMAGE, bundle_blob_hex(b, name) != NULL);
	while (r == 0 && (got = read(fd, buf, 256U << 10)) != 0) {
		r = got < 0 ? err_new(-errno, "read %s", name)
			    : sink_write(&m->sink, buf, (size_t)got);
		if (r == 0)
			r = transfer_cancelled(b->ctx);
	}
	sink_finish(&m->sink);
	return r;
}

/* --- both -------------------------------------------------------------------------------------- */

int bundle_open(struct transfer_ctx *ctx, int fd, struct bundle *ret)
{
	struct stat st;

	*ret = (struct bundle){.ctx = ctx, .dir = -EBADF};
	if (fstat(fd, &st) < 0)
		return err_new(-errno, "stat");
	if (!S_ISDIR(st.st_mode))
		return read_archive(ret, fd);
	ret->dir = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return ret->dir < 0 ? err_new(-errno, "keep the directory") : 0;
}

int bundle_document(struct bundle *b, const char *name, size_t max, const struct sbuf **ret)
{
	struct member *m = find(b, name);
	int r = 0;

	*ret = NULL;
	if (!m && b->dir >= 0)
		r = document_of_dir(b, name);
	if (r < 0)
		return r;
	m = find(b, name);
	if (!m || m->kind != MEMBER_DOCUMENT)
		return 0;
	if (m->doc.len > max)
		return err_new(-CE_LIMIT, "%s has %zu bytes", name, m->doc.len);
	*ret = &m->doc;
	return 0;
}

int bundle_layer(struct bundle *b, const char *name, struct layer_sink **ret)
{
	struct member *m = find(b, name);
	int r = 0;

	for (int i = 0; m && m->kind == MEMBER_LINK && i < 8; i++)
		m = find(b, m->target);
	if (!m && b->dir >= 0) {
		r = layer_of_dir(b, name);
		m = find(b, name);
	}
	if (r < 0)
		return r;
	if (!m || m->kind != MEMBER_LAYER)
		return err_new(-CE_BAD_FORMAT, "'%.200s' is %s", name,
			       m ? "not a layer" : "missing");
	r = sink_error(&m->sink);
	if (r < 0)
		return err_wrap(r, "layer '%.200s'", name);
	*ret = &m->sink;
	return 0;
}
