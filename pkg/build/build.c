/* SPDX-License-Identifier: MIT */
/* The whole of a build: read, plan, do the steps of each needed stage in order, write the image. */
#include "pkg/build/build.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/build/builder.h"
#include "pkg/build/lint.h"
#include "pkg/build/sbom.h"
#include "pkg/image/tag.h"
#include "storage/event.h"

static void builder_done(struct builder *b)
{
	for (unsigned i = 0; b->file && i < b->file->n_stages; i++) {
		if (b->stages)
			stage_plan_done(&b->stages[i]);
		if (b->layers)
			strv_done(&b->layers[i]);
	}
	free(b->stages);
	free(b->layers);
	build_file_free(b->file);
	ignore_free(b->ignore);
	strv_done(&b->pc.globals);
	platform_done(&b->pc.target);
	free(b->target_platform);
	strv_done(&b->pc.used);
	strv_done(&b->pc.warnings);
	for (unsigned i = 0; i < b->n_images; i++) {
		free(b->images[i].name);
		free(b->images[i].platform);
		image_record_free(b->images[i].record);
	}
	free(b->images);
	for (unsigned i = 0; i < b->n_secrets; i++) {
		explicit_bzero(b->secrets[i].value, b->secrets[i].n);
		free(b->secrets[i].value);
		free(b->secrets[i].id);
	}
	free(b->secrets);
	for (unsigned i = 0; i < b->n_ssh; i++)
		ssh_source_done(&b->ssh[i]);
	free(b->ssh);
	cdi_specs_done(&b->cdi);
	strv_done(&b->why);
	contexts_done(b);
	source_policies_done(&b->policies);
	cache_places_done(b);
	base_grant_done(&b->grant);
	layer_lease_end(b->st, &b->lease);
	step_unlock(b);
	later_drop(b);
	closep(&b->context);
	closep(&b->tag_digests);
	layer_stage_abort(b->st, &b->context_stage);
	sbuf_done(&b->stdin_text);
}

/* --- the image --------------------------------------------------------------------------------------- */

static void env_unset(struct strv *v, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = v->n; i-- > 0;)
		if (strncmp(v->v[i], name, n) == 0 && v->v[i][n] == '=')
			strv_remove(v, i);
}

static int apply_labels(struct builder *b, struct build_image *image)
{
	for (size_t i = 0; i < b->o->labels.n; i++) {
		const char *l = b->o->labels.v[i];
		AUTO_FREE char *pair = strchr(l, '=') ? xstrdup(l) : xasprintf("%s=", l);

		if (*l == '=' || !*l)
			return err_usage("--label '%s': the name is empty", l);
		strv_env_set(&image->c.labels, pair);
	}
	return 0;
}

/* Of all stages the image went through, oldest first. @created_ns: of steps that made no files. */
static void add_history(struct builder *b, int stage, int64_t created_ns, struct json_object *h)
{
	const struct stage_plan *p = &b->stages[stage];

	if (p->parent >= 0)
		add_history(b, p->parent, created_ns, h);
	for (unsigned i = 0; i < p->n_ops; i++) {
		const struct op *o = &p->ops[i];
		struct json_object *e = json_object_new_object();
		int64_t ns = o->kind == OP_META ? created_ns : o->created_ns;
		char when[CLOCK_TEXT_MAX];

		if (b->o->has_epoch)
			ns = b->o->epoch_s * NS_PER_S;
		clock_format_utc(ns, when);
		json_set_str(e, "created", when);
		json_set_str(e, "created_by", o->history);
		if (!o->layer[0])
			json_set_bool(e, "empty_layer", true);
		(void)json_object_array_add(h, e);
	}
}

static void write_config(struct builder *b, const struct build_image *image, int64_t created_ns,
			 struct sbuf *out)
{
	AUTO_JSON struct json_object *h = json_object_new_array();

	if (!b->o->omit_history)
		add_history(b, b->target, created_ns, h);
	build_image_write(image, b->o->omit_history ? NULL : h, b->o->squash != SQUASH_NONE,
			  &b->layers[b->target], created_ns, out);
}

/*
 * The same steps give the same image, and so the same id: the time it was made is that of the first
 * time it was.
 */
static int find_time(struct builder *b, const struct build_image *image, int64_t *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct cache_record rec = {.created_ns = clock_now_ns()};
	struct sha256 h;
	char key[65];
	int r;

	if (b->o->has_epoch) {
		*ret = b->o->epoch_s * NS_PER_S;
		return 0;
	}
	write_config(b, image, 0, &text);
	key_begin(&h, "image");
	key_add(&h, text.s);
	sha256_end_hex(&h, key);
	if (!b->o->no_cache && cache_find(b->st, key, &b->lease, &rec) == 0)
		(void)cache_import_find(b, key, &rec);
	/* Of two builds that end side by side one is the first. */
	r = b->o->no_cache ? cache_put(b->st, key, &rec)
			   : cache_put_first(b->st, key, &b->lease, &rec);
	memcpy(b->time_key, key, sizeof(key));
	*ret = b->time_ns = rec.created_ns;
	return r;
}

static int add_sizes(struct builder *b, const struct strv *layers, uint64_t *ret)
{
	for (size_t i = 0; i < layers->n; i++) {
		AUTO(layer_record_done) struct layer_record rec = {0};
		int r = layer_record_load(b->st, layers->v[i], &rec);

		if (r < 0)
			return r;
		*ret += rec.tree_bytes;
	}
	return 0;
}

static int make_stack(struct builder *b, const struct strv *layers)
{
	int r;

	if (layer_stack_is_made(b->st, layers))
		return 0;
	r = step_enter(b);
	return r < 0 ? r : layer_stack_make(b->st, layers);
}

/* --cache-to type=inline */
static int add_records(struct builder *b, struct sbuf *config)
{
	AUTO_JSON struct json_object *doc = NULL;
	int r = json_parse(config->s, config->len, &doc);

	if (r < 0)
		return r;
	cache_export_records(b, false, doc);
	sbuf_reset(config);
	json_write(doc, false, config);
	return 0;
}

static int put_told(struct store *st, const struct image_record *rec)
{
	const char *name = rec->names.n ? rec->names.v[0] : "";
	struct event_pending event;
	int dir = store_runtime_fd(st), r;

	event_begin_named(dir, "image", "build", rec->id, name, &event);
	r = image_store_put(st, rec);
	if (r == 0)
		event_named(dir, "image", "build", rec->id, name);
	event_over(dir, &event);
	return r;
}

static int put_image(struct builder *b)
{
	struct build_image *image = &b->stages[b->target].image;
	static char oci[] = MEDIA_OCI_MANIFEST, docker[] = MEDIA_DOCKER_MANIFEST;
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	struct image_record rec = {.names = STRV_INIT};
	int r = apply_labels(b, image);

	for (size_t i = 0; i < b->o->unset_env.n; i++)
		env_unset(&image->c.env, b->o->unset_env.v[i]);

	if (r == 0)
		r = find_time(b, image, &rec.created_ns);
	if (r < 0)
		return r;
	write_config(b, image, rec.created_ns, &config);
	if (b->exports_inline)
		r = add_records(b, &config);
	if (r < 0)
		return r;
	rec.manifest_type = b->o->docker ? docker : oci;
	sha256_hex(config.s, config.len, rec.id);
	rec.config = config.s;
	rec.config_len = config.len;
	rec.diffids = b->layers[b->target]; /* stays whose it is */
	r = build_annotate(b, rec.created_ns, &rec.annotations);
	if (r == 0)
		r = add_sizes(b, &rec.diffids, &rec.size_bytes);
	for (size_t i = 0; r == 0 && i < b->o->tags.n; i++) {
		char *full = NULL;

		r = image_tag_name(b->o->tags.v[i], &full);
		if (r == 0)
			strv_take(&rec.names, full);
	}
	if (r == 0)
		r = make_stack(b, &rec.diffids);
	if (r == 0)
		r = put_told(b->st, &rec);
	strv_done(&rec.names);
	strv_done(&rec.annotations);
	if (r == 0)
		memcpy(b->result->id, rec.id, sizeof(rec.id));
	return r;
}

/* --- all of it ---------------------------------------------------------------------------------------- */

static int check_options(struct builder *b)
{
	const char *n = b->o->network;

	for (size_t i = 0; i < b->o->tags.n; i++) {
		AUTO_FREE char *full = NULL;
		int r = image_tag_name(b->o->tags.v[i], &full);

		if (r < 0)
			return err_wrap(r, "--tag");
	}
	if (n && strcmp(n, "default") != 0 && strcmp(n, "none") != 0 && strcmp(n, "host") != 0) {
		int r = step_run_network(b);

		if (r < 0)
			return r;
	}
	b->pc.discard_volumes = b->o->discard_volumes;
	b->pc.allow_host_network = b->o->allow_host_network || (n && strcmp(n, "host") == 0);
	return 0;
}

/*
 * What means something to a build whatever the file says. BUILDKIT_SYNTAX is as "# syntax=", which names what we
 * read here ourselves, that of a name is what buildx lists, and those of SBOMs override ARGs of the file (sbom.h).
 */
static bool is_own_arg(const char *name)
{
	static const char *const names[] = {"SOURCE_DATE_EPOCH",
					    "BUILDKIT_BUILD_NAME",
					    "BUILDKIT_CACHE_MOUNT_NS",
					    "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
					    "BUILDKIT_DOCKERFILE_CHECK",
					    "BUILDKIT_INLINE_CACHE",
					    "BUILDKIT_MULTI_PLATFORM",
					    "BUILDKIT_SANDBOX_HOSTNAME",
					    "BUILDKIT_SBOM_SCAN_CONTEXT",
					    "BUILDKIT_SBOM_SCAN_STAGE",
					    "BUILDKIT_SYNTAX"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void warn_unused(struct builder *b)
{
	for (size_t i = 0; i < b->o->build_args.n; i++) {
		AUTO_FREE char *name = xstrndup(b->o->build_args.v[i],
						strcspn(b->o->build_args.v[i], "="));

		if (strv_has(&b->pc.used, name) || is_own_arg(name))
			continue;
		if (strncmp(name, "BUILDKIT_", 9) == 0)
			step_warn(b, "--build-arg %s: no ARG declares it, and builds know none of that name", name);
		else
			step_warn(b, "--build-arg %s: no ARG declares it", name);
	}
}

/* Before anything is fetched or run. */
static int check_file(struct builder *b)
{
	const struct build_report *report = b->o->report;
	AUTO(lint_done) struct lint l = {0};
	int r = lint_file(b, &l);

	b->result->findings = l.n;
	if (r < 0)
		return r;
	if (b->o->check && b->o->describe_findings) {
		describe_findings(b, &l);
		return 0;
	}
	for (unsigned i = 0; (b->o->check || l.fail) && report && report->finding && i < l.n; i++)
		report->finding(report->data, l.v[i].rule, l.v[i].file, l.v[i].line,
				l.v[i].message, l.v[i].source);
	if (b->o->check || !l.n)
		return 0;
	if (l.fail)
		return err_usage("%s: check=error=true, and there is %s:%u: %s: %s", b->file->name,
				 l.v[0].file, l.v[0].line, l.v[0].rule, l.v[0].message);
	if (report && report->findings)
		report->findings(report->data, l.n);
	return 0;
}

/* What is told instead of building. */
static int answer_call(struct builder *b)
{
	int r = b->o->call == CALL_TARGETS ? 0 : graph_plan(b);

	if (r < 0)
		return r;
	if (b->o->call == CALL_TARGETS)
		return describe_targets(b);
	if (b->o->call == CALL_PLATFORMS)
		return platforms_common(b, b->result->platforms, sizeof(b->result->platforms));
	describe_outline(b);
	return 0;
}

static int build(struct builder *b)
{
	AUTO_JSON struct json_object *sboms = NULL;
	int r = check_options(b);

	if (r == 0)
		r = base_grant_load(&b->grant);
	if (r == 0)
		r = layer_lease_begin(b->st, &b->lease);
	if (r == 0)
		r = inputs_open(b);
	if (r < 0)
		return r;
	b->pc.file = b->file;
	b->pc.build_args = &b->o->build_args;
	b->pc.from = b->o->from;
	b->pc.target_stage = b->o->target;
	b->pc.policies = &b->policies;
	b->pc.platform = b->o->platform;
	b->pc.host_proxies = b->o->host_proxies;
	r = plan_globals(&b->pc);
	if (r < 0)
		return r;
	b->target_platform = platform_text(&b->pc.target);
	if (b->o->call != CALL_BUILD)
		return answer_call(b);
	r = check_file(b);
	if (r < 0 || b->o->check)
		return r;
	r = graph_plan(b);
	if (r < 0)
		return r;
	warn_unused(b);
	cache_import(b);
	r = stages_run(b);
	if (r == 0)
		r = sbom_read(b, &sboms);
	if (r == 0 && b->o->squash)
		r = squash_layers(b);
	if (r == 0)
		r = output_files(b);
	if (r == 0 && !b->o->no_image)
		r = put_image(b);
	if (r == 0)
		r = sbom_tell(b, sboms);
	return r < 0 ? r : cache_export(b);
}

static bool made_new(const struct builder *b)
{
	for (unsigned i = 0; b->stages && i < b->file->n_stages; i++)
		for (unsigned k = 0; k < b->stages[i].n_ops; k++)
			if (b->stages[i].ops[k].layer[0] && !b->stages[i].ops[k].cached)
				return true;
	return false;
}

int build_image(struct store *st, const struct build_options *o, struct build_result *ret)
{
	struct builder b = {.st = st,
			    .o = o,
			    .result = ret,
			    .context = -EBADF,
			    .tag_digests = -EBADF,
			    .sbom_stage = -1,
			    .lock = -EBADF,
			    .later = {.digest = DIGEST_LATER_INIT, .lock = -EBADF},
			    .stdin_text = SBUF_INIT,
			    .context_stage = {.tree_fd = -EBADF, .lock_fd = -EBADF}};
	bool made;
	int r;

	*ret = (struct build_result){.run_status = 0};
	r = build(&b);
	made = r < 0 || made_new(&b);
	builder_done(&b);
	/* Of a build that failed the steps before it are in the cache. */
	cache_tend_later(st, &o->keep, made);
	return r;
}
