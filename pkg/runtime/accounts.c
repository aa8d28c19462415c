/* SPDX-License-Identifier: MIT */
/*
 * A user that the image does not know gets a line in its passwd and group, so that programs that ask
 * for a name, a home or a shell find them. The files are the image's, hostile as everything of it:
 * appended to only where they are regular files inside the root, while nothing else is mounted there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sbuf.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/open.h"

struct word {
	const char *name, *value;
};

/* A field must not end its line or hold another (R13). */
static bool is_field(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == ':' || *s == 0x7f)
			return false;
	return true;
}

/* "$UID" and the like; the longest name first in @w. */
static void expand(const char *line, const struct word *w, struct sbuf *out)
{
	while (*line) {
		size_t n = 0;

		for (const struct word *k = w; *line == '$' && k->name && !n; k++) {
			if (strncmp(line + 1, k->name, strlen(k->name)) != 0)
				continue;
			n = strlen(k->name) + 1;
			sbuf_adds(out, k->value);
		}
		if (!n)
			sbuf_addc(out, *line);
		line += n ? n : 1;
	}
	sbuf_addc(out, '\n');
}

static void user_line(const char *entry, const char *name, uint32_t uid, uint32_t gid,
		      const char *full_name, const char *home, struct sbuf *out)
{
	char u[16], g[16];
	const struct word words[] = {{"USERNAME", name},  {"UID", u},     {"GID", g},
				     {"NAME", full_name}, {"HOME", home}, {NULL, NULL}};

	(void)snprintf(u, sizeof(u), "%u", uid);
	(void)snprintf(g, sizeof(g), "%u", gid);
	expand(entry ? entry : "$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/sh", words, out);
}

static void group_line(const char *entry, const char *name, uint32_t gid, const char *member,
		       struct sbuf *out)
{
	char g[16];
	const struct word words[] = {
		{"GROUPNAME", name}, {"GID", g}, {"USERLIST", member}, {NULL, NULL}};

	(void)snprintf(g, sizeof(g), "%u", gid);
	expand(entry ? entry : "$GROUPNAME:x:$GID:$USERLIST", words, out);
}

static int open_db(int root, const char *path)
{
	int fd = open_in(root, path, O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY, 0);

	if (fd != -ENOENT)
		return fd;
	fd = open_in(root, path, O_RDWR | O_APPEND | O_CREAT | O_EXCL, 0644);
	if (fd >= 0 && fchmod(fd, 0644) < 0) {
		(void)close(fd);
		return err_new(-errno, "chmod /%s", path);
	}
	return fd;
}

static int append(int root, const char *path, const struct sbuf *lines)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_CLOSE int fd = -EBADF;
	struct stat st;
	char last = '\n';
	int r;

	if (!lines->len)
		return 0;
	fd = open_db(root, path);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EEXIST || fd == -ELOOP) {
		err_drop(); /* no place for it: the user goes without a name */
		return 0;
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_new(-CE_BAD_FORMAT, "/%s of the image is not a file", path);
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1)
		return err_new(-errno, "read /%s", path);
	if (last != '\n')
		sbuf_addc(&text, '\n');
	sbuf_add(&text, lines->s, lines->len);
	r = write_full(fd, text.s, text.len);
	return r < 0 ? err_new(r, "add to /%s", path) : 0;
}

static void set_home(struct rt_ids *ids, const char *home)
{
	free(ids->home);
	ids->home = xstrdup(home);
}

/* The caller, whom keep-id brings along. */
static int add_caller(int root, const struct rt_accounts *a, struct rt_ids *ids,
		      struct sbuf *passwd, struct sbuf *group)
{
	int has_user = user_db_has(root, "passwd", a->name);
	int has_group = has_user < 0 ? has_user : user_db_has(root, "group", a->group);

	if (has_group < 0)
		return has_group;
	/* A number that the image has already given to somebody keeps that name. */
	if (!has_user && !(ids->user_named && ids->uid == a->uid)) {
		user_line(a->passwd_entry, a->name, a->uid, a->gid, a->full_name, a->home, passwd);
		if (ids->uid == a->uid) {
			ids->user_named = true;
			set_home(ids, a->home);
		}
	}
	if (!has_group && !(ids->group_named && ids->gid == a->gid)) {
		group_line(a->group_entry, a->group, a->gid, a->name, group);
		ids->group_named = ids->group_named || ids->gid == a->gid;
	}
	return 0;
}

/* Lines that the planner made of the host's; a name that the image has given to somebody stays his. */
static int add_host_users(int root, const struct rt_accounts *a, struct sbuf *passwd)
{
	for (const char *const *line = a->host_users; line && *line; line++) {
		AUTO_FREE char *name = xstrndup(*line, strcspn(*line, ":"));
		int has = strpbrk(*line, "\r\n") ? 1 : user_db_has(root, "passwd", name);

		if (has < 0)
			return has;
		if (!has)
			sbuf_addf(passwd, "%s\n", *line);
	}
	return 0;
}

int accounts_add(int root, const struct rt_plan *p, struct rt_ids *ids)
{
	const struct rt_accounts *a = &p->accounts;
	AUTO_SBUF struct sbuf passwd = SBUF_INIT, group = SBUF_INIT;
	const char *cwd = p->process.cwd && is_field(p->process.cwd) ? p->process.cwd : "/";
	char uid[16], gid[16];
	int r = 0;

	if (!a->add)
		return 0;
	if (a->name && is_field(a->name) && is_field(a->full_name) && is_field(a->home) &&
	    is_field(a->group))
		r = add_caller(root, a, ids, &passwd, &group);
	if (r == 0)
		r = add_host_users(root, a, &passwd);
	if (r < 0)
		return r;
	(void)snprintf(uid, sizeof(uid), "%u", (unsigned)ids->uid);
	(void)snprintf(gid, sizeof(gid), "%u", (unsigned)ids->gid);
	if (!ids->user_named && ids->uid != 0) {
		user_line(a->passwd_entry, uid, ids->uid, ids->gid, "container user", cwd, &passwd);
		set_home(ids, cwd);
	}
	if (!ids->group_named && ids->gid != 0)
		group_line(a->group_entry, gid, ids->gid, uid, &group);
	r = append(root, "etc/passwd", &passwd);
	return r < 0 ? r : append(root, "etc/group", &group);
}
