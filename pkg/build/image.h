/* SPDX-License-Identifier: MIT */
/*
 * The image a stage is about to become: a config that instructions change. What a base image's
 * config says and we do not know is kept.
 */
#pragma once
#include <stdbool.h>

#include "pkg/json/json.h"
#include "pkg/oci/image_config.h"
#include "pkg/oci/manifest.h"

struct build_image {
	struct image_config c;
	struct json_object *doc; /* of the base image; NULL: scratch */
};

#define BUILD_DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void build_image_done(struct build_image *b);
/** build_platform() - what images are for: @text, NULL for this machine's own platform. */
int build_platform(const char *text, struct platform *ret);
/** build_image_scratch() - nothing, for a platform. */
void build_image_scratch(const struct platform *p, struct build_image *ret);
int build_image_from(const char *config, size_t n, struct build_image *ret);
void build_image_copy(const struct build_image *from, struct build_image *ret);
/**
 * build_image_write() - the config document
 * @history: entries after those of the base image, NULL: no history at all; @layers: diffIDs, hex,
 * bottom first. @squashed: there are fewer of them than entries say; the last stands for what is gone.
 * @created_ns: of the image. The same input gives the same bytes.
 */
void build_image_write(const struct build_image *b, struct json_object *history, bool squashed,
		       const struct strv *layers, int64_t created_ns, struct sbuf *out);
