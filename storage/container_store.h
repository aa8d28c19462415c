/* SPDX-License-Identifier: MIT */
/*
 * Directories and names of containers. What stands in record.json is pkg/container's business, but
 * for four top-level keys that the store reads: "Name", "ImageID" (64 hex), "Layers" and "MountLayers"
 * (arrays of diffIDs, hex; the first bottom first): they decide what may be removed.
 *
 *	containers/<id>/record.json, upper/, work/, logs…    names/<name>: hard link of a record
 *
 * Ids are 64 hex digits; names name_is_valid(). Both are checked here, whoever calls (R28).
 */
#pragma once
#include "storage/store.h"

/* How a record begins, before the 64 digits of the id: what a name leads to is read off there. */
#define CONTAINER_RECORD_HEAD "{\"Id\":\""
#define CONTAINER_NAME_HEAD (sizeof(CONTAINER_RECORD_HEAD) - 1 + 64)

struct container_dirs {
	int data_fd; /* containers/<id> */
	int runtime_fd; /* runroot/<id> */
	char *data_path, *runtime_path;
};
/* Mode of upper/ until the first start gives it that of the image's root. No image's root has it. */
#define CONTAINER_UPPER_FRESH 01000
void container_dirs_done(struct container_dirs *d);

/**
 * container_store_create() - claim the name, make the data directory and the record, in an order that
 * a crash leaves nothing half-visible: staging directory complete, name, rename. A container never
 * appears without its name; a name whose container never came is free again.
 * upper/ and work/ are made too, the runtime directory by container_store_open(). The caller has held
 * store_lock() shared since it looked up the image.
 * @durable: false spares the syncs (3-7 ms), for what a power loss may take, as --rm containers.
 * Return: 0; -CE_NAME_IN_USE (trail names the holder).
 */
int container_store_create(struct store *st, const char *id, const char *name, const char *record,
			   size_t n, bool durable, struct container_dirs *ret);
int container_store_open(struct store *st, const char *id,
			 struct container_dirs *ret); /* makes runtime dir when missing */
/** container_store_look() - the same, but makes nothing: no runtime directory leaves runtime_fd negative. */
int container_store_look(struct store *st, const char *id, struct container_dirs *ret);
/** container_store_list_run() - those with a runtime directory, sorted: no other was started since the machine was. */
int container_store_list_run(struct store *st, struct strv *ret_ids);
/** container_store_resolve() - name, id or unique id prefix to id. -CE_NO_CONTAINER, -CE_AMBIGUOUS. */
int container_store_resolve(struct store *st, const char *name_or_id, char ret_id[65]);
/** store_name_holder() - the id written in names/<name>; -ENOENT (no trail); -CE_CORRUPT. */
int store_name_holder(struct store *st, const char *name, char ret_id[65]);
int container_store_list(struct store *st, struct strv *ret_ids);
/**
 * container_store_read() - the record's bytes; -CE_NO_CONTAINER when there is none, or an empty one,
 * which only a power loss leaves of a container that was not made durable.
 */
int container_store_read(struct store *st, const char *id, struct sbuf *ret_record);
struct json_object;
/** container_store_json() - the same, parsed, for who wants a few fields; @ret: NULL when the container went meanwhile, which is no error. */
int container_store_json(struct store *st, const char *id, struct json_object **ret);
int container_store_write(struct store *st, const char *id, const char *record, size_t n);
/** container_store_name() - rename: claim the new name, free the old one; the record is the caller's. -CE_NAME_IN_USE. */
int container_store_name(struct store *st, const char *id, const char *old_name,
			 const char *new_name);
/** container_store_remove() - move data to trash, unlink the name, drop runtime dir. No namespace needed. */
int container_store_remove(struct store *st, const char *id, const char *name);
/**
 * container_store_remove_lost() - of a container that was not durable, and whose record the caller could not read, what
 * a power loss left
 * Return: 1 when it was removed; 0 when it is a durable one (then that is damage), or somebody is at it.
 */
int container_store_remove_lost(struct store *st, const char *id);
/** container_store_lock() - the container's operation lock (start, rm, rename …); not the monitor's. Returns an fd; -CE_NO_CONTAINER. */
int container_store_lock(struct store *st, const char *id);
