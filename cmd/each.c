/* SPDX-License-Identifier: MIT */
#include "cmd/each.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/list.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"

const struct opt each_opts[] = {
	OPT_BOOL('a', "all", struct each_args, all, "All containers"),
	OPT_LIST('f', "filter", "KEY=VALUE", struct each_args, filters, "Containers that match"),
	OPT_LIST(0, "cidfile", "FILE", struct each_args, cidfiles, "Read the id from a file",
		 .complete = COMPLETE_FILE),
	OPT_BOOL('i', "ignore", struct each_args, ignore,
		 "Succeed when a container does not exist"),
	OPT_BOOL('l', "latest", struct each_args, latest, "The newest container"),
	OPT_END,
};

static int read_cidfile(const char *path, struct strv *names)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = file_read_at(AT_FDCWD, path, 4096, &b);

	if (r < 0)
		return err_wrap(r, "--cidfile");
	sbuf_trim_end(&b, " \t\r\n");
	strv_take(names, sbuf_steal(&b));
	return 0;
}

static int read_cidfiles(const struct each *e, struct strv *names)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->args->cidfiles.n; i++) {
		r = read_cidfile(e->args->cidfiles.v[i], names);
		if (r == -ENOENT && e->args->ignore) {
			err_drop();
			r = 0;
		}
	}
	return r;
}

static int add_latest(struct store *st, struct strv *ids)
{
	const struct list_query q = {
		.last = 1, .no_trunc = true, .filters = &(struct strv)STRV_INIT};
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	const char *id;
	int r = container_list(st, &q, &rows, &json);

	if (r == 0 && json_object_array_length(rows) == 0)
		return err_new(-CE_NO_CONTAINER, "--latest: there is none");
	if (r == 0)
		r = json_get_str(json_object_array_get_idx(rows, 0), "ID", &id);
	if (r < 0)
		return r;
	strv_add(ids, id);
	return 0;
}

int each_open(struct cmd_ctx *ctx, const char *verb, const struct each_one *o, int *argc,
	      char ***argv, struct container *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r < 0)
		return r;
	if (o->latest && o->cidfile)
		return err_usage("%s: --latest and --cidfile contradict each other", verb);
	if (o->latest) {
		r = add_latest(st, &names);
	} else if (o->cidfile) {
		r = read_cidfile(o->cidfile, &names);
	} else if (*argc) {
		strv_add(&names, (*argv)[0]);
		(*argc)--;
		(*argv)++;
	} else {
		return err_usage("%s: name a container, or use --latest", verb);
	}
	if (r == 0)
		r = container_open(st, names.v[0], ret);
	return r < 0 ? err_wrap(r, "%s", verb) : 0;
}

int each_select(struct store *st, const struct each *e, int argc, char **argv, struct strv *names)
{
	bool select = e->args->all || e->args->filters.n;
	int r;

	if (select && argc)
		return err_usage("%s: names and --%s contradict each other", e->verb,
				 e->args->all ? "all" : "filter");
	if (e->args->latest && (select || argc || e->args->cidfiles.n))
		return err_usage("%s: --latest stands alone, without names and other choices",
				 e->verb);
	if (!select && !argc && !e->args->cidfiles.n && !e->args->latest)
		return err_usage("%s: needs a name; see 'cuddy %s --help'", e->verb, e->verb);
	for (int i = 0; i < argc; i++)
		strv_add(names, argv[i]);
	r = read_cidfiles(e, names);
	if (r == 0 && e->args->latest)
		r = add_latest(st, names);
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

int each_signal(const char *s, int *ret)
{
	if (parse_signal(s, ret) < 0)
		return err_usage("--signal '%s': not a signal; write a name like TERM or a number "
				 "from 1 to 64",
				 s);
	return 0;
}

int each_container(struct cmd_ctx *ctx, const struct each *e, int argc, char **argv)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int status = 0;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = each_select(st, e, argc, argv, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = each_one(st, e, names.v[i], &status);
	if (r < 0)
		return r;
	ctx->status = status;
	return 0;
}
