/* SPDX-License-Identifier: MIT */
/*
 * Users of the host by number. cuddy is linked statically, where the C library's own look-up would
 * load shared objects of another C library: /etc/passwd is read here, and getent(1) asks the name
 * services of hosts whose users are elsewhere (LDAP, sssd).
 */
#pragma once
#include <sys/types.h>

struct passwd_entry {
	char *name, *home; /* malloc'ed */
};

/** passwd_find() - -ENOENT (no trail) when neither knows the number. */
int passwd_find(uid_t uid, struct passwd_entry *ret);
void passwd_entry_done(struct passwd_entry *e);
