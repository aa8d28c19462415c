/* SPDX-License-Identifier: MIT */
/* Files that look as if they should not be in an image. A guess by name, first bytes and forms of tokens. */
#pragma once
#include <sys/stat.h>

/**
 * secret_look() - what kind of secret the regular file @name in @dir seems to hold; NULL: none
 * @parent: the name of the directory it is in, "" at the root. The text is static.
 */
const char *secret_look(int dir, const char *parent, const char *name, const struct stat *sb);
