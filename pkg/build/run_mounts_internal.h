/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/build/builder.h"

struct preparing {
	struct builder *b;
	const struct op *o;
	char *dir; /* of this mount, in the workspace */
	struct run_places *out;
};

struct run_place *run_mounts_add(struct run_places *out, const struct run_mount *m);
int run_mounts_dir(const char *path);

/* run_secrets.c */
int run_secrets_add(struct preparing *p, const struct run_mount *m);
int run_ssh_add(struct preparing *p, const struct run_mount *m);
/** run_secrets_key() - what of a secret belongs to the step's identity: of one given with cache-key an HMAC. */
int run_secrets_key(struct builder *b, const struct run_mount *m, struct sha256 *h);
