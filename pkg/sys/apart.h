/* SPDX-License-Identifier: MIT */
/* What changes the process for good (namespaces, ids), done in a child. */
#pragma once
#include "pkg/base/sbuf.h"

/**
 * apart_run() - run @job(@arg, …) in a child, wait, and return what it returned: a code with its trail, or 0
 * What it adds to its @out arrives in @ret (NULL: nothing is wanted); at most APART_MAX bytes.
 * Return: as @job; -EPIPE when the child died.
 */
int apart_run(int (*job)(const void *arg, struct sbuf *out), const void *arg, struct sbuf *ret);
#define APART_MAX (1UL << 20)
