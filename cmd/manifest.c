/* SPDX-License-Identifier: MIT */
/* "cuddy manifest …": lists of images for several platforms. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/registry_opts.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/artifact.h"
#include "pkg/image/manifest_list.h"
#include "pkg/json/json.h"

static int print_id(int r, const char *id)
{
	if (r == 0)
		(void)puts(id);
	return r;
}

/* What all verbs do that may ask a registry for an image to add. */
static int add_one(struct store *st, const char *list, struct list_source *s, char ret_id[65])
{
	struct transfer_report report;
	int r;

	transfer_report_init(&report, REPORT_PULL, true, NULL);
	s->report = &report.handler;
	r = list_add(st, list, s, ret_id);
	transfer_report_done(&report);
	return r;
}

/* --- create ------------------------------------------------------------------------------------ */

struct create_args {
	struct registry_args registry;
	struct strv annotations;
	bool all, amend, insecure;
};

static const struct create_args create_defaults = {.registry = REGISTRY_ARGS_DEFAULTS};

/* clang-format off */
static const struct opt create_opts[] = {
	OPT_BOOL(0, "all", struct create_args, all, "Of operands that are lists, add every image"),
	OPT_BOOL('a', "amend", struct create_args, amend, "Add to the list if it exists"),
	OPT_LIST(0, "annotation", "KEY=VALUE", struct create_args, annotations, "Annotate the list"),
	OPT_BOOL(0, "insecure", struct create_args, insecure, "The same as --tls-verify=false", .hidden = true),
	OPT_TRI(0, "tls-verify", struct create_args, registry.tls_verify, "Require a valid certificate of the registry"),
	OPT_END
};
/* clang-format on */

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;
	struct list_source s = {.all = a->all};
	struct store *st;
	char id[65];
	int r = registry_access_of(&a->registry, &s.access);

	if (a->insecure)
		s.access.tls_verify = 0;
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = list_create(st, argv[0], a->amend, &a->annotations, id);
	if (r < 0)
		return err_wrap(r, "manifest create");
	for (int i = 1; r == 0 && i < argc; i++) {
		s.image = argv[i];
		r = add_one(st, id, &s, id);
	}
	/* A list that is not what was asked for is not there. */
	if (r < 0 && !a->amend) {
		AUTO(list_record_done) struct list_record gone = {0};
		AUTO_FREE char *words = xstrdup(err_trail());

		if (list_remove(st, id, &gone) < 0)
			err_drop();
		r = err_set(r, words);
	}
	return print_id(r < 0 ? err_wrap(r, "manifest create") : 0, id);
}

const struct command cmd_manifest_create = {
	.name = "create",
	.group = "manifest",
	.synopsis = "[OPTIONS] LIST [IMAGE...]",
	.summary = "Make a list of images for several platforms",
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.defaults = &create_defaults,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = create_run,
};

/* --- add, annotate ----------------------------------------------------------------------------- */

struct artifact_args {
	bool on, no_titles;
	const char *config, *config_type, *layer_type, *subject, *type;
};

struct add_args {
	struct registry_args registry;
	struct list_words words;
	struct artifact_args artifact;
	bool all;
};

static const struct add_args add_defaults = {.registry = REGISTRY_ARGS_DEFAULTS};

/* clang-format off */
static const struct opt words_opts[] = {
	OPT_LIST(0, "annotation", "KEY=VALUE", struct list_words, annotations, "Annotate the entry"),
	OPT_STR(0, "arch", "ARCH", struct list_words, arch, "Architecture the entry is for"),
	OPT_LIST(0, "features", "FEATURE", struct list_words, features, "Features of the processor it wants"),
	OPT_STR(0, "os", "OS", struct list_words, os, "Operating system the entry is for"),
	OPT_LIST(0, "os-features", "FEATURE", struct list_words, os_features, "Features of the operating system it wants"),
	OPT_STR(0, "os-version", "VERSION", struct list_words, os_version, "Version of the operating system"),
	OPT_STR(0, "variant", "VARIANT", struct list_words, variant, "Variant of the architecture"),
	OPT_END
};
static const struct opt artifact_opts[] = {
	OPT_BOOL(0, "artifact", struct artifact_args, on, "The operands are files, which become an artifact"),
	OPT_STR(0, "artifact-config", "FILE", struct artifact_args, config, "Config of the artifact, instead of an empty one",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "artifact-config-type", "TYPE", struct artifact_args, config_type, "Media type of its config"),
	OPT_BOOL(0, "artifact-exclude-titles", struct artifact_args, no_titles, "Leave out the names of the files"),
	OPT_STR(0, "artifact-layer-type", "TYPE", struct artifact_args, layer_type,
		"Media type of the files instead of what they look like"),
	OPT_STR(0, "artifact-subject", "IMAGE", struct artifact_args, subject, "What the artifact is about",
		.complete = COMPLETE_IMAGE),
	OPT_STR(0, "artifact-type", "TYPE", struct artifact_args, type, "Type of the artifact"),
	OPT_END
};
static const struct opt add_opts[] = {
	OPT_GROUP(registry_opts, struct add_args, registry),
	OPT_GROUP(words_opts, struct add_args, words),
	OPT_GROUP(artifact_opts, struct add_args, artifact),
	OPT_BOOL(0, "all", struct add_args, all, "Of an operand that is a list, add every image"),
	OPT_END
};
/* clang-format on */

static int add_artifact(struct store *st, const struct artifact_args *a, char **argv, int n,
			struct list_source *s, char ret_id[65])
{
	const struct artifact_add o = {.type = a->type,
				       .file_type = a->layer_type,
				       .config = a->config,
				       .config_type = a->config_type,
				       .no_titles = a->no_titles,
				       .undated = true};
	struct transfer_report report;
	int r;

	transfer_report_init(&report, REPORT_PULL, true, NULL);
	s->report = &report.handler;
	r = list_add_artifact(st, argv[0], argv + 1, n - 1, &o, a->subject, s, ret_id);
	transfer_report_done(&report);
	return r;
}

static int check_artifact(const struct add_args *a)
{
	const struct artifact_args *x = &a->artifact;

	if (!x->on &&
	    (x->no_titles || x->config || x->config_type || x->layer_type || x->subject || x->type))
		return err_usage("the options --artifact-… go with --artifact");
	if (x->on && a->all)
		return err_usage("--artifact and --all contradict each other");
	return 0;
}

static int add_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct add_args *a = args;
	struct list_source s = {.all = a->all, .words = a->words};
	struct store *st;
	char id[65] = "";
	int r = check_artifact(a);

	if (r == 0)
		r = registry_access_of(&a->registry, &s.access);
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0 && a->artifact.on)
		r = add_artifact(st, &a->artifact, argv, argc, &s, id);
	for (int i = 1; r == 0 && !a->artifact.on && i < argc; i++) {
		s.image = argv[i];
		r = add_one(st, argv[0], &s, id);
	}
	return print_id(r < 0 ? err_wrap(r, "manifest add") : 0, id);
}

const struct command cmd_manifest_add = {
	.name = "add",
	.group = "manifest",
	.synopsis = "[OPTIONS] LIST IMAGE|FILE [IMAGE|FILE...]",
	.summary = "Add images to a list, or with --artifact files",
	.opts = add_opts,
	.args_size = sizeof(struct add_args),
	.defaults = &add_defaults,
	.min_args = 2,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = add_run,
};

struct annotate_args {
	struct list_words words;
	const char *subject;
	bool index;
};

static const struct opt annotate_opts[] = {
	OPT_GROUP(words_opts, struct annotate_args, words),
	OPT_BOOL(0, "index", struct annotate_args, index, "Annotate the list itself"),
	OPT_STR(0, "subject", "IMAGE", struct annotate_args, subject,
		"With --index: what the list is about", .complete = COMPLETE_IMAGE),
	OPT_END,
};

static int annotate_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct annotate_args *a = args;
	const struct list_words *w = &a->words;
	struct store *st;
	char id[65];
	int r = 0;

	if (a->index != (argc == 1))
		r = err_usage("manifest annotate: name an entry of the list, or use --index, one "
			      "of both");
	else if (a->index && (w->arch || w->os || w->variant || w->os_version || w->features.n ||
			      w->os_features.n))
		r = err_usage("manifest annotate: --index takes --annotation and --subject only");
	else if (a->subject && !a->index)
		r = err_usage("manifest annotate: --subject is of the list: it goes with --index");
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0 && a->subject) {
		const struct list_source s = {.image = a->subject, .access = {.tls_verify = -1}};

		r = list_subject(st, argv[0], &s, id);
	}
	if (r == 0)
		r = list_annotate(st, argv[0], a->index ? NULL : argv[1], w, id);
	return print_id(r < 0 ? err_wrap(r, "manifest annotate") : 0, id);
}

const struct command cmd_manifest_annotate = {
	.name = "annotate",
	.group = "manifest",
	.synopsis = "[OPTIONS] LIST [DIGEST|IMAGE]",
	.summary = "Say what an entry of a list is for",
	.opts = annotate_opts,
	.args_size = sizeof(struct annotate_args),
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_IMAGE,
	.run = annotate_run,
};

/* --- remove, rm, exists ------------------------------------------------------------------------ */

static int remove_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct store *st;
	char id[65];
	int r = cmd_store(ctx, &st);

	(void)args;
	(void)argc;
	if (r == 0)
		r = list_drop(st, argv[0], argv[1], id);
	return print_id(r < 0 ? err_wrap(r, "manifest remove") : 0, id);
}

const struct command cmd_manifest_remove = {
	.name = "remove",
	.group = "manifest",
	.synopsis = "LIST DIGEST",
	.summary = "Take an entry out of a list",
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_IMAGE,
	.run = remove_run,
};

struct rm_args {
	bool ignore;
};

static const struct opt rm_opts[] = {
	OPT_BOOL('i', "ignore", struct rm_args, ignore, "Succeed when a list does not exist"),
	OPT_END,
};

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rm_args *a = args;
	struct store *st;
	int r = cmd_store(ctx, &st);

	for (int i = 0; r == 0 && i < argc; i++) {
		AUTO(list_record_done) struct list_record gone = {0};
		int e = list_remove(st, argv[i], &gone);

		if (e == 0) {
			(void)printf("Untagged: %s\nDeleted: %s\n", gone.name, gone.id);
		} else if (e == -CE_NO_LIST && a->ignore) {
			err_drop();
		} else {
			(void)cmd_report(err_wrap(e, "manifest rm"));
			ctx->status = e == -CE_NO_LIST && ctx->status <= 1 ? 1 : 125;
		}
	}
	return r;
}

const struct command cmd_manifest_rm = {
	.name = "rm",
	.group = "manifest",
	.synopsis = "[OPTIONS] LIST [LIST...]",
	.summary = "Remove lists, not their images",
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = rm_run,
};

static int exists_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO(list_record_done) struct list_record rec = {0};
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	(void)argc;
	if (r == 0)
		r = list_find(st, argv[0], &rec);
	return cmd_exists(ctx, r, -CE_NO_LIST);
}

const struct command cmd_manifest_exists = {
	.name = "exists",
	.group = "manifest",
	.synopsis = "LIST",
	.summary = "Exit with 0 when it exists, with 1 when not",
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_IMAGE,
	.run = exists_run,
};

/* --- inspect ----------------------------------------------------------------------------------- */

struct inspect_args {
	struct registry_args registry;
	bool insecure, verbose;
};

static const struct inspect_args inspect_defaults = {.registry = REGISTRY_ARGS_DEFAULTS};

/* clang-format off */
static const struct opt inspect_opts[] = {
	OPT_STR(0, "authfile", "FILE", struct inspect_args, registry.authfile, "Credentials file to use instead of the usual ones",
		.complete = COMPLETE_FILE),
	OPT_BOOL(0, "insecure", struct inspect_args, insecure, "The same as --tls-verify=false", .hidden = true),
	OPT_TRI(0, "tls-verify", struct inspect_args, registry.tls_verify, "Require a valid certificate of the registry"),
	OPT_BOOL('v', "verbose", struct inspect_args, verbose, "The manifest of each image, with what the list says of it"),
	OPT_END
};
/* clang-format on */

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO_JSON struct json_object *o = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct transfer_access access;
	struct store *st;
	bool single = false;
	int r = registry_access_of(&a->registry, &access);

	(void)argc;
	if (a->insecure)
		access.tls_verify = 0;
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = a->verbose ? list_inspect_verbose(st, argv[0], &access, &o)
			       : list_inspect(st, argv[0], &access, &o, &single);
	if (r < 0)
		return err_wrap(r, "manifest inspect");
	if (single)
		(void)fputs(
			"cuddy: warning: this is no manifest list but the manifest of one image\n",
			stderr);
	json_write(o, true, &text);
	(void)puts(text.s);
	return 0;
}

const struct command cmd_manifest_inspect = {
	.name = "inspect",
	.group = "manifest",
	.synopsis = "[OPTIONS] LIST",
	.summary = "Print a list, of this store or of a registry",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.defaults = &inspect_defaults,
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_IMAGE,
	.run = inspect_run,
};
