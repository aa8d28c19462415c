/* SPDX-License-Identifier: MIT */
/* Which stages the target needs, and what each of them starts from. */
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/build/builder.h"
#include "pkg/build/expand.h"
#include "pkg/build/material.h"
#include "pkg/build/sbom.h"
#include "pkg/build/source_judge.h"
#include "pkg/cli/options.h"

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

int graph_image(struct builder *b, const char *name, const char *platform,
		const struct image_record **ret)
{
	struct image_record *rec = NULL;
	AUTO_FREE char *taken = NULL;
	int r;

	for (unsigned i = 0; i < b->n_images; i++) {
		if (strcmp(b->images[i].name, name) == 0 && same(b->images[i].platform, platform)) {
			*ret = b->images[i].record;
			return 0;
		}
	}
	r = judge_image(&b->policies, b->st, name, b->o->pull.policy, &taken);
	if (r == 0)
		r = base_image_find(b, taken, platform, &rec);
	for (size_t i = 0; r == 0 && i < rec->diffids.n; i++)
		r = layer_lease_add(b->st, &b->lease, rec->diffids.v[i]);
	for (size_t i = 0; r == 0 && i < rec->diffids.n; i++)
		if (!layer_exists(b->st, rec->diffids.v[i]))
			r = err_new(-CE_NO_IMAGE, "%s: a layer of it is missing; pull it again",
				    name);
	if (r < 0) {
		image_record_free(rec);
		return r;
	}
	material_image(b, taken, platform, rec);
	b->images = xreallocarray(b->images, b->n_images + 1, sizeof(*b->images));
	b->images[b->n_images++] = (struct found_image){xstrdup(name),
							platform ? xstrdup(platform) : NULL, rec};
	*ret = rec;
	return 0;
}

/* Whatever stage it is for: as BuildKit has it. */
static const char *target_platform(const struct builder *b)
{
	return b->pc.platform ? b->target_platform : NULL;
}

int graph_source_layers(struct builder *b, const struct op_source *s, const struct strv **ret)
{
	const struct image_record *rec;
	int r;

	if (s->kind == SRC_STAGE) {
		*ret = &b->layers[s->stage];
		return 0;
	}
	if (s->kind == SRC_SELF) {
		*ret = &b->layers[b->stage];
		return 0;
	}
	r = graph_image(b, s->image, target_platform(b), &rec);
	if (r == 0)
		*ret = &rec->diffids;
	return r;
}

static int plan_needed(struct builder *b, unsigned i);

/* A name that is no image's may have been meant to be a stage's. */
static int hint_at_stage(struct builder *b, const char *name, int r)
{
	const char *names[BUILD_STAGES_MAX], *hint;
	AUTO_FREE char *trail = NULL;
	size_t n = 0;

	for (unsigned i = 0; i < b->file->n_stages; i++)
		if (b->file->stages[i].name)
			names[n++] = b->file->stages[i].name;
	hint = r == -CE_UNTRUSTED || strpbrk(name, "/:@") ? NULL : suggest(name, names, n);
	if (!hint)
		return r;
	trail = xstrdup(err_message(r));
	return err_usage("there is no stage %s; did you mean %s? As an image: %s", name, hint,
			 trail);
}

/* Stages that the steps of one name, images too: what cannot be had is found before anything runs. */
static int plan_sources(struct builder *b, const struct op *o)
{
	const struct image_record *rec;
	bool look = b->o->call == CALL_BUILD;
	int r = 0;

	if (o->kind == OP_COPY && o->from.kind == SRC_STAGE)
		r = plan_needed(b, (unsigned)o->from.stage);
	if (look && o->kind == OP_COPY && o->from.kind == SRC_IMAGE)
		r = graph_image(b, o->from.image, target_platform(b), &rec);
	if (r < 0 && o->kind == OP_COPY && o->from.kind == SRC_IMAGE)
		r = hint_at_stage(b, o->from.image, r);
	for (unsigned i = 0; r == 0 && i < o->n_mounts; i++) {
		if (o->mount_from[i].kind == SRC_STAGE)
			r = plan_needed(b, (unsigned)o->mount_from[i].stage);
		else if (look && o->mount_from[i].kind == SRC_IMAGE)
			r = graph_image(b, o->mount_from[i].image, target_platform(b), &rec);
	}
	return r < 0 ? inst_fail(b->file->name, o->inst, r) : 0;
}

/* --env: as if the file had it right after FROM. */
static void set_env(const struct builder *b, struct stage_plan *p)
{
	bool is_scan = b->sbom_stage >= 0 && p == &b->stages[b->sbom_stage];

	for (size_t i = 0; !is_scan && i < b->o->env.n; i++)
		strv_env_set(&p->image.c.env, b->o->env.v[i]);
}

static void drop_labels(const struct builder *b, struct stage_plan *p)
{
	struct strv *labels = &p->image.c.labels;

	for (size_t i = labels->n; i-- > 0;) {
		AUTO_FREE char *name = xstrndup(labels->v[i], strcspn(labels->v[i], "="));

		if (b->o->drop_base_labels || strv_has(&b->o->unset_labels, name))
			strv_remove(labels, i);
	}
}

static int start_from(struct builder *b, unsigned i, const char *base)
{
	struct stage_plan *p = &b->stages[i];
	const struct image_record *rec;
	struct platform own = {0};
	int context = plan_find_context(&b->pc, base), parent, r;

	if (context >= 0 && b->pc.contexts[context].dir >= 0)
		return inst_fail(b->file->name, &b->file->stages[i].from,
				 err_usage("--build-context %s is a directory; write FROM scratch "
					   "and COPY --from=%s . /",
					   base, base));
	if (context >= 0)
		base = b->pc.contexts[context].image ? b->pc.contexts[context].image
						     : b->pc.contexts[context].stage;
	parent = context >= 0 && b->pc.contexts[context].image
			 ? -1
			 : plan_find_stage(b->file, base, i, false);
	p->parent = parent;
	if (parent >= 0) {
		r = plan_needed(b, (unsigned)parent);
		if (r < 0)
			return r;
		build_image_copy(&b->stages[parent].image, &p->image);
		/* Build arguments of the parent stage are in force here as well. */
		strv_add_all(&p->vars, &b->stages[parent].vars);
		strv_add_all(&p->args, &b->stages[parent].args);
		strv_add_all(&p->scans, &b->stages[parent].scans);
		freep(&p->platform);
		if (b->stages[parent].platform)
			p->platform = xstrdup(b->stages[parent].platform);
		return 0;
	}
	if (strcasecmp(base, "scratch") != 0)
		p->base = xstrdup(base);
	/* Who only wants to know what the file says does not look images up. */
	if (!p->base || b->o->call != CALL_BUILD) {
		r = build_platform(p->platform, &own);
		if (r < 0)
			return r;
		build_image_scratch(&own, &p->image);
		platform_done(&own);
		set_env(b, p);
		return 0;
	}
	r = graph_image(b, base, p->platform, &rec);
	if (r == 0)
		r = build_image_from(rec->config, rec->config_len, &p->image);
	if (r < 0)
		return inst_fail(b->file->name, &b->file->stages[i].from,
				 hint_at_stage(b, base, r));
	strv_add_all(&p->base_layers, &rec->diffids);
	p->base_id = xstrdup(rec->id);
	drop_labels(b, p);
	set_env(b, p);
	return 0;
}

/* FROM --after=STAGE: that one is needed, too, and comes first. */
static int find_after(struct builder *b, unsigned i)
{
	const struct inst *from = &b->file->stages[i].from;
	const struct expand x = {.escape = b->file->escape, .vars = &b->pc.globals};
	const char *flag = inst_flag(from, "after");
	AUTO_FREE char *name = NULL;
	int r = flag ? expand_new(&x, flag, &name) : 0;

	if (r < 0 || !flag)
		return r < 0 ? inst_fail(b->file->name, from, r) : 0;
	b->stages[i].after = plan_find_stage(b->file, name, i, true);
	if (b->stages[i].after < 0)
		return inst_fail(b->file->name, from,
				 err_usage("--after=%s: only a stage above this one", name));
	return plan_needed(b, (unsigned)b->stages[i].after);
}

static bool platform_is_ours(const struct build_image *image)
{
	struct platform host = {0};
	bool ours;

	platform_host(&host);
	ours = !image->c.architecture || strcmp(image->c.architecture, host.architecture) == 0;
	platform_done(&host);
	return ours;
}

static int plan_needed(struct builder *b, unsigned i)
{
	struct stage_plan *p = &b->stages[i];
	AUTO_FREE char *base = NULL;
	int r;

	if (p->planned)
		return 0;
	r = plan_base(&b->pc, &b->file->stages[i], &base, &p->platform);
	p->after = -1;
	if (r == 0)
		r = find_after(b, i);
	if (r == 0)
		r = start_from(b, i, base);
	if (r == 0)
		p->is_foreign = p->platform && !platform_is_ours(&p->image);
	if (r == 0)
		r = plan_stage(&b->pc, i, p);
	for (unsigned k = 0; r == 0 && k < p->n_ops; k++)
		r = plan_sources(b, &p->ops[k]);
	b->n_steps += r == 0 ? p->n_ops + 1 : 0;
	return r;
}

static int find_target(struct builder *b)
{
	const char *names[BUILD_STAGES_MAX], *t = b->o->target, *hint;
	size_t n = 0;

	b->target = (int)b->file->n_stages - 1;
	if (!t)
		return 0;
	b->target = plan_find_stage(b->file, t, b->file->n_stages, true);
	if (b->target >= 0)
		return 0;
	for (unsigned i = 0; i < b->file->n_stages; i++)
		if (b->file->stages[i].name)
			names[n++] = b->file->stages[i].name;
	hint = suggest(t, names, n);
	if (hint)
		return err_usage("--target %s: no such stage; did you mean %s?", t, hint);
	return err_usage("--target %s: %s has no such stage", t, b->file->name);
}

static int mark_no_cache(struct builder *b, const char *name)
{
	int i = plan_find_stage(b->file, name, b->file->n_stages, true);

	if (i < 0)
		return err_usage("--no-cache-filter %s: %s has no such stage", name, b->file->name);
	b->stages[i].no_cache = true;
	return 0;
}

int graph_plan(struct builder *b)
{
	int r = find_target(b);

	if (r == 0)
		r = sbom_add(b);
	b->stages = xcalloc(b->file->n_stages, sizeof(*b->stages));
	b->layers = xcalloc(b->file->n_stages, sizeof(*b->layers));
	if (r == 0)
		r = plan_needed(b, (unsigned)b->target);
	if (r == 0 && b->sbom_stage >= 0)
		r = plan_needed(b, (unsigned)b->sbom_stage);
	if (r == 0 && b->sbom_stage >= 0)
		r = sbom_plan(b);
	for (unsigned i = 0; r == 0 && b->o->all_stages && i < b->file->n_stages; i++)
		r = plan_needed(b, i);
	for (size_t i = 0; r == 0 && i < b->o->no_cache_stages.n; i++)
		r = mark_no_cache(b, b->o->no_cache_stages.v[i]);
	return r;
}
