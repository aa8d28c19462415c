/* SPDX-License-Identifier: MIT */
#include "pkg/container/copied_root.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/sys/apart.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/rmtree.h"
#include "storage/flatten.h"
#include "storage/stage.h"
#include "storage/store.h"

#define ROOT "root"
#define PART "root.part"
#define LOCK "root.lock"
#define BYTES "root.bytes"

bool copied_root_is_made(int data_dir)
{
	struct stat st;

	return fstatat(data_dir, ROOT, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int fill(const struct plan_input *in, const struct strv *layers, int data_dir, int part)
{
	uint64_t bytes;
	char text[24];
	int r = layer_flatten(layers, part, &bytes), len;

	if (r < 0)
		return r;
	len = snprintf(text, sizeof(text), "%" PRIu64, bytes);
	r = file_replace(data_dir, BYTES, text, (size_t)len, 0600, FILE_NO_SYNC);
	/* A container that is to survive a power loss must not find its programs empty then. */
	if (r == 0 && !in->record->auto_remove && syncfs(part) < 0)
		r = err_new(-errno, "sync");
	return r;
}

/* In B. */
static int make(const struct plan_input *in, const struct strv *layers)
{
	int data_dir = in->dirs->data_fd, r;
	AUTO_CLOSE int lock = lock_open(data_dir, LOCK, LOCK_EXCLUSIVE), part = -EBADF;

	if (lock < 0)
		return lock;
	if (copied_root_is_made(data_dir))
		return 0; /* by somebody else, while we waited */
	r = rmtree(data_dir, PART);
	if (r < 0)
		return r;
	if (mkdirat(data_dir, PART, 0700) < 0)
		return err_new(-errno, "make directory " PART);
	part = openat(data_dir, PART, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = part < 0 ? err_new(-errno, "open " PART) : fill(in, layers, data_dir, part);
	crash_point("root-copied");
	if (r == 0 && renameat(data_dir, PART, data_dir, ROOT) < 0)
		r = err_new(-errno, "move the root into place");
	if (r < 0) {
		char trail[512];

		(void)snprintf(trail, sizeof(trail), "%s", err_trail());
		(void)rmtree(data_dir, PART); /* a full disk gets its room back */
		return err_set(r, trail);
	}
	return 0;
}

struct copy_job {
	const struct plan_input *in;
	const struct strv *layers;
};

static int inside(const void *arg, struct sbuf *out)
{
	const struct copy_job *j = arg;
	int r = base_enter(store_runtime_fd(j->in->store), j->in->grant);

	(void)out;
	return r == 0 ? make(j->in, j->layers) : r;
}

int copied_root_make(const struct plan_input *in, const struct strv *layers)
{
	const struct copy_job j = {in, layers};
	int r = apart_run(inside, &j, NULL);

	return r < 0 ? err_wrap(r, "copy the image for the container") : 0;
}

int64_t copied_root_time(int data_dir)
{
	struct stat st;

	return fstatat(data_dir, BYTES, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mtim.tv_sec : 0;
}

int copied_root_bytes(int data_dir, uint64_t *ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = copied_root_is_made(data_dir) ? file_read_at(data_dir, BYTES, 32, &b) : -ENOENT;

	if (r == -ENOENT)
		err_drop();
	if (r < 0)
		return r;
	return parse_u64(b.s, UINT64_MAX, ret) < 0 ? err_new(-CE_CORRUPT, BYTES) : 0;
}
