/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *   A child makes the archive again from recipe and tree, hashing it on the way (layer_source.h), and
 *   writes it into a pipe; this process reads the entries there and looks at the file of each. What
 *   the child has to say comes through a second pipe, when the first has ended.
 */
#include "pkg/transfer/layer_check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/archive/tar.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/strv.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"
#include "pkg/sys/whiteout.h"
#include "pkg/transfer/layer_source.h"

#define WORDS_MAX 2048
#define PENDING_MAX 4096

struct comparison {
	int tree;
	bool single_id, file_marks;
	uint64_t expected; /* files in the tree, if the archive names each once */
	struct strv
		pending; /* path, words, path, words …: what differs, unless a later entry replaces it */
};

static int differs(const char *path, const char *how)
{
	return err_new(-CE_CORRUPT, "%s %s", *path ? path : "/", how);
}

static bool is_kind(const struct tar_entry *e, mode_t mode)
{
	switch (e->type) {
	case TAR_FILE:
		return S_ISREG(mode);
	case TAR_DIR:
		return S_ISDIR(mode);
	case TAR_SYMLINK:
		return S_ISLNK(mode);
	case TAR_FIFO:
		return S_ISFIFO(mode);
	case TAR_HARDLINK:
		return !S_ISDIR(mode);
	case TAR_CHAR:
	case TAR_BLOCK:
		break;
	}
	return true;
}

static int check_link(int dir, const char *name, const struct tar_entry *e)
{
	char target[TAR_PATH_MAX + 2];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	return strcmp(target, e->link) == 0 ? 0 : differs(e->path, "is a link to somewhere else");
}

static int check_capability(int dir, const char *name, const struct tar_entry *e)
{
	for (unsigned i = 0; i < e->n_xattrs; i++) {
		AUTO_CLOSE int fd = -EBADF;

		if (strcmp(e->xattrs[i].name, "security.capability") != 0)
			continue;
		fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0 && fgetxattr(fd, "security.capability", NULL, 0) < 0 &&
		    errno == ENODATA)
			return differs(e->path, "has lost its capabilities");
	}
	return 0;
}

static int check_meta(const struct comparison *c, int dir, const char *name,
		      const struct tar_entry *e)
{
	mode_t mask = c->single_id ? 01777 : 07777;
	struct stat sb;

	if (fstatat(dir, *name ? name : ".", &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? differs(e->path, "is missing")
				       : err_new(-errno, "look at %s", e->path);
	if (!is_kind(e, sb.st_mode))
		return differs(e->path, "is another kind of file");
	if (e->type == TAR_SYMLINK)
		return check_link(dir, name, e);
	if (e->type == TAR_HARDLINK)
		return 0; /* it has what the first name has */
	if ((sb.st_mode & mask) != (e->mode & mask))
		return differs(e->path, "has another mode");
	if (!c->single_id && (sb.st_uid != e->uid || sb.st_gid != e->gid))
		return differs(e->path, "has another owner");
	if (e->type == TAR_FILE && (uint64_t)sb.st_size != e->size)
		return differs(e->path, "has another size");
	return c->file_marks || c->single_id ? 0 : check_capability(dir, name, e);
}

/* The layer itself may have what it says is deleted below: that is no contradiction. */
static int check_mark(int dir, const char *name, const struct tar_entry *e)
{
	AUTO_CLOSE int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat sb;

	if (fd < 0)
		return err_new(-errno, "look at %s", e->path);
	if (strcmp(name, WHITEOUT_OPAQUE) == 0)
		return whiteout_is_opaque(fd) ? 0
					      : differs(e->path, "is missing: lower layers show");
	name += strlen(WHITEOUT);
	return fstatat(fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 || whiteout_stands_for(fd, name)
		       ? 0
		       : differs(e->path, "is missing: what it deletes shows");
}

/* What aufs had for itself, which is not unpacked (F5); it may have had directories. */
static bool is_bookkeeping(const char *path)
{
	const char *p = strncmp(path, WHITEOUT_META, strlen(WHITEOUT_META)) == 0
				? path
				: strstr(path, "/" WHITEOUT_META);

	return p && strcmp(*p == '/' ? p + 1 : p, WHITEOUT_OPAQUE) != 0;
}

static int check_entry(struct comparison *c, const struct tar_entry *e)
{
	AUTO_CLOSE int dir = -EBADF;
	const char *name;

	if (e->type == TAR_CHAR || e->type == TAR_BLOCK || is_bookkeeping(e->path))
		return 0; /* never made */
	dir = parent_in(c->tree, e->path, 0, &name);
	if (dir == -ENOENT || dir == -ENOTDIR)
		return differs(e->path, "is missing, its directory too");
	if (dir < 0)
		return dir;
	if (strncmp(name, WHITEOUT_META, strlen(WHITEOUT_META)) != 0)
		c->expected += *name != '\0';
	return strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0 ? check_mark(dir, name, e)
							      : check_meta(c, dir, name, e);
}

/* All names below @dir but the files that mark opaque directories. */
static int count_names(int dir, unsigned depth, uint64_t *n)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = depth > TAR_DEPTH_MAX ? err_new(-CE_LIMIT, "deeper than %d", TAR_DEPTH_MAX)
				      : dir_names(dir, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_CLOSE int fd = -EBADF;

		if (strncmp(names.v[i], WHITEOUT_META, strlen(WHITEOUT_META)) == 0)
			continue;
		++*n;
		fd = openat(dir, names.v[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			r = count_names(fd, depth + 1, n);
		else if (errno != ENOTDIR && errno != ELOOP && errno != ENXIO)
			r = err_new(-errno, "open %s", names.v[i]);
	}
	return r;
}

static int check_count(struct comparison *c, struct store *st, const char *diffid)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	uint64_t n = 0;
	int r = layer_record_load(st, diffid, &rec);

	if (r == 0)
		r = count_names(c->tree, 0, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rec.implied.n; i++)
		c->expected += strcmp(rec.implied.v[i], ".") != 0;
	return n > c->expected
		       ? err_new(-CE_CORRUPT, "it holds %llu files that its archive does not have",
				 (unsigned long long)(n - c->expected))
		       : 0;
}

/* Does @e take the place of what lies at @path: of itself, or of a directory above? */
static bool replaces(const struct tar_entry *e, const char *path)
{
	size_t n = strlen(e->path);

	return strcmp(e->path, path) == 0 ||
	       (e->type != TAR_DIR && strncmp(e->path, path, n) == 0 && path[n] == '/');
}

static void forget_replaced(struct comparison *c, const struct tar_entry *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->pending.n; i += 2) {
		if (replaces(e, c->pending.v[i])) {
			free(c->pending.v[i]);
			free(c->pending.v[i + 1]);
			continue;
		}
		c->pending.v[kept++] = c->pending.v[i];
		c->pending.v[kept++] = c->pending.v[i + 1];
	}
	c->pending.n = kept;
	c->pending.v[kept] = NULL;
}

/* Return: as check_entry(); what differs is kept for the end, until that is too much. */
static int note_entry(struct comparison *c, const struct tar_entry *e)
{
	int r;

	if (c->pending.n)
		forget_replaced(c, e);
	r = check_entry(c, e);
	if (r != -CE_CORRUPT || c->pending.n >= 2 * PENDING_MAX)
		return r;
	strv_add(&c->pending, e->path);
	strv_add(&c->pending, err_trail());
	err_drop();
	return 0;
}

static int check_all(struct comparison *c, int archive)
{
	AUTO(feed_freep) struct feed *f = feed_new_plain(stream_from_fd(archive));
	AUTO(tar_freep) struct tar *t = tar_new(f);
	struct tar_entry e;
	int r;

	while ((r = tar_next(t, &e)) == 1) {
		r = note_entry(c, &e);
		if (r < 0)
			return r;
	}
	/* What is missing ends the archive: then that is what differs. */
	if (r == 0)
		r = tar_drain(t);
	return c->pending.n ? err_set(-CE_CORRUPT, c->pending.v[1]) : r;
}

static void __attribute__((noreturn))
make(struct store *st, const char *diffid, bool single_id, int to, int words)
{
	int r = layer_tar_unnamed(st, diffid, single_id, out_to_fd(to));

	if (r < 0)
		(void)!write_full(words, err_message(r), strlen(err_message(r)));
	_exit(r == 0 ? 0 : r == -CE_CORRUPT ? 2 : 1);
}

/* Return: what the maker of the archive found. */
static int reap(pid_t pid, int words)
{
	char text[WORDS_MAX];
	ssize_t n = read_upto(words, text, sizeof(text) - 1);
	int status;

	text[n > 0 ? n : 0] = '\0';
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(WIFEXITED(status) && WEXITSTATUS(status) == 2 ? -CE_CORRUPT : -EIO,
		       *text ? text : "it could not be read");
}

static int compare_with_recipe(struct comparison *c, struct store *st, const char *diffid)
{
	AUTO_CLOSE int from = -EBADF, to = -EBADF, words = -EBADF, their_words = -EBADF;
	AUTO_FREE char *ours = NULL;
	int p[2], w[2], r, made;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	from = p[0];
	to = p[1];
	if (pipe2(w, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	words = w[0];
	their_words = w[1];
	pid = fork();
	if (pid < 0)
		return err_new(-errno, "fork");
	if (pid == 0) {
		closep(&from); /* else it would never learn that nobody reads on */
		make(st, diffid, c->single_id, to, their_words);
	}
	closep(&to);
	closep(&their_words);
	r = check_all(c, from);
	closep(&from); /* ends a maker that goes on */
	if (r < 0)
		ours = xstrdup(err_trail());
	made = reap(pid, words);
	/* What we saw says more than that the digest is another. */
	if (r == -CE_CORRUPT)
		return err_set(r, ours);
	return made < 0 ? made : r < 0 ? err_set(r, ours) : check_count(c, st, diffid);
}

int layer_check_tree(struct store *st, const char *diffid, bool single_id)
{
	AUTO_CLOSE int recipe = layer_open(st, diffid, LAYER_RECIPE), blob = -EBADF, tree = -EBADF;
	struct comparison c = {.single_id = single_id, .file_marks = store_has_file_marks(st)};
	int r;

	tree = layer_open_tree(st, diffid);
	if (tree < 0)
		return tree == -ENOENT ? err_new(-CE_CORRUPT, "its directory is missing") : tree;
	c.tree = tree;
	if (recipe >= 0) {
		r = compare_with_recipe(&c, st, diffid);
		strv_done(&c.pending);
		return r;
	}
	if (recipe != -ENOENT)
		return recipe;
	blob = layer_open(st, diffid, LAYER_BLOB);
	if (blob != -ENOENT)
		return blob < 0 ? blob : -ENOENT;
	return layer_tar_unnamed(st, diffid, single_id, out_to_nothing());
}
