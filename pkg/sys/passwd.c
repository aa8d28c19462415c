/* SPDX-License-Identifier: MIT */
#include "pkg/sys/passwd.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"

#define FILE_MAX (4U << 20)
#define GETENT "/usr/bin/getent"
#define GETENT_MS 10000

enum { NAME, NUMBER = 2 };

/* "name:password:uid:gid:comment:home:shell" of the user with that name or number, if it is one. */
static bool parse_line(const char *line, const char *key, unsigned field, struct passwd_entry *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, line, ':');
	if (words.n < 6 || strcmp(words.v[field], key) != 0 || !*words.v[0] ||
	    parse_u32(words.v[NUMBER], UINT32_MAX - 1, &ret->uid) < 0 ||
	    parse_u32(words.v[3], UINT32_MAX - 1, &ret->gid) < 0)
		return false;
	ret->name = xstrdup(words.v[0]);
	ret->full_name = xstrndup(words.v[4], strcspn(words.v[4], ","));
	ret->home = xstrdup(words.v[5]);
	return true;
}

static bool find_in(char *text, const char *key, unsigned field, struct passwd_entry *ret)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		const char *hit = strstr(l, key); /* most lines are somebody else's */

		if (hit && parse_line(l, key, field, ret))
			return true;
	}
	return false;
}

static int find(char *key, unsigned field, struct passwd_entry *ret)
{
	static char prog[] = GETENT, base[] = "passwd", end[] = "--";
	char *argv[] = {prog, base, end, key, NULL};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int status;

	if (file_read_at(AT_FDCWD, "/etc/passwd", FILE_MAX, &text) == 0 && text.len &&
	    find_in(text.s, key, field, ret))
		return 0;
	sbuf_reset(&text);
	if (spawn_read(argv, FILE_MAX, GETENT_MS, &text, &status) == 0 && status == 0 && text.len &&
	    find_in(text.s, key, field, ret))
		return 0;
	err_drop();
	return -ENOENT;
}

int passwd_find(uid_t uid, struct passwd_entry *ret)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", (unsigned)uid);
	return find(number, NUMBER, ret);
}

int passwd_find_name(const char *name, struct passwd_entry *ret)
{
	AUTO_FREE char *key = xstrdup(name);

	return *key ? find(key, NAME, ret) : -ENOENT;
}

char *passwd_group_name(gid_t gid)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	char number[16], *save = NULL;

	(void)snprintf(number, sizeof(number), "%u", (unsigned)gid);
	if (file_read_at(AT_FDCWD, "/etc/group", FILE_MAX, &text) < 0) {
		err_drop();
		return NULL;
	}
	for (char *l = text.len ? strtok_r(text.s, "\n", &save) : NULL; l;
	     l = strtok_r(NULL, "\n", &save)) {
		AUTO_STRV struct strv words = STRV_INIT;

		strv_split(&words, l, ':');
		if (words.n >= 3 && *words.v[0] && strcmp(words.v[2], number) == 0)
			return xstrdup(words.v[0]);
	}
	return NULL;
}

void passwd_entry_done(struct passwd_entry *e)
{
	free(e->name);
	free(e->full_name);
	free(e->home);
	e->name = e->full_name = e->home = NULL;
}
