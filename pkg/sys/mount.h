/* SPDX-License-Identifier: MIT */
/*
 * Mounts by descriptor (threats D2): made or cloned detached, given their flags, then attached to an
 * O_PATH descriptor, so no path is resolved twice. All return 0 or a descriptor, or a code with a trail.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Flags of one mount, as the kernel counts them (MOUNT_ATTR_*). */
#define MNT_ATTR_RDONLY 0x1U
#define MNT_ATTR_NOSUID 0x2U
#define MNT_ATTR_NODEV 0x4U
#define MNT_ATTR_NOEXEC 0x8U
#define MNT_ATTR_NOATIME 0x10U
#define MNT_ATTR_STRICTATIME 0x20U
#define MNT_ATTR_NODIRATIME 0x80U
#define MNT_ATTR_NOSYMFOLLOW 0x200000U /* from Linux 5.14 on */

/**
 * mount_new() - a detached new file system: fsopen, fsconfig, fsmount
 * @options: "key=value,flag,…" or NULL; @attrs: MNT_ATTR_*.
 */
int mount_new(const char *fstype, const char *options, uint32_t attrs);
/** mount_clone() - a detached bind of @path below @dir (@path "": of @dir itself); @recursive: with what is mounted below. */
int mount_clone(int dir, const char *path, bool recursive);
/** mount_attach() - put the detached mount @mount over the file or directory @target (O_PATH). */
int mount_attach(int mount, int target);
/**
 * mount_set() - add flags and choose the propagation of the mount @mount stands on
 * Only adds: flags that an outer namespace locked stay as they are. @propagation: MS_PRIVATE …, 0: leave.
 */
int mount_set(int mount, bool recursive, uint64_t attrs, uint64_t propagation);
/** mount_pivot() - make the directory @root (a mount point) the root of this mount namespace and drop the old one; ends in "/". */
int mount_pivot(int root);
/** mount_is_fs() - does @fd stand on a file system of that magic number? 1, 0 or a code. */
int mount_is_fs(int fd, uint64_t magic);
