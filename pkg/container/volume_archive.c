/* SPDX-License-Identifier: MIT */
/* The content of a volume: where it lies, out of it as tar, and a tar into it. */
#include <fcntl.h>

#include "pkg/archive/tree_tar.h"
#include "pkg/base/err.h"
#include "pkg/container/mounts.h"
#include "pkg/container/volumes.h"
#include "pkg/image/transfer_client.h"
#include "pkg/runtime/base.h"

int volume_where(struct store *st, const char *name, char **ret)
{
	AUTO(volume_record_done) struct volume_record v = {0};
	AUTO_FREE char *full = NULL;
	struct mount_spec m = {0};
	enum volume_type type;
	int r = volume_resolve(st, name, &full);

	if (r == 0)
		r = volume_load(st, full, &v);
	if (r == 0)
		r = volume_options(&v, &type, &m);
	if (r == 0 && type == VOLUME_TMPFS)
		r = err_usage("it is a tmpfs, which exists only inside a running container");
	if (r == 0)
		*ret = type == VOLUME_BIND ? TAKE_PTR(m.source) : volume_data_path(st, full);
	mount_spec_done(&m);
	return r;
}

static int open_volume(struct store *st, const char *name, bool *ret_single)
{
	AUTO(base_grant_done) struct base_grant grant = {0};
	AUTO_FREE char *path = NULL;
	int fd, r = volume_where(st, name, &path);

	if (r == 0)
		r = base_grant_load(&grant);
	if (r == 0)
		r = base_enter(store_runtime_fd(st), &grant);
	if (r < 0)
		return r;
	*ret_single = base_grant_is_single(&grant);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open %s", path) : fd;
}

int volume_export(struct store *st, const char *name, int fd)
{
	AUTO(out_closep) struct out *out = out_to_fd(fd);
	struct tree_tar_options o = {0};
	struct tree_tar_result res;
	AUTO_CLOSE int dir = open_volume(st, name, &o.single_id);

	return dir < 0 ? dir : tree_tar(dir, out, NULL, &o, &res);
}

int volume_import(struct store *st, const char *name, int fd, const struct transfer_handler *h)
{
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct transfer_untar u = {.overwrite = true};
	AUTO_CLOSE int dir = open_volume(st, name, &u.single_id);
	int fds[2] = {fd, dir};

	if (dir < 0)
		return dir;
	transfer_untar_put(&body, &u);
	return transfer_run(NULL, TRANSFER_UNTAR, &body, fds, 2, h);
}
