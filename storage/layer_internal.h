/* SPDX-License-Identifier: MIT */
/* Between the files that deal with layers. */
#pragma once
#include "storage/layer.h"

int layer_read_implied(struct store *st, const char *diffid, struct strv *ret);
