/* SPDX-License-Identifier: MIT */
#include "pkg/container/copied_root.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/process.h"
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

struct answer {
	int code;
	char trail[512];
};

static void __attribute__((noreturn))
child(const struct plan_input *in, const struct strv *layers, int out)
{
	struct answer a = {.code = base_enter(store_runtime_fd(in->store), in->grant)};

	if (a.code == 0)
		a.code = make(in, layers);
	(void)snprintf(a.trail, sizeof(a.trail), "%s", err_trail());
	(void)write_full(out, &a, sizeof(a));
	_exit(0);
}

int copied_root_make(const struct plan_input *in, const struct strv *layers)
{
	AUTO_CLOSE int pidfd = -EBADF, rd = -EBADF, wr = -EBADF;
	struct answer a = {.code = -EPIPE, .trail = "the copying process died"};
	int p[2], status;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	pid = clone_fork(0, &pidfd);
	if (pid < 0)
		return pid;
	if (pid == 0)
		child(in, layers, wr);
	closep(&wr);
	(void)read_full(rd, &a, sizeof(a));
	if (pidfd_wait(pidfd, -1, &status) < 0)
		err_drop();
	if (a.code == 0)
		return 0;
	a.trail[sizeof(a.trail) - 1] = '\0';
	(void)err_set(a.code, a.trail);
	return err_wrap(a.code, "copy the image for the container");
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
