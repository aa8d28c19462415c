/* SPDX-License-Identifier: MIT */
/*
 * oci-hooks(5): directories of JSON files, each a hook, when it is wanted, and at which stages. Only
 * files that root or we wrote and nobody else can write count, and so for the programs that they
 * name (threats R25): what a hook does, it does with the user's rights.
 */
#pragma once
#include "pkg/oci/runtime_spec.h"

#define HOOK_TIMEOUT_S 60 /* of a hook that gives none */

struct hook_file {
	struct json_object *doc;
	struct oci_hook hook;
	unsigned stages; /* bits of enum oci_hook_stage */
};

struct hook_subject {
	const struct strv *annotations; /* "k=v" */
	const char *command; /* argv[0] */
	bool has_bind_mounts;
};

struct hook_set {
	struct hook_file *v; /* in the order of their files' names */
	unsigned n;
};
void hook_set_done(struct hook_set *s);

/**
 * hook_set_load() - those of @dirs that are for @subject; of equal names the last directory's counts
 * @must_exist: a directory that is not there is an error. A file that is not understood stops all.
 */
int hook_set_load(const struct strv *dirs, bool must_exist, const struct hook_subject *subject,
		  struct hook_set *ret);
