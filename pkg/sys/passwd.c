/* SPDX-License-Identifier: MIT */
#include "pkg/sys/passwd.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"

#define FILE_MAX (4U << 20)
#define GETENT "/usr/bin/getent"
#define GETENT_MS 10000

/* "name:password:uid:gid:comment:home:shell" of the user with that number, if it is one. */
static bool parse_line(const char *line, const char *number, struct passwd_entry *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, line, ':');
	if (words.n < 6 || strcmp(words.v[2], number) != 0 || !*words.v[0])
		return false;
	ret->name = xstrdup(words.v[0]);
	ret->full_name = xstrndup(words.v[4], strcspn(words.v[4], ","));
	ret->home = xstrdup(words.v[5]);
	return true;
}

static bool find_in(char *text, const char *number, struct passwd_entry *ret)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		const char *hit = strstr(l, number); /* most lines are somebody else's */

		if (hit && parse_line(l, number, ret))
			return true;
	}
	return false;
}

int passwd_find(uid_t uid, struct passwd_entry *ret)
{
	static char prog[] = GETENT, base[] = "passwd";
	char number[16], *argv[] = {prog, base, number, NULL};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int status;

	(void)snprintf(number, sizeof(number), "%u", (unsigned)uid);
	if (file_read_at(AT_FDCWD, "/etc/passwd", FILE_MAX, &text) == 0 && text.len &&
	    find_in(text.s, number, ret))
		return 0;
	sbuf_reset(&text);
	if (spawn_read(argv, FILE_MAX, GETENT_MS, &text, &status) == 0 && status == 0 && text.len &&
	    find_in(text.s, number, ret))
		return 0;
	err_drop();
	return -ENOENT;
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
