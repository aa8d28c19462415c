/* SPDX-License-Identifier: MIT */
/*
 * .containerignore and .dockerignore: which paths of a build context do not exist for the build.
 * The last rule that matches a path, or one of the directories it lies in, decides; "!" takes back.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define IGNORE_FILE_MAX (1UL << 20)

struct ignore;

/** ignore_new() - no rules: nothing is ignored. */
struct ignore *ignore_new(void);
/** ignore_add() - one rule, as a line of the file or a value of --exclude. Usage error when malformed. */
int ignore_add(struct ignore *g, const char *rule);
/** ignore_parse() - the lines of a file; @name is for errors. */
int ignore_parse(struct ignore *g, const char *name, const char *text, size_t n);
void ignore_free(struct ignore *g);
void ignore_freep(struct ignore **g);

/** ignore_has() - is @path (relative, clean, no leading "/") ignored? The root "" never is. */
bool ignore_has(const struct ignore *g, const char *path);
/** ignore_may_hold() - can something below the ignored directory @path be taken back by a "!" rule? */
bool ignore_may_hold(const struct ignore *g, const char *path);
bool ignore_is_empty(const struct ignore *g);
