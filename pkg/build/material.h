/* SPDX-License-Identifier: MIT */
/*
 * What a build is made of, for its provenance: base images, URLs and repositories, with what they held. A line
 * each, "URI ALGORITHM:HEX", in a file that all processes and all platforms of a build share
 * (build_options.materials); nothing is noted without one, and what cannot be noted fails nobody.
 */
#pragma once
#include "pkg/build/builder.h"

/** material_image() - a base image by the name that it was found by. */
void material_image(struct builder *b, const char *name, const char *platform,
		    const struct image_record *rec);
/** material_remote() - @content: 64 hex digits or "sha256:…" of a file, 40 of a commit. */
void material_remote(struct builder *b, const char *url, const char *content);
/** material_file() - what is in @fd came from @url. */
void material_file(struct builder *b, const char *url, int fd);
/** material_image_uri() - an image as a package URL: pkg:docker/NAME@TAG?platform=…; malloc'ed. */
char *material_image_uri(const char *name, const char *platform);
