/* SPDX-License-Identifier: MIT */
#include "cmd/each_pod.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"

const struct opt each_pod_opts[] = {
	OPT_BOOL('a', "all", struct each_pod_args, all, "All pods"),
	OPT_BOOL('l', "latest", struct each_pod_args, latest, "The newest pod"),
	OPT_LIST(0, "pod-id-file", "FILE", struct each_pod_args, id_files,
		 "Read the id from a file", .complete = COMPLETE_FILE),
	OPT_END,
};

static int add_all(struct store *st, bool newest, struct strv *ret)
{
	const struct pod_query q = {.no_trunc = true, .filters = &(struct strv)STRV_INIT};
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	int r = pod_rows(st, &q, &rows, &json);
	size_t n = r < 0 ? 0 : json_object_array_length(rows);

	for (size_t i = 0; i < n && (i == 0 || !newest); i++) {
		const char *id = "";

		(void)json_get_str(json_object_array_get_idx(rows, i), "Id", &id);
		strv_add(ret, id);
	}
	if (r == 0 && newest && n == 0)
		return err_new(-CE_NO_POD, "--latest: there is none");
	return r;
}

static int add_id_files(const struct each_pod_args *a, struct strv *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->id_files.n; i++) {
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		r = file_read_at(AT_FDCWD, a->id_files.v[i], 4096, &b);
		if (r == -ENOENT && a->ignore) {
			err_drop();
			r = 0;
			continue;
		}
		if (r < 0)
			return err_wrap(r, "--pod-id-file");
		sbuf_trim_end(&b, " \t\r\n");
		strv_add(ret, b.s);
	}
	return r;
}

int each_pod_names(struct store *st, const struct each_pod *e, int argc, char **argv,
		   struct strv *ret)
{
	const struct each_pod_args *a = e->args;
	int r = 0;

	if (a->all + a->latest + (argc || a->id_files.n) > 1)
		return err_usage("%s: names, --all and --latest contradict each other", e->verb);
	if (!a->all && !a->latest && !argc && !a->id_files.n)
		return err_usage("%s: needs a name; see 'cuddy %s --help'", e->verb, e->verb);
	if (a->all || a->latest)
		r = add_all(st, a->latest, ret);
	for (int i = 0; i < argc; i++)
		strv_add(ret, argv[i]);
	return r < 0 ? r : add_id_files(a, ret);
}

static void do_one(struct cmd_ctx *ctx, struct store *st, const struct each_pod *e,
		   const char *name)
{
	AUTO(pod_record_done) struct pod_record pod = {0};
	bool said = true;
	int r = pod_resolve(st, name, &pod), s;

	if (r == 0)
		r = e->one(st, &pod, e->arg, &said);
	if (r == -CE_NO_POD && (e->args->ignore || e->args->all)) {
		err_drop();
		return;
	}
	if (r == 0) {
		if (said)
			(void)puts(e->args->all || e->args->latest ? pod.id : name);
		return;
	}
	s = cmd_report(err_wrap(r, r == -CE_NO_POD ? "%s" : "%s %s", e->verb, name));
	if (r == -CE_NO_POD && e->missing_status)
		s = e->missing_status;
	/* rm: "it runs" is 2, as of containers */
	if (r == -CE_BAD_STATE && e->missing_status)
		s = 2;
	if (s > ctx->status)
		ctx->status = s;
}

int each_pod(struct cmd_ctx *ctx, const struct each_pod *e, int argc, char **argv)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = each_pod_names(st, e, argc, argv, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		do_one(ctx, st, e, names.v[i]);
	return r;
}
