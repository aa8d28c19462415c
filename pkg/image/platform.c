/* SPDX-License-Identifier: MIT */
#include "pkg/image/platform.h"

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "pkg/image/manifest_list.h"
#include "pkg/oci/image_config.h"
#include "pkg/oci/manifest.h"

static int check_platform(const struct image_record *rec, const char *name, const char *platform)
{
	AUTO(image_config_done) struct image_config c = {0};
	struct platform want = {0}, have = {0};
	AUTO_FREE char *text = NULL;
	int r = platform_parse(platform, &want);

	if (r == 0)
		r = image_config_parse(rec->config, rec->config_len, &c);
	if (r == 0) {
		have = (struct platform){.os = c.os ? xstrdup(c.os) : NULL,
					 .architecture = c.architecture ? xstrdup(c.architecture)
									: NULL,
					 .variant = c.variant ? xstrdup(c.variant) : NULL};
		platform_normalise(&have);
		text = platform_text(&have);
		if (!platform_matches(&want, &have))
			r = err_usage("--platform %s: %s is for %s; pull it for that platform "
				      "first",
				      platform, name, text);
	}
	platform_done(&want);
	platform_done(&have);
	return r;
}

static int choose(struct store *st, const char *name, const char *platform, char ret_id[65],
		  char **ret_matched)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_FREE char *remote = NULL;
	bool insecure;
	int r = image_resolve(st, name, ret_id, ret_matched);

	if (r != -CE_NO_IMAGE || !platform || !list_is(st, name))
		return r;
	err_drop();
	r = list_choose(st, name, platform, ret_id, &remote, &insecure);
	if (r == 0 && remote)
		return err_usage("the image for %s is not here but at %s; pull that first",
				 platform, remote);
	if (r == 0)
		r = list_find(st, name, &rec);
	if (r == 0)
		*ret_matched = xstrdup(rec.name);
	return r;
}

int image_of_platform(struct store *st, const char *name, const char *platform, char ret_id[65],
		      char **ret_matched)
{
	struct image_record *rec = NULL;
	int r = choose(st, name, platform, ret_id, ret_matched);

	if (r < 0 || !platform)
		return r;
	r = image_store_load(st, ret_id, &rec);
	if (r == 0)
		r = check_platform(rec, name, platform);
	image_record_free(rec);
	return r;
}
