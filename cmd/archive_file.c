/* SPDX-License-Identifier: MIT */
#include "cmd/archive_file.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/image/transfer_client.h"
#include "pkg/sys/open.h"
#include "pkg/sys/random.h"

#define FETCH_MAX (64ULL << 30)

static int to_stdout(struct archive_file *f)
{
	if (isatty(STDOUT_FILENO))
		return err_usage("an archive is not written to a terminal; name a file with -o or "
				 "redirect the output");
	f->fd = fd_dup(STDOUT_FILENO);
	return f->fd < 0 ? err_new(f->fd, "standard output") : 0;
}

/* A new or plain file gets its name when it is whole; a device, a pipe or a link is written through. */
static int to_sibling(struct archive_file *f, const char *path)
{
	AUTO_FREE char *copy = xstrdup(path);
	const char *dir = dirname(copy);

	f->name = path_base(path);
	f->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0)
		return err_new(-errno, "open directory %s", dir);
	memcpy(f->temporary, ".cuddy-", 7);
	random_hex(f->temporary + 7, 16);
	/* Without a name as long as it is not whole, where the file system can do that. */
	f->fd = openat(f->dir, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
	f->nameless = f->fd >= 0;
	if (f->fd < 0)
		f->fd = openat(f->dir, f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (f->fd < 0) {
		int r = err_new(-errno, "make %s", path);

		closep(&f->dir);
		return r;
	}
	(void)fchmod(f->fd, 0666 & ~cmd_umask());
	return 0;
}

int archive_file_open(struct archive_file *f, const char *path)
{
	struct stat st;

	*f = (struct archive_file)ARCHIVE_FILE_INIT;
	if (!path || strcmp(path, "-") == 0)
		return to_stdout(f);
	if (lstat(path, &st) < 0 ? errno == ENOENT : S_ISREG(st.st_mode))
		return *path_base(path) ? to_sibling(f, path) : err_new(-EISDIR, "%s", path);
	f->fd = open(path, O_WRONLY | O_TRUNC | O_NOCTTY | O_CLOEXEC);
	return f->fd < 0 ? err_new(-errno, "open %s", path) : 0;
}

int archive_file_keep(struct archive_file *f)
{
	char path[32];

	if (f->dir < 0)
		return 0;
	if (f->nameless &&
	    linkat(AT_FDCWD, fd_path(f->fd, path), f->dir, f->temporary, AT_SYMLINK_FOLLOW) < 0)
		return err_new(-errno, "name %s", f->name);
	f->nameless = false;
	if (fsync(f->fd) < 0 || renameat(f->dir, f->temporary, f->dir, f->name) < 0)
		return err_new(-errno, "write %s", f->name);
	closep(&f->dir);
	return 0;
}

int archive_file_put(struct archive_file *f, const char *path, const char *text)
{
	int r;

	if (!path)
		return 0;
	r = write_full(f->fd, text, strlen(text));
	return r < 0 ? err_new(r, "write %s", path) : archive_file_keep(f);
}

void archive_file_drop(struct archive_file *f)
{
	if (f->dir >= 0 && !f->nameless)
		(void)unlinkat(f->dir, f->temporary, 0);
	closep(&f->dir);
	closep(&f->fd);
}

int archive_input_open(const char *path)
{
	int fd = !path || strcmp(path, "-") == 0 ? fd_dup(STDIN_FILENO)
						 : open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_new(path ? -errno : fd, "open %s", path ? path : "stdin");
	if (isatty(fd)) {
		(void)close(fd);
		return err_usage("an archive is not read from a terminal; name a file with -i or "
				 "use a pipe");
	}
	return fd;
}

static int fetch_to(const char *url, int fd)
{
	const struct transfer_fetch f = {.url = url, .max_bytes = FETCH_MAX, .tls_verify = 1};
	int r = transfer_fetch_to(&f, NULL, fd);

	return r < 0 ? err_wrap(r, "fetch") : 0;
}

int archive_input_fetch(const char *path)
{
	const char *tmp = getenv("TMPDIR");
	AUTO_CLOSE int fd = -EBADF;
	int r;

	if (!path || (strncmp(path, "http://", 7) != 0 && strncmp(path, "https://", 8) != 0))
		return archive_input_open(path);
	tmp = tmp && *tmp ? tmp : "/var/tmp";
	fd = open(tmp, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_new(-errno, "make a file in %s", tmp);
	r = fetch_to(path, fd);
	return r < 0 ? r : TAKE_FD(fd);
}
