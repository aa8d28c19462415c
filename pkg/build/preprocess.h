/* SPDX-License-Identifier: MIT */
/* Containerfiles whose name ends in ".in": through the C preprocessor first, as buildah does. */
#pragma once
#include <stdbool.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

/** preprocess_wanted() - does the name ask for it? */
bool preprocess_wanted(const char *name);
/**
 * preprocess() - @text through cpp, in place
 * @context: the context's path, where #include "FILE" looks; files are read with the rights of the user.
 * @flags: --cpp-flag. Runs a program, /usr/bin/cpp; -CE_HOST_SETUP where there is none.
 */
int preprocess(const char *context, const struct strv *flags, struct sbuf *text);
