/* SPDX-License-Identifier: MIT */
/* Directories that belong to this user alone (threats D10, H01, H02). */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/**
 * private_dir_at() - open @name below @dir, made 0700 when missing and @create
 * It must be a directory, not a link, and ours. What others can only read is tightened to 0700;
 * what others could write to is tightened when empty and refused otherwise (they may have put
 * something there). The umask does not matter.
 * Return: a descriptor (O_RDONLY); -ENOENT (no trail) without @create; -CE_HOST_SETUP with the reason.
 */
int private_dir_at(int dir, const char *name, bool create);

/** private_dir_open() - the same for an absolute path; missing directories above it are made 0700 too. */
int private_dir_open(const char *path, bool create);

/** private_dir_check() - is @path, itself no link, a directory of ours that nobody else can enter? */
bool private_dir_check(const char *path);

/** outer_uid() - our uid in the parent of the user namespace we are in: the same before and in B. */
uid_t outer_uid(void);
gid_t outer_gid(void);

/**
 * dir_spread() - directories made in @fd have nothing to do with each other: let the file system put
 * each somewhere else (ext4: chattr +T). What comes and goes in one place costs: an ext4 without
 * journal searches past every inode that was freed there in the last minutes, 0.1 ms for each new file
 * after some hundred containers. Best effort.
 */
void dir_spread(int fd);
