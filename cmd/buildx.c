/* SPDX-License-Identifier: MIT */
/*
 * "cuddy buildx version|create|inspect|ls|use|stop|rm": builders by name, for scripts that make one before
 * they build. All of them are the one builder there is, which lives no longer than a build.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/host.h"
#include "cmd/persona.h"
#include "cmd/show.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/emulation.h"
#include "pkg/json/json.h"
#include "pkg/sys/random.h"
#include "storage/builder.h"

#define GROUP "buildx"
#define ENTITLEMENT "--allow-insecure-entitlement"

/* --- what a builder is ------------------------------------------------------------------------- */

/* What is asked for before, by the environment, and last. malloc'ed. */
static int choose(struct store *st, const char *name, char **ret)
{
	const char *env = getenv("BUILDX_BUILDER");

	if (!name && env && *env)
		name = env;
	if (!name)
		return builder_used(st, ret);
	*ret = xstrdup(name);
	return 0;
}

static void platforms_of(const struct builder_record *b, struct sbuf *out)
{
	static const char *const others[] = {"amd64", "arm64",	 "riscv64", "ppc64le",
					     "s390x", "386",	 "arm"};
	AUTO_STRV struct strv all = STRV_INIT;

	strv_addf(&all, "linux/%s", host_architecture());
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		AUTO_FREE char *p = xasprintf("linux/%s", others[i]);

		if (emulation_check(others[i]) < 0)
			err_drop();
		else if (!strv_has(&all, p))
			strv_add(&all, p);
	}
	for (size_t i = 0; i < b->platforms.n; i++) {
		AUTO_FREE char *marked = xasprintf("%s*", b->platforms.v[i]);

		if (!strv_has(&all, b->platforms.v[i]))
			strv_add(&all, marked); /* said so, but it cannot */
	}
	for (size_t i = 0; i < all.n; i++)
		sbuf_addf(out, "%s%s", i ? ", " : "", all.v[i]);
}

/* --- version ----------------------------------------------------------------------------------- */

static int version_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)ctx;
	(void)args;
	(void)argc;
	(void)argv;
	(void)printf("github.com/docker/buildx v" BUILDX_VERSION " cuddy-%s\n", CUDDY_VERSION);
	return 0;
}

const struct command cmd_buildx_version = {
	.name = "version",
	.group = GROUP,
	.synopsis = "",
	.summary = "Print the version of buildx whose flags are understood",
	.max_args = 0,
	.run = version_run,
};

/* --- create ------------------------------------------------------------------------------------ */

struct create_args {
	const char *name, *driver, *node, *flags;
	struct strv platforms;
	bool use;
};

static const struct create_args create_defaults = {.driver = "docker-container"};

/* clang-format off */
static const struct opt create_opts[] = {
	OPT_REFUSED(0, "append", NULL, "a builder is this machine, and has one node", NULL),
	OPT_MOOT(0, "bootstrap", NULL, "Be sure that it is ready: always so"),
	OPT_REFUSED(0, "buildkitd-config", "FILE", "there is no buildkitd; registries are set in registries.conf", NULL),
	OPT_STR(0, "buildkitd-flags", "FLAGS", struct create_args, flags, "Only " ENTITLEMENT ", which build --allow says", .hidden = true),
	OPT_REFUSED(0, "config", "FILE", "there is no buildkitd; registries are set in registries.conf", NULL),
	OPT_STR(0, "driver", "NAME", struct create_args, driver, "What it is to be, docker-container or docker: they are the same",
		.complete = COMPLETE_WORDS, .words = "docker-container docker"),
	OPT_REFUSED(0, "driver-opt", "KEY=VALUE", "no container runs a builder", NULL),
	OPT_REFUSED(0, "leave", NULL, "a builder is this machine, and has one node", NULL),
	OPT_STR(0, "name", "NAME", struct create_args, name, "What it is called"),
	OPT_STR(0, "node", "NAME", struct create_args, node, "What its node is called"),
	OPT_LIST(0, "platform", "PLATFORM[,PLATFORM...]", struct create_args, platforms, "What it is for"),
	OPT_BOOL(0, "use", struct create_args, use, "Take it for those builds that name none"),
	OPT_END
};
/* clang-format on */

/* What is allowed there is allowed or not with each build. */
static int check_flags(const char *flags)
{
	AUTO_STRV struct strv words = STRV_INIT;

	if (flags)
		strv_split(&words, flags, ' ');
	for (size_t i = 0; i < words.n; i++) {
		if (strcmp(words.v[i], ENTITLEMENT) == 0)
			i++;
		else if (*words.v[i] && strncmp(words.v[i], ENTITLEMENT "=", sizeof(ENTITLEMENT)) != 0)
			return err_usage("--buildkitd-flags '%s': not supported: there is no "
					 "buildkitd",
					 words.v[i]);
	}
	return 0;
}

static int check_create(const struct create_args *a, int argc, char **argv)
{
	if (strcmp(a->driver, "docker-container") != 0 && strcmp(a->driver, "docker") != 0)
		return err_usage("--driver '%s': not supported: builds run on this machine; use "
				 "docker-container",
				 a->driver);
	if (argc && strcmp(argv[0], "default") != 0)
		return err_usage("'%s': not supported: there is no server: builds run on this "
				 "machine",
				 argv[0]);
	if (a->name && (!name_is_valid(a->name) || strcmp(a->name, BUILDER_DEFAULT) == 0))
		return err_usage("'%s' is no name for a builder: letters, digits and _ . -",
				 a->name);
	return check_flags(a->flags);
}

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;
	AUTO(builder_record_done) struct builder_record b = {.created_ns = clock_now_ns()};
	struct store *st;
	char made[9];
	int r = check_create(a, argc, argv);

	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r < 0)
		return err_wrap(r, "buildx create");
	random_hex(made, 8);
	b.name = a->name ? xstrdup(a->name) : xasprintf("builder-%s", made);
	b.driver = xstrdup(a->driver);
	b.node = a->node ? xstrdup(a->node) : xasprintf("%s0", b.name);
	for (size_t i = 0; i < a->platforms.n; i++)
		strv_split(&b.platforms, a->platforms.v[i], ',');
	r = builder_put(st, &b, true);
	if (r == -EEXIST)
		r = err_new(-CE_NAME_IN_USE, "%s: there is a builder of that name", b.name);
	if (r == 0 && a->use)
		r = builder_use(st, b.name);
	if (r < 0)
		return err_wrap(r, "buildx create");
	(void)puts(b.name);
	return 0;
}

const struct command cmd_buildx_create = {
	.name = "create",
	.group = GROUP,
	.synopsis = "[OPTIONS] [default]",
	.summary = "Give the builder another name",
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.defaults = &create_defaults,
	.max_args = 1,
	.run = create_run,
};

/* --- inspect, ls ------------------------------------------------------------------------------- */

/* Of the verbs about one builder. */
struct which_args {
	const char *builder;
};

#define BUILDER_OPT(T) \
	OPT_STR(0, "builder", "NAME", T, builder, "Which one, instead of an operand")

static const struct opt inspect_opts[] = {
	OPT_MOOT(0, "bootstrap", NULL, "Be sure that it is ready: always so"),
	BUILDER_OPT(struct which_args),
	OPT_END,
};

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct which_args *a = args;
	AUTO(builder_record_done) struct builder_record b = {0};
	AUTO_SBUF struct sbuf platforms = SBUF_INIT;
	AUTO_FREE char *name = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = choose(st, argc ? argv[0] : a->builder, &name);
	if (r == 0)
		r = builder_load(st, name, &b);
	if (r < 0)
		return err_wrap(r, "buildx inspect");
	platforms_of(&b, &platforms);
	(void)printf("Name:   %s\nDriver: %s\n\nNodes:\nName:      %s\nEndpoint:  default\n"
		     "Status:    running\nBuildKit version: v" BUILDX_VERSION "\nPlatforms: %s\n",
		     b.name, b.driver, b.node, platforms.s);
	return 0;
}

const struct command cmd_buildx_inspect = {
	.name = "inspect",
	.group = GROUP,
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Say what a builder is",
	.opts = inspect_opts,
	.args_size = sizeof(struct which_args),
	.max_args = 1,
	.run = inspect_run,
};

struct ls_args {
	const char *format;
};

static const struct opt ls_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct ls_args, format,
		"Print as json or through a Go template"),
	OPT_MOOT(0, "no-trunc", NULL, "Whole words: always so"),
	OPT_END,
};

static int ls_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {{"NAME", "Name"},	  {"DRIVER", "DriverEndpoint"},
						{"STATUS", "Status"},	  {"BUILDKIT", "Buildkit"},
						{"PLATFORMS", "Platforms"}, {NULL, NULL}};
	const struct ls_args *a = args;
	const struct list_options o = show_options(a->format, false, false, "Name", columns);
	AUTO_JSON struct json_object *rows = json_object_new_array();
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *used = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = choose(st, NULL, &used);
	if (r == 0)
		r = builder_names(st, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(builder_record_done) struct builder_record b = {0};
		AUTO_SBUF struct sbuf platforms = SBUF_INIT;
		struct json_object *row = json_object_new_object();
		bool current = strcmp(names.v[i], used) == 0;
		AUTO_FREE char *shown = xasprintf("%s%s", names.v[i], current && !a->format ? "*" : "");

		(void)json_object_array_add(rows, row);
		r = builder_load(st, names.v[i], &b);
		if (r < 0)
			break;
		platforms_of(&b, &platforms);
		json_set_str(row, "Name", shown);
		json_set_bool(row, "Current", current);
		json_set_str(row, "DriverEndpoint", b.driver);
		json_set_str(row, "Driver", b.driver);
		json_set_str(row, "Status", "running");
		json_set_str(row, "Buildkit", "v" BUILDX_VERSION);
		json_set_str(row, "Platforms", platforms.s);
		json_set_str(row, "LastActivity", "");
		json_set_str(row, "Error", "");
	}
	return r == 0 ? list_print(&o, rows, NULL, stdout) : err_wrap(r, "buildx ls");
}

const struct command cmd_buildx_ls = {
	.name = "ls",
	.group = GROUP,
	.synopsis = "[OPTIONS]",
	.summary = "List builders",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_run,
};

/* --- use, stop, rm ----------------------------------------------------------------------------- */

static const struct opt use_opts[] = {
	BUILDER_OPT(struct which_args),
	OPT_MOOT(0, "default", NULL, "For this context: there is one"),
	OPT_MOOT(0, "global", NULL, "For all contexts: there is one"),
	OPT_END,
};

static int use_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct which_args *a = args;
	const char *name = argc ? argv[0] : a->builder;
	struct store *st;
	int r = name ? cmd_store(ctx, &st) : err_usage("needs the name of a builder");

	if (r == 0)
		r = builder_use(st, name);
	return r < 0 ? err_wrap(r, "buildx use") : 0;
}

const struct command cmd_buildx_use = {
	.name = "use",
	.group = GROUP,
	.synopsis = "[OPTIONS] NAME",
	.summary = "Take a builder for those builds that name none",
	.opts = use_opts,
	.args_size = sizeof(struct which_args),
	.max_args = 1,
	.run = use_run,
};

static const struct opt stop_opts[] = {
	BUILDER_OPT(struct which_args),
	OPT_END,
};

static int stop_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct which_args *a = args;
	AUTO(builder_record_done) struct builder_record b = {0};
	AUTO_FREE char *name = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = choose(st, argc ? argv[0] : a->builder, &name);
	if (r == 0)
		r = builder_load(st, name, &b);
	return r < 0 ? err_wrap(r, "buildx stop") : 0;
}

const struct command cmd_buildx_stop = {
	.name = "stop",
	.group = GROUP,
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Be sure that no builder runs: none does between builds",
	.opts = stop_opts,
	.args_size = sizeof(struct which_args),
	.max_args = 1,
	.run = stop_run,
};

struct rm_args {
	const char *builder;
	bool all, force;
};

static const struct opt rm_opts[] = {
	OPT_BOOL(0, "all-inactive", struct rm_args, all, "All names but default"),
	BUILDER_OPT(struct rm_args),
	OPT_BOOL('f', "force", struct rm_args, force, "Do not ask"),
	OPT_MOOT(0, "keep-daemon", NULL, "Leave what runs: nothing does"),
	OPT_MOOT(0, "keep-state", NULL, "Leave the build cache: it belongs to no name"),
	OPT_END,
};

static int remove_one(struct store *st, const char *name)
{
	int r = strcmp(name, BUILDER_DEFAULT) == 0
			? err_usage("default is always there")
			: builder_remove(st, name);

	if (r == 0)
		(void)printf("%s removed\n", name);
	return r;
}

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rm_args *a = args;
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0 && a->all && (argc || a->builder))
		r = err_usage("--all-inactive and names contradict each other");
	if (r == 0 && a->all && !a->force && !cmd_confirmed("This removes all names of builders."))
		return 0;
	if (r == 0 && a->all)
		r = builder_names(st, &names);
	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	if (r == 0 && !a->all && !argc) {
		char *name = NULL;

		r = choose(st, a->builder, &name);
		strv_take(&names, name ? name : xstrdup(""));
	}
	for (size_t i = a->all ? 1 : 0; r == 0 && i < names.n; i++)
		r = remove_one(st, names.v[i]);
	return r < 0 ? err_wrap(r, "buildx rm") : 0;
}

const struct command cmd_buildx_rm = {
	.name = "rm",
	.group = GROUP,
	.synopsis = "[OPTIONS] [NAME...]",
	.summary = "Remove names of builders",
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.max_args = -1,
	.run = rm_run,
};
