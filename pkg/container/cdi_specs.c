/* SPDX-License-Identifier: MIT */
#include "pkg/container/cdi_specs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"

#define SPEC_MAX (4U << 20)
#define CLASS "org.mobyproject.buildkit.device.class"
#define AUTO_ALLOW "org.mobyproject.buildkit.device.autoallow"

static int read_spec(int dir, const char *name, struct json_object **ret)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_new(-errno, "open");
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022))
		return err_new(-CE_UNSAFE, "others could write it; it must be root's or yours");
	r = file_read_fd(fd, SPEC_MAX, &b);
	return r < 0 ? r : json_parse(b.s, b.len, ret);
}

/* @r: what came of reading it. */
static void add(struct cdi_specs *s, char *path, struct json_object *doc, int r)
{
	struct cdi_spec *one;

	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	one = &s->v[s->n++];
	*one = (struct cdi_spec){.path = path, .doc = doc, .error = r};
	if (r < 0) {
		one->trail = xstrdup(err_trail());
		err_drop();
	}
}

static void read_dir(const char *path, struct cdi_specs *s)
{
	AUTO_CLOSEDIR DIR *d = opendir(path);

	if (!d && errno != ENOENT)
		add(s, xstrdup(path), NULL, err_new(-errno, "open %s", path));
	for (struct dirent *e; d && (e = readdir(d));) {
		struct json_object *doc = NULL;
		int r;

		if (*e->d_name == '.')
			continue;
		s->yaml = s->yaml || has_ending(e->d_name, ".yaml") || has_ending(e->d_name, ".yml");
		if (!has_ending(e->d_name, ".json"))
			continue;
		r = read_spec(dirfd(d), e->d_name, &doc);
		if (r < 0)
			r = err_wrap(r, "%s/%s", path, e->d_name);
		add(s, xasprintf("%s/%s", path, e->d_name), doc, r);
	}
}

void cdi_specs_read(const struct strv *dirs, struct cdi_specs *ret)
{
	const char *env = getenv("CDI_SPEC_DIRS");

	*ret = (struct cdi_specs){.n = 0};
	if (dirs->n) {
		strv_add_all(&ret->dirs, dirs);
	} else if (env && *env) {
		strv_split(&ret->dirs, env, ':');
	} else {
		strv_add(&ret->dirs, "/etc/cdi");
		strv_add(&ret->dirs, "/var/run/cdi");
	}
	for (size_t i = 0; i < ret->dirs.n; i++)
		read_dir(ret->dirs.v[i], ret);
}

void cdi_specs_done(struct cdi_specs *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		json_putp(&s->v[i].doc);
		free(s->v[i].path);
		free(s->v[i].trail);
	}
	free(s->v);
	strv_done(&s->dirs);
	*s = (struct cdi_specs){.n = 0};
}

int cdi_specs_check(const struct cdi_specs *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].error < 0)
			return err_set(s->v[i].error, s->v[i].trail);
	return 0;
}

/* --- what a build asks for ------------------------------------------------------------------------- */

struct search {
	const char *kind, *name; /* name "": the first, "*": all */
	size_t kind_len;
	struct strv named, classed; /* that have this name, or are of a class of this name */
	struct strv open;
};

/* The device's own annotations count before those of the file. */
static int annotation(struct json_object *spec, struct json_object *device, const char *key,
		      const char **ret)
{
	struct json_object *of[] = {device, spec};
	int r = 0;

	*ret = NULL;
	for (size_t i = 0; r == 0 && !*ret && i < ARRAY_LEN(of); i++) {
		struct json_object *a = NULL;

		r = json_get_obj(of[i], "annotations", &a);
		if (r == 0 && a)
			r = json_get_str(a, key, ret);
	}
	return r;
}

static int look_at(struct json_object *spec, struct json_object *device, struct search *s)
{
	const char *name = NULL, *class = NULL, *allow = NULL;
	AUTO_FREE char *full = NULL;
	bool on = false;
	int r = json_get_str(device, "name", &name);

	if (r == 0)
		r = annotation(spec, device, CLASS, &class);
	if (r == 0)
		r = annotation(spec, device, AUTO_ALLOW, &allow);
	if (r < 0 || !name)
		return r;
	full = xasprintf("%.*s=%s", (int)s->kind_len, s->kind, name);
	if (!*s->name || strcmp(s->name, "*") == 0 || strcmp(s->name, name) == 0)
		strv_add(&s->named, full);
	else if (class && strcmp(class, s->name) == 0)
		strv_add(&s->classed, full);
	if (allow && parse_bool(allow, &on) == 0 && on)
		strv_add(&s->open, full);
	return 0;
}

static int look_through(struct json_object *spec, struct search *s)
{
	struct json_object *devices = NULL;
	const char *kind = NULL;
	int r = json_get_str(spec, "kind", &kind);

	if (r == 0)
		r = json_get_arr(spec, "devices", &devices);
	if (r < 0 || !kind || !devices || strlen(kind) != s->kind_len ||
	    strncmp(kind, s->kind, s->kind_len) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < json_object_array_length(devices); i++)
		r = look_at(spec, json_object_array_get_idx(devices, i), s);
	return r;
}

int cdi_find(const struct cdi_specs *specs, const char *wanted, struct strv *ret, struct strv *ret_open)
{
	const char *eq = strchr(wanted, '=');
	struct search s = {.kind = wanted,
			   .name = eq ? eq + 1 : "",
			   .kind_len = eq ? (size_t)(eq - wanted) : strlen(wanted)};
	const struct strv *found;
	int r = cdi_specs_check(specs);

	for (unsigned i = 0; r == 0 && i < specs->n; i++) {
		r = look_through(specs->v[i].doc, &s);
		if (r < 0)
			r = err_wrap(r, "%s", specs->v[i].path);
	}
	found = s.named.n ? &s.named : &s.classed;
	if (found->n)
		strv_sort(s.named.n ? &s.named : &s.classed);
	for (size_t i = 0; r == 0 && i < found->n && (*s.name || i == 0); i++) {
		if (strv_has(ret, found->v[i]))
			continue;
		strv_add(ret, found->v[i]);
		if (strv_has(&s.open, found->v[i]))
			strv_add(ret_open, found->v[i]);
	}
	strv_done(&s.named);
	strv_done(&s.classed);
	strv_done(&s.open);
	return r;
}
