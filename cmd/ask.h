/* SPDX-License-Identifier: MIT */
/* A question to whoever sits at the terminal. */
#pragma once
#include <stdbool.h>

#include "pkg/base/strv.h"

/** ask_can() - is somebody there: standard input and error are terminals. */
bool ask_can(void);
/** ask_which() - the index of what was chosen of @answers; nothing typed is the first. Usage error when nothing was. */
int ask_which(const char *question, const struct strv *answers);
