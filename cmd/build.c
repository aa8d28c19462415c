/* SPDX-License-Identifier: MIT */
/* "cuddy build": steps as they go on standard error, the id on standard output. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/build.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/build/image.h"
#include "pkg/container/defaults.h"
#include "pkg/oci/manifest.h"
#include "storage/builder.h"

/* What was opened before the build began. */
struct build_files {
	struct archive_file iid, iid_raw, digest, metadata;
	struct build_outputs outputs;
	FILE *log;
	int null;
	struct build_attest attest;
};

static void files_done(struct build_files *f)
{
	archive_file_drop(&f->iid);
	archive_file_drop(&f->iid_raw);
	archive_file_drop(&f->digest);
	archive_file_drop(&f->metadata);
	build_outputs_done(&f->outputs);
	build_attest_done(&f->attest);
	if (f->log)
		(void)fclose(f->log);
	closep(&f->null);
}

/* Now, so that a bad name is told at once. */
static int files_open(const struct build_args *a, struct build_options *o, struct build_files *f)
{
	int r = build_outputs_open(a, o, &f->outputs);
	bool push = a->push;

	for (unsigned i = 0; i < f->outputs.n; i++)
		push |= f->outputs.v[i].push;
	if (r == 0 && a->digestfile && !push)
		r = err_usage("--digestfile: nothing is sent; it goes with --push");
	if (r == 0 && a->iidfile)
		r = archive_file_open(&f->iid, a->iidfile);
	if (r == 0 && a->iidfile_raw)
		r = archive_file_open(&f->iid_raw, a->iidfile_raw);
	if (r == 0 && a->digestfile)
		r = archive_file_open(&f->digest, a->digestfile);
	if (r == 0 && a->metadata_file)
		r = archive_file_open(&f->metadata, a->metadata_file);
	if (r < 0)
		return r;
	f->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (a->logfile)
		f->log = fopen(a->logfile, "we");
	return a->logfile && !f->log ? err_new(-errno, "--logfile %s", a->logfile) : 0;
}

static int put_metadata(struct store *st, const struct build_args *a, const struct build_options *o,
			const char *id, const char *list, struct archive_file *f)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = build_metadata_put(st, &o->tags, id, list, &text);

	return r < 0 ? r : archive_file_put(f, a->metadata_file, text.s);
}

static int put_ids(const struct build_args *a, struct build_files *f, const char *id)
{
	AUTO_FREE char *full = xasprintf("sha256:%s", id);
	int r = a->iidfile ? archive_file_put(&f->iid, a->iidfile, full) : 0;

	if (r == 0 && a->iidfile_raw)
		r = archive_file_put(&f->iid_raw, a->iidfile_raw, id);
	if (r == 0 && a->digestfile)
		r = archive_file_put(&f->digest, a->digestfile, build_pushed());
	return r;
}

static int finish(struct store *st, const struct build_args *a, const struct build_options *o,
		  struct build_files *f, const char *id, bool hush)
{
	int r = build_outputs_write(st, a, o, &f->outputs, id, hush);

	if (r == 0)
		r = put_ids(a, f, id);
	if (r == 0 && a->metadata_file)
		r = put_metadata(st, a, o, id, NULL, &f->metadata);
	return r < 0 ? r : build_outputs_keep(&f->outputs);
}

/* The result itself goes to standard output: nothing else may. */
static bool stdout_is_taken(const struct build_files *f)
{
	for (unsigned i = 0; i < f->outputs.n; i++)
		if (f->outputs.v[i].file.fd >= 0 &&
		    (!f->outputs.v[i].dest || strcmp(f->outputs.v[i].dest, "-") == 0))
			return true;
	return false;
}

/* A list without a name of the user's is there for the archives alone. */
static int write_archives(struct store *st, const struct build_args *a, const struct build_options *o,
			  const struct build_files *f, const char *list, bool hush)
{
	int r;

	if (!build_outputs_has_archive(&f->outputs))
		return 0;
	r = build_outputs_write_list(st, a, o, &f->outputs, list, hush);
	return o->tags.n ? r : build_drop_list(st, list, r);
}

/* What several platforms, or --manifest, come to. */
static int finish_list(struct store *st, const struct build_args *a, const struct build_options *o,
		       struct build_files *f, const struct strv *ids, bool hush)
{
	bool push = a->push;
	char id[65] = "";
	int r = build_outputs_fit(&f->outputs, &push);

	if (r == 0 && a->manifest)
		r = build_add_to_list(st, a->manifest, ids, &o->annotations);
	if (r == 0 && a->manifest)
		r = build_attest_list(st, &f->attest, o, a->manifest, ids, id);
	if (r == 0 && ids->n && (o->tags.n || !a->manifest))
		r = build_put_list(st, o, &f->attest, ids, id);
	if (r == 0 && *id)
		r = write_archives(st, a, o, f, id, hush);
	if (r == 0 && push && !o->tags.n)
		r = err_usage("--push needs a name to push to: --tag");
	if (r == 0 && push)
		r = build_push_lists(st, o, &o->tags, &f->outputs.push_form, hush);
	if (r == 0)
		r = put_ids(a, f, *id ? id : ids->n ? ids->v[0] : "");
	if (r == 0 && a->metadata_file)
		r = put_metadata(st, a, o, "", o->tags.n ? o->tags.v[0] : a->manifest ? a->manifest : *id ? id : NULL,
				 &f->metadata);
	if (r == 0)
		r = build_outputs_keep(&f->outputs);
	for (size_t i = 0; r == 0 && i < ids->n; i++)
		(void)puts(ids->v[i]);
	return r;
}

static int finish_one(struct store *st, const struct build_args *a, const struct build_options *o,
		      struct build_files *f, const char *id, bool hush)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = finish(st, a, o, f, id, hush);

	if (r == 0 && a->manifest) {
		strv_add(&ids, id);
		r = *id ? build_add_to_list(st, a->manifest, &ids, &o->annotations)
			: err_usage("--manifest: no image is made");
	}
	if (r == 0 && *id && !stdout_is_taken(f))
		(void)puts(id);
	return r;
}

/* What it is called as the platform of an image. */
static int add_host(struct strv *platforms)
{
	AUTO(platform_done) struct platform p = {0};
	int r = build_platform(NULL, &p);

	if (r == 0)
		strv_take(platforms, platform_text(&p));
	return r;
}

static int run(struct cmd_ctx *ctx, struct store *st, const struct build_args *a,
	       struct build_options *o, struct build_files *f, bool hush)
{
	AUTO_STRV struct strv platforms = STRV_INIT, ids = STRV_INIT;
	FILE *out = f->log ? f->log : stderr;
	struct build_result result = {.run_status = 0};
	struct transfer_report report;
	struct build_show show;
	bool push = false, list = false;
	struct build_call_args call;
	int r = build_call_of(a->call, &call);

	if (r == 0 && a->all_platforms && o->call == CALL_BUILD && !o->check)
		r = build_all_platforms(st, o, &platforms);
	else if (r == 0)
		r = build_platforms_of(a, &platforms);
	if (r == 0 && build_attest_any(&f->attest) && o->no_image)
		r = err_usage("--%s is said beside an image, and none is made: files alone are written",
			      f->attest.sbom ? "sbom" : "provenance");
	if (r == 0)
		r = build_attest_begin(&f->attest, o);
	if (r == 0 && o->call == CALL_BUILD && !o->check &&
	    (build_attest_any(&f->attest) || build_arg_is_on(o, "BUILDKIT_MULTI_PLATFORM"))) {
		list = true;
		if (!platforms.n)
			r = add_host(&platforms);
	}
	list |= platforms.n > 1;
	if (r == 0 && list)
		r = build_outputs_fit(&f->outputs, &push);
	if (r == 0 && annotations_of_index(&o->annotations) && !list && !a->manifest)
		r = err_usage("--annotation index:…, manifest-descriptor:…: there is no index; several --platform or "
			      "--manifest make one");
	if (r == 0 && annotations_of_archive(&o->annotations) && !build_outputs_has_archive(&f->outputs))
		r = err_usage("--annotation index-descriptor:…: only an archive has one: --output type=oci,dest=FILE");
	if (r < 0)
		return r;
	o->platform = platforms.n ? platforms.v[0] : NULL;
	if (a->logsplit && !list)
		r = build_log_of(out, a->logfile, o->platform);
	if (r < 0)
		return r;
	r = build_show_init(&show, hush, a->progress, out);
	if (r < 0)
		return r;
	show.json_documents = call.json;
	o->report = &show.report;
	if (f->log)
		o->output_fd = fileno(f->log);
	else if (hush && f->null >= 0)
		o->output_fd = f->null;
	transfer_report_init(&report, REPORT_PULL, hush || show.json, NULL);
	o->pull.report = &report.handler;
	r = list && !o->check && o->call == CALL_BUILD
		    ? build_each_platform(st, o, &platforms, hush && !a->logsplit ? NULL : out,
					  a->logsplit ? a->logfile : NULL, &ids, &result)
		    : build_image(st, o, &result);
	build_show_done(&show);
	transfer_report_done(&report);
	if (r < 0 && result.run_status) { /* the command's own status, as podman's */
		(void)cmd_report(err_wrap(r, "build"));
		ctx->status = result.run_status;
		return 0;
	}
	if (r == 0 && o->check) {
		ctx->status = result.findings && !call.ignore_status ? 1 : 0;
		if (call.json)
			return 0;
		(void)fprintf(stderr, "Check complete, %u finding%s\n", result.findings,
			      result.findings == 1 ? "" : "s");
		return 0;
	}
	if (r < 0 || o->call != CALL_BUILD)
		return r;
	return list ? finish_list(st, a, o, f, &ids, hush)
		    : finish_one(st, a, o, f, result.id, hush);
}

static int build_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct build_args *a = args;
	const char *progress = a->progress ? a->progress : getenv("BUILDKIT_PROGRESS");
	bool hush = a->quiet || (progress && strcmp(progress, "quiet") == 0);
	AUTO(request_defaults_done) struct request_defaults defaults = {.annotation = STRV_INIT};
	AUTO(build_request_done) struct build_options o = {.output_fd = STDERR_FILENO};
	AUTO(files_done)
	struct build_files f = {.iid = ARCHIVE_FILE_INIT,
				.iid_raw = ARCHIVE_FILE_INIT,
				.digest = ARCHIVE_FILE_INIT,
				.metadata = ARCHIVE_FILE_INIT,
				.null = -EBADF,
				.attest = BUILD_ATTEST_INIT};
	struct store *st;
	int r = build_request_of(a, argc ? argv[0] : ".", &o);

	if (r == 0)
		r = build_attest_of(a, &f.attest);
	if (r == 0)
		r = cmd_store_for_images(ctx, &st);
	if (r == 0 && a->builder) {
		AUTO(builder_record_done) struct builder_record b = {0};

		r = builder_load(st, a->builder, &b);
	}
	if (r == 0)
		r = request_defaults_build(&defaults, &o.run);
	if (r == 0 && a->http_proxy < 0 && defaults.conf->http_proxy == 0)
		o.host_proxies = false;
	if (r == 0)
		r = build_policy_of(st, &o.keep);
	if (r == 0)
		r = files_open(a, &o, &f);
	if (r == 0)
		r = run(ctx, st, a, &o, &f, hush);
	return r < 0 ? err_wrap(r, "build") : 0;
}

const struct command cmd_build = {
	.name = "build",
	.synopsis = "[OPTIONS] [CONTEXT]",
	.summary = "Build an image from a Containerfile",
	.opts = build_opts,
	.args_size = sizeof(struct build_args),
	.defaults = &build_defaults,
	.min_args = 0,
	.max_args = 1,
	.complete = COMPLETE_DIR,
	.run = build_run,
};
