/* SPDX-License-Identifier: MIT */
/* "cuddy pod ps", "pod inspect", "pod exists". */
#include <stdio.h>
#include <string.h>

#include "cmd/each_pod.h"
#include "cmd/show.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/json/nil.h"

struct ps_args {
	bool quiet, no_trunc, no_heading, latest, ctr_ids, ctr_names, ctr_status, namespaces;
	struct strv filters;
	const char *format, *sort;
};

static const struct opt ps_opts[] = {
	OPT_BOOL(0, "ctr-ids", struct ps_args, ctr_ids, "Show the ids of the containers"),
	OPT_BOOL(0, "ctr-names", struct ps_args, ctr_names, "Show the names of the containers"),
	OPT_BOOL(0, "ctr-status", struct ps_args, ctr_status, "Show how the containers are"),
	OPT_LIST('f', "filter", "KEY=VALUE", struct ps_args, filters, "Only pods that match"),
	OPT_STR(0, "format", "FORMAT", struct ps_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('l', "latest", struct ps_args, latest, "The newest pod"),
	OPT_BOOL(0, "namespace", struct ps_args, namespaces,
		 "Show the cgroup parent and which namespaces are shared"),
	OPT_BOOL(0, "ns", struct ps_args, namespaces, "The same", .hidden = true),
	OPT_BOOL(0, "no-trunc", struct ps_args, no_trunc, "Whole ids"),
	OPT_BOOL(0, "notruncate", struct ps_args, no_trunc, "Whole ids", .hidden = true),
	OPT_BOOL('n', "noheading", struct ps_args, no_heading, "No table heading"),
	OPT_BOOL('q', "quiet", struct ps_args, quiet, "Only ids"),
	OPT_STR(0, "sort", "KEY", struct ps_args, sort, "Order", .complete = COMPLETE_WORDS,
		.words = "created id name number status"),
	OPT_END,
};

static int ps_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct ps_args *a = args;
	const struct pod_query q = {.filters = &a->filters,
				    .sort = a->latest ? NULL : a->sort,
				    .no_trunc = a->no_trunc};
	struct column columns[12] = {{"POD ID", "ID"},
				     {"NAME", "Name"},
				     {"STATUS", "Status"},
				     {"CREATED", "Created"},
				     {"INFRA ID", "InfraID"}};
	const struct list_options o = show_options(a->format, a->quiet, a->no_heading, "ID",
						   columns);
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	size_t n = 5;
	bool with_names;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (a->ctr_ids)
		columns[n++] = (struct column){"IDS", "ContainerIds"};
	if (a->ctr_names)
		columns[n++] = (struct column){"NAMES", "ContainerNames"};
	if (a->ctr_status)
		columns[n++] = (struct column){"STATUS", "ContainerStatuses"};
	with_names = n > 5;
	if (a->namespaces) {
		columns[n++] = (struct column){"CGROUP", "Cgroup"};
		columns[n++] = (struct column){"NAMESPACES", "Namespaces"};
	}
	if (!with_names)
		columns[n++] = (struct column){"# OF CONTAINERS", "NumberOfContainers"};
	if (r == 0)
		r = pod_rows(st, &q, &rows, &json);
	if (r == 0 && a->latest && json_object_array_length(rows) > 1) {
		(void)json_object_array_del_idx(rows, 1, json_object_array_length(rows) - 1);
		(void)json_object_array_del_idx(json, 1, json_object_array_length(json) - 1);
	}
	return r < 0 ? r : list_print(&o, rows, json, stdout);
}

const struct command cmd_pod_ps = {
	.name = "ps",
	.group = "pod",
	.synopsis = "[OPTIONS]",
	.summary = "List pods",
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.run = ps_run,
};

struct inspect_args {
	struct each_pod_args each;
	const char *format;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('l', "latest", struct inspect_args, each.latest, "The newest pod"),
	OPT_END,
};

static int inspect_one(struct store *st, const struct pod_record *pod, const void *arg, bool *said)
{
	struct json_object *o, *array;
	int r = pod_inspect(st, pod, &o);

	memcpy(&array, arg, sizeof(array));
	*said = false;
	if (r == 0)
		(void)json_object_array_add(array, o);
	return r;
}

/* Two fields that no spelling of their JSON names leads to. */
static void add_template_names(struct json_object *array)
{
	static const char *const names[][2] = {{"BlkioDeviceReadBps", "device_read_bps"},
					       {"BlkioDeviceWriteBps", "device_write_bps"}};

	for (size_t i = 0; i < json_object_array_length(array); i++)
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			struct json_object *o = json_object_array_get_idx(array, i);
			struct json_object *v = json_object_object_get(o, names[k][1]);

			json_set(o, names[k][0], v ? json_object_get(v) : json_nil(JSON_NIL_LIST));
		}
}

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO_JSON struct json_object *array = json_object_new_array();
	const struct each_pod e = {
		.args = &a->each, .verb = "pod inspect", .one = inspect_one, .arg = &array};
	int r = each_pod(ctx, &e, argc, argv);

	if (r >= 0 && a->format && strcmp(a->format, "json") != 0)
		add_template_names(array);
	return r < 0 ? r : show_objects(array, a->format);
}

const struct command cmd_pod_inspect = {
	.name = "inspect",
	.group = "pod",
	.synopsis = "[OPTIONS] POD [POD...]",
	.summary = "Print everything about pods",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.max_args = -1,
	.complete = COMPLETE_POD,
	.run = inspect_run,
};

static int exists_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO(pod_record_done) struct pod_record pod = {0};
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	(void)argc;
	if (r == 0)
		r = pod_resolve(st, argv[0], &pod);
	return cmd_exists(ctx, r, -CE_NO_POD);
}

const struct command cmd_pod_exists = {
	.name = "exists",
	.group = "pod",
	.synopsis = "POD",
	.summary = "Exit with 0 when it exists, with 1 when not",
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POD,
	.run = exists_run,
};
