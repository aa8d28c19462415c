/* SPDX-License-Identifier: MIT */
/* Facts about this machine that version and info print. */
#pragma once

/** host_architecture() - as images name it: "amd64", "arm64". Static storage. */
const char *host_architecture(void);
