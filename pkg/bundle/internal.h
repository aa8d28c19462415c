/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/bundle/bundle.h"

/* What lives as long as the bundle. */
void *bundle_keep(struct bundle *b, size_t n, size_t size); /* zeroed */
const char *bundle_keep_str(struct bundle *b, char *s); /* takes @s */
const char *const *
bundle_strings(const struct strv *sv); /* as it stands; an empty one is a list too */

/** bundle_mounts() - after the namespaces are decided. */
int bundle_mounts(struct bundle *b, const struct bundle_host *h);
int bundle_namespaces(struct bundle *b, const struct bundle_host *h);
int bundle_devices(struct bundle *b);
/** bundle_mount_words() - sorted, the options of mounts that are no file system's own. */
void bundle_mount_words(struct strv *ret);
/** bundle_hooks() - that part of the plan alone. */
void bundle_hooks(struct bundle *b, const char *id);
