/* SPDX-License-Identifier: MIT */
/*
 * One directory at a time, from a stack of paths still to do: for each the layers that show it, topmost
 * first. All names of these layers together, sorted by name and layer, tell what each name shows. A
 * directory gets its attributes once all its names are there; what is filled in below does not
 * change them. Descriptors are open for one directory only, whatever the depth.
 */
#include "storage/flatten.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/copy.h"
#include "pkg/sys/open.h"
#include "pkg/sys/overlay_data.h"
#include "pkg/sys/whiteout.h"
#include "storage/layer.h"

#define LINK_SLOTS 1024
#define TARGET_MAX 4096

struct link {
	struct link *next;
	unsigned layer;
	ino_t ino;
	char *path; /* where the first of its names went */
};

/* A directory to do, and which layers have a part in it. */
struct todo {
	struct todo *next;
	char *path;
	bool hides; /* something below its parts was another thing, or deleted */
	unsigned n, layers[];
};

struct name {
	char *name;
	unsigned part; /* index into flat.part */
	bool hides; /* a whiteout */
};

struct flat {
	const int *layer; /* descriptors of the layers' roots */
	int to;
	struct todo *todo;
	struct link *links[LINK_SLOTS];
	uint64_t bytes;
	bool keep_marks, file_marks, keep_pointers;
	const int *data; /* where the content is of files that point elsewhere */
	unsigned n_data;
	/* of the directory at hand */
	const struct todo *at;
	int *part; /* descriptors of its parts */
	unsigned n_parts;
	struct name *names;
	size_t n_names, room;
	int out;
	bool opaque; /* one of its parts hides what is below them all */
};

static void push(struct flat *f, char *path, const unsigned *layers, unsigned n)
{
	struct todo *t = xcalloc(1, sizeof(*t) + n * sizeof(unsigned));

	t->path = path;
	t->n = n;
	memcpy(t->layers, layers, n * sizeof(unsigned));
	t->next = f->todo;
	f->todo = t;
}

static void todo_free(struct todo *t)
{
	free(t->path);
	free(t);
}

/* --- reading the parts ------------------------------------------------------------------------- */

static void add_name(struct flat *f, const char *name, unsigned part, bool hides)
{
	if (f->n_names == f->room) {
		f->room = f->room ? f->room * 2 : 64;
		f->names = xreallocarray(f->names, f->room, sizeof(*f->names));
	}
	f->names[f->n_names++] = (struct name){xstrdup(name), part, hides};
}

static int read_part(struct flat *f, unsigned part)
{
	int copy = openat(f->part[part], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	struct stat st;

	if (!d)
		return err_new(-errno, "list");
	errno = 0;
	while ((e = readdir(d)) != NULL) {
		const char *deleted = whiteout_names(e->d_name);
		bool hides;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    strncmp(e->d_name, WHITEOUT_META, sizeof(WHITEOUT_META) - 1) == 0)
			continue;
		hides = deleted ||
			((e->d_type == DT_CHR || e->d_type == DT_UNKNOWN) &&
			 fstatat(f->part[part], e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			 whiteout_is(&st));
		add_name(f, deleted ? deleted : e->d_name, part, hides);
		errno = 0;
	}
	return errno ? err_new(-errno, "list") : 0;
}

static int compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	if (r == 0 && x->part != y->part)
		r = x->part < y->part ? -1 : 1;
	return r ? r : (int)x->hides - (int)y->hides; /* in one layer: it is, and hides the rest */
}

/* --- copying ----------------------------------------------------------------------------------- */

static int copy_file(struct flat *f, int from, const char *name, const struct stat *st)
{
	AUTO_CLOSE int in = open_nofollow(from, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0),
		       out = -EBADF, content = -EBADF;
	int r;

	if (in < 0)
		return in;
	out = open_nofollow(f->out, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (out >= 0 && f->keep_pointers && overlay_data_is_elsewhere(in)) {
		r = overlay_data_copy(in, out);
		return r < 0 ? r : layer_copy_attributes(in, out);
	}
	content = -ENOENT;
	for (unsigned i = 0; i < f->n_data && content < 0; i++)
		content = overlay_data_open(in, f->data[i]);
	if (content < 0 && content != -ENOENT)
		return content;
	r = out < 0 ? out : st->st_size ? copy_content(NULL, content < 0 ? in : content, out) : 0;
	return r < 0 ? r : layer_copy_attributes(in, out);
}

static int copy_odd(struct flat *f, int from, const char *name, const struct stat *st)
{
	struct timespec ts[2] = {st->st_atim, st->st_mtim};
	char target[TARGET_MAX + 1];
	ssize_t n;
	int r;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(from, name, target, TARGET_MAX);
		if (n < 0)
			return err_new(-errno, "read the link");
		target[n] = '\0';
		r = symlinkat(target, f->out, name);
	} else if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode)) {
		r = mknodat(f->out, name, (st->st_mode & S_IFMT) | 0600, 0);
		if (r == 0)
			r = fchmodat(f->out, name, st->st_mode & 07777, 0);
	} else {
		return 0; /* devices are left out when layers are unpacked */
	}
	if (r < 0 || fchownat(f->out, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(f->out, name, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "copy");
	return 0;
}

static char *path_of(const struct flat *f, const char *name)
{
	return *f->at->path ? path_join(f->at->path, name) : xstrdup(name);
}

/* Names of one file stay names of one file. 1: linked to an earlier one. */
static int link_up(struct flat *f, unsigned layer, const char *name, ino_t ino)
{
	struct link **slot = &f->links[ino % LINK_SLOTS], *l;

	for (l = *slot; l; l = l->next) {
		if (l->layer != layer || l->ino != ino)
			continue;
		return linkat(f->to, l->path, f->out, name, 0) < 0 ? err_new(-errno, "link") : 1;
	}
	l = xcalloc(1, sizeof(*l));
	*l = (struct link){*slot, layer, ino, path_of(f, name)};
	*slot = l;
	return 0;
}

static int copy_one(struct flat *f, const struct name *n, const struct stat *st)
{
	int r = 0;

	if (S_ISREG(st->st_mode))
		f->bytes += (uint64_t)st->st_size;
	if (st->st_nlink > 1)
		r = link_up(f, f->at->layers[n->part], n->name, st->st_ino);
	if (r != 0)
		return r < 0 ? r : 0;
	return S_ISREG(st->st_mode) ? copy_file(f, f->part[n->part], n->name, st)
				    : copy_odd(f, f->part[n->part], n->name, st);
}

static int mark_opaque(const struct flat *f)
{
	if (f->file_marks ? mknodat(f->out, WHITEOUT_OPAQUE, S_IFREG, 0) < 0
			  : fsetxattr(f->out, OPAQUE_XATTR, "y", 1, 0) < 0)
		return err_new(-errno, "mark a directory");
	return 0;
}

static int mark_deleted(const struct flat *f, const char *name)
{
	AUTO_FREE char *mark = f->file_marks ? xasprintf(WHITEOUT "%s", name) : NULL;

	if (mknodat(f->out, mark ? mark : name, mark ? S_IFREG : S_IFCHR, 0) < 0)
		return err_new(-errno, "mark as deleted");
	return 0;
}

/* A directory is made of those that follow each other until something hides the rest. */
static int put_dir(struct flat *f, const struct name *v, size_t n)
{
	AUTO_FREE unsigned *layers = xcalloc(n, sizeof(*layers));
	unsigned k = 0;
	struct stat st;
	size_t i = 0;

	if (mkdirat(f->out, v->name, 0700) < 0)
		return err_new(-errno, "make directory");
	for (; i < n && !v[i].hides; i++) {
		if (fstatat(f->part[v[i].part], v->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_new(-errno, "look at");
		if (!S_ISDIR(st.st_mode))
			break;
		layers[k++] = f->at->layers[v[i].part];
	}
	push(f, path_of(f, v->name), layers, k);
	f->todo->hides = i < n;
	return 0;
}

static int put_name(struct flat *f, const struct name *v, size_t n)
{
	struct stat st;

	if (v->hides)
		return f->keep_marks ? mark_deleted(f, v->name) : 0;
	if (fstatat(f->part[v->part], v->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "look at");
	return S_ISDIR(st.st_mode) ? put_dir(f, v, n) : copy_one(f, v, &st);
}

/* --- one directory ----------------------------------------------------------------------------- */

static int open_dir(int root, const char *path)
{
	return *path ? open_beneath(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
		     : open_beneath(root, ".", O_RDONLY | O_DIRECTORY, 0);
}

static int open_parts(struct flat *f)
{
	for (unsigned i = 0; i < f->at->n; i++) {
		int fd = open_dir(f->layer[f->at->layers[i]], f->at->path), r;

		if (fd < 0)
			return fd;
		f->part[f->n_parts++] = fd;
		r = read_part(f, i);
		if (r < 0)
			return r;
		f->opaque = whiteout_is_opaque(fd);
		if (f->opaque)
			break;
	}
	f->out = open_dir(f->to, f->at->path);
	return f->out < 0 ? f->out : 0;
}

static int put_names(struct flat *f)
{
	qsort(f->names, f->n_names, sizeof(*f->names), compare);
	for (size_t i = 0, n; i < f->n_names; i += n) {
		int r;

		for (n = 1; i + n < f->n_names; n++)
			if (strcmp(f->names[i].name, f->names[i + n].name) != 0)
				break;
		r = put_name(f, &f->names[i], n);
		if (r < 0)
			return err_wrap(r, "%s", f->names[i].name);
	}
	return 0;
}

static int do_directory(struct flat *f)
{
	int r;

	f->opaque = false;
	r = open_parts(f);
	if (r == 0 && f->n_names)
		r = put_names(f);
	if (r == 0 && f->keep_marks && (f->opaque || f->at->hides))
		r = mark_opaque(f);
	if (r == 0)
		r = layer_copy_attributes(f->part[0], f->out);
	for (unsigned i = 0; i < f->n_parts; i++)
		closep(&f->part[i]);
	for (size_t i = 0; i < f->n_names; i++)
		free(f->names[i].name);
	f->n_parts = 0;
	f->n_names = 0;
	closep(&f->out);
	return r;
}

static int flatten(struct flat *f, unsigned n)
{
	AUTO_FREE unsigned *all = xcalloc(n, sizeof(*all));
	int r = 0;

	for (unsigned i = 0; i < n; i++)
		all[i] = i;
	push(f, xstrdup(""), all, n);
	while (f->todo) {
		struct todo *t = f->todo;

		f->todo = t->next;
		f->at = t;
		if (r == 0) {
			r = do_directory(f);
			if (r < 0 && *t->path)
				r = err_wrap(r, "%s", t->path);
		}
		todo_free(t);
	}
	for (unsigned i = 0; i < LINK_SLOTS; i++)
		for (struct link *l = f->links[i], *next; l; l = next) {
			next = l->next;
			free(l->path);
			free(l);
		}
	free(f->names);
	return r;
}

static int put_together(const struct strv *dirs, int to, struct flat how, uint64_t *ret_bytes)
{
	AUTO_FREE int *layer = xcalloc(dirs->n, sizeof(int)), *part = xcalloc(dirs->n, sizeof(int));
	struct flat f = {.layer = layer,
			 .to = to,
			 .part = part,
			 .out = -EBADF,
			 .keep_marks = how.keep_marks,
			 .file_marks = how.file_marks,
			 .keep_pointers = how.keep_pointers};
	size_t shown = dirs->n;
	int r = 0;

	for (size_t i = 0; i < dirs->n; i++) {
		layer[i] = r < 0 ? -EBADF
				 : open(dirs->v[i],
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (layer[i] < 0 && r == 0)
			r = err_new(-errno, "open %s", dirs->v[i]);
	}
	while (r == 0 && shown > 1 && overlay_data_is(layer[shown - 1]))
		shown--;
	f.data = layer + shown;
	f.n_data = (unsigned)(dirs->n - shown);
	if (r == 0)
		r = flatten(&f, (unsigned)shown);
	for (size_t i = 0; i < dirs->n; i++)
		closep(&layer[i]);
	*ret_bytes = f.bytes;
	return r;
}

int layer_flatten(const struct strv *dirs, int to, uint64_t *ret_bytes)
{
	return put_together(dirs, to, (struct flat){0}, ret_bytes);
}

int layer_flatten_pointing(const struct strv *dirs, int to)
{
	uint64_t bytes;

	return put_together(dirs, to, (struct flat){.keep_pointers = true}, &bytes);
}

int layer_merge(const struct strv *dirs, int to, bool file_marks, uint64_t *ret_bytes)
{
	const struct flat how = {.keep_marks = true, .file_marks = file_marks};

	return put_together(dirs, to, how, ret_bytes);
}
