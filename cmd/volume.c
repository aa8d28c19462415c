/* SPDX-License-Identifier: MIT */
/* "cuddy volume …": create, list, inspect and remove volumes. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/cli/format.h"
#include "pkg/container/container.h"
#include "pkg/container/volumes.h"
#include "pkg/json/json.h"
#include "pkg/sys/random.h"

struct create_args {
	struct strv labels;
	bool ignore;
};

static const struct opt create_opts[] = {
	OPT_LIST('l', "label", "KEY=VALUE", struct create_args, labels, "Attach a label"),
	OPT_BOOL(0, "ignore", struct create_args, ignore, "Succeed when the volume exists"),
	OPT_END,
};

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;
	char made_up[65];
	struct volume_record v = {
		.created_ns = clock_now_ns(), .labels = a->labels, .needs_copy_up = true};
	struct store *st;
	int r = cmd_store(ctx, &st);

	random_hex(made_up, 64);
	v.name = argc ? argv[0] : made_up;
	if (r == 0 && !name_is_valid(v.name))
		r = err_usage("volume create '%s': names match [A-Za-z0-9][A-Za-z0-9_.-]*, at most "
			      "128 characters",
			      v.name);
	if (r == 0)
		r = volume_create(st, &v);
	if (r == -EEXIST && a->ignore)
		r = 0;
	if (r == -EEXIST)
		return err_new(-CE_NAME_IN_USE, "volume create %s", v.name);
	if (r == 0)
		(void)puts(v.name);
	return r;
}

const struct command cmd_volume_create = {
	.name = "create",
	.group = "volume",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Create a volume",
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.max_args = 1,
	.run = create_run,
};

struct ls_args {
	bool quiet, no_heading;
	const char *format;
};

static const struct opt ls_opts[] = {
	OPT_BOOL('q', "quiet", struct ls_args, quiet, "Only names"),
	OPT_BOOL('n', "noheading", struct ls_args, no_heading, "No table heading"),
	OPT_STR(0, "format", "FORMAT", struct ls_args, format,
		"Print as json or through a Go template"),
	OPT_END,
};

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
		r = volume_rows(st, &rows);
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
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print as json or through a Go template"),
	OPT_END,
};

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO_JSON struct json_object *array = json_object_new_array();
	struct store *st;
	int r = cmd_store(ctx, &st);

	for (int i = 0; r == 0 && i < argc; i++) {
		struct json_object *o = NULL;
		int one = volume_inspect(st, argv[i], &o);

		if (one < 0)
			ctx->status = cmd_report(err_wrap(one, "volume inspect %s", argv[i]));
		else
			(void)json_object_array_add(array, o);
	}
	return r < 0 ? r : show_objects(array, a->format);
}

const struct command cmd_volume_inspect = {
	.name = "inspect",
	.group = "volume",
	.synopsis = "[OPTIONS] VOLUME [VOLUME...]",
	.summary = "Print everything about volumes",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_VOLUME,
	.run = inspect_run,
};

struct rm_args {
	bool force, all;
};

static const struct opt rm_opts[] = {
	OPT_BOOL('f', "force", struct rm_args, force,
		 "Remove the containers that use it too; succeed when it does not exist"),
	OPT_BOOL('a', "all", struct rm_args, all, "All volumes"),
	OPT_END,
};

static int remove_users(struct store *st, const struct strv *users)
{
	const struct remove_options o = {.force = true, .grace_s = -2};

	for (size_t i = 0; i < users->n; i++) {
		struct container c;
		int r = container_open(st, users->v[i], &c);

		if (r == 0) {
			r = container_remove(st, &c, &o);
			container_done(&c);
		}
		if (r < 0 && r != -CE_NO_CONTAINER)
			return r;
		err_drop();
	}
	return 0;
}

static int rm_one(struct store *st, const struct rm_args *a, const char *name, int *status)
{
	AUTO_STRV struct strv users = STRV_INIT;
	struct volume_record v = {0};
	int r = volume_load(st, name, &v);

	volume_record_done(&v);
	if (r == 0)
		r = volume_users(st, name, &users);
	if (r == 0 && users.n && !a->force) {
		AUTO_FREE char *list = strv_join(&users, ", ");

		r = err_new(-CE_IN_USE, "used by %s", list);
	}
	if (r == 0)
		r = remove_users(st, &users);
	if (r == 0)
		r = volume_remove(st, name);
	if (r == 0) {
		(void)puts(name);
	} else if (r == -CE_NO_VOLUME && a->force) {
		err_drop();
	} else {
		int s = cmd_report(err_wrap(r, "volume rm %s", name));

		s = r == -CE_NO_VOLUME ? 1 : r == -CE_IN_USE ? 2 : s;
		if (s > *status)
			*status = s;
	}
	return 0;
}

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rm_args *a = args;
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0 && a->all == (argc > 0))
		r = err_usage("volume rm: name volumes or use --all, one of both");
	if (r == 0 && a->all)
		r = volume_list(st, &names);
	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = rm_one(st, a, names.v[i], &ctx->status);
	return r;
}

const struct command cmd_volume_rm = {
	.name = "rm",
	.group = "volume",
	.synopsis = "[OPTIONS] VOLUME [VOLUME...]",
	.summary = "Remove volumes",
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.max_args = -1,
	.complete = COMPLETE_VOLUME,
	.run = rm_run,
};
