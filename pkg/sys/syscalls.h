/* SPDX-License-Identifier: MIT */
/* Processes of ours that read foreign bytes: the only system calls they can still make. */
#pragma once
#include <stddef.h>

#define SYSCALLS_MAX 200

/**
 * syscalls_allow_only() - all but the @n calls of @allowed fail with EPERM from here on, also in children
 * Wants no_new_privs. Nothing happens on a machine that we have no table for, and under AddressSanitizer,
 * which makes calls of its own; what else was given up remains given up.
 */
int syscalls_allow_only(const unsigned short *allowed, unsigned n);
