/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/pod/pod.h"

/** pod_shares() - is this kind of namespace shared? */
bool pod_shares(const struct pod_record *pod, const char *what);
/** pod_remove_locked() - with pod_lock(). */
int pod_remove_locked(struct store *st, const struct pod_record *pod, const struct pod_removal *o);
