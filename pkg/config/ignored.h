/* SPDX-License-Identifier: MIT */
/*
 * Keys of configuration files that have no effect here. Those files are shared with podman and its
 * like, so such keys are no errors; but who wrote one expects something of it, and is told once
 * (cmd/store.c), and by "doctor" each time.
 */
#pragma once
#include "pkg/base/strv.h"

/**
 * conf_ignored() - note that a key was read that nothing is done with
 * @table: "" for the top. @value: of a string, else NULL. Nothing is noted of keys that concern only how podman itself works inside, of values
 * that are so here anyway, and in files below /usr/share.
 */
void conf_ignored(const char *file, const char *table, const char *key, const char *value);
/** conf_ignored_list() - "FILE: [table] key: reason" of all that were noted so far; part of this file. */
const struct strv *conf_ignored_list(void);
