/* SPDX-License-Identifier: MIT */
/*
 * --attest, --provenance and --sbom: what is said of an image beside it. How it was built is told by the builder,
 * what is in it is found by a scanner, which is an image of somebody's. A misspelt word must not look as if it had
 * been understood.
 */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "cmd/build.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/build/material.h"
#include "pkg/build/provenance.h"
#include "pkg/build/sbom.h"
#include "pkg/image/attestation.h"
#include "pkg/json/json.h"
#include "pkg/oci/reference.h"

#define DEFAULT_SCANNER "docker.io/docker/buildkit-syft-scanner:stable-1"

struct wish {
	char *type;
	bool disabled;
	struct strv words; /* the rest: "KEY=VALUE" */
};

static void wish_done(struct wish *w)
{
	freep(&w->type);
	strv_done(&w->words);
}

static int take_bool(const char *word, bool *ret)
{
	return parse_bool(strchr(word, '=') + 1, ret) < 0 ? err_usage("'%s': true or false", word)
							  : 0;
}

/* As buildx reads it, "KEY=VALUE[,…]"; a field with commas of its own in quotes. */
static int parse(const char *spec, struct wish *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = strv_split_csv(&words, spec)
			? 0
			: err_usage("a quote is not closed, or something follows it");

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		const char *w = words.v[i], *eq = strchr(w, '=');

		if (!eq || eq == w)
			r = err_usage("'%s' is not KEY=VALUE", w);
		else if (strncmp(w, "type=", 5) == 0 && ret->type)
			r = err_usage("type= is given twice");
		else if (strncmp(w, "type=", 5) == 0)
			ret->type = xstrdup(eq + 1);
		else if (strncmp(w, "disabled=", 9) == 0)
			r = take_bool(w, &ret->disabled);
		else
			strv_add(&ret->words, w);
	}
	return r;
}

/* --- how it was built ----------------------------------------------------------------------------------- */

static int take_provenance_word(struct build_attest *a, const char *w)
{
	const char *v = strchr(w, '=') + 1;
	bool unused;

	if (strncmp(w, "reproducible=", 13) == 0)
		return take_bool(w, &a->reproducible);
	if (strncmp(w, "inline-only=", 12) == 0)
		return take_bool(w, &unused); /* it is only ever beside images */
	if (strncmp(w, "mode=", 5) == 0) {
		if (strcmp(v, "min") != 0 && strcmp(v, "max") != 0)
			return err_usage("'%s': min or max", w);
		a->max = strcmp(v, "max") == 0;
	} else if (strncmp(w, "version=", 8) == 0) {
		if (strcmp(v, "v1") != 0 && strcmp(v, "v0.2") != 0)
			return err_usage("'%s': v1 or v0.2", w);
		a->v02 = strcmp(v, "v0.2") == 0;
	} else if (strncmp(w, "builder-id=", 11) == 0) {
		freep(&a->builder_id);
		a->builder_id = xstrdup(v);
	} else {
		return err_usage(
			"unknown key in '%s': mode, version, builder-id, reproducible, inline-only",
			w);
	}
	return 0;
}

static int take_provenance(const struct wish *w, struct build_attest *a)
{
	int r = 0;

	freep(&a->builder_id);
	a->max = true; /* as BuildKit has it where provenance is asked for */
	a->v02 = a->reproducible = false;
	a->provenance = !w->disabled;
	for (size_t i = 0; r == 0 && i < w->words.n; i++)
		r = take_provenance_word(a, w->words.v[i]);
	return r;
}

/* --- what is in it ---------------------------------------------------------------------------------------- */

/* A tag in any case: so that no stage of the file is meant. */
static int take_generator(const char *name, struct build_attest *a)
{
	AUTO(reference_done) struct reference ref = {0};
	int r = reference_parse(name, &ref);

	freep(&a->generator);
	a->generator = ref.tag || ref.digest ? xstrdup(name) : xasprintf("%s:latest", name);
	return r < 0 ? err_wrap(r, "generator=%s", name) : 0;
}

/* What the scanner gets as BUILDKIT_SCAN_KEY. */
static int take_parameter(const char *w, struct strv *params)
{
	static const char *const ours[] = {"DESTINATION", "SOURCE", "SOURCE_EXTRAS"};
	AUTO_FREE char *key = xstrndup(w, strcspn(w, "="));

	for (const char *c = key; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return err_usage("'%s': the key is part of a variable's name: letters, "
					 "digits and '_'",
					 w);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(ours[i], key) == 0)
			return err_usage("'%s': BUILDKIT_SCAN_%s is for the build to say", w, key);
	strv_env_set(params, w);
	return 0;
}

static int take_sbom(const struct wish *w, struct build_attest *a)
{
	int r = 0;

	strv_done(&a->params);
	a->params = (struct strv)STRV_INIT;
	a->sbom = !w->disabled;
	freep(&a->generator);
	for (size_t i = 0; r == 0 && i < w->words.n; i++)
		r = strncmp(w->words.v[i], "generator=", 10) == 0
			    ? take_generator(w->words.v[i] + 10, a)
			    : take_parameter(w->words.v[i], &a->params);
	if (r == 0 && !a->generator)
		a->generator = xstrdup(DEFAULT_SCANNER);
	return r;
}

/* ------------------------------------------------------------------------------------------------------- */

static int take_wish(const struct wish *w, struct build_attest *ret)
{
	if (w->type && strcmp(w->type, "sbom") == 0)
		return take_sbom(w, ret);
	if (w->type && strcmp(w->type, "provenance") == 0)
		return take_provenance(w, ret);
	return err_usage("use type=sbom or type=provenance");
}

static int take_attest(const char *spec, struct build_attest *ret)
{
	AUTO(wish_done) struct wish w = {.type = NULL};
	int r = parse(spec, &w);

	if (r == 0)
		r = take_wish(&w, ret);
	return r < 0 ? err_wrap(r, "--attest %s", spec) : 0;
}

/* A word for yes or no, or what --attest would have besides the type. */
static int take_short(const char *option, const char *v, struct build_attest *ret)
{
	AUTO(wish_done) struct wish w = {.type = NULL};
	bool on = false;
	int r = 0;

	if (!v)
		return 0;
	if (parse_bool(v, &on) == 0)
		w.disabled = !on;
	else
		r = parse(v, &w);
	if (r == 0 && w.type)
		r = err_usage("type= goes with --attest");
	if (r == 0) {
		w.type = xstrdup(option + 2);
		r = take_wish(&w, ret);
	}
	return r < 0 ? err_wrap(r, "%s=%s", option, v) : 0;
}

int build_attest_of(const struct build_args *a, struct build_attest *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->attest.n; i++)
		r = take_attest(a->attest.v[i], ret);
	if (r == 0)
		r = take_short("--sbom", a->sbom, ret);
	return r == 0 ? take_short("--provenance", a->provenance, ret) : r;
}

/* Written by the builder of each platform, read at the end. */
static int shared_file(const char *name, int *ret)
{
	*ret = memfd_create(name, MFD_CLOEXEC);
	return *ret < 0 || fcntl(*ret, F_SETFL, O_APPEND) < 0 ? err_new(-errno, "memfd_create") : 0;
}

int build_attest_begin(struct build_attest *a, struct build_options *o)
{
	int r = 0;

	a->started_ns = clock_now_ns();
	if (a->provenance)
		r = shared_file("materials", &a->materials);
	if (r == 0 && a->sbom)
		r = shared_file("sboms", &a->sboms);
	o->materials = a->materials;
	o->sboms = a->sboms;
	o->sbom_generator = a->sbom ? a->generator : NULL;
	o->sbom_params = a->params;
	return r;
}

void build_attest_done(struct build_attest *a)
{
	freep(&a->builder_id);
	freep(&a->generator);
	strv_done(&a->params);
	closep(&a->materials);
	closep(&a->sboms);
}

/* What is found in the image, then how it was built: the order that BuildKit has. */
static int statements_of(const struct build_attest *a, const struct build_options *o,
			 const char *id, const char *platform, struct json_object **ret)
{
	const struct provenance how = {.max = a->max,
				       .v02 = a->v02,
				       .reproducible = a->reproducible,
				       .builder_id = a->builder_id,
				       .started_ns = a->started_ns,
				       .ended_ns = clock_now_ns()};
	struct json_object *one = NULL;
	int r = a->sbom ? sbom_of(a->sboms, id, ret) : 0;

	if (!*ret)
		*ret = json_object_new_array();
	if (r == 0 && a->provenance)
		r = provenance_of(&how, o, platform, &one);
	if (r == 0 && one)
		(void)json_object_array_add(*ret, one);
	return r;
}

/* Of each image of the list, after all are built. */
int build_attest_list(struct store *st, const struct build_attest *a, const struct build_options *o,
		      const char *list, const struct strv *ids, char ret_id[65])
{
	int r = 0;

	for (size_t i = 0; r == 0 && build_attest_any(a) && i < ids->n; i++) {
		AUTO_FREE char *platform = NULL, *subject = NULL;
		AUTO_JSON struct json_object *statements = NULL;

		r = build_platform_of_image(st, ids->v[i], &platform);
		if (r == 0)
			r = statements_of(a, o, ids->v[i], platform, &statements);
		if (r < 0)
			break;
		subject = material_image_uri(o->tags.n ? o->tags.v[0] : ids->v[i], platform);
		r = list_attest(st, list, ids->v[i], subject, statements, ret_id);
	}
	return r < 0 ? err_wrap(r, "attestations") : 0;
}
