/* SPDX-License-Identifier: MIT */
/* Named and anonymous volumes: volumes/<name>/{_data,record.json}. */
#pragma once
#include <stdint.h>

#include "storage/store.h"

struct volume_record {
	char *name;
	bool anonymous;
	int64_t created_ns;
	struct strv labels; /* "k=v" */
	bool needs_copy_up; /* true until the first mount filled it (or found it filled) */
};
void volume_record_done(struct volume_record *r);

/** volume_create() - durable; -EEXIST when there. In B (the root of the volume belongs to B's root). */
int volume_create(struct store *st, const struct volume_record *r);
int volume_load(struct store *st, const char *name, struct volume_record *ret); /* -CE_NO_VOLUME */
int volume_save(struct store *st, const struct volume_record *r);
int volume_list(struct store *st, struct strv *ret_names);
int volume_remove(struct store *st, const char *name); /* to trash */
int volume_lock(struct store *st, const char *name);
char *volume_data_path(struct store *st, const char *name);
