/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/pack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/tar_write.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/sys/file.h"

#define PIECE (256U << 10)
#define UNFINISHED ".cuddy-unfinished"

int pack_begin(struct pack *p, int fd)
{
	struct stat st;

	*p = (struct pack){.dir = -EBADF};
	if (fstat(fd, &st) < 0)
		return err_new(-errno, "the archive");
	if (S_ISDIR(st.st_mode)) {
		p->dir = fd;
		return 0;
	}
	p->out = out_to_fd(fd);
	p->tar = tar_writer_new(p->out, NULL);
	return 0;
}

void pack_done(struct pack *p)
{
	tar_writer_free(p->tar);
	out_close(p->out);
	strv_done(&p->names);
	*p = (struct pack){.dir = -EBADF};
}

/* The lock goes with the descriptor, which the caller closes after the operation. */
int pack_continue(struct pack *p)
{
	if (p->tar)
		return err_new(-CE_UNSUPPORTED, "adding to an archive");
	while (flock(p->dir, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_new(-errno, "lock the directory");
	p->goes_on = true;
	return 0;
}

int pack_read(const struct pack *p, const char *name, size_t max, struct sbuf *ret)
{
	AUTO_CLOSE int fd = openat(p->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_new(-errno, "open %s", name);
	return file_read_fd(fd, max, ret);
}

/* Named by the digest of what is in them, and whole once they have that name. */
static bool had_blob(const struct pack *p, const char *name)
{
	struct stat st;

	return p->goes_on && strncmp(name, "blobs/", 6) == 0 &&
	       fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

bool pack_has(const struct pack *p, const char *name)
{
	return strv_has(&p->names, name) || had_blob(p, name);
}

int pack_dir(struct pack *p, const char *name)
{
	struct tar_entry e = {.type = TAR_DIR, .path = name, .link = "", .mode = 0755};

	if (p->tar)
		return tar_write_entry(p->tar, &e);
	if (mkdirat(p->dir, name, 0755) < 0 && !(p->goes_on && errno == EEXIST))
		return err_new(-errno, "make %s", name);
	return 0;
}

/* --- a member ---------------------------------------------------------------------------------- */

struct member_out {
	struct out base;
	struct tar_writer *tar;
	int fd, dir;
	uint64_t left;
	char *name;
	bool finished;
};

static int member_write(struct out *o, const void *p, size_t n)
{
	struct member_out *m = (struct member_out *)o;
	ssize_t w;

	if (n > m->left)
		return err_new(-CE_BAD_SIZE, "%s is longer than it was", m->name);
	m->left -= n;
	if (m->tar)
		return tar_write_content(m->tar, p, n);
	for (const char *at = p; n; at += w, n -= (size_t)w) {
		w = write(m->fd, at, n);
		if (w < 0 && errno == EINTR)
			w = 0;
		if (w < 0)
			return err_new(-errno, "write %s", m->name);
	}
	return 0;
}

static int member_finish(struct out *o)
{
	struct member_out *m = (struct member_out *)o;

	if (m->left)
		return err_new(-CE_BAD_SIZE, "%s is shorter than it was", m->name);
	if (m->tar)
		return 0;
	if (fsync(m->fd) < 0 || renameat(m->dir, UNFINISHED, m->dir, m->name) < 0)
		return err_new(-errno, "write %s", m->name);
	m->finished = true;
	return 0;
}

static void member_close(struct out *o)
{
	struct member_out *m = (struct member_out *)o;

	closep(&m->fd);
	if (!m->tar && !m->finished)
		(void)unlinkat(m->dir, UNFINISHED, 0);
	free(m->name);
	free(m);
}

int pack_member(struct pack *p, const char *name, uint64_t size, struct out **ret)
{
	static const struct out_ops ops = {member_write, member_finish, member_close};
	struct tar_entry e = {
		.type = TAR_FILE, .path = name, .link = "", .mode = 0644, .size = size};
	struct member_out *m;
	int fd = -EBADF, r = 0;

	if (p->tar)
		r = tar_write_entry(p->tar, &e);
	else if (unlinkat(p->dir, UNFINISHED, 0) == 0 || errno == ENOENT)
		fd = openat(p->dir, UNFINISHED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (r < 0 || (!p->tar && fd < 0))
		return r < 0 ? r : err_new(-errno, "make %s", name);
	strv_add(&p->names, name);
	m = xcalloc(1, sizeof(*m));
	*m = (struct member_out){.base.ops = &ops,
				 .tar = p->tar,
				 .fd = fd,
				 .dir = p->dir,
				 .left = size,
				 .name = xstrdup(name)};
	*ret = &m->base;
	return 0;
}

int pack_bytes(struct pack *p, const char *name, const void *bytes, size_t n)
{
	AUTO(out_closep) struct out *o = NULL;
	int r = pack_member(p, name, n, &o);

	if (r == 0 && n)
		r = out_write(o, bytes, n);
	return r == 0 ? out_finish(o) : r;
}

int pack_file(struct pack *p, const char *name, int fd, uint64_t size)
{
	AUTO_FREE char *buf = xmalloc(PIECE);
	AUTO(out_closep) struct out *o = NULL;
	int r = pack_member(p, name, size, &o);

	for (uint64_t at = 0; r == 0 && at < size;) {
		ssize_t got = pread(fd, buf, size - at < PIECE ? (size_t)(size - at) : PIECE,
				    (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? err_new(-errno, "read %s", name)
				       : err_new(-CE_BAD_SIZE, "%s is shorter than it was", name);
		r = out_write(o, buf, (size_t)got);
		at += (uint64_t)got;
	}
	return r == 0 ? out_finish(o) : r;
}

int pack_end(struct pack *p)
{
	int r;

	if (!p->tar)
		return fsync(p->dir) < 0 ? err_new(-errno, "sync the directory") : 0;
	r = tar_write_end(p->tar);
	return r == 0 ? out_finish(p->out) : r;
}
