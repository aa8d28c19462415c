/* SPDX-License-Identifier: MIT */
/* Base64, RFC 4648, standard alphabet. */
#pragma once
#include "pkg/base/sbuf.h"

/** base64_encode() - standard alphabet with padding, malloc'ed. */
char *base64_encode(const void *p, size_t n);
/** base64_decode() - appends; -EINVAL (no trail) on anything odd. */
int base64_decode(const char *s, struct sbuf *out);
