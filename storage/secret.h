/* SPDX-License-Identifier: MIT */
/*
 * Secrets: secrets/<name>.json says what one is, secrets/<id>.data holds it; both 0600 in a 0700
 * directory. A new value is a new file, and the record names it in one rename: a reader has the old
 * value or the new one, in full.
 */
#pragma once
#include <stdint.h>

#include "storage/store.h"

#define SECRET_MAX 512000U /* podman's limit */
#define SECRET_ID_DIGITS 25

struct secret_record {
	char *name, *id;
	int64_t created_ns, updated_ns;
	struct strv labels; /* "k=v" */
};
void secret_record_done(struct secret_record *r);

/** secret_lock() - against who makes, replaces or removes one meanwhile. The others here take it themselves. */
int secret_lock(struct store *st);
/** secret_put() - durable. -EEXIST (no trail) when there is one and not @replace, whose creation time stays. */
int secret_put(struct store *st, struct secret_record *r, const void *data, size_t n, bool replace);
int secret_load(struct store *st, const char *name, struct secret_record *ret); /* -CE_NO_SECRET */
/** secret_read() - the value; the caller wipes it (secret_wipe()). */
int secret_read(struct store *st, const struct secret_record *r, struct sbuf *ret);
void secret_wipe(struct sbuf *data);
int secret_list(struct store *st, struct strv *ret_names);
int secret_remove(struct store *st, const char *name);
