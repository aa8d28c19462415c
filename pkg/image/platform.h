/* SPDX-License-Identifier: MIT */
/* What --platform of verbs about images of this store means. */
#pragma once
#include "storage/store.h"

struct image_record;

struct platform; /* pkg/oci/manifest.h */
/** image_config_platform() - what a config says its image is for, as it says it; released by platform_done(). */
int image_config_platform(const char *config, size_t n, struct platform *ret);
/** image_fits_platform() - does the image serve who wants @platform? @ret_for (may be NULL): what it is for, malloc'ed. */
bool image_fits_platform(const struct image_record *rec, const char *platform, char **ret_for);
/**
 * image_of_platform() - the image @name, or of a list made here the one for @platform
 * It must be for that platform (NULL: whichever it is for), else a usage error that says what it is for;
 * -CE_NO_IMAGE. @ret_matched: the name that @name stands for, malloc'ed; NULL for an id. Needs no namespace.
 */
int image_of_platform(struct store *st, const char *name, const char *platform, char ret_id[65],
		      char **ret_matched);
