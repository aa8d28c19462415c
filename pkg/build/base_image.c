/* SPDX-License-Identifier: MIT */
/*
 * Base images for a platform. A name points at one image, that of this machine's platform for whoever
 * runs it. So what a build pulls for another platform does not stay under the name: which one it was
 * stands in cache/platform/<hash of name and platform>, for as long as the image is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/builder.h"
#include "pkg/build/tag_digest.h"
#include "pkg/image/platform.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"

#define DIR_NAME "platform"

static void note_name(const char *name, const char *platform, char ret[65])
{
	struct sha256 h;

	key_begin(&h, "base image");
	key_add(&h, name);
	key_add(&h, platform);
	sha256_end_hex(&h, ret);
}

/* 1: @ret is what was pulled for that platform before. */
static int find_note(struct builder *b, const char *note, struct image_record **ret)
{
	AUTO_CLOSE int dir = cache_dir_make(b->st, DIR_NAME);
	AUTO_SBUF struct sbuf id = SBUF_INIT;
	int r = dir < 0 ? dir : file_read_at(dir, note, 64, &id);

	if (r == 0)
		r = id.len == 64 && hex_is_valid(id.s, 64) ? image_store_load(b->st, id.s, ret)
							   : -ENOENT;
	if (r < 0)
		err_drop();
	return r == 0;
}

/* Under the name is afterwards what was there before. */
static int pull_aside(struct builder *b, const char *name, const char *platform, const char *note,
		      struct image_record **ret)
{
	struct pull_options o = b->o->pull;
	AUTO_FREE char *matched = NULL, *manifest = NULL;
	AUTO_CLOSE int dir = cache_dir_make(b->st, DIR_NAME);
	char old[65] = "", id[65], digest[DIGEST_TEXT_MAX] = "";
	bool known;
	int r;

	if (dir < 0)
		return dir;
	if (image_resolve_strict(b->st, name, old, &matched) < 0 ||
	    (matched && ref_manifest(b->st, matched, &manifest) < 0))
		err_drop();
	o.platform = platform;
	o.tag_digest = digest;
	r = tag_digest_find(b, name, digest);
	known = r > 0;
	if (r >= 0)
		r = image_pull(b->st, name, &o, id);
	if (r < 0 && known)
		r = err_wrap(r, "what the tag stood for when this build first asked");
	if (r == 0 && *digest && !known)
		r = tag_digest_note(b, name, digest);
	if (r == 0)
		r = image_store_load(b->st, id, ret);
	if (r == 0)
		r = file_replace(dir, note, id, 64, 0600, FILE_NO_SYNC);
	if (r == 0 && matched && strcmp(old, id) != 0)
		r = ref_set(b->st, matched, old, manifest && *manifest ? manifest : NULL, NULL);
	return r;
}

static int find_for(struct builder *b, const char *name, const char *platform,
		    struct image_record **ret)
{
	struct pull_options o = b->o->pull;
	AUTO_FREE char *words = NULL, *matched = NULL;
	char note[65], id[65];
	bool is_other;
	int r;

	note_name(name, platform, note);
	o.policy = PULL_NEVER; /* an image, or one of a list */
	o.platform = platform;
	r = b->o->pull.policy == PULL_ALWAYS ? err_new(-CE_NO_IMAGE, "%s", name)
					     : image_ensure(b->st, name, &o, ret, NULL);
	if (r != -CE_NO_IMAGE)
		return r;
	words = xstrdup(err_trail());
	is_other = image_resolve_strict(b->st, name, id, &matched) == 0;
	err_drop();
	if (b->o->pull.policy != PULL_ALWAYS && find_note(b, note, ret) == 1)
		return 0;
	if (b->o->pull.policy == PULL_NEVER)
		return err_set(-CE_NO_IMAGE, words);
	r = pull_aside(b, name, platform, note, ret);
	return r < 0 && is_other ? err_wrap(r, "the one here is not for %s", platform) : r;
}

int base_image_find(struct builder *b, const char *name, const char *platform,
		    struct image_record **ret)
{
	int r;

	*ret = NULL;
	r = contexts_layout(b, name, platform, ret);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!platform)
		return image_ensure(b->st, name, &b->o->pull, ret, NULL);
	r = find_for(b, name, platform, ret);
	if (r == 0 && !image_fits_platform(*ret, platform, NULL))
		step_warn(b, "%s is not for %s", name, platform);
	return r;
}
