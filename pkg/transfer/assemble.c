/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/assemble.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/archive/stream.h"
#include "pkg/archive/tar.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"
#include "pkg/base/wire.h"
#include "pkg/json/scan.h"
#include "pkg/oci/digest.h"
#include "pkg/sys/open.h"
#include "pkg/transfer/jail.h"
#include "storage/layer.h"

#define PIECE (256U << 10)
#define PLAIN_MAX (64ULL << 30)
#define RATIO_MAX 200U /* as where a whole blob is unpacked (L12) */
#define RATIO_FLOOR (64ULL << 20)
#define LINE_MAX_BYTES (32U << 20)
#define PLAN_MAX (64U << 10)

struct work {
	const struct assembly *a;
	int root; /* the layers */
	struct chunked_table table;
	unsigned char buf[PIECE];
};

/* --- the documents ----------------------------------------------------------------------------- */

static int check_sum(const void *p, size_t n, const char *digest, const char *what)
{
	char hex[65];

	sha256_hex(p, n, hex);
	return strcmp(digest_hex(digest), hex) == 0 ? 0 : err_new(-CE_BAD_DIGEST, "%s", what);
}

static int read_table(struct work *w)
{
	const struct chunked *c = w->a->chunked;
	struct stream_limits l = {.max_bytes = c->table.plain};
	AUTO(stream_closep) struct stream *s = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	ssize_t got;
	int r = check_sum(w->a->table, c->table.bytes, c->digest, "table of contents");

	if (r == 0)
		r = stream_decode(stream_from_memory(w->a->table, c->table.bytes), STREAM_ZSTD, &l,
				  &s);
	while (r == 0 && (got = stream_read(s, w->buf, PIECE)) != 0) {
		if (got < 0)
			return (int)got;
		sbuf_add(&text, w->buf, (size_t)got);
	}
	if (r == 0)
		r = chunked_table_parse(text.s, text.len, c->table.offset, &w->table);
	if (r == 0)
		r = check_sum(w->a->split, c->split.bytes, w->table.split_digest, "tar-split");
	if (r == 0 &&
	    (w->table.bytes > PLAIN_MAX ||
	     (w->table.bytes > RATIO_FLOOR && w->table.bytes / RATIO_MAX > w->a->blob_bytes)))
		r = err_new(-CE_LIMIT, "the archive expands to more than %u times its size",
			    RATIO_MAX);
	return r;
}

/* What this layer will have, for others. */
static int write_where(struct work *w)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char path[TAR_PATH_MAX + 1];
	int r;

	if (w->a->where < 0)
		return 0;
	sbuf_adds(&b, CHUNKED_WHERE_MAGIC);
	for (unsigned i = 0; i < w->table.n_files; i++) {
		const struct chunked_file *f = &w->table.files[i];
		uint64_t at = 0;

		if (tar_clean_path(f->name, strlen(f->name), path) < 0 || !*path) {
			err_drop();
			continue;
		}
		for (unsigned k = f->first; k < f->first + f->n + (f->n > 1); k++) {
			const struct chunked_piece *p =
				&w->table.pieces[k < f->first + f->n ? k : f->whole];
			struct chunked_where one = {.offset = k < f->first + f->n ? at : 0,
						    .size = p->size,
						    .path = path};

			at += p->size;
			memcpy(one.digest, p->digest, sizeof(one.digest));
			if (!p->zeros)
				chunked_where_put(&b, &one);
		}
	}
	r = write_full(w->a->where, b.s, b.len);
	return r < 0 ? err_new(r, "write the digests of a layer") : 0;
}

/* --- what is here ------------------------------------------------------------------------------ */

static int by_digest(const void *a, const void *b)
{
	const struct chunked_piece *x = *(struct chunked_piece *const *)a;
	const struct chunked_piece *y = *(struct chunked_piece *const *)b;

	return memcmp(x->digest, y->digest, 64);
}

struct wanted {
	struct chunked_piece **v;
	unsigned n;
};

static void wanted_done(struct wanted *w)
{
	free(w->v);
}

static void take_record(struct wanted *w, const char *diffid, const struct chunked_where *rec)
{
	unsigned low = 0, high = w->n;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (memcmp(w->v[mid]->digest, rec->digest, 64) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < w->n && memcmp(w->v[low]->digest, rec->digest, 64) == 0; low++) {
		if (w->v[low]->path || w->v[low]->size != rec->size)
			continue;
		w->v[low]->path = xasprintf("%s/tree/%s", diffid, rec->path);
		w->v[low]->at = rec->offset;
	}
}

static void look_into(struct work *w, struct wanted *wanted, const char *diffid)
{
	AUTO_FREE char *path = xasprintf("%s/digests", diffid);
	AUTO_CLOSE int fd = openat(w->root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct chunked_where rec;
	size_t at = strlen(CHUNKED_WHERE_MAGIC), n;
	struct stat sb;
	char *text;

	if (fd < 0 || fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode) || (size_t)sb.st_size <= at)
		return;
	n = (size_t)sb.st_size;
	text = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return;
	if (memcmp(text, CHUNKED_WHERE_MAGIC, at) == 0)
		while (chunked_where_next(text, n, &at, &rec))
			take_record(wanted, diffid, &rec);
	(void)munmap(text, n);
}

static int look_around(struct work *w)
{
	AUTO(wanted_done) struct wanted wanted = {0};
	AUTO_CLOSEDIR DIR *d = NULL;
	int fd = openat(w->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_new(-errno, "list the layers");
	wanted.v = xcalloc(w->table.n_pieces + 1UL, sizeof(struct chunked_piece *));
	for (unsigned i = 0; i < w->table.n_pieces; i++)
		if (!w->table.pieces[i].zeros)
			wanted.v[wanted.n++] = &w->table.pieces[i];
	if (wanted.n)
		qsort(wanted.v, wanted.n, sizeof(struct chunked_piece *), by_digest);
	while ((e = readdir(d)) != NULL)
		if (hex_is_exactly(e->d_name, 64))
			look_into(w, &wanted, e->d_name);
	return 0;
}

/* At its place in the file, or a code without a trail. */
static int open_here(struct work *w, const struct chunked_piece *p)
{
	AUTO_CLOSE int fd = open_in(w->root, p->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	struct stat sb;

	err_drop();
	if (fd < 0 || fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode) || p->at > (uint64_t)sb.st_size ||
	    p->size > (uint64_t)sb.st_size - p->at || lseek(fd, (off_t)p->at, SEEK_SET) < 0)
		return -ENOENT;
	return TAKE_FD(fd);
}

static bool is_still(struct work *w, const struct chunked_piece *p)
{
	AUTO_CLOSE int fd = open_here(w, p);
	struct sha256 sum;
	char hex[65];

	sha256_init(&sum);
	for (uint64_t left = p->size; fd >= 0 && left;) {
		ssize_t got = read(fd, w->buf, left < PIECE ? (size_t)left : PIECE);

		if (got <= 0)
			return false;
		sha256_add(&sum, w->buf, (size_t)got);
		left -= (uint64_t)got;
	}
	sha256_end_hex(&sum, hex);
	return fd >= 0 && strcmp(hex, p->digest) == 0;
}

/* Somebody may have changed the files, or the records be those of a liar. */
static void verify(struct work *w)
{
	for (unsigned i = 0; i < w->table.n_files; i++) {
		const struct chunked_file *f = &w->table.files[i];
		struct chunked_piece *p = w->table.pieces;

		if (f->n > 1 && p[f->whole].path && !is_still(w, &p[f->whole]))
			p[f->whole].path = NULL;
		if (f->n > 1 && p[f->whole].path)
			continue;
		for (unsigned k = f->first; k < f->first + f->n; k++)
			if (p[k].path && !is_still(w, &p[k]))
				p[k].path = NULL;
	}
}

static int plan(struct work *w, struct sbuf *reply)
{
	AUTO_FREE struct chunked_range *v = NULL;
	uint64_t sum = 0;
	unsigned n = 0;
	int r = read_table(w);

	if (r == 0)
		r = write_where(w);
	if (r == 0)
		r = look_around(w);
	if (r < 0)
		return r;
	verify(w);
	chunked_table_missing(&w->table, ASSEMBLE_RANGES_MAX, &v, &n);
	for (unsigned i = 0; i < n; i++)
		sum += v[i].end - v[i].begin;
	wire_put_u32(reply, 0);
	wire_put_str(reply, "");
	/* A quarter is what it must save to be worth requests of its own. */
	wire_put_u32(reply, sum / 3 > w->a->blob_bytes / 4);
	wire_put_u32(reply, n);
	for (unsigned i = 0; i < n; i++) {
		wire_put_u64(reply, v[i].begin);
		wire_put_u64(reply, v[i].end);
	}
	return 0;
}

/* --- the archive ------------------------------------------------------------------------------- */

static int emit(struct work *w, const void *p, size_t n)
{
	int r = write_full(w->a->out, p, n);

	return r < 0 ? err_new(r, "write the archive") : 0;
}

static int emit_zeros(struct work *w, uint64_t n)
{
	memset(w->buf, 0, PIECE);
	for (int r; n; n -= n < PIECE ? n : PIECE) {
		r = emit(w, w->buf, n < PIECE ? (size_t)n : PIECE);
		if (r < 0)
			return r;
	}
	return 0;
}

static int emit_here(struct work *w, const struct chunked_piece *p)
{
	AUTO_CLOSE int fd = open_here(w, p);

	if (fd < 0)
		return err_new(-CE_CORRUPT, "%s is gone", p->path);
	for (uint64_t left = p->size; left;) {
		ssize_t got = read(fd, w->buf, left < PIECE ? (size_t)left : PIECE);
		int r = got <= 0 ? err_new(-CE_CORRUPT, "%s", p->path)
				 : emit(w, w->buf, (size_t)got);

		if (r < 0)
			return r;
		left -= (uint64_t)got;
	}
	return 0;
}

/* A range of the file with what was fetched. */
struct part {
	struct stream base;
	int fd;
	uint64_t left;
};

static ssize_t part_read(struct stream *s, void *p, size_t n)
{
	struct part *f = (struct part *)s;
	ssize_t got = read(f->fd, p, n < f->left ? n : (size_t)f->left);

	if (got < 0)
		return err_new(-errno, "read what was fetched");
	f->left -= (uint64_t)got;
	return got;
}

static void part_free(struct stream *s)
{
	free(s);
}

static int emit_fetched(struct work *w, const struct chunked_piece *p)
{
	static const struct stream_ops ops = {part_read, part_free};
	struct stream_limits l = {.max_bytes = p->size, .max_ratio = 1U << 20};
	AUTO(stream_closep) struct stream *s = NULL;
	struct part *f = xcalloc(1, sizeof(*f));
	uint64_t left = p->size;
	struct sha256 sum;
	ssize_t got;
	char hex[65];
	int r;

	f->base.ops = &ops;
	f->fd = w->a->parts;
	f->left = p->end - p->begin;
	r = lseek(f->fd, (off_t)p->begin, SEEK_SET) < 0 ? err_new(-errno, "what was fetched") : 0;
	if (r < 0) {
		free(f);
		return r;
	}
	r = stream_decode(&f->base, STREAM_ZSTD, &l, &s);
	sha256_init(&sum);
	while (r == 0 && (got = stream_read(s, w->buf, PIECE)) != 0) {
		if (got < 0)
			return (int)got;
		sha256_add(&sum, w->buf, (size_t)got);
		left -= (uint64_t)got; /* no more than that: the limit */
		r = emit(w, w->buf, (size_t)got);
	}
	sha256_end_hex(&sum, hex);
	if (r == 0 && (left || strcmp(hex, p->digest) != 0))
		r = err_new(-CE_BAD_DIGEST, "a piece of the blob");
	return r;
}

static int emit_file(struct work *w, const char *name, uint64_t size)
{
	const struct chunked_file *f = chunked_table_find(&w->table, name);
	const struct chunked_piece *p = w->table.pieces;
	int r = 0;

	if (!f || f->size != size)
		return err_new(-CE_BAD_FORMAT, "tar-split: '%.200s'", name);
	if (f->n > 1 && p[f->whole].path)
		return emit_here(w, &p[f->whole]);
	for (unsigned k = f->first; r == 0 && k < f->first + f->n; k++)
		r = p[k].zeros  ? emit_zeros(w, p[k].size)
		    : p[k].path ? emit_here(w, &p[k])
				: emit_fetched(w, &p[k]);
	return r;
}

static int follow_line(struct work *w, const char *line, size_t n)
{
	AUTO_SBUF struct sbuf name = SBUF_INIT, bytes = SBUF_INIT, payload = SBUF_INIT;
	uint64_t type = 0, size = 0;
	struct json_scan s;
	int r, more = 0;

	json_scan_init(&s, line, n);
	r = json_scan_open(&s, '{');
	while (r == 0 && (more = json_scan_key(&s)) > 0) {
		bool is_name = strcmp(s.text.s, "name") == 0;

		if (strcmp(s.text.s, "type") == 0) {
			r = json_scan_u64(&s, &type);
		} else if (strcmp(s.text.s, "size") == 0) {
			r = json_scan_u64(&s, &size);
		} else if (is_name || (strcmp(s.text.s, "payload") == 0 && !json_scan_null(&s))) {
			struct sbuf *to = is_name ? &name : &payload;

			r = json_scan_string(&s);
			sbuf_reset(to);
			sbuf_add(to, s.text.s, s.text.len);
		} else if (strcmp(s.text.s, "payload") != 0) {
			r = json_scan_skip(&s);
		}
	}
	if (r == 0)
		r = more < 0 ? more : json_scan_end(&s);
	json_scan_done(&s);
	if (r < 0 || (type == 1 && size == 0))
		return r;
	if (type == 1)
		return emit_file(w, name.s, size);
	if (type != 2 || base64_decode(payload.s, &bytes) < 0)
		return err_new(-CE_BAD_FORMAT, "tar-split");
	return emit(w, bytes.s, bytes.len);
}

static int follow_split(struct work *w)
{
	const struct chunked *c = w->a->chunked;
	struct stream_limits l = {.max_bytes = c->split.plain};
	AUTO(stream_closep) struct stream *s = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_FREE char *buf = xmalloc(PIECE);
	ssize_t got = 0;
	int r = stream_decode(stream_from_memory(w->a->split, c->split.bytes), STREAM_ZSTD, &l, &s);

	while (r == 0 && (got = stream_read(s, buf, PIECE)) > 0) {
		char *begin, *end;

		sbuf_add(&text, buf, (size_t)got);
		begin = text.s;
		while (r == 0 && (end = memchr(begin, '\n', text.len - (size_t)(begin - text.s)))) {
			r = follow_line(w, begin, (size_t)(end - begin));
			begin = end + 1;
		}
		text.len -= (size_t)(begin - text.s);
		memmove(text.s, begin, text.len);
		if (r == 0 && text.len > LINE_MAX_BYTES)
			r = err_new(-CE_LIMIT, "tar-split: a line");
	}
	if (r == 0 && got == 0 && text.len)
		r = follow_line(w, text.s, text.len);
	return r < 0 ? r : (int)got;
}

/* --- the child --------------------------------------------------------------------------------- */

static int enter_jail(struct work *w)
{
	struct jail_limits limits = {.memory_bytes = 2ULL << 30,
				     .file_bytes = PLAIN_MAX,
				     .files = 64,
				     .cpu_s = 4 * 3600};
	int r = jail_limits(&limits);

	if (r == 0)
		w->root = r = jail_root(w->a->layers, true);
	if (r >= 0)
		r = jail_drop();
	return r == 0 ? jail_seccomp() : r;
}

/* These and standard error are all that it keeps: connections are open around it. */
static int keep_descriptors(struct assembly *a, int *plan_fd, int *go_fd)
{
	int *const fds[] = {&a->layers, &a->parts, &a->out, plan_fd, go_fd, &a->where};
	int n = a->where < 0 ? 5 : 6;

	for (int i = 0; i < n; i++) {
		*fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, 16);
		if (*fds[i] < 0)
			return err_new(-errno, "keep descriptors");
	}
	for (int i = 0; i < n; i++) {
		if (dup3(*fds[i], 3 + i, O_CLOEXEC) < 0)
			return err_new(-errno, "keep descriptors");
		*fds[i] = 3 + i;
	}
	return fd_close_from(3 + (unsigned)n, 1);
}

_Noreturn static void child(const struct assembly *inherited, int plan_fd, int go_fd)
{
	struct assembly own = *inherited, *a = &own;
	struct work *w = xcalloc(1, sizeof(*w));
	AUTO_SBUF struct sbuf reply = SBUF_INIT;
	char go;
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "cuddy-assemble");
	(void)mallopt(M_ARENA_MAX, 1);
	(void)signal(SIGPIPE, SIG_IGN);
	w->a = a;
	r = keep_descriptors(a, &plan_fd, &go_fd);
	if (r == 0)
		r = enter_jail(w);
	if (r == 0)
		r = plan(w, &reply);
	if (r < 0) {
		sbuf_reset(&reply);
		wire_put_u32(&reply, (uint32_t)-r);
		wire_put_str(&reply, err_trail());
	}
	if (write_full(plan_fd, reply.s, reply.len) < 0 || r < 0 || close(plan_fd) < 0 ||
	    read(go_fd, &go, 1) != 1)
		_exit(1);
	r = follow_split(w);
	if (r < 0)
		log_debug("assemble", "%s", err_trail());
	_exit(r < 0);
}

int assemble_start(const struct assembly *a, struct assembler *ret)
{
	int plan_pipe[2] = {-EBADF, -EBADF}, go[2] = {-EBADF, -EBADF};
	int r = pipe2(plan_pipe, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0
			? err_new(-errno, "pipe")
			: 0;
	pid_t pid = -1;

	if (r == 0) {
		pid = fork();
		if (pid == 0) {
			(void)close(plan_pipe[0]);
			(void)close(go[1]);
			child(a, plan_pipe[1], go[0]);
		}
		if (pid < 0)
			r = err_new(-errno, "fork");
	}
	closep(&plan_pipe[1]);
	closep(&go[0]);
	if (r < 0) {
		closep(&plan_pipe[0]);
		closep(&go[1]);
		return r;
	}
	*ret = (struct assembler){.pid = pid, .plan = plan_pipe[0], .go = go[1]};
	return 0;
}

int assemble_plan(struct assembler *a, struct chunked_range **ret, unsigned *ret_n)
{
	AUTO_FREE struct chunked_range *v = NULL;
	AUTO_FREE char *buf = xmalloc(PLAN_MAX);
	ssize_t got = read_upto(a->plan, buf, PLAN_MAX);
	struct wire_reader r;
	const char *words;
	uint32_t n, little;
	int code;

	closep(&a->plan);
	if (got <= 0)
		return err_new(-CE_PROTOCOL, "the reader of its table of contents died");
	wire_reader_init(&r, buf, (size_t)got);
	code = -(int)wire_get_u32(&r);
	words = wire_get_str(&r);
	if (code < 0 && !r.failed)
		return err_set(code, words ? words : "");
	little = wire_get_u32(&r);
	n = wire_get_u32(&r);
	if (n > ASSEMBLE_RANGES_MAX)
		return err_new(-CE_PROTOCOL, "plan");
	v = xcalloc(n + 1UL, sizeof(*v));
	for (uint32_t i = 0; i < n; i++) {
		v[i].begin = wire_get_u64(&r);
		v[i].end = wire_get_u64(&r);
	}
	if (wire_failed(&r))
		return err_new(-CE_PROTOCOL, "plan");
	*ret = TAKE_PTR(v);
	*ret_n = n;
	return little != 0;
}

int assemble_go(struct assembler *a)
{
	int r = write_full(a->go, "g", 1);

	closep(&a->go);
	return r < 0 ? err_new(r, "start the assembler") : 0;
}

void assemble_end(struct assembler *a)
{
	if (a->pid <= 0)
		return;
	(void)kill(a->pid, SIGKILL); /* our own child, not yet reaped */
	while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR)
		;
	closep(&a->plan);
	closep(&a->go);
	*a = (struct assembler){0};
}
