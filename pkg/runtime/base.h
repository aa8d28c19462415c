/* SPDX-License-Identifier: MIT */
/*
 * B, the user's base namespace (design: one user namespace with all subordinate ids, made once,
 * joined by later invocations through any live monitor; no process exists only to hold it).
 *
 * @runtime_dir is the verified 0700 runtime directory. Below it: "base.lock" (creation),
 * "base/<pid>" (candidates: one per monitor, and one per process that made a B or starts something in it; each file is locked by
 * its writer for life and says "pid start inode path-in-/proc/<pid>" and the maps B was made with).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct subid_range {
	uint32_t start, count;
};

/* What the host grants this user: from /etc/subuid and /etc/subgid (name or number), or getsubids. */
struct base_grant {
	uid_t uid;
	gid_t gid;
	struct subid_range *uids, *gids; /* owned; none means single-id mode */
	unsigned n_uids, n_gids;
};

/** base_grant_load() - a copy of what the first call of this process read */
int base_grant_load(struct base_grant *ret);
void base_grant_forget(void); /* the next one reads again */
void base_grant_done(struct base_grant *g);
/** base_grant_is_single() - only our own id can be mapped: ranges of uids or of gids are missing. */
bool base_grant_is_single(const struct base_grant *g);
/** base_grant_is_of() - is @name, a name or number, the user whose grant this is? */
bool base_grant_is_of(const struct base_grant *g, const char *name);
/**
 * base_grant_sharer() - whose subordinate ids are also ours: malloc'ed "NAME (FILE line N)", NULL when nobody's
 * Each user of the two owns what the other's containers write.
 */
char *base_grant_sharer(const struct base_grant *g);
/** base_single_hint() - malloc'ed line that says so and names the command that mends it; to be shown once. */
char *base_single_hint(const struct base_grant *g);

/**
 * base_open() - descriptor of B: verified join of an existing one, or a new one
 * A candidate counts only if its pidfd matches, its monitor's lock is held, the namespace's owner
 * is our euid, its parent is ours and its inode is the recorded one (threats R32).
 * @ret_single: only our own id is mapped (no subordinate ids).
 * Return: a namespace descriptor; -CE_HOST_SETUP with the one mending line when helpers, ranges or
 * kernel settings are missing.
 */
int base_open(int runtime_dir, const struct base_grant *g, bool *ret_single);
/**
 * base_open_held() - the same, for who starts something there: until base_release(), or our end, it is the
 * B of all who come, although its last monitor may be killed in this moment
 */
int base_open_held(int runtime_dir, const struct base_grant *g, bool *ret_single);
/**
 * base_prepare() - if there is no B yet, have its maps written while the caller does what needs none
 * For who is sure to need it; base_open() and its like wait for it. Forks: no lock must be held. Errors are theirs to tell.
 */
void base_prepare(int runtime_dir);
/** base_unprepare() - it will not be needed after all. */
void base_unprepare(void);
/** base_release() - what we started is a candidate itself now. */
void base_release(int runtime_dir);

/**
 * base_enter() - move this (single-threaded) process into B with a private mount namespace
 * Afterwards uid and gid are 0 in B with all capabilities there; the host's mounts are visible,
 * new mounts are not seen outside. Calling it twice is a no-op. Inside of a B it is the mount namespace alone.
 */
int base_enter(int runtime_dir, const struct base_grant *g);
/**
 * base_is_inherited() - were we started inside of a B, as by "cuddy unshare"?
 * That is: as root of a user namespace with just the ids of @g, the grant of the user who is 0 there. It
 * is then our B, whoever made it, and nobody is asked for another one.
 */
bool base_is_inherited(const struct base_grant *g);
/**
 * base_shared_with_caller() - 0 inside of "cuddy unshare", where whoever called us sees what we mount
 * Else -CE_UNSUPPORTED with what to do.
 */
int base_shared_with_caller(void);
/** base_enter_own() - the same with the grant of the user we are. */
int base_enter_own(int runtime_dir);
bool base_is_entered(void);
/** base_try() - can a B be made with @g, and mounts in it? It is gone again at once, and nothing was written. Errors as base_open(). */
int base_try(const struct base_grant *g);
/** base_try_proc() - can a proc be mounted in a pid namespace below such a B? */
int base_try_proc(const struct base_grant *g);
/** base_new_proc() - a detached proc of the pid namespace we are in; a descriptor, or -CE_HOST_SETUP. */
int base_new_proc(const char *options);

/** base_register() - make the calling process (a monitor, already in B) a candidate; removed by the next reader after it died. */
int base_register(int runtime_dir);
