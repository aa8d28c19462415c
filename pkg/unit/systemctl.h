/* SPDX-License-Identifier: MIT */
/* The user's systemd, through systemctl(1). */
#pragma once
#include <stdbool.h>

#include "pkg/base/sbuf.h"

/** systemctl_run() - "systemctl --user WORDS…" (ends with NULL); @out: what it printed. Its exit status or a code. */
int systemctl_run(const char *const *words, struct sbuf *out);
/** systemctl_is_there() - is there a user's systemd to talk to? */
bool systemctl_is_there(void);
/** systemctl_reload() - have it read its units again. */
int systemctl_reload(void);
