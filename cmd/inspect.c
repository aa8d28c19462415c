/* SPDX-License-Identifier: MIT */
/* "cuddy inspect": everything about an object of any kind, as JSON. */
#include <string.h>

#include "cmd/each.h"
#include "cmd/show.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/inspect.h"
#include "pkg/container/size.h"
#include "pkg/container/networks.h"
#include "pkg/container/volumes.h"
#include "pkg/image/artifact.h"
#include "pkg/image/inspect.h"
#include "pkg/image/platform.h"
#include "pkg/json/json.h"
#include "pkg/pod/pod.h"
#include "storage/pod.h"

struct inspect_args {
	const char *format, *type, *platform;
	bool size, latest;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('l', "latest", struct inspect_args, latest, "The newest container"),
	OPT_BOOL('s', "size", struct inspect_args, size, "Say what a container takes on disk"),
	OPT_STR('t', "type", "TYPE", struct inspect_args, type, "Kind of object",
		.complete = COMPLETE_WORDS,
		.words = "all artifact container image network pod volume", .strict = true),
	OPT_END,
};

static const struct opt container_inspect_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('l', "latest", struct inspect_args, latest, "The newest container"),
	OPT_BOOL('s', "size", struct inspect_args, size, "Say what it takes on disk"),
	OPT_END,
};

static const struct opt image_inspect_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print as json or through a Go template"),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct inspect_args, platform,
		"Of lists the image for that platform; an image must be for it"),
	OPT_END,
};

static int find_container(struct store *st, const char *name, struct json_object **ret)
{
	struct container c;
	int r = container_open(st, name, &c);

	if (r < 0)
		return r;
	r = container_inspect(st, &c, ret);
	container_done(&c);
	return r;
}

static int find_container_size(struct store *st, const char *name, struct json_object **ret)
{
	struct container_size size;
	struct container c;
	int r = container_open(st, name, &c);

	if (r < 0)
		return r;
	r = container_size(st, c.rec->id, &size);
	if (r == 0)
		r = container_inspect(st, &c, ret);
	if (r == 0) {
		json_set_i64(*ret, "SizeRw", (int64_t)size.rw);
		json_set_i64(*ret, "SizeRootFs", (int64_t)size.root_fs);
	}
	container_done(&c);
	return r;
}

static int find_pod(struct store *st, const char *name, struct json_object **ret)
{
	AUTO(pod_record_done) struct pod_record pod = {0};
	int r = pod_resolve(st, name, &pod);

	return r < 0 ? r : pod_inspect(st, &pod, ret);
}

static const struct {
	const char *type;
	int missing;
	int (*find)(struct store *st, const char *name, struct json_object **ret);
} kinds[] = {
	{"container", CE_NO_CONTAINER, find_container}, /* the first: --size is its */
	{"image", CE_NO_IMAGE, image_inspect},          {"volume", CE_NO_VOLUME, volume_inspect},
	{"network", CE_NO_NETWORK, network_inspect},    {"pod", CE_NO_POD, find_pod},
	{"artifact", CE_NO_ARTIFACT, artifact_inspect},
};

static int find_any(struct store *st, const char *type, bool size, const char *name,
		    struct json_object **ret)
{
	bool all = !type || strcmp(type, "all") == 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		int r;

		if (!all && strcmp(type, kinds[i].type) != 0)
			continue;
		r = (size && i == 0 ? find_container_size : kinds[i].find)(st, name, ret);
		/* A word that cannot even be a name of this kind may be one of another. */
		if (r == 0 || !all || (r != -kinds[i].missing && r != -CE_USAGE))
			return r;
		err_drop();
	}
	return err_new(-CE_NO_OBJECT, "%s", name);
}

static int inspect(struct cmd_ctx *ctx, const char *type, const struct inspect_args *a, int argc,
		   char **argv)
{
	AUTO_JSON struct json_object *array = json_object_new_array();
	const struct each_args choice = {.latest = a->latest};
	const struct each e = {.args = &choice, .verb = "inspect"};
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = each_select(st, &e, argc, argv, &names);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++) {
		struct json_object *o = NULL;

		r = find_any(st, a->latest ? "container" : type, a->size, names.v[i], &o);
		if (r < 0)
			ctx->status = cmd_report(err_wrap(r, "inspect"));
		else
			(void)json_object_array_add(array, o);
	}
	return show_objects(array, a->format);
}

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;

	return inspect(ctx, a->type, a, argc, argv);
}

static int container_inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;

	return inspect(ctx, "container", a, argc, argv);
}

static int image_inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO_STRV struct strv ids = STRV_INIT;
	struct store *st;
	int r = a->platform ? cmd_store(ctx, &st) : 0;

	if (!a->platform)
		return inspect(ctx, "image", a, argc, argv);
	for (int i = 0; r == 0 && i < argc; i++) {
		AUTO_FREE char *matched = NULL;
		char id[65];

		r = image_of_platform(st, argv[i], a->platform, id, &matched);
		if (r == 0)
			strv_add(&ids, id);
	}
	return r < 0 ? err_wrap(r, "inspect") : inspect(ctx, "image", a, (int)ids.n, ids.v);
}

const struct command cmd_inspect = {
	.name = "inspect",
	.synopsis = "[OPTIONS] OBJECT [OBJECT...]",
	.summary = "Print everything about objects of any kind",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.max_args = -1,
	.complete = COMPLETE_OBJECT,
	.run = inspect_run,
};

const struct command cmd_container_inspect = {
	.name = "inspect",
	.group = "container",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Print everything about containers",
	.opts = container_inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = container_inspect_run,
};

const struct command cmd_image_inspect = {
	.name = "inspect",
	.group = "image",
	.synopsis = "[OPTIONS] IMAGE [IMAGE...]",
	.summary = "Print everything about images",
	.opts = image_inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = image_inspect_run,
};
