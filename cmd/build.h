/* SPDX-License-Identifier: MIT */
/* What the files of "cuddy build" share. */
#pragma once
#include <stdio.h>

#include "cmd/archive_file.h"
#include "cmd/cmd.h"
#include "cmd/compress_opts.h"
#include "cmd/registry_opts.h"
#include "pkg/build/build.h"
#include "pkg/cli/options.h"
#include "pkg/container/request.h"

/* What is refused, or does nothing (build_refused.c). */
extern const struct opt build_refused_opts[];

struct build_args {
	struct registry_args registry;
	struct strv tags, files, platforms, build_args, build_arg_files, labels, secrets, ssh,
		contexts, annotations, cache_from, cache_to, env, unset_env, unset_labels,
		no_cache_filters, outputs, allow, cpp_flags, source_policies, attest, layer_labels, unset_annotations;
	struct container_request run;
	struct compress_args compression;
	const char *arch, *os, *variant, *target, *network, *pull, *iidfile, *iidfile_raw, *digestfile, *metadata_file,
		*manifest, *ignore_file, *timestamp, *format, *progress, *isolation, *from,
		*logfile, *provenance, *sbom, *call, *builder;
	int64_t cache_ttl_ns;
	unsigned jobs;
	bool all_platforms, no_cache, quiet, rm, force_rm, load, push, squash, squash_all, omit_history,
		check, explain, logsplit,
		compat_volumes;
	int layers, inherit_labels, inherit_annotations, skip_unused, http_proxy, identity_label,
		created_annotation, rewrite_timestamp;
};
extern const struct build_args build_defaults;
extern const struct opt build_opts[];

/** build_request_of() - the arguments, checked, as a request; lists of it are to be released. */
int build_request_of(const struct build_args *a, const char *context, struct build_options *ret);
void build_request_done(struct build_options *o);
/**
 * build_metadata_put() - the document of --metadata-file (build_metadata.c)
 * @id: of one image, "": there is none; @list: the name of what several platforms became, NULL.
 */
int build_metadata_put(struct store *st, const struct strv *tags, const char *id, const char *list, struct sbuf *ret);
/** build_arg_is_on() - is the build argument @name given, and true? */
bool build_arg_is_on(const struct build_options *o, const char *name);
/* What is to be said of the image: how it was built, what is in it. */
struct build_attest {
	bool provenance, max, v02, reproducible;
	char *builder_id;
	int64_t started_ns; /* of the build */
	int materials; /* the file that it appends to; -EBADF: none */
	bool sbom;
	char *generator; /* the scanner's image */
	struct strv params; /* "KEY=VALUE", for the scanner */
	int sboms; /* the file with what it found; -EBADF: none */
};
#define BUILD_ATTEST_INIT                          \
	{                                          \
		.materials = -EBADF, .sboms = -EBADF \
	}
static inline bool build_attest_any(const struct build_attest *a)
{
	return a->provenance || a->sbom;
}
/** build_attest_of() - --attest, --provenance and --sbom (build_attest.c). */
int build_attest_of(const struct build_args *a, struct build_attest *ret);
/** build_attest_begin() - before the build, if anything is wanted: @o notes what it is made of. */
int build_attest_begin(struct build_attest *a, struct build_options *o);
void build_attest_done(struct build_attest *a);
/** build_attest_list() - say it of images of a list, which the files of build_attest_begin() know of. */
int build_attest_list(struct store *st, const struct build_attest *a, const struct build_options *o,
		      const char *list, const struct strv *ids, char ret_id[65]);
/** build_rewrite_check() - does @option, that files shall (@on) or shall not get the time given, fit what is done? */
int build_rewrite_check(const char *option, bool on, const struct build_options *o);
/** build_policy_of() - how much is kept for the next build: of the environment, of containers.conf, or the default. */
int build_policy_of(struct store *st, struct cache_policy *ret);

/* --- --call (build_call.c) ------------------------------------------------------------------------- */

struct build_call_args {
	enum build_call call;
	bool check, json, ignore_status;
};
/** build_call_of() - "METHOD[,format=json][,ignorestatus=true]"; NULL: build. */
int build_call_of(const char *given, struct build_call_args *ret);
/** build_call_print() - a document that was called for; it may be changed. */
void build_call_print(struct json_object *doc, bool json);

/* --- where the result goes (build_output.c) ------------------------------------------------------- */

enum output_kind { OUTPUT_IMAGE, OUTPUT_LOCAL, OUTPUT_TAR, OUTPUT_OCI, OUTPUT_DOCKER };
struct build_output {
	enum output_kind kind;
	char *dest, *name;
	struct strv annotations; /* as of --annotation */
	bool push;
	struct compress_args compression; /* instead of the command line's */
	char *compression_name;
	int rewrite, oci; /* rewrite-timestamp=, oci-mediatypes=; -1: nothing is said */
	struct archive_file file;
	int dir;
};
struct build_outputs {
	struct build_output *v;
	unsigned n;
	struct transfer_form push_form; /* how layers are sent, and in which format */
};
/** build_outputs_open() - what --output and --push say, opened in the caller's rights, into @o as well. */
int build_outputs_open(const struct build_args *a, struct build_options *o,
		       struct build_outputs *ret);
/** build_outputs_write() - archives and pushes of the image that was built. */
int build_outputs_write(struct store *st, const struct build_args *a, const struct build_options *o,
			const struct build_outputs *outs, const char *id, bool quiet);
/** build_outputs_write_list() - archives of the list of several platforms; has_archive(): is one asked for? */
int build_outputs_write_list(struct store *st, const struct build_args *a, const struct build_options *o,
			     const struct build_outputs *outs, const char *list, bool quiet);
bool build_outputs_has_archive(const struct build_outputs *outs);
/** build_pushed() - the digest of the manifest that was sent last; "": nothing was. */
const char *build_pushed(void);
/** build_note_pushed() - on_image of who sends one. */
void build_note_pushed(const char *reference, const char *digest);
/** build_outputs_keep() - what was written gets its name. */
int build_outputs_keep(struct build_outputs *o);
void build_outputs_done(struct build_outputs *o);

/** build_outputs_fit() - can what is asked for be had of several platforms? @ret_push: to registries, too. */
int build_outputs_fit(const struct build_outputs *o, bool *ret_push);

/* --- several platforms (build_platforms.c) -------------------------------------------------------- */

/** build_platforms_of() - --platform, each once. */
int build_platforms_of(const struct build_args *a, struct strv *ret);
/** build_all_platforms() - --all-platforms: those of the base images, after having looked there. */
int build_all_platforms(struct store *st, const struct build_options *o, struct strv *ret);
/** build_log_of() - what is written to @log from now on is in "@name_OS_ARCH[_VARIANT]"; @platform NULL: this machine's. */
int build_log_of(FILE *log, const char *name, const char *platform);
/** build_each_platform() - @split_log: NULL, or each has its own, see build_log_of(). @out: where it is said which; NULL. @ret: of the last one, or of the one that failed. */
int build_each_platform(struct store *st, const struct build_options *o,
			const struct strv *platforms, FILE *out, const char *split_log,
			struct strv *ret_ids,
			struct build_result *ret);
/** build_put_list() - a list of these images, with what @a says of them, under each of @o's tags; without tags under a name of its own. */
int build_put_list(struct store *st, const struct build_options *o, const struct build_attest *a,
		   const struct strv *ids, char ret_id[65]);
/** build_drop_list() - remove a list that was there for the build alone; returns @r with its trail. */
int build_drop_list(struct store *st, const char *list, int r);
/** build_platform_of_image() - "os/arch[/variant]" that its config says, malloc'ed. */
int build_platform_of_image(struct store *st, const char *id, char **ret);
/** build_add_to_list() - --manifest: to a list that is there, or a new one. */
int build_add_to_list(struct store *st, const char *list, const struct strv *ids,
		      const struct annotations *annotations);
int build_push_lists(struct store *st, const struct build_options *o,
		     const struct strv *names, const struct transfer_form *form, bool quiet);

/* --- what is shown (build_show.c) ------------------------------------------------------------------ */

struct build_screen;
struct build_json;
struct build_show {
	FILE *out;
	bool json_documents;
	struct build_report report;
	struct build_screen *screen; /* of tty */
	struct build_json *json; /* of rawjson */
};
/** build_show_init() - @progress: as --progress says it, NULL: the environment's, or what fits @out. */
int build_show_init(struct build_show *s, bool quiet, const char *progress, FILE *out);
void build_show_done(struct build_show *s);
/** build_screen_event(), build_screen_tick() - steps that run as lines at the end of the screen (build_screen.c). */
struct build_screen *build_screen_new(FILE *out, bool quiet);
void build_screen_event(struct build_screen *s, const struct build_event *e);
void build_screen_tick(struct build_screen *s);
void build_screen_free(struct build_screen *s);
/** build_json_event() - a line of JSON as buildx writes them (build_json.c). */
struct build_json *build_json_new(FILE *out);
void build_json_event(struct build_json *j, const struct build_event *e);
void build_json_free(struct build_json *j);
