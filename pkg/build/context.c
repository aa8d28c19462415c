/* SPDX-License-Identifier: MIT */
/*
 * Contexts that are not a directory: a tar on standard input, what a URL gives (a tar or only a
 * Containerfile), a repository. They become a directory of ours below staging/, and are used like any
 * other from there.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/build/archive_kind.h"
#include "pkg/build/remote.h"
#include "pkg/sys/open.h"

static int make_place(struct builder *b)
{
	int r = step_enter(b);

	return r < 0 ? r : layer_stage_begin(b->st, &b->context_stage);
}

/* A file without a name beside the directory. */
static int spool(struct builder *b)
{
	AUTO_FREE char *path = store_path(b->st, STORE_STAGING, b->context_stage.name);
	int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? err_new(-errno, "make a file in %s", path) : fd;
}

static int take_archive(struct builder *b, int fd)
{
	int r = lseek(fd, 0, SEEK_SET) < 0 ? err_new(-errno, "seek") : 0;

	if (r == 0)
		r = remote_untar(b, fd, b->context_stage.tree_fd);
	if (r == 0)
		b->context = fd_dup(b->context_stage.tree_fd);
	return r < 0 ? r : b->context < 0 ? b->context : 0;
}

/* An archive becomes the context, anything else is a Containerfile without one. */
static int take_file(struct builder *b, int fd)
{
	char head[ARCHIVE_HEAD];
	ssize_t n = lseek(fd, 0, SEEK_SET) < 0 ? -errno : read_upto(fd, head, sizeof(head));
	off_t size = lseek(fd, 0, SEEK_END);

	if (n < 0 || size < 0)
		return err_new(n < 0 ? (int)n : -errno, "read the context");
	if (archive_is(head, (size_t)n))
		return take_archive(b, fd);
	if ((uint64_t)size > BUILD_FILE_MAX)
		return err_new(-CE_LIMIT,
			       "neither an archive nor a Containerfile of at most %lu bytes",
			       BUILD_FILE_MAX);
	sbuf_grow(&b->stdin_text, (size_t)size + 1);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_new(-errno, "seek");
	n = read_upto(fd, b->stdin_text.s, (size_t)size);
	if (n < 0)
		return err_new((int)n, "read the Containerfile");
	b->stdin_text.len = (size_t)n;
	b->stdin_text.s[n] = '\0';
	return 0;
}

static int from_stdin(struct builder *b)
{
	char head[ARCHIVE_HEAD];
	AUTO_CLOSE int fd = -EBADF;
	ssize_t n = read_upto(STDIN_FILENO, head, sizeof(head));
	int r;

	if (n < 0)
		return err_new((int)n, "read standard input");
	if (!archive_is(head, (size_t)n)) {
		sbuf_add(&b->stdin_text, head, (size_t)n);
		sbuf_grow(&b->stdin_text, BUILD_FILE_MAX + 1);
		n = read_upto(STDIN_FILENO, b->stdin_text.s + b->stdin_text.len,
			      BUILD_FILE_MAX + 1);
		if (n < 0)
			return err_new((int)n, "read standard input");
		b->stdin_text.len += (size_t)n;
		b->stdin_text.s[b->stdin_text.len] = '\0';
		return 0;
	}
	r = make_place(b);
	fd = r < 0 ? r : spool(b);
	if (fd < 0)
		return fd;
	r = write_full(fd, head, (size_t)n);
	if (r < 0)
		return err_new(r, "copy the context");
	r = copy_stream(STDIN_FILENO, fd);
	if (r < 0)
		return err_new(r, "copy the context");
	r = take_archive(b, fd);
	return r < 0 ? err_wrap(r, "standard input") : 0;
}

static int from_url(struct builder *b)
{
	AUTO_CLOSE int fd = -EBADF;
	int r = make_place(b);

	fd = r < 0 ? r : spool(b);
	r = fd < 0 ? fd : remote_fetch_judged(b, b->o->context, fd);
	return r < 0 ? r : take_file(b, fd);
}

static bool keeps_git_dir(const struct builder *b)
{
	const char *v = strv_env_get(&b->o->build_args, "BUILDKIT_CONTEXT_KEEP_GIT_DIR");
	bool on = false;

	return v && parse_bool(v, &on) == 0 && on;
}

static int from_git(struct builder *b)
{
	AUTO(git_source_done) struct git_source g = {0};
	AUTO_FREE char *top = NULL, *path = NULL;
	int r = make_place(b);

	if (r < 0)
		return r;
	top = store_path(b->st, STORE_STAGING, b->context_stage.name);
	path = path_join(top, "tree");
	r = git_checkout_judged(b, b->o->context, path, keeps_git_dir(b), &g);
	if (r < 0)
		return r;
	b->context = open_beneath(b->context_stage.tree_fd, *g.subdir ? g.subdir : ".",
				  O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return b->context < 0 ? err_wrap(b->context, "%s", g.subdir) : 0;
}

int context_fetch(struct builder *b)
{
	enum remote_kind kind = REMOTE_NONE;
	int r;

	if (strcmp(b->o->context, "-") == 0)
		return from_stdin(b);
	r = remote_kind_of(b->o->context, &kind);
	if (r == 0 && kind == REMOTE_URL)
		r = from_url(b);
	if (r == 0 && kind == REMOTE_GIT)
		r = from_git(b);
	return r < 0 ? err_wrap(r, "context") : 0;
}
