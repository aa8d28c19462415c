/* SPDX-License-Identifier: MIT */
/* "cuddy secret …" */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/cli/format.h"
#include "pkg/container/secrets.h"
#include "pkg/json/json.h"

struct create_args {
	struct secret_request request;
	const char *driver;
	struct strv driver_opts;
	bool env;
};

static const struct opt create_opts[] = {
	OPT_STR('d', "driver", "DRIVER", struct create_args, driver, "Secret driver: file",
		.complete = COMPLETE_WORDS, .words = "file"),
	OPT_LIST(0, "driver-opts", "KEY=VALUE", struct create_args, driver_opts,
		 "Options of a driver; file has none", .hidden = true),
	OPT_BOOL(0, "env", struct create_args, env,
		 "The second operand names a variable that holds the secret"),
	OPT_LIST('l', "label", "KEY=VALUE", struct create_args, request.labels, "Attach a label"),
	OPT_BOOL(0, "replace", struct create_args, request.replace,
		 "Give an existing one this value"),
	OPT_BOOL(0, "ignore", struct create_args, request.ignore, "Succeed when the secret exists"),
	OPT_END,
};

static int read_secret(const struct create_args *a, const char *from, struct sbuf *ret)
{
	AUTO_CLOSE int opened = -EBADF;
	const char *value;
	ssize_t n;

	if (a->env) {
		value = getenv(from);
		if (!value)
			return err_usage("secret create: the variable %s is not set", from);
		sbuf_adds(ret, value);
		return 0;
	}
	if (strcmp(from, "-") != 0) {
		opened = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (opened < 0)
			return err_new(-errno, "secret create: %s", from);
	}
	sbuf_grow(ret, SECRET_MAX + 1);
	n = read_upto(opened < 0 ? STDIN_FILENO : opened, ret->s, SECRET_MAX + 1);
	if (n < 0)
		return err_new((int)n, "secret create: read %s", from);
	ret->len = (size_t)n;
	return 0;
}

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;
	struct secret_request q = a->request;
	struct sbuf data = SBUF_INIT;
	AUTO_FREE char *id = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* a limit on cores is none where a program takes them */
	q.name = argv[0];
	if (r == 0 && a->driver && strcmp(a->driver, "file") != 0)
		r = err_usage("--driver '%s': there is no secret driver but 'file'", a->driver);
	if (r == 0 && a->driver_opts.n)
		r = err_usage("--driver-opts: the driver 'file' has no options; secrets lie in "
			      "the store, for your eyes only");
	if (r == 0)
		r = read_secret(a, argv[1], &data);
	if (r == 0)
		r = secret_make(st, &q, data.s, data.len, &id);
	secret_wipe(&data);
	if (r == 0)
		(void)puts(id);
	return r;
}

const struct command cmd_secret_create = {
	.name = "create",
	.group = "secret",
	.synopsis = "[OPTIONS] NAME FILE|-",
	.summary = "Keep a secret for containers",
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_FILE,
	.run = create_run,
};

struct ls_args {
	bool quiet, no_heading;
	const char *format;
	struct strv filters;
};

static const struct opt ls_opts[] = {
	OPT_LIST('f', "filter", "KEY=VALUE", struct ls_args, filters,
		 "Only secrets whose name or id matches"),
	OPT_BOOL('q', "quiet", struct ls_args, quiet, "Only ids"),
	OPT_BOOL('n', "noheading", struct ls_args, no_heading, "No table heading"),
	OPT_STR(0, "format", "FORMAT", struct ls_args, format,
		"Print as json or through a Go template"),
	OPT_END,
};

static int ls_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {{"ID", "ID"},
						{"NAME", "Name"},
						{"DRIVER", "Driver"},
						{"CREATED", "CreatedAt"},
						{"UPDATED", "UpdatedAt"},
						{NULL, NULL}};
	const struct ls_args *a = args;
	const struct list_options o = {.format = a->format,
				       .quiet = a->quiet,
				       .no_heading = a->no_heading,
				       .quiet_field = "ID",
				       .columns = columns};
	AUTO_JSON struct json_object *rows = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = secret_rows(st, &a->filters, &rows);
	return r < 0 ? r : list_print(&o, rows, NULL, stdout);
}

const struct command cmd_secret_ls = {
	.name = "ls",
	.group = "secret",
	.synopsis = "[OPTIONS]",
	.summary = "List secrets",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_run,
};

struct inspect_args {
	const char *format;
	bool pretty, show;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL(0, "pretty", struct inspect_args, pretty, "Print for people"),
	OPT_BOOL(0, "showsecret", struct inspect_args, show, "With the secret itself"),
	OPT_END,
};

#define PRETTY                                                                      \
	"ID:              {{.ID}}\nName:            {{.Spec.Name}}\n"               \
	"Labels:          {{range $k, $v := .Spec.Labels}}{{$k}}={{$v}} {{end}}\n"  \
	"Driver:          {{.Spec.Driver.Name}}\nCreated at:      {{.CreatedAt}}\n" \
	"Updated at:      {{.UpdatedAt}}"

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO_JSON struct json_object *array = json_object_new_array();
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0 && a->pretty && (a->format || a->show))
		r = err_usage("secret inspect: --pretty stands alone");
	for (int i = 0; r == 0 && i < argc; i++) {
		struct json_object *o = NULL;
		int one = secret_inspect(st, argv[i], a->show, &o);

		if (one < 0)
			ctx->status = cmd_report(err_wrap(one, "secret inspect %s", argv[i]));
		else
			(void)json_object_array_add(array, o);
		if (one == 0 && a->format && !a->show) /* a field for templates, empty as podman's */
			json_set_str(o, "SecretData", "");
	}
	return r < 0 ? r : show_objects(array, a->pretty ? PRETTY : a->format);
}

const struct command cmd_secret_inspect = {
	.name = "inspect",
	.group = "secret",
	.synopsis = "[OPTIONS] SECRET [SECRET...]",
	.summary = "Print what is known of secrets, but not what they are",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_SECRET,
	.run = inspect_run,
};

struct rm_args {
	bool all, ignore;
};

static const struct opt rm_opts[] = {
	OPT_BOOL('a', "all", struct rm_args, all, "All secrets"),
	OPT_BOOL('i', "ignore", struct rm_args, ignore, "Succeed when a secret does not exist"),
	OPT_END,
};

static void rm_one(struct store *st, const struct rm_args *a, const char *name, int *status)
{
	AUTO(secret_record_done) struct secret_record s = {0};
	int r = secret_find(st, name, &s);

	if (r == 0)
		r = secret_drop(st, s.name);
	if (r == 0)
		(void)puts(s.id);
	else if (r == -CE_NO_SECRET && a->ignore)
		err_drop();
	else
		*status = cmd_report(err_wrap(r, "secret rm %s", name));
}

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rm_args *a = args;
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0 && a->all == (argc > 0))
		r = err_usage("secret rm: name secrets or use --all, one of both");
	if (r == 0 && a->all)
		r = secret_list(st, &names);
	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		rm_one(st, a, names.v[i], &ctx->status);
	return r;
}

const struct command cmd_secret_rm = {
	.name = "rm",
	.group = "secret",
	.synopsis = "[OPTIONS] SECRET [SECRET...]",
	.summary = "Remove secrets",
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.max_args = -1,
	.complete = COMPLETE_SECRET,
	.run = rm_run,
};

static int exists_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO(secret_record_done) struct secret_record s = {0};
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	(void)argc;
	if (r == 0)
		r = secret_find(st, argv[0], &s);
	return cmd_exists(ctx, r, -CE_NO_SECRET);
}

const struct command cmd_secret_exists = {
	.name = "exists",
	.group = "secret",
	.synopsis = "SECRET",
	.summary = "Exit with 0 when it exists, with 1 when not",
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_SECRET,
	.run = exists_run,
};
