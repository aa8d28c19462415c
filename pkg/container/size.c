/* SPDX-License-Identifier: MIT */
#include "pkg/container/size.h"

#include <errno.h>

#include "pkg/base/auto.h"
#include "pkg/container/copied_root.h"
#include "pkg/runtime/base.h"
#include "storage/layer.h"
#include "storage/tree_size.h"

/* Whoever lists containers has read no layers. */
static int read_record(struct store *st, const char *id, struct container_record **ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = container_store_read(st, id, &text);

	return r < 0 ? r : record_parse(text.s, text.len, ret);
}

/* What a copy grew by since it was made counts as the container's; one that was never made has nothing. */
static int count_copy(int data_dir, struct container_size *ret)
{
	AUTO(tree_size_done) struct tree_size size = {0};
	uint64_t then;
	int r = copied_root_bytes(data_dir, &then);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = tree_size_add(data_dir, "root", &size);
	ret->root_fs = size.files;
	ret->rw = ret->root_fs > then ? ret->root_fs - then : 0;
	return r;
}

int container_size(struct store *st, const char *id, struct container_size *ret)
{
	struct container_dirs dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	AUTO(record_freep) struct container_record *rec = NULL;
	AUTO(tree_size_done) struct tree_size size = {0};
	int r = base_enter_own(store_runtime_fd(st));

	*ret = (struct container_size){0};
	if (r == 0)
		r = read_record(st, id, &rec);
	if (r == 0)
		r = container_store_look(st, id, &dirs);
	if (r < 0)
		return r;
	if (store_driver(st) == STORE_VFS)
		r = count_copy(dirs.data_fd, ret);
	else
		r = tree_size_add(dirs.data_fd, "upper", &size);
	container_dirs_done(&dirs);
	if (r < 0 || ret->root_fs)
		return r;
	ret->root_fs = ret->rw = size.files;
	for (size_t i = 0; r == 0 && i < rec->layers.n; i++) {
		struct layer_record l = {0};

		r = layer_record_load(st, rec->layers.v[i], &l);
		ret->root_fs += l.tree_bytes;
		layer_record_done(&l);
	}
	return r;
}
