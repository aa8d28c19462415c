/* SPDX-License-Identifier: MIT */
/* Between the files that check the store, and those they look into. */
#pragma once
#include "storage/check.h"

/** finding_of_error() - with the trail of @r for words, which is dropped. */
void finding_of_error(struct findings *f, enum finding_kind k, const char *name, int r);

/* With store_lock() exclusive. */
int check_images(struct store *st, struct findings *f);
int check_lists(struct store *st, bool content, struct findings *f);
int check_networks(struct store *st, struct findings *f);
/** check_artifacts() - no lock of the store's is needed. @content: read their blobs, too. */
int check_artifacts(struct store *st, bool content, struct findings *f);
int stack_check(struct store *st, struct findings *f);
/** image_store_rebuild() - a new record from config, manifests and names; 0 or a code. */
int image_store_rebuild(struct store *st, const char *id);
/** layer_forget_blob() - the archive that was kept of it is dropped; what its digest was stays known. */
int layer_forget_blob(struct store *st, const char *diffid);
/** volume_rebuild() - a record where there is none that can be read; @data: the directory, too. */
int volume_rebuild(struct store *st, const char *name, bool data);
