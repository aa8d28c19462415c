/* SPDX-License-Identifier: MIT */
/* Images put into the store, and told of in the journal of events (storage/event.h). */
#pragma once
#include "storage/image_store.h"

/**
 * image_put_told() - image_store_put(), and an event @status for each of its names, or for its id
 * By who puts them: whoever is killed before the line has said what it would be. @status: NULL for none.
 */
int image_put_told(struct store *st, const struct image_record *rec, const char *status);
