/* SPDX-License-Identifier: MIT */
/*
 * cuddy: global flags, dispatch through the table, the only exit. Called as docker or podman it is
 * the same program.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cmd/cmd.h"
#include "cmd/persona.h"
#include "cmd/runtime.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/leaks.h"
#include "pkg/base/log.h"
#include "pkg/cli/format.h"
#include "pkg/config/containers_conf.h"
#include "pkg/container/container.h"
#include "pkg/sys/open.h"
#include "pkg/unit/installed.h"

/*
 * Descriptors 0-2 exist from here on, so that no file of ours is ever taken for standard output;
 * what the caller left open beyond them is not handed on by accident.
 */
static int tidy_process(void)
{
	struct rlimit core;
	int fd;

	do
		fd = open("/dev/null",
			  O_RDWR); /* lint: stays open across exec where it fills 0-2 */
	while (fd >= 0 && fd <= 2);
	if (fd < 0)
		return err_new(-errno, "open /dev/null");
	(void)close(fd);
	if (fd_close_from(3, 0) < 0)
		return -EIO;
	/* Arguments and environment may hold secrets: no core file. The hard limit stays for payloads. */
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = 0;
		(void)setrlimit(RLIMIT_CORE, &core);
	}
	cmd_take_umask();
	return 0;
}

static void start_log(const struct global_args *g)
{
	bool verbose = g->debug || (g->log_level && (!strcmp(g->log_level, "debug") ||
						     !strcmp(g->log_level, "trace")));

	log_init(verbose ? "all" : getenv("CUDDY_DEBUG"), "cuddy");
}

/* cuddy-transfer and whoever else opens the store reads it there; so do we. */
static int tell_storage_opts(const struct global_args *g)
{
	AUTO_FREE char *all = NULL;

	for (size_t i = 0; i < g->storage_opts.n; i++) {
		const char *o = g->storage_opts.v[i];

		if (strncmp(o, "additionalimagestore=/", 22) != 0 &&
		    strncmp(o, "overlay.additionalimagestore=/", 30) != 0)
			return err_usage("--storage-opt '%s': what there is is "
					 "additionalimagestore=DIR with an absolute path",
					 o);
	}
	if (!g->storage_opts.n)
		return 0;
	all = strv_join(&g->storage_opts, ",");
	return setenv("STORAGE_OPTS", all, 1) < 0 ? err_new(-errno, "set STORAGE_OPTS") : 0;
}

/* Whoever reads containers.conf, children of ours too, reads the modules after it. */
static int tell_modules(const struct global_args *g)
{
	AUTO_STRV struct strv paths = STRV_INIT;
	AUTO_FREE char *all = NULL;

	for (size_t i = 0; i < g->modules.n; i++) {
		char *path = NULL;
		int r = containers_conf_module(g->modules.v[i], &path);

		if (r < 0)
			return err_wrap(r, "--module");
		strv_take(&paths, path);
	}
	if (!paths.n)
		return 0;
	all = strv_join(&paths, "\n");
	return setenv(CONF_MODULES, all, 1) < 0 ? err_new(-errno, "set " CONF_MODULES) : 0;
}

static int check_operands(const struct command_alias *a, int n)
{
	const struct command *c = a->command;

	if (n < c->min_args)
		return err_usage("%s: %s; usage: cuddy %s %s", a->words,
				 n == 0 ? "needs an argument" : "needs more arguments", a->words,
				 c->synopsis);
	if (c->max_args >= 0 && n > c->max_args)
		return err_usage("%s: too many arguments; usage: cuddy %s%s%s", a->words, a->words,
				 *c->synopsis ? " " : "", c->synopsis);
	return 0;
}

static int run_command(struct cmd_ctx *ctx, const struct command_alias *a, int argc, char **argv)
{
	const struct command *c = a->command;
	AUTO_FREE void *args = xcalloc(1, c->args_size ? c->args_size : 1);
	int first, r;

	if (c->refused && !(argc > 1 && strcmp(argv[1], "--help") == 0))
		return c->run(ctx, args, 0, NULL);
	if (c->defaults)
		memcpy(args, c->defaults, c->args_size);
	first = opt_parse(c->opts, args, argc, argv, !c->no_interspersed, a->words);
	if (first == OPT_WANTS_HELP) {
		help_command(stdout, a);
		r = 0;
	} else if (first < 0) {
		r = first;
	} else {
		r = check_operands(a, argc - first);
		if (r == 0)
			r = c->run(ctx, args, argc - first, argv + first);
	}
	opt_release(c->opts, args);
	return r;
}

static int wants_help(int argc, char **argv)
{
	return argc > 0 && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"));
}

static int dispatch(struct cmd_ctx *ctx, int argc, char **argv)
{
	const struct command_alias *a;
	int words;

	if (argc > 1 && strcmp(argv[0], "runtime") == 0)
		runtime_verb_first(argc, argv);
	if (argc == 0)
		return err_usage("no command given; 'cuddy --help' lists what there is");
	a = command_find(argc, argv, &words);
	if (a)
		return run_command(ctx, a, argc - words + 1, argv + words - 1);
	if (group_find(argv[0]) && wants_help(argc - 1, argv + 1)) {
		help_group(stdout, group_find(argv[0]));
		return 0;
	}
	return command_unknown(argc, argv);
}

/* By the name that other engines call us by: its arguments are those of "cuddy runtime". */
static int runtime_role(struct cmd_ctx *ctx, int argc, char **argv)
{
	static char word[] = "runtime";

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		runtime_version();
		return 0;
	}
	log_init(getenv("CUDDY_DEBUG"), "cuddy");
	argv[0] = word;
	return dispatch(ctx, argc, argv);
}

static int cuddy(struct cmd_ctx *ctx, int argc, char **argv)
{
	static struct global_args g; /* what ctx points to */
	int first, r;

	r = tidy_process();
	if (r < 0)
		return r;
	if (runtime_by_name())
		return runtime_role(ctx, argc, argv);
	first = opt_parse(global_opts, &g, argc, argv, false, "");
	if (first == OPT_WANTS_HELP) {
		help_all(stdout);
		return 0;
	}
	if (first < 0)
		return first;
	if (g.version) {
		puts(persona_version_line());
		return 0;
	}
	start_log(&g);
	if (persona() == PERSONA_DOCKER)
		template_times_as_text();
	r = global_compat_apply(&g.compat);
	if (r == 0)
		r = tell_storage_opts(&g);
	if (r == 0)
		r = tell_modules(&g);
	if (r < 0)
		return r;
	ctx->root = g.root;
	ctx->runroot = g.runroot;
	ctx->cgroup_manager = g.cgroup_manager;
	ctx->hooks_dirs = &g.hooks_dirs;
	ctx->runtime = g.runtime;
	ctx->runtime_flags = &g.runtime_flags;
	ctx->driver = g.driver ? g.driver : getenv("STORAGE_DRIVER");
	if (ctx->driver && !*ctx->driver)
		ctx->driver = NULL;
	return dispatch(ctx, argc - first, argv + first);
}

int main(int argc, char **argv)
{
	AUTO_STRV struct strv words = STRV_INIT;
	struct cmd_ctx ctx = {0};
	int r, status;

	if (!strcmp(program_invocation_short_name, GENERATOR_NAME)) {
		unit_generator_words(argc, argv, &words);
		argc = (int)words.n;
		argv = words.v;
	}
	ctx.argv = argv;
	r = cuddy(&ctx, argc, argv);

	/* Output that did not arrive is a failure, also of a command that went well. */
	if (r >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = err_new(-(errno ? errno : EIO), "write to standard output");
	status = r < 0 ? cmd_report(r) : r > 0 ? r : ctx.status;
	cmd_say_ignored(&ctx);
	/* Whoever comes next after a removal or a crash takes away what it left; nobody waits for that. */
	if (ctx.store && !ctx.in_a_hurry)
		(void)container_tidy(ctx.store);
	return status;
}
