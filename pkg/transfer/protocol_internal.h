/* SPDX-License-Identifier: MIT */
/* Parts of several bodies; for the files of protocol.h. */
#pragma once
#include "pkg/transfer/protocol.h"

void wire_put_access(struct sbuf *b, const struct transfer_access *a);
bool wire_get_access(struct wire_reader *r, struct transfer_access *a);
void wire_put_sign(struct sbuf *b, const struct transfer_sign *s);
void wire_get_sign(struct wire_reader *r, struct transfer_sign *s);
void wire_put_form(struct sbuf *b, const struct transfer_form *f);
void wire_get_form(struct wire_reader *r, struct transfer_form *f);
