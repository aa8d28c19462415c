/* SPDX-License-Identifier: MIT */
/* What --platform of verbs about images of this store means. */
#pragma once
#include "storage/store.h"

/**
 * image_of_platform() - the image @name, or of a list made here the one for @platform
 * It must be for that platform (NULL: whichever it is for), else a usage error that says what it is for;
 * -CE_NO_IMAGE. @ret_matched: the name that @name stands for, malloc'ed; NULL for an id. Needs no namespace.
 */
int image_of_platform(struct store *st, const char *name, const char *platform, char ret_id[65],
		      char **ret_matched);
