/* SPDX-License-Identifier: MIT */
/* passwd and group of an image. Input: the user asked for, "\n\n", passwd, "\n\n", group. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/user.h"
#include "pkg/sys/file.h"

static int root = -EBADF, etc = -EBADF;

static char top[] = "/dev/shm/cuddy-fuzz-XXXXXX";

static void drop_root(void)
{
	(void)unlinkat(etc, "passwd", 0);
	(void)unlinkat(etc, "group", 0);
	(void)unlinkat(root, "etc", AT_REMOVEDIR);
	(void)rmdir(top);
}

static void make_root(void)
{
	MUST(mkdtemp(top) && atexit(drop_root) == 0);
	root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(mkdirat(root, "etc", 0700) == 0);
	etc = openat(root, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static const char *put(const char *name, const char *s, const char *end)
{
	const char *stop = memmem(s, (size_t)(end - s), "\n\n", 2);

	if (!stop)
		stop = end;
	MUST(file_replace(etc, name, s, (size_t)(stop - s), 0600, FILE_NO_SYNC) == 0);
	return stop == end ? end : stop + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *s = (const char *)p, *end = s + n, *stop = memmem(p, n, "\n\n", 2);
	AUTO_FREE char *user = xstrndup(s, stop ? (size_t)(stop - s) : n);
	struct rt_process want = {.user = user};
	struct rt_ids ids = {0};

	if (root < 0)
		make_root();
	s = put("passwd", stop ? stop + 2 : end, end);
	(void)put("group", s, end);
	if (user_resolve(root, &want, &ids) == 0) {
		MUST(ids.uid <= 2147483647U && ids.gid <= 2147483647U);
		MUST(ids.n_groups >= 1 && ids.home);
		if (*user >= '0' && *user <= '9')
			MUST(ids.uid == strtoull(user, NULL, 10));
	}
	free(ids.groups);
	free(ids.home);
	err_drop();
	return 0;
}
