/* SPDX-License-Identifier: MIT */
/* The content of files. */
#pragma once

/**
 * copy_content() - all of @from, from its beginning, into the empty file @to
 * Shares the blocks where the file system can, else lets the kernel copy. Return: 0 or a code with a trail.
 */
int copy_content(int from, int to);
