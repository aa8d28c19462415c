/* SPDX-License-Identifier: MIT */
/*
 * Directories and names of containers. What stands in record.json is pkg/container's business.
 *
 *	containers/<id>/record.json, upper/, work/, logs…    names/<name>: content "<id>\n"
 */
#pragma once
#include "storage/store.h"

struct container_dirs {
	int data_fd;        /* containers/<id> */
	int runtime_fd;     /* runroot/<id> */
	char *data_path, *runtime_path;
};
void container_dirs_done(struct container_dirs *d);

/**
 * container_store_create() - claim the name, make both directories and the record, in an order that
 * a crash leaves nothing half-visible: staging directory complete, rename, name link last.
 * upper/ and work/ are made too (mode and owner right for a root directory).
 * Return: 0; -CE_NAME_IN_USE (trail names the holder).
 */
int container_store_create(struct store *st, const char *id, const char *name, const char *record, size_t n,
			   struct container_dirs *ret);
int container_store_open(struct store *st, const char *id, struct container_dirs *ret); /* makes runtime dir when missing */
/** container_store_resolve() - name, id or unique id prefix to id. -CE_NO_CONTAINER, -CE_AMBIGUOUS. */
int container_store_resolve(struct store *st, const char *name_or_id, char ret_id[65]);
int container_store_list(struct store *st, struct strv *ret_ids);
int container_store_read(struct store *st, const char *id, struct sbuf *ret_record);
int container_store_write(struct store *st, const char *id, const char *record, size_t n);
int container_store_name(struct store *st, const char *id, const char *old_name, const char *new_name);
/** container_store_remove() - unlink the name, move data to trash, drop runtime dir. In B. */
int container_store_remove(struct store *st, const char *id, const char *name);
/** container_store_lock() - the container's operation lock (start, rm, rename …); not the monitor's. Returns an fd. */
int container_store_lock(struct store *st, const char *id);
