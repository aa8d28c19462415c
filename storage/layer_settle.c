/* SPDX-License-Identifier: MIT */
/*
 * What a power loss may have taken (layer.h): the mark "unsettled" in a layer's directory, who looks at it, and the
 * sync that takes it away. It holds the boot's id; any other words make a layer distrusted for good.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/storage_conf.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"
#include "storage/check.h"
#include "storage/layer_internal.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define UNSETTLED "unsettled"
#define SETTLE_AT_ONCE 128

int layer_mark_unsettled(int dir)
{
	char boot[37];
	int r = proc_boot_id(boot);

	return r < 0 ? r : file_create(dir, UNSETTLED, boot, strlen(boot), 0600, FILE_NO_SYNC);
}

int layer_is_lost(int layers, const char *diffid)
{
	AUTO_FREE char *path = path_join(diffid, UNSETTLED);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char boot[37];
	int r = file_read_at(layers, path, 64, &b);

	if (r == -ENOENT || r == -ENOTDIR) {
		err_drop();
		return 0;
	}
	if (r == 0)
		r = proc_boot_id(boot);
	if (r < 0)
		return r;
	return strcmp(b.s, boot) != 0;
}

bool layers_are_lost(struct store *st, const struct strv *diffids)
{
	int layers = store_fd(st, STORE_LAYERS);
	bool lost = false;

	for (size_t i = 0; layers >= 0 && i < diffids->n && !lost; i++) {
		AUTO_FREE char *mark = path_join(diffids->v[i], UNSETTLED);

		/* Seldom there at all: this is asked at every start of a container. */
		lost = layer_id_is_valid(diffids->v[i]) && faccessat(layers, mark, F_OK, 0) == 0 &&
		       layer_is_lost(layers, diffids->v[i]) == 1;
	}
	err_drop();
	return lost;
}

static int sync_layers(int layers)
{
	bool wanted;

	if (storage_conf_sync(&wanted) < 0)
		err_drop(); /* who opened the store heard of it */
	else if (!wanted)
		return 0;
	return syncfs(layers) < 0 ? err_new(-errno, "sync the store") : 0;
}

/* A mark that was seen before the sync: of that directory, which another of the same name does not become. */
struct marked {
	int dir;
	ino_t mark;
};

/* Its directory, when it has a mark that a sync may take away. */
static bool find_marked(int layers, const char *name, struct marked *ret)
{
	AUTO_CLOSE int dir = openat(layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat sb;

	/* A lost one keeps its mark: a sync now would make lies durable. */
	if (dir < 0 || fstatat(dir, UNSETTLED, &sb, AT_SYMLINK_NOFOLLOW) < 0 ||
	    layer_is_lost(layers, name) != 0)
		return false;
	*ret = (struct marked){.dir = TAKE_FD(dir), .mark = sb.st_ino};
	return true;
}

static void unmark(struct marked *m)
{
	struct stat sb;

	/* What was distrusted meanwhile has another one. */
	if (fstatat(m->dir, UNSETTLED, &sb, AT_SYMLINK_NOFOLLOW) == 0 && sb.st_ino == m->mark)
		(void)unlinkat(m->dir, UNSETTLED, 0);
}

/* At most so many at once, since each takes a descriptor; the others are for the next round. */
static int settle_some(struct store *st, const struct strv *names, size_t *from, unsigned *ret_n)
{
	int layers = store_fd(st, STORE_LAYERS), r = 0;
	struct marked marked[SETTLE_AT_ONCE];
	unsigned n = 0;

	for (; *from < names->n && n < SETTLE_AT_ONCE; ++*from)
		n += find_marked(layers, names->v[*from], &marked[n]);
	err_drop();
	if (n)
		r = sync_layers(layers);
	crash_point("layers-synced");
	for (unsigned i = 0; i < n; i++) {
		if (r == 0)
			unmark(&marked[i]);
		closep(&marked[i].dir);
	}
	*ret_n += n;
	return r;
}

int layer_settle(struct store *st)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int layers = store_fd(st, STORE_LAYERS), r = layers < 0 ? layers : layer_list(st, &names);
	unsigned n = 0;

	for (size_t i = 0; r == 0 && i < names.n;)
		r = settle_some(st, &names, &i, &n);
	/* A mark that came back with a power loss would make a whole layer a lost one. */
	return r == 0 && n ? sync_layers(layers) : r;
}

void layer_settle_later(struct store *st)
{
	pid_t pid = fork();

	if (pid != 0)
		return;
	(void)setsid();
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	crash_point("layers-unsettled");
	(void)layer_settle(st);
	(void)store_empty_trash(st);
	_exit(0);
}

int layer_distrust(struct store *st, const char *diffid, bool on)
{
	AUTO_FREE char *mark = path_join(diffid, UNSETTLED);
	static const char words[] = "its files are not what they were";
	AUTO_CLOSE int dir = -EBADF;
	int layers = store_fd(st, STORE_LAYERS), r = layer_check_id(diffid);

	if (r < 0 || layers < 0)
		return r < 0 ? r : layers;
	if (!on) {
		if (layer_is_lost(layers, diffid) == 1)
			(void)unlinkat(layers, mark, 0);
		err_drop();
		return 0;
	}
	dir = openat(layers, diffid, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "layer %.12s", diffid);
	return file_replace(dir, UNSETTLED, words, sizeof(words) - 1, 0600, FILE_SYNC);
}
