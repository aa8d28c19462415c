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
#include "pkg/config/paths.h"
#include "pkg/container/container.h"
#include "pkg/container/make.h"
#include "pkg/json/json.h"
#include "pkg/pod/pod.h"
#include "pkg/sys/file.h"
#include "pkg/unit/generated.h"

struct generate_args {
	struct strv after, wants, requires, env;
	const char *prefix, *pod_prefix, *separator, *restart, *format;
	bool files, name, is_new, no_header, is_template;
	unsigned restart_s, start_timeout_s;
	int64_t stop_timeout_s;
};

#define OWN_TIMEOUT (-1)

static const struct generate_args defaults = {.prefix = "container",
					      .pod_prefix = "pod",
					      .separator = "-",
					      .stop_timeout_s = OWN_TIMEOUT};

static const struct opt generate_opts[] = {
	OPT_LIST(0, "after", "UNIT", struct generate_args, after, "Start after that unit"),
	OPT_STR(0, "container-prefix", "PREFIX", struct generate_args, prefix,
		"What the unit's name begins with (default container)"),
	OPT_LIST('e', "env", "NAME=VALUE", struct generate_args, env,
		 "Environment of what the unit runs; without a value, or NAME*, ours"),
	OPT_BOOL('f', "files", struct generate_args, files,
		 "Write a file in the working directory and print its path"),
	OPT_STR(0, "format", "FORMAT", struct generate_args, format, "Print as json",
		.complete = COMPLETE_WORDS, .words = "json", .strict = true),
	OPT_BOOL('n', "name", struct generate_args, name,
		 "Call unit and container by the container's name, not its id"),
	OPT_BOOL(0, "new", struct generate_args, is_new,
		 "Make a new container at each start, and remove it afterwards"),
	OPT_BOOL(0, "no-header", struct generate_args, no_header, "Leave out the comment"),
	OPT_STR(0, "pod-prefix", "PREFIX", struct generate_args, pod_prefix,
		"What the name of a pod's unit begins with (default pod)"),
	OPT_LIST(0, "requires", "UNIT", struct generate_args, requires,
		 "A unit that must run as long as this one does"),
	OPT_STR(0, "restart-policy", "POLICY", struct generate_args, restart,
		"When systemd starts it again (default the container's own, or on-failure)",
		.complete = COMPLETE_WORDS,
		.words = "no on-success on-failure on-abnormal on-watchdog on-abort always",
		.strict = true),
	OPT_UINT(0, "restart-sec", "SECONDS", struct generate_args, restart_s, "Wait before that",
		 .max = 86400),
	OPT_STR(0, "separator", "TEXT", struct generate_args, separator,
		"Between prefix and name (default -)"),
	OPT_UINT(0, "start-timeout", "SECONDS", struct generate_args, start_timeout_s,
		 "How long a start may take", .max = 86400),
	OPT_INT(0, "stop-timeout", "SECONDS", struct generate_args, stop_timeout_s,
		"Wait before SIGKILL (default the container's own)", .min = 0, .max = 86400),
	OPT_BOOL(0, "template", struct generate_args, is_template,
		 "With --new: a unit with instances, each of which has a container of its own"),
	OPT_INT('t', "time", "SECONDS", struct generate_args, stop_timeout_s,
		"The same as --stop-timeout", .min = 0, .max = 86400),
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

struct recorded {
	const struct command_alias *verb;
	size_t words; /* index of the verb's first word, and how many there are */
	size_t n_words;
	size_t operand; /* index of the first word that is no option, or the end */
};

/* The tables of the options say which word of a recorded command line is the image, or a pod's name. */
static int read_recorded(const struct strv *was, struct recorded *ret)
{
	struct global_args global = {0};
	const struct command *cmd;
	AUTO_FREE char *args = NULL;
	int verb, operand, words;

	if (was->n < 2)
		return err_new(-CE_UNSUPPORTED,
			       "--new: it was not made by run or create, but by another verb");
	verb = opt_parse(global_opts, &global, (int)was->n, was->v, false, "");
	opt_release(global_opts, &global);
	if (verb < 0 || verb >= (int)was->n)
		return err_new(-CE_UNSUPPORTED, "--new: its command line is not understood");
	ret->verb = command_find((int)was->n - verb, was->v + verb, &words);
	cmd = ret->verb ? ret->verb->command : NULL;
	if (cmd != &cmd_run && cmd != &cmd_create && cmd != &cmd_pod_create)
		return err_new(-CE_UNSUPPORTED,
			       "--new: it was not made by run or create, but by another verb");
	ret->words = (size_t)verb;
	ret->n_words = (size_t)words;
	verb += words - 1;
	args = xcalloc(1, cmd->args_size);
	if (cmd->defaults)
		memcpy(args, cmd->defaults, cmd->args_size);
	operand = opt_parse(cmd->opts, args, (int)was->n - verb, was->v + verb, false,
			    ret->verb->words);
	opt_release(cmd->opts, args);
	if (operand < 0 || (cmd != &cmd_pod_create && operand + verb >= (int)was->n))
		return err_new(-CE_UNSUPPORTED, "--new: its command line is not understood");
	ret->operand = (size_t)(verb + operand);
	return 0;
}

/* From "cuddy … create …" in the record to "… run …": @ret without the program. */
static int new_command(const struct container_record *rec, struct strv *ret, struct generated *g)
{
	const struct strv *was = &rec->create_command;
	struct recorded w;
	int r = read_recorded(was, &w);

	if (r < 0)
		return r;
	for (size_t i = 1; i < w.words; i++)
		strv_add(ret, was->v[i]);
	strv_add(ret, "run");
	for (size_t i = w.words + w.n_words; i < was->n; i++)
		strv_add(ret, was->v[i]);
	g->image = ret->n - (was->n - w.operand);
	g->command = ret;
	g->named = has_flag(ret, 0, g->image, "--name");
	g->own_readiness = has_flag(ret, 0, g->image, "--sdnotify");
	return 0;
}

/* "pod create …" as it was; what the unit adds goes before the pod's name. */
static int new_pod_command(const struct pod_record *pod, struct strv *ret, struct generated_pod *g)
{
	const struct strv *was = &pod->create_command;
	struct recorded w;
	int r = was->n < 2 ? err_new(-CE_UNSUPPORTED, "--new: it was not made by pod create")
			   : read_recorded(was, &w);

	if (r < 0)
		return r;
	for (size_t i = 1; i < was->n; i++)
		strv_add(ret, was->v[i]);
	g->command = ret;
	g->flags = w.words + w.n_words - 1;
	g->operand = w.operand - 1;
	/* A name that was made up: its containers are to find it. */
	if (g->operand == ret->n && !has_flag(ret, 0, ret->n, "--name") &&
	    !has_flag(ret, 0, ret->n, "-n")) {
		strv_addf(ret, "--name=%s", pod->name);
		g->operand = ret->n;
	}
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

/* What is going to be printed: names and texts of units. */
struct units {
	struct strv names, texts;
};
static void units_done(struct units *u)
{
	strv_done(&u->names);
	strv_done(&u->texts);
}

static int write_unit(const char *unit, const char *text, struct strv *paths)
{
	AUTO_FREE char *file = xasprintf("%s.service", unit), *path = path_absolute(file);
	int r = file_replace(AT_FDCWD, file, text, strlen(text), 0644, FILE_SYNC);

	if (r < 0)
		return err_wrap(r, "write %s", path);
	strv_add(paths, path);
	return 0;
}

static int show(const struct generate_args *a, const struct units *u)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_STRV struct strv paths = STRV_INIT;
	const struct strv *what = a->files ? &paths : &u->texts;

	for (size_t i = 0; a->files && i < u->names.n; i++) {
		int r = write_unit(u->names.v[i], u->texts.v[i], &paths);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < what->n; i++) {
		if (a->format)
			json_set_str(o, u->names.v[i], what->v[i]);
		else
			(void)printf("%s%s", what->v[i], a->files || i + 1 < what->n ? "\n" : "");
	}
	return a->format ? json_print(o, stdout) : 0;
}

static char *unit_name(const struct generate_args *a, const char *prefix, const char *object,
		       const char *ending)
{
	return xasprintf("%s%s%s%s", prefix, *prefix ? a->separator : "", object, ending);
}

static void add_unit(const struct generate_args *a, const char *unit, const struct unit_file *file,
		     struct units *u)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (!a->no_header)
		sbuf_addf(&text, "# %s.service, made by cuddy\n\n", unit);
	unit_file_write(file, &text);
	strv_add(&u->names, unit);
	strv_add(&u->texts, text.s);
}

static int make_env(const struct generate_args *a, struct strv *env)
{
	int r = 0;

	add_roots(env);
	for (size_t i = 0; r == 0 && i < a->env.n; i++)
		r = env_add(env, a->env.v[i]);
	return r;
}

/* systemd's word for the policy of the container itself. */
static const char *restart_word(const struct generate_args *a, const struct container_record *rec)
{
	if (a->restart)
		return a->restart;
	return rec->restart && strcmp(rec->restart, "on-failure") != 0 ? "always" : "on-failure";
}

static int64_t stop_timeout(const struct generate_args *a, const struct container_record *rec)
{
	return a->stop_timeout_s == OWN_TIMEOUT ? rec->stop_timeout : a->stop_timeout_s;
}

/* A pod stops when the last of its containers has; one that waits for ever is the longest. */
static int64_t longest_timeout(const struct generate_args *a, const struct pod_members *m)
{
	int64_t longest = a->stop_timeout_s == OWN_TIMEOUT ? 0 : a->stop_timeout_s;

	for (size_t i = 0; i < m->n; i++) {
		int64_t s = stop_timeout(a, m->v[i].rec);

		if (s < 0)
			return s;
		if (s > longest && !m->v[i].rec->is_infra)
			longest = s;
	}
	return longest;
}

static int generate(const struct generate_args *a, const struct container_record *rec,
		    const char *pod_unit, const char *pod, struct units *u)
{
	AUTO_FREE char *program = NULL, *unit = NULL;
	AUTO_UNIT_FILE struct unit_file file = UNIT_FILE_INIT;
	AUTO_STRV struct strv command = STRV_INIT, env = STRV_INIT;
	struct generated g = {.container = a->name ? rec->name : rec->id,
			      .instances_of = a->is_template ? rec->name : NULL,
			      .pod_unit = pod_unit,
			      .pod = pod,
			      .after = &a->after,
			      .wants = &a->wants,
			      .requires = &a->requires,
			      .env = &env,
			      .restart = restart_word(a, rec),
			      .restart_s = a->restart_s,
			      .start_timeout_s = a->start_timeout_s,
			      .stop_timeout_s = stop_timeout(a, rec)};
	int r = paths_self(&program);

	unit = unit_name(a, a->prefix, g.container, "");
	if (r == 0)
		r = check_unit_name(unit);
	if (r == 0 && a->is_new)
		r = new_command(rec, &command, &g);
	if (r == 0)
		r = make_env(a, &env);
	if (r < 0)
		return r;
	if (a->is_template) {
		free(unit);
		unit = unit_name(a, a->prefix, g.container, "@");
	}
	g.program = program;
	g.unit = unit;
	generated_unit(&g, &file);
	add_unit(a, unit, &file, u);
	return 0;
}

/* The pod's unit first, then one for each of its containers. */
static int generate_pod(const struct generate_args *a, struct store *st,
			const struct pod_record *pod, struct units *u)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	AUTO_FREE char *program = NULL, *unit = NULL;
	AUTO_UNIT_FILE struct unit_file file = UNIT_FILE_INIT;
	AUTO_STRV struct strv command = STRV_INIT, env = STRV_INIT, services = STRV_INIT;
	struct generated_pod g = {.pod = a->name ? pod->name : pod->id,
				  .services = &services,
				  .after = &a->after,
				  .wants = &a->wants,
				  .requires = &a->requires,
				  .env = &env};
	int r = paths_self(&program);

	if (r == 0 && !pod->infra)
		r = err_new(-CE_UNSUPPORTED,
			    "a pod without an infra container cannot be a service of its own");
	unit = unit_name(a, a->pod_prefix, g.pod, "");
	if (r == 0)
		r = check_unit_name(unit);
	if (r == 0 && a->is_new)
		r = new_pod_command(pod, &command, &g);
	if (r == 0)
		r = make_env(a, &env);
	if (r == 0)
		r = pod_members(st, pod, &m);
	g.stop_timeout_s = longest_timeout(a, &m);
	for (size_t i = 0; r == 0 && i < m.n; i++)
		if (!m.v[i].rec->is_infra)
			strv_take(&services, unit_name(a, a->prefix,
						       a->name ? m.v[i].rec->name : m.v[i].rec->id,
						       ".service"));
	if (r < 0)
		return r;
	g.program = program;
	g.unit = unit;
	generated_pod_unit(&g, &file);
	add_unit(a, unit, &file, u);
	for (size_t i = 0; r == 0 && i < m.n; i++) {
		if (m.v[i].rec->is_infra)
			continue;
		r = generate(a, m.v[i].rec, unit, a->is_new ? pod->name : NULL, u);
		if (r < 0)
			r = err_wrap(r, "container %s", m.v[i].rec->name);
	}
	return r;
}

static int generate_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct generate_args *a = args;
	AUTO(pod_record_done) struct pod_record pod = {0};
	AUTO(units_done) struct units u = {0};
	struct container c;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0 && a->is_template && !a->is_new)
		r = err_usage("generate systemd: --template goes with --new: instances of one "
			      "container there cannot be");
	if (r < 0)
		return r;
	r = container_open(st, argv[0], &c);
	if (r == 0) {
		r = generate(a, c.rec, NULL, NULL, &u);
		container_done(&c);
	} else if (r == -CE_NO_CONTAINER) {
		r = pod_resolve(st, argv[0], &pod);
		if (r == -CE_NO_POD)
			return err_new(r, "generate systemd: %s: no such container or pod",
				       argv[0]);
		if (r == 0 && a->is_template)
			return err_usage("generate systemd: --template is for a container, and %s "
					 "is a pod",
					 argv[0]);
		err_drop();
		if (r == 0)
			r = generate_pod(a, st, &pod, &u);
	} else {
		return err_wrap(r, "generate systemd");
	}
	if (r == 0)
		r = show(a, &u);
	return r < 0 && r != -CE_USAGE ? err_wrap(r, "generate systemd %s", argv[0]) : r;
}

const struct command cmd_generate_systemd = {
	.name = "systemd",
	.group = "generate",
	.synopsis = "[OPTIONS] CONTAINER|POD",
	.summary = "Print services of systemd for a container or a pod",
	.opts = generate_opts,
	.args_size = sizeof(struct generate_args),
	.defaults = &defaults,
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_CONTAINER,
	.run = generate_run,
};
