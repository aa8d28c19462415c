/* SPDX-License-Identifier: MIT */
/* "cuddy generate systemd": which words make a container stands in its record; what the unit is, in pkg/unit. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/host.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/cli/format.h"
#include "pkg/container/container.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/unit/generated.h"

struct generate_args {
	struct strv after, wants, requires, env;
	const char *prefix, *separator, *restart, *format;
	bool files, name, is_new, no_header;
	unsigned restart_s, start_timeout_s, stop_timeout_s;
};

static const struct generate_args defaults = {
	.prefix = "container", .separator = "-", .restart = "on-failure", .stop_timeout_s = 10};

static const struct opt generate_opts[] = {
	OPT_LIST(0, "after", "UNIT", struct generate_args, after, "Start after that unit"),
	OPT_STR(0, "container-prefix", "PREFIX", struct generate_args, prefix,
		"What the unit's name begins with (default container)"),
	OPT_LIST('e', "env", "NAME=VALUE", struct generate_args, env,
		 "Environment of what the unit runs"),
	OPT_BOOL('f', "files", struct generate_args, files,
		 "Write a file in the working directory and print its path"),
	OPT_STR(0, "format", "FORMAT", struct generate_args, format, "Print as json",
		.complete = COMPLETE_WORDS, .words = "json", .strict = true),
	OPT_BOOL('n', "name", struct generate_args, name,
		 "Call unit and container by the container's name, not its id"),
	OPT_BOOL(0, "new", struct generate_args, is_new,
		 "Make a new container at each start, and remove it afterwards"),
	OPT_BOOL(0, "no-header", struct generate_args, no_header, "Leave out the comment"),
	OPT_LIST(0, "requires", "UNIT", struct generate_args, requires,
		 "A unit that must run as long as this one does"),
	OPT_STR(0, "restart-policy", "POLICY", struct generate_args, restart,
		"When systemd starts it again (default on-failure)", .complete = COMPLETE_WORDS,
		.words = "no on-success on-failure on-abnormal on-watchdog on-abort always",
		.strict = true),
	OPT_UINT(0, "restart-sec", "SECONDS", struct generate_args, restart_s, "Wait before that",
		 .max = 86400),
	OPT_STR(0, "separator", "TEXT", struct generate_args, separator,
		"Between prefix and name (default -)"),
	OPT_UINT(0, "start-timeout", "SECONDS", struct generate_args, start_timeout_s,
		 "How long a start may take", .max = 86400),
	OPT_UINT(0, "stop-timeout", "SECONDS", struct generate_args, stop_timeout_s,
		 "Wait before SIGKILL (default 10)", .max = 86400),
	OPT_UINT('t', "time", "SECONDS", struct generate_args, stop_timeout_s,
		 "The same as --stop-timeout", .max = 86400),
	OPT_LIST(0, "wants", "UNIT", struct generate_args, wants, "A unit that is to run too"),
	OPT_END,
};

/* Is one of @argv[from, to) the flag? */
static bool has_flag(const struct strv *argv, size_t from, size_t to, const char *flag)
{
	size_t n = strlen(flag);

	for (size_t i = from; i < to; i++)
		if (strncmp(argv->v[i], flag, n) == 0 && (!argv->v[i][n] || argv->v[i][n] == '='))
			return true;
	return false;
}

/*
 * From "cuddy … create …" in the record to "… run …": @ret without the program. The tables of the options say
 * which word is the image.
 */
static int new_command(const struct container_record *rec, struct strv *ret, struct generated *g)
{
	struct global_args global = {0};
	const struct strv *was = &rec->create_command;
	const struct command_alias *a;
	AUTO_FREE char *args = NULL;
	int verb, image, words;

	if (was->n < 2)
		return err_new(-CE_UNSUPPORTED,
			       "--new: it was not made by run or create, but by another verb");
	verb = opt_parse(global_opts, &global, (int)was->n, was->v, false, "");
	opt_release(global_opts, &global);
	if (verb < 0 || verb >= (int)was->n)
		return err_new(-CE_UNSUPPORTED, "--new: its command line is not understood");
	a = command_find((int)was->n - verb, was->v + verb, &words);
	if (!a || (a->command != &cmd_run && a->command != &cmd_create))
		return err_new(-CE_UNSUPPORTED,
			       "--new: it was not made by run or create, but by another verb");
	verb += words - 1;
	args = xcalloc(1, a->command->args_size);
	if (a->command->defaults)
		memcpy(args, a->command->defaults, a->command->args_size);
	image = opt_parse(a->command->opts, args, (int)was->n - verb, was->v + verb, false,
			  a->words);
	opt_release(a->command->opts, args);
	if (image < 0 || image + verb >= (int)was->n)
		return err_new(-CE_UNSUPPORTED, "--new: its command line is not understood");
	for (int i = 1; i <= verb - words; i++)
		strv_add(ret, was->v[i]);
	strv_add(ret, "run");
	for (size_t i = (size_t)verb + 1; i < was->n; i++)
		strv_add(ret, was->v[i]);
	g->image = ret->n - (was->n - (size_t)(verb + image));
	g->command = ret;
	g->named = has_flag(ret, 0, g->image, "--name");
	g->own_readiness = has_flag(ret, 0, g->image, "--sdnotify");
	return 0;
}

/* Roots that came from our environment: the unit is going to have another. */
static void add_roots(struct strv *env)
{
	static const char *const names[] = {"CUDDY_ROOT", "CUDDY_RUNROOT"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = getenv(names[i]);
		AUTO_FREE char *path = v && *v ? path_absolute(v) : NULL;

		if (path)
			strv_addf(env, "%s=%s", names[i], path);
	}
}

static int check_unit_name(const char *unit)
{
	if (!*unit || strspn(unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   ":-_.\\") != strlen(unit))
		return err_usage("generate systemd: '%s.service' is no name of a unit (letters, "
				 "digits and :-_.)",
				 unit);
	return 0;
}

static int show(const struct generate_args *a, const char *unit, const char *text)
{
	AUTO_FREE char *file = xasprintf("%s.service", unit), *path = NULL;
	AUTO_JSON struct json_object *o = json_object_new_object();
	int r;

	if (a->files) {
		path = path_absolute(file);
		r = file_replace(AT_FDCWD, file, text, strlen(text), 0644, FILE_SYNC);
		if (r < 0)
			return err_wrap(r, "write %s", path);
	}
	if (a->format) {
		json_set_str(o, unit, a->files ? path : text);
		return json_print(o, stdout);
	}
	(void)fputs(a->files ? path : text, stdout);
	if (a->files)
		(void)putchar('\n');
	return 0;
}

static int generate(const struct generate_args *a, const struct container *c)
{
	AUTO_FREE char *program = NULL, *unit = NULL;
	AUTO_UNIT_FILE struct unit_file file = UNIT_FILE_INIT;
	AUTO_STRV struct strv command = STRV_INIT, env = STRV_INIT;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct generated g = {.container = a->name ? c->rec->name : c->rec->id,
			      .after = &a->after,
			      .wants = &a->wants,
			      .requires = &a->requires,
			      .env = &env,
			      .restart = a->restart,
			      .restart_s = a->restart_s,
			      .start_timeout_s = a->start_timeout_s,
			      .stop_timeout_s = a->stop_timeout_s};
	int r = host_own_program(&program);

	unit = xasprintf("%s%s%s", a->prefix, *a->prefix ? a->separator : "", g.container);
	if (r == 0)
		r = check_unit_name(unit);
	if (r == 0 && a->is_new)
		r = new_command(c->rec, &command, &g);
	if (r < 0)
		return r;
	add_roots(&env);
	strv_add_all(&env, &a->env);
	g.program = program;
	g.unit = unit;
	generated_unit(&g, &file);
	if (!a->no_header)
		sbuf_addf(&text, "# %s.service, made by cuddy\n\n", unit);
	unit_file_write(&file, &text);
	return show(a, unit, text.s);
}

static int generate_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct container c;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0)
		r = container_open(st, argv[0], &c);
	if (r < 0)
		return err_wrap(r, "generate systemd");
	r = generate(args, &c);
	container_done(&c);
	return r < 0 && r != -CE_USAGE ? err_wrap(r, "generate systemd %s", argv[0]) : r;
}

const struct command cmd_generate_systemd = {
	.name = "systemd",
	.group = "generate",
	.synopsis = "[OPTIONS] CONTAINER",
	.summary = "Print a service of systemd for a container",
	.opts = generate_opts,
	.args_size = sizeof(struct generate_args),
	.defaults = &defaults,
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_CONTAINER,
	.run = generate_run,
};
