/* SPDX-License-Identifier: MIT */
/* Between the files that deal with layers. */
#pragma once
#include "storage/layer.h"

bool layer_id_is_valid(const char *s);
/** layer_check_id() - the same as a code: -CE_BAD_FORMAT. */
int layer_check_id(const char *s);
/** layer_is_lost() - 1: committed by an earlier boot and never synced, so that nothing in it can be trusted; 0; or a code. */
int layer_is_lost(int layers, const char *diffid);
/** layer_mark_unsettled() - in @dir, where a layer is made: not on the disk yet. */
int layer_mark_unsettled(int dir);
/** layer_read_implied() - the directories that its archive did not list; none is no error. */
int layer_read_implied(struct store *st, const char *diffid, struct strv *ret);
/** layer_record_shared() - the record of a layer in a shared store. */
int layer_record_shared(struct store *st, const char *diffid, struct layer_record *ret);
/** stack_drop_stale() - fix-up layers of chains that lost a layer go to the trash. Best effort. */
void stack_drop_stale(struct store *st);
