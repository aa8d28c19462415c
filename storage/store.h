/* SPDX-License-Identifier: MIT */
/*
 * The store: every durable file of one user, and the runtime directory beside it.
 *
 *	$XDG_DATA_HOME/cuddy   (--root, CUDDY_ROOT; moved by rule when the file system cannot hold it)
 *		version: format, driver (marker.h)
 *		layers/<diffid hex>/{tree,record.json}     images/<config digest hex>/{config,manifest,record.json}
 *		networks/<name>.json                       pods/<name>.json
 *		refs/<escaped reference>                   blobs/<digest hex>
 *		containers/<id>/…                          names/<name> (hard link of its record)
 *		volumes/<name>/{_data,record.json}         secrets/{<name>.json,<id>.data}
 *		lists/<escaped reference>                  artifacts/<escaped reference>
 *		parts/<digest> (part.h)
 *		staging/  trash/  cache/  locks/           runtime -> where the next line's is, unless it was named
 *	$XDG_RUNTIME_DIR/cuddy (--runroot, CUDDY_RUNROOT; else a verified 0700 /tmp/cuddy-<uid>)
 *		<container id>/…  base/  base.lock
 *
 * Lock order: store → layer → image → container → volume; none is held across a network transfer.
 * Trees below layers/, containers/ and volumes/ hold files of subordinate ids: whoever writes or
 * removes there has called base_enter() first. Reading records needs no namespace.
 */
#pragma once
#include <stdbool.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "storage/driver.h"

enum store_dir {
	STORE_LAYERS,
	STORE_IMAGES,
	STORE_REFS,
	STORE_BLOBS,
	STORE_CONTAINERS,
	STORE_NAMES,
	STORE_VOLUMES,
	STORE_NETWORKS,
	STORE_PODS,
	STORE_STAGING,
	STORE_TRASH,
	STORE_CACHE,
	STORE_LOCKS,
	STORE_SECRETS,
	STORE_LISTS,
	STORE_ARTIFACTS,
	STORE_PARTS,
	STORE_BUILDERS,
	STORE_DIR_COUNT
};

struct store_options {
	const char *root; /* NULL: by the rules above */
	const char *runroot;
	const char *driver; /* NULL: the store's, or for a new one the best that works */
};

struct store;

/** store_open() - open, making what is missing; every directory verified ours and 0700 (D10, H01, H02). */
int store_open(const struct store_options *o, struct store **ret);
/* Where a store is, or would be made. */
struct store_place {
	char *path; /* malloc'ed */
	bool exists;
	bool may_move; /* a new one goes to store_local_path() where overlay does not work at @path */
	enum store_driver driver; /* when it exists */
};
/** store_locate() - what store_open() would find, nothing made or changed. */
int store_locate(const struct store_options *o, struct store_place *ret);
char *store_local_path(void); /* malloc'ed */
/**
 * store_notice() - one line to tell the user, NULL mostly: the store was just made, and elsewhere or
 * with another driver than usual because of the file system. Said once.
 */
const char *store_notice(const struct store *st);
void store_close(struct store *st);
void store_closep(struct store **st);
enum store_driver store_driver(const struct store *st);
/** store_has_file_marks() - layers hold .wh. files instead of overlay's whiteouts and opaque marks. */
bool store_has_file_marks(const struct store *st);
const char *store_root(const struct store *st); /* absolute path */
const char *store_runroot(const struct store *st);
int store_fd(const struct store *st,
	     enum store_dir d); /* owned by the store; opened on first use */
int store_runtime_fd(const struct store *st);
char *store_path(const struct store *st, enum store_dir d,
		 const char *name); /* malloc'ed absolute path */

/**
 * store_lock() - the store's own lock, first in the lock order; a descriptor
 * Shared: whoever turns "this image has these layers" into something that keeps them (creating a
 * container, adding to a lease), from the look-up to the moment it stands on disk. Exclusive: whoever
 * decides that something is unused and removes it. Held for milliseconds, never while data moves.
 */
int store_lock(struct store *st, bool exclusive);

/** store_trash() - rename @name of @d into trash/ under a unique name: gone for everybody, deleted later. */
int store_trash(struct store *st, enum store_dir d, const char *name);
/** store_empty_trash() - delete what lies there and staging of dead processes. In B. Best effort, quick when empty. */
int store_empty_trash(struct store *st);
/** store_trash_names() - what lies there, in no order. */
int store_trash_names(struct store *st, struct strv *ret);
/** store_trash_delete() - one thing of it; 0 when it is gone, or somebody else is busy with it. In B. */
int store_trash_delete(struct store *st, const char *name);
/**
 * store_erase() - remove everything, whatever it looks like; what remains is an empty directory
 * In B, with nothing running in it. The marker goes last: until then it is a store with less in it.
 */
int store_erase(struct store *st);
/** store_trash_is_empty() - nothing there but what its deleter is busy with; cheap, no namespace. */
bool store_trash_is_empty(struct store *st);
