/* SPDX-License-Identifier: MIT */
/* What only statx(2) tells. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** statx_is_mount_point() - is something mounted at @path below @dir? No links are followed at its end. */
bool statx_is_mount_point(int dir, const char *path);
/** statx_mount_id() - of the mount that @fd lies on; 0 before Linux 5.8. A code with a trail. */
int statx_mount_id(int fd, uint64_t *ret);
