/* SPDX-License-Identifier: MIT */
/* Facts about this machine that version and info print. */
#pragma once

/** host_architecture() - as images name it: "amd64", "arm64". Static storage. */
const char *host_architecture(void);
/** host_own_program() - absolute path of this program, malloc'ed. */
int host_own_program(char **ret);
