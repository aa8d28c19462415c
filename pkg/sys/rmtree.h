/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * rmtree() - remove @name below @dir and all it holds
 * By descriptors, never following links, never crossing into another mount; directories without
 * permission bits are opened up first. Depth is not limited by the stack. Missing is success.
 * -EBUSY: on a FUSE file system a file of it is open, by us or by others, and cannot go before it is closed.
 */
int rmtree(int dir, const char *name);
