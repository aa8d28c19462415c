/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/pack.h"

#include <dirent.h>
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

/*
 * The lock goes with the descriptor, which the caller closes after the operation. Where there are no
 * locks on directories (NFS) nobody waits; what is damaged then is found by the digests.
 */
static int lock_dir(int fd)
{
	while (flock(fd, LOCK_EX) < 0)
		if (errno == EBADF || errno == ENOLCK || errno == EOPNOTSUPP)
			return 0;
		else if (errno != EINTR)
			return err_new(-errno, "lock the directory");
	return 0;
}

int pack_begin(struct pack *p, int fd)
{
	struct stat st;

	*p = (struct pack){.dir = -EBADF};
	if (fstat(fd, &st) < 0)
		return err_new(-errno, "the archive");
	if (S_ISDIR(st.st_mode)) {
		p->dir = fd;
		return lock_dir(fd);
	}
	p->out = out_to_fd(fd);
	p->tar = tar_writer_new(p->out, NULL);
	return 0;
}

void pack_done(struct pack *p)
{
	for (size_t i = p->committed ? 0 : p->made.n; i-- > 0;)
		(void)(unlinkat(p->dir, p->made.v[i], 0) == 0 ||
		       unlinkat(p->dir, p->made.v[i], AT_REMOVEDIR));
	tar_writer_free(p->tar);
	out_close(p->out);
	strv_done(&p->names);
	strv_done(&p->made);
	*p = (struct pack){.dir = -EBADF};
}

int pack_read(const struct pack *p, const char *name, size_t max, struct sbuf *ret)
{
	AUTO_CLOSE int fd = openat(p->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_new(-errno, "open %s", name);
	return file_read_fd(fd, max, ret);
}

bool pack_has(struct pack *p, const char *name, uint64_t size)
{
	struct stat st;

	if (strv_has(&p->names, name))
		return true;
	if (p->tar || fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != size)
		return false;
	strv_add(&p->names, name);
	return true;
}

int pack_dir(struct pack *p, const char *name)
{
	struct tar_entry e = {.type = TAR_DIR, .path = name, .link = "", .mode = 0755};

	if (p->tar)
		return tar_write_entry(p->tar, &e);
	strv_add(&p->names, name);
	if (mkdirat(p->dir, name, 0755) == 0)
		strv_add(&p->made, name);
	else if (errno != EEXIST)
		return err_new(-errno, "make %s", name);
	return 0;
}

/* --- a member ---------------------------------------------------------------------------------- */

struct member_out {
	struct out base;
	struct pack *pack;
	int fd;
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
	if (m->pack->tar)
		return tar_write_content(m->pack->tar, p, n);
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
	struct pack *p = m->pack;
	bool is_new;

	if (m->left)
		return err_new(-CE_BAD_SIZE, "%s is shorter than it was", m->name);
	if (p->tar)
		return 0;
	is_new = faccessat(p->dir, m->name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	if (fsync(m->fd) < 0 || renameat(p->dir, PACK_UNFINISHED, p->dir, m->name) < 0)
		return err_new(-errno, "write %s", m->name);
	if (is_new)
		strv_add(&p->made, m->name);
	m->finished = true;
	return 0;
}

static void member_close(struct out *o)
{
	struct member_out *m = (struct member_out *)o;

	closep(&m->fd);
	if (!m->pack->tar && !m->finished)
		(void)unlinkat(m->pack->dir, PACK_UNFINISHED, 0);
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
	else if (unlinkat(p->dir, PACK_UNFINISHED, 0) == 0 || errno == ENOENT)
		fd = openat(p->dir, PACK_UNFINISHED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (r < 0 || (!p->tar && fd < 0))
		return r < 0 ? r : err_new(-errno, "make %s", name);
	strv_add(&p->names, name);
	m = xcalloc(1, sizeof(*m));
	*m = (struct member_out){
		.base.ops = &ops, .pack = p, .fd = fd, .left = size, .name = xstrdup(name)};
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

int pack_keep(struct pack *p, const char *name, const void *bytes, size_t n)
{
	if (p->tar || faccessat(p->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return pack_bytes(p, name, bytes, n);
	strv_add(&p->names, name);
	return 0;
}

/* The names of the members, which are in the root of the pack and in its directories. */
static int sync_names(struct pack *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->names.n; i++) {
		AUTO_CLOSE int fd = openat(p->dir, p->names.v[i],
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0 && fsync(fd) < 0)
			r = err_new(-errno, "sync %s", p->names.v[i]);
	}
	if (r == 0 && fsync(p->dir) < 0)
		r = err_new(-errno, "sync the directory");
	return r;
}

int pack_commit(struct pack *p, const char *name, const void *bytes, size_t n)
{
	int r = p->tar ? 0 : sync_names(p);

	if (r == 0)
		r = pack_bytes(p, name, bytes, n);
	p->committed = r == 0;
	return r;
}

void pack_forget_others(struct pack *p, bool (*is_ours)(const char *name))
{
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *e;
	int fd = p->tar ? -EBADF : openat(p->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (e = readdir(d)) != NULL)
		if (is_ours(e->d_name) && !strv_has(&p->names, e->d_name))
			(void)unlinkat(p->dir, e->d_name, 0);
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
