/* SPDX-License-Identifier: MIT */
/* A user's own layer of one in a shared store; see shared.h. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "pkg/archive/tree_put.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/sys/apart.h"
#include "pkg/sys/copy.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"
#include "pkg/sys/overlay_data.h"
#include "pkg/sys/whiteout.h"
#include "storage/layer_internal.h"
#include "storage/shared_internal.h"
#include "storage/store_internal.h"

struct making {
	int tree, data; /* data: DIR/data */
	char place[PLACE_MAX + 1]; /* "<store>/<n>" */
	bool point, file_marks;
};

/* --- can the kernel follow pointers here? -------------------------------------------------------- */

static int make_probe(int dir)
{
	AUTO_CLOSE int mark = -EBADF, pointer = -EBADF, content = -EBADF;

	if (mkdirat(dir, "top", 0755) < 0 || mkdirat(dir, "data", 0755) < 0)
		return -errno;
	mark = openat(dir, "data/" OVERLAY_DATA_MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	content = openat(dir, "data/1", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	pointer = openat(dir, "top/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (mark < 0 || content < 0 || pointer < 0 || write_full(content, "x", 1) < 0)
		return -EIO;
	return overlay_data_point(pointer, "/1", 1);
}

/* Where nobody else sees the mount, nor has it to be taken away. */
static int mount_probe(const void *arg, struct sbuf *out)
{
	const char *path = arg;
	AUTO_FREE char *top = path_join(path, "top"), *data = path_join(path, "data");
	AUTO_FREE char *options = xasprintf("userxattr,lowerdir=%s::%s", top, data);
	AUTO_FREE char *file = path_join(top, "f");
	AUTO_CLOSE int fd = -EBADF;
	char c = 0;

	(void)out;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount("overlay", top, "overlay", MS_RDONLY, options) < 0)
		return -errno;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &c, 1) == 1 && c == 'x' ? 0 : -EIO;
}

/* In a directory of its own. */
static bool probe(int dir, const char *path)
{
	return !strpbrk(path, ",:\\") && make_probe(dir) == 0 &&
	       apart_run(mount_probe, path, NULL) == 0;
}

static bool can_point(struct store *st)
{
	static enum { UNKNOWN, NO, YES } answer;
	struct layer_stage s = {0};
	AUTO_FREE char *inside = NULL, *path = NULL;

	if (answer != UNKNOWN)
		return answer == YES;
	answer = NO;
	if (store_driver(st) == STORE_OVERLAY && !store_has_file_marks(st) &&
	    layer_stage_begin(st, &s) == 0) {
		inside = path_join(s.name, "tree");
		path = store_path(st, STORE_STAGING, inside);
		answer = probe(s.tree_fd, path) ? YES : NO;
		layer_stage_abort(st, &s);
	}
	err_drop();
	return answer == YES;
}

/* --- one entry ----------------------------------------------------------------------------------- */

static int set_attributes(const struct making *m, int fd, const struct tar_entry *e)
{
	struct timespec t[2] = {{.tv_sec = e->mtime_s, .tv_nsec = e->mtime_ns},
				{.tv_sec = e->mtime_s, .tv_nsec = e->mtime_ns}};
	mode_t mode = e->mode;

	if (fchown(fd, e->uid, e->gid) < 0) {
		int r = errno == EINVAL ? tree_record_owner(fd, e)
					: err_new(-errno, "chown %s", e->path);

		/* Without subordinate ids: as when a layer is unpacked. */
		if (r < 0)
			return r;
		mode &= 01777;
	}
	if (fchmod(fd, mode) < 0)
		return err_new(-errno, "chmod %s", e->path);
	for (unsigned i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];

		if (strcmp(x->name, "security.capability") != 0 &&
		    (strncmp(x->name, "user.", 5) != 0 ||
		     strncmp(x->name, "user.overlay.", 13) == 0))
			continue;
		if (fsetxattr(fd, x->name, x->value, x->len, 0) < 0 && errno != ENOTSUP &&
		    errno != EPERM && errno != EINVAL)
			return err_new(-errno, "set attribute %s of %s", x->name, e->path);
	}
	(void)m;
	return futimens(fd, t) < 0 ? err_new(-errno, "set the time of %s", e->path) : 0;
}

static int put_file(const struct making *m, int dir, const char *name, const struct meta_entry *x)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				   0600);
	AUTO_CLOSE int data = -EBADF;
	char place[PLACE_MAX + 32];
	int r = 0;

	if (fd < 0)
		return err_new(-errno, "make %s", x->e.path);
	if (x->e.size) {
		(void)snprintf(place, sizeof(place), "/%s/%llx", m->place,
			       (unsigned long long)x->file);
		data = open_in(m->data, place + 1, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
		if (data < 0)
			return data;
		r = m->point ? overlay_data_point(fd, place, (off_t)x->e.size)
			     : copy_content(NULL, data, fd);
	}
	return r < 0 ? r : set_attributes(m, fd, &x->e);
}

static int put_dir(const struct making *m, int dir, const char *name, const struct tar_entry *e)
{
	AUTO_CLOSE int fd = -EBADF;

	if (*name && mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return err_new(-errno, "make %s", e->path);
	fd = openat(dir, *name ? name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open %s", e->path) : set_attributes(m, fd, e);
}

static int put_odd(int dir, const char *name, const struct tar_entry *e)
{
	struct timespec t[2] = {{.tv_sec = e->mtime_s, .tv_nsec = e->mtime_ns},
				{.tv_sec = e->mtime_s, .tv_nsec = e->mtime_ns}};
	int r = e->type == TAR_SYMLINK ? symlinkat(e->link, dir, name)
				       : mknodat(dir, name, S_IFIFO | 0600, 0);

	if (r == 0 && e->type == TAR_FIFO)
		r = fchmodat(dir, name, e->mode, 0);
	if (r == 0 && fchownat(dir, name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL)
		r = -1;
	if (r < 0 || utimensat(dir, name, t, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "make %s", e->path);
	return 0;
}

static int put_mark(const struct making *m, int dir, const char *name, const struct tar_entry *e)
{
	AUTO_CLOSE int fd = -EBADF;
	int r;

	if (m->file_marks) {
		r = mknodat(dir, name, S_IFREG | 0600, 0);
	} else if (strcmp(name, WHITEOUT_OPAQUE) == 0) {
		fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 ? -1 : fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0);
	} else {
		r = mknodat(dir, name + strlen(WHITEOUT), S_IFCHR, makedev(0, 0));
	}
	return r < 0 ? err_new(-errno, "mark %s", e->path) : 0;
}

static int put_entry(const struct making *m, const struct meta_entry *x, bool again)
{
	const struct tar_entry *e = &x->e;
	AUTO_CLOSE int dir = -EBADF, from = -EBADF;
	const char *name, *first;

	if (again && e->type != TAR_DIR)
		return 0;
	dir = parent_in(m->tree, e->path, 0, &name);
	if (dir < 0)
		return dir;
	if (strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0)
		return put_mark(m, dir, name, e);
	switch (e->type) {
	case TAR_FILE:
		return put_file(m, dir, name, x);
	case TAR_DIR:
		return put_dir(m, dir, name, e);
	case TAR_HARDLINK:
		from = parent_in(m->tree, e->link, 0, &first);
		if (from < 0)
			return from;
		return linkat(from, first, dir, name, 0) < 0 ? err_new(-errno, "link %s", e->path)
							     : 0;
	case TAR_SYMLINK:
	case TAR_FIFO:
		return put_odd(dir, name, e);
	default:
		return 0; /* devices are not made */
	}
}

/* Twice: what is made in a directory changes its time. */
static int put_all(const struct making *m, const struct sbuf *meta)
{
	AUTO_FREE struct tar_xattr *xattrs = xcalloc(TAR_XATTRS_MAX, sizeof(*xattrs));
	int r = 0;

	for (int pass = 0; r == 0 && pass < 2; pass++) {
		struct wire_reader w;
		struct meta_entry x;
		const char *magic;

		wire_reader_init(&w, meta->s, meta->len);
		magic = wire_get_str(&w);
		if (w.failed || !magic || strcmp(magic, META_MAGIC) != 0)
			return err_new(-CE_CORRUPT, "the list of a shared layer's files");
		while ((r = meta_get(&w, &x, xattrs)) == 1) {
			r = put_entry(m, &x, pass == 1);
			if (r < 0)
				break;
		}
	}
	return r;
}

/* --- a layer ------------------------------------------------------------------------------------- */

static int read_part(struct store *st, const char *diffid, const char *file, size_t max,
		     struct sbuf *out)
{
	AUTO_FREE char *path = path_join(diffid, file);
	int r = shared_read(st, STORE_LAYERS, path, max, out);

	return r == -ENOENT ? err_new(-CE_CORRUPT, "%s is missing", file) : r;
}

static int read_place(struct store *st, const char *diffid, struct making *m)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = read_part(st, diffid, PLACE, PLACE_MAX, &b);
	size_t n = r == 0 ? strcspn(b.s, "\n") : 0;

	if (r < 0)
		return r;
	/* Two words of letters and digits: it becomes a path. */
	if (n == 0 || strspn(b.s, "0123456789abcdef/") < n || b.s[0] == '/')
		return err_new(-CE_CORRUPT, "its place is none");
	memcpy(m->place, b.s, n);
	m->place[n] = '\0';
	return 0;
}

static int fill(struct store *st, const char *dir, const char *diffid, struct layer_stage *s)
{
	AUTO_FREE char *data = path_join(dir, "data"), *link = path_join(s->name, SHARED_LINK);
	struct making m = {.tree = s->tree_fd, .file_marks = store_has_file_marks(st)};
	AUTO_CLOSE int fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_SBUF struct sbuf meta = SBUF_INIT;
	int r = fd < 0 ? err_new(-errno, "open %s", data) : read_place(st, diffid, &m);

	if (r == 0)
		r = read_part(st, diffid, META, META_MAX, &meta);
	if (r < 0)
		return r;
	m.data = fd;
	m.point = overlay_data_is(fd) && can_point(st);
	r = put_all(&m, &meta);
	if (r == 0 && m.point && symlinkat(dir, store_fd(st, STORE_STAGING), link) < 0)
		r = err_new(-errno, "make %s", link);
	return r;
}

static int copy_part(struct store *st, const char *diffid, const char *file, int to)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = read_part(st, diffid, file, META_MAX, &b);

	if (r == 0)
		r = write_full(to, b.s, b.len);
	return r < 0 ? err_wrap(r, "copy %s", file) : 0;
}

int shared_layer_make(struct store *st, const char *diffid)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	AUTO_FREE char *dir = NULL;
	struct layer_stage s = {0};
	const char *where = shared_where(st, STORE_LAYERS, diffid);
	int r;

	if (!where)
		return -ENOENT;
	dir = xstrdup(where);
	r = layer_record_shared(st, diffid, &rec);
	if (r == 0)
		r = layer_stage_begin(st, &s);
	if (r == 0)
		r = fill(st, dir, diffid, &s);
	if (r == 0 && rec.has_recipe)
		r = s.recipe_fd < 0 ? 0 : copy_part(st, diffid, "recipe", s.recipe_fd);
	rec.has_recipe = rec.has_recipe && s.recipe_fd >= 0;
	rec.has_blob = false; /* stays where it is; layer_open() finds it there */
	if (r == 0)
		r = layer_stage_commit(st, &s, diffid, &rec);
	layer_stage_abort(st, &s);
	return r < 0 ? err_wrap(r, "layer %.12s of %s", diffid, dir) : 0;
}
