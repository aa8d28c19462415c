/* SPDX-License-Identifier: MIT */
/* "cuddy volume …": create, list, inspect, and what scripts ask. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/persona.h"
#include "cmd/show.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/volumes.h"
#include "pkg/json/json.h"
#include "pkg/json/nil.h"

static const struct volume_request create_defaults = {.uid = -1, .gid = -1};

static const struct opt create_opts[] = {
	OPT_STR('d', "driver", "DRIVER", struct volume_request, driver, "Volume driver: local",
		.complete = COMPLETE_WORDS, .words = "local"),
	OPT_LIST('l', "label", "KEY=VALUE", struct volume_request, labels, "Attach a label"),
	OPT_LIST('o', "opt", "KEY=VALUE", struct volume_request, options,
		 "Mount option: type=tmpfs, or type=none with device=DIR and o=bind; o=OPTIONS"),
	OPT_INT(0, "uid", "UID", struct volume_request, uid, "Owner in a container",
		.max = INT32_MAX),
	OPT_INT(0, "gid", "GID", struct volume_request, gid, "Group in a container",
		.max = INT32_MAX),
	OPT_BOOL(0, "ignore", struct volume_request, ignore, "Succeed when the volume exists"),
	OPT_END,
};

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct volume_request q = *(const struct volume_request *)args;
	AUTO_FREE char *name = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	q.name = argc ? argv[0] : NULL;
	/* docker's scripts make a volume again and again, and get the same. */
	q.ignore = q.ignore || persona() == PERSONA_DOCKER;
	if (r == 0)
		r = volume_make(st, &q, &name);
	if (r == 0)
		(void)puts(name);
	return r;
}

const struct command cmd_volume_create = {
	.name = "create",
	.group = "volume",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Create a volume",
	.opts = create_opts,
	.args_size = sizeof(struct volume_request),
	.defaults = &create_defaults,
	.max_args = 1,
	.run = create_run,
};

struct ls_args {
	bool quiet, no_heading;
	const char *format;
	struct strv filters;
};

static const struct opt ls_opts[] = {
	OPT_LIST('f', "filter", "KEY=VALUE", struct ls_args, filters, "Only volumes that match"),
	OPT_BOOL('q', "quiet", struct ls_args, quiet, "Only names"),
	OPT_BOOL('n', "noheading", struct ls_args, no_heading, "No table heading"),
	OPT_STR(0, "format", "FORMAT", struct ls_args, format,
		"Print as json or through a Go template"),
	OPT_END,
};

/* As docker has them in this list; "system df -v" counts. */
static void add_docker(struct json_object *row)
{
	static const char *const not_counted[] = {"Links", "Size"};

	for (size_t i = 0; i < ARRAY_LEN(not_counted); i++)
		json_set(row, not_counted[i], json_omitted(json_object_new_string("N/A")));
}

static int ls_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {
		{"DRIVER", "Driver"}, {"VOLUME NAME", "Name"}, {NULL, NULL}};
	const struct ls_args *a = args;
	const struct list_options o = show_options(a->format, a->quiet, a->no_heading, "Name",
						   columns);
	AUTO_JSON struct json_object *rows = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = volume_rows(st, &a->filters, &rows);
	for (size_t i = 0; r == 0 && i < json_object_array_length(rows); i++)
		add_docker(json_object_array_get_idx(rows, i));
	if (r == 0)
		show_as_docker(rows);
	return r < 0 ? r : list_print(&o, rows, NULL, stdout);
}

const struct command cmd_volume_ls = {
	.name = "ls",
	.group = "volume",
	.synopsis = "[OPTIONS]",
	.summary = "List volumes",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_run,
};

struct inspect_args {
	const char *format;
	bool all;
};

static const struct opt inspect_opts[] = {
	OPT_BOOL('a', "all", struct inspect_args, all, "All volumes"),
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print as json or through a Go template"),
	OPT_END,
};

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO_JSON struct json_object *array = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0 && a->all == (argc > 0))
		r = err_usage("volume inspect: name volumes or use --all, one of both");
	if (r == 0 && a->all)
		r = volume_rows(st, NULL, &array);
	if (r < 0)
		return r;
	if (!array)
		array = json_object_new_array();
	for (int i = 0; i < argc; i++) {
		struct json_object *o = NULL;
		int one = volume_inspect(st, argv[i], &o);

		if (one < 0)
			ctx->status = cmd_report(err_wrap(one, "volume inspect %s", argv[i]));
		else
			(void)json_object_array_add(array, o);
	}
	return show_objects(array, a->format);
}

const struct command cmd_volume_inspect = {
	.name = "inspect",
	.group = "volume",
	.synopsis = "[OPTIONS] VOLUME [VOLUME...]",
	.summary = "Print everything about volumes",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.max_args = -1,
	.complete = COMPLETE_VOLUME,
	.run = inspect_run,
};

static int exists_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO(volume_record_done) struct volume_record v = {0};
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	(void)argc;
	if (r == 0)
		r = volume_load(st, argv[0], &v);
	return cmd_exists(ctx, r, -CE_NO_VOLUME);
}

const struct command cmd_volume_exists = {
	.name = "exists",
	.group = "volume",
	.synopsis = "VOLUME",
	.summary = "Exit with 0 when it exists, with 1 when not",
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VOLUME,
	.run = exists_run,
};

static int mount_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	for (int i = 0; r == 0 && i < argc; i++) {
		AUTO_FREE char *path = NULL;
		int one = volume_where(st, argv[i], &path);

		if (one < 0)
			ctx->status = cmd_report(err_wrap(one, "volume mount %s", argv[i]));
		else
			(void)puts(path);
	}
	return r;
}

const struct command cmd_volume_mount = {
	.name = "mount",
	.group = "volume",
	.synopsis = "VOLUME [VOLUME...]",
	.summary = "Print where volumes lie on the host",
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_VOLUME,
	.run = mount_run,
};

static int unmount_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	for (int i = 0; r == 0 && i < argc; i++) {
		AUTO_FREE char *full = NULL;
		int one = volume_resolve(st, argv[i], &full);

		if (one < 0)
			ctx->status = cmd_report(err_wrap(one, "volume unmount %s", argv[i]));
		else
			(void)puts(full);
	}
	return r;
}

const struct command cmd_volume_unmount = {
	.name = "unmount",
	.group = "volume",
	.synopsis = "VOLUME [VOLUME...]",
	.summary = "Undo volume mount: nothing has to be done",
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_VOLUME,
	.run = unmount_run,
};

/* No plugin keeps volumes that this store would not know of. */
static int reload_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct store *st;

	(void)args;
	(void)argc;
	(void)argv;
	return cmd_store(ctx, &st);
}

const struct command cmd_volume_reload = {
	.name = "reload",
	.group = "volume",
	.synopsis = "",
	.summary = "Look for volumes of plugins: there are none",
	.run = reload_run,
};
