/* SPDX-License-Identifier: MIT */
#include "pkg/unit/staging.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"
#include "pkg/sys/names.h"
#include "pkg/unit/quadlet.h"
#include "pkg/unit/quadlets.h"

void staging_done(struct staging *s)
{
	closep(&s->dir);
	strv_done(&s->names);
}

static bool is_hidden(const char *name)
{
	return *name == '.' || !*name;
}

/* Units are found by their file's name, in whichever directory they are. */
static int claim(struct staging *s, const char *name)
{
	const char *base = path_base(name);

	for (size_t i = 0; quadlet_kind_of(base, NULL) != QUADLET_KINDS && i < s->names.n; i++)
		if (strcmp(path_base(s->names.v[i]), base) == 0)
			return err_new(-CE_NAME_IN_USE, "two files have the name %s", base);
	strv_add(&s->names, name);
	return 0;
}

/* "t@red.container" to "t@.container" beside it stays a link; where others lead is copied. */
static bool is_link_beside(int dir, const char *path, char *target, size_t room)
{
	ssize_t n = readlinkat(dir, path, target, room - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	return !strchr(target, '/') && !is_hidden(target);
}

static int named_twice(int r, const char *name)
{
	return r == -EEXIST ? err_new(-CE_NAME_IN_USE, "two files have the name %s", name) : r;
}

static int put_text(struct staging *s, const char *name, const char *text, size_t n)
{
	int r = is_hidden(path_base(name)) ? err_new(-CE_UNSAFE, "its name begins with a dot") : 0;

	if (r == 0)
		r = claim(s, name);
	if (r == 0)
		r = file_create(s->dir, name, text, n, 0644, FILE_SYNC);
	return named_twice(r, name);
}

/* A file of several is as the files that are in it, at its place. */
static int put_file(struct staging *s, const char *name, const char *text, size_t n)
{
	AUTO_STRV struct strv names = STRV_INIT, texts = STRV_INIT;
	int r;

	if (!has_ending(name, QUADLETS_ENDING))
		return put_text(s, name, text, n);
	r = quadlets_split(text, n, &names, &texts);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *dir = xstrndup(name, (size_t)(path_base(name) - name));
		AUTO_FREE char *path = xasprintf("%s%s", dir, names.v[i]);

		r = put_text(s, path, texts.v[i], strlen(texts.v[i]));
	}
	return r;
}

int staging_text(struct staging *s, const char *shown, const char *name, const char *text, size_t n)
{
	AUTO_FREE char *path = s->below ? path_join(s->below, name) : xstrdup(name);
	int r = put_file(s, path, text, n);

	return r < 0 ? err_wrap(r, "%s", shown) : 0;
}

static int stage_file(struct staging *s, int from_dir, const char *path, const char *shown,
		      const char *name)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	char target[256];
	int r;

	if (!is_hidden(path_base(name)) && is_link_beside(from_dir, path, target, sizeof(target))) {
		r = claim(s, name);
		if (r == 0 && symlinkat(target, s->dir, name) < 0)
			r = named_twice(-errno, name);
	} else {
		r = file_read_at(from_dir, path, STAGING_FILE_LIMIT, &text);
		if (r == 0)
			r = put_file(s, name, text.len ? text.s : "", text.len);
	}
	return r < 0 ? err_wrap(r, "%s", shown) : 0;
}

/* All of @fd but what begins with a dot; @below: where it goes, "" for the top. */
static int stage_dir(struct staging *s, int fd, const char *shown, const char *below,
		     unsigned depth)
{
	AUTO_STRV struct strv found = STRV_INIT;
	int r = dir_names(fd, &found);

	if (r == 0 && depth == 0)
		r = err_new(-CE_LIMIT, "%s: directories too deep in each other", shown);
	if (r == 0 && *below && mkdirat(s->dir, below, 0755) < 0 && errno != EEXIST)
		r = err_new(-errno, "make %s", below);
	strv_sort(&found);
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		AUTO_FREE char *path = path_join(shown, found.v[i]);
		AUTO_FREE char *name = *below ? path_join(below, found.v[i]) : xstrdup(found.v[i]);
		AUTO_CLOSE int sub = -EBADF;
		struct stat st;

		if (is_hidden(found.v[i]) || fstatat(fd, found.v[i], &st, 0) < 0)
			continue;
		if (S_ISREG(st.st_mode)) {
			r = stage_file(s, fd, found.v[i], path, name);
		} else if (S_ISDIR(st.st_mode)) {
			sub = openat(fd, found.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			r = sub < 0 ? err_new(-errno, "%s", path)
				    : stage_dir(s, sub, path, name, depth - 1);
		}
	}
	return r;
}

static bool is_drop_in_dir(const char *name)
{
	return has_ending(name, ".d");
}

int staging_source(struct staging *s, const char *source)
{
	AUTO_FREE char *clean = path_clean(source), *name = NULL;
	const char *base = path_base(clean), *below = s->below ? s->below : "";
	AUTO_CLOSE int fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_new(-errno, "%s", source);
	name = *below ? path_join(below, base) : xstrdup(base);
	if (S_ISDIR(st.st_mode))
		return stage_dir(s, fd, clean, is_drop_in_dir(base) ? name : below,
				 STAGING_DEPTH_LIMIT);
	return stage_file(s, AT_FDCWD, source, source, name);
}
