/* SPDX-License-Identifier: MIT */
#include "pkg/build/provenance.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/image.h"
#include "pkg/build/remote.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/random.h"

/* Whose parameters these are. */
#define BUILD_TYPE \
	"https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
#define BUILD_TYPE_02 "https://mobyproject.org/buildkit@v1"
#define NOTES_MAX (4U << 20)

static struct json_object *digest_of(const char *text)
{
	struct json_object *o = json_object_new_object();
	AUTO_FREE char *algorithm = xstrndup(text, strcspn(text, ":"));

	json_set_str(o, algorithm, text + strlen(algorithm) + 1);
	return o;
}

/* Each once, in the order in which they were first met. */
static int add_materials(const struct build_options *o, struct json_object *all)
{
	AUTO_STRV struct strv lines = STRV_INIT, seen = STRV_INIT;
	AUTO_SBUF struct sbuf notes = SBUF_INIT;
	int r = lseek(o->materials, 0, SEEK_SET) < 0 ? err_new(-errno, "seek") : 0;

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

/* @path: the key for the file's name. */
static struct json_object *source_of(const struct build_options *o, const char *path)
{
	struct json_object *source = json_object_new_object();
	const char *file = o->files.n ? o->files.v[0] : "Containerfile";

	if (is_remote(o->context))
		json_set_str(source, "uri", o->context);
	if (strcmp(file, "-") != 0 && !is_remote(file))
		json_set_str(source, path, path_base(file));
	return source;
}

static void set_instant(struct json_object *o, const char *key, int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	clock_format_utc(ns, text);
	json_set_str(o, key, text);
}

static void set_instants(struct json_object *o, const struct provenance *p, const char *id,
			 const char *started, const char *ended)
{
	char text[33];

	random_hex(text, 32);
	json_set_str(o, id, text);
	set_instant(o, started, p->started_ns);
	set_instant(o, ended, p->ended_ns);
}

static struct json_object *builder_of(const struct provenance *p)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "id", p->builder_id ? p->builder_id : "");
	return o;
}

/* Commands may fetch what they like: whether these are all materials is not known. */
static struct json_object *completeness_of(const struct provenance *p, const char *parameters,
					   const char *materials)
{
	struct json_object *o = json_object_new_object();

	json_set_bool(o, parameters, p->max);
	json_set_bool(o, materials, false);
	return o;
}

/* --- version 1 ----------------------------------------------------------------------------------------- */

static struct json_object *definition_of(const struct provenance *p, const struct build_options *o,
					 struct json_object *materials)
{
	struct json_object *all = json_object_new_object(), *outer = json_object_new_object();
	struct json_object *inner = json_object_new_object();
	AUTO_FREE char *text = NULL;
	struct platform host = {0};

	if (build_platform(NULL, &host) < 0)
		err_drop();
	text = platform_text(&host);
	platform_done(&host);
	json_set(outer, "configSource", source_of(o, "path"));
	json_set(outer, "request", parameters_of(p, o));
	json_set_str(inner, "builderPlatform", text);
	json_set_str(all, "buildType", BUILD_TYPE);
	json_set(all, "externalParameters", outer);
	json_set(all, "internalParameters", inner);
	json_set(all, "resolvedDependencies", materials);
	return all;
}

static struct json_object *details_of(const struct provenance *p)
{
	struct json_object *all = json_object_new_object(), *metadata = json_object_new_object();

	set_instants(metadata, p, "invocationId", "startedOn", "finishedOn");
	json_set_bool(metadata, "buildkit_reproducible", p->reproducible);
	json_set(metadata, "buildkit_completeness",
		 completeness_of(p, "request", "resolvedDependencies"));
	json_set(metadata, "buildkit_metadata", json_object_new_object());
	json_set(all, "builder", builder_of(p));
	json_set(all, "metadata", metadata);
	return all;
}

/* --- version 0.2 --------------------------------------------------------------------------------------- */

static struct json_object *invocation_of(const struct provenance *p, const struct build_options *o,
					 const char *platform)
{
	struct json_object *how = json_object_new_object(), *here = json_object_new_object();

	json_set_str(here, "platform", platform);
	json_set(how, "configSource", source_of(o, "entryPoint"));
	json_set(how, "parameters", parameters_of(p, o));
	json_set(how, "environment", here);
	return how;
}

static struct json_object *metadata_of(const struct provenance *p)
{
	struct json_object *o = json_object_new_object(), *complete;

	set_instants(o, p, "buildInvocationID", "buildStartedOn", "buildFinishedOn");
	complete = completeness_of(p, "parameters", "materials");
	json_set_bool(complete, "environment", true);
	json_set(o, "completeness", complete);
	json_set_bool(o, "reproducible", p->reproducible);
	return o;
}

/* ------------------------------------------------------------------------------------------------------- */

int provenance_of(const struct provenance *p, const struct build_options *o, const char *platform,
		  struct json_object **ret)
{
	struct json_object *all, *predicate, *materials = json_object_new_array();
	int r = add_materials(o, materials);

	if (r < 0) {
		json_object_put(materials);
		return err_wrap(r, "provenance");
	}
	predicate = json_object_new_object();
	if (p->v02) {
		json_set(predicate, "builder", builder_of(p));
		json_set_str(predicate, "buildType", BUILD_TYPE_02);
		json_set(predicate, "materials", materials);
		json_set(predicate, "invocation", invocation_of(p, o, platform));
		json_set(predicate, "metadata", metadata_of(p));
	} else {
		json_set(predicate, "buildDefinition", definition_of(p, o, materials));
		json_set(predicate, "runDetails", details_of(p));
	}
	all = json_object_new_object();
	json_set_str(all, "predicateType",
		     p->v02 ? "https://slsa.dev/provenance/v0.2"
			    : "https://slsa.dev/provenance/v1");
	json_set(all, "predicate", predicate);
	*ret = all;
	return 0;
}
