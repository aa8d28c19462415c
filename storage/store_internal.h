/* SPDX-License-Identifier: MIT */
/* What the files of storage/ share and nobody else needs. */
#pragma once
#include "pkg/base/path.h"
#include "storage/store.h"

/* How the directory begins in which a new store tries out the file system. */
#define PROBE_DIR ".tmp-probe-"

struct shared_list; /* shared.c */
struct shared_list **store_shared(struct store *st);
void shared_list_free(struct shared_list *l);

/** store_is_empty() - 1 when @d has no such entry, 0, or a code. */
int store_is_empty(struct store *st, enum store_dir d);
/** store_names() - entries of @d, sorted, without those that start with a dot. */
int store_names(struct store *st, enum store_dir d, struct strv *ret);
/** store_names_of() - the same of those that end with @ending, without it. */
int store_names_of(struct store *st, enum store_dir d, const char *ending, struct strv *ret);
/** store_has() - is there a @name in @d? */
bool store_has(struct store *st, enum store_dir d, const char *name);
/** store_drop_lock() - an entry of locks/, held by the caller, is not needed any more. */
void store_drop_lock(struct store *st, const char *name);
/** container_store_try_lock() - container_store_lock() of a container that need not be there; -EWOULDBLOCK. */
int container_store_try_lock(struct store *st, const char *id);
