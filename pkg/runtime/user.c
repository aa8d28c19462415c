/* SPDX-License-Identifier: MIT */
/*
 * Who a process shall be, by the image's own passwd and group. Both are hostile: read with a size
 * limit, regular files only, lines and group lists bounded (threats R21). Digits are an id and
 * never looked up as a name (R20).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/file.h"

#define DB_MAX (1U << 20)
#define LINE_MAX_BYTES 65536
#define ID_MAX 2147483647U
#define FIELDS 7

struct line_reader {
	char *next;
};

/* The next line, cut at its colons in place; missing fields are "". 0 at the end. */
static int next_line(struct line_reader *l, const char *file, char *field[FIELDS])
{
	char *s = l->next;
	size_t n;

	if (!*s)
		return 0;
	n = strcspn(s, "\n");
	if (n > LINE_MAX_BYTES)
		return err_new(-CE_LIMIT, "/etc/%s of the image has a line of %zu bytes", file, n);
	l->next = s + n;
	if (*l->next)
		*l->next++ = '\0';
	for (int i = 0; i < FIELDS; i++) {
		static char none[1];
		char *colon = s ? strchr(s, ':') : NULL;

		field[i] = s ? s : none;
		if (colon)
			*colon++ = '\0';
		s = colon;
	}
	return 1;
}

/* A file that the image lacks reads as empty. */
static int read_db(int root, const char *file, struct sbuf *out)
{
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "etc/%s", file);
	r = file_read_in(root, path, DB_MAX, out);
	if (r == -ENOENT || r == -ENOTDIR) {
		err_drop(); /* scratch images have none */
		return 0;
	}
	if (r == 0 && strlen(out->s) != out->len)
		return err_new(-CE_BAD_FORMAT, "/etc/%s of the image holds NUL bytes", file);
	return r;
}

static bool is_number(const char *s)
{
	return isdigit((unsigned char)*s);
}

static int parse_id(const char *s, uint32_t *ret)
{
	int r = parse_u32(s, ID_MAX, ret);

	return r < 0 ? err_usage("user '%s': not a number from 0 to %u", s, ID_MAX) : 0;
}

int user_db_has(int root, const char *file, const char *name)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct line_reader l;
	char *f[FIELDS];
	int r = read_db(root, file, &b);

	l.next = b.s;
	while (r == 0 && (r = next_line(&l, file, f)) > 0) {
		if (strcmp(f[0], name) == 0)
			return 1;
		r = 0;
	}
	return r;
}

struct wanted {
	const char *user, *group; /* @group NULL: the user's own */
};

static int find_user(int root, const struct wanted *w, struct rt_ids *ids, char **ret_name)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct line_reader l;
	char *f[FIELDS];
	uint32_t id = 0, gid;
	bool number = is_number(w->user), found = false;
	int r = number ? parse_id(w->user, &id) : 0;

	if (r == 0)
		r = read_db(root, "passwd", &b);
	if (r < 0)
		return r;
	ids->uid = id;
	l.next = b.s;
	while (!found && (r = next_line(&l, "passwd", f)) > 0) {
		uint32_t uid;

		if (!*f[0] || parse_u32(f[2], ID_MAX, &uid) < 0 ||
		    parse_u32(f[3], ID_MAX, &gid) < 0)
			continue;
		if (number ? uid != id : strcmp(f[0], w->user) != 0)
			continue;
		found = ids->user_named = true;
		ids->uid = uid;
		ids->gid = gid;
		*ret_name = xstrdup(f[0]);
		if (*f[5] == '/')
			ids->home = xstrdup(f[5]);
	}
	if (r < 0)
		return r;
	if (!found && !number && strcmp(w->user, "root") != 0)
		return err_usage("user '%s' is not in /etc/passwd of the image", w->user);
	return 0;
}

static bool list_has(char *list, const char *name)
{
	char *save = NULL;

	for (char *m = strtok_r(list, ",", &save); m; m = strtok_r(NULL, ",", &save))
		if (strcmp(m, name) == 0)
			return true;
	return false;
}

static int add_group(struct rt_ids *ids, gid_t gid)
{
	for (unsigned i = 0; i < ids->n_groups; i++)
		if (ids->groups[i] == gid)
			return 0;
	if (ids->n_groups >= RT_GROUPS_MAX)
		return err_new(-CE_LIMIT, "more than %d supplementary groups", RT_GROUPS_MAX);
	if ((ids->n_groups & (ids->n_groups - 1)) == 0)
		ids->groups = xreallocarray(
			ids->groups, ids->n_groups ? 2 * (size_t)ids->n_groups : 1, sizeof(gid_t));
	ids->groups[ids->n_groups++] = gid;
	return 0;
}

/* One pass over group: the named primary group, memberships of @name, and what --group-add names. */
static int find_groups(int root, const struct wanted *w, const struct rt_process *p,
		       const char *name, struct rt_ids *ids)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct line_reader l;
	char *f[FIELDS];
	unsigned named = 0, resolved = 0;
	bool primary = !w->group || is_number(w->group);
	int r = read_db(root, "group", &b);

	if (r < 0)
		return r;
	for (const char *const *g = p->groups; g && *g; g++)
		named += !is_number(*g);
	l.next = b.s;
	while ((r = next_line(&l, "group", f)) > 0) {
		uint32_t gid;
		int add = 0;

		if (!*f[0] || parse_u32(f[2], ID_MAX, &gid) < 0)
			continue;
		if (!primary && strcmp(f[0], w->group) == 0) {
			ids->gid = gid;
			primary = true;
		}
		ids->group_named = ids->group_named || gid == ids->gid;
		for (const char *const *g = p->groups; g && *g; g++) {
			if (!is_number(*g) && strcmp(f[0], *g) == 0) {
				resolved++;
				add = 1;
			}
		}
		/* "USER:GROUP" names the group: memberships are not added then, as docker does. */
		if (name && !w->group && list_has(f[3], name))
			add = 1;
		if (add && (r = add_group(ids, gid)) < 0)
			break;
	}
	if (r < 0)
		return r;
	if (!primary)
		return err_usage("group '%s' is not in /etc/group of the image", w->group);
	if (resolved < named)
		return err_usage("a group of --group-add is not in /etc/group of the image");
	return 0;
}

static int add_numbers(const struct rt_process *p, struct rt_ids *ids)
{
	for (const char *const *g = p->groups; g && *g; g++) {
		uint32_t gid;
		int r;

		if (!is_number(*g))
			continue;
		r = parse_id(*g, &gid);
		if (r == 0)
			r = add_group(ids, gid);
		if (r < 0)
			return r;
	}
	return 0;
}

/* An empty part is refused (R20): "USER:" and ":GROUP" are what a script writes whose variable is empty. */
static int split_spec(char *spec, struct wanted *w)
{
	char *colon = strchr(spec, ':');

	w->user = *spec ? spec : "0";
	if (!colon)
		return 0;
	*colon++ = '\0';
	if (!*spec || !*colon || strchr(colon, ':'))
		return err_usage("user '%s:%s': not USER[:GROUP]", spec, colon);
	w->group = colon;
	return 0;
}

bool user_is_root(const char *spec)
{
	size_t n = spec ? strcspn(spec, ":") : 0;

	return n == 0 || (n == 1 && *spec == '0') || (n == 4 && strncmp(spec, "root", n) == 0);
}

int user_resolve(int root, const struct rt_process *p, struct rt_ids *ret)
{
	AUTO_FREE char *spec = xstrdup(p->user ? p->user : ""), *name = NULL;
	struct rt_ids ids = {0};
	struct wanted w = {0};
	uint32_t gid;
	int r = split_spec(spec, &w);

	if (r == 0)
		r = find_user(root, &w, &ids, &name);
	if (r == 0 && w.group && is_number(w.group)) {
		r = parse_id(w.group, &gid);
		if (r == 0)
			ids.gid = gid;
	}
	if (r == 0)
		r = find_groups(root, &w, p, name, &ids);
	/* The primary group belongs to the set: else a setgid program sheds it and a "0705" wall with it (R19). */
	if (r == 0)
		r = add_group(&ids, ids.gid);
	if (r == 0)
		r = add_numbers(p, &ids);
	if (r < 0) {
		free(ids.groups);
		free(ids.home);
		return r;
	}
	if (!ids.home)
		ids.home = xstrdup(ids.uid == 0 && !name ? "/root" : "/");
	*ret = ids;
	return 0;
}
