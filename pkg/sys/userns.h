/* SPDX-License-Identifier: MIT */
/* User namespaces: what the kernel says about one, and writing its maps. Returns 0/fd or a code with a trail. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/** userns_parent() - descriptor of the namespace that owns @ns; -EPERM when it is outside our own. */
int userns_parent(int ns);
/** userns_of() - descriptor of the user namespace that @ns, one of another kind, belongs to. */
int userns_of(int ns);
/** userns_owner() - uid, as we see it, of whoever made @ns. */
int userns_owner(int ns, uid_t *ret);
/** userns_inode() - the number that tells one living namespace from another. */
int userns_inode(int ns, uint64_t *ret);
/** userns_write() - write @text to /proc/@pid/@file (uid_map, gid_map, setgroups) in one write(). */
int userns_write(pid_t pid, const char *file, const char *text);
/** userns_become_root() - in a new one, for its only process: @uid and @gid, what we were outside, are mapped to 0. */
int userns_become_root(uid_t uid, gid_t gid);
/** userns_is_initial() - is this process in the machine's first user namespace? */
int userns_is_initial(void);
/**
 * userns_create_as() - files that this process makes belong to these ids from now on; it keeps its capabilities
 * For file systems of a namespace that our own id is not mapped in.
 */
int userns_create_as(uid_t uid, gid_t gid);
