/* SPDX-License-Identifier: MIT */
/* What short names were once chosen to mean: a file of the user's, the same that podman keeps. */
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/base/sbuf.h"
#include "pkg/config/paths.h"
#include "pkg/config/registries.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"

#define NAME "short-name-aliases.conf"
#define LOCK NAME ".lock"

int short_names_file(char **ret)
{
	AUTO_FREE char *cache = NULL;
	int r = paths_cache_home(&cache);

	if (r == 0)
		*ret = path_join3(cache, "containers", NAME);
	return r;
}

/* The directory of it, made with what is above it. */
static int open_dir(void)
{
	AUTO_FREE char *cache = NULL, *path = NULL;
	int r = paths_cache_home(&cache), fd;

	if (r < 0)
		return r;
	path = path_join(cache, "containers");
	r = file_make_dirs(path, 0700);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open %s", path) : fd;
}

static void write_aliases(const struct strv *aliases, struct sbuf *out)
{
	sbuf_adds(out, "[aliases]\n");
	for (size_t i = 0; i < aliases->n; i++) {
		size_t n = strcspn(aliases->v[i], "=");

		sbuf_addf(out, "  \"%.*s\" = \"%s\"\n", (int)n, aliases->v[i],
			  aliases->v[i] + n + 1);
	}
}

int short_names_remember(const char *path, const char *name)
{
	AUTO(registries_done) struct registries have = {0};
	AUTO_FREE char *file = NULL, *alias = xasprintf("%s=%s", path, name);
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_CLOSE int dir = open_dir(), lock = -EBADF;
	int r;

	if (dir < 0)
		return dir;
	lock = lock_open(dir, LOCK, LOCK_EXCLUSIVE);
	r = lock < 0 ? lock : short_names_file(&file);
	if (r == 0)
		r = registries_load_file(&have, file);
	if (r < 0)
		return r;
	strv_env_set(&have.aliases, alias);
	strv_sort(&have.aliases);
	write_aliases(&have.aliases, &text);
	return file_replace(dir, NAME, text.s, text.len, 0600, FILE_SYNC);
}
