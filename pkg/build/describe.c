/* SPDX-License-Identifier: MIT */
/*
 * --call: what a file says of itself, as documents in the shape of BuildKit's subrequests (frontend.targets,
 * frontend.outline, frontend.lint). No image is looked up: stages of the target are planned as if all base
 * images were empty.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/build/builder.h"
#include "pkg/build/lint.h"

static void set_location(struct json_object *o, const char *key, unsigned first, unsigned last)
{
	struct json_object *location = json_object_new_object(), *range = json_object_new_object(),
			   *start = json_object_new_object(), *end = json_object_new_object(),
			   *ranges = json_object_new_array();

	json_set_i64(start, "line", first);
	json_set_i64(end, "line", last);
	json_set(range, "start", start);
	json_set(range, "end", end);
	(void)json_object_array_add(ranges, range);
	json_set(location, "ranges", ranges);
	json_set(o, key, location);
}

static void set_if(struct json_object *o, const char *key, const char *value)
{
	if (value && *value)
		json_set_str(o, key, value);
}

static char *coded_text(const struct builder *b)
{
	return base64_encode(b->file->text.s, b->file->text.len);
}

static void set_sources(const struct builder *b, struct json_object *doc)
{
	AUTO_FREE char *coded = coded_text(b);
	AUTO_STRV struct strv all = STRV_INIT;

	strv_add(&all, coded);
	json_set(doc, "sources", json_from_strv(&all));
}

static void tell(const struct builder *b, struct json_object *doc)
{
	if (b->o->report && b->o->report->document)
		b->o->report->document(b->o->report->data, doc);
}

static char *stage_words(const struct stage *s)
{
	return s->name ? inst_description(&s->from, s->from.args.v[2]) : NULL;
}

/* --- targets -------------------------------------------------------------------------------------------- */

int describe_targets(struct builder *b)
{
	AUTO_JSON struct json_object *doc = json_object_new_object();
	struct json_object *list = json_object_new_array();
	int r = 0;

	for (unsigned i = 0; r == 0 && i < b->file->n_stages; i++) {
		const struct stage *s = &b->file->stages[i];
		AUTO_FREE char *words = stage_words(s);
		AUTO_FREE char *base = NULL, *platform = NULL;
		struct json_object *o = json_object_new_object();

		r = plan_base(&b->pc, s, &base, &platform);
		set_if(o, "name", s->name);
		if (i + 1 == b->file->n_stages)
			json_set_bool(o, "default", true);
		set_if(o, "description", words);
		set_if(o, "base", base);
		set_if(o, "platform", inst_flag(&s->from, "platform"));
		set_location(o, "location", s->from.line, s->from.last_line);
		(void)json_object_array_add(list, o);
	}
	json_set(doc, "targets", list);
	set_sources(b, doc);
	if (r == 0)
		tell(b, doc);
	return r;
}

/* --- outline -------------------------------------------------------------------------------------------- */

static struct json_object *find(struct json_object *list, const char *key, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (strcmp(json_object_get_string(json_object_object_get(o, key)), name) == 0)
			return o;
	}
	return NULL;
}

/* The first place that names it counts. */
static struct json_object *add_once(struct json_object *list, const char *key, const char *name,
				    const struct inst *in)
{
	struct json_object *o = find(list, key, name);

	if (o)
		return o;
	o = json_object_new_object();
	json_set_str(o, key, name);
	set_location(o, "location", in->line, in->last_line);
	(void)json_object_array_add(list, o);
	return o;
}

static void add_args(const struct inst *in, const struct strv *vars, struct json_object *list)
{
	for (size_t i = 0; in->kind == INST_ARG && i < in->args.n; i++) {
		AUTO_FREE char *name = xstrndup(in->args.v[i], strcspn(in->args.v[i], "="));
		AUTO_FREE char *words = inst_description(in, name);
		struct json_object *o = add_once(list, "name", name, in);

		/* The stage's own word for what a global one has given. */
		set_if(o, "description", words);
		set_if(o, "value", strv_env_get(vars, name));
	}
}

static void add_mounts(const struct op *op, struct json_object *secrets, struct json_object *ssh,
		       struct json_object *caches)
{
	for (unsigned i = 0; i < op->n_mounts; i++) {
		const struct run_mount *m = &op->mounts[i];
		struct json_object *o = NULL;

		if (m->type == RUN_MOUNT_SECRET)
			o = add_once(secrets, "name", m->id, op->inst);
		else if (m->type == RUN_MOUNT_SSH)
			o = add_once(ssh, "name", m->id, op->inst);
		else if (m->type == RUN_MOUNT_CACHE)
			(void)add_once(caches, "ID", m->id, op->inst);
		if (o && m->required)
			json_set_bool(o, "required", true);
	}
}

static void set_list(struct json_object *doc, const char *key, struct json_object *list)
{
	if (json_object_array_length(list))
		json_set(doc, key, list);
	else
		(void)json_object_put(list);
}

void describe_outline(struct builder *b)
{
	AUTO_JSON struct json_object *doc = json_object_new_object();
	struct json_object *args = json_object_new_array(), *secrets = json_object_new_array(),
			   *ssh = json_object_new_array(), *caches = json_object_new_array();
	const struct stage *target = &b->file->stages[b->target];
	AUTO_FREE char *words = stage_words(target);

	for (unsigned i = 0; i < b->file->n_globals; i++)
		add_args(&b->file->globals[i], &b->pc.globals, args);
	for (unsigned i = 0; i < b->file->n_stages; i++) {
		const struct stage_plan *p = &b->stages[i];

		for (unsigned k = 0; p->planned && k < b->file->stages[i].n; k++)
			add_args(&b->file->stages[i].v[k], &p->vars, args);
		for (unsigned k = 0; p->planned && k < p->n_ops; k++)
			add_mounts(&p->ops[k], secrets, ssh, caches);
	}
	set_if(doc, "name", target->name);
	set_if(doc, "description", words);
	set_list(doc, "args", args);
	set_list(doc, "secrets", secrets);
	set_list(doc, "ssh", ssh);
	set_list(doc, "cache", caches);
	set_sources(b, doc);
	tell(b, doc);
}

/* --- findings ------------------------------------------------------------------------------------------- */

void describe_findings(struct builder *b, const struct lint *l)
{
	AUTO_JSON struct json_object *doc = json_object_new_object();
	struct json_object *list = json_object_new_array(), *sources = json_object_new_array(),
			   *source = json_object_new_object();
	AUTO_FREE char *coded = coded_text(b);

	for (unsigned i = 0; i < l->n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_str(o, "ruleName", l->v[i].rule);
		json_set_str(o, "detail", l->v[i].message);
		set_location(o, "location", l->v[i].line, l->v[i].line);
		(void)json_object_array_add(list, o);
	}
	json_set_str(source, "fileName", b->file->name);
	json_set_str(source, "language", "Dockerfile");
	json_set_str(source, "data", coded);
	(void)json_object_array_add(sources, source);
	json_set(doc, "warnings", list);
	json_set(doc, "sources", sources);
	tell(b, doc);
}
