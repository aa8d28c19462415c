/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/known.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/oci/image_config.h"
#include "storage/layer.h"

void known_done(struct known *k)
{
	manifest_done(&k->manifest);
	freep(&k->digest);
	freep(&k->list);
}

static int load(struct store *st, const char *id, const char *digest, struct manifest *ret)
{
	AUTO_SBUF struct sbuf raw = SBUF_INIT;
	AUTO_FREE char *type = NULL, *same = NULL;
	int r = image_store_manifest(st, id, digest, &raw, &type, &same);

	if (r == 0)
		r = manifest_parse(raw.s, raw.len, type, ret);
	return r;
}

/* @ret->digest and ->list, from what the registry named. */
static int documents(struct store *st, const char *there, const struct platform *want,
		     struct known *ret)
{
	const struct descriptor *child;
	int r = load(st, ret->id, there, &ret->manifest);

	ret->digest = xstrdup(there);
	if (r < 0 || !ret->manifest.is_index)
		return r;
	r = manifest_choose(&ret->manifest, want, &child);
	if (r < 0)
		return r;
	ret->list = TAKE_PTR(ret->digest);
	ret->digest = xstrdup(child->digest);
	manifest_done(&ret->manifest);
	ret->manifest = (struct manifest){0};
	return load(st, ret->id, ret->digest, &ret->manifest);
}

/* Where it is not, a pull says so. */
static bool is_for(const struct image_record *rec, const struct platform *want)
{
	struct image_config c = {0};
	struct platform have = {0};
	bool is = false;

	if (image_config_parse(rec->config, rec->config_len, &c) == 0) {
		have = (struct platform){.os = c.os, .architecture = c.architecture, .variant = c.variant};
		c.os = c.architecture = c.variant = NULL;
		platform_normalise(&have);
		is = platform_matches(want, &have);
	}
	platform_done(&have);
	image_config_done(&c);
	return is;
}

static bool is_whole(struct store *st, const struct image_record *rec)
{
	for (size_t i = 0; i < rec->diffids.n; i++)
		if (!layer_exists(st, rec->diffids.v[i]))
			return false;
	return layer_stack_is_made(st, &rec->diffids);
}

/* The name stands for that manifest, and was pulled as that. */
static bool is_named(struct store *st, const struct image_record *rec, const char *name,
		     const char *reference, const char *there, const char *digest)
{
	AUTO_FREE char *repo_digest = xasprintf("%s@%s", name, there), *stands_for = NULL;

	return strv_has(&rec->repo_digests, repo_digest) &&
	       ref_manifest(st, reference, &stands_for) == 0 && strcmp(stands_for, digest) == 0;
}

static int compare(struct store *st, const char *name, const char *reference, const char *there,
		   const struct platform *want, struct known *ret)
{
	struct image_record *rec = NULL;
	int r = ref_get(st, reference, ret->id);

	if (r == 0)
		r = image_store_load(st, ret->id, &rec);
	if (r == 0)
		r = documents(st, there, want, ret);
	if (r == 0)
		r = !ret->manifest.is_index && ret->manifest.n_layers == rec->diffids.n &&
		    is_named(st, rec, name, reference, there, ret->digest) && is_for(rec, want) &&
		    is_whole(st, rec);
	image_record_free(rec);
	return r;
}

bool known_image(struct store *st, const char *name, const char *reference, const char *there,
		 const struct platform *want, struct known *ret)
{
	int r = ref_is_own(st, reference) ? compare(st, name, reference, there, want, ret) : 0;

	err_drop(); /* whatever is wrong with it, a pull mends it or says it */
	return r > 0;
}
