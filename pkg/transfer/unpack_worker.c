/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the unpack worker
 *
 * A fork of cuddy-transfer without exec: libcurl's and OpenSSL's pages are there already, and
 * nothing needs to be loaded once the root has changed (C03). It keeps four descriptors: the pipe
 * it reads the archive from, the pipe it reports on, the staging tree, the recipe it writes. Then, in this order:
 *   limits      before anything foreign is looked at
 *   root        the staging tree; wants CAP_SYS_ADMIN, so before capabilities go
 *   drop        threads inherit what is left
 *   threads     before seccomp, which then needs no clone(2) on its list
 *   seccomp     for all threads at once; only then is the first byte parsed
 * What it says is one message, written when all is done; its end of the pipe closing without one
 * means that it was killed.
 */
#include "pkg/transfer/unpack_worker.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/wire.h"
#include "pkg/sys/open.h"
#include "pkg/transfer/extract.h"
#include "pkg/transfer/jail.h"

enum { FD_INPUT = 0, FD_RESULT = 1, FD_NULL = 2, FD_TREE = 3, FD_RECIPE = 4, FD_COUNT };

/* --- the report -------------------------------------------------------------------------------- */

static void put_strv(struct sbuf *b, const struct strv *sv)
{
	wire_put_u32(b, (uint32_t)sv->n);
	for (size_t i = 0; i < sv->n; i++)
		wire_put_str(b, sv->v[i]);
}

static void get_strv(struct wire_reader *w, struct strv *sv)
{
	uint32_t n = wire_get_u32(w);

	for (uint32_t i = 0; i < n && !w->failed; i++) {
		const char *s = wire_get_str(w);

		strv_add(sv, s ? s : "");
	}
}

static void put_result(struct sbuf *b, const struct extract *x, const char *diffid,
		       struct recipe_writer *recipe)
{
	AUTO_STRV struct strv implied = STRV_INIT;

	extract_implied(x, &implied);
	wire_put_u32(b, 0);
	wire_put_str(b, "");
	wire_put_str(b, diffid);
	wire_put_u64(b, x->tree_bytes);
	wire_put_u64(b, x->entries);
	put_strv(b, &implied);
	put_strv(b, &x->links);
	put_strv(b, &x->notes);
	wire_put_u64(b, recipe_tar_bytes(recipe));
	wire_put_u32(b, recipe_end(recipe));
}

int unpack_reply_get(const struct sbuf *reply, struct unpack_result *ret)
{
	struct unpack_result u = {0};
	struct wire_reader w;
	const char *words, *diffid;
	int code;

	wire_reader_init(&w, reply->s, reply->len);
	code = -(int)wire_get_u32(&w);
	words = wire_get_str(&w);
	if (code < 0 && !w.failed)
		return err_set(code, words ? words : "");
	diffid = wire_get_str(&w);
	u.tree_bytes = wire_get_u64(&w);
	u.entries = wire_get_u64(&w);
	get_strv(&w, &u.implied);
	get_strv(&w, &u.links);
	get_strv(&w, &u.notes);
	u.tar_bytes = wire_get_u64(&w);
	u.has_recipe = wire_get_u32(&w) != 0;
	if (wire_failed(&w) || !diffid || strlen(diffid) != 64 || u.links.n % 2) {
		unpack_result_done(&u);
		return err_new(-CE_PROTOCOL, "unpack worker");
	}
	memcpy(u.diffid, diffid, sizeof(u.diffid));
	*ret = u;
	return 0;
}

/* --- the work ---------------------------------------------------------------------------------- */

/* Without a recipe, /dev/null stands in its place. */
static int keep_descriptors(int input, int result, const struct layer_stage *stage)
{
	int fds[FD_COUNT] = {input, result, -1, stage->tree_fd, stage->recipe_fd};

	fds[FD_NULL] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fds[FD_RECIPE] <= 0)
		fds[FD_RECIPE] = fds[FD_NULL];
	/* Out of the way first, so that none is overwritten by another's new place. */
	for (int i = 0; i < FD_COUNT; i++) {
		fds[i] = fds[i] < 0 ? -EBADF : fcntl(fds[i], F_DUPFD_CLOEXEC, 16);
		if (fds[i] < 0)
			return err_new(-errno, "keep descriptors");
	}
	for (int i = 0; i < FD_COUNT; i++)
		if (dup3(fds[i], i, O_CLOEXEC) < 0)
			return err_new(-errno, "keep descriptors");
	return fd_close_from(FD_COUNT, 1);
}

static void tell_recipe(void *data, const void *p, size_t n)
{
	recipe_raw(data, p, n);
}

static int unpack(struct feed *f, int root, struct recipe_writer *recipe,
		  const struct unpack_limits *l, struct sbuf *reply)
{
	struct extract_options o = {.max_entries = l->max_entries,
				    .file_marks = l->file_marks,
				    .single_id = l->single_id};
	struct tar *t = tar_new(f);
	struct extract x;
	char diffid[65];
	int r;

	extract_init(&x, root, &o);
	x.recipe = recipe;
	tar_on_framing(t, tell_recipe, recipe);
	feed_start(f);
	r = extract_all(&x, t);
	if (r == 0) {
		feed_sha256(f, diffid);
		put_result(reply, &x, diffid, recipe);
	}
	extract_done(&x);
	tar_free(t);
	return r;
}

static int work(enum layer_compression c, const struct unpack_limits *l, struct sbuf *reply)
{
	uint64_t max_bytes = l->max_bytes ? l->max_bytes : 64ULL << 30;
	struct jail_limits limits = {.memory_bytes = 2ULL << 30,
				     .file_bytes = max_bytes,
				     .files = DIR_FDS + 64,
				     .cpu_s = 4 * 3600};
	struct stream_limits sl = {.max_bytes = max_bytes, .image_layer = c == LAYER_OF_IMAGE};
	AUTO(stream_closep) struct stream *s = NULL;
	AUTO(feed_freep) struct feed *f = NULL;
	struct recipe_writer *recipe;
	AUTO_CLOSE int root = -EBADF;
	int r = jail_limits(&limits);

	if (r < 0)
		return r;
	root = jail_root(FD_TREE, false);
	if (root < 0)
		return root;
	r = jail_drop();
	if (r == 0)
		r = stream_decode(stream_from_fd(FD_INPUT),
				  c == LAYER_PLAIN ? STREAM_PLAIN : STREAM_DETECT, &sl, &s);
	if (r < 0)
		return r;
	f = feed_new(TAKE_PTR(s), !l->one_thread);
	recipe = recipe_writer_new(FD_RECIPE);
	r = jail_seccomp();
	if (r == 0)
		r = unpack(f, root, recipe, l, reply);
	recipe_writer_free(recipe);
	return r;
}

_Noreturn void unpack_worker(int input, int result, const struct layer_stage *stage,
			     enum layer_compression c, const struct unpack_limits *l)
{
	AUTO_SBUF struct sbuf reply = SBUF_INIT;
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "cuddy-unpack");
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_IGN); /* EFBIG says it better */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)umask(0);
	r = keep_descriptors(input, result, stage);
	if (r == 0)
		r = work(c, l, &reply);
	if (r < 0) {
		sbuf_reset(&reply);
		wire_put_u32(&reply, (uint32_t)-r);
		wire_put_str(&reply, err_trail());
	}
	_exit(write_full(FD_RESULT, reply.s, reply.len) < 0 || r < 0);
}
