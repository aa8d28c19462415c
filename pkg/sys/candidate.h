/* SPDX-License-Identifier: MIT */
/*
 * What a process writes down so that others find the user namespace it is in, or has a descriptor of:
 * "base/<pid>" below the runtime directory, locked for as long as the process lives. A hint; pkg/runtime/base.c
 * says what makes it trustworthy.
 */
#pragma once
#include <stdint.h>

struct sbuf;

/** candidate_maps() - "uid_map;gid_map" of /proc/@who, each line as "inside:outside:count", "," between. */
int candidate_maps(const char *who, struct sbuf *out);
/** candidate_offer() - @path in our /proc directory ("ns/user", "fd/7") leads to a namespace with that @inode and those @maps. */
int candidate_offer(int runtime_dir, const char *path, uint64_t inode, const char *maps);
/** candidate_offer_own() - the user namespace we are in; also from within another pid namespace. */
int candidate_offer_own(int runtime_dir);
/** candidate_withdraw() - take back what this process offered; nothing when it did not. */
void candidate_withdraw(int runtime_dir);
