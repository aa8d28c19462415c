/* SPDX-License-Identifier: MIT */
/*
 * What the host grants a user: subordinate ids from /etc/subuid and /etc/subgid, or from getsubids(1)
 * where nsswitch.conf names another source. The files are root's, yet parsed strictly: a line for
 * us that is odd in any way stops us, since newuidmap would read it in its own way (threats H06).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/file.h"
#include "pkg/sys/passwd.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/process.h"

#define FILE_MAX (4U << 20)
#define SUBUID "/etc/subuid"
#define SUBGID "/etc/subgid"
#define RANGES_MAX 128
#define GETSUBIDS "/usr/bin/getsubids"
#define GETSUBIDS_MAX 65536

/* Who we look for: the name is found only when a line does not carry our number. */
struct who {
	uid_t id;
	char number[16];
	char *name;
	bool looked_up;
};

static const char *who_name(struct who *w)
{
	struct passwd_entry e;

	if (!w->looked_up) {
		w->looked_up = true;
		if (passwd_find(w->id, &e) == 0) {
			w->name = xstrdup(e.name);
			passwd_entry_done(&e);
		}
	}
	return w->name ? w->name : "";
}

static int bad_line(const char *source, unsigned line, const char *why)
{
	return err_new(-CE_HOST_SETUP, "%s line %u: %s; mend that line with an editor, as root",
		       source, line, why);
}

static int add_range(struct subid_range **v, unsigned *n, const char *source, unsigned line,
		     uid_t own, const char *start, const char *count)
{
	struct subid_range r;

	if (parse_u32(start, UINT32_MAX, &r.start) < 0 ||
	    parse_u32(count, UINT32_MAX, &r.count) < 0)
		return bad_line(source, line, "not NAME:START:COUNT with decimal numbers");
	if (r.count == 0)
		return 0;
	if (r.start == 0)
		return bad_line(source, line, "the range holds id 0 of the host");
	if (r.count > UINT32_MAX - r.start)
		return bad_line(source, line, "the range ends beyond the last id");
	if (own >= r.start && own - r.start < r.count)
		return bad_line(source, line, "the range holds the user's own id");
	for (unsigned i = 0; i < *n; i++)
		if (r.start < (*v)[i].start + (*v)[i].count && (*v)[i].start < r.start + r.count)
			return bad_line(source, line, "the range overlaps an earlier one");
	if (*n >= RANGES_MAX)
		return bad_line(source, line, "too many ranges");
	*v = xreallocarray(*v, *n + 1, sizeof(r));
	(*v)[(*n)++] = r;
	return 0;
}

static int parse_ids_file(const char *path, struct who *w, uid_t own, struct subid_range **v,
			  unsigned *n)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	unsigned line = 0;
	int r;

	r = file_read_at(AT_FDCWD, path, FILE_MAX, &b);
	if (r == -ENOENT) {
		err_drop(); /* no file, no range */
		return 0;
	}
	if (r < 0)
		return err_wrap(-CE_HOST_SETUP, "cannot use %s (%s)", path, err_text(r));
	if (memchr(b.s, '\0', b.len))
		return bad_line(path, 1, "the file holds NUL bytes");
	for (char *l = b.s, *next; *l; l = next) {
		char *start, *count;

		line++;
		next = l + strcspn(l, "\n");
		if (*next)
			*next++ = '\0';
		start = strchr(l, ':');
		if (!start || *l == '#')
			continue;
		*start++ = '\0';
		if (strcmp(l, w->number) != 0 && strcmp(l, who_name(w)) != 0)
			continue;
		count = strchr(start, ':');
		if (!count)
			return bad_line(path, line, "not NAME:START:COUNT");
		*count++ = '\0';
		r = add_range(v, n, path, line, own, start, count);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One line of getsubids: "0: name 100000 65536". */
static int parse_getsubids(char *out, uid_t own, struct subid_range **v, unsigned *n)
{
	char *save = NULL;
	unsigned line = 0;

	for (char *l = strtok_r(out, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *words = NULL;
		char *index = strtok_r(l, " ", &words), *name = strtok_r(NULL, " ", &words);
		char *start = strtok_r(NULL, " ", &words), *count = strtok_r(NULL, " ", &words);
		int r;

		line++;
		if (!index || !name || !start || !count)
			return bad_line(GETSUBIDS, line, "not 'N: NAME START COUNT'");
		r = add_range(v, n, GETSUBIDS, line, own, start, count);
		if (r < 0)
			return r;
	}
	return 0;
}

static int run_getsubids(const char *name, bool groups, uid_t own, struct subid_range **v,
			 unsigned *n)
{
	static char prog[] = GETSUBIDS, g_flag[] = "-g";
	AUTO_FREE char *user = xstrdup(name);
	char *u_argv[] = {prog, user, NULL}, *g_argv[] = {prog, g_flag, user, NULL};
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	int status, r = spawn_read(groups ? g_argv : u_argv, GETSUBIDS_MAX, 10000, &out, &status);

	if (r < 0)
		return err_wrap(r, "nsswitch.conf has a subid source of its own");
	return status == 0 && out.len ? parse_getsubids(out.s, own, v, n)
				      : 0; /* it fails when there is no range */
}

/* "subid: sss" and the like; "subid: files" is what we do anyway. */
static bool has_foreign_source(void)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	const char *p;

	if (file_read_at(AT_FDCWD, "/etc/nsswitch.conf", FILE_MAX, &b) < 0) {
		err_drop();
		return false;
	}
	p = strncmp(b.s, "subid:", 6) == 0 ? b.s : strstr(b.s, "\nsubid:");
	if (!p)
		return false;
	p += (*p == '\n') + 6;
	p += strspn(p, " \t");
	return !(strncmp(p, "files", 5) == 0 && (p[5] == '\n' || p[5] == '\0'));
}

static struct subid_range *copy_ranges(const struct subid_range *v, unsigned n)
{
	struct subid_range *c = xcalloc(n + 1, sizeof(*c));

	if (n)
		memcpy(c, v, n * sizeof(*c));
	return c;
}

static struct base_grant copy_grant(const struct base_grant *g)
{
	struct base_grant c = *g;

	c.uids = copy_ranges(g->uids, g->n_uids);
	c.gids = copy_ranges(g->gids, g->n_gids);
	return c;
}

/* Read once: in B we are root there, of whom the host's files say something else. */
static struct base_grant outside;
static bool has_outside;

static int read_grant(uid_t uid, gid_t gid, struct base_grant *ret)
{
	struct base_grant g = {.uid = uid, .gid = gid};
	struct who w = {.id = uid};
	int r;

	(void)snprintf(w.number, sizeof(w.number), "%u", (unsigned)uid);
	if (has_foreign_source()) {
		r = run_getsubids(who_name(&w), false, uid, &g.uids, &g.n_uids);
		if (r == 0)
			r = run_getsubids(who_name(&w), true, gid, &g.gids, &g.n_gids);
	} else {
		r = parse_ids_file(SUBUID, &w, uid, &g.uids, &g.n_uids);
		if (r == 0)
			r = parse_ids_file(SUBGID, &w, gid, &g.gids, &g.n_gids);
	}
	free(w.name);
	if (r < 0)
		base_grant_done(&g);
	else
		*ret = g;
	return r;
}

/* Root of a namespace: perhaps started inside of the B of the user who is 0 there. Return: 1 when so. */
static int read_inherited(struct base_grant *ret)
{
	uid_t uid = outer_uid();
	gid_t gid = outer_gid();

	if (geteuid() != 0 || (uid == 0 && gid == 0))
		return 0;
	if (read_grant(uid, gid, ret) < 0) {
		err_drop();
		return 0;
	}
	if (base_is_inherited(ret))
		return 1;
	base_grant_done(ret);
	return 0;
}

int base_grant_load(struct base_grant *ret)
{
	struct base_grant g = {0};
	int r;

	if (has_outside) {
		*ret = copy_grant(&outside);
		return 0;
	}
	r = read_inherited(&g);
	if (r == 0)
		r = read_grant(geteuid(), getegid(), &g);
	if (r < 0)
		return r;
	base_grant_forget();
	outside = copy_grant(&g);
	has_outside = true;
	*ret = g;
	return 0;
}

void base_grant_forget(void)
{
	base_grant_done(&outside);
	has_outside = false;
}

void base_grant_done(struct base_grant *g)
{
	free(g->uids);
	free(g->gids);
	*g = (struct base_grant){0};
}

bool base_grant_is_single(const struct base_grant *g)
{
	return g->n_uids == 0 || g->n_gids == 0;
}

bool base_grant_is_of(const struct base_grant *g, const char *name)
{
	struct who w = {.id = g->uid};
	bool same;

	(void)snprintf(w.number, sizeof(w.number), "%u", (unsigned)g->uid);
	same = *name && (strcmp(name, w.number) == 0 || strcmp(name, who_name(&w)) == 0);
	free(w.name);
	return same;
}

static char *sharer_in(const char *path, const struct base_grant *g, const struct subid_range *v,
		       unsigned n)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	unsigned line = 0;

	if (file_read_at(AT_FDCWD, path, FILE_MAX, &b) < 0) {
		err_drop();
		return NULL;
	}
	for (char *l = b.s, *next; l && *l; l = next) {
		unsigned long long start, count;
		char name[64];

		line++;
		next = l + strcspn(l, "\n");
		if (*next)
			*next++ = '\0';
		if (*l == '#' || sscanf(l, "%63[^:]:%llu:%llu", name, &start, &count) != 3 ||
		    base_grant_is_of(g, name))
			continue;
		for (unsigned i = 0; i < n; i++)
			if (start < (unsigned long long)v[i].start + v[i].count &&
			    v[i].start < start + count)
				return xasprintf("%s (%s line %u)", name, path, line);
	}
	return NULL;
}

char *base_grant_sharer(const struct base_grant *g)
{
	char *s = sharer_in(SUBUID, g, g->uids, g->n_uids);

	return s ? s : sharer_in(SUBGID, g, g->gids, g->n_gids);
}

/* The first id from 100000 on above every range in @path: ids of two users must not be the same. */
static uint32_t above_all_ranges(const char *path, uint32_t least)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	unsigned long long start, count;

	if (file_read_at(AT_FDCWD, path, FILE_MAX, &b) < 0) {
		err_drop(); /* none there: all are free */
		return least;
	}
	for (const char *l = b.len ? b.s : NULL; l && *l; l = strchr(l, '\n')) {
		l += strspn(l, "\n");
		if (sscanf(l, "%*[^:\n]:%llu:%llu", &start, &count) == 2 && start + count > least &&
		    start + count <= UINT32_MAX - 65536)
			least = (uint32_t)(start + count);
	}
	return least;
}

char *base_single_hint(const struct base_grant *g)
{
	struct who w = {.id = g->uid};
	uint32_t first = above_all_ranges(SUBGID, above_all_ranges(SUBUID, 100000));
	char *s;

	s = xasprintf(
		"no subordinate ids in %s for user %s: only one id can be used in containers; "
		"mend it as root with: usermod --add-subuids %u-%u --add-subgids %u-%u %s",
		g->n_uids ? SUBGID : SUBUID, *who_name(&w) ? who_name(&w) : "?", first,
		first + 65535, first, first + 65535, *who_name(&w) ? who_name(&w) : "USER");
	free(w.name);
	return s;
}

int base_shared_with_caller(void)
{
	AUTO(base_grant_done) struct base_grant grant = {0};
	int r = base_grant_load(&grant);

	if (r == 0 && !base_is_inherited(&grant))
		return err_new(
			-CE_UNSUPPORTED,
			"nobody else would see the mount: do it inside of \"cuddy unshare\"; "
			"outside of it this is");
	return r;
}
