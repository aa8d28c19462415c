/* SPDX-License-Identifier: MIT */
/* "cuddy mount", "cuddy unmount": root file systems of containers, to be looked at from outside. */
#include <stdio.h>
#include <string.h>

#include "cmd/each.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/list.h"
#include "pkg/container/mount.h"
#include "pkg/json/json.h"
#include "pkg/runtime/base.h"

struct mount_args {
	struct each_args each;
	bool no_trunc;
	const char *format;
};

static const struct opt mount_opts[] = {
	OPT_BOOL('a', "all", struct mount_args, each.all, "All containers"),
	OPT_STR(0, "format", "FORMAT", struct mount_args, format, "Print as json",
		.complete = COMPLETE_WORDS, .words = "json", .strict = true),
	OPT_BOOL('l', "latest", struct mount_args, each.latest, "The newest container"),
	OPT_BOOL(0, "no-trunc", struct mount_args, no_trunc, "Whole ids"),
	OPT_END,
};

static struct json_object *row_of(const struct container *c)
{
	struct json_object *o = json_object_new_object(), *names = json_object_new_array();
	AUTO_FREE char *path = container_mount_point(c);

	(void)json_object_array_add(names, json_object_new_string(c->rec->name));
	json_set_str(o, "id", c->rec->id);
	json_set(o, "Names", names);
	json_set_str(o, "mountpoint", path);
	return o;
}

/* Mount @name, or with @list only say whether it is mounted. */
static int mount_one(struct store *st, const char *name, bool list, struct json_object *rows)
{
	struct container c;
	int r = container_open(st, name, &c);

	if (r < 0)
		return list && r == -CE_NO_CONTAINER ? (err_drop(), 0) : r;
	r = list ? 0 : container_mount(st, &c);
	if (r == 0 && container_is_mounted(&c))
		(void)json_object_array_add(rows, row_of(&c));
	container_done(&c);
	return r;
}

static void print_rows(const struct mount_args *a, struct json_object *rows, bool alone)
{
	size_t n = json_object_array_length(rows);

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(rows, i);
		const char *id = "", *path = "";

		(void)json_get_str(o, "id", &id);
		(void)json_get_str(o, "mountpoint", &path);
		if (alone)
			(void)printf("%s\n", path);
		else
			(void)printf("%.*s  %s\n", a->no_trunc ? 64 : 12, id, path);
	}
}

static int mount_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct mount_args *a = args;
	const struct each e = {.args = &a->each, .verb = "mount"};
	bool list = argc == 0 && !a->each.all && !a->each.latest;
	AUTO_JSON struct json_object *rows = json_object_new_array();
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0 && !list)
		r = base_shared_with_caller();
	if (r == 0)
		r = list ? container_select(st, NULL, false, &names)
			 : each_select(st, &e, argc, argv, &names);
	if (r < 0)
		return err_wrap(r, "mount");
	for (size_t i = 0; i < names.n; i++) {
		r = mount_one(st, names.v[i], list, rows);
		if (r < 0)
			ctx->status = cmd_report(err_wrap(r, "mount %s", names.v[i]));
	}
	if (a->format)
		return json_print(rows, stdout);
	print_rows(a, rows, argc == 1);
	return 0;
}

const struct command cmd_mount = {
	.name = "mount",
	.synopsis = "[OPTIONS] [CONTAINER...]",
	.summary = "Mount root file systems of containers, inside of cuddy unshare",
	.opts = mount_opts,
	.args_size = sizeof(struct mount_args),
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = mount_run,
};

struct unmount_args {
	struct each_args each;
	bool force;
};

static const struct opt unmount_opts[] = {
	OPT_BOOL('a', "all", struct unmount_args, each.all, "All that are mounted"),
	OPT_BOOL('f', "force", struct unmount_args, force, "Also while it is in use"),
	OPT_BOOL('l', "latest", struct unmount_args, each.latest, "The newest container"),
	OPT_END,
};

static int unmount_one(struct store *st, struct container *c, const void *arg)
{
	const struct unmount_args *a = arg;

	(void)st;
	if (a->each.all && !container_is_mounted(c))
		return 0;
	return container_unmount(st, c, a->force);
}

static int unmount_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct unmount_args *a = args;
	const struct each e = {.args = &a->each,
			       .verb = "unmount",
			       .one = unmount_one,
			       .arg = a,
			       .silent = a->each.all};

	return each_container(ctx, &e, argc, argv);
}

const struct command cmd_unmount = {
	.name = "unmount",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Unmount root file systems of containers",
	.opts = unmount_opts,
	.args_size = sizeof(struct unmount_args),
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = unmount_run,
};
