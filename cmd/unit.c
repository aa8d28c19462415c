/* SPDX-License-Identifier: MIT */
/* "cuddy unit …": containers and what they need as unit files, and the services that systemd gets for them. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/host.h"
#include "cmd/show.h"
#include "cmd/url.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/unit/apply.h"
#include "pkg/unit/installed.h"
#include "pkg/unit/list.h"
#include "pkg/unit/systemctl.h"

#define FILE_LIMIT (1U << 20)

static int load_all(struct quadlet_set *ret)
{
	AUTO_STRV struct strv dirs = STRV_INIT;

	quadlet_dirs(&dirs);
	return quadlet_load(&dirs, ret);
}

static void say(const struct strv *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		fprintf(stderr, "%s: %s\n", program_invocation_short_name, lines->v[i]);
}

/* After the files changed: nothing that fails now undoes that. */
static int publish(struct cmd_ctx *ctx, const char *program, bool reload)
{
	AUTO_STRV struct strv errors = STRV_INIT;
	int r = installed_publish(program, reload, &errors);

	say(&errors);
	if (errors.n)
		ctx->status = 1;
	return r;
}

struct install_args {
	const char *application;
	bool replace;
	int reload;
};

static const struct install_args install_defaults = {.reload = 1};

static const struct opt install_opts[] = {
	OPT_STR(0, "application", "NAME", struct install_args, application,
		"Keep them together in a directory of that name"),
	OPT_BOOL('r', "replace", struct install_args, replace, "Replace files that are there"),
	OPT_TRI(0, "reload-systemd", struct install_args, reload,
		"Have systemd read its units again (true)"),
	OPT_END,
};

/* Called as the last part of its path. */
static int fetch(const char *url, struct install_request *q)
{
	AUTO_FREE char *path = xstrndup(url, strcspn(url, "?#"));
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = url_read(url, FILE_LIMIT, -1, &text);

	if (r < 0)
		return r; /* which names it */
	if (!*path_base(path))
		return err_usage("%s: no name of a file", url);
	if (text.len && memchr(text.s, 0, text.len))
		return err_new(-CE_BAD_FORMAT, "%s: holds a NUL byte", url);
	strv_add(&q->names, path_base(path));
	strv_add(&q->texts, text.len ? text.s : "");
	return 0;
}

static void request_done(struct install_request *q)
{
	strv_done(&q->sources);
	strv_done(&q->names);
	strv_done(&q->texts);
}

static int install_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct install_args *a = args;
	AUTO(request_done)
	struct install_request q = {.application = a->application, .replace = a->replace};
	AUTO_FREE char *program = NULL;
	AUTO_STRV struct strv paths = STRV_INIT;
	int r = paths_self(&program);

	for (int i = 0; r == 0 && i < argc; i++) {
		if (url_is(argv[i]))
			r = fetch(argv[i], &q);
		else
			strv_add(&q.sources, argv[i]);
	}
	if (r == 0)
		r = installed_add(&q, program, &paths);
	if (r < 0)
		return err_wrap(r, "unit install");
	for (size_t i = 0; i < paths.n; i++) {
		put_untrusted(stdout, paths.v[i]);
		(void)putchar('\n');
	}
	return publish(ctx, program, a->reload);
}

const struct command cmd_unit_install = {
	.name = "install",
	.group = "unit",
	.synopsis = "[OPTIONS] FILE|DIR|URL [FILE|DIR|URL...]",
	.summary = "Install unit files of containers for this user",
	.opts = install_opts,
	.args_size = sizeof(struct install_args),
	.defaults = &install_defaults,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_FILE,
	.run = install_run,
};

struct ls_args {
	struct strv filters;
	const char *format;
	bool no_heading;
};

static const struct opt ls_opts[] = {
	OPT_LIST('f', "filter", "KEY=VALUE", struct ls_args, filters,
		 "Only those that match: name=, status="),
	OPT_STR(0, "format", "FORMAT", struct ls_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('n', "noheading", struct ls_args, no_heading, "No table heading"),
	OPT_END,
};

static int ls_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {{"NAME", "Name"},
						{"UNIT NAME", "UnitName"},
						{"PATH ON DISK", "Path"},
						{"STATUS", "Status"},
						{NULL, NULL}};
	const struct ls_args *a = args;
	const struct list_options o = show_options(a->format, false, a->no_heading, "Name",
						   columns);
	AUTO(quadlet_set_done) struct quadlet_set all = QUADLET_SET_INIT;
	AUTO_JSON struct json_object *rows = NULL;
	int r = load_all(&all);

	(void)ctx;
	(void)argc;
	(void)argv;
	if (r == 0)
		r = quadlet_rows(&all, &a->filters, &rows);
	return r < 0 ? r : list_print(&o, rows, NULL, stdout);
}

const struct command cmd_unit_ls = {
	.name = "ls",
	.group = "unit",
	.synopsis = "[OPTIONS]",
	.summary = "List unit files of containers and the state of their services",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_run,
};

static int print_file(const char *path)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = file_read_at(AT_FDCWD, path, FILE_LIMIT, &text);

	if (r < 0)
		return err_wrap(r, "%s", path);
	put_untrusted(stdout, text.s);
	return 0;
}

static int print_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO(quadlet_set_done) struct quadlet_set all = QUADLET_SET_INIT;
	const struct quadlet *q;
	int r = load_all(&all);

	(void)ctx;
	(void)args;
	(void)argc;
	if (r < 0)
		return r;
	q = quadlet_find(&all, argv[0]);
	if (!q)
		return err_new(-CE_NO_OBJECT, "unit print: %s", argv[0]);
	r = print_file(q->path);
	for (size_t i = 0; r == 0 && i < q->drop_ins.n; i++) { /* as "systemctl cat" does */
		printf("\n# %s\n", q->drop_ins.v[i]);
		r = print_file(q->drop_ins.v[i]);
	}
	return r;
}

const struct command cmd_unit_print = {
	.name = "print",
	.group = "unit",
	.synopsis = "FILE",
	.summary = "Print a unit file and its drop-ins",
	.min_args = 1,
	.max_args = 1,
	.run = print_run,
};

struct rm_args {
	bool all, force, ignore, recursive;
	int reload;
};

static const struct rm_args rm_defaults = {.reload = 1};

static const struct opt rm_opts[] = {
	OPT_BOOL('a', "all", struct rm_args, all, "All of this user's own"),
	OPT_BOOL('f', "force", struct rm_args, force, "Stop services that run"),
	OPT_BOOL('i', "ignore", struct rm_args, ignore, "Succeed for files that are not there"),
	OPT_BOOL(0, "recursive", struct rm_args, recursive,
		 "All files of the application that is named, or that a file is in"),
	OPT_TRI(0, "reload-systemd", struct rm_args, reload,
		"Have systemd read its units again (true)"),
	OPT_END,
};

/* A service that runs is in the way, or is stopped. */
static int end_service(const struct quadlet *q, const struct rm_args *a)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	AUTO_FREE char *service = NULL;
	int r;

	if (!systemctl_is_there())
		return 0;
	/* Of a template: any instance of it. */
	service = xasprintf("%s%s.service", q->service, quadlet_is_template(q) ? "*" : "");
	r = systemctl_run((const char *[]){"--quiet", "is-active", service, NULL}, &out);
	if (r == 0 && !a->force)
		return err_new(-CE_IN_USE, "%s is active; --force stops it", service);
	if (r != 0) /* it does not run */
		return r < 0 ? r : 0;
	r = systemctl_run((const char *[]){"stop", service, NULL}, &out);
	return r > 0 ? err_new(-CE_IN_USE, "systemctl --user stop %s: failed", service) : r;
}

static bool is_of(const struct quadlet *q, const char *application)
{
	AUTO_FREE char *own = installed_application(q);

	return own && !strcmp(own, application);
}

static int remove_application(const struct quadlet_set *all, const char *name,
			      const struct rm_args *a)
{
	int r = 0;

	if (!a->recursive)
		return err_new(-CE_IN_USE,
			       "%s is an application; --recursive removes all of its files", name);
	for (size_t i = 0; r == 0 && i < all->n; i++)
		if (is_of(&all->v[i], name))
			r = end_service(&all->v[i], a);
	if (r == 0)
		r = installed_remove_application(name);
	for (size_t i = 0; r == 0 && i < all->n; i++)
		if (is_of(&all->v[i], name))
			(void)puts(all->v[i].file);
	return r;
}

static int remove_one(const struct quadlet_set *all, const char *name, const struct rm_args *a)
{
	const struct quadlet *q = quadlet_find(all, name);
	AUTO_FREE char *application = q && a->recursive ? installed_application(q) : NULL;
	int r = 0;

	if (!q && installed_has_application(name))
		return remove_application(all, name, a);
	if (application) /* unless it went with another of its files */
		return installed_has_application(application)
			       ? remove_application(all, application, a)
			       : 0;
	if (!q && a->ignore)
		return 0;
	if (q)
		r = end_service(q, a);
	if (r == 0)
		r = installed_remove(all, name);
	if (r == 0)
		(void)puts(name);
	return r;
}

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rm_args *a = args;
	AUTO(quadlet_set_done) struct quadlet_set all = QUADLET_SET_INIT;
	AUTO_FREE char *program = NULL;
	AUTO_STRV struct strv names = STRV_INIT;
	int r = paths_self(&program);

	if (r == 0 && a->all == (argc > 0))
		r = err_usage("unit rm: name files or use --all, one of both");
	if (r == 0)
		r = load_all(&all);
	if (r < 0)
		return r;
	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	for (size_t i = 0; a->all && i < all.n; i++)
		if (installed_is_own(&all.v[i]))
			strv_add(&names, all.v[i].file);
	for (size_t i = 0; i < names.n; i++) {
		int one = remove_one(&all, names.v[i], a);

		if (one < 0)
			ctx->status = cmd_report(err_wrap(one, "unit rm"));
	}
	return publish(ctx, program, a->reload);
}

const struct command cmd_unit_rm = {
	.name = "rm",
	.group = "unit",
	.synopsis = "[OPTIONS] FILE|APPLICATION [FILE|APPLICATION...]",
	.summary = "Remove unit files of this user",
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.defaults = &rm_defaults,
	.max_args = -1,
	.run = rm_run,
};

struct generate_args {
	bool dry_run, user, verbose, no_kmsg_log;
};

static const struct opt generate_opts[] = {
	OPT_BOOL(0, "dry-run", struct generate_args, dry_run,
		 "Print the services and write nothing"),
	OPT_BOOL(0, "dryrun", struct generate_args, dry_run, "The same", .hidden = true),
	OPT_BOOL(0, "user", struct generate_args, user, "For a user's systemd (always)",
		 .hidden = true),
	OPT_BOOL('v', "verbose", struct generate_args, verbose, "Say which files are read"),
	OPT_BOOL(0, "v", struct generate_args, verbose, "The same", .hidden = true),
	OPT_BOOL(0, "no-kmsg-log", struct generate_args, no_kmsg_log, "Always so", .hidden = true),
	OPT_END,
};

static int print_services(struct cmd_ctx *ctx, const struct quadlet_set *all, const char *program)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct quadlet *q = &all->v[i];
		AUTO_UNIT_FILE struct unit_file made = UNIT_FILE_INIT;
		AUTO_SBUF struct sbuf text = SBUF_INIT;
		int r = q->error ? err_set(-CE_BAD_FORMAT, q->error)
				 : quadlet_convert(all, q, program, &made);

		if (r < 0) {
			(void)cmd_report(r);
			ctx->status = 1;
			continue;
		}
		unit_file_write(&made, &text);
		printf("---%s.service---\n", q->service);
		put_untrusted(stdout, text.s);
		putchar('\n');
	}
	return 0;
}

static int generate_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct generate_args *a = args;
	AUTO(quadlet_set_done) struct quadlet_set all = QUADLET_SET_INIT;
	AUTO_STRV struct strv errors = STRV_INIT;
	AUTO_FREE char *program = NULL;
	AUTO_CLOSE int dir = -EBADF;
	int r = paths_self(&program);

	if (r == 0 && !a->dry_run && argc == 0)
		r = err_usage("unit generate: name the directory to write to, or use --dry-run");
	if (r == 0)
		r = load_all(&all);
	for (size_t i = 0; r == 0 && a->verbose && i < all.n; i++)
		fprintf(stderr, "%s\n", all.v[i].path);
	if (r == 0 && a->dry_run)
		return print_services(ctx, &all, program);
	if (r == 0) {
		dir = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = dir < 0 ? err_new(-errno, "unit generate: %s", argv[0]) : 0;
	}
	if (r == 0)
		r = quadlet_apply(dir, &all, program, &errors);
	say(&errors);
	if (errors.n)
		ctx->status = 1;
	return r;
}

const struct command cmd_unit_generate = {
	.name = "generate",
	.group = "unit",
	.synopsis = "[OPTIONS] [DIR [EARLY-DIR LATE-DIR]]",
	.summary = "Write the services of all unit files, as a generator of systemd does",
	.opts = generate_opts,
	.args_size = sizeof(struct generate_args),
	.max_args = 3,
	.complete = COMPLETE_DIR,
	.run = generate_run,
};

void unit_generator_words(int argc, char **argv, struct strv *ret)
{
	strv_add(ret, argv[0]);
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "-version"))
			strv_add(ret, "--version");
	strv_add(ret, "unit");
	strv_add(ret, "generate");
	/* Its flags are known with one dash. */
	for (int i = 1; i < argc; i++)
		strv_addf(ret, "%s%s", argv[i][0] == '-' && argv[i][1] != '-' ? "-" : "", argv[i]);
}
