/* SPDX-License-Identifier: MIT */
/* Tokens of well-known services, known by their form wherever they stand in a text. */
#pragma once
#include <stddef.h>

/** token_look() - "GitHub token" and the like, when one of @n bytes at @s is one; else NULL. Not of binaries. */
const char *token_look(const char *s, size_t n);
