/* SPDX-License-Identifier: MIT */
/* "cuddy rmi": remove names of images, and with the last one the image. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/platform.h"
#include "pkg/image/remove.h"
#include "pkg/pod/pod.h"
#include "storage/image_store.h"

struct rmi_args {
	bool all, force, ignore, no_prune;
	const char *platform;
};

static const struct opt rmi_opts[] = {
	OPT_BOOL('a', "all", struct rmi_args, all, "All images"),
	OPT_BOOL('f', "force", struct rmi_args, force,
		 "Also when it has several names; remove the containers that use it"),
	OPT_BOOL('i', "ignore", struct rmi_args, ignore, "Succeed when an image does not exist"),
	OPT_BOOL(0, "no-prune", struct rmi_args, no_prune,
		 "Keep nameless images that it was built on"),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct rmi_args, platform,
		"Of lists take the image for that platform out; an image must be for it"),
	OPT_END,
};

static int remove_containers(struct store *st, const char *image)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_store_users(st, image, &ids);

	return r < 0 ? r : pod_remove_users(st, &ids, -2);
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

/*
 * Of a list the entry for the platform goes, and its image when nothing else names it. What is an
 * image only has to be for that platform.
 */
static int remove_of_list(struct store *st, const struct rmi_args *a, const char *name)
{
	AUTO_FREE char *matched = NULL, *digest = NULL;
	AUTO_STRV struct strv listed = STRV_INIT;
	char id[65], list[65];
	int r = image_resolve(st, name, id, &matched);

	if (r != -CE_NO_IMAGE || !list_is(st, name)) {
		freep(&matched);
		r = image_of_platform(st, name, a->platform, id, &matched);
		return r < 0 ? r : -CE_NO_LIST;
	}
	err_drop();
	r = list_entry_of(st, name, a->platform, id, &digest);
	if (r == 0)
		r = list_drop(st, name, digest, list);
	if (r < 0)
		return r;
	(void)printf("Untagged: %s\n", digest);
	r = list_store_images(st, &listed);
	if (r < 0)
		return r;
	r = *id && !strv_has(&listed, id) ? image_store_remove(st, id, IMAGE_REMOVE_DANGLING)
					  : -CE_NO_IMAGE;
	if (r == 0)
		(void)printf("Deleted: %s\n", id);
	if (r == -CE_IN_USE || r == -CE_BAD_STATE || r == -CE_NO_IMAGE)
		r = 0; /* something else needs it */
	err_drop();
	return r;
}

static void report(struct store *st, const struct rmi_args *a, const char *name, int *status)
{
	AUTO(image_removal_done) struct image_removal gone = {0};
	int r = a->platform ? remove_of_list(st, a, name) : -CE_NO_LIST;

	if (r == 0)
		return;
	if (r == -CE_NO_LIST)
		r = remove_one(st, a, name, &gone);
	for (size_t i = 0; i < gone.untagged.n; i++)
		(void)printf("Untagged: %s\n", gone.untagged.v[i]);
	if (gone.id[0])
		(void)printf("Deleted: %s\n", gone.id);
	if (r == -CE_NO_IMAGE && !a->platform && remove_list(st, name))
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
	if (r == 0 && a->all && a->platform)
		r = err_usage("rmi: --platform wants images by name, not --all");
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
