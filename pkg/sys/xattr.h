/* SPDX-License-Identifier: MIT */
/* Extended attributes that are content of files: user.* and security.capability. */
#pragma once
#include <stdbool.h>

/**
 * xattr_copy() - all but those of overlay
 * What the target cannot hold (no user attributes on an older tmpfs) is left behind, as cp does.
 */
void xattr_copy(int from, int to);
/** xattr_copy_all() - the same, but what cannot be copied is an error. @overlay: its own, too. */
int xattr_copy_all(int from, int to, bool overlay);
