/* SPDX-License-Identifier: MIT */
#include "cmd/each.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/container/list.h"
#include "pkg/sys/file.h"

const struct opt each_opts[] = {
	OPT_BOOL('a', "all", struct each_args, all, "All containers"),
	OPT_LIST('f', "filter", "KEY=VALUE", struct each_args, filters, "Containers that match"),
	OPT_LIST(0, "cidfile", "FILE", struct each_args, cidfiles, "Read the id from a file",
		 .complete = COMPLETE_FILE),
	OPT_BOOL('i', "ignore", struct each_args, ignore,
		 "Succeed when a container does not exist"),
	OPT_END,
};

static int read_cidfiles(const struct each *e, struct strv *names)
{
	for (size_t i = 0; i < e->args->cidfiles.n; i++) {
		struct sbuf b = SBUF_INIT;
		int r = file_read_at(AT_FDCWD, e->args->cidfiles.v[i], 4096, &b);

		if (r == -ENOENT && e->args->ignore) {
			err_drop();
			continue;
		}
		if (r < 0) {
			sbuf_done(&b);
			return err_wrap(r, "--cidfile");
		}
		sbuf_trim_end(&b, " \t\r\n");
		strv_take(names, sbuf_steal(&b));
	}
	return 0;
}

static int select_names(struct store *st, const struct each *e, int argc, char **argv,
			struct strv *names)
{
	bool select = e->args->all || e->args->filters.n;
	int r;

	if (select && argc)
		return err_usage("%s: names and --%s contradict each other", e->verb,
				 e->args->all ? "all" : "filter");
	if (!select && !argc && !e->args->cidfiles.n)
		return err_usage(
			"%s: name at least one container, or use --all; see 'cuddy %s --help'",
			e->verb, e->verb);
	for (int i = 0; i < argc; i++)
		strv_add(names, argv[i]);
	r = read_cidfiles(e, names);
	if (r == 0 && select)
		r = container_select(st, &e->args->filters, e->running_only, names);
	return r;
}

static int each_one(struct store *st, const struct each *e, const char *name, int *status)
{
	struct container c;
	int r = container_open(st, name, &c);

	if (r == -CE_NO_CONTAINER && e->args->ignore) {
		err_drop();
		return 0;
	}
	if (r < 0) {
		int s = cmd_report(err_wrap(r, "%s", e->verb));

		if (r == -CE_NO_CONTAINER && e->missing_status)
			s = e->missing_status;
		if (s > *status)
			*status = s;
		return 0;
	}
	r = e->one(st, &c, e->arg);
	container_done(&c);
	if (r == -CE_NO_CONTAINER && e->args->ignore) { /* it went meanwhile */
		err_drop();
		return 0;
	}
	if (r < 0) {
		int s = cmd_report(err_wrap(r, "%s %s", e->verb, name));

		/* rm: "it runs" is 2, everything else 125 */
		if (r == -CE_BAD_STATE && e->missing_status)
			s = 2;
		if (s > *status)
			*status = s;
	} else if (!e->silent) {
		(void)puts(name);
	}
	return 0;
}

int each_container(struct cmd_ctx *ctx, const struct each *e, int argc, char **argv)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int status = 0;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = select_names(st, e, argc, argv, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = each_one(st, e, names.v[i], &status);
	if (r < 0)
		return r;
	ctx->status = status;
	return 0;
}
