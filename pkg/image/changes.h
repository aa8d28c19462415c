/* SPDX-License-Identifier: MIT */
/*
 * Instructions of a Containerfile that change only what an image's config says: CMD ENTRYPOINT ENV
 * EXPOSE LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR. Anything else is a usage error.
 */
#pragma once
#include "pkg/oci/image_config.h"

struct json_object;
struct sbuf;

/** image_changes_apply() - "CMD …", "ENV k=v" … on top of @c. */
int image_changes_apply(const struct strv *changes, struct image_config *c);
/** image_changes_write() - what instructions can set into the "config" object @o; its other keys stay. */
void image_changes_write(const struct image_config *c, struct json_object *o);
/** image_changes() - both, on an empty config; the object's text. */
int image_changes(const struct strv *changes, struct sbuf *ret);
