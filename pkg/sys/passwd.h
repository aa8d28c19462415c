/* SPDX-License-Identifier: MIT */
/*
 * Users of the host by number or name. cuddy is linked statically, where the C library's own look-up would
 * load shared objects of another C library: /etc/passwd is read here, and getent(1) asks the name
 * services of hosts whose users are elsewhere (LDAP, sssd).
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>

struct passwd_entry {
	char *name, *full_name, *home; /* malloc'ed */
	uint32_t uid, gid;
};

/** passwd_find() - -ENOENT (no trail) when neither knows the number. */
int passwd_find(uid_t uid, struct passwd_entry *ret);
int passwd_find_name(const char *name, struct passwd_entry *ret);
/** passwd_group_name() - malloc'ed; NULL when /etc/group does not know the number. */
char *passwd_group_name(gid_t gid);
void passwd_entry_done(struct passwd_entry *e);
