/* SPDX-License-Identifier: MIT */
/* Volumes as users name them: made, found, filtered, shown, removed; and those of a container. */
#pragma once
#include "pkg/container/record.h"
#include "storage/volume.h"

struct json_object;
struct transfer_handler;

/* --- as users name them ---------------------------------------------------------------------- */

struct volume_request {
	const char *name; /* NULL: make one up */
	const char *driver;
	struct strv labels, options;
	int64_t uid, gid; /* -1: not given */
	bool ignore; /* succeed when it exists */
};
/** volume_request_check() - usage errors; what labels, options and owner come to, into @v, whose name is set. */
int volume_request_check(const struct volume_request *q, struct volume_record *v);
/** volume_make() - check all of it, then make it. @ret_name: malloc'ed. May enter the base namespace. */
int volume_make(struct store *st, const struct volume_request *q, char **ret_name);
/** volume_resolve() - a name or the unique beginning of one; -CE_NO_VOLUME, -CE_AMBIGUOUS. malloc'ed. */
int volume_resolve(struct store *st, const char *name, char **ret);

/** volume_inspect() - podman's shape; -CE_NO_VOLUME. The caller owns the object. */
int volume_inspect(struct store *st, const char *name, struct json_object **ret);
/** volume_users() - names of containers that have it in their record. */
int volume_users(struct store *st, const char *name, struct strv *ret);
/** volume_rows() - those that match the filters, sorted by name, as inspect objects. */
int volume_rows(struct store *st, const struct strv *filters, struct json_object **ret);
/** volume_create_told(), volume_remove_told() - of a record, and to trash, with the event. */
int volume_create_told(struct store *st, const struct volume_record *v);
int volume_remove_told(struct store *st, const char *name);
/** volume_drop() - remove one that no container has; -CE_IN_USE naming them. */
int volume_drop(struct store *st, const char *name);
/** volume_unused() - names of those that no container has and that match; @all: also those with a name of the user's. */
int volume_unused(struct store *st, bool all, const struct strv *filters, struct strv *ret);

/* --- its content ------------------------------------------------------------------------------ */

/** volume_where() - the directory of a volume (by name or beginning) on the host, malloc'ed; a tmpfs has none. */
int volume_where(struct store *st, const char *name, char **ret);
/** volume_export() - as tar to @fd. volume_import() - a tar, compressed or not, into it; owners stay. Both enter B. */
int volume_export(struct store *st, const char *name, int fd);
int volume_import(struct store *st, const char *name, int fd, const struct transfer_handler *h);

/* --- filters: same key ORs (label ANDs), different keys AND ----------------------------------- */

struct volume_use { /* of all volumes, from one look at all containers */
	struct strv used; /* names, once for each container */
	struct strv mounted; /* of running containers */
};
int volume_use_load(struct store *st, struct volume_use *ret);
void volume_use_done(struct volume_use *u);
unsigned volume_count(const struct strv *names, const char *name);
int volume_filters_check(struct store *st, const struct strv *filters);
bool volume_filters_match(struct store *st, const struct strv *filters,
			  const struct volume_record *v, const struct volume_use *use);

/* --- what its options mean -------------------------------------------------------------------- */

enum volume_type { VOLUME_PLAIN, VOLUME_TMPFS, VOLUME_BIND };
/**
 * volume_options() - the kind of mount a record's options ask for, into @ret (source, data, flags)
 * A usage error names the option that is unknown or that an ordinary user cannot have.
 */
int volume_options(const struct volume_record *v, enum volume_type *ret_type,
		   struct mount_spec *ret);

/* --- of a container --------------------------------------------------------------------------- */

/** volumes_make() - those of its mounts that are not there yet; joins the anonymous ones of others. */
int volumes_make(struct store *st, struct container_record *rec);
/** volumes_unmake() - after a failed creation: what was made for it alone goes. */
void volumes_unmake(struct store *st, const struct container_record *rec);
