/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/plain.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/sys/file.h"
#include "pkg/sys/private_dir.h"

#define DIRECTORY "plain-http"

/* A descriptor, or a code without a trail. */
static int open_dir(bool create)
{
	AUTO_FREE char *runtime = NULL, *path = NULL;
	int r = paths_runtime(&runtime);

	if (r == 0) {
		path = path_join(runtime, DIRECTORY);
		r = create ? private_dir_open(path, true)
			   : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	err_drop();
	return r;
}

bool plain_is_known(const char *host)
{
	AUTO_CLOSE int dir = open_dir(false);
	struct stat sb;

	return dir >= 0 && !strchr(host, '/') && fstat(dir, &sb) == 0 && sb.st_uid == geteuid() &&
	       (sb.st_mode & 022) == 0 && fstatat(dir, host, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

void plain_remember(const char *host, bool plain)
{
	AUTO_CLOSE int dir = open_dir(plain);

	if (dir < 0 || strchr(host, '/') || *host == '.')
		return;
	if (!plain)
		(void)unlinkat(dir, host, 0);
	else if (file_create(dir, host, "", 0, 0600, FILE_NO_SYNC) < 0)
		err_drop();
}
