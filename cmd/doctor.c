/* SPDX-License-Identifier: MIT */
/* "cuddy doctor": what of this machine is in the way of containers, and what mends it. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/doctor/doctor.h"
#include "pkg/json/json.h"
#include "storage/store.h"

struct doctor_args {
	const char *format;
	bool json, quiet;
	int contained;
};

static const struct doctor_args defaults = {.contained = -1};

static const struct opt doctor_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct doctor_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL(0, "json", struct doctor_args, json, "Print as json, for programs"),
	OPT_BOOL('q', "quiet", struct doctor_args, quiet, "Leave out what is well"),
	OPT_TRI(0, "contained", struct doctor_args, contained,
		"Name the flags of a container around us, not a host's commands (seen by itself)"),
	OPT_END,
};

static void print_field(const char *name, const char *value)
{
	if (!value)
		return;
	(void)printf("         %s: ", name);
	put_untrusted(stdout, value);
	(void)putchar('\n');
}

static void print_finding(const struct doctor_finding *f, bool quiet)
{
	if (quiet && f->status == DOCTOR_OK)
		return;
	(void)printf("%-8s %s: ", doctor_status_name(f->status), f->check);
	put_untrusted(stdout, f->found);
	(void)putchar('\n');
	print_field("breaks", f->breaks);
	print_field("mend", f->mend);
}

static struct json_object *describe(const struct doctor_finding *f, bool fields)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, fields ? "Check" : "check", f->check);
	json_set_str(o, fields ? "Status" : "status", doctor_status_name(f->status));
	json_set_str(o, fields ? "Found" : "found", f->found);
	json_set_str(o, fields ? "Breaks" : "breaks", f->breaks ? f->breaks : "");
	json_set_str(o, fields ? "Mend" : "mend", f->mend ? f->mend : "");
	return o;
}

static struct json_object *describe_all(const struct doctor_report *d, bool quiet, bool fields)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < d->n; i++)
		if (!quiet || d->v[i].status != DOCTOR_OK)
			(void)json_object_array_add(a, describe(&d->v[i], fields));
	return a;
}

static int print_json(const struct doctor_report *d, const size_t *counts, bool quiet)
{
	AUTO_JSON struct json_object *o = json_object_new_object();

	json_set_str(o, "version", CUDDY_VERSION);
	json_set_i64(o, "problems", (int64_t)counts[DOCTOR_PROBLEM]);
	json_set_i64(o, "notes", (int64_t)counts[DOCTOR_NOTE]);
	json_set(o, "checks", describe_all(d, quiet, false));
	return json_print(o, stdout);
}

static int print_template(const struct doctor_report *d, const struct doctor_args *a)
{
	const struct list_options o = show_options(a->format, false, false, NULL, NULL);
	AUTO_JSON struct json_object *rows = describe_all(d, a->quiet, true);

	return list_print(&o, rows, rows, stdout);
}

static int doctor_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct store_options o = {
		.root = ctx->root, .runroot = ctx->runroot, .driver = ctx->driver};
	const struct doctor_args *a = args;
	AUTO(doctor_report_done) struct doctor_report d = {0};
	size_t counts[DOCTOR_PROBLEM + 1] = {0};

	(void)argc;
	(void)argv;
	if (a->json && a->format)
		return err_usage("doctor: --json and --format contradict each other");
	doctor_examine(&o, a->contained, &d);
	for (size_t i = 0; i < d.n; i++)
		counts[d.v[i].status]++;
	ctx->status = counts[DOCTOR_PROBLEM] != 0;
	if (a->json || (a->format && strcmp(a->format, "json") == 0))
		return print_json(&d, counts, a->quiet);
	if (a->format)
		return print_template(&d, a);
	for (size_t i = 0; i < d.n; i++)
		print_finding(&d.v[i], a->quiet);
	if (counts[DOCTOR_PROBLEM] + counts[DOCTOR_NOTE])
		(void)printf("%zu problem%s, %zu note%s\n", counts[DOCTOR_PROBLEM],
			     counts[DOCTOR_PROBLEM] == 1 ? "" : "s", counts[DOCTOR_NOTE],
			     counts[DOCTOR_NOTE] == 1 ? "" : "s");
	return 0;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.synopsis = "[OPTIONS]",
	.summary = "Tell what of this machine is in the way of containers, and what mends it",
	.opts = doctor_opts,
	.args_size = sizeof(struct doctor_args),
	.defaults = &defaults,
	.run = doctor_run,
};
