/* SPDX-License-Identifier: MIT */
#include "pkg/build/provenance.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/remote.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/random.h"

#define BUILD_TYPE "https://mobyproject.org/buildkit@v1" /* whose parameters these are */
#define NOTES_MAX (4U << 20)

static struct json_object *digest_of(const char *text)
{
	struct json_object *o = json_object_new_object();
	AUTO_FREE char *algorithm = xstrndup(text, strcspn(text, ":"));

	json_set_str(o, algorithm, text + strlen(algorithm) + 1);
	return o;
}

/* Each once, in the order in which they were first met. */
static int add_materials(const struct build_options *o, struct json_object *predicate)
{
	struct json_object *all = json_object_new_array();
	AUTO_STRV struct strv lines = STRV_INIT, seen = STRV_INIT;
	AUTO_SBUF struct sbuf notes = SBUF_INIT;
	int r = lseek(o->materials, 0, SEEK_SET) < 0 ? err_new(-errno, "seek") : 0;

	json_set(predicate, "materials", all);
	if (r == 0)
		r = file_read_fd(o->materials, NOTES_MAX, &notes);
	if (r == 0 && notes.len)
		strv_split(&lines, notes.s, '\n');
	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		char *space = strrchr(lines.v[i], ' ');
		struct json_object *m;

		if (!space || strv_has(&seen, lines.v[i]))
			continue;
		strv_add(&seen, lines.v[i]);
		*space = '\0';
		m = json_object_new_object();
		json_set_str(m, "uri", lines.v[i]);
		json_set(m, "digest", digest_of(space + 1));
		(void)json_object_array_add(all, m);
	}
	return r;
}

static void add_pairs(struct json_object *args, const char *prefix, const struct strv *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		size_t n = strcspn(pairs->v[i], "=");
		AUTO_FREE char *key = xasprintf("%s%.*s", prefix, (int)n, pairs->v[i]);

		json_set_str(args, key, pairs->v[i][n] ? pairs->v[i] + n + 1 : "");
	}
}

/* Of "id=NAME,src=…" and "NAME=SOCKET" the name alone. */
static struct json_object *ids_of(const struct strv *specs)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < specs->n; i++) {
		struct json_object *one = json_object_new_object();
		AUTO_STRV struct strv words = STRV_INIT;
		AUTO_FREE char *id = NULL;

		strv_split(&words, specs->v[i], ',');
		for (size_t k = 0; k < words.n; k++)
			if (strncmp(words.v[k], "id=", 3) == 0) {
				freep(&id);
				id = xstrdup(words.v[k] + 3);
			}
		if (!id)
			id = xstrndup(specs->v[i], strcspn(specs->v[i], "=,"));
		json_set_str(one, "id", id);
		json_set_bool(one, "optional", true);
		(void)json_object_array_add(all, one);
	}
	return all;
}

static bool is_remote(const char *s)
{
	enum remote_kind kind = REMOTE_NONE;

	if (!s || remote_kind_of(s, &kind) < 0)
		err_drop();
	return kind != REMOTE_NONE;
}

static struct json_object *locals_of(const struct build_options *o)
{
	struct json_object *all = json_object_new_array();

	for (unsigned i = 0; !is_remote(o->context) && i < 2; i++) {
		struct json_object *one = json_object_new_object();

		json_set_str(one, "name", i ? "dockerfile" : "context");
		(void)json_object_array_add(all, one);
	}
	return all;
}

static struct json_object *parameters_of(const struct provenance *p, const struct build_options *o)
{
	struct json_object *all = json_object_new_object(), *args = json_object_new_object();

	json_set_str(all, "frontend", "dockerfile.v0");
	if (o->target)
		json_set_str(args, "target", o->target);
	if (o->no_cache)
		json_set_str(args, "no-cache", "");
	if (p->max) {
		add_pairs(args, "build-arg:", &o->build_args);
		add_pairs(args, "label:", &o->labels);
		json_set(all, "secrets", ids_of(&o->secrets));
		json_set(all, "ssh", ids_of(&o->ssh));
	}
	json_set(all, "args", args);
	json_set(all, "locals", locals_of(o));
	return all;
}

static struct json_object *source_of(const struct build_options *o)
{
	struct json_object *source = json_object_new_object();
	const char *file = o->files.n ? o->files.v[0] : "Containerfile";

	if (is_remote(o->context))
		json_set_str(source, "uri", o->context);
	if (strcmp(file, "-") != 0 && !is_remote(file))
		json_set_str(source, "entryPoint", path_base(file));
	return source;
}

static void set_instant(struct json_object *o, const char *key, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	clock_format_utc(ns, text);
	json_set_str(o, key, text);
}

static struct json_object *metadata_of(const struct provenance *p)
{
	struct json_object *o = json_object_new_object(), *complete = json_object_new_object();
	char id[33];

	random_hex(id, 32);
	json_set_str(o, "buildInvocationID", id);
	set_instant(o, "buildStartedOn", p->started_ns);
	set_instant(o, "buildFinishedOn", p->ended_ns);
	json_set_bool(complete, "parameters", p->max);
	json_set_bool(complete, "environment", true);
	json_set_bool(complete, "materials", false); /* commands may fetch what they like */
	json_set(o, "completeness", complete);
	json_set_bool(o, "reproducible", p->reproducible);
	return o;
}

int provenance_of(const struct provenance *p, const struct build_options *o, const char *platform,
		  struct json_object **ret)
{
	struct json_object *all = json_object_new_object(), *how = json_object_new_object();
	struct json_object *builder = json_object_new_object(), *here = json_object_new_object();
	int r;

	json_set_str(builder, "id", p->builder_id ? p->builder_id : "");
	json_set(all, "builder", builder);
	json_set_str(all, "buildType", BUILD_TYPE);
	r = add_materials(o, all);
	json_set(how, "configSource", source_of(o));
	json_set(how, "parameters", parameters_of(p, o));
	json_set_str(here, "platform", platform);
	json_set(how, "environment", here);
	json_set(all, "invocation", how);
	json_set(all, "metadata", metadata_of(p));
	if (r < 0)
		json_object_put(all);
	else
		*ret = all;
	return r < 0 ? err_wrap(r, "provenance") : 0;
}
