/* SPDX-License-Identifier: MIT */
/* "cuddy rmi": remove names of images, and with the last one the image. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/remove.h"
#include "storage/image_store.h"

struct rmi_args {
	bool all, force, ignore, no_prune;
};

static const struct opt rmi_opts[] = {
	OPT_BOOL('a', "all", struct rmi_args, all, "All images"),
	OPT_BOOL('f', "force", struct rmi_args, force,
		 "Also when it has several names; remove the containers that use it"),
	OPT_BOOL('i', "ignore", struct rmi_args, ignore, "Succeed when an image does not exist"),
	OPT_BOOL(0, "no-prune", struct rmi_args, no_prune,
		 "Keep nameless images that it was built on"),
	OPT_END,
};

static int remove_containers(struct store *st, const char *image)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_store_users(st, image, &ids);

	return r < 0 ? r : container_remove_users(st, &ids, -2);
}

static int remove_one(struct store *st, const struct rmi_args *a, const char *name,
		      struct image_removal *ret)
{
	char id[65] = "";
	int r;

	/* Another container may be made from it meanwhile; who keeps doing that wins in the end. */
	for (int tries = 0;; tries++) {
		r = a->all ? image_remove_id(st, name, true, ret)
			   : image_remove(st, name, a->force, ret, id);
		if (r != -CE_IN_USE || !a->force || tries == 10)
			break;
		r = remove_containers(st, a->all ? name : id);
		if (r < 0)
			break;
	}
	return r;
}

/* Lists of images are among them: false when there is none of that name. */
static bool remove_list(struct store *st, const char *name)
{
	AUTO(list_record_done) struct list_record gone = {0};
	AUTO_FREE char *words = xstrdup(err_trail());

	if (list_remove(st, name, &gone) < 0) {
		(void)err_set(-CE_NO_IMAGE, words);
		return false;
	}
	err_drop();
	(void)printf("Untagged: %s\nDeleted: %s\n", gone.name, gone.id);
	return true;
}

static void report(struct store *st, const struct rmi_args *a, const char *name, int *status)
{
	AUTO(image_removal_done) struct image_removal gone = {0};
	int r = remove_one(st, a, name, &gone);

	for (size_t i = 0; i < gone.untagged.n; i++)
		(void)printf("Untagged: %s\n", gone.untagged.v[i]);
	if (gone.id[0])
		(void)printf("Deleted: %s\n", gone.id);
	if (r == -CE_NO_IMAGE && remove_list(st, name))
		return;
	if (r == 0)
		return;
	if (r == -CE_NO_IMAGE && (a->ignore || a->force || a->all)) {
		err_drop();
		return;
	}
	if (r == -CE_IN_USE || r == -CE_BAD_STATE)
		(void)err_wrap(r, "rmi %s: --force would remove it all the same", name);
	else
		(void)err_wrap(r, "rmi");
	cmd_report_removal(status, r, -CE_NO_IMAGE);
}

static int rmi_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rmi_args *a = args;
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = 0;

	if (a->all == (argc > 0))
		r = err_usage("rmi: name images or use --all, one of both");
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0 && a->all)
		r = image_store_list(st, &names);
	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		report(st, a, names.v[i], &ctx->status);
	if (r == 0)
		(void)container_tidy(st);
	return r;
}

const struct command cmd_rmi = {
	.name = "rmi",
	.synopsis = "[OPTIONS] IMAGE [IMAGE...]",
	.summary = "Remove images or some of their names",
	.opts = rmi_opts,
	.args_size = sizeof(struct rmi_args),
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = rmi_run,
};
