/* SPDX-License-Identifier: MIT */
/* Names of images: given and taken away. */
#pragma once
#include "pkg/base/strv.h"
#include "storage/store.h"

/**
 * image_tag_name() - the full reference a new name stands for, malloc'ed
 * What has no registry gets localhost/, what has no tag gets latest. A digest is no name: usage error.
 */
int image_tag_name(const char *name, char **ret);
/** image_tag() - @names point at the image as well, or instead of another one. All are checked first. */
int image_tag(struct store *st, const char *image, const struct strv *names);
/** image_untag() - take @names (none: all of them) from the image, which stays. Each must be one of its names. */
int image_untag(struct store *st, const char *image, const struct strv *names);
