/* SPDX-License-Identifier: MIT */
/* OCI image-spec config.md and Docker's image config: strict parse of what a container needs (R31). */
#pragma once
#include <stdint.h>

#include "pkg/base/strv.h"

struct healthcheck {
	struct strv test; /* "NONE" | "CMD", … | "CMD-SHELL", "…"; empty: inherit */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	int retries;
};

struct image_config {
	char *os, *architecture, *variant, *author;
	int64_t created_ns;
	char *user, *working_dir, *stop_signal;
	struct strv env, cmd, entrypoint, shell;
	struct strv labels; /* "k=v" */
	struct strv exposed_ports; /* "80/tcp" */
	struct strv volumes; /* cleaned absolute paths */
	struct strv onbuild;
	struct healthcheck health;
	struct strv diffids; /* hex, bottom first */
	struct {
		int64_t created_ns;
		char *created_by, *comment;
		bool empty_layer;
	} * history;
	unsigned n_history;
};

void image_config_done(struct image_config *c);
/** image_config_parse() - wrong types, NUL bytes, duplicate keys and oversized fields are -CE_BAD_FORMAT. */
int image_config_parse(const char *json, size_t n, struct image_config *ret);
