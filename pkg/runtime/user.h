/* SPDX-License-Identifier: MIT */
/* Who a process shall be, by the passwd and group files of its root. */
#pragma once
#include <sys/types.h>

#include "pkg/runtime/plan.h"

#define RT_GROUPS_MAX 65536

struct rt_ids {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* malloc'ed */
	unsigned n_groups;
	char *home; /* malloc'ed; "/" when passwd names none */
	bool user_named, group_named; /* passwd and group know them */
};

/** user_is_root() - does @spec, "USER[:GROUP]" or NULL, say that it is root? No file is asked. */
bool user_is_root(const char *spec);

/** user_resolve() - p->user and p->groups against passwd and group below @root (R19, R20, R21). */
int user_resolve(int root, const struct rt_process *p, struct rt_ids *ret);
