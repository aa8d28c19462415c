/* SPDX-License-Identifier: MIT */
/*
 * Variables that nothing sets. Names are what counts here, not values: each that is known stands with
 * a value of its own, so that what becomes of a word shows which were not.
 */
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/build/expand.h"
#include "pkg/build/lint_internal.h"

/* What is in force at one place. */
struct scope {
	struct strv vars;
	bool open; /* of a base image that is not here: what it sets is not known */
};

static const char *const platform_names[] = {"TARGETPLATFORM", "TARGETOS",      "TARGETARCH",
					     "TARGETVARIANT",  "BUILDPLATFORM", "BUILDOS",
					     "BUILDARCH",      "BUILDVARIANT",  "TARGETSTAGE"};

static void define(struct strv *vars, const char *name, const char *value)
{
	AUTO_FREE char *pair = xasprintf("%s=%s", name, value);

	strv_env_set(vars, pair);
}

static void check_word(struct linter *l, const struct inst *in, const struct scope *s,
		       const char *word)
{
	AUTO_STRV struct strv unset = STRV_INIT;
	struct expand x = {.escape = l->file->escape, .vars = &s->vars, .unset = &unset};
	AUTO_FREE char *value = NULL;

	if (expand_new(&x, word, &value) < 0)
		err_drop(); /* the build itself says so */
	for (size_t i = 0; !s->open && i < unset.n; i++)
		lint_add(l, "UndefinedVar", in, 0, "nothing sets $%s", unset.v[i]);
}

/* --- FROM ------------------------------------------------------------------------------------------------ */

/* Without --build-arg: what the file itself says. */
static void globals_of(struct linter *l, struct strv *defaults, struct strv *declared)
{
	for (size_t i = 0; i < ARRAY_LEN(platform_names); i++) {
		define(defaults, platform_names[i], "x");
		define(declared, platform_names[i], "x");
	}
	for (unsigned i = 0; i < l->file->n_globals; i++) {
		const struct inst *in = &l->file->globals[i];

		for (size_t k = 0; k < in->args.n; k++) {
			const char *w = in->args.v[k];
			AUTO_FREE char *name = xstrndup(w, strcspn(w, "="));

			define(declared, name, "x");
			if (strchr(w, '=') && strchr(w, '=')[1])
				define(defaults, name, strchr(w, '=') + 1);
		}
	}
}

static void check_base(struct linter *l, const struct stage *s, const struct strv *defaults,
		       const struct strv *declared)
{
	AUTO_STRV struct strv unset = STRV_INIT;
	struct expand x = {.escape = l->file->escape, .vars = declared, .unset = &unset};
	AUTO_FREE char *value = NULL, *plain = NULL;
	size_t n;

	if (expand_new(&x, s->base, &value) < 0) {
		err_drop();
		return;
	}
	for (size_t i = 0; i < unset.n; i++)
		lint_add(l, "UndefinedArgInFrom", &s->from, 0,
			 "FROM sees variables of ARG before the first FROM; %s is none",
			 unset.v[i]);
	x.vars = defaults;
	x.unset = NULL;
	if (unset.n || !strchr(s->base, '$') || expand_new(&x, s->base, &plain) < 0) {
		err_drop();
		return;
	}
	n = strlen(plain);
	if (!n || strchr(":@/", plain[n - 1]))
		lint_add(l, "InvalidDefaultArgInFrom", &s->from, 0,
			 "with the defaults of its ARGs '%s' names no image", s->base);
}

/* --- stages ---------------------------------------------------------------------------------------------- */

static void start_scope(struct linter *l, unsigned i, const struct scope *scopes, struct scope *s)
{
	const struct stage *st = &l->file->stages[i];
	AUTO_FREE char *base = NULL;
	struct image_record *rec = NULL;
	struct build_image image = {0};
	int parent, r;

	define(&s->vars, "PATH", "x");
	if (expand_new(&(struct expand){.escape = l->file->escape, .vars = &l->b->pc.globals},
		       st->base, &base) < 0)
		err_drop();
	parent = base ? plan_find_stage(l->file, base, i, false) : -1;
	if (parent >= 0) {
		strv_add_all(&s->vars, &scopes[parent].vars);
		s->open = scopes[parent].open;
		return;
	}
	if (base && strcasecmp(base, "scratch") == 0)
		return;
	r = base ? image_find_strict(l->b->st, base, &rec, NULL) : -CE_NO_IMAGE;
	if (r == 0)
		r = build_image_from(rec->config, rec->config_len, &image);
	s->open = r < 0;
	if (r < 0)
		err_drop();
	strv_add_all(&s->vars, &image.c.env);
	build_image_done(&image);
	image_record_free(rec);
}

static void check_pairs(struct linter *l, const struct inst *in, struct scope *s)
{
	AUTO_STRV struct strv before = STRV_INIT;
	struct scope old = {.open = s->open};

	strv_add_all(&before, &s->vars);
	old.vars = before;
	for (size_t i = 0; i < in->args.n; i++) {
		const char *w = in->args.v[i];
		AUTO_FREE char *name = xstrndup(w, strcspn(w, "="));

		/* PATH=$PATH:… is how paths grow, whatever the base image has. */
		if (w[strlen(name)])
			check_word(l, in, in->kind == INST_ARG ? s : &old, w + strlen(name) + 1);
		if (in->kind != INST_LABEL)
			define(&s->vars, name, "x");
	}
}

static void check_stage(struct linter *l, const struct stage *st, struct scope *s)
{
	for (unsigned i = 0; i < st->n; i++) {
		const struct inst *in = &st->v[i];
		bool strip;

		switch (in->kind) {
		case INST_ARG:
		case INST_ENV:
		case INST_LABEL:
			check_pairs(l, in, s);
			break;
		case INST_ADD:
		case INST_COPY:
		case INST_EXPOSE:
		case INST_STOPSIGNAL:
		case INST_USER:
		case INST_VOLUME:
		case INST_WORKDIR:
			for (size_t k = 0; k < in->args.n; k++)
				if (!inst_heredoc(in->args.v[k], &strip))
					check_word(l, in, s, in->args.v[k]);
			break;
		default:
			break;
		}
	}
}

int lint_variables(struct linter *l)
{
	AUTO_STRV struct strv defaults = STRV_INIT, declared = STRV_INIT;
	struct scope *scopes = xcalloc(l->file->n_stages, sizeof(*scopes));

	globals_of(l, &defaults, &declared);
	for (unsigned i = 0; i < l->file->n_stages; i++) {
		check_base(l, &l->file->stages[i], &defaults, &declared);
		start_scope(l, i, scopes, &scopes[i]);
		check_stage(l, &l->file->stages[i], &scopes[i]);
	}
	for (unsigned i = 0; i < l->file->n_stages; i++)
		strv_done(&scopes[i].vars);
	free(scopes);
	return 0;
}
