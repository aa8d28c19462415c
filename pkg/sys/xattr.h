/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * xattr_copy() - extended attributes that are content: user.* and security.capability
 * Not those of overlay. What the target cannot hold (no user xattrs on an older tmpfs) is left behind,
 * as cp does.
 */
void xattr_copy(int from, int to);
