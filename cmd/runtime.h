/* SPDX-License-Identifier: MIT */
/* "cuddy runtime VERB", or VERB of the name cuddy-runtime: the command line that runc and crun have. */
#pragma once
#include "cmd/cmd.h"

/* Flags that may stand before the verb, as other engines write them, or after it. */
struct runtime_args {
	const char *root, *log, *log_format, *log_level, *cgroup_manager, *rootless;
	bool debug, systemd_cgroup;
};
extern const struct opt runtime_opts[];

bool runtime_by_name(void); /* we were called as cuddy-runtime */
void runtime_version(void);
/** runtime_verb_first() - "runtime --root X create …" becomes "runtime create --root X …". */
void runtime_verb_first(int argc, char **argv);
/** runtime_begin() - every verb's first step: --debug and --log-level hold from here on. */
void runtime_begin(const struct runtime_args *g);
/**
 * runtime_ended() - report the failure @r on stderr and in the log that was asked for
 * Engines look for words in there: of a command that is missing, and of one that may not be executed.
 * Return: 0, or the exit status: 126, 127, else 1.
 */
int runtime_ended(const struct runtime_args *g, int r);
/** runtime_warn_all() - lines that stop nothing, to the same two places. */
void runtime_warn_all(const struct runtime_args *g, const struct strv *lines);
/** runtime_warn() - the same as runtime_ended(), and go on. */
void runtime_warn(const struct runtime_args *g, int r);
