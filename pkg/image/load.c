/* SPDX-License-Identifier: MIT */
#include "pkg/image/load.h"

#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/changes.h"
#include "pkg/oci/manifest.h"
#include "pkg/oci/reference.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"
#include "storage/store.h"

/* Where it really is, whatever links led there; NULL for a pipe. */
static char *place_of(int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t n = readlink(fd_path(fd, link), path, sizeof(path));

	return n > 0 && (size_t)n < sizeof(path) && path[0] == '/' ? xstrndup(path, (size_t)n)
								   : NULL;
}

int image_load(struct store *st, int fd, const struct transfer_load *l,
	       const struct transfer_handler *h)
{
	AUTO_FREE char *path = place_of(fd);
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct transfer_load q = *l;

	q.path = path;
	transfer_load_put(&body, &q);
	return transfer_run(st, TRANSFER_LOAD, &body, &fd, 1, h);
}

int image_load_told(struct store *st, int fd, const struct transfer_load *l,
		    const struct transfer_handler *h)
{
	struct transfer_load q = *l;

	q.event = "loadfromarchive";
	return image_load(st, fd, &q, h);
}

int image_load_entry(struct store *st, int fd, const char *entry, const char *platform,
		     struct sbuf *ret_config)
{
	const struct transfer_load l = {.layers = true, .entry = entry, .platform = platform};
	const struct transfer_handler quiet = {0};
	AUTO_CLOSE int config = memfd_create("config", MFD_CLOEXEC);
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	const int fds[2] = {fd, config};
	int r;

	if (config < 0)
		return err_new(-errno, "memfd_create");
	transfer_load_put(&body, &l);
	r = transfer_run(st, TRANSFER_LOAD, &body, fds, 2, &quiet);
	if (r == 0 && lseek(config, 0, SEEK_SET) == 0)
		r = file_read_fd(config, MANIFEST_BYTES_MAX, ret_config);
	return r;
}

/* A short name is local: nobody publishes what this machine imported. */
static int full_reference(const char *name, char **ret)
{
	struct reference ref = {0};
	int r = reference_parse(name, &ref);

	if (r == 0 && ref.digest)
		r = err_usage("%s: an image cannot be named by a digest", name);
	if (r == 0) {
		if (!ref.host)
			ref.host = xstrdup("localhost");
		reference_normalise(&ref);
		*ret = reference_text(&ref);
	}
	reference_done(&ref);
	return r;
}

int image_import(struct store *st, int fd, const char *reference, const struct import_options *o,
		 const struct transfer_handler *h)
{
	AUTO_SBUF struct sbuf body = SBUF_INIT, config = SBUF_INIT;
	AUTO_FREE char *full = NULL;
	struct transfer_import q = {.comment = o->message, .platform = o->platform};
	int r = image_changes(o->changes, &config);

	if (r == 0 && reference)
		r = full_reference(reference, &full);
	if (r < 0)
		return r;
	q.reference = full;
	q.config = config.s;
	transfer_import_put(&body, &q);
	return transfer_run(st, TRANSFER_IMPORT, &body, &fd, 1, h);
}
