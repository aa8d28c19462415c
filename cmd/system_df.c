/* SPDX-License-Identifier: MIT */
/* "cuddy system df": what the store takes on disk. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/build/cache_usage.h"
#include "pkg/container/usage.h"
#include "pkg/json/json.h"

struct df_args {
	bool verbose;
	const char *format;
};

static const struct opt df_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct df_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('v', "verbose", struct df_args, verbose,
		 "Each image, container, volume and result of a build"),
	OPT_END,
};

static const struct column kind_columns[] = {
	{"TYPE", "Type"},
	{"TOTAL", "Total"},
	{"ACTIVE", "Active"},
	{"SIZE", "Size"},
	{"RECLAIMABLE", "Reclaimable"},
	{NULL, NULL},
};

static const struct column image_columns[] = {
	{"REPOSITORY", "Repository"},
	{"TAG", "Tag"},
	{"IMAGE ID", "ID"},
	{"CREATED", "CreatedSince"},
	{"SIZE", "Size"},
	{"SHARED SIZE", "SharedSize"},
	{"UNIQUE SIZE", "UniqueSize"},
	{"CONTAINERS", "Containers"},
	{NULL, NULL},
};

static const struct column container_columns[] = {
	{"CONTAINER ID", "ID"}, {"IMAGE", "Image"},
	{"COMMAND", "Command"}, {"LOCAL VOLUMES", "LocalVolumes"},
	{"SIZE", "Size"},       {"CREATED", "RunningFor"},
	{"STATUS", "Status"},   {"NAMES", "Names"},
	{NULL, NULL},
};

static const struct column volume_columns[] = {
	{"VOLUME NAME", "VolumeName"},
	{"LINKS", "Links"},
	{"SIZE", "Size"},
	{NULL, NULL},
};

static const struct column cache_columns[] = {
	{"CACHE ID", "CacheID"},
	{"CACHE TYPE", "CacheType"},
	{"SIZE", "Size"},
	{"CREATED", "Created"},
	{"LAST USED", "LastUsed"},
	{"SHARED", "Shared"},
	{NULL, NULL},
};

static const struct column part_columns[] = {
	{"BLOB", "Digest"},
	{"SIZE", "Size"},
	{NULL, NULL},
};

static int print(struct json_object *rows, const char *format, const struct column *columns)
{
	const struct list_options o = show_options(format, false, false, NULL, columns);

	return list_print(&o, rows, rows, stdout);
}

/* As docker: one object, for which the template is followed once. */
static int print_details(const struct usage *u, struct json_object *cache, const char *format)
{
	AUTO_JSON struct json_object *all = json_object_new_object();

	json_set(all, "Images", json_object_get(u->images));
	json_set(all, "Containers", json_object_get(u->containers));
	json_set(all, "Volumes", json_object_get(u->volumes));
	json_set(all, "BuildCache", json_object_get(cache));
	return value_print(all, format, stdout);
}

static int print_verbose(const struct usage *u, struct json_object *cache, const char *format)
{
	int r;

	if (format)
		return print_details(u, cache, format);

	(void)puts("Images space usage:\n");
	r = print(u->images, NULL, image_columns);
	(void)puts("\nContainers space usage:\n");
	if (r == 0)
		r = print(u->containers, NULL, container_columns);
	(void)puts("\nLocal Volumes space usage:\n");
	if (r == 0)
		r = print(u->volumes, NULL, volume_columns);
	(void)puts("\nBuild cache usage:\n");
	if (r == 0)
		r = print(cache, NULL, cache_columns);
	if (r < 0 || json_object_array_length(u->parts) == 0)
		return r;
	(void)puts("\nInterrupted downloads, kept to be continued:\n");
	return print(u->parts, NULL, part_columns);
}

static int df_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct df_args *a = args;
	AUTO(usage_done) struct usage u = {0};
	AUTO_JSON struct json_object *cache = NULL;
	struct store *st;
	int r;

	(void)argc;
	(void)argv;
	r = cmd_store(ctx, &st);
	if (r == 0)
		r = usage_count(st, a->verbose, &u);
	if (r == 0)
		r = cache_usage(st, &u, NULL, a->verbose ? &cache : NULL);
	if (r < 0)
		return err_wrap(r, "system df");
	return a->verbose ? print_verbose(&u, cache, a->format) : print(u.kinds, a->format, kind_columns);
}

const struct command cmd_system_df = {
	.name = "df",
	.group = "system",
	.synopsis = "[OPTIONS]",
	.summary = "Show what images, containers, volumes and the build cache take on disk",
	.opts = df_opts,
	.args_size = sizeof(struct df_args),
	.run = df_run,
};
