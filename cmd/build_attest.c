/* SPDX-License-Identifier: MIT */
/*
 * --attest, --provenance and --sbom. How an image was built is told with provenance; what is in it (an SBOM) would be
 * found by a scanner, which is another's image to be fetched and run: that it is not wanted is all that can be said.
 * A misspelt "disabled" must not look as if it had been understood.
 */
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
#include "pkg/image/attestation.h"
#include "pkg/json/json.h"

struct wish {
	char *type, *builder_id;
	bool disabled, max, reproducible;
};

static void wish_done(struct wish *w)
{
	freep(&w->type);
	freep(&w->builder_id);
}

static int take_word(struct wish *w, const char *key, const char *v)
{
	if (strcmp(key, "type") == 0) {
		if (w->type)
			return err_usage("type= is given twice");
		w->type = xstrdup(v);
	} else if (strcmp(key, "disabled") == 0) {
		return parse_bool(v, &w->disabled) < 0 ? err_usage("'disabled=%s': true or false", v) : 0;
	} else if (strcmp(key, "reproducible") == 0) {
		return parse_bool(v, &w->reproducible) < 0 ? err_usage("'reproducible=%s': true or false", v) : 0;
	} else if (strcmp(key, "mode") == 0) {
		if (strcmp(v, "min") != 0 && strcmp(v, "max") != 0)
			return err_usage("'mode=%s': min or max", v);
		w->max = strcmp(v, "max") == 0;
	} else if (strcmp(key, "builder-id") == 0) {
		freep(&w->builder_id);
		w->builder_id = xstrdup(v);
	} else if (strcmp(key, "version") == 0 && strcmp(v, "v0.2") != 0) {
		return err_usage("'version=%s': only v0.2 is written", v);
	}
	return 0;
}

/* As buildx reads it, "KEY=VALUE[,…]". */
static int parse(const char *spec, struct wish *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	strv_split(&words, spec, ',');
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		const char *w = words.v[i], *eq = strchr(w, '=');
		AUTO_FREE char *key = eq ? xstrndup(w, (size_t)(eq - w)) : NULL;

		r = key && *key ? take_word(ret, key, eq + 1) : err_usage("'%s' is not KEY=VALUE", w);
	}
	return r;
}

static int take_wish(const struct wish *w, struct build_attest *ret)
{
	if (strcmp(w->type, "sbom") == 0)
		return w->disabled ? 0
				   : err_usage("not supported: no scanner is run; leave the option out, and add what "
					       "one says of the image with 'manifest add --artifact'");
	ret->wanted = !w->disabled;
	ret->max = w->max;
	ret->reproducible = w->reproducible;
	freep(&ret->builder_id);
	ret->builder_id = w->builder_id ? xstrdup(w->builder_id) : NULL;
	return 0;
}

static int take_attest(const char *spec, struct build_attest *ret)
{
	AUTO(wish_done) struct wish w = {.type = NULL};
	int r = parse(spec, &w);

	if (r == 0 && (!w.type || (strcmp(w.type, "sbom") != 0 && strcmp(w.type, "provenance") != 0)))
		r = err_usage("use type=sbom or type=provenance");
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
	int r = take_short("--sbom", a->sbom, ret);

	for (size_t i = 0; r == 0 && i < a->attest.n; i++)
		r = take_attest(a->attest.v[i], ret);
	return r == 0 ? take_short("--provenance", a->provenance, ret) : r;
}

int build_attest_begin(struct build_attest *a, struct build_options *o)
{
	if (!a->wanted)
		return 0;
	a->started_ns = clock_now_ns();
	a->materials = memfd_create("materials", MFD_CLOEXEC);
	if (a->materials < 0 || fcntl(a->materials, F_SETFL, O_APPEND) < 0)
		return err_new(-errno, "memfd_create");
	o->materials = a->materials;
	return 0;
}

void build_attest_done(struct build_attest *a)
{
	freep(&a->builder_id);
	closep(&a->materials);
}

/* Of each image of the list, after all are built. */
int build_attest_list(struct store *st, const struct build_attest *a, const struct build_options *o,
		      const char *list, const struct strv *ids, char ret_id[65])
{
	const struct provenance how = {.max = a->max,
				       .reproducible = a->reproducible,
				       .builder_id = a->builder_id,
				       .started_ns = a->started_ns,
				       .ended_ns = clock_now_ns()};
	int r = 0;

	for (size_t i = 0; r == 0 && a->wanted && i < ids->n; i++) {
		AUTO_FREE char *platform = NULL, *subject = NULL;
		AUTO_JSON struct json_object *predicate = NULL;

		r = build_platform_of_image(st, ids->v[i], &platform);
		if (r < 0)
			break;
		subject = material_image_uri(o->tags.n ? o->tags.v[0] : ids->v[i], platform);
		r = provenance_of(&how, o, platform, &predicate);
		if (r == 0)
			r = list_attest(st, list, ids->v[i], subject, PROVENANCE_TYPE, predicate, ret_id);
	}
	return r < 0 ? err_wrap(r, "--provenance") : 0;
}
