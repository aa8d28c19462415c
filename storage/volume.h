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
	struct strv options; /* "type=…", "device=…", "o=…" as given */
	int64_t uid,
		gid; /* owner in a container; -1: that of the place where it is first mounted */
	bool needs_copy_up; /* true until the first mount filled it (or found it filled) */
	bool needs_chown; /* true until the first mount gave it an owner and a mode */
};
#define VOLUME_RECORD_NEW                                                        \
	{                                                                        \
		.uid = -1, .gid = -1, .needs_copy_up = true, .needs_chown = true \
	}
void volume_record_done(struct volume_record *r);

/** volume_create() - durable; -EEXIST when there. In B when it has an owner other than root. */
int volume_create(struct store *st, const struct volume_record *r);
int volume_load(struct store *st, const char *name, struct volume_record *ret); /* -CE_NO_VOLUME */
int volume_save(struct store *st, const struct volume_record *r);
int volume_list(struct store *st, struct strv *ret_names);
int volume_remove(struct store *st, const char *name); /* to trash */
/*
 * An anonymous volume goes with its container. One that several containers have says so in
 * volumes/<name>/users/<container id>, and goes with the last of them; without that directory it
 * has one user. The monitor of a --rm container reads the same (pkg/conmon/finish.c).
 */
int volume_join(struct store *st, const char *name, const char *container_id);
/** volume_leave() - 1: nobody else has it, 0: somebody has. -CE_NO_VOLUME. */
int volume_leave(struct store *st, const char *name, const char *container_id);
char *volume_data_path(struct store *st, const char *name);
