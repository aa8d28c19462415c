/* SPDX-License-Identifier: MIT */
/* "docker context ls|show|use|inspect": where a server is. There is none, so there is one context. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"

#define GROUP "context"
#define NAME "default"
#define ABOUT "This machine, without a server"

static int check(const char *verb, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], NAME) != 0)
			return err_new(-CE_NO_OBJECT,
				       "context %s %s: there is no server: default is the only one",
				       verb, argv[i]);
	return 0;
}

struct ls_args {
	const char *format;
	bool quiet;
};

static const struct opt ls_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct ls_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('q', "quiet", struct ls_args, quiet, "Only names"),
	OPT_END,
};

static int ls_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {{"NAME", "Name"},
						{"DESCRIPTION", "Description"},
						{"DOCKER ENDPOINT", "DockerEndpoint"},
						{"ERROR", "Error"},
						{NULL, NULL}};
	const struct ls_args *a = args;
	const struct list_options o = show_options(a->format, a->quiet, false, "Name", columns);
	AUTO_JSON struct json_object *rows = json_object_new_array();
	struct json_object *row = json_object_new_object();

	(void)ctx;
	(void)argc;
	(void)argv;
	json_set_str(row, "Name", a->format || a->quiet ? NAME : NAME " *");
	json_set_bool(row, "Current", true);
	json_set_str(row, "Description", ABOUT);
	json_set_str(row, "DockerEndpoint", "");
	json_set_str(row, "Error", "");
	json_set_str(row, "ContextType", "moby");
	(void)json_object_array_add(rows, row);
	return list_print(&o, rows, NULL, stdout);
}

const struct command cmd_context_ls = {
	.name = "ls",
	.group = GROUP,
	.synopsis = "[OPTIONS]",
	.summary = "List the one context",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_run,
};

static int show_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)ctx;
	(void)args;
	(void)argc;
	(void)argv;
	(void)puts(NAME);
	return 0;
}

const struct command cmd_context_show = {
	.name = "show",
	.group = GROUP,
	.synopsis = "",
	.summary = "Print its name",
	.max_args = 0,
	.run = show_run,
};

static int use_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	int r = check("use", argc, argv);

	(void)ctx;
	(void)args;
	if (r < 0)
		return r;
	(void)puts(NAME);
	(void)fprintf(stderr, "Current context is now \"" NAME "\"\n");
	return 0;
}

const struct command cmd_context_use = {
	.name = "use",
	.group = GROUP,
	.synopsis = "default",
	.summary = "Use it, as always",
	.min_args = 1,
	.max_args = 1,
	.run = use_run,
};

struct inspect_args {
	const char *format;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print through a Go template"),
	OPT_END,
};

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO_JSON struct json_object *all = json_object_new_array();
	int r = check("inspect", argc, argv);

	(void)ctx;
	for (int i = 0; r == 0 && i < (argc ? argc : 1); i++) {
		struct json_object *o = json_object_new_object(), *meta = json_object_new_object(),
				   *ends = json_object_new_object(), *docker = json_object_new_object(),
				   *where = json_object_new_object();

		json_set_str(o, "Name", NAME);
		json_set_str(meta, "Description", ABOUT);
		json_set(o, "Metadata", meta);
		json_set_str(docker, "Host", "");
		json_set_bool(docker, "SkipTLSVerify", false);
		json_set(ends, "docker", docker);
		json_set(o, "Endpoints", ends);
		json_set(o, "TLSMaterial", json_object_new_object());
		json_set_str(where, "MetadataPath", "<IN MEMORY>");
		json_set_str(where, "TLSPath", "<IN MEMORY>");
		json_set(o, "Storage", where);
		(void)json_object_array_add(all, o);
	}
	return r < 0 ? r : show_objects(all, a->format);
}

const struct command cmd_context_inspect = {
	.name = "inspect",
	.group = GROUP,
	.synopsis = "[OPTIONS] [default...]",
	.summary = "Say what it is",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.max_args = -1,
	.run = inspect_run,
};
