/* SPDX-License-Identifier: MIT */
/* Between the files that deal with layers. */
#pragma once
#include "storage/layer.h"

int layer_read_implied(struct store *st, const char *diffid, struct strv *ret);
/** layer_record_shared() - the record of a layer in a shared store. */
int layer_record_shared(struct store *st, const char *diffid, struct layer_record *ret);
/** stack_drop_stale() - fix-up layers of chains that lost a layer go to the trash. Best effort. */
void stack_drop_stale(struct store *st);
