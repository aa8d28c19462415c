/* SPDX-License-Identifier: MIT */
#include "pkg/oci/hooks_dir.h"

#include <fcntl.h>
#include <regex.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/names.h"

#define FILE_MAX (1U << 20)
#define FILES_MAX 256

void hook_set_done(struct hook_set *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		oci_hook_done(&s->v[i].hook);
		json_putp(&s->v[i].doc);
	}
	free(s->v);
	*s = (struct hook_set){0};
}

static int only_ours(const struct stat *st, const char *what)
{
	if ((st->st_uid != 0 && st->st_uid != getuid()) || (st->st_mode & 022))
		return err_new(-CE_UNSAFE, "%s can be written by others than root and you", what);
	return 0;
}

/* --- when ------------------------------------------------------------------------------------- */

static int matches(const char *pattern, const char *text, bool *ret)
{
	regex_t re;
	int e = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB);

	if (e != 0)
		return err_new(-CE_BAD_FORMAT, "\"%s\" is no regular expression", pattern);
	*ret = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return 0;
}

/* Is there an annotation whose name and value are like these? */
static int annotation_is_like(const struct strv *all, const char *pair, bool *ret)
{
	AUTO_FREE char *key = xstrdup(pair);
	char *value = strchr(key, '=');
	int r = 0;

	*value++ = '\0';
	*ret = false;
	for (size_t i = 0; r == 0 && !*ret && i < all->n; i++) {
		const char *eq = strchr(all->v[i], '=');
		AUTO_FREE char *name = xstrndup(all->v[i], (size_t)(eq - all->v[i]));
		bool like = false;

		r = matches(key, name, &like);
		if (r == 0 && like)
			r = matches(value, eq + 1, ret);
	}
	return r;
}

struct when {
	bool always, bind_mounts, has_always, has_bind_mounts;
	struct strv annotations, commands;
};

static int read_when(struct json_object *doc, struct when *w)
{
	struct json_object *o = NULL;
	int r = json_get_obj(doc, "when", &o);

	if (r == 0 && !o)
		r = err_new(-CE_BAD_FORMAT, "\"when\" is missing");
	if (r == 0)
		r = json_get_bool(o, "always", &w->always);
	if (r == 0)
		r = json_get_bool(o, "hasBindMounts", &w->bind_mounts);
	if (r == 0)
		r = json_get_map(o, "annotations", &w->annotations);
	if (r == 0)
		r = json_get_strv(o, "commands", &w->commands);
	w->has_always = o && json_object_object_get_ex(o, "always", NULL);
	w->has_bind_mounts = o && json_object_object_get_ex(o, "hasBindMounts", NULL);
	return r;
}

/* All that is named must hold, and something must be named. */
static int holds(const struct when *w, const struct hook_subject *s, bool *ret)
{
	bool any = false, like = false;
	int r = 0;

	*ret = false;
	if ((w->has_always && !w->always) ||
	    (w->has_bind_mounts && !(w->bind_mounts && s->has_bind_mounts)))
		return 0;
	for (size_t i = 0; i < w->annotations.n; i++) {
		r = annotation_is_like(s->annotations, w->annotations.v[i], &like);
		if (r < 0 || !like)
			return r;
	}
	for (size_t i = 0; r == 0 && !any && i < w->commands.n; i++)
		r = matches(w->commands.v[i], s->command, &any);
	if (r < 0 || (w->commands.n && !any))
		return r;
	*ret = w->has_always || w->has_bind_mounts || w->annotations.n || w->commands.n;
	return 0;
}

static int is_wanted(struct json_object *doc, const struct hook_subject *s, bool *ret)
{
	struct when w = {0};
	int r = read_when(doc, &w);

	if (r == 0)
		r = holds(&w, s, ret);
	strv_done(&w.annotations);
	strv_done(&w.commands);
	return r;
}

/* --- a file ----------------------------------------------------------------------------------- */

static int read_stages(struct json_object *doc, unsigned *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = json_get_strv(doc, "stages", &names);

	if (r == 0 && names.n == 0)
		r = err_new(-CE_BAD_FORMAT, "\"stages\" is empty");
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		unsigned s = 0;

		while (s < OCI_HOOK_STAGES && strcmp(names.v[i], oci_hook_stages[s]) != 0)
			s++;
		if (s == OCI_HOOK_STAGES)
			r = err_new(-CE_UNSUPPORTED, "stage \"%s\"", names.v[i]);
		else
			*ret |= 1U << s;
	}
	return r;
}

static int check_program(const struct hook_file *f)
{
	struct stat st;

	/* Found inside of the container. */
	if (f->stages == 1U << OCI_HOOK_START_CONTAINER)
		return 0;
	if (stat(f->hook.path, &st) < 0)
		return err_new(-errno, "%s", f->hook.path);
	return only_ours(&st, f->hook.path);
}

static int read_hook(struct json_object *doc, struct hook_file *f)
{
	struct json_object *hook = NULL;
	const char *version = "";
	int r = json_get_str(doc, "version", &version);

	if (r == 0 && strcmp(version, "1.0.0") != 0)
		return err_new(-CE_UNSUPPORTED, "version \"%s\"; known is 1.0.0", version);
	if (r == 0)
		r = json_get_obj(doc, "hook", &hook);
	if (r == 0 && !hook)
		r = err_new(-CE_BAD_FORMAT, "\"hook\" is missing");
	if (r == 0)
		r = oci_hook_parse(hook, OCI_HOOK_PRESTART, &f->hook);
	if (r == 0)
		r = read_stages(doc, &f->stages);
	if (!f->hook.timeout_s)
		f->hook.timeout_s = HOOK_TIMEOUT_S;
	return r;
}

static int load_file(const char *path, const struct hook_subject *s, struct hook_set *set)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct hook_file *f = &set->v[set->n];
	bool wanted = false;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_new(-errno, "open it");
	r = only_ours(&st, "it");
	if (r == 0)
		r = file_read_fd(fd, FILE_MAX, &text);
	if (r < 0)
		return r;
	*f = (struct hook_file){0};
	set->n++; /* hook_set_done() releases it */
	r = json_parse(text.s, text.len, &f->doc);
	if (r == 0)
		r = read_hook(f->doc, f);
	if (r == 0)
		r = is_wanted(f->doc, s, &wanted);
	if (r == 0 && wanted)
		return check_program(f);
	oci_hook_done(&f->hook);
	json_putp(&f->doc);
	set->n--;
	return r;
}

/* --- the directories -------------------------------------------------------------------------- */

/* "name\tpath", so that equal names stand together: the last directory's comes last. */
static int list(const struct strv *dirs, bool must_exist, struct strv *ret)
{
	for (size_t d = 0; d < dirs->n; d++) {
		AUTO_CLOSE int fd = open(dirs->v[d], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		AUTO_STRV struct strv names = STRV_INIT;
		int r;

		if (fd < 0 && errno == ENOENT && !must_exist)
			continue;
		if (fd < 0)
			return err_new(-errno, "hooks directory %s", dirs->v[d]);
		r = dir_names(fd, &names);
		if (r < 0)
			return r;
		for (size_t i = 0; i < names.n; i++)
			if (has_ending(names.v[i], ".json"))
				strv_addf(ret, "%s\t%03zu\t%s/%s", names.v[i], d, dirs->v[d],
					  names.v[i]);
	}
	strv_sort(ret);
	return ret->n > FILES_MAX ? err_new(-CE_LIMIT, "more than %d hooks", FILES_MAX) : 0;
}

int hook_set_load(const struct strv *dirs, bool must_exist, const struct hook_subject *subject,
		  struct hook_set *ret)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = list(dirs, must_exist, &files);

	*ret = (struct hook_set){0};
	if (r < 0 || files.n == 0)
		return r;
	ret->v = xcalloc(files.n, sizeof(*ret->v));
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		size_t name = strcspn(files.v[i], "\t");
		const char *path = files.v[i] + name + 5;

		if (i + 1 < files.n && strncmp(files.v[i], files.v[i + 1], name + 1) == 0)
			continue;
		r = load_file(path, subject, ret);
		if (r < 0)
			r = err_wrap(r, "hook %s", path);
	}
	return r;
}
