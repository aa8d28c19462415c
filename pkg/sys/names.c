/* SPDX-License-Identifier: MIT */
#include "pkg/sys/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

int dir_names(int dir, struct strv *ret)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	AUTO_CLOSE int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;

	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return err_new(-errno, "list a directory");
	(void)TAKE_FD(copy);
	for (errno = 0; (e = readdir(d)) != NULL; errno = 0)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			strv_add(ret, e->d_name);
	return errno ? err_new(-errno, "list a directory") : 0;
}
