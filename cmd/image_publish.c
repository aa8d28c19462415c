/* SPDX-License-Identifier: MIT */
/* "cuddy image publish": images for all users of the machine, in a directory that they use in place. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/image/image.h"
#include "pkg/runtime/base.h"
#include "storage/shared.h"

static int publish_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO_FREE char *dir = path_absolute(argv[0]);
	AUTO_STRV struct strv ids = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	for (int i = 1; r == 0 && i < argc; i++) {
		AUTO_FREE char *name = NULL;
		char id[65];

		r = image_resolve(st, argv[i], id, &name);
		if (r == 0)
			strv_add(&ids, id);
	}
	if (r == 0)
		r = base_enter_own(store_runtime_fd(st));
	if (r == 0)
		r = shared_publish(st, dir, &ids);
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		(void)puts(ids.v[i]);
	return r < 0 ? err_wrap(r, "image publish") : 0;
}

const struct command cmd_image_publish = {
	.name = "publish",
	.group = "image",
	.synopsis = "DIR IMAGE [IMAGE...]",
	.summary = "Put images into a directory that all users of the machine use in place",
	.min_args = 2,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = publish_run,
};
