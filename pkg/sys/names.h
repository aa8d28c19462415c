/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/base/strv.h"

/** dir_names() - append the names in the directory @dir (any open directory) but "." and "..", in no order. 0 or a code. */
int dir_names(int dir, struct strv *ret);
