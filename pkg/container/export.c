/* SPDX-License-Identifier: MIT */
/* The root file system as tar, without an entry for the root itself, as docker and podman do. */
#include "pkg/base/err.h"
#include "pkg/container/events.h"
#include "pkg/container/view.h"

int container_export(struct store *st, const struct container *c, int fd)
{
	AUTO(container_view_done) struct container_view v = CONTAINER_VIEW_INIT;
	AUTO(out_closep) struct out *out = out_to_fd(fd);
	AUTO_STRV struct strv root = STRV_INIT;
	struct tree_tar_result res;
	int r = container_view_open(st, c, &v);
	struct tree_tar_options o = {.single_id = v.single_id,
				     .uids = v.uids,
				     .n_uids = v.n_uids,
				     .gids = v.gids,
				     .n_gids = v.n_gids,
				     .implied = &root};

	if (r < 0)
		return r;
	o.hide_markers = v.fuse;
	strv_add(&root, ".");
	r = tree_tar(v.root, out, NULL, &o, &res);
	if (r == 0)
		container_event(st, c->rec, "export", NULL);
	return r;
}
