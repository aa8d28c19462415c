/* SPDX-License-Identifier: MIT */
/* Remove what nobody uses. What is taken into use meanwhile stays, what others removed is no error. */
#pragma once
#include <stdint.h>

#include "storage/store.h"

/** What became of one: @r 0 (removed), or an error with its trail, which the callee reports or drops. */
typedef void prune_told(const char *id, int r, void *arg);

/** container_prune() - all that do not run and match @filters, with their anonymous volumes. */
int container_prune(struct store *st, const struct strv *filters, prune_told *told, void *arg);
/** volume_prune() - @names, from volume_unused(). */
void volume_prune(struct store *st, const struct strv *names, prune_told *told, void *arg);
/**
 * prune_reclaim() - delete what lies in the trash for good; @ret: the bytes it took
 * Moves the process into the base namespace: the last thing to do.
 */
int prune_reclaim(struct store *st, uint64_t *ret);
