/* SPDX-License-Identifier: MIT */
/* Transient scopes of the user's systemd, over D-Bus. Only for pkg/cgroup. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "pkg/base/sbuf.h"

/**
 * scope_start() - a delegated scope "@name.scope" in @slice with @pid in it; waits until it is so
 * @name: NULL for "cuddy-@id". A unit of that name may be going still: then a number is added.
 */
int scope_start(const char *id, const char *name, const char *slice, pid_t pid,
		uint32_t stop_timeout_s);
/** scope_join() - the scope "cuddy-pod-@id.scope": made with @pid in it, or @pid into its "supervisor". */
int scope_join(const char *id, const char *slice, pid_t pid, uint32_t stop_timeout_s);
/** scope_attach() - have systemd move @pid into the cgroup @dir, which lies in a scope of ours. */
int scope_attach(const char *dir, pid_t pid);
