/* SPDX-License-Identifier: MIT */
#include "pkg/image/platform.h"

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "pkg/image/manifest_list.h"
#include "pkg/oci/image_config.h"
#include "pkg/oci/manifest.h"

int image_config_platform(const char *config, size_t n, struct platform *ret)
{
	AUTO(image_config_done) struct image_config c = {0};
	int r = image_config_parse(config, n, &c);

	if (r < 0)
		return err_wrap(r, "config");
	ret->os = c.os ? xstrdup(c.os) : NULL;
	ret->architecture = c.architecture ? xstrdup(c.architecture) : NULL;
	ret->variant = c.variant ? xstrdup(c.variant) : NULL;
	return 0;
}

bool image_fits_platform(const struct image_record *rec, const char *platform, char **ret_for)
{
	AUTO(platform_done) struct platform want = {0}, have = {0};

	if (image_config_platform(rec->config, rec->config_len, &have) < 0 ||
	    platform_parse(platform, &want) < 0) {
		err_drop();
		return true; /* whoever uses it says what is wrong with it */
	}
	platform_normalise(&have);
	if (ret_for)
		*ret_for = platform_text(&have);
	return platform_matches(&want, &have);
}

static int check_platform(const struct image_record *rec, const char *name, const char *platform)
{
	AUTO(platform_done) struct platform want = {0};
	AUTO_FREE char *is_for = NULL;
	int r = platform_parse(platform, &want);

	if (r < 0 || image_fits_platform(rec, platform, &is_for))
		return r;
	return err_usage("--platform %s: %s is for %s; pull it for that platform first", platform,
			 name, is_for);
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
