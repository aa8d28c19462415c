/* SPDX-License-Identifier: MIT */
/* Where the files are, and which of them count. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"
#include "pkg/sys/names.h"
#include "pkg/sys/private_dir.h"
#include "pkg/unit/quadlet.h"

#define FILE_LIMIT (1U << 20)
#define DEPTH_LIMIT 16

void quadlet_dirs(struct strv *ret)
{
	const char *own = getenv("QUADLET_UNIT_DIRS"), *runtime = getenv("XDG_RUNTIME_DIR"),
		   *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	unsigned uid = outer_uid();

	if (own && *own) {
		strv_split(ret, own, ':');
		return;
	}
	if (runtime && *runtime == '/')
		strv_addf(ret, "%s/containers/systemd", runtime);
	if (config && *config == '/')
		strv_addf(ret, "%s/containers/systemd", config);
	else if (home && *home == '/')
		strv_addf(ret, "%s/.config/containers/systemd", home);
	strv_addf(ret, "/etc/containers/systemd/users/%u", uid);
	strv_add(ret, "/etc/containers/systemd/users");
	strv_addf(ret, "/usr/share/containers/systemd/users/%u", uid);
	strv_add(ret, "/usr/share/containers/systemd/users");
}

static void quadlet_done(struct quadlet *q)
{
	free(q->path);
	free(q->file);
	free(q->stem);
	free(q->service);
	free(q->object);
	free(q->error);
	unit_file_done(&q->in);
	strv_done(&q->drop_ins);
}

void quadlet_set_done(struct quadlet_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		quadlet_done(&s->v[i]);
	free(s->v);
	memset(s, 0, sizeof(*s));
}

bool quadlet_passes_over(const char *dir)
{
	return *dir == '.' || !dir[strspn(dir, "0123456789")];
}

struct place {
	dev_t dev;
	ino_t ino;
};

struct found {
	struct strv dirs, drop_ins, files; /* drop_ins: directories "*.d", most often none */
	struct place *seen; /* directories, in step with dirs */
};

/* Links among directories are followed; one that leads to where we were is not, or boot would wait for it. */
static bool seen_before(struct found *f, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return true;
	for (size_t i = 0; i < f->dirs.n; i++)
		if (f->seen[i].dev == st.st_dev && f->seen[i].ino == st.st_ino)
			return true;
	f->seen = xreallocarray(f->seen, f->dirs.n + 1, sizeof(*f->seen));
	f->seen[f->dirs.n] = (struct place){st.st_dev, st.st_ino};
	return false;
}

static void walk(const char *dir, unsigned depth, struct found *f)
{
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_STRV struct strv names = STRV_INIT;

	if (fd < 0 || depth > DEPTH_LIMIT || seen_before(f, fd) || dir_names(fd, &names) < 0)
		return;
	strv_sort(&names);
	strv_add(&f->dirs, dir);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		struct stat st;

		if (fstatat(fd, name, &st, 0) < 0)
			continue;
		if (S_ISREG(st.st_mode) && quadlet_kind_of(name, NULL) != QUADLET_KINDS) {
			strv_take(&f->files, path_join(dir, name));
		} else if (S_ISDIR(st.st_mode) && has_ending(name, ".d")) {
			strv_take(&f->drop_ins, path_join(dir, name));
		} else if (S_ISDIR(st.st_mode) && !quadlet_passes_over(name)) {
			AUTO_FREE char *sub = path_join(dir, name);

			walk(sub, depth + 1, f);
		}
	}
}

static int read_file(struct unit_file *f, const char *path)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = file_read_at(AT_FDCWD, path, FILE_LIMIT, &text);

	return r < 0 ? err_wrap(r, "%s", path) : unit_file_parse(f, path, text.s, text.len);
}

/*
 * "web-front.container.d", "web-.container.d", "container.d": the more special first. Instances have
 * their template's too.
 */
static void drop_in_names(const struct quadlet *q, struct strv *ret)
{
	const char *suffix = q->file + strlen(q->stem), *at = strchr(q->stem, '@');
	AUTO_FREE char *stem = xstrdup(q->stem);
	char *dash;

	strv_addf(ret, "%s%s.d", stem, suffix);
	if (at && at[1])
		strv_addf(ret, "%.*s%s.d", (int)(at + 1 - q->stem), q->stem, suffix);
	while ((dash = strrchr(stem, '-'))) {
		dash[1] = 0;
		strv_addf(ret, "%s%s.d", stem, suffix);
		*dash = 0;
	}
	strv_addf(ret, "%s.d", suffix + 1);
}

struct drop_in {
	char *name, *path;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct drop_in *)a)->name, ((const struct drop_in *)b)->name);
}

struct drop_ins {
	struct drop_in *v;
	size_t n;
};

static void drop_ins_done(struct drop_ins *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].name);
		free(d->v[i].path);
	}
	free(d->v);
}

/* Of two with one name the first counts. */
static void drop_ins_of(const char *dir, struct drop_ins *d)
{
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_STRV struct strv names = STRV_INIT;

	if (fd < 0 || dir_names(fd, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		size_t j = 0;

		if (!has_ending(names.v[i], ".conf"))
			continue;
		while (j < d->n && strcmp(d->v[j].name, names.v[i]) != 0)
			j++;
		if (j < d->n)
			continue;
		d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
		d->v[d->n++] = (struct drop_in){xstrdup(names.v[i]), path_join(dir, names.v[i])};
	}
}

static int read_drop_ins(struct quadlet *q, const struct found *f)
{
	AUTO(drop_ins_done) struct drop_ins found = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	int r = 0;

	if (f->drop_ins.n)
		drop_in_names(q, &names);
	for (size_t i = 0; i < names.n; i++)
		for (size_t j = 0; j < f->dirs.n; j++) {
			AUTO_FREE char *dir = path_join(f->dirs.v[j], names.v[i]);

			if (strv_has(&f->drop_ins, dir))
				drop_ins_of(dir, &found);
		}
	if (found.n)
		qsort(found.v, found.n, sizeof(*found.v), by_name);
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		strv_add(&q->drop_ins, found.v[i].path);
		r = read_file(&q->in, found.v[i].path);
	}
	return r;
}

static const char *last(const struct quadlet *q, const char *key)
{
	const struct unit_line *l = unit_file_last(&q->in, quadlet_section(q->kind), key);

	return l ? l->value : NULL;
}

static void name_service(struct quadlet *q)
{
	static const char *const endings[QUADLET_KINDS] = {
		"", "-volume", "-network", "-image", "-build", "-pod", "", "-artifact"};
	const char *named = last(q, "ServiceName"), *at = strchr(q->stem, '@');

	if (named)
		q->service = xstrdup(named);
	else if (at) /* "data@" is "data-volume@" */
		q->service = xasprintf("%.*s%s%s", (int)(at - q->stem), q->stem, endings[q->kind],
				       at);
	else
		q->service = xasprintf("%s%s", q->stem, endings[q->kind]);
}

static void name_object(struct quadlet *q)
{
	static const char *const keys[QUADLET_KINDS] = {
		"ContainerName", "VolumeName", "NetworkName", "ImageTag",
		"ImageTag",      "PodName",    "ServiceName", "Artifact"};
	const struct unit_line *first;
	const char *named = last(q, keys[q->kind]), *at = strchr(q->stem, '@');

	if (q->kind == QUADLET_BUILD) {
		first = unit_file_next(&q->in, "Build", "ImageTag", NULL);
		named = first ? first->value : NULL;
	} else if (q->kind == QUADLET_IMAGE && !named) {
		named = last(q, "Image");
	}
	if (named)
		q->object = xstrdup(named);
	else if (q->kind == QUADLET_IMAGE || q->kind == QUADLET_BUILD)
		q->object = xstrdup("");
	else if (at && at[1])
		q->object = xasprintf("systemd-%.*s_%s", (int)(at - q->stem), q->stem, at + 1);
	else if (at) /* not %P_%I: where these undo escapes, "a-b" becomes "a/b" */
		q->object = xasprintf("systemd-%.*s_%%i", (int)(at - q->stem), q->stem);
	else
		q->object = xasprintf("systemd-%s",
				      q->kind == QUADLET_CONTAINER || q->kind == QUADLET_KUBE
					      ? q->service
					      : q->stem);
}

static void load_one(struct quadlet *q, const char *path, const struct found *f)
{
	const char *suffix;
	int r;

	q->path = xstrdup(path);
	q->file = xstrdup(path_base(path));
	q->kind = quadlet_kind_of(q->file, &suffix);
	q->stem = xstrndup(q->file, (size_t)(suffix - q->file));
	r = read_file(&q->in, path);
	if (r == 0)
		r = read_drop_ins(q, f);
	if (r < 0) {
		q->error = xstrdup(err_message(r));
		err_drop();
	}
	name_service(q);
	name_object(q);
}

static int by_file(const void *a, const void *b)
{
	return strcmp(((const struct quadlet *)a)->file, ((const struct quadlet *)b)->file);
}

static void found_done(struct found *f)
{
	free(f->seen);
	strv_done(&f->dirs);
	strv_done(&f->drop_ins);
	strv_done(&f->files);
}

int quadlet_load(const struct strv *dirs, struct quadlet_set *ret)
{
	AUTO(found_done) struct found f = {0};

	for (size_t i = 0; i < dirs->n; i++)
		if (*dirs->v[i])
			walk(dirs->v[i], 0, &f);
	for (size_t i = 0; i < f.files.n; i++) {
		if (quadlet_find(ret, path_base(f.files.v[i])))
			continue;
		if (ret->n == ret->cap) {
			ret->cap = ret->cap ? ret->cap * 2 : 16;
			ret->v = xreallocarray(ret->v, ret->cap, sizeof(*ret->v));
		}
		memset(&ret->v[ret->n], 0, sizeof(*ret->v));
		load_one(&ret->v[ret->n++], f.files.v[i], &f);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_file);
	return 0;
}
