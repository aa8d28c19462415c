/* SPDX-License-Identifier: MIT */
/* What the files that do the work of a build share. */
#pragma once
#include "pkg/build/build.h"
#include "pkg/build/cache.h"
#include "pkg/build/ignore.h"
#include "pkg/build/plan.h"
#include "pkg/build/source_policy.h"
#include "pkg/build/ssh.h"
#include "pkg/build/workspace.h"
#include "pkg/container/cdi_specs.h"
#include "pkg/json/json.h"
#include "pkg/runtime/base.h"

struct found_image { /* looked up once a build, so all stages see the same */
	char *name, *platform; /* the second may be NULL */
	struct image_record *record;
};

struct secret_source {
	char *id, *value;
	size_t n;
	bool is_key; /* cache-key: another value is another step */
};

/* A step that is done, and whose layer has no name yet: later.c. */
struct later {
	struct op *op; /* NULL: there is none */
	struct digest_later digest;
	struct layer_stage stage; /* the layer to be */
	char *tree; /* its directory, absolute */
	int lock; /* of the step */
	char *lock_name;
};

struct builder {
	struct store *st;
	const struct build_options *o;
	struct named_context *contexts; /* those of pc */
	struct source_policies policies;
	struct build_result *result;
	int tag_digests; /* as in the options, or its own */
	int context; /* -EBADF: there is none */
	struct layer_stage context_stage; /* holds it when it is not a directory of the user's */
	bool is_fetched;
	struct sbuf stdin_text; /* the Containerfile that came instead of a context */
	struct ignore *ignore;
	struct build_file *file;
	struct plan_context pc;
	struct stage_plan *stages; /* one for each of the file's, planned where needed */
	struct strv *layers; /* of each stage, grown step by step, bottom first */
	int target;
	int sbom_stage; /* the one that scans, -1: none does */
	char *target_platform; /* text of pc.target */
	struct found_image *images;
	unsigned n_images;
	struct layer_lease lease;
	struct base_grant grant;
	struct secret_source *secrets;
	unsigned n_secrets;
	struct cdi_specs cdi;
	struct ssh_source *ssh;
	unsigned n_ssh;
	unsigned step, n_steps;
	char time_key[65]; /* under which the time of the image is remembered */
	int64_t time_ns;
	int stage; /* the one being done */
	bool stage_no_cache; /* of that */
	struct cache_place *cache_from, *cache_to; /* as many as the options have */
	bool exports_inline;
	struct strv why; /* what the present step's key is made of: "what=digest" */
	int lock; /* of the step being done, so that others wait for it instead of doing it too */
	char *lock_name;
	struct later later; /* the step before, of this stage */
};

/* context.c */
/** context_fetch() - what is not a directory: b->context, or only b->stdin_text. Enters B for the first. */
int context_fetch(struct builder *b);

/* inputs.c: everything that is read as the user we are, before B. */
int inputs_open(struct builder *b);
int inputs_secret(struct builder *b, const char *spec);

/* contexts.c */
int contexts_open(struct builder *b);
void contexts_done(struct builder *b);
/** contexts_fetch() - those that are URLs and repositories. Enters B for them. */
int contexts_fetch(struct builder *b);
/** contexts_layout() - 1: @name is the image of a layout, its layers are in our store now; 0: it is another one. */
int contexts_layout(struct builder *b, const char *name, const char *platform,
		    struct image_record **ret);
/** source_ignore() - the rules of what lies outside: NULL for stages and images. */
const struct ignore *source_ignore(const struct builder *b, const struct op_source *s);

/* describe.c */
struct lint;
int describe_targets(struct builder *b);
void describe_outline(struct builder *b);
void describe_findings(struct builder *b, const struct lint *l);

/* platforms.c */
/** platforms_common() - of all base images of the planned stages, with commas between. */
int platforms_common(struct builder *b, char *ret, size_t size);

/* graph.c */
/** graph_plan() - plan the target and every stage it needs; looks up (pulls) base images. */
int graph_plan(struct builder *b);
/** graph_image() - look an image up, once. @platform: it has to be for that; NULL: the one that is here. */
int graph_image(struct builder *b, const char *name, const char *platform,
		const struct image_record **ret);
/* annotate.c */
/** build_annotate() - all annotations of the manifest, "k=v", into @ret. */
int build_annotate(const struct builder *b, int64_t created_ns, struct strv *ret);

/* base_image.c */
/** base_image_find() - the image @name for @platform (NULL: whatever is here), pulled as --pull says. */
int base_image_find(struct builder *b, const char *name, const char *platform,
		    struct image_record **ret);
/** graph_source_layers() - the layers that @s stands for. */
int graph_source_layers(struct builder *b, const struct op_source *s, const struct strv **ret);

/* stages.c */
/** stages_run() - do the steps of all planned stages, side by side where none waits for another. */
int stages_run(struct builder *b);

/* squash.c */
/** squash_layers() - of the target's layers those that --squash means become one. */
int squash_layers(struct builder *b);

/* output.c */
int output_files(struct builder *b);

/* steps */
int step_copy(struct builder *b, struct op *o, const struct strv *layers);
int step_workdir(struct builder *b, struct op *o, const struct strv *layers);
int step_run(struct builder *b, struct op *o, const struct strv *layers);
/** step_run_network() - can commands have the network of the options? */
int step_run_network(struct builder *b);
/** step_seal() - what was made in @w is the result of @o; remembered under @key. */
int step_seal(struct builder *b, struct op *o, struct workspace *w, const char *key);
/**
 * step_cached() - is the result known? 1: it is in @o
 * 0: do the step; until step_unlock() another build that comes to the same step waits.
 */
int step_cached(struct builder *b, struct op *o, const char *key);
void step_unlock(struct builder *b);
/** step_claim() - hold @key's lock as after step_cached(); unless somebody else has it. */
void step_claim(struct builder *b, const char *key);
/** step_key_layers() - what a step stands on, and the latest time of its files. */
void step_key_layers(struct builder *b, struct sha256 *h, const struct strv *layers);
/** step_enter() - into B, where layers are made. */
int step_enter(struct builder *b);
void step_warn(struct builder *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* later.c: steps whose layer gets its digest while the next one runs. */
/** later_take() - @o is done; @w, sealed, is its layer, and the child in b->later.digest finds its digest. */
void later_take(struct builder *b, struct op *o, struct workspace *w);
/** later_is_enough() - @o, a RUN, can begin on a layer without a digest: it has to be done in any case. */
bool later_is_enough(struct builder *b, const struct op *o);
/** later_commit() - wait for the digest: then the layer is one, the step's result known. Its lock is held on. */
int later_commit(struct builder *b);
/** later_unlock() - who waits for that step can have it now. */
void later_unlock(struct builder *b);
/** later_is_over() - wait for the digest or for @fd to be readable; true for the first. */
bool later_is_over(const struct builder *b, int fd);
/** later_settle() - later_commit(), and let go of all that was held. 0 when there is nothing to settle. */
int later_settle(struct builder *b);
void later_drop(struct builder *b); /* without waiting */

/* cache_import.c, cache_export.c: --cache-from, --cache-to */
struct cache_place;
/** cache_places_open() - what the options name; directories are opened as the user we are. */
int cache_places_open(struct builder *b);
void cache_places_done(struct builder *b);
/** cache_import() - see what --cache-from has. What cannot be had is a warning: the steps are done instead. */
void cache_import(struct builder *b);
/** cache_import_find() - 1: it had the result, which is in our store now, as @ret says; or 0. */
int cache_import_find(struct builder *b, const char *key, struct cache_record *ret);
/** cache_export_records() - what the build knows of its steps, for a config; @all: of every stage. */
void cache_export_records(const struct builder *b, bool all, struct json_object *doc);
int cache_export(struct builder *b);

/* why.c */
void why_begin(struct builder *b);
void why_add(struct builder *b, const char *what, const char *value);
void why_add_list(struct builder *b, const char *what, const struct strv *v);
void why_add_env(struct builder *b, const struct strv *env);
/** why_keep() - it was done: so that the next build can tell what changed. */
void why_keep(struct builder *b, const struct op *o);
/** why_is_kept() - a step of that text was done in this place before. */
bool why_is_kept(struct builder *b, const struct op *o);
/** why_missed(), why_cached() - with --explain: say why it is done, or not. */
void why_missed(struct builder *b, const struct op *o);
void why_cached(struct builder *b, const struct op *o);

/* run_mounts.c: what RUN --mount asks for, made ready. */
struct run_place { /* one mount of the plan */
	char *source, *target, *upper, *work, *data;
	bool read_only, directory, no_exec, copy_up, no_recurse;
	enum { PLACE_BIND, PLACE_TMPFS, PLACE_OVERLAY } kind;
	int lock; /* of a cache */
};
struct run_places {
	struct run_place *v;
	unsigned n;
	struct strv env; /* of secrets and agents */
	struct ssh_proxy *ssh;
	unsigned n_ssh;
	struct strv views; /* directories something was mounted on in our namespace */
};
int run_mounts_prepare(struct builder *b, const struct op *o, const struct workspace *w,
		       struct run_places *ret);
void run_mounts_done(struct run_places *p);
/** run_mounts_key() - what of them belongs to the step's identity. */
int run_mounts_key(struct builder *b, const struct op *o, struct sha256 *h);
