/* SPDX-License-Identifier: MIT */
/* "cuddy image mount", "cuddy image unmount": the files of images, to be looked at from outside. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/image/image.h"
#include "pkg/image/mount.h"
#include "pkg/image/set.h"
#include "pkg/json/json.h"
#include "pkg/runtime/base.h"

struct mount_args {
	bool all;
	const char *format;
};

static const struct opt mount_opts[] = {
	OPT_BOOL('a', "all", struct mount_args, all, "All images"),
	OPT_STR(0, "format", "FORMAT", struct mount_args, format, "Print as json",
		.complete = COMPLETE_WORDS, .words = "json", .strict = true),
	OPT_END,
};

static struct json_object *row_of(struct store *st, const char *id, const struct strv *names)
{
	struct json_object *o = json_object_new_object();
	AUTO_FREE char *path = image_mount_point(st, id);
	AUTO_STRV struct strv tags = STRV_INIT;

	image_tags_of(names, &tags);
	json_set_str(o, "id", id);
	json_set(o, "Repositories", json_from_strv(&tags));
	json_set_str(o, "mountpoint", path);
	return o;
}

static int mount_named(struct store *st, const char *name, struct json_object *rows)
{
	struct image_record *rec = NULL;
	int r = image_find(st, name, &rec, NULL);

	if (r == 0)
		r = image_mount(st, rec->id, &rec->diffids);
	if (r == 0)
		(void)json_object_array_add(rows, row_of(st, rec->id, &rec->names));
	image_record_free(rec);
	return r < 0 ? err_wrap(r, "image mount %s", name) : 0;
}

/* @mount: all; else only those that are. */
static int mount_all(struct store *st, bool mount, struct json_object *rows)
{
	AUTO(image_set_done) struct image_set set = {0};
	int r = image_set_load(st, 0, &set);

	for (size_t i = 0; r == 0 && i < set.n; i++) {
		const struct image_summary *s = &set.v[i].s;

		if (mount && s->diffids.n)
			r = image_mount(st, s->id, &s->diffids);
		if (r == 0 && image_is_mounted(st, s->id))
			(void)json_object_array_add(rows, row_of(st, s->id, &s->names));
	}
	return r < 0 ? err_wrap(r, "image mount") : 0;
}

static void print_row(struct json_object *o, bool alone)
{
	struct json_object *tags = NULL;
	const char *id = "", *path = "", *name;

	(void)json_get_str(o, "id", &id);
	(void)json_get_str(o, "mountpoint", &path);
	(void)json_object_object_get_ex(o, "Repositories", &tags);
	name = tags && json_object_array_length(tags)
		       ? json_object_get_string(json_object_array_get_idx(tags, 0))
		       : id;
	if (!alone) {
		put_untrusted(stdout, name);
		(void)fputs("  ", stdout);
	}
	(void)puts(path);
}

static int mount_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct mount_args *a = args;
	AUTO_JSON struct json_object *rows = json_object_new_array();
	bool list = argc == 0 && !a->all;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (a->all && argc)
		return err_usage("image mount: --all or names of images, not both");
	if (r == 0 && !list)
		r = base_shared_with_caller();
	if (r == 0 && argc == 0)
		r = mount_all(st, a->all, rows);
	for (int i = 0; r == 0 && i < argc; i++)
		r = mount_named(st, argv[i], rows);
	if (r < 0)
		return r;
	if (a->format)
		return json_print(rows, stdout);
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		print_row(json_object_array_get_idx(rows, i), argc == 1);
	return 0;
}

const struct command cmd_image_mount = {
	.name = "mount",
	.group = "image",
	.synopsis = "[OPTIONS] [IMAGE...]",
	.summary = "Mount images to read their files, inside of cuddy unshare",
	.opts = mount_opts,
	.args_size = sizeof(struct mount_args),
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = mount_run,
};

struct unmount_args {
	bool all, force;
};

static const struct opt unmount_opts[] = {
	OPT_BOOL('a', "all", struct unmount_args, all, "All that are mounted"),
	OPT_BOOL('f', "force", struct unmount_args, force, "Also while it is in use"),
	OPT_END,
};

static int unmount_named(struct store *st, const char *name, bool force)
{
	struct image_record *rec = NULL;
	int r = image_find(st, name, &rec, NULL);

	/* What is not mounted is as it was wanted. */
	if (r == 0 && image_is_mounted(st, rec->id)) {
		r = image_unmount(st, rec->id, force);
		if (r == 0)
			(void)puts(rec->id);
	}
	image_record_free(rec);
	return r < 0 ? err_wrap(r, "image unmount %s", name) : 0;
}

static int unmount_all(struct store *st, bool force)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int worst = image_mounts(st, &ids);

	for (size_t i = 0; i < ids.n; i++) {
		int r = image_unmount(st, ids.v[i], force);

		if (r == 0)
			(void)puts(ids.v[i]);
		else
			worst = err_wrap(r, "image unmount %.12s", ids.v[i]);
	}
	return worst;
}

static int unmount_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct unmount_args *a = args;
	struct store *st;
	int r;

	if (a->all ? argc : !argc)
		return err_usage("image unmount: --all, or names of images");
	r = cmd_store(ctx, &st);
	if (r == 0 && a->all)
		r = unmount_all(st, a->force);
	for (int i = 0; r == 0 && i < argc; i++) {
		int e = unmount_named(st, argv[i], a->force);

		if (e < 0)
			ctx->status = cmd_report(e);
	}
	return r;
}

const struct command cmd_image_unmount = {
	.name = "unmount",
	.group = "image",
	.synopsis = "[OPTIONS] [IMAGE...]",
	.summary = "Unmount images",
	.opts = unmount_opts,
	.args_size = sizeof(struct unmount_args),
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = unmount_run,
};
