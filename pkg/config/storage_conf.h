/* SPDX-License-Identifier: MIT */
/* storage.conf, as far as it concerns us: where further images are, and how images are pulled. */
#pragma once
#include "pkg/base/strv.h"

/**
 * storage_conf_stores() - directories of read-only image stores, in the order in which they are asked
 * From STORAGE_OPTS ("additionalimagestore=DIR,…", what --storage-opt says), then from
 * additionalimagestores in [storage.options] of the first there is of: CONTAINERS_STORAGE_CONF alone,
 * ~/.config/containers/storage.conf, /etc/containers/storage.conf, /usr/share/containers/storage.conf.
 * Whatever else is in these files (graphroot, driver) is about podman's own store and is passed over.
 */
int storage_conf_stores(struct strv *ret);
/** storage_conf_path() - of the first of these files that is there, else of the user's; malloc'ed. */
char *storage_conf_path(void);
/**
 * storage_conf_partial() - may of a layer only that part be fetched which is not here?
 * enable_partial_images in [storage.options.pull_options] of the same file, "true" unless said otherwise.
 */
int storage_conf_partial(bool *ret);
/**
 * storage_conf_sync() - are layers to be on the disk before they count after a power loss?
 * sync in [storage.options.overlay] or [storage.options] of the same file, "filesystem" unless it says "none".
 */
int storage_conf_sync(bool *ret);
