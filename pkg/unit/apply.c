/* SPDX-License-Identifier: MIT */
#include "pkg/unit/apply.h"

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

#define MARK "# Made by cuddy of "

static const char *const link_dirs[] = {".wants", ".requires", ".upholds"};

static bool is_ours(int dir, const char *name)
{
	char head[sizeof(MARK) - 1];
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
	       !memcmp(head, MARK, sizeof(head));
}

/* Links in @dir whose target's last component is one of @gone. */
static void remove_links(int dir, const struct strv *names, const struct strv *gone)
{
	for (size_t i = 0; i < names->n; i++) {
		char target[512];
		ssize_t n = readlinkat(dir, names->v[i], target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = 0;
		if (strv_has(gone, path_base(target)))
			(void)unlinkat(dir, names->v[i], 0);
	}
}

static void remove_links_below(int dir, const char *name, const struct strv *gone)
{
	AUTO_CLOSE int sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	AUTO_STRV struct strv names = STRV_INIT;

	if (sub < 0 || dir_names(sub, &names) < 0)
		return;
	remove_links(sub, &names, gone);
	(void)unlinkat(dir, name, AT_REMOVEDIR); /* when it is empty now */
}

/* What an earlier call wrote into @dir, but for @keep. */
static int sweep(int dir, const struct strv *keep)
{
	AUTO_STRV struct strv names = STRV_INIT, gone = STRV_INIT;
	int r = dir_names(dir, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (!has_ending(names.v[i], ".service") || !is_ours(dir, names.v[i]))
			continue;
		/* Its links are made anew if they are still wanted. */
		strv_add(&gone, names.v[i]);
		if (!strv_has(keep, names.v[i]) && unlinkat(dir, names.v[i], 0) < 0)
			return err_new(-errno, "remove %s", names.v[i]);
	}
	if (r < 0 || gone.n == 0)
		return r;
	remove_links(dir, &names, &gone);
	for (size_t i = 0; i < names.n; i++)
		for (size_t j = 0; j < ARRAY_LEN(link_dirs); j++)
			if (has_ending(names.v[i], link_dirs[j]))
				remove_links_below(dir, names.v[i], &gone);
	return 0;
}

static int put_wait_unit(int dir)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	sbuf_addf(&text, MARK "itself.\n%s", quadlet_wait_unit_text);
	return file_replace(dir, QUADLET_WAIT_UNIT, text.s, text.len, 0644, FILE_NO_SYNC);
}

int quadlet_apply(int dir, const struct quadlet_set *set, const char *program,
		  struct strv *ret_errors)
{
	struct unit_file *made = xcalloc(set->n + 1, sizeof(*made));
	bool *good = xcalloc(set->n + 1, sizeof(*good)), wait = false;
	AUTO_STRV struct strv keep = STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct quadlet *q = &set->v[i];
		int one = q->error ? err_new(-CE_BAD_FORMAT, "%s", q->error)
				   : quadlet_convert(set, q, program, &made[i]);

		good[i] = one == 0;
		if (one < 0)
			strv_add(ret_errors, q->error ? q->error : err_message(one));
		else
			strv_addf(&keep, "%s.service", q->service);
		wait = wait || (good[i] && quadlet_wants_network(&made[i]));
	}
	err_drop();
	r = sweep(dir, &keep);
	if (r == 0 && wait)
		r = put_wait_unit(dir);
	for (size_t i = 0; r == 0 && i < set->n; i++)
		if (good[i])
			r = quadlet_write(dir, &set->v[i], &made[i]);
	for (size_t i = 0; i < set->n; i++)
		unit_file_done(&made[i]);
	free(made);
	free(good);
	return r;
}
