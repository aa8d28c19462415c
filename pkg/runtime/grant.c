/* SPDX-License-Identifier: MIT */
/*
 * What the host grants a user: subordinate ids from /etc/subuid and /etc/subgid, or from getsubids(1)
 * where nsswitch.conf names another source. The files are root's, yet parsed strictly: a line for
 * us that is odd in any way stops us, since newuidmap would read it in its own way (threats H06).
 */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"

#define FILE_MAX (4U << 20)
#define RANGES_MAX 128
#define GETSUBIDS "/usr/bin/getsubids"

/* Who we look for: the name is found only when a line does not carry our number. */
struct who {
	uid_t id;
	char number[16];
	char *name;
	bool looked_up;
};

static char *name_from_file(uid_t uid)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char *save = NULL, id[16];

	if (file_read_at(AT_FDCWD, "/etc/passwd", FILE_MAX, &b) < 0) {
		err_drop(); /* the C library asks its other sources */
		return NULL;
	}
	(void)snprintf(id, sizeof(id), "%u", (unsigned)uid);
	for (char *l = b.len ? strtok_r(b.s, "\n", &save) : NULL; l;
	     l = strtok_r(NULL, "\n", &save)) {
		char *name_end = strchr(l, ':');
		char *pw = name_end ? strchr(name_end + 1, ':') : NULL;
		size_t n = strlen(id);

		if (pw && strncmp(pw + 1, id, n) == 0 && pw[1 + n] == ':' && name_end != l)
			return xstrndup(l, (size_t)(name_end - l));
	}
	return NULL;
}

/* Name services cost milliseconds of shared objects: our own look at the file goes first. */
static const char *who_name(struct who *w)
{
	if (!w->looked_up) {
		struct passwd *pw;

		w->looked_up = true;
		w->name = name_from_file(w->id);
		if (!w->name && (pw = getpwuid(w->id)))
			w->name = xstrdup(pw->pw_name);
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
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	AUTO_FREE char *out = xmalloc(65536);
	int p[2], status;
	ssize_t got;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	pidfd = spawn_start(&(struct spawn){.path = GETSUBIDS,
					    .argv = groups ? g_argv : u_argv,
					    .stdio = {-1, wr, -1}},
			    NULL);
	if (pidfd < 0)
		return err_wrap(pidfd, "nsswitch.conf has a subid source of its own");
	closep(&wr);
	got = read_upto(rd, out, 65535);
	(void)pidfd_wait(pidfd, 10000, &status);
	if (got < 0)
		return err_new((int)got, "read the output of " GETSUBIDS);
	if (got == 65535)
		return err_new(-CE_LIMIT, "output of " GETSUBIDS);
	out[got] = '\0';
	return status == 0 ? parse_getsubids(out, own, v, n)
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

int base_grant_load(struct base_grant *ret)
{
	struct base_grant g = {.uid = geteuid(), .gid = getegid()};
	struct who w = {.id = g.uid};
	int r;

	(void)snprintf(w.number, sizeof(w.number), "%u", (unsigned)g.uid);
	if (has_foreign_source()) {
		r = run_getsubids(who_name(&w), false, g.uid, &g.uids, &g.n_uids);
		if (r == 0)
			r = run_getsubids(who_name(&w), true, g.gid, &g.gids, &g.n_gids);
	} else {
		r = parse_ids_file("/etc/subuid", &w, g.uid, &g.uids, &g.n_uids);
		if (r == 0)
			r = parse_ids_file("/etc/subgid", &w, g.gid, &g.gids, &g.n_gids);
	}
	free(w.name);
	if (r < 0) {
		base_grant_done(&g);
		return r;
	}
	*ret = g;
	return 0;
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
	uint32_t first = above_all_ranges("/etc/subgid", above_all_ranges("/etc/subuid", 100000));
	char *s;

	s = xasprintf(
		"no subordinate ids in %s for user %s: only one id can be used in containers; "
		"mend it as root with: usermod --add-subuids %u-%u --add-subgids %u-%u %s",
		g->n_uids ? "/etc/subgid" : "/etc/subuid", *who_name(&w) ? who_name(&w) : "?",
		first, first + 65535, first, first + 65535, *who_name(&w) ? who_name(&w) : "USER");
	free(w.name);
	return s;
}
