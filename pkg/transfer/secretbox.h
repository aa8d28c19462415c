/* SPDX-License-Identifier: MIT */
/* NaCl's secretbox, XSalsa20 and Poly1305: only opening, for keys that cosign wrote. */
#pragma once
#include "pkg/base/sbuf.h"

#define SECRETBOX_KEY 32
#define SECRETBOX_NONCE 24

/** secretbox_open() - appends what is in the box; -CE_DENIED (no trail) when it was not closed with this key and nonce. */
int secretbox_open(const unsigned char key[SECRETBOX_KEY],
		   const unsigned char nonce[SECRETBOX_NONCE], const struct sbuf *box,
		   struct sbuf *ret);
