/* SPDX-License-Identifier: MIT */
/* --all-platforms: the platforms that all base images of the target's stages are for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/build/builder.h"
#include "pkg/build/source_judge.h"
#include "pkg/image/manifest_list.h"
#include "pkg/oci/manifest.h"

static void add_platform(struct platform *p, struct strv *ret)
{
	AUTO_FREE char *text = NULL;

	if (!p->os || !p->architecture || strcmp(p->os, "linux") != 0)
		return; /* attestations, and what cannot be built here */
	platform_normalise(p);
	text = platform_text(p);
	if (!strv_has(ret, text))
		strv_add(ret, text);
}

static int of_index(struct json_object *index, struct strv *ret)
{
	struct json_object *list = NULL;
	int r = json_get_arr(index, "manifests", &list);

	for (size_t i = 0; r == 0 && list && i < json_object_array_length(list); i++) {
		struct json_object *o = NULL;
		const char *os = NULL, *arch = NULL, *variant = NULL;
		struct platform p = {0};

		r = json_get_obj(json_object_array_get_idx(list, i), "platform", &o);
		if (r == 0 && o)
			r = json_get_str(o, "os", &os);
		if (r == 0 && o)
			r = json_get_str(o, "architecture", &arch);
		if (r == 0 && o)
			r = json_get_str(o, "variant", &variant);
		if (r < 0)
			return r;
		p.os = os ? xstrdup(os) : NULL;
		p.architecture = arch ? xstrdup(arch) : NULL;
		p.variant = variant && *variant ? xstrdup(variant) : NULL;
		add_platform(&p, ret);
		platform_done(&p);
	}
	return r;
}

/* An image without a list is for one platform. */
static int of_image(struct builder *b, const char *name, struct strv *ret)
{
	AUTO(image_config_done) struct image_config c = {0};
	struct image_record *rec = NULL;
	struct platform p = {0};
	int r = base_image_find(b, name, NULL, &rec);

	if (r == 0)
		r = image_config_parse(rec->config, rec->config_len, &c);
	if (r == 0) {
		p.os = c.os ? xstrdup(c.os) : NULL;
		p.architecture = c.architecture ? xstrdup(c.architecture) : NULL;
		p.variant = c.variant ? xstrdup(c.variant) : NULL;
		add_platform(&p, ret);
	}
	platform_done(&p);
	image_record_free(rec);
	return r;
}

/* The list is asked for where the image would come from; without one the image that is here counts. */
static int of_base(struct builder *b, const char *written, struct strv *ret)
{
	AUTO_JSON struct json_object *doc = NULL;
	AUTO_FREE char *name = NULL;
	bool single = true;
	int r = judge_image(&b->policies, b->st, written, b->o->pull.policy, &name);

	if (r < 0)
		return r;
	if (b->o->pull.policy != PULL_NEVER || list_is(b->st, name)) {
		r = list_inspect(b->st, name, &b->o->pull.access, &doc, &single);
		if (r == -CE_INTERRUPTED)
			return r;
		if (r < 0)
			err_drop();
	}
	return r == 0 && !single ? of_index(doc, ret) : of_image(b, name, ret);
}

static void keep_common(struct strv *all, const struct strv *some)
{
	for (size_t i = all->n; i-- > 0;)
		if (!strv_has(some, all->v[i]))
			strv_remove(all, i);
}

int platforms_common(struct builder *b, char *ret, size_t size)
{
	AUTO_STRV struct strv all = STRV_INIT;
	AUTO_FREE char *text = NULL;
	bool any = false;

	for (unsigned i = 0; i < b->file->n_stages; i++) {
		const struct stage_plan *p = &b->stages[i];
		const struct inst *from = &b->file->stages[i].from;
		AUTO_STRV struct strv some = STRV_INIT;
		int r;

		/* One that is for a platform of its own is so whatever is built for. */
		if (!p->planned || !p->base || inst_flag(from, "platform"))
			continue;
		r = of_base(b, p->base, &some);
		if (r < 0)
			return inst_fail(b->file->name, from, r);
		if (any)
			keep_common(&all, &some);
		else
			strv_add_all(&all, &some);
		any = true;
	}
	if (!any)
		return err_usage(
			"--all-platforms: no stage has a base image that says which there are; "
			"name them with --platform");
	if (!all.n)
		return err_usage("--all-platforms: the base images have none in common");
	text = strv_join(&all, ",");
	if (strlen(text) >= size)
		return err_new(-CE_LIMIT, "--all-platforms: there are %zu", all.n);
	(void)snprintf(ret, size, "%s", text);
	return 0;
}
