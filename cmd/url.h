/* SPDX-License-Identifier: MIT */
/* Files that are named by a URL. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "pkg/base/sbuf.h"

/** url_is() - does it begin as one that is fetched? http and https are. */
bool url_is(const char *s);
/** url_read() - append what it gives, at most @max bytes. @tls_verify: 0: certificates are not looked at. */
int url_read(const char *url, size_t max, int tls_verify, struct sbuf *ret);
