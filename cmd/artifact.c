/* SPDX-License-Identifier: MIT */
/* "cuddy artifact …": files that registries keep. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/registry_opts.h"
#include "cmd/sign_opts.h"
#include "cmd/show.h"
#include "cmd/transfer_report.h"
#include "pkg/base/err.h"
#include "pkg/image/artifact.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"

/* --- add --------------------------------------------------------------------------------------- */

struct add_args {
	bool append, replace;
	const char *type, *file_type;
	struct strv annotations;
};

static const struct opt add_opts[] = {
	OPT_LIST(0, "annotation", "KEY=VALUE", struct add_args, annotations, "Annotate the files"),
	OPT_BOOL('a', "append", struct add_args, append, "Add to an artifact that exists"),
	OPT_STR(0, "file-type", "TYPE", struct add_args, file_type,
		"Media type of the files instead of what they look like"),
	OPT_BOOL(0, "replace", struct add_args, replace, "Take the place of one that exists"),
	OPT_STR(0, "type", "TYPE", struct add_args, type, "Type of the artifact"),
	OPT_END,
};

static int add_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct add_args *a = args;
	const struct artifact_add o = {.append = a->append,
				       .replace = a->replace,
				       .type = a->type,
				       .file_type = a->file_type,
				       .annotations = &a->annotations};
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = artifact_add(st, argv[0], argv + 1, argc - 1, &o, &rec);
	if (r < 0)
		return err_wrap(r, "artifact add");
	(void)puts(digest_hex(rec.digest));
	return 0;
}

const struct command cmd_artifact_add = {
	.name = "add",
	.group = "artifact",
	.synopsis = "[OPTIONS] ARTIFACT FILE [FILE...]",
	.summary = "Keep files as an artifact",
	.opts = add_opts,
	.args_size = sizeof(struct add_args),
	.min_args = 2,
	.max_args = -1,
	.complete = COMPLETE_FILE,
	.run = add_run,
};

/* --- ls, inspect ------------------------------------------------------------------------------- */

struct ls_args {
	const char *format;
	bool no_heading, no_trunc;
};

static const struct opt ls_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct ls_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL(0, "no-trunc", struct ls_args, no_trunc, "Print digests in full"),
	OPT_BOOL('n', "noheading", struct ls_args, no_heading, "No table heading"),
	OPT_END,
};

static int ls_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {
		{"REPOSITORY", "Repository"}, {"TAG", "Tag"},   {"DIGEST", "Digest"},
		{"CREATED", "Created"},       {"SIZE", "Size"}, {NULL, NULL}};
	const struct ls_args *a = args;
	const struct list_options o = show_options(a->format, false, a->no_heading, "Digest",
						   columns);
	AUTO_JSON struct json_object *rows = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = artifact_rows(st, a->no_trunc, &rows);
	return r == 0 ? list_print(&o, rows, NULL, stdout) : err_wrap(r, "artifact ls");
}

const struct command cmd_artifact_ls = {
	.name = "ls",
	.group = "artifact",
	.synopsis = "[OPTIONS]",
	.summary = "List artifacts",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_run,
};

struct inspect_args {
	const char *format;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print through a Go template"),
	OPT_END,
};

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO_JSON struct json_object *o = NULL, *array = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0)
		r = artifact_inspect(st, argv[0], &o);
	if (r < 0)
		return err_wrap(r, "artifact inspect");
	if (a->format) {
		array = json_object_new_array();
		(void)json_object_array_add(array, json_object_get(o));
		return show_objects(array, a->format);
	}
	json_write(o, true, &text);
	(void)puts(text.s);
	return 0;
}

const struct command cmd_artifact_inspect = {
	.name = "inspect",
	.group = "artifact",
	.synopsis = "[OPTIONS] ARTIFACT",
	.summary = "Print the manifest of an artifact",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.min_args = 1,
	.max_args = 1,
	.run = inspect_run,
};

/* --- rm ---------------------------------------------------------------------------------------- */

struct rm_args {
	bool all, ignore;
};

static const struct opt rm_opts[] = {
	OPT_BOOL('a', "all", struct rm_args, all, "All artifacts"),
	OPT_BOOL('i', "ignore", struct rm_args, ignore, "Succeed when an artifact does not exist"),
	OPT_END,
};

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rm_args *a = args;
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = 0;

	if (a->all == (argc > 0))
		r = err_usage("artifact rm: name artifacts or use --all, one of both");
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0 && a->all)
		r = artifact_store_names(st, &names);
	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(artifact_record_done) struct artifact_record gone = {0};
		int e = artifact_remove(st, names.v[i], &gone);

		if (e == 0)
			(void)puts(digest_hex(gone.digest));
		else if (e == -CE_NO_ARTIFACT && (a->ignore || a->all))
			err_drop();
		else
			ctx->status = cmd_report(err_wrap(e, "artifact rm"));
	}
	return r;
}

const struct command cmd_artifact_rm = {
	.name = "rm",
	.group = "artifact",
	.synopsis = "[OPTIONS] ARTIFACT [ARTIFACT...]",
	.summary = "Remove artifacts",
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.max_args = -1,
	.run = rm_run,
};

/* --- extract ----------------------------------------------------------------------------------- */

static const struct opt extract_opts[] = {
	OPT_STR(0, "digest", "DIGEST", struct artifact_pick, digest,
		"Only the file with that digest"),
	OPT_STR(0, "title", "NAME", struct artifact_pick, title, "Only the file of that name"),
	OPT_END,
};

static int extract_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0)
		r = artifact_extract(st, argv[0], argv[1], args);
	return r < 0 ? err_wrap(r, "artifact extract") : 0;
}

const struct command cmd_artifact_extract = {
	.name = "extract",
	.group = "artifact",
	.synopsis = "[OPTIONS] ARTIFACT DIR|FILE",
	.summary = "Write the files of an artifact",
	.opts = extract_opts,
	.args_size = sizeof(struct artifact_pick),
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_FILE,
	.run = extract_run,
};

/* --- pull, push -------------------------------------------------------------------------------- */

struct pull_args {
	struct registry_args registry;
	bool quiet;
	const char *policy;
};

static const struct pull_args pull_defaults = {.registry = REGISTRY_ARGS_DEFAULTS};

static const struct opt pull_opts[] = {
	OPT_GROUP(registry_opts, struct pull_args, registry),
	OPT_ROWS(decrypt_opts),
	OPT_BOOL('q', "quiet", struct pull_args, quiet, "Do not report progress"),
	OPT_STR(0, "signature-policy", "FILE", struct pull_args, policy,
		"Policy to use instead of the usual policy.json", .complete = COMPLETE_FILE,
		.hidden = true),
	OPT_END,
};

static int pull_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct pull_args *a = args;
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	struct transfer_access access;
	struct transfer_report report;
	struct store *st;
	int r = registry_access_of(&a->registry, &access);

	(void)argc;
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r < 0)
		return r;
	transfer_report_init(&report, REPORT_PULL, a->quiet, NULL);
	r = artifact_pull(st, argv[0], &access, a->policy, &report.handler, &rec);
	transfer_report_done(&report);
	if (r < 0)
		return err_wrap(r, "artifact pull %s", argv[0]);
	(void)puts(digest_hex(rec.digest));
	return 0;
}

const struct command cmd_artifact_pull = {
	.name = "pull",
	.group = "artifact",
	.synopsis = "[OPTIONS] ARTIFACT",
	.summary = "Fetch an artifact from a registry",
	.opts = pull_opts,
	.args_size = sizeof(struct pull_args),
	.defaults = &pull_defaults,
	.min_args = 1,
	.max_args = 1,
	.run = pull_run,
};

struct push_args {
	struct registry_args registry;
	bool quiet;
	const char *digestfile;
	struct sign_args sign;
};

static const struct push_args push_defaults = {.registry = REGISTRY_ARGS_DEFAULTS};

static const struct opt push_opts[] = {
	OPT_GROUP(registry_opts, struct push_args, registry),
	OPT_STR(0, "digestfile", "FILE", struct push_args, digestfile,
		"Write the digest of what was pushed to a file", .complete = COMPLETE_FILE),
	OPT_BOOL('q', "quiet", struct push_args, quiet, "Do not report progress"),
	OPT_GROUP(sign_opts, struct push_args, sign),
	OPT_END,
};

static int push_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct push_args *a = args;
	AUTO_FREE char *digest = NULL;
	struct sign_options sign;
	struct transfer_access access;
	struct transfer_report report;
	struct store *st;
	int r = registry_access_of(&a->registry, &access);

	if (r == 0)
		r = sign_options_of(&a->sign, argc > 1 ? argv[1] : NULL, &sign);
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r < 0)
		return r;
	transfer_report_init(&report, REPORT_PULL, a->quiet, NULL);
	r = artifact_push(st, argv[0], argc > 1 ? argv[1] : NULL, &access, &sign, &report.handler,
			  &digest);
	transfer_report_done(&report);
	if (r == 0 && a->digestfile)
		r = cmd_write_digest(a->digestfile, digest);
	return r < 0 ? err_wrap(r, "artifact push %s", argv[0]) : 0;
}

const struct command cmd_artifact_push = {
	.name = "push",
	.group = "artifact",
	.synopsis = "[OPTIONS] ARTIFACT [DESTINATION]",
	.summary = "Send an artifact to a registry",
	.opts = push_opts,
	.args_size = sizeof(struct push_args),
	.defaults = &push_defaults,
	.min_args = 1,
	.max_args = 2,
	.run = push_run,
};
