/* SPDX-License-Identifier: MIT */
/* Scopes of variables, FROM, and the walk over a stage's instructions. */
#include "pkg/build/plan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/build/plan_internal.h"
#include "pkg/build/sbom.h"
#include "pkg/oci/manifest.h"

static void op_done(struct op *o)
{
	free(o->history);
	strv_done(&o->argv);
	strv_done(&o->env);
	strv_done(&o->proxy);
	free(o->script);
	free(o->user);
	free(o->cwd);
	for (unsigned i = 0; i < o->n_mounts; i++) {
		run_mount_done(&o->mounts[i]);
		free(o->mount_from[i].image);
	}
	free(o->mounts);
	for (unsigned i = 0; i < o->n_devices; i++)
		run_device_done(&o->devices[i]);
	free(o->devices);
	strv_done(&o->device_names);
	free(o->mount_from);
	free(o->from.image);
	strv_done(&o->sources);
	for (unsigned i = 0; i < o->n_remotes; i++) {
		free(o->remotes[i].written);
		free(o->remotes[i].url);
		free(o->remotes[i].checksum);
	}
	free(o->remotes);
	strv_done(&o->exclude);
	for (unsigned i = 0; i < o->n_files; i++) {
		free(o->files[i].name);
		free(o->files[i].content);
	}
	free(o->files);
	free(o->dest);
	free(o->chown);
	free(o->chmod);
	free(o->checksum);
}

void stage_plan_done(struct stage_plan *p)
{
	build_image_done(&p->image);
	for (unsigned i = 0; i < p->n_ops; i++)
		op_done(&p->ops[i]);
	free(p->ops);
	for (unsigned i = 0; i < p->n_triggers; i++)
		inst_done(&p->triggers[i]);
	free(p->triggers);
	strv_done(&p->base_layers);
	free(p->base);
	free(p->base_id);
	free(p->platform);
	strv_done(&p->vars);
	strv_done(&p->args);
	strv_done(&p->scans);
	*p = (struct stage_plan){0};
}

struct op *plan_add(struct planner *pl, const struct inst *in, enum op_kind kind)
{
	struct stage_plan *p = pl->p;

	p->ops = xreallocarray(p->ops, p->n_ops + 1, sizeof(*p->ops));
	p->ops[p->n_ops] = (struct op){.kind = kind, .inst = in, .unpack = -1};
	return &p->ops[p->n_ops++];
}

int plan_word(struct planner *pl, const char *s, char **ret)
{
	return expand_new(&pl->x, s, ret);
}

int plan_flag(struct planner *pl, const struct inst *in, const char *name, char **ret)
{
	const char *v = inst_flag(in, name);
	int r = v ? plan_word(pl, v, ret) : 0;

	return r < 0 ? err_wrap(r, "--%s", name) : 0;
}

void plan_shell(const struct planner *pl, const char *text, struct strv *ret)
{
	const struct strv *shell = &pl->p->image.c.shell;

	if (shell->n) {
		strv_add_all(ret, shell);
	} else {
		strv_add(ret, "/bin/sh");
		strv_add(ret, "-c");
	}
	strv_add(ret, text);
}

/* --- stages ------------------------------------------------------------------------------------- */

int plan_find_stage(const struct build_file *f, const char *name, unsigned limit, bool number)
{
	uint32_t n;

	for (unsigned i = limit; i > 0; i--)
		if (f->stages[i - 1].name && strcasecmp(f->stages[i - 1].name, name) == 0)
			return (int)i - 1;
	if (number && parse_u32(name, BUILD_STAGES_MAX, &n) == 0 && n < limit)
		return (int)n;
	return -1;
}

int plan_find_context(const struct plan_context *c, const char *name)
{
	for (unsigned i = 0; i < c->n_contexts; i++) {
		size_t n = strlen(c->contexts[i].name);

		if (strncasecmp(c->contexts[i].name, name, n) == 0 &&
		    (!name[n] || strcmp(name + n, ":latest") == 0))
			return (int)i;
	}
	return -1;
}

int plan_source(struct planner *pl, const char *from, struct op_source *ret)
{
	const struct build_file *f = pl->c->file;
	int context = from ? plan_find_context(pl->c, from) : -1;
	uint32_t n;

	*ret = (struct op_source){.kind = SRC_CONTEXT, .stage = -1};
	if (!from)
		return 0;
	if (context >= 0) {
		const struct named_context *c = &pl->c->contexts[context];

		if (c->dir >= 0) {
			*ret = (struct op_source){.kind = SRC_NAMED, .stage = context};
			return 0;
		}
		if (c->image) {
			*ret = (struct op_source){
				.kind = SRC_IMAGE, .stage = -1, .image = xstrdup(c->image)};
			return 0;
		}
		from = c->stage;
	}
	ret->stage = plan_find_stage(f, from, pl->stage, true);
	if (ret->stage >= 0) {
		ret->kind = SRC_STAGE;
		return 0;
	}
	if (plan_find_stage(f, from, f->n_stages, false) >= 0 ||
	    parse_u32(from, UINT32_MAX, &n) == 0)
		return err_usage("from=%s: only stages above this one can be copied from", from);
	if (!*from)
		return err_usage("from= is empty");
	ret->kind = SRC_IMAGE;
	ret->image = xstrdup(from);
	return 0;
}

/* --- variables ---------------------------------------------------------------------------------- */

static bool name_is_variable(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_' || *s == '.' || *s == '-')
		s++;
	return !*s;
}

/* One word of ARG: its name, and its default or NULL. */
static int arg_parts(const struct expand *x, const char *word, char **ret_name, char **ret_value)
{
	size_t n = strcspn(word, "=");
	AUTO_FREE char *raw = xstrndup(word, n);
	int r = expand_new(x, raw, ret_name);

	if (r == 0 && !name_is_variable(*ret_name))
		r = err_usage("'%s' is no name of a variable", *ret_name);
	if (r == 0 && word[n])
		r = expand_new(x, word + n + 1, ret_value);
	return r;
}

/*
 * @p: the stage; NULL: all of them, whose variables @c has.
 * @told: "NAME=VALUE", or the name alone where there is no value; may be NULL.
 */
static int declare(struct plan_context *c, const struct expand *x, const char *word,
		   struct stage_plan *p, struct strv *told)
{
	AUTO_FREE char *name = NULL, *value = NULL, *pair = NULL;
	const char *given, *v;
	int r = arg_parts(x, word, &name, &value);

	if (r < 0)
		return r;
	given = strv_env_get(c->build_args, name);
	v = given ? given : value ? value : p ? strv_env_get(&c->globals, name) : NULL;
	if (given && !strv_has(&c->used, name))
		strv_add(&c->used, name);
	if (told)
		strv_addf(told, "%s%s%s", name, v ? "=" : "", v ? v : "");
	if (!v)
		return 0; /* not set, which is not empty */
	pair = xasprintf("%s=%s", name, v);
	if (p && sbom_is_arg(name)) {
		strv_env_set(&p->scans, pair);
		return 0;
	}
	strv_env_set(p ? &p->vars : &c->globals, pair);
	if (p)
		strv_env_set(&p->args, pair);
	return 0;
}

static void add_platform(struct strv *vars, const char *prefix, const struct platform *p)
{
	AUTO_FREE char *text = platform_text(p);

	strv_addf(vars, "%sPLATFORM=%s", prefix, text);
	strv_addf(vars, "%sOS=%s", prefix, p->os);
	strv_addf(vars, "%sARCH=%s", prefix, p->architecture);
	strv_addf(vars, "%sVARIANT=%s", prefix, p->variant ? p->variant : "");
}

int plan_globals(struct plan_context *c)
{
	const struct expand x = {.escape = c->file->escape, .vars = &c->globals};
	struct platform p = {0};
	int r = 0;

	r = build_platform(c->platform, &c->target);
	if (r < 0)
		return err_wrap(r, "--platform");
	r = build_platform(NULL, &p);
	add_platform(&c->globals, "TARGET", &c->target);
	add_platform(&c->globals, "BUILD", &p);
	strv_addf(&c->globals, "TARGETSTAGE=%s", c->target_stage ? c->target_stage : "default");
	platform_done(&p);
	for (unsigned i = 0; r == 0 && i < c->file->n_globals; i++) {
		const struct inst *in = &c->file->globals[i];

		for (size_t k = 0; r == 0 && k < in->args.n; k++)
			r = declare(c, &x, in->args.v[k], NULL, NULL);
		if (r < 0)
			r = inst_fail(c->file->name, in, r);
	}
	return r;
}

static int plan_arg(struct planner *pl, const struct inst *in)
{
	AUTO_STRV struct strv told = STRV_INIT;
	AUTO_FREE char *words = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->args.n; i++)
		r = declare(pl->c, &pl->x, in->args.v[i], pl->p, &told);
	if (r < 0)
		return r;
	words = strv_join(&told, " ");
	plan_add(pl, in, OP_META)->history = xasprintf("ARG %s", words);
	return 0;
}

/* --- FROM ---------------------------------------------------------------------------------------- */

/* As it is written everywhere: "linux/arm64" for arm64 alone. */
static int full_platform(const char *text, char **ret)
{
	struct platform p = {0};
	int r = build_platform(text, &p);

	if (r == 0)
		*ret = platform_text(&p);
	platform_done(&p);
	return r;
}

int plan_base(struct plan_context *c, const struct stage *s, char **ret, char **ret_platform)
{
	const struct expand x = {.escape = c->file->escape, .vars = &c->globals};
	AUTO_FREE char *base = NULL, *platform = NULL, *full = NULL;
	const char *flag = inst_flag(&s->from, "platform");
	int r = c->from && s == c->file->stages ? expand_new(&x, c->from, &base)
						: expand_new(&x, s->base, &base);

	if (r == 0 && flag)
		r = expand_new(&x, flag, &platform);
	if (r == 0 && platform && *platform)
		r = full_platform(platform, &full);
	else if (r == 0 && c->platform)
		full = platform_text(&c->target);
	if (r == 0 && !*base)
		r = err_usage("the name of the base image is empty; variables in FROM are those "
			      "of ARG before the first FROM");
	if (r < 0)
		return inst_fail(c->file->name, &s->from, r);
	*ret = TAKE_PTR(base);
	*ret_platform = TAKE_PTR(full);
	return 0;
}

/* --- a stage ------------------------------------------------------------------------------------- */

static int plan_one(struct planner *pl, const struct inst *in)
{
	AUTO_STRV struct strv vars = STRV_INIT;
	int r;

	/* All words of an instruction see the values from before it; ARG alone goes word by word. */
	if (in->kind != INST_ARG) {
		strv_add_all(&vars, &pl->p->vars);
		pl->x.vars = &vars;
	} else {
		pl->x.vars = &pl->p->vars;
	}
	switch (in->kind) {
	case INST_ARG:
		r = plan_arg(pl, in);
		break;
	case INST_RUN:
		r = plan_run(pl, in);
		break;
	case INST_COPY:
	case INST_ADD:
		r = plan_copy(pl, in);
		break;
	case INST_WORKDIR:
		r = plan_workdir(pl, in);
		break;
	default:
		r = plan_meta(pl, in);
	}
	pl->x.vars = NULL;
	return r < 0 ? inst_fail(pl->c->file->name, in, r) : 0;
}

static int take_triggers(struct planner *pl)
{
	struct stage_plan *p = pl->p;
	struct strv *list = &p->image.c.onbuild;
	int r = 0;

	if (list->n > BUILD_INSTRUCTIONS_MAX)
		return err_new(-CE_LIMIT, "the base image has %zu ONBUILD triggers", list->n);
	p->triggers = xcalloc(list->n + 1, sizeof(*p->triggers));
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		r = inst_parse(list->v[i], '\\', &p->triggers[i]);
		p->n_triggers += r == 0;
	}
	strv_done(list);
	return r;
}

int plan_stage(struct plan_context *c, unsigned index, struct stage_plan *p)
{
	const struct stage *s = &c->file->stages[index];
	struct planner pl = {.c = c, .p = p, .stage = index, .x = {.escape = c->file->escape}};
	int r;

	/* Those of a parent stage are there already, in the order they were set. */
	for (size_t i = 0; p->parent < 0 && i < p->image.c.env.n; i++)
		strv_env_set(&p->vars, p->image.c.env.v[i]);
	r = take_triggers(&pl);
	if (r < 0)
		return inst_fail(c->file->name, &s->from, r);
	for (unsigned i = 0; r == 0 && i < p->n_triggers; i++)
		r = plan_one(&pl, &p->triggers[i]);
	for (unsigned i = 0; r == 0 && i < s->n; i++)
		r = plan_one(&pl, &s->v[i]);
	p->planned = r == 0;
	return r;
}
